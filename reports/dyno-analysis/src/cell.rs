//! The part of a record that belongs to one cell, and which of it may be used.

use std::cell::OnceCell;

use dyno_model::care::SpanKind;
use dyno_model::plan::Cell;
use dyno_store::LaunchRow;
use dyno_view::heat::HeatView;

use crate::energy::CellEnergy;
use crate::record::Record;
use crate::steady::Pace;

/// One cell's launches and requests.
pub(crate) struct CellRecord<'a> {
    pub(crate) record: &'a Record<'a>,
    pub(crate) cell: &'a Cell,
    /// All its launches, sorted by run and number.
    pub(crate) launches: Vec<LaunchRecord<'a>>,
    /// Which of them figures are made of.
    population: Population,
    /// Its pace over the requests, worked out once.
    pub(crate) pace: OnceCell<Pace>,
    /// Whether it stays fast, worked out once.
    pub(crate) heat: OnceCell<Option<HeatView>>,
    /// Its energy, worked out once; `None` where nothing measures power.
    pub(crate) energy: OnceCell<Option<CellEnergy>>,
}

/// Which launches figures are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Population {
    /// Those whose numbers may be used.
    Valid,
    /// The others: for figures that are shown only as what they are.
    Invalid,
}

/// One launch and its requests.
#[derive(Clone)]
pub(crate) struct LaunchRecord<'a> {
    pub(crate) row: &'a LaunchRow,
    /// Rows of the request table, in order of their place.
    pub(crate) rows: Vec<usize>,
}

impl<'a> CellRecord<'a> {
    pub(crate) fn of(record: &'a Record<'a>, cell: &'a Cell) -> Self {
        let requests = &record.requests;
        let belongs = |row: &&LaunchRow| record.cell_of(row.run).is_some_and(|of| of.id == cell.id);
        let launch = |row: &'a LaunchRow| {
            // Requests are sorted by run and launch, so a launch's are one stretch.
            let key = (row.run, row.launch);
            let at = |i: usize| (requests.run[i], requests.launch[i]);
            let start = partition(requests.len(), |i| at(i) < key);
            let end = partition(requests.len(), |i| at(i) <= key);
            LaunchRecord { row, rows: (start..end).collect() }
        };
        let launches = record.launches.iter().filter(belongs).map(launch).collect();
        Self {
            record,
            cell,
            launches,
            population: Population::Valid,
            pace: OnceCell::new(),
            energy: OnceCell::new(),
            heat: OnceCell::new(),
        }
    }

    /// The cell with the figures that may not be used, when none may; `None` when there is one that may.
    pub(crate) fn unusable(&self) -> Option<Self> {
        let is_unusable = !self.launches.is_empty() && self.launches.iter().all(|launch| !launch.is_valid());
        is_unusable.then(|| Self {
            record: self.record,
            cell: self.cell,
            launches: self.launches.clone(),
            population: Population::Invalid,
            pace: OnceCell::new(),
            heat: OnceCell::new(),
            energy: OnceCell::new(),
        })
    }

    /// Launches whose numbers may be used.
    ///
    /// A launch whose record was cut off before its end could not be judged by its guards; its finished requests
    /// count, and a finding says so.
    pub(crate) fn valid_launches(&self) -> impl Iterator<Item = &LaunchRecord<'a>> {
        let is_valid = self.population == Population::Valid;
        self.launches.iter().filter(move |launch| launch.is_valid() == is_valid)
    }

    /// Rows of requests that went well in launches whose numbers may be used: the population of all latencies.
    pub(crate) fn ok_rows(&self) -> Vec<usize> {
        self.valid_launches().flat_map(|launch| self.ok_rows_of(launch)).collect()
    }

    /// Rows of a launch's requests that went well.
    pub(crate) fn ok_rows_of(&self, launch: &LaunchRecord<'_>) -> Vec<usize> {
        launch.rows.iter().copied().filter(|row| self.record.requests.outcome[*row] == "ok").collect()
    }

    /// All rows of the cell's requests.
    pub(crate) fn all_rows(&self) -> impl Iterator<Item = usize> {
        self.launches.iter().flat_map(|launch| launch.rows.iter().copied())
    }
}

impl LaunchRecord<'_> {
    pub(crate) fn is_valid(&self) -> bool {
        self.row.invalid.as_ref().is_none_or(Vec::is_empty)
    }

    /// `run 2`, or `run 2, launch 2` where a run was launched again.
    pub(crate) fn name(&self) -> String {
        launch_name(self.row.run, self.row.launch)
    }

    pub(crate) fn load_ns(&self) -> Option<u64> {
        self.row.ready_at_ns?.checked_sub(self.row.spawned_at_ns?)
    }

    /// Its requests in the order in which they were sent.
    pub(crate) fn sent(&self, record: &Record<'_>) -> Vec<usize> {
        let mut rows = self.rows.clone();
        rows.sort_by_key(|row| (record.requests.sent_at_ns[*row], *row));
        rows
    }

    /// Ready to the first token chunk of the request that was sent first; a rest in between is no part of it.
    pub(crate) fn first_inference_ns(&self, record: &Record<'_>) -> Option<u64> {
        let first = self.rows.iter().copied().min_by_key(|row| (record.requests.sent_at_ns[*row], *row))?;
        let token_at = record.requests.sent_at_ns[first].saturating_add(record.tokens(first).first()?);
        let rests = self.row.spans.iter().filter(|span| span.kind == SpanKind::ReadyIdle);
        let asked_from = rests.map(|span| span.ended_at.0).max().or(self.row.ready_at_ns)?;
        token_at.checked_sub(asked_from)
    }
}

/// `run 2`, or `run 2, launch 2` where a run was launched again.
pub(crate) fn launch_name(run: u32, launch: u32) -> String {
    match launch {
        1 => format!("run {run}"),
        again => format!("run {run}, launch {again}"),
    }
}

/// The first of `0..n` for which `is_before` is false, given that it is true for a first part only.
fn partition(n: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = usize::midpoint(low, high);
        if is_before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

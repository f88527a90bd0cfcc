//! Requests that were to be served, whatever became of them: the denominators.

use std::collections::BTreeMap;

use dyno_model::ids::RunId;
use dyno_stats::{clopper_pearson_lower, clopper_pearson_upper};
use dyno_view::load::ShareIntervalView;

use crate::cell::{CellRecord, LaunchRecord};
use crate::planned::n_planned;

/// Each bound of a 95 % interval leaves out half of the rest.
const ONE_SIDED: f64 = 0.975;

/// Requests of launches whose numbers may be used, but for those that we cut off ourselves.
pub(crate) struct Attempts {
    /// Those in the record.
    pub(crate) rows: Vec<usize>,
    /// Those that were never sent because the runtime had ended.
    pub(crate) n_unsent: u64,
}

impl Attempts {
    pub(crate) fn of(cell: &CellRecord<'_>) -> Self {
        let outcomes = &cell.record.requests.outcome;
        let rows = cell.valid_launches().flat_map(|launch| launch.rows.iter().copied());
        let n_unsent =
            unsent_by_run(cell).into_iter().filter(|(last, _)| last.is_valid()).map(|(_, n)| n).sum();
        Self { rows: rows.filter(|row| outcomes[*row] != "cancelled").collect(), n_unsent }
    }

    /// How many there are.
    pub(crate) fn n(&self) -> u64 {
        self.rows.len() as u64 + self.n_unsent
    }
}

/// Requests of a cell that were never sent because its runtime had ended.
pub(crate) fn n_unsent(cell: &CellRecord<'_>) -> u64 {
    unsent_by_run(cell).into_iter().map(|(_, n)| n).sum()
}

/// The same by run.
pub(crate) fn unsent_of_runs(cell: &CellRecord<'_>) -> BTreeMap<u32, u64> {
    unsent_by_run(cell).into_iter().map(|(last, n)| (last.row.run, n)).collect()
}

/// The last launch of each run, and how many requests of the run it left unsent: none where we ended it ourselves or
/// its record was cut off, for those are measured when a person resumes.
fn unsent_by_run<'c, 'a>(cell: &'c CellRecord<'a>) -> Vec<(&'c LaunchRecord<'a>, u64)> {
    let record = cell.record;
    let mut runs: BTreeMap<u32, (&LaunchRecord<'a>, u64)> = BTreeMap::new();
    for launch in &cell.launches {
        let measured = launch.rows.iter().filter(|row| record.requests.outcome[**row] != "cancelled");
        let of = runs.entry(launch.row.run).or_insert((launch, 0));
        // Launches come in the order of their numbers.
        *of = (launch, of.1 + measured.count() as u64);
    }
    let unsent = |(run, (last, n_measured)): (u32, (&'c LaunchRecord<'a>, u64))| {
        let planned = record.plan.run(RunId(run)).map_or(0, |run| n_planned(record, run));
        let has_ended = last.row.outcome.as_deref().is_some_and(|outcome| outcome != "cancelled");
        (last, if has_ended { planned.saturating_sub(n_measured) } else { 0 })
    };
    runs.into_iter().map(unsent).collect()
}

/// Requests that did not go well, with their interval; `None` when nothing was asked.
pub(crate) fn errors(cell: &CellRecord<'_>) -> Option<ShareIntervalView> {
    let attempts = Attempts::of(cell);
    let is_bad = |row: &&usize| cell.record.requests.outcome[**row] != "ok";
    share(attempts.rows.iter().filter(is_bad).count() as u64 + attempts.n_unsent, attempts.n())
}

/// `n` of `of` with the interval of the share.
pub(crate) fn share(n: u64, of: u64) -> Option<ShareIntervalView> {
    Some(ShareIntervalView {
        n,
        of,
        low: clopper_pearson_lower(n, of, ONE_SIDED)?,
        high: clopper_pearson_upper(n, of, ONE_SIDED)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_the_published_interval() {
        // R's binom.test(10, 100): 0.04900469 to 0.17622260.
        let found = share(10, 100).expect("100 requests");
        assert!(
            (found.low - 0.049_004_69).abs() < 1e-8 && (found.high - 0.176_222_60).abs() < 1e-8,
            "{found:?}"
        );
        assert_eq!(share(0, 0), None);
    }
}

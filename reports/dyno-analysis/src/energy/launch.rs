//! Which source is taken for a cell, and what it says of each launch.

use dyno_view::energy::{EnergyHowView, EnergyLaunchView, OtherSourceView};

use super::idle::Rest;
use super::phases::Timed;
use super::reading::{Energy, Reading, read};
use super::source::{Source, sources};
use super::{class_word, scope_view};
use crate::cell::{CellRecord, LaunchRecord};

/// The source of a cell.
pub(crate) struct Chosen<'a> {
    pub(crate) source: Source<'a>,
    /// Launches that may be used.
    pub(crate) launches: Vec<OfLaunch>,
}

/// What the source says of a launch.
pub(crate) struct OfLaunch {
    pub(crate) run: u32,
    pub(crate) launch: u32,
    pub(crate) name: String,
    /// `None` where the source is not there, or of no use.
    pub(crate) reading: Option<Reading>,
    pub(crate) energy: Result<Energy, String>,
    pub(super) rest: Rest,
    pub(super) requests: Vec<Timed>,
    pub(crate) load: Load,
}

/// The load of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Load {
    /// From the first request's sending
    pub(crate) began: u64,
    /// to the last token.
    pub(crate) ended: u64,
    /// Requests that went well.
    pub(crate) n_ok: u64,
    /// Their tokens; `None` where one of them has none.
    pub(crate) n_tokens: Option<u64>,
    /// Their latencies together.
    pub(crate) latency_ns: u64,
    /// Requests that did not go well.
    pub(crate) n_failed: u64,
}

impl Chosen<'_> {
    pub(super) fn rests(&self) -> Vec<Rest> {
        self.launches.iter().map(|of| of.rest.clone()).collect()
    }
}

/// What tells sources of different launches that they are one.
type Key = (String, String, bool);

fn key(source: &Source<'_>) -> Key {
    (source.driver.to_owned(), source.name.clone(), source.how == EnergyHowView::Counter)
}

/// The sources of one launch with what they say of its load.
struct Tried<'a> {
    source: Source<'a>,
    energy: Result<Energy, String>,
}

/// The best source that has the energy of some launch, and why the others were not taken.
/// `None` where there is no source at all.
pub(crate) fn choose<'a>(
    cell: &CellRecord<'a>,
    launches: &[&LaunchRecord<'_>],
) -> Option<(Option<Chosen<'a>>, Vec<OtherSourceView>)> {
    let tried: Vec<Vec<Tried<'a>>> = launches.iter().map(|launch| try_all(cell, launch)).collect();
    let all = || tried.iter().flatten();
    all().next()?;
    // Of equal rank, the one with the most energy: it covers more of what works.
    let usable = all().filter_map(|of| Some((of, of.energy.as_ref().ok()?.joules)));
    let best = usable.min_by(|(a, joules_a), (b, joules_b)| {
        a.source.rank().cmp(&b.source.rank()).then(joules_b.total_cmp(joules_a))
    });
    let best = best.map(|(of, _)| of.source.clone());
    let others = others(all(), best.as_ref());
    let chosen = best.map(|source| {
        let of_launch = |launch: &&LaunchRecord<'_>| of_launch(cell, launch, &source);
        let launches = launches.iter().map(of_launch).collect();
        Chosen { source, launches }
    });
    Some((chosen, others))
}

fn try_all<'a>(cell: &CellRecord<'a>, launch: &LaunchRecord<'_>) -> Vec<Tried<'a>> {
    let Some(load) = load(cell, launch) else { return Vec::new() };
    let energy = |source: &Source<'_>| read(source)?.energy(load.began, load.ended);
    sources(cell, launch).into_iter().map(|source| Tried { energy: energy(&source), source }).collect()
}

/// Each other source once, with the reason of the first launch that has it.
fn others<'t, 'a: 't>(
    all: impl Iterator<Item = &'t Tried<'a>>,
    best: Option<&Source<'_>>,
) -> Vec<OtherSourceView> {
    let mut seen: Vec<Key> = best.map(key).into_iter().collect();
    let mut others = Vec::new();
    for of in all {
        let source = &of.source;
        if seen.contains(&key(source)) {
            continue;
        }
        seen.push(key(source));
        let why = match (&of.energy, best) {
            (Err(why), _) => why.clone(),
            (Ok(_), Some(best)) => format!("{} is the better source", best.name),
            (Ok(_), None) => continue,
        };
        others.push(OtherSourceView {
            name: source.name.clone(),
            driver: source.driver.to_owned(),
            class: class_word(source),
            scope: scope_view(source),
            why,
        });
    }
    others
}

fn of_launch(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>, chosen: &Source<'_>) -> OfLaunch {
    let source = sources(cell, launch).into_iter().find(|source| key(source) == key(chosen));
    let reading = source.as_ref().ok_or_else(|| "the source was not there".to_owned()).and_then(read);
    let load = load(cell, launch);
    let requests = timeline(cell, launch);
    let energy = match (&reading, load) {
        (Ok(reading), Some(load)) => {
            let swing_s = (load.ended - load.began) as f64 / 1e9 / (2 * requests.len().max(1)) as f64;
            reading.energy_with(load.began, load.ended, swing_s)
        }
        (Err(why), _) => Err(why.clone()),
        (Ok(_), None) => Err("no request was sent".to_owned()),
    };
    OfLaunch {
        run: launch.row.run,
        launch: launch.row.launch,
        name: launch.name(),
        rest: reading.as_ref().map(|reading| Rest::of(launch, reading)).unwrap_or_default(),
        reading: reading.ok(),
        energy,
        requests,
        load: load.unwrap_or_default(),
    }
}

/// From the first request's sending to the last token, those that failed included: they took energy, too.
fn load(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<Load> {
    let (record, requests) = (cell.record, &cell.record.requests);
    let end = |row: usize| match record.tokens(row).last() {
        Some(token) => requests.sent_at_ns[row].saturating_add(token),
        None => requests.ended_at_ns[row],
    };
    let began = launch.rows.iter().map(|row| requests.sent_at_ns[*row]).min()?;
    let ended = launch.rows.iter().map(|row| end(*row)).max()?;
    let ok = cell.ok_rows_of(launch);
    let tokens: Option<Vec<u64>> =
        ok.iter().map(|row| requests.completion_tokens[*row].map(u64::from)).collect();
    let latencies: Vec<u64> = ok.iter().filter_map(|row| record.derived[*row].e2e_ns).collect();
    (ended > began).then(|| Load {
        began,
        ended,
        n_ok: ok.len() as u64,
        n_tokens: tokens.map(|tokens| tokens.iter().sum()),
        latency_ns: latencies.iter().sum(),
        n_failed: (launch.rows.len() - ok.len()) as u64,
    })
}

/// Requests with tokens, in order of time, from when the runtime took them.
fn timeline(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Vec<Timed> {
    let (record, requests) = (cell.record, &cell.record.requests);
    let timed = |row: &usize| {
        let (first, last) = (record.tokens(*row).first()?, record.tokens(*row).last()?);
        let sent = requests.sent_at_ns[*row];
        let computed = requests.prompt_tokens[*row]
            .map(|n| u64::from(n.saturating_sub(requests.cached_tokens[*row].unwrap_or(0))));
        Some(Timed {
            began: sent + requests.queue_ns[*row].unwrap_or(0).min(first),
            first: sent + first,
            last: sent + last,
            n_prefill: computed,
            n_decode: requests.completion_tokens[*row].map(|n| u64::from(n.saturating_sub(1))),
        })
    };
    let mut all: Vec<Timed> = launch.rows.iter().filter_map(timed).collect();
    all.sort_unstable_by_key(|request| (request.began, request.last));
    all
}

impl OfLaunch {
    pub(super) fn view(&self) -> EnergyLaunchView {
        let energy = self.energy.as_ref();
        EnergyLaunchView {
            run: self.run,
            launch: u16::try_from(self.launch).unwrap_or(u16::MAX),
            energy_j: energy.ok().map(|of| of.joules),
            u_j: energy.ok().map(Energy::expanded),
            span_ns: self.load.ended - self.load.began,
            coverage_ratio: energy.ok().map_or_else(|| self.coverage(), |of| of.coverage),
            n_requests: self.load.n_ok,
            n_output_tokens: self.load.n_tokens.unwrap_or(0),
            why_none: energy.err().cloned(),
        }
    }

    fn coverage(&self) -> f64 {
        let found = self.reading.as_ref().and_then(|of| of.integral(self.load.began, self.load.ended));
        found.map_or(0.0, |of| of.coverage)
    }
}

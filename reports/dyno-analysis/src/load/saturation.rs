//! Whether requests came faster than they were served.

use std::collections::BTreeMap;

use dyno_model::load::LoadModel;
use dyno_stats::median;

use super::attempts::Attempts;
use super::{rate_words, time_words};
use crate::cell::{CellRecord, LaunchRecord};

/// House rule: a device keeps up when answers come at least at this share of the offered pace.
pub(super) const KEEPS_UP: f64 = 0.95;
/// House rules: with fewer requests a growth is not told from chance; the last quarter's median wait above so many
/// times the first's is growth beside a pace that falls behind, and above so many times also without one.
const MIN_REQUESTS: usize = 20;
const GROWTH: f64 = 1.5;
const STEEP_GROWTH: f64 = 3.0;
/// House rule: more refusals and timeouts than this share of the requests are load that was turned away.
const TURNED_AWAY: f64 = 0.05;
/// A ramp is looked at in so many stretches of equally many requests; the first of them are its level.
const STRETCHES: usize = 10;
const LEVEL_STRETCHES: usize = 2;
/// House rule: a wait of more than so many times the level has left it.
const LEFT_LEVEL: f64 = 2.0;

/// What is said of a cell that did not keep up.
#[derive(Default)]
pub(super) struct Saturation {
    /// Why, one sentence each; empty when it kept up.
    pub(super) reasons: Vec<String>,
    /// Why percentiles of waits are those of these requests only; `None` where they are those of a service.
    pub(super) no_interval: Option<String>,
}

/// Judges one cell; closed loops cannot be asked for more than they give.
pub(super) fn saturation(
    cell: &CellRecord<'_>,
    attempts: &Attempts,
    offered: Option<f64>,
    answered: Option<f64>,
) -> Saturation {
    let mut found = Saturation::default();
    found.reasons.extend(held_back(cell));
    if !cell.cell.load.is_open() {
        return found;
    }
    if matches!(cell.cell.load, LoadModel::Open { ramp_to_milli_per_s: Some(_), .. }) {
        found.no_interval = Some("the rate changes along the run".to_owned());
        found.reasons.extend(ramp(cell));
    } else if let Some(reason) = queue(cell, offered, answered) {
        found.no_interval = Some("the queue grew all along".to_owned());
        found.reasons.push(reason);
    }
    found.reasons.extend(turned_away(cell, attempts));
    found
}

/// A ceiling makes requests wait for a place.
fn held_back(cell: &CellRecord<'_>) -> Option<String> {
    let n: u64 = cell
        .valid_launches()
        .filter_map(|launch| Some(u64::from(launch.row.load.as_ref()?.n_held_back)))
        .sum();
    (n > 0).then(|| format!("{n} requests waited for a place, because the load has a ceiling"))
}

/// Answers that fall behind and a wait that grows; or a wait that grows steeply.
fn queue(cell: &CellRecord<'_>, offered: Option<f64>, answered: Option<f64>) -> Option<String> {
    let (first, last) = growth(cell)?;
    let (offered, answered) = (offered?, answered?);
    let is_behind = answered < KEEPS_UP * offered && last > GROWTH * first;
    (is_behind || last > STEEP_GROWTH * first).then(|| {
        format!(
            "requests came at {} and answers at {}, and the wait grew from {} in the first quarter to {} in the last: \
             a queue of this kind has no percentiles, they grow as long as it runs",
            rate_words(offered),
            rate_words(answered),
            time_words(first),
            time_words(last),
        )
    })
}

/// Median E2E latency from the due of the first and of the last quarter of the requests, over launches.
fn growth(cell: &CellRecord<'_>) -> Option<(f64, f64)> {
    let (mut first, mut last) = (Vec::new(), Vec::new());
    let mut n = 0;
    for launch in cell.valid_launches() {
        let waits: Vec<f64> = by_due(cell, launch).into_iter().map(|(_, wait)| wait).collect();
        let quarter = waits.len() / 4;
        n += waits.len();
        first.extend_from_slice(&waits[..quarter]);
        last.extend_from_slice(&waits[waits.len() - quarter..]);
    }
    (n >= MIN_REQUESTS).then_some(())?;
    Some((median(&first)?, median(&last)?))
}

/// Due, in ns since the load began, and E2E latency from there, of requests that went well, in the order of their dues.
pub(super) fn by_due(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Vec<(f64, f64)> {
    let record = cell.record;
    let began = began_at(cell, launch);
    let of = |row: usize| {
        let due = record.requests.due_at_ns[row]?.checked_sub(began?)?;
        Some((due as f64, record.derived[row].e2e_sched_ns? as f64))
    };
    let mut all: Vec<(f64, f64)> = cell.ok_rows_of(launch).into_iter().filter_map(of).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    all
}

/// When the load of a launch began: as the generator says, else the earliest due.
pub(super) fn began_at(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<u64> {
    let dues = || launch.rows.iter().filter_map(|row| cell.record.requests.due_at_ns[*row]).min();
    launch.row.load.as_ref().map(|facts| facts.began_at.0).or_else(dues)
}

/// From which rate on the waits of a ramp leave their level for good.
fn ramp(cell: &CellRecord<'_>) -> Option<String> {
    let found = cell.valid_launches().filter_map(|launch| left_level(&by_due(cell, launch)));
    let (due, level, highest) = found.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let rate = rate_at(cell, due).map_or_else(|| "there".to_owned(), rate_words);
    Some(format!(
        "from about {rate} on the wait left its level of {} and rose to {}",
        time_words(level),
        time_words(highest)
    ))
}

/// Where the medians of stretches leave the level of the first ones for good: the due, the level, the highest median.
fn left_level(waits: &[(f64, f64)]) -> Option<(f64, f64, f64)> {
    let size = waits.len() / STRETCHES;
    if waits.len() < MIN_REQUESTS {
        return None;
    }
    let middle = |stretch: &[(f64, f64)]| median(&stretch.iter().map(|(_, wait)| *wait).collect::<Vec<_>>());
    let level = middle(&waits[..LEVEL_STRETCHES * size])?;
    let stretches: Vec<(f64, f64)> =
        waits.chunks(size).filter_map(|of| Some((of[0].0, middle(of)?))).collect();
    let above = stretches.iter().rev().take_while(|(_, median)| *median > LEFT_LEVEL * level);
    let highest = stretches.iter().map(|(_, median)| *median).fold(level, f64::max);
    Some((above.last()?.0, level, highest))
}

/// The rate of a ramp at an instant since its load began, in requests per second.
pub(super) fn rate_at(cell: &CellRecord<'_>, since_ns: f64) -> Option<f64> {
    let LoadModel::Open { rate_milli_per_s, ramp_to_milli_per_s: Some(to), n_requests, .. } = &cell.cell.load
    else {
        return None;
    };
    let (from, to) = (*rate_milli_per_s as f64 / 1e3, *to as f64 / 1e3);
    let length_ns = 2e9 * f64::from(*n_requests) / (from + to);
    (length_ns > 0.0).then(|| from + (to - from) * (since_ns / length_ns).clamp(0.0, 1.0))
}

/// Requests that a busy server refused or left without an answer.
fn turned_away(cell: &CellRecord<'_>, attempts: &Attempts) -> Option<String> {
    let requests = &cell.record.requests;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &attempts.rows {
        let is_busy = matches!(requests.http_status[*row], Some(429 | 503));
        match requests.outcome[*row].as_str() {
            "timeout" => *counts.entry("without an answer in time").or_default() += 1,
            "refused" if is_busy => *counts.entry("refused because the server was busy").or_default() += 1,
            _ => {}
        }
    }
    let n: u64 = counts.values().sum();
    let words: Vec<String> = counts.iter().map(|(word, n)| format!("{n} {word}")).collect();
    (n as f64 > TURNED_AWAY * attempts.n() as f64)
        .then(|| format!("{n} of {} requests were turned away ({})", attempts.n(), words.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_leaves_its_level_where_it_stays_above() {
        // 20 requests, one a second; waits of 1 s, but one spike that passes, until the 15th.
        let wait = |i: u32| {
            if i == 6 {
                9e9
            } else if i < 14 {
                1e9
            } else {
                f64::from(i) * 1e9
            }
        };
        let waits: Vec<(f64, f64)> = (0..20).map(|i| (f64::from(i) * 1e9, wait(i))).collect();
        assert_eq!(left_level(&waits), Some((14e9, 1e9, 18e9)));
        let flat: Vec<(f64, f64)> = (0..20).map(|i| (f64::from(i) * 1e9, 1e9)).collect();
        assert_eq!(left_level(&flat), None);
        assert_eq!(left_level(&waits[..9]), None);
    }
}

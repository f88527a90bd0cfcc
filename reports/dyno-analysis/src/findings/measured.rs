//! Whether a cell's figures mean what they seem to.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::sample::OwnCost;
use dyno_view::report::Finding;

use super::advice::advice;
use super::{counted, invalid, note, percent, some_of, warning};
use crate::cell::{CellRecord, LaunchRecord};
use crate::facts::model_marks;
use crate::observations::median;

/// MEASUREMENT §8: the agent may take one per cent of a CPU.
const AGENT_CPU_SHARE: f64 = 0.01;
/// MEASUREMENT §8: ticks may be late by a fifth of their period at the 99th percentile.
const LATENESS_SHARE: f64 = 0.2;
/// House rule: launch medians that differ by more are told.
const LAUNCH_SPREAD: f64 = 0.05;
/// MEASUREMENT §1.4: gaps are those of tokens only if 99 % of the chunks hold one token.
const WIDE_CHUNK_SHARE: f64 = 0.01;

pub(super) fn findings(cell: &CellRecord<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(invalid_launches(cell));
    findings.extend(failed_requests(cell));
    findings.extend(cell.launches.iter().filter_map(launch_end));
    findings.extend(launch_spread(cell));
    findings.extend(own_cost(cell));
    findings
        .extend(model_marks(cell).into_iter().map(|mark| note(format!("model {}: {mark}", cell.cell.model))));
    findings.extend(token_sources(cell));
    findings.extend(cached(cell));
    findings.extend(wide_chunks(cell));
    findings
}

/// Launches that may not be used; those whose reasons differ only in figures are told together.
fn invalid_launches(cell: &CellRecord<'_>) -> Vec<Finding> {
    let mut all: Vec<(Vec<String>, Vec<&LaunchRecord<'_>>)> = Vec::new();
    for launch in &cell.launches {
        let reasons = reasons(launch);
        if reasons.is_empty() || launch.row.outcome.as_deref() == Some("rebooted") {
            continue;
        }
        let kind: Vec<String> = reasons.iter().map(|reason| without_figures(reason)).collect();
        match all.iter_mut().find(|(of, _)| *of == kind) {
            Some((_, launches)) => launches.push(launch),
            None => all.push((kind, vec![launch])),
        }
    }
    let none_is_left = cell.unusable().is_some();
    all.into_iter().map(|(_, launches)| invalid(invalid_words(&launches, none_is_left))).collect()
}

fn reasons<'a>(launch: &'a LaunchRecord<'_>) -> &'a [String] {
    launch.row.invalid.as_deref().unwrap_or_default()
}

/// What a reason is about: the same for all launches that break one rule.
fn without_figures(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_ascii_digit() && *c != '.').collect()
}

fn invalid_words(launches: &[&LaunchRecord<'_>], none_is_left: bool) -> String {
    let Some(first) = launches.first() else { return String::new() };
    let differ = launches.iter().any(|launch| reasons(launch) != reasons(first));
    let of_which = if differ { format!(" (figures of {})", first.name()) } else { String::new() };
    let is = if launches.len() == 1 { "is" } else { "are" };
    let advice: BTreeSet<&str> = reasons(first).iter().filter_map(|reason| advice(reason)).collect();
    let mut next: Vec<&str> = advice.into_iter().collect();
    if none_is_left {
        next.push("then measure again, for `edgedyno resume` keeps what it has");
    }
    let next = if next.is_empty() { String::new() } else { format!("; {}", next.join("; ")) };
    let names: Vec<String> = launches.iter().map(|launch| launch.name()).collect();
    let why = reasons(first).join("; ");
    format!("{} {is} invalid and in no figure: {why}{of_which}{next}", some_of(&names))
}

fn failed_requests(cell: &CellRecord<'_>) -> Option<Finding> {
    let mut failed: BTreeMap<&str, u64> = BTreeMap::new();
    let mut n_all = 0;
    for row in cell.all_rows() {
        n_all += 1;
        let outcome = cell.record.requests.outcome[row].as_str();
        if outcome != "ok" {
            *failed.entry(outcome).or_default() += 1;
        }
    }
    let n_failed: u64 = failed.values().sum();
    let words: Vec<String> = failed.iter().map(|(outcome, n)| format!("{n} {outcome}")).collect();
    (n_failed > 0).then(|| {
        warning(format!(
            "{n_failed} of {n_all} requests did not end well ({}); they are in no latency",
            words.join(", ")
        ))
    })
}

fn launch_end(launch: &LaunchRecord<'_>) -> Option<Finding> {
    let name = launch.name();
    match launch.row.outcome.as_deref() {
        Some("ok") => None,
        Some("rebooted") => Some(invalid(format!(
            "the device restarted during {name}: what it had recorded before is in the record and in no figure"
        ))),
        Some(outcome) => {
            let detail =
                launch.row.outcome_detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
            Some(warning(format!("{name} ended as {outcome}{detail}")))
        }
        None => Some(note(format!(
            "{name} was cut off, so its guards could not judge it; the requests that it finished count"
        ))),
    }
}

/// Launches that differ by more than noise within one explains.
fn launch_spread(cell: &CellRecord<'_>) -> Option<Finding> {
    let of = |launch: &LaunchRecord<'_>| {
        let rows = cell.ok_rows_of(launch);
        median(rows.iter().filter_map(|row| cell.record.derived[*row].tpot_ns))
    };
    let medians: Vec<f64> = cell.valid_launches().filter_map(of).collect();
    let low = medians.iter().copied().min_by(f64::total_cmp).filter(|low| *low > 0.0)?;
    let high = medians.iter().copied().max_by(f64::total_cmp)?;
    let spread = high / low - 1.0;
    (spread > LAUNCH_SPREAD).then(|| {
        warning(format!(
            "the median TPOT of the {} launches differs by up to {}: more launches tell more than more requests",
            medians.len(),
            percent(spread)
        ))
    })
}

fn own_cost(cell: &CellRecord<'_>) -> Vec<Finding> {
    let costs: Vec<&OwnCost> = cell.launches.iter().filter_map(|launch| launch.row.own.as_ref()).collect();
    let mut findings = Vec::new();
    // Without samples the runtime was scripted: it waits for nothing, and a share of its wall time says nothing.
    let real = costs.iter().filter(|own| own.n_rows > 0);
    let (cpu_ns, wall_ns) =
        real.fold((0, 0), |(cpu_ns, wall_ns), own| (cpu_ns + own.cpu_ns, wall_ns + own.wall_ns));
    let share = cpu_ns as f64 / wall_ns as f64;
    if wall_ns > 0 && share > AGENT_CPU_SHARE {
        findings.push(warning(format!(
            "measuring took {} of one CPU, more than the 1 % that it may",
            percent(share)
        )));
    }
    let n_dropped: u64 = costs.iter().map(|own| own.n_dropped).sum();
    if n_dropped > 0 {
        findings
            .push(warning(format!("{} of samples were lost for want of room", counted(n_dropped, "row"))));
    }
    let period_ns = f64::from(cell.record.plan.sampling_period_ms) * 1e6;
    let lateness_ns = costs.iter().filter_map(|own| own.lateness_p99_ns).max().unwrap_or(0) as f64;
    if lateness_ns > LATENESS_SHARE * period_ns {
        findings.push(note(format!(
            "sensors were read late: p99 of the lateness is {} of the period in the worst launch",
            percent(lateness_ns / period_ns)
        )));
    }
    findings
}

/// Counts that do not come from the engine itself.
fn token_sources(cell: &CellRecord<'_>) -> Option<Finding> {
    let sources: BTreeSet<&str> =
        cell.ok_rows().into_iter().map(|row| cell.record.requests.usage_source[row].as_str()).collect();
    if sources.contains("chunks") {
        return Some(warning(
            "tokens were counted by chunks, for the runtime says no number: TPOT may be too high".to_owned(),
        ));
    }
    let others: Vec<&str> = sources.into_iter().filter(|source| *source != "engine").collect();
    (!others.is_empty()).then(|| note(format!("token counts come from: {}", others.join(", "))))
}

fn cached(cell: &CellRecord<'_>) -> Option<Finding> {
    let cached = &cell.record.requests.cached_tokens;
    let n = cell.ok_rows().into_iter().filter(|row| cached[*row].is_some_and(|n| n > 0)).count() as u64;
    (n > 0).then(|| {
        note(format!(
            "{} had a part of the prompt in a cache: their TTFT is not that of a fresh prompt",
            counted(n, "request")
        ))
    })
}

fn wide_chunks(cell: &CellRecord<'_>) -> Option<Finding> {
    let (mut n_wide, mut n_all) = (0_u64, 0_u64);
    for row in cell.ok_rows() {
        let tokens = cell.record.tokens(row);
        n_all += tokens.len() as u64;
        n_wide += tokens.counts().filter(|n| n.is_some_and(|n| n > 1)).count() as u64;
    }
    let share = n_wide as f64 / n_all as f64;
    (n_wide > 0 && share > WIDE_CHUNK_SHARE).then(|| {
        note(format!(
            "{} of the chunks hold more than one token: chunk gaps are not token gaps",
            percent(share)
        ))
    })
}

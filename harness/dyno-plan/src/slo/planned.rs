//! The part of a set of SLOs that a plan carries along: limits of times of all requests, judged while it runs.

use dyno_model::plan::{PlannedSlo, SloLimit};
use dyno_model::slo::{Condition, Demand, Judged, Objective, Selection, Slo};

/// Requests are judged one by one, and by times only.
const JUDGED: [&str; 3] = ["ttft_ns", "tpot_ns", "e2e_ns"];

/// The set `name` as a plan has it; `Err` says what of it a plan cannot have.
pub(crate) fn plan(name: &str, set: &Slo) -> Result<PlannedSlo, String> {
    let limits = set.objectives.iter().map(planned).collect::<Result<_, _>>();
    let limits =
        limits.map_err(|message: String| format!("the set of SLOs `{name}` cannot be used: {message}"))?;
    Ok(PlannedSlo { name: name.to_owned(), description: set.description.clone(), limits })
}

fn planned(objective: &Objective) -> Result<SloLimit, String> {
    let later = |what: &str| {
        format!("{what} `{}` is judged after the run only, by `edgedyno check --slo`", objective.name)
    };
    let [condition] = objective.conditions.as_slice() else {
        return Err(later("the objective of several limits"));
    };
    let Condition::Limit { metric, limit } = condition else { return Err(later("the objective")) };
    if !JUDGED.contains(&metric.as_str()) {
        return Err(format!("requests are judged by ttft, tpot and e2e, not by `{metric}`"));
    }
    let Demand::Share { fraction_ppm, confidence_ppm } = objective.demand else {
        return Err(later("the objective of every request"));
    };
    if objective.judges == Judged::Launches || objective.selection != Selection::default() {
        return Err(later("the objective of a part of the requests"));
    }
    let milli = |what: &str, ppm: u32| {
        let is_whole = ppm.is_multiple_of(1000);
        let share = f64::from(ppm) / 1e6;
        is_whole.then_some(ppm / 1000).ok_or_else(|| format!("{what} {share} is no number of thousandths"))
    };
    Ok(SloLimit {
        metric: metric.trim_end_matches("_ns").to_owned(),
        limit_ns: limit.round() as u64,
        fraction_milli: milli("fraction", fraction_ppm)?,
        confidence_milli: milli("confidence", confidence_ppm)?,
    })
}

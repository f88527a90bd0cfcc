//! Which metrics a scenario is judged by, and what change of each matters.

use dyno_model::load::LoadModel;
use dyno_model::metric::{Direction, METRICS, Metric, Population, Unit};
use dyno_model::plan::Cell;
use dyno_model::start::StartState;
use dyno_view::comparison::Better;

use super::error::CompareError;

/// The smallest changes that matter (MEASUREMENT §3.5, rule 5; house rule).
const DELTA_TIME: f64 = 0.03;
const DELTA_ENERGY: f64 = 0.05;
const DELTA_MEMORY: f64 = 0.02;

/// Metrics that are asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Asked {
    /// Those of the scenario.
    Usual,
    /// These, the primary one first.
    These(Vec<&'static Metric>),
}

/// The metrics of words, with or without their unit.
pub(crate) fn asked(words: &[String]) -> Result<Asked, CompareError> {
    if words.is_empty() {
        return Ok(Asked::Usual);
    }
    let mut found: Vec<&'static Metric> = Vec::new();
    for word in words {
        let metric = METRICS.iter().find(|metric| is_meant(metric, word) && can_be_compared(metric));
        let metric = metric.ok_or_else(|| CompareError::NoMetric {
            word: word.clone(),
            known: METRICS.iter().filter(|of| can_be_compared(of)).map(|of| of.id.to_owned()).collect(),
        })?;
        if found.iter().all(|of| of.id != metric.id) {
            found.push(metric);
        }
    }
    Ok(Asked::These(found))
}

/// It has a better and a worse, and a value above 0 for each launch. Whether an answer passes is compared prompt by prompt.
fn can_be_compared(metric: &Metric) -> bool {
    metric.direction != Direction::Neutral && metric.population != Population::Gap && metric.id != "passed"
}

fn is_meant(metric: &Metric, word: &str) -> bool {
    let suffix = match metric.unit {
        Unit::Ns => "_ns",
        Unit::TokensPerSecond => "_tokens_per_s",
        Unit::Bytes => "_bytes",
        Unit::Tokens => "_tokens",
        Unit::Joules => "_j",
        Unit::Ratio => "_ratio",
    };
    metric.id == word || metric.id.strip_suffix(suffix) == Some(word)
}

/// What a cell is judged by: each question once. The decode rate is the inverse of TPOT, the prefill rate that of TTFT
/// for one prompt, and the output rate that of E2E latency for one user.
pub(crate) fn metrics_of(cell: &Cell, asked: &Asked) -> Vec<&'static Metric> {
    if let Asked::These(metrics) = asked {
        return metrics.clone();
    }
    let is_open = cell.load.is_open();
    let is_usual = |metric: &&Metric| match metric.id {
        "ttft_sched_ns" | "e2e_sched_ns" => is_open,
        "ttft_ns" | "e2e_ns" => !is_open,
        "output_tokens_per_s" => matches!(cell.load, LoadModel::Closed { workers, .. } if workers > 1),
        "sustained_tokens_per_s" | "sustained_ratio" => cell.hold.is_some(),
        "tpot_ns" | "load_ns" | "first_inference_ns" | "peak_rss_bytes" | "j_per_request"
        | "j_per_output_token" => true,
        _ => false,
    };
    METRICS.iter().filter(is_usual).collect()
}

/// The metric that a cell is about, of those that could be tested; the first of a list that begins with what a user of
/// such a load waits for.
pub(crate) fn primary_of(cell: &Cell, asked: &Asked, tested: &[&str]) -> Option<String> {
    let by_load: &[&str] = if cell.hold.is_some() {
        &["sustained_tokens_per_s", "tpot_ns", "e2e_ns"]
    } else if is_cold(cell.start) {
        &["load_ns", "first_inference_ns"]
    } else if cell.load.is_open() {
        &["e2e_sched_ns", "ttft_sched_ns", "tpot_ns"]
    } else {
        &["e2e_ns", "tpot_ns", "ttft_ns"]
    };
    let wished: Vec<&str> = match asked {
        Asked::These(metrics) => metrics.iter().map(|metric| metric.id).collect(),
        Asked::Usual => by_load.to_vec(),
    };
    let found = wished.into_iter().find(|id| tested.contains(id)).or(tested.first().copied());
    found.map(str::to_owned)
}

/// Whether launches are about their start: a warm one is only to make launches alike.
fn is_cold(start: StartState) -> bool {
    match start {
        StartState::DeviceCold | StartState::StorageCold | StartState::CompileCold => true,
        StartState::AsItIs | StartState::PageWarm => false,
    }
}

/// The smallest change of a metric that matters, as a share.
pub(crate) fn delta_of(metric: &Metric) -> f64 {
    match metric.unit {
        Unit::Ns | Unit::TokensPerSecond | Unit::Tokens | Unit::Ratio => DELTA_TIME,
        Unit::Joules => DELTA_ENERGY,
        Unit::Bytes => DELTA_MEMORY,
    }
}

pub(crate) fn better(metric: &Metric) -> Better {
    match metric.direction {
        Direction::HigherIsBetter => Better::Higher,
        Direction::LowerIsBetter | Direction::Neutral => Better::Lower,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_metrics_with_or_without_their_unit() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let Ok(Asked::These(found)) = asked(&words(&["tpot", "ttft_ns", "peak_rss", "tpot_ns"])) else {
            panic!("all of them are metrics")
        };
        let ids: Vec<&str> = found.iter().map(|metric| metric.id).collect();
        assert_eq!(ids, ["tpot_ns", "ttft_ns", "peak_rss_bytes"]);
        assert_eq!(asked(&[]), Ok(Asked::Usual));
        // A length has no better and no worse, and gaps have no launch.
        for word in ["osl", "chunk_gap", "speed", ""] {
            assert!(matches!(asked(&words(&[word])), Err(CompareError::NoMetric { .. })), "{word}");
        }
    }

    #[test]
    fn the_primary_metric_is_what_the_scenario_is_about() {
        let check = |load: LoadModel, start: StartState, expected: &str| {
            let cell = Cell {
                id: "c".into(),
                device: "local".into(),
                runtime: "fake".to_owned(),
                model: "none".to_owned(),
                threads: None,
                context_tokens: 2048,
                load,
                start,
                hold: None,
                arm: None,
            };
            let usual: Vec<&str> = metrics_of(&cell, &Asked::Usual).iter().map(|metric| metric.id).collect();
            assert_eq!(primary_of(&cell, &Asked::Usual, &usual).as_deref(), Some(expected));
        };
        let single = || LoadModel::Single { think_ms: 0 };
        check(single(), StartState::AsItIs, "e2e_ns");
        // Page-warm launches are alike; they are not about their start.
        check(single(), StartState::PageWarm, "e2e_ns");
        check(single(), StartState::StorageCold, "load_ns");
        let open = LoadModel::Open {
            arrivals: dyno_model::load::Arrivals::Poisson,
            rate_milli_per_s: 1000,
            ramp_to_milli_per_s: None,
            n_requests: 5,
            max_in_flight: None,
        };
        check(open, StartState::AsItIs, "e2e_sched_ns");
    }
}

//! What a good request is, and which runs may be left out because of what those before them showed.
//!
//! Both are part of the plan, so that a rule for stopping is declared before the first run.

use dyno_model::plan::{PlannedSlo, Steering};
use dyno_model::slo::Slo;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::ask::Ask;
use crate::document::Document;
use crate::load::LoadWords;
use crate::problem::{Problem, Problems, known_words};
use crate::registry::{At, Registry};
use crate::slo;
use crate::suite::SuiteWords;

/// A launch may hold no more than 40 % of the requests that a claim rests on (MEASUREMENT §9.2), so nothing is left
/// out before the third launch of a cell, and with three launches nothing could be left out at all.
const LEAST_REPETITIONS: u32 = 4;
const DEFAULT_CONFIDENCE: f64 = 0.95;

/// When a cell needs no more launches.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum StopWords {
    /// A percentile is known well enough.
    Precision {
        /// Of which metric; in open loops `ttft` and `e2e` count from the due.
        metric: MetricWords,
        /// Which percentile, to a tenth: 95.
        percentile: f64,
        /// Both ends of its interval lie within so many percent of it, to a tenth.
        within_percent: f64,
        /// Confidence of the interval, over all looks together, to a thousandth.
        #[serde(default = "default_confidence")]
        confidence: f64,
    },
    /// Every limit of the suite's `slo` is shown to be kept, or one is shown not to be.
    SloDecided,
}

fn default_confidence() -> f64 {
    DEFAULT_CONFIDENCE
}

/// A metric of single requests that is a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MetricWords {
    /// Time to the first token.
    Ttft,
    /// Time per output token.
    Tpot,
    /// Time to the last token.
    E2e,
}

impl MetricWords {
    fn id(self) -> &'static str {
        match self {
            Self::Ttft => "ttft",
            Self::Tpot => "tpot",
            Self::E2e => "e2e",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Ttft, Self::Tpot, Self::E2e].into_iter().find(|metric| metric.id() == word)
    }
}

/// What the plan says of it.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    pub(crate) slo: Option<PlannedSlo>,
    pub(crate) steering: Option<Steering>,
}

/// Reports what a schema cannot see of `slo`, `stop` and a search for capacity in the suite `name`.
pub(crate) fn check(
    name: &str,
    words: &SuiteWords,
    document: &Document<'_>,
    slos: &Registry<'_, Slo>,
    problems: &mut Problems,
) {
    if let Some(slo) = &words.slo {
        slos.find(slo, &At::File(document, ["suite", name, "slo"].map(str::to_owned).to_vec()), problems);
    }
    let mut report = |keys: &[&str], message: String, hint: String| {
        let path: Vec<&str> = ["suite", name].iter().chain(keys).copied().collect();
        problems.push(document.problem_at(&path, message, Some(hint)));
    };
    if let Some(StopWords::Precision { percentile, within_percent, confidence, .. }) = &words.stop {
        let numbers = [
            ("percentile", *percentile, Thousandths::of_percent(*percentile, (1, 999))),
            ("within_percent", *within_percent, Thousandths::of_percent(*within_percent, (1, 1000))),
            ("confidence", *confidence, Thousandths::of_share(*confidence)),
        ];
        for (key, number, read) in numbers {
            if let Err(hint) = read {
                report(&["stop", key], format!("`{key}` is out of range: {number}"), hint);
            }
        }
    }
    let loads = words.load.values();
    let Some((idx, _)) = loads.iter().find(|(_, load)| load.is_capacity()) else { return };
    if loads.len() > 1 {
        let idx = idx.map(|idx| idx.to_string());
        let keys: Vec<&str> = ["load"].into_iter().chain(idx.as_deref()).collect();
        let hint = "give it a suite of its own".to_owned();
        report(&keys, "a search for capacity beside another load".to_owned(), hint);
    }
    if words.stop.is_some() {
        let hint = "leave `stop` out: the search itself leaves out rates".to_owned();
        report(&["stop"], "`stop` beside a search for capacity".to_owned(), hint);
    }
}

/// What the suite and the ask say, as the plan has it.
pub(crate) fn declare(
    suite: &SuiteWords,
    document: &Document<'_>,
    ask: &Ask,
    slos: &Registry<'_, Slo>,
    problems: &mut Problems,
) -> Declared {
    let place = |key: &str| At::File(document, ["suite", &ask.suite, key].map(str::to_owned).to_vec());
    let asked = ask.slo.as_ref().map(|name| (name, At::Flag("--slo")));
    let named = asked.or_else(|| suite.slo.as_ref().map(|name| (name, place("slo"))));
    let slo = named.as_ref().and_then(|(name, at)| {
        let set = slos.find(name, at, problems)?;
        slo::plan(name, set).map_err(|message| problems.push(at.problem(message, None))).ok()
    });
    let without_slo = |at: &At<'_>, what: &str| {
        let hint = "add slo = \"interactive\" to the suite, or --slo NAME".to_owned();
        at.problem(format!("{what} needs a set of SLOs"), Some(hint))
    };
    if ask.load.is_none() && suite.load.values().iter().any(|(_, load)| load.is_capacity()) {
        if named.is_none() {
            problems.push(without_slo(&place("load"), "a search for capacity"));
        }
        if ask.stop.is_some() {
            let message = "a search for capacity itself leaves out rates".to_owned();
            problems.push(Problem::of_flag("--stop", message, None));
        }
        return Declared { slo, steering: Some(Steering::Capacity) };
    }
    let at = if ask.stop.is_some() { At::Flag("--stop") } else { place("stop") };
    let stop = match &ask.stop {
        Some(words) => asked_stop(words, problems),
        None => suite.stop.clone(),
    };
    let repetitions = ask.repetitions.unwrap_or(suite.repetitions);
    let steering = stop.and_then(|stop| stop.steering(repetitions));
    if steering.is_some() && repetitions < LEAST_REPETITIONS {
        let message = format!("nothing could be left out of {repetitions} repetitions");
        let hint = format!("{LEAST_REPETITIONS} or more: nothing is left out before the third");
        problems.push(at.problem(message, Some(hint)));
    }
    if matches!(steering, Some(Steering::SloDecided { .. })) && named.is_none() {
        problems.push(without_slo(&at, "to stop when it is decided"));
    }
    Declared { slo, steering }
}

impl StopWords {
    /// `None` when a number is out of range, which has been reported.
    fn steering(&self, repetitions: u32) -> Option<Steering> {
        let n_looks = repetitions.saturating_sub(1);
        Some(match self {
            Self::Precision { metric, percentile, within_percent, confidence } => Steering::Precision {
                metric: metric.id().to_owned(),
                permille: Thousandths::of_percent(*percentile, (1, 999)).ok()?.0,
                within_milli: Thousandths::of_percent(*within_percent, (1, 1000)).ok()?.0,
                confidence_milli: Thousandths::of_share(*confidence).ok()?.0,
                n_looks,
            },
            Self::SloDecided => Steering::SloDecided { n_looks },
        })
    }
}

/// The words of `--stop`: `never`, `slo-decided`, or `p95:ttft:5%`.
fn asked_stop(words: &str, problems: &mut Problems) -> Option<StopWords> {
    if words == "never" {
        return None;
    }
    if words == "slo-decided" {
        return Some(StopWords::SloDecided);
    }
    let parts: Vec<&str> = words.split(':').collect();
    let (message, hint) = match parts.as_slice() {
        [percentile, metric, within] => match MetricWords::of(metric) {
            Some(metric) => match precision(percentile, metric, within) {
                Some(stop) => return Some(stop),
                None => (
                    format!("`{words}` has a number that does not fit"),
                    "p0.1 to p99.9, and 0.1% to 100%".to_owned(),
                ),
            },
            None => (format!("unknown metric `{metric}`"), known_words(metric, &["ttft", "tpot", "e2e"])),
        },
        _ => (format!("`{words}` says nothing"), "never, slo-decided, or p95:ttft:5%".to_owned()),
    };
    problems.push(Problem::of_flag("--stop", message, Some(hint)));
    None
}

fn precision(percentile: &str, metric: MetricWords, within: &str) -> Option<StopWords> {
    let percentile = percentile.strip_prefix('p')?.parse().ok()?;
    let within_percent = within.strip_suffix('%').unwrap_or(within).parse().ok()?;
    Thousandths::of_percent(percentile, (1, 999)).ok()?;
    Thousandths::of_percent(within_percent, (1, 1000)).ok()?;
    Some(StopWords::Precision { metric, percentile, within_percent, confidence: DEFAULT_CONFIDENCE })
}

/// A share in thousandths. `Err` says which numbers fit.
struct Thousandths(u32);

impl Thousandths {
    /// Of a number of percent; the range is in thousandths.
    fn of_percent(percent: f64, (low, high): (u32, u32)) -> Result<Self, String> {
        let (from, to) = (f64::from(low) / 10.0, f64::from(high) / 10.0);
        Self::exact(percent * 10.0, (low, high))
            .ok_or_else(|| format!("from {from} to {to}, in steps of 0.1"))
    }

    /// Of a confidence.
    fn of_share(share: f64) -> Result<Self, String> {
        Self::exact(share * 1000.0, (500, 999))
            .ok_or_else(|| "from 0.5 to 0.999, in steps of 0.001".to_owned())
    }

    fn exact(milli: f64, (low, high): (u32, u32)) -> Option<Self> {
        let whole = milli.round();
        let fits = (milli - whole).abs() < 1e-6 && (f64::from(low)..=f64::from(high)).contains(&whole);
        fits.then_some(Self(whole as u32))
    }
}

impl LoadWords {
    /// Whether it is a search for the highest rate that keeps the SLOs.
    pub(crate) fn is_capacity(&self) -> bool {
        matches!(self, Self::Capacity { .. })
    }
}

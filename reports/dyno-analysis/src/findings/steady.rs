//! Whether one number may stand for a launch.

use dyno_view::report::Finding;
use dyno_view::steady::SteadyWord;

use super::{note, some_of, warning};
use crate::cell::CellRecord;
use crate::independence::n_effective;
use crate::steady::{LaunchPace, Pace};

pub(super) fn findings(cell: &CellRecord<'_>) -> Vec<Finding> {
    let all = [changing(cell), slowing(cell), warming(cell), dependence(cell)];
    all.into_iter().flatten().collect()
}

/// The launches of one class, by name, and all that have a class.
fn named<'c>(cell: &'c CellRecord<'_>, word: SteadyWord) -> (Vec<&'c LaunchPace>, usize) {
    let launches = &Pace::of(cell).launches;
    let of = launches.iter().filter(|launch| launch.word() == word).collect();
    (of, launches.iter().filter(|launch| launch.state.is_some()).count())
}

fn names(launches: &[&LaunchPace]) -> String {
    let names: Vec<String> = launches.iter().map(|launch| launch.name.clone()).collect();
    some_of(&names)
}

fn changing(cell: &CellRecord<'_>) -> Option<Finding> {
    let (launches, of) = named(cell, SteadyWord::NoSteadyState);
    (!launches.is_empty()).then(|| {
        warning(format!(
            "{} of {of} launches came to no steady state ({}): percentiles of TPOT mix levels that lasted for unlike \
             times; look at the chart `Pace over a launch`, and measure for longer",
            launches.len(),
            names(&launches)
        ))
    })
}

fn slowing(cell: &CellRecord<'_>) -> Option<Finding> {
    // Of loads that go on it is told with its cause.
    if crate::heat::heat(cell).is_some() {
        return None;
    }
    let (launches, of) = named(cell, SteadyWord::Slowdown);
    (!launches.is_empty()).then(|| {
        warning(format!(
            "{} of {of} launches became slower ({}): look for throttling in temperatures and clocks; the pace of the \
             beginning does not last",
            launches.len(),
            names(&launches)
        ))
    })
}

fn warming(cell: &CellRecord<'_>) -> Option<Finding> {
    let (launches, of) = named(cell, SteadyWord::WarmUp);
    (!launches.is_empty()).then(|| {
        note(format!(
            "{} of {of} launches were slower at first ({}): the figures of the state W leave their warm-up out, all \
             others have it in",
            launches.len(),
            names(&launches)
        ))
    })
}

/// Requests that resemble their neighbours tell less than as many independent ones (MEASUREMENT §2.5).
fn dependence(cell: &CellRecord<'_>) -> Option<Finding> {
    let n = cell.ok_rows().len();
    let of = |metric: &str, label: &str| Some(format!("{} for {label}", n_effective(metric, cell)?));
    let words: Vec<String> = [of("ttft_ns", "TTFT"), of("tpot_ns", "TPOT")].into_iter().flatten().collect();
    (!words.is_empty()).then(|| {
        note(format!(
            "requests resemble the one before them (lag-1 autocorrelation): {n} of them are worth fewer independent \
             ones, {}, and the intervals are that much wider",
            words.join(" and ")
        ))
    })
}

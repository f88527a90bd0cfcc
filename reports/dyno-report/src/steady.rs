//! What every format says of the steady state of a cell.

use dyno_view::report::UnitView;
use dyno_view::steady::{StateFigureView, SteadyLaunchView, SteadyView, SteadyWord};

use crate::proof::launch_name;
use crate::words::{Worded, count, figure, plural, value};

/// How many launches did what: `steady in 2 of 3 launches, slower at first in 1`; with the reason where W has no
/// figure.
pub(crate) fn verdict(view: &SteadyView) -> String {
    const WORDS: [(SteadyWord, &str); 4] = [
        (SteadyWord::Steady, "steady"),
        (SteadyWord::WarmUp, "slower at first"),
        (SteadyWord::Slowdown, "faster at first"),
        (SteadyWord::NoSteadyState, "no steady state"),
    ];
    let of = plural(view.launches.len() as u64, "launch", "launches");
    let mut parts: Vec<String> = Vec::new();
    for (class, words) in WORDS {
        let n = view.launches.iter().filter(|launch| launch.class == class).count();
        if n > 0 {
            let n = count(n as u64);
            parts.push(if parts.is_empty() {
                format!("{words} in {n} of {of}")
            } else {
                format!("{words} in {n}")
            });
        }
    }
    let n_too_few =
        view.launches.iter().filter(|launch| matches!(launch.class, SteadyWord::TooFew { .. })).count();
    if n_too_few > 0 && !parts.is_empty() {
        parts.push(format!("too few requests in {}", count(n_too_few as u64)));
    }
    match (&view.no_figure, parts.is_empty()) {
        (Some(reason), true) => format!("not known: {reason}"),
        (Some(reason), false) => format!("{}; {reason}", parts.join(", ")),
        (None, _) => parts.join(", "),
    }
}

/// The figures in words: `W: TTFT, steady`, and what it is.
pub(crate) fn figures(view: &SteadyView) -> Vec<(String, Worded, String)> {
    view.figures.iter().map(|of| (format!("{}: {}", of.state, of.label), worded(of), n(of))).collect()
}

fn worded(of: &StateFigureView) -> Worded {
    figure(of.unit, &of.figure, of.n, of.n_effective)
}

/// `n = 234`, or `n = 234, worth 96`.
fn n(of: &StateFigureView) -> String {
    match of.n_effective {
        None => format!("n = {}", count(of.n)),
        Some(worth) => format!("n = {}, worth {}", count(of.n), count(worth)),
    }
}

/// One launch in words.
pub(crate) struct Launch {
    pub(crate) name: String,
    pub(crate) class: &'static str,
    /// `good`, `warn` or empty.
    pub(crate) tone: &'static str,
    pub(crate) n: String,
    /// `4 – 40: 25.0 ms`, one for each level.
    pub(crate) levels: Vec<String>,
    /// `41 – 120`.
    pub(crate) steady: String,
}

/// Launches that have a class; the others are in the verdict.
pub(crate) fn launches(view: &SteadyView) -> Vec<Launch> {
    let has_class = |launch: &&SteadyLaunchView| !matches!(launch.class, SteadyWord::TooFew { .. });
    view.launches.iter().filter(has_class).map(launch).collect()
}

fn launch(view: &SteadyLaunchView) -> Launch {
    let (class, tone) = match view.class {
        SteadyWord::Steady => ("steady", "good"),
        SteadyWord::WarmUp => ("warm-up, then steady", "good"),
        SteadyWord::Slowdown => ("slowdown, then steady", "warn"),
        SteadyWord::NoSteadyState => ("no steady state", "warn"),
        SteadyWord::TooFew { .. } => ("too few requests", ""),
    };
    let levels = view
        .segments
        .iter()
        .map(|of| format!("{} – {}: {}", of.first, of.last, value(UnitView::Ns, of.level_ns)))
        .collect();
    Launch {
        name: launch_name(view.run, view.launch),
        class,
        tone,
        n: count(view.n),
        levels,
        steady: view.steady.map_or_else(|| "none".to_owned(), |[first, last]| format!("{first} – {last}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(classes: &[SteadyWord], no_figure: Option<&str>) -> SteadyView {
        let launch = |class: &SteadyWord| SteadyLaunchView {
            run: 0,
            launch: 1,
            n: 40,
            class: *class,
            segments: Vec::new(),
            steady: None,
        };
        SteadyView {
            signal: "TPOT".to_owned(),
            launches: classes.iter().map(launch).collect(),
            figures: Vec::new(),
            no_figure: no_figure.map(str::to_owned),
        }
    }

    #[test]
    fn a_verdict_counts_launches() {
        use SteadyWord::{NoSteadyState, Steady, TooFew, WarmUp};
        let check = |classes: &[SteadyWord], why, expected: &str| {
            assert_eq!(verdict(&view(classes, why)), expected);
        };
        check(&[Steady, Steady], None, "steady in 2 of 2 launches");
        check(
            &[Steady, WarmUp, TooFew { needed: 43 }],
            None,
            "steady in 1 of 3 launches, slower at first in 1, too few requests in 1",
        );
        check(&[NoSteadyState], Some("see the curve"), "no steady state in 1 of 1 launch; see the curve");
        check(&[TooFew { needed: 43 }], Some("too few"), "not known: too few");
    }
}

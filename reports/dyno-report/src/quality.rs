//! What every format says of answers that were graded.

use dyno_view::quality::{
    FailedAnswerView, FrontierFigureView, FrontierRowView, FrontierView, PassRateView, QualityView,
};
use dyno_view::report::UnitView;

use crate::words::{Worded, count, grouped, plural, ranged, value};

/// Name of the share of prompts that pass.
pub(crate) const PASS_RATE: &str = "Pass rate";

/// What stands near every pass rate.
pub(crate) const NOTE: &str = "A prompt passes where its grader accepts the answer, which is a necessary condition and no mark for style. n counts prompts: one that was answered several times is one observation, the share of its answers that pass. [low – high] is the exact binomial 95 % interval over prompts (Clopper–Pearson): what other prompts of the same kind would show.";

/// The same for a terminal, where it stands below each cell.
pub(crate) const SHORT_NOTE: &str = "n counts prompts, however often each was answered; [low – high] is the exact binomial 95 % interval over prompts.";

/// What stands below cells by speed and quality.
pub(crate) const FRONT_NOTE: &str = "A row is on the front where no other one is as good in all that counts and better in some of it. Figures alone decide on that, not their intervals: where those overlap, no order is claimed. `compare` tests whether two cells differ on the same prompts.";

/// Heads of a cell's table, after the category.
pub(crate) const HEADS: [&str; 5] = ["n", "Pass", PASS_RATE, "Cut off", "Ungraded"];

/// Heads of the table of cells, after the cell.
pub(crate) const FRONT_HEADS: [&str; 5] =
    [PASS_RATE, "Decode rate p50", "E2E latency p95", "Energy per token", "Front"];

/// A category, or all of them, in one row.
pub(crate) struct Row {
    /// `arithmetic`; foreign text.
    pub(crate) name: String,
    /// Prompts with a graded answer.
    pub(crate) n: String,
    /// How many of them pass.
    pub(crate) passed: String,
    pub(crate) rate: Worded,
    /// `3 of 40 answers`; empty where none was.
    pub(crate) cut: String,
    /// Prompts that no program can judge; empty where there are none.
    pub(crate) ungraded: String,
}

/// All prompts first, then by category.
pub(crate) fn rows(view: &QualityView) -> Vec<Row> {
    let categories = view.categories.iter().map(|of| row(&of.category, &of.rate));
    [row("all prompts", &view.overall)].into_iter().chain(categories).collect()
}

fn row(name: &str, of: &PassRateView) -> Row {
    let some = |n: u64, words: String| if n == 0 { String::new() } else { words };
    let answers = plural(of.n_answers, "answer", "answers");
    Row {
        name: name.to_owned(),
        n: count(of.n),
        passed: passed(of.n_passed),
        rate: rate(of),
        cut: some(of.n_cut, format!("{} of {answers}", count(of.n_cut))),
        ungraded: some(of.n_ungraded, count(of.n_ungraded)),
    }
}

/// `31`, or `30.7` where answers to one prompt differ.
fn passed(n: f64) -> String {
    let is_whole = (n - n.round()).abs() < 1e-6;
    grouped(n, i32::from(!is_whole))
}

/// `77.5 % [61.5 – 89.2]`.
pub(crate) fn rate(of: &PassRateView) -> Worded {
    match (of.rate, of.interval) {
        (Some(rate), Some([low, high])) => ranged(UnitView::Ratio, [rate, low, high]),
        (Some(rate), None) => {
            Worded::Estimate { value: value(UnitView::Ratio, rate), interval: String::new() }
        }
        (None, _) => Worded::Missing { reason: "no answer is graded".to_owned() },
    }
}

/// `40 prompts, 120 answers`.
pub(crate) fn population(of: &PassRateView) -> String {
    let prompts = plural(of.n, "prompt", "prompts");
    format!("{prompts}, {}", plural(of.n_answers, "graded answer", "graded answers"))
}

/// What is to be said of a cell's pass rate, one sentence each.
pub(crate) fn sentences(view: &QualityView) -> Vec<String> {
    let of = &view.overall;
    let mut all = Vec::new();
    if of.n_cut > 0 {
        let missed = match of.n_cut - of.n_cut_passed {
            0 => "all of them pass".to_owned(),
            missed => format!("{} of them do not pass, which may be for that reason", count(missed)),
        };
        all.push(format!(
            "{} of {} were cut off at the most tokens that are allowed; {missed}",
            count(of.n_cut),
            plural(of.n_answers, "graded answer", "graded answers"),
        ));
    }
    if of.n_mixed > 0 {
        all.push(format!(
            "{} passed with some answers and not with others; each counts as the share that passes",
            plural(of.n_mixed, "prompt", "prompts")
        ));
    }
    if of.n_ungraded > 0 {
        let prompts = plural(of.n_ungraded, "prompt is", "prompts are");
        all.push(format!("{prompts} in no pass rate: no program can judge the answers"));
    }
    if of.n_failed > 0 {
        let requests = plural(of.n_failed, "request", "requests");
        all.push(format!(
            "{requests} of graded prompts failed and brought no answer; they are in no pass rate"
        ));
    }
    all.extend(view.notes.iter().cloned());
    all
}

/// A failed answer's heading: `p-3: exact accepts Paris; 1 of 3 answers passes`; foreign text.
pub(crate) fn failure(of: &FailedAnswerView) -> String {
    let answers = if of.n_answers > 1 {
        format!("; {} of {} answers pass", count(of.n_passed), count(of.n_answers))
    } else {
        String::new()
    };
    let cut = if of.finish.as_deref() == Some("length") { "; cut off" } else { "" };
    format!("{}: {} accepts {}{answers}{cut}", of.prompt_id, of.grader, of.accepts)
}

/// `Prompts that do not pass`, with how many are shown.
pub(crate) fn failures_heading(view: &QualityView) -> String {
    let shown = view.failures.len() as u64;
    if shown == view.n_not_passed {
        return "Answers that do not pass".to_owned();
    }
    let (shown, all) = (count(shown), plural(view.n_not_passed, "prompt", "prompts"));
    format!("Answers that do not pass: {shown} of {all}")
}

/// A cell by speed, quality and energy.
pub(crate) struct FrontRow {
    /// Foreign text.
    pub(crate) name: String,
    /// Pass rate, speed, latency, energy.
    pub(crate) figures: [Worded; 4],
    /// `on the front`, or by which ones it is beaten; foreign text.
    pub(crate) standing: String,
    pub(crate) is_on_front: bool,
}

/// All cells of a group.
pub(crate) fn front_rows(view: &FrontierView) -> Vec<FrontRow> {
    view.rows.iter().map(|row| front_row(row, view.judged_by.len() > 1)).collect()
}

fn front_row(row: &FrontierRowView, has_front: bool) -> FrontRow {
    let is_on_front = has_front && row.beaten_by.is_empty();
    let standing = match (has_front, is_on_front) {
        (false, _) => "n/a".to_owned(),
        (true, true) => "on the front".to_owned(),
        (true, false) => format!("beaten by {}", some_of(&row.beaten_by)),
    };
    let figures = [rate(&row.quality), figure(row.speed), figure(row.latency), figure(row.energy)];
    FrontRow { name: row.name.clone(), figures, standing, is_on_front }
}

fn figure(of: Option<FrontierFigureView>) -> Worded {
    match of {
        None => Worded::Missing { reason: "not known".to_owned() },
        Some(FrontierFigureView { unit, value, interval: Some([low, high]) }) => {
            ranged(unit, [value, low, high])
        }
        Some(FrontierFigureView { unit, value: found, interval: None }) => {
            Worded::Estimate { value: value(unit, found), interval: String::new() }
        }
    }
}

/// The first two, and how many more there are.
fn some_of(names: &[String]) -> String {
    match names {
        [] | [_] => names.concat(),
        [one, two] => format!("{one} and {two}"),
        [one, others @ ..] => format!("{one} and {} others", count(others.len() as u64)),
    }
}

/// What is to be said of a group, one sentence each.
pub(crate) fn front_sentences(view: &FrontierView) -> Vec<String> {
    let counts = match &view.judged_by[..] {
        [] | [_] => {
            "There is no front: not all cells have a speed or an energy beside their pass rate".to_owned()
        }
        [firsts @ .., last] => format!("What counts for the front: {} and {last}", firsts.join(", ")),
    };
    [counts].into_iter().chain(view.notes.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_rate_has_as_many_digits_as_its_interval_supports() {
        let of = PassRateView {
            n: 40,
            n_passed: 31.0,
            rate: Some(0.775),
            interval: Some([0.6155, 0.8916]),
            ..PassRateView::default()
        };
        assert_eq!(rate(&of).line(), "78 % [61 – 90]");
        assert_eq!(rate(&PassRateView::default()).line(), "n/a (no answer is graded)");
    }

    #[test]
    fn shares_of_prompts_are_told() {
        assert_eq!((passed(31.0).as_str(), passed(30.666_67).as_str()), ("31", "30.7"));
        assert_eq!(passed(2.0 - 1e-12), "2");
    }

    #[test]
    fn many_rows_that_beat_one_are_counted() {
        let names = |n: usize| (1..=n).map(|n| format!("c{n}")).collect::<Vec<_>>();
        assert_eq!(some_of(&names(1)), "c1");
        assert_eq!(some_of(&names(2)), "c1 and c2");
        assert_eq!(some_of(&names(4)), "c1 and 3 others");
    }
}

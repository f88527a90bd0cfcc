//! Graded answers of both sides in words: a line for all prompts and for each category, and what is said beside them.

use dyno_view::compare::{ChangeVerdictView, FlippedPrompts, QualityChange, QualityRow};

use super::{Group, Said, Tone, verdict_tone, verdict_word};
use crate::words::{self, count, plural};

/// Names of the columns between the verdict and q; A and the side have their letters.
pub(crate) const LOST_AND_GAINED: &str = "lost, gained";

/// Answers to all prompts, or to those of a category.
pub(crate) struct QualityLine<'a> {
    pub(crate) row: &'a QualityRow,
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    /// `Answers that pass`, or the category.
    pub(crate) name: String,
    /// `180 (90.0 %)`, or `n/a`.
    pub(crate) baseline: String,
    pub(crate) candidate: String,
    /// `−6.0 points`.
    pub(crate) effect: String,
    /// `[−9.1 – −3.0]`; empty without one.
    pub(crate) interval: String,
    /// `14, 2`.
    pub(crate) flips: String,
    pub(crate) n: String,
    pub(crate) q: String,
    /// What would decide; empty where it is decided.
    pub(crate) why: String,
}

impl QualityLine<'_> {
    /// `−6.0 points [−9.1 – −3.0]`.
    pub(crate) fn effect_line(&self) -> String {
        format!("{} {}", self.effect, self.interval).trim_end().to_owned()
    }

    /// All of it but the verdict, for forms without a table.
    pub(crate) fn sentence(&self) -> String {
        let why = if self.why.is_empty() { String::new() } else { format!("; {}", self.why) };
        format!(
            "{} ({} → {}), {} of {} prompts {LOST_AND_GAINED}, q {}{why}",
            self.effect_line(),
            self.baseline,
            self.candidate,
            self.flips,
            self.n,
            self.q
        )
    }
}

/// The lines of a pair; empty where nothing was graded.
pub(crate) fn quality_lines<'a>(group: &Group<'a>) -> Vec<QualityLine<'a>> {
    group.contrast.quality.iter().flat_map(QualityChange::rows).map(line).collect()
}

fn line(row: &QualityRow) -> QualityLine<'_> {
    let passed = |n: u64| match row.n {
        0 => "n/a".to_owned(),
        of => format!("{} ({:.1} %)", count(n), 100.0 * n as f64 / of as f64),
    };
    let (effect, interval) = row
        .difference
        .map_or_else(|| ("n/a".to_owned(), String::new()), |of| points(of.value, [of.low, of.high]));
    QualityLine {
        row,
        word: verdict_word(Some(row.verdict)),
        tone: verdict_tone(Some(row.verdict)),
        name: row.category.clone().unwrap_or_else(|| "Answers that pass".to_owned()),
        baseline: passed(row.baseline_passed),
        candidate: passed(row.candidate_passed),
        effect,
        interval,
        flips: format!("{}, {}", count(row.n_lost), count(row.n_gained)),
        n: count(row.n),
        q: row.q.map_or_else(|| "n/a".to_owned(), words::p_value),
        why: decides(row),
    }
}

/// A difference of two shares with its interval: `−6.0 points` and `[−9.1 – −3.0]`.
fn points(value: f64, bounds: [f64; 2]) -> (String, String) {
    let (value, interval) = words::change(1.0 + value, Some(bounds.map(|bound| 1.0 + bound)));
    (value.replace(" %", " points"), interval)
}

fn decides(row: &QualityRow) -> String {
    match (row.verdict, row.n, row.more_prompts) {
        (ChangeVerdictView::Inconclusive, 0, _) => "no prompt has a graded answer on both sides".to_owned(),
        (ChangeVerdictView::Inconclusive, _, Some(n)) => {
            format!(
                "about {} would probably decide",
                plural(u64::from(n), "more graded prompt", "more graded prompts")
            )
        }
        (ChangeVerdictView::Inconclusive, _, None) => {
            "no number of prompts within reason would decide".to_owned()
        }
        _ => String::new(),
    }
}

/// What is said beside the lines.
pub(crate) fn quality_said(group: &Group<'_>) -> Vec<Said> {
    let Some(quality) = &group.contrast.quality else { return Vec::new() };
    let mut all = Vec::new();
    let mut say = |tone: Tone, text: String| all.push(Said { tone, text });
    let lines = quality_lines(group);
    // What would decide a category is in its row's count: one sentence is for all prompts.
    if let Some(first) = lines.first().filter(|line| !line.why.is_empty()) {
        say(first.tone, format!("{}: {}.", first.name, first.why));
    }
    let letter = &group.letter;
    for (flipped, words) in [
        (&quality.lost, format!("Pass in A and fail in {letter}")),
        (&quality.gained, format!("Fail in A and pass in {letter}")),
    ] {
        if flipped.n > 0 {
            say(Tone::Plain, format!("{words}: {}.", flipped_words(flipped)));
        }
    }
    if !quality.too_few.is_empty() {
        let few: Vec<String> =
            quality.too_few.iter().map(|of| format!("{} ({})", of.category, count(of.n))).collect();
        say(Tone::Plain, format!("Too few graded prompts for a test of their own: {}.", few.join(", ")));
    }
    if quality.n_unpaired > 0 {
        let n = plural(quality.n_unpaired, "graded prompt has", "graded prompts have");
        say(Tone::Warn, format!("{n} no graded answer on one side, or on both, and are in no pair."));
    }
    if quality.n_unstable != [0, 0] {
        let [a, b] = quality.n_unstable.map(count);
        say(
            Tone::Warn,
            format!(
                "Prompts whose answers pass in one launch and fail in another: {a} of A, {b} of {letter}; the majority \
                 counts."
            ),
        );
    }
    all
}

/// `14: a, b, c and 11 more`.
pub(crate) fn flipped_words(of: &FlippedPrompts) -> String {
    let listed = of.prompts.join(", ");
    let more = of.n.saturating_sub(of.prompts.len() as u64);
    let more = if more > 0 { format!(" and {} more", count(more)) } else { String::new() };
    format!("{} ({listed}{more})", plural(of.n, "prompt", "prompts"))
}

/// How answers are compared, one sentence each.
pub(crate) fn quality_measured(of: &QualityChange) -> Vec<String> {
    let mut all = vec![format!(
        "Answers that pass are compared prompt by prompt: McNemar's exact test over the prompts that only one side \
         passes, and Tango's score interval of the difference. A prompt counts once, however often it was asked. \
         REGRESSION: fewer pass by more than {delta}, surely by more than half of it, and q ≤ 0.05; EQUIVALENT: the \
         interval lies within ± {delta}.",
        delta = points_of(of.all.delta)
    )];
    if let Some(confidence) = of.categories_confidence {
        all.push(format!(
            "The test of all prompts is one of the family; those of the categories are a family of their own, with \
             intervals of {} confidence.",
            words::confidence(confidence)
        ));
    }
    all
}

/// `5 points`.
fn points_of(delta: f64) -> String {
    words::percent(delta).replace(" %", " points")
}

#[cfg(test)]
mod tests {
    use dyno_view::compare::PairedDifferenceView;

    use super::*;

    fn row(n: u64, baseline_passed: u64, lost: u64, difference: Option<[f64; 3]>) -> QualityRow {
        QualityRow {
            category: None,
            n,
            baseline_passed,
            candidate_passed: baseline_passed - lost,
            n_lost: lost,
            n_gained: 0,
            delta: 0.05,
            difference: difference.map(|[low, value, high]| PairedDifferenceView {
                value,
                low,
                high,
                confidence: 0.95,
            }),
            p: Some(0.0004),
            q: Some(0.0004),
            verdict: ChangeVerdictView::Regression,
            more_prompts: None,
        }
    }

    #[test]
    fn a_line_says_shares_and_points() {
        let of = row(200, 180, 14, Some([-0.113, -0.07, -0.042]));
        let line = line(&of);
        assert_eq!((line.baseline.as_str(), line.candidate.as_str()), ("180 (90.0 %)", "166 (83.0 %)"));
        assert_eq!(
            line.sentence(),
            "-7.0 points [-11.3 – -4.2] (180 (90.0 %) → 166 (83.0 %)), 14, 0 of 200 prompts lost, gained, q < 0.001"
        );
    }

    #[test]
    fn without_a_pair_there_is_no_share() {
        let of = QualityRow { verdict: ChangeVerdictView::Inconclusive, ..row(0, 0, 0, None) };
        let line = line(&of);
        assert_eq!((line.baseline.as_str(), line.effect_line().as_str()), ("n/a", "n/a"));
        assert_eq!(line.why, "no prompt has a graded answer on both sides");
    }

    #[test]
    fn flips_are_listed_as_far_as_they_are_known() {
        let of = FlippedPrompts { n: 3, prompts: vec!["a".to_owned(), "b".to_owned()] };
        assert_eq!(flipped_words(&of), "3 prompts (a, b and 1 more)");
    }
}

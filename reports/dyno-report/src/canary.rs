//! What every form says of answers held against a baseline's.

use dyno_view::canary::{
    CanaryChoice, CanaryFact, CanaryKind, CanaryRow, CanaryRuleView, CanarySubject, CanaryVerdict,
    CanaryView, TokensByView,
};
use dyno_view::report::FactValue;

use crate::compare::Tone;
use crate::words;

/// A verdict in one word.
pub(crate) fn verdict_word(verdict: CanaryVerdict) -> &'static str {
    match verdict {
        CanaryVerdict::Same => "SAME",
        CanaryVerdict::Numeric => "NUMERIC",
        CanaryVerdict::Incomplete => "INCOMPLETE",
        CanaryVerdict::Drift => "DRIFT",
    }
}

/// How grave a verdict is.
pub(crate) fn verdict_tone(verdict: CanaryVerdict) -> Tone {
    match verdict {
        CanaryVerdict::Same | CanaryVerdict::Numeric => Tone::Good,
        CanaryVerdict::Incomplete => Tone::Warn,
        CanaryVerdict::Drift => Tone::Bad,
    }
}

/// What is held against what.
pub(crate) fn title(view: &CanaryView) -> String {
    format!("{} against canary {}", view.campaign, view.baseline.name)
}

/// A label and what is said of it.
pub(crate) type Labelled = (&'static str, String);

/// The baseline in labelled words.
pub(crate) fn baseline_words(view: &CanaryView) -> Vec<Labelled> {
    let of = &view.baseline;
    let recorded = of.recorded_at.as_ref().map(|at| ("Recorded", words::instant(at)));
    let first = [("Baseline", of.name.clone()), ("Of campaign", of.campaign.clone())];
    let rest = [
        ("Prompts", format!("{} of corpus {}", words::count(of.n_prompts), of.corpus)),
        ("Drawn", of.sampling.clone()),
    ];
    first.into_iter().chain(recorded).chain(rest).collect()
}

/// The figures of a subject in labelled words.
pub(crate) fn figures(of: &CanarySubject) -> Vec<Labelled> {
    let counts = &of.counts;
    let all = words::count(counts.all());
    let count = |label, n: u64| (n > 0).then(|| (label, format!("{} of {all}", words::count(n))));
    let by = match of.tokens_by {
        TokensByView::Id => "by their numbers",
        TokensByView::Piece => "by their texts",
        TokensByView::Text => "not known on both sides: characters are compared",
    };
    let kl = of.kl.map_or_else(
        || "n/a: a side does not tell probabilities".to_owned(),
        |kl| {
            let [mean, p99, max] = [kl.mean, kl.p99, kl.max].map(small);
            format!("mean {mean}, p99 {p99}, max {max} nats (n = {} places)", words::count(kl.n))
        },
    );
    let own =
        |side: usize| of.perplexity[side].map_or_else(|| "n/a".to_owned(), |value| words::grouped(value, 3));
    let grades = of.grades.map(|grades| {
        let text = format!(
            "{} → {} of {} pass; {} lost, {} gained, p = {} (McNemar)",
            grades.baseline_passed,
            grades.subject_passed,
            grades.n,
            grades.lost,
            grades.gained,
            words::p_value(grades.p),
        );
        ("Grades", text)
    });
    let counted = [
        Some(("The same answer", format!("{} of {all}", words::count(counts.same)))),
        count("Part at a tie", counts.ties),
        count("Part at a clear preference", counts.disagreements),
        count("Part, nobody tells why", counts.unexplained),
        count("Not answered", counts.failed),
        count("Not asked", counts.missing),
    ];
    let edit = of.mean_edit_ratio.map(|ratio| ("Edit distance, mean", words::percent(ratio)));
    let told = [
        ("Tokens", by.to_owned()),
        ("KL divergence", kl),
        ("Perplexity of own answers", format!("{} → {}", own(0), own(1))),
    ];
    counted.into_iter().flatten().chain(edit).chain(told).chain(grades).collect()
}

/// What is known of both sides: label, the baseline's, the subject's, and whether they differ.
pub(crate) struct BothWords {
    pub(crate) label: String,
    pub(crate) baseline: String,
    pub(crate) subject: String,
    pub(crate) differs: bool,
}

pub(crate) fn both_words(fact: &CanaryFact) -> BothWords {
    let word = |of: &Option<FactValue>| of.as_ref().map_or_else(|| "unknown".to_owned(), words::fact);
    BothWords {
        label: fact.label.clone(),
        baseline: word(&fact.baseline),
        subject: word(&fact.subject),
        differs: fact.baseline != fact.subject,
    }
}

/// A prompt's row in words.
pub(crate) struct RowWords<'v> {
    pub(crate) row: &'v CanaryRow,
    pub(crate) tone: Tone,
    pub(crate) word: &'static str,
    /// `17 of 43 tokens`, `120 characters`.
    pub(crate) prefix: String,
    pub(crate) edit: String,
    pub(crate) kl: String,
    pub(crate) grade: String,
    /// Where the answers part and how each goes on; of each side the letter-free sentence and the text.
    pub(crate) fork: Option<ForkWords>,
}

pub(crate) struct ForkWords {
    /// `token 18`, `character 120`.
    pub(crate) at: String,
    pub(crate) before: String,
    /// The baseline's first.
    pub(crate) sides: [SideWords; 2],
}

pub(crate) struct SideWords {
    /// `“cat” at p = 0.41, preferred by 0.03 nats`.
    pub(crate) choice: String,
    pub(crate) text: String,
}

impl RowWords<'_> {
    /// The row's difference in one line.
    pub(crate) fn line(&self) -> String {
        let fork = self
            .fork
            .as_ref()
            .map(|fork| format!("at {}: {}; now {}", fork.at, fork.sides[0].choice, fork.sides[1].choice));
        let outcome = self.row.outcome.as_ref().map(|outcome| format!("it ended as {outcome}"));
        let grade = (!self.grade.is_empty()).then(|| self.grade.clone());
        [outcome, fork, grade].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

pub(crate) fn row_words(row: &CanaryRow) -> RowWords<'_> {
    let (tone, word) = match row.kind {
        CanaryKind::Same => (Tone::Good, "same"),
        CanaryKind::Tie => (Tone::Plain, "tie"),
        CanaryKind::Disagreement => (Tone::Bad, "other"),
        CanaryKind::Unexplained => (Tone::Warn, "unexplained"),
        CanaryKind::Failed => (Tone::Bad, "no answer"),
        CanaryKind::Missing => (Tone::Warn, "not asked"),
    };
    let cut = if row.edit_is_cut { ", of a part" } else { "" };
    RowWords {
        row,
        tone,
        word,
        prefix: prefix(row),
        edit: row.edit_ratio.map(|ratio| words::percent(ratio) + cut).unwrap_or_default(),
        kl: row.mean_kl.map(small).unwrap_or_default(),
        grade: grade(row.passed),
        fork: fork_words(row),
    }
}

fn prefix(row: &CanaryRow) -> String {
    match (row.kind, row.prefix_tokens) {
        (CanaryKind::Failed | CanaryKind::Missing, _) => String::new(),
        (_, Some(n)) => match row.n_tokens[0] {
            Some(of) => format!("{} of {} tokens", words::count(n), words::count(of.into())),
            None => words::plural(n, "token", "tokens"),
        },
        (_, None) => words::plural(row.prefix_chars, "character", "characters"),
    }
}

/// What became of a grade; nothing where no program can give one.
fn grade(passed: [Option<bool>; 2]) -> String {
    match passed {
        [Some(true), Some(true)] => "passes",
        [Some(false), Some(false)] => "fails as before",
        [Some(true), Some(false)] => "no longer passes",
        [Some(false), Some(true)] => "passes now",
        [_, None] | [None, _] => "",
    }
    .to_owned()
}

fn fork_words(row: &CanaryRow) -> Option<ForkWords> {
    let fork = row.fork.as_ref()?;
    let at = match fork.token_at {
        Some(at) => format!("token {}", words::count(at.saturating_add(1))),
        None => format!("character {}", words::count(row.prefix_chars.saturating_add(1))),
    };
    let side = |of: &CanaryChoice| SideWords { choice: choice(of), text: of.text.clone() };
    let sides = [side(&fork.sides[0]), side(&fork.sides[1])];
    Some(ForkWords { at, before: fork.before.clone(), sides })
}

fn choice(of: &CanaryChoice) -> String {
    let what = match &of.token {
        Some(token) => format!("“{token}”"),
        None if of.is_end => "the end".to_owned(),
        None => "other text".to_owned(),
    };
    let p = of.p.map(|p| format!(" at p = {}", small(p))).unwrap_or_default();
    let least = if of.gap_is_least { "at least " } else { "" };
    let gap =
        of.gap_nats.map(|nats| format!(", preferred by {least}{} nats", small(nats))).unwrap_or_default();
    format!("{what}{p}{gap}")
}

/// What counts as what, in a sentence.
pub(crate) fn rule_words(rule: &CanaryRuleView) -> String {
    format!(
        "DRIFT: more than {} of the answers part where a side preferred its own token by more than {} nats, or any where it \
         did by more than {}, or distributions are more than {} nats apart in the mean, or more than {} of the answers part \
         and nobody tells how likely the tokens were, or grades flip beyond chance (McNemar's exact test, p ≤ {}), or an \
         answer fails.",
        words::percent(rule.max_disagreements_share),
        small(rule.tie_margin_nats),
        small(rule.max_gap_nats),
        small(rule.max_kl_nats),
        words::percent(rule.max_unexplained_share),
        rule.alpha,
    )
}

/// Three significant digits of a number that may be very small: `0.412`, `3.20e-5`.
pub(crate) fn small(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(0.001..10_000.0).contains(&value.abs()) {
        return format!("{value:.1e}");
    }
    let decimals = (2 - value.abs().log10().floor() as i32).clamp(0, 5);
    words::grouped(value, decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits_however_small() {
        let check = |value: f64, expected: &str| assert_eq!(small(value), expected);
        check(0.0, "0");
        check(0.412_34, "0.412");
        check(0.001_234_5, "0.00123");
        check(0.000_032, "3.2e-5");
        check(12.345, "12.3");
        check(-0.5, "-0.500");
        check(f64::NAN, "NaN");
    }

    #[test]
    fn grades_are_told_by_what_became_of_them() {
        assert_eq!(grade([Some(true), Some(false)]), "no longer passes");
        assert_eq!(grade([Some(false), Some(true)]), "passes now");
        assert_eq!(grade([None, Some(true)]), "");
    }
}

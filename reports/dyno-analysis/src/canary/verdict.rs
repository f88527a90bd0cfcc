//! What a cell's differences come to.

use dyno_stats::{Level, mcnemar, type1};
use dyno_view::canary::{
    CanaryCounts, CanaryGrades, CanaryKind, CanaryKl, CanaryRow, CanaryRuleView, CanaryVerdict,
};

/// What counts as what, unless a person says otherwise (house rules). `docs/canary.md` has the measurements behind them.
pub const CANARY_RULE: CanaryRuleView = CanaryRuleView {
    tie_margin_nats: 0.5,
    max_kl_nats: 0.01,
    max_unexplained_share: 0.25,
    max_disagreements_share: 0.05,
    max_gap_nats: 3.0,
    alpha: 0.05,
};

/// All that a verdict rests on.
pub(super) struct Evidence {
    pub(super) counts: CanaryCounts,
    pub(super) kl: Option<CanaryKl>,
    pub(super) grades: Option<CanaryGrades>,
    /// The clearest preference at which an answer parts, in nats.
    gap: Option<f64>,
}

impl Evidence {
    /// Of all rows, and of the divergences at all their places.
    pub(super) fn of(rows: &[CanaryRow], kl: Vec<f64>) -> Self {
        Self { counts: counts(rows), kl: kl_of(kl), grades: grades(rows), gap: gap(rows) }
    }

    /// The verdict, and why it is not that every answer is the same.
    pub(super) fn verdict(&self, rule: &CanaryRuleView) -> (CanaryVerdict, Vec<String>) {
        let drift = self.drift(rule);
        if !drift.is_empty() {
            return (CanaryVerdict::Drift, drift);
        }
        let counts = &self.counts;
        if counts.missing > 0 {
            let why =
                format!("{} of {} prompts of the baseline were not asked", counts.missing, counts.all());
            return (CanaryVerdict::Incomplete, vec![why]);
        }
        if counts.same == counts.all() {
            return (CanaryVerdict::Same, Vec::new());
        }
        (CanaryVerdict::Numeric, numeric(counts, rule))
    }

    fn drift(&self, rule: &CanaryRuleView) -> Vec<String> {
        let counts = &self.counts;
        let mut why = Vec::new();
        if counts.failed > 0 {
            why.push(format!("{} that the baseline has failed", answers(counts.failed)));
        }
        let share = |n: u64| n as f64 / counts.compared().max(1) as f64;
        if share(counts.disagreements) > rule.max_disagreements_share {
            why.push(format!(
                "{} of {} where a side held its own token for the likelier one by more than {} nats, more than {} %",
                parts(counts.disagreements),
                counts.compared(),
                rule.tie_margin_nats,
                rule.max_disagreements_share * 100.0
            ));
        }
        if let Some(gap) = self.gap.filter(|gap| *gap > rule.max_gap_nats) {
            why.push(format!(
                "an answer parts where a side held its own token for the likelier one by {} nats, more than {}",
                digits(gap),
                rule.max_gap_nats
            ));
        }
        if let Some(kl) = self.kl.filter(|kl| kl.mean > rule.max_kl_nats) {
            why.push(format!(
                "the distributions over next tokens are {} nats apart in the mean, more than {}",
                digits(kl.mean),
                rule.max_kl_nats
            ));
        }
        if share(counts.unexplained) > rule.max_unexplained_share {
            why.push(format!(
                "{} of {} answers part and nobody tells how likely the tokens were, more than {} %",
                counts.unexplained,
                counts.compared(),
                rule.max_unexplained_share * 100.0
            ));
        }
        if let Some(grades) = self.grades.filter(|grades| grades.p <= rule.alpha) {
            why.push(format!(
                "of {} graded answers {} no longer pass and {} now do, which is not chance (McNemar, p = {})",
                grades.n,
                grades.lost,
                grades.gained,
                digits(grades.p)
            ));
        }
        why
    }
}

/// What answers that are not the same come to where nothing drifts.
fn numeric(counts: &CanaryCounts, rule: &CanaryRuleView) -> Vec<String> {
    let mut why = Vec::new();
    if counts.ties > 0 {
        why.push(format!(
            "{} where two tokens were as likely as each other within {} nats",
            parts(counts.ties),
            rule.tie_margin_nats
        ));
    }
    if counts.disagreements > 0 {
        let text = format!("{} at a preference above that, few enough", parts(counts.disagreements));
        why.push(text);
    }
    if counts.unexplained > 0 {
        let text = format!("{} and nobody tells how likely the tokens were", parts(counts.unexplained));
        why.push(text);
    }
    why
}

fn answers(n: u64) -> String {
    if n == 1 { "1 answer".to_owned() } else { format!("{n} answers") }
}

/// `1 answer parts`, `13 answers part`.
fn parts(n: u64) -> String {
    if n == 1 { "1 answer parts".to_owned() } else { format!("{n} answers part") }
}

/// Two digits of a number that may be very small.
pub(super) fn digits(value: f64) -> String {
    if value == 0.0 || (0.001..1000.0).contains(&value) {
        let text = format!("{value:.4}");
        let short = text.trim_end_matches('0').trim_end_matches('.');
        if short.is_empty() { "0".to_owned() } else { short.to_owned() }
    } else {
        format!("{value:.1e}")
    }
}

fn counts(rows: &[CanaryRow]) -> CanaryCounts {
    let mut counts = CanaryCounts::default();
    for row in rows {
        let count = match row.kind {
            CanaryKind::Same => &mut counts.same,
            CanaryKind::Tie => &mut counts.ties,
            CanaryKind::Disagreement => &mut counts.disagreements,
            CanaryKind::Unexplained => &mut counts.unexplained,
            CanaryKind::Failed => &mut counts.failed,
            CanaryKind::Missing => &mut counts.missing,
        };
        *count += 1;
    }
    counts
}

fn kl_of(mut all: Vec<f64>) -> Option<CanaryKl> {
    all.sort_unstable_by(f64::total_cmp);
    let p99 = type1(&all, Level::P99)?;
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    Some(CanaryKl { n: all.len() as u64, mean, p99, max: *all.last()? })
}

fn gap(rows: &[CanaryRow]) -> Option<f64> {
    let forks = rows.iter().filter_map(|row| row.fork.as_ref());
    forks.flat_map(|fork| &fork.sides).filter_map(|side| side.gap_nats).reduce(f64::max)
}

fn grades(rows: &[CanaryRow]) -> Option<CanaryGrades> {
    let both: Vec<(bool, bool)> =
        rows.iter().filter_map(|row| Some((row.passed[0]?, row.passed[1]?))).collect();
    let count = |is: fn(&(bool, bool)) -> bool| both.iter().filter(|pair| is(pair)).count() as u64;
    let (lost, gained) = (count(|(a, b)| *a && !b), count(|(a, b)| !a && *b));
    (!both.is_empty()).then(|| CanaryGrades {
        n: both.len() as u64,
        baseline_passed: count(|(a, _)| *a),
        subject_passed: count(|(_, b)| *b),
        lost,
        gained,
        p: mcnemar(lost, gained),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: CanaryKind, passed: [Option<bool>; 2]) -> CanaryRow {
        CanaryRow {
            prompt: "p".to_owned(),
            category: "c".to_owned(),
            kind,
            outcome: None,
            prefix_tokens: None,
            prefix_chars: 0,
            n_tokens: [None; 2],
            edit_ratio: None,
            edit_is_cut: false,
            mean_kl: None,
            passed,
            fork: None,
        }
    }

    /// So many rows of each kind: same, ties, disagreements, unexplained, failed, missing.
    fn rows(n: [usize; 6]) -> Vec<CanaryRow> {
        let kinds = [
            CanaryKind::Same,
            CanaryKind::Tie,
            CanaryKind::Disagreement,
            CanaryKind::Unexplained,
            CanaryKind::Failed,
            CanaryKind::Missing,
        ];
        kinds.into_iter().zip(n).flat_map(|(kind, n)| vec![row(kind, [None; 2]); n]).collect()
    }

    #[test]
    fn verdicts_by_their_counts() {
        let check = |n: [usize; 6], kl: &[f64], expected: CanaryVerdict, n_reasons: usize| {
            let (verdict, why) = Evidence::of(&rows(n), kl.to_vec()).verdict(&CANARY_RULE);
            assert_eq!((verdict, why.len()), (expected, n_reasons), "{n:?} {why:?}");
        };
        check([84, 0, 0, 0, 0, 0], &[1e-6], CanaryVerdict::Same, 0);
        check([60, 24, 0, 0, 0, 0], &[1e-4], CanaryVerdict::Numeric, 1);
        check([80, 0, 4, 0, 0, 0], &[1e-4], CanaryVerdict::Numeric, 1);
        check([79, 0, 5, 0, 0, 0], &[1e-4], CanaryVerdict::Drift, 1);
        check([83, 1, 0, 0, 0, 0], &[0.02], CanaryVerdict::Drift, 1);
        // Every answer may be the same though the model is another one.
        check([84, 0, 0, 0, 0, 0], &[0.02], CanaryVerdict::Drift, 1);
        check([83, 0, 0, 0, 1, 0], &[], CanaryVerdict::Drift, 1);
        check([83, 0, 0, 0, 0, 1], &[], CanaryVerdict::Incomplete, 1);
        check([3, 0, 0, 1, 0, 0], &[], CanaryVerdict::Numeric, 1);
        check([2, 0, 0, 1, 0, 0], &[], CanaryVerdict::Drift, 1);
        check([0, 0, 3, 3, 1, 9], &[2.0], CanaryVerdict::Drift, 4);
    }

    #[test]
    fn grades_that_flip_one_way_are_not_chance() {
        let of = |lost: usize, gained: usize| {
            let mut all = vec![row(CanaryKind::Tie, [Some(true), Some(false)]); lost];
            all.extend(vec![row(CanaryKind::Tie, [Some(false), Some(true)]); gained]);
            all.extend(vec![row(CanaryKind::Same, [Some(true), Some(true)]); 20]);
            all.extend(vec![row(CanaryKind::Same, [None, Some(true)]); 5]);
            Evidence::of(&all, Vec::new())
        };
        let six = of(6, 0);
        // R: binom.test(6, 6) has p = 0.03125.
        let grades = six.grades.expect("26 are graded");
        assert_eq!((grades.n, grades.baseline_passed, grades.subject_passed), (26, 26, 20));
        assert!((grades.p - 0.031_25).abs() < 1e-12);
        assert_eq!(six.verdict(&CANARY_RULE).0, CanaryVerdict::Drift);
        assert_eq!(of(5, 0).verdict(&CANARY_RULE).0, CanaryVerdict::Numeric, "p = 0.0625");
        assert_eq!(of(7, 7).verdict(&CANARY_RULE).0, CanaryVerdict::Numeric);
    }

    #[test]
    fn divergences_are_summed_up() {
        let found = kl_of(vec![0.3, 0.1, 0.2]).expect("three places");
        assert!((found.mean - 0.2).abs() < 1e-12, "{found:?}");
        assert_eq!(found.n, 3);
        // Type 1 of three values at 99 of 100 is the greatest.
        assert!((found.p99 - 0.3).abs() < 1e-15 && (found.max - 0.3).abs() < 1e-15);
        assert_eq!(kl_of(Vec::new()), None);
    }

    #[test]
    fn small_numbers_keep_their_digits() {
        let check = |value: f64, expected: &str| assert_eq!(digits(value), expected);
        check(0.0, "0");
        check(0.0213, "0.0213");
        check(0.000_032, "3.2e-5");
        check(1.5, "1.5");
    }
}

//! Graded answers of two cells to the same prompts: McNemar's exact test over prompts, all together and by category.

use std::collections::BTreeMap;

use dyno_model::ids::PromptId;
use dyno_stats::{Effect, blocks_to_decide, change_verdict, mcnemar, paired_deviation, paired_difference};
use dyno_view::compare::{
    ChangeVerdictView, FewPairs, FlippedPrompts, PairedDifferenceView, QualityChange, QualityRow,
};

use super::answers::{ByPrompt, PairCounts, PromptPair, flipped, is_graded, prompt_pairs};
use super::beside::runs;
use super::change::{POWER, verdict_view};
use super::draft::Both;
use super::pairing::Pairing;
use super::unlike::{prompts_of, unlike_answers};

/// A change of the pass rate by less does not matter: five points (house rule).
const DELTA: f64 = 0.05;
/// With fewer pairs not even a change of all of them has a p value of 0.05: 2 / 2^6 is 0.031.
const MIN_PAIRS: u64 = 6;
/// More prompts than this is no number that anybody would ask (house rule).
const MOST_MORE: u32 = 10_000;

/// What the graders say of two cells, before the family is known.
pub(super) enum Answers {
    /// No prompt has a grader.
    Ungraded,
    /// They are not held against each other, and why.
    Unlike(String),
    Compared(Quality),
}

/// Pairs of graded answers.
pub(super) struct Quality {
    all: RowDraft,
    categories: Vec<RowDraft>,
    too_few: Vec<FewPairs>,
    lost: FlippedPrompts,
    gained: FlippedPrompts,
    n_unpaired: u64,
    n_unstable: [u64; 2],
    delta: f64,
}

struct RowDraft {
    category: Option<String>,
    counts: PairCounts,
    p: Option<f64>,
}

impl RowDraft {
    fn of(category: Option<&str>, counts: PairCounts) -> Self {
        let p = (counts.n > 0).then(|| mcnemar(counts.lost, counts.gained));
        Self { category: category.map(str::to_owned), counts, p }
    }
}

impl Answers {
    pub(super) fn of(both: &Both<'_, '_>, pairing: &Pairing<'_, '_>, delta: Option<f64>) -> Self {
        let (a, b) = (both.baseline, both.candidate);
        let is_meant = |prompt: &str| {
            let prompt = PromptId::from(prompt);
            is_graded(a.record.plan, &prompt) || is_graded(b.record.plan, &prompt)
        };
        let asked = prompts_of(a, &is_meant);
        if asked.is_empty() && prompts_of(b, &is_meant).is_empty() {
            return Self::Ungraded;
        }
        if let Some(reason) = unlike_answers(a, b, &is_meant) {
            return Self::Unlike(reason);
        }
        let [of_a, of_b] = runs(pairing);
        let (baseline, candidate) = (ByPrompt::of_runs(a, &of_a), ByPrompt::of_runs(b, &of_b));
        let pairs = prompt_pairs(&baseline, &candidate);
        let category = |prompt: &str| {
            let planned = a.record.plan.prompts.get(&PromptId::from(prompt));
            planned.map_or("", |planned| planned.category.as_str())
        };
        let mut by_category: BTreeMap<&str, Vec<PromptPair<'_>>> = BTreeMap::new();
        for pair in &pairs {
            by_category.entry(category(pair.prompt)).or_default().push(*pair);
        }
        let counted = by_category.iter().map(|(name, pairs)| (*name, PairCounts::of(pairs)));
        let (enough, few): (Vec<_>, Vec<_>) = counted.partition(|(_, counts)| counts.n >= MIN_PAIRS);
        let is_only = enough.len() == 1 && few.is_empty();
        Self::Compared(Quality {
            all: RowDraft::of(None, PairCounts::of(&pairs)),
            // One category alone is all prompts.
            categories: enough
                .into_iter()
                .filter(|_| !is_only)
                .map(|(name, counts)| RowDraft::of(Some(name), counts))
                .collect(),
            too_few: few
                .into_iter()
                .map(|(name, counts)| FewPairs { category: name.to_owned(), n: counts.n })
                .collect(),
            lost: flipped(&pairs, |pair| pair.baseline && !pair.candidate),
            gained: flipped(&pairs, |pair| !pair.baseline && pair.candidate),
            n_unpaired: (asked.len() as u64).saturating_sub(pairs.len() as u64),
            n_unstable: [baseline.n_unstable(), candidate.n_unstable()],
            delta: delta.unwrap_or(DELTA),
        })
    }
}

impl Answers {
    pub(super) fn compared(&self) -> Option<&Quality> {
        match self {
            Self::Compared(quality) => Some(quality),
            Self::Ungraded | Self::Unlike(_) => None,
        }
    }

    pub(super) fn into_compared(self) -> Option<Quality> {
        match self {
            Self::Compared(quality) => Some(quality),
            Self::Ungraded | Self::Unlike(_) => None,
        }
    }
}

impl Quality {
    /// The p value of all prompts together.
    pub(super) fn p(&self) -> Option<f64> {
        self.all.p
    }

    /// Those of the categories.
    pub(super) fn category_ps(&self) -> impl Iterator<Item = f64> {
        self.categories.iter().filter_map(|row| row.p)
    }

    /// The rows with what they show among all. `of_categories` gives each category's q in order; both confidences are
    /// those of their families.
    pub(super) fn settled(
        self,
        (q, confidence): (Option<f64>, f64),
        of_categories: &mut dyn Iterator<Item = f64>,
        categories_confidence: f64,
    ) -> QualityChange {
        let delta = self.delta;
        let all = row(self.all, q, confidence, delta);
        let categories: Vec<QualityRow> = self
            .categories
            .into_iter()
            .map(|draft| {
                let q = draft.p.and_then(|_| of_categories.next());
                row(draft, q, categories_confidence, delta)
            })
            .collect();
        QualityChange {
            all,
            categories_confidence: (!categories.is_empty()).then_some(categories_confidence),
            categories,
            too_few: self.too_few,
            lost: self.lost,
            gained: self.gained,
            n_unpaired: self.n_unpaired,
            n_unstable: self.n_unstable,
        }
    }
}

fn row(draft: RowDraft, q: Option<f64>, confidence: f64, delta: f64) -> QualityRow {
    let RowDraft { category, counts, p } = draft;
    let PairCounts { n, baseline_passed, candidate_passed, lost, gained } = counts;
    let difference = paired_difference(lost, gained, n, confidence);
    // More is better, and an effect is above 0 where it is worse.
    let worse = difference.map(|of| Effect {
        value: -of.value,
        low: Some(-of.high),
        high: Some(-of.low),
        confidence: of.confidence,
    });
    let verdict = worse
        .zip(q)
        .map_or(ChangeVerdictView::Inconclusive, |(worse, q)| verdict_view(change_verdict(&worse, q, delta)));
    let is_open = verdict == ChangeVerdictView::Inconclusive;
    let more_prompts = worse.filter(|_| is_open).and_then(|worse| {
        let deviation = paired_deviation(lost, gained, n)?;
        let wanted = blocks_to_decide(&worse, deviation, delta, 1.0 - confidence, POWER)?;
        let more = wanted.saturating_sub(u32::try_from(n).unwrap_or(u32::MAX)).max(1);
        (more <= MOST_MORE).then_some(more)
    });
    QualityRow {
        category,
        n,
        baseline_passed,
        candidate_passed,
        n_lost: lost,
        n_gained: gained,
        delta,
        difference: difference.map(|of| PairedDifferenceView {
            value: of.value,
            low: of.low,
            high: of.high,
            confidence: of.confidence,
        }),
        p,
        q,
        verdict,
        more_prompts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` pairs of which 60 % pass on both sides, beside those that flip.
    fn judged(n: u64, lost: u64, gained: u64, q: f64) -> QualityRow {
        let both = n * 3 / 5;
        let (baseline_passed, candidate_passed) = (both + lost, both + gained);
        let counts = PairCounts { n, baseline_passed, candidate_passed, lost, gained };
        row(RowDraft::of(None, counts), Some(q), 0.95, DELTA)
    }

    #[test]
    fn a_drop_beyond_five_points_is_a_regression() {
        // 20 of 100 lost: the score interval is about [−0.29, −0.13].
        let found = judged(100, 20, 0, 0.001);
        assert_eq!((found.verdict, found.more_prompts), (ChangeVerdictView::Regression, None));
        assert_eq!(found.shares(), Some([0.8, 0.6]));
        let difference = found.difference.expect("pairs");
        assert!((difference.value + 0.2).abs() < 1e-12 && difference.high < -0.025, "{difference:?}");
        // 2 · 0.5^20.
        assert!((found.p.expect("pairs") - 2.0 * 0.5_f64.powi(20)).abs() < 1e-12);
        assert_eq!(judged(100, 0, 20, 0.001).verdict, ChangeVerdictView::Improvement);
        // The same without a q that shows it.
        assert_eq!(judged(100, 20, 0, 0.06).verdict, ChangeVerdictView::Inconclusive);
    }

    #[test]
    fn a_drop_within_the_margin_is_none_once_there_are_enough_prompts() {
        // Nothing changed: ± z² / (n + z²) is 5.5 points with 66 pairs and 4.8 points with 77.
        let few = judged(66, 0, 0, 1.0);
        assert_eq!(few.verdict, ChangeVerdictView::Inconclusive);
        assert!(few.more_prompts.is_some_and(|more| more > 0), "{few:?}");
        assert_eq!(judged(77, 0, 0, 1.0).verdict, ChangeVerdictView::Equivalent);
        // 2 points of 400, found and not larger than matters.
        assert_eq!(judged(400, 8, 0, 0.008).verdict, ChangeVerdictView::Equivalent);
    }

    #[test]
    fn no_pair_shows_nothing() {
        let found = row(RowDraft::of(None, PairCounts::default()), None, 0.95, DELTA);
        assert_eq!((found.p, found.difference, found.shares()), (None, None, None));
        assert_eq!((found.verdict, found.more_prompts), (ChangeVerdictView::Inconclusive, None));
    }
}

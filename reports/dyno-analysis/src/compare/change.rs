//! The test of one row: effect, p value, verdict, and what more it would take.

use dyno_stats::{
    ChangeVerdict, Effect, blocks_to_decide, change_verdict, hodges_lehmann, mann_whitney,
    minimum_detectable, shift, signed_rank,
};
use dyno_view::compare::{BlockRatio, Change, ChangeVerdictView, EffectView, TestedValues};
use dyno_view::comparison::Better;

use super::draft::{Data, Draft};
use super::runs::middle;

/// Level of the tests, and the share of false discoveries (MEASUREMENT §3.5, rule 6).
pub(crate) const ALPHA: f64 = 0.05;
/// Share of experiments that are to find what is there (MEASUREMENT §3.5, rule 4).
pub(crate) const POWER: f64 = 0.8;
/// Fewest blocks, and fewest launches of a side without blocks (MEASUREMENT §3.5, rules 1 and 10).
const MIN_BLOCKS: usize = 6;
pub(super) const MIN_LAUNCHES: usize = 5;
/// More than this is no number of blocks that anybody would measure (house rule).
const MOST_MORE: u32 = 1000;
/// Without blocks a change counts from so many times the size on (rule 10).
const UNPAIRED_DELTAS: f64 = 2.0;

/// The p value of a row; `None` where nothing is tested.
pub(super) fn p_of(data: &Data) -> Option<f64> {
    match data {
        Data::Blocks(values) => p_of_blocks(&values.iter().map(|value| value.ln_ratio).collect::<Vec<_>>()),
        Data::Launches { baseline, candidate } => mann_whitney(baseline, candidate).map(|of| of.p),
        Data::Unlike(_) | Data::Missing(_) => None,
    }
}

/// The p value of blocks, by the logarithms of their ratios.
pub(crate) fn p_of_blocks(ln_ratios: &[f64]) -> Option<f64> {
    signed_rank(ln_ratios).map(|of| of.p)
}

/// The smallest change that matters to this row, as a share.
pub(super) fn delta_in_use(draft: &Draft) -> f64 {
    match draft.data {
        Data::Launches { .. } => draft.delta * UNPAIRED_DELTAS,
        Data::Blocks(_) | Data::Unlike(_) | Data::Missing(_) => draft.delta,
    }
}

/// What a row's data show, given what they show among all; `None` where nothing is tested.
pub(super) fn change(draft: &Draft, p: Option<f64>, q: Option<f64>, confidence: f64) -> Option<Change> {
    let effect = effect(&draft.data, confidence)?;
    let (sd_ln, n) = (sd(&draft.data), n_of(&draft.data));
    let delta = delta_in_use(draft).ln_1p();
    let worse = oriented(&effect, draft.better());
    let is_enough = n >= least(&draft.data);
    let verdict = q
        .filter(|_| is_enough)
        .map_or(ChangeVerdictView::Inconclusive, |q| verdict_view(change_verdict(&worse, q, delta)));
    let alpha = 1.0 - confidence;
    let more_blocks = (verdict == ChangeVerdictView::Inconclusive).then(|| {
        let wanted = blocks_to_decide(&worse, sd_ln?, delta, alpha, POWER)?;
        let wanted = wanted.max(u32::try_from(least(&draft.data)).unwrap_or(u32::MAX));
        let more = wanted.saturating_sub(u32::try_from(n).unwrap_or(u32::MAX)).max(1);
        (more <= MOST_MORE).then_some(more)
    });
    let mde = sd_ln.filter(|_| n > 2).map(|sd| {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        minimum_detectable(sd, n, alpha, POWER).exp_m1()
    });
    Some(Change {
        effect: effect_view(&effect),
        p,
        q,
        verdict,
        more_blocks: more_blocks.flatten(),
        mde: mde.filter(|mde| mde.is_finite()),
        n: n as u64,
        n_prompts: n_prompts(&draft.data),
        sd_ln,
        values: values(&draft.data),
    })
}

fn effect(data: &Data, confidence: f64) -> Option<Effect> {
    match data {
        Data::Blocks(values) => {
            hodges_lehmann(&values.iter().map(|value| value.ln_ratio).collect::<Vec<_>>(), confidence)
        }
        Data::Launches { baseline, candidate } => shift(&logs(baseline), &logs(candidate), confidence),
        Data::Unlike(_) | Data::Missing(_) => None,
    }
}

fn logs(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| value.ln()).collect()
}

/// The effect with more being worse.
fn oriented(effect: &Effect, better: Better) -> Effect {
    match better {
        Better::Lower => *effect,
        Better::Higher => Effect {
            value: -effect.value,
            low: effect.high.map(|high| -high),
            high: effect.low.map(|low| -low),
            ..*effect
        },
    }
}

fn effect_view(effect: &Effect) -> EffectView {
    EffectView {
        ratio: effect.value.exp(),
        low: effect.low.map(f64::exp),
        high: effect.high.map(f64::exp),
        confidence: effect.confidence,
    }
}

pub(super) fn verdict_view(verdict: ChangeVerdict) -> ChangeVerdictView {
    match verdict {
        ChangeVerdict::Regression => ChangeVerdictView::Regression,
        ChangeVerdict::Improvement => ChangeVerdictView::Improvement,
        ChangeVerdict::Equivalent => ChangeVerdictView::Equivalent,
        ChangeVerdict::Inconclusive => ChangeVerdictView::Inconclusive,
    }
}

/// Blocks, or launches of the side with fewer.
fn n_of(data: &Data) -> usize {
    match data {
        Data::Blocks(values) => values.len(),
        Data::Launches { baseline, candidate } => baseline.len().min(candidate.len()),
        Data::Unlike(_) | Data::Missing(_) => 0,
    }
}

fn least(data: &Data) -> usize {
    match data {
        Data::Launches { .. } => MIN_LAUNCHES,
        Data::Blocks(_) | Data::Unlike(_) | Data::Missing(_) => MIN_BLOCKS,
    }
}

/// Standard deviation of what one more block, or one more launch of each side, says of the logarithm.
fn sd(data: &Data) -> Option<f64> {
    match data {
        Data::Blocks(values) => {
            standard_deviation(&values.iter().map(|value| value.ln_ratio).collect::<Vec<_>>())
        }
        Data::Launches { baseline, candidate } => {
            Some(standard_deviation(&logs(baseline))?.hypot(standard_deviation(&logs(candidate))?))
        }
        Data::Unlike(_) | Data::Missing(_) => None,
    }
}

/// With n − 1; `None` with fewer than two values.
pub(crate) fn standard_deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (n - 1.0)).sqrt())
}

fn n_prompts(data: &Data) -> Option<u64> {
    let Data::Blocks(values) = data else { return None };
    let all: Vec<f64> = values.iter().filter_map(|value| value.n_prompts).map(|n| n as f64).collect();
    middle(all).map(|n| n as u64)
}

fn values(data: &Data) -> TestedValues {
    match data {
        Data::Blocks(values) => TestedValues::Blocks {
            ratios: values
                .iter()
                .map(|value| BlockRatio { block: value.block, ratio: value.ln_ratio.exp() })
                .collect(),
        },
        Data::Launches { baseline, candidate } => {
            TestedValues::Launches { baseline: baseline.clone(), candidate: candidate.clone() }
        }
        Data::Unlike(_) | Data::Missing(_) => TestedValues::Blocks { ratios: Vec::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::draft::BlockValue;

    fn row(id: &str, ln_ratios: &[f64]) -> Draft {
        let value =
            |(block, ln_ratio): (u32, &f64)| BlockValue { block, ln_ratio: *ln_ratio, n_prompts: None };
        Draft {
            metric: dyno_model::metric::metric(id).expect("a metric of the catalogue"),
            delta: 0.03,
            baseline: None,
            candidate: None,
            data: Data::Blocks((0..).zip(ln_ratios).map(value).collect()),
        }
    }

    #[test]
    fn worse_is_up_for_times_and_down_for_rates() {
        let ten = [0.10, 0.11, 0.09, 0.10, 0.12, 0.10, 0.08, 0.10, 0.11, 0.09];
        let verdict = |id: &str, sign: f64| {
            let values: Vec<f64> = ten.iter().map(|value| sign * value).collect();
            change(&row(id, &values), Some(0.002), Some(0.002), 0.95).expect("ten blocks").verdict
        };
        assert_eq!(verdict("tpot_ns", 1.0), ChangeVerdictView::Regression);
        assert_eq!(verdict("tpot_ns", -1.0), ChangeVerdictView::Improvement);
        assert_eq!(verdict("sustained_tokens_per_s", 1.0), ChangeVerdictView::Improvement);
        assert_eq!(verdict("sustained_tokens_per_s", -1.0), ChangeVerdictView::Regression);
    }

    #[test]
    fn equal_blocks_show_no_difference_and_are_equivalent() {
        let row = row("tpot_ns", &[0.0; 10]);
        assert_eq!(p_of(&row.data), Some(1.0));
        let change = change(&row, Some(1.0), Some(1.0), 0.95).expect("ten blocks");
        assert_eq!(change.verdict, ChangeVerdictView::Equivalent);
        assert_eq!((change.effect.ratio, change.effect.low, change.effect.high), (1.0, Some(1.0), Some(1.0)));
        assert_eq!((change.sd_ln, change.more_blocks), (Some(0.0), None));
    }

    #[test]
    fn five_blocks_decide_nothing() {
        let change =
            change(&row("tpot_ns", &[0.5; 5]), Some(0.0625), Some(0.0625), 0.95).expect("five blocks");
        assert_eq!((change.verdict, change.more_blocks), (ChangeVerdictView::Inconclusive, Some(1)));
    }

    #[test]
    fn a_standard_deviation_by_hand() {
        // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squares 32, and 32 / 7.
        let found = standard_deviation(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).expect("eight values");
        assert!((found - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12, "{found}");
        assert_eq!(standard_deviation(&[1.0]), None);
    }
}

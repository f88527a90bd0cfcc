//! The highest rate at which a service level is kept.

use dyno_stats::{CapacityRule, RateStep, Verdict, capacity};
use dyno_view::load::{CapacityView, InconclusiveView, VerdictView};

/// One rate and what its requests showed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    pub(crate) rate_per_s: f64,
    pub(crate) verdict: VerdictView,
}

/// The capacity that rates of one kind of arrivals show.
///
/// Rates are taken from the lowest on until one does not pass, in an order that nothing measured can change: so the
/// confidence of each is also that of the rate that is named (a fixed-sequence test).
pub(crate) fn capacity_of(slo: &str, arrivals: &str, steps: &[Step]) -> CapacityView {
    let milli = |rate_per_s: f64| (rate_per_s * 1000.0).round() as u64;
    let tried: Vec<RateStep> = steps
        .iter()
        .map(|step| RateStep { rate_milli_per_s: milli(step.rate_per_s), verdict: verdict(step.verdict) })
        .collect();
    let rates = || tried.iter().map(|step| step.rate_milli_per_s);
    let rule = CapacityRule {
        low_milli_per_s: rates().min().unwrap_or(1),
        high_milli_per_s: rates().max().unwrap_or(1),
        tolerance_milli: 0,
        max_steps: u32::try_from(tried.len()).unwrap_or(u32::MAX),
    };
    let found = capacity(&rule, &tried);
    let fails = steps.iter().filter(|step| step.verdict == VerdictView::Fail).map(|step| step.rate_per_s);
    let passes_per_s = found.passes_milli_per_s.map(|rate| rate as f64 / 1000.0);
    let first_not = found.not_passing.map(|step| step.rate_milli_per_s);
    let is_above = |step: &&Step| first_not.is_some_and(|rate| milli(step.rate_per_s) > rate);
    let contradicting = steps.iter().filter(|step| step.verdict == VerdictView::Pass).filter(is_above);
    CapacityView {
        slo: slo.to_owned(),
        arrivals: arrivals.to_owned(),
        passes_per_s,
        fails_per_s: fails.min_by(f64::total_cmp),
        inconclusive: steps.iter().filter_map(unclear).collect(),
        contradicting_per_s: contradicting.map(|step| step.rate_per_s).collect(),
    }
}

fn verdict(view: VerdictView) -> Verdict {
    match view {
        VerdictView::Pass => Verdict::Pass,
        VerdictView::Fail => Verdict::Fail,
        VerdictView::Inconclusive { more_needed } => Verdict::Inconclusive { more_needed },
    }
}

fn unclear(step: &Step) -> Option<InconclusiveView> {
    match step.verdict {
        VerdictView::Inconclusive { more_needed } => {
            Some(InconclusiveView { rate_per_s: step.rate_per_s, more_needed })
        }
        VerdictView::Pass | VerdictView::Fail => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNCLEAR: VerdictView = VerdictView::Inconclusive { more_needed: 34 };

    fn found(steps: &[(f64, VerdictView)]) -> CapacityView {
        let steps: Vec<Step> = steps
            .iter()
            .map(|(rate_per_s, verdict)| Step { rate_per_s: *rate_per_s, verdict: *verdict })
            .collect();
        capacity_of("instant", "Poisson", &steps)
    }

    #[test]
    fn a_capacity_lies_between_what_passes_and_what_fails() {
        let view = found(&[
            (1.0, VerdictView::Pass),
            (2.0, VerdictView::Pass),
            (4.0, UNCLEAR),
            (8.0, VerdictView::Fail),
        ]);
        assert_eq!((view.passes_per_s, view.fails_per_s), (Some(2.0), Some(8.0)));
        assert_eq!(view.inconclusive, [InconclusiveView { rate_per_s: 4.0, more_needed: 34 }]);
        assert!(view.contradicting_per_s.is_empty());
    }

    #[test]
    fn a_pass_above_what_does_not_pass_is_told_and_not_claimed() {
        let view = found(&[(1.0, VerdictView::Pass), (2.0, VerdictView::Fail), (4.0, VerdictView::Pass)]);
        assert_eq!((view.passes_per_s, view.fails_per_s), (Some(1.0), Some(2.0)));
        assert_eq!(view.contradicting_per_s, [4.0]);
    }

    #[test]
    fn nothing_is_claimed_when_not_even_the_lowest_passes() {
        assert_eq!(found(&[(1.0, UNCLEAR), (2.0, VerdictView::Fail)]).passes_per_s, None);
        assert_eq!(found(&[(1.0, VerdictView::Pass)]).fails_per_s, None);
    }
}

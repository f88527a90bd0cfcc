//! Claims, limits and shares in words. A limit is never rounded: it is what was asked for.

use dyno_view::compliance::{BoundView, ConditionView, DemandView, JudgedView, ObjectiveView};
use dyno_view::report::UnitView;

use crate::words::Multiple;

/// `At least 95 % of the requests have TTFT ≤ 1 s and TPOT ≤ 100 ms, shown with 95 % confidence`.
pub(crate) fn claim(objective: &ObjectiveView) -> String {
    let which: Vec<String> = objective
        .selection
        .iter()
        .map(|selection| format!("{} {}", selection.by, selection.values.join(" or ")))
        .collect();
    let which = if which.is_empty() { String::new() } else { format!(" with {}", which.join(", ")) };
    let graded = if objective.conditions.contains(&ConditionView::Passed) { "graded " } else { "" };
    if objective.conditions.contains(&ConditionView::NoEgress) {
        return "In no launch of the record did the runtime connect to anything beyond its machine"
            .to_owned();
    }
    match (&objective.demand, objective.judges) {
        (DemandView::Share { fraction, confidence }, judges) => format!(
            "At least {} of the {graded}{}{which} {}, shown with {} confidence",
            share_of(*fraction),
            plural(judges),
            predicate(objective, ["are answered", "become ready and are not killed", "have", "pass"]),
            share_of(*confidence)
        ),
        (DemandView::Every, judges) => format!(
            "Every {graded}{} of the record{which} {}",
            singular(judges),
            predicate(objective, ["is answered", "becomes ready and is not killed", "has", "passes"])
        ),
        (DemandView::Drop { most, confidence }, _) => {
            let baseline = objective.baseline.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            format!(
                "The share of graded prompts{which} that pass is at most {} below that of the baseline{baseline}, shown \
                 with {} confidence",
                super::dropped::points_of(*most),
                share_of(*confidence)
            )
        }
    }
}

/// What requests or launches do: the words for one that is answered, for a launch that ends well, for `have` and `pass`.
fn predicate(objective: &ObjectiveView, [answered, ready, have, pass]: [&str; 4]) -> String {
    let is_limit = |condition: &&ConditionView| matches!(condition, ConditionView::Limit { .. });
    let limits: Vec<String> = objective.conditions.iter().filter(is_limit).map(limit_line).collect();
    let ended_well = match objective.judges {
        JudgedView::Request => answered,
        JudgedView::Launch => ready,
    };
    let has = |condition: &ConditionView| objective.conditions.contains(condition);
    let mut does = Vec::new();
    does.extend(has(&ConditionView::Answered).then(|| ended_well.to_owned()));
    does.extend((!limits.is_empty()).then(|| format!("{have} {}", limits.join(" and "))));
    does.extend(has(&ConditionView::Passed).then(|| pass.to_owned()));
    if does.is_empty() { ended_well.to_owned() } else { does.join(" and ") }
}

/// `TTFT ≤ 1 s`, or `answered`.
pub(crate) fn limit_line(condition: &ConditionView) -> String {
    match condition {
        ConditionView::Answered => "answered".to_owned(),
        ConditionView::Passed => "answer passes".to_owned(),
        ConditionView::NoEgress => "no connection beyond the machine".to_owned(),
        ConditionView::Limit { label, unit, bound, limit, .. } => {
            let sign = match bound {
                BoundView::AtMost => '≤',
                BoundView::AtLeast => '≥',
            };
            format!("{label} {sign} {}", exact(*unit, *limit))
        }
    }
}

/// A figure with all its digits: `1.25 s`.
pub(crate) fn exact(unit: UnitView, value: f64) -> String {
    let multiple = Multiple::of(unit, value);
    let digits = trimmed(value / multiple.factor, 9);
    if multiple.sign.is_empty() { digits } else { format!("{digits} {}", multiple.sign) }
}

/// A share in per cent with the digits that it was given with: `99.9 %`.
pub(crate) fn share_of(ratio: f64) -> String {
    format!("{} %", trimmed(ratio * 100.0, 4))
}

/// An upper bound in per cent, rounded up to hundredths.
pub(crate) fn share_up(ratio: f64) -> String {
    format!("{:.2} %", ((ratio * 1e4 - 1e-6).ceil() + 0.0) / 100.0)
}

/// A lower bound in per cent, rounded down to hundredths.
pub(crate) fn share_down(ratio: f64) -> String {
    format!("{:.2} %", (ratio * 1e4 + 1e-6).floor() / 100.0)
}

/// Without zeros behind the point.
pub(super) fn trimmed(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `requests`, `launch`: as many as there are.
pub(super) fn noun(objective: &ObjectiveView, n: u64) -> &'static str {
    match (objective.judges, n) {
        (judges, 1) => singular(judges),
        (judges, _) => plural(judges),
    }
}

fn singular(judges: JudgedView) -> &'static str {
    match judges {
        JudgedView::Request => "request",
        JudgedView::Launch => "launch",
    }
}

pub(super) fn plural(judges: JudgedView) -> &'static str {
    match judges {
        JudgedView::Request => "requests",
        JudgedView::Launch => "launches",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_shares_keep_their_digits() {
        assert_eq!(exact(UnitView::Ns, 1e9), "1 s");
        assert_eq!(exact(UnitView::Ns, 1_234_500_000.0), "1.2345 s");
        assert_eq!(exact(UnitView::Ns, 400e6), "400 ms");
        assert_eq!(exact(UnitView::Joules, 2.5), "2.5 J");
        assert_eq!(exact(UnitView::Ratio, 0.9), "90 %");
        assert_eq!(exact(UnitView::TokensPerSecond, 10.0), "10 tok/s");
        assert_eq!(share_of(0.999), "99.9 %");
        assert_eq!(share_of(1.0 - 0.95), "5 %");
        assert_eq!(share_of(0.975), "97.5 %");
    }

    #[test]
    fn bounds_of_shares_are_rounded_outwards() {
        assert_eq!((share_up(0.043_21), share_down(0.043_29)), ("4.33 %".to_owned(), "4.32 %".to_owned()));
        assert_eq!((share_up(0.05), share_down(0.05)), ("5.00 %".to_owned(), "5.00 %".to_owned()));
        assert_eq!((share_up(0.0), share_down(0.0)), ("0.00 %".to_owned(), "0.00 %".to_owned()));
    }
}

//! A drop of quality since a baseline, in words.

use dyno_view::compliance::{ComplianceVerdict, DropView, JudgementView};

use super::Line;
use super::claim::trimmed;
use crate::compare::flipped_words;
use crate::words::{self, count, plural};

/// `5 points` of a share, with the digits that it was given with.
pub(super) fn points_of(share: f64) -> String {
    format!("{} points", trimmed(share * 100.0, 4))
}

/// Rounded up to hundredths, so that a bound stays one.
fn up(share: f64) -> String {
    format!("{:.2} points", ((share * 1e4 - 1e-6).ceil() + 0.0) / 100.0)
}

fn down(share: f64) -> String {
    format!("{:.2} points", ((share * 1e4 + 1e-6).floor() + 0.0) / 100.0)
}

/// `90.0 % → 84.0 % of 200 prompts pass: 6.0 points fewer, at most 9.10 points with 95 % confidence; 5 points may`.
pub(super) fn counts(judgement: &JudgementView) -> String {
    let may = format!("{} may", points_of(judgement.allowed_ratio));
    let Some((drop, fell)) = judgement.drop.as_ref().and_then(|drop| Some((drop, drop.fell?))) else {
        return "nothing was judged".to_owned();
    };
    let share = |n: u64| format!("{:.1} %", 100.0 * n as f64 / drop.n as f64);
    let change =
        format!("{:.1} points {}", 100.0 * fell.value.abs(), if fell.value < 0.0 { "more" } else { "fewer" });
    let bound = match judgement.verdict {
        ComplianceVerdict::Fail => format!("at least {}", down(fell.low)),
        _ => format!("at most {} fewer", up(fell.high)),
    };
    format!(
        "{} → {} of {} pass: {change}, {bound} with {} confidence; {may}",
        share(drop.baseline_passed),
        share(drop.passed),
        plural(drop.n, "prompt", "prompts"),
        super::share_of(fell.confidence)
    )
}

/// The lines of its estimate.
pub(super) fn lines(drop: &DropView) -> Vec<Line> {
    let passed = |n: u64| format!("{} of {}", count(n), plural(drop.n, "prompt", "prompts"));
    let mut lines = vec![
        Line::text("Baseline", format!("campaign {}, cell {}", drop.baseline, drop.baseline_cell)),
        Line::digest("Baseline's plan (SHA-256)", &drop.plan_digest),
        Line::digest("Baseline's journal (SHA-256)", &drop.journal_digest),
        Line::text("Passed in the baseline", passed(drop.baseline_passed)),
        Line::text("Passed here", passed(drop.passed)),
    ];
    if let Some(fell) = drop.fell {
        lines.push(Line::text(
            "Drop",
            format!(
                "{:.1} points; at least {} and at most {}, each with {} confidence",
                100.0 * fell.value,
                down(fell.low),
                up(fell.high),
                super::share_of(fell.confidence)
            ),
        ));
    }
    lines.push(Line::text("Pass in the baseline and fail here", flipped_words(&drop.lost)));
    lines.push(Line::text("Fail in the baseline and pass here", flipped_words(&drop.gained)));
    if drop.n_unpaired > 0 {
        let n = plural(drop.n_unpaired, "graded prompt", "graded prompts");
        lines.push(Line::text("In no pair", format!("{n}: one campaign has no graded answer")));
    }
    if drop.n_unstable != [0, 0] {
        let [before, now] = drop.n_unstable.map(count);
        lines.push(Line::text(
            "Pass in one launch and fail in another",
            format!("{before} in the baseline, {now} here; the majority counts"),
        ));
    }
    lines.extend(drop.more_prompts.map(|n| {
        let n = words::plural(n, "more prompt", "more prompts");
        Line::text("What decides it", format!("about {n} like these, probably"))
    }));
    lines
}

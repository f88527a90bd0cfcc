//! Single requests in words.

use dyno_view::report::UnitView;
use dyno_view::timeline::{PhaseView, TimelineView, Worst, WorstView};

use crate::words::{count, value};

/// `run 2, request 17: p-0042 (chat)`.
pub(crate) fn name(view: &TimelineView) -> String {
    let launch = if view.launch > 1 { format!(", launch {}", view.launch) } else { String::new() };
    format!("run {}{launch}, request {}: {} ({})", view.run, view.idx, view.prompt_id, view.category)
}

/// `Slowest TTFT of 120: 1.91 s; longest gap: 640 ms`.
pub(crate) fn worst(view: &TimelineView) -> String {
    let words = |of: &WorstView| {
        let what = match of.of {
            Worst::Ttft => "slowest TTFT",
            Worst::E2e => "slowest E2E latency",
            Worst::Gap => "longest gap between chunks",
        };
        format!("{what} of {} requests: {}", count(of.n), value(UnitView::Ns, of.ns as f64))
    };
    let all: Vec<String> = view.worst.iter().map(words).collect();
    let text = all.join("; ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `Prefill 1.91 s, decode 2.10 s`.
pub(crate) fn phases(view: &TimelineView) -> String {
    let words = |of: &PhaseView| {
        format!("{} {}", of.name, value(UnitView::Ns, of.to_ns.saturating_sub(of.from_ns) as f64))
    };
    let all: Vec<String> = view.phases.iter().map(words).collect();
    if all.is_empty() {
        "Nothing of it was answered".to_owned()
    } else {
        format!("Its parts: {}", all.join(", "))
    }
}

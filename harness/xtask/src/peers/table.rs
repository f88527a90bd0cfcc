//! The tables.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::figures::Figures;
use super::place::Place;
use super::tool::Tool;
use super::{Case, Load};
use crate::pair::median;

type Of = fn(&Figures) -> Option<f64>;

/// A column: its title, the figure, its unit in ours, digits.
type Column = (&'static str, Of, f64, usize);

const PACED: [Column; 10] = [
    ("TTFT error p50, µs", |of| of.ttft_error_p50, 1e3, 0),
    ("p99, µs", |of| of.ttft_error_p99, 1e3, 0),
    ("gap error p99, µs", |of| of.gap_error_p99, 1e3, 0),
    ("beyond the truth p99, µs", |of| of.gap_excess_p99, 1e3, 0),
    ("truth's own width p99, µs", |of| of.truth_width_p99, 1e3, 0),
    ("delivered, %", |of| of.delivered_ratio, 0.01, 1),
    ("CPU µs/token", |of| of.cpu_ns_per_event, 1e3, 1),
    ("peak RSS, MiB", |of| Some(of.peak_rss_kib as f64), 1024.0, 0),
    ("launch to first request, ms", |of| of.launch_to_first_ns, 1e6, 0),
    ("load", |of| Some(of.load), 1.0, 1),
];
const FLOOD: [Column; 5] = [
    ("token events per CPU second", |of| of.cpu_ns_per_event.map(|ns| 1e9 / ns), 1.0, 0),
    ("CPU µs/token", |of| of.cpu_ns_per_event, 1e3, 2),
    ("peak RSS, MiB", |of| Some(of.peak_rss_kib as f64), 1024.0, 0),
    ("load", |of| Some(of.load), 1.0, 1),
    ("stolen, %", |of| Some(of.steal_ratio), 0.01, 1),
];
const TRAP: [Column; 3] = [
    ("reported p99, ms", |of| of.latency_p99, 1e6, 0),
    ("true p99, ms", |of| of.true_latency_p99, 1e6, 0),
    ("load", |of| Some(of.load), 1.0, 1),
];

/// The page's part that is measured.
pub(crate) fn page(all: &[Figures], cases: &[Case], tools: &[Tool], place: &Place) -> String {
    let mut text = String::new();
    for is_busy in [false, true] {
        let some: Vec<&Figures> = all.iter().filter(|one| one.is_busy == is_busy).collect();
        if some.is_empty() {
            continue;
        }
        let title = if is_busy { "While two busy processes share the cores" } else { "Alone" };
        // Writing to a string cannot fail.
        let _ = write!(text, "### {title}\n\n{}\n", machine(&some));
        for (name, columns) in [("paced", &PACED[..]), ("flood", &FLOOD), ("trap", &TRAP)] {
            let cases: Vec<&Case> = cases.iter().filter(|case| case.name.starts_with(name)).collect();
            if !cases.is_empty() {
                text.push_str(&table(&some, &cases, tools, columns));
            }
        }
    }
    for tool in tools {
        if let Some(why) = place.missing(*tool) {
            let _ = writeln!(text, "{} is left out: {why}.", tool.name());
        }
    }
    text
}

fn machine(some: &[&Figures]) -> String {
    let mid = |of: Of| median(&mut some.iter().filter_map(|one| of(one)).collect::<Vec<f64>>());
    let server = if some.iter().all(|one| one.is_server_urgent) { "real-time" } else { "ordinary" };
    format!(
        "{} runs; load average {:.1}, {:.1} % of the CPU stolen, {:.0} % used by others than the tool (medians); server at {server} priority.\n",
        some.len(),
        mid(|of| Some(of.load)),
        mid(|of| Some(of.steal_ratio * 100.0)),
        mid(|of| Some(of.others_ratio * 100.0)),
    )
}

fn table(some: &[&Figures], cases: &[&Case], tools: &[Tool], columns: &[Column]) -> String {
    let mut text = String::from("| streams | tool | rounds |");
    for (title, ..) in columns {
        let _ = write!(text, " {title} |");
    }
    let _ = write!(text, "\n|--:|---|--:|{}\n", "--:|".repeat(columns.len()));
    for case in cases {
        for tool in tools {
            let mine = some.iter().filter(|one| one.case.name == case.name && one.tool == *tool);
            let mine: Vec<&Figures> = mine.copied().collect();
            if mine.is_empty() {
                continue;
            }
            let streams = match case.load {
                Load::Streams(n) => n.to_string(),
                Load::Rate(rate) => format!("{rate}/s"),
            };
            let n_failed = mine.iter().filter(|one| one.failure.is_some()).count();
            let failed = if n_failed == 0 { String::new() } else { format!(", {n_failed} failed") };
            let _ = write!(text, "| {streams} | {} | {}{failed} |", tool.name(), mine.len());
            for (_, of, unit, digits) in columns {
                let good = mine.iter().filter(|one| one.failure.is_none());
                let mut values: Vec<f64> = good.filter_map(|one| of(one)).collect();
                let _ = if values.is_empty() {
                    write!(text, " n/a |")
                } else {
                    write!(text, " {:.digits$} |", median(&mut values) / unit)
                };
            }
            text.push('\n');
        }
    }
    text.push('\n');
    text
}

/// One run in a line, for who waits.
pub(crate) fn line(of: &Figures) -> String {
    let number = |value: Option<f64>, unit: f64| {
        value.map_or("n/a".to_owned(), |value| format!("{:.1}", value / unit))
    };
    format!(
        "{}{} {}: TTFT error {}/{} us, gap {} us (beyond {}, truth {}), delivered {} %, {} us CPU/token, {} MiB, first after {} ms, p99 {} ms (true {}), load {:.1}, stolen {:.1} %{}",
        of.case.name,
        if of.is_busy { " busy" } else { "" },
        of.tool.name(),
        number(of.ttft_error_p50, 1e3),
        number(of.ttft_error_p99, 1e3),
        number(of.gap_error_p99, 1e3),
        number(of.gap_excess_p99, 1e3),
        number(of.truth_width_p99, 1e3),
        number(of.delivered_ratio, 0.01),
        number(of.cpu_ns_per_event, 1e3),
        of.peak_rss_kib / 1024,
        number(of.launch_to_first_ns, 1e6),
        number(of.latency_p99, 1e6),
        number(of.true_latency_p99, 1e6),
        of.load,
        of.steal_ratio * 100.0,
        of.failure.as_ref().map(|why| format!(", FAILED: {why}")).unwrap_or_default(),
    )
}

pub(crate) fn json(of: &Figures) -> Value {
    json!({
        "tool": of.tool.name(),
        "case": of.case.name,
        "is_busy": of.is_busy,
        "is_server_urgent": of.is_server_urgent,
        "n_answers": of.n_answers,
        "ttft_error_p50_ns": of.ttft_error_p50,
        "ttft_error_p99_ns": of.ttft_error_p99,
        "gap_error_p99_ns": of.gap_error_p99,
        "gap_excess_p99_ns": of.gap_excess_p99,
        "truth_width_p99_ns": of.truth_width_p99,
        "delivered_ratio": of.delivered_ratio,
        "cpu_ns_per_event": of.cpu_ns_per_event,
        "peak_rss_kib": of.peak_rss_kib,
        "launch_to_first_ns": of.launch_to_first_ns,
        "latency_p99_ns": of.latency_p99,
        "true_latency_p99_ns": of.true_latency_p99,
        "load": of.load,
        "steal_ratio": of.steal_ratio,
        "others_ratio": of.others_ratio,
        "failure": of.failure,
    })
}

//! A history as Markdown.

use dyno_view::history::HistoryView;

use super::{code, escaped, push};
use crate::compare::{SeriesWords, history_verdict, series_words};

/// Campaigns over time: what changed for good, then each series folded.
pub fn history(view: &HistoryView) -> String {
    let mut out = String::new();
    let (_, verdict) = history_verdict(view);
    push(&mut out, format_args!("## History\n\n{}\n\n", escaped(&verdict)));
    for finding in &view.findings {
        push(&mut out, format_args!("- {}\n", escaped(&finding.text)));
    }
    let all = series_words(view);
    for series in &all {
        for (_, text) in &series.changes {
            push(&mut out, format_args!("- {}: {}\n", escaped(&series.name), escaped(text)));
        }
    }
    for series in &all {
        section(series, &mut out);
    }
    push(&mut out, format_args!("\nRendered again by {}.\n", code(&view.regenerate)));
    out
}

fn section(series: &SeriesWords<'_>, out: &mut String) {
    push(
        out,
        format_args!(
            "\n<details><summary>{}</summary>\n\n{}\n",
            escaped(&series.name),
            escaped(&series.work)
        ),
    );
    if let Some(why) = series.unsearched {
        push(out, format_args!("\nChanges were not looked for: {}\n", escaped(why)));
    }
    out.push_str("\n| Campaign | Measured | Release | Value | Least – most | Launches |\n");
    out.push_str("| --- | --- | --- | ---: | ---: | ---: |\n");
    for point in &series.points {
        push(
            out,
            format_args!(
                "| {} | {} | {} | {} | {} | {} |\n",
                escaped(&point.campaign),
                escaped(&point.at),
                escaped(&point.release),
                point.value,
                point.range,
                point.n
            ),
        );
    }
    out.push_str("\n</details>\n");
}

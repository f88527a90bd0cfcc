//! What every format says of figures that other tools state.

use dyno_view::imported::{ImportedRowView, ImportedView};

use crate::words::{self, Multiple, decimals_for, grouped, short_digest};

/// The heading, which marks them.
pub(crate) const HEADING: &str = "Figures of other tools, as they state them";

/// The columns; all but the last three are foreign text.
pub(crate) const COLUMNS: [&str; 7] = ["Test", "Model", "Device", "Build", "Threads", "Mean ± sd", "n"];

/// How many columns hold text.
pub(crate) const N_TEXT_COLUMNS: usize = 4;

/// `llama-bench: results.json (1a2b3c4d5e6f)`; foreign text.
pub(crate) fn source(view: &ImportedView) -> String {
    format!("{}: {} ({})", view.tool, view.file, short_digest(&view.digest))
}

/// One figure, in the order of [`COLUMNS`].
pub(crate) fn cells(row: &ImportedRowView) -> [String; COLUMNS.len()] {
    let unknown = || "n/a".to_owned();
    [
        row.test.clone(),
        row.model.clone(),
        row.device.clone(),
        row.build.clone().unwrap_or_else(unknown),
        row.threads.map_or_else(unknown, |n| words::count(u64::from(n))),
        figure(row),
        words::count(row.n),
    ]
}

/// `24.31 ± 0.12 tok/s`, with as many digits as the deviation leaves sense to.
fn figure(row: &ImportedRowView) -> String {
    let Some(sd) = row.sd else { return words::value(row.unit, row.mean) };
    let multiple = Multiple::of(row.unit, row.mean);
    let (mean, sd) = (row.mean / multiple.factor, sd / multiple.factor);
    let decimals = decimals_for(mean, sd).min(multiple.max_decimals);
    format!("{} ± {} {}", grouped(mean, decimals), grouped(sd, decimals), multiple.sign).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_view::report::UnitView;

    fn row(mean: f64, sd: Option<f64>) -> ImportedRowView {
        ImportedRowView {
            test: "tg128".to_owned(),
            model: "m".to_owned(),
            device: "CPU".to_owned(),
            threads: None,
            build: None,
            unit: UnitView::TokensPerSecond,
            mean,
            sd,
            n: 3,
            values: Vec::new(),
        }
    }

    #[test]
    fn a_mean_has_the_digits_that_its_deviation_leaves() {
        let check = |mean, sd, expected: &str| assert_eq!(figure(&row(mean, sd)), expected);
        check(24.3149, Some(0.1234), "24.31 ± 0.12 tok/s");
        check(18.712_105, Some(6.468_247), "18.7 ± 6.5 tok/s");
        check(10.007_666, Some(13.846_284), "10 ± 14 tok/s");
        check(1234.6, Some(0.0), "1,235 ± 0 tok/s");
        check(24.3149, None, "24.3 tok/s");
    }

    #[test]
    fn what_a_tool_does_not_say_is_not_known() {
        let cells = cells(&row(24.3149, None));
        assert_eq!(cells, ["tg128", "m", "CPU", "n/a", "n/a", "24.3 tok/s", "3"]);
    }
}

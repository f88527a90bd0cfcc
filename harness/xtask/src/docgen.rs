//! Pages that are generated and never edited.

use std::fmt::Write as _;

use dyno_model::metric::METRICS;

/// `docs/metrics.md`, from the catalogue in dyno-model.
pub(crate) fn metrics_page() -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         Generated from the catalogue in `agents/dyno-model/src/metric.rs`; do not edit.\n\
         Times are differences of one monotonic clock on one machine, in ns.\n\
         A percentile is the type 1 quantile (an observation), with its equal-tailed 95 % order-statistic interval; \
         it is printed only from the number of observations on at which that interval is finite: \
         p50 6, p90 36, p95 72, p99 368.\n\n\
         | id | name | one value per | formula | undefined when | version | also defined so by |\n\
         |---|---|---|---|---|--:|---|\n",
    );
    for metric in METRICS {
        let population = format!("{:?}", metric.population).to_lowercase();
        writeln!(
            page,
            "| `{}` | {} | {population} | {} | {} | {} | {} |",
            metric.id, metric.label, metric.formula, metric.undefined, metric.formula_version, metric.source
        )
        .expect("writing to a String cannot fail");
    }
    page
}

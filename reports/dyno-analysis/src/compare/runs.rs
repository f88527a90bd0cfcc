//! The runs of a cell, which of their launches count in a comparison, and the value of a run.

use dyno_model::metric::{Population, metric};
use dyno_model::plan::PlannedRun;
use dyno_stats::{Level, type7};

use crate::cell::{CellRecord, LaunchRecord};
use crate::measure::{launch_value, request_value};
use crate::steering::left_out;

/// One planned run: its launches that count, or why there is none.
pub(crate) struct RunOf<'r, 'a> {
    pub(crate) run: &'a PlannedRun,
    /// Launches that came to their end and whose guards saw nothing.
    pub(crate) launches: Vec<&'r LaunchRecord<'a>>,
    /// Why there is none; half a sentence.
    pub(crate) left_out: Option<String>,
}

/// All planned runs of a cell, in the order of the plan.
pub(crate) fn runs_of<'r, 'a>(cell: &'r CellRecord<'a>) -> Vec<RunOf<'r, 'a>> {
    let plan = cell.record.plan;
    let skipped = left_out(&cell.record.entries);
    let runs = plan.runs.iter().filter(|run| run.cell == cell.cell.id);
    let of = |run: &'a PlannedRun| {
        let all: Vec<&LaunchRecord<'a>> =
            cell.launches.iter().filter(|launch| launch.row.run == run.id.0).collect();
        let launches: Vec<&LaunchRecord<'a>> = all.iter().copied().filter(|of| is_judged_valid(of)).collect();
        let left_out = launches.is_empty().then(|| match skipped.get(&run.id) {
            Some(why) => format!("was left out: {why}"),
            None => why_none(&all),
        });
        RunOf { run, launches, left_out }
    };
    runs.map(of).collect()
}

/// A launch whose record was cut off could not be judged by its guards, and is in no test.
fn is_judged_valid(launch: &LaunchRecord<'_>) -> bool {
    launch.row.invalid.as_ref().is_some_and(Vec::is_empty)
}

fn why_none(launches: &[&LaunchRecord<'_>]) -> String {
    let reasons = launches.iter().filter_map(|launch| launch.row.invalid.as_ref()).flatten();
    match reasons.map(String::as_str).next() {
        Some(reason) => format!("may not be used ({reason})"),
        None if launches.is_empty() => "was not launched".to_owned(),
        None => "has a record that was cut off".to_owned(),
    }
}

/// A run's value of a metric, in the metric's unit: the median over its requests, or over its launches.
pub(crate) fn run_value(cell: &CellRecord<'_>, id: &str, run: &RunOf<'_, '_>) -> Option<f64> {
    let of_requests = metric(id).is_some_and(|metric| metric.population == Population::Request);
    let values: Vec<f64> = if of_requests {
        let rows = run.launches.iter().flat_map(|launch| launch.rows.iter().copied());
        rows.filter_map(|row| request_value(cell, id, row)).collect()
    } else {
        run.launches.iter().filter_map(|launch| launch_value(cell, id, launch)).collect()
    };
    middle(values)
}

/// The middle of values in any order; of two middles their mean, so that more and less count alike.
pub(crate) fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    type7(&values, Level::P50)
}

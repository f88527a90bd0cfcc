//! The pace over the requests of a launch, with its levels.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Mark, Scale, Series};

use super::pace::{LaunchPace, Pace};
use crate::cell::CellRecord;

/// More launches than this are not drawn: nobody can tell them apart.
const MAX_LAUNCHES: usize = 6;
/// Fewer requests of a launch are no curve.
const MIN_REQUESTS: usize = 10;
/// Requests of a launch that are drawn, at most.
const MAX_POINTS: usize = 2000;

/// TPOT over the number of the request; dots with their levels, and a mark where each steady state begins.
pub(crate) fn pace_chart(cell: &CellRecord<'_>) -> Chart {
    let pace = Pace::of(cell);
    let drawn = || pace.launches.iter().take(MAX_LAUNCHES);
    let n_more = pace.launches.len().saturating_sub(MAX_LAUNCHES);
    let more = match n_more {
        0 => String::new(),
        n => format!(" The first {MAX_LAUNCHES} launches; {n} more are in the tables."),
    };
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    Chart {
        id: "pace".to_owned(),
        title: "Pace over a launch".to_owned(),
        caption: format!(
            "One dot for each request in the order in which they were sent; lines are levels between changes.{}{more}",
            pace.meaning()
        ),
        form: ChartForm::Levels,
        x: axis("request of the launch", AxisUnit::Count),
        y: axis(pace.signal(), AxisUnit::Ns),
        series: drawn().flat_map(series).collect(),
        marks: drawn().filter_map(mark).collect(),
    }
}

/// The dots of a launch, and its levels.
fn series(launch: &LaunchPace) -> Vec<Series> {
    if launch.times.len() < MIN_REQUESTS {
        return Vec::new();
    }
    let every = launch.times.len().div_ceil(MAX_POINTS).max(1);
    let points = launch.numbers.iter().zip(&launch.times).map(|(number, time)| [*number as f64, *time]);
    let dots = Series {
        name: launch.name.clone(),
        points: points.step_by(every).collect(),
        n: launch.times.len() as u64,
    };
    let levels = launch.state.iter().flat_map(|state| &state.segments).filter_map(|segment| {
        let [first, last] = launch.numbers_of(&segment.range)?;
        let points = vec![[first as f64, segment.level], [last as f64, segment.level]];
        Some(Series { name: format!("{}, level", launch.name), points, n: 0 })
    });
    [dots].into_iter().chain(levels).collect()
}

/// Where the steady state begins, unless that is at once.
fn mark(launch: &LaunchPace) -> Option<Mark> {
    let state = launch.state.as_ref()?;
    let steady = launch.steady()?;
    let begins_at_once = state.segments.first().is_some_and(|first| first.range.start == steady.start);
    let [first, _] = launch.numbers_of(&steady)?;
    (!begins_at_once).then(|| Mark { x: first as f64, label: format!("steady, {}", launch.name) })
}

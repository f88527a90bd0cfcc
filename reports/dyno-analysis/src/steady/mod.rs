//! Whether the launches of a cell came to a steady state (MEASUREMENT §2.5).

mod chart;
mod evened;
mod pace;

use dyno_stats::{Level, SteadyClass};
use dyno_view::report::UnitView;
use dyno_view::steady::{SegmentView, StateFigureView, SteadyLaunchView, SteadyView, SteadyWord};

use crate::cell::{CellRecord, LaunchRecord};
use crate::independence::worth;
use crate::observations::Observations;

pub(crate) use chart::pace_chart;
pub(crate) use pace::{LaunchPace, NEEDED, Pace};

/// The steady state of a cell; `None` when no request has a TPOT.
pub(crate) fn steady(cell: &CellRecord<'_>) -> Option<SteadyView> {
    let pace = Pace::of(cell);
    if pace.launches.iter().all(|launch| launch.times.is_empty()) {
        return None;
    }
    let no_figure = no_figure(pace);
    let mut figures = vec![first_requests(cell)];
    if no_figure.is_none() {
        figures.extend(warm_figures(cell));
    }
    let launches = pace.launches.iter().map(launch_view).collect();
    Some(SteadyView { signal: pace.signal().to_owned(), launches, figures, no_figure })
}

fn launch_view(pace: &LaunchPace) -> SteadyLaunchView {
    let segments = pace.state.iter().flat_map(|state| &state.segments);
    SteadyLaunchView {
        run: pace.run,
        launch: u16::try_from(pace.launch).unwrap_or(u16::MAX),
        n: pace.times.len() as u64,
        class: pace.word(),
        segments: segments
            .filter_map(|segment| {
                let [first, last] = pace.numbers_of(&segment.range)?;
                Some(SegmentView { first, last, level_ns: segment.level })
            })
            .collect(),
        steady: pace.steady().and_then(|range| pace.numbers_of(&range)),
    }
}

/// Why no number stands for the steady state; `None` when one does.
fn no_figure(pace: &Pace) -> Option<String> {
    let unsteady: Vec<&str> = pace
        .launches
        .iter()
        .filter(|launch| launch.word() == SteadyWord::NoSteadyState)
        .map(|launch| launch.name.as_str())
        .collect();
    if !unsteady.is_empty() {
        return Some(format!(
            "{} came to no steady state: the curve says more than any one number",
            crate::comparison::listed(&unsteady)
        ));
    }
    let most = pace.launches.iter().map(|launch| launch.times.len()).max().unwrap_or(0);
    pace.launches.iter().all(|launch| launch.state.is_none()).then(|| {
        format!("no launch has the {NEEDED} requests that it takes to tell two levels apart (the longest has {most})")
    })
}

/// C4: the first request of each launch.
fn first_requests(cell: &CellRecord<'_>) -> StateFigureView {
    let ttft = cell.valid_launches().filter_map(|launch| first_ttft(cell, launch));
    median_view("C4", "TTFT of the first request", &[ttft.map(|ns| ns as f64).collect()], Series::Apart)
}

/// TTFT of the first request of a launch, where it went well.
pub(crate) fn first_ttft(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<u64> {
    let first = launch.sent(cell.record).into_iter().next()?;
    cell.record.derived[first].ttft_ns.filter(|_| cell.record.requests.outcome[first] == "ok")
}

/// W: TTFT and TPOT of the requests of the steady state; none without one.
fn warm_figures(cell: &CellRecord<'_>) -> Vec<StateFigureView> {
    let derived = &cell.record.derived;
    let [ttft, tpot] = [true, false].map(|is_ttft| {
        let of = |row: &usize| if is_ttft { derived[*row].ttft_ns } else { derived[*row].tpot_ns };
        Pace::of(cell)
            .launches
            .iter()
            .map(|launch| launch.steady_rows().iter().filter_map(of).map(|ns| ns as f64).collect())
            .collect::<Vec<Vec<f64>>>()
    });
    vec![
        median_view("W", "TTFT, steady", &ttft, Series::InOrder),
        median_view("W", "TPOT, steady", &tpot, Series::InOrder),
    ]
}

/// Median TTFT of the steady state with its interval; `None` where no number stands for it.
pub(crate) fn warm_ttft(cell: &CellRecord<'_>) -> Option<StateFigureView> {
    let pace = Pace::of(cell);
    if pace.launches.is_empty() || no_figure(pace).is_some() {
        return None;
    }
    warm_figures(cell).into_iter().next()
}

/// Whether values follow each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Series {
    /// Requests of a launch, in their order.
    InOrder,
    /// One of each launch.
    Apart,
}

fn median_view(state: &str, label: &str, values: &[Vec<f64>], series: Series) -> StateFigureView {
    let n_effective = (series == Series::InOrder).then(|| worth(values).1).flatten();
    let all = Observations::real(values.concat());
    StateFigureView {
        state: state.to_owned(),
        label: label.to_owned(),
        unit: UnitView::Ns,
        n: all.len() as u64,
        n_effective,
        figure: all.figure(Level::P50, n_effective),
    }
}

fn word(class: SteadyClass) -> SteadyWord {
    match class {
        SteadyClass::Steady => SteadyWord::Steady,
        SteadyClass::WarmUp => SteadyWord::WarmUp,
        SteadyClass::Slowdown => SteadyWord::Slowdown,
        SteadyClass::NoSteadyState => SteadyWord::NoSteadyState,
    }
}

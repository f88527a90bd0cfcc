//! Parts of a report that say how far it can be believed: stamps, steady states, starts, and figures that may not be used.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Mark, Scale, Series};
use dyno_view::proof::{ProofFigure, ProofLaunchView, ProofRowView, ProofStage, ProofView, StampsView};
use dyno_view::report::{CellView, FigureView, LaunchView, QuantileFigure, Report, UnitView};
use dyno_view::steady::{SegmentView, StateFigureView, SteadyLaunchView, SteadyView, SteadyWord};

/// One cell of each kind: calibrated and steady; scripted; never steady; and one that may not be used at all.
pub(crate) fn believed_report() -> Report {
    let mut report = super::small_report();
    report.comparison = None;
    let named = |n: u32, model: &str| CellView {
        id: format!("{n:016x}"),
        model: model.to_owned(),
        charts: vec![pace_chart()],
        ..report.cells[0].clone()
    };
    let cold = CellView { start: Some("C1 storage-cold".to_owned()), ..named(1, "calibrated") };
    let scripted = CellView {
        proof: Some(scripted()),
        steady: Some(too_few()),
        charts: Vec::new(),
        ..named(2, "scripted")
    };
    let restless = CellView { steady: Some(restless()), ..named(3, "restless") };
    report.cells = vec![cold, scripted, restless, invalid(named(4, "invalid"))];
    report.starts = Some(super::starts::starts());
    report
}

fn invalid(cell: CellView) -> CellView {
    let reason = "send lag p99 of 41.2 ms, more than 5 ms";
    let launches = cell
        .launches
        .iter()
        .map(|launch| LaunchView { invalid: vec![reason.to_owned()], ..launch.clone() })
        .collect();
    let metrics = cell
        .metrics
        .iter()
        .map(|metric| dyno_view::report::MetricView {
            n: 0,
            min: None,
            max: None,
            n_effective: None,
            quantiles: metric.quantiles.iter().map(|of| super::too_few(of.permille, 0, 6)).collect(),
            ..metric.clone()
        })
        .collect();
    let throughput = cell.throughput.iter().map(|rate| FigureView {
        value: None,
        note: "no launch may be used".to_owned(),
        ..rate.clone()
    });
    let throughput = throughput.collect();
    CellView {
        throughput,
        launches,
        invalid_metrics: cell.metrics,
        metrics,
        steady: None,
        charts: Vec::new(),
        ..cell
    }
}

/// Three launches, the last of which may not be used.
pub(crate) fn proof() -> ProofView {
    let launch = |run, is_valid, uncalibrated: Option<&str>| ProofLaunchView {
        run,
        launch: 1,
        is_valid,
        n_streams: uncalibrated.is_none().then_some(8),
        uncalibrated: uncalibrated.map(str::to_owned),
    };
    ProofView {
        stamps: StampsView::Calibrated {
            ttft_ns: Some(18_200.0),
            gap_ns: Some(9_040.0),
            n_launches: 2,
            of: 3,
            paths: vec!["http".to_owned()],
        },
        launches: vec![
            launch(0, true, None),
            launch(1, true, None),
            launch(2, true, Some("the calibration failed: the port is in use")),
        ],
        rows: rows(),
    }
}

fn rows() -> Vec<ProofRowView> {
    let row = |id: &str, label: &str, unit, note: &str, each: [Option<ProofFigure>; 3], worst| ProofRowView {
        id: id.to_owned(),
        label: label.to_owned(),
        stage: if each.iter().flatten().any(|of| matches!(of, ProofFigure::Spread { .. })) {
            ProofStage::Calibration
        } else {
            ProofStage::Load
        },
        unit,
        note: note.to_owned(),
        each: each.into(),
        typical: Some(0),
        worst: Some(worst),
    };
    let (single, spread) = (
        |value| Some(ProofFigure::Single { value }),
        |[p50, p99, max]: [f64; 3]| Some(ProofFigure::Spread { n: 640, p50, p99, max }),
    );
    let ttft = [spread([4_100.0, 14_000.0, 19_000.0]), spread([5_000.0, 18_200.0, 31_000.0]), None];
    let null = [spread([61_000.0, 88_000.0, 120_500.0]), None, None];
    let cpu = [single(3_210.0), single(3_900.0), single(3_500.0)];
    let (ns, ratio) = (UnitView::Ns, UnitView::Ratio);
    vec![
        row(
            "ttft_error",
            "TTFT stamp error",
            ns,
            "reported less sent by a server of known schedule",
            ttft,
            1,
        ),
        row("null_request", "Null request", ns, "what the client itself adds", null, 0),
        row("cpu_per_event", "Agent CPU per token event", ns, "CPU time of the agent / token events", cpu, 1),
        row("own_cpu", "Agent CPU", ratio, "of one CPU", [single(0.0082), single(0.0091), None], 1),
        row("stolen_cpu", "CPU stolen", ratio, "of all CPUs", [single(0.0), single(0.013), None], 1),
        row("unstamped", "Reads without a kernel stamp", ratio, "n", [single(0.0), None, None], 0),
    ]
}

fn scripted() -> ProofView {
    let reason = "the runtime is scripted and tells its times itself";
    let launches = proof()
        .launches
        .into_iter()
        .map(|of| ProofLaunchView { uncalibrated: Some(reason.to_owned()), ..of });
    ProofView {
        stamps: StampsView::Unknown { reason: reason.to_owned() },
        launches: launches.collect(),
        rows: Vec::new(),
    }
}

fn estimate(value: f64, low: f64, high: f64) -> QuantileFigure {
    QuantileFigure::Estimate { value, low, high, low_rank: 40, high_rank: 61 }
}

fn state_figure(
    state: &str,
    label: &str,
    n: u64,
    n_effective: Option<u64>,
    figure: QuantileFigure,
) -> StateFigureView {
    StateFigureView {
        state: state.to_owned(),
        label: label.to_owned(),
        unit: UnitView::Ns,
        n,
        n_effective,
        figure,
    }
}

/// A warm-up in one of two launches.
pub(crate) fn steady() -> SteadyView {
    let level = |first, last, level_ns| SegmentView { first, last, level_ns };
    SteadyView {
        signal: "TPOT, prompts evened out".to_owned(),
        launches: vec![
            SteadyLaunchView {
                run: 0,
                launch: 1,
                n: 120,
                class: SteadyWord::WarmUp,
                segments: vec![level(4, 40, 25.1e6), level(41, 120, 20.2e6)],
                steady: Some([41, 120]),
            },
            SteadyLaunchView {
                run: 1,
                launch: 1,
                n: 120,
                class: SteadyWord::Steady,
                segments: vec![level(4, 120, 20.3e6)],
                steady: Some([4, 120]),
            },
        ],
        figures: vec![
            state_figure(
                "C4",
                "TTFT of the first request",
                2,
                None,
                QuantileFigure::TooFew { n: 2, needed: 6 },
            ),
            state_figure("W", "TTFT, steady", 197, Some(96), estimate(92.1e6, 90.2e6, 94.4e6)),
            state_figure("W", "TPOT, steady", 197, None, estimate(20.25e6, 20.11e6, 20.4e6)),
        ],
        no_figure: None,
    }
}

fn too_few() -> SteadyView {
    let why = "no launch has the 43 requests that it takes to tell two levels apart (the longest has 40)";
    let launch = |run| SteadyLaunchView {
        run,
        launch: 1,
        n: 40,
        class: SteadyWord::TooFew { needed: 43 },
        segments: Vec::new(),
        steady: None,
    };
    SteadyView {
        launches: vec![launch(0), launch(1)],
        figures: steady().figures.into_iter().take(1).collect(),
        no_figure: Some(why.to_owned()),
        ..steady()
    }
}

fn restless() -> SteadyView {
    let mut view = steady();
    view.launches[0].class = SteadyWord::NoSteadyState;
    view.launches[0].steady = None;
    view.launches[1].class = SteadyWord::Slowdown;
    view.figures.truncate(1);
    view.no_figure =
        Some("run 0 came to no steady state: the curve says more than any one number".to_owned());
    view
}

fn pace_chart() -> Chart {
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    let dots = |name: &str, slow: u32, faster: f64| {
        let time =
            |i: u32| if i <= slow { 25e6 } else { 20e6 } * faster * (1.0 + 0.02 * f64::from(i * 7 % 5) / 5.0);
        let points: Vec<[f64; 2]> = (1..=120).map(|i| [f64::from(i), time(i)]).collect();
        Series { name: name.to_owned(), n: points.len() as u64, points }
    };
    let level = |name: &str, first: f64, last: f64, ns: f64| Series {
        name: format!("{name}, level"),
        points: vec![[first, ns], [last, ns]],
        n: 0,
    };
    Chart {
        id: "pace".to_owned(),
        title: "Pace over a launch".to_owned(),
        caption: "One dot for each request; lines are levels between changes.".to_owned(),
        form: ChartForm::Levels,
        x: axis("request of the launch", AxisUnit::Count),
        y: axis("TPOT, prompts evened out", AxisUnit::Ns),
        series: vec![
            dots("run 0", 40, 1.0),
            level("run 0", 4.0, 40.0, 25.2e6),
            level("run 0", 41.0, 120.0, 20.2e6),
            dots("run 1", 0, 1.05),
            level("run 1", 4.0, 120.0, 21.2e6),
        ],
        marks: vec![Mark { x: 41.0, label: "steady, run 0".to_owned() }],
    }
}

//! A phone that throttles and dies, and a board that stays as fast as it is.

use dyno_view::chart::{Axis, AxisUnit, ChartForm, Mark, Panel, PanelChart, Scale, Series, Shade};
use dyno_view::heat::{
    HeatCause, HeatChangeView, HeatFigureView, HeatLaunchView, HeatOnsetView, HeatRowView, HeatTableView,
    HeatTempView, HeatVerdict, HeatView, HeatWaitView, LeastDropView, TerminatedView,
};
use dyno_view::report::{CellView, Report, UnitView};

const S: u64 = 1_000_000_000;

/// Two cells with a load that went on, and their table.
pub(crate) fn heat_report() -> Report {
    let mut report = super::small_report();
    let named = |n: u32, device: &str, heat: HeatView| CellView {
        id: format!("{n:016x}"),
        device: device.to_owned(),
        charts: Vec::new(),
        heat: Some(heat),
        ..report.cells[0].clone()
    };
    let cells = vec![named(1, "phone", view(phone())), named(2, "board", view(board()))];
    let row = |cell: &CellView| {
        let of = &cell.heat.as_ref().expect("both have one").launches[0];
        HeatRowView {
            cell: cell.id.clone(),
            device: cell.device.clone(),
            runtime: cell.runtime.clone(),
            model: cell.model.clone(),
            load: "single user".to_owned(),
            launch: None,
            iteration: "one pass of 12 prompts".to_owned(),
            first: of.first.clone(),
            tenth: of.tenth.clone(),
            sustained: of.sustained.clone(),
            throttle: of.throttle.clone(),
            ended: of.terminated.clone(),
            invalid: Vec::new(),
        }
    };
    report.heat = Some(HeatTableView { rows: cells.iter().map(row).collect() });
    report.cells = cells;
    report
}

fn view(launch: HeatLaunchView) -> HeatView {
    HeatView {
        signal: "decode rate, prompts evened out".to_owned(),
        iteration: "one pass of 12 prompts".to_owned(),
        ambient_mdegc: launch.terminated.is_none().then_some(22_500),
        charts: vec![chart(&launch)],
        launches: vec![launch],
    }
}

fn figure(unit: UnitView, value: f64, width: f64, n: u64) -> HeatFigureView {
    let interval = (width > 0.0).then_some([value - width, value + width]);
    HeatFigureView { unit, value: Some(value), interval, n, why: None }
}

fn none(unit: UnitView, why: &str) -> HeatFigureView {
    HeatFigureView { unit, value: None, interval: None, n: 0, why: Some(why.to_owned()) }
}

fn phone() -> HeatLaunchView {
    use UnitView::{Ratio, TokensPerSecond};
    let short = "the load went on for 14 of 15 min";
    HeatLaunchView {
        run: 0,
        launch: 1,
        n: 336,
        load_ns: 840 * S,
        verdict: HeatVerdict::Throttled,
        least_drop: Some(LeastDropView { ratio: 0.0182, lasting_ns: 30 * S }),
        peak: figure(TokensPerSecond, 20.1, 0.2, 12),
        sustained: none(TokensPerSecond, short),
        ratio: none(Ratio, short),
        slope_per_h: figure(Ratio, -0.021, 0.09, 84),
        first: figure(TokensPerSecond, 20.0, 0.3, 12),
        tenth: figure(TokensPerSecond, 19.9, 0.0, 3),
        throttle: figure(Ratio, 0.401, 0.012, 96),
        until_90_ns: Some(301 * S),
        depth_ratio: Some(0.403),
        onset: Some(HeatOnsetView { at_ns: 300 * S, energy_j: Some(1_512.0) }),
        changes: vec![
            HeatChangeView {
                at_ns: 300 * S,
                request: 121,
                before: 20.0,
                after: 14.0,
                causes: vec![HeatCause::Thermal],
                evidence: vec![
                    "cooling_device0 thermal-cpufreq-0 rose from 0 to 3".to_owned(),
                    "cpu4-7: clock fell from 2802 to 1680 MHz".to_owned(),
                ],
                temp_mdegc: Some(84_850),
            },
            HeatChangeView {
                at_ns: 600 * S,
                request: 241,
                before: 14.0,
                after: 12.0,
                causes: Vec::new(),
                evidence: Vec::new(),
                temp_mdegc: None,
            },
        ],
        temps: vec![
            temp("thermal_zone0 soc", [Some(40_000), Some(84_850), Some(85_100)], 86_200),
            temp("thermal_zone9 <skin>", [Some(31_200), Some(38_400), None], 43_000),
        ],
        cool_down: Some(HeatWaitView {
            ns: 900 * S,
            is_cool: Some(false),
            why: Some("hot start: after 900 s soc is 7.0 °C above its baseline".to_owned()),
        }),
        recovery: None,
        terminated: Some(TerminatedView {
            outcome: "oom".to_owned(),
            detail: Some("killed by lmkd".to_owned()),
            after_ns: 840 * S,
        }),
        invalid: Vec::new(),
    }
}

fn board() -> HeatLaunchView {
    use UnitView::{Ratio, TokensPerSecond};
    HeatLaunchView {
        load_ns: 1200 * S,
        n: 480,
        verdict: HeatVerdict::Flat,
        sustained: figure(TokensPerSecond, 20.02, 0.05, 120),
        ratio: figure(Ratio, 0.998, 0.006, 132),
        throttle: figure(Ratio, -0.0012, 0.008, 132),
        until_90_ns: None,
        depth_ratio: None,
        onset: None,
        changes: Vec::new(),
        temps: vec![temp("thermal_zone0 cpu-thermal", [Some(41_000), None, Some(62_300)], 63_400)],
        cool_down: Some(HeatWaitView { ns: 61 * S, is_cool: Some(true), why: None }),
        recovery: Some(HeatWaitView {
            ns: 312 * S,
            is_cool: Some(true),
            why: Some("after 312 s within 3.0 °C of before the load".to_owned()),
        }),
        terminated: None,
        ..phone()
    }
}

fn temp(site: &str, [before, onset, end]: [Option<i64>; 3], max: i64) -> HeatTempView {
    HeatTempView {
        site: site.to_owned(),
        before_mdegc: before,
        onset_mdegc: onset,
        end_mdegc: end,
        max_mdegc: max,
    }
}

/// A dot each 2.5 s with a saw of ±1 %, a reading each 10 s.
fn chart(of: &HeatLaunchView) -> PanelChart {
    let is_phone = of.terminated.is_some();
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    let lasts = of.load_ns / S;
    let pace = |s: u64| match s {
        300..600 if is_phone => 14.0,
        600.. if is_phone => 12.0,
        _ => 20.0,
    };
    let saw = |n: u64| [0.3, -0.9, 0.8, -0.4, 1.0, -0.8][n as usize % 6] * 0.01;
    let dots: Vec<[f64; 2]> =
        (0..lasts * 2 / 5).map(|n| [n as f64 * 2.5e9, pace(n * 5 / 2) * (1.0 + saw(n))]).collect();
    let sampled = |name: &str, value: &dyn Fn(f64) -> f64| {
        let points: Vec<[f64; 2]> =
            (-12..lasts.cast_signed() / 10).map(|n| [n as f64 * 1e10, value(n as f64 * 10.0)]).collect();
        Series { name: name.to_owned(), n: points.len() as u64, points }
    };
    let ends: &[[f64; 3]] = if is_phone {
        &[[0.0, 300.0, 20.0], [300.0, 600.0, 14.0], [600.0, 840.0, 12.0]]
    } else {
        &[[0.0, 1200.0, 20.0]]
    };
    let level = |[from, to, level]: &[f64; 3]| Series {
        name: "level".to_owned(),
        points: vec![[from * 1e9, *level], [to * 1e9, *level]],
        n: 0,
    };
    let dots =
        Series { name: "decode rate, prompts evened out".to_owned(), n: dots.len() as u64, points: dots };
    let clock = |s: f64| if is_phone && s >= 300.0 { 1_680_000.0 } else { 2_802_000.0 };
    let heat = |s: f64| {
        40_000.0
            + if is_phone {
                s.clamp(0.0, 300.0) * 150.0
            } else {
                22_000.0 * (1.0 - (-s.max(0.0) / 120.0).exp())
            }
    };
    let mut panels = vec![
        Panel {
            y: axis("pace", AxisUnit::TokensPerSecond),
            form: ChartForm::Levels,
            series: [dots].into_iter().chain(ends.iter().map(level)).collect(),
        },
        Panel {
            y: axis("clock", AxisUnit::Khz),
            form: ChartForm::Line,
            series: vec![sampled("cpu4-7", &clock)],
        },
        Panel {
            y: axis("temperature", AxisUnit::Mdegc),
            form: ChartForm::Line,
            series: vec![
                sampled("thermal_zone0 soc", &heat),
                sampled("thermal_zone9 <skin>", &|s| 31_000.0 + s.max(0.0) * 12.0),
            ],
        },
    ];
    if is_phone {
        let state = |s: f64| if s < 300.0 { 0.0 } else { 3.0 };
        panels.push(Panel {
            y: axis("cooling state", AxisUnit::Count),
            form: ChartForm::Step,
            series: vec![sampled("cooling_device0 thermal-cpufreq-0", &state)],
        });
    }
    let marks: &[(f64, &str)] =
        if is_phone { &[(300.0, "thermal"), (600.0, "cause unknown"), (840.0, "oom")] } else { &[] };
    PanelChart {
        id: "heat-0-1".to_owned(),
        title: "Pace and heat, run 0".to_owned(),
        caption: "One dot for each request, lines are levels between changes.".to_owned(),
        x: axis("time since the load began", AxisUnit::Ns),
        panels,
        marks: marks.iter().map(|(s, label)| Mark { x: s * 1e9, label: (*label).to_owned() }).collect(),
        shades: vec![Shade { from: -1.2e11, to: -6e10, label: "rest".to_owned() }],
    }
}

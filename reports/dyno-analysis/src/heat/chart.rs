//! Pace, clocks, temperatures and throttling of a launch over one axis of time.

use dyno_model::care::SpanKind;
use dyno_model::sample::Quantity;
use dyno_view::chart::{Axis, AxisUnit, ChartForm, Mark, Panel, PanelChart, Scale, Series, Shade};
use dyno_view::heat::{HeatCause, HeatChangeView, HeatLaunchView, HeatVerdict};

use super::levels::{Levels, SLOWDOWN};
use super::pace::Pace;
use super::sensors::{Readings, Sensors};
use super::window::spans;
use crate::cell::CellRecord;
use crate::charts::{cloud, line};

/// Lines of a panel: more cannot be told apart.
const MAX_LINES: usize = 6;
/// What came before and after a load is drawn for no longer than this share of it, so that a long wait does not
/// squeeze it.
const AROUND: f64 = 0.5;

/// All panels that have something to show.
pub(super) fn panels(cell: &CellRecord<'_>, pace: &Pace<'_, '_>, view: &HeatLaunchView) -> PanelChart {
    let sensors = Sensors::of(cell, pace.launch);
    let scene = Scene::of(pace);
    let name = pace.launch.name();
    let all = [
        Some(pace_panel(pace, &scene)),
        clocks(&sensors, &scene),
        temperatures(&sensors, pace, &scene),
        cooling(&sensors, &scene),
        throttling(&sensors, &scene),
    ];
    PanelChart {
        id: format!("heat-{}-{}", view.run, view.launch),
        title: format!("Pace and heat, {name}"),
        caption: caption(&sensors, &scene),
        x: axis("time since the load began", AxisUnit::Ns),
        panels: all.into_iter().flatten().filter(|panel| !panel.series.is_empty()).collect(),
        marks: marks(view),
        shades: scene.shades(pace),
    }
}

/// The stretch of time that is drawn.
struct Scene {
    began_at: u64,
    from: u64,
    to: u64,
}

impl Scene {
    fn of(pace: &Pace<'_, '_>) -> Self {
        let window = pace.window;
        let around = (window.len_ns() as f64 * AROUND) as u64;
        let began = pace.launch.row.started_at_ns.unwrap_or(window.began_at);
        let after = spans(pace.launch, SpanKind::Recovery).map(|span| span.ended_at.0).max();
        Self {
            began_at: window.began_at,
            from: began.max(window.began_at.saturating_sub(around)).min(window.began_at),
            to: after
                .unwrap_or(window.ended_at)
                .min(window.ended_at.saturating_add(around))
                .max(window.ended_at),
        }
    }

    /// Place on the axis; negative before the load.
    fn x(&self, at_ns: u64) -> f64 {
        at_ns as f64 - self.began_at as f64
    }

    fn points(&self, of: &Readings<'_>) -> Vec<[f64; 2]> {
        of.within(self.from, self.to).iter().map(|(at, value)| [self.x(*at), *value as f64]).collect()
    }

    fn series(&self, of: &Readings<'_>, name: &str) -> Series {
        let points = self.points(of);
        Series { name: name.to_owned(), n: points.len() as u64, points: line(&points) }
    }

    /// Growth of a counter since the scene began.
    fn growth(&self, of: &Readings<'_>) -> Series {
        let points = self.points(of);
        let first = points.first().map_or(0.0, |point| point[1]);
        let grown: Vec<[f64; 2]> = points.iter().map(|[x, y]| [*x, y - first]).collect();
        Series { name: of.site().to_owned(), n: grown.len() as u64, points: line(&grown) }
    }

    /// Parts of the launch that are no load.
    fn shades(&self, pace: &Pace<'_, '_>) -> Vec<Shade> {
        let kinds = [
            (SpanKind::CoolDown, "cool-down"),
            (SpanKind::Idle, "rest"),
            (SpanKind::ReadyIdle, "rest, ready"),
            (SpanKind::Recovery, "recovery"),
        ];
        let shade = |(kind, label): (SpanKind, &str)| {
            let of = spans(pace.launch, kind).filter(|span| span.ended_at.0 > self.from);
            let of = of.map(|span| Shade {
                from: self.x(span.began_at.0.max(self.from)),
                to: self.x(span.ended_at.0.min(self.to)),
                label: label.to_owned(),
            });
            of.collect::<Vec<_>>()
        };
        kinds.into_iter().flat_map(shade).filter(|shade| shade.to > shade.from).collect()
    }
}

fn axis(label: &str, unit: AxisUnit) -> Axis {
    Axis { label: label.to_owned(), unit, scale: Scale::Linear }
}

fn panel(label: &str, unit: AxisUnit, form: ChartForm, series: Vec<Series>) -> Panel {
    let series = series.into_iter().filter(|series| !series.points.is_empty()).collect();
    Panel { y: axis(label, unit), form, series }
}

/// A dot for each request, and the levels.
fn pace_panel(pace: &Pace<'_, '_>, scene: &Scene) -> Panel {
    let middle = |point: &super::pace::Point| scene.x(point.middle_at());
    let dots: Vec<[f64; 2]> = pace.points.iter().map(|point| [middle(point), point.rate]).collect();
    let dots = Series { name: pace.signal().to_owned(), n: dots.len() as u64, points: cloud(dots) };
    let level = |segment: &super::levels::Segment| {
        let (first, last) = (&pace.points[segment.range.start], &pace.points[segment.range.end - 1]);
        let ends = [scene.x(first.sent_at), scene.x(last.ended_at)];
        let points = ends.map(|x| [x, segment.level]).to_vec();
        Series { name: "level".to_owned(), points, n: 0 }
    };
    let levels = Levels::of(pace);
    let series = [dots].into_iter().chain(levels.segments.iter().map(level)).collect();
    panel("pace", AxisUnit::TokensPerSecond, ChartForm::Levels, series)
}

/// Clocks, and those caps that moved.
fn clocks(sensors: &Sensors<'_>, scene: &Scene) -> Option<Panel> {
    let clocks = sensors.with(Quantity::FreqKhz).filter(|of| !of.site().contains("memory"));
    let caps = sensors.with(Quantity::FreqCapKhz).filter(|of| moved(&scene.points(of)));
    let clocks = clocks.take(MAX_LINES).map(|of| scene.series(&of, of.site()));
    let caps = caps.map(|of| scene.series(&of, &format!("{}, cap", of.site())));
    let series: Vec<Series> = clocks.chain(caps).take(MAX_LINES).collect();
    (!series.is_empty()).then(|| panel("clock", AxisUnit::Khz, ChartForm::Line, series))
}

fn temperatures(sensors: &Sensors<'_>, pace: &Pace<'_, '_>, scene: &Scene) -> Option<Panel> {
    let series: Vec<Series> =
        sensors.zones(pace.window).iter().map(|of| scene.series(of, of.site())).collect();
    (!series.is_empty()).then(|| panel("temperature", AxisUnit::Mdegc, ChartForm::Line, series))
}

/// Cooling devices and states of heat that were not at 0 all along.
fn cooling(sensors: &Sensors<'_>, scene: &Scene) -> Option<Panel> {
    let states = sensors.with(Quantity::CoolingState).chain(sensors.with(Quantity::HeatState));
    let series: Vec<Series> = states
        .map(|of| scene.series(&of, of.site()))
        .filter(|of| of.points.iter().any(|point| point[1] > 0.0))
        .take(MAX_LINES)
        .collect();
    (!series.is_empty()).then(|| panel("cooling state", AxisUnit::Count, ChartForm::Step, series))
}

/// Counters and flags that moved.
fn throttling(sensors: &Sensors<'_>, scene: &Scene) -> Option<Panel> {
    let counters = sensors.with(Quantity::ThrottleCount).map(|of| scene.growth(&of));
    let times = sensors.with(Quantity::ThrottleNs).map(|of| in_seconds(&scene.growth(&of)));
    let flags =
        sensors.with(Quantity::ThrottleFlags).map(|of| scene.series(&of, &format!("{}, flags", of.site())));
    let series: Vec<Series> =
        counters.chain(times).chain(flags).filter(|of| moved(&of.points)).take(MAX_LINES).collect();
    (!series.is_empty())
        .then(|| panel("throttling, since the begin", AxisUnit::Count, ChartForm::Step, series))
}

fn in_seconds(series: &Series) -> Series {
    let points = series.points.iter().map(|[x, y]| [*x, y / 1e9]).collect();
    Series { name: format!("{}, s", series.name), points, n: series.n }
}

fn moved(points: &[[f64; 2]]) -> bool {
    points.windows(2).any(|pair| pair[0][1].total_cmp(&pair[1][1]).is_ne())
}

/// How to read it, and what was looked at and never moved.
fn caption(sensors: &Sensors<'_>, scene: &Scene) -> String {
    let mut text =
        "One dot for each request, lines are levels between changes; what happens at one time lies in one \
                    vertical line."
            .to_owned();
    let quiet = |quantities: &[Quantity]| {
        let of: Vec<_> = sensors.all().filter(|of| quantities.contains(&of.quantity())).collect();
        !of.is_empty() && of.iter().all(|of| !moved(&scene.points(of)))
    };
    let throttle = [Quantity::ThrottleCount, Quantity::ThrottleNs, Quantity::ThrottleFlags];
    let cooling = [Quantity::CoolingState, Quantity::HeatState];
    let still = match (quiet(&throttle), quiet(&cooling)) {
        (true, true) => " No throttle counter, flag or cooling state moved.",
        (true, false) => " No throttle counter or flag moved.",
        (false, true) => " No cooling state moved.",
        (false, false) => "",
    };
    text.push_str(still);
    text
}

/// Changes of level that matter, and the end of a launch that could not go on.
fn marks(view: &HeatLaunchView) -> Vec<Mark> {
    let matters = |change: &&HeatChangeView| (change.after / change.before - 1.0).abs() >= SLOWDOWN;
    let is_flat = view.verdict == HeatVerdict::Flat;
    let changes = view.changes.iter().filter(matters).filter(|_| !is_flat);
    let changes = changes.map(|change| Mark { x: change.at_ns as f64, label: label(change) });
    let end = view.terminated.as_ref().map(|of| Mark { x: of.after_ns as f64, label: of.outcome.clone() });
    changes.chain(end).collect()
}

fn label(change: &HeatChangeView) -> String {
    if change.after > change.before {
        return "faster".to_owned();
    }
    let word = |cause: &HeatCause| match cause {
        HeatCause::UnderVoltage => "under-voltage",
        HeatCause::Thermal => "thermal",
        HeatCause::PowerCap => "power cap",
        HeatCause::ClockCap => "clock cap",
    };
    let words: Vec<&str> = change.causes.iter().map(word).collect();
    if words.is_empty() { "cause unknown".to_owned() } else { words.join(", ") }
}

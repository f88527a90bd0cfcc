//! What one launch did, as data.

use dyno_model::care::SpanKind;
use dyno_model::sample::Quantity;
use dyno_view::heat::{HeatChangeView, HeatFigureView, HeatLaunchView, HeatOnsetView, HeatVerdict};
use dyno_view::report::UnitView;

use super::cause::causes;
use super::figure::{median_rate, missing_to_one, none, ratio};
use super::levels::{Levels, is_steady, last_quarter, rates, slope_per_h, until_90};
use super::pace::Pace;
use super::sensors::{Sensors, temps};
use super::window::{terminated, wait};
use crate::cell::CellRecord;
use crate::energy::joules_between;

/// A load must go on for so long before what it sustains can be told (MEASUREMENT §3.6).
const SOAK_NS: u64 = 1_200_000_000_000;
/// The same of phones.
const PHONE_SOAK_NS: u64 = 900_000_000_000;
/// The last request of a held load begins a little before its end.
const SOAK_SLACK: f64 = 0.99;
/// The iteration that published tables name.
const TENTH: usize = 9;

pub(super) fn launch_view(cell: &CellRecord<'_>, pace: &Pace<'_, '_>) -> HeatLaunchView {
    let (launch, window) = (pace.launch, pace.window);
    let sensors = Sensors::of(cell, launch);
    let levels = Levels::of(pace);
    let changes = changes(pace, &levels, &sensors);
    let slowdown = levels.slowdown();
    let onset_at = slowdown.map(|place| pace.points[levels.segments[place].range.start].sent_at);
    let verdict = verdict(pace, &levels, slowdown, &changes);
    let is_slow = matches!(verdict, HeatVerdict::Throttled | HeatVerdict::SlowdownUnknown);
    let end = End::of(cell, pace);
    let peak_rates = rates(&pace.points[levels.peak.clone()]);
    let seed = cell.record.plan.seed;
    let sustained_over_peak = match &end.why_none {
        None => ratio(&end.rates, &peak_rates, seed),
        Some(why) => none(UnitView::Ratio, why),
    };
    HeatLaunchView {
        run: launch.row.run,
        launch: u16::try_from(launch.row.launch).unwrap_or(u16::MAX),
        n: pace.points.len() as u64,
        load_ns: window.len_ns(),
        verdict,
        least_drop: levels.least_drop,
        peak: median_rate(&peak_rates, "no request"),
        sustained: end.figure(),
        ratio: sustained_over_peak,
        slope_per_h: end.slope.clone(),
        first: iteration(pace, 0),
        tenth: iteration(pace, TENTH),
        throttle: throttle(pace, &end, seed),
        until_90_ns: until_90(pace, &levels),
        depth_ratio: levels.depth().filter(|_| is_slow),
        onset: onset_at.map(|at| HeatOnsetView {
            at_ns: window.since(at),
            energy_j: joules_between(cell, launch, window.began_at, at),
        }),
        changes,
        temps: temps(&sensors, launch, window, onset_at),
        cool_down: wait(launch, SpanKind::CoolDown),
        recovery: wait(launch, SpanKind::Recovery),
        terminated: terminated(cell, launch, window),
        invalid: launch.row.invalid.clone().unwrap_or_default(),
    }
}

fn verdict(
    pace: &Pace<'_, '_>,
    levels: &Levels,
    slowdown: Option<usize>,
    changes: &[HeatChangeView],
) -> HeatVerdict {
    if pace.points.len() < levels.needed {
        return HeatVerdict::TooFew { needed: levels.needed as u64 };
    }
    // A pace that falls in steps has its cause at any of them.
    let has_cause = |last: usize| {
        changes[..last].iter().skip(levels.peak_segment).any(|change| !change.causes.is_empty())
    };
    match slowdown {
        None => HeatVerdict::Flat,
        Some(segment) if has_cause(segment) => HeatVerdict::Throttled,
        Some(_) => HeatVerdict::SlowdownUnknown,
    }
}

/// One between each two segments.
fn changes(pace: &Pace<'_, '_>, levels: &Levels, sensors: &Sensors<'_>) -> Vec<HeatChangeView> {
    let change = |pair: &[super::levels::Segment]| {
        let first = &pace.points[pair[1].range.start];
        let (before, after) = (pair[0].level, pair[1].level);
        let (causes, evidence) =
            if after < before { causes(pace, sensors, first.sent_at) } else { (Vec::new(), Vec::new()) };
        let hottest = sensors.with(Quantity::TempMdegc).filter_map(|of| of.before(first.sent_at)).max();
        HeatChangeView {
            at_ns: pace.window.since(first.sent_at),
            request: first.number as u64 + 1,
            before,
            after,
            causes,
            evidence,
            temp_mdegc: hottest,
        }
    };
    levels.segments.windows(2).map(change).collect()
}

fn iteration(pace: &Pace<'_, '_>, number: usize) -> HeatFigureView {
    let n = pace.n_iterations();
    median_rate(&pace.iteration_rates(number), &format!("{n} of {} iterations", number + 1))
}

/// By how much the pace of the last quarter lies below that of the first iteration; the tenth where the load was short.
fn throttle(pace: &Pace<'_, '_>, end: &End, seed: u64) -> HeatFigureView {
    let first = pace.iteration_rates(0);
    let tenth = pace.iteration_rates(TENTH);
    let later = if pace.window.len_ns() >= super::LONG_NS { &end.rates } else { &tenth };
    if first.is_empty() || later.is_empty() {
        return none(UnitView::Ratio, "neither five minutes of load nor a tenth iteration");
    }
    missing_to_one(ratio(later, &first, seed))
}

/// The last quarter of a load.
struct End {
    rates: Vec<f64>,
    slope: HeatFigureView,
    /// Why nothing is sustained; `None` where something is.
    why_none: Option<String>,
}

impl End {
    fn of(cell: &CellRecord<'_>, pace: &Pace<'_, '_>) -> Self {
        let points = last_quarter(pace);
        let slope = slope_per_h(points);
        let needed_ns = needed_ns(cell);
        let len_ns = pace.window.len_ns();
        let why_none = if (len_ns as f64) < SOAK_SLACK * needed_ns as f64 {
            Some(format!("the load went on for {} of {} min", minutes(len_ns), minutes(needed_ns)))
        } else {
            match &slope {
                None => Some("too few requests in the last quarter".to_owned()),
                Some(slope) if is_steady(slope, len_ns / 4) => None,
                Some(slope) => {
                    let way = if slope.slope < 0.0 { "falls" } else { "rises" };
                    Some(format!(
                        "not steady: it still {way} in the last quarter, so the load must go on longer"
                    ))
                }
            }
        };
        let slope = match slope {
            None => none(UnitView::Ratio, "too few requests in the last quarter"),
            Some(of) => HeatFigureView {
                unit: UnitView::Ratio,
                value: Some(of.slope),
                interval: Some([of.low, of.high]),
                n: points.len() as u64,
                why: None,
            },
        };
        Self { rates: rates(points), slope, why_none }
    }

    fn figure(&self) -> HeatFigureView {
        match &self.why_none {
            None => median_rate(&self.rates, "no request"),
            Some(why) => none(UnitView::TokensPerSecond, why),
        }
    }
}

/// How long a load must go on here; a hold that ends by itself once it is steady has its own rule.
fn needed_ns(cell: &CellRecord<'_>) -> u64 {
    let device = &cell.cell.device;
    let facts = crate::contacts::Contacts::of(cell.record, device).facts();
    let rule = if facts.is_some_and(|facts| facts.os == "android") { PHONE_SOAK_NS } else { SOAK_NS };
    let steady_ms = cell.cell.hold.and_then(|hold| hold.steady_after_ms);
    steady_ms.map_or(rule, |ms| rule.min(ms.saturating_mul(1_000_000)))
}

fn minutes(ns: u64) -> String {
    let minutes = ns as f64 / 60e9;
    if minutes.fract() < 0.05 { format!("{minutes:.0}") } else { format!("{minutes:.1}") }
}

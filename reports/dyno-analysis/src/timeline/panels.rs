//! Tokens, clocks, temperatures and power of one request on one axis of time.

use dyno_model::sample::Quantity;
use dyno_view::chart::{Axis, AxisUnit, ChartForm, Mark, Panel, PanelChart, Scale, Series, Shade};

use super::Moments;
use crate::cell::{CellRecord, LaunchRecord};
use crate::charts::line;
use crate::energy::power_of;
use crate::record::Readings;

/// Lines of a panel: more cannot be told apart.
const MAX_LINES: usize = 6;
/// So much is drawn before and after, as a share of the request, so that what led to it is seen.
const AROUND: f64 = 0.15;

/// The stretch of time that is drawn; positions are relative to its request's begin.
struct Scene {
    zero: u64,
    from: u64,
    to: u64,
}

impl Scene {
    fn of(moments: &Moments) -> Self {
        let around = ((moments.ended - moments.from) as f64 * AROUND) as u64;
        Self {
            zero: moments.from,
            from: moments.from.saturating_sub(around),
            to: moments.ended.saturating_add(around),
        }
    }

    fn x(&self, at_ns: u64) -> f64 {
        at_ns as f64 - self.zero as f64
    }

    /// Readings within the scene, and the one before it, held until its begin: most sensors are read less often than a
    /// short request takes.
    fn within(&self, points: &[(u64, f64)]) -> Vec<[f64; 2]> {
        let first = points.partition_point(|(at, _)| *at < self.from);
        let end = points.partition_point(|(at, _)| *at <= self.to);
        let before = first.checked_sub(1).map(|at| [self.x(self.from), points[at].1]);
        let inside = points[first..end.max(first)].iter().map(|(at, value)| [self.x(*at), *value]);
        let mut drawn: Vec<[f64; 2]> = before.into_iter().chain(inside).collect();
        // What was read last holds until the scene ends.
        if let Some([_, value]) = drawn.last().copied() {
            drawn.push([self.x(self.to), value]);
        }
        drawn
    }
}

/// All panels that have something to show.
pub(super) fn chart(
    cell: &CellRecord<'_>,
    launch: &LaunchRecord<'_>,
    row: usize,
    moments: &Moments,
) -> PanelChart {
    let scene = Scene::of(moments);
    let requests = &cell.record.requests;
    let readings: Vec<Readings<'_>> = cell.record.readings_of(launch.row.run, launch.row.launch).collect();
    let sampled =
        |quantity, label: &str, unit, form| panel_of(&scene, &readings, quantity, (label, unit, form));
    let all = [
        Some(tokens(cell, row, &scene, moments)),
        sampled(Quantity::FreqKhz, "clock", AxisUnit::Khz, ChartForm::Step),
        sampled(Quantity::TempMdegc, "temperature", AxisUnit::Mdegc, ChartForm::Step),
        power(cell, launch, &scene),
    ];
    // Neighbours are told apart: what lies between the two is prefill.
    let shades = moments.phases().into_iter().filter(|(name, ..)| *name != "prefill");
    PanelChart {
        id: format!("timeline-{}-{}-{}", requests.run[row], requests.launch[row], requests.idx[row]),
        title: format!("{}, request {}", launch.name(), requests.idx[row]),
        caption: "One step for each token chunk; queue and decode are shaded, between them is prefill. What happens at one \
                  time lies in one vertical line; a sensor's value holds from one reading to the next."
            .to_owned(),
        x: axis(if moments.from < moments.sent { "time since it was due" } else { "time since it was sent" }, AxisUnit::Ns),
        panels: all.into_iter().flatten().collect(),
        marks: longest_gap(cell, row, moments).into_iter().collect(),
        shades: shades
            .map(|(name, from, to)| Shade { from: scene.x(from), to: scene.x(to), label: name.to_owned() })
            .collect(),
    }
}

fn axis(label: &str, unit: AxisUnit) -> Axis {
    Axis { label: label.to_owned(), unit, scale: Scale::Linear }
}

/// The chunks that have arrived.
fn tokens(cell: &CellRecord<'_>, row: usize, scene: &Scene, moments: &Moments) -> Panel {
    let arrivals = cell.record.tokens(row);
    let arrived =
        arrivals.at_ns().zip(1_u32..).map(|(at, n)| [scene.x(moments.sent.saturating_add(at)), f64::from(n)]);
    let before = [[scene.x(scene.from), 0.0]];
    let after = [[scene.x(scene.to), arrivals.len() as f64]];
    let points: Vec<[f64; 2]> = before.into_iter().chain(arrived).chain(after).collect();
    let series = Series { name: "token chunks".to_owned(), n: arrivals.len() as u64, points: line(&points) };
    Panel { y: axis("token chunks so far", AxisUnit::Count), form: ChartForm::Step, series: vec![series] }
}

/// Sites of one quantity: of too many to tell apart those that reach the most.
fn panel_of(
    scene: &Scene,
    readings: &[Readings<'_>],
    quantity: Quantity,
    (label, unit, form): (&str, AxisUnit, ChartForm),
) -> Option<Panel> {
    let of_quantity = readings.iter().filter(|(row, _)| row.what.quantity == quantity);
    let mut series: Vec<Series> = of_quantity
        .filter_map(|(row, points)| {
            let values: Vec<(u64, f64)> = points.iter().map(|(at, value)| (*at, *value as f64)).collect();
            series(scene, &row.what.site, &values)
        })
        .collect();
    let highest = |of: &Series| of.points.iter().map(|point| point[1]).max_by(f64::total_cmp).unwrap_or(0.0);
    series.sort_by(|a, b| highest(b).total_cmp(&highest(a)));
    series.truncate(MAX_LINES);
    (!series.is_empty()).then(|| Panel { y: axis(label, unit), form, series })
}

/// `None` where nothing was read before the scene's end.
fn series(scene: &Scene, name: &str, points: &[(u64, f64)]) -> Option<Series> {
    let n = points.iter().filter(|(at, _)| (scene.from..=scene.to).contains(at)).count() as u64;
    let drawn = scene.within(points);
    (!drawn.is_empty()).then(|| Series { name: name.to_owned(), points: line(&drawn), n })
}

fn power(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>, scene: &Scene) -> Option<Panel> {
    let (name, points) = power_of(cell, launch)?;
    let series = series(scene, &name, &points)?;
    Some(Panel { y: axis("power", AxisUnit::Watts), form: ChartForm::Step, series: vec![series] })
}

/// Where the longest gap between two chunks ended.
fn longest_gap(cell: &CellRecord<'_>, row: usize, moments: &Moments) -> Option<Mark> {
    let arrivals = cell.record.tokens(row);
    let ends = arrivals.gaps().zip(arrivals.at_ns().skip(1));
    let (_, at) = ends.reduce(|most, next| if next.0 > most.0 { next } else { most })?;
    let x = moments.sent.saturating_add(at) as f64 - moments.from as f64;
    Some(Mark { x, label: "longest gap".to_owned() })
}

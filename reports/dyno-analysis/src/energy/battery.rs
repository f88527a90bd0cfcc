//! What a charge of the battery is good for.

use dyno_model::sample::{Quantity, Scope};
use dyno_view::energy::{EnergyFigure, EnergyFigureView};
use dyno_view::report::UnitView;

use super::figures::{Totals, missing};
use super::launch::{Chosen, OfLaunch};
use crate::cell::{CellRecord, LaunchRecord};

/// MEASUREMENT §4.4: a rate of discharge is of so much of the charge at least.
const LEAST_DISCHARGE: f64 = 0.05;
/// Gauges tell whole per cents: half of one either way, evenly spread, in thousandths.
const CAPACITY_U_PERMILLE: f64 = 5.0 / 1.732_050_807_568_877_2;
/// House rule: the duty cycle that is worked out where the plan has none.
const DUTY: f64 = 0.1;

/// A battery over one launch.
struct Gauge {
    /// Energy of a full charge, and its standard uncertainty as a share.
    full_j: f64,
    u_ratio: f64,
}

/// Figures of a battery; none where the source does not cover the device, or there is none.
pub(super) fn figures(cell: &CellRecord<'_>, chosen: &Chosen<'_>, totals: &Totals) -> Vec<EnergyFigureView> {
    let launches: Vec<&LaunchRecord<'_>> = cell.valid_launches().collect();
    let Some(first) = launches.first().filter(|_| chosen.source.scope == Some(Scope::Device)) else {
        return Vec::new();
    };
    if points(cell, first, Quantity::CapacityPermille).is_none() {
        return Vec::new();
    }
    let n = totals.n_requests;
    let view = |id: &str, label: String, unit, figure, note: &str| EnergyFigureView {
        id: id.to_owned(),
        label,
        unit,
        figure,
        n,
        of: "requests".to_owned(),
        note: note.to_owned(),
    };
    let gauge = launches.iter().find_map(|launch| gauge(cell, launch));
    let of_full = |figure: &dyn Fn(&Gauge) -> EnergyFigure| match &gauge {
        Some(gauge) => figure(gauge),
        None => missing("the battery does not say what a full charge holds"),
    };
    let power_w = totals.gross.power_w();
    let relative = totals.gross.expanded() / totals.gross.joules;
    let hours = |power_w: f64| {
        of_full(&|gauge| {
            let value = gauge.full_j / power_w / 3600.0;
            EnergyFigure::Uncertain { value, u: value * relative.hypot(2.0 * gauge.u_ratio) }
        })
    };
    let tokens = of_full(&|gauge| match totals.n_tokens.filter(|n| *n > 0) {
        Some(n) => {
            let value = gauge.full_j / totals.gross.joules * n as f64;
            EnergyFigure::Uncertain { value, u: value * relative.hypot(2.0 * gauge.u_ratio) }
        }
        None => missing("the runtime does not count tokens"),
    });
    let duty = cell.cell.hold.and_then(|hold| hold.duty);
    let label = match duty {
        Some(duty) => format!(
            "Hours of a full charge at its duty cycle ({} s of work, {} s of rest)",
            duty.work_ms / 1000,
            duty.rest_ms / 1000
        ),
        None => "Hours of a full charge under this load".to_owned(),
    };
    let mut all = vec![
        view(
            "tokens_per_charge",
            "Output tokens of a full charge".to_owned(),
            UnitView::Tokens,
            tokens,
            "gross",
        ),
        view("hours_of_charge", label, UnitView::Hours, hours(power_w), "gross"),
    ];
    if duty.is_none() {
        let figure = match totals.idle_w {
            Some(idle_w) => hours(DUTY * power_w + (1.0 - DUTY) * idle_w),
            None => missing("no rest was measured"),
        };
        let label = format!("Hours of a full charge, at work {:.0} % of the time", DUTY * 100.0);
        all.push(view("hours_at_duty", label, UnitView::Hours, figure, "the rest of the time at rest"));
    }
    let rate = discharge(cell, &launches, chosen);
    all.push(view(
        "discharge_per_hour",
        "Discharge per hour".to_owned(),
        UnitView::Ratio,
        rate,
        "by the gauge's counter",
    ));
    all
}

fn points<'a>(
    cell: &CellRecord<'a>,
    launch: &LaunchRecord<'_>,
    quantity: Quantity,
) -> Option<&'a [(u64, i64)]> {
    let mut all = cell.record.readings_of(launch.row.run, launch.row.launch);
    let found = all.find(|(row, _)| row.driver == "power_supply" && row.what.quantity == quantity);
    found.map(|(_, points)| points)
}

/// What a full charge holds: what is left now, divided by the share that this is.
fn gauge(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<Gauge> {
    let permille = points(cell, launch, Quantity::CapacityPermille)?.first()?.1 as f64;
    let first = |quantity| points(cell, launch, quantity)?.first().map(|of| of.1 as f64);
    // 1 µWh is 3.6 mJ; 1 µAh at 1 µV is 1e-12 Wh.
    let left_j = first(Quantity::StoredUwh).map(|uwh| uwh * 3.6e-3).or_else(|| {
        let volts = mean(points(cell, launch, Quantity::VoltageUv)?)? / 1e6;
        Some(first(Quantity::ChargeUah)? * 3.6e-3 * volts)
    })?;
    (permille > 0.0 && left_j > 0.0)
        .then(|| Gauge { full_j: left_j * 1000.0 / permille, u_ratio: CAPACITY_U_PERMILLE / permille })
}

fn mean(points: &[(u64, i64)]) -> Option<f64> {
    let n = points.len() as f64;
    (n > 0.0).then(|| points.iter().map(|point| point.1 as f64).sum::<f64>() / n)
}

/// Share of a full charge per hour of the load, over the launch that took most of all that have an energy.
fn discharge(cell: &CellRecord<'_>, launches: &[&LaunchRecord<'_>], chosen: &Chosen<'_>) -> EnergyFigure {
    let of = |(launch, of): (&&LaunchRecord<'_>, &OfLaunch)| {
        of.energy.as_ref().ok()?;
        let permille = points(cell, launch, Quantity::CapacityPermille)?.first()?.1 as f64 / 1000.0;
        let counter = points(cell, launch, Quantity::StoredUwh)
            .or_else(|| points(cell, launch, Quantity::ChargeUah))?;
        let full = counter.first()?.1 as f64 / permille;
        let within = |point: &&(u64, i64)| (of.load.began..=of.load.ended).contains(&point.0);
        let (first, last) = (counter.iter().find(within)?, counter.iter().rfind(within)?);
        let taken = (first.1 - last.1) as f64 / full;
        let hours = last.0.saturating_sub(first.0) as f64 / 3.6e12;
        (full > 0.0 && hours > 0.0).then_some((taken, hours, CAPACITY_U_PERMILLE / permille / 1000.0))
    };
    match launches.iter().zip(&chosen.launches).filter_map(of).max_by(|a, b| a.0.total_cmp(&b.0)) {
        None => missing("the battery has no counter of charge or energy"),
        Some((taken, ..)) if taken < LEAST_DISCHARGE => missing(format!(
            "a launch took {:.1} % of the charge, and it takes {:.0} %",
            taken * 100.0,
            LEAST_DISCHARGE * 100.0
        )),
        Some((taken, hours, u_ratio)) => {
            EnergyFigure::Uncertain { value: taken / hours, u: 2.0 * u_ratio * taken / hours }
        }
    }
}

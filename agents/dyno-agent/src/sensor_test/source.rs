//! The sources of power and energy of a recording, each with its rows.

use dyno_model::sample::{AccuracyClass, Channel, Quantity, SampleBatch, SensorDeclared};

/// Time in ns, and the value where it could be read.
pub(super) type Point = (u64, Option<i64>);

/// A source: a channel, or a current with its voltage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) driver: String,
    pub(super) channel: Channel,
    /// Its rows.
    pub(super) points: Vec<Point>,
    /// What the battery did at each reading of its state, by the kernel's numbers.
    pub(super) states: Vec<i64>,
}

/// All sources, in the order of their channels.
pub(super) fn sources(declared: &[SensorDeclared], batches: &[SampleBatch]) -> Vec<Source> {
    declared.iter().flat_map(|sensor| of_sensor(sensor, batches)).collect()
}

fn of_sensor(sensor: &SensorDeclared, batches: &[SampleBatch]) -> Vec<Source> {
    let find = |quantity, site: &str| {
        sensor.channels.iter().position(|one| one.quantity == quantity && one.site == site)
    };
    let points = |column| points(sensor, batches, column);
    let mut found = Vec::new();
    for (column, channel) in sensor.channels.iter().enumerate() {
        let site = &*channel.site;
        let (channel, points) = match channel.quantity {
            Quantity::PowerUw | Quantity::EnergyUj => (channel.clone(), points(column)),
            Quantity::CurrentUa if find(Quantity::PowerUw, site).is_none() => {
                let Some(voltage) = find(Quantity::VoltageUv, site) else { continue };
                // Nobody's own figure of power, and the two are not read at one time.
                let power =
                    Channel { quantity: Quantity::PowerUw, class: AccuracyClass::D, ..channel.clone() };
                (power, product(&points(column), &points(voltage)))
            }
            _ => continue,
        };
        let states = find(Quantity::ChargeState, site).map(|state| self::points(sensor, batches, state));
        let states = states.unwrap_or_default().into_iter().filter_map(|point| point.1).collect();
        found.push(Source { driver: sensor.driver.clone(), channel, points, states });
    }
    found
}

fn points(sensor: &SensorDeclared, batches: &[SampleBatch], column: usize) -> Vec<Point> {
    let width = sensor.channels.len();
    let of_sensor = batches.iter().filter(|batch| batch.sensor == sensor.sensor);
    let rows = of_sensor.flat_map(|batch| {
        let values = batch.values.iter().skip(column).step_by(width);
        batch.at_ns.iter().zip(values).map(|(at, value)| (at.0, *value))
    });
    rows.collect()
}

/// µA × µV in µW, row by row.
fn product(currents: &[Point], voltages: &[Point]) -> Vec<Point> {
    let of = |current: Option<i64>, voltage: Option<i64>| {
        let power = i128::from(current?) * i128::from(voltage?) / 1_000_000;
        // Best effort: what does not fit is no power.
        i64::try_from(power).ok()
    };
    currents.iter().zip(voltages).map(|((at, current), (_, voltage))| (*at, of(*current, *voltage))).collect()
}

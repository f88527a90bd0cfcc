//! Rows of a meter, moved to the measured device's clock and given to launches: pure.

use dyno_model::clock::{ClockSample, MonoNs};
use dyno_model::ids::RunId;
use dyno_model::meter::ClockMap;
use dyno_model::sample::{Quantity, SampleBatch, SensorDeclared};

use crate::meter::align::Point;

/// How two clocks stood at one instant of the reader's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compared {
    /// By the reader's clock.
    pub(crate) at: i64,
    pub(crate) map: ClockMap,
}

/// When a launch was, by the measured device's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) run: RunId,
    pub(crate) launch: u16,
    pub(crate) from: MonoNs,
    pub(crate) to: MonoNs,
}

impl Compared {
    /// From how far the clocks of device and reader are from the controller's; the bounds of both add up.
    pub(crate) fn of(device: &ClockSample, reader: &ClockSample) -> Self {
        Self {
            at: i64::try_from(reader.at.0).unwrap_or(i64::MAX).saturating_add(reader.offset_ns),
            map: ClockMap {
                offset_ns: device.offset_ns.saturating_sub(reader.offset_ns),
                err_ns: device.err_ns.saturating_add(reader.err_ns),
            },
        }
    }
}

/// The map in the middle of some rows, between two comparisons; `None` without any.
///
/// Clocks drift apart evenly, so that the offset lies between those of the ends; within the rows it changes by their
/// part of the whole change, half of which is added to the bound.
pub(crate) fn map_between(ends: [Option<Compared>; 2], rows: &[MonoNs]) -> Option<ClockMap> {
    let [Some(before), Some(after)] = ends else {
        return ends.into_iter().flatten().next().map(|one| one.map);
    };
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Some(after.map) };
    let span = (after.at - before.at) as f64;
    let change = (after.map.offset_ns - before.map.offset_ns) as f64;
    let middle = first.0.midpoint(last.0) as f64;
    let part = if span > 0.0 { ((middle - before.at as f64) / span).clamp(0.0, 1.0) } else { 1.0 };
    let of_rows = if span > 0.0 { (last.since(*first) as f64 / span).min(1.0) } else { 0.0 };
    let drift_ns = (change.abs() * of_rows / 2.0).ceil() as u64;
    Some(ClockMap {
        offset_ns: before.map.offset_ns.saturating_add((change * part).round() as i64),
        err_ns: before.map.err_ns.max(after.map.err_ns).saturating_add(drift_ns),
    })
}

/// The rows of a batch that fall into a launch.
pub(crate) fn within(batch: &SampleBatch, map: ClockMap, window: &Window) -> SampleBatch {
    let n_channels = batch.values.len().checked_div(batch.at_ns.len()).unwrap_or(0);
    let mut inside = SampleBatch { sensor: batch.sensor, ..SampleBatch::default() };
    for (row, at) in batch.at_ns.iter().enumerate() {
        if map.map(*at).is_some_and(|at| (window.from..=window.to).contains(&at)) {
            inside.at_ns.push(*at);
            inside.values.extend(&batch.values[row * n_channels..(row + 1) * n_channels]);
        }
    }
    inside
}

/// Power over time by the measured device's clock: as read, or else the slope of a counter of energy.
pub(crate) fn power(declared: &SensorDeclared, rows: &[(ClockMap, &SampleBatch)]) -> Vec<Point> {
    let column = |quantity| declared.channels.iter().position(|channel| channel.quantity == quantity);
    let n_channels = declared.channels.len();
    let values = |column: usize| {
        let mut points: Vec<Point> = Vec::new();
        for (map, batch) in rows {
            for (at, row) in batch.at_ns.iter().zip(batch.values.chunks(n_channels.max(1))) {
                if let (Some(at), Some(value)) = (map.map(*at), row.get(column).copied().flatten()) {
                    points.push((i64::try_from(at.0).unwrap_or(i64::MAX), value as f64));
                }
            }
        }
        points.sort_by_key(|(at, _)| *at);
        points
    };
    if let Some(column) = column(Quantity::PowerUw) {
        return values(column);
    }
    let Some(column) = column(Quantity::EnergyUj) else { return Vec::new() };
    let slope = |pair: &[Point]| {
        let (ns, uj) = ((pair[1].0 - pair[0].0) as f64, pair[1].1 - pair[0].1);
        // One that fell began anew in between.
        (ns > 0.0 && uj >= 0.0).then(|| (i64::midpoint(pair[0].0, pair[1].0), uj * 1e9 / ns))
    };
    values(column).windows(2).filter_map(slope).collect()
}

#[cfg(test)]
mod tests {
    use dyno_model::clock::WallNs;
    use dyno_model::sample::{AccuracyClass, Channel};

    use super::*;

    fn map(offset_ns: i64, err_ns: u64) -> ClockMap {
        ClockMap { offset_ns, err_ns }
    }

    #[test]
    fn offsets_subtract_and_bounds_add() {
        let sample = |at, offset_ns, err_ns| ClockSample {
            at: MonoNs(at),
            offset_ns,
            err_ns,
            wall_offset_ns: WallNs(0).0.cast_signed(),
            n_probes: 8,
        };
        // The device is 5000 ahead of the controller, the reader 2000: the device is 3000 ahead of the reader.
        let compared = Compared::of(&sample(100, 5000, 30), &sample(110, 2000, 4));
        assert_eq!(compared, Compared { at: 2110, map: map(3000, 34) });
    }

    #[test]
    fn clocks_that_drift_are_met_half_way() {
        let ends = [(0, 100, 5), (1000, 140, 7)]
            .map(|(at, offset, err)| Some(Compared { at, map: map(offset, err) }));
        let between =
            |rows: &[u64]| map_between(ends, &rows.iter().map(|at| MonoNs(*at)).collect::<Vec<_>>());
        // In the middle half of the change; over the fifth that the rows take, half of a fifth of it is added.
        assert_eq!(between(&[400, 500, 600]), Some(map(120, 7 + 4)));
        assert_eq!(between(&[1000]), Some(map(140, 7)));
        assert_eq!(between(&[5000]), Some(map(140, 7)), "not beyond what is known");
        assert_eq!(map_between([None, ends[0]], &[]), Some(map(100, 5)));
        assert_eq!(map_between([None, None], &[MonoNs(1)]), None);
    }

    #[test]
    fn rows_go_to_the_launch_that_they_fell_into() {
        let batch = SampleBatch {
            sensor: 9,
            at_ns: [1, 2, 3, 4].map(MonoNs).to_vec(),
            values: [10, 11, 20, 21, 30, 31, 40, 41].map(Some).to_vec(),
        };
        let window = Window { run: RunId(0), launch: 1, from: MonoNs(102), to: MonoNs(103) };
        let inside = within(&batch, map(100, 0), &window);
        assert_eq!((inside.sensor, inside.at_ns), (9, vec![MonoNs(2), MonoNs(3)]), "as they were read");
        assert_eq!(inside.values, [20, 21, 30, 31].map(Some));
        assert_eq!(within(&SampleBatch::default(), map(0, 0), &window).at_ns, []);
    }

    #[test]
    fn a_counter_is_as_good_as_a_reading() {
        let declared = |quantity| SensorDeclared {
            sensor: 0,
            driver: "meter".to_owned(),
            channels: vec![Channel::new(quantity, "m", AccuracyClass::A, 1000)],
        };
        let s = 1_000_000_000;
        let batch = SampleBatch {
            sensor: 0,
            at_ns: [0, s, 2 * s, 3 * s].map(MonoNs).to_vec(),
            values: vec![Some(5_000_000), Some(9_000_000), None, Some(1_000_000)],
        };
        let rows = [(map(7, 0), &batch)];
        let s = s.cast_signed();
        assert_eq!(power(&declared(Quantity::PowerUw), &rows), [(7, 5e6), (7 + s, 9e6), (7 + 3 * s, 1e6)]);
        // 4 J in the first second are 4 W; then the counter fell.
        assert_eq!(power(&declared(Quantity::EnergyUj), &rows), [(7 + s / 2, 4e6)]);
        assert_eq!(power(&declared(Quantity::VoltageUv), &rows), []);
    }
}

//! Readings of a launch, by quantity and site.

use dyno_model::sample::Quantity;

use crate::cell::{CellRecord, LaunchRecord};

/// Instants and values of one channel.
pub(super) type Points<'a> = &'a [(u64, i64)];

/// A stretch of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Stretch {
    /// From the end of the first request, which reads the model for the first time, to the end of the last one;
    /// `None` with fewer than two.
    pub(super) fn steady(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<Self> {
        let requests = &cell.record.requests;
        let sent = launch.sent(cell.record);
        let from = requests.ended_at_ns[*sent.first()?];
        let to = sent.iter().map(|row| requests.ended_at_ns[*row]).max()?;
        (to > from).then_some(Self { from, to })
    }
}

/// Every channel of a launch that measures `quantity`, with its site.
pub(super) fn channels<'a>(
    cell: &CellRecord<'a>,
    launch: &LaunchRecord<'_>,
    quantity: Quantity,
) -> Vec<(&'a str, Points<'a>)> {
    let all = cell.record.readings_of(launch.row.run, launch.row.launch);
    let found = all.filter(|(row, _)| row.what.quantity == quantity);
    found.map(|(row, points)| (row.what.site.as_str(), points)).collect()
}

/// The channel of a launch with that site.
pub(super) fn channel<'a>(
    cell: &CellRecord<'a>,
    launch: &LaunchRecord<'_>,
    (quantity, site): (Quantity, &str),
) -> Option<Points<'a>> {
    channels(cell, launch, quantity).into_iter().find(|(of, _)| *of == site).map(|(_, points)| points)
}

/// Growth of a counter within a stretch, and the time for which it was seen: from the first reading in it to the last.
/// What was counted before its begin must not be in it, so a reading before it is none.
/// A counter that fell is another one, and has no growth.
pub(super) fn grown(points: Points<'_>, stretch: Stretch) -> Option<(u64, u64)> {
    let begin = points.partition_point(|(at, _)| *at < stretch.from);
    let end = points.partition_point(|(at, _)| *at <= stretch.to);
    let inside = points.get(begin..end)?;
    let (first, last) = (inside.first()?, inside.last()?);
    let n = u64::try_from(last.1.checked_sub(first.1)?).ok()?;
    Some((n, last.0.checked_sub(first.0).filter(|elapsed| *elapsed > 0)?))
}

/// The highest reading.
pub(super) fn highest(points: Points<'_>) -> Option<u64> {
    points.iter().filter_map(|(_, value)| u64::try_from(*value).ok()).max()
}

/// The lowest reading.
pub(super) fn lowest(points: Points<'_>) -> Option<u64> {
    points.iter().filter_map(|(_, value)| u64::try_from(*value).ok()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_grows_between_the_readings_within_a_stretch() {
        let points = [(10, 5), (20, 7), (30, 12), (40, 12)];
        let check = |from, to, expected| assert_eq!(grown(&points, Stretch { from, to }), expected);
        check(20, 30, Some((5, 10)));
        // Nothing is read at 15 and 35: what was counted before the stretch is not of it.
        check(15, 35, Some((5, 10)));
        check(0, 99, Some((7, 30)));
        check(30, 40, Some((0, 10)));
        check(31, 40, None);
        assert_eq!(grown(&[], Stretch { from: 0, to: 9 }), None);
        assert_eq!(grown(&[(5, 3), (9, 1)], Stretch { from: 0, to: 9 }), None, "it began again");
    }
}

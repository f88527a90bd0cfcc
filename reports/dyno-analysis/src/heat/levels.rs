//! Levels of a pace, its peak, and what it sustains (MEASUREMENT §3.6).

use std::ops::Range;

use dyno_stats::{LevelChanges, Slope, level_changes, median, rolling_medians, theil_sen};
use dyno_view::heat::LeastDropView;

use super::pace::{Pace, Point};

const NS_PER_S: f64 = 1e9;
const NS_PER_H: f64 = 3_600e9;
/// The peak is looked for within so long of the begin of the load.
const PEAK_WITHIN_NS: u64 = 120_000_000_000;
/// Half of the 30 s that a peak lasts.
const PEAK_REACH_NS: u64 = 15_000_000_000;
/// A level lasts for at least 30 s, which is never taken for more than 20 requests and fewer than 5 (house rule).
const SEGMENT_S: f64 = 30.0;
const MIN_SEGMENT: usize = 5;
const MAX_SEGMENT: usize = 20;
/// A level that lies by this share below the one of the peak is a slowdown.
pub(super) const SLOWDOWN: f64 = 0.05;
/// Levels that differ by less are told as one (house rule, as for steady states).
const SAME_LEVEL: f64 = 0.01;
/// A pace that changes by less over the last quarter is steady, whatever its interval: noise does as much (house rule).
const STEADY: f64 = 0.02;
/// The pace that is waited for.
const NINETY: f64 = 0.9;

/// What a pace did.
pub(super) struct Levels {
    /// Stretches of one level; empty where there are too few requests.
    pub(super) segments: Vec<Segment>,
    /// The segment that holds the peak.
    pub(super) peak_segment: usize,
    /// Places of the points of the peak.
    pub(super) peak: Range<usize>,
    pub(super) least_drop: Option<LeastDropView>,
    /// Points that it takes to tell two levels.
    pub(super) needed: usize,
}

/// A stretch of one level.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Segment {
    pub(super) range: Range<usize>,
    pub(super) level: f64,
}

impl Levels {
    pub(super) fn of(pace: &Pace<'_, '_>) -> Self {
        let points = &pace.points;
        let least = min_segment(points);
        let peak = peak(pace);
        let mut levels =
            Self { segments: Vec::new(), peak_segment: 0, peak, least_drop: None, needed: 2 * least };
        if points.len() < levels.needed {
            return levels;
        }
        let logarithms: Vec<f64> = points.iter().map(|point| point.rate.ln()).collect();
        let found = level_changes(&logarithms, least);
        levels.least_drop = least_drop(points, &found, least);
        levels.segments = joined(points, &found.points);
        let middle = usize::midpoint(levels.peak.start, levels.peak.end);
        levels.peak_segment =
            levels.segments.iter().position(|segment| segment.range.contains(&middle)).unwrap_or(0);
        levels
    }

    /// The level that slowdowns are measured against.
    pub(super) fn reference(&self) -> Option<f64> {
        self.segments.get(self.peak_segment).map(|segment| segment.level)
    }

    /// The first segment after the peak whose level lies 5 % below that of the peak.
    pub(super) fn slowdown(&self) -> Option<usize> {
        let most = self.reference()? * (1.0 - SLOWDOWN);
        let is_slow = |place: &usize| self.segments[*place].level <= most;
        (self.peak_segment + 1..self.segments.len()).find(is_slow)
    }

    /// How far the lowest level after the peak lies below that of the peak.
    pub(super) fn depth(&self) -> Option<f64> {
        let later = self.segments.get(self.peak_segment + 1..)?.iter().map(|segment| segment.level);
        Some(1.0 - later.min_by(f64::total_cmp)? / self.reference()?)
    }
}

/// Requests that fill 30 s at the pace of the launch, within bounds.
fn min_segment(points: &[Point]) -> usize {
    let span = points.last().zip(points.first()).map_or(0, |(last, first)| last.sent_at - first.sent_at);
    let each_s = span as f64 / NS_PER_S / points.len().saturating_sub(1).max(1) as f64;
    let n = if each_s > 0.0 { (SEGMENT_S / each_s).ceil() } else { MAX_SEGMENT as f64 };
    (n.min(MAX_SEGMENT as f64) as usize).max(MIN_SEGMENT)
}

/// Segments between changes; neighbours whose levels are told as one are one.
fn joined(points: &[Point], changes: &[usize]) -> Vec<Segment> {
    let level = |range: &Range<usize>| {
        let rates: Vec<f64> = points[range.clone()].iter().map(|point| point.rate).collect();
        median(&rates)
    };
    let starts = [0].into_iter().chain(changes.iter().copied());
    let ends = changes.iter().copied().chain([points.len()]);
    let mut segments: Vec<Segment> = Vec::new();
    for range in starts.zip(ends).map(|(start, end)| start..end) {
        let Some(of) = level(&range) else { continue };
        match segments.last_mut() {
            Some(last) if (of / last.level - 1.0).abs() < SAME_LEVEL => {
                last.range.end = range.end;
                last.level = level(&last.range).unwrap_or(last.level);
            }
            _ => segments.push(Segment { range, level: of }),
        }
    }
    segments
}

/// A drop that would have been seen if it had lasted for the last few requests.
fn least_drop(points: &[Point], found: &LevelChanges, least: usize) -> Option<LeastDropView> {
    let step = found.least_found(least)?;
    let first = points.get(points.len().checked_sub(least)?)?;
    Some(LeastDropView {
        ratio: (1.0 - (-step).exp()).max(0.0),
        lasting_ns: points.last()?.ended_at.saturating_sub(first.sent_at),
    })
}

/// The points around the highest median over 30 s, of those wholly within the first 120 s where there is one.
fn peak(pace: &Pace<'_, '_>) -> Range<usize> {
    let window = pace.window;
    let placed: Vec<(f64, f64)> =
        pace.points.iter().map(|point| (window.since(point.middle_at()) as f64, point.rate)).collect();
    let medians = rolling_medians(&placed, PEAK_REACH_NS as f64);
    let highest = |from: u64, to: u64| {
        let is_within = |place: &usize| {
            let at = window.since(pace.points[*place].middle_at());
            (from..=to).contains(&at)
        };
        let all = (0..placed.len()).filter(is_within);
        // The first of equal ones.
        all.rev().max_by(|a, b| medians[*a].total_cmp(&medians[*b]))
    };
    let found = highest(PEAK_REACH_NS, PEAK_WITHIN_NS - PEAK_REACH_NS)
        .or_else(|| highest(0, PEAK_WITHIN_NS))
        .unwrap_or(0);
    let Some(centre) = placed.get(found).map(|point| point.0) else { return 0..0 };
    let reach = PEAK_REACH_NS as f64;
    placed.partition_point(|point| point.0 < centre - reach)
        ..placed.partition_point(|point| point.0 <= centre + reach)
}

/// Rates of some points.
pub(super) fn rates(points: &[Point]) -> Vec<f64> {
    points.iter().map(|point| point.rate).collect()
}

/// The points of the last quarter of the load.
pub(super) fn last_quarter<'p>(pace: &'p Pace<'_, '_>) -> &'p [Point] {
    let from = pace.window.last_quarter_from();
    &pace.points[pace.points.partition_point(|point| point.middle_at() < from)..]
}

/// Change for each hour as a share of the median, with its interval; `None` for too few points.
pub(super) fn slope_per_h(points: &[Point]) -> Option<Slope> {
    let middle = median(&rates(points))?;
    let first = points.first()?.middle_at();
    let place =
        |point: &Point| (point.middle_at().saturating_sub(first) as f64 / NS_PER_H, point.rate / middle);
    theil_sen(&points.iter().map(place).collect::<Vec<_>>())
}

/// Whether a pace neither rises nor falls over a stretch of time: no slope at all is within its interval, or the change
/// is too small to matter.
pub(super) fn is_steady(slope: &Slope, span_ns: u64) -> bool {
    let hours = span_ns as f64 / NS_PER_H;
    slope.may_be_flat() || (slope.slope * hours).abs() <= STEADY
}

/// From the begin of the load until the median over 30 s is below 90 % of the peak's, where a level is.
pub(super) fn until_90(pace: &Pace<'_, '_>, levels: &Levels) -> Option<u64> {
    let peak = median(&rates(&pace.points[levels.peak.clone()]))?;
    let is_low =
        |segment: &&Segment| segment.level <= NINETY * peak && segment.range.start >= levels.peak.start;
    levels.segments.iter().find(is_low)?;
    let placed: Vec<(f64, f64)> =
        pace.points.iter().map(|point| (point.middle_at() as f64, point.rate)).collect();
    let medians = rolling_medians(&placed, PEAK_REACH_NS as f64);
    let found = (levels.peak.start..medians.len()).find(|place| medians[*place] <= NINETY * peak)?;
    Some(pace.window.since(pace.points[found].middle_at()))
}

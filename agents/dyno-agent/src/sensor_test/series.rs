//! What a source says over time: how often it changes, at which level it stands, how late it follows.

use super::Phase;

/// Time in ns and reading.
pub(super) type Point = (u64, i64);

/// A source's readings, those that could not be read left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Series {
    /// Power, in µW.
    Power(Vec<Point>),
    /// Energy since the first reading, in µJ: wraps are taken back.
    Energy(Vec<Point>),
}

/// Readings of a counter as growth since the first one, and how often it went back without a range that says why.
pub(super) fn unwrapped(readings: &[Point], wraps_at: Option<u64>) -> (Vec<Point>, u32) {
    let round = wraps_at.and_then(|top| i64::try_from(top).ok()).map(|top| top.saturating_add(1));
    let (mut total, mut n_back) = (0_i64, 0);
    let mut before: Option<i64> = None;
    let mut grown = Vec::with_capacity(readings.len());
    for (at, value) in readings {
        let growth = before.map_or(0, |before| value.saturating_sub(before));
        let growth = match (growth, round) {
            (0.., _) => growth,
            // Once: a counter that wraps twice between two readings is no source.
            (_, Some(round)) => growth.saturating_add(round).max(0),
            (_, None) => {
                n_back += 1;
                0
            }
        };
        total = total.saturating_add(growth);
        before = Some(*value);
        grown.push((*at, total));
    }
    (grown, n_back)
}

impl Series {
    fn points(&self) -> &[Point] {
        match self {
            Self::Power(points) | Self::Energy(points) => points,
        }
    }

    /// When it said something else than before.
    fn changes(&self) -> Vec<Point> {
        self.points().windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| pair[1]).collect()
    }

    /// How often it said something else than before.
    pub(super) fn n_changes(&self) -> usize {
        self.changes().len()
    }

    /// Median time between two changes; `None` with fewer than three of them.
    pub(super) fn update_ns(&self) -> Option<u64> {
        let changes = self.changes();
        if changes.len() < 3 {
            return None;
        }
        let gaps: Vec<i64> = changes.windows(2).map(|pair| (pair[1].0 - pair[0].0).cast_signed()).collect();
        median(&gaps).map(i64::cast_unsigned)
    }

    /// Power in the second half of a phase, when it has settled; `None` without readings there.
    pub(super) fn level_uw(&self, phase: &Phase) -> Option<i64> {
        let from = phase.from.0.midpoint(phase.to.0);
        match self {
            Self::Power(_) => median(&self.values(from, phase.to.0)),
            Self::Energy(points) => {
                let within = |point: &&Point| (from..=phase.to.0).contains(&point.0);
                let changes: Vec<Point> = self.changes().iter().filter(within).copied().collect();
                // From change to change, where there are some: between them the counter stands.
                slope(&changes).or_else(|| slope(&points.iter().filter(within).copied().collect::<Vec<_>>()))
            }
        }
    }

    /// How much power readings scatter within settled phases: the median of 1.4826 times the median deviation of each,
    /// which for normal noise is its standard deviation. 0 for a counter.
    pub(super) fn scatter_uw(&self, phases: &[Phase]) -> i64 {
        let Self::Power(_) = self else { return 0 };
        let of = |phase: &Phase| {
            let values = self.values(phase.from.0.midpoint(phase.to.0), phase.to.0);
            let middle = median(&values)?;
            median(&values.iter().map(|value| value.abs_diff(middle).cast_signed()).collect::<Vec<_>>())
        };
        let deviations: Vec<i64> = phases.iter().filter_map(of).collect();
        median(&deviations).map_or(0, |deviation| (deviation as f64 * 1.4826).round() as i64)
    }

    /// How long after the begin of `phase` half of the change from one level to the other is there.
    pub(super) fn lag_ns(&self, phase: &Phase, before_uw: i64, after_uw: i64) -> Option<u64> {
        let span_ns = phase.to.since(phase.from);
        match self {
            Self::Power(points) => {
                let middle = before_uw.midpoint(after_uw);
                let is_there =
                    |value: i64| if after_uw > before_uw { value >= middle } else { value <= middle };
                let first = points
                    .iter()
                    .find(|(at, value)| (phase.from.0..=phase.to.0).contains(at) && is_there(*value));
                first.map(|(at, _)| at - phase.from.0)
            }
            // A pure delay: for so long the old power went on.
            Self::Energy(points) => {
                let grown = energy_at(points, phase.to.0)? - energy_at(points, phase.from.0)?;
                let new_uj = after_uw as f64 * span_ns as f64 / 1e9;
                let lag_s = (new_uj - grown) / (after_uw - before_uw) as f64;
                Some((lag_s * 1e9).clamp(0.0, span_ns as f64) as u64)
            }
        }
    }

    fn values(&self, from: u64, to: u64) -> Vec<i64> {
        self.points().iter().filter(|point| (from..to).contains(&point.0)).map(|point| point.1).collect()
    }
}

/// µW between the first and the last of some readings in µJ.
fn slope(points: &[Point]) -> Option<i64> {
    let (first, last) = (points.first()?, points.last()?);
    let span_ns = last.0.checked_sub(first.0).filter(|span| *span > 0)?;
    let uw = i128::from(last.1 - first.1) * 1_000_000_000 / i128::from(span_ns);
    // Best effort: what does not fit is no power.
    i64::try_from(uw).ok()
}

/// µJ at a time, on the straight line between two readings; `None` outside of them.
fn energy_at(points: &[Point], at: u64) -> Option<f64> {
    let after = points.partition_point(|point| point.0 < at);
    let (next, before) = (points.get(after)?, points[after.saturating_sub(1)]);
    if next.0 == at {
        return Some(next.1 as f64);
    }
    let part = at.checked_sub(before.0)? as f64 / (next.0 - before.0) as f64;
    Some(before.1 as f64 + part * (next.1 - before.1) as f64)
}

/// The middle value, or half way between the two in the middle.
pub(super) fn median(values: &[i64]) -> Option<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len() / 2;
    let high = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { high } else { sorted[middle - 1].midpoint(high) })
}

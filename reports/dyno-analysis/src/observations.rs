//! Observations of one metric, sorted, and what is printed of them.

use dyno_stats::{Level, effective_ranks, min_observations, type1_rank};
use dyno_view::report::{QuantileFigure, QuantileView};

use crate::gap_ranks::GapRanks;

/// Confidence of every printed interval.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// The percentiles that are printed.
pub(crate) const LEVELS: [Level; 4] = [Level::P50, Level::P90, Level::P95, Level::P99];

/// Sorted observations.
pub(crate) enum Observations<'r> {
    /// Counts, bytes and durations.
    Whole(Vec<u64>),
    /// Rates.
    Real(Vec<f64>),
    /// Gaps between chunks, where they are too many to be sorted.
    Gaps(GapRanks<'r>),
}

impl Observations<'_> {
    pub(crate) fn whole(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        Self::Whole(values)
    }

    pub(crate) fn real(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        Self::Real(values)
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Whole(values) => values.len(),
            Self::Real(values) => values.len(),
            Self::Gaps(ranks) => ranks.len(),
        }
    }

    /// The observation of a rank, from 1; `None` outside.
    pub(crate) fn at_rank(&self, rank: usize) -> Option<f64> {
        let place = rank.checked_sub(1)?;
        match self {
            Self::Whole(values) => values.get(place).map(|value| *value as f64),
            Self::Real(values) => values.get(place).copied(),
            Self::Gaps(ranks) => ranks.at(place).map(|gap| gap as f64),
        }
    }

    pub(crate) fn min(&self) -> Option<f64> {
        self.at_rank(1)
    }

    pub(crate) fn max(&self) -> Option<f64> {
        self.at_rank(self.len())
    }

    /// Type 1 quantile, without an interval.
    pub(crate) fn quantile(&self, level: Level) -> Option<f64> {
        self.at_rank(type1_rank(self.len(), level)?)
    }

    /// All percentiles that are printed, each with its interval or the reason why there is none.
    /// With `n_effective`, intervals are those of so many independent observations.
    pub(crate) fn views(&self, n_effective: Option<u64>) -> Vec<QuantileView> {
        let view = |level: &Level| QuantileView {
            permille: level.permille(),
            figure: self.figure(*level, n_effective),
        };
        LEVELS.iter().map(view).collect()
    }

    /// One percentile with its interval, or the reason why there is none.
    pub(crate) fn figure(&self, level: Level, n_effective: Option<u64>) -> QuantileFigure {
        let worth = n_effective.unwrap_or(self.len() as u64);
        self.estimate(level, worth).unwrap_or_else(|| QuantileFigure::TooFew {
            n: worth,
            needed: min_observations(level, CONFIDENCE),
        })
    }

    fn estimate(&self, level: Level, worth: u64) -> Option<QuantileFigure> {
        let ranks = effective_ranks(self.len() as u64, worth, level, CONFIDENCE)?;
        Some(QuantileFigure::Estimate {
            value: self.quantile(level)?,
            low: self.at_rank(ranks.low as usize)?,
            high: self.at_rank(ranks.high as usize)?,
            low_rank: ranks.low,
            high_rank: ranks.high,
        })
    }
}

/// Type 1 median of values in any order.
pub(crate) fn median(values: impl Iterator<Item = u64>) -> Option<f64> {
    Observations::whole(values.collect()).quantile(Level::P50)
}

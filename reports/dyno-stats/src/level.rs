//! Which quantile.

/// A quantile's level strictly between 0 and 1, in parts per million, so that ranks are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u32);

impl Level {
    /// The median.
    pub const P50: Self = Self(500_000);
    /// The 90th percentile.
    pub const P90: Self = Self(900_000);
    /// The 95th percentile.
    pub const P95: Self = Self(950_000);
    /// The 99th percentile.
    pub const P99: Self = Self(990_000);

    /// A level in parts per million; `None` unless it lies strictly between 0 and 1.
    pub fn per_million(parts: u32) -> Option<Self> {
        (parts > 0 && parts < 1_000_000).then_some(Self(parts))
    }

    /// In parts per million.
    pub fn parts_per_million(self) -> u32 {
        self.0
    }

    /// In thousandths, rounded down: 500, 900, 950, 990.
    pub fn permille(self) -> u32 {
        self.0 / 1000
    }

    /// As a share of 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

//! How well a percentile is known, for rules that stop when it is known well enough.
//!
//! Who looks again and again and stops at the first interval that pleases, has chosen it: its confidence is less than
//! it says. So looks are declared beforehand, and each has a confidence of which all together leave as much as was
//! asked for ([`confidence_of_each`](crate::confidence_of_each), Bonferroni). It holds whatever makes one stop.

use crate::binomial::interval_ranks;
use crate::level::Level;
use crate::quantile::type1;

/// A percentile with its order-statistic interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Observations.
    pub n: u64,
    /// The type 1 quantile.
    pub estimate: u64,
    /// Lower end.
    pub low: u64,
    /// Upper end.
    pub high: u64,
}

impl Known {
    /// What `sorted` says of a percentile; `None` when an end would be infinite.
    pub fn of(sorted: &[u64], level: Level, confidence: f64) -> Option<Self> {
        let n = sorted.len() as u64;
        let ranks = interval_ranks(n, level, confidence)?;
        let at = |rank: u64| sorted.get(rank.checked_sub(1)? as usize).copied();
        Some(Self { n, estimate: type1(sorted, level)?, low: at(ranks.low)?, high: at(ranks.high)? })
    }

    /// How far the farther end is from the estimate, as a share of it; `None` when the estimate is 0.
    pub fn spread_ratio(&self) -> Option<f64> {
        (self.estimate > 0).then(|| self.spread() as f64 / self.estimate as f64)
    }

    /// Whether both ends lie within so many thousandths of the estimate.
    pub fn is_within(&self, milli: u32) -> bool {
        u128::from(self.spread()) * 1000 <= u128::from(self.estimate) * u128::from(milli)
    }

    /// About so many observations would do for ends within so many thousandths, if more are like these: the width of
    /// an interval goes with 1/√n. `None` when the estimate is 0.
    pub fn n_within(&self, milli: u32) -> Option<u64> {
        let ratio = self.spread_ratio()? * 1000.0 / f64::from(milli.max(1));
        Some(((self.n as f64 * ratio * ratio).ceil() as u64).max(1))
    }

    fn spread(&self) -> u64 {
        self.estimate.abs_diff(self.low).max(self.high.abs_diff(self.estimate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Verdict, confidence_of_each, slo_verdict};

    #[test]
    fn an_interval_by_hand() {
        // MEASUREMENT §3.2: ranks 40 and 61 of 100 for the median; ends 40 and 61 are 10 and 11 of 50 away.
        let hundred: Vec<u64> = (1..=100).collect();
        let known = Known::of(&hundred, Level::P50, 0.95).expect("enough");
        assert_eq!(known, Known { n: 100, estimate: 50, low: 40, high: 61 });
        assert_eq!(known.spread_ratio(), Some(0.22));
        assert_eq!((known.is_within(219), known.is_within(220)), (false, true));
        // Twice as near takes four times as many.
        assert_eq!(known.n_within(110), Some(400));
        assert_eq!(Known::of(&hundred, Level::P99, 0.95), None);
        let zeros = Known::of(&[0; 100], Level::P50, 0.95).expect("enough");
        assert_eq!((zeros.spread_ratio(), zeros.is_within(1)), (None, true));
    }

    /// SplitMix64, as dyno-plan has it, so that the campaigns below are always the same.
    struct Stream(u64);

    impl Stream {
        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        }

        /// Exponential latencies with a mean of a second.
        fn latency_ns(&mut self) -> u64 {
            (-(1.0 - self.uniform()).ln() * 1e9) as u64
        }
    }

    const N_CAMPAIGNS: u64 = 2000;
    const N_LAUNCHES: u32 = 10;
    const N_REQUESTS: u64 = 40;

    /// Of `N_CAMPAIGNS`, how many stop before their end, and of how many the last interval holds the truth.
    fn coverage(level: Level, within_milli: u32, confidence: f64) -> (u64, u64) {
        let truth = (-(1.0 - level.share()).ln() * 1e9) as u64;
        let (mut n_stopped, mut n_covered) = (0, 0);
        for campaign in 0..N_CAMPAIGNS {
            let mut stream = Stream(campaign << 32);
            let mut values = Vec::new();
            let mut last = None;
            for launch in 1..=N_LAUNCHES {
                values.extend((0..N_REQUESTS).map(|_| stream.latency_ns()));
                values.sort_unstable();
                last = Known::of(&values, level, confidence).or(last);
                if launch < N_LAUNCHES && last.is_some_and(|known| known.is_within(within_milli)) {
                    n_stopped += 1;
                    break;
                }
            }
            let known = last.expect("all launches are enough");
            n_covered += u64::from((known.low..=known.high).contains(&truth));
        }
        (n_stopped, n_covered)
    }

    #[test]
    fn intervals_that_were_stopped_at_hold_the_truth_as_often_as_they_say() {
        let each = confidence_of_each(0.95, N_LAUNCHES);
        for (level, within_milli) in [(Level::P50, 250), (Level::P90, 250), (Level::P95, 300)] {
            let (n_stopped, n_covered) = coverage(level, within_milli, each);
            assert!(n_stopped > N_CAMPAIGNS / 4, "{level:?}: {n_stopped} stopped, so the rule is tried");
            assert!(n_covered * 100 >= N_CAMPAIGNS * 95, "{level:?}: {n_covered} hold the truth");
            // With the same confidence at each look, as if there were only one, fewer do.
            assert!(coverage(level, within_milli, 0.95).1 < n_covered, "{level:?}");
        }
    }

    /// Of `N_CAMPAIGNS` on a device that just breaks a p95 claim, how many show it kept at any look.
    fn false_passes(confidence: f64) -> u64 {
        let passes = |campaign: u64| {
            let mut stream = Stream(!(campaign << 32));
            let mut violations = 0;
            (1..=N_LAUNCHES).any(|launch| {
                violations += (0..N_REQUESTS).filter(|_| stream.uniform() < 0.0501).count() as u64;
                let n = u64::from(launch) * N_REQUESTS;
                slo_verdict(n, violations, Level::P95, confidence) == Some(Verdict::Pass)
            })
        };
        (0..N_CAMPAIGNS).filter(|campaign| passes(*campaign)).count() as u64
    }

    #[test]
    fn a_claim_that_does_not_hold_passes_seldom_enough_at_declared_looks_only() {
        assert!(false_passes(confidence_of_each(0.95, N_LAUNCHES)) * 100 <= N_CAMPAIGNS * 5);
        assert!(false_passes(0.95) * 100 > N_CAMPAIGNS * 10, "measuring until it passes");
    }
}

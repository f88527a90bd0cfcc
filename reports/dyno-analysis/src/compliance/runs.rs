//! What observations of one run have in common (MEASUREMENT §9.2).

use std::collections::BTreeMap;

use dyno_stats::{ClusteredShare, clustered_share, fails_in_every_run};

/// Fewer runs than this show nothing of others.
pub(super) const LEAST_RUNS: u32 = ClusteredShare::MIN_RUNS as u32;

/// Observations and violations by run.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs(BTreeMap<u32, (u64, u64)>);

impl Runs {
    pub(super) fn take(&mut self, run: u32, violates: bool) {
        let (n, n_violations) = self.0.entry(run).or_default();
        *n += 1;
        *n_violations += u64::from(violates);
    }

    pub(super) fn n(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    fn n_observations(&self) -> u64 {
        self.0.values().map(|(n, _)| n).sum()
    }

    /// The largest share that one run holds; `None` without an observation.
    pub(super) fn largest_ratio(&self) -> Option<f64> {
        let (largest, n) = (self.0.values().map(|(n, _)| *n).max()?, self.n_observations());
        (n > 0).then(|| largest as f64 / n as f64)
    }

    /// Why these runs are not enough for a verdict; `None` where they are.
    pub(super) fn lack(&self) -> Option<String> {
        let n = self.n();
        if n < LEAST_RUNS {
            return Some(format!(
                "{n} of the {LEAST_RUNS} runs that a verdict takes: fewer do not tell what a single launch happened to be \
                 like from what lasts"
            ));
        }
        let is_too_much = self.largest_ratio().is_some_and(|ratio| ratio > ClusteredShare::MOST_OF_ONE_RUN);
        is_too_much
            .then(|| "one run holds more than 40 % of the observations, so that it decides alone".to_owned())
    }

    /// Repetitions of a new campaign that is large enough by so many observations, in runs like these; `None` where
    /// none was judged, or where nobody would measure so many.
    pub(super) fn repetitions(&self, more_needed: u64) -> Option<u64> {
        const MOST: u128 = 1000;
        let (n, n_runs) = (u128::from(self.n_observations()), u128::from(self.n()));
        let needed = (n + u128::from(more_needed)) * n_runs;
        let repetitions = (n > 0).then(|| needed.div_ceil(n).max(LEAST_RUNS.into()))?;
        u64::try_from(repetitions).ok().filter(|_| repetitions <= MOST)
    }

    /// Whether the share of violations is above `allowed` whatever the runs have in common.
    pub(super) fn fail_all(&self, allowed: f64, confidence: f64) -> bool {
        let shares: Vec<f64> = self.0.values().map(|(n, bad)| *bad as f64 / *n as f64).collect();
        fails_in_every_run(&shares, allowed, confidence)
    }

    /// Bounds over runs; `None` where there are too few.
    pub(super) fn clustered(&self, confidence: f64) -> Option<ClusteredShare> {
        let runs: Vec<(u64, u64)> = self.0.values().copied().collect();
        clustered_share(&runs, confidence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(of: &[(u64, u64)]) -> Runs {
        Runs((0..).zip(of.iter().copied()).collect())
    }

    #[test]
    fn five_runs_of_which_none_has_two_fifths_are_enough() {
        assert_eq!(runs(&[(10, 0); 5]).lack(), None);
        assert!(runs(&[(10, 0); 4]).lack().expect("four").starts_with("4 of the 5 runs"));
        // 40 of 100 is 40 %, 41 of 101 is more.
        assert_eq!(runs(&[(40, 0), (15, 0), (15, 0), (15, 0), (15, 0)]).lack(), None);
        assert!(runs(&[(41, 0), (15, 0), (15, 0), (15, 0), (15, 0)]).lack().is_some());
    }

    #[test]
    fn repetitions_are_as_many_as_hold_what_is_needed() {
        let check = |of: &[(u64, u64)], more, expected| assert_eq!(runs(of).repetitions(more), expected);
        // Three of 20: five in any case; with 39 more 99, which is 4.95 runs; with 41 more 101.
        check(&[(20, 0); 3], 0, Some(5));
        check(&[(20, 0); 3], 39, Some(5));
        check(&[(20, 0); 3], 41, Some(6));
        // 1 + 58 launches, each a run.
        check(&[(1, 0)], 58, Some(59));
        check(&[(1, 0)], 1000, None);
        check(&[(20, 0); 3], u64::MAX, None);
        check(&[], 1, None);
    }

    #[test]
    fn observations_are_counted_by_run() {
        let mut runs = Runs::default();
        for (run, violates) in [(1, false), (2, true), (1, true)] {
            runs.take(run, violates);
        }
        assert_eq!((runs.n(), runs.n_observations()), (2, 3));
        assert!((runs.largest_ratio().expect("three") - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(Runs::default().largest_ratio(), None);
    }
}

//! Quantiles of requests that came in runs: requests of one run resemble each other, so whole runs are drawn.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::binomial::min_observations;
use crate::bootstrap::Ratio;
use crate::draws::Draws;
use crate::level::Level;
use crate::quantile::type1_rank;
use crate::regression::student_t;

/// Resamples, as the default of SciPy (MEASUREMENT §3.4).
const RESAMPLES: usize = 9999;
/// The fewest runs of each arm (MEASUREMENT §3.5 rule 10).
const MIN_RUNS: usize = 5;
const CONFIDENCE: f64 = 0.95;

/// The quantile of the requests of `b` divided by that of `a`, each arm a list of runs of positive values, with a 95 %
/// interval from a bootstrap of runs. The same seed gives the same interval.
///
/// Each resample draws as many runs as there are, with replacement, whole: the scatter within runs comes with them, and
/// requests that were drawn again within a drawn run would count it twice (Davison & Hinkley 1997, §3.8).
/// Few runs vary less when drawn again than they do themselves, so percentiles further out are taken, as Student's law
/// and the factor `√(R/(R−1))` say (the expanded percentile interval of Hesterberg 2015, "What teachers should know
/// about the bootstrap"; degrees of freedom after Welch 1947).
///
/// `None` when an arm has fewer than 5 runs, fewer requests than an order-statistic interval of the quantile takes
/// ([`min_observations`]: 72 for p95, 368 for p99), or a value that is not above 0. Runs without requests do not count.
/// Cost: `n·log n`, and little more for each resample than for each run.
pub fn run_quantile_ratio(a: &[Vec<f64>], b: &[Vec<f64>], level: Level, seed: u64) -> Option<Ratio> {
    resampled_ratio(a, b, level, seed, RESAMPLES)
}

fn resampled_ratio(
    a: &[Vec<f64>],
    b: &[Vec<f64>],
    level: Level,
    seed: u64,
    n_resamples: usize,
) -> Option<Ratio> {
    let (a, b) = (Pooled::of(a, level)?, Pooled::of(b, level)?);
    let mut draws = Draws::new(seed);
    let below = a.drawn(level, n_resamples, &mut draws);
    let above = b.drawn(level, n_resamples, &mut draws);
    let tail = expanded_tail(&[(a.n_runs(), log_variance(&below)), (b.n_runs(), log_variance(&above))])?;
    let mut ratios: Vec<f64> = above.iter().zip(&below).map(|(above, below)| above / below).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    // Of B + 1 places, as in Davison & Hinkley (1997, §5.2).
    let place = ((n_resamples as f64 + 1.0) * tail).floor().max(1.0) as usize;
    Some(Ratio {
        ratio: b.quantile(&vec![1; b.n_runs()], level) / a.quantile(&vec![1; a.n_runs()], level),
        low: *ratios.get(place - 1)?,
        high: *ratios.get(n_resamples.checked_sub(place)?)?,
    })
}

/// The share beyond each end of the interval, from arms of (runs, variance of what was drawn).
fn expanded_tail(arms: &[(usize, f64)]) -> Option<f64> {
    let drawn: f64 = arms.iter().map(|(_, variance)| variance).sum();
    if drawn <= 0.0 {
        return Some((1.0 - CONFIDENCE) / 2.0);
    }
    let free = |n_runs: usize| n_runs as f64 - 1.0;
    let unbiased = |(n_runs, variance): &(usize, f64)| variance * *n_runs as f64 / free(*n_runs);
    let total: f64 = arms.iter().map(unbiased).sum();
    let welch = total.powi(2) / arms.iter().map(|arm| unbiased(arm).powi(2) / free(arm.0)).sum::<f64>();
    let reach = student_t(CONFIDENCE, welch)? * (total / drawn).sqrt();
    Some(Normal::standard().cdf(-reach))
}

fn log_variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().map(|value| value.ln()).sum::<f64>() / n;
    values.iter().map(|value| (value.ln() - mean).powi(2)).sum::<f64>() / n
}

/// The requests of all runs in order, so that any weights of runs have their quantile at once.
struct Pooled {
    /// Rising, with the run that each came from.
    values: Vec<(f64, u32)>,
    /// Requests of each run.
    sizes: Vec<usize>,
    /// How many of each run come before every `stride`-th value, run by run.
    before: Vec<usize>,
    stride: usize,
}

impl Pooled {
    /// `None` where there is too little to draw from, or a value that is not above 0.
    fn of(runs: &[Vec<f64>], level: Level) -> Option<Self> {
        let runs: Vec<&Vec<f64>> = runs.iter().filter(|run| !run.is_empty()).collect();
        let mut values: Vec<(f64, u32)> = Vec::with_capacity(runs.iter().map(|run| run.len()).sum());
        for (run, requests) in (0..).zip(&runs) {
            values.extend(requests.iter().map(|value| (*value, run)));
        }
        let is_enough = runs.len() >= MIN_RUNS && values.len() as u64 >= min_observations(level, CONFIDENCE);
        if !is_enough || !values.iter().all(|(value, _)| *value > 0.0 && value.is_finite()) {
            return None;
        }
        values.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let stride = runs.len().max(16);
        let mut seen = vec![0; runs.len()];
        let mut before = Vec::with_capacity(values.len() / stride * runs.len());
        for (place, (_, run)) in values.iter().enumerate() {
            if place % stride == 0 {
                before.extend_from_slice(&seen);
            }
            seen[*run as usize] += 1;
        }
        Some(Self { values, sizes: seen, before, stride })
    }

    fn n_runs(&self) -> usize {
        self.sizes.len()
    }

    /// Quantiles of as many runs, drawn with replacement again and again.
    fn drawn(&self, level: Level, n_resamples: usize, draws: &mut Draws) -> Vec<f64> {
        let mut weights = vec![0; self.n_runs()];
        let mut one = || {
            weights.fill(0);
            for _ in 0..self.n_runs() {
                weights[draws.below(self.n_runs())] += 1;
            }
            self.quantile(&weights, level)
        };
        (0..n_resamples).map(|_| one()).collect()
    }

    /// The type 1 quantile when each run is there as often as its weight, of which one is above 0.
    fn quantile(&self, weights: &[usize], level: Level) -> f64 {
        let counted =
            |counts: &[usize]| counts.iter().zip(weights).map(|(n, weight)| n * weight).sum::<usize>();
        let rank = type1_rank(counted(&self.sizes), level).unwrap_or(1);
        let n_runs = self.n_runs();
        let before = |block: usize| counted(&self.before[block * n_runs..(block + 1) * n_runs]);
        // The last block before which fewer than `rank` have come: nothing comes before the first.
        let (mut block, mut beyond) = (0, self.before.len() / n_runs);
        while beyond - block > 1 {
            let middle = usize::midpoint(block, beyond);
            if before(middle) < rank {
                block = middle;
            } else {
                beyond = middle;
            }
        }
        let mut seen = before(block);
        let mut found = self.values[block * self.stride].0;
        for (value, run) in &self.values[block * self.stride..] {
            found = *value;
            seen += weights[*run as usize];
            if seen >= rank {
                break;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;
    use crate::quantile::type1;

    const EXPERIMENTS: u32 = 10_000;
    /// Fewer than for a report, so that the test ends; more make an interval smoother, not more often right.
    const FEW: usize = 499;

    /// Runs of requests: the logarithm of each is that of its run and its own.
    fn runs(
        n_runs: usize,
        n: usize,
        run_sd: f64,
        shape: fn(&mut Draws) -> f64,
        draws: &mut Draws,
    ) -> Vec<Vec<f64>> {
        let mut one = || {
            let of_run = run_sd * draws.normal();
            (0..n).map(|_| (of_run + shape(draws)).exp()).collect()
        };
        (0..n_runs).map(|_| one()).collect()
    }

    fn check(name: &str, n_runs: usize, n: usize, run_sd: f64, shape: fn(&mut Draws) -> f64, level: Level) {
        let mut draws = Draws::new(0x00ed_9ed1_0010 + n as u64);
        let held = (0..EXPERIMENTS).filter(|seed| {
            let (a, b) =
                (runs(n_runs, n, run_sd, shape, &mut draws), runs(n_runs, n, run_sd, shape, &mut draws));
            let found = resampled_ratio(&a, &b, level, u64::from(*seed), FEW).expect("enough");
            found.low <= 1.0 && 1.0 <= found.high
        });
        let ratio = held.count() as f64 / f64::from(EXPERIMENTS);
        assert!(
            (0.94..0.995).contains(&ratio),
            "{name}, {n_runs} × {n}, run sd {run_sd}, {level:?}: {ratio}"
        );
    }

    fn normal(draws: &mut Draws) -> f64 {
        0.05 * draws.normal()
    }

    fn wide(draws: &mut Draws) -> f64 {
        0.5 * draws.normal()
    }

    fn two_modes(draws: &mut Draws) -> f64 {
        0.3 * f64::from(u8::from(draws.below(5) == 0)) + 0.05 * draws.normal()
    }

    /// Student's law with three degrees of freedom.
    fn heavy(draws: &mut Draws) -> f64 {
        let spread = (0..3).map(|_| draws.normal().powi(2)).sum::<f64>() / 3.0;
        0.05 * draws.normal() / spread.sqrt()
    }

    #[test]
    fn intervals_of_the_median_hold_what_they_say() {
        check("log-normal", 10, 50, 0.02, wide, Level::P50);
        check("nearly normal", 5, 20, 0.0, normal, Level::P50);
    }

    #[test]
    fn intervals_of_p90_hold_what_they_say() {
        check("two modes", 6, 40, 0.02, two_modes, Level::P90);
        check("heavy tail", 10, 30, 0.02, heavy, Level::P90);
    }

    #[test]
    fn intervals_of_p95_hold_what_they_say() {
        check("nearly normal", 10, 50, 0.05, normal, Level::P95);
        check("log-normal", 5, 15, 0.0, wide, Level::P95);
    }

    #[test]
    fn intervals_of_p99_hold_what_they_say() {
        check("heavy tail", 10, 100, 0.02, heavy, Level::P99);
        check("nearly normal", 8, 50, 0.0, normal, Level::P99);
    }

    #[test]
    fn a_seed_gives_one_interval() {
        let mut draws = Draws::new(3);
        let (a, b) = (runs(6, 30, 0.02, normal, &mut draws), runs(7, 25, 0.02, normal, &mut draws));
        let found = run_quantile_ratio(&a, &b, Level::P50, 7).expect("enough");
        assert_eq!(run_quantile_ratio(&a, &b, Level::P50, 7), Some(found));
        assert!(found.low < found.ratio && found.ratio < found.high, "{found:?}");
        assert_ne!(run_quantile_ratio(&a, &b, Level::P50, 8), Some(found));
    }

    #[test]
    fn runs_without_scatter_have_an_exact_ratio() {
        let (a, b) = (vec![vec![4.0; 10]; 5], vec![vec![5.0; 20]; 6]);
        let found = run_quantile_ratio(&a, &b, Level::P50, 1);
        assert_eq!(found, Some(Ratio { ratio: 1.25, low: 1.25, high: 1.25 }));
    }

    #[test]
    fn too_little_or_nonsense_has_no_ratio() {
        let (few, fit) = (vec![vec![1.0; 100]; 4], vec![vec![1.0; 20]; 5]);
        assert!(run_quantile_ratio(&fit, &fit, Level::P95, 1).is_some(), "100 requests are enough for p95");
        assert_eq!(run_quantile_ratio(&few, &fit, Level::P50, 1), None, "four runs");
        assert_eq!(run_quantile_ratio(&fit, &[few.clone(), vec![vec![]]].concat(), Level::P50, 1), None);
        assert_eq!(run_quantile_ratio(&fit, &fit, Level::P99, 1), None, "100 requests are too few for p99");
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let mut broken = fit.clone();
            broken[2][3] = bad;
            assert_eq!(run_quantile_ratio(&fit, &broken, Level::P50, 1), None, "{bad}");
        }
    }

    proptest! {
        /// Weighing runs is the same as repeating them.
        #[test]
        fn a_weighted_quantile_is_that_of_repeated_runs(
            runs in proptest::collection::vec(proptest::collection::vec(1_u8..30, 8..40), 5..9),
            weights in proptest::collection::vec(0_usize..4, 9), parts in 1_u32..1_000_000,
        ) {
            let level = Level::per_million(parts).expect("within range");
            let runs: Vec<Vec<f64>> =
                runs.iter().map(|run| run.iter().map(|value| f64::from(*value)).collect()).collect();
            let pooled = Pooled::of(&runs, Level::P50).expect("40 or more");
            let mut repeated: Vec<f64> = Vec::new();
            for (run, weight) in runs.iter().zip(&weights) {
                (0..*weight).for_each(|_| repeated.extend(run));
            }
            repeated.sort_unstable_by(f64::total_cmp);
            if let Some(expected) = type1(&repeated, level) {
                prop_assert_eq!(pooled.quantile(&weights[..runs.len()], level).to_bits(), expected.to_bits());
            }
        }
    }
}

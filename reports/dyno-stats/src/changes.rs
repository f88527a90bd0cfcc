//! Where the level of a series changes whose noise hangs together.

use crate::optimal::best_division;
use crate::rolling::rolling_medians;
use crate::segments::{MAD_TO_SD, noise_variance, penalty};
use crate::series::median;

/// Noise that hangs together more than this is taken for this (house rule): beyond it no level could be told.
const MOST_HANG: f64 = 0.8;
/// Differences beyond so many standard deviations are steps or outliers, not noise (house rule).
const NOISE_SD: f64 = 3.0;
/// Values further from the median around them than so many standard deviations are moved there (house rule).
const OUTLIER_SD: f64 = 4.0;
/// Half of the window that a median around a value is taken from, at most.
const MOST_REACH: usize = 10;
/// Standard error of [`hang`] times the root of n: twice that of the first autocorrelation ρ = −1/2 of differences, by
/// Bartlett's formula `(1 − 3ρ² + 4ρ⁴) / n`, which is 1/2.
const HANG_ERROR: f64 = std::f64::consts::SQRT_2;
/// A shorter series is judged as one of this length (house rule).
const LEAST_LENGTH: usize = 200;
/// Blocks that it takes to tell their noise.
const MIN_BLOCKS: usize = 20;
/// The 90th percentile of a standard normal distribution.
const Z90: f64 = 1.281_551_565_544_600_5;

/// The levels of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelChanges {
    /// Where a new level begins, rising.
    pub points: Vec<usize>,
    /// Standard deviation that the mean of many values has, times the root of their number: what counts as noise when
    /// neighbours resemble each other. 0 where all values are equal.
    pub long_run_sd: f64,
    /// Values.
    pub n: usize,
}

/// The places where a new level begins: as [`crate::change_points`], but with the long-run variance of the noise, so
/// that noise whose neighbours resemble each other (positive autocorrelation) is no change of level, and with outliers
/// moved to 4 standard deviations from the median around them.
///
/// The penalty grows by how much the noise hangs together, as in Bai & Perron (1998) and Lavielle & Moulines (2000).
pub fn level_changes(values: &[f64], min_segment: usize) -> LevelChanges {
    let n = values.len();
    let Some(noise) = Noise::of(values) else {
        return LevelChanges { points: Vec::new(), long_run_sd: 0.0, n };
    };
    let reach = (min_segment / 2).clamp(2, MOST_REACH);
    let held = without_outliers(values, reach, OUTLIER_SD * noise.marginal.sqrt());
    let points = best_division(&held, change_cost(n) * noise.long_run, min_segment);
    LevelChanges { points, long_run_sd: noise.long_run.sqrt(), n }
}

/// What a change costs, in long-run variances: that of a longer series where the noise is estimated from few values.
fn change_cost(n: usize) -> f64 {
    penalty(n.max(LEAST_LENGTH))
}

impl LevelChanges {
    /// The smallest step that would have been found with a probability of 90 % if the last `lasting` values had been
    /// on a level of their own: `√(n / (m·(n − m))) · σ · (√(3·ln n) + z₉₀)`. `None` where that is no part of the series.
    pub fn least_found(&self, lasting: usize) -> Option<f64> {
        let (n, m) = (self.n as f64, lasting as f64);
        let is_part = (1..self.n).contains(&lasting);
        is_part.then(|| (n / (m * (n - m))).sqrt() * self.long_run_sd * (change_cost(self.n).sqrt() + Z90))
    }
}

/// Variances of the noise around levels.
struct Noise {
    /// Of one value.
    marginal: f64,
    /// Of the mean of many, times their number.
    long_run: f64,
}

impl Noise {
    /// The larger of two estimates of the long-run variance, each from differences, so that a few steps do not count:
    /// that of a first-order autoregression, and that of the means of blocks. `None` where all values are equal.
    fn of(values: &[f64]) -> Option<Self> {
        let step = noise_variance(values)?;
        // One standard error more than it seems: few values do not tell it well.
        let error = HANG_ERROR / (values.len() as f64).sqrt();
        let hang = (hang(values, step) + error).clamp(0.0, MOST_HANG);
        let marginal = step / (1.0 - hang);
        let long_run = marginal * (1.0 + hang) / (1.0 - hang);
        Some(Self { marginal, long_run: long_run.max(of_blocks(values).unwrap_or(0.0)) })
    }
}

/// The coefficient of a first-order autoregression, from its differences: their lag-1 autocorrelation is `(φ − 1) / 2`.
/// Differences that are steps are moved to the bounds of the noise.
fn hang(values: &[f64], step_variance: f64) -> f64 {
    let most = NOISE_SD * (2.0 * step_variance).sqrt();
    let steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).clamp(-most, most)).collect();
    let together: f64 = steps.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let spread: f64 = steps.iter().map(|step| step * step).sum();
    if spread > 0.0 { 1.0 + 2.0 * together / spread } else { 0.0 }
}

/// Long-run variance from the means of blocks of √n values; `None` where there are too few blocks.
fn of_blocks(values: &[f64]) -> Option<f64> {
    let length = ((values.len() as f64).sqrt() as usize).max(1);
    let means: Vec<f64> =
        values.chunks_exact(length).map(|block| block.iter().sum::<f64>() / length as f64).collect();
    if means.len() < MIN_BLOCKS {
        return None;
    }
    let steps: Vec<f64> = means.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    let sd = median(&steps)? * MAD_TO_SD;
    Some(sd * sd / 2.0 * length as f64)
}

fn without_outliers(values: &[f64], reach: usize, most: f64) -> Vec<f64> {
    let placed: Vec<(f64, f64)> = values.iter().enumerate().map(|(at, value)| (at as f64, *value)).collect();
    let around = rolling_medians(&placed, reach as f64);
    values.iter().zip(around).map(|(value, middle)| value.clamp(middle - most, middle + most)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Draws;

    /// A first-order autoregression around 0 with a standard deviation of `sd`.
    fn noise(n: usize, phi: f64, sd: f64, draws: &mut Draws) -> Vec<f64> {
        let own = sd * (1.0 - phi * phi).sqrt();
        let mut last = draws.normal() * sd;
        let mut next = || {
            last = phi * last + own * draws.normal();
            last
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn a_soak_without_drift_has_no_change() {
        let mut draws = Draws::new(0x00ed_9ed1_0005);
        for phi in [0.0, 0.3, 0.6] {
            for n in [60, 120, 300, 1200] {
                let wrong = (0..100).filter(|_| {
                    let series = noise(n, phi, 0.015, &mut draws);
                    !level_changes(&series, 20.min(n / 6)).points.is_empty()
                });
                let wrong = wrong.count();
                // None of 100 soaks with up to φ = 0.3; how much noise hangs together is at the edge of what 60 values
                // tell.
                let most = if n < 120 || (phi > 0.5 && n < 300) { 2 } else { 0 };
                assert!(wrong <= most, "φ {phi}, n {n}: {wrong} of 100");
            }
        }
    }

    #[test]
    fn a_long_series_is_divided_too() {
        let mut draws = Draws::new(0x00ed_9ed1_000c);
        let mut series = noise(100_000, 0.3, 0.015, &mut draws);
        for value in &mut series[40_000..] {
            *value -= 0.01;
        }
        let found = level_changes(&series, 20).points;
        assert!(found.len() == 1 && found[0].abs_diff(40_000) <= 50, "{found:?}");
    }

    #[test]
    fn outliers_are_no_change() {
        let mut draws = Draws::new(0x00ed_9ed1_0006);
        for _ in 0..100 {
            let mut series = noise(300, 0.0, 0.015, &mut draws);
            for place in [40, 41, 160, 299] {
                series[place] -= 0.5;
            }
            assert_eq!(level_changes(&series, 20).points, [0; 0]);
        }
    }

    #[test]
    fn a_drop_is_found_where_it_is() {
        let mut draws = Draws::new(0x00ed_9ed1_0007);
        for drop in [0.05_f64, 0.1, 0.4] {
            for phi in [0.0, 0.3] {
                for at in [60, 150, 270] {
                    let mut series = noise(300, phi, 0.015, &mut draws);
                    for value in &mut series[at..] {
                        *value += (1.0 - drop).ln();
                    }
                    let found = level_changes(&series, 20).points;
                    assert_eq!(found.len(), 1, "{drop} {phi} {at}: {found:?}");
                    assert!(found[0].abs_diff(at) <= 3, "{drop} {phi} {at}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn the_least_that_would_have_been_found_by_hand() {
        // n = 400, m = 200: √(400 / 40000) = 0.1; √(3 · ln 400) = 4.2396; 0.1 · 0.02 · (4.2396 + 1.2816) = 0.0110424.
        let of = LevelChanges { points: Vec::new(), long_run_sd: 0.02, n: 400 };
        let found = of.least_found(200).expect("a part");
        assert!((found - 0.011_042_4).abs() < 1e-6, "{found}");
        assert_eq!((of.least_found(0), of.least_found(400)), (None, None));
    }

    #[test]
    fn what_would_have_been_found_is_found_nine_times_of_ten() {
        let mut draws = Draws::new(0x00ed_9ed1_0008);
        let found = (0..300).filter(|_| {
            let mut series = noise(300, 0.0, 0.015, &mut draws);
            let step = level_changes(&series, 20).least_found(30).expect("a part");
            for value in &mut series[270..] {
                *value -= step;
            }
            !level_changes(&series, 20).points.is_empty()
        });
        let share = found.count() as f64 / 300.0;
        // Four standard errors of 300 experiments are 7 %; the noise is estimated, not known.
        assert!((0.82..=1.0).contains(&share), "{share}");
    }

    #[test]
    fn nothing_changes_in_nothing() {
        for values in [&[][..], &[1.0], &[2.0; 80]] {
            let found = level_changes(values, 20);
            assert_eq!((found.points.len(), found.long_run_sd), (0, 0.0));
        }
    }
}

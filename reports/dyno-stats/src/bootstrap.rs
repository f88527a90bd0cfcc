//! Intervals by drawing again from what was observed.

use crate::draws::Draws;
use crate::level::Level;
use crate::quantile::type1_rank;
use crate::series::median;

/// Resamples, as the default of SciPy (MEASUREMENT §3.4).
const RESAMPLES: usize = 9999;
/// Values drawn in all, at most: more of them make an interval no better, only later.
const MAX_DRAWN: usize = 20_000_000;
/// The fewest resamples.
const MIN_RESAMPLES: usize = 999;
/// The fewest values of each series (house rule): fewer hold too little to draw from.
const MIN_VALUES: usize = 5;

/// A ratio with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// Median over median.
    pub ratio: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// The median of `over` divided by that of `under`, two series of positive values in order of time, with the percentile
/// interval of a moving block bootstrap (Künsch 1989): each resample is made of blocks of ⌈∛n⌉ neighbours (Hall,
/// Horowitz & Jing 1995), so that what hangs together stays together. The same seed gives the same interval.
/// `None` when one has fewer than 5 values, or a value is not above 0.
pub fn median_ratio(over: &[f64], under: &[f64], seed: u64) -> Option<Ratio> {
    let is_fit = |values: &[f64]| {
        values.len() >= MIN_VALUES && values.iter().all(|value| *value > 0.0 && value.is_finite())
    };
    if !is_fit(over) || !is_fit(under) {
        return None;
    }
    let n_resamples = (MAX_DRAWN / (over.len() + under.len())).clamp(MIN_RESAMPLES, RESAMPLES);
    let mut draws = Draws::new(seed);
    let mut ratios = Vec::with_capacity(n_resamples);
    let mut buffer = Vec::with_capacity(over.len().max(under.len()));
    for _ in 0..n_resamples {
        let top = drawn_median(over, &mut buffer, &mut draws);
        let bottom = drawn_median(under, &mut buffer, &mut draws);
        ratios.push(top / bottom);
    }
    ratios.sort_unstable_by(f64::total_cmp);
    // Ranks of the 2.5th and 97.5th percentile of B + 1 places, as in Davison & Hinkley (1997, section 5.3).
    let place = |share: f64| ((n_resamples as f64 + 1.0) * share).round() as usize;
    Some(Ratio {
        ratio: median(over)? / median(under)?,
        low: *ratios.get(place(0.025).saturating_sub(1))?,
        high: *ratios.get(place(0.975).saturating_sub(1))?,
    })
}

/// The median of as many values in blocks from anywhere.
fn drawn_median(values: &[f64], buffer: &mut Vec<f64>, draws: &mut Draws) -> f64 {
    let n = values.len();
    let block = (n as f64).cbrt().ceil() as usize;
    buffer.clear();
    while buffer.len() < n {
        let start = draws.below(n - block + 1);
        let missing = n - buffer.len();
        buffer.extend_from_slice(&values[start..start + block.min(missing)]);
    }
    let rank = type1_rank(n, Level::P50).unwrap_or(1);
    *buffer.select_nth_unstable_by(rank - 1, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(n: usize, level: f64, phi: f64, draws: &mut Draws) -> Vec<f64> {
        let mut last = 0.0;
        let mut next = || {
            last = phi * last + draws.normal();
            level * (1.0 + 0.02 * last)
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn a_ratio_of_constants_is_exact() {
        let found = median_ratio(&[6.0; 20], &[10.0; 8], 1).expect("enough");
        assert_eq!(found, Ratio { ratio: 0.6, low: 0.6, high: 0.6 });
    }

    #[test]
    fn a_seed_gives_one_interval() {
        let mut draws = Draws::new(3);
        let (over, under) = (series(80, 6.0, 0.3, &mut draws), series(20, 10.0, 0.3, &mut draws));
        let found = median_ratio(&over, &under, 7).expect("enough");
        assert_eq!(median_ratio(&over, &under, 7), Some(found));
        assert!(found.low < found.ratio && found.ratio < found.high, "{found:?}");
    }

    #[test]
    fn an_interval_holds_the_ratio_about_as_often_as_it_says() {
        let mut draws = Draws::new(0x00ed_9ed1_000b);
        let held = (0..60).filter(|seed| {
            let (over, under) = (series(60, 6.0, 0.3, &mut draws), series(24, 10.0, 0.3, &mut draws));
            median_ratio(&over, &under, *seed).is_some_and(|of| of.low <= 0.6 && 0.6 <= of.high)
        });
        let held = held.count();
        // Percentile intervals of small samples are a little narrow; four standard errors of 60 experiments are 11 %.
        assert!((48..=60).contains(&held), "{held} of 60");
    }

    #[test]
    fn too_little_or_nonsense_has_no_ratio() {
        assert_eq!(median_ratio(&[1.0; 4], &[1.0; 9], 1), None);
        assert_eq!(median_ratio(&[1.0; 9], &[], 1), None);
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(median_ratio(&[1.0, 1.0, 1.0, 1.0, bad], &[1.0; 9], 1), None, "{bad}");
        }
    }
}

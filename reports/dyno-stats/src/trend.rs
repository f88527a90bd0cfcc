//! Whether a series rises or falls.

use crate::series::{effective_n, lag1_autocorrelation, median};

/// More points than this are first made fewer, by medians of neighbours: the pairs grow with the square.
const MAX_POINTS: usize = 600;
/// The 97.5th percentile of a standard normal distribution.
const Z975: f64 = 1.959_963_984_540_054;

/// A slope with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// Change of y for each unit of x.
    pub slope: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Slope {
    /// Whether no slope at all is within the interval.
    pub fn may_be_flat(&self) -> bool {
        self.low <= 0.0 && 0.0 <= self.high
    }
}

/// The median of the slopes between all pairs of points `(x, y)` (Theil 1950, Sen 1968), with the interval that
/// Kendall's test gives: ranks `(N ∓ z·√Var(S)) / 2` of the N slopes, rounded outwards. Var(S) allows for equal y, and
/// is that of fewer points where neighbours resemble each other (Hamed & Rao 1998, with the lag-1 autocorrelation of
/// what the line leaves).
/// `None` for fewer than four points, or when all have the same x.
pub fn theil_sen(points: &[(f64, f64)]) -> Option<Slope> {
    let points = fewer(points);
    if points.len() < 4 {
        return None;
    }
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (place, from) in points.iter().enumerate() {
        let later = points[place + 1..].iter().filter(|to| to.0 > from.0);
        slopes.extend(later.map(|to| (to.1 - from.1) / (to.0 - from.0)));
    }
    if slopes.is_empty() {
        return None;
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let n = slopes.len();
    let slope = f64::midpoint(slopes[(n - 1) / 2], slopes[n / 2]);
    let half = Z975 * (variance_of_s(&points) * inflation(&points, slope)).sqrt();
    let low = ((n as f64 - half) / 2.0).floor().max(1.0) as usize;
    let high = (f64::midpoint(n as f64, half) + 1.0).ceil().min(n as f64) as usize;
    Some(Slope { slope, low: slopes[low - 1], high: slopes[high - 1] })
}

/// Variance of Kendall's S: `(n(n − 1)(2n + 5) − Σ t(t − 1)(2t + 5)) / 18` over groups of t equal y.
fn variance_of_s(points: &[(f64, f64)]) -> f64 {
    let part = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let mut ys: Vec<f64> = points.iter().map(|point| point.1).collect();
    ys.sort_unstable_by(f64::total_cmp);
    let ties: f64 = ys.chunk_by(|a, b| a.total_cmp(b).is_eq()).map(|group| part(group.len() as f64)).sum();
    ((part(points.len() as f64) - ties) / 18.0).max(0.0)
}

/// How much wider neighbours that resemble each other make the variance: n over what they are worth.
fn inflation(points: &[(f64, f64)], slope: f64) -> f64 {
    let left: Vec<f64> = points.iter().map(|(x, y)| y - slope * x).collect();
    let n = points.len() as u64;
    lag1_autocorrelation(&left).map_or(1.0, |r1| n as f64 / effective_n(n, r1) as f64)
}

/// At most [`MAX_POINTS`]: the middle of x and the median of y of neighbours.
fn fewer(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let every = points.len().div_ceil(MAX_POINTS).max(1);
    if every == 1 {
        return points.to_vec();
    }
    let of = |block: &[(f64, f64)]| {
        let ys: Vec<f64> = block.iter().map(|point| point.1).collect();
        let x = block.iter().map(|point| point.0).sum::<f64>() / block.len() as f64;
        Some((x, median(&ys)?))
    };
    points.chunks(every).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;
    use crate::draws::Draws;

    #[test]
    fn slope_of_sens_example() {
        // Sen (1968), section 6: the median of the 21 slopes is 4. Sorted they begin 1, 2.5, 11/3 and end 4.375, 5, 5, 6.
        // Var(S) = 7 · 6 · 19 / 18 = 44.33 and 1.96 · √44.33 = 13.05, so ranks ⌊3.97⌋ = 3 and ⌈18.03⌉ = 19.
        let points =
            [(1.0, 9.0), (2.0, 15.0), (3.0, 19.0), (4.0, 20.0), (10.0, 45.0), (12.0, 55.0), (18.0, 78.0)];
        let found = theil_sen(&points).expect("seven points");
        assert!((found.slope - 4.0).abs() < 1e-12, "{found:?}");
        assert!((found.low - 11.0 / 3.0).abs() < 1e-12 && (found.high - 5.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn noise_is_flat_nineteen_times_of_twenty() {
        let mut draws = Draws::new(0x00ed_9ed1_0009);
        for phi in [0.0, 0.3] {
            let flat = (0..400).filter(|_| {
                let mut last = 0.0;
                let mut next = || {
                    last = phi * last + draws.normal();
                    last
                };
                let points: Vec<(f64, f64)> = (0..120).map(|x| (f64::from(x), next())).collect();
                theil_sen(&points).is_some_and(|slope| slope.may_be_flat())
            });
            let share = flat.count() as f64 / 400.0;
            // 95 % less four standard errors of 400 experiments.
            assert!(share >= 0.906, "φ {phi}: {share}");
        }
    }

    #[test]
    fn a_slope_among_noise_is_found() {
        let mut draws = Draws::new(0x00ed_9ed1_000a);
        let points: Vec<(f64, f64)> =
            (0..5000).map(|x| (f64::from(x), 100.0 - 0.01 * f64::from(x) + draws.normal())).collect();
        let found = theil_sen(&points).expect("points");
        assert!((found.slope + 0.01).abs() < 1e-4 && !found.may_be_flat(), "{found:?}");
    }

    #[test]
    fn too_few_points_have_no_slope() {
        assert_eq!(theil_sen(&[(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)]), None);
        assert_eq!(theil_sen(&[(1.0, 1.0); 9]), None);
    }

    proptest! {
        /// A straight line has its slope, whatever one point in six does.
        #[test]
        fn a_few_outliers_move_nothing(slope in -5.0_f64..5.0, at in 0_usize..20, by in -1e6_f64..1e6) {
            let mut points: Vec<(f64, f64)> = (0..20).map(|x| (f64::from(x), slope * f64::from(x))).collect();
            points[at].1 += by;
            let found = theil_sen(&points).expect("20 points");
            prop_assert!((found.slope - slope).abs() < 1e-9, "{found:?}");
            prop_assert!(found.low <= slope + 1e-9 && slope <= found.high + 1e-9, "{found:?}");
        }
    }
}

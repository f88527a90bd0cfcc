//! A straight line through points.

/// A line `y = intercept + slope · x`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Change of y for each unit of x.
    pub slope: f64,
    /// Value at x = 0.
    pub intercept: f64,
}

/// The line with the least sum of squared vertical distances to `points` (Legendre 1805):
/// `slope = Σ(x − x̄)(y − ȳ) / Σ(x − x̄)²`, `intercept = ȳ − slope · x̄`.
/// `None` for fewer than two points, or when all have the same x.
pub fn least_squares(points: &[(f64, f64)]) -> Option<Line> {
    let n = points.len() as f64;
    let mean_x = points.iter().map(|point| point.0).sum::<f64>() / n;
    let mean_y = points.iter().map(|point| point.1).sum::<f64>() / n;
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let together: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let slope = together / spread;
    (points.len() >= 2 && spread > 0.0).then_some(Line { slope, intercept: mean_y - slope * mean_x })
}

/// How far the slope of [`least_squares`] can be off when each y is off by at most its bound: `points` are
/// `(x, bound)`. The slope is the sum of `(x − x̄) / Σ(x − x̄)² · y`, so its error is at most the sum of
/// `|x − x̄| / Σ(x − x̄)² · bound`. `None` as there.
pub fn slope_error(points: &[(f64, f64)]) -> Option<f64> {
    let mean = points.iter().map(|point| point.0).sum::<f64>() / points.len() as f64;
    let spread: f64 = points.iter().map(|(x, _)| (x - mean).powi(2)).sum();
    let most: f64 = points.iter().map(|(x, bound)| (x - mean).abs() * bound.abs()).sum();
    (points.len() >= 2 && spread > 0.0).then(|| most / spread)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    #[test]
    fn line_through_four_points_by_hand() {
        // x̄ = 1.5, ȳ = 2.5; Σ(x − x̄)(y − ȳ) = (−1.5)(−1.5) + (−0.5)(0.5) + (0.5)(−0.5) + (1.5)(1.5) = 4;
        // Σ(x − x̄)² = 2.25 + 0.25 + 0.25 + 2.25 = 5; slope 0.8, intercept 2.5 − 0.8 · 1.5 = 1.3.
        let line = least_squares(&[(0.0, 1.0), (1.0, 3.0), (2.0, 2.0), (3.0, 4.0)]).expect("four points");
        assert!((line.slope - 0.8).abs() < 1e-12 && (line.intercept - 1.3).abs() < 1e-12, "{line:?}");
    }

    #[test]
    fn error_of_a_slope_by_hand() {
        // x̄ = 1, spread 2; (1 · 0.2 + 0 · 9 + 1 · 0.4) / 2 = 0.3.
        let error = slope_error(&[(0.0, 0.2), (1.0, 9.0), (2.0, 0.4)]).expect("three points");
        assert!((error - 0.3).abs() < 1e-12, "{error}");
    }

    #[test]
    fn no_line_goes_through_one_place() {
        assert_eq!(least_squares(&[]), None);
        assert_eq!(least_squares(&[(1.0, 2.0)]), None);
        assert_eq!(least_squares(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(slope_error(&[(1.0, 2.0), (1.0, 3.0)]), None);
    }

    proptest! {
        /// Points moved by at most their bound away from a line move its slope by at most the error.
        #[test]
        fn a_slope_stays_within_its_error(slope in -5.0_f64..5.0, moved in proptest::collection::vec(-1.0_f64..1.0, 3..20)) {
            let points: Vec<(f64, f64)> =
                moved.iter().enumerate().map(|(x, by)| (x as f64, slope * x as f64 + 0.5 * by)).collect();
            let bounds: Vec<(f64, f64)> = (0..points.len()).map(|x| (x as f64, 0.5)).collect();
            let found = least_squares(&points).expect("three points or more");
            let error = slope_error(&bounds).expect("three points or more");
            prop_assert!((found.slope - slope).abs() <= error + 1e-9, "{} {slope} {error}", found.slope);
        }
    }
}

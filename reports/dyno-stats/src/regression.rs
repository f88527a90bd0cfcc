//! Linear regression on a few predictors, with how sure each coefficient is.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Coefficients by ordinary least squares.
#[derive(Debug, Clone, PartialEq)]
pub struct Regression {
    /// One for each predictor.
    pub coefficients: Vec<f64>,
    /// Their covariance, row by row.
    pub covariance: Vec<Vec<f64>>,
    /// What the predictors leave of each observation.
    pub residuals: Vec<f64>,
    /// Observations.
    pub n: usize,
    /// Condition number of the predictors, each scaled to length 1.
    pub condition: f64,
}

/// Why there is no estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NoRegression {
    /// Too few observations.
    TooFew {
        /// How many there are.
        n: usize,
        /// How many it takes.
        needed: usize,
    },
    /// The predictors rise and fall together, so that nothing tells which of them it is.
    Collinear {
        /// Their condition number; infinite where one of them is never there.
        condition: f64,
    },
}

/// Condition numbers of 30 and more mean strong dependence (Belsley, Kuh & Welsch 1980, *Regression Diagnostics*, §3.2).
const MOST_CONDITION: f64 = 30.0;

/// Fits `y = Σ coefficient · predictor` by ordinary least squares; a constant is a predictor that is always 1.
/// Standard errors are those of independent residuals of one variance.
///
/// # Errors
/// Too few observations for the predictors, or predictors that cannot be told apart.
pub fn regress(predictors: &[Vec<f64>], y: &[f64]) -> Result<Regression, NoRegression> {
    let n = predictors.len().min(y.len());
    let k = predictors.first().map_or(0, Vec::len);
    if k == 0 || n < k + 1 {
        return Err(NoRegression::TooFew { n, needed: k + 1 });
    }
    let lengths: Vec<f64> =
        (0..k).map(|j| predictors.iter().map(|row| row[j].powi(2)).sum::<f64>().sqrt()).collect();
    if lengths.iter().any(|length| *length <= 0.0) {
        return Err(NoRegression::Collinear { condition: f64::INFINITY });
    }
    let scaled = |row: &[f64], j: usize| row[j] / lengths[j];
    let gram = square(k, |i, j| predictors.iter().map(|row| scaled(row, i) * scaled(row, j)).sum());
    let (values, vectors) = eigen(gram);
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    let condition = if least > 0.0 { (most / least).sqrt() } else { f64::INFINITY };
    if condition > MOST_CONDITION {
        return Err(NoRegression::Collinear { condition });
    }
    let inverse = square(k, |i, j| (0..k).map(|m| vectors[i][m] * vectors[j][m] / values[m]).sum());
    let together: Vec<f64> =
        (0..k).map(|j| predictors.iter().zip(y).map(|(row, y)| scaled(row, j) * y).sum()).collect();
    let coefficients: Vec<f64> =
        (0..k).map(|i| (0..k).map(|j| inverse[i][j] * together[j]).sum::<f64>() / lengths[i]).collect();
    let explained = |row: &[f64]| row.iter().zip(&coefficients).map(|(x, of)| x * of).sum::<f64>();
    let residuals: Vec<f64> = predictors.iter().zip(y).map(|(row, y)| y - explained(row)).collect();
    let variance = residuals.iter().map(|of| of.powi(2)).sum::<f64>() / (n - k) as f64;
    let covariance = square(k, |i, j| variance * inverse[i][j] / (lengths[i] * lengths[j]));
    Ok(Regression { coefficients, covariance, residuals, n, condition })
}

impl Regression {
    /// Degrees of freedom that are left.
    pub fn n_free(&self) -> usize {
        self.n - self.coefficients.len()
    }

    /// Standard error of a coefficient; `None` where there is no such one.
    pub fn standard_error(&self, place: usize) -> Option<f64> {
        Some(self.covariance.get(place)?.get(place)?.max(0.0).sqrt())
    }
}

/// How many standard errors lie on each side of an estimate in an interval of that confidence, with so many degrees of
/// freedom (Student 1908). `None` without any, or for a confidence outside 0 to 1.
pub fn student_t(confidence: f64, n_free: f64) -> Option<f64> {
    let law = StudentsT::new(0.0, 1.0, n_free).ok().filter(|_| confidence > 0.0 && confidence < 1.0)?;
    Some(law.inverse_cdf(f64::midpoint(1.0, confidence)))
}

fn square(k: usize, of: impl Fn(usize, usize) -> f64) -> Vec<Vec<f64>> {
    (0..k).map(|i| (0..k).map(|j| of(i, j)).collect()).collect()
}

/// Eigenvalues and eigenvectors (as columns) of a small symmetric matrix, by Jacobi's rotations (Golub & Van Loan,
/// *Matrix Computations*, §8.5).
fn eigen(mut of: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    const SWEEPS: usize = 50;
    let k = of.len();
    let mut vectors = square(k, |i, j| f64::from(u8::from(i == j)));
    for _ in 0..SWEEPS {
        for p in 0..k {
            for q in p + 1..k {
                if of[p][q].abs() < f64::MIN_POSITIVE {
                    continue;
                }
                let theta = (of[q][q] - of[p][p]) / (2.0 * of[p][q]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let (cos, sin) = (1.0 / t.hypot(1.0), t / t.hypot(1.0));
                for row in &mut of {
                    (row[p], row[q]) = (cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]);
                }
                let (upper, lower) = of.split_at_mut(q);
                for (a, b) in upper[p].iter_mut().zip(&mut lower[0]) {
                    (*a, *b) = (cos * *a - sin * *b, sin * *a + cos * *b);
                }
                for row in &mut vectors {
                    (row[p], row[q]) = (cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]);
                }
            }
        }
    }
    ((0..k).map(|i| of[i][i]).collect(), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, within: f64) {
        assert!((found - expected).abs() <= within, "{found} is not {expected}");
    }

    /// NIST Statistical Reference Datasets, NoInt1: y = 130 … 140 on x = 60 … 70, no constant; certified values.
    #[test]
    fn a_line_through_zero_is_that_of_nist() {
        let x: Vec<Vec<f64>> = (60..=70).map(|x| vec![f64::from(x)]).collect();
        let y: Vec<f64> = (130..=140).map(f64::from).collect();
        let found = regress(&x, &y).expect("eleven points");
        near(found.coefficients[0], 2.074_380_165_289_26, 1e-12);
        near(found.standard_error(0).expect("one predictor"), 0.016_528_925_619_834_7, 1e-12);
        assert_eq!((found.n, found.n_free()), (11, 10));
    }

    /// NumPy 2: `b = numpy.linalg.lstsq(X, y)[0]; r = y - X @ b; C = r @ r / 5 * numpy.linalg.inv(X.T @ X)`,
    /// `numpy.linalg.cond(X / numpy.linalg.norm(X, axis=0))`.
    #[test]
    fn three_predictors_are_those_of_numpy() {
        let x = [
            [12.0, 31.0, 2.1],
            [45.0, 8.0, 1.9],
            [7.0, 60.0, 3.6],
            [80.0, 15.0, 2.2],
            [33.0, 44.0, 4.0],
            [64.0, 22.0, 2.4],
            [20.0, 70.0, 5.1],
            [51.0, 51.0, 3.2],
        ]
        .map(Vec::from);
        let y = [30.2, 22.9, 45.1, 37.4, 52.0, 36.9, 63.3, 57.8];
        let found = regress(&x, &y).expect("eight points");
        for (place, (coefficient, error)) in
            [(0.273_161_09, 0.048_175_79), (0.567_291_37, 0.142_894_65), (3.680_706_69, 2.240_414_22)]
                .into_iter()
                .enumerate()
        {
            near(found.coefficients[place], coefficient, 1e-8);
            near(found.standard_error(place).expect("three predictors"), error, 1e-8);
        }
        near(found.condition, 14.205_612_063_943_2, 1e-9);
        near(found.covariance[0][2], -0.086_311_424_913_1, 1e-10);
        assert_eq!(found.standard_error(3), None);
    }

    #[test]
    fn predictors_that_go_together_have_no_estimate() {
        let y = [1.0, 2.0, 3.0, 4.0];
        // The third is the sum of the other two, but for a thousandth.
        let x = [[1.0, 0.0, 1.0], [0.0, 1.0, 1.001], [2.0, 1.0, 3.0], [1.0, 2.0, 3.0]].map(Vec::from);
        let Err(NoRegression::Collinear { condition }) = regress(&x, &y) else {
            panic!("they go together");
        };
        assert!(condition > 1e3 && condition.is_finite(), "{condition}");
        let never = [[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]].map(Vec::from);
        assert_eq!(regress(&never, &y), Err(NoRegression::Collinear { condition: f64::INFINITY }));
        assert_eq!(regress(&x[..3], &y), Err(NoRegression::TooFew { n: 3, needed: 4 }));
        assert_eq!(regress(&[], &y), Err(NoRegression::TooFew { n: 0, needed: 1 }));
    }

    /// Student's t, two-sided 95 %: NIST/SEMATECH e-Handbook §1.3.6.7.2, more digits by
    /// `scipy.stats.t.ppf(0.975, [1, 2, 5, 30])`.
    #[test]
    fn quantiles_of_t_are_those_of_the_table() {
        for (n_free, expected) in
            [(1.0, 12.706_204_736), (2.0, 4.302_652_730), (5.0, 2.570_581_836), (30.0, 2.042_272_456)]
        {
            near(student_t(0.95, n_free).expect("a law"), expected, 1e-6);
        }
        assert_eq!((student_t(0.95, 0.0), student_t(1.0, 5.0)), (None, None));
    }
}

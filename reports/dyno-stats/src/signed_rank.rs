//! Whether differences lie on both sides of 0 alike.

use crate::rank::{Sums, doubled_ranks, normal_two_sided};

/// Up to so many differences the p value is exact.
const MOST_EXACT: usize = 100;

/// Wilcoxon's signed-rank test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignedRank {
    /// Differences that are not 0.
    pub n: usize,
    /// Sum of the ranks of the differences above 0.
    pub statistic: f64,
    /// Two-sided p value, of 0 to 1.
    pub p: f64,
}

/// Wilcoxon's signed-rank test of differences that should be symmetric around 0 (Wilcoxon 1945).
///
/// Exact for up to 100 differences, equal ones among them, too: each rank gets its sign by a fair coin, given the ranks
/// as they are. Beyond that, normal with corrections for continuity and ties.
/// Differences of 0 are ranked with the others and then left out (Pratt 1959): a test that leaves them out first can
/// find more when all differences are moved towards 0.
/// `None` without differences, or when one is not finite. Where all are 0 there is nothing to find: p is 1.
pub fn signed_rank(differences: &[f64]) -> Option<SignedRank> {
    if differences.is_empty() || !differences.iter().all(|of| of.is_finite()) {
        return None;
    }
    let sizes: Vec<f64> = differences.iter().map(|of| of.abs()).collect();
    let ranked: Vec<(f64, usize)> = differences.iter().copied().zip(doubled_ranks(&sizes)).collect();
    let ranks: Vec<usize> = ranked.iter().filter(|(of, _)| *of != 0.0).map(|(_, rank)| *rank).collect();
    let above: usize = ranked.iter().filter(|(of, _)| *of > 0.0).map(|(_, rank)| *rank).sum();
    let statistic = above as f64 / 2.0;
    let p = if differences.len() <= MOST_EXACT {
        Sums::of_signs(&ranks).two_sided(above)
    } else {
        let (mut mean, mut variance) = (0.0, 0.0);
        for doubled in &ranks {
            let rank = *doubled as f64 / 2.0;
            mean += rank / 2.0;
            variance += rank * rank / 4.0;
        }
        normal_two_sided(statistic, mean, variance)
    };
    Some(SignedRank { n: ranks.len(), statistic, p })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], n: usize, statistic: f64, p: f64) {
        let found = signed_rank(values).expect("values");
        assert_eq!(found.n, n);
        assert!((found.statistic - statistic).abs() < 1e-9, "{found:?}");
        assert!((found.p - p).abs() < 1e-10, "{found:?}");
    }

    #[test]
    fn p_values_are_those_of_scipy() {
        // Darwin's maize: scipy.stats.wilcoxon(d, method="exact"); its statistic is the smaller sum, 120 − 96.
        let maize =
            [6.0, 8.0, 14.0, 16.0, 23.0, 24.0, 28.0, 29.0, 41.0, -48.0, 49.0, 56.0, 60.0, -67.0, 75.0];
        check(&maize, 15, 96.0, 0.041_259_765_625);
        // wilcoxon(d, zero_method="pratt", method=PermutationMethod(n_resamples=inf)); ranks sum to 52, less 8.
        check(&[0.0, 1.0, 1.0, -1.0, 2.0, 2.0, 3.0, -0.5, 0.0, 4.0], 8, 44.0, 0.078_125);
        // 50 of different sizes: i = np.arange(1, 51); wilcoxon(i * 37 % 101 - 40.3, method="exact").
        let fifty: Vec<f64> = (1..=50).map(|i| f64::from(i * 37 % 101) - 40.3).collect();
        check(&fifty, 50, 1275.0 - 408.0, 0.026_166_968_171_196_46);
        // i = np.arange(1, 121); wilcoxon(i * 53 % 47 - 20., zero_method="pratt", correction=True, method="asymptotic").
        let many: Vec<f64> = (1..=120).map(|i| f64::from(i * 53 % 47) - 20.0).collect();
        check(&many, 117, 4383.0, 0.047_818_949_514_416_38);
    }

    #[test]
    fn the_least_p_value_of_six_blocks_is_3_percent() {
        // MEASUREMENT §3.5 rule 1: 2 / 2⁶ = 0.031, and 8 blocks for 1 %.
        check(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 6, 21.0, 2.0 / 64.0);
        check(&[-1.0; 8], 8, 0.0, 2.0 / 256.0);
        check(&[0.1], 1, 1.0, 1.0);
    }

    #[test]
    fn nothing_differs_in_zeros_and_nonsense_has_no_test() {
        check(&[0.0, -0.0, 0.0], 0, 0.0, 1.0);
        check(&[0.0; 200], 0, 0.0, 1.0);
        assert_eq!(signed_rank(&[]), None);
        assert_eq!(signed_rank(&[1.0, f64::NAN]), None);
        assert_eq!(signed_rank(&[1.0, f64::INFINITY]), None);
    }

    #[test]
    fn exact_and_normal_p_values_meet() {
        // 1 to 100, each third below 0: W = 5050 − 1683, z = (3367 − 2525 − ½) / √(100·101·201/24) = 2.893, p = 0.0038.
        let values: Vec<f64> = (1..=100).map(|i| f64::from(if i % 3 == 0 { -i } else { i })).collect();
        let found = signed_rank(&values).expect("values");
        assert!((found.statistic - 3367.0).abs() < 1e-9 && (found.p - 0.003_8).abs() < 4e-4, "{found:?}");
    }
}

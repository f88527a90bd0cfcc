//! Whether one of two samples tends to be larger.

use crate::rank::{Sums, doubled_ranks, normal_two_sided};

/// Steps that an exact distribution may take; two arms of 50 take as many.
const MOST_STEPS: u128 = 40_000_000;

/// Mann and Whitney's test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which the value of the second sample is the larger one; equal ones count half.
    pub u: f64,
    /// Two-sided p value, of 0 to 1.
    pub p: f64,
}

/// Whether values of `b` tend to be larger or smaller than those of `a` (Mann & Whitney 1947).
///
/// Exact for up to about 50 values each, equal ones among them, too: every way to divide the ranks as they are is
/// equally likely. Beyond that, normal with corrections for continuity and ties.
/// `None` when one has no values, or a value is not finite.
pub fn mann_whitney(a: &[f64], b: &[f64]) -> Option<MannWhitney> {
    if a.is_empty() || b.is_empty() || !a.iter().chain(b).all(|value| value.is_finite()) {
        return None;
    }
    let pooled: Vec<f64> = a.iter().chain(b).copied().collect();
    let ranks = doubled_ranks(&pooled);
    let of_b: usize = ranks[a.len()..].iter().sum();
    let u = (of_b - b.len() * (b.len() + 1)) as f64 / 2.0;
    let p = if is_small(a.len(), b.len()) {
        // The smaller sample takes fewer steps and has the same p value.
        let of_a: usize = ranks[..a.len()].iter().sum();
        let (n, sum) = if b.len() <= a.len() { (b.len(), of_b) } else { (a.len(), of_a) };
        Sums::of_choices(&ranks, n).two_sided(sum)
    } else {
        let pairs = a.len() as f64 * b.len() as f64;
        normal_two_sided(u, pairs / 2.0, variance(a.len(), b.len(), &ranks))
    };
    Some(MannWhitney { u, p })
}

/// Whether the exact distribution of so many values takes a moment only.
pub(crate) fn is_small(n_a: usize, n_b: usize) -> bool {
    let (few, all) = (n_a.min(n_b) as u128, (n_a + n_b) as u128);
    let highest = few * (2 * all - few + 1);
    few * all * highest <= MOST_STEPS
}

/// `n_a·n_b/12 · (N + 1 − Σ(t³ − t) / (N(N − 1)))` over groups of t equal values.
fn variance(n_a: usize, n_b: usize, ranks: &[usize]) -> f64 {
    let mut sorted = ranks.to_vec();
    sorted.sort_unstable();
    let all = (n_a + n_b) as f64;
    let cubes = |group: &[usize]| (group.len() as f64).powi(3) - group.len() as f64;
    let ties: f64 = sorted.chunk_by(|a, b| a == b).map(cubes).sum();
    n_a as f64 * n_b as f64 / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &[f64], b: &[f64], u: f64, p: f64) {
        let found = mann_whitney(a, b).expect("values");
        assert!((found.u - u).abs() < 1e-9, "{found:?}");
        assert!((found.p - p).abs() < 1e-10, "{found:?}");
        // The other way around it is the same.
        let other = mann_whitney(b, a).expect("values");
        assert!((other.u + u - (a.len() * b.len()) as f64).abs() < 1e-9, "{other:?}");
        assert!((other.p - p).abs() < 1e-10, "{other:?}");
    }

    #[test]
    fn p_values_are_those_of_scipy() {
        // Hollander & Wolfe, permeability of membranes: scipy.stats.mannwhitneyu(b, a, method="exact").
        let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        check(&term, &[1.15, 0.88, 0.90, 0.74, 1.21], 15.0, 0.254_412_254_412_254_4);
        // mannwhitneyu(b, a, method=scipy.stats.PermutationMethod(n_resamples=inf)).
        check(&[1.0, 2.0, 2.0, 3.0, 5.0, 5.0], &[2.0, 3.0, 5.0, 6.0, 7.0], 22.5, 0.216_450_216_450_216_45);
        // i = np.arange(1, 71); a = i * 29 % 83 / 3; b = i * 31 % 89 / 3 + 4; method="asymptotic", with its correction.
        let a: Vec<f64> = (1..=70).map(|i| f64::from(i * 29 % 83) / 3.0).collect();
        let b: Vec<f64> = (1..=70).map(|i| f64::from(i * 31 % 89) / 3.0 + 4.0).collect();
        check(&a, &b, 3246.5, 0.000_908_248_467_268_121_8);
    }

    #[test]
    fn least_p_values_are_those_of_measurement_3_5() {
        // Rule 10: five runs each can have 0.008, four 0.029.
        let apart = |n: u32| {
            let a: Vec<f64> = (0..n).map(f64::from).collect();
            let b: Vec<f64> = a.iter().map(|value| value + 100.0).collect();
            mann_whitney(&a, &b).expect("values").p
        };
        assert!((apart(5) - 2.0 / 252.0).abs() < 1e-12 && (apart(4) - 2.0 / 70.0).abs() < 1e-12);
    }

    #[test]
    fn equal_samples_do_not_differ_and_nonsense_has_no_test() {
        check(&[1.0; 5], &[1.0; 7], 17.5, 1.0);
        check(&[1.0; 200], &[1.0; 200], 20_000.0, 1.0);
        assert_eq!(mann_whitney(&[], &[1.0]), None);
        assert_eq!(mann_whitney(&[1.0], &[]), None);
        assert_eq!(mann_whitney(&[1.0], &[f64::NAN]), None);
    }
}

//! Each thing measured twice.

use crate::binomial::Binomial;

/// How a block's second run compares with its first: the median over prompts of `ln b − ln a`, each pair the values of
/// one prompt (MEASUREMENT §3.5 rule 2). The ratio is e to its power.
///
/// Of an even number of prompts it is the mean of the middle two: the lower one alone, as [`median`](crate::median)
/// takes, is always a little low, and a test over ten blocks of fifty prompts finds that: 6.7 false alarms of 100, not 5.
/// `None` without pairs, or when a value is not above 0.
pub fn block_effect(pairs: &[(f64, f64)]) -> Option<f64> {
    let is_fit = |value: f64| value > 0.0 && value.is_finite();
    if pairs.is_empty() || !pairs.iter().all(|(a, b)| is_fit(*a) && is_fit(*b)) {
        return None;
    }
    let mut ratios: Vec<f64> = pairs.iter().map(|(a, b)| b.ln() - a.ln()).collect();
    let n = ratios.len();
    let (lower, upper, _) = ratios.select_nth_unstable_by(n / 2, f64::total_cmp);
    let below = lower.iter().copied().max_by(f64::total_cmp);
    Some(if n % 2 == 1 { *upper } else { f64::midpoint(below?, *upper) })
}

/// McNemar's exact two-sided test (1947): of the pairs that changed, `b` one way and `c` the other, each way should be
/// as likely. `2 · P(Bin(b + c, ½) ≤ min(b, c))`, 1 at most; 1 when none changed.
pub fn mcnemar(b: u64, c: u64) -> f64 {
    (2.0 * Binomial::new(b + c, 0.5).at_most(b.min(c))).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_are_those_of_scipy() {
        // scipy.stats.binomtest(b, b + c, 0.5).pvalue.
        for (b, c, expected) in
            [(10, 2, 0.038_574_218_75), (0, 6, 0.031_25), (7, 7, 1.0), (40, 21, 0.020_414_713_799_634_9)]
        {
            assert!((mcnemar(b, c) - expected).abs() < 1e-10, "{b} {c}: {}", mcnemar(b, c));
            assert!((mcnemar(c, b) - expected).abs() < 1e-10, "{c} {b}: {}", mcnemar(c, b));
        }
        assert!((mcnemar(0, 0) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_block_by_hand() {
        // Twice, half, the same, four times as long: ln 2, −ln 2, 0, 2·ln 2, of which the middle two are 0 and ln 2.
        let ln2 = std::f64::consts::LN_2;
        let pairs = [(1.0, 2.0), (8.0, 4.0), (3.0, 3.0), (0.5, 2.0)];
        assert!((block_effect(&pairs).expect("pairs") - ln2 / 2.0).abs() < 1e-15);
        assert!(block_effect(&pairs[..3]).expect("pairs").abs() < 1e-15);
        assert_eq!(block_effect(&[]), None);
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(block_effect(&[(1.0, 1.0), (bad, 1.0)]), None);
            assert_eq!(block_effect(&[(1.0, bad)]), None);
        }
    }
}

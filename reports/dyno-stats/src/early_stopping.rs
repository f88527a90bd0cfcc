//! How many observations a percentile claim takes (MLPerf early stopping; MEASUREMENT §3.3 and §9.2).

use crate::binomial::Binomial;
use crate::level::Level;

/// The fewest observations, misses included, that prove "at least the share `level` is within the limit" when
/// `misses` of them were not: the smallest n with `P(Bin(n, 1 − level) ≤ misses) ≤ 1 − confidence`, which is
/// LoadGen's `h(t) + t` for d = 0.
pub fn needed_for_claim(misses: u64, level: Level, confidence: f64) -> u64 {
    let over = 1.0 - level.share();
    let proved = |n: u64| Binomial::new(n, over).at_most(misses) <= (1.0 - confidence) * (1.0 + 1e-9);
    let mut high = misses + 1;
    while !proved(high) {
        high = high.saturating_mul(2);
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = u64::midpoint(low, high);
        if proved(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// The most misses that `n` observations may have and still prove the claim; `None` when even 0 are too many.
pub fn tolerated_misses(n: u64, level: Level, confidence: f64) -> Option<u64> {
    if needed_for_claim(0, level, confidence) > n {
        return None;
    }
    let (mut low, mut high) = (0, n);
    while high - low > 1 {
        let middle = u64::midpoint(low, high);
        if needed_for_claim(middle, level, confidence) <= n {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    const P999: u32 = 999_000;

    fn check(confidence: f64, level: Level, expected: [u64; 6]) {
        let found = [0, 1, 2, 3, 5, 10].map(|misses| needed_for_claim(misses, level, confidence));
        assert_eq!(found, expected, "{level:?} at {confidence}");
    }

    #[test]
    fn needed_observations_are_those_of_measurement_3_3() {
        let p999 = Level::per_million(P999).expect("within range");
        check(0.99, Level::P90, [44, 64, 81, 97, 127, 197]);
        check(0.99, Level::P95, [90, 130, 165, 198, 259, 398]);
        check(0.99, Level::P99, [459, 662, 838, 1001, 1307, 2010]);
        check(0.99, p999, [4603, 6636, 8403, 10_042, 13_105, 20_140]);
        check(0.95, Level::P90, [29, 46, 61, 76, 103, 167]);
        check(0.95, Level::P95, [59, 93, 124, 153, 208, 336]);
        check(0.95, Level::P99, [299, 473, 628, 773, 1049, 1693]);
        check(0.95, p999, [2995, 4742, 6294, 7752, 10_511, 16_959]);
    }

    #[test]
    fn floors_with_one_miss_are_those_of_measurement_3_3() {
        for (parts, expected) in
            [(500_000, 11), (750_000, 24), (800_000, 31), (970_000, 219), (999_900, 66_381)]
        {
            let level = Level::per_million(parts).expect("within range");
            assert_eq!(needed_for_claim(1, level, 0.99), expected, "p{parts}");
        }
    }

    #[test]
    fn budgets_are_those_of_measurement_3_3() {
        for (level, n, expected) in [
            (Level::P90, 1000, 78),
            (Level::P95, 1000, 34),
            (Level::P99, 1000, 2),
            (Level::P99, 2000, 9),
            (Level::P99, 5000, 33),
            (Level::P99, 10_000, 77),
        ] {
            assert_eq!(tolerated_misses(n, level, 0.99), Some(expected), "{level:?}, n = {n}");
        }
        assert_eq!(tolerated_misses(458, Level::P99, 0.99), None);
    }
}

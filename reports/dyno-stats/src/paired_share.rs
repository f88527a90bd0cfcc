//! Shares of two sides that answered the same questions: how far they lie apart.

use statrs::distribution::{ContinuousCDF, Normal};

/// Halvings of an interval of 0 to 2: what is left is below the last digit.
const HALVINGS: u32 = 60;
/// More pairs than this nobody asks (house rule).
const MOST_PAIRS: f64 = 100_000.0;

/// How much larger the second side's share is than the first one's, of −1 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedDifference {
    /// `(gained − lost) / n`.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Confidence of both ends together.
    pub confidence: f64,
}

/// The difference of two shares of the same `n` questions, of which `lost` went well on the first side only and `gained`
/// on the second only, with Tango's score interval (1998). Questions that went alike on both sides are in `n` alone.
///
/// The interval holds every difference that the score test does not reject; at no difference that is McNemar's test
/// without a correction. It is finite where nothing changed: then it is `± z² / (n + z²)`. Each end by itself holds with
/// confidence `1 − (1 − confidence) / 2`. `None` without a pair, with more changes than pairs, or for a confidence that is
/// none.
pub fn paired_difference(lost: u64, gained: u64, n: u64, confidence: f64) -> Option<PairedDifference> {
    let changed = lost.checked_add(gained)?;
    if n == 0 || changed > n || !(0.0..1.0).contains(&confidence) {
        return None;
    }
    let z = Normal::standard().inverse_cdf(f64::midpoint(1.0, confidence));
    let value = (gained as f64 - lost as f64) / n as f64;
    // The other end is this one with the sides exchanged.
    let high = upper_end(lost as f64, gained as f64, n as f64, z);
    let low = -upper_end(gained as f64, lost as f64, n as f64, z);
    Some(PairedDifference { value, low: low.min(value), high: high.max(value), confidence })
}

/// The difference above what was seen at which the score is `−z`.
fn upper_end(lost: f64, gained: f64, n: f64, z: f64) -> f64 {
    let (mut low, mut high) = ((gained - lost) / n, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        let distance = n * middle - (gained - lost);
        if distance < z * (n * variance(lost, gained, n, middle)).sqrt() {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Variance of what one pair says, where the true difference is `delta`: `2·q + delta·(1 − delta)`, with q the share of
/// lost pairs that is likeliest then, the larger root of `2n·q² + B·q + C` (Tango 1998, equation 5).
fn variance(lost: f64, gained: f64, n: f64, delta: f64) -> f64 {
    let b = (2.0 * n - gained + lost) * delta - lost - gained;
    let c = -lost * delta * (1.0 - delta);
    let likeliest = ((b * b - 8.0 * n * c).max(0.0).sqrt() - b) / (4.0 * n);
    (2.0 * likeliest + delta * (1.0 - delta)).max(0.0)
}

/// Standard deviation of what one pair says of the difference of two shares. Half a pair is added each way, so that a
/// handful of pairs of which none changed does not promise that none ever will. `None` without a pair.
pub fn paired_deviation(lost: u64, gained: u64, n: u64) -> Option<f64> {
    if n == 0 || lost.checked_add(gained)? > n {
        return None;
    }
    let (lost, gained, n) = (lost as f64 + 0.5, gained as f64 + 0.5, n as f64 + 1.0);
    let mean = (gained - lost) / n;
    Some(((gained + lost) / n - mean * mean).max(0.0).sqrt())
}

/// How many pairs in all would probably show that a share fell by at most `most`, or that it fell by more: with a chance
/// of `power`, if further pairs are like these, and by a bound that holds with `confidence`.
/// `None` where no number within reason would, as for a share that fell by just `most`.
pub fn pairs_to_decide(
    lost: u64,
    gained: u64,
    n: u64,
    most: f64,
    confidence: f64,
    power: f64,
) -> Option<u64> {
    let deviation = paired_deviation(lost, gained, n)?;
    let is_share = |of: f64| of > 0.0 && of < 1.0;
    if !is_share(confidence) || !is_share(power) {
        return None;
    }
    let distance = (most - (lost as f64 - gained as f64) / n as f64).abs();
    let z = |of: f64| Normal::standard().inverse_cdf(of);
    let pairs = ((z(confidence) + z(power)).max(0.0) * deviation / distance).powi(2).ceil();
    (pairs <= MOST_PAIRS).then_some(pairs as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    fn check(lost: u64, gained: u64, n: u64, confidence: f64, expected: [f64; 3], within: f64) {
        let found = paired_difference(lost, gained, n, confidence).expect("pairs");
        for (found, expected) in [found.low, found.value, found.high].into_iter().zip(expected) {
            assert!((found - expected).abs() < within, "{lost} {gained} of {n}: {found} is not {expected}");
        }
    }

    #[test]
    fn intervals_are_the_published_ones() {
        // Fagerland, Lydersen & Laake (2014), airway hyper-responsiveness before and after a transplantation (Bentur et
        // al. 2009): 1 and 7 of 21 changed; difference −0.286, Tango −0.517 to −0.026.
        check(7, 1, 21, 0.95, [-0.517, -6.0 / 21.0, -0.026], 5e-4);
        // R 4, PropCIs 0.3: scoreci.mp(25, 28, 618, 0.90) is −0.0148 to 0.0247.
        check(25, 28, 618, 0.90, [-0.0148, 3.0 / 618.0, 0.0247], 5e-5);
    }

    #[test]
    fn nothing_changed_is_not_nothing_known() {
        // z² / (n + z²) with z = 1.959964: 3.841459 / 103.841459.
        check(0, 0, 100, 0.95, [-0.036_993_5, 0.0, 0.036_993_5], 1e-7);
        // All changed one way: the likeliest share is (1 − Δ) / 2, so z² = n·(1 − Δ) / (1 + Δ), and the lower end is
        // (n − z²) / (n + z²) = 1.158541 / 8.841459.
        check(0, 5, 5, 0.95, [0.131_035_1, 1.0, 1.0], 1e-7);
    }

    #[test]
    fn an_end_at_no_difference_is_mcnemar_without_correction() {
        // (20 − 8)² / 28 = 5.142857 is z² at a two-sided p of 0.023342: there the interval just touches 0.
        let p = 2.0 * (1.0 - Normal::standard().cdf(5.142_857_142_857_143_f64.sqrt()));
        let found = paired_difference(8, 20, 150, 1.0 - p).expect("pairs");
        assert!(found.low.abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn what_is_no_table_has_no_difference() {
        assert_eq!(paired_difference(0, 0, 0, 0.95), None);
        assert_eq!(paired_difference(3, 3, 5, 0.95), None);
        assert_eq!(paired_difference(u64::MAX, 1, 5, 0.95), None);
        assert_eq!(paired_difference(1, 1, 5, 1.0), None);
        assert_eq!(paired_difference(1, 1, 5, f64::NAN), None);
        assert_eq!(paired_deviation(1, 5, 5), None);
        assert_eq!(pairs_to_decide(0, 0, 0, 0.05, 0.95, 0.8), None);
    }

    #[test]
    fn pairs_that_decide_by_hand() {
        // None of 20 changed: 21 with half a pair each way, deviation √(1/21) = 0.218218; z of 0.95 and of 0.8 are
        // 1.644854 + 0.841621 = 2.486475; (2.486475 · 0.218218 / 0.05)² = 117.76.
        assert_eq!(pairs_to_decide(0, 0, 20, 0.05, 0.95, 0.8), Some(118));
        // 10 of 100 lost is twice the limit of 5 %: 11/101 − (10/101)² = 0.0991079; 6.182558 · 0.0991079 / 0.0025 = 245.1.
        assert_eq!(pairs_to_decide(10, 0, 100, 0.05, 0.95, 0.8), Some(246));
        // Just the limit is never decided.
        assert_eq!(pairs_to_decide(5, 0, 100, 0.05, 0.95, 0.8), None);
        let deviation = paired_deviation(0, 0, 20).expect("pairs");
        assert!((deviation - (1.0_f64 / 21.0).sqrt()).abs() < 1e-12);
    }

    /// `log P` of the pairs where `lost` have the share q and `gained` the share `q + delta`.
    fn likelihood([lost, gained, rest]: [f64; 3], q: f64, delta: f64) -> f64 {
        let term = |n: f64, p: f64| if n > 0.0 { n * p.max(1e-300).ln() } else { 0.0 };
        term(lost, q) + term(gained, q + delta) + term(rest, 1.0 - 2.0 * q - delta)
    }

    proptest! {
        /// The variance is that of the likeliest shares: no others with that difference are likelier.
        #[test]
        fn the_likeliest_share_is_found(lost in 0_u64..20, gained in 0_u64..20, rest in 1_u64..60, delta in -0.9_f64..0.9) {
            let counts = [lost, gained, rest].map(|n| n as f64);
            let n: f64 = counts.iter().sum();
            let found = (variance(counts[0], counts[1], n, delta) - delta * (1.0 - delta)) / 2.0;
            let (from, to) = ((-delta).max(0.0), (1.0 - delta) / 2.0);
            prop_assert!(found >= from - 1e-9 && found <= to + 1e-9, "{found} is not of {from} to {to}");
            let best = likelihood(counts, found.clamp(from, to), delta);
            for step in 0..=400 {
                let q = from + (to - from) * f64::from(step) / 400.0;
                prop_assert!(likelihood(counts, q, delta) <= best + 1e-6, "{q} is likelier than {found}");
            }
        }

        /// Exchanged sides have the mirrored interval, and it holds what was seen.
        #[test]
        fn sides_can_be_exchanged(lost in 0_u64..50, gained in 0_u64..50, rest in 0_u64..200, confidence in 0.5_f64..0.999) {
            let n = lost + gained + rest;
            if n > 0 {
                let one = paired_difference(lost, gained, n, confidence).expect("pairs");
                let other = paired_difference(gained, lost, n, confidence).expect("pairs");
                prop_assert!((one.low + other.high).abs() < 1e-12 && (one.high + other.low).abs() < 1e-12);
                prop_assert!(-1.0 <= one.low && one.low <= one.value && one.value <= one.high && one.high <= 1.0);
            }
        }
    }

    /// The chance of each table of `n` pairs, exactly: `P(lost, gained)` of the multinomial law.
    fn tables(n: u64, lost_share: f64, gained_share: f64) -> Vec<(u64, u64, f64)> {
        let ln_factorial = |k: u64| (1..=k).map(|i| (i as f64).ln()).sum::<f64>();
        let term = |k: u64, p: f64| if k == 0 { 0.0 } else { k as f64 * p.ln() };
        let mut all = Vec::new();
        for lost in 0..=n {
            for gained in 0..=n - lost {
                let rest = n - lost - gained;
                let ln = ln_factorial(n) - ln_factorial(lost) - ln_factorial(gained) - ln_factorial(rest)
                    + term(lost, lost_share)
                    + term(gained, gained_share)
                    + term(rest, 1.0 - lost_share - gained_share);
                all.push((lost, gained, ln.exp()));
            }
        }
        all
    }

    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        // By summing over all tables, without a draw: Tango (1998) and Newcombe (1998) report such coverages of 93 to 98 %.
        for (n, lost, gained) in [(40, 0.05, 0.05), (40, 0.15, 0.05), (80, 0.08, 0.02), (80, 0.2, 0.2)] {
            let truth = gained - lost;
            let holds = |&(l, g, _): &(u64, u64, f64)| {
                let found = paired_difference(l, g, n, 0.95).expect("pairs");
                found.low <= truth && truth <= found.high
            };
            let chance: f64 = tables(n, lost, gained).iter().filter(|of| holds(of)).map(|of| of.2).sum();
            assert!((0.93..0.99).contains(&chance), "{n} {lost} {gained}: {chance}");
        }
    }

    #[test]
    fn a_share_that_fell_by_just_the_limit_seldom_passes() {
        // One end at 95 %: passing means that the lower end of the change is above −5 %.
        for (n, lost, gained) in [(100, 0.06, 0.01), (100, 0.10, 0.05), (60, 0.08, 0.03)] {
            let passes =
                |&(l, g, _): &(u64, u64, f64)| paired_difference(l, g, n, 0.90).expect("pairs").low >= -0.05;
            let chance: f64 = tables(n, lost, gained).iter().filter(|of| passes(of)).map(|of| of.2).sum();
            assert!(chance <= 0.06, "{n} {lost} {gained}: {chance}");
        }
    }
}

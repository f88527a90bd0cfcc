//! How large a difference is, with an interval that no outlier moves far.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::binomial::tail_of;
use crate::rank::Sums;
use crate::ranksum::is_small;

/// Up to so many differences the interval is from the exact distribution.
const MOST_EXACT: usize = 100;

/// A difference and the interval that holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// The estimate.
    pub value: f64,
    /// Lower bound; `None` where so few values leave it open.
    pub low: Option<f64>,
    /// Upper bound.
    pub high: Option<f64>,
    /// Confidence that was asked for; the interval has at least that.
    pub confidence: f64,
}

/// Hodges and Lehmann's estimate (1963): the median of the means of all pairs of `values`, each with itself, too (Walsh
/// averages). Its interval has all centres that [`signed_rank`](crate::signed_rank) does not reject:
/// Walsh averages k and `M + 1 − k` of M, where k is the largest with `P(W ≤ k − 1) ≤ α/2` (Tukey 1949).
///
/// For values that are symmetric around their centre; differences between two arms of one shape are.
/// From 6 values on there are 95 % bounds. Beyond 100 values k is that of the normal approximation.
/// `None` without values, when one is not finite, or for a confidence outside 0 to 1.
/// Cost: `n·log n`, for the averages are counted, not made.
pub fn hodges_lehmann(values: &[f64], confidence: f64) -> Option<Effect> {
    let sorted = fit(values)?;
    let n = sorted.len();
    let tail = tail(confidence)?;
    let n_averages = n as u64 * (n as u64 + 1) / 2;
    let open = if n <= MOST_EXACT {
        Sums::of_signs(&(1..=n).collect::<Vec<_>>()).n_within(tail) as u64
    } else {
        let n = n as f64;
        normal_rank(n * (n + 1.0) / 4.0, n * (n + 1.0) * (2.0 * n + 1.0) / 24.0, tail)?
    };
    let ends = (*sorted.first()?, *sorted.last()?);
    let place = |rank: u64| smallest_with(rank, ends, |most| averages_at_most(&sorted, most));
    Some(effect(n_averages, open, confidence, place))
}

/// How much `b` lies above `a`: the median of all differences between a value of `b` and one of `a` (Hodges & Lehmann
/// 1963). Its interval has all shifts that [`mann_whitney`](crate::mann_whitney) does not reject: differences k and
/// `M + 1 − k` of M, where k is the largest with `P(U ≤ k − 1) ≤ α/2` (Moses 1965).
///
/// For samples of one shape. From 4 values each on there are 95 % bounds.
/// Beyond about 50 values each k is that of the normal approximation.
/// `None` when one has no values, a value is not finite, or for a confidence outside 0 to 1.
pub fn shift(a: &[f64], b: &[f64], confidence: f64) -> Option<Effect> {
    let (a, b) = (fit(a)?, fit(b)?);
    let tail = tail(confidence)?;
    let all = a.len() + b.len();
    let pairs = a.len() as u64 * b.len() as u64;
    let open = if is_small(a.len(), b.len()) {
        let few = a.len().min(b.len());
        let sums = Sums::of_choices(&(1..=all).collect::<Vec<_>>(), few);
        // The lowest sum of ranks is that of no pair at all.
        (sums.n_within(tail).saturating_sub(few * (few + 1) / 2)) as u64
    } else {
        let pairs = pairs as f64;
        normal_rank(pairs / 2.0, pairs * (all as f64 + 1.0) / 12.0, tail)?
    };
    let ends = (b.first()? - a.last()?, b.last()? - a.first()?);
    let place = |rank: u64| smallest_with(rank, ends, |most| differences_at_most(&a, &b, most));
    Some(effect(pairs, open, confidence, place))
}

/// The median of `n` ordered values and the ends of the interval that leaves `open − 1` of them out on either side.
fn effect(n: u64, open: u64, confidence: f64, place: impl Fn(u64) -> f64) -> Effect {
    let value = if n % 2 == 1 { place(n.div_ceil(2)) } else { f64::midpoint(place(n / 2), place(n / 2 + 1)) };
    let is_bounded = open > 0 && 2 * open <= n;
    let bound = |rank: u64| is_bounded.then(|| place(rank));
    Effect { value, low: bound(open), high: bound((n + 1).saturating_sub(open)), confidence }
}

/// The values in order; `None` without any, or when one is not finite.
fn fit(values: &[f64]) -> Option<Vec<f64>> {
    if values.is_empty() || !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Some(sorted)
}

fn tail(confidence: f64) -> Option<f64> {
    (confidence > 0.0 && confidence < 1.0).then(|| tail_of(confidence))
}

/// The rank from below that the normal approximation leaves `tail` under, rounded outwards.
fn normal_rank(mean: f64, variance: f64, tail: f64) -> Option<u64> {
    let z = Normal::standard().inverse_cdf(1.0 - tail);
    let rank = (mean - z * variance.sqrt()).floor();
    rank.is_finite().then_some(rank.max(0.0) as u64)
}

/// How many means of two of `sorted`, or of one with itself, are at most `most`.
fn averages_at_most(sorted: &[f64], most: f64) -> u64 {
    let mut end = sorted.len();
    let mut n = 0;
    for (at, low) in sorted.iter().enumerate() {
        while end > at && f64::midpoint(*low, sorted[end - 1]) > most {
            end -= 1;
        }
        if end <= at {
            break;
        }
        n += (end - at) as u64;
    }
    n
}

/// How many differences of a value of `b` and one of `a`, both in order, are at most `most`.
fn differences_at_most(a: &[f64], b: &[f64], most: f64) -> u64 {
    let mut end = 0;
    let mut n = 0;
    for low in a {
        while end < b.len() && b[end] - low <= most {
            end += 1;
        }
        n += end as u64;
    }
    n
}

/// The smallest number between `ends` of which `count` is at least `rank`: by halving all floats between them, of which
/// there are at most 2⁶⁴.
fn smallest_with(rank: u64, ends: (f64, f64), count: impl Fn(f64) -> u64) -> f64 {
    // One below the lower end, so that this one can be found.
    let (mut below, mut found) = (place_of(ends.0).saturating_sub(1), place_of(ends.1));
    while found - below > 1 {
        let middle = u64::midpoint(below, found);
        if count(at_place(middle)) >= rank {
            found = middle;
        } else {
            below = middle;
        }
    }
    at_place(found)
}

const SIGN: u64 = 1 << 63;

/// The place of a float among all of them in order.
fn place_of(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

fn at_place(place: u64) -> f64 {
    f64::from_bits(if place & SIGN == 0 { !place } else { place ^ SIGN })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::{mann_whitney, signed_rank};

    fn bounds(effect: Effect) -> [f64; 3] {
        [effect.value, effect.low.expect("bounded"), effect.high.expect("bounded")]
    }

    fn near(found: [f64; 3], expected: [f64; 3]) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        }
    }

    #[test]
    fn five_values_have_no_bounds_and_six_have() {
        // 2 of 32 ways have all signs alike, 6 %; 2 of 64 are 3 %.
        let five = hodges_lehmann(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95).expect("five");
        assert_eq!((five.value, five.low, five.high), (3.0, None, None));
        let six = hodges_lehmann(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.95).expect("six");
        near(bounds(six), [3.5, 1.0, 6.0]);
        // Of 3 and 3 there are 20 ways, of 4 and 4 there are 70: 2 of them are 10 % and 3 %.
        let three = shift(&[1.0, 2.0, 3.0], &[11.0, 12.0, 13.0], 0.95).expect("three");
        assert_eq!((three.value, three.low, three.high), (10.0, None, None));
        let four = shift(&[1.0, 2.0, 3.0, 4.0], &[11.0, 12.0, 13.0, 14.0], 0.95).expect("four");
        near(bounds(four), [10.0, 7.0, 13.0]);
    }

    /// Darwin's maize, as in SciPy's page on `scipy.stats.wilcoxon`.
    const MAIZE: [f64; 15] =
        [6.0, 8.0, 14.0, 16.0, 23.0, 24.0, 28.0, 29.0, 41.0, -48.0, 49.0, 56.0, 60.0, -67.0, 75.0];

    #[test]
    fn paired_effects_are_those_of_published_data() {
        let of = |values: &[f64], confidence| bounds(hodges_lehmann(values, confidence).expect("values"));
        // numpy: w = sorted((x[i] + x[j]) / 2 for i <= j); median(w), w[k - 1], w[-k], with k from the distribution of
        // the rank sum of 15 by convolution: 26 at 95 %, 16 at 99 %.
        near(of(&MAIZE, 0.95), [25.0, 4.0, 41.5]);
        near(of(&MAIZE, 0.99), [25.0, -13.0, 49.0]);
        // Hollander & Wolfe, "Nonparametric statistical methods", depression scale, in thousandths before and after:
        // −0.46, from −0.786 to −0.010 (96 %).
        let (before, after) = (
            [1830.0, 500.0, 1620.0, 2480.0, 1680.0, 1880.0, 1550.0, 3060.0, 1300.0],
            [878.0, 647.0, 598.0, 2050.0, 1060.0, 1290.0, 1060.0, 3140.0, 1290.0],
        );
        let fell: Vec<f64> =
            before.iter().zip(after).map(|(before, after)| (after - before) / 1000.0).collect();
        near(of(&fell, 0.96), [-0.46, -0.786, -0.01]);
    }

    #[test]
    fn shifts_are_those_of_published_data() {
        // Hollander & Wolfe, permeability of membranes; numpy: d = sorted(y - x), median(d), d[k - 1], d[-k], with k by
        // counting all ways to choose 5 of 15 ranks: 9 at 95 %, 12 at 90 %.
        let (term, early) =
            ([0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46], [1.15, 0.88, 0.90, 0.74, 1.21]);
        let of = |confidence| bounds(shift(&term, &early, confidence).expect("values"));
        near(of(0.95), [-0.305, -0.76, 0.15]);
        near(of(0.9), [-0.305, -0.72, 0.08]);
    }

    #[test]
    fn one_value_is_its_own_estimate() {
        assert_eq!(hodges_lehmann(&[-0.25], 0.95).map(|of| of.value), Some(-0.25));
        assert_eq!(shift(&[2.0], &[0.5], 0.95).map(|of| of.value), Some(-1.5));
    }

    #[test]
    fn nonsense_has_no_effect() {
        for bad in [f64::NAN, f64::INFINITY] {
            assert_eq!(hodges_lehmann(&[1.0, bad], 0.95), None);
            assert_eq!(shift(&[1.0, bad], &[1.0], 0.95), None);
        }
        assert_eq!(hodges_lehmann(&[], 0.95), None);
        assert_eq!(shift(&[], &[1.0], 0.95), None);
        for confidence in [0.0, 1.0, f64::NAN] {
            assert_eq!(hodges_lehmann(&[1.0], confidence), None);
            assert_eq!(shift(&[1.0], &[1.0], confidence), None);
        }
    }

    #[test]
    fn a_hundred_thousand_values_take_no_table_of_pairs() {
        // Half-width z / (√(12n)·∫f²) of an even spread over n, where ∫f² = 1/n: 1.959964 · √(100,000/12) = 178.9.
        let values: Vec<f64> = (0..100_000).map(f64::from).collect();
        let [value, low, high] = bounds(hodges_lehmann(&values, 0.95).expect("values"));
        assert!((value - 49_999.5).abs() < 1e-9, "{value}");
        assert!((value - low - 178.9).abs() < 1.0 && (high - value - 178.9).abs() < 1.0, "{low} {high}");
        let moved: Vec<f64> = values.iter().map(|value| value + 12.0).collect();
        assert_eq!(shift(&values, &moved, 0.95).map(|of| of.value), Some(12.0));
    }

    proptest! {
        /// As by sorting all pairs.
        #[test]
        fn counted_is_as_sorted(a in proptest::collection::vec(-20_i8..20, 1..30), b in proptest::collection::vec(-20_i8..20, 1..30)) {
            let real = |of: &[i8]| of.iter().map(|value| f64::from(*value) / 3.0).collect::<Vec<f64>>();
            let (a, b) = (real(&a), real(&b));
            let middle = |mut all: Vec<f64>| {
                all.sort_unstable_by(f64::total_cmp);
                f64::midpoint(all[(all.len() - 1) / 2], all[all.len() / 2])
            };
            let averages =
                (0..a.len()).flat_map(|i| a[i..].iter().map(|other| f64::midpoint(a[i], *other)).collect::<Vec<f64>>()).collect();
            prop_assert_eq!(hodges_lehmann(&a, 0.9).map(|of| of.value + 0.0), Some(middle(averages) + 0.0));
            let differences = b.iter().flat_map(|b| a.iter().map(|a| b - a).collect::<Vec<f64>>()).collect();
            prop_assert_eq!(shift(&a, &b, 0.9).map(|of| of.value + 0.0), Some(middle(differences) + 0.0));
        }

        /// The interval has what the test does not reject, and ends where it does.
        #[test]
        fn an_interval_is_what_its_test_leaves(a in proptest::collection::vec(-1.0_f64..1.0, 6..14), b in proptest::collection::vec(-1.0_f64..1.0, 6..14)) {
            let moved = |by: f64| a.iter().map(|value| value - by).collect::<Vec<f64>>();
            let paired = |centre: f64| signed_rank(&moved(centre)).expect("values").p;
            let apart = |by: f64| mann_whitney(&moved(-by), &b).expect("values").p;
            let [_, low, high] = bounds(hodges_lehmann(&a, 0.95).expect("values"));
            prop_assert!(paired(low - 1e-9) <= 0.05 && paired(high + 1e-9) <= 0.05);
            prop_assert!(paired(low + 1e-9) > 0.05 && paired(high - 1e-9) > 0.05);
            let [_, low, high] = bounds(shift(&a, &b, 0.95).expect("values"));
            prop_assert!(apart(low - 1e-9) <= 0.05 && apart(high + 1e-9) <= 0.05);
            prop_assert!(apart(low + 1e-9) > 0.05 && apart(high - 1e-9) > 0.05);
        }
    }
}

//! Ranks, and how likely sums of them are when chance alone decides.

use statrs::function::erf::erfc;

/// Twice the rank of each value among all, from 2, so that the mean rank of equal values is a whole number.
pub(crate) fn doubled_ranks(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    // Adding 0 makes the two zeros one.
    let value = |at: usize| values[at] + 0.0;
    order.sort_unstable_by(|a, b| value(*a).total_cmp(&value(*b)));
    let mut ranks = vec![0; values.len()];
    let mut first = 1;
    for group in order.chunk_by(|a, b| value(*a).total_cmp(&value(*b)).is_eq()) {
        let doubled = 2 * first + group.len() - 1;
        for at in group {
            ranks[*at] = doubled;
        }
        first += group.len();
    }
    ranks
}

/// The chances of each sum from 0 up.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sums(Vec<f64>);

impl Sums {
    /// Of those of `ranks` that a fair coin picks, one toss for each.
    pub(crate) fn of_signs(ranks: &[usize]) -> Self {
        let mut chances = vec![0.0; ranks.iter().sum::<usize>() + 1];
        chances[0] = 1.0;
        let mut highest = 0;
        for rank in ranks {
            for sum in (0..=highest).rev() {
                chances[sum + rank] += chances[sum];
            }
            highest += rank;
            for chance in &mut chances[..=highest] {
                *chance *= 0.5;
            }
        }
        Self(chances)
    }

    /// Of `n_picked` of `ranks`, every choice as likely as any other.
    pub(crate) fn of_choices(ranks: &[usize], n_picked: usize) -> Self {
        let mut sorted = ranks.to_vec();
        sorted.sort_unstable();
        // The highest sum of so many of the ranks up to one is that of the last ones.
        let up_to: Vec<usize> = [0]
            .into_iter()
            .chain(sorted.iter().scan(0, |sum, rank| {
                *sum += rank;
                Some(*sum)
            }))
            .collect();
        let most = |n: usize, n_seen: usize| up_to[n_seen] - up_to[n_seen - n];
        let n_sums = most(n_picked, sorted.len()) + 1;
        // `table[n]` has the chances of each sum of n of the ranks so far.
        let mut table = vec![vec![0.0; n_sums]; n_picked + 1];
        table[0][0] = 1.0;
        for (n_before, rank) in sorted.iter().enumerate() {
            let n_seen = n_before + 1;
            for n in (1..=n_picked.min(n_seen)).rev() {
                // The newest is among the n picked with this chance.
                let with = n as f64 / n_seen as f64;
                let (fewer, own) = table.split_at_mut(n);
                let end = most(n, n_seen) + 1;
                for chance in &mut own[0][..end] {
                    *chance *= 1.0 - with;
                }
                for (chance, picked) in own[0][*rank..end].iter_mut().zip(&fewer[n - 1]) {
                    *chance += picked * with;
                }
            }
        }
        Self(table.pop().unwrap_or_default())
    }

    /// `P(S ≤ sum)`.
    pub(crate) fn at_most(&self, sum: usize) -> f64 {
        self.0.iter().take(sum + 1).sum()
    }

    /// `P(S ≥ sum)`.
    pub(crate) fn at_least(&self, sum: usize) -> f64 {
        self.0.iter().skip(sum).rev().sum()
    }

    /// Twice the smaller tail, 1 at most: a two-sided p value.
    pub(crate) fn two_sided(&self, sum: usize) -> f64 {
        (2.0 * self.at_most(sum).min(self.at_least(sum))).min(1.0)
    }

    /// How many of the lowest sums together have a chance of `tail` at most.
    pub(crate) fn n_within(&self, tail: f64) -> usize {
        let mut below = 0.0;
        self.0
            .iter()
            .take_while(|chance| {
                below += **chance;
                below <= tail * (1.0 + 1e-9)
            })
            .count()
    }
}

/// Two-sided p value of a sum of ranks that is about normal, moved by half a rank to its mean (continuity correction).
/// 1 where the sum cannot vary.
pub(crate) fn normal_two_sided(sum: f64, mean: f64, variance: f64) -> f64 {
    if variance <= 0.0 {
        return 1.0;
    }
    let z = ((sum - mean).abs() - 0.5).max(0.0) / variance.sqrt();
    erfc(z / std::f64::consts::SQRT_2).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_their_mean_rank() {
        // Ranks 1, 2.5, 2.5, 4, doubled; both zeros are one value.
        assert_eq!(doubled_ranks(&[-1.0, 0.0, -0.0, 7.0]), [2, 5, 5, 8]);
        assert_eq!(doubled_ranks(&[5.0, 5.0, 5.0]), [4, 4, 4]);
        assert_eq!(doubled_ranks(&[]), [0; 0]);
    }

    #[test]
    fn sums_of_signs_by_hand() {
        // Ranks 1, 2, 3: sums 0 to 6 in 1, 1, 1, 2, 1, 1, 1 of 8 ways.
        let sums = Sums::of_signs(&[1, 2, 3]);
        assert_eq!(sums.0, [0.125, 0.125, 0.125, 0.25, 0.125, 0.125, 0.125]);
        assert!((sums.at_most(1) - 0.25).abs() < 1e-15 && (sums.at_least(6) - 0.125).abs() < 1e-15);
        assert!((sums.two_sided(3) - 1.0).abs() < 1e-15);
        assert_eq!((sums.n_within(0.124), sums.n_within(0.125), sums.n_within(0.25)), (0, 1, 2));
    }

    #[test]
    fn sums_of_choices_by_hand() {
        // Two of 1, 2, 3, 4: 3, 4, 5, 5, 6, 7.
        let sums = Sums::of_choices(&[3, 1, 4, 2], 2);
        for (sum, ways) in [(3, 1.0), (4, 1.0), (5, 2.0), (6, 1.0), (7, 1.0)] {
            assert!((sums.0[sum] - ways / 6.0).abs() < 1e-15, "{sum}");
        }
        assert!((sums.at_most(4) - 2.0 / 6.0).abs() < 1e-15);
    }
}

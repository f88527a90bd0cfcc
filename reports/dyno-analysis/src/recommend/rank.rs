//! An order with ties: who is surely better, and who cannot be told from whom.

/// A device's place in an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rank {
    /// 1 and the number of those that surely cost less.
    pub(super) rank: u32,
    /// Places of those that it cannot be told from.
    pub(super) tied: Vec<u32>,
}

/// The rank of each interval `[low, high]` of a cost. One is surely less than another where it ends before the other
/// begins; bounds that touch do not.
pub(super) fn ranks(intervals: &[[f64; 2]]) -> Vec<Rank> {
    let of = |(place, mine): (usize, &[f64; 2])| {
        let n_less = intervals.iter().filter(|other| other[1] < mine[0]).count();
        let overlaps = |(_, other): &(usize, &[f64; 2])| other[0] <= mine[1] && mine[0] <= other[1];
        let others = intervals.iter().enumerate().filter(|(other, _)| *other != place).filter(overlaps);
        Rank { rank: 1 + n_less as u32, tied: others.map(|(other, _)| other as u32).collect() }
    };
    intervals.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(intervals: &[[f64; 2]], expected: &[(u32, &[u32])]) {
        let found = ranks(intervals);
        let found: Vec<(u32, &[u32])> = found.iter().map(|of| (of.rank, of.tied.as_slice())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn apart_is_ranked_and_overlapping_is_tied() {
        check(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], &[(1, &[]), (2, &[]), (3, &[])]);
        check(&[[1.0, 3.0], [3.0, 4.0], [5.0, 6.0]], &[(1, &[1]), (1, &[0]), (3, &[])]);
        check(&[[1.0, 1.0]], &[(1, &[])]);
        check(&[], &[]);
    }

    /// The outer two overlap the middle one and not each other: the last is surely dearer than the first.
    #[test]
    fn a_tie_does_not_pass_on() {
        check(&[[1.0, 3.0], [2.0, 5.0], [4.0, 6.0]], &[(1, &[1]), (1, &[0, 2]), (2, &[1])]);
    }

    #[test]
    fn what_nothing_is_known_of_is_tied_with_all() {
        let unknown = [f64::NEG_INFINITY, f64::INFINITY];
        check(&[[1.0, 2.0], [3.0, 4.0], unknown], &[(1, &[2]), (2, &[2]), (1, &[0, 1])]);
    }

    #[test]
    fn exact_costs_that_are_equal_are_tied() {
        check(&[[2.0, 2.0], [2.0, 2.0]], &[(1, &[1]), (1, &[0])]);
    }
}

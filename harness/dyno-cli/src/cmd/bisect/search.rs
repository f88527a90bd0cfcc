//! The search for the first bad build, by halves; it knows nothing of how a build is judged.

/// What a build was seen to be beside the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Worse by more than what matters.
    Bad,
    /// Not so.
    Good,
}

/// Where the search stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// This build is to be looked at.
    Look(usize),
    /// The last build is not worse: there is nothing to find.
    Nothing,
    /// The first bad build; the one before it was seen, or is known, to be good.
    Found(usize),
}

/// Builds by their places, of which the first is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Search {
    /// The last that is known to be good.
    good: usize,
    /// The first that is known to be bad; `None` before the last was looked at.
    bad: Option<usize>,
    last: usize,
    is_over: bool,
}

impl Search {
    /// Of `n` builds, two at least.
    pub(super) fn new(n: usize) -> Self {
        Self { good: 0, bad: None, last: n.saturating_sub(1), is_over: false }
    }

    /// What comes next: first the last build, then the middle of what is left.
    pub(super) fn standing(&self) -> Standing {
        match self.bad {
            None if self.is_over => Standing::Nothing,
            None => Standing::Look(self.last),
            Some(bad) if bad - self.good > 1 => Standing::Look(self.good.midpoint(bad)),
            Some(bad) => Standing::Found(bad),
        }
    }

    /// Takes note of what the build that was to be looked at is.
    pub(super) fn saw(&mut self, seen: Seen) {
        let Standing::Look(build) = self.standing() else { return };
        match (seen, self.bad) {
            (Seen::Bad, _) => self.bad = Some(build),
            (Seen::Good, Some(_)) => self.good = build,
            (Seen::Good, None) => self.is_over = true,
        }
    }

    /// The builds among which the first bad one is, as places from and to; `None` while none is known to be bad.
    pub(super) fn left(&self) -> Option<(usize, usize)> {
        self.bad.map(|bad| (self.good + 1, bad))
    }
}

/// The most steps that a search among `n` builds takes: one for the last, and `⌈log2(n − 1)⌉`.
pub(super) fn most_steps(n: usize) -> u32 {
    let candidates = n.saturating_sub(1).max(1);
    1 + usize::BITS - (candidates - 1).leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places that are looked at, and the end, where builds from `first_bad` on are bad.
    fn run(n: usize, first_bad: usize) -> (Vec<usize>, Standing) {
        let (mut search, mut looked) = (Search::new(n), Vec::new());
        loop {
            match search.standing() {
                Standing::Look(build) => {
                    looked.push(build);
                    search.saw(if build >= first_bad { Seen::Bad } else { Seen::Good });
                }
                end => return (looked, end),
            }
        }
    }

    #[test]
    fn steps_by_hand() {
        assert_eq!(run(9, 6), (vec![8, 4, 6, 5], Standing::Found(6)));
        assert_eq!(run(9, 1), (vec![8, 4, 2, 1], Standing::Found(1)));
        assert_eq!(run(2, 1), (vec![1], Standing::Found(1)));
        assert_eq!(run(9, 9), (vec![8], Standing::Nothing));
    }

    #[test]
    fn every_first_bad_build_is_found_within_the_steps_that_were_announced() {
        for n in 2..=70 {
            for first_bad in 1..n {
                let (looked, end) = run(n, first_bad);
                assert_eq!(end, Standing::Found(first_bad));
                assert!(looked.len() <= most_steps(n) as usize, "{n} {first_bad} {looked:?}");
            }
        }
    }

    #[test]
    fn most_steps_by_hand() {
        let steps = [2, 3, 4, 5, 6, 9, 10, 17, 18].map(most_steps);
        assert_eq!(steps, [1, 2, 3, 3, 4, 4, 5, 5, 6]);
    }

    #[test]
    fn what_is_left_shrinks() {
        let mut search = Search::new(9);
        assert_eq!(search.left(), None);
        search.saw(Seen::Bad);
        assert_eq!(search.left(), Some((1, 8)));
        search.saw(Seen::Good);
        assert_eq!(search.left(), Some((5, 8)));
    }
}

//! How late ticks were.

/// Lateness of ticks: an exact record of the first ones, and the worst of all.
#[derive(Debug)]
pub(crate) struct Lateness {
    ticks_ns: Vec<u64>,
    max_ns: Option<u64>,
}

impl Lateness {
    /// Room for `n_ticks`; later ones count for the worst only.
    pub(crate) fn with_room(n_ticks: usize) -> Self {
        Self { ticks_ns: Vec::with_capacity(n_ticks), max_ns: None }
    }

    /// One tick's lateness. Allocates nothing.
    pub(crate) fn record(&mut self, late_ns: u64) {
        if self.ticks_ns.len() < self.ticks_ns.capacity() {
            self.ticks_ns.push(late_ns);
        }
        self.max_ns = self.max_ns.max(Some(late_ns));
    }

    /// The worst; `None` without ticks.
    pub(crate) fn max_ns(&self) -> Option<u64> {
        self.max_ns
    }

    /// The type 1 quantile at each `percent` (1 to 100): the value of rank ⌈n·p⌉, an observed one; `None` without ticks.
    pub(crate) fn quantiles_ns<const N: usize>(mut self, percents: [usize; N]) -> [Option<u64>; N] {
        self.ticks_ns.sort_unstable();
        let n = self.ticks_ns.len();
        percents.map(|percent| self.ticks_ns.get((n * percent).div_ceil(100).checked_sub(1)?).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u64], room: usize) -> Lateness {
        let mut lateness = Lateness::with_room(room);
        for value in values {
            lateness.record(*value);
        }
        lateness
    }

    #[test]
    fn quantiles_are_of_type_one() {
        // Ranks by hand: n = 4: p50 → ⌈2⌉, p99 → ⌈3.96⌉; n = 5: p50 → ⌈2.5⌉ = 3.
        assert_eq!(of(&[40, 10, 30, 20], 9).quantiles_ns([50, 99, 100]), [Some(20), Some(40), Some(40)]);
        assert_eq!(of(&[5, 4, 3, 2, 1], 9).quantiles_ns([50, 1]), [Some(3), Some(1)]);
        assert_eq!(of(&[], 9).quantiles_ns([50]), [None]);
        let hundred: Vec<u64> = (1..=200).collect();
        assert_eq!(of(&hundred, 200).quantiles_ns([99]), [Some(198)]);
    }

    #[test]
    fn beyond_its_room_it_still_knows_the_worst() {
        let mut lateness = Lateness { ticks_ns: Vec::with_capacity(2), max_ns: None };
        let room = lateness.ticks_ns.capacity();
        (0..room as u64).for_each(|value| lateness.record(value));
        lateness.record(1_000_000);
        assert_eq!(lateness.max_ns(), Some(1_000_000));
        assert_eq!(lateness.ticks_ns.capacity(), room);
    }
}

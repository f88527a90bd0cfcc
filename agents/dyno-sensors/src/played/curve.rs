//! A quantity over time, with its exact integral.

/// What lies between two knots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knots {
    /// The value of the knot before.
    Steps,
    /// A straight line.
    Ramps,
}

/// A quantity over the time since the play began; the first and the last value go on for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Curve {
    kind: Knots,
    /// Time in ns and value, in the order of time.
    knots: Vec<(u64, i64)>,
}

impl Curve {
    /// Through these knots (ms, value), which are put in order; a curve without any is 0.
    pub fn of(kind: Knots, knots: &[(u64, i64)]) -> Self {
        let mut knots: Vec<(u64, i64)> =
            knots.iter().map(|(at_ms, value)| (at_ms * 1_000_000, *value)).collect();
        knots.sort_by_key(|knot| knot.0);
        Self { kind, knots }
    }

    /// Always the same.
    pub fn constant(value: i64) -> Self {
        Self::of(Knots::Steps, &[(0, value)])
    }

    /// `high` for the first `high_ms` of each `period_ms`, `low` for the rest, until `end_ms`; then `low`.
    pub fn square((low, high): (i64, i64), (high_ms, period_ms): (u64, u64), end_ms: u64) -> Self {
        let begins = (0..end_ms).step_by(usize::try_from(period_ms.max(1)).unwrap_or(usize::MAX));
        let knots: Vec<(u64, i64)> = begins.flat_map(|at| [(at, high), (at + high_ms, low)]).collect();
        Self::of(Knots::Steps, &knots)
    }

    /// The value at a time.
    pub fn at(&self, at_ns: u64) -> i64 {
        let after = self.knots.partition_point(|knot| knot.0 <= at_ns);
        let before = after.checked_sub(1).map(|idx| self.knots[idx]);
        match (before, self.knots.get(after)) {
            (None, first) => first.map_or(0, |knot| knot.1),
            (Some(knot), None) => knot.1,
            (Some(knot), Some(next)) => match self.kind {
                Knots::Steps => knot.1,
                Knots::Ramps => {
                    let (rise, span) = (i128::from(next.1 - knot.1), i128::from(next.0 - knot.0));
                    let risen = rise * i128::from(at_ns - knot.0) / span;
                    knot.1 + i64::try_from(risen).expect("it lies between two values that fit")
                }
            },
        }
    }

    /// The integral from one time to a later one, in the value's unit times ns.
    ///
    /// Exact for steps; for ramps each piece is rounded to half a unit × ns by the ends' values.
    pub fn integral(&self, from_ns: u64, to_ns: u64) -> i128 {
        let within = self.knots.iter().map(|knot| knot.0).filter(|at| (from_ns + 1..to_ns).contains(at));
        let mut ends = vec![from_ns];
        ends.extend(within);
        ends.push(to_ns.max(from_ns));
        let piece = |ends: &[u64]| {
            let (begin, end) = (i128::from(self.at(ends[0])), i128::from(self.end_of_piece(ends[1])));
            let span_ns = i128::from(ends[1] - ends[0]);
            match self.kind {
                Knots::Steps => begin * span_ns,
                Knots::Ramps => (begin + end) * span_ns / 2,
            }
        };
        ends.windows(2).map(piece).sum()
    }

    /// The value just before a time: a ramp that ends in two knots at one time jumps there.
    fn end_of_piece(&self, at_ns: u64) -> i64 {
        let at_end = self.knots.iter().find(|knot| knot.0 == at_ns);
        at_end.map_or_else(|| self.at(at_ns), |knot| knot.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn steps_hold_and_ramps_rise() {
        let knots = [(1000, 10), (3000, 30)];
        let steps = Curve::of(Knots::Steps, &knots);
        assert_eq!([0, S, 2 * S, 3 * S - 1, 3 * S, 9 * S].map(|at| steps.at(at)), [10, 10, 10, 10, 30, 30]);
        let ramps = Curve::of(Knots::Ramps, &knots);
        assert_eq!([0, S, 2 * S, 3 * S, 9 * S].map(|at| ramps.at(at)), [10, 10, 20, 30, 30]);
        assert_eq!(Curve::of(Knots::Steps, &[]).at(5), 0);
    }

    #[test]
    fn integrals_are_areas() {
        let s = i128::from(S);
        let steps = Curve::of(Knots::Steps, &[(0, 5), (2000, 15)]);
        // 2 s at 5, then 1.5 s at 15.
        assert_eq!(steps.integral(0, 3 * S + S / 2), 10 * s + 45 * s / 2);
        assert_eq!(steps.integral(S, S), 0);
        let ramp = Curve::of(Knots::Ramps, &[(0, 0), (10_000, 100)]);
        // A triangle of 10 s × 100, and a part of it: from 20 to 40 in 2 s.
        assert_eq!(ramp.integral(0, 10 * S), 500 * s);
        assert_eq!(ramp.integral(2 * S, 4 * S), 60 * s);
        // 20 periods of 0.5 s at 15 and 0.5 s at 5.
        assert_eq!(Curve::square((5, 15), (500, 1000), 20_000).integral(0, 20 * S), 200 * s);
    }

    #[test]
    fn a_ramp_may_jump() {
        let saw = Curve::of(Knots::Ramps, &[(0, 0), (1000, 10), (1000, 0), (2000, 10)]);
        assert_eq!(saw.integral(0, 2 * S), 10 * i128::from(S));
    }
}

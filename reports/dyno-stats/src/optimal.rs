//! The best division of a series into levels, found exactly.

/// Where a new level begins, rising, in the division of `values` that has the least
/// `Σ (x − level)² + penalty · changes` and no level shorter than `min_segment`; none where the series is shorter.
///
/// Functional pruning (Maidstone, Hocking, Rigaill & Fearnhead 2017, "On optimal multiple changepoint algorithms for
/// large data", FPOP): the same optimum as PELT's, in about n · ln n for any series, where PELT takes n² for one
/// without a change. The shortest segment is kept by letting a start compete only from `min_segment` values on.
pub(crate) fn best_division(values: &[f64], penalty: f64, min_segment: usize) -> Vec<usize> {
    let min_segment = min_segment.max(1);
    let sums = Sums::new(values);
    let Some(mut envelope) = Envelope::new(&sums.centred) else { return Vec::new() };
    let mut best = vec![f64::INFINITY; values.len() + 1];
    best[0] = -penalty;
    let mut starts: Vec<Option<usize>> = vec![None; values.len() + 1];
    for end in min_segment..=values.len() {
        let newest = end - min_segment;
        if best[newest].is_finite() {
            let cost = |start: usize| sums.parabola(start, end, best[start] + penalty);
            envelope.admit(newest, &cost);
        }
        let found = envelope.least(|start| sums.parabola(start, end, best[start] + penalty));
        if let Some((start, value)) = found {
            best[end] = value;
            starts[end] = Some(start);
        }
    }
    let mut points = Vec::new();
    let mut end = values.len();
    while let Some(start) = starts.get(end).copied().flatten().filter(|start| *start > 0) {
        points.push(start);
        end = start;
    }
    points.reverse();
    points
}

/// `a·µ² − 2·b·µ + c`: the cost of a last segment as a function of its level.
#[derive(Debug, Clone, Copy)]
struct Parabola {
    a: f64,
    b: f64,
    c: f64,
}

impl Parabola {
    fn at(&self, level: f64) -> f64 {
        (self.a * level - 2.0 * self.b) * level + self.c
    }
}

/// Sums up to each place.
struct Sums {
    /// Less their mean, so that squares of a common level do not swallow the noise.
    centred: Vec<f64>,
    values: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn new(values: &[f64]) -> Self {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
        let (mut sums, mut squares) = (vec![0.0], vec![0.0]);
        let (mut sum, mut square) = (0.0, 0.0);
        for value in &centred {
            sum += value;
            square += value * value;
            sums.push(sum);
            squares.push(square);
        }
        Self { centred, values: sums, squares }
    }

    /// The cost of `start..end` as a last segment, with what came before.
    fn parabola(&self, start: usize, end: usize, before: f64) -> Parabola {
        Parabola {
            a: (end - start) as f64,
            b: self.values[end] - self.values[start],
            c: before + self.squares[end] - self.squares[start],
        }
    }
}

/// Which start is the best for each level that the last segment could have.
struct Envelope {
    low: f64,
    high: f64,
    /// Side by side, from the lowest level to the highest.
    pieces: Vec<Piece>,
    spare: Vec<Piece>,
}

/// Levels for which one start is the best.
#[derive(Debug, Clone, Copy)]
struct Piece {
    low: f64,
    high: f64,
    start: usize,
}

impl Envelope {
    /// `None` without values.
    fn new(values: &[f64]) -> Option<Self> {
        let low = values.iter().copied().min_by(f64::total_cmp)?;
        let high = values.iter().copied().max_by(f64::total_cmp)?;
        Some(Self { low, high, pieces: Vec::new(), spare: Vec::new() })
    }

    /// Lets a start compete: it is better than an older one outside of the two levels at which both cost the same,
    /// for an older one's parabola is the steeper. What comes later adds the same to both.
    fn admit(&mut self, start: usize, cost: &dyn Fn(usize) -> Parabola) {
        let newest = cost(start);
        self.spare.clear();
        for piece in &self.pieces {
            let older = cost(piece.start);
            match kept(older, newest, *piece) {
                None => push(&mut self.spare, Piece { start, ..*piece }),
                Some((low, high)) => {
                    if low > piece.low {
                        push(&mut self.spare, Piece { low: piece.low, high: low, start });
                    }
                    push(&mut self.spare, Piece { low, high, start: piece.start });
                    if high < piece.high {
                        push(&mut self.spare, Piece { low: high, high: piece.high, start });
                    }
                }
            }
        }
        if self.pieces.is_empty() {
            self.spare.push(Piece { low: self.low, high: self.high, start });
        }
        std::mem::swap(&mut self.pieces, &mut self.spare);
    }

    /// The best start and its cost; `None` while there is none.
    fn least(&self, cost: impl Fn(usize) -> Parabola) -> Option<(usize, f64)> {
        let of = |piece: &Piece| {
            let parabola = cost(piece.start);
            let level = (parabola.b / parabola.a).clamp(piece.low, piece.high);
            (piece.start, parabola.at(level))
        };
        self.pieces.iter().map(of).min_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// The levels of `piece` for which the older start stays the better one.
fn kept(older: Parabola, newest: Parabola, piece: Piece) -> Option<(f64, f64)> {
    let (a, b, c) = (older.a - newest.a, older.b - newest.b, older.c - newest.c);
    let discriminant = b * b - a * c;
    if discriminant <= 0.0 {
        return None;
    }
    let root = discriminant.sqrt();
    let (low, high) = (((b - root) / a).max(piece.low), ((b + root) / a).min(piece.high));
    (low < high).then_some((low, high))
}

/// Appends a piece; neighbours with one start are one.
fn push(pieces: &mut Vec<Piece>, piece: Piece) {
    match pieces.last_mut().filter(|last| last.start == piece.start) {
        Some(last) => last.high = piece.high,
        None => pieces.push(piece),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    /// The cost of a division, from its definition.
    fn cost(values: &[f64], points: &[usize], penalty: f64) -> f64 {
        let ends: Vec<usize> = [0].into_iter().chain(points.iter().copied()).chain([values.len()]).collect();
        let of = |pair: &[usize]| {
            let part = &values[pair[0]..pair[1]];
            let mean = part.iter().sum::<f64>() / part.len() as f64;
            part.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
        };
        ends.windows(2).map(of).sum::<f64>() + penalty * points.len() as f64
    }

    /// The least cost over all divisions, one by one.
    fn least(values: &[f64], penalty: f64, min_segment: usize) -> f64 {
        let n = values.len();
        let mut found = f64::INFINITY;
        for set in 0_u32..1 << (n - 1) {
            let points: Vec<usize> = (1..n).filter(|at| set >> (at - 1) & 1 == 1).collect();
            let ends: Vec<usize> = [0].into_iter().chain(points.iter().copied()).chain([n]).collect();
            if ends.windows(2).all(|pair| pair[1] - pair[0] >= min_segment) {
                found = found.min(cost(values, &points, penalty));
            }
        }
        found
    }

    #[test]
    fn a_division_by_hand() {
        // Two levels 0 and 3 cost 1 change; one level costs Σ(x − 1.5)² = 6 · 2.25 = 13.5.
        let values = [0.0, 0.0, 0.0, 3.0, 3.0, 3.0];
        assert_eq!(best_division(&values, 13.0, 1), [3]);
        assert_eq!(best_division(&values, 14.0, 1), [0; 0]);
        assert_eq!(best_division(&values, 13.0, 4), [0; 0], "both would be too short");
        assert_eq!(best_division(&[], 1.0, 1), [0; 0]);
        assert_eq!(best_division(&[1.0, 2.0], 1.0, 3), [0; 0]);
    }

    proptest! {
        /// No division at all costs less: every one of up to 12 values is tried.
        #[test]
        fn no_division_costs_less(
            values in proptest::collection::vec(-3.0_f64..3.0, 2..12), penalty in 0.1_f64..6.0, min_segment in 1_usize..4,
        ) {
            let points = best_division(&values, penalty, min_segment);
            let own = cost(&values, &points, penalty);
            let best = least(&values, penalty, min_segment);
            // A series that is shorter than a segment has no division that fits.
            prop_assert!(!best.is_finite() || (own - best).abs() <= 1e-9 * best.abs().max(1.0), "{own} {best} {points:?}");
        }
    }
}

//! Fewer points where more would not be seen, so that a page stays small.

/// Keeps, for each of `n_columns` equal columns of `low..=high`, the first, lowest, highest and last point, in their order.
///
/// For lines along x: the drawn outline stays the same.
pub(super) fn outline(points: &[(f64, f64)], (low, high): (f64, f64), n_columns: usize) -> Vec<(f64, f64)> {
    if points.len() <= 4 * n_columns {
        return points.to_vec();
    }
    let column = |x: f64| ((x - low) / (high - low) * n_columns as f64).floor() as i64;
    let mut out = Vec::new();
    for run in points.chunk_by(|a, b| column(a.0) == column(b.0)) {
        let by_y = |i: &usize, j: &usize| run[*i].1.total_cmp(&run[*j].1);
        let lowest = (0..run.len()).min_by(by_y).unwrap_or(0);
        let highest = (0..run.len()).max_by(by_y).unwrap_or(0);
        let mut kept = [0, lowest, highest, run.len() - 1];
        kept.sort_unstable();
        let mut last = usize::MAX;
        for i in kept {
            if i != last {
                out.push(run[i]);
                last = i;
            }
        }
    }
    out
}

/// The corners of a step function through `points`: level up to the next point, then up or down.
pub(super) fn steps(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::with_capacity(points.len() * 2);
    for &(x, y) in points {
        if let Some(&(_, level)) = out.last() {
            out.push((x, level));
        }
        out.push((x, y));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_keeps_the_extremes_of_each_column() {
        let points: Vec<(f64, f64)> = (0..100).map(|i| (f64::from(i), f64::from(i * 37 % 100))).collect();
        let kept = outline(&points, (0.0, 100.0), 10);
        assert!(kept.len() <= 40 && kept.len() >= 20, "{}", kept.len());
        assert!(
            kept.contains(&(0.0, 0.0)) && kept.contains(&(27.0, 99.0)),
            "the lowest and the highest of all"
        );
        assert!(kept.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(outline(&points[..5], (0.0, 100.0), 10), points[..5]);
    }

    #[test]
    fn steps_have_corners() {
        assert_eq!(steps(&[(1.0, 0.5), (3.0, 1.0)]), [(1.0, 0.5), (3.0, 0.5), (3.0, 1.0)]);
        assert_eq!(steps(&[]), []);
    }
}

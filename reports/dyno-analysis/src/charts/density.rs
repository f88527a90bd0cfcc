//! How many points lie where.

use std::collections::BTreeMap;

use dyno_view::chart::Series;

/// House rule: more points than this cannot be told apart.
pub(super) const CLOUD_POINTS: usize = 5000;
/// Cells across and down: some ten pixels each.
const COLUMNS: usize = 60;
const ROWS: usize = 36;
/// Classes, each of ten times as many points as the one before, from one point on.
const CLASSES: usize = 5;

/// Rectangles by how many points they hold, the densest last; equal neighbours in a row are one.
pub(super) fn density(points: &[[f64; 2]]) -> Vec<Series> {
    let finite = || points.iter().filter(|point| point[0].is_finite() && point[1].is_finite());
    let bounds = |axis: usize| {
        let values = finite().map(|point| point[axis]);
        let (low, high) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        // A lone value has a cell around it.
        if high > low { (low, high) } else { (low - 0.5, low + 0.5) }
    };
    if finite().next().is_none() {
        return Vec::new();
    }
    let (x, y) = (bounds(0), bounds(1));
    let cell = |value: f64, (low, high): (f64, f64), n: usize| {
        (((value - low) / (high - low) * n as f64) as usize).min(n - 1)
    };
    let mut counts: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for point in finite() {
        *counts.entry((cell(point[1], y, ROWS), cell(point[0], x, COLUMNS))).or_default() += 1;
    }
    let edge = |place: usize, (low, high): (f64, f64), n: usize| low + (high - low) * place as f64 / n as f64;
    let mut classes = vec![(Vec::new(), 0_u64); CLASSES];
    let counted: Vec<((usize, usize), u64)> = counts.into_iter().collect();
    let is_run = |a: &((usize, usize), u64), b: &((usize, usize), u64)| {
        a.0.0 == b.0.0 && a.0.1 + 1 == b.0.1 && class(a.1) == class(b.1)
    };
    for run in counted.chunk_by(is_run) {
        let ((row, first), count) = run[0];
        let ((_, last), _) = run[run.len() - 1];
        let corners = [
            [edge(first, x, COLUMNS), edge(row, y, ROWS)],
            [edge(last + 1, x, COLUMNS), edge(row + 1, y, ROWS)],
        ];
        let (rectangles, n) = &mut classes[class(count)];
        rectangles.extend(corners);
        *n += run.iter().map(|(_, count)| count).sum::<u64>();
    }
    let series = |(class, (points, n))| Series { name: name(class), points, n };
    // All classes, so that each keeps its shade.
    classes.into_iter().enumerate().map(series).collect()
}

fn class(count: u64) -> usize {
    (count.max(1).ilog10() as usize).min(CLASSES - 1)
}

fn name(class: usize) -> String {
    let low = 10_u64.pow(class as u32);
    if class + 1 == CLASSES {
        format!("{low} requests or more in a cell")
    } else {
        format!("{low} to {}", low * 10 - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_counted_once_in_the_class_of_its_cell() {
        // 9 in one corner, 20 in the other, one between.
        let mut points = vec![[0.0, 0.0]; 9];
        points.extend(vec![[60.0, 36.0]; 20]);
        points.push([30.5, 18.5]);
        let series = density(&points);
        let ns: Vec<u64> = series.iter().map(|of| of.n).collect();
        assert_eq!(ns, [10, 20, 0, 0, 0]);
        assert_eq!(series[0].points, [[0.0, 0.0], [1.0, 1.0], [30.0, 18.0], [31.0, 19.0]]);
        assert_eq!(series[1].points, [[59.0, 35.0], [60.0, 36.0]]);
        assert_eq!(series[4].name, "10000 requests or more in a cell");
    }

    #[test]
    fn equal_neighbours_are_one_rectangle() {
        let points: Vec<[f64; 2]> = (0..=60).map(|x| [f64::from(x), 0.0]).chain([[0.0, 36.0]]).collect();
        let series = density(&points);
        // The last cell of the row has two points, which is the same class.
        assert_eq!(series[0].points[..2], [[0.0, 0.0], [60.0, 1.0]]);
        assert_eq!(series[0].points.len(), 4);
    }

    #[test]
    fn what_has_no_place_is_not_counted() {
        assert!(density(&[]).is_empty());
        assert!(density(&[[f64::NAN, 1.0], [f64::INFINITY, 1.0]]).is_empty());
        let one = density(&[[5.0, 5.0], [f64::NAN, 0.0]]);
        assert_eq!(one[0].n, 1);
    }
}

//! Fewer points that look the same.

/// Points of a line: at most so many.
const LINE_POINTS: usize = 2000;
/// Points of a cloud: at most so many.
const CLOUD_POINTS: usize = 5000;
/// Steps of a distribution: at most so many.
const STEPS: usize = 1000;

/// The distribution function of sorted values, as points on it: all of them, or so many ranks evenly spread,
/// the smallest and the largest always.
pub(crate) fn steps(sorted: &[u64]) -> Vec<[f64; 2]> {
    let n = sorted.len();
    let point = |rank: usize| [sorted[rank - 1] as f64, rank as f64 / n as f64];
    if n <= STEPS {
        return (1..=n).map(point).collect();
    }
    // Rank 1, then evenly up to n.
    (0..STEPS).map(|k| point(1 + k * (n - 1) / (STEPS - 1))).collect()
}

/// A line with the lowest and the highest point of each of evenly filled stretches, in their order.
pub(crate) fn line(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    if points.len() <= LINE_POINTS {
        return points.to_vec();
    }
    let per_stretch = points.len().div_ceil(LINE_POINTS / 2);
    let mut reduced = Vec::with_capacity(LINE_POINTS);
    for stretch in points.chunks(per_stretch) {
        let by_height = |a: &&[f64; 2], b: &&[f64; 2]| a[1].total_cmp(&b[1]);
        let (low, high) = (stretch.iter().min_by(by_height), stretch.iter().max_by(by_height));
        let mut pair: Vec<[f64; 2]> = low.into_iter().chain(high).copied().collect();
        pair.sort_unstable_by(|a, b| a[0].total_cmp(&b[0]));
        pair.dedup();
        reduced.extend(pair);
    }
    reduced
}

/// Every k-th point of a cloud.
pub(crate) fn cloud(points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    let every = points.len().div_ceil(CLOUD_POINTS).max(1);
    points.into_iter().step_by(every).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_keeps_its_ends() {
        assert_eq!(steps(&[10, 20, 20, 40]), [[10.0, 0.25], [20.0, 0.5], [20.0, 0.75], [40.0, 1.0]]);
        let many: Vec<u64> = (1..=100_000).collect();
        let points = steps(&many);
        assert_eq!(points.len(), 1000);
        assert_eq!((points[0], points[999]), ([1.0, 1e-5], [100_000.0, 1.0]));
        assert!(points.iter().all(|[x, y]| (x - y * 1e5).abs() < 1e-6));
        assert!(steps(&[]).is_empty());
    }

    #[test]
    fn a_line_keeps_its_spikes() {
        let mut points: Vec<[f64; 2]> = (0..100_000).map(|i| [f64::from(i), 1.0]).collect();
        points[54_321][1] = 99.0;
        points[77_777][1] = -5.0;
        let reduced = line(&points);
        assert!(reduced.len() <= 2000, "{}", reduced.len());
        assert!(reduced.contains(&[54_321.0, 99.0]) && reduced.contains(&[77_777.0, -5.0]));
        assert!(reduced.windows(2).all(|pair| pair[0][0] < pair[1][0]));
        assert_eq!(line(&points[..2000]), points[..2000]);
    }

    #[test]
    fn a_cloud_is_thinned_evenly() {
        let points: Vec<[f64; 2]> = (0..12_000).map(|i| [f64::from(i), 0.0]).collect();
        let thin = cloud(points);
        assert_eq!(thin.len(), 4000);
        assert_eq!(thin[..2], [[0.0, 0.0], [3.0, 0.0]]);
    }
}

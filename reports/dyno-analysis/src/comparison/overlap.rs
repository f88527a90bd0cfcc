//! Which intervals overlap.

/// Sets of places whose intervals `[low, value, high]` overlap, directly or by way of others of the set: each of at
/// least two, its members in the order of their values. Bounds that touch overlap.
pub(super) fn overlapping(intervals: &[Option<[f64; 3]>]) -> Vec<Vec<usize>> {
    let mut sorted: Vec<(usize, [f64; 3])> =
        intervals.iter().enumerate().filter_map(|(place, interval)| Some((place, (*interval)?))).collect();
    sorted.sort_by(|a, b| a.1[0].total_cmp(&b.1[0]).then(a.0.cmp(&b.0)));
    let mut sets: Vec<Vec<(usize, f64)>> = Vec::new();
    let mut reach = f64::NEG_INFINITY;
    for (place, [low, value, high]) in sorted {
        match sets.last_mut() {
            Some(set) if low <= reach => set.push((place, value)),
            _ => sets.push(vec![(place, value)]),
        }
        reach = reach.max(high);
    }
    sets.retain(|set| set.len() > 1);
    let in_order = |mut set: Vec<(usize, f64)>| {
        set.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        set.into_iter().map(|(place, _)| place).collect()
    };
    sets.into_iter().map(in_order).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_that_share_a_point_overlap() {
        let check = |intervals: &[[f64; 3]], expected: &[&[usize]]| {
            let intervals: Vec<Option<[f64; 3]>> = intervals.iter().copied().map(Some).collect();
            assert_eq!(overlapping(&intervals), expected);
        };
        check(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], &[]);
        check(&[[1.0, 2.0, 3.0], [3.0, 5.0, 6.0]], &[&[0, 1]]);
        // One within another, given the other way round.
        check(&[[4.0, 5.0, 6.0], [1.0, 8.0, 9.0]], &[&[0, 1]]);
        // The outer two only by way of the middle one; a fourth far away.
        check(&[[1.0, 2.0, 3.0], [50.0, 51.0, 52.0], [4.5, 5.0, 7.0], [2.5, 4.0, 5.0]], &[&[0, 3, 2]]);
        // A wide first one reaches over a narrow second to the third.
        check(&[[1.0, 2.0, 9.0], [2.0, 3.0, 4.0], [8.0, 8.5, 10.0]], &[&[0, 1, 2]]);
        check(&[], &[]);
    }

    #[test]
    fn what_has_no_interval_overlaps_nothing() {
        assert_eq!(overlapping(&[Some([1.0, 2.0, 3.0]), None]), Vec::<Vec<usize>>::new());
    }
}

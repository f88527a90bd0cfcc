//! Which of several things no other one beats.

/// For each thing the places of those that are as good in all that counts and better in some of it. More is better.
pub(super) fn beaten_by(things: &[Vec<f64>]) -> Vec<Vec<usize>> {
    let beats = |one: &[f64], other: &[f64]| {
        let pairs = || one.iter().zip(other);
        pairs().all(|(a, b)| a >= b) && pairs().any(|(a, b)| a > b)
    };
    let by = |thing: &Vec<f64>| {
        let of = things.iter().enumerate().filter(|(_, other)| beats(other, thing));
        of.map(|(place, _)| place).collect()
    };
    things.iter().map(by).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_better_in_something_is_not_beaten() {
        // Fast and wrong, slow and right, and slower and as right as the second.
        let things = [vec![50.0, 0.4], vec![20.0, 0.9], vec![10.0, 0.9]];
        assert_eq!(beaten_by(&things), [vec![], vec![], vec![1]]);
    }

    #[test]
    fn a_third_figure_saves_what_two_others_beat() {
        // The last one takes the least energy.
        let things = [vec![50.0, 0.9, -0.3], vec![20.0, 0.9, -0.3], vec![20.0, 0.4, -0.1]];
        assert_eq!(beaten_by(&things), [vec![], vec![0], vec![]]);
    }

    #[test]
    fn equals_do_not_beat_each_other() {
        assert_eq!(beaten_by(&[vec![1.0, 2.0], vec![1.0, 2.0]]), [Vec::<usize>::new(), Vec::new()]);
        assert_eq!(beaten_by(&[]), Vec::<Vec<usize>>::new());
    }
}

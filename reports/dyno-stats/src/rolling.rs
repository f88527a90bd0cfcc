//! Medians over a window that moves along a series.

use crate::level::Level;
use crate::quantile::type1_rank;

/// The type 1 median of all values whose place is within `reach` of each place; `points` are `(place, value)`, sorted
/// by place.
///
/// Cost: for each point a step of the size of a window in sorted order.
pub fn rolling_medians(points: &[(f64, f64)], reach: f64) -> Vec<f64> {
    let mut window: Vec<f64> = Vec::new();
    let (mut first, mut end) = (0, 0);
    let mut medians = Vec::with_capacity(points.len());
    for (place, value) in points {
        while let Some(entering) = points.get(end).filter(|point| point.0 <= place + reach) {
            let at = window.partition_point(|held| held.total_cmp(&entering.1).is_lt());
            window.insert(at, entering.1);
            end += 1;
        }
        while let Some(leaving) = points.get(first).filter(|point| point.0 < place - reach) {
            let at = window.partition_point(|held| held.total_cmp(&leaving.1).is_lt());
            window.remove(at);
            first += 1;
        }
        let middle = type1_rank(window.len(), Level::P50).and_then(|rank| window.get(rank - 1));
        // A window always holds its own place.
        medians.push(middle.copied().unwrap_or(*value));
    }
    medians
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;
    use crate::series::median;

    #[test]
    fn medians_by_hand() {
        // Windows of ±1: {5, 1}, {5, 1, 9}, {1, 9}, and one that is alone.
        let points = [(0.0, 5.0), (1.0, 1.0), (2.0, 9.0), (9.0, 4.0)];
        assert_eq!(rolling_medians(&points, 1.0), [1.0, 5.0, 1.0, 4.0]);
        assert_eq!(rolling_medians(&[], 1.0), [0.0; 0]);
    }

    proptest! {
        #[test]
        fn each_is_the_median_of_its_window(
            steps in proptest::collection::vec((0.0_f64..3.0, 0_u32..9), 1..60), reach in 0.0_f64..8.0,
        ) {
            let mut place = 0.0;
            let points: Vec<(f64, f64)> = steps.iter().map(|(step, value)| { place += step; (place, f64::from(*value)) }).collect();
            let found = rolling_medians(&points, reach);
            for ((place, _), found) in points.iter().zip(found) {
                let within: Vec<f64> =
                    points.iter().filter(|of| of.0 >= place - reach && of.0 <= place + reach).map(|of| of.1).collect();
                prop_assert_eq!(median(&within), Some(found));
            }
        }
    }
}

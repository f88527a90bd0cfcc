//! Whether a run has come to a steady state, and when (MEASUREMENT §2.5).

use std::ops::Range;

use crate::segments::{change_points, without_outliers};
use crate::series::median;

/// When a series counts as steady. All figures are house rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SteadyRule {
    /// Observations at the beginning that are never counted.
    pub n_discarded: usize,
    /// The fewest observations of a level.
    pub min_segment: usize,
    /// Levels that differ by no more than this share of the last one are the same.
    pub same_level_ratio: f64,
    /// The last level must hold for this share of the counted observations.
    pub least_ratio: f64,
}

impl SteadyRule {
    /// Those of MEASUREMENT §2.5: 3 discarded, 20 of a level, 1 %, half.
    pub const HOUSE: Self =
        Self { n_discarded: 3, min_segment: 20, same_level_ratio: 0.01, least_ratio: 0.5 };
}

/// What a series of times did (classes of Barrett et al., "Virtual machine warmup blows hot and cold", OOPSLA 2017).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SteadyClass {
    /// One level all along.
    Steady,
    /// Slower at first, then one level.
    WarmUp,
    /// Faster at first, then one level: look for throttling.
    Slowdown,
    /// No level holds for long enough, or the earlier ones lie on both sides: show the curve, not a number.
    NoSteadyState,
}

/// A stretch of one level.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Its observations, by their place in the whole series.
    pub range: Range<usize>,
    /// Their median.
    pub level: f64,
}

/// What a series did, and which part of it a number may be made of.
#[derive(Debug, Clone, PartialEq)]
pub struct SteadyState {
    /// What it did.
    pub class: SteadyClass,
    /// The levels, in order, without the discarded observations.
    pub segments: Vec<Segment>,
    /// The observations of the steady state; `None` without one.
    pub steady: Option<Range<usize>>,
}

/// The class of a series of times in their order (TPOT of each request; a lower one is faster), by the change points
/// of their logarithms ([`change_points`]) after outliers were moved to the bounds of their window.
/// `None` when fewer than a discarded beginning and one level are there, or a time is not above 0.
pub fn steady_state(times: &[f64], rule: &SteadyRule) -> Option<SteadyState> {
    let counted = times.get(rule.n_discarded..)?;
    if counted.len() < rule.min_segment.max(1)
        || counted.iter().any(|time| !(*time > 0.0 && time.is_finite()))
    {
        return None;
    }
    let logarithms: Vec<f64> = counted.iter().map(|time| time.ln()).collect();
    let points = change_points(&without_outliers(&logarithms), rule.min_segment);
    let starts: Vec<usize> = [0].into_iter().chain(points).collect();
    let ends = starts.iter().skip(1).copied().chain([counted.len()]);
    let segments: Vec<Segment> = starts
        .iter()
        .zip(ends)
        .filter_map(|(start, end)| {
            let range = start + rule.n_discarded..end + rule.n_discarded;
            Some(Segment { level: median(&counted[*start..end])?, range })
        })
        .collect();
    Some(classify(segments, counted.len(), rule))
}

fn classify(segments: Vec<Segment>, n_counted: usize, rule: &SteadyRule) -> SteadyState {
    let last = segments.last().map_or(1.0, |segment| segment.level);
    let change = |segment: &Segment| segment.level / last - 1.0;
    let is_same = |segment: &Segment| change(segment).abs() <= rule.same_level_ratio;
    let n_same = segments.iter().rev().take_while(|segment| is_same(segment)).count();
    let (earlier, steady) = segments.split_at(segments.len() - n_same);
    let range = steady.first().map_or(0, |segment| segment.range.start)
        ..steady.last().map_or(0, |segment| segment.range.end);
    let is_long_enough = range.len() as f64 >= rule.least_ratio * n_counted as f64;
    let class = if !is_long_enough {
        SteadyClass::NoSteadyState
    } else if earlier.is_empty() {
        SteadyClass::Steady
    } else if earlier.iter().all(|segment| change(segment) >= -rule.same_level_ratio) {
        SteadyClass::WarmUp
    } else if earlier.iter().all(|segment| change(segment) <= rule.same_level_ratio) {
        SteadyClass::Slowdown
    } else {
        SteadyClass::NoSteadyState
    };
    let steady = (class != SteadyClass::NoSteadyState).then_some(range);
    SteadyState { class, segments, steady }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    /// Levels with a saw of ±`noise` of each.
    fn times(of: &[(f64, usize)], noise: f64) -> Vec<f64> {
        let flat = of.iter().flat_map(|(level, n)| std::iter::repeat_n(*level, *n));
        let saw = [0.3, -0.9, 0.8, -0.4, 1.0, -0.8].into_iter().cycle();
        flat.zip(saw).map(|(x, saw)| x * (1.0 + saw * noise)).collect()
    }

    fn check(of: &[(f64, usize)], class: SteadyClass, steady: Option<Range<usize>>) {
        let found = steady_state(&times(of, 0.005), &SteadyRule::HOUSE).expect("enough");
        assert_eq!((found.class, found.steady.clone()), (class, steady), "{of:?} {found:?}");
    }

    #[test]
    fn four_classes_by_hand() {
        check(&[(20.0, 100)], SteadyClass::Steady, Some(3..100));
        // 40 slow ones, 37 of them counted, then 80.
        check(&[(25.0, 40), (20.0, 80)], SteadyClass::WarmUp, Some(40..120));
        check(&[(30.0, 40), (25.0, 40), (20.0, 100)], SteadyClass::WarmUp, Some(80..180));
        check(&[(18.0, 40), (20.0, 80)], SteadyClass::Slowdown, Some(40..120));
        check(&[(18.0, 40), (25.0, 40), (20.0, 100)], SteadyClass::NoSteadyState, None);
        // The last level holds for less than half.
        check(&[(25.0, 100), (20.0, 80)], SteadyClass::NoSteadyState, None);
    }

    #[test]
    fn a_change_within_one_percent_is_none() {
        check(&[(20.1, 60), (20.0, 60)], SteadyClass::Steady, Some(3..120));
        check(&[(20.5, 60), (20.0, 60)], SteadyClass::WarmUp, Some(60..120));
    }

    #[test]
    fn a_hiccup_is_no_change_of_level() {
        let mut times = times(&[(20.0, 120)], 0.005);
        times[40] = 400.0;
        times[90] = 1.0;
        let found = steady_state(&times, &SteadyRule::HOUSE).expect("enough");
        assert_eq!(found.class, SteadyClass::Steady, "{found:?}");
    }

    #[test]
    fn too_little_or_nonsense_has_no_class() {
        assert_eq!(steady_state(&[], &SteadyRule::HOUSE), None);
        assert_eq!(steady_state(&[1.0; 22], &SteadyRule::HOUSE), None);
        assert!(steady_state(&[1.0; 23], &SteadyRule::HOUSE).is_some());
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let mut times = vec![1.0; 50];
            times[30] = bad;
            assert_eq!(steady_state(&times, &SteadyRule::HOUSE), None, "{bad}");
        }
    }

    proptest! {
        /// A unit of time changes nothing, and segments cover all that is counted.
        #[test]
        fn class_does_not_depend_on_the_unit(
            levels in proptest::collection::vec((1.0_f64..2.0, 23_usize..60), 1..4), scale in 1e-3_f64..1e6,
        ) {
            let series = times(&levels, 0.01);
            let scaled: Vec<f64> = series.iter().map(|time| time * scale).collect();
            let (one, other) = (
                steady_state(&series, &SteadyRule::HOUSE).expect("enough or more"),
                steady_state(&scaled, &SteadyRule::HOUSE).expect("enough or more"),
            );
            prop_assert_eq!(one.segments.len(), other.segments.len());
            prop_assert!(one.segments.iter().zip(&other.segments).all(|(a, b)| a.range == b.range));
            prop_assert_eq!(one.segments[0].range.start, 3);
            prop_assert_eq!(one.segments[one.segments.len() - 1].range.end, series.len());
            prop_assert!(one.segments.windows(2).all(|pair| pair[0].range.end == pair[1].range.start));
        }
    }
}

//! Prompts with a pace of their own: a long one fills the context and slows every token after it.

use std::collections::{BTreeMap, BTreeSet};

use dyno_stats::median;

/// Launches that must have a prompt, each at its own place, before its pace is known apart from that of its place
/// (house rule).
const MIN_LAUNCHES: usize = 3;

/// How requests of unlike prompts are made alike.
#[derive(Debug, PartialEq)]
pub(super) enum Evening {
    /// There is nothing to make alike.
    OnePrompt,
    /// By a factor for each prompt.
    ByPrompt(BTreeMap<String, f64>),
    /// Prompts differ, and what a prompt does cannot be told from what its place does.
    NotPossible,
}

impl Evening {
    /// What the time of a request of `prompt` is multiplied by.
    pub(super) fn factor(&self, prompt: &str) -> f64 {
        match self {
            Self::OnePrompt | Self::NotPossible => 1.0,
            Self::ByPrompt(factors) => factors.get(prompt).copied().unwrap_or(1.0),
        }
    }
}

/// From launches as prompts with their times, in order.
///
/// A prompt's own pace is its median over launches. It is known only when no two launches have the same order:
/// otherwise its place is in it as well, and taking it away would take away any warm-up.
pub(super) fn evening(launches: &[Vec<(&str, f64)>]) -> Evening {
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut n_launches: BTreeMap<&str, usize> = BTreeMap::new();
    for launch in launches {
        for (prompt, time) in launch {
            times.entry(prompt).or_default().push(*time);
        }
        let prompts: BTreeSet<&str> = launch.iter().map(|(prompt, _)| *prompt).collect();
        for prompt in prompts {
            *n_launches.entry(prompt).or_default() += 1;
        }
    }
    if times.len() < 2 {
        return Evening::OnePrompt;
    }
    let orders: BTreeSet<Vec<&str>> =
        launches.iter().map(|launch| launch.iter().map(|(prompt, _)| *prompt).collect()).collect();
    let is_mixed = orders.len() == launches.len();
    if !is_mixed || n_launches.values().any(|n| *n < MIN_LAUNCHES) {
        return Evening::NotPossible;
    }
    let all: Vec<f64> = times.values().flatten().copied().collect();
    let Some(middle) = median(&all) else { return Evening::NotPossible };
    let factor = |(prompt, times): (&str, Vec<f64>)| Some((prompt.to_owned(), middle / median(&times)?));
    Evening::ByPrompt(times.into_iter().filter_map(factor).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_scaled_by_its_median_over_launches() {
        // a: 10, 11, 30, median 11; b: 20, 22, 21, median 21; all six: 10 11 20 21 22 30, type 1 median 20.
        let launches =
            [vec![("a", 10.0), ("b", 20.0)], vec![("b", 22.0), ("a", 11.0)], vec![("a", 30.0), ("b", 21.0)]];
        assert_eq!(evening(&launches), Evening::NotPossible, "the first and the last have one order");
        let launches = [
            vec![("a", 10.0), ("b", 20.0), ("a", 11.0)],
            vec![("b", 22.0), ("a", 11.0)],
            vec![("a", 30.0), ("b", 21.0)],
        ];
        // a: 10, 11, 11, 30, type 1 median 11; all seven: 10 11 11 20 21 22 30.
        let found = evening(&launches);
        assert!((found.factor("a") - 20.0 / 11.0).abs() < 1e-12, "{found:?}");
        assert!((found.factor("b") - 20.0 / 21.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn one_prompt_needs_nothing_and_two_launches_are_too_few() {
        assert_eq!(evening(&[vec![("a", 10.0), ("a", 12.0)]]), Evening::OnePrompt);
        assert_eq!(evening(&[]), Evening::OnePrompt);
        let launches = [vec![("a", 10.0), ("b", 20.0)], vec![("b", 22.0), ("a", 11.0)]];
        assert_eq!(evening(&launches), Evening::NotPossible);
    }
}

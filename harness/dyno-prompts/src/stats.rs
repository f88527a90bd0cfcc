//! How long prompts are, and what they are about.

use std::collections::BTreeMap;

use dyno_model::plan::PlannedPrompt;
use serde::Serialize;

use crate::histogram::Histogram;
use crate::text_of;

/// A corpus in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// All prompts.
    pub all: Group,
    /// By category.
    pub categories: BTreeMap<String, Group>,
    /// Prompts of each language.
    pub languages: BTreeMap<String, u64>,
    /// Prompts of each kind of grader; those without one under `-`.
    pub graders: BTreeMap<String, u64>,
    /// Lengths in words, split at white space.
    pub words: Histogram,
    /// Lengths in tokens, estimated as two for seven bytes of UTF-8.
    pub tokens_estimated: Histogram,
    /// Prompts in which the user speaks more than once.
    pub n_multi_turn: u64,
}

/// Lengths of some prompts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Prompts.
    pub n: u64,
    /// Words.
    pub words: Spread,
    /// Tokens, estimated.
    pub tokens_estimated: Spread,
}

/// Smallest, middle and largest of some lengths; all 0 where there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// The smallest.
    pub min: u64,
    /// The median, by nearest rank.
    pub median: u64,
    /// The 90th percentile, by nearest rank.
    pub p90: u64,
    /// The largest.
    pub max: u64,
}

/// The figures of `prompts`.
pub fn stats(prompts: &[&PlannedPrompt]) -> Stats {
    let mut by_category: BTreeMap<String, Vec<&PlannedPrompt>> = BTreeMap::new();
    let (mut languages, mut graders) = (BTreeMap::new(), BTreeMap::new());
    for prompt in prompts {
        by_category.entry(prompt.category.clone()).or_default().push(prompt);
        *languages.entry(prompt.language.clone()).or_default() += 1;
        *graders.entry(grader_of(prompt)).or_default() += 1;
    }
    let speaks_twice = |prompt: &&&PlannedPrompt| {
        prompt.messages.iter().filter(|message| message.role == "user").count() > 1
    };
    Stats {
        all: group(prompts),
        categories: by_category.into_iter().map(|(category, prompts)| (category, group(&prompts))).collect(),
        languages,
        graders,
        words: Histogram::of(&words(prompts)),
        tokens_estimated: Histogram::of(&tokens(prompts)),
        n_multi_turn: prompts.iter().filter(speaks_twice).count() as u64,
    }
}

/// The grader's kind, as it is written.
fn grader_of(prompt: &PlannedPrompt) -> String {
    let json = serde_json::to_value(&prompt.grader).unwrap_or_default();
    json.get("kind").and_then(serde_json::Value::as_str).unwrap_or("-").to_owned()
}

fn group(prompts: &[&PlannedPrompt]) -> Group {
    Group {
        n: prompts.len() as u64,
        words: spread(words(prompts)),
        tokens_estimated: spread(tokens(prompts)),
    }
}

fn words(prompts: &[&PlannedPrompt]) -> Vec<u64> {
    prompts.iter().map(|prompt| text_of(&prompt.messages).split_whitespace().count() as u64).collect()
}

fn tokens(prompts: &[&PlannedPrompt]) -> Vec<u64> {
    prompts.iter().map(|prompt| (text_of(&prompt.messages).len() as u64 * 2).div_ceil(7)).collect()
}

fn spread(mut lengths: Vec<u64>) -> Spread {
    lengths.sort_unstable();
    let rank = |share_percent: usize| {
        let rank = (lengths.len() * share_percent).div_ceil(100).max(1);
        lengths.get(rank - 1).copied().unwrap_or_default()
    };
    Spread { min: rank(0), median: rank(50), p90: rank(90), max: rank(100) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_by_nearest_rank() {
        let of = |lengths: &[u64]| {
            let spread = spread(lengths.to_vec());
            [spread.min, spread.median, spread.p90, spread.max]
        };
        assert_eq!(of(&[]), [0; 4]);
        assert_eq!(of(&[7]), [7; 4]);
        assert_eq!(of(&[4, 1, 3, 2]), [1, 2, 4, 4]);
        assert_eq!(of(&(1..=10).collect::<Vec<_>>()), [1, 5, 9, 10]);
    }
}

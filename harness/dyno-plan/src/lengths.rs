//! Prompts by their length, for the requests of a trace.
//!
//! A plan knows no tokenizer, and each model has another one; so lengths are estimated from bytes, and the plan
//! records the estimate beside what the trace asked for. What the runtime really counted is in the record.

use std::collections::BTreeMap;

use dyno_model::ids::PromptId;
use dyno_model::request::Message;

/// Estimated tokens of a conversation: two for seven bytes of its messages' text joined by line feeds, rounded up.
/// House rule; on the shipped corpus it gives the histogram of SmolLM2's tokens nearly (see the test).
pub(crate) fn estimate_tokens(messages: &[Message]) -> u32 {
    let text: usize = messages.iter().map(|message| message.content.len()).sum();
    let bytes = text + messages.len().saturating_sub(1);
    u32::try_from((2 * bytes).div_ceil(7)).unwrap_or(u32::MAX)
}

/// Prompts by estimated tokens; those of one length take turns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lengths(BTreeMap<u32, Group>);

#[derive(Debug, Clone, Default)]
struct Group {
    prompts: Vec<PromptId>,
    n_taken: usize,
}

impl Lengths {
    /// Adds a prompt of that length, after those that are there.
    pub(crate) fn add(&mut self, tokens: u32, prompt: PromptId) {
        self.0.entry(tokens).or_default().prompts.push(prompt);
    }

    /// A prompt of the length nearest to `tokens`, the shorter one of two, with its length; `None` without prompts.
    pub(crate) fn take(&mut self, tokens: u32) -> Option<(PromptId, u32)> {
        let below = self.0.range(..=tokens).next_back().map(|(length, _)| *length);
        let above = self.0.range(tokens..).next().map(|(length, _)| *length);
        let length = below.into_iter().chain(above).min_by_key(|length| length.abs_diff(tokens))?;
        let group = self.0.get_mut(&length)?;
        let prompt = group.prompts[group.n_taken % group.prompts.len()].clone();
        group.n_taken += 1;
        Some((prompt, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::contents::corpus_at;
    use crate::corpus::file_name;
    use crate::source::{Inputs, SourceKind};

    fn lengths(of: &[(u32, &str)]) -> Lengths {
        let mut lengths = Lengths::default();
        for (tokens, prompt) in of {
            lengths.add(*tokens, PromptId::from(*prompt));
        }
        lengths
    }

    #[test]
    fn nearest_is_taken_and_equals_take_turns() {
        let mut lengths = lengths(&[(10, "a"), (20, "b"), (20, "c"), (40, "d")]);
        let mut check = |tokens, prompt: &str, length| {
            assert_eq!(lengths.take(tokens), Some((PromptId::from(prompt), length)), "{tokens}");
        };
        check(0, "a", 10);
        check(15, "a", 10); // Between two, the shorter.
        check(16, "b", 20);
        check(20, "c", 20);
        check(30, "b", 20);
        check(31, "d", 40);
        check(u32::MAX, "d", 40);
        assert_eq!(Lengths::default().take(5), None);
    }

    /// `[lengths.smollm2]` of the shipped corpora was counted with the real tokenizer.
    #[test]
    fn estimate_fits_the_histogram_of_a_real_tokenizer() {
        let shipped = Inputs::shipped();
        for corpus in shipped.of_kind(SourceKind::Corpus) {
            let contents = corpus_at(&shipped, file_name(corpus.folder())).expect("a shipped corpus");
            let table = corpus.text.parse::<toml::Table>().expect("TOML");
            let numbers = |key: &str| -> Vec<i64> {
                let list = table["lengths"]["smollm2"][key].as_array().expect("a list");
                list.iter().map(|n| n.as_integer().expect("whole numbers")).collect()
            };
            let (edges, counts) = (numbers("edges"), numbers("counts"));
            let mut found = vec![0; counts.len()];
            for (_, prompt) in &contents.prompts {
                let tokens = i64::from(estimate_tokens(&prompt.messages));
                found[edges.partition_point(|edge| *edge <= tokens) - 1] += 1;
            }
            // The mean bin, for single prompts move over an edge. A bin is a doubling: 0.4 of it is a factor of 1.3, which
            // code and rare scripts need.
            let mean = |counts: &[i64]| {
                let weighted: i64 = (0_i64..).zip(counts).map(|(bin, n)| bin * n).sum();
                weighted as f64 / counts.iter().sum::<i64>() as f64
            };
            let off = (mean(&found) - mean(&counts)).abs();
            assert!(off < 0.4, "{}: {off} {found:?} {counts:?}", contents.name);
        }
    }

    #[test]
    fn estimate_counts_bytes_of_the_joined_text() {
        let message = |content: &str| Message { role: "user".to_owned(), content: content.to_owned() };
        assert_eq!(estimate_tokens(&[]), 0);
        assert_eq!(estimate_tokens(&[message("1234567")]), 2);
        assert_eq!(estimate_tokens(&[message("12345678")]), 3);
        // 3 + 1 + 3 bytes.
        assert_eq!(estimate_tokens(&[message("abc"), message("ü1")]), 2);
    }
}

//! How long answers may be where that is not one number for all.

use std::collections::BTreeMap;

use dyno_model::ids::PromptId;
use dyno_model::plan::PlannedRequest;

use crate::corpus::Corpus;
use crate::document::Document;
use crate::lengths::estimate_tokens;
use crate::problem::Problems;
use crate::suite::SuiteWords;

/// A prompt may have a quarter more tokens than estimated, and a chat template adds some (house rule): an answer that
/// does not come to the end of the context shows less, and one that is refused shows nothing.
const SPARE_SHARE: u32 = 4;
const SPARE_TOKENS: u32 = 32;

/// Reports what a schema cannot see.
pub(crate) fn check(name: &str, suite: &SuiteWords, document: &Document<'_>, problems: &mut Problems) {
    let mut report = |key: &str, message: String, hint: &str| {
        problems.push(document.problem_at(&["suite", name, key], message, Some(hint.to_owned())));
    };
    let Some(turn) = &suite.max_tokens_in_turn else { return };
    if turn.is_empty() {
        report(
            "max_tokens_in_turn",
            "the list of `max_tokens_in_turn` is empty".to_owned(),
            "such as [1, 64]",
        );
    }
    if let Some(n) = turn.iter().find(|n| !(1..=suite.max_tokens).contains(n)) {
        let message = format!("`max_tokens_in_turn` is out of range: {n}");
        report(
            "max_tokens_in_turn",
            message,
            &format!("from 1 to `max_tokens`, which is {}", suite.max_tokens),
        );
    }
    if suite.fill_context {
        let message = "`max_tokens_in_turn` beside `fill_context`".to_owned();
        report("max_tokens_in_turn", message, "keep one of them");
    }
}

/// Answers that go on until the context is full.
pub(crate) struct Fill {
    /// Estimated tokens of each prompt.
    tokens: BTreeMap<PromptId, u32>,
}

impl Fill {
    /// For the prompts of a corpus.
    pub(crate) fn of(corpus: &Corpus) -> Self {
        let tokens = |(id, prompt): &(PromptId, dyno_model::plan::PlannedPrompt)| {
            (id.clone(), estimate_tokens(&prompt.messages))
        };
        Self { tokens: corpus.prompts.iter().map(tokens).collect() }
    }

    /// The same requests with the longest answers that a context has room for.
    pub(crate) fn fill(&self, mut requests: Vec<PlannedRequest>, context_tokens: u32) -> Vec<PlannedRequest> {
        for request in &mut requests {
            let prompt = self.tokens.get(&request.prompt).copied().unwrap_or(0);
            let room = room(context_tokens, prompt);
            request.sampling.max_tokens = room.clamp(1, request.sampling.max_tokens.max(1));
        }
        requests
    }
}

/// Tokens of a context that a prompt of so many, as estimated, leaves.
fn room(context_tokens: u32, prompt: u32) -> u32 {
    context_tokens.saturating_sub(prompt + prompt.div_ceil(SPARE_SHARE) + SPARE_TOKENS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_what_its_prompt_leaves() {
        // By hand: 512 − (40 + 10 + 32) = 430; 41 has 11 spare tokens.
        assert_eq!((room(512, 40), room(512, 41), room(512, 0)), (430, 428, 480));
        assert_eq!(room(64, 400), 0);
    }
}

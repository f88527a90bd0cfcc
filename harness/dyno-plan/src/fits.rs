//! Prompts that a context does not hold, told before anything starts.
//!
//! A plan knows no tokenizer. Where even the fewest tokens that a text can have are too many, the plan is refused; where
//! only the estimate says so, it is a doubt.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::ids::PromptId;
use dyno_model::launch::Dialect;
use dyno_model::plan::{Cell, Plan};
use dyno_model::request::Message;

use crate::ask::Ask;
use crate::document::Document;
use crate::lengths::estimate_tokens;
use crate::problem::Problems;
use crate::registry::At;
use crate::select::Chosen;

/// No tokenizer in use joins two words to one token, and of a word without a gap, as in Japanese, sixteen letters are
/// more than its tokens have on average (house rule).
const LETTERS_OF_TOKEN: usize = 16;
/// So many names are enough to know which prompts are meant.
const MAX_NAMES: usize = 5;

/// What is asked within contexts of one length.
#[derive(Default)]
struct Asked<'p> {
    models: BTreeSet<&'p str>,
    /// Longest answer to each prompt.
    prompts: BTreeMap<&'p PromptId, u32>,
}

/// Reports prompts that are certain to be longer than a context that they are to be asked in.
pub(crate) fn check(
    plan: &Plan,
    chosen: &Chosen<'_>,
    ask: &Ask,
    document: &Document<'_>,
    problems: &mut Problems,
) {
    let is_known = |cell: &Cell| !is_endpoint(plan, cell) || !ask.context_tokens.is_empty();
    for (context, asked) in by_context(plan, &is_known) {
        let too_long: Vec<&PromptId> = asked
            .prompts
            .keys()
            .copied()
            .filter(|id| {
                plan.prompts.get(*id).is_some_and(|prompt| least_tokens(&prompt.messages) >= context)
            })
            .collect();
        if too_long.is_empty() {
            continue;
        }
        let (noun, verb) = if too_long.len() == 1 { ("prompt", "does") } else { ("prompts", "do") };
        let message = format!(
            "{} {noun} {verb} not fit a context of {context} tokens, with model {}: {}",
            too_long.len(),
            names(asked.models.iter().copied()),
            names(too_long.iter().map(|id| id.0.as_str()))
        );
        problems.push(place(ask, document).problem(message, Some(way_out(plan, chosen, context, &asked))));
    }
}

/// What is uncertain about a plan, in sentences: prompts that may be longer than their context with the answer, by an
/// estimate. Nothing is said of the scripted runtime, which reads no prompt, and of a server that runs already, whose
/// context nobody here knows.
pub fn doubts(plan: &Plan) -> Vec<String> {
    let is_known = |cell: &Cell| !is_endpoint(plan, cell);
    let mut said = Vec::new();
    for (context, asked) in by_context(plan, &is_known) {
        let long: Vec<(&PromptId, u32)> = asked
            .prompts
            .iter()
            .map(|(id, answer)| (*id, tokens_of(plan, id).saturating_add(*answer)))
            .filter(|(_, tokens)| *tokens > context)
            .collect();
        let Some(most) = long.iter().map(|(_, tokens)| *tokens).max() else { continue };
        let noun = if long.len() == 1 { "prompt" } else { "prompts" };
        said.push(format!(
            "{} {noun} may not fit a context of {context} tokens with the answer, at an estimated two tokens for seven \
             bytes: {}; model {}; leave them out with --tokens-to, or take --context-tokens {most}",
            long.len(),
            names(long.iter().map(|(id, _)| id.0.as_str())),
            names(asked.models.iter().copied()),
        ));
    }
    said
}

/// The fewest tokens that a conversation can have.
fn least_tokens(messages: &[Message]) -> u32 {
    let of_word = |word: &str| {
        let letters = word.chars().filter(|letter| letter.is_alphabetic()).count();
        (letters / LETTERS_OF_TOKEN).max(1)
    };
    let tokens: usize =
        messages.iter().flat_map(|message| message.content.split_whitespace()).map(of_word).sum();
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

/// What is asked, by length of context.
fn by_context<'p>(plan: &'p Plan, is_known: &dyn Fn(&Cell) -> bool) -> BTreeMap<u32, Asked<'p>> {
    let cells: BTreeMap<_, &Cell> = plan
        .cells
        .iter()
        .filter(|cell| reads_prompts(plan, cell) && is_known(cell))
        .map(|cell| (&cell.id, cell))
        .collect();
    let mut contexts: BTreeMap<u32, Asked<'p>> = BTreeMap::new();
    for run in &plan.runs {
        let Some(cell) = cells.get(&run.cell) else { continue };
        let asked = contexts.entry(cell.context_tokens).or_default();
        asked.models.insert(&cell.model);
        for request in &run.requests {
            let longest = asked.prompts.entry(&request.prompt).or_default();
            *longest = (*longest).max(request.sampling.max_tokens);
        }
    }
    contexts
}

fn reads_prompts(plan: &Plan, cell: &Cell) -> bool {
    plan.runtimes.get(&cell.runtime).is_some_and(|runtime| runtime.dialect != Dialect::Fake)
}

fn is_endpoint(plan: &Plan, cell: &Cell) -> bool {
    plan.runtimes.get(&cell.runtime).is_some_and(|runtime| runtime.endpoint.is_some())
}

fn tokens_of(plan: &Plan, id: &PromptId) -> u32 {
    plan.prompts.get(id).map_or(0, |prompt| estimate_tokens(&prompt.messages))
}

/// Where the prompts were chosen.
fn place<'d>(ask: &Ask, document: &'d Document<'d>) -> At<'d> {
    let flags = [("--slice", ask.slice.is_some()), ("--corpus", ask.corpus.is_some())];
    if let Some((flag, _)) = flags.into_iter().find(|(_, is_said)| *is_said) {
        return At::Flag(flag);
    }
    At::File(document, ["suite", &ask.suite, "slice"].map(str::to_owned).to_vec())
}

/// What to do about prompts that do not fit.
fn way_out(plan: &Plan, chosen: &Chosen<'_>, context: u32, asked: &Asked<'_>) -> String {
    let answer = asked.prompts.values().copied().max().unwrap_or(0);
    let needed = asked.prompts.keys().map(|id| tokens_of(plan, id)).max().unwrap_or(0).saturating_add(answer);
    let room = context.saturating_sub(answer);
    let tokens: BTreeMap<&PromptId, u32> =
        chosen.corpus.prompts.iter().map(|(id, prompt)| (id, estimate_tokens(&prompt.messages))).collect();
    let fits = |id: &String| tokens.get(&PromptId::from(id.as_str())).is_some_and(|tokens| *tokens <= room);
    let slices = chosen.corpus.file.slice.iter().filter(|(_, slice)| slice.ids.iter().all(fits));
    let slices: Vec<&str> = slices.map(|(name, _)| name.as_str()).collect();
    let mut ways = Vec::new();
    if !slices.is_empty() {
        ways.push(format!("choose a slice that fits: {}", names(slices.into_iter())));
    }
    if room > 0 {
        ways.push(format!("leave out what is longer with tokens_to = {room}"));
    }
    ways.push(format!("give context_tokens = {needed}"));
    ways.join("; or ")
}

/// The first names of a list, and how many more there are.
fn names<'n>(all: impl ExactSizeIterator<Item = &'n str>) -> String {
    let total = all.len();
    let text = all.take(MAX_NAMES).collect::<Vec<_>>().join(", ");
    match total.saturating_sub(MAX_NAMES) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_a_token_for_each_word_at_least() {
        let message = |content: &str| Message { role: "user".to_owned(), content: content.to_owned() };
        let check = |content: &str, expected| {
            assert_eq!(least_tokens(&[message(content)]), expected, "{content}");
        };
        check("", 0);
        check("What is a lathe?", 4);
        // A ruled line can be one token, however long it is.
        check("=================================== ok", 2);
        // 33 letters without a gap.
        check(&"あ".repeat(33), 2);
        assert_eq!(least_tokens(&[message("a b"), message("c")]), 3);
    }

    #[test]
    fn a_long_list_ends_with_a_number() {
        assert_eq!(names(["a", "b"].into_iter()), "a, b");
        assert_eq!(names(["a", "b", "c", "d", "e", "f", "g"].into_iter()), "a, b, c, d, e and 2 more");
    }
}

//! Which prompts of a corpus are asked: a slice, and of it those of some categories, languages and lengths, so many of
//! them drawn.
//!
//! The choice is made once for a plan and from the prompts alone: all its models are asked the same, whatever their
//! tokenizers are.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::ids::PromptId;
use dyno_model::plan::{PlannedPrompt, PlannedRun};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::ask::{Ask, AskedPrompts};
use crate::catalog::{Library, check_slice};
use crate::corpus::Corpus;
use crate::document::Document;
use crate::lengths::{Lengths, estimate_tokens};
use crate::problem::{Problems, known_words};
use crate::registry::At;
use crate::seed::Stream;
use crate::suite::SuiteWords;

/// Seed of a draw that names none.
const USUAL_SEED: u64 = 1;

/// Prompts by what they are; what is not said leaves none out.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SelectWords {
    /// Categories of the corpus.
    categories: Option<Vec<String>>,
    /// BCP 47 tags; `pt` takes `pt-BR` in.
    languages: Option<Vec<String>>,
    /// Fewest tokens of a prompt, estimated as two for seven bytes.
    tokens_from: Option<u32>,
    /// Most tokens of a prompt, estimated as two for seven bytes.
    tokens_to: Option<u32>,
    /// How many of them, drawn evenly from their categories; without it, all.
    #[schemars(range(min = 1, max = 100_000))]
    n: Option<u32>,
    /// Seed of the draw; without it, 1. It is not the suite's: another order is not to bring other prompts.
    seed: Option<u64>,
}

impl SelectWords {
    fn asked(&self) -> AskedPrompts {
        AskedPrompts {
            categories: self.categories.clone().unwrap_or_default(),
            languages: self.languages.clone().unwrap_or_default(),
            tokens_from: self.tokens_from,
            tokens_to: self.tokens_to,
            n: self.n,
            seed: self.seed,
        }
    }
}

/// The prompts that a plan asks.
pub(crate) struct Chosen<'l> {
    pub(crate) corpus: &'l Corpus,
    /// Name of the corpus.
    pub(crate) name: String,
    /// Which part of the corpus they are; `None` is all.
    pub(crate) part: Option<String>,
    /// In the order of the slice, or of the corpus.
    pub(crate) ids: Vec<PromptId>,
}

impl<'l> Chosen<'l> {
    /// What `ask` or else its suite says; `None` where the corpus is missing or broken, which has been reported.
    pub(crate) fn find(
        library: &'l Library<'_>,
        ask: &Ask,
        suite: &SuiteWords,
        document: &Document<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let (name, corpus) = match &ask.corpus {
            Some(name) => (name, library.corpora.find(name, &At::Flag("--corpus"), problems)?),
            None => (&suite.corpus, library.corpora.get(&suite.corpus)?.words.as_ref()?),
        };
        if let Some(slice) = &ask.slice {
            check_slice(corpus, name, slice, &At::Flag("--slice"), problems);
        }
        // Another corpus has other slices, and a slice that is asked for is all of that slice.
        let of_suite = ask.corpus.is_none() && ask.slice.is_none();
        let slice = ask.slice.as_deref().or(suite.slice.as_deref().filter(|_| of_suite));
        let words = suite.select.as_ref().filter(|_| of_suite).map(SelectWords::asked).unwrap_or_default();
        let selection = over(&ask.prompts, words);
        let at = |key: &'static str| match flag(&ask.prompts, key) {
            Some(flag) => At::Flag(flag),
            None => At::File(document, path(&ask.suite, key)),
        };
        let ids = choose(corpus, slice, &selection, &at, problems);
        Some(Self { corpus, name: name.clone(), part: label(slice, &selection), ids })
    }

    /// The prompts by length, for traces.
    pub(crate) fn lengths(&self) -> Lengths {
        let by_id: BTreeMap<&PromptId, &PlannedPrompt> =
            self.corpus.prompts.iter().map(|(id, prompt)| (id, prompt)).collect();
        let mut lengths = Lengths::default();
        for (id, prompt) in self.ids.iter().filter_map(|id| Some((id, by_id.get(id)?))) {
            lengths.add(estimate_tokens(&prompt.messages), id.clone());
        }
        lengths
    }

    /// Those that are sent.
    pub(crate) fn sent(&self, runs: &[PlannedRun]) -> BTreeMap<PromptId, PlannedPrompt> {
        let used: BTreeSet<&PromptId> =
            runs.iter().flat_map(|run| &run.requests).map(|request| &request.prompt).collect();
        self.corpus.prompts.iter().filter(|(id, _)| used.contains(id)).cloned().collect()
    }
}

/// Reports what is wrong with the selection of a suite, asked for or not.
pub(crate) fn check(
    name: &str,
    suite: &SuiteWords,
    corpus: &Corpus,
    document: &Document<'_>,
    problems: &mut Problems,
) {
    let Some(words) = &suite.select else { return };
    let at = |key: &'static str| At::File(document, path(name, key));
    choose(corpus, suite.slice.as_deref(), &words.asked(), &at, problems);
}

fn path(suite: &str, key: &str) -> Vec<String> {
    ["suite", suite, "select", key].map(str::to_owned).to_vec()
}

/// The flag that says `key`, if one does.
fn flag(asked: &AskedPrompts, key: &str) -> Option<&'static str> {
    let flags = [
        ("categories", "--category", !asked.categories.is_empty()),
        ("languages", "--language", !asked.languages.is_empty()),
        ("tokens_from", "--tokens-from", asked.tokens_from.is_some()),
        ("tokens_to", "--tokens-to", asked.tokens_to.is_some()),
        ("n", "--prompts", asked.n.is_some()),
    ];
    flags.into_iter().find(|(of, _, is_said)| *of == key && *is_said).map(|(_, flag, _)| flag)
}

/// What is asked for, and for the rest what the suite says.
fn over(asked: &AskedPrompts, suite: AskedPrompts) -> AskedPrompts {
    let list = |asked: &Vec<String>, suite| if asked.is_empty() { suite } else { asked.clone() };
    AskedPrompts {
        categories: list(&asked.categories, suite.categories),
        languages: list(&asked.languages, suite.languages),
        tokens_from: asked.tokens_from.or(suite.tokens_from),
        tokens_to: asked.tokens_to.or(suite.tokens_to),
        n: asked.n.or(suite.n),
        seed: asked.seed.or(suite.seed),
    }
}

/// The prompts of a slice that fit; what cannot be met is reported where `at` says.
fn choose<'d>(
    corpus: &Corpus,
    slice: Option<&str>,
    selection: &AskedPrompts,
    at: &dyn Fn(&'static str) -> At<'d>,
    problems: &mut Problems,
) -> Vec<PromptId> {
    let ids = corpus.ids(slice);
    if *selection == AskedPrompts::default() {
        return ids;
    }
    let before = problems.0.len();
    check_words(corpus, selection, at, problems);
    let by_id: BTreeMap<&PromptId, &PlannedPrompt> =
        corpus.prompts.iter().map(|(id, prompt)| (id, prompt)).collect();
    let fitting: Vec<(PromptId, &str)> = ids
        .into_iter()
        .filter_map(|id| {
            let prompt = by_id.get(&id)?;
            fits(prompt, selection).then_some((id, prompt.category.as_str()))
        })
        .collect();
    let wanted = selection.n.map(|n| n as usize);
    if problems.0.len() == before {
        let key = said(selection);
        if fitting.is_empty() {
            problems.push(at(key).problem("no prompt is like that".to_owned(), Some(ranges(corpus))));
        } else if wanted.is_some_and(|n| n > fitting.len()) {
            let n = selection.n.unwrap_or(0);
            let message = format!("{n} prompts are asked for, and {} are like that", fitting.len());
            problems.push(at("n").problem(message, Some("ask for fewer, or leave out fewer".to_owned())));
        }
    }
    draw(fitting, wanted, selection.seed.unwrap_or(USUAL_SEED))
}

/// A key that leaves prompts out.
fn said(selection: &AskedPrompts) -> &'static str {
    let keys = [
        ("categories", !selection.categories.is_empty()),
        ("languages", !selection.languages.is_empty()),
        ("tokens_from", selection.tokens_from.is_some()),
        ("tokens_to", selection.tokens_to.is_some()),
    ];
    keys.into_iter().find(|(_, is_said)| *is_said).map_or("n", |(key, _)| key)
}

/// Words that no prompt of the corpus has, and limits that leave nothing between them.
fn check_words<'d>(
    corpus: &Corpus,
    selection: &AskedPrompts,
    at: &dyn Fn(&'static str) -> At<'d>,
    problems: &mut Problems,
) {
    let categories: BTreeSet<&str> =
        corpus.prompts.iter().map(|(_, prompt)| prompt.category.as_str()).collect();
    let categories: Vec<&str> = categories.into_iter().collect();
    for category in selection.categories.iter().filter(|category| !categories.contains(&category.as_str())) {
        let hint = known_words(category, &categories);
        problems
            .push(at("categories").problem(format!("the corpus has no category `{category}`"), Some(hint)));
    }
    let tags: BTreeSet<&str> = corpus.prompts.iter().map(|(_, prompt)| prompt.language.as_str()).collect();
    let tags: Vec<&str> = tags.into_iter().collect();
    for language in
        selection.languages.iter().filter(|language| !tags.iter().any(|tag| speaks(tag, language)))
    {
        let hint = known_words(language, &tags);
        problems
            .push(at("languages").problem(format!("the corpus has no language `{language}`"), Some(hint)));
    }
    if let (Some(from), Some(to)) = (selection.tokens_from, selection.tokens_to)
        && from > to
    {
        let message = format!("no prompt has {from} tokens or more and {to} or fewer");
        problems.push(at("tokens_from").problem(message, None));
    }
}

fn fits(prompt: &PlannedPrompt, selection: &AskedPrompts) -> bool {
    let any =
        |list: &[String], is: &dyn Fn(&str) -> bool| list.is_empty() || list.iter().any(|word| is(word));
    let tokens = estimate_tokens(&prompt.messages);
    any(&selection.categories, &|category| prompt.category == category)
        && any(&selection.languages, &|language| speaks(&prompt.language, language))
        && selection.tokens_from.is_none_or(|from| tokens >= from)
        && selection.tokens_to.is_none_or(|to| tokens <= to)
}

/// Whether a tag is that language, or a variety of it: the basic filtering of RFC 4647, section 3.3.1.
fn speaks(tag: &str, language: &str) -> bool {
    tag.get(..language.len()).is_some_and(|start| start.eq_ignore_ascii_case(language))
        && matches!(tag.as_bytes().get(language.len()), None | Some(b'-'))
}

/// The lengths that there are, for a hint.
fn ranges(corpus: &Corpus) -> String {
    let tokens = || corpus.prompts.iter().map(|(_, prompt)| estimate_tokens(&prompt.messages));
    let (least, most) = (tokens().min().unwrap_or(0), tokens().max().unwrap_or(0));
    format!("the corpus has prompts of {least} to {most} tokens, estimated as two for seven bytes")
}

/// `n` of `fitting`, as many of each category as can be, in their order. Which ones of a category are drawn does not
/// depend on the other categories.
fn draw(fitting: Vec<(PromptId, &str)>, n: Option<usize>, seed: u64) -> Vec<PromptId> {
    let Some(n) = n.filter(|n| *n < fitting.len()) else {
        return fitting.into_iter().map(|(id, _)| id).collect();
    };
    let mut by_category: BTreeMap<&str, Vec<&PromptId>> = BTreeMap::new();
    for (id, category) in &fitting {
        by_category.entry(category).or_default().push(id);
    }
    for (category, ids) in &mut by_category {
        ids.sort();
        Stream::new(seed, "prompts of a category", category).shuffle(ids);
    }
    let mut order: Vec<&str> = by_category.keys().copied().collect();
    Stream::new(seed, "categories", "").shuffle(&mut order);
    let longest = by_category.values().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..longest)
        .flat_map(|round| order.iter().map(move |category| (round, *category)))
        .filter_map(|(round, category)| by_category[category].get(round).copied());
    let drawn: BTreeSet<PromptId> = in_turn.take(n).cloned().collect();
    fitting.into_iter().map(|(id, _)| id).filter(|id| drawn.contains(id)).collect()
}

/// Which part of the corpus a choice is, for people; `None` is all of it.
fn label(slice: Option<&str>, selection: &AskedPrompts) -> Option<String> {
    let list = |words: &[String]| (!words.is_empty()).then(|| words.join(", "));
    let tokens = match (selection.tokens_from, selection.tokens_to) {
        (None, None) => None,
        (Some(from), None) => Some(format!("{from} tokens or more")),
        (None, Some(to)) => Some(format!("{to} tokens or fewer")),
        (Some(from), Some(to)) => Some(format!("{from} to {to} tokens")),
    };
    let seed = selection.seed.unwrap_or(USUAL_SEED);
    let drawn = selection.n.map(|n| format!("{n} drawn with seed {seed}"));
    let parts =
        [slice.map(str::to_owned), list(&selection.categories), list(&selection.languages), tokens, drawn];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_takes_its_varieties_in() {
        let check = |tag, language, expected| assert_eq!(speaks(tag, language), expected, "{tag} {language}");
        check("pt-BR", "pt", true);
        check("pt-BR", "PT-br", true);
        check("pt", "pt-BR", false);
        check("fil", "fi", false);
        check("en", "en", true);
        check("en", "", false);
    }

    #[test]
    fn categories_share_a_draw_evenly() {
        // Five of `a`, two of `b`, one of `c`: six are 3, 2 and 1.
        let ids = ["a1", "a2", "a3", "a4", "a5", "b1", "b2", "c1"];
        let fitting = || ids.map(|id| (PromptId::from(id), &id[..1])).to_vec();
        for seed in 0..20 {
            let drawn = draw(fitting(), Some(6), seed);
            let n = |category: &str| drawn.iter().filter(|id| id.0.starts_with(category)).count();
            assert_eq!((n("a"), n("b"), n("c")), (3, 2, 1), "{drawn:?}");
            assert!(drawn.is_sorted(), "in the order of the corpus: {drawn:?}");
            assert_eq!(drawn, draw(fitting(), Some(6), seed));
        }
        let draws: BTreeSet<_> = (0..20).map(|seed| draw(fitting(), Some(6), seed)).collect();
        assert!(draws.len() > 3, "seeds draw different prompts: {draws:?}");
        assert_eq!(draw(fitting(), None, 1).len(), 8);
    }

    #[test]
    fn a_category_has_its_own_draw() {
        let both = ["a1", "a2", "a3", "b1", "b2", "b3"].map(|id| (PromptId::from(id), &id[..1])).to_vec();
        let alone: Vec<_> = both.iter().filter(|(_, category)| *category == "a").cloned().collect();
        let of_both = draw(both, Some(4), 3);
        let of_a = draw(alone, Some(2), 3);
        assert_eq!(of_both.into_iter().filter(|id| id.0.starts_with('a')).collect::<Vec<_>>(), of_a);
    }

    #[test]
    fn a_label_says_what_was_left_out() {
        assert_eq!(label(None, &AskedPrompts::default()), None);
        assert_eq!(label(Some("quick"), &AskedPrompts::default()).as_deref(), Some("quick"));
        let selection = AskedPrompts {
            categories: vec!["qa".to_owned(), "extract".to_owned()],
            languages: vec!["en".to_owned()],
            tokens_from: Some(5),
            tokens_to: Some(500),
            n: Some(40),
            seed: Some(7),
        };
        let text = "quick; qa, extract; en; 5 to 500 tokens; 40 drawn with seed 7";
        assert_eq!(label(Some("quick"), &selection).as_deref(), Some(text));
    }
}

//! The shipped corpora: all of them there, graded, in many languages, without near-duplicates and without anybody's data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use dyno_model::grader::Grader;
use dyno_model::plan::PlannedPrompt;
use dyno_plan::{CorpusContents, Inputs, corpus_at, corpus_names};

/// Two prompts that share so many of their runs of five characters are one prompt with other names in it.
const MOST_ALIKE: f64 = 0.35;

/// All of them, with every grader compiled.
static SHIPPED: LazyLock<Vec<CorpusContents>> = LazyLock::new(|| {
    let inputs = Inputs::shipped();
    let read = |name: &String| corpus_at(&inputs, name).expect("every grader of a shipped corpus compiles");
    corpus_names(&inputs).iter().map(read).collect()
});

/// A prompt's text as the estimate of its length counts it.
fn text(prompt: &PlannedPrompt) -> String {
    let contents: Vec<&str> = prompt.messages.iter().map(|message| message.content.as_str()).collect();
    contents.join("\n")
}

fn estimate_tokens(prompt: &PlannedPrompt) -> usize {
    (2 * text(prompt).len()).div_ceil(7)
}

#[test]
fn five_corpora_are_as_large_as_promised() {
    let corpora = &*SHIPPED;
    let sizes: BTreeMap<&str, usize> =
        corpora.iter().map(|corpus| (corpus.name.as_str(), corpus.prompts.len())).collect();
    let least = [("assistant", 300), ("canary", 40), ("code", 60), ("long", 60), ("short", 100)];
    assert_eq!(sizes.keys().copied().collect::<Vec<_>>(), least.map(|(name, _)| name));
    for (name, n) in least {
        assert!(sizes[name] >= n, "{name}: {}", sizes[name]);
    }
    let ids: Vec<_> = corpora.iter().flat_map(|corpus| &corpus.prompts).map(|(id, _)| id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "no two corpora share an id");
}

#[test]
fn most_prompts_are_graded_and_they_speak_many_languages() {
    for corpus in &*SHIPPED {
        let prompts = || corpus.prompts.iter().map(|(_, prompt)| prompt);
        let graded = prompts().filter(|prompt| !matches!(prompt.grader, None | Some(Grader::None)));
        assert!(graded.count() * 4 >= corpus.prompts.len() * 3, "{}", corpus.name);
        let languages: BTreeSet<&str> =
            prompts().filter_map(|prompt| prompt.language.split('-').next()).collect();
        let least = if corpus.name == "assistant" { 10 } else { 5 };
        assert!(languages.len() >= least, "{}: {languages:?}", corpus.name);
    }
}

#[test]
fn lengths_reach_from_five_to_eight_thousand_tokens() {
    let corpora = &*SHIPPED;
    let assistant = corpora.iter().find(|corpus| corpus.name == "assistant").expect("there");
    let tokens: Vec<usize> = assistant.prompts.iter().map(|(_, prompt)| estimate_tokens(prompt)).collect();
    let within = |from, to| tokens.iter().filter(|n| (from..to).contains(*n)).count();
    assert_eq!(within(1, 8000), tokens.len(), "{:?} {:?}", tokens.iter().min(), tokens.iter().max());
    assert!(
        within(1, 6) > 0 && within(7000, 8000) > 0,
        "{:?} {:?}",
        tokens.iter().min(),
        tokens.iter().max()
    );
    for (from, to) in [(1, 64), (64, 256), (256, 1500), (1500, 8000)] {
        assert!(within(from, to) * 20 >= tokens.len(), "{from} to {to}: {}", within(from, to));
    }
    let turns = |prompt: &PlannedPrompt| prompt.messages.iter().filter(|m| m.role == "user").count();
    let talks = assistant.prompts.iter().filter(|(_, prompt)| (3..=8).contains(&turns(prompt))).count();
    assert!(talks >= 20, "{talks} conversations of 3 to 8 turns");
}

#[test]
fn slices_hold_what_their_names_say() {
    for corpus in &*SHIPPED {
        let prompts: BTreeMap<_, _> = corpus.prompts.iter().map(|(id, prompt)| (id, prompt)).collect();
        let prompts = &prompts;
        let of = |slice: &str| corpus.slices.get(slice).into_iter().flatten().map(move |id| prompts[id]);
        if corpus.name != "long" {
            assert!(of("fits_2048").chain(of("quick")).all(|prompt| estimate_tokens(prompt) <= 2048 - 256));
        }
        if corpus.name == "assistant" {
            assert_eq!(corpus.slices["quick"].len(), 40);
            let categories =
                |slice| of(slice).map(|prompt| prompt.category.as_str()).collect::<BTreeSet<_>>();
            assert_eq!(categories("quick").len(), 14, "every category");
            assert_eq!(categories("fits_2048").len(), 14, "every category");
            assert!(of("long_text").all(|prompt| estimate_tokens(prompt) >= 1500));
        }
    }
}

#[test]
fn no_two_prompts_are_nearly_the_same() {
    let corpora = &*SHIPPED;
    let prompts: Vec<(String, Vec<String>)> = corpora
        .iter()
        .flat_map(|corpus| &corpus.prompts)
        .map(|(id, prompt)| (id.to_string(), text(prompt).lines().map(str::to_lowercase).collect()))
        .collect();
    let grams: Vec<BTreeSet<u64>> = prompts.iter().map(|(_, lines)| grams(&lines.join(" "))).collect();
    let sketches: Vec<Vec<u64>> = grams.iter().map(sketch).collect();
    let mut alike = Vec::new();
    for a in 0..prompts.len() {
        for b in 0..a {
            // Sizes that differ by more than that cannot share as much.
            let (few, many) = (grams[a].len().min(grams[b].len()), grams[a].len().max(grams[b].len()));
            if (few as f64) < MOST_ALIKE * many as f64 || !may_be_alike(&sketches[a], &sketches[b]) {
                continue;
            }
            let share = share(&grams[a], &grams[b]);
            // Several prompts may ask different things of one document: then what is left without it decides.
            if share >= MOST_ALIKE && apart(&prompts[a].1, &prompts[b].1) >= MOST_ALIKE {
                alike.push(format!("{} {} {share:.2}", prompts[a].0, prompts[b].0));
            }
        }
    }
    assert!(alike.is_empty(), "{alike:#?}");
}

/// How much two prompts share beside the lines of a document that both have.
fn apart(a: &[String], b: &[String]) -> f64 {
    let own = |of: &[String], other: &[String]| {
        let kept: Vec<&str> = of.iter().filter(|line| !other.contains(line)).map(String::as_str).collect();
        grams(&kept.join(" "))
    };
    share(&own(a, b), &own(b, a))
}

/// Runs of five characters, white space as one blank, hashed (FNV-1a).
fn grams(text: &str) -> BTreeSet<u64> {
    let text: Vec<char> = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().collect();
    let hash = |gram: &[char]| {
        gram.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, letter| {
            (hash ^ u64::from(u32::from(*letter))).wrapping_mul(0x0000_0100_0000_01b3)
        })
    };
    text.windows(5.min(text.len()).max(1)).map(hash).collect()
}

/// The smallest hashes: of two texts that share much, these are often the same.
fn sketch(grams: &BTreeSet<u64>) -> Vec<u64> {
    // FNV leaves the order of near texts near: mixed, the smallest are a fair sample.
    let mut mixed: Vec<u64> =
        grams.iter().map(|gram| gram.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31)).collect();
    mixed.sort_unstable();
    mixed.truncate(64);
    mixed
}

/// Whether a tenth of the smaller sketch is in the other one.
fn may_be_alike(a: &[u64], b: &[u64]) -> bool {
    let shared = a.iter().filter(|hash| b.binary_search(hash).is_ok()).count();
    shared * 10 >= a.len().min(b.len())
}

/// Jaccard's index: what both have of what either has.
fn share(a: &BTreeSet<u64>, b: &BTreeSet<u64>) -> f64 {
    let both = a.intersection(b).count();
    if a.is_empty() && b.is_empty() { 1.0 } else { both as f64 / (a.len() + b.len() - both) as f64 }
}

#[test]
fn addresses_are_of_nobody() {
    for corpus in &*SHIPPED {
        for ((id, prompt), place) in corpus.prompts.iter().zip(&corpus.places) {
            let text = text(prompt);
            for (at, _) in text.match_indices('@') {
                let domain: String = text[at + 1..]
                    .chars()
                    .take_while(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-'))
                    .collect();
                let domain = domain.trim_end_matches('.');
                let has_user = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
                let is_kept = domain.rsplit('.').next() == Some("example");
                assert!(!has_user || !domain.contains('.') || is_kept, "{place}: {id}: @{domain}");
            }
        }
    }
}

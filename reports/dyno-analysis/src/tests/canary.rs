//! Baselines made of hand-written records, and others held against them.

use std::path::Path;

use dyno_model::event::{Event, EventKind};
use dyno_model::grader::Grader;
use dyno_model::ids::PromptId;
use dyno_model::outcome::Outcome;
use dyno_model::plan::Plan;
use dyno_model::request::{RequestRecord, TokenChoice, TokenLogprob};
use dyno_store::Campaign;
use dyno_view::canary::{CanaryKind, CanaryVerdict, CanaryView};
use tempfile::tempdir;

use super::sample::{Asked, End, campaign_named, launch, ok, plan, tokens, written};
use crate::{Baseline, CANARY_RULE, CanaryAsk, CanaryError, canary_baseline, canary_check, canary_fits};

/// Each word a token at 0.6, with `other` beside it at `p`.
fn words(text: &str, other: &str, p: f64) -> Vec<TokenLogprob> {
    let choice = |piece: &str, p: f64| TokenChoice {
        id: None,
        piece: piece.to_owned(),
        logprob_micro: (p.ln() * 1e6).round() as i64,
    };
    let at =
        |piece| TokenLogprob { token: choice(piece, 0.6), top: vec![choice(piece, 0.6), choice(other, p)] };
    text.split_inclusive(' ').map(at).collect()
}

/// A launch that gives these answers to `p-0`, `p-1` and so on; `None` fails.
fn answers(run: u32, texts: &[Option<&str>], change: &dyn Fn(&mut RequestRecord)) -> Vec<Event> {
    let start = u64::from(run) * 10_000 + 1000;
    let asked = |(idx, text): (u32, Option<&str>)| match text {
        Some(_) => ok(idx, start + 100 + u64::from(idx) * 50, &[10, 20], 5),
        None => Asked {
            idx,
            sent_at: start + 100 + u64::from(idx) * 50,
            chunks: tokens(&[]),
            isl: None,
            osl: None,
            outcome: Outcome::Timeout { limit_ms: 1000 },
        },
    };
    let all: Vec<Asked> = (0..).zip(texts.iter().copied()).map(asked).collect();
    let mut events = launch(run, 1, start, &all, &End::Valid);
    for event in &mut events {
        if let EventKind::Request(record) = &mut event.kind
            && let Some(text) = texts[record.idx as usize]
        {
            text.clone_into(&mut record.text);
            let n = text.len() as u32;
            record.chunk_bytes = vec![n / 2, n - n / 2];
            change(record);
        }
    }
    events
}

fn plain(_: &mut RequestRecord) {}

const TEXTS: [Option<&str>; 3] = [Some("the cat sat"), Some("four"), Some("yes")];

fn baseline(root: &Path) -> Baseline {
    let campaign = campaign_named("trusted", root, 1, &[answers(0, &TEXTS, &plain)]);
    canary_baseline(&campaign, "stable", None).expect("three answers").baseline
}

fn ask() -> CanaryAsk {
    CanaryAsk { cell: None, rule: CANARY_RULE, allow_other_model: false, regenerate: "again".to_owned() }
}

fn check(baseline: &Baseline, campaign: &Campaign) -> CanaryView {
    canary_check(baseline, campaign, &ask()).expect("it fits")
}

fn kinds(view: &CanaryView) -> Vec<(&str, CanaryKind)> {
    view.subjects[0].rows.iter().map(|row| (row.prompt.as_str(), row.kind)).collect()
}

#[test]
fn a_record_against_itself_is_the_same() {
    let dir = tempdir().expect("a folder");
    let trusted = baseline(dir.path());
    assert_eq!(trusted.answers.len(), 3);
    assert_eq!(trusted.answers[&PromptId::from("p-1")].text, "four");
    let bytes = trusted.to_bytes().expect("it is small");
    let read = Baseline::read("stable", &bytes).expect("our own bytes");
    let again = campaign_named("again", dir.path(), 1, &[answers(0, &TEXTS, &plain)]);
    let view = check(&read, &again);
    assert_eq!((view.verdict, view.subjects[0].counts.same), (CanaryVerdict::Same, 3));
    assert_eq!((view.subjects[0].kl, view.subjects[0].grades), (None, None));
    assert_eq!(view.subjects[0].mean_edit_ratio, Some(0.0));
}

#[test]
fn other_words_without_probabilities_are_a_drift() {
    let dir = tempdir().expect("a folder");
    let trusted = baseline(dir.path());
    let texts = [Some("the dog sat"), Some("five"), Some("yes")];
    let view = check(&trusted, &campaign_named("new", dir.path(), 1, &[answers(0, &texts, &plain)]));
    assert_eq!(view.verdict, CanaryVerdict::Drift);
    let (p0, p1, p2) = ("p-0", "p-1", "p-2");
    let expected = vec![(p0, CanaryKind::Unexplained), (p1, CanaryKind::Unexplained), (p2, CanaryKind::Same)];
    assert_eq!(kinds(&view), expected);
    // Three of 11 characters, 3 of 4 (`our` to `ive`), none: (3/11 + 3/4 + 0) / 3.
    let mean = view.subjects[0].mean_edit_ratio.expect("three answers");
    assert!((mean - (3.0 / 11.0 + 0.75) / 3.0).abs() < 1e-12, "{mean}");
    let fork = view.subjects[0].rows[0].fork.as_ref().expect("it parts");
    assert_eq!((fork.before.as_str(), fork.sides[1].text.as_str()), ("the ", "dog sat"));
}

#[test]
fn with_probabilities_a_tie_is_told_from_a_drift() {
    let dir = tempdir().expect("a folder");
    let with = |other: &'static str, p: f64| {
        move |record: &mut RequestRecord| record.logprobs = Some(words(&record.text, other, p))
    };
    let trusted = {
        let events = answers(0, &TEXTS, &with("dog ", 0.39));
        let campaign = campaign_named("trusted", dir.path(), 1, &[events]);
        canary_baseline(&campaign, "stable", None).expect("three answers").baseline
    };
    let texts = [Some("the dog ran"), Some("four"), Some("yes")];
    let verdict = |name: &str, p: f64| {
        let change = |record: &mut RequestRecord| {
            // Where the texts are the same, so are the probabilities.
            record.logprobs = Some(words(&record.text, "dog ", 0.39));
            if record.idx == 0 {
                let mut tokens = words(&record.text, "cat ", p);
                tokens[0] = words("the ", "dog ", 0.39).remove(0);
                record.logprobs = Some(tokens);
            }
        };
        let view = check(&trusted, &campaign_named(name, dir.path(), 1, &[answers(0, &texts, &change)]));
        let subject = &view.subjects[0];
        let fork = subject.rows[0].fork.clone().expect("it parts");
        (view.verdict, subject.rows[0].kind, fork.sides[1].gap_nats, subject.kl, fork.token_at)
    };
    // ln(0.6/0.39) = 0.431 on both sides.
    let (_, kind, gap, kl, token_at) = verdict("near", 0.39);
    assert_eq!((kind, token_at), (CanaryKind::Tie, Some(1)));
    assert!((gap.expect("told") - (0.6_f64 / 0.39).ln()).abs() < 1e-5, "{gap:?}");
    // Places: 2 of the first answer, 1 and 1 of the others. One parts: 0.6 ln(0.6/0.39) + 0.39 ln(0.39/0.6).
    let kl = kl.expect("both tell probabilities");
    let expected = 0.21 * (0.6_f64 / 0.39).ln();
    assert_eq!(kl.n, 4);
    assert!((kl.max - expected).abs() < 1e-5 && (kl.mean - expected / 4.0).abs() < 1e-5, "{kl:?}");
    let (far, kind, ..) = verdict("far", 0.2);
    assert_eq!((far, kind), (CanaryVerdict::Drift, CanaryKind::Disagreement));
}

#[test]
fn what_fails_drifts_and_what_was_not_asked_is_told() {
    let dir = tempdir().expect("a folder");
    let trusted = baseline(dir.path());
    let failing = [Some("the cat sat"), None, Some("yes")];
    let view = check(&trusted, &campaign_named("failing", dir.path(), 1, &[answers(0, &failing, &plain)]));
    assert_eq!((view.verdict, view.subjects[0].counts.failed), (CanaryVerdict::Drift, 1));
    assert_eq!(view.subjects[0].rows[0].outcome.as_deref(), Some("timeout"));
    let cut = answers(0, &TEXTS[..2], &plain);
    let view = check(&trusted, &campaign_named("cut", dir.path(), 1, &[cut]));
    assert_eq!((view.verdict, view.subjects[0].counts.missing), (CanaryVerdict::Incomplete, 1));
}

#[test]
fn both_sides_are_graded_anew() {
    let dir = tempdir().expect("a folder");
    let mut graded: Plan = plan(1);
    let exact = Grader::Exact { expected: "four".to_owned() };
    graded.prompts.get_mut(&PromptId::from("p-1")).expect("a prompt").grader = Some(exact);
    let of = |name: &str, texts: &[Option<&str>]| {
        let folder = dir.path().join(name);
        written(&folder, &graded, &[answers(0, texts, &plain)])
    };
    let trusted = canary_baseline(&of("a", &TEXTS), "stable", None).expect("three answers").baseline;
    assert_eq!(trusted.answers[&PromptId::from("p-1")].passed, Some(true));
    assert_eq!(trusted.answers[&PromptId::from("p-0")].passed, None);
    let view = check(&trusted, &of("b", &[Some("the cat sat"), Some("five"), Some("yes")]));
    let found = view.subjects[0].grades.expect("one is graded");
    assert_eq!((found.n, found.baseline_passed, found.subject_passed, found.lost), (1, 1, 0, 1));
    assert!((found.p - 1.0).abs() < 1e-12, "one flip is chance");
}

#[test]
fn other_prompts_other_drawing_and_left_out_texts_are_refused() {
    let dir = tempdir().expect("a folder");
    let trusted = baseline(dir.path());
    let refused = |name: &str, change: &dyn Fn(&mut Plan)| {
        let mut of = plan(1);
        change(&mut of);
        let campaign = written(&dir.path().join(name), &of, &[answers(0, &TEXTS, &plain)]);
        canary_check(&trusted, &campaign, &ask()).expect_err("it does not fit")
    };
    let error = refused("corpus", &|plan| plan.corpus.digest = dyno_model::digest::Digest::of(b"other"));
    assert!(matches!(error, CanaryError::OtherPrompts { .. }), "{error}");
    let longer = |plan: &mut Plan| {
        for request in plan.runs.iter_mut().flat_map(|run| &mut run.requests) {
            request.sampling.max_tokens = 9;
        }
    };
    let error = refused("longer", &longer);
    assert!(error.to_string().contains("at most 8 tokens, and now greedy, at most 9 tokens"), "{error}");
    let mut of = plan(1);
    longer(&mut of);
    assert!(canary_fits(&trusted, &of, false).is_err(), "it is refused before it is measured");
    let warm = refused("warm", &|plan| {
        for request in plan.runs.iter_mut().flat_map(|run| &mut run.requests) {
            request.sampling.temperature_milli = 700;
        }
    });
    assert!(matches!(warm, CanaryError::NotGreedy { .. }), "{warm}");
    let left_out = [Some("[left out]"); 3];
    let redacted = campaign_named("redacted", dir.path(), 1, &[answers(0, &left_out, &plain)]);
    for error in [
        canary_check(&trusted, &redacted, &ask()).map(drop).expect_err("no texts"),
        canary_baseline(&redacted, "r", None).map(drop).expect_err("no texts"),
    ] {
        assert!(matches!(error, CanaryError::Redacted { .. }), "{error}");
    }
}

#[test]
fn launches_that_do_not_repeat_themselves_are_told() {
    let dir = tempdir().expect("a folder");
    let other = [Some("the cat sat"), Some("five"), Some("yes")];
    let launches = [answers(0, &TEXTS, &plain), answers(1, &other, &plain)];
    let campaign = campaign_named("twice", dir.path(), 2, &launches);
    let trusted = canary_baseline(&campaign, "stable", None).expect("three answers").baseline;
    assert_eq!(trusted.answers[&PromptId::from("p-1")].n_others, 1);
    let view = check(&trusted, &campaign);
    assert!(
        view.findings.iter().any(|finding| finding.text.contains("1 of 3 prompts")),
        "{:?}",
        view.findings
    );
}

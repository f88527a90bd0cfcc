//! Prompts that are chosen, graders that are read, and all that can be wrong with either.

use dyno_model::digest::Digest;
use dyno_model::grader::{Grader, Syntax};
use dyno_model::plan::Plan;
use dyno_plan::{Ask, AskedPrompts, Inputs, Problems, Source, corpus_at, corpus_names, doubts};

use crate::lab::{CORPUS, PROMPTS, ask, lab, lab_with};

/// The lab with other prompts, whose digest is right.
fn with_prompts(changes: &[(&str, &str)]) -> Inputs {
    let mut text = PROMPTS.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "no `{from}`");
        text = text.replacen(from, to, 1);
    }
    let old = PROMPTS.to_owned();
    let digest = |text: &str| Digest::of(text.as_bytes()).as_str().to_owned();
    lab_with(&[
        ("prompts/tiny/tiny.jsonl", &old, &text),
        ("prompts/tiny/corpus.toml", &digest(&old), &digest(&text)),
    ])
}

/// What is wrong with the corpus when `Bye` has that grader.
fn graded(grader: &str) -> Vec<String> {
    let inputs = with_prompts(&[("\"prompt\":\"Bye\"", &format!("\"prompt\":\"Bye\",\"grader\":{grader}"))]);
    let (at, plan) = (corpus_at(&inputs, "tiny"), dyno_plan::freeze(&inputs, &ask()));
    let found = problems(at);
    assert_eq!(found, problems(plan), "a plan says the same of a user's corpus");
    found.iter().map(|text| text.trim_start_matches("prompts/tiny/tiny.jsonl:").to_owned()).collect()
}

fn problems(result: Result<impl Sized, Problems>) -> Vec<String> {
    result.err().map(|problems| problems.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

#[test]
fn graders_reach_the_plan() {
    let grader = |of: &str| {
        let inputs = with_prompts(&[("\"prompt\":\"Bye\"", &format!("\"prompt\":\"Bye\",\"grader\":{of}"))]);
        let plan = dyno_plan::freeze(&inputs, &ask()).expect("no problem");
        plan.prompts[&"d".into()].grader.clone()
    };
    let numeric = Grader::Numeric { expected: 4.5, tolerance: 0.0 };
    assert_eq!(grader(r#"{"kind":"numeric","expected":4.5}"#), Some(numeric));
    let parses = Grader::Parses { syntax: Syntax::Python, contains_all: vec!["def".to_owned()] };
    assert_eq!(grader(r#"{"kind":"parses","syntax":"python","contains_all":["def"]}"#), Some(parses));
    assert_eq!(grader(r#"{"kind":"refusal","expected":true}"#), Some(Grader::Refusal { expected: true }));
    let plan = dyno_plan::freeze(&lab(), &Ask { slice: None, corpus: Some("tiny".to_owned()), ..ask() });
    let plan = plan.expect("no problem");
    assert_eq!(plan.prompts[&"c".into()].grader, Some(Grader::None));
    assert_eq!(plan.prompts[&"a".into()].grader, None);
}

#[test]
fn a_grader_that_cannot_be_used_is_told_by_its_line() {
    let check = |grader: &str, expected: &str| {
        let found = graded(grader);
        assert_eq!(found.len(), 1, "{grader}: {found:?}");
        assert!(found[0].starts_with(expected), "{grader}: {found:?}");
    };
    check(
        r#"{"kind":"exakt","expected":"a"}"#,
        "4:1: unknown grader `exakt`\n  hint: did you mean `exact`? known: exact, normalised, numeric, contains_all, \
         contains_none, regex, choice, json_schema, parses, refusal, none",
    );
    check(r#"{"expected":"a"}"#, "4:1: `grader` has no `kind`\n  hint: known: exact, ");
    check("7", "4:1: `grader` has no `kind`\n  hint: known: exact, ");
    check(r#"{"kind":"exact"}"#, "4:1: grader `exact`: missing field `expected`");
    check(r#"{"kind":"exact","expected":7}"#, "4:1: grader `exact`: invalid type: ");
    check(r#"{"kind":"parses","syntax":"cobol"}"#, "4:1: grader `parses`: unknown variant `cobol`");
    check(r#"{"kind":"regex","pattern":"(a"}"#, "4:1: pattern `(a` does not compile: ");
    check(r#"{"kind":"regex","pattern":"(?=a)"}"#, "4:1: pattern `(?=a)` does not compile: ");
    check(
        r#"{"kind":"json_schema","schema":{"type":"strin"}}"#,
        "4:1: the JSON Schema does not compile, at `",
    );
}

#[test]
fn all_that_is_wrong_with_a_file_is_told_but_no_more_than_helps() {
    // Two graders at once, each at its line.
    let inputs = with_prompts(&[
        ("\"prompt\":\"Bye\"", r#""prompt":"Bye","grader":{"kind":"regex","pattern":"["}"#),
        ("{\"kind\":\"none\"}", r#"{"kind":"non"}"#),
    ]);
    let found = problems(corpus_at(&inputs, "tiny"));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("prompts/tiny/tiny.jsonl:3:1: unknown grader `non`"), "{found:?}");
    assert!(found[1].starts_with("prompts/tiny/tiny.jsonl:4:1: pattern `[` does not compile"), "{found:?}");
    // Another file of another kind.
    let inputs = lab_with(&[("prompts/tiny/tiny.jsonl", PROMPTS, &"x,y\n".repeat(10_000))]);
    let found = problems(corpus_at(&inputs, "tiny"));
    assert_eq!(found.len(), 51, "{:?}", found.last());
    let last = "prompts/tiny/tiny.jsonl:51:1: too many lines are wrong; the rest of the file was not read";
    assert!(found.iter().any(|text| text.starts_with(last)), "{:?}", found.last());
}

#[test]
fn a_prompt_of_megabytes_and_a_byte_order_mark_are_told_by_their_line() {
    let long = format!("\"prompt\":\"{}\"", "long ".repeat(300_000));
    let found = problems(corpus_at(&with_prompts(&[("\"prompt\":\"Bye\"", &long)]), "tiny"));
    // 4 + 1 500 000 bytes of text instead of 3, in a line of 82 bytes.
    let line = PROMPTS.lines().last().expect("four lines").len() - "Bye".len() + 5 * 300_000;
    let expected =
        format!("prompts/tiny/tiny.jsonl:4:1: the line has {line} bytes, and a prompt may have 1048576");
    assert!(found.len() == 1 && found[0].starts_with(&expected), "{found:?}");
    let found = problems(corpus_at(&with_prompts(&[("{\"id\":\"a\"", "\u{feff}{\"id\":\"a\"")]), "tiny"));
    let expected = "prompts/tiny/tiny.jsonl:1:1: the file begins with a byte order mark\n  hint: save it as UTF-8 without one";
    assert_eq!(found, [expected]);
}

#[test]
fn an_id_that_two_files_use_is_told_with_both_places() {
    let line = PROMPTS.lines().next().expect("four lines");
    let second = Source::user("prompts/tiny/more.jsonl", format!("{line}\n")).expect("prompts");
    let found = problems(corpus_at(&lab().with(second), "tiny"));
    let expected = "prompts/tiny/tiny.jsonl:1:1: prompt `a` is there twice\n  hint: the first one is in prompts/tiny/more.jsonl:1";
    assert_eq!(found, [expected]);
}

#[test]
fn a_corpus_is_read_by_its_name() {
    assert_eq!(corpus_names(&lab()), ["tiny"]);
    let tiny = corpus_at(&lab(), "tiny").expect("no problem");
    assert_eq!((tiny.title.as_str(), tiny.license.as_str()), ("Tiny", "CC0-1.0"));
    assert_eq!(tiny.digest, Digest::of(PROMPTS.as_bytes()));
    let ids: Vec<&str> = tiny.prompts.iter().map(|(id, _)| id.0.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c", "d"]);
    assert_eq!(tiny.places[2], "prompts/tiny/tiny.jsonl:3");
    assert_eq!(tiny.slices["three"].len(), 3);
    let found = problems(corpus_at(&lab(), "tinny"));
    assert_eq!(found, ["--corpus: unknown corpus `tinny`\n  hint: did you mean `tiny`? known: tiny"]);
    // A user's corpus of a shipped one's name takes its place.
    let own = |name: &str, text: &str| Source::user(name, text).expect("a kind of ours");
    let both = Inputs::shipped()
        .with(own("prompts/canary/corpus.toml", &CORPUS.replace("\"tiny\"", "\"canary\"")))
        .with(own("prompts/canary/tiny.jsonl", PROMPTS));
    assert_eq!(corpus_at(&both, "canary").expect("no problem").prompts.len(), 4);
    assert_eq!(corpus_names(&both), ["assistant", "canary", "code", "long", "short"]);
}

#[test]
fn counts_of_words_must_be_those_of_the_prompts() {
    // Words by hand: 4, 3, 1 and 1.
    let with = |counts: &str| {
        let table = format!(
            "[lengths.words]\nunit = \"words\"\nedges = [0, 2, 4, 8]\ncounts = {counts}\n\n[slice.three]"
        );
        problems(corpus_at(&lab_with(&[("prompts/tiny/corpus.toml", "[slice.three]", &table)]), "tiny"))
    };
    assert_eq!(with("[2, 1, 1]"), [""; 0]);
    assert_eq!(
        with("[1, 2, 1]"),
        ["prompts/tiny/corpus.toml:18:10: the prompts have other lengths: [2, 1, 1]"]
    );
    assert_eq!(
        with("[2, 1, 2]"),
        ["prompts/tiny/corpus.toml:18:10: the counts do not add up to the 4 prompts"]
    );
}

/// The prompts of a plan of the lab whose suite has this line, in the order of their ids.
fn selected(line: &str, ask: &Ask) -> Result<Plan, Problems> {
    let inputs = lab_with(&[("catalog/suites/small.toml", "slice = \"three\"", line)]);
    dyno_plan::freeze(&inputs, ask)
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.prompts.keys().map(|id| id.0.as_str()).collect()
}

#[test]
fn prompts_are_selected_by_what_they_are() {
    let check = |line: &str, expected: &[&str], part: &str| {
        let plan = selected(line, &ask()).expect("no problem");
        assert_eq!(names(&plan), expected, "{line}");
        assert_eq!(plan.corpus.slice.as_deref(), Some(part), "{line}");
    };
    check("select = { categories = [\"qa\"] }", &["a", "b"], "qa");
    check("select = { languages = [\"de\"] }", &["b"], "de");
    // 16, 15, 5 and 3 bytes are 5, 5, 2 and 1 tokens.
    check("select = { tokens_from = 2, tokens_to = 4 }", &["c"], "2 to 4 tokens");
    check("slice = \"three\"\nselect = { tokens_to = 4 }", &["d"], "three; 4 tokens or fewer");
    let plan = selected("select = { n = 2, seed = 7 }", &ask()).expect("no problem");
    let categories: Vec<&str> = plan.prompts.values().map(|prompt| prompt.category.as_str()).collect();
    assert_eq!(categories.len(), 2);
    assert!(categories.contains(&"qa") && categories.contains(&"chat"), "one of each: {categories:?}");
    assert_eq!(plan.corpus.slice.as_deref(), Some("2 drawn with seed 7"));
    // Another seed of the campaign is another order, not other prompts.
    let again =
        selected("select = { n = 2, seed = 7 }", &Ask { seed: Some(99), ..ask() }).expect("no problem");
    assert_eq!(names(&plan), names(&again));
}

#[test]
fn what_is_asked_goes_before_what_the_suite_selects() {
    let line = "select = { categories = [\"qa\"], tokens_to = 100 }";
    let asked = |prompts: AskedPrompts| Ask { prompts, ..ask() };
    let chat = AskedPrompts { categories: vec!["chat".to_owned()], ..AskedPrompts::default() };
    let plan = selected(line, &asked(chat)).expect("no problem");
    assert_eq!(names(&plan), ["c", "d"]);
    assert_eq!(plan.corpus.slice.as_deref(), Some("chat; 100 tokens or fewer"));
    // A slice, or a corpus, that is asked for is all of it.
    let plan = selected(line, &Ask { slice: Some("three".to_owned()), ..ask() }).expect("no problem");
    assert_eq!(names(&plan), ["a", "b", "d"]);
    let plan = selected(line, &Ask { corpus: Some("tiny".to_owned()), ..ask() }).expect("no problem");
    assert_eq!(names(&plan), ["a", "b", "c", "d"]);
}

#[test]
fn a_selection_that_no_prompt_fits_is_a_problem() {
    let suite = "catalog/suites/small.toml:";
    let check = |line: &str, expected: &[&str]| {
        let found = problems(selected(line, &ask()));
        let expected: Vec<String> = expected.iter().map(|text| format!("{suite}{text}")).collect();
        assert_eq!(found, expected, "{line}");
    };
    check(
        "select = { categories = [\"qua\"] }",
        &["11:25: the corpus has no category `qua`\n  hint: did you mean `qa`? known: chat, qa"],
    );
    check(
        "select = { languages = [\"fr\"] }",
        &["11:24: the corpus has no language `fr`\n  hint: known: de, en"],
    );
    check(
        "select = { tokens_from = 100 }",
        &[
            "11:26: no prompt is like that\n  hint: the corpus has prompts of 1 to 5 tokens, estimated as two for seven bytes",
        ],
    );
    check(
        "select = { tokens_from = 3, tokens_to = 2 }",
        &["11:26: no prompt has 3 tokens or more and 2 or fewer"],
    );
    check(
        "select = { n = 5 }",
        &["11:16: 5 prompts are asked for, and 4 are like that\n  hint: ask for fewer, or leave out fewer"],
    );
    check(
        "select = { n = 0 }",
        &["11:16: `suite.small.select.n` is out of range: 0\n  hint: from 1 to 100000"],
    );
    let asked = AskedPrompts { n: Some(9), ..AskedPrompts::default() };
    assert_eq!(
        problems(dyno_plan::freeze(&lab(), &Ask { prompts: asked, ..ask() })),
        [
            "--prompts: 9 prompts are asked for, and 3 are like that\n  hint: ask for fewer, or leave out fewer"
        ]
    );
}

#[test]
fn all_models_are_asked_the_same_drawn_prompts() {
    let ask = Ask {
        models: ["smollm2-135m-instruct", "gemma-3-270m-q4_k_m"].map(str::to_owned).to_vec(),
        prompts: AskedPrompts { n: Some(30), ..AskedPrompts::default() },
        ..Ask::suite("quality")
    };
    let plan = dyno_plan::freeze(&Inputs::shipped(), &ask).expect("no problem");
    let asked =
        |run: usize| -> Vec<_> { plan.runs[run].requests.iter().map(|request| &request.prompt).collect() };
    assert_eq!((plan.runs.len(), asked(0).len()), (2, 30));
    assert_eq!(asked(0), asked(1));
    assert_eq!(plan.corpus.slice.as_deref(), Some("fits_2048; 30 drawn with seed 1"));
    let mut categories: Vec<&str> = plan.prompts.values().map(|prompt| prompt.category.as_str()).collect();
    categories.sort_unstable();
    categories.dedup();
    // Thirty over fourteen categories: two of each, and a third of two.
    assert_eq!(categories.len(), 14);
}

#[test]
fn the_likeliest_tokens_are_asked_for_where_the_suite_says_so() {
    let of = |line: &str| selected(&format!("slice = \"three\"\n{line}"), &ask());
    let plan = of("top_logprobs = 5").expect("no problem");
    assert_eq!(plan.runs[0].requests[0].sampling.top_logprobs, 5);
    let plan = of("").expect("no problem");
    assert_eq!(plan.runs[0].requests[0].sampling.top_logprobs, 0);
    let found = problems(of("top_logprobs = 21"));
    let expected = "catalog/suites/small.toml:12:16: `suite.small.top_logprobs` is out of range: 21\n  hint: from 0 to 20";
    assert_eq!(found, [expected]);
}

#[test]
fn a_prompt_that_no_tokenizer_gets_into_the_context_is_told_before_anything_starts() {
    let on_engine = Ask { runtimes: vec!["engine".to_owned()], models: vec!["base".to_owned()], ..ask() };
    let words = |n: usize| format!("\"prompt\":\"{}\"", "word ".repeat(n));
    let inputs = with_prompts(&[("\"prompt\":\"Bye\"", &words(600))]);
    let found = problems(dyno_plan::freeze(&inputs, &on_engine));
    // 3,000 bytes are estimated as 858 tokens; the suite asks for 16 more, within 512.
    let expected = "catalog/suites/small.toml:11:9: 1 prompt does not fit a context of 512 tokens, with model base: d\n  \
                    hint: leave out what is longer with tokens_to = 496; or give context_tokens = 874";
    assert_eq!(found, [expected]);
    // The scripted runtime reads no prompt.
    assert_eq!(problems(dyno_plan::freeze(&inputs, &ask())), [""; 0]);
    // As many bytes in 400 words may be fewer than 512 tokens: a doubt.
    let inputs = with_prompts(&[("\"prompt\":\"Bye\"", &words(400))]);
    let plan = dyno_plan::freeze(&inputs, &on_engine).expect("not certain");
    assert_eq!(
        doubts(&plan),
        [
            "1 prompt may not fit a context of 512 tokens with the answer, at an estimated two tokens for seven bytes: d; \
          model base; leave them out with --tokens-to, or take --context-tokens 588"
        ]
    );
    let short =
        Ask { prompts: AskedPrompts { tokens_to: Some(496), ..AskedPrompts::default() }, ..on_engine };
    let plan = dyno_plan::freeze(&inputs, &short).expect("no problem");
    assert_eq!((names(&plan), doubts(&plan)), (vec!["a", "b"], Vec::new()));
}

#[test]
fn shipped_suites_leave_no_doubt() {
    let inputs = Inputs::shipped();
    for suite in dyno_plan::Catalog::load(&inputs).expect("no problem").suites.keys() {
        let plan = dyno_plan::freeze(&inputs, &Ask::suite(suite)).expect("a shipped suite can be planned");
        assert_eq!(doubts(&plan), [""; 0], "{suite}");
    }
    let long = Ask { corpus: Some("long".to_owned()), ..Ask::suite("quick") };
    let found = problems(dyno_plan::freeze(&inputs, &long));
    assert!(found.len() == 1 && found[0].starts_with("--corpus: "), "{found:?}");
    assert!(
        found[0].contains(" do not fit a context of 2048 tokens, with model smollm2-135m-instruct: lo-"),
        "{found:?}"
    );
    assert!(found[0].contains("choose a slice that fits: ") && found[0].contains("from_500"), "{found:?}");
}

#[test]
fn quality_and_canary_are_one_greedy_launch_each() {
    let plan =
        |name: &str| dyno_plan::freeze(&Inputs::shipped(), &Ask::suite(name)).expect("a shipped suite");
    let (quality, canary) = (plan("quality"), plan("canary"));
    assert_eq!((quality.runs.len(), canary.runs.len()), (1, 1));
    assert_eq!((canary.prompts.len(), canary.n_requests()), (84, 84));
    assert!(quality.prompts.len() >= 300, "{}", quality.prompts.len());
    let sampling = &canary.runs[0].requests[0].sampling;
    assert_eq!((sampling.temperature_milli, sampling.top_logprobs), (0, 5));
    assert!(canary.prompts.values().all(|prompt| !matches!(prompt.grader, None | Some(Grader::None))));
    assert_eq!(quality.runs[0].requests[0].sampling.temperature_milli, 0);
}

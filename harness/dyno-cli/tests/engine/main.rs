//! The agent's engine on real models, compared with what llama.cpp gave for the same files (fixtures in `data`, each
//! with its origin).
//!
//! It lies here because the models come through the command: `edgedyno models pull` fetches what the cache lacks.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::Command;

use dyno_model::clock::Clock;
use dyno_model::request::{Message, Sampling};
use dyno_runtimes::engine::{Engine, EngineOptions, quantize};
use serde::Deserialize;

const SMOLLM2: &str = "smollm2-135m-instruct";
const GEMMA3: &str = "gemma-3-270m-q4_k_m";

#[derive(Deserialize)]
struct Tokenized {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    tokens: Vec<u32>,
}

#[derive(Deserialize)]
struct Answers {
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    prompt: String,
    top: Vec<(u32, f32)>,
    greedy: String,
}

/// The model's file, pulled on first use.
fn path(model: &str) -> PathBuf {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edgedyno"));
    let output = command.args(["models", "pull", model, "--accept-terms"]).output().expect("edgedyno starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).expect("a path is UTF-8").trim_end())
}

fn load(path: &std::path::Path) -> Engine {
    Engine::load(path, &EngineOptions { threads: Some(2), context_tokens: 1024 }).expect("the model is valid")
}

fn greedy(max_tokens: u32) -> Sampling {
    Sampling::greedy(max_tokens)
}

fn answer(engine: &mut Engine, prompt: &[u32], max_tokens: u32) -> String {
    let mut text = String::new();
    engine
        .generate_from(prompt, &greedy(max_tokens), &Clock::Monotonic, &mut |_, piece| {
            text.push_str(piece);
            ControlFlow::Continue(())
        })
        .expect("the prompt fits");
    text
}

fn check_tokens(engine: &Engine, fixture: &str) {
    let expected: Tokenized = serde_json::from_str(fixture).expect("the fixture is JSON");
    assert!(expected.cases.len() > 30);
    for case in expected.cases {
        assert_eq!(engine.tokenize(&case.text), case.tokens, "{:?}", case.text);
    }
}

/// Compares log-probabilities of the most probable first tokens.
fn check_odds(engine: &mut Engine, answers: &[Answer], tolerance: f32) {
    assert!(answers.len() >= 5);
    for answer in answers {
        let prompt = engine.tokenize(&answer.prompt);
        let ours = engine.log_probabilities(&prompt).expect("the prompt fits");
        for (token, theirs) in &answer.top {
            let ours = ours[*token as usize];
            assert!(
                (ours - theirs).abs() < tolerance,
                "{:?}: token {token}: {ours}, {theirs}",
                answer.prompt
            );
        }
    }
}

/// How many of the answers begin with the first `n_bytes` of llama.cpp's.
fn same_beginnings(engine: &mut Engine, answers: &[Answer], n_bytes: usize) -> usize {
    let begins = |expected: &Answer| {
        let prompt = engine.tokenize(&expected.prompt);
        let ours = answer(engine, &prompt, 32);
        let theirs = expected.greedy.as_bytes();
        ours.as_bytes().starts_with(&theirs[..n_bytes.min(theirs.len())])
    };
    answers.iter().map(begins).filter(|same| *same).count()
}

fn answers(fixture: &str) -> Vec<Answer> {
    serde_json::from_str::<Answers>(fixture).expect("the fixture is JSON").answers
}

#[test]
fn smollm2_tokenizes_and_predicts_as_llama_cpp_does() {
    let source = path(SMOLLM2);
    let mut engine = load(&source);
    check_tokens(&engine, include_str!("data/tokenizer_smollm2.json"));
    // Both engines round activations to 8 bits, in another order of operations: that is worth some tenths.
    check_odds(&mut engine, &answers(include_str!("data/answers_smollm2_q4_1.json")), 0.5);

    let question =
        [Message { role: "user".to_owned(), content: "What is the capital of France?".to_owned() }];
    let expected = answers(include_str!("data/answers_smollm2_f16.json"));
    let prompt = engine.tokenize_chat(&question).expect("the template takes it");
    assert_eq!(prompt, engine.tokenize(&expected[0].prompt), "the template gives the prompt of the fixture");

    // In half precision nothing is rounded but the cache: there the engines agree, and the answers are the same.
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let half = folder.path().join("f16.gguf");
    quantize(&source, &half, "f16", 2).expect("the source is valid");
    let mut engine = load(&half);
    check_odds(&mut engine, &expected, 0.03);
    assert_eq!(same_beginnings(&mut engine, &expected, 60), expected.len());
    assert_eq!(answer(&mut engine, &prompt, 32), "The capital of France is Paris.");
}

#[test]
fn gemma3_tokenizes_and_predicts_as_llama_cpp_does() {
    let mut engine = load(&path(GEMMA3));
    check_tokens(&engine, include_str!("data/tokenizer_gemma3.json"));
    let expected = answers(include_str!("data/answers_gemma3_q4_k_m.json"));
    check_odds(&mut engine, &expected, 0.5);
    // Where two tokens are nearly equal, rounding decides.
    assert!(same_beginnings(&mut engine, &expected, 40) + 1 >= expected.len());
}

//! Probabilities of tokens as the real llama-server tells them, over each of its APIs, and as the embedded engine does.

use std::ops::ControlFlow;
use std::path::Path;

use dyno_model::clock::Clock;
use dyno_model::launch::{Dialect, LaunchSpec};
use dyno_model::request::{Request, TokenChoice, TokenLogprob};
use dyno_runtimes::engine::{Engine, EngineOptions, quantize};

use crate::llama::{
    CONTEXT, Got, PROMPT, alone, ask_one, endpoint, parts, port_of, request, spec, start, templated,
};

/// Its answer is short: the token that ends it comes, too.
const QUESTION: &str = "What is the capital of France?";
const TOP: u8 = 10;

fn asked(content: &str) -> Request {
    let mut request = request(content, 16, false);
    request.sampling.top_logprobs = TOP;
    request
}

fn told(got: &Got) -> &[TokenLogprob] {
    got.logprobs.as_deref().expect("it was asked")
}

fn embedded(model: &Path, request: &Request) -> Vec<TokenLogprob> {
    let options = EngineOptions { threads: Some(2), context_tokens: CONTEXT };
    let mut engine = Engine::load(model, &options).expect("the model is valid");
    let mut ignore = |_, _: &str| ControlFlow::Continue(());
    let generated = engine
        .generate(&request.messages, &request.sampling, &Clock::Monotonic, &mut ignore)
        .expect("it fits");
    generated.logprobs.tokens().to_vec()
}

/// The greatest difference between two logarithms of one token at one place, in millionths, where both ends tell it.
fn greatest_difference(ours: &[TokenLogprob], theirs: &[TokenLogprob]) -> i64 {
    let mut greatest = 0;
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!((ours.token.id, &ours.token.piece), (theirs.token.id, &theirs.token.piece));
        let of = |choice: &TokenChoice| ours.top.iter().find(|one| one.id == choice.id);
        // Places in a list change where two are nearly equal; the first half of it is there in both.
        assert!(theirs.top[..5].iter().all(|one| of(one).is_some()), "{ours:?} {theirs:?}");
        let both = theirs.top.iter().filter_map(|one| Some((of(one)?, one)));
        let differences = both.map(|(ours, theirs)| (ours.logprob_micro - theirs.logprob_micro).abs());
        greatest = differences.chain([greatest]).max().unwrap_or(0);
    }
    greatest
}

#[test]
fn it_tells_the_same_over_each_api_and_nearly_what_the_embedded_engine_tells() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let half = folder.path().join("f16.gguf");
    quantize(&parts().1, &half, "f16", 2).expect("the source is valid");
    let model = half.display().to_string();
    let (mut server, facts) = start(&LaunchSpec { model_path: Some(model.clone()), ..spec(1) });
    let port = port_of(facts.expect("it gets ready").pid.expect("it has a process"));
    let chat = ask_one(server.as_ref(), &asked(QUESTION));
    let at = |path: &str, dialect| {
        let (adapter, facts) = start(&endpoint(format!("http://127.0.0.1:{port}{path}"), &model, dialect));
        facts.expect("it answers");
        ask_one(adapter.as_ref(), &asked(&templated(QUESTION)))
    };
    let native = at("", Dialect::LlamaServer);
    let completions = at("/v1", Dialect::OpenaiCompletions);
    server.stop().expect("it ends");
    assert_eq!((chat.text.as_str(), &native.text), ("The capital of France is Paris.", &chat.text));

    let ours = embedded(&half, &asked(QUESTION));
    assert_eq!(ours.last().expect("an answer").token.piece, "<|im_end|>");
    for got in [&chat, &native, &completions] {
        let theirs = told(got);
        assert!(theirs.len() + 1 >= ours.len(), "{theirs:?}");
        assert!(theirs.iter().all(|one| one.top.len() == usize::from(TOP)));
        // In half precision nothing is rounded but the cache.
        let difference = greatest_difference(&ours[..7], theirs);
        assert!(difference < 30_000, "{difference}");
        for one in theirs.iter().chain(&ours) {
            let sum: f64 = one.top.iter().map(|choice| (choice.logprob_micro as f64 / 1e6).exp()).sum();
            assert!(sum <= 1.0 + 1e-4, "{sum}");
        }
    }
    // One server, one arithmetic.
    assert!(greatest_difference(told(&native)[..7].as_ref(), told(&chat)) < 1_000);
}

#[test]
fn where_weights_are_quantized_both_engines_round_in_their_own_way() {
    let _alone = alone();
    let (mut server, facts) = start(&spec(1));
    facts.expect("it gets ready");
    let theirs = ask_one(server.as_ref(), &asked(PROMPT));
    server.stop().expect("it ends");
    let ours = embedded(&parts().1, &asked(PROMPT));
    let n_same =
        ours.iter().zip(told(&theirs)).take_while(|(ours, theirs)| ours.token.id == theirs.token.id).count();
    assert!(n_same >= 3, "{n_same}");
    // Activations are rounded to 8 bits in another order of operations: some tenths, as with the fixtures.
    let difference = greatest_difference(&ours[..n_same.min(7)], told(&theirs));
    assert!(difference < 500_000, "{difference}");
}

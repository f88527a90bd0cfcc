//! The real llama-server with a real model, as the catalogue starts it: the table that is shipped is what is used.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use dyno_model::clock::monotonic_now;
use dyno_model::launch::{Dialect, EndpointSpec, LaunchSpec, RuntimeFacts, ServerSpec};
use dyno_model::outcome::Outcome;
use dyno_model::request::{
    ChunkKind, Finish, FinishReason, Message, Request, Sampling, TokenLogprob, UsageSource,
};
use dyno_model::start::StartState;
use dyno_runtimes::adapter::{Carry, LaunchStep, RuntimeAdapter, adapter_for};
use dyno_runtimes::dialect::{Answered, Step};
use dyno_runtimes::engine::{Engine, EngineOptions};
use dyno_runtimes::interrupt::Interrupt;
use dyno_testbench::{LlamaCpp, smollm2};

pub(crate) const PROMPT: &str = "Write one sentence about the sea.";
pub(crate) const CONTEXT: u32 = 512;

/// Both are made on first use, which may take minutes.
pub(crate) fn parts() -> &'static (PathBuf, PathBuf) {
    static PARTS: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    PARTS.get_or_init(|| {
        let server = LlamaCpp::get().expect("llama.cpp can be built").server();
        (server, smollm2().expect("the model can be had"))
    })
}

/// The launch of `harness/catalog/runtimes/llama-server.toml`, in the form that the controller gives it.
pub(crate) fn spec(slots: u32) -> LaunchSpec {
    let (program, model) = parts();
    let text = |text: &str| text.to_owned();
    let args = "--model {model} --host 127.0.0.1 --port {port} --threads {threads} \
                --ctx-size {all_context_tokens} --parallel {slots}";
    let server = ServerSpec {
        program: program.display().to_string(),
        args: args.split_whitespace().map(text).collect(),
        env: BTreeMap::new(),
        ready_path: text("/health"),
        version_args: vec![text("--version")],
        prefix: text("/v1"),
        cache_dirs: Vec::new(),
        pins: BTreeMap::new(),
    };
    let slots = slots.to_string();
    let settings =
        [("slots", slots.as_str()), ("prompt_cache", "off"), ("body.top_k", "0"), ("body.min_p", "0.0")];
    LaunchSpec {
        runtime: text("llama-server"),
        dialect: Dialect::OpenaiChat,
        model_path: Some(model.display().to_string()),
        model_digest: None,
        threads: Some(2),
        core_mask: None,
        context_tokens: CONTEXT,
        settings: settings.iter().map(|(name, value)| (text(name), text(value))).collect(),
        ready_limit_ms: 120_000,
        start: StartState::AsItIs,
        server: Some(Box::new(server)),
        endpoint: None,
    }
}

pub(crate) fn endpoint(url: String, model: &str, dialect: Dialect) -> LaunchSpec {
    let endpoint = EndpointSpec { url, model: model.to_owned(), key_variable: None, host: None };
    LaunchSpec {
        dialect,
        server: None,
        endpoint: Some(endpoint),
        model_path: None,
        settings: BTreeMap::new(),
        ..spec(1)
    }
}

/// Held by each test: servers that share the cores are slow, and so many of them do not fit on a small machine.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) type Started = (Box<dyn RuntimeAdapter>, Result<Box<RuntimeFacts>, Outcome>);

pub(crate) fn start(spec: &LaunchSpec) -> Started {
    let interrupt = Arc::new(Interrupt::new().expect("a pipe"));
    let mut adapter = adapter_for(spec, None, interrupt).expect("the spec can be used");
    let mut ready = None;
    let started = adapter.start(spec, &mut |step| {
        if let LaunchStep::Ready { facts, .. } = step {
            ready = Some(facts);
        }
    });
    let facts = started.map_err(|error| error.outcome()).map(|()| ready.expect("it said so"));
    (adapter, facts)
}

pub(crate) fn request(content: &str, max_tokens: u32, ignore_eos: bool) -> Request {
    Request {
        idx: 0,
        prompt_id: "p".into(),
        messages: vec![Message { role: "user".to_owned(), content: content.to_owned() }],
        sampling: Sampling {
            max_tokens,
            ignore_eos,
            temperature_milli: 0,
            top_p_milli: 1000,
            seed: 1,
            top_logprobs: 0,
        },
        due_ns: None,
        limit_ms: 300_000,
    }
}

/// What the model's chat template makes of a prompt (`/apply-template`, 2026-11-21).
pub(crate) fn templated(prompt: &str) -> String {
    format!(
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n\
         <|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
    )
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) text: String,
    n_content: usize,
    pub(crate) finish: Finish,
    pub(crate) logprobs: Option<Vec<TokenLogprob>>,
}

/// Answers to `requests`, all sent at once; `on_chunk` is told of each chunk.
fn ask(carrier: &mut dyn Carry, requests: &[Request], on_chunk: &mut dyn FnMut()) -> Vec<Got> {
    let tickets: Vec<_> =
        requests.iter().map(|request| carrier.submit(request, None).expect("room")).collect();
    let mut texts = vec![(String::new(), 0); tickets.len()];
    let mut ends: Vec<_> = tickets.iter().map(|_| None).collect();
    while ends.iter().any(Option::is_none) {
        let mut on = |ticket, step: Step<'_>| {
            let i = tickets.iter().position(|one| *one == ticket).expect("one of ours");
            match step {
                Step::Sent { .. } => {}
                Step::Chunk(chunk) => {
                    texts[i].0.push_str(chunk.text);
                    texts[i].1 += usize::from(chunk.kind == ChunkKind::Content);
                    on_chunk();
                }
                Step::Ended(answered) => ends[i] = Some(answered),
            }
        };
        carrier.poll(monotonic_now().plus(1_000_000_000), &mut on).expect("the loop works");
    }
    let got = |((text, n_content), end): ((String, usize), Option<Box<Answered>>)| {
        let Answered { finish, answer, .. } = *end.expect("it ended");
        Got { text, n_content, finish, logprobs: answer.logprobs }
    };
    texts.into_iter().zip(ends).map(got).collect()
}

pub(crate) fn ask_one(adapter: &dyn RuntimeAdapter, request: &Request) -> Got {
    let mut carrier = adapter.carrier().expect("it was started");
    ask(carrier.as_mut(), std::slice::from_ref(request), &mut || {}).remove(0)
}

#[test]
fn it_is_started_asked_and_ended() {
    let _alone = alone();
    let (mut adapter, facts) = start(&spec(1));
    let facts = facts.expect("it gets ready");
    assert!(facts.version.contains("build"), "{}", facts.version);
    assert_eq!((facts.name.as_str(), facts.backend.as_str()), ("llama-server", "OpenAI chat, 1 slots"));
    let model = facts.model.as_ref().expect("the file says so");
    // As the model's card and a reader of the file in another language have them. The output is the embedding table,
    // so that a token reads all 96,576,768 bytes of tensors but for the norms' 140,544.
    assert_eq!((model.architecture.as_str(), model.quantization.as_str()), ("llama", "Q4_1"));
    assert_eq!((model.n_parameters, model.n_layers, model.n_vocabulary), (134_515_008, 30, 49_152));
    assert_eq!((model.file_bytes, model.trained_context_tokens), (98_362_432, 8_192));
    assert_eq!(model.bytes_per_token, 96_436_224);

    let got = ask_one(adapter.as_ref(), &request(PROMPT, 24, true));
    assert_eq!((got.finish.outcome, got.finish.reason), (Outcome::Ok, Some(FinishReason::Length)));
    let usage = got.finish.usage;
    assert_eq!(
        (usage.completion_tokens, usage.cached_tokens, usage.source),
        (Some(24), Some(0), UsageSource::Usage)
    );
    assert!(got.n_content > 0 && got.n_content <= 24 && !got.text.is_empty());
    let timings = got.finish.timings.expect("the server states its own");
    assert!(timings.prefill_ns > 0 && timings.decode_ns > 0);

    let report = adapter.stop().expect("it ends");
    assert_eq!(report.outcome, Outcome::Ok);
    assert!(report.cpu_ns.is_some_and(|ns| ns > 0) && report.peak_rss_bytes.is_some_and(|n| n > 90_000_000));
}

#[test]
fn its_prompt_is_that_of_the_embedded_engine() {
    let _alone = alone();
    let (mut adapter, facts) = start(&spec(1));
    facts.expect("it gets ready");
    let asked = request(PROMPT, 16, false);
    let got = ask_one(adapter.as_ref(), &asked);
    adapter.stop().expect("it ends");

    let options = EngineOptions { threads: Some(2), context_tokens: CONTEXT };
    let mut engine = Engine::load(&parts().1, &options).expect("the model is valid");
    let mut text = String::new();
    let ours = engine
        .generate(&asked.messages, &asked.sampling, &dyno_model::clock::Clock::Monotonic, &mut |_, piece| {
            text.push_str(piece);
            std::ops::ControlFlow::Continue(())
        })
        .expect("the prompt fits");
    assert_eq!(got.finish.usage.prompt_tokens, Some(ours.prompt_tokens));
    // Kernels round differently, so that only the beginning must be the same.
    assert_eq!(got.text.split(' ').take(3).collect::<Vec<_>>(), text.split(' ').take(3).collect::<Vec<_>>());
}

#[test]
fn chat_and_completion_of_one_prompt_give_the_same_tokens() {
    let _alone = alone();
    let (mut adapter, facts) = start(&spec(1));
    facts.expect("it gets ready");
    let chat = ask_one(adapter.as_ref(), &request(PROMPT, 24, true));
    adapter.stop().expect("it ends");

    let raw = LaunchSpec { dialect: Dialect::LlamaServer, ..spec(1) };
    let mut raw = LaunchSpec { server: raw.server.clone(), ..raw };
    raw.server.as_mut().expect("a server").prefix = String::new();
    let (mut adapter, facts) = start(&raw);
    facts.expect("it gets ready");
    let plain = ask_one(adapter.as_ref(), &request(&templated(PROMPT), 24, true));
    adapter.stop().expect("it ends");
    assert_eq!(plain.finish.outcome, Outcome::Ok);
    assert_eq!(plain.text, chat.text);
    let tokens = |got: &Got| (got.finish.usage.prompt_tokens, got.finish.usage.completion_tokens);
    assert_eq!(tokens(&plain), tokens(&chat));
    // Its own API names the tokens of every chunk.
    assert_eq!(plain.finish.usage.source, UsageSource::Timings);
}

#[test]
fn as_many_are_served_at_once_as_there_are_slots() {
    let _alone = alone();
    let (mut adapter, facts) = start(&spec(2));
    facts.expect("it gets ready");
    let long = "word ".repeat(350);
    // Each takes more than half of one context: both fit only because the context is for each of them.
    let requests = [request(&long, 8, true), request(&long, 8, true), request(PROMPT, 8, true)];
    let mut carrier = adapter.carrier().expect("it was started");
    let got = ask(carrier.as_mut(), &requests, &mut || {});
    assert!(got.iter().all(|one| one.finish.outcome == Outcome::Ok), "{got:?}");
    assert!(got[0].finish.usage.prompt_tokens.is_some_and(|n| n > CONTEXT / 2));
    adapter.stop().expect("it ends");
}

#[test]
fn a_kill_in_the_middle_of_an_answer_is_an_outcome() {
    let _alone = alone();
    let (mut adapter, facts) = start(&LaunchSpec { context_tokens: 4096, ..spec(1) });
    let pid = facts.expect("it gets ready").pid.expect("it has a process").to_string();
    let mut carrier = adapter.carrier().expect("it was started");
    let mut n_chunks = 0;
    // So long an answer is not over before the signal has come, however slow this machine is.
    let got = ask(carrier.as_mut(), &[request(PROMPT, 4000, true)], &mut || {
        n_chunks += 1;
        if n_chunks == 5 {
            let killed = std::process::Command::new("kill").args(["-9", &pid]).status();
            assert!(killed.expect("kill is there").success());
        }
    });
    assert_eq!(got[0].finish.outcome.word(), "crashed");
    assert!(n_chunks >= 5 && got[0].finish.reason.is_none());
    let report = adapter.stop().expect("it was started");
    assert_eq!(report.outcome.word(), "crashed");
    assert_eq!(report.exit.as_deref(), Some("killed by signal 9 (SIGKILL)"));
}

#[test]
fn a_port_that_is_taken_and_a_model_that_is_none_are_told_in_its_words() {
    let _alone = alone();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port().to_string();
    let mut taken = spec(1);
    let args = &mut taken.server.as_mut().expect("a server").args;
    args.iter_mut().filter(|arg| *arg == "{port}").for_each(|arg| arg.clone_from(&port));
    let outcome_of = |spec: &LaunchSpec| {
        let (mut adapter, facts) = start(spec);
        let outcome = facts.expect_err("it cannot serve");
        assert_eq!(adapter.stop().expect("it was started").outcome, outcome);
        let Outcome::Crashed { exit, stderr_tail } = outcome else { panic!("{outcome:?}") };
        assert!(exit.starts_with("exit status 1"), "{exit}");
        stderr_tail
    };
    let words = outcome_of(&taken);
    assert!(words.contains("bind"), "{words}");

    let own = std::env::current_exe().expect("a test has a file").display().to_string();
    let words = outcome_of(&LaunchSpec { model_path: Some(own), ..spec(1) });
    assert!(words.contains("failed to load model") || words.contains("error loading model"), "{words}");
}

#[test]
fn one_that_runs_already_is_attached_to() {
    let _alone = alone();
    // Started by the other adapter, and asked by this one as a stranger's.
    let wanted = spec(2);
    let (mut owner, facts) = start(&wanted);
    let pid = facts.expect("it gets ready").pid.expect("it has a process");
    let port = port_of(pid);
    let name = wanted.model_path.as_deref().expect("a model");

    let url = format!("http://127.0.0.1:{port}/v1");
    let (mut attached, facts) = start(&endpoint(url.clone(), name, Dialect::OpenaiChat));
    let facts = facts.expect("it answers");
    assert_eq!((facts.name.as_str(), facts.backend.as_str()), ("llama-server", "OpenAI chat, 2 slots"));
    assert!(facts.version.starts_with('b') && facts.pid.is_none(), "{}", facts.version);
    // Asked twice, so that a prompt cache would show.
    let requests = [request(PROMPT, 8, true), request(PROMPT, 8, true)];
    let got: Vec<Got> = requests.iter().map(|request| ask_one(attached.as_ref(), request)).collect();
    for one in &got {
        assert_eq!((&one.finish.outcome, one.finish.usage.cached_tokens), (&Outcome::Ok, Some(0)));
        assert_eq!(one.text, got[0].text);
    }
    let report = attached.stop().expect("there is nothing to stop");
    assert_eq!((report.outcome, report.exit), (Outcome::Ok, None));
    assert!(owner.is_running(), "what somebody else started goes on");

    let (_, refused) = start(&endpoint(url, "gpt-5", Dialect::OpenaiChat));
    let detail = refused.expect_err("no such model").detail().expect("words");
    assert_eq!(detail, format!("the server has no model `gpt-5`; it has `{name}`"));
    let lacking = endpoint(format!("http://127.0.0.1:{port}"), name, Dialect::LlamaServer);
    let (attached, facts) = start(&lacking);
    facts.expect("its own API is at the root");
    assert_eq!(ask_one(attached.as_ref(), &request(PROMPT, 4, true)).finish.outcome, Outcome::Ok);
    owner.stop().expect("it ends");
}

/// The port that a process was told to listen at.
pub(crate) fn port_of(pid: u32) -> String {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).expect("it runs");
    let words: Vec<String> =
        line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into()).collect();
    let at = words.iter().position(|word| word == "--port").expect("it was told");
    words[at + 1].clone()
}

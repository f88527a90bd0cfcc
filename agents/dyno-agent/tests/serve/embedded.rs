//! The built agent with its own engine, on a model of noise that it writes itself.

#[cfg(target_os = "linux")]
use std::process::Command as Program;

use dyno_model::event::{Event, EventKind};
use dyno_model::launch::{Dialect, RuntimeFacts};
use dyno_model::outcome::Outcome;
use dyno_model::plan::SyntheticShape;
use dyno_model::request::UsageSource;
use dyno_protocol::message::{Command, Reply, RunOrder};

use crate::support::{Agent, folder, order, outcome, requests};

fn tiny() -> SyntheticShape {
    SyntheticShape {
        architecture: "llama".to_owned(),
        quantization: "q8_0".to_owned(),
        n_layers: 2,
        n_embedding: 64,
        n_feed_forward: 96,
        n_heads: 2,
        n_kv_heads: 1,
        head_dim: 32,
        n_vocabulary: 300,
        context_tokens: 256,
        tied_embeddings: true,
    }
}

pub(crate) fn embedded(n_requests: u32, model: &str) -> RunOrder {
    let mut order = order(n_requests, &[]);
    order.launch_spec.dialect = Dialect::Embedded;
    order.launch_spec.model_path = Some(model.to_owned());
    order.launch_spec.threads = Some(1);
    order.launch_spec.context_tokens = 256;
    order.launch_spec.ready_limit_ms = 60_000;
    for request in &mut order.requests {
        request.sampling.ignore_eos = true;
    }
    order
}

/// Has a tiny model written; its path.
pub(crate) fn synthesize(agent: &mut Agent, folder: &std::path::Path) -> String {
    let path = "models/tiny.gguf".to_owned();
    agent.peer.send(&Command::Synthesize { path: path.clone(), shape: tiny(), seed: 7 }).expect("it listens");
    let Reply::Wrote { digest, bytes, .. } = agent.peer.recv().expect("it answers") else {
        panic!("it wrote")
    };
    assert!(bytes > 10_000);
    agent
        .peer
        .send(&Command::Verify { path: path.clone(), digest: Some(digest.clone()) })
        .expect("it listens");
    assert_eq!(agent.peer.recv().expect("it answers"), Reply::Verified { digest });
    folder.join(path).to_str().expect("UTF-8").to_owned()
}

fn facts(events: &[Event]) -> &RuntimeFacts {
    let ready = events.iter().find_map(|event| match &event.kind {
        EventKind::Ready { facts } => Some(facts.as_ref()),
        _ => None,
    });
    ready.expect("it got ready")
}

#[test]
fn a_real_launch_is_recorded_with_its_sensors() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let model = synthesize(&mut agent, folder.path());
    agent.peer.send(&Command::Run(Box::new(embedded(3, &model)))).expect("it listens");
    let events = agent.events();
    assert_eq!(outcome(&events), Some(&Outcome::Ok));
    assert!(events.is_sorted_by_key(|event| event.seq));
    let facts = facts(&events);
    assert_eq!(facts.threads, Some(1));
    assert!(facts.binary_digest.is_some() && facts.model.as_ref().is_some_and(|model| model.synthetic));
    let records = requests(&events);
    assert_eq!(records.len(), 3);
    for record in records {
        assert_eq!((record.usage.completion_tokens, record.usage.source), (Some(3), UsageSource::Engine));
        assert_eq!(record.chunk_ns.len(), 3);
        assert!(record.chunk_ns.is_sorted() && record.chunk_ns[0] > 0);
        assert!(record.ended_at >= record.sent_at.plus(record.chunk_ns[2]));
        assert_eq!(record.chunk_bytes.iter().sum::<u32>() as usize, record.text.len());
    }
    let Some(EventKind::LaunchEnded { cpu_ns, peak_rss_bytes, own, .. }) =
        events.last().map(|event| &event.kind)
    else {
        panic!("a launch ends");
    };
    assert!(cpu_ns.is_some_and(|ns| ns > 0) && peak_rss_bytes.is_some_and(|bytes| bytes > 1_000_000));
    assert!(own.wall_ns > 0 && own.cpu_ns < own.wall_ns);
    agent.end();
}

#[test]
fn the_same_order_gives_the_same_text() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let model = synthesize(&mut agent, folder.path());
    let mut texts = Vec::new();
    for launch in [1, 2] {
        let mut order = embedded(1, &model);
        order.launch = launch;
        agent.peer.send(&Command::Run(Box::new(order))).expect("it listens");
        texts.push(requests(&agent.events())[0].text.clone());
    }
    assert_eq!(texts[0], texts[1]);
    agent.end();
}

#[test]
fn the_engine_says_how_likely_its_tokens_are_and_says_the_same_tokens() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let model = synthesize(&mut agent, folder.path());
    let mut order = embedded(2, &model);
    order.requests[1].sampling.top_logprobs = 4;
    // More of them than go over the engine's pipe at once.
    for request in &mut order.requests {
        request.prompt_id = "p".into();
        request.messages[0].content = "the same".to_owned();
        request.sampling.max_tokens = 40;
    }
    agent.peer.send(&Command::Run(Box::new(order))).expect("it listens");
    let events = agent.events();
    let [unasked, asked] = requests(&events)[..] else { panic!("two requests") };
    assert_eq!((&unasked.text, unasked.logprobs.as_ref()), (&asked.text, None));
    let told = asked.logprobs.as_deref().expect("it was asked");
    assert_eq!((told.len(), asked.usage.completion_tokens), (40, Some(40)));
    for one in told {
        assert_eq!((one.top.len(), &one.top[0]), (4, &one.token), "greedy takes the likeliest");
        let sum: f64 = one.top.iter().map(|choice| (choice.logprob_micro as f64 / 1e6).exp()).sum();
        assert!((0.0..=1.0 + 1e-5).contains(&sum), "{sum}");
    }
    assert!(
        !events
            .iter()
            .any(|event| matches!(&event.kind, EventKind::Note { text } if text.contains("likely")))
    );
    agent.end();
}

#[test]
fn a_file_that_is_no_model_is_refused_in_one_sentence() {
    let folder = folder();
    let model = folder.path().join("m.gguf");
    std::fs::write(&model, "this is not a model").expect("our own folder");
    let mut agent = Agent::start(folder.path());
    let order = embedded(2, model.to_str().expect("UTF-8"));
    agent.peer.send(&Command::Run(Box::new(order))).expect("it listens");
    let events = agent.events();
    let Some(Outcome::Refused { detail }) = outcome(&events) else {
        panic!("refused: {:?}", outcome(&events))
    };
    assert!(detail.contains("not a GGUF file") && detail.contains("m.gguf"), "{detail}");
    assert_eq!(requests(&events).len(), 0);
    agent.end();
}

#[test]
fn a_conversation_that_is_too_long_is_refused_and_the_next_is_served() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let model = synthesize(&mut agent, folder.path());
    let mut order = embedded(2, &model);
    order.requests[0].messages[0].content = "many words ".repeat(500);
    agent.peer.send(&Command::Run(Box::new(order))).expect("it listens");
    let events = agent.events();
    let outcomes: Vec<_> = requests(&events).iter().map(|record| record.outcome.word()).collect();
    assert_eq!((outcome(&events), outcomes), (Some(&Outcome::Ok), vec!["refused", "ok"]));
    agent.end();
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_engine_is_the_end_of_its_launch_only() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let model = synthesize(&mut agent, folder.path());
    // So many that the engine is still at work when it is killed.
    agent.peer.send(&Command::Run(Box::new(embedded(5000, &model)))).expect("it listens");
    let engine = child_of(agent.child.id());
    let status = Program::new("kill").args(["-KILL", &engine]).status();
    assert!(status.expect("every system has kill").success());
    let events = agent.events();
    let Some(Outcome::Crashed { exit, .. }) = outcome(&events) else {
        panic!("crashed: {:?}", outcome(&events))
    };
    assert_eq!(exit, "killed by signal 9 (SIGKILL)");
    assert!(requests(&events).len() < 5000);
    let mut next = embedded(1, &model);
    next.launch = 2;
    agent.peer.send(&Command::Run(Box::new(next))).expect("it listens");
    assert_eq!(outcome(&agent.events()), Some(&Outcome::Ok));
    agent.end();
}

/// Waits for the engine of an agent; its number. The agent has another child before, which calibrates.
#[cfg(target_os = "linux")]
fn child_of(pid: u32) -> String {
    let is_engine = |child: &str| {
        let words = std::fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        words.split(|byte| *byte == 0).any(|word| word == b"engine")
    };
    loop {
        let children =
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("Linux has it");
        if let Some(child) = children.split_whitespace().find(|child| is_engine(child)) {
            return child.to_owned();
        }
        std::thread::yield_now();
    }
}

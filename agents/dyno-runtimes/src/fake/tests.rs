//! The script against values worked out by hand.

use dyno_model::clock::MonoNs;

use super::*;
use dyno_model::launch::Dialect;
use dyno_model::request::{Message, Sampling};

fn spec(settings: &[(&str, &str)]) -> LaunchSpec {
    LaunchSpec {
        runtime: "fake".to_owned(),
        dialect: Dialect::Fake,
        model_path: None,
        model_digest: None,
        threads: None,
        core_mask: None,
        context_tokens: 64,
        settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ready_limit_ms: 1,
        start: dyno_model::start::StartState::AsItIs,
        server: None,
        endpoint: None,
    }
}

fn request(idx: u32, max_tokens: u32) -> Request {
    Request {
        idx,
        prompt_id: "p".into(),
        messages: vec![Message { role: "user".to_owned(), content: "ünf ch".to_owned() }],
        sampling: Sampling {
            max_tokens,
            ignore_eos: false,
            temperature_milli: 0,
            top_p_milli: 1000,
            seed: 1,
            top_logprobs: 0,
        },
        due_ns: None,
        limit_ms: 5,
    }
}

fn started(settings: &[(&str, &str)]) -> (FakeAdapter, Vec<LaunchStep>) {
    let spec = spec(settings);
    let interrupt = Arc::new(Interrupt::new().expect("a pipe"));
    let mut adapter = FakeAdapter::new(&spec, interrupt).expect("good settings");
    let mut steps = Vec::new();
    adapter.start(&spec, &mut |step| steps.push(step)).expect("no refusal is scripted");
    (adapter, steps)
}

/// Offsets in ns from the request, tokens and text of each chunk; and the end.
fn play(adapter: &FakeAdapter, request: &Request) -> (Vec<(u64, u16, String)>, Finish) {
    let sent_at = adapter.clock().now();
    let mut chunks = Vec::new();
    let mut client = adapter.client().expect("started");
    let finish = client.generate(request, &mut |chunk| {
        chunks.push((chunk.at.since(sent_at), chunk.n_tokens.expect("scripted"), chunk.text.to_owned()));
    });
    (chunks, finish.expect("the script goes on"))
}

#[test]
fn stamps_are_exact() {
    let (adapter, steps) = started(&[
        ("load_ns", "7"),
        ("ttft_ns", "100"),
        ("ttft_per_prompt_char_ns", "10"),
        ("gap_ns", "1, 2"),
        ("end_ns", "5"),
        ("tokens_per_chunk", "2"),
        ("text", "a b c"),
    ]);
    assert!(matches!(steps[1], LaunchStep::Ready { at, .. } if at.0 == START_NS + 7));
    let (chunks, finish) = play(&adapter, &request(0, 7));
    // Six characters: 100 + 6 × 10. Seven tokens in chunks of two: 2, 2, 2, 1; gaps 1, 2, 1.
    let expected = [(160, 2, "a b "), (161, 2, "c a "), (163, 2, "b c "), (164, 1, "a ")];
    assert_eq!(chunks, expected.map(|(at, n, text)| (at, n, text.to_owned())));
    assert_eq!(finish.at.0, START_NS + 7 + 164 + 5);
    assert_eq!(finish.timings, Some(EngineTimings { prefill_ns: 160, decode_ns: 4 }));
    assert_eq!(finish.usage.completion_tokens, Some(7));
    assert_eq!(finish.reason, Some(FinishReason::Length));
}

#[test]
fn an_answer_may_end_by_itself() {
    let (adapter, _) = started(&[("n_tokens", "2")]);
    let (chunks, finish) = play(&adapter, &request(0, 7));
    assert_eq!((chunks.len(), finish.reason), (2, Some(FinishReason::Stop)));
    let mut endless = request(0, 7);
    endless.sampling.ignore_eos = true;
    assert_eq!(play(&adapter, &endless).0.len(), 7);
}

#[test]
fn every_nth_request_is_refused() {
    let (adapter, _) = started(&[("fail_every", "2")]);
    let words = [0, 1, 2, 3].map(|idx| play(&adapter, &request(idx, 1)).1.outcome.word());
    assert_eq!(words, ["ok", "refused", "ok", "refused"]);
}

#[test]
fn a_crash_leaves_its_first_chunk_and_no_runtime() {
    let (mut adapter, _) = started(&[("crash_at", "1")]);
    assert!(play(&adapter, &request(0, 3)).1.outcome.is_ok());
    let (chunks, finish) = play(&adapter, &request(1, 3));
    assert_eq!((chunks.len(), finish.outcome.word()), (1, "crashed"));
    assert!(!adapter.is_running());
    assert_eq!(adapter.stop().expect("started").outcome.word(), "crashed");
}

#[test]
fn a_timeout_ends_at_its_limit() {
    let (adapter, _) = started(&[("load_ns", "0"), ("timeout_at", "0")]);
    let (chunks, finish) = play(&adapter, &request(0, 3));
    assert_eq!((chunks.len(), finish.at.0 - START_NS), (1, 5_000_000));
    assert_eq!(finish.outcome, Outcome::Timeout { limit_ms: 5 });
}

#[test]
fn wrong_settings_are_named() {
    let check = |name: &str, value: &str, expected: &str| {
        let interrupt = Arc::new(Interrupt::new().expect("a pipe"));
        let error = FakeAdapter::new(&spec(&[(name, value)]), interrupt).expect_err("a wrong setting");
        assert_eq!(error.to_string(), expected);
    };
    check(
        "pace",
        "0:1000,300",
        "setting `pace` of the runtime `fake` is `0:1000,300`, expected SECONDS:THOUSANDTHS, or a comma list of it",
    );
    check("dies_at_s", "soon", "setting `dies_at_s` of the runtime `fake` is `soon`, expected seconds");
    check(
        "dies_as",
        "hero",
        "setting `dies_as` of the runtime `fake` is `hero`, expected `kill` or `reboot`",
    );
    check("ttft", "1", "the runtime `fake` has no setting `ttft`");
    check("ttft_ns", "fast", "setting `ttft_ns` of the runtime `fake` is `fast`, expected ns");
    check(
        "gap_ns",
        "1,,2",
        "setting `gap_ns` of the runtime `fake` is `1,,2`, expected ns, or a comma list of them",
    );
}

#[test]
fn a_device_that_slows_down_stretches_what_is_asked_of_it() {
    // Half as fast from 1 s on: the request is sent at 0.999 s and has 2 ms of work until its first token.
    let (adapter, _) = started(&[("load_ns", "999000000"), ("ttft_ns", "2000000"), ("pace", "0:1000,1:500")]);
    let (chunks, finish) = play(&adapter, &request(0, 3));
    let at: Vec<u64> = chunks.iter().map(|chunk| chunk.0).collect();
    assert_eq!(at, [3_000_000, 5_000_000, 7_000_000]);
    assert_eq!(finish.timings, Some(EngineTimings { prefill_ns: 3_000_000, decode_ns: 4_000_000 }));
}

#[test]
fn a_device_kills_in_the_middle_of_an_answer_or_between_two() {
    let settings = [("load_ns", "0"), ("gap_ns", "600000000"), ("dies_at_s", "1")];
    let (mut adapter, _) = started(&settings);
    let (chunks, finish) = play(&adapter, &request(0, 3));
    let killed =
        Outcome::Crashed { exit: "killed by signal 9 (SIGKILL)".to_owned(), stderr_tail: String::new() };
    // Tokens at 1 ms and 601 ms; the next one would come at 1201 ms.
    assert_eq!((chunks.len(), finish.outcome), (2, killed.clone()));
    assert_eq!(finish.at.0, START_NS + 1_000_000_000);
    assert!(!adapter.is_running());
    assert_eq!(play(&adapter, &request(1, 1)).1.outcome, killed);
    let report = adapter.stop().expect("started");
    assert_eq!((report.outcome, report.exit.as_deref()), (killed, Some("killed by signal 9 (SIGKILL)")));

    let (mut adapter, _) = started(&[("dies_at_s", "1"), ("dies_as", "reboot")]);
    adapter.clock().sleep_until(MonoNs(START_NS + 2_000_000_000));
    assert!(!adapter.is_running(), "it restarted while nobody asked");
    assert_eq!(adapter.stop().expect("started").outcome, Outcome::Rebooted);
}

//! Servers that run already: what is asked before the first request, and what comes of each answer.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use crate::canned::{Answers, Canned, ask, chat, question, reply};
use dyno_model::launch::{Dialect, EndpointSpec, LaunchSpec, RuntimeFacts};
use dyno_model::outcome::Outcome;
use dyno_model::start::StartState;
use dyno_runtimes::adapter::{LaunchStep, RuntimeAdapter, adapter_for};
use dyno_runtimes::interrupt::Interrupt;
use serde_json::Value;

const KEY: &str = "sk-very-secret-4711";

fn spec(dialect: Dialect, url: String, model: &str) -> LaunchSpec {
    LaunchSpec {
        runtime: "endpoint".to_owned(),
        dialect,
        model_path: None,
        model_digest: None,
        threads: None,
        core_mask: None,
        context_tokens: 4096,
        settings: BTreeMap::new(),
        ready_limit_ms: 2_000,
        start: StartState::AsItIs,
        server: None,
        endpoint: Some(EndpointSpec { url, model: model.to_owned(), key_variable: None, host: None }),
    }
}

fn attach(
    spec: &LaunchSpec,
    key: Option<&str>,
) -> Result<(Box<dyn RuntimeAdapter>, Box<RuntimeFacts>), Outcome> {
    let interrupt = Arc::new(Interrupt::new().expect("a pipe"));
    let mut adapter = adapter_for(spec, key, interrupt).map_err(|error| error.outcome())?;
    let mut steps = Vec::new();
    adapter.start(spec, &mut |step| steps.push(step)).map_err(|error| error.outcome())?;
    match <[LaunchStep; 1]>::try_from(steps) {
        // Nothing was spawned, and nothing says so.
        Ok([LaunchStep::Ready { facts, .. }]) => Ok((adapter, facts)),
        other => panic!("one step: {other:?}"),
    }
}

fn models(owner: &str) -> String {
    let list = format!(
        r#"{{"object":"list","data":[{{"id":"tiny","owned_by":"{owner}"}},{{"id":"org/big","owned_by":"{owner}"}}]}}"#
    );
    reply(200, "application/json", &list)
}

/// The outcome of attaching to a server of those answers.
fn outcome_of(answers: Answers, prefix: &str, model: &str) -> Outcome {
    let server = Canned::start(answers);
    let url = format!("http://{}{prefix}", server.address);
    let outcome = attach(&spec(Dialect::OpenaiChat, url, model), None).map(drop);
    let here = server.address.to_string();
    match outcome.expect_err("it cannot be measured") {
        Outcome::Refused { detail } => Outcome::Refused { detail: detail.replace(&here, "HERE") },
        other => other,
    }
}

#[test]
fn a_server_of_openais_api_is_measured_as_it_is() {
    let server = Canned::start(vec![
        ("/v1/models", vec![models("vllm")]),
        ("/v1/chat/completions", vec![chat("Hel", "lo")]),
    ]);
    let spec = spec(Dialect::OpenaiChat, format!("http://{}/v1", server.address), "org/big");
    let (mut adapter, facts) = attach(&spec, Some(KEY)).expect("it answers");
    assert_eq!((facts.name.as_str(), facts.pid), (server.address.to_string().as_str(), None));
    assert_eq!((facts.version.as_str(), facts.backend.as_str()), ("not said", "OpenAI chat"));
    let (text, finish) = ask(adapter.as_ref());
    assert_eq!((text.as_str(), finish.outcome), ("Hello", Outcome::Ok));
    let report = adapter.stop().expect("there is nothing to stop");
    assert_eq!((report.outcome, report.exit, report.cpu_ns), (Outcome::Ok, None, None));

    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|one| one.contains(&format!("Authorization: Bearer {KEY}\r\n"))));
    let body: Value = serde_json::from_str(asked[1].split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    assert_eq!(body["model"], "org/big");
    // Fields that only llama-server knows could be refused by others.
    assert_eq!((body.get("cache_prompt"), body.get("top_k")), (None, None));
}

#[test]
fn llama_server_is_known_and_its_prompt_cache_is_off() {
    let props = reply(200, "application/json", r#"{"total_slots":4,"build_info":"b1-0c1e570"}"#);
    let server = Canned::start(vec![
        ("/v1/models", vec![models("llamacpp")]),
        ("/props", vec![props]),
        ("/v1/chat/completions", vec![chat("Hel", "lo")]),
    ]);
    let spec = spec(Dialect::OpenaiChat, format!("http://{}/v1", server.address), "tiny");
    let (adapter, facts) = attach(&spec, None).expect("it answers");
    assert_eq!((facts.name.as_str(), facts.version.as_str()), ("llama-server", "b1-0c1e570"));
    assert_eq!(facts.backend, "OpenAI chat, 4 slots");
    assert_eq!(ask(adapter.as_ref()).1.outcome, Outcome::Ok);
    let asked = server.asked();
    let body: Value = serde_json::from_str(asked[2].split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    assert_eq!((&body["cache_prompt"], &body["top_k"]), (&Value::Bool(false), &Value::from(0)));
}

#[test]
fn ollamas_names_and_version_are_its_own() {
    let tags = reply(200, "application/json", r#"{"models":[{"name":"llama3.2:latest"}]}"#);
    let answer = concat!(
        r#"{"message":{"role":"assistant","content":"Hello"},"done":false}"#,
        "\n",
        r#"{"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","eval_count":2}"#,
        "\n"
    );
    let server = Canned::start(vec![
        ("/api/tags", vec![tags]),
        ("/api/version", vec![reply(200, "application/json", r#"{"version":"0.11.4"}"#)]),
        ("/api/chat", vec![reply(200, "application/x-ndjson", answer)]),
    ]);
    let spec = spec(Dialect::OllamaChat, format!("http://{}", server.address), "llama3.2");
    let (adapter, facts) = attach(&spec, None).expect("it answers");
    assert_eq!((facts.version.as_str(), facts.backend.as_str()), ("0.11.4", "Ollama chat"));
    let (text, finish) = ask(adapter.as_ref());
    assert_eq!((text.as_str(), finish.outcome), ("Hello", Outcome::Ok));
}

#[test]
fn what_cannot_be_measured_is_refused_once_and_in_words() {
    let check = |answers: Answers, prefix: &str, expected: &str| {
        let expected = Outcome::Refused { detail: expected.to_owned() };
        assert_eq!(outcome_of(answers, prefix, "small"), expected);
    };
    check(
        vec![("/v1/models", vec![models("vllm")])],
        "/v1",
        "the server has no model `small`; it has `tiny`, `org/big`",
    );
    check(
        vec![("/models", vec![reply(404, "text/plain", "")]), ("/v1/models", vec![models("vllm")])],
        "",
        "HERE/models is not there, but /v1/models is: the address lacks /v1",
    );
    check(
        vec![("/v1/models", vec![reply(200, "text/html", "<html>It works!</html>")])],
        "/v1",
        "HERE/v1/models is no list of models, but text/html: is it another server?",
    );
    check(
        vec![("/v1/models", vec![reply(401, "application/json", "{}")])],
        "/v1",
        "HERE/v1/models answers HTTP 401: it wants a key; set the variable EDGEDYNO_API_KEY where edgedyno runs",
    );
    check(
        vec![("/v1/models", vec![reply(500, "text/plain", "out of luck\n")])],
        "/v1",
        "HERE/v1/models answers HTTP 500: out of luck",
    );
}

#[test]
fn a_server_without_a_list_is_measured_all_the_same() {
    let server = Canned::start(vec![("/v1/chat/completions", vec![chat("Hel", "lo")])]);
    let spec = spec(Dialect::OpenaiChat, format!("http://{}/v1", server.address), "any");
    let (adapter, _) = attach(&spec, None).expect("404 says nothing of the model");
    let (text, finish) = ask(adapter.as_ref());
    assert_eq!((text.as_str(), finish.outcome), ("Hello", Outcome::Ok));
}

#[test]
fn a_server_that_still_loads_is_waited_for_but_not_for_ever() {
    let loading = || reply(503, "application/json", r#"{"error":{"message":"Loading model"}}"#);
    let server = Canned::start(vec![("/v1/models", vec![loading(), loading(), models("vllm")])]);
    let url = format!("http://{}/v1", server.address);
    attach(&spec(Dialect::OpenaiChat, url, "tiny"), None).map(drop).expect("it gets ready");
    assert_eq!(server.asked().len(), 3);
    let outcome = outcome_of(vec![("/v1/models", vec![loading()])], "/v1", "tiny");
    assert_eq!(outcome, Outcome::Timeout { limit_ms: 2_000 });
}

#[test]
fn nobody_there_no_such_host_and_tls_are_outcomes() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let outcome = |url: &str| {
        attach(&spec(Dialect::OpenaiChat, url.to_owned(), "m"), None).map(drop).expect_err("it is not there")
    };
    let detail = outcome(&format!("http://{address}/v1")).detail().expect("words");
    assert!(detail.starts_with(&format!("cannot connect to {address}")), "{detail}");

    // A name that exists nowhere (RFC 6761).
    let gone = outcome("http://server.invalid/v1");
    assert_eq!(gone.word(), "crashed");
    let detail = gone.detail().expect("words");
    assert!(
        detail.starts_with("cannot ask the server: cannot find the address of `server.invalid`"),
        "{detail}"
    );

    let tls = outcome("https://example.org/v1");
    let detail = "cannot ask the server: `https://example.org/v1` needs TLS, which this agent does not have";
    assert_eq!(tls, Outcome::Unsupported { detail: detail.to_owned() });
    assert_eq!(outcome("ftp://example.org").word(), "refused");
}

#[test]
fn a_key_is_in_no_words_even_if_the_server_repeats_it() {
    let answer = format!(r#"{{"error":{{"message":"Incorrect API key provided: {KEY}"}}}}"#);
    let server = Canned::start(vec![
        ("/v1/models", vec![models("vllm")]),
        ("/v1/chat/completions", vec![reply(401, "application/json", &answer)]),
        ("/other/models", vec![reply(403, "application/json", &answer)]),
        ("/broken/models", vec![reply(500, "application/json", &answer)]),
    ]);
    let at = |prefix: &str| spec(Dialect::OpenaiChat, format!("http://{}{prefix}", server.address), "tiny");
    let (adapter, _) = attach(&at("/v1"), Some(KEY)).expect("it answers");
    assert_eq!(
        ask(adapter.as_ref()).1.outcome,
        Outcome::Refused { detail: "HTTP 401: Incorrect API key provided: …".to_owned() }
    );

    let mut carrier = adapter.carrier().expect("it was started");
    let mut said = String::new();
    carrier.submit(&question(), None).expect("room");
    let until = dyno_model::clock::monotonic_now().plus(10_000_000_000);
    carrier.poll(until, &mut |_, step| said = format!("{said}{step:?}")).expect("the loop works");
    assert!(said.contains("Incorrect API key provided: …") && !said.contains(KEY), "{said}");

    let refused = attach(&at("/other"), Some(KEY)).map(drop).expect_err("403").detail().expect("words");
    assert!(refused.ends_with("the key of the variable EDGEDYNO_API_KEY is not taken"), "{refused}");
    let broken = attach(&at("/broken"), Some(KEY)).map(drop).expect_err("500").detail().expect("words");
    assert!(broken.contains("provided: …") && !broken.contains(KEY), "{broken}");

    let two_lines = attach(&at("/v1"), Some("a\nb")).map(drop).expect_err("no header carries it");
    assert_eq!(
        two_lines,
        Outcome::Refused {
            detail: "cannot ask the server: the API key has characters that no header can carry".to_owned()
        }
    );
}

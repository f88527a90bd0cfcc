//! Servers as data: started from a table, or running already.

use std::collections::BTreeMap;

use dyno_model::launch::{Dialect, EndpointSpec};
use dyno_model::plan::{ModelOrigin, Plan};
use dyno_plan::{Ask, EndpointAsk, Inputs, Problems, Source};

use crate::lab::{ask, lab};

const MINE: &str = r#"schema_version = 1

[runtime.mine]
title = "My server"
dialect = "openai_chat"
ready_limit_ms = 5_000

[runtime.mine.settings]
gpu_layers = 99
prompt_cache = "off"

[runtime.mine.body]
top_k = 0
stop = ["x"]

[runtime.mine.server]
program = "~/bin/my-server"
args = ["-m", "{model}", "--port={port}", "-ngl", "{gpu_layers}", "-c", "{context_tokens}"]
env = { MY_SLOTS = "{slots}" }
ready_path = "/healthy"
prefix = "/v1/"
version_args = ["-v"]
cache_dirs = ["~/.cache/mine"]
"#;

fn with(text: &str) -> Inputs {
    lab().with(Source::user("catalog/runtimes/mine.toml", text).expect("a runtime file"))
}

fn mine() -> Ask {
    Ask { runtimes: vec!["mine".to_owned()], models: vec!["base".to_owned()], ..ask() }
}

fn words(result: Result<Plan, Problems>) -> Vec<String> {
    result.err().map(|problems| problems.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

#[test]
fn a_new_server_of_a_known_api_is_planned_from_its_table() {
    let plan = dyno_plan::freeze(&with(MINE), &mine()).expect("it can be planned");
    let runtime = &plan.runtimes["mine"];
    assert_eq!((runtime.dialect, runtime.ready_limit_ms), (Dialect::OpenaiChat, 5_000));
    let settings =
        [("body.stop", "[\"x\"]"), ("body.top_k", "0"), ("gpu_layers", "99"), ("prompt_cache", "off")];
    let settings: BTreeMap<_, _> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(runtime.settings, settings);
    let server = runtime.server.as_ref().expect("it is a server");
    assert_eq!((server.program.as_str(), server.prefix.as_str()), ("~/bin/my-server", "/v1"));
    assert_eq!(server.gaps(), ["model", "port", "gpu_layers", "context_tokens", "slots"]);
    assert_eq!((server.ready_path.as_str(), server.cache_dirs.len()), ("/healthy", 1));
    assert!(plan.cells.iter().all(|cell| cell.runtime == "mine" && cell.model == "base"));
}

#[test]
fn what_is_wrong_with_a_server_is_told_at_its_place() {
    let check = |from: &str, to: &str, expected: &[&str]| {
        assert!(MINE.contains(from), "{from}");
        let found = words(dyno_plan::freeze(&with(&MINE.replacen(from, to, 1)), &mine()));
        let expected: Vec<String> =
            expected.iter().map(|text| format!("catalog/runtimes/mine.toml:{text}")).collect();
        assert_eq!(found, expected, "`{from}` → `{to}`");
    };
    check(
        "dialect = \"openai_chat\"",
        "dialect = \"openai\"",
        &[
            "5:11: `openai` is no value of `runtime.mine.dialect`\n  hint: known: embedded, fake, openai_chat, openai_completions, llama_server, ollama_generate, ollama_chat",
        ],
    );
    check(
        "dialect = \"openai_chat\"",
        "dialect = \"fake\"",
        &[
            "5:11: the dialect of runtime `mine` is none that a server speaks\n  hint: name the API that the server speaks: openai_chat, for instance",
        ],
    );
    check(
        "{gpu_layers}\"",
        "{gpu_layer}\"",
        &[
            "9:14: a server has no setting `gpu_layers`, and no argument has a gap for it\n  hint: did you mean `gpu_layer`? known: slots, model, prompt_cache, connections, gpu_layer; fields of a request's body belong in [runtime.mine.body]",
            "18:51: nothing is known that `{gpu_layer}` could stand for\n  hint: did you mean `gpu_layers`? known: model, port, threads, context_tokens, slots, all_context_tokens, gpu_layers, prompt_cache",
        ],
    );
    check(
        "--port={port}",
        "--port=8080",
        &[
            "18:8: no argument says at which port it is to listen\n  hint: add its option for that, with {port} for the number",
        ],
    );
    check(
        "\"/healthy\"",
        "\"healthy\"",
        &["20:14: `healthy` is no path of a server\n  hint: it begins with a slash, and has no spaces"],
    );
    check(
        "\"~/.cache/mine\"",
        "\"/\"",
        &[
            "23:15: `/` will not be deleted\n  hint: name a folder of caches: ~/NAME, or a path with two folders at least, without ..",
        ],
    );
    check(
        "prompt_cache = \"off\"",
        "prompt_cache = false",
        &[
            "10:16: `prompt_cache` is `false`, expected `off` or `server`\n  hint: it is a setting of every server",
        ],
    );
    check(
        "prompt_cache = \"off\"",
        "threads = 4",
        &["10:11: `threads` is a side of the matrix, not a setting\n  hint: say it in the suite"],
    );
    check(
        "\"~/bin/my-server\"",
        "\"\"",
        &["17:11: `` is no program\n  hint: give its name or its path on the device"],
    );
}

#[test]
fn a_dialect_of_servers_needs_something_to_start() {
    let text =
        "schema_version = 1\n[runtime.mine]\ntitle = \"x\"\ndialect = \"ollama_chat\"\nready_limit_ms = 1\n";
    let expected = "catalog/runtimes/mine.toml:2:10: runtime `mine` speaks over HTTP and has no [runtime.mine.server]\n  hint: say what to start; a server that runs already is measured with --endpoint";
    assert_eq!(words(dyno_plan::freeze(&with(text), &ask())), [expected]);
}

#[test]
fn a_server_is_given_the_models_file_or_has_its_own() {
    let of = |text: &str, model: &str| {
        words(dyno_plan::freeze(&with(text), &Ask { models: vec![model.to_owned()], ..mine() }))
    };
    let own = MINE.replace("\"-m\", \"{model}\", ", "");
    assert_eq!(of(&own, "none"), [""; 0]);
    assert_eq!(
        of(&own, "base"),
        [
            "--runtime: runtime `mine` serves a model of its own and would not run model `base`\n  hint: name a model with kind = \"none\", or give {model} to the server"
        ]
    );
    assert_eq!(
        of(MINE, "none"),
        ["--runtime: runtime `mine` needs a model, and `none` has no file\n  hint: name one with --model"]
    );
}

fn at(url: &str) -> Ask {
    Ask { endpoint: Some(EndpointAsk::new(url, "org/Model-1:7b")), ..ask() }
}

#[test]
fn a_server_that_runs_already_takes_the_place_of_runtimes_and_models() {
    let endpoint = EndpointAsk {
        key_variable: Some("MY_KEY".to_owned()),
        ..EndpointAsk::new("https://api.example.org/v1/", "org/Model-1:7b")
    };
    let plan = dyno_plan::freeze(&lab(), &Ask { endpoint: Some(endpoint), ..ask() }).expect("a plan");
    let spec = EndpointSpec {
        url: "https://api.example.org/v1".to_owned(),
        model: "org/Model-1:7b".to_owned(),
        key_variable: Some("MY_KEY".to_owned()),
        host: None,
    };
    let runtime = &plan.runtimes["endpoint"];
    assert_eq!(
        (plan.runtimes.len(), runtime.endpoint.as_ref(), runtime.dialect),
        (1, Some(&spec), Dialect::OpenaiChat)
    );
    assert_eq!(runtime.title, "api.example.org/v1 (OpenAI chat)");
    let model = &plan.models["org-Model-1-7b"];
    assert_eq!((plan.models.len(), model.title.as_str()), (1, "org/Model-1:7b"));
    assert_eq!(model.origin, ModelOrigin::None);
    // The suite's two numbers of threads and its context are not the server's: two loads are left.
    assert_eq!(plan.cells.len(), 2);
    assert!(plan.cells.iter().all(|cell| cell.threads.is_none() && cell.context_tokens == 4096));
}

#[test]
fn every_shipped_suite_measures_an_endpoint() {
    let inputs = Inputs::shipped();
    let catalog = dyno_plan::Catalog::load(&inputs).expect("what is shipped has no problem");
    for name in catalog.suites.keys() {
        let ask = Ask { endpoint: Some(EndpointAsk::new("http://h:1/v1", "m")), ..Ask::suite(name) };
        let problems = words(dyno_plan::freeze(&inputs, &ask));
        // Only what starts cold needs to be started.
        let is_of_starts = |text: &String| text.contains("does not apply to");
        assert!(problems.iter().all(is_of_starts), "{name}: {problems:?}");
        let is_cold = dyno_plan::freeze(&inputs, &Ask::suite(name))
            .expect("a shipped suite")
            .cells
            .iter()
            .any(|cell| !cell.start.is_as_it_is());
        assert_eq!(problems.is_empty(), !is_cold, "{name}");
    }
}

#[test]
fn an_endpoint_that_makes_no_sense_is_refused_in_the_plan() {
    let check = |ask: Ask, expected: &[&str]| {
        assert_eq!(words(dyno_plan::freeze(&lab(), &ask)), expected);
    };
    check(at("http://127.0.0.1:8080/v1"), &[]);
    check(
        at("localhost:8080"),
        &[
            "--endpoint: `localhost:8080` is no address of a server: it does not begin with http:// or https://\n  hint: write it like http://127.0.0.1:8080/v1",
        ],
    );
    check(
        Ask { devices: vec!["pi5-a".to_owned()], ..at("https://h/v1") },
        &[
            "--endpoint: device `pi5-a` speaks no TLS, which https://h/v1 needs\n  hint: measure it from this machine, or give an address with http:// that the device can reach",
        ],
    );
    check(Ask { devices: vec!["pi5-a".to_owned()], ..at("http://h/v1") }, &[]);
    check(
        Ask { runtimes: vec!["fake".to_owned()], threads: vec![2], ..at("http://h/v1") },
        &[
            "--runtime: it has no meaning beside --endpoint\n  hint: an endpoint is a server that runs already: leave this out",
            "--threads: it has no meaning beside --endpoint\n  hint: an endpoint is a server that runs already: leave this out",
        ],
    );
    let with = |change: &dyn Fn(&mut EndpointAsk)| {
        let mut endpoint = EndpointAsk::new("http://h/v1", "m");
        change(&mut endpoint);
        Ask { endpoint: Some(endpoint), ..ask() }
    };
    check(
        with(&|endpoint| endpoint.model = " ".to_owned()),
        &["--model: the endpoint's model has no name\n  hint: name it as the server does"],
    );
    check(
        with(&|endpoint| endpoint.api = Dialect::Fake),
        &["--api: the scripted runtime is not spoken over HTTP\n  hint: name the API that the server speaks"],
    );
    check(
        with(&|endpoint| endpoint.key_variable = Some("MY KEY".to_owned())),
        &[
            "--key-variable: `MY KEY` is no name of a variable\n  hint: give the name of the variable, never the key itself",
        ],
    );
}

#[test]
fn ollama_is_not_asked_to_go_on_after_an_end() {
    let inputs =
        crate::lab::lab_with(&[("catalog/suites/small.toml", "seed = 7", "seed = 7\nignore_eos = true")]);
    let mut endpoint = EndpointAsk::new("http://h", "m");
    assert_eq!(
        words(dyno_plan::freeze(&inputs, &Ask { endpoint: Some(endpoint.clone()), ..ask() })),
        [""; 0]
    );
    endpoint.api = Dialect::OllamaChat;
    let found = words(dyno_plan::freeze(&inputs, &Ask { endpoint: Some(endpoint), ..ask() }));
    assert_eq!(
        found,
        [
            "--api: Ollama cannot be asked to go on after the end of an answer, as this suite wants\n  hint: ask the same server with --api openai-chat, or take another suite"
        ]
    );
}

#[test]
fn llama_server_is_shipped() {
    let asked = |model: &str| Ask {
        runtimes: vec!["llama-server".to_owned()],
        models: vec![model.to_owned()],
        ..Ask::suite("quick")
    };
    let plan = dyno_plan::freeze(&Inputs::shipped(), &asked("smollm2-135m-instruct")).expect("a plan");
    let server = plan.runtimes["llama-server"].server.as_ref().expect("a server");
    let gaps = ["model", "port", "threads", "all_context_tokens", "slots"];
    assert_eq!(server.gaps(), gaps);
    // A prompt answered from a cache, or a distribution cut further than asked, would not be equal work.
    let settings = &plan.runtimes["llama-server"].settings;
    let expected = [("body.min_p", "0.0"), ("body.top_k", "0"), ("prompt_cache", "off")];
    assert!(expected.iter().all(|(name, value)| settings[*name] == *value), "{settings:?}");
}

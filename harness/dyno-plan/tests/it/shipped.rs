//! Everything that edgedyno ships with.

use dyno_model::plan::{ModelOrigin, TransportSpec};
use dyno_model::slo::Condition;
use dyno_plan::{Ask, Catalog, Inputs, Source};

#[test]
fn every_shipped_file_loads() {
    let catalog = Catalog::load(&Inputs::shipped()).expect("what is shipped has no problem");
    let local = &catalog.devices[&"local".into()];
    assert_eq!(local.transport, TransportSpec::Local);
    for name in ["quick", "selftest", "size-1b", "latency", "interactive"] {
        assert!(catalog.suites.contains_key(name), "{name}");
    }
    for name in [
        "smollm2-135m-instruct",
        "smollm2-135m-instruct-q8_0",
        "smollm2-135m-instruct-q4_0",
        "smollm2-135m-instruct-q4_k",
        "gemma-3-270m-q4_k_m",
        "synthetic-tiny",
        "synthetic-llama-1b-q4_0",
        "none",
    ] {
        assert!(catalog.models.contains_key(name), "{name}");
    }
    let Condition::Limit { metric, limit } = &catalog.slos["interactive"].objectives[0].conditions[0] else {
        panic!("a limit of a time");
    };
    assert!(metric == "ttft_ns" && (limit - 1e9).abs() < 0.5, "{metric} {limit}");
    for name in ["instant", "assistant", "sustained", "quality"] {
        assert!(catalog.slos.contains_key(name), "{name}");
    }
    assert_eq!(catalog.corpora["assistant"].slices["quick"].1, 40);
}

#[test]
fn every_shipped_suite_can_be_planned() {
    let inputs = Inputs::shipped();
    let catalog = Catalog::load(&inputs).expect("what is shipped has no problem");
    for name in catalog.suites.keys() {
        let plan = dyno_plan::freeze(&inputs, &Ask::suite(name)).expect("a shipped suite can be planned");
        assert!(plan.n_requests() > 0, "{name}");
        assert_eq!(plan.suite.name, *name);
    }
}

#[test]
fn quick_is_three_launches_of_forty_prompts() {
    let plan = dyno_plan::freeze(&Inputs::shipped(), &Ask::suite("quick")).expect("quick can be planned");
    assert_eq!((plan.cells.len(), plan.runs.len(), plan.n_requests()), (1, 3, 120));
    assert_eq!(plan.prompts.len(), 40);
    assert!(
        plan.runs
            .iter()
            .all(|run| run.requests.iter().all(|request| request.sampling.temperature_milli == 0))
    );
}

#[test]
fn latency_has_enough_requests_for_its_p99_and_interactive_for_its_p95() {
    let plan =
        |name: &str| dyno_plan::freeze(&Inputs::shipped(), &Ask::suite(name)).expect("a shipped suite");
    // The fewest for a finite two-sided 95 % interval: 368 for p99; 200 make a p95 tight.
    let latency = plan("latency");
    assert_eq!((latency.runs.len(), latency.n_requests()), (10, 400));
    let interactive = plan("interactive");
    assert_eq!((interactive.runs.len(), interactive.n_requests()), (5, 415));
    // Short is short: 64 tokens of the estimate are 224 bytes.
    let bytes = |prompt: &dyno_model::plan::PlannedPrompt| {
        prompt.messages.iter().map(|message| message.content.len()).sum::<usize>()
    };
    assert!(interactive.prompts.values().all(|prompt| bytes(prompt) <= 224));
}

#[test]
fn a_derived_model_carries_its_published_origin() {
    let catalog = Catalog::load(&Inputs::shipped()).expect("what is shipped has no problem");
    let derived = &catalog.models["smollm2-135m-instruct-q8_0"];
    let ModelOrigin::Derived { from, quantize, published, .. } = &derived.origin else {
        panic!("not derived: {derived:?}");
    };
    assert_eq!((from.as_str(), quantize.as_str()), ("smollm2-135m-instruct", "q8_0"));
    assert_eq!(**published, catalog.models[from].origin);
    assert_eq!(derived.license, "Apache-2.0");
}

#[test]
fn a_users_entry_replaces_a_shipped_one_and_adds_to_the_others() {
    let own =
        "schema_version = 1\n[runtime.fake]\ntitle = \"mine\"\ndialect = \"fake\"\nready_limit_ms = 5\n";
    let source = Source::user("catalog/runtimes/mine.toml", own).expect("a runtime file");
    let catalog = Catalog::load(&Inputs::shipped().with(source)).expect("no problem");
    assert_eq!(catalog.runtimes["fake"].title, "mine");
    assert!(catalog.runtimes.contains_key("embedded"));
}

#[test]
fn a_schema_of_every_kind_is_published() {
    let names: Vec<_> = dyno_plan::schemas().into_iter().map(|schema| schema.name).collect();
    assert_eq!(
        names,
        ["boards", "corpus", "devices", "meters", "models", "runtimes", "slos", "suites", "trust"]
    );
    for schema in dyno_plan::schemas() {
        assert_eq!(
            schema.schema["$schema"], "https://json-schema.org/draft/2020-12/schema",
            "{}",
            schema.name
        );
        assert_eq!(schema.schema["additionalProperties"], false, "{}", schema.name);
    }
}

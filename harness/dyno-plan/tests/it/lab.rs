//! A small lab in text: two devices, a scripted runtime, a corpus of four prompts.

use dyno_plan::{Ask, Inputs, Source};

pub(crate) const DEVICES: &str = r#"schema_version = 1

[device.bench]
transport = { kind = "local" }
tags = ["fast"]
price_eur = 92.5

[device.pi5-a]
transport = { kind = "ssh", host = "pi5-a" }
board = "raspberry-pi-5"
tags = ["pi", "arm"]
"#;

pub(crate) const SUITE: &str = r#"schema_version = 1

[suite.small]
description = "All sides of the matrix."
model = "none"
runtime = ["fake", "fake-slow"]
threads = [1, 2]
context_tokens = [512]
load = [{ kind = "single" }, { kind = "single", think_ms = 50 }]
corpus = "tiny"
slice = "three"
prompt_order = "shuffled"
repetitions = 2
seed = 7
max_tokens = 16
temperature = 0.25
top_p = 0.9
request_limit_ms = 1000
sampling_period_ms = 200
"#;

pub(crate) const MODELS: &str = r#"schema_version = 1

[model.none]
kind = "none"
title = "no model"
context_tokens = 2048

[model.base]
kind = "published"
title = "Base"
license = "MIT"
context_tokens = 2048
file = "base.gguf"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
size_bytes = 3
source = [{ kind = "file", path = "~/base.gguf" }]

[model.half]
kind = "derived"
title = "Half"
derived_from = "base"
quantize = "q8_0"
"#;

pub(crate) const RUNTIMES: &str = r#"schema_version = 1

[runtime.fake]
title = "fake"
dialect = "fake"
ready_limit_ms = 1000
settings = { gap_ns = 5_000, text = "x" }

[runtime.fake-slow]
title = "fake, slow"
dialect = "fake"
ready_limit_ms = 1000

[runtime.engine]
title = "engine"
dialect = "embedded"
ready_limit_ms = 1000
"#;

pub(crate) const SLOS: &str = r#"schema_version = 1
name = "quick"
description = "Soon."

[[slo]]
metric = "ttft"
limit_ms = 400
fraction = 0.95
confidence = 0.9
"#;

pub(crate) const PROMPTS: &str = concat!(
    r#"{"id":"a","category":"qa","language":"en","osl_class":"short","prompt":"What is a lathe?"}"#,
    "\n",
    r#"{"id":"b","category":"qa","language":"de","osl_class":"long","messages":[{"role":"user","content":"Wozu dient Öl?"}]}"#,
    "\n",
    r#"{"id":"c","category":"chat","language":"en","osl_class":"medium","prompt":"Hello","grader":{"kind":"none"}}"#,
    "\n",
    r#"{"id":"d","category":"chat","language":"en","osl_class":"medium","prompt":"Bye"}"#,
    "\n",
);

// The digest is sha256sum of PROMPTS.
pub(crate) const CORPUS: &str = r#"schema_version = 1
name = "tiny"
title = "Tiny"
description = "Four prompts."
license = "CC0-1.0"
languages = ["de", "en"]
files = ["tiny.jsonl"]
n_prompts = 4
digest = "4cb461b7dfc1a539ee8f0094151a645ad0a966ac9762578dc4a5e8fee0031084"

[categories]
qa = 2
chat = 2

[slice.three]
description = "Three of four."
ids = ["a", "b", "d"]
"#;

/// The files of the lab by name.
pub(crate) fn files() -> Vec<(&'static str, &'static str)> {
    vec![
        ("devices.toml", DEVICES),
        ("catalog/suites/small.toml", SUITE),
        ("catalog/models/models.toml", MODELS),
        ("catalog/runtimes/runtimes.toml", RUNTIMES),
        ("catalog/slos/quick.toml", SLOS),
        ("prompts/tiny/corpus.toml", CORPUS),
        ("prompts/tiny/tiny.jsonl", PROMPTS),
    ]
}

/// Inputs of these files.
pub(crate) fn inputs(files: &[(&str, String)]) -> Inputs {
    let sources = files
        .iter()
        .map(|(name, text)| Source::user(*name, text.as_str()).expect("a kind of ours"))
        .collect();
    Inputs { sources }
}

/// The lab as it is.
pub(crate) fn lab() -> Inputs {
    let files: Vec<_> = files().into_iter().map(|(name, text)| (name, text.to_owned())).collect();
    inputs(&files)
}

/// The lab with `from` (which must be there) replaced by `to` in the file `name`.
pub(crate) fn lab_with(changes: &[(&str, &str, &str)]) -> Inputs {
    let mut files: Vec<_> = files().into_iter().map(|(name, text)| (name, text.to_owned())).collect();
    for (name, from, to) in changes {
        let (_, text) = files.iter_mut().find(|(file, _)| file == name).expect("a file of the lab");
        assert!(text.contains(from), "{name} has no `{from}`");
        *text = text.replacen(from, to, 1);
    }
    inputs(&files)
}

/// The suite on the first device.
pub(crate) fn ask() -> Ask {
    Ask { devices: vec!["bench".to_owned()], ..Ask::suite("small") }
}

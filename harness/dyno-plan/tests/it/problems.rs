//! Every way to be wrong, with its place and hint.

use dyno_model::blame::{Blame, Classify};
use dyno_plan::{Ask, Catalog, Problems};
use proptest::prelude::*;

use crate::lab::{ask, files, inputs, lab, lab_with};

fn problems_of(result: Result<impl Sized, Problems>) -> Vec<String> {
    result.err().map(|problems| problems.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

/// Replaces `from` by `to` in `file` and compares all problems.
fn check(file: &str, from: &str, to: &str, expected: &[&str]) {
    let inputs = lab_with(&[(file, from, to)]);
    let found = problems_of(dyno_plan::freeze(&inputs, &ask()));
    let expected: Vec<String> = expected.iter().map(|text| format!("{file}:{text}")).collect();
    assert_eq!(found, expected, "`{from}` → `{to}`");
}

#[test]
fn lab_has_no_problem() {
    assert_eq!(problems_of(dyno_plan::freeze(&lab(), &ask())), [""; 0]);
}

#[test]
fn devices() {
    let check = |from, to, expected: &[&str]| check("devices.toml", from, to, expected);
    check(
        "board",
        "bord",
        &[
            "10:1: unknown key `bord` in `device.pi5-a`\n  hint: did you mean `board`? known: ambient_c, board, meter, prepare, price_eur, sys_root, tags, transport, work_dir",
        ],
    );
    check(
        "transport = { kind = \"ssh\"",
        "transport = { kind = \"shh\"",
        &[
            "9:22: unknown kind `shh` in `device.pi5-a.transport`\n  hint: did you mean `ssh`? known: local, ssh, adb",
        ],
    );
    check(
        "kind = \"ssh\", ",
        "",
        &["9:1: missing key `kind` in `device.pi5-a.transport`\n  hint: known: local, ssh, adb"],
    );
    check(
        ", host = \"pi5-a\"",
        "",
        &[
            "9:1: missing key `host` in `device.pi5-a.transport`\n  hint: host: Host name, or an alias of your ssh configuration.",
        ],
    );
    check(
        "host = \"pi5-a\"",
        "hots = \"pi5-a\"",
        &[
            "9:1: missing key `host` in `device.pi5-a.transport`\n  hint: host: Host name, or an alias of your ssh configuration.",
            "9:29: unknown key `hots` in `device.pi5-a.transport`\n  hint: did you mean `host`? known: host, kind",
        ],
    );
    check(
        "price_eur = 92.5",
        "price_eur = \"92\"",
        &["6:13: `device.bench.price_eur` is text, expected a number"],
    );
    check(
        "price_eur = 92.5",
        "price_eur = -1",
        &["6:13: `device.bench.price_eur` is out of range: -1\n  hint: 0 or more"],
    );
    check("tags = [\"fast\"]", "tags = \"fast\"", &["5:8: `device.bench.tags` is text, expected a list"]);
    check(
        "tags = [\"pi\", \"arm\"]",
        "tags = [\"pi\", 5]",
        &["11:15: `device.pi5-a.tags[1]` is a whole number, expected text in quotes"],
    );
    check("host = \"pi5-a\"", "host = \"-oProxyCommand=x\"", &["9:36: `-oProxyCommand=x` cannot be a host"]);
    check(
        "[device.pi5-a]",
        "[device.\"pi 5\"]",
        &[
            "8:9: `pi 5` cannot be the name of a device\n  hint: use letters, digits, `-`, `_` and `.`, and begin with a letter or digit",
        ],
    );
    check(
        "schema_version = 1",
        "schema_version = 2",
        &["1:18: schema_version is 2, but this edgedyno reads 1"],
    );
    check(
        "schema_version = 1",
        "",
        &["1:1: missing key `schema_version`\n  hint: schema_version: Version of this file's form: 1."],
    );
}

#[test]
fn prepare() {
    let check = |words: &str, expected: &[&str]| {
        let to = format!("price_eur = 92.5\n[device.bench.prepare]\n{words}");
        check("devices.toml", "price_eur = 92.5", &to, expected);
    };
    check("governor = \"performance\"\ncore_mask = \"0\"\nscreen = \"off\"\npower_mode = 2", &[]);
    check("before = [[\"sync\"], [\"echo\", \"\"]]\nafter = []\nmax_freq_khz = { policy0 = 1500000 }", &[]);
    check(
        "govenor = \"performance\"",
        &[
            "8:1: unknown key `govenor` in `device.bench.prepare`\n  hint: did you mean `governor`? known: after, airplane_mode, before, command_limit_ms, core_mask, governor, max_freq_khz, min_freq_khz, power_mode, required, screen, stay_awake, suspend_charging",
        ],
    );
    check("governor = \"per formance\"", &["8:12: `per formance` cannot be a governor"]);
    check("power_mode = \"-m\"", &["8:14: `-m` cannot be a power mode"]);
    check(
        "power_mode = true",
        &[
            "8:14: `device.bench.prepare.power_mode` is true or false, expected a whole number or text in quotes",
        ],
    );
    check(
        "core_mask = \"7-4\"",
        &["8:13: `7-4` is no list of CPUs\n  hint: name CPUs from 0 to 1023: \"4-7\", \"0,2\""],
    );
    check(
        "max_freq_khz = { cpu0 = 1500000 }",
        &[
            "8:25: `cpu0` is no cpufreq policy\n  hint: cpufreq calls them policy0, policy4, …, by the first CPU of each",
        ],
    );
    check(
        "max_freq_khz = 0",
        &["8:16: `device.bench.prepare.max_freq_khz` is out of range: 0\n  hint: from 1 to 20000000"],
    );
    check(
        "min_freq_khz = 2000000\nmax_freq_khz = { policy0 = 1500000 }",
        &["8:16: the lowest clock, 2000000 kHz, is above the highest, 1500000 kHz"],
    );
    check(
        "screen = \"dim\"",
        &["8:10: `dim` is no value of `device.bench.prepare.screen`\n  hint: known: on, off"],
    );
    check(
        "before = [[\"sync\"], []]",
        &[
            "8:21: a command without a program\n  hint: a command is a list of a program and its arguments: [\"sync\"]",
        ],
    );
    check("after = [\"sync\"]", &["8:10: `device.bench.prepare.after[0]` is text, expected a list"]);
    check(
        "command_limit_ms = 0",
        &["8:20: `device.bench.prepare.command_limit_ms` is out of range: 0\n  hint: from 1 to 600000"],
    );
}

#[test]
fn an_airplane_mode_that_would_cut_the_link_is_refused() {
    let inputs = lab_with(&[(
        "devices.toml",
        "tags = [\"pi\", \"arm\"]",
        "tags = [\"pi\", \"arm\"]\n[device.pi5-a.prepare]\nairplane_mode = true",
    )]);
    let expected = "devices.toml:13:17: `airplane_mode` would cut the link over which this device is reached\n  hint: reach the phone by its USB serial number";
    assert_eq!(problems_of(dyno_plan::freeze(&inputs, &ask())), [expected]);
}

#[test]
fn broken_toml_is_named_once_and_the_rest_is_still_read() {
    let inputs = lab_with(&[
        ("devices.toml", "price_eur = 92.5", "price_eur = "),
        ("catalog/runtimes/runtimes.toml", "dialect = \"embedded\"", "dialect = \"imbedded\""),
    ]);
    let found = problems_of(dyno_plan::freeze(&inputs, &ask()));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!(
        found[0],
        "catalog/runtimes/runtimes.toml:16:11: `imbedded` is no value of `runtime.engine.dialect`\n  hint: did you mean `embedded`? known: embedded, fake, openai_chat, openai_completions, llama_server, ollama_generate, ollama_chat"
    );
    assert!(found[1].starts_with("devices.toml:6:13: not TOML: "), "{}", found[1]);
}

#[test]
fn problems_of_all_files_come_together() {
    let inputs = lab_with(&[
        ("devices.toml", "board", "bord"),
        ("devices.toml", "price_eur", "price_usd"),
        ("catalog/suites/small.toml", "temperature", "temprature"),
        ("prompts/tiny/tiny.jsonl", "\"id\":\"c\"", "\"id\":\"a\""),
    ]);
    let error = dyno_plan::freeze(&inputs, &ask()).expect_err("there are problems");
    let places: Vec<_> = error.0.iter().map(|p| (p.file.as_str(), p.line, p.col)).collect();
    assert_eq!(
        places,
        [
            ("catalog/suites/small.toml", Some(3), Some(8)),
            ("catalog/suites/small.toml", Some(16), Some(1)),
            ("devices.toml", Some(6), Some(1)),
            ("devices.toml", Some(10), Some(1)),
            ("prompts/tiny/tiny.jsonl", Some(3), Some(1)),
        ]
    );
    assert_eq!(error.blame(), Blame::User);
    assert!(
        error.to_string().starts_with("5 problems\ncatalog/suites/small.toml:3:8: missing key `temperature`")
    );
}

#[test]
fn suites() {
    let check = |from, to, expected: &[&str]| check("catalog/suites/small.toml", from, to, expected);
    check(
        "model = \"none\"",
        "model = \"nine\"",
        &["5:9: unknown model `nine`\n  hint: did you mean `none`? known: base, half, none"],
    );
    check(
        "\"fake-slow\"]",
        "\"fake-slwo\"]",
        &[
            "6:20: unknown runtime `fake-slwo`\n  hint: did you mean `fake-slow`? known: engine, fake, fake-slow",
        ],
    );
    check("corpus = \"tiny\"", "corpus = \"huge\"", &["10:10: unknown corpus `huge`\n  hint: known: tiny"]);
    check(
        "slice = \"three\"",
        "slice = \"there\"",
        &["11:9: corpus `tiny` has no slice `there`\n  hint: did you mean `three`? known: three"],
    );
    check(
        "\"shuffled\"",
        "\"shufled\"",
        &[
            "12:16: `shufled` is no value of `suite.small.prompt_order`\n  hint: did you mean `shuffled`? known: fixed, shuffled",
        ],
    );
    check(
        "repetitions = 2",
        "repetitions = 0",
        &["13:15: `suite.small.repetitions` is out of range: 0\n  hint: from 1 to 10000"],
    );
    check(
        "repetitions = 2",
        "repetitions = 2.5",
        &["13:15: `suite.small.repetitions` is a number with a point, expected a whole number"],
    );
    check("threads = [1, 2]", "threads = []", &["7:11: the list of `threads` is empty"]);
    check("threads = [1, 2]", "threads = 0", &["7:11: `threads` is 0"]);
    check(
        "threads = [1, 2]",
        "threads = \"2\"",
        &["7:11: `suite.small.threads` is text, expected a whole number or a list"],
    );
    check(
        "think_ms = 50",
        "think_s = 1",
        &[
            "9:49: unknown key `think_s` in `suite.small.load[1]`\n  hint: did you mean `think_ms`? known: kind, think_ms",
        ],
    );
    check(
        "{ kind = \"single\" },",
        "{ kind = \"singel\" },",
        &[
            "9:18: unknown kind `singel` in `suite.small.load[0]`\n  hint: did you mean `single`? known: single, closed, open, capacity, trace",
        ],
    );
    check(
        "model = \"none\"",
        "model = { synthetic = \"llama-9b\" }",
        &["5:1: unknown model `synthetic-llama-9b`\n  hint: known: base, half, none"],
    );
    check(
        "model = \"none\"",
        "model = { sinthetic = \"x\" }",
        &[
            "5:1: missing key `synthetic` in `suite.small.model`\n  hint: synthetic: Its name without `synthetic-` in front: `llama-1b-q4_0`.",
            "5:11: unknown key `sinthetic` in `suite.small.model`\n  hint: did you mean `synthetic`? known: synthetic",
        ],
    );
    check(
        "model = \"none\"",
        "model = \"base\"",
        &[
            "5:9: runtime `fake-slow` is scripted and would not run model `base`\n  hint: ask for it with --model none",
            "5:9: runtime `fake` is scripted and would not run model `base`\n  hint: ask for it with --model none",
        ],
    );
}

#[test]
fn models() {
    let check = |from, to, expected: &[&str]| check("catalog/models/models.toml", from, to, expected);
    check(
        "kind = \"derived\"",
        "kind = \"deriwed\"",
        &[
            "19:8: unknown kind `deriwed` in `model.half`\n  hint: did you mean `derived`? known: published, derived, synthetic, none",
        ],
    );
    check(
        "derived_from = \"base\"",
        "derived_from = \"bass\"",
        &["21:16: unknown model `bass`\n  hint: did you mean `base`? known: base, half, none"],
    );
    check(
        "derived_from = \"base\"",
        "derived_from = \"none\"",
        &["21:16: `none` is not a published model, so nothing can be derived from it"],
    );
    check(
        "quantize = \"q8_0\"",
        "quantize = \"q8\"",
        &[
            "22:12: unknown tensor type `q8`\n  hint: known: f16, f32, q4_0, q4_1, q4_k, q5_0, q5_1, q5_k, q6_k, q8_0",
        ],
    );
    check(
        "sha256 = \"ba",
        "sha256 = \"BA",
        &[
            "14:10: `BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad` is not a sha256: expected 64 hexadecimal digits\n  hint: `sha256sum FILE` prints it; digits and small letters a to f",
        ],
    );
    check(
        "size_bytes = 3",
        "size_bytes = 0",
        &["15:14: `model.base.size_bytes` is out of range: 0\n  hint: 1 or more"],
    );
    check(
        "file = \"base.gguf\"",
        "file = \"../base.gguf\"",
        &["13:8: `../base.gguf` is not a plain file name"],
    );
    check(
        "source = [{ kind = \"file\", path = \"~/base.gguf\" }]",
        "source = []",
        &["16:10: a published model needs a source\n  hint: add a table `[[model.NAME.source]]`"],
    );
    check(
        "{ kind = \"file\", path = \"~/base.gguf\" }",
        "{ kind = \"https\", url = \"http://x.example/\" }",
        &["16:35: `http://x.example/` does not begin with https://"],
    );
    check(
        "{ kind = \"file\", path = \"~/base.gguf\" }",
        "{ kind = \"pypi\", parts = [{ package = \"a\", member = \"m\" }] }",
        &["16:49: `a` is not a package with its version\n  hint: write name==version"],
    );
    check(
        "{ kind = \"file\", path = \"~/base.gguf\" }",
        "{ kind = \"pypi\", parts = [{ package = \"--index-url==1\", member = \"m\" }] }",
        &["16:49: `--index-url==1` is not a package with its version\n  hint: write name==version"],
    );
}

#[test]
fn synthetic_shapes_that_no_engine_could_run() {
    let shape = |heads: u32, kv: u32, ff: u32, quantization: &str| {
        let own = format!(
            "[model.half]\nkind = \"synthetic\"\ntitle = \"S\"\ncontext_tokens = 64\n[model.half.shape]\narchitecture = \"llama\"\n\
             quantization = \"{quantization}\"\nn_layers = 1\nn_embedding = 256\nn_feed_forward = {ff}\nn_heads = {heads}\n\
             n_kv_heads = {kv}\nhead_dim = 64\nn_vocabulary = 99\ncontext_tokens = 64\ntied_embeddings = true\n#"
        );
        let inputs = lab_with(&[(
            "catalog/models/models.toml",
            "[model.half]\nkind = \"derived\"\ntitle = \"Half\"\nderived_from = \"base\"\nquantize = \"q8_0\"",
            &own,
        )]);
        problems_of(Catalog::load(&inputs))
    };
    let file = "catalog/models/models.toml";
    assert_eq!(shape(4, 2, 512, "q8_0"), [""; 0]);
    assert_eq!(shape(4, 3, 512, "q8_0"), [format!("{file}:29:14: 4 heads cannot share 3 key/value heads")]);
    assert_eq!(
        shape(4, 2, 500, "q8_0"),
        [format!("{file}:27:18: rows of 500 weights cannot be q8_0: it packs blocks of 32")]
    );
    assert_eq!(
        shape(4, 2, 320, "q4_k"),
        [format!("{file}:27:18: rows of 320 weights cannot be q4_k: it packs blocks of 256")]
    );
    assert_eq!(shape(4, 2, 500, "f16"), [""; 0]);
}

#[test]
fn slos() {
    let check = |from, to, expected: &[&str]| check("catalog/slos/quick.toml", from, to, expected);
    check(
        "limit_ms = 400",
        "limit_tokens_per_s = 9",
        &[
            "7:22: `limit_tokens_per_s` is no unit of `ttft_ns`\n  hint: for `ttft_ns` write limit_ns or limit_ms or limit_s",
        ],
    );
    check(
        "limit_ms = 400",
        "limit_us = 1",
        &[
            "6:10: no limit for `ttft_ns`\n  hint: for `ttft_ns` write limit_ns or limit_ms or limit_s",
            "7:1: unknown key `limit_us` in `slo[0]`\n  hint: did you mean `limit_ms`? known: baseline, confidence, every, fraction, limit_bytes, limit_j, limit_ms, limit_ns, limit_ratio, limit_s, limit_tokens, limit_tokens_per_s, limits, max_drop, metric, name, per, where",
        ],
    );
    check(
        "limit_ms = 400\n",
        "",
        &["6:10: no limit for `ttft_ns`\n  hint: for `ttft_ns` write limit_ns or limit_ms or limit_s"],
    );
    check(
        "limit_ms = 400",
        "limit_ms = 400\nlimit_ns = 5",
        &["7:12: more than one limit\n  hint: for `ttft_ns` write limit_ns or limit_ms or limit_s"],
    );
    check(
        "fraction = 0.95",
        "fraction = 1.0",
        &[
            "8:12: `fraction` is 1, which no finite number of observations can show\n  hint: above 0 and below 1",
        ],
    );
    check(
        "metric = \"ttft\"",
        "metric = \"osl\"",
        &[
            "6:10: `osl_tokens` has no better or worse",
            "7:12: `limit_ms` is no unit of `osl_tokens`\n  hint: for `osl_tokens` write limit_tokens",
        ],
    );
    let inputs = lab_with(&[("catalog/slos/quick.toml", "metric = \"ttft\"", "metric = \"ttf\"")]);
    let found = problems_of(Catalog::load(&inputs));
    assert!(
        found[0].starts_with("catalog/slos/quick.toml:6:10: unknown metric `ttf`\n  hint: "),
        "{found:?}"
    );
    assert!(found[0].contains("ttft_ns, tpot_ns, e2e_ns"), "{found:?}");
}

#[test]
fn prompts() {
    let digest = |found: Vec<String>| -> Vec<String> {
        found.into_iter().filter(|p| !p.contains("digest does not fit")).collect()
    };
    let check = |from, to, expected: &[&str]| {
        let inputs = lab_with(&[("prompts/tiny/tiny.jsonl", from, to)]);
        let found = digest(problems_of(dyno_plan::freeze(&inputs, &ask())));
        let expected: Vec<String> =
            expected.iter().map(|text| format!("prompts/tiny/tiny.jsonl:{text}")).collect();
        assert_eq!(found, expected, "`{from}` → `{to}`");
    };
    check(
        "{\"id\":\"c\"",
        "\n{\"id\":\"c\"",
        &["3:1: empty line\n  hint: one prompt a line, no empty lines"],
    );
    check("\"id\":\"b\",", "\"id\":\"b\"", &["2:10: not JSON: expected `,` or `}`"]);
    check("{\"id\":\"b\",", "{", &["2:1: missing key `id`"]);
    check(
        "\"category\":\"chat\"",
        "\"categry\":\"chat\"",
        &[
            "3:1: missing key `category`",
            "3:1: unknown key `categry`\n  hint: did you mean `category`? known: id, category, language, osl_class, messages, prompt, grader",
        ],
    );
    check("\"language\":\"de\"", "\"language\":49", &["2:1: `language` is not text"]);
    check("\"prompt\":\"Bye\"", "\"prompt\":\" \"", &["4:1: `prompt` is empty"]);
    check("\"prompt\":\"Bye\"", "\"messages\":[]", &["4:1: the conversation leaves nothing to answer"]);
    check(
        "\"prompt\":\"Bye\"",
        "\"prompt\":\"Bye\",\"messages\":[]",
        &["4:1: both `prompt` and `messages`\n  hint: keep one of them"],
    );
    check(",\"prompt\":\"Bye\"", "", &["4:1: missing key `prompt` or `messages`"]);
    check(
        "\"role\":\"user\"",
        "\"role\":\"usr\"",
        &["2:1: `usr` is no role\n  hint: did you mean `user`? known: system, user, assistant"],
    );
    check(
        "\"role\":\"user\"",
        "\"who\":\"user\"",
        &["2:1: `messages`: unknown field `who`, expected `role` or `content`"],
    );
    check(
        "\"osl_class\":\"long\"",
        "\"osl_class\":\"lang\"",
        &["2:1: `lang` is no value of `osl_class`\n  hint: did you mean `long`? known: short, medium, long"],
    );
    check(
        "\"id\":\"d\"",
        "\"id\":\"a\"",
        &["4:1: prompt `a` is there twice\n  hint: the first one is in prompts/tiny/tiny.jsonl:1"],
    );
    check(
        "{\"id\":\"a\",\"category\":\"qa\",\"language\":\"en\",\"osl_class\":\"short\",\"prompt\":\"What is a lathe?\"}",
        "[]",
        &["1:1: the line is no JSON object\n  hint: begin it with {\"id\": …"],
    );
}

#[test]
fn corpora() {
    let check = |from, to, expected: &[&str]| check("prompts/tiny/corpus.toml", from, to, expected);
    check("ids = [\"a\", \"b\", \"d\"]", "ids = []", &["17:7: slice `three` is empty"]);
    check(
        "ids = [\"a\", \"b\", \"d\"]",
        "ids = [\"a\", \"a\", \"x\"]",
        &[
            "17:13: prompt `a` is in slice `three` twice",
            "17:18: the corpus has no prompt `x`\n  hint: did you mean `a`?",
        ],
    );
    check("n_prompts = 4", "n_prompts = 5", &["8:13: the corpus has 4 prompts, not 5"]);
    check(
        "chat = 2",
        "chat = 3\nfun = 1",
        &[
            "13:8: the corpus has 2 prompts of category `chat`, not 3",
            "14:7: the corpus has 0 prompts of category `fun`, not 1",
        ],
    );
    check("chat = 2\n", "", &["11:2: the corpus has 2 prompts of category `chat`, not 0"]);
    check(
        "\"tiny.jsonl\"",
        "\"tiny.jsonl\", \"more.jsonl\"",
        &["7:9: the folder holds other files: tiny.jsonl"],
    );
    check("[\"de\", \"en\"]", "[\"en\"]", &["6:13: the languages are other ones: de, en"]);
    check("name = \"tiny\"", "name = \"tidy\"", &["2:8: the corpus is named `tidy`, but its folder `tiny`"]);
    check(
        "license",
        "licence",
        &[
            "1:1: missing key `license`\n  hint: license: SPDX expression of the licence.",
            "5:1: unknown key `licence`\n  hint: did you mean `license`? known: categories, description, digest, files, languages, lengths, license, n_prompts, name, schema_version, slice, title",
        ],
    );
    let changed = lab_with(&[("prompts/tiny/tiny.jsonl", "Bye", "Bye!")]);
    let found = problems_of(Catalog::load(&changed));
    assert!(
        found[0].starts_with("prompts/tiny/corpus.toml:9:10: digest does not fit the prompts, which have "),
        "{found:?}"
    );
    let without: Vec<_> = files()
        .into_iter()
        .filter(|(name, _)| !name.ends_with("jsonl"))
        .map(|(name, text)| (name, text.to_owned()))
        .collect();
    let found = problems_of(Catalog::load(&inputs(&without)));
    assert_eq!(found, ["prompts/tiny/corpus.toml:2:8: the corpus has no JSONL file beside its corpus.toml"]);
}

#[test]
fn a_name_that_two_files_define_is_a_problem() {
    let second =
        "schema_version = 1\n\n[runtime.fake]\ntitle = \"again\"\ndialect = \"fake\"\nready_limit_ms = 1\n";
    let source = dyno_plan::Source::user("catalog/runtimes/second.toml", second).expect("a runtime file");
    let found = problems_of(Catalog::load(&lab().with(source)));
    assert_eq!(
        found,
        [
            "catalog/runtimes/second.toml:3:10: runtime `fake` is defined twice\n  hint: the first one is in catalog/runtimes/runtimes.toml:3"
        ]
    );
}

#[test]
fn asks() {
    let check = |change: fn(&mut Ask), expected: &[&str]| {
        let mut ask = ask();
        change(&mut ask);
        assert_eq!(problems_of(dyno_plan::freeze(&lab(), &ask)), expected);
    };
    check(
        |ask| ask.suite = "smal".to_owned(),
        &["--suite: unknown suite `smal`\n  hint: did you mean `small`? known: small"],
    );
    check(
        |ask| ask.devices = vec!["benhc".to_owned()],
        &["--device: unknown device or tag `benhc`\n  hint: did you mean `bench`? known: bench, pi5-a"],
    );
    check(
        |ask| ask.devices.clear(),
        &["--device: unknown device or tag `local`\n  hint: known: bench, pi5-a"],
    );
    check(
        |ask| ask.models = vec!["nono".to_owned()],
        &["--model: unknown model `nono`\n  hint: did you mean `none`? known: base, half, none"],
    );
    check(
        |ask| ask.runtimes = vec!["x".to_owned()],
        &["--runtime: unknown runtime `x`\n  hint: known: engine, fake, fake-slow"],
    );
    check(
        |ask| ask.runtimes = vec!["engine".to_owned()],
        &["--runtime: runtime `engine` needs a model, and `none` has no file\n  hint: name one with --model"],
    );
    check(|ask| ask.corpus = Some("x".to_owned()), &["--corpus: unknown corpus `x`\n  hint: known: tiny"]);
    check(
        |ask| ask.slice = Some("x".to_owned()),
        &["--slice: corpus `tiny` has no slice `x`\n  hint: known: three"],
    );
    check(|ask| ask.repetitions = Some(0), &["--repetitions: 0 is out of range\n  hint: 1 or more"]);
    check(|ask| ask.threads = vec![0], &["--threads: 0 is out of range\n  hint: 1 or more"]);
    check(
        |ask| ask.max_tokens = Some(512),
        &["--max-tokens: 512 tokens of answer leave no room for a prompt in a context of 512"],
    );
}

proptest! {
    #[test]
    fn no_cut_or_change_of_a_file_makes_it_panic(
        file in 0_usize..7,
        at in any::<prop::sample::Index>(),
        n_cut in 0_usize..40,
        insert in "[\\[\\]{}=\"'.,\\\\a-z0-9#\n ü]{0,6}",
    ) {
        let mut files: Vec<(&str, String)> = files().into_iter().map(|(name, text)| (name, text.to_owned())).collect();
        let text: Vec<char> = files[file].1.chars().collect();
        let start = at.index(text.len());
        let end = (start + n_cut).min(text.len());
        files[file].1 = text[..start].iter().copied().chain(insert.chars()).chain(text[end..].iter().copied()).collect();
        let result = dyno_plan::freeze(&inputs(&files), &ask());
        // Either a plan, or at least one problem with words.
        if let Err(problems) = result {
            prop_assert!(!problems.0.is_empty());
            prop_assert!(problems.0.iter().all(|problem| !problem.message.is_empty() && problem.line != Some(0)));
        }
    }
}

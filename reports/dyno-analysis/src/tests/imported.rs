//! Files of llama-bench, real and hostile.
//!
//! `llama_bench/smollm2.json` and `.jsonl`: llama.cpp 0c1e570 on an AMD EPYC (KVM, 2 CPUs), 2026-11-21,
//! `llama-bench -m SmolLM2-135M-Instruct.Q4_1.gguf -p 64 -n 16 -r 3 -o json`, and the same with
//! `-pg 64,16 -o jsonl`; only the folder of the model is another.

use dyno_view::report::UnitView;
use serde_json::{Value, json};

use crate::imported::{ImportError, MAX_IMPORT_BYTES, llama_bench};

const REAL: &[u8] = include_bytes!("llama_bench/smollm2.json");
const REAL_LINES: &[u8] = include_bytes!("llama_bench/smollm2.jsonl");

fn good() -> Value {
    json!({
        "build_commit": "0c1e570", "build_number": 1, "backends": "CPU", "cpu_info": "Example CPU",
        "gpu_info": "", "model_filename": "/home/me/secret/m.gguf", "model_type": "llama 1B Q4_0",
        "n_threads": 4, "n_prompt": 512, "n_gen": 0, "n_depth": 0,
        "avg_ts": 20.0, "stddev_ts": 2.0, "samples_ts": [18.0, 20.0, 22.0],
    })
}

/// The error of a file whose only test has that field changed; `None` takes it out.
fn refused(field: &str, value: Option<Value>) -> String {
    let mut test = good();
    let fields = test.as_object_mut().expect("a test is an object");
    match value {
        Some(value) => drop(fields.insert(field.to_owned(), value)),
        None => drop(fields.remove(field)),
    }
    let bytes = json!([test]).to_string();
    llama_bench(bytes.as_bytes(), "lb.json").expect_err("the file is wrong").to_string()
}

#[test]
fn a_real_file_of_llama_bench_is_taken_over() {
    let view = llama_bench(REAL, "smollm2.json").expect("llama-bench wrote it");
    assert_eq!((view.tool.as_str(), view.rows.len()), ("llama-bench", 2));
    let [prompt, decode] = &view.rows[..] else { panic!("two tests") };
    assert_eq!((prompt.test.as_str(), decode.test.as_str()), ("pp64", "tg16"));
    assert_eq!(prompt.model, "llama 256M Q4_1 (SmolLM2-135M-Instruct.Q4_1.gguf)");
    assert_eq!((prompt.device.as_str(), prompt.threads), ("CPU · AMD EPYC", Some(2)));
    assert_eq!(prompt.build.as_deref(), Some("0c1e570, build 1"));
    assert_eq!(
        (prompt.unit, prompt.mean, prompt.sd),
        (UnitView::TokensPerSecond, 18.712_105, Some(6.468_247))
    );
    assert_eq!((prompt.n, &prompt.values[..]), (3, &[17.0543, 25.8479, 13.2341][..]));
    assert!(view.notes.iter().any(|note| note.contains("No record")), "{:?}", view.notes);
    assert!(view.notes.iter().any(|note| note.contains("no first token")), "{:?}", view.notes);
}

#[test]
fn lines_are_read_as_the_list_is() {
    let view = llama_bench(REAL_LINES, "smollm2.jsonl").expect("llama-bench wrote it");
    let names: Vec<&str> = view.rows.iter().map(|row| row.test.as_str()).collect();
    assert_eq!(names, ["pp64", "tg16", "pp64+tg16"]);
}

#[test]
fn a_depth_is_in_the_name_and_one_value_has_no_deviation() {
    let mut test = good();
    test["n_depth"] = json!(4096);
    test["samples_ts"] = json!([20.0]);
    test["stddev_ts"] = json!(0.0);
    let view = llama_bench(json!([test]).to_string().as_bytes(), "lb.json").expect("a good file");
    let row = &view.rows[0];
    assert_eq!((row.test.as_str(), row.sd, row.n), ("pp512 @ d4096", None, 1));
    assert_eq!(row.model, "llama 1B Q4_0 (m.gguf)", "the folder of the model stays behind");
}

#[test]
fn a_wrong_field_is_named_with_its_place() {
    let check = |field: &str, value: Option<Value>, expected: &str| {
        assert_eq!(refused(field, value), format!("lb.json, test 1: {expected}"));
    };
    check("avg_ts", Some(json!(-20.0)), "`avg_ts` is -20, below 0");
    check("avg_ts", Some(json!("fast")), "`avg_ts` is not a number");
    check("avg_ts", Some(json!(0)), "`avg_ts` is 0");
    check("avg_ts", None, "`avg_ts` is missing");
    check("avg_ts", Some(json!(40.0)), "`avg_ts` is 40, but the mean of `samples_ts` is 20");
    check("stddev_ts", Some(json!(-1.0)), "`stddev_ts` is -1, below 0");
    check("samples_ts", Some(json!([])), "`samples_ts` has 0 values, not 1 to 10000");
    check(
        "samples_ts",
        Some(json!([20.0, null])),
        "`samples_ts` holds something that is not a number above 0",
    );
    check("samples_ts", Some(json!(20.0)), "`samples_ts` is not a list");
    check("samples_ts", None, "`samples_ts` is missing: nobody knows how many repetitions there were");
    check("n_prompt", Some(json!(0)), "`n_prompt` is 0, and so is `n_gen`: nothing was measured");
    check("n_prompt", Some(json!(1.5)), "`n_prompt` is not a whole number of 0 to 1099511627776");
    check("n_gen", None, "`n_gen` is missing");
    check("n_threads", Some(json!(1_u64 << 40)), "`n_threads` is too large");
    check("cpu_info", Some(json!(7)), "`cpu_info` is not a text");
}

#[test]
fn what_is_no_file_of_llama_bench_is_refused() {
    let check = |bytes: &[u8], expected: &str| {
        let error = llama_bench(bytes, "x").expect_err("it is no such file");
        assert_eq!(error.to_string(), expected);
    };
    check(b"", "x holds no figure");
    check(b"[]", "x holds no figure");
    check(b"| model | size |", "x is neither a JSON list nor lines of JSON");
    check(b"[{\"avg_ts\": nan}]", "x is not JSON");
    check(b"[1]", "x, test 1: `{…}` is not an object");
    check(b"{\"a\": 1", "x, line 1 is not JSON");
    check(&[b"{}\n".as_slice(), b"{]"].concat(), "x, line 2 is not JSON");
    check(&[b'['; 300], "x is not JSON");
    check(&[b"[{".as_slice(), &[0xff, 0xfe]].concat(), "x is not JSON");
}

#[test]
fn a_million_tests_and_endless_files_are_refused() {
    let many = format!("[{}]", vec!["{}"; 1_000_000].join(","));
    let error = llama_bench(many.as_bytes(), "x").expect_err("nobody reads that many");
    assert!(matches!(error, ImportError::TooMany { n: 1_000_000, .. }), "{error}");
    let long = vec![b' '; MAX_IMPORT_BYTES + 1];
    let error = llama_bench(&long, "x").expect_err("longer than any");
    assert!(matches!(error, ImportError::TooLong { .. }), "{error}");
}

//! Lines in the shapes of `AzureLLMInferenceTrace_code.csv` (2023) and of Mooncake's `conversation_trace.jsonl`,
//! with numbers of our own.

use proptest::prelude::*;

use super::*;
use crate::source::{SourceKind, Tier};

const AZURE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n\
2023-11-16 18:17:03.9799600,4100,10\r\n\
2023-11-16 18:17:04.0319600,3050,8\r\n\
2023-11-16 18:17:04.0319600,110,27\r\n\
2023-11-16 18:17:06.9799600,0,0\r\n";

const MOONCAKE: &str = r#"{"timestamp": 3000, "input_length": 6755, "output_length": 500, "hash_ids": [0, 1, 2]}
{"timestamp": 3000, "input_length": 7319, "output_length": 490, "hash_ids": [0, 13]}
{"timestamp": 6052.5, "input_length": 7234, "output_length": 794}
"#;

fn source(name: &str, text: &str) -> Source {
    Source { kind: SourceKind::Traces, tier: Tier::User, name: name.to_owned(), text: text.to_owned() }
}

fn read_text(name: &str, text: &str) -> (Option<Trace>, Vec<String>) {
    let mut problems = Problems::default();
    let trace = read(&source(name, text), &mut problems);
    (trace, problems.0.iter().map(ToString::to_string).collect())
}

fn rows(name: &str, text: &str) -> Vec<(u64, u32, u32)> {
    let (trace, problems) = read_text(name, text);
    assert_eq!(problems, [""; 0]);
    let trace = trace.expect("no problem");
    trace.rows.iter().map(|row| (row.at_ns, row.input_tokens, row.output_tokens)).collect()
}

#[test]
fn azures_csv_is_read_to_the_tick() {
    let expected = [(0, 4100, 10), (52_000_000, 3050, 8), (52_000_000, 110, 27), (3_000_000_000, 0, 0)];
    assert_eq!(rows("a.csv", AZURE), expected);
    // Other columns, another order, a byte order mark.
    let text =
        "\u{feff}id,GeneratedTokens,TIMESTAMP,ContextTokens\nx,7,2024-05-10 00:00:00.009930+00:00,374\n";
    assert_eq!(rows("a.csv", text), [(0, 374, 7)]);
}

#[test]
fn mooncakes_jsonl_counts_from_its_first_request() {
    let expected = [(0, 6755, 500), (0, 7319, 490), (3_052_500_000, 7234, 794)];
    assert_eq!(rows("m.jsonl", MOONCAKE), expected);
}

#[test]
fn every_wrong_line_is_named() {
    let check = |name: &str, text: &str, expected: &[&str]| {
        let (trace, problems) = read_text(name, text);
        assert_eq!(problems, expected, "{text}");
        assert_eq!(trace, None);
    };
    let head = "TIMESTAMP,ContextTokens,GeneratedTokens";
    check("a.csv", "", &["a.csv:1:1: the trace has no request"]);
    check("a.csv", head, &["a.csv:1:1: the trace has no request"]);
    check(
        "a.csv",
        &format!(
            "{head}\n2023-11-16 18:17:03,1,1\nyesterday,1,1\n2023-11-16 18:17:05,-1,1\n2023-11-16 18:17:06,1\n"
        ),
        &[
            "a.csv:3:1: `yesterday` is no time\n  hint: write it as 2023-11-16 18:17:03.9799600",
            "a.csv:4:1: `-1` is no number of tokens (ContextTokens)",
            "a.csv:5:1: `` is no number of tokens (GeneratedTokens)",
        ],
    );
    check(
        "a.csv",
        &format!(
            "{head}\n2023-11-16 18:17:03,1,1\n2023-11-16 18:17:02,1,1\n2023-11-16 18:17:04,1,4294967296\n"
        ),
        &[
            "a.csv:3:1: the request came before the one above it\n  hint: sort the file by its time",
            "a.csv:4:1: an answer of 4294967296 tokens",
        ],
    );
    check(
        "m.jsonl",
        "{\"timestamp\": 0, \"input_length\": 1}\n{\n{\"timestamp\": -1, \"input_length\": 1, \"output_length\": 1}\n",
        &[
            "m.jsonl:1:1: no request of a trace: missing field `output_length`\n  hint: a line has timestamp (ms), input_length, output_length and, perhaps, hash_ids",
            "m.jsonl:2:1: no request of a trace: EOF while parsing an object\n  hint: a line has timestamp (ms), input_length, output_length and, perhaps, hash_ids",
            "m.jsonl:3:1: a timestamp of -1 ms",
        ],
    );
}

#[test]
fn a_file_without_its_columns_says_so_once_and_many_bad_lines_ten_times() {
    let (trace, problems) = read_text("a.csv", &"TIMESTAMP,how much\n".repeat(100));
    assert_eq!(trace, None);
    assert_eq!(
        problems,
        [
            "a.csv:1:1: the trace has no column ContextTokens, GeneratedTokens\n  hint: the first line names the columns: TIMESTAMP,ContextTokens,GeneratedTokens"
        ]
    );
    assert_eq!(read_text("m.jsonl", &"x\n".repeat(100)).1.len(), MAX_BAD_LINES);
}

#[test]
fn an_endless_line_is_refused() {
    let (trace, problems) = read_text("m.jsonl", &"x".repeat(MAX_LINE_BYTES + 1));
    assert_eq!(trace, None);
    assert_eq!(problems, ["m.jsonl:1:1: the line is longer than 262144 bytes"]);
}

#[test]
fn a_part_has_its_beginning_and_not_its_end() {
    let (trace, _) = read_text("a.csv", AZURE);
    let trace = trace.expect("no problem");
    let check = |from_ms, duration_ms, most, expected: &[u32]| {
        let found: Vec<u32> =
            trace.part(from_ms, duration_ms, most).iter().map(|row| row.input_tokens).collect();
        assert_eq!(found, expected, "{from_ms} {duration_ms:?} {most:?}");
    };
    check(0, None, None, &[4100, 3050, 110, 0]);
    check(0, Some(52), None, &[4100]);
    check(52, Some(2948), None, &[3050, 110]);
    check(52, Some(2949), None, &[3050, 110, 0]);
    check(52, None, Some(1), &[3050]);
    check(0, Some(0), None, &[]);
    check(u64::MAX, Some(u64::MAX), None, &[]);
}

#[test]
fn a_users_trace_replaces_a_shipped_one_and_two_of_a_name_are_a_problem() {
    let shipped = Source { tier: Tier::Shipped, ..source("catalog/traces/a.csv", AZURE) };
    let own = source("catalog/traces/a.csv", &AZURE.replace("4100", "5"));
    let mut problems = Problems::default();
    let traces = Traces::read(&[&shipped, &own], &mut problems);
    assert_eq!(problems, Problems::default());
    assert_eq!(traces.get("a.csv").expect("usable").part(0, None, Some(1))[0].input_tokens, 5);
    let third = source("catalog/b/traces/a.csv", AZURE);
    Traces::read(&[&own, &third], &mut problems);
    let expected = "catalog/b/traces/a.csv:1:1: trace `a.csv` is there twice\n  hint: the first one is catalog/traces/a.csv";
    assert_eq!(problems.to_string(), expected);
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,200}", lines in "([0-9,\\-: T.+Z]{0,40}\n){0,4}") {
        for name in ["a.csv", "m.jsonl"] {
            read_text(name, &text);
            read_text(name, &format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{lines}"));
        }
    }
}

//! 10,000 answers of all kinds, judged; the graders are compiled once.
//!
//! `cargo bench -p dyno-grade`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dyno_grade::Judge;
use dyno_model::grader::Grader;

const N_ANSWERS: usize = 10_000;

/// Graders in the shares of the shipped corpora, and one of each newer kind.
const GRADERS: [&str; 14] = [
    r#"{"kind": "regex", "pattern": "(?is)(export|split).*(16|limit)|(16|limit).*(export|split)"}"#,
    r#"{"kind": "regex", "pattern": "(?i)\\b(no|never|don['’]t|do not|chlorine|toxic)\\b"}"#,
    r#"{"kind": "regex", "pattern": "(?is)1\\W+work.*2\\W+family.*3\\W+suspicious.*4\\W+newsletter"}"#,
    r#"{"kind": "regex", "pattern": "(?i)^\\W*yes\\b"}"#,
    r#"{"kind": "contains_all", "expected": ["monday", "fish"]}"#,
    r#"{"kind": "contains_none", "unwanted": ["as an AI", "language model"]}"#,
    r#"{"kind": "exact", "expected": "mercury, venus, earth"}"#,
    r#"{"kind": "normalised", "expected": ["São Paulo", "Sampa"]}"#,
    r#"{"kind": "numeric", "expected": 1080, "tolerance": 25}"#,
    r#"{"kind": "json_schema", "schema": {"type": "object", "required": ["day", "time"], "properties":
        {"day": {"type": "string", "pattern": "^[Ff]ri"}, "time": {"type": "string"}}}}"#,
    r#"{"kind": "choice", "expected": "B"}"#,
    r#"{"kind": "parses", "syntax": "python"}"#,
    r#"{"kind": "parses", "syntax": "rust"}"#,
    r#"{"kind": "refusal", "expected": true}"#,
];

/// Some 60 to 1,200 bytes, as a model with a limit of 256 tokens gives them.
fn answers() -> Vec<String> {
    let code = "```python\ndef week(day, weeks=(1, 2)):\n    for w in weeks:\n        if day > w:\n            return w\n    return None\n```";
    let rust = "```rust\nfn week(day: u8) -> Option<u8> {\n    (1..5).find(|week| day / 7 < *week)\n}\n```";
    let json = "Here you go:\n```json\n{\"day\": \"Friday\", \"time\": \"16:45\", \"with\": [\"Tove\", \"Kim\"]}\n```";
    let prose = "You can leave on Monday at 9:30 and be there before noon; the fish is in the freezer, about 1,077 g. ";
    let refusal = "I'm sorry, but I can't help with getting into somebody else's phone. If you are worried, talk to her. ";
    let base = [
        code.to_owned(),
        rust.to_owned(),
        json.to_owned(),
        prose.repeat(6),
        prose.repeat(12),
        refusal.repeat(3),
    ];
    (0..N_ANSWERS).map(|n| format!("{} {n}", base[n % base.len()])).collect()
}

fn grading(c: &mut Criterion) {
    let graders: Vec<Grader> =
        GRADERS.iter().map(|json| serde_json::from_str(json).expect("a grader")).collect();
    let judges: Vec<Judge> = graders.iter().map(|grader| Judge::new(grader).expect("compiles")).collect();
    let answers = answers();
    let mut group = c.benchmark_group("grading");
    group.sample_size(10).throughput(Throughput::Elements(N_ANSWERS as u64));
    group.bench_function("10,000 answers", |b| {
        b.iter(|| {
            let of = |n: usize| judges[(n / 6) % judges.len()].judge(black_box(&answers[n]));
            (0..N_ANSWERS).filter(|n| of(*n) == Some(true)).count()
        });
    });
    group.bench_function("compile 14 graders", |b| {
        b.iter(|| graders.iter().filter(|grader| Judge::new(black_box(grader)).is_ok()).count());
    });
    group.finish();
}

criterion_group!(benches, grading);
criterion_main!(benches);

//! What a request costs in the record: its line written and read again, 64 tokens each.
//!
//! `cargo bench -p dyno-model`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dyno_model::clock::MonoNs;
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::{PromptId, RunId};
use dyno_model::line::{read_line, write_line};
use dyno_model::outcome::Outcome;
use dyno_model::request::{ChunkKind, EngineTimings, FinishReason, RequestRecord, Usage, UsageSource};

const N_TOKENS: u16 = 64;

fn event() -> Event {
    let n = usize::from(N_TOKENS);
    let record = RequestRecord {
        idx: 7,
        prompt_id: PromptId::from("as-summarize-03"),
        due_at: None,
        sent_at: MonoNs(1_000_000_000),
        ended_at: MonoNs(1_500_000_000),
        outcome: Outcome::Ok,
        finish: Some(FinishReason::Length),
        usage: Usage {
            prompt_tokens: Some(120),
            completion_tokens: Some(u32::from(N_TOKENS)),
            cached_tokens: Some(0),
            source: UsageSource::Engine,
            reasoning_tokens: None,
        },
        timings: Some(EngineTimings { prefill_ns: 80_000_000, decode_ns: 400_000_000 }),
        chunk_ns: (0..n).map(|i| 80_000_000 + 6_543_211 * i as u64).collect(),
        chunk_kind: vec![ChunkKind::Content; n],
        chunk_tokens: vec![Some(1); n],
        chunk_bytes: vec![5; n],
        text: "word ".repeat(n),
        queue_ns: None,
        exchange: None,
        logprobs: None,
    };
    Event {
        run: RunId(1),
        launch: 1,
        seq: 9,
        at: MonoNs(1_500_000_000),
        kind: EventKind::Request(Box::new(record)),
    }
}

fn record_line(criterion: &mut Criterion) {
    let event = event();
    let mut line = Vec::new();
    write_line(&mut line, &event).expect("an event has only string keys");
    let mut group = criterion.benchmark_group("record line of 64 tokens");
    group.throughput(Throughput::Bytes(line.len() as u64));
    group.bench_function("write", |bencher| {
        let mut out = Vec::with_capacity(line.len());
        bencher.iter(|| {
            out.clear();
            write_line(&mut out, black_box(&event)).expect("an event has only string keys");
        });
    });
    group.bench_function("read", |bencher| {
        bencher.iter(|| read_line::<Event>(black_box(&line)).expect("the line was written by us"));
    });
    group.finish();
}

criterion_group!(benches, record_line);
criterion_main!(benches);

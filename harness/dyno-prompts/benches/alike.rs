//! Near-duplicates among 100,000 prompts, and among 10,000 that share a long beginning.
//!
//! `cargo bench -p dyno-prompts`

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use dyno_prompts::{NEAR_DUPLICATE, near_duplicates};

/// Prompts of 8 to 71 words, drawn from 5,000 made of syllables so that short ones are frequent, as in a language.
fn prompts(n: usize) -> Vec<String> {
    let syllables =
        ["ta", "ri", "mo", "ne", "sol", "ker", "an", "di", "u", "ple", "gra", "vin", "es", "ho", "ter", "il"];
    let mut state = 7_u64;
    let mut next = move |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    let words: Vec<String> =
        (0..5_000).map(|n| (0..=n % 4).map(|_| syllables[next(syllables.len())]).collect()).collect();
    let mut word = move || {
        let (a, b) = (next(words.len()), next(words.len()));
        // The smaller of two draws, twice: a few words make half of all texts.
        words[a.min(b).min(next(words.len()))].clone()
    };
    (0..n).map(|at| (0..8 + at % 64).map(|_| word()).collect::<Vec<_>>().join(" ")).collect()
}

fn alike(c: &mut Criterion) {
    let mut group = c.benchmark_group("near duplicates");
    group.sample_size(10);
    let many = prompts(100_000);
    group.bench_function("100,000 prompts", |b| {
        b.iter(|| near_duplicates(black_box(&many), NEAR_DUPLICATE).len());
    });
    let shared: Vec<String> =
        many.iter().take(10_000).map(|text| format!("You are a helpful cook. {text}")).collect();
    group.bench_function("10,000 with one beginning", |b| {
        b.iter(|| near_duplicates(black_box(&shared), NEAR_DUPLICATE).len());
    });
    group.finish();
}

criterion_group!(benches, alike);
criterion_main!(benches);

//! What the corpora cost: read and checked with every grader compiled, and as a plan reads them.
//!
//! `cargo bench -p dyno-plan`

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use dyno_plan::{Ask, Catalog, Inputs, corpus_at, corpus_names};

fn corpora(criterion: &mut Criterion) {
    let inputs = Inputs::shipped();
    let names = corpus_names(&inputs);
    criterion.bench_function("all corpora, graders compiled", |bench| {
        bench.iter(|| {
            let read = |name: &String| corpus_at(black_box(&inputs), name).expect("a shipped corpus");
            names.iter().map(read).map(|corpus| corpus.prompts.len()).sum::<usize>()
        });
    });
    for name in &names {
        criterion.bench_function(&format!("corpus {name}, graders compiled"), |bench| {
            bench.iter(|| corpus_at(black_box(&inputs), name).expect("a shipped corpus"));
        });
    }
    criterion.bench_function("all corpora and the catalogue", |bench| {
        bench.iter(|| Catalog::load(black_box(&inputs)).expect("no problem"));
    });
    criterion.bench_function("the plan of `quality`", |bench| {
        bench.iter(|| dyno_plan::freeze(black_box(&inputs), &Ask::suite("quality")).expect("a plan"));
    });
}

criterion_group!(benches, corpora);
criterion_main!(benches);

//! The whole engine on synthetic models of a few megabytes.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use dyno_model::clock::Clock;
use dyno_model::launch::KvWindow;
use dyno_model::plan::SyntheticShape;
use dyno_model::request::{FinishReason, Message, Sampling};

use super::{Engine, EngineError, EngineOptions, Generated, quantize, write_synthetic};

fn shape(architecture: &str, quantization: &str) -> SyntheticShape {
    SyntheticShape {
        architecture: architecture.to_owned(),
        quantization: quantization.to_owned(),
        n_layers: 3,
        n_embedding: 96,
        n_feed_forward: 160,
        n_heads: 6,
        n_kv_heads: 2,
        head_dim: 32,
        n_vocabulary: 300,
        context_tokens: 512,
        tied_embeddings: true,
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("the system has a temporary folder"))
    }
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    fn model(&self, architecture: &str, quantization: &str) -> PathBuf {
        let path = self.path(&format!("{architecture}-{quantization}.gguf"));
        write_synthetic(&path, &shape(architecture, quantization), 11).expect("the shape is possible");
        path
    }
}

fn load(path: &Path, threads: u32) -> Result<Engine, EngineError> {
    Engine::load(path, &EngineOptions { threads: Some(threads), context_tokens: 256 })
}

fn loaded(path: &Path, threads: u32) -> Engine {
    load(path, threads).expect("the model is valid")
}

fn question(text: &str) -> Vec<Message> {
    vec![Message { role: "user".to_owned(), content: text.to_owned() }]
}

fn sampling(max_tokens: u32, temperature_milli: u32) -> Sampling {
    Sampling { max_tokens, ignore_eos: true, temperature_milli, top_p_milli: 900, seed: 3, top_logprobs: 0 }
}

fn answer(engine: &mut Engine, text: &str, sampling: &Sampling) -> (Generated, String, Vec<u64>) {
    let (mut out, mut stamps) = (String::new(), Vec::new());
    let generated = engine
        .generate(&question(text), sampling, &Clock::Monotonic, &mut |at, piece| {
            out.push_str(piece);
            stamps.push(at.0);
            ControlFlow::Continue(())
        })
        .expect("the prompt fits");
    (generated, out, stamps)
}

#[test]
fn facts_are_those_of_the_shape() {
    let folder = Folder::new();
    let path = folder.model("llama", "q4_0");
    let facts = loaded(&path, 1).facts();
    assert_eq!(facts.architecture, "llama");
    assert_eq!((facts.n_layers, facts.n_embedding, facts.n_vocabulary), (3, 96, 300));
    assert!(facts.synthetic && facts.has_chat_template);
    assert_eq!(facts.file_bytes, std::fs::metadata(&path).expect("it was just written").len());
    // Per layer: norms 2 * 96, queries and output 2 * 96 * 192, keys and values 2 * 96 * 64, three of 96 * 160.
    let layer = 2 * 96 + 2 * 96 * 192 + 2 * 96 * 64 + 3 * 96 * 160;
    assert_eq!(facts.n_parameters, 300 * 96 + 3 * layer + 96);
    // Matrices of a layer at 18 bytes per 32; embeddings, 304 rows with the padding of the tile, at 34.
    let matrices = 3 * (layer - 2 * 96) / 32 * 18;
    assert_eq!(facts.bytes_per_token, matrices + 304 * 96 / 32 * 34);
    assert_eq!(facts.n_active_parameters, Some(3 * (layer - 2 * 96) + 300 * 96));
    // Three layers of two heads of 32, keys and values, two bytes each.
    assert_eq!((facts.kv_bytes_per_token, facts.kv_window), (Some(3 * 2 * (32 + 32) * 2), None));
    let described = super::describe(&path).expect("its header says it");
    assert_eq!(described.kv_bytes_per_token, facts.kv_bytes_per_token);
    assert_eq!(described.n_active_parameters, facts.n_active_parameters);
    assert!(facts.chat_template_digest.is_some());
    assert_eq!(described.chat_template_digest, facts.chat_template_digest);
}

#[test]
fn a_window_is_told_and_whether_it_is_kept_whole() {
    let folder = Folder::new();
    let path = folder.model("gemma3", "q4_0");
    // No sixth layer: all three see 512 tokens, and each adds 2 · (32 + 32) · 2 bytes.
    let window = |is_kept_whole| KvWindow { tokens: 512, bytes_per_token: 3 * 256, is_kept_whole };
    let own = loaded(&path, 1).facts();
    assert_eq!((own.kv_bytes_per_token, own.kv_window), (Some(0), Some(window(true))));
    let described = super::describe(&path).expect("its header says it");
    assert_eq!((described.kv_bytes_per_token, described.kv_window), (Some(0), Some(window(false))));
}

#[test]
fn answers_are_counted_stamped_and_repeatable() {
    let folder = Folder::new();
    for architecture in ["llama", "gemma3"] {
        let path = folder.model(architecture, "q4_0");
        let mut engine = loaded(&path, 2);
        let (generated, text, stamps) = answer(&mut engine, "Hello there", &sampling(20, 0));
        assert_eq!(generated.completion_tokens, 20);
        assert_eq!(stamps.len(), 20);
        assert!(stamps.is_sorted());
        assert_eq!(generated.finish, FinishReason::Length);
        assert_eq!(generated.decode_ns, stamps[19] - stamps[0]);
        assert_eq!(generated.ended_at.0, stamps[19]);
        let n_prompt = engine.tokenize_chat(&question("Hello there")).expect("the template takes it").len();
        assert_eq!(generated.prompt_tokens as usize, n_prompt);
        assert_eq!(answer(&mut engine, "Hello there", &sampling(20, 0)).1, text);
        let drawn = answer(&mut engine, "Hello there", &sampling(20, 1000)).1;
        assert_eq!(answer(&mut engine, "Hello there", &sampling(20, 1000)).1, drawn);
        assert_ne!(drawn, text);
        assert!(drawn.chars().count() > 10, "noise speaks: {drawn:?}");
    }
}

/// Asked for probabilities, or not, the engine says the same.
#[test]
fn probabilities_are_those_of_the_softmax_and_change_no_token() {
    let folder = Folder::new();
    for (architecture, temperature_milli) in [("llama", 0), ("gemma3", 1500)] {
        let mut engine = loaded(&folder.model(architecture, "q8_0"), 2);
        let prompt: Vec<u32> = (0..40).map(|i| 3 + i * 37 % 256).collect();
        let unasked = sampling(12, temperature_milli);
        let asked = Sampling { top_logprobs: 5, ..unasked.clone() };
        let generate = |engine: &mut Engine, sampling: &Sampling| {
            let mut text = String::new();
            let mut take = |_, piece: &str| {
                text.push_str(piece);
                ControlFlow::Continue(())
            };
            let generated = engine.generate_from(&prompt, sampling, &Clock::Monotonic, &mut take);
            (text, generated.expect("the prompt fits").logprobs)
        };
        let (text, nothing) = generate(&mut engine, &unasked);
        let (same, told) = generate(&mut engine, &asked);
        assert_eq!((&same, nothing.tokens().len(), told.tokens().len()), (&text, 0, 12));
        // Each place once more, by the engine's other formula, from all logits after the tokens before it.
        let mut before = prompt.clone();
        for one in told.tokens() {
            let all = engine.log_probabilities(&before).expect("the prompt fits");
            let of = |id: Option<u32>| f64::from(all[id.expect("an engine knows its tokens") as usize]) * 1e6;
            for choice in one.top.iter().chain([&one.token]) {
                let (ours, theirs) = (choice.logprob_micro as f64, of(choice.id));
                // Single precision ends at some 1e-6, and the cache is filled token by token here.
                assert!((ours - theirs).abs() < 2_000.0, "{architecture}: {ours} {theirs}");
            }
            let sum: f64 = one.top.iter().map(|choice| (choice.logprob_micro as f64 / 1e6).exp()).sum();
            assert!(
                sum <= 1.0 + 1e-6
                    && one.top.len() == 5
                    && one.top.is_sorted_by(|a, b| a.logprob_micro >= b.logprob_micro)
            );
            let best = all.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert!((f64::from(best) * 1e6 - one.top[0].logprob_micro as f64).abs() < 2_000.0);
            if temperature_milli == 0 {
                assert_eq!(one.token, one.top[0], "greedy takes the likeliest");
            }
            before.extend(one.token.id);
        }
    }
}

#[test]
fn the_token_that_ends_an_answer_is_among_those_that_are_told() {
    let folder = Folder::new();
    let mut engine = loaded(&folder.model("llama", "q8_0"), 1);
    let mut ignore = |_, _: &str| ControlFlow::Continue(());
    let mut ended = (0..200).filter_map(|seed| {
        let wild = Sampling {
            max_tokens: 100,
            ignore_eos: false,
            temperature_milli: 10_000,
            top_p_milli: 1000,
            seed,
            top_logprobs: 2,
        };
        let generated = engine.generate(&question("Hi"), &wild, &Clock::Monotonic, &mut ignore);
        Some(generated.expect("the prompt fits")).filter(|one| one.finish == FinishReason::Stop)
    });
    let generated = ended.next().expect("noise ends an answer now and then");
    assert_eq!(generated.logprobs.tokens().len(), generated.completion_tokens as usize);
    let last = &generated.logprobs.tokens().last().expect("one at least").token;
    // It has no text of its own: it is told by its name.
    assert!(last.piece.starts_with('<') && last.logprob_micro < 0, "{last:?}");
}

#[test]
fn logits_depend_on_neither_threads_nor_batches() {
    let folder = Folder::new();
    for (architecture, quantization) in
        [("llama", "q4_0"), ("llama", "q4_1"), ("llama", "f16"), ("gemma3", "q8_0"), ("llama", "q8_0")]
    {
        let path = folder.model(architecture, quantization);
        let engine = loaded(&path, 1);
        let prompt: Vec<u32> = (0..100).map(|i| 3 + i * 37 % 256).collect();
        let whole = engine.logits(&prompt, 256).expect("the prompt fits");
        assert!(whole.iter().all(|logit| logit.is_finite()));
        assert_eq!(loaded(&path, 3).logits(&prompt, 256).expect("the prompt fits"), whole);
        for batch in [1, 16, 48] {
            let logits = engine.logits(&prompt, batch).expect("the prompt fits");
            assert_eq!(logits, whole, "{architecture} {quantization} in batches of {batch}");
        }
    }
}

#[test]
fn the_callback_can_stop_an_answer() {
    let folder = Folder::new();
    let mut engine = loaded(&folder.model("llama", "q8_0"), 1);
    let mut n = 0;
    let generated = engine
        .generate(&question("Hi"), &sampling(50, 0), &Clock::Monotonic, &mut |_, _| {
            n += 1;
            if n == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .expect("the prompt fits");
    assert_eq!((n, generated.completion_tokens, generated.finish), (3, 3, FinishReason::Stop));
}

#[test]
fn the_context_bounds_prompts_and_answers() {
    let folder = Folder::new();
    let mut engine = loaded(&folder.model("llama", "q8_0"), 1);
    let mut ignore = |_, _: &str| ControlFlow::Continue(());
    let long: Vec<u32> = vec![5; 257];
    let error =
        engine.generate_from(&long, &sampling(1, 0), &Clock::Monotonic, &mut ignore).expect_err("too long");
    assert_eq!(error.to_string(), "the prompt has 257 tokens and the context holds 256");
    // 250 positions are taken; 6 more can be, and the token after the last one needs none.
    let generated = engine
        .generate_from(&long[..250], &sampling(50, 0), &Clock::Monotonic, &mut ignore)
        .expect("it fits");
    assert_eq!((generated.completion_tokens, generated.finish), (7, FinishReason::Length));
    assert!(matches!(
        engine.generate_from(&[], &sampling(1, 0), &Clock::Monotonic, &mut ignore),
        Err(EngineError::EmptyPrompt)
    ));
    assert!(matches!(
        engine.generate_from(&[300], &sampling(1, 0), &Clock::Monotonic, &mut ignore),
        Err(EngineError::UnknownToken { token: 300, .. })
    ));
}

#[test]
fn a_seed_fixes_every_byte_of_a_model() {
    let folder = Folder::new();
    let read = |path: &Path| std::fs::read(path).expect("it was just written");
    let first = read(&folder.model("llama", "q4_0"));
    assert_eq!(read(&folder.model("llama", "q4_0")), first);
    let other = folder.path("other.gguf");
    write_synthetic(&other, &shape("llama", "q4_0"), 12).expect("the shape is possible");
    assert_ne!(read(&other), first);
}

#[test]
fn truncated_files_are_refused_wherever_they_end() {
    let folder = Folder::new();
    let bytes = std::fs::read(folder.model("llama", "q4_0")).expect("it was just written");
    let cut = folder.path("cut.gguf");
    // All of the first bytes, then many places up to the very last one.
    let ends = (0..64).chain((64..bytes.len()).step_by(997)).chain([bytes.len() - 1]);
    for end in ends {
        std::fs::write(&cut, &bytes[..end]).expect("the folder is writable");
        let error = load(&cut, 1).expect_err("the end is missing");
        let expected = matches!(error, EngineError::Truncated { .. })
            || end < 4 && matches!(error, EngineError::NotGguf { .. })
            // The very end is only padding of the last tensor, or the last value of a header that still parses.
            || matches!(error, EngineError::Malformed { .. });
        assert!(expected, "{end} bytes: {error}");
    }
}

#[test]
fn damaged_files_never_panic() {
    let folder = Folder::new();
    let bytes = std::fs::read(folder.model("gemma3", "q4_0")).expect("it was just written");
    let damaged = folder.path("damaged.gguf");
    let mut rng = super::rng::SplitMix::new(1);
    for _ in 0..300 {
        let mut copy = bytes.clone();
        for _ in 0..=rng.next_u64() % 4 {
            // Mostly in the header, where lengths and shapes stand.
            let at =
                rng.next_u64() as usize % if rng.next_u64().is_multiple_of(4) { copy.len() } else { 16_384 };
            copy[at] = rng.next_u64() as u8;
        }
        std::fs::write(&damaged, &copy).expect("the folder is writable");
        if let Ok(mut engine) = load(&damaged, 1) {
            let mut ignore = |_, _: &str| ControlFlow::Continue(());
            // Whatever comes of it, it comes back.
            drop(engine.generate(&question("Hi"), &sampling(2, 0), &Clock::Monotonic, &mut ignore));
        }
    }
}

/// Loads a model after replacing `from` by `to`, of equal length, everywhere.
fn load_edited(folder: &Folder, from: &[u8], to: &[u8]) -> EngineError {
    let mut bytes = std::fs::read(folder.model("llama", "q4_0")).expect("it was just written");
    let mut found = 0;
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + from.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0, "the text to replace is in the file");
    let path = folder.path("edited.gguf");
    std::fs::write(&path, bytes).expect("the folder is writable");
    load(&path, 1).expect_err("the edit spoils it")
}

#[test]
fn foreign_files_are_named() {
    let folder = Folder::new();
    let error = load_edited(&folder, b"GGUF", b"GGML");
    assert!(matches!(error, EngineError::NotGguf { .. }), "{error}");
    let error = load_edited(&folder, b"llama", b"mamba");
    assert!(error.to_string().contains("`mamba`: this engine runs llama, gemma3"), "{error}");
    let error = load_edited(&folder, b"blk.1.ffn_up", b"blk.1.ffn_op");
    assert!(error.to_string().contains("`blk.1.ffn_up.weight` is missing"), "{error}");
    let error = load_edited(&folder, b"gpt2", b"bert");
    assert!(error.to_string().contains("tokenizer `bert`"), "{error}");
    let error = load(&folder.path("absent.gguf"), 1).expect_err("there is no such file");
    assert!(matches!(error, EngineError::Read { .. }), "{error}");
}

#[test]
fn quantizing_keeps_the_model_and_marks_the_type() {
    let folder = Folder::new();
    let source = folder.model("llama", "f16");
    let prompt: Vec<u32> = (10..60).collect();
    let exact = loaded(&source, 1).logits(&prompt, 256).expect("the prompt fits");
    // Relative error of the logits: 8 bits stay near, 4 bits do not stray far. Both bounds are house rules; noise
    // has no structure that quantizing could keep, so that a real model fares better.
    for (to, name, bound) in
        [("q8_0", "Q8_0", 0.05), ("q4_0", "Q4_0", 0.5), ("q4_1", "Q4_1", 0.5), ("q4_k", "Q4_1", 0.5)]
    {
        let derived = folder.path(&format!("{to}.gguf"));
        quantize(&source, &derived, to, 2).expect("the source is valid");
        let engine = loaded(&derived, 1);
        assert_eq!(engine.facts().quantization, name);
        assert_eq!(engine.facts().tokenizer_digest, loaded(&source, 1).facts().tokenizer_digest);
        let logits = engine.logits(&prompt, 256).expect("the prompt fits");
        let error: f32 = logits.iter().zip(&exact).map(|(a, b)| (a - b).powi(2)).sum();
        let size: f32 = exact.iter().map(|x| x.powi(2)).sum();
        assert!((error / size).sqrt() < bound, "{to}: {}", (error / size).sqrt());
        let again = folder.path("again.gguf");
        quantize(&source, &again, to, 1).expect("the source is valid");
        let read = |path: &Path| std::fs::read(path).expect("it was just written");
        assert_eq!(read(&again), read(&derived), "the bytes do not depend on the threads");
    }
}

#[test]
fn impossible_shapes_are_refused_and_leave_nothing() {
    let folder = Folder::new();
    let path = folder.path("none.gguf");
    let refused = |change: fn(&mut SyntheticShape)| {
        let mut shape = shape("llama", "q4_0");
        change(&mut shape);
        write_synthetic(&path, &shape, 1).expect_err("the shape is impossible").to_string()
    };
    assert!(refused(|shape| shape.architecture = "rwkv".to_owned()).contains("`rwkv`"));
    assert!(refused(|shape| shape.n_vocabulary = 100).contains("at least 283"));
    assert!(refused(|shape| shape.n_embedding = 100).contains("multiples of 32"));
    assert!(refused(|shape| shape.n_kv_heads = 4).contains("6 heads"));
    assert!(refused(|shape| shape.quantization = "q1".to_owned()).contains("`q1`"));
    assert!(!path.exists());
}

//! Pulls from local files, and what is the same for all sources.

use std::fs;
use std::thread;

use dyno_artifacts::{Conditions, Phase, PullError, SourceError, StoreError, Verification};
use dyno_model::blame::{Blame, Classify};
use dyno_model::digest::Digest;
use dyno_model::plan::{ModelOrigin, ModelSource};

use crate::bench::{Bench, Log, NoQuantizer, from_file, model_bytes, only_failure, published};

#[test]
fn a_pulled_model_is_in_its_place_with_its_record() {
    let bench = Bench::new();
    let bytes = model_bytes();
    let digest = Digest::of(&bytes);
    let model = published(&bytes, vec![from_file(&bench.file("own.gguf", &bytes))]);
    let mut log = Log::default();
    let pulled = bench
        .store
        .pull("m", &model, &Conditions::default(), &mut NoQuantizer, &mut log)
        .expect("the file fits");
    assert_eq!(fs::read(&pulled.path).expect("the model"), bytes);
    assert_eq!(
        (pulled.digest.clone(), pulled.bytes, pulled.was_there),
        (digest.clone(), bytes.len() as u64, false)
    );
    assert_eq!(bench.files(), [format!("models/{digest}.json"), format!("models/{digest}/m.gguf")]);
    assert_eq!(log.phases.last(), Some(&Phase::Done { digest }));
    assert_eq!(log.last, Some((bytes.len() as u64, Some(bytes.len() as u64))));
    let located = bench.store.locate(&model.origin).expect("a good store").expect("it is there");
    assert_eq!(located.path, pulled.path);
    assert!(located.record.source.ends_with("own.gguf"));
    assert_eq!(bench.store.list().expect("a good store"), [located]);
}

#[test]
fn a_model_that_is_there_is_not_fetched_again() {
    let bench = Bench::new();
    let bytes = model_bytes();
    let own = bench.file("own.gguf", &bytes);
    let model = published(&bytes, vec![from_file(&own)]);
    bench.pull(&model).expect("the file fits");
    fs::remove_file(own).expect("it was there");
    assert!(bench.pull(&model).expect("it is in the store").was_there);
}

#[test]
fn a_damaged_model_is_found_and_pulled_again() {
    let bench = Bench::new();
    let bytes = model_bytes();
    let model = published(&bytes, vec![from_file(&bench.file("own.gguf", &bytes))]);
    let pulled = bench.pull(&model).expect("the file fits");
    let stored = bench.store.locate(&model.origin).expect("a good store").expect("it is there");
    assert_eq!(bench.store.verify(&stored, &mut Log::default()).expect("readable"), Verification::Intact);
    // One byte, the size unchanged: only hashing shows it.
    let mut damaged = bytes.clone();
    damaged[1_000_000] ^= 1;
    fs::write(&pulled.path, &damaged).expect("writable");
    let found = bench.store.verify(&stored, &mut Log::default()).expect("readable");
    assert_eq!(found, Verification::Changed { digest: Digest::of(&damaged), bytes: bytes.len() as u64 });
    // Another size: it counts as not there.
    fs::write(&pulled.path, &bytes[..9]).expect("writable");
    assert_eq!(bench.store.locate(&model.origin).expect("a good store"), None);
    assert!(!bench.pull(&model).expect("the file fits").was_there);
    assert_eq!(fs::read(&pulled.path).expect("the model"), bytes);
}

#[test]
fn a_file_of_another_digest_does_not_enter_and_both_digests_are_shown() {
    let bench = Bench::new();
    let bytes = model_bytes();
    let mut other = bytes.clone();
    other[77] ^= 1;
    let model = published(&bytes, vec![from_file(&bench.file("own.gguf", &other))]);
    let words = only_failure(bench.pull(&model));
    assert_eq!(words, format!("sha256 {} instead of {}", Digest::of(&other), Digest::of(&bytes)));
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn a_file_of_another_size_is_not_even_copied() {
    let bench = Bench::new();
    let bytes = model_bytes();
    let model = published(&bytes, vec![from_file(&bench.file("own.gguf", &bytes[1..]))]);
    assert_eq!(
        only_failure(bench.pull(&model)),
        format!("{} bytes instead of {}", bytes.len() - 1, bytes.len())
    );
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn sources_are_tried_in_order_and_every_failure_is_told() {
    let bench = Bench::new();
    let bytes = model_bytes();
    let missing = bench.dir.path().join("missing.gguf");
    let good = bench.file("own.gguf", &bytes);
    let model = published(&bytes, vec![from_file(&missing), from_file(&good)]);
    let mut log = Log::default();
    let pulled = bench
        .store
        .pull("m", &model, &Conditions::default(), &mut NoQuantizer, &mut log)
        .expect("the second works");
    assert!(pulled.source.ends_with("own.gguf"));
    assert!(matches!(&log.phases[0], Phase::SourceFailed { source, reason }
        if source.ends_with("missing.gguf") && reason.contains("No such file")));

    let bench = Bench::new();
    let http = ModelSource::Https { url: "http://127.0.0.1:9/m".to_owned() };
    let model = published(&bytes, vec![from_file(&missing), http]);
    let error = bench.pull(&model).expect_err("no source works");
    let PullError::NoSource { failures, .. } = &error else { panic!("{error:?}") };
    assert_eq!(failures.len(), 2);
    assert!(matches!(failures[0].error, SourceError::Io { .. }));
    assert!(matches!(failures[1].error, SourceError::Link(_)));
    assert_eq!((error.blame(), error.is_transient()), (Blame::Lab, true));
    let words = error.to_string();
    assert!(
        words.contains("missing.gguf: cannot open") && words.contains("127.0.0.1:9/m: no connection: "),
        "{words}"
    );
}

#[test]
fn terms_must_be_accepted_once() {
    let bench = Bench::new();
    let bytes = model_bytes();
    let mut model = published(&bytes, vec![from_file(&bench.file("own.gguf", &bytes))]);
    if let ModelOrigin::Published { terms_url, .. } = &mut model.origin {
        *terms_url = Some("https://terms.example/".to_owned());
    }
    let error = bench.pull(&model).expect_err("nobody has accepted");
    assert!(matches!(&error, PullError::TermsNotAccepted { url, .. } if url == "https://terms.example/"));
    assert_eq!(bench.files(), [""; 0]);
    let accepted = Conditions { accepted_by: Some("--accept-terms"), trust: None };
    bench.store.pull("m", &model, &accepted, &mut NoQuantizer, &mut Log::default()).expect("accepted");
    assert!(bench.pull(&model).expect("it is there").was_there);
}

#[test]
fn what_is_made_on_the_device_cannot_be_pulled() {
    let bench = Bench::new();
    let mut model = published(b"x", Vec::new());
    model.origin = ModelOrigin::None;
    let error = bench.pull(&model).expect_err("nothing to pull");
    assert_eq!(error.to_string(), "model `m` has no file to pull: the scripted runtime needs none");
}

#[test]
fn a_full_disk_is_seen_before_anything_is_written() {
    let bench = Bench::with(|settings| settings.free_bytes = |_| Ok(Some(2_000_000)));
    let bytes = model_bytes();
    let model = published(&bytes, vec![from_file(&bench.file("own.gguf", &bytes))]);
    let error = bench.pull(&model).expect_err("the disk is full");
    let PullError::Store(StoreError::NoSpace { needed_bytes, free_bytes, .. }) = error else {
        panic!("{error:?}")
    };
    // The file and 64 MiB of air.
    assert_eq!((needed_bytes, free_bytes), (bytes.len() as u64 + 67_108_864, 2_000_000));
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn a_stopped_pull_leaves_nothing() {
    let bench = Bench::new();
    let bytes = model_bytes();
    let model = published(&bytes, vec![from_file(&bench.file("own.gguf", &bytes))]);
    let mut log = Log { stop_after_bytes: Some(1), ..Log::default() };
    let error = bench
        .store
        .pull("m", &model, &Conditions::default(), &mut NoQuantizer, &mut log)
        .expect_err("stopped");
    assert!(matches!(error, PullError::Store(StoreError::Cancelled)));
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn of_many_at_once_one_fetches_and_the_others_find_it() {
    let bench = Bench::new();
    let bytes = model_bytes();
    let model = published(&bytes, vec![from_file(&bench.file("own.gguf", &bytes))]);
    let fetched = thread::scope(|scope| {
        let pulls: Vec<_> =
            (0..4).map(|_| scope.spawn(|| bench.pull(&model).expect("the file fits").was_there)).collect();
        pulls.into_iter().map(|pull| pull.join().expect("no panic")).filter(|was_there| !was_there).count()
    });
    assert_eq!(fetched, 1);
}

#[test]
fn a_record_that_is_none_is_named() {
    let bench = Bench::new();
    bench.file("cache/models/x.json", b"{}");
    let error = bench.store.list().expect_err("no record");
    assert!(error.to_string().ends_with("x.json is not a record of the model store"), "{error}");
    // A record must not lead out of its folder.
    let digest = Digest::of(b"x");
    let record = format!(
        r#"{{"format":1,"digest":"{digest}","bytes":1,"file":"../x","source":"s","derived":null,"verified_at":0}}"#
    );
    bench.file("cache/models/x.json", record.as_bytes());
    assert!(matches!(bench.store.list(), Err(StoreError::Record { .. })));
}

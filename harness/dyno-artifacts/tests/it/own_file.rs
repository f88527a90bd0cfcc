//! Files that a person brings.

use std::fs;

use dyno_artifacts::{FileWords, PullError, StoreError};
use dyno_model::digest::Digest;

use crate::bench::{Bench, Log, from_file, model_bytes, published};

#[test]
fn an_added_file_is_copied_and_can_be_named_in_the_catalogue() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    let own = bench.file("My Model.Q4_0.gguf", &bytes);
    let added = bench.store.add(&own, &FileWords::default(), None, &mut Log::default()).expect("a GGUF file");
    assert_eq!(fs::read(&added.path).expect("the copy"), bytes);
    assert_eq!((added.digest.clone(), added.bytes), (Digest::of(&bytes), bytes.len() as u64));
    assert_eq!(added.name, "my-model.q4_0");
    let entry = &added.catalog_entry;
    let path = fs::canonicalize(&own).expect("it is there");
    for line in [
        "[model.\"my-model.q4_0\"]".to_owned(),
        "kind = \"published\"".to_owned(),
        "file = \"My Model.Q4_0.gguf\"".to_owned(),
        format!("sha256 = \"{}\"", added.digest),
        format!("size_bytes = {}", bytes.len()),
        format!("source = [{{ kind = \"file\", path = \"{}\" }}]", path.display()),
    ] {
        assert!(entry.lines().any(|found| found == line), "`{line}` is not in:\n{entry}");
    }
    let said = FileWords { license: Some("apache-2.0".to_owned()), trained_context_tokens: Some(512) };
    let entry = bench.store.add(&own, &said, None, &mut Log::default()).expect("a GGUF file").catalog_entry;
    assert!(
        entry.contains("license = \"apache-2.0\"") && entry.contains("context_tokens = 512\n"),
        "{entry}"
    );
    // A plan that names this digest needs no pull, even when the original is gone.
    fs::remove_file(&own).expect("it was there");
    assert!(bench.pull(&published(&bytes, vec![from_file(&own)])).expect("it is in the store").was_there);
    assert_eq!(bench.files().len(), 2);
}

#[test]
fn what_is_no_gguf_is_refused_with_what_it_is() {
    let bench = Bench::new();
    let check = |bytes: &[u8], expected: &str| {
        let own = bench.file("own.gguf", bytes);
        let error =
            bench.store.add(&own, &FileWords::default(), None, &mut Log::default()).expect_err("no GGUF");
        let PullError::Store(StoreError::NotGguf { detail, .. }) = &error else { panic!("{error:?}") };
        assert_eq!(detail, expected);
    };
    check(b"", "it begins with ``");
    check(b"PK\x03\x04rest", "it begins with `PK\\x03\\x04`");
    check(b"GGUF\x03\0", "it ends within its header");
    check(b"GGUF\x01\0\0\0", "its version is 1, but 2 and 3 are read");
    check(b"GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0", "it ends within its header");
    check(b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0", "it holds no tensor");
    assert!(matches!(
        bench.store.add(
            &bench.dir.path().join("missing.gguf"),
            &FileWords::default(),
            None,
            &mut Log::default()
        ),
        Err(PullError::Store(StoreError::Io { action: "open", .. }))
    ));
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn a_full_disk_is_seen_before_the_copy() {
    let bench = Bench::with(|settings| settings.free_bytes = |_| Ok(Some(1)));
    let own = bench.file("own.gguf", &model_bytes());
    assert!(matches!(
        bench.store.add(&own, &FileWords::default(), None, &mut Log::default()),
        Err(PullError::Store(StoreError::NoSpace { free_bytes: 1, .. }))
    ));
    assert_eq!(bench.files(), [""; 0]);
}

//! The corpus's folder: whole or not at all.

use std::fs;

use dyno_prompts::{Handling, Personal, WriteError, write_corpus};

use super::{corpus, options, read};

#[test]
fn what_is_written_says_the_truth_about_itself() {
    let text = "{\"prompt\": \"What is \\\"rye\\\"?\", \"category\": \"q\\u007fa\\\\\", \"language\": \"en\"}\n{\"prompt\": \"Ist Dinkel Weizen?\", \"language\": \"de\"}\n";
    let error = read("a.jsonl", text.as_bytes(), &options()).expect_err("DEL is a control character");
    assert!(error.to_string().contains("control characters"));
    let corpus = corpus("a.jsonl", &text.replace("q\\u007fa\\\\", "q\\\\a"));
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folder = write_corpus(&corpus, dir.path(), Handling::Keep).expect("written");
    let about = fs::read_to_string(folder.join("corpus.toml")).expect("about");
    let lines = fs::read_to_string(folder.join("prompts.jsonl")).expect("prompts");
    assert!(
        about.contains("languages = [\"de\", \"en\"]\nfiles = [\"prompts.jsonl\"]\nn_prompts = 2\n"),
        "{about}"
    );
    assert!(about.contains("\n[categories]\n\"imported\" = 1\n\"q\\\\a\" = 1\n"), "{about}");
    assert!(about.contains("edges = [0, 16]\ncounts = [2]\n"), "{about}");
    let digest = dyno_model::digest::Digest::of(lines.as_bytes());
    assert!(about.contains(digest.as_str()), "{about}");
    assert_eq!(lines.lines().count(), 2);
    assert_eq!(fs::read_dir(dir.path()).expect("the folder").count(), 1, "nothing else is left there");
}

#[test]
fn a_corpus_that_is_there_is_replaced_only_on_demand() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let first = corpus("a.jsonl", "{\"prompt\": \"one\"}\n");
    let second = corpus("a.jsonl", "{\"prompt\": \"two\"}\n");
    let folder = write_corpus(&first, dir.path(), Handling::Keep).expect("written");
    let error = write_corpus(&second, dir.path(), Handling::Keep).expect_err("it is there");
    assert!(matches!(error, WriteError::Exists { .. }));
    let lines = || fs::read_to_string(folder.join("prompts.jsonl")).expect("prompts");
    assert!(lines().contains("one"));
    write_corpus(&second, dir.path(), Handling::Remove).expect("replaced");
    assert!(lines().contains("two"));
    assert_eq!(fs::read_dir(dir.path()).expect("the folder").count(), 1);
}

#[test]
fn names_that_are_no_folders() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for name in ["", "../x", "a/b", "Mine", ".hidden", "a b", "1st", &"a".repeat(65)] {
        let mut corpus = corpus("a.jsonl", "{\"prompt\": \"one\"}\n");
        corpus.meta.name = name.to_owned();
        let error = write_corpus(&corpus, dir.path(), Handling::Remove).expect_err(name);
        assert!(matches!(error, WriteError::Name { .. }), "{name}");
    }
    assert_eq!(fs::read_dir(dir.path()).expect("the folder").count(), 0);
}

#[test]
fn personal_data_is_replaced_before_prompts_are_compared() {
    let text = "{\"prompt\": \"Mail mia@kontor.se that the lift is broken again.\"}\n{\"prompt\": \"Mail jo@bau-werk.de that the lift is broken again.\"}\n";
    let (corpus, report) = read("a.jsonl", text.as_bytes(), &options()).expect("prompts");
    assert_eq!(report.redacted.get(&Personal::Email), Some(&2));
    assert_eq!((report.n_same, corpus.entries.len()), (1, 1));
    assert_eq!(
        corpus.entries[0].prompt.messages[0].content,
        "Mail [email address] that the lift is broken again."
    );
}

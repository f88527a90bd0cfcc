//! What runtimes said of tokens, from the journal to its table and back.

use dyno_model::clock::WallNs;
use dyno_model::event::EventKind;
use dyno_model::outcome::Outcome;
use dyno_model::request::{TokenChoice, TokenLogprob};
use tempfile::tempdir;

use super::sample::{campaign, event, request, write_all};
use crate::{Journal, LogprobColumns, Tables};

fn choice(id: Option<u32>, piece: &str, logprob_micro: i64) -> TokenChoice {
    TokenChoice { id, piece: piece.to_owned(), logprob_micro }
}

/// A record of request `idx` with these tokens.
fn told(idx: u32, tokens: Option<Vec<TokenLogprob>>) -> EventKind {
    let mut kind = request(idx, Outcome::Ok, 2);
    let EventKind::Request(record) = &mut kind else { panic!("a request") };
    record.logprobs = tokens;
    kind
}

#[test]
fn what_was_said_of_tokens_comes_back() {
    let first = vec![
        TokenLogprob {
            token: choice(Some(7), "Par\\xe2", -12),
            top: vec![choice(Some(7), "Par\\xe2", -12), choice(Some(9), "\"\n", -11_000_000)],
        },
        TokenLogprob { token: choice(Some(0), "", -3_000_000_000), top: Vec::new() },
    ];
    let second = vec![TokenLogprob { token: choice(None, "é", 0), top: vec![choice(None, "é", 0)] }];
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(1)).expect("a new journal");
    let events = [
        event(0, 1, 0, told(0, Some(first.clone()))),
        event(0, 1, 1, told(1, None)),
        event(1, 2, 0, told(1, Some(second.clone()))),
    ];
    journal.append_events(0, &events).expect("disk has room");
    drop(journal);
    let tables = Tables::open(&campaign).expect("a good journal");
    let columns = tables.logprobs().expect("a table");
    assert_eq!(columns.len(), 3);
    assert_eq!(columns.of(0, 1, 0), Some(first));
    assert_eq!(columns.of(1, 2, 1), Some(second));
    for (run, launch, idx) in [(0, 1, 1), (0, 2, 0), (1, 1, 1), (1, 2, 2), (9, 0, 0)] {
        assert_eq!(columns.of(run, launch, idx), None, "{run} {launch} {idx}");
    }
    let file = tables.manifest().tables.iter().find(|table| table.name == "logprobs.parquet");
    assert_eq!(file.map(|table| table.n_rows), Some(3));
    // An export has it, too.
    let copies = tempdir().expect("a folder");
    tables.copy_to(copies.path()).expect("disk has room");
    assert!(copies.path().join("logprobs.parquet").is_file());
}

#[test]
fn a_record_without_them_has_no_such_table() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    write_all(&campaign);
    let tables = Tables::open(&campaign).expect("a good journal");
    assert_eq!(tables.logprobs().expect("nothing to read"), LogprobColumns::default());
    assert!(!campaign.tables_dir().join("logprobs.parquet").exists());
}

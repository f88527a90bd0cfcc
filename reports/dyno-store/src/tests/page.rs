//! The page that documents the tables, and copies of the tables.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use polars::prelude::Column;
use tempfile::tempdir;

use super::sample::{campaign, write_all};
use crate::batch::{ChunkBatch, RequestBatch, SamplesBatch, channel_columns, run_columns};
use crate::{TABLE_FORMAT, Tables};

const PAGE: &str = include_str!("../../../../docs/tables.md");

/// Names in the first column of the table below the heading that begins so.
fn documented(table: &str) -> BTreeSet<String> {
    let heading = format!("## {table}:");
    let (_, section) = PAGE.split_once(heading.as_str()).expect("the page has the table");
    let section = section.split("\n## ").next().expect("a section has text");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let first = rows.filter_map(|line| line.split('|').nth(1));
    first.flat_map(|cell| cell.split(',').map(|name| name.trim().trim_matches('`').to_owned())).collect()
}

#[test]
fn the_page_names_every_column_and_no_other() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    let check = |table: &str, columns: &[Column]| {
        let written: BTreeSet<String> = columns.iter().map(|column| column.name().to_string()).collect();
        assert_eq!(documented(table), written, "{table} in docs/tables.md");
    };
    check("requests.parquet", &RequestBatch::default().into_columns());
    check("chunks.parquet", &ChunkBatch::default().into_columns());
    check("runs.parquet", &run_columns(campaign.plan(), &[], Path::new("")).expect("no row is wrong"));
    check("channels.parquet", &channel_columns(&[], Path::new("")).expect("no row is wrong"));
    check("samples.parquet", &SamplesBatch::default().into_columns());
    assert!(PAGE.contains(&format!("Table format: {TABLE_FORMAT}.")), "the page is of another format");
}

#[test]
fn copies_of_the_tables_are_the_tables() {
    let (dir, to) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let campaign = campaign(dir.path());
    write_all(&campaign);
    let tables = Tables::open(&campaign).expect("a good journal");
    tables.copy_to(to.path()).expect("disk has room");
    let names = ["requests", "chunks", "runs", "channels", "samples"].map(|name| format!("{name}.parquet"));
    for name in names.iter().map(String::as_str).chain(["sessions.json", "ingest.json"]) {
        let read = |dir: &Path| fs::read(dir.join(name)).expect("a file");
        assert_eq!(read(&campaign.tables_dir()), read(to.path()), "{name}");
    }
}

#[test]
fn a_table_that_changes_is_not_copied() {
    let (dir, to) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let campaign = campaign(dir.path());
    write_all(&campaign);
    let tables = Tables::open(&campaign).expect("a good journal");
    fs::write(campaign.tables_dir().join("runs.parquet"), b"other").expect("a file");
    let error = tables.copy_to(to.path()).expect_err("the digest says no").to_string();
    assert!(
        error.starts_with("the table changed while it was copied: ") && error.ends_with("runs.parquet"),
        "{error}"
    );
}

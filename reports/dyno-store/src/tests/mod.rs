//! Tests of the whole record: journal, recovery, tables.

mod ingest;
mod journal;
mod meters;
mod page;
mod sample;

//! Tests of the whole record: journal, recovery, tables.

mod ingest;
mod journal;
mod logprobs;
mod meters;
mod network;
mod page;
mod sample;

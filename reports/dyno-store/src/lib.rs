//! One folder a campaign: the frozen plan, the journal, and the tables that are made from it.
//!
//! Everything but `plan.json` and `journal.log` can be deleted: it is derived, and is derived again to the same bytes.
//! The journal and the tables carry a format version, and every version that was ever written stays readable.

mod batch;
mod codec;
mod columns;
mod entry;
mod error;
mod export;
mod foreign;
mod index;
mod ingest;
mod journal;
mod layout;
mod logprobs;
mod meter;
mod progress;
mod read;
mod reader;
mod schema;
mod word;

pub use columns::{ChannelKey, ChannelRow, ChunkColumns, LaunchRow, RequestColumns, SampleColumns};
pub use entry::{JOURNAL_FORMAT, JournalEntry};
pub use error::{JournalError, LayoutError, TableError};
pub use export::csv_row;
pub use foreign::{ForeignError, ForeignTable, rows_of_parquet};
pub use ingest::{Manifest, TableFile};
pub use journal::{Journal, Opened};
pub use layout::{Campaign, Store};
pub use logprobs::LogprobColumns;
pub use progress::{Missing, Progress};
pub use read::Tables;
pub use reader::{JournalReader, Line};
pub use schema::TABLE_FORMAT;
pub use word::Word;

#[cfg(test)]
mod tests;

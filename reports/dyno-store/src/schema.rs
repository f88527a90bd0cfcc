//! The tables' names and their version. `docs/tables.md` says what each column holds.

/// Version of the tables' form; raised when a column changes its meaning or goes.
pub const TABLE_FORMAT: u32 = 3;

/// Key of the version in each parquet file's own metadata.
pub(crate) const FORMAT_KEY: &str = "edgedyno.table_format";

/// One row a request.
pub(crate) const REQUESTS: &str = "requests.parquet";
/// One row a chunk of an answer.
pub(crate) const CHUNKS: &str = "chunks.parquet";
/// One row a launch.
pub(crate) const RUNS: &str = "runs.parquet";
/// One row a channel of a sensor.
pub(crate) const CHANNELS: &str = "channels.parquet";
/// One row a value of a channel.
pub(crate) const SAMPLES: &str = "samples.parquet";
/// One row a token of whose probability a runtime said something; not there where none did.
pub(crate) const LOGPROBS: &str = "logprobs.parquet";
/// The journal's entries that are no events, as a JSON list.
pub(crate) const SESSIONS: &str = "sessions.json";
/// What the tables were made from.
pub(crate) const MANIFEST: &str = "ingest.json";

/// Rows of chunks in one row group, at least: groups end with a request.
pub(crate) const CHUNK_ROWS: usize = 1 << 18;
/// Tokens in one row group of those with probabilities, at least: groups end with a request.
pub(crate) const LOGPROB_ROWS: usize = 1 << 15;
/// Requests in one row group, at most.
pub(crate) const REQUEST_ROWS: usize = 1 << 14;

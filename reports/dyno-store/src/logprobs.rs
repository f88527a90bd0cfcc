//! What runtimes said of the probabilities of tokens: its table, in both directions.

use std::path::{Path, PathBuf};

use polars::prelude::Column;

use dyno_model::request::{RequestRecord, TokenChoice, TokenLogprob};

use crate::codec::{Frame, Rows, TableWriter, i64s, optional_u32s, texts, u32s};
use crate::error::TableError;
use crate::index::RequestPlace;
use crate::read::Tables;
use crate::schema::{LOGPROB_ROWS, LOGPROBS};
use crate::word::{Word, Words};

/// Tokens on their way to their table.
#[derive(Debug, Default)]
pub(crate) struct LogprobBatch {
    run: Vec<u32>,
    launch: Vec<u32>,
    idx: Vec<u32>,
    place: Vec<u32>,
    id: Vec<Option<u32>>,
    piece: Vec<String>,
    logprob_micro: Vec<i64>,
    top_json: Vec<String>,
}

impl LogprobBatch {
    /// Whether it is time to write it: texts make its rows long.
    pub(crate) fn is_full(&self) -> bool {
        self.run.len() >= LOGPROB_ROWS
    }

    /// Takes what a record has of them, if anything.
    pub(crate) fn push(&mut self, place: &RequestPlace, record: &mut RequestRecord) {
        for (number, one) in (0..).zip(record.logprobs.take().unwrap_or_default()) {
            self.run.push(place.run);
            self.launch.push(u32::from(place.launch));
            self.idx.push(place.idx);
            self.place.push(number);
            self.id.push(one.token.id);
            self.piece.push(one.token.piece);
            self.logprob_micro.push(one.token.logprob_micro);
            let top = serde_json::to_string(&one.top).expect("our types have only string keys");
            self.top_json.push(top);
        }
    }

    fn into_columns(self) -> Vec<Column> {
        vec![
            u32s("run", self.run),
            u32s("launch", self.launch),
            u32s("idx", self.idx),
            u32s("place", self.place),
            optional_u32s("id", &self.id),
            texts("piece", &self.piece),
            i64s("logprob_micro", self.logprob_micro),
            texts("top_json", &self.top_json),
        ]
    }
}

/// Writes the table from its first row on: a record without any has no such table.
pub(crate) struct LogprobWriter {
    path: PathBuf,
    writer: Option<TableWriter>,
}

impl LogprobWriter {
    /// For the table in `dir`.
    pub(crate) fn new(dir: &Path) -> Self {
        Self { path: dir.join(LOGPROBS), writer: None }
    }

    /// Writes one row group; a batch without rows writes nothing.
    pub(crate) fn write(&mut self, batch: LogprobBatch) -> Result<(), TableError> {
        if batch.run.is_empty() {
            return Ok(());
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                none.insert(TableWriter::create(self.path.clone(), LogprobBatch::default().into_columns())?)
            }
        };
        writer.write(batch.into_columns())
    }

    /// Ends the table; gives how many rows it has, `None` where there is no table.
    pub(crate) fn finish(self) -> Result<Option<u64>, TableError> {
        self.writer.map(TableWriter::finish).transpose()
    }
}

/// What runtimes said of tokens, in the order of their requests and, within one, of the tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogprobColumns {
    /// Run, launch and place of the request of each token.
    key: Vec<(u32, u32, u32)>,
    token: Choices,
    /// Where the likeliest tokens of each place end in `top`.
    top_end: Vec<usize>,
    top: Choices,
}

/// Tokens with their probabilities.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Choices {
    id: Vec<Option<u32>>,
    piece: Vec<Word>,
    logprob_micro: Vec<i64>,
}

impl Choices {
    fn get(&self, row: usize) -> TokenChoice {
        TokenChoice {
            id: self.id[row],
            piece: self.piece[row].as_str().to_owned(),
            logprob_micro: self.logprob_micro[row],
        }
    }
}

impl LogprobColumns {
    /// How many tokens there are, over all requests.
    pub fn len(&self) -> usize {
        self.key.len()
    }

    /// Whether no runtime said anything.
    pub fn is_empty(&self) -> bool {
        self.key.is_empty()
    }

    /// What was said of the tokens of one request, in their order; `None` where nothing was.
    pub fn of(&self, run: u32, launch: u32, idx: u32) -> Option<Vec<TokenLogprob>> {
        let key = (run, launch, idx);
        let first = self.key.partition_point(|known| *known < key);
        let end = first + self.key[first..].partition_point(|known| *known == key);
        let token = |row: usize| {
            let top_first = if row == 0 { 0 } else { self.top_end[row - 1] };
            let top = (top_first..self.top_end[row]).map(|at| self.top.get(at)).collect();
            TokenLogprob { token: self.token.get(row), top }
        };
        (first < end).then(|| (first..end).map(token).collect())
    }
}

impl Tables {
    /// What runtimes said of the probabilities of tokens; empty where none was asked, or none said anything.
    ///
    /// # Errors
    /// The file cannot be read, lacks a column, or its lists of the likeliest tokens are none.
    pub fn logprobs(&self) -> Result<LogprobColumns, TableError> {
        const NAMES: &[&str] = &["run", "launch", "idx", "id", "piece", "logprob_micro", "top_json"];
        let Some(path) = self.table(LOGPROBS) else { return Ok(LogprobColumns::default()) };
        let frame = Frame::read(&path, NAMES, Rows::All)?;
        let (run, launch, idx) = (frame.u32s("run")?, frame.u32s("launch")?, frame.u32s("idx")?);
        let key = run.into_iter().zip(launch).zip(idx).map(|((run, launch), idx)| (run, launch, idx));
        let mut columns = LogprobColumns {
            key: key.collect(),
            token: Choices {
                id: frame.optional_u32s("id")?,
                piece: frame.words("piece")?,
                logprob_micro: frame.i64s("logprob_micro")?,
            },
            ..LogprobColumns::default()
        };
        let mut words = Words::default();
        for json in frame.texts("top_json")? {
            let content = |source| TableError::Content { what: LOGPROBS, path: path.clone(), source };
            let top: Vec<TokenChoice> = serde_json::from_str(&json).map_err(content)?;
            for one in top {
                columns.top.id.push(one.id);
                columns.top.piece.push(words.of(&one.piece));
                columns.top.logprob_micro.push(one.logprob_micro);
            }
            columns.top_end.push(columns.top.id.len());
        }
        Ok(columns)
    }
}

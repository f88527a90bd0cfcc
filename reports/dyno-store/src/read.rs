//! Tables back in memory, column by column.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use dyno_model::network::NetworkWatch;
use dyno_model::sample::{Channel, OwnCost};

use crate::batch::kind_of;
use crate::codec::{Frame, Rows};
use crate::columns::{ChannelRow, ChunkColumns, LaunchRow, RequestColumns, SampleColumns};
use crate::entry::JournalEntry;
use crate::error::TableError;
use crate::ingest::{Manifest, ensure, has_digest};
use crate::layout::Campaign;
use crate::schema::{CHANNELS, CHUNKS, MANIFEST, REQUEST_ROWS, REQUESTS, RUNS, SAMPLES, SESSIONS};

/// The tables of one campaign, which fit its journal.
#[derive(Debug)]
pub struct Tables {
    dir: PathBuf,
    manifest: Manifest,
}

impl Tables {
    /// Opens the tables of a campaign; makes them first where they are missing, damaged or older than the journal.
    ///
    /// # Errors
    /// The journal is damaged or of a newer format, or the folder cannot be written.
    pub fn open(campaign: &Campaign) -> Result<Self, TableError> {
        let manifest = ensure(campaign)?;
        Ok(Self { dir: campaign.tables_dir(), manifest })
    }

    /// Copies all tables into a folder, with the page that says what they were made from, and holds each copy against
    /// its digest.
    ///
    /// # Errors
    /// A file cannot be read or written, or changed meanwhile.
    pub fn copy_to(&self, dir: &Path) -> Result<(), TableError> {
        let copy = |name: &str| -> Result<PathBuf, TableError> {
            let path = dir.join(name);
            let copied = fs::copy(self.dir.join(name), &path);
            copied.map_err(|source| TableError::Io { action: "write", path: path.clone(), source })?;
            Ok(path)
        };
        for table in &self.manifest.tables {
            if !has_digest(&copy(&table.name)?, &table.digest) {
                return Err(TableError::Changed { path: self.dir.join(&table.name) });
            }
        }
        copy(MANIFEST).map(drop)
    }

    /// What they were made from.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The journal's entries that are no events, in their order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn sessions(&self) -> Result<Vec<JournalEntry>, TableError> {
        let path = self.dir.join(SESSIONS);
        let bytes = fs::read(&path).map_err(|source| TableError::Io {
            action: "read",
            path: path.clone(),
            source,
        })?;
        serde_json::from_slice(&bytes).map_err(|source| TableError::Content { what: SESSIONS, path, source })
    }

    /// All requests, without their texts.
    ///
    /// # Errors
    /// The file cannot be read, or lacks a column.
    pub fn requests(&self) -> Result<RequestColumns, TableError> {
        const NAMES: &[&str] = &[
            "run",
            "launch",
            "idx",
            "prompt_id",
            "category",
            "due_at_ns",
            "sent_at_ns",
            "ended_at_ns",
            "outcome",
            "outcome_detail",
            "finish",
            "prompt_tokens",
            "completion_tokens",
            "cached_tokens",
            "usage_source",
            "prefill_ns",
            "decode_ns",
            "n_chunks",
            "reasoning_tokens",
            "queue_ns",
            "http_status",
            "retry_after_ms",
            "connect_ns",
            "n_coalesced",
            "timings_tokens",
        ];
        let frame = Frame::read(&self.dir.join(REQUESTS), NAMES, Rows::All)?;
        Ok(RequestColumns {
            run: frame.u32s("run")?,
            launch: frame.u32s("launch")?,
            idx: frame.u32s("idx")?,
            prompt_id: frame.words("prompt_id")?,
            category: frame.words("category")?,
            due_at_ns: frame.optional_u64s("due_at_ns")?,
            sent_at_ns: frame.u64s("sent_at_ns")?,
            ended_at_ns: frame.u64s("ended_at_ns")?,
            outcome: frame.words("outcome")?,
            outcome_detail: frame.optional_texts("outcome_detail")?,
            finish: frame.optional_words("finish")?,
            prompt_tokens: frame.optional_u32s("prompt_tokens")?,
            completion_tokens: frame.optional_u32s("completion_tokens")?,
            cached_tokens: frame.optional_u32s("cached_tokens")?,
            usage_source: frame.words("usage_source")?,
            prefill_ns: frame.optional_u64s("prefill_ns")?,
            decode_ns: frame.optional_u64s("decode_ns")?,
            n_chunks: frame.u32s("n_chunks")?,
            reasoning_tokens: frame.optional_u32s("reasoning_tokens")?,
            queue_ns: frame.optional_u64s("queue_ns")?,
            http_status: frame.optional_u32s("http_status")?,
            retry_after_ms: frame.optional_u64s("retry_after_ms")?,
            connect_ns: frame.optional_u64s("connect_ns")?,
            n_coalesced: frame.optional_u64s("n_coalesced")?,
            timings_tokens: frame.optional_u32s("timings_tokens")?,
        })
    }

    /// The answer in row `row` of the requests.
    ///
    /// # Errors
    /// The file cannot be read, or has no such row.
    pub fn text(&self, row: usize) -> Result<String, TableError> {
        let path = self.dir.join(REQUESTS);
        let texts = Frame::read(&path, &["text"], Rows::Some { first: row, n: 1 })?.texts("text")?;
        texts.into_iter().next().ok_or_else(|| TableError::Column { path, column: format!("text[{row}]") })
    }

    /// All answers, in the order of the requests. Big: for exports.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn texts(&self) -> Result<Vec<String>, TableError> {
        Frame::read(&self.dir.join(REQUESTS), &["text"], Rows::All)?.texts("text")
    }

    /// So many answers at a time take as much memory as the writing of the table did.
    pub const ANSWERS_AT_ONCE: usize = REQUEST_ROWS;

    /// Answers `first..first + n`, in the order of the requests; fewer at the end. A table may have more than there is
    /// memory for: read [`Self::ANSWERS_AT_ONCE`] at a time.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn texts_of(&self, first: usize, n: usize) -> Result<Vec<String>, TableError> {
        Frame::read(&self.dir.join(REQUESTS), &["text"], Rows::Some { first, n })?.texts("text")
    }

    /// Chunks `first..first + n` of the table, which has those of the requests in their order: request `row` has
    /// `n_chunks[row]` of them. A table may have more than there is memory for: read it in parts.
    ///
    /// # Errors
    /// The file cannot be read, or lacks a column.
    pub fn chunks(&self, first: usize, n: usize) -> Result<ChunkColumns, TableError> {
        const NAMES: &[&str] = &["at_ns", "kind", "n_bytes", "n_tokens"];
        let frame = Frame::read(&self.dir.join(CHUNKS), NAMES, Rows::Some { first, n })?;
        Ok(ChunkColumns {
            at_ns: frame.u64s("at_ns")?,
            kind: frame.u32s("kind")?.into_iter().map(kind_of).collect(),
            n_bytes: frame.u32s("n_bytes")?,
            n_tokens: frame.optional_u32s("n_tokens")?,
        })
    }

    /// A table that a record has only where there is something to say; `None` where it has it not.
    pub(crate) fn table(&self, name: &str) -> Option<PathBuf> {
        self.manifest.tables.iter().any(|table| table.name == name).then(|| self.dir.join(name))
    }

    /// How many chunks there are in all.
    pub fn n_chunks(&self) -> u64 {
        self.manifest.tables.iter().find(|table| table.name == CHUNKS).map_or(0, |table| table.n_rows)
    }

    /// All channels.
    ///
    /// # Errors
    /// The file cannot be read, or lacks a column.
    pub fn channels(&self) -> Result<Vec<ChannelRow>, TableError> {
        const NAMES: &[&str] = &[
            "run",
            "launch",
            "sensor",
            "channel",
            "driver",
            "quantity",
            "site",
            "class",
            "period_ms",
            "wraps_at",
            "scope",
        ];
        let path = self.dir.join(CHANNELS);
        let frame = Frame::read(&path, NAMES, Rows::All)?;
        let (run, launch) = (frame.u32s("run")?, frame.u32s("launch")?);
        let (sensor, channel) = (frame.u32s("sensor")?, frame.u32s("channel")?);
        let (driver, quantity) = (frame.texts("driver")?, frame.texts("quantity")?);
        let (site, class, period_ms) =
            (frame.texts("site")?, frame.texts("class")?, frame.u32s("period_ms")?);
        let (wraps_at, scope) = (frame.optional_u64s("wraps_at")?, frame.optional_texts("scope")?);
        let row = |i: usize| {
            let what = Channel {
                quantity: of_word(&quantity[i], "quantity", &path)?,
                site: site[i].clone(),
                class: of_word(&class[i], "class", &path)?,
                period_ms: period_ms[i],
                wraps_at: wraps_at[i],
                scope: scope[i].as_deref().map(|word| of_word(word, "scope", &path)).transpose()?,
            };
            let driver = driver[i].clone();
            Ok(ChannelRow {
                run: run[i],
                launch: launch[i],
                sensor: sensor[i],
                channel: channel[i],
                driver,
                what,
            })
        };
        (0..frame.height()).map(row).collect()
    }

    /// All samples.
    ///
    /// # Errors
    /// The file cannot be read, or lacks a column.
    pub fn samples(&self) -> Result<SampleColumns, TableError> {
        const NAMES: &[&str] = &["run", "launch", "sensor", "channel", "at_ns", "value"];
        let frame = Frame::read(&self.dir.join(SAMPLES), NAMES, Rows::All)?;
        Ok(SampleColumns {
            run: frame.u32s("run")?,
            launch: frame.u32s("launch")?,
            sensor: frame.u32s("sensor")?,
            channel: frame.u32s("channel")?,
            at_ns: frame.u64s("at_ns")?,
            value: frame.optional_i64s("value")?,
        })
    }

    /// All launches, sorted by run and number.
    ///
    /// # Errors
    /// The file cannot be read, or lacks a column.
    pub fn launches(&self) -> Result<Vec<LaunchRow>, TableError> {
        LaunchReader::read(&self.dir.join(RUNS))?.rows()
    }
}

/// The table of launches, column by column.
struct LaunchReader {
    path: PathBuf,
    frame: Frame,
}

impl LaunchReader {
    const U64S: &'static [&'static str] = &[
        "wall_ns",
        "started_at_ns",
        "spawned_at_ns",
        "ready_at_ns",
        "ended_at_ns",
        "cpu_ns",
        "peak_rss_bytes",
        "own_wall_ns",
        "own_cpu_ns",
        "own_sampler_cpu_ns",
        "own_peak_rss_bytes",
        "own_n_rows",
        "own_n_dropped",
        "own_lateness_p50_ns",
        "own_lateness_p99_ns",
        "own_lateness_max_ns",
    ];
    const OTHERS: &'static [&'static str] = &[
        "run",
        "launch",
        "session",
        "n_requests_asked",
        "outcome",
        "outcome_detail",
        "invalid_json",
        "exit",
        "facts_json",
        "unreadable_json",
        "notes_json",
        "calibration_json",
        "load_json",
        "start_json",
        "start_costs_json",
        "spans_json",
    ];

    fn read(path: &Path) -> Result<Self, TableError> {
        let names = [Self::U64S, Self::OTHERS].concat();
        Ok(Self { path: path.to_owned(), frame: Frame::read(path, &names, Rows::All)? })
    }

    fn rows(&self) -> Result<Vec<LaunchRow>, TableError> {
        let frame = &self.frame;
        let (run, launch, session) = (frame.u32s("run")?, frame.u32s("launch")?, frame.u32s("session")?);
        let asked = frame.optional_u32s("n_requests_asked")?;
        let (outcome, detail) = (frame.optional_texts("outcome")?, frame.optional_texts("outcome_detail")?);
        let exit = frame.optional_texts("exit")?;
        let [wall, started, spawned, ready, ended, cpu, peak] = [
            "wall_ns",
            "started_at_ns",
            "spawned_at_ns",
            "ready_at_ns",
            "ended_at_ns",
            "cpu_ns",
            "peak_rss_bytes",
        ]
        .map(|name| frame.optional_u64s(name));
        let (wall, started, spawned, ready) = (wall?, started?, spawned?, ready?);
        let (ended, cpu, peak) = (ended?, cpu?, peak?);
        let mut own = self.own()?;
        let mut invalid = self.json("invalid_json")?;
        let mut facts = self.json("facts_json")?;
        let mut unreadable = self.json::<Vec<_>>("unreadable_json")?;
        let mut notes = self.json::<Vec<_>>("notes_json")?;
        let (mut calibration, mut load) = (self.json("calibration_json")?, self.json("load_json")?);
        let mut network = self.network()?;
        let mut start = self.json("start_json")?;
        let mut start_costs = self.json::<Vec<_>>("start_costs_json")?;
        let mut spans = self.json::<Vec<_>>("spans_json")?;
        let row = |i: usize| LaunchRow {
            run: run[i],
            launch: launch[i],
            session: session[i],
            wall_ns: wall[i],
            started_at_ns: started[i],
            spawned_at_ns: spawned[i],
            ready_at_ns: ready[i],
            ended_at_ns: ended[i],
            n_requests_asked: asked[i],
            outcome: outcome[i].clone(),
            outcome_detail: detail[i].clone(),
            invalid: invalid[i].take(),
            exit: exit[i].clone(),
            cpu_ns: cpu[i],
            peak_rss_bytes: peak[i],
            own: own[i].take(),
            facts: facts[i].take(),
            unreadable: unreadable[i].take().unwrap_or_default(),
            notes: notes[i].take().unwrap_or_default(),
            calibration: calibration[i].take(),
            load: load[i].take(),
            network: network[i].take(),
            start: start[i].take(),
            start_costs: start_costs[i].take().unwrap_or_default(),
            spans: spans[i].take().unwrap_or_default(),
        };
        Ok((0..frame.height()).map(row).collect())
    }

    fn own(&self) -> Result<Vec<Option<OwnCost>>, TableError> {
        let column = |name| self.frame.optional_u64s(name);
        let (wall, cpu, sampler) =
            (column("own_wall_ns")?, column("own_cpu_ns")?, column("own_sampler_cpu_ns")?);
        let (peak, rows, dropped) =
            (column("own_peak_rss_bytes")?, column("own_n_rows")?, column("own_n_dropped")?);
        let (p50, p99) = (column("own_lateness_p50_ns")?, column("own_lateness_p99_ns")?);
        let max = column("own_lateness_max_ns")?;
        let row = |i: usize| {
            Some(OwnCost {
                wall_ns: wall[i]?,
                cpu_ns: cpu[i]?,
                sampler_cpu_ns: sampler[i]?,
                peak_rss_bytes: peak[i],
                n_rows: rows[i]?,
                n_dropped: dropped[i]?,
                lateness_p50_ns: p50[i],
                lateness_p99_ns: p99[i],
                lateness_max_ns: max[i],
            })
        };
        Ok((0..self.frame.height()).map(row).collect())
    }

    /// What sockets pointed at; tables that an earlier version made lack it.
    fn network(&self) -> Result<Vec<Option<NetworkWatch>>, TableError> {
        const NAME: &str = "network_json";
        match Frame::read(&self.path, &[NAME], Rows::All) {
            Ok(frame) if frame.has(NAME) => Self { path: self.path.clone(), frame }.json(NAME),
            Ok(_) | Err(_) => Ok(vec![None; self.frame.height()]),
        }
    }

    fn json<T: DeserializeOwned>(&self, name: &'static str) -> Result<Vec<Option<T>>, TableError> {
        let parse = |text: Option<String>| text.map(|text| serde_json::from_str(&text)).transpose();
        let content = |source| TableError::Content { what: name, path: self.path.clone(), source };
        self.frame.optional_texts(name)?.into_iter().map(parse).collect::<Result<_, _>>().map_err(content)
    }
}

/// The plain enum of a word.
fn of_word<T: for<'de> Deserialize<'de>>(
    word: &str,
    what: &'static str,
    path: &Path,
) -> Result<T, TableError> {
    let value = serde_json::Value::String(word.to_owned());
    serde_json::from_value(value).map_err(|source| TableError::Content {
        what,
        path: path.to_owned(),
        source,
    })
}

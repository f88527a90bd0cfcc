//! From the journal to parquet: pure and repeatable, the same bytes each time.

use std::fs::{self, File};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use polars::prelude::Column;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use dyno_model::digest::Digest;
use dyno_model::line::LineError;
use dyno_model::plan::{Plan, PlannedRun};
use dyno_model::request::RequestRecord;
use dyno_model::sample::SampleBatch;

use crate::batch::{ChunkBatch, RequestBatch, SamplesBatch, channel_columns, run_columns};
use crate::codec::TableWriter;
use crate::error::{JournalError, TableError};
use crate::index::{Index, RequestPlace, SamplesPlace};
use crate::layout::Campaign;
use crate::logprobs::{LogprobBatch, LogprobWriter};
use crate::meter::on_device;
use crate::reader::Place;
use crate::schema::{
    CHANNELS, CHUNK_ROWS, CHUNKS, LOGPROBS, MANIFEST, REQUEST_ROWS, REQUESTS, RUNS, SAMPLES, SESSIONS,
    TABLE_FORMAT,
};

/// What tables were made from, as `tables/ingest.json` holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`TABLE_FORMAT`].
    pub table_format: u32,
    /// Length of the journal, torn tail included.
    pub journal_bytes: u64,
    /// SHA-256 of those bytes.
    pub journal_digest: Digest,
    /// Whole lines of the journal.
    pub n_lines: u64,
    /// Bytes of its torn tail, which are in no table.
    pub torn_bytes: u64,
    /// Events that were in the journal twice and are in the tables once.
    pub n_duplicate_events: u64,
    /// Records of requests that are not in the tables, because another record of the same request is:
    /// the first that went well, else the first that was not cancelled, else the first. Of a held load, all requests
    /// of the launches that are not its last one that came to an end.
    pub n_superseded_requests: u64,
    /// The files, in the order of their names.
    pub tables: Vec<TableFile>,
}

/// One file of the tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFile {
    /// Its name.
    pub name: String,
    /// Its rows; the entries of a list.
    pub n_rows: u64,
    /// Its SHA-256.
    pub digest: Digest,
}

/// Gives the manifest of tables that fit the journal, making the tables first where they are missing or old.
pub(crate) fn ensure(campaign: &Campaign) -> Result<Manifest, TableError> {
    let lock = lock_folder(campaign.dir())?;
    let journal = Fingerprint::of(&campaign.journal_path())?;
    if let Some(manifest) = fitting(campaign, &journal)? {
        return Ok(manifest);
    }
    let manifest = make(campaign, journal)?;
    drop(lock);
    Ok(manifest)
}

/// Length and digest of the journal.
struct Fingerprint {
    bytes: u64,
    digest: Digest,
}

impl Fingerprint {
    fn of(path: &Path) -> Result<Self, TableError> {
        let read = |source| io("read", path, source);
        let file = File::open(path).map_err(read)?;
        let bytes = file.metadata().map_err(read)?.len();
        let digest = Digest::of_reader(&mut file.take(bytes)).map_err(read)?;
        Ok(Self { bytes, digest })
    }
}

/// The manifest, if its tables were made of this journal by this version and are all there.
fn fitting(campaign: &Campaign, journal: &Fingerprint) -> Result<Option<Manifest>, TableError> {
    #[derive(Deserialize)]
    struct Versioned {
        table_format: u32,
    }
    let dir = campaign.tables_dir();
    let path = dir.join(MANIFEST);
    // A manifest that cannot be read or understood means that the tables are made again.
    let Ok(bytes) = fs::read(&path) else { return Ok(None) };
    let Ok(Versioned { table_format: found }) = serde_json::from_slice(&bytes) else { return Ok(None) };
    if found > TABLE_FORMAT {
        return Err(TableError::Newer { path, found, known: TABLE_FORMAT });
    }
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else { return Ok(None) };
    let same = found == TABLE_FORMAT
        && manifest.journal_bytes == journal.bytes
        && manifest.journal_digest == journal.digest
        && manifest.tables.iter().all(|table| has_digest(&dir.join(&table.name), &table.digest));
    Ok(same.then_some(manifest))
}

pub(crate) fn has_digest(path: &Path, digest: &Digest) -> bool {
    File::open(path).and_then(|mut file| Digest::of_reader(&mut file)).is_ok_and(|found| &found == digest)
}

/// Only one process at a time makes the tables of a campaign.
fn lock_folder(dir: &Path) -> Result<File, TableError> {
    let lock = File::open(dir).and_then(|file| file.lock().map(|()| file));
    lock.map_err(|source| io("lock the folder", dir, source))
}

fn make(campaign: &Campaign, journal: Fingerprint) -> Result<Manifest, TableError> {
    let (partial, dir) = (campaign.dir().join("tables.partial"), campaign.tables_dir());
    remove_folder(&partial)?;
    fs::create_dir(&partial).map_err(|source| io("create the folder", &partial, source))?;
    let made = write_tables(campaign, &partial, journal);
    let Ok(manifest) = made else {
        // Best effort: the first error is the one to report.
        drop(fs::remove_dir_all(&partial));
        return made;
    };
    remove_folder(&dir)?;
    fs::rename(&partial, &dir).map_err(|source| io("put in place", &dir, source))?;
    Ok(manifest)
}

fn remove_folder(dir: &Path) -> Result<(), TableError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(io("delete the folder", dir, error))
        }
        _ => Ok(()),
    }
}

fn write_tables(campaign: &Campaign, dir: &Path, journal: Fingerprint) -> Result<Manifest, TableError> {
    let path = campaign.journal_path();
    let plan = campaign.plan();
    let is_held = |run: &&PlannedRun| plan.hold_of(run).is_some();
    let held = plan.runs.iter().filter(is_held).map(|run| run.id.0).collect();
    let mut index = Index::read(&path, &held)?;
    let foreign = index
        .requests
        .iter()
        .map(|place| place.run)
        .find(|run| plan.run(dyno_model::ids::RunId(*run)).is_none());
    if let Some(run) = foreign {
        return Err(TableError::ForeignRun { path, run });
    }
    let mut rows = Vec::new();
    rows.push((
        CHANNELS,
        write_whole(dir, CHANNELS, channel_columns(&index.channels, dir)?, channel_columns(&[], dir)?)?,
    ));
    let launches: Vec<_> = std::mem::take(&mut index.launches).into_values().collect();
    let (of_runs, none) = (run_columns(plan, &launches, dir)?, run_columns(plan, &[], dir)?);
    rows.push((RUNS, write_whole(dir, RUNS, of_runs, none)?));
    rows.push((SAMPLES, write_samples(dir, &path, &index.samples)?));
    rows.extend(write_requests(dir, &path, plan, &index.requests)?);
    write_json(dir, SESSIONS, &index.others)?;
    rows.push((SESSIONS, index.others.len() as u64));
    rows.sort_unstable();
    let tables =
        rows.into_iter().map(|(name, n_rows)| table_file(dir, name, n_rows)).collect::<Result<_, _>>()?;
    let manifest = Manifest {
        table_format: TABLE_FORMAT,
        journal_bytes: journal.bytes,
        journal_digest: journal.digest,
        n_lines: index.n_lines,
        torn_bytes: index.torn_bytes,
        n_duplicate_events: index.n_duplicate_events,
        n_superseded_requests: index.n_superseded_requests,
        tables,
    };
    write_json(dir, MANIFEST, &manifest)?;
    Ok(manifest)
}

fn table_file(dir: &Path, name: &str, n_rows: u64) -> Result<TableFile, TableError> {
    let path = dir.join(name);
    let digest = File::open(&path).and_then(|mut file| Digest::of_reader(&mut file));
    let digest = digest.map_err(|source| io("read", &path, source))?;
    Ok(TableFile { name: name.to_owned(), n_rows, digest })
}

fn write_json<T: Serialize>(dir: &Path, name: &'static str, value: &T) -> Result<(), TableError> {
    let path = dir.join(name);
    let content = |source| TableError::Content { what: name, path: path.clone(), source };
    let mut json = serde_json::to_vec_pretty(value).map_err(content)?;
    json.push(b'\n');
    fs::write(&path, json).map_err(|source| io("write", &path, source))
}

fn write_whole(dir: &Path, name: &str, all: Vec<Column>, empty: Vec<Column>) -> Result<u64, TableError> {
    let mut writer = TableWriter::create(dir.join(name), empty)?;
    writer.write(all)?;
    writer.finish()
}

fn write_samples(dir: &Path, journal: &Path, places: &[SamplesPlace]) -> Result<u64, TableError> {
    let mut writer = TableWriter::create(dir.join(SAMPLES), SamplesBatch::default().into_columns())?;
    let mut lines = Lines::open(journal)?;
    let mut batch = SamplesBatch::default();
    for place in places {
        let rows = match place.clock {
            None => lines.at::<SamplesEntry>(place.line)?.event,
            Some(clock) => on_device(&lines.at::<MeteredEntry>(place.line)?.metered.batch, clock),
        };
        batch.push(place, &rows);
        if batch.len() >= CHUNK_ROWS {
            writer.write(std::mem::take(&mut batch).into_columns())?;
        }
    }
    writer.write(batch.into_columns())?;
    writer.finish()
}

/// What requests bring to their tables.
#[derive(Default)]
struct Batches {
    requests: RequestBatch,
    chunks: ChunkBatch,
    logprobs: LogprobBatch,
}

impl Batches {
    fn is_full(&self) -> bool {
        self.chunks.len() >= CHUNK_ROWS || self.requests.len() >= REQUEST_ROWS || self.logprobs.is_full()
    }
}

/// Reads on one thread and writes on this one; gives the tables and their rows.
fn write_requests(
    dir: &Path,
    journal: &Path,
    plan: &Plan,
    places: &[RequestPlace],
) -> Result<Vec<(&'static str, u64)>, TableError> {
    let mut requests = TableWriter::create(dir.join(REQUESTS), RequestBatch::default().into_columns())?;
    let mut chunks = TableWriter::create(dir.join(CHUNKS), ChunkBatch::default().into_columns())?;
    let mut logprobs = LogprobWriter::new(dir);
    let (sender, receiver): (SyncSender<Batches>, Receiver<Batches>) = sync_channel(1);
    thread::scope(|scope| {
        let reader = thread::Builder::new()
            .name("dyno-ingest".to_owned())
            .spawn_scoped(scope, move || read_requests(journal, plan, places, &sender))
            .map_err(|source| io("start a thread to read", journal, source))?;
        for some in receiver {
            requests.write(some.requests.into_columns())?;
            chunks.write(some.chunks.into_columns())?;
            logprobs.write(some.logprobs)?;
        }
        reader.join().expect("the reading thread does not panic: it returns its errors")
    })?;
    let mut rows = vec![(REQUESTS, requests.finish()?), (CHUNKS, chunks.finish()?)];
    rows.extend(logprobs.finish()?.map(|n_rows| (LOGPROBS, n_rows)));
    Ok(rows)
}

fn read_requests(
    journal: &Path,
    plan: &Plan,
    places: &[RequestPlace],
    sender: &SyncSender<Batches>,
) -> Result<(), TableError> {
    let mut lines = Lines::open(journal)?;
    let mut batches = Batches::default();
    for place in places {
        let mut entry: RequestEntry = lines.at(place.line)?;
        let category = plan.prompts.get(&entry.event.prompt_id).map_or("", |prompt| prompt.category.as_str());
        batches.chunks.push(place, &entry.event);
        batches.logprobs.push(place, &mut entry.event);
        batches.requests.push(place, category, entry.event);
        if batches.is_full() && sender.send(std::mem::take(&mut batches)).is_err() {
            // The writer has stopped with an error of its own, which is the one to report.
            return Ok(());
        }
    }
    // As above: a writer that is gone has its own error.
    drop(sender.send(batches));
    Ok(())
}

/// An entry that is known to be a request's: the event's other keys are passed over.
#[derive(Deserialize)]
struct RequestEntry {
    event: RequestRecord,
}

#[derive(Deserialize)]
struct SamplesEntry {
    event: SampleBatch,
}

#[derive(Deserialize)]
struct MeteredEntry {
    metered: MeteredRows,
}

#[derive(Deserialize)]
struct MeteredRows {
    batch: SampleBatch,
}

/// Lines of the journal by their place; the first pass has checked them.
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    position: u64,
    buffer: Vec<u8>,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, TableError> {
        let file = File::open(path).map_err(|source| io("read", path, source))?;
        let reader = BufReader::with_capacity(1 << 18, file);
        Ok(Self { path: path.to_owned(), reader, position: 0, buffer: Vec::new() })
    }

    fn at<T: DeserializeOwned>(&mut self, place: Place) -> Result<T, TableError> {
        self.read(place).map_err(|source| io("read", &self.path, source))?;
        let json = self.buffer.get(9..).unwrap_or_default();
        serde_json::from_slice(json).map_err(|source| {
            let source = LineError::Content(source);
            TableError::Journal(JournalError::Damaged { path: self.path.clone(), line: place.number, source })
        })
    }

    fn read(&mut self, place: Place) -> std::io::Result<()> {
        if place.offset != self.position {
            self.reader.seek(SeekFrom::Start(place.offset))?;
        }
        self.buffer.resize(place.bytes, 0);
        self.reader.read_exact(&mut self.buffer)?;
        self.position = place.offset + place.bytes as u64;
        Ok(())
    }
}

fn io(action: &'static str, path: &Path, source: std::io::Error) -> TableError {
    TableError::Io { action, path: path.to_owned(), source }
}

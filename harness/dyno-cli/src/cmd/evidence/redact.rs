//! A copy of a campaign without texts and names, line by line, however long its journal is.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use dyno_evidence::Redactor;
use dyno_model::digest::Digest;
use dyno_model::line::write_line;
use dyno_store::{Campaign, JournalEntry, JournalReader, Store};

use crate::render_error::Failure;

/// Stands for each byte of a torn tail: its length is in the report.
const TORN: u8 = b'-';

/// Writes the redacted campaign below `folder` and opens it.
pub(crate) fn redacted(
    campaign: &Campaign,
    redactor: &mut Redactor,
    folder: &Path,
) -> Result<Campaign, Failure> {
    let mut plan = campaign.plan().clone();
    redactor.plan(&mut plan);
    let copy = Store::new(folder).create(campaign.id(), &plan)?;
    let path = copy.journal_path();
    let failed = |error| {
        Failure::io(
            format!("cannot write {}", path.display()),
            error,
            "make room there, or name another --output",
        )
    };
    let mut out = BufWriter::with_capacity(1 << 18, File::create(&path).map_err(failed)?);
    let mut reader = JournalReader::open(&campaign.journal_path())?;
    let mut line = Vec::new();
    for read in reader.by_ref() {
        let mut entry = read?.entry;
        redact(&mut entry, redactor, copy.plan_digest());
        line.clear();
        write_line(&mut line, &entry).expect("an entry that was read has string keys");
        out.write_all(&line).map_err(failed)?;
    }
    for _ in 0..reader.torn_bytes() {
        out.write_all(&[TORN]).map_err(failed)?;
    }
    out.flush().map_err(failed)?;
    Ok(copy)
}

/// Takes texts and names out of one entry.
fn redact(entry: &mut JournalEntry, redactor: &mut Redactor, plan: &Digest) {
    match entry {
        JournalEntry::Header { plan_digest, format: _, campaign: _, tool_version: _, wall: _ } => {
            *plan_digest = plan.clone();
        }
        JournalEntry::Session {
            transport,
            facts,
            notes,
            session: _,
            device: _,
            build_id: _,
            model_digests: _,
            wall: _,
        } => {
            redactor.facts(facts);
            redactor.words(transport);
            for note in notes {
                redactor.words(note);
            }
        }
        JournalEntry::Prepared { prepared, session: _ } => redactor.prepared(prepared),
        JournalEntry::Restored { restored, session: _ } => redactor.restored(restored),
        JournalEntry::Machine { figures, session: _ } => redactor.machine(figures),
        JournalEntry::SensorsTested { tests, session: _ } => redactor.sensor_tests(tests),
        JournalEntry::Metered { metered, session: _, run: _, launch: _ } => redactor.metered(metered),
        JournalEntry::MeterKnocked { knocked, session: _ } => redactor.meter_knocked(knocked),
        JournalEntry::MeterFailed { error, session: _, meter: _ }
        | JournalEntry::GivenUp { error, device: _, wall: _ } => redactor.words(error),
        JournalEntry::LeftOut { why, session: _, run: _, wall: _ } => redactor.words(why),
        JournalEntry::Event { event, session: _ } => redactor.event(event),
        JournalEntry::Interrupted { reason, wall: _ } => redactor.words(reason),
        JournalEntry::SessionEnded { error, session: _, wall: _ } => {
            if let Some(error) = error {
                redactor.words(error);
            }
        }
        JournalEntry::Clock { session: _, sample: _ }
        | JournalEntry::Resumed { tool_version: _, wall: _ } => {}
    }
}

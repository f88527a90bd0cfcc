//! Rows of external meters as those of any other sensor of the launch that they fell into.
//!
//! In the journal they stand by the clock of the machine that read them; in the tables, by the device's. Where the
//! power knocks of the same session were not found when they were, the channels say so by their driver's name and the
//! lowest class, so that nothing is worked out of them beside what has its place in time.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::meter::{ClockMap, KnockVerdict, MeterCounts, UNALIGNED_DRIVER};
use dyno_model::sample::{AccuracyClass, SampleBatch};

use crate::columns::{ChannelRow, LaunchRow};
use crate::entry::JournalEntry;
use crate::index::SamplesPlace;
use crate::reader::Place;

/// What a first pass finds of meters.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    /// Meters by session whose knocks were not where they must be, and why.
    unaligned: BTreeMap<(u32, String), String>,
    /// Meters that could not be read.
    failed: BTreeMap<(u32, String), String>,
    /// The session of each launch that a meter has rows of, and the last counts.
    launches: BTreeMap<(u32, u16, String), (u32, MeterCounts)>,
    /// Sensors by session and meter.
    sensors: BTreeMap<(u32, u16, u32), (u32, String)>,
}

impl Meters {
    /// Takes note of an entry; gives the place of its rows and its channels, where it has some.
    pub(crate) fn take(
        &mut self,
        entry: &JournalEntry,
        line: Place,
    ) -> Option<(SamplesPlace, Vec<ChannelRow>)> {
        match entry {
            JournalEntry::MeterKnocked { session, knocked } => {
                if let KnockVerdict::Unaligned { why } = &knocked.verdict {
                    self.unaligned.entry((*session, knocked.meter.clone())).or_insert_with(|| why.clone());
                }
                None
            }
            JournalEntry::MeterFailed { session, meter, error } => {
                self.failed.entry((*session, meter.clone())).or_insert_with(|| error.clone());
                None
            }
            JournalEntry::Metered { session, run, launch, metered } => {
                let (key, meter) = ((run.0, *launch), metered.meter.clone());
                self.launches.insert((key.0, key.1, meter.clone()), (*session, metered.counts.clone()));
                self.sensors.insert((key.0, key.1, u32::from(metered.declared.sensor)), (*session, meter));
                let channels = metered.declared.channels.iter().zip(0..).map(|(what, channel)| ChannelRow {
                    run: key.0,
                    launch: u32::from(key.1),
                    sensor: u32::from(metered.declared.sensor),
                    channel,
                    driver: metered.declared.driver.clone(),
                    what: what.clone(),
                });
                Some((SamplesPlace::of_meter(key, metered, line), channels.collect()))
            }
            _ => None,
        }
    }

    /// Marks what is not aligned, and tells each launch of its meters.
    pub(crate) fn mark(&self, channels: &mut [ChannelRow], launches: &mut BTreeMap<(u32, u16), LaunchRow>) {
        for row in channels {
            let launch = u16::try_from(row.launch).unwrap_or(u16::MAX);
            let of = self.sensors.get(&(row.run, launch, row.sensor));
            if of.is_some_and(|of| self.unaligned.contains_key(of)) {
                UNALIGNED_DRIVER.clone_into(&mut row.driver);
                row.what.class = AccuracyClass::D;
            }
        }
        for ((run, launch, meter), (session, counts)) in &self.launches {
            let Some(row) = launches.get_mut(&(*run, *launch)) else { continue };
            let of = (*session, meter.clone());
            row.notes
                .extend(self.unaligned.get(&of).map(|why| format!("meter {meter} is not aligned: {why}")));
            row.notes.extend(lost(counts).map(|words| format!("meter {meter}, since it was begun: {words}")));
        }
        let metered: BTreeSet<(u32, u16)> =
            self.launches.keys().map(|(run, launch, _)| (*run, *launch)).collect();
        for ((session, meter), error) in &self.failed {
            let rows =
                launches.iter_mut().filter(|(key, row)| row.session == *session && !metered.contains(key));
            for (_, row) in rows {
                row.notes.push(format!("meter {meter} could not be read: {error}"));
            }
        }
    }
}

/// What a meter said that is in no row, in words; `None` if there is no such thing.
fn lost(counts: &MeterCounts) -> Option<String> {
    let kinds = [
        (counts.n_garbled, "could not be understood"),
        (counts.n_absurd, "had absurd values"),
        (counts.n_too_low, "were below its range"),
        (counts.n_disordered, "were out of order"),
        (counts.n_dropped, "had no room"),
    ];
    let mut words: Vec<String> =
        kinds.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} readings {what}")).collect();
    if counts.n_failures > 0 {
        let last = counts.last_failure.as_deref().unwrap_or("nobody knows how");
        words.push(format!("it failed {} times, the last time so: {last}", counts.n_failures));
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// Rows by the device's clock; one that would lie before all time is left out.
pub(crate) fn on_device(batch: &SampleBatch, clock: ClockMap) -> SampleBatch {
    let n_channels = batch.values.len().checked_div(batch.at_ns.len()).unwrap_or(0);
    let mut mapped = SampleBatch { sensor: batch.sensor, ..SampleBatch::default() };
    for (row, at) in batch.at_ns.iter().enumerate() {
        if let Some(at) = clock.map(*at) {
            mapped.at_ns.push(at);
            mapped.values.extend(&batch.values[row * n_channels..(row + 1) * n_channels]);
        }
    }
    mapped
}

/// An entry for the list of those that are no events: rows are in a table of their own.
pub(crate) fn without_rows(entry: JournalEntry) -> JournalEntry {
    match entry {
        JournalEntry::Metered { session, run, launch, mut metered } => {
            metered.batch = SampleBatch { sensor: metered.batch.sensor, ..SampleBatch::default() };
            JournalEntry::Metered { session, run, launch, metered }
        }
        other => other,
    }
}

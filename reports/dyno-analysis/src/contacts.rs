//! What the record says of the contacts with one device: how they began, what was said, how they ended.

use dyno_model::clock::ClockSample;
use dyno_model::device::DeviceFacts;
use dyno_model::ids::DeviceId;
use dyno_model::machine::MachineFigures;
use dyno_model::prepare::{Prepared, Restored};
use dyno_model::sensor_test::SourceTest;
use dyno_store::JournalEntry;

use crate::record::Record;

/// All contacts with one device, in their order.
#[derive(Default)]
pub(crate) struct Contacts<'a> {
    pub(crate) all: Vec<Contact<'a>>,
    /// Why the device was given up since its last contact.
    pub(crate) given_up: Option<&'a str>,
}

/// One contact: a session that was opened.
pub(crate) struct Contact<'a> {
    pub(crate) session: u32,
    pub(crate) carrier: &'a str,
    pub(crate) facts: &'a DeviceFacts,
    pub(crate) notes: &'a [String],
    pub(crate) clock: Vec<ClockSample>,
    pub(crate) prepared: Option<&'a Prepared>,
    pub(crate) restored: Option<&'a Restored>,
    pub(crate) machine: Option<&'a MachineFigures>,
    pub(crate) sensor_tests: &'a [SourceTest],
    /// Why it ended early.
    pub(crate) error: Option<&'a str>,
    /// Whether the same command had lost the device before: not the first contact since the campaign went on.
    pub(crate) is_again: bool,
}

impl<'a> Contacts<'a> {
    pub(crate) fn of(record: &'a Record<'_>, device: &DeviceId) -> Self {
        let mut contacts = Self::default();
        let mut n_since_resumed = 0;
        for entry in &record.entries {
            match entry {
                JournalEntry::Resumed { .. } => n_since_resumed = 0,
                JournalEntry::Session { device: of, .. } if of == device => n_since_resumed += 1,
                _ => {}
            }
            contacts.take(entry, device, n_since_resumed > 1);
        }
        contacts
    }

    fn take(&mut self, entry: &'a JournalEntry, device: &DeviceId, is_again: bool) {
        match entry {
            JournalEntry::Session { session, device: of, transport, facts, notes, .. } if of == device => {
                self.given_up = None;
                self.all.push(Contact {
                    session: *session,
                    carrier: transport,
                    facts,
                    notes,
                    clock: Vec::new(),
                    prepared: None,
                    restored: None,
                    machine: None,
                    sensor_tests: &[],
                    error: None,
                    is_again,
                });
            }
            JournalEntry::GivenUp { device: of, error, .. } if of == device => self.given_up = Some(error),
            JournalEntry::Clock { session, sample } => {
                self.with(*session, |contact| contact.clock.push(*sample));
            }
            JournalEntry::Prepared { session, prepared } => {
                self.with(*session, |contact| contact.prepared = Some(prepared));
            }
            JournalEntry::Restored { session, restored } => {
                self.with(*session, |contact| contact.restored = Some(restored));
            }
            JournalEntry::Machine { session, figures } => {
                self.with(*session, |contact| contact.machine = Some(figures));
            }
            JournalEntry::SensorsTested { session, tests } => {
                self.with(*session, |contact| contact.sensor_tests = tests);
            }
            JournalEntry::SessionEnded { session, error, .. } => {
                self.with(*session, |contact| contact.error = error.as_deref());
            }
            JournalEntry::Header { .. }
            | JournalEntry::Session { .. }
            | JournalEntry::GivenUp { .. }
            | JournalEntry::LeftOut { .. }
            | JournalEntry::Metered { .. }
            | JournalEntry::MeterKnocked { .. }
            | JournalEntry::MeterFailed { .. }
            | JournalEntry::Event { .. }
            | JournalEntry::Interrupted { .. }
            | JournalEntry::Resumed { .. } => {}
        }
    }

    fn with(&mut self, session: u32, change: impl FnOnce(&mut Contact<'a>)) {
        self.all.iter_mut().rev().find(|contact| contact.session == session).map(change);
    }

    /// What the device says of itself, as in its first contact.
    pub(crate) fn facts(&self) -> Option<&'a DeviceFacts> {
        self.all.first().map(|contact| contact.facts)
    }

    /// What the device can do at most, as last measured.
    pub(crate) fn machine(&self) -> Option<&'a MachineFigures> {
        self.all.iter().rev().find_map(|contact| contact.machine)
    }

    /// Why the device's share is not whole, if it is not: how its last contact failed.
    pub(crate) fn error(&self) -> Option<&'a str> {
        self.given_up.or_else(|| self.all.last()?.error)
    }

    /// The comparison of clocks that is surest.
    pub(crate) fn best_clock(&self) -> Option<&ClockSample> {
        self.all.iter().flat_map(|contact| &contact.clock).min_by_key(|sample| sample.err_ns)
    }
}

//! The sampler without its thread and clock, for trees that are played.

use dyno_model::clock::MonoNs;
use dyno_model::sample::{SampleBatch, SensorDeclared, UnreadableSensor};

use crate::driver::ProbeContext;
use crate::latest::Latest;
use crate::probed::{Probed, Track, probe};
use crate::root::SysRoot;

/// The same drivers and rows as those of a [`crate::Sampler`]; a tick comes when it is asked for, and its rows have
/// the time that is told.
///
/// Twenty minutes of a device that is played take a second. There is no runtime's process: a file tree has none.
#[derive(Debug)]
pub struct Stepped {
    declared: Vec<SensorDeclared>,
    unreadable: Vec<UnreadableSensor>,
    tracks: Vec<Track>,
    tick: u64,
}

impl Stepped {
    /// Finds all sensors of a tree; one step stands for `period_ms`.
    pub fn probe(root: &SysRoot, period_ms: u32) -> Self {
        let Probed { declared, tracks, unreadable } = probe(root, &ProbeContext::new(period_ms));
        Self { declared, unreadable, tracks, tick: 0 }
    }

    /// The sensors that take part; their numbers are those of the batches.
    pub fn declared(&self) -> &[SensorDeclared] {
        &self.declared
    }

    /// What was found but is not sampled.
    pub fn unreadable(&self) -> &[UnreadableSensor] {
        &self.unreadable
    }

    /// Takes the rows of the next tick as of `at`.
    pub fn step(&mut self, at: MonoNs) {
        self.tracks.iter_mut().for_each(|track| track.take_if_due_as_of(self.tick, Some(at)));
        self.tick += 1;
    }

    /// Takes a last row of each sensor as of `at`.
    pub fn step_last(&mut self, at: MonoNs) {
        for track in &mut self.tracks {
            track.rows.take_as_of(Some(at));
        }
    }

    /// The newest values, now and later.
    pub fn latest(&self) -> Latest {
        Latest::of(self.tracks.iter().map(|track| track.rows.newest()))
    }

    /// Gives the rows so far away, and goes on in fresh room.
    pub fn take_rows(&mut self) -> Vec<SampleBatch> {
        let given = |track: &mut Track| track.rows.give().into_batches(track.number);
        self.tracks.iter_mut().flat_map(given).collect()
    }

    /// Rows taken, and rows lost for want of room.
    pub fn n_rows(&self) -> (u64, u64) {
        let sum = |of: fn(&Track) -> u64| self.tracks.iter().map(of).sum();
        (sum(|track| track.rows.n_rows()), sum(|track| track.rows.n_dropped()))
    }

    /// All rows.
    pub fn finish(self) -> Vec<SampleBatch> {
        self.tracks.into_iter().flat_map(Track::into_batches).collect()
    }
}

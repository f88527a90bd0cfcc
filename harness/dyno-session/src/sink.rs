//! Where a session leaves what came back.

use std::collections::BTreeMap;

use dyno_model::clock::ClockSample;
use dyno_model::device::DeviceFacts;
use dyno_model::digest::Digest;
use dyno_model::event::{Event, SinkError};
use dyno_model::ids::{DeviceId, RunId};
use dyno_model::machine::MachineFigures;
use dyno_model::meter::{MeterKnocked, Metered};
use dyno_model::prepare::{Prepared, Restored};
use dyno_model::sensor_test::SourceTest;

/// What is known when a session is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Which device.
    pub device: DeviceId,
    /// How it was reached.
    pub transport: String,
    /// The agent's build id.
    pub build_id: String,
    /// What the device says of itself.
    pub facts: DeviceFacts,
    /// SHA-256 of each model file on it.
    pub model_digests: BTreeMap<String, Digest>,
    /// What the agent put right first, in words.
    pub notes: Vec<String>,
}

/// Keeps a session's events. Each call is durable when it returns: the device forgets only after it.
pub trait RecordSink: Send {
    /// A session begins; gives its number.
    ///
    /// # Errors
    /// When the record cannot be written.
    fn opened(&mut self, opened: &Opened) -> Result<u32, SinkError>;

    /// Takes how far the device's clock is from ours.
    ///
    /// # Errors
    /// When the record cannot be written.
    fn clock(&mut self, session: u32, sample: &ClockSample) -> Result<(), SinkError>;

    /// Takes what the device was brought into.
    ///
    /// # Errors
    /// When the record cannot be written.
    fn prepared(&mut self, session: u32, prepared: &Prepared) -> Result<(), SinkError>;

    /// Takes what became of that afterwards.
    ///
    /// # Errors
    /// When the record cannot be written.
    fn restored(&mut self, session: u32, restored: &Restored) -> Result<(), SinkError>;

    /// Takes what the device can do at most.
    ///
    /// # Errors
    /// When the record cannot be written.
    fn machine(&mut self, session: u32, figures: &MachineFigures) -> Result<(), SinkError>;

    /// Takes what became of testing the device's sources of power.
    ///
    /// # Errors
    /// When the record cannot be written.
    fn sensors_tested(&mut self, session: u32, tests: &[SourceTest]) -> Result<(), SinkError>;

    /// Takes events of one launch. Events that are in the record already are passed over.
    ///
    /// # Errors
    /// When the record cannot be written.
    fn events(&mut self, session: u32, events: &[Event]) -> Result<(), SinkError>;

    /// Takes that a run is left out, and why.
    ///
    /// # Errors
    /// When the record cannot be written.
    fn left_out(&mut self, session: u32, run: RunId, why: &str) -> Result<(), SinkError>;

    /// Takes what a meter said while a launch ran.
    ///
    /// # Errors
    /// When the record cannot be written.
    fn metered(&mut self, session: u32, run: RunId, launch: u16, metered: &Metered) -> Result<(), SinkError>;

    /// Takes whether a meter shows a known load when it was.
    ///
    /// # Errors
    /// When the record cannot be written.
    fn meter_knocked(&mut self, session: u32, knocked: &MeterKnocked) -> Result<(), SinkError>;

    /// Takes that a meter cannot be read, and why.
    ///
    /// # Errors
    /// When the record cannot be written.
    fn meter_failed(&mut self, session: u32, meter: &str, error: &str) -> Result<(), SinkError>;

    /// A session is over; `error` says why, if it ended early.
    ///
    /// # Errors
    /// When the record cannot be written.
    fn closed(&mut self, session: u32, error: Option<&str>) -> Result<(), SinkError>;
}

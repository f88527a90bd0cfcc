//! What a session leaves of its meters.

use dyno_model::clock::ClockSample;
use dyno_model::event::{Event, SinkError};
use dyno_model::ids::{DeviceId, RunId};
use dyno_model::machine::MachineFigures;
use dyno_model::meter::{MeterKnocked, Metered};
use dyno_model::prepare::{Prepared, Restored};
use dyno_model::sensor_test::SourceTest;
use dyno_session::{Observer, Opened, RecordSink, Step};

#[derive(Default)]
pub(crate) struct Record {
    pub(crate) metered: Vec<(RunId, u16, Metered)>,
    pub(crate) knocked: Vec<MeterKnocked>,
    pub(crate) failed: Vec<(String, String)>,
    pub(crate) n_events: usize,
}

impl RecordSink for Record {
    fn opened(&mut self, _opened: &Opened) -> Result<u32, SinkError> {
        Ok(0)
    }
    fn clock(&mut self, _session: u32, _sample: &ClockSample) -> Result<(), SinkError> {
        Ok(())
    }
    fn prepared(&mut self, _session: u32, _prepared: &Prepared) -> Result<(), SinkError> {
        Ok(())
    }
    fn restored(&mut self, _session: u32, _restored: &Restored) -> Result<(), SinkError> {
        Ok(())
    }
    fn machine(&mut self, _session: u32, _figures: &MachineFigures) -> Result<(), SinkError> {
        Ok(())
    }
    fn sensors_tested(&mut self, _session: u32, _tests: &[SourceTest]) -> Result<(), SinkError> {
        Ok(())
    }
    fn metered(
        &mut self,
        _session: u32,
        run: RunId,
        launch: u16,
        metered: &Metered,
    ) -> Result<(), SinkError> {
        self.metered.push((run, launch, metered.clone()));
        Ok(())
    }
    fn meter_knocked(&mut self, _session: u32, knocked: &MeterKnocked) -> Result<(), SinkError> {
        self.knocked.push(knocked.clone());
        Ok(())
    }
    fn meter_failed(&mut self, _session: u32, meter: &str, error: &str) -> Result<(), SinkError> {
        self.failed.push((meter.to_owned(), error.to_owned()));
        Ok(())
    }
    fn events(&mut self, _session: u32, events: &[Event]) -> Result<(), SinkError> {
        self.n_events += events.len();
        Ok(())
    }
    fn left_out(&mut self, _session: u32, _run: RunId, _why: &str) -> Result<(), SinkError> {
        Ok(())
    }
    fn closed(&mut self, _session: u32, _error: Option<&str>) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Keeps the notes.
#[derive(Default)]
pub(crate) struct Notes(pub(crate) Vec<String>);

impl Observer for Notes {
    fn step(&mut self, _device: &DeviceId, step: &Step) {
        if let Step::Note { text } = step {
            self.0.push(text.clone());
        }
    }
}

//! One meter that is read, over its agent's link.

use dyno_model::clock::{ClockSample, MonoNs};
use dyno_model::meter::{
    ClockMap, ClockOrigin, FIRST_METER_SENSOR, MeterClock, MeterCounts, MeterSource, PlannedMeter,
};
use dyno_model::sample::{SampleBatch, SensorDeclared};
use dyno_protocol::message::{Command, Lease, Reply};
use dyno_transport::Transport;

use crate::clocksync;
use crate::deploy::AgentSource;
use crate::error::SessionError;
use crate::link::Link;
use crate::meter::align::Pattern;
use crate::meter::rows::{Compared, Window, map_between};
use crate::observe::Observer;
use crate::visit::Visit;

/// A meter of a device, and the way to the machine that reads it.
pub struct MeterReader {
    /// Its name in the plan.
    pub name: String,
    /// What it is.
    pub planned: PlannedMeter,
    /// The way there, to a folder of its own; `None` where the measured device reads it itself.
    pub transport: Option<Box<dyn Transport>>,
}

/// The meters of one contact.
#[derive(Default)]
pub(crate) struct Meters {
    pub(crate) all: Vec<Reading>,
    /// Launches so far, in their order.
    pub(crate) windows: Vec<Window>,
    /// Knocks so far, in their order.
    pub(crate) knocks: Vec<Pattern>,
}

/// One of them.
pub(crate) struct Reading {
    pub(crate) reader: MeterReader,
    /// Its agent's link, where it is not the device's own.
    visit: Option<Visit>,
    /// Its channels; `None` once it has failed.
    pub(crate) declared: Option<SensorDeclared>,
    pub(crate) counts: MeterCounts,
    /// How its clock stood before and after what its next rows fall into.
    ends: [Option<Compared>; 2],
    /// Rows that only knocks can place.
    pub(crate) held: Vec<SampleBatch>,
}

impl Reading {
    pub(crate) fn new(reader: MeterReader) -> Self {
        let counts = MeterCounts::default();
        Self { reader, visit: None, declared: None, counts, ends: [None; 2], held: Vec::new() }
    }

    /// Starts the agent that reads it, if it needs one of its own, and begins.
    pub(crate) fn begin(
        &mut self,
        nth: u16,
        own: &mut Link,
        agents: &dyn AgentSource,
        lease: &Lease,
        observer: &mut dyn Observer,
    ) -> Result<(), SessionError> {
        if let Some(transport) = &mut self.reader.transport {
            let host = self.reader.planned.host.as_ref();
            let host = host.map_or_else(|| "this machine".into(), |host| host.device.clone());
            self.visit = Some(Visit::open(&host, transport.as_mut(), agents, lease, observer)?);
        }
        let command = Command::MeterBegin {
            meter: self.reader.name.clone(),
            sensor: FIRST_METER_SENSOR + nth,
            planned: Box::new(self.reader.planned.clone()),
        };
        let link = self.visit.as_mut().map_or(own, |visit| &mut visit.link);
        link.send(&command)?;
        match link.answer("to read a meter")? {
            Reply::MeterBegun { declared } => self.declared = Some(declared),
            other => return Err(link.unexpected(&other)),
        }
        Ok(())
    }

    /// Compares its agent's clock with the device's, which was compared with ours just now.
    pub(crate) fn compare(&mut self, device: &ClockSample) -> Result<(), SessionError> {
        let compared = match &mut self.visit {
            Some(visit) => clocksync::sync(&mut visit.link, clocksync::SHORT_BURST)?
                .map(|reader| Compared::of(device, &reader)),
            // One clock for both.
            None => Some(Compared { at: 0, map: ClockMap::default() }),
        };
        if compared.is_some() {
            self.ends = [self.ends[1], compared];
        }
        Ok(())
    }

    /// All rows since they were taken last.
    pub(crate) fn take(&mut self, own: &mut Link) -> Result<Vec<SampleBatch>, SessionError> {
        let link = self.visit.as_mut().map_or(own, |visit| &mut visit.link);
        let mut rows = Vec::new();
        loop {
            link.send(&Command::MeterRows { meter: self.reader.name.clone() })?;
            match link.answer("for the rows of a meter")? {
                Reply::MeterRows { batches, counts, has_more } => {
                    rows.extend(batches);
                    self.counts = counts;
                    if !has_more {
                        return Ok(rows);
                    }
                }
                other => return Err(link.unexpected(&other)),
            }
        }
    }

    /// How the clock of some rows becomes the device's; the meter's latency is in it. `None` while that is not known.
    pub(crate) fn map(&self, rows: &[MonoNs]) -> Option<ClockMap> {
        let map = map_between(self.ends, rows)?;
        let latency_ns = i64::from(self.reader.planned.latency_ms) * 1_000_000;
        Some(ClockMap { offset_ns: map.offset_ns.saturating_sub(latency_ns), ..map })
    }

    /// Whether its rows are placed by knocks alone.
    pub(crate) fn is_placed_by_knocks(&self) -> bool {
        matches!(self.reader.planned.clock, MeterClock::Own { origin: ClockOrigin::Knock, .. })
    }

    /// How long the end of a session waits for its first row.
    pub(crate) fn wait_ms(&self) -> u64 {
        match &self.reader.planned.source {
            MeterSource::File { wait_ms, .. } if self.counts.n_rows == 0 => *wait_ms,
            _ => 0,
        }
    }

    /// Ends its agent and gives the way there back.
    pub(crate) fn end(self) -> MeterReader {
        if let Some(visit) = self.visit {
            visit.close();
        }
        self.reader
    }
}

//! One launch: starts the runtime, asks what is to be asked, and records all of it.
//!
//! The order of events is fixed: launch started, calibrated, start state, sensors, spawned, ready and what it cost,
//! requests (with the cost up to the first of them), load ended, samples, launch ended.

mod cpu;
mod flights;
mod offer;
mod turns;

use std::path::Path;
use std::sync::Arc;

use dyno_model::clock::{Clock, MonoNs, WallNs};
use dyno_model::event::{Event, EventKind, EventSink, SinkError};
use dyno_model::outcome::Outcome;
use dyno_model::start::StartPoint;
use dyno_protocol::message::{Phase, RunOrder, Secret};
use dyno_runtimes::adapter::{ExitReport, LaunchStep, RuntimeAdapter, adapter_for};
use dyno_runtimes::interrupt::Interrupt;

#[cfg(test)]
pub(crate) use cpu::Had;
pub(crate) use offer::LoadProof;

use crate::guard::{Evidence, Guard};
use crate::sense::{self, Sense};
use crate::spool::Spool;
use crate::{calibrate, cold, guard};
use dyno_model::blame::chain;

/// Tells how far a launch is: phase, requests done. Called between polls only; must not wait.
pub(crate) type OnProgress<'a> = &'a mut dyn FnMut(Phase, u32);

/// What a launch finds around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around<'a> {
    /// Stops it.
    pub(crate) interrupt: &'a Arc<Interrupt>,
    /// This program, to be started again; `None` where it cannot be.
    pub(crate) program: Option<&'a Path>,
}

/// Executes one launch into `spool`; its outcome is data, whatever it is.
///
/// # Errors
/// [`SinkError`] when the record cannot be kept; the runtime is stopped then.
pub(crate) fn launch(
    order: &RunOrder,
    spool: Spool,
    around: Around<'_>,
    on_progress: OnProgress<'_>,
) -> Result<Outcome, SinkError> {
    let key = order.api_key.as_ref().map(Secret::expose);
    let adapter = adapter_for(&order.launch_spec, key, Arc::clone(around.interrupt));
    let clock = adapter.as_ref().map_or(Clock::Monotonic, |adapter| adapter.clock());
    // A script lives in a time of its own, and without a runtime there is nothing to watch.
    let is_watched = adapter.is_ok() && matches!(clock, Clock::Monotonic);
    let guard = is_watched.then(Guard::start);
    let mut launch = Launch::new(order, spool, around, clock, on_progress);
    let n_requests = u32::try_from(order.requests.len()).unwrap_or(u32::MAX);
    launch.event(EventKind::LaunchStarted { wall: WallNs::now(), n_requests, boot_id: sense::boot_id() })?;
    if is_watched {
        launch.calibrate()?;
    }
    if adapter.is_ok() {
        launch.make_start()?;
    }
    let mut sense = if is_watched { Sense::start(order.sampling_period_ms) } else { Sense::none() };
    launch.declare(&sense)?;
    let (outcome, report) = match adapter {
        Ok(mut adapter) => launch.with_runtime(adapter.as_mut(), &mut sense)?,
        Err(error) => (error.outcome(), None),
    };
    launch.end(outcome, report.as_ref(), sense, guard.as_ref())
}

/// A launch in progress.
struct Launch<'a> {
    order: &'a RunOrder,
    spool: Spool,
    seq: u64,
    clock: Clock,
    interrupt: &'a Arc<Interrupt>,
    program: Option<&'a Path>,
    on_progress: OnProgress<'a>,
    runtime_pid: Option<u32>,
    /// What is known for the judgement.
    evidence: Evidence,
}

impl<'a> Launch<'a> {
    fn new(
        order: &'a RunOrder,
        spool: Spool,
        around: Around<'a>,
        clock: Clock,
        on_progress: OnProgress<'a>,
    ) -> Self {
        let Around { interrupt, program } = around;
        let evidence = Evidence::default();
        Self { order, spool, seq: 0, clock, interrupt, program, on_progress, runtime_pid: None, evidence }
    }
}

impl Launch<'_> {
    fn event(&mut self, kind: EventKind) -> Result<(), SinkError> {
        self.event_at(self.clock.now(), kind)
    }

    fn event_at(&mut self, at: MonoNs, kind: EventKind) -> Result<(), SinkError> {
        let event = Event { run: self.order.run, launch: self.order.launch, seq: self.seq, at, kind };
        self.seq += 1;
        self.spool.event(&event)
    }

    fn note(&mut self, text: String) -> Result<(), SinkError> {
        self.event(EventKind::Note { text })
    }

    /// Tries the client against a known schedule; a calibration that fails is noted, and the launch goes on.
    fn calibrate(&mut self) -> Result<(), SinkError> {
        (self.on_progress)(Phase::Starting, 0);
        match calibrate::run(self.order.launch_spec.dialect, self.program, self.interrupt) {
            Ok(None) => Ok(()),
            Ok(Some(calibration)) => {
                self.evidence.calibration = Some(calibration.clone());
                self.event(EventKind::Calibrated(Box::new(calibration)))
            }
            Err(error) => self.note(format!("the client is not calibrated: {}", chain(&error))),
        }
    }

    /// Brings the launch into the state that it is to start from.
    fn make_start(&mut self) -> Result<(), SinkError> {
        (self.on_progress)(Phase::Starting, 0);
        let Some(made) = cold::make(&self.order.launch_spec) else { return Ok(()) };
        self.evidence.start = Some(made.clone());
        self.event(EventKind::StartMade(Box::new(made)))
    }

    fn start_cost(&mut self, until: StartPoint) -> Result<(), SinkError> {
        match self.runtime_pid {
            Some(pid) => self.event(EventKind::StartCost(cold::cost(pid, until))),
            None => Ok(()),
        }
    }

    fn declare(&mut self, sense: &Sense) -> Result<(), SinkError> {
        for sensor in sense.declared() {
            self.event(EventKind::Sensor(sensor.clone()))?;
        }
        for unreadable in sense.unreadable() {
            self.event(EventKind::Unreadable(unreadable.clone()))?;
        }
        match sense.failure() {
            Some(why) => self.note(format!("no sensor is sampled: {why}")),
            None => Ok(()),
        }
    }

    /// From spawn to exit; the report is missing when there was nothing to stop.
    fn with_runtime(
        &mut self,
        adapter: &mut dyn RuntimeAdapter,
        sense: &mut Sense,
    ) -> Result<(Outcome, Option<ExitReport>), SinkError> {
        (self.on_progress)(Phase::Starting, 0);
        let mut kept = Ok(());
        let order = self.order;
        let started = adapter.start(&order.launch_spec, &mut |step| {
            if kept.is_ok() {
                kept = self.step(step, sense);
            }
        });
        kept?;
        let served = match started {
            Ok(()) => {
                self.spool.flush()?;
                Ok(self.offer(adapter)?)
            }
            Err(error) => Err(error.outcome()),
        };
        sense.stop();
        Ok(match (adapter.stop(), served) {
            // The runtime's own end says more than what its last request met.
            (Ok(report), Ok(served)) if served != Outcome::Cancelled && !report.outcome.is_ok() => {
                (report.outcome.clone(), Some(report))
            }
            (Ok(report), Ok(served) | Err(served)) => (served, Some(report)),
            (Err(error), Ok(Outcome::Ok)) => (error.outcome(), None),
            (Err(_), Ok(served) | Err(served)) => (served, None),
        })
    }

    fn step(&mut self, step: LaunchStep, sense: &mut Sense) -> Result<(), SinkError> {
        match step {
            LaunchStep::Spawned { at, pid } => {
                self.event_at(at, EventKind::Spawned)?;
                self.runtime_pid = pid;
                match pid.map(|pid| sense.attach(pid)) {
                    Some(Err(why)) => self.note(format!("the runtime's process is not sampled: {why}")),
                    Some(Ok(())) | None => Ok(()),
                }
            }
            LaunchStep::Ready { at, facts } => {
                self.event_at(at, EventKind::Ready { facts })?;
                self.start_cost(StartPoint::Ready)
            }
        }
    }

    /// Samples, judgement, and the last event.
    fn end(
        mut self,
        outcome: Outcome,
        report: Option<&ExitReport>,
        mut sense: Sense,
        guard: Option<&Guard>,
    ) -> Result<Outcome, SinkError> {
        let (batches, own) = sense.stop();
        // Without a guard nothing of the real world was to be watched.
        let watched = guard.map(|guard| guard.watched(own));
        let validity = guard::judge(watched.as_ref(), &self.evidence);
        for text in guard::notes(&self.evidence) {
            self.note(text)?;
        }
        for batch in batches {
            self.event(EventKind::Samples(batch.clone()))?;
        }
        self.event(EventKind::LaunchEnded {
            outcome: outcome.clone(),
            validity,
            exit: report.and_then(|report| report.exit.clone()),
            cpu_ns: report.and_then(|report| report.cpu_ns),
            peak_rss_bytes: report.and_then(|report| report.peak_rss_bytes),
            own: own.clone(),
        })?;
        self.spool.finish()?;
        Ok(outcome)
    }
}

//! One launch: starts the runtime, asks what is to be asked, and records all of it.
//!
//! The order of events is fixed: launch started, calibrated, sensors, cool-down, idle rest, start state, spawned, ready
//! and what it cost, rest with the runtime ready, requests (with the cost up to the first of them), load ended, load
//! span, network, recovery, samples, launch ended. Spans are there where the order asks for care or for a held load;
//! samples come earlier only where there is no more room for them, in a held load now and then between requests. Rests
//! come before the start state, so that a cold start stays cold.

mod cool;
mod cpu;
mod end;
mod flights;
mod limit;
mod load;
mod offer;
mod rest;
mod sockets;
mod steady;
mod turns;
mod watch;

use std::path::Path;
use std::sync::Arc;

use dyno_model::care::SpanKind;
use dyno_model::clock::{Clock, MonoNs, WallNs};
use dyno_model::event::{Event, EventKind, EventSink, SinkError};
use dyno_model::outcome::Outcome;
use dyno_model::start::StartPoint;
use dyno_protocol::message::{Phase, RunOrder, Secret};
use dyno_runtimes::adapter::{ExitReport, LaunchStep, RuntimeAdapter, adapter_for};
use dyno_runtimes::interrupt::Interrupt;
use dyno_sensors::kills::KillWatch;
use dyno_sensors::played::Doing;

#[cfg(test)]
pub(crate) use cpu::Had;
pub(crate) use load::LoadProof;

use crate::drive::limit::{LimitWatch, SupplyWatch};
use crate::drive::sockets::Sockets;
use crate::drive::watch::Watch;
use crate::guard::{Evidence, Guard};
use crate::played::Told;
use crate::sense::{self, Sense};
use crate::spool::Spool;
use crate::{calibrate, cold};
use dyno_model::blame::chain;

/// Tells how far a launch is: phase, done, in total; of requests, or seconds. Called between polls only; must not wait.
pub(crate) type OnProgress<'a> = &'a mut dyn FnMut(Phase, u32, u32);

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
    let n_requests = launch.n_requests();
    launch.event(EventKind::LaunchStarted { wall: WallNs::now(), n_requests, boot_id: sense::boot_id() })?;
    if is_watched {
        launch.calibrate()?;
    }
    let (outcome, report) = match adapter {
        Ok(mut adapter) => {
            launch.sense(is_watched)?;
            if let Some(outcome) = launch.rest_before_spawn()? {
                (outcome, None)
            } else {
                launch.sense.take_boundary();
                launch.make_start()?;
                launch.with_runtime(adapter.as_mut())?
            }
        }
        Err(error) => (error.outcome(), None),
    };
    launch.end(outcome, report.as_ref(), guard.as_ref())
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
    sense: Sense,
    /// What a played device is told; `None` for one that is measured.
    told: Option<Told>,
    /// `None` where nothing is sampled, or nothing depends on it while the launch runs.
    watch: Option<Watch>,
    limits: LimitWatch,
    supply: SupplyWatch,
    kills: KillWatch,
    /// `None` before the runtime is started and after it has ended, and in a script's time.
    sockets: Option<Sockets>,
    /// When rows were last put into the record before their time.
    spilled_at: MonoNs,
    /// It was noted that the runtime does not say how likely its tokens are.
    is_silence_noted: bool,
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
        let limits = order.care.as_ref().map(|care| care.limits).unwrap_or_default();
        Self {
            order,
            spool,
            seq: 0,
            spilled_at: clock.now(),
            is_silence_noted: false,
            clock,
            interrupt,
            program,
            on_progress,
            runtime_pid: None,
            sense: Sense::none(),
            told: None,
            watch: None,
            limits: LimitWatch::new(limits),
            supply: SupplyWatch::default(),
            kills: KillWatch::default(),
            sockets: None,
            evidence: Evidence::default(),
        }
    }
}

impl Launch<'_> {
    fn n_requests(&self) -> u32 {
        u32::try_from(self.order.requests.len()).unwrap_or(u32::MAX)
    }

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

    fn tell_starting(&mut self) {
        let n_requests = self.n_requests();
        (self.on_progress)(Phase::Starting, 0, n_requests);
    }

    /// Tries the client against a known schedule; a calibration that fails is noted, and the launch goes on.
    fn calibrate(&mut self) -> Result<(), SinkError> {
        self.tell_starting();
        match calibrate::run(self.order.launch_spec.dialect, self.program, self.interrupt) {
            Ok(None) => Ok(()),
            Ok(Some(calibration)) => {
                self.evidence.calibration = Some(calibration.clone());
                self.event(EventKind::Calibrated(Box::new(calibration)))
            }
            Err(error) => self.note(format!("the client is not calibrated: {}", chain(&error))),
        }
    }

    /// Starts the sensors and declares them: those of the device, or in a script's time those of a played one.
    fn sense(&mut self, is_watched: bool) -> Result<(), SinkError> {
        let RunOrder { sys_root, sampling_period_ms: period_ms, run, launch, .. } = self.order;
        self.sense = if is_watched {
            Sense::start(sys_root.as_deref(), *period_ms)
        } else {
            let scratch = self.spool.folder().join(format!("played-{:05}-{launch:03}", run.0));
            Sense::play(sys_root.as_deref(), scratch, *period_ms, self.clock.now())
        };
        self.sense.catch_up(self.clock.now());
        self.told = self.sense.activity().map(Told::new);
        let is_cared_for = self.order.care.is_some() || self.order.hold.is_some();
        self.watch = if is_cared_for { Watch::of(&self.sense) } else { None };
        for sensor in self.sense.declared().to_vec() {
            self.event(EventKind::Sensor(sensor))?;
        }
        for unreadable in self.sense.unreadable().to_vec() {
            self.event(EventKind::Unreadable(unreadable))?;
        }
        match self.sense.failure().map(str::to_owned) {
            Some(why) => self.note(format!("no sensor is sampled: {why}")),
            None => Ok(()),
        }
    }

    /// Brings the launch into the state that it is to start from.
    fn make_start(&mut self) -> Result<(), SinkError> {
        self.tell_starting();
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

    /// From spawn to exit, and what is watched after it; the report is missing when there was nothing to stop.
    fn with_runtime(
        &mut self,
        adapter: &mut dyn RuntimeAdapter,
    ) -> Result<(Outcome, Option<ExitReport>), SinkError> {
        self.tell_starting();
        let mut kept = Ok(());
        let order = self.order;
        let started = adapter.start(&order.launch_spec, &mut |step| {
            if kept.is_ok() {
                kept = self.step(step);
            }
        });
        kept?;
        let mut temps_before = None;
        let served = match started {
            Ok(()) => {
                self.spool.flush()?;
                Ok(self.serve_started(adapter, &mut temps_before)?)
            }
            Err(error) => Err(error.outcome()),
        };
        let recovery_ms = order.care.as_ref().map_or(0, |care| care.recovery_ms);
        // Without a load there is nothing to recover from.
        let before = temps_before
            .filter(|_| recovery_ms > 0 && matches!(&served, Ok(outcome) if *outcome != Outcome::Cancelled));
        if before.is_none() {
            // Its last rows are of a runtime that still runs.
            self.sense.stop(self.clock.now());
        }
        let ended = self.stopped(adapter.stop(), served);
        self.end_sockets()?;
        if let Some(told) = &self.told {
            told.tell(self.clock.now(), Doing::Idle);
        }
        if let Some(before) = before {
            self.recover(&before)?;
            self.sense.stop(self.clock.now());
        }
        Ok(ended)
    }

    /// The load of a runtime that is ready, and what surrounds it; keeps the temperatures just before it, where it
    /// came to that.
    fn serve_started(
        &mut self,
        adapter: &mut dyn RuntimeAdapter,
        temps_before: &mut Option<Vec<Option<i64>>>,
    ) -> Result<Outcome, SinkError> {
        let ready_idle_ms = self.order.care.as_ref().map_or(0, |care| care.ready_idle_ms);
        if ready_idle_ms > 0 {
            // Only there: the first token of a runtime that is asked at once does not wait for it.
            self.sense.take_boundary();
        }
        if let Some(outcome) = self.rest(SpanKind::ReadyIdle, ready_idle_ms)? {
            return Ok(outcome);
        }
        self.sense.catch_up(self.clock.now());
        *temps_before = Some(self.watch.as_ref().map(Watch::temps_now).unwrap_or_default());
        let outcome = self.offer(adapter)?;
        if adapter.is_running() {
            self.sense.take_boundary();
        }
        Ok(outcome)
    }

    fn step(&mut self, step: LaunchStep) -> Result<(), SinkError> {
        match step {
            LaunchStep::Spawned { at, pid } => {
                self.event_at(at, EventKind::Spawned)?;
                self.runtime_pid = pid;
                self.watch_sockets(pid);
                self.kills = self.sense.watch_kills(pid);
                match pid.map(|pid| self.sense.attach(pid)) {
                    Some(Err(why)) => self.note(format!("the runtime's process is not sampled: {why}")),
                    Some(Ok(())) | None => Ok(()),
                }
            }
            LaunchStep::Ready { at, facts } => {
                if let Some(told) = &self.told {
                    told.tell(at, Doing::Ready);
                }
                self.watch_no_sockets_of_others();
                self.event_at(at, EventKind::Ready { facts })?;
                self.start_cost(StartPoint::Ready)
            }
        }
    }
}

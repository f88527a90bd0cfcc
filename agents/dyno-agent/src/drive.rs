//! One launch: starts the runtime, asks what is to be asked, and records all of it.
//!
//! The order of events is fixed: launch started, sensors, spawned, ready, requests, samples, launch ended.

use std::sync::Arc;
use std::time::Duration;

use dyno_model::clock::{Clock, MonoNs, WallNs};
use dyno_model::event::{Event, EventKind, EventSink, SinkError};
use dyno_model::load::LoadModel;
use dyno_model::outcome::{Outcome, Validity};
use dyno_model::request::{Finish, Request, Usage};
use dyno_protocol::message::{Phase, RunOrder};
use dyno_runtimes::adapter::{ExitReport, LaunchStep, RuntimeAdapter, adapter_for};
use dyno_runtimes::interrupt::Interrupt;

use crate::guard::{self, Guard};
use crate::recorder::{MAX_TEXT_BYTES, Recorder};
use crate::sense::{self, Sense};
use crate::spool::Spool;

/// Tells how far a launch is: phase, requests done. Called between requests only; must not wait.
pub(crate) type OnProgress<'a> = &'a mut dyn FnMut(Phase, u32);

/// Executes one launch into `spool`; its outcome is data, whatever it is.
///
/// # Errors
/// [`SinkError`] when the record cannot be kept; the runtime is stopped then.
pub(crate) fn launch(
    order: &RunOrder,
    spool: Spool,
    interrupt: &Arc<Interrupt>,
    on_progress: OnProgress<'_>,
) -> Result<Outcome, SinkError> {
    let adapter = adapter_for(&order.launch_spec, Arc::clone(interrupt));
    let clock = adapter.as_ref().map_or(Clock::Monotonic, |adapter| adapter.clock());
    // A script lives in a time of its own, and without a runtime there is nothing to watch.
    let is_watched = adapter.is_ok() && matches!(clock, Clock::Monotonic);
    let mut launch = Launch { order, spool, seq: 0, clock, interrupt, on_progress };
    let guard = is_watched.then(Guard::start);
    let n_requests = u32::try_from(order.requests.len()).unwrap_or(u32::MAX);
    launch.event(EventKind::LaunchStarted { wall: WallNs::now(), n_requests, boot_id: sense::boot_id() })?;
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
    on_progress: OnProgress<'a>,
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
                self.requests(adapter)?
            }
            Err(error) => error.outcome(),
        };
        sense.stop();
        Ok(match (adapter.stop(), served) {
            (Ok(report), Outcome::Ok) => (report.outcome.clone(), Some(report)),
            (Ok(report), served) => (served, Some(report)),
            (Err(error), Outcome::Ok) => (error.outcome(), None),
            (Err(_), served) => (served, None),
        })
    }

    fn step(&mut self, step: LaunchStep, sense: &mut Sense) -> Result<(), SinkError> {
        match step {
            LaunchStep::Spawned { at, pid } => {
                self.event_at(at, EventKind::Spawned)?;
                match pid.map(|pid| sense.attach(pid)) {
                    Some(Err(why)) => self.note(format!("the runtime's process is not sampled: {why}")),
                    Some(Ok(())) | None => Ok(()),
                }
            }
            LaunchStep::Ready { at, facts } => self.event_at(at, EventKind::Ready { facts }),
        }
    }

    /// Asks one request after the other, until all are done or the runtime can take no more.
    fn requests(&mut self, adapter: &mut dyn RuntimeAdapter) -> Result<Outcome, SinkError> {
        let think_ms = match &self.order.load {
            LoadModel::Single { think_ms } => *think_ms,
            // The plan refuses them, too (`LoadModel::is_driven`).
            load @ (LoadModel::Closed { .. } | LoadModel::Open { .. } | LoadModel::Trace { .. }) => {
                let detail = format!("this agent cannot offer a load of the kind: {}", load.label());
                return Ok(Outcome::Unsupported { detail });
            }
        };
        let mut client = match adapter.client() {
            Ok(client) => client,
            Err(error) => return Ok(error.outcome()),
        };
        for (n_done, request) in (0..).zip(&self.order.requests) {
            (self.on_progress)(Phase::Serving, n_done);
            if n_done > 0 {
                self.think(think_ms);
            }
            if self.interrupt.is_raised() {
                return Ok(Outcome::Cancelled);
            }
            let mut recorder = Recorder::new(request);
            recorder.sent(self.clock.now());
            let finish = client.generate(request, &mut |chunk| recorder.chunk(&chunk));
            let (finish, is_broken) = match finish {
                Ok(finish) => (finish, false),
                Err(error) => (unanswered(self.clock.now(), error.outcome()), true),
            };
            if finish.outcome == Outcome::Cancelled {
                self.note(format!("request {} was cancelled and is not recorded", request.idx))?;
                return Ok(Outcome::Cancelled);
            }
            let outcome = finish.outcome.clone();
            self.record(request, recorder, finish)?;
            if is_broken || (!outcome.is_ok() && !adapter.is_running()) {
                return Ok(outcome);
            }
        }
        (self.on_progress)(Phase::Serving, self.order.requests.len() as u32);
        Ok(Outcome::Ok)
    }

    fn think(&self, think_ms: u64) {
        match &self.clock {
            Clock::Scripted(_) => self.clock.sleep_until(self.clock.now().plus(think_ms * 1_000_000)),
            Clock::Monotonic if think_ms > 0 => {
                // Woken early only by an interrupt, which is looked at next.
                self.interrupt.wait(Some(Duration::from_millis(think_ms)));
            }
            Clock::Monotonic => {}
        }
    }

    fn record(&mut self, request: &Request, recorder: Recorder, finish: Finish) -> Result<(), SinkError> {
        let (record, lost) = recorder.end(finish);
        let at = record.ended_at;
        self.event_at(at, EventKind::Request(Box::new(record)))?;
        if let Some(n_lost) = lost {
            let idx = request.idx;
            self.note(format!(
                "the text of request {idx} was cut at {MAX_TEXT_BYTES} bytes; {n_lost} are missing"
            ))?;
        }
        self.spool.flush()
    }

    /// Samples, judgement, and the last event; without a guard there is nothing to doubt.
    fn end(
        mut self,
        outcome: Outcome,
        report: Option<&ExitReport>,
        mut sense: Sense,
        guard: Option<&Guard>,
    ) -> Result<Outcome, SinkError> {
        let declared = sense.declared().to_vec();
        let (batches, own) = sense.stop();
        let validity = guard.map_or(Validity::Valid, |guard| guard.judge(own));
        if let Some(text) = guard::steal_note(&declared, batches, own.wall_ns) {
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

/// The end of a request whose talk broke.
fn unanswered(at: MonoNs, outcome: Outcome) -> Finish {
    Finish { at, outcome, reason: None, usage: Usage::default(), timings: None }
}

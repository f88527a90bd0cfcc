//! One contact: what is left over is brought home, then what is missing is executed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use dyno_model::clock::monotonic_now;
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::RunId;
use dyno_model::outcome::Outcome;
use dyno_model::prepare::PrepareSpec;
use dyno_model::start::StartState;
use dyno_protocol::message::{Command, LaunchKey, Reply, RunOrder};

use crate::clocksync;
use crate::deploy::{DeviceModels, MODEL_LIMIT};
use crate::error::SessionError;
use crate::execute::{Session, SessionSummary};
use crate::link::Link;
use crate::meter::Meters;
use crate::observe::{Observer, Step};
use crate::order::order;
use crate::remaining::{RemainingRun, remaining_runs};
use crate::sink::RecordSink;
use crate::steer::Wanted;

/// How often a cancel is looked for while the device works.
const TICK: Duration = Duration::from_millis(100);
/// How long the agent may go on after it was asked to stop.
const CANCEL_LIMIT: Duration = Duration::from_secs(30);
/// Beyond a request's own limit, an agent that says nothing for so long is one that cannot be heard.
const SILENCE_SLACK: Duration = Duration::from_mins(1);
/// Setting, reading back and putting back what a device is to be like may take so long.
const SETTINGS_LIMIT: Duration = Duration::from_mins(2);
/// Between launches the clocks are compared at most so often.
const CLOCK_EVERY_NS: u64 = 10_000_000_000;

/// Bringing a launch into the state that it starts from may take so long: reading a large model from a slow disk.
const START_LIMIT: Duration = Duration::from_mins(5);

/// What comes after a contact.
pub(crate) enum Onward {
    /// Nothing: all is done, or a person asked to stop.
    Done,
    /// The device is to be restarted for this run.
    Restart(RunId),
}

/// A device whose agent is ours, for as long as the link holds.
pub(crate) struct Contact<'c, 'p> {
    pub(crate) session: &'c mut Session<'p>,
    pub(crate) link: &'c mut Link,
    /// Its number in the record.
    pub(crate) number: u32,
    pub(crate) sink: &'c mut dyn RecordSink,
    pub(crate) observer: &'c mut dyn Observer,
    pub(crate) summary: &'c mut SessionSummary,
    /// The run that the device was restarted for.
    pub(crate) restarted_for: Option<RunId>,
    /// What is read beside it.
    pub(crate) meters: Meters,
}

impl Contact<'_, '_> {
    /// Brings home what an earlier contact left, and executes what is missing but for `given_up`.
    ///
    /// # Errors
    /// [`SessionError`] when it cannot go on; all that came back before is with the sink.
    pub(crate) fn run(
        &mut self,
        models: &DeviceModels,
        given_up: &BTreeSet<RunId>,
    ) -> Result<Onward, SessionError> {
        self.clock(clocksync::BURST)?;
        let spec = self.spec().cloned();
        if let Some(spec) = &spec {
            self.prepare(spec)?;
        }
        let onward = self.launches(models, given_up);
        let ended = self.end_meters(onward.is_ok());
        let onward = onward?;
        ended?;
        if let Some(spec) = &spec {
            self.restore(spec)?;
        }
        self.clock(clocksync::BURST)?;
        Ok(onward)
    }

    /// What the device is to be brought into, if anything.
    fn spec(&self) -> Option<&PrepareSpec> {
        let planned = self.session.plan.devices.get(&self.session.device)?;
        planned.prepare.as_ref().filter(|spec| !spec.leaves_device_alone())
    }

    fn prepare(&mut self, spec: &PrepareSpec) -> Result<(), SessionError> {
        self.step(&Step::Prepare);
        let campaign = self.session.campaign.clone();
        self.link.send(&Command::Prepare { campaign, spec: Box::new(spec.clone()) })?;
        match self.link.answer_within("to be prepared", commands_limit(spec.before.len(), spec))? {
            Reply::Prepared { prepared } => {
                for text in prepared.problems() {
                    self.step(&Step::Note { text });
                }
                Ok(self.sink.prepared(self.number, &prepared)?)
            }
            other => Err(self.link.unexpected(&other)),
        }
    }

    fn restore(&mut self, spec: &PrepareSpec) -> Result<(), SessionError> {
        self.link.send(&Command::Restore)?;
        match self.link.answer_within("to be put back", commands_limit(spec.after.len(), spec))? {
            Reply::Restored { restored: None } => Ok(()),
            Reply::Restored { restored: Some(restored) } => {
                for text in restored.problems() {
                    self.step(&Step::Note { text });
                }
                Ok(self.sink.restored(self.number, &restored)?)
            }
            other => Err(self.link.unexpected(&other)),
        }
    }

    fn launches(
        &mut self,
        models: &DeviceModels,
        given_up: &BTreeSet<RunId>,
    ) -> Result<Onward, SessionError> {
        let mut clock_at = monotonic_now();
        let todo = remaining_runs(self.session.plan, &self.session.device, &self.session.finished);
        let todo: Vec<_> = todo.into_iter().filter(|one| !given_up.contains(&one.run)).collect();
        if !todo.is_empty() && !self.session.cancel.is_cancelled() {
            self.examine()?;
            self.begin_meters()?;
        }
        for (nth, remaining) in todo.iter().enumerate() {
            if self.session.cancel.is_cancelled() {
                break;
            }
            if monotonic_now().since(clock_at) > CLOCK_EVERY_NS {
                self.clock(clocksync::SHORT_BURST)?;
                clock_at = monotonic_now();
            }
            if let Wanted::LeftOut { why } = self.session.steer.next(remaining.run) {
                self.leave_out(remaining, why)?;
                continue;
            }
            if self.wants_restart(remaining.run) {
                return Ok(Onward::Restart(remaining.run));
            }
            let n_requests = remaining.requests.len();
            let held_ms = self.session.plan.run(remaining.run).and_then(|run| self.session.plan.hold_of(run));
            let held_ms = held_ms.map(|hold| hold.for_ms);
            self.step(&Step::Launch {
                run: remaining.run,
                nth: nth + 1,
                of: todo.len(),
                n_requests,
                held_ms,
            });
            self.launch(remaining, models)?;
        }
        Ok(Onward::Done)
    }

    /// Whether the device is to be restarted before this run, and was not.
    fn wants_restart(&self, run: RunId) -> bool {
        let plan = self.session.plan;
        let cell = plan.run(run).and_then(|run| plan.cell(&run.cell));
        let is_cold = cell.is_some_and(|cell| cell.start == StartState::DeviceCold);
        is_cold && self.restarted_for != Some(run)
    }

    fn leave_out(&mut self, remaining: &RemainingRun, why: String) -> Result<(), SessionError> {
        self.sink.left_out(self.number, remaining.run, &why)?;
        self.session.finished.left_out.insert(remaining.run);
        let n_requests = remaining.requests.len();
        self.step(&Step::LeftOut { run: remaining.run, n_requests, why });
        Ok(())
    }

    pub(crate) fn step(&mut self, step: &Step) {
        self.observer.step(&self.session.device, step);
    }

    /// Compares the clocks, while nothing is measured.
    fn clock(&mut self, n_probes: u32) -> Result<(), SessionError> {
        if let Some(sample) = clocksync::sync(self.link, n_probes)? {
            self.sink.clock(self.number, &sample)?;
        }
        Ok(())
    }

    /// Brings home the spools that an earlier contact left, and learns from them what is finished; gives their
    /// runs, and how they ended: `unknown` for one that was cut off with its agent.
    pub(crate) fn recover(&mut self) -> Result<BTreeMap<RunId, String>, SessionError> {
        let campaign = self.session.campaign.clone();
        self.link.send(&Command::Spools { campaign: campaign.clone() })?;
        let spools = match self.link.answer_within("for what it has left over", MODEL_LIMIT)? {
            Reply::Spools { spools } => spools,
            other => return Err(self.link.unexpected(&other)),
        };
        let mut runs = BTreeMap::new();
        for spool in spools {
            self.step(&Step::Recover { run: spool.run });
            let key = LaunchKey { campaign: campaign.clone(), run: spool.run, launch: spool.launch };
            self.link.send(&Command::SendSpool(key.clone()))?;
            let outcome = self.take_batches(&key)?;
            runs.insert(spool.run, outcome.unwrap_or_else(|| "unknown".to_owned()));
        }
        Ok(runs)
    }

    /// Counts a launch whose events are in the record.
    pub(crate) fn count(&mut self, run: RunId, outcome: String) {
        self.summary.n_launches += 1;
        self.summary.n_failed += usize::from(outcome != "ok");
        self.step(&Step::LaunchDone { run, outcome });
    }

    /// Takes a launch's events into the record, then lets the device forget them; gives how the launch ended.
    fn take_batches(&mut self, key: &LaunchKey) -> Result<Option<String>, SessionError> {
        let last = self.session.finished.launches.entry(key.run).or_insert(key.launch);
        *last = key.launch.max(*last);
        let mut outcome = None;
        loop {
            let batch = match self.link.answer_within("for its events", MODEL_LIMIT)? {
                Reply::EventBatch(batch) => batch,
                other => return Err(self.link.unexpected(&other)),
            };
            outcome = self.keep(key.run, &batch.events)?.or(outcome);
            if batch.last {
                break;
            }
        }
        self.link.send(&Command::DropSpool(key.clone()))?;
        match self.link.answer("to forget a spool")? {
            Reply::Dropped(_) => Ok(outcome),
            other => Err(self.link.unexpected(&other)),
        }
    }

    fn keep(&mut self, run: RunId, events: &[Event]) -> Result<Option<String>, SessionError> {
        self.sink.events(self.number, events)?;
        for event in events {
            self.session.steer.saw(event);
        }
        let mut outcome = None;
        for event in events.iter().filter(|event| event.run == run) {
            match &event.kind {
                EventKind::Request(request) if request.outcome != Outcome::Cancelled => {
                    self.session.finished.requests.insert((run, request.idx));
                }
                EventKind::LaunchEnded { outcome: ended, .. } => {
                    outcome = Some(ended.word().to_owned());
                    if ended.ends_hold() {
                        self.session.finished.ended.insert(run);
                    }
                }
                _ => {}
            }
        }
        Ok(outcome)
    }

    /// One launch, from order to record.
    fn launch(&mut self, remaining: &RemainingRun, models: &DeviceModels) -> Result<(), SessionError> {
        let order = order(&self.session.campaign, self.session.plan, remaining, models);
        let (key, silence) = (order.key(), silence_limit(&order));
        let begun_at = self.before_metered_launch()?;
        self.link.send(&Command::Run(Box::new(order)))?;
        self.await_launch(silence)?;
        let outcome = self.take_batches(&key)?.unwrap_or_else(|| "unknown".to_owned());
        self.after_metered_launch(&key, begun_at)?;
        self.count(key.run, outcome);
        Ok(())
    }

    /// Waits for the launch's end; passes on progress, and a cancel.
    fn await_launch(&mut self, silence_limit: Duration) -> Result<(), SessionError> {
        let mut asked_to_stop: Option<Instant> = None;
        let mut heard = Instant::now();
        loop {
            if self.session.cancel.is_cancelled() && asked_to_stop.is_none() {
                self.link.send(&Command::Cancel)?;
                asked_to_stop = Some(Instant::now());
            }
            match self.link.reply_within(TICK)? {
                None if asked_to_stop.is_some_and(|at| at.elapsed() > CANCEL_LIMIT) => {
                    return Err(self.silent("the request to stop", CANCEL_LIMIT));
                }
                None if heard.elapsed() > silence_limit => {
                    return Err(self.silent("while a launch runs", silence_limit));
                }
                None => {}
                Some(Reply::Progress(at)) => {
                    heard = Instant::now();
                    let (phase, done, of) = (at.phase, at.done as usize, at.total as usize);
                    self.step(&Step::Progress { phase, done, of });
                }
                Some(Reply::LaunchDone { .. }) => return Ok(()),
                Some(other) => return Err(self.link.unexpected(&other)),
            }
        }
    }

    fn silent(&self, what: &str, limit: Duration) -> SessionError {
        let (device, limit_s) = (self.session.device.clone(), limit.as_secs());
        SessionError::Silent { device, what: what.to_owned(), limit_s }
    }
}

/// Time for so many commands, and for what is set beside them.
fn commands_limit(n_commands: usize, spec: &PrepareSpec) -> Duration {
    let n = u32::try_from(n_commands).unwrap_or(u32::MAX);
    Duration::from_millis(spec.command_limit_ms()).saturating_mul(n) + SETTINGS_LIMIT
}

/// The longest part of a launch in which nothing is asked: before the load, within it, or after it.
fn longest_rest_ms(order: &RunOrder) -> u64 {
    let within = order.hold.and_then(|hold| hold.duty).map_or(0, |duty| duty.rest_ms);
    let Some(care) = &order.care else { return within };
    let cool_down = care.cool_down.map_or(0, |cool_down| cool_down.limit_ms);
    let before = cool_down.saturating_add(care.idle_ms).saturating_add(care.ready_idle_ms);
    before.max(within).max(care.recovery_ms)
}

/// Progress is told between requests, so that no more than one request's time passes without a word.
fn silence_limit(order: &RunOrder) -> Duration {
    let request = order.requests.iter().map(|request| request.limit_ms).max().unwrap_or(0);
    let start = if order.launch_spec.start.is_as_it_is() { Duration::ZERO } else { START_LIMIT };
    let told = Duration::from_millis(request.max(order.launch_spec.ready_limit_ms));
    told + start + Duration::from_millis(longest_rest_ms(order)) + SILENCE_SLACK
}

//! One contact with one device, from deploy to the last launch.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dyno_model::digest::Digest;
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::{CampaignId, DeviceId, RunId};
use dyno_model::launch::LaunchSpec;
use dyno_model::plan::{Cell, ModelOrigin, Plan, PlannedRequest, PlannedRun};
use dyno_model::request::Request;
use dyno_protocol::build_id::BUILD_ID;
use dyno_protocol::message::{Command, LaunchKey, Reply, RunOrder};
use dyno_transport::{PushOutcome, RemoteCommand, RemotePath, Transport, artifact};

use crate::deploy::{AgentBinary, LocalModel};
use crate::error::SessionError;
use crate::link::Link;
use crate::observe::{Cancel, Observer, Step};
use crate::remaining::{Finished, RemainingRun, remaining_runs};
use crate::sink::{Opened, RecordSink};

/// How often a cancel is looked for while the device works.
const TICK: Duration = Duration::from_millis(100);
/// How long hashing or writing a model may take.
const MODEL_LIMIT: Duration = Duration::from_mins(30);
/// How long the agent may go on after it was asked to stop.
const CANCEL_LIMIT: Duration = Duration::from_secs(30);

/// One device's share of a campaign.
pub struct Session<'a> {
    /// The campaign's id: names its spools on the device.
    pub campaign: CampaignId,
    /// The whole plan.
    pub plan: &'a Plan,
    /// Which device.
    pub device: DeviceId,
    /// The agent for it.
    pub agent: AgentBinary,
    /// Model files on this side, by name; synthetic ones are made on the device.
    pub models: BTreeMap<String, LocalModel>,
    /// What the record holds already.
    pub finished: Finished,
    /// Asked for by Ctrl-C.
    pub cancel: Cancel,
}

/// What a session came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionSummary {
    /// Launches that are in the record.
    pub n_launches: usize,
    /// Of them, those whose runtime ended otherwise than asked.
    pub n_failed: usize,
    /// Whether it was stopped by [`Cancel`].
    pub cancelled: bool,
}

/// A model file as it lies on the device.
struct DeviceModel {
    path: RemotePath,
    digest: Option<Digest>,
}

impl Session<'_> {
    /// Deploys, recovers what an earlier contact left, and executes what is missing.
    ///
    /// # Errors
    /// [`SessionError`] when it cannot go on; all that came back before is with `sink`.
    pub fn execute(
        mut self,
        transport: &mut dyn Transport,
        sink: &mut dyn RecordSink,
        observer: &mut dyn Observer,
    ) -> Result<SessionSummary, SessionError> {
        let agent = self.deploy_agent(transport, observer)?;
        let mut link = self.connect(transport, &agent)?;
        let models = self.deploy_models(transport, &mut link, observer)?;
        let session = self.open(&mut link, transport.kind(), &models, sink, observer)?;
        let result = self.recover_and_run(&mut link, session, &models, sink, observer);
        if let Err(SessionError::AgentGone { .. }) = &result {
            self.rescue(transport, &agent, session, sink, observer);
        } else {
            link.close();
        }
        let words = result.as_ref().err().map(ToString::to_string);
        sink.closed(session, words.as_deref())?;
        result
    }

    fn lost(&self) -> impl Fn(dyno_transport::TransportError) -> SessionError {
        let device = self.device.clone();
        move |source| SessionError::Transport { device: device.clone(), source }
    }

    fn deploy_agent(
        &self,
        transport: &mut dyn Transport,
        observer: &mut dyn Observer,
    ) -> Result<RemotePath, SessionError> {
        observer.step(&self.device, &Step::DeployAgent { bytes: self.agent.bytes });
        transport.prepare().map_err(self.lost())?;
        let (path, _) = artifact::push(transport, &self.agent.artifact()).map_err(self.lost())?;
        Ok(path)
    }

    fn connect(&self, transport: &mut dyn Transport, agent: &RemotePath) -> Result<Link, SessionError> {
        let work_dir = transport.work_dir().as_str().to_owned();
        let command = RemoteCommand::new(agent).arg("serve").arg("--work-dir").arg(work_dir);
        Link::start(&self.device, transport, &command)
    }

    fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.plan.cells.iter().filter(|cell| cell.device == self.device)
    }

    fn deploy_models(
        &self,
        transport: &mut dyn Transport,
        link: &mut Link,
        observer: &mut dyn Observer,
    ) -> Result<BTreeMap<String, DeviceModel>, SessionError> {
        let mut on_device = BTreeMap::new();
        for cell in self.cells() {
            let Some(model) = self.plan.models.get(&cell.model) else { continue };
            if on_device.contains_key(&cell.model) {
                continue;
            }
            let placed = match &model.origin {
                ModelOrigin::None => continue,
                ModelOrigin::Synthetic { .. } => self.synthesize(transport, link, &cell.model, observer)?,
                ModelOrigin::Published { .. } | ModelOrigin::Derived { .. } => {
                    self.push_model(transport, link, &cell.model, observer)?
                }
            };
            on_device.insert(cell.model.clone(), placed);
        }
        Ok(on_device)
    }

    fn push_model(
        &self,
        transport: &mut dyn Transport,
        link: &mut Link,
        name: &str,
        observer: &mut dyn Observer,
    ) -> Result<DeviceModel, SessionError> {
        let local =
            self.models.get(name).ok_or_else(|| SessionError::ModelMissing { model: name.to_owned() })?;
        observer.step(&self.device, &Step::DeployModel { model: name.to_owned(), bytes: local.bytes });
        let (path, outcome) = artifact::push(transport, &local.artifact()).map_err(self.lost())?;
        let first = verify(link, &path, local);
        match first {
            // A copy of an earlier contact that was damaged since: the agent has removed it, and a push brings it whole.
            Err(SessionError::Agent { .. }) if outcome == PushOutcome::AlreadyThere => {
                artifact::push(transport, &local.artifact()).map_err(self.lost())?;
                verify(link, &path, local)
            }
            first => first,
        }
    }

    fn synthesize(
        &self,
        transport: &mut dyn Transport,
        link: &mut Link,
        name: &str,
        observer: &mut dyn Observer,
    ) -> Result<DeviceModel, SessionError> {
        let Some(ModelOrigin::Synthetic { shape, seed }) =
            self.plan.models.get(name).map(|model| &model.origin)
        else {
            return Err(SessionError::ModelMissing { model: name.to_owned() });
        };
        observer.step(&self.device, &Step::Synthesize { model: name.to_owned() });
        let recipe = serde_json::to_vec(&(shape, seed)).expect("a shape has only string keys");
        let path = artifact::path(transport.work_dir(), &Digest::of(&recipe), "synthetic.gguf");
        link.send(&Command::Synthesize {
            path: path.as_str().to_owned(),
            shape: shape.clone(),
            seed: *seed,
        })?;
        match link.answer_within("for a synthetic model", MODEL_LIMIT)? {
            Reply::Wrote { digest, .. } => Ok(DeviceModel { path, digest: Some(digest) }),
            other => Err(link.unexpected(&other)),
        }
    }

    fn open(
        &self,
        link: &mut Link,
        transport: &str,
        models: &BTreeMap<String, DeviceModel>,
        sink: &mut dyn RecordSink,
        observer: &mut dyn Observer,
    ) -> Result<u32, SessionError> {
        link.send(&Command::Facts)?;
        let facts = match link.answer("for its facts")? {
            Reply::Facts { facts } => facts,
            other => return Err(link.unexpected(&other)),
        };
        let named = facts.model.clone().or_else(|| facts.cpu.clone()).unwrap_or_else(|| facts.arch.clone());
        observer.step(&self.device, &Step::Connected { device: named });
        let digests = models.iter().filter_map(|(name, model)| Some((name.clone(), model.digest.clone()?)));
        let opened = Opened {
            device: self.device.clone(),
            transport: transport.to_owned(),
            build_id: BUILD_ID.to_owned(),
            facts: *facts,
            model_digests: digests.collect(),
        };
        Ok(sink.opened(&opened)?)
    }

    fn recover_and_run(
        &mut self,
        link: &mut Link,
        session: u32,
        models: &BTreeMap<String, DeviceModel>,
        sink: &mut dyn RecordSink,
        observer: &mut dyn Observer,
    ) -> Result<SessionSummary, SessionError> {
        self.recover(link, session, sink, observer)?;
        let mut summary = SessionSummary::default();
        let todo = remaining_runs(self.plan, &self.device, &self.finished);
        for (nth, remaining) in todo.iter().enumerate() {
            if self.cancel.is_cancelled() {
                break;
            }
            let n_requests = remaining.requests.len();
            observer.step(
                &self.device,
                &Step::Launch { run: remaining.run, nth: nth + 1, of: todo.len(), n_requests },
            );
            let ok = self.launch(link, session, remaining, models, sink, observer)?;
            summary.n_launches += 1;
            summary.n_failed += usize::from(!ok);
        }
        summary.cancelled = self.cancel.is_cancelled();
        Ok(summary)
    }

    /// Brings home the spools that an earlier contact left, and learns from them what is finished.
    fn recover(
        &mut self,
        link: &mut Link,
        session: u32,
        sink: &mut dyn RecordSink,
        observer: &mut dyn Observer,
    ) -> Result<(), SessionError> {
        link.send(&Command::Spools { campaign: self.campaign.clone() })?;
        let spools = match link.answer("for what it has left over")? {
            Reply::Spools { spools } => spools,
            other => return Err(link.unexpected(&other)),
        };
        for spool in spools {
            observer.step(&self.device, &Step::Recover { run: spool.run });
            let key = LaunchKey { campaign: self.campaign.clone(), run: spool.run, launch: spool.launch };
            link.send(&Command::SendSpool(key.clone()))?;
            self.take_batches(link, session, &key, sink)?;
        }
        Ok(())
    }

    /// Takes a launch's events into the record, then lets the device forget them; gives how the launch ended.
    fn take_batches(
        &mut self,
        link: &mut Link,
        session: u32,
        key: &LaunchKey,
        sink: &mut dyn RecordSink,
    ) -> Result<Option<String>, SessionError> {
        let last = self.finished.launches.entry(key.run).or_insert(key.launch);
        *last = key.launch.max(*last);
        let mut outcome = None;
        loop {
            let batch = match link.answer_within("for its events", MODEL_LIMIT)? {
                Reply::EventBatch(batch) => batch,
                other => return Err(link.unexpected(&other)),
            };
            outcome = self.keep(session, key.run, &batch.events, sink)?.or(outcome);
            if batch.last {
                break;
            }
        }
        link.send(&Command::DropSpool(key.clone()))?;
        match link.answer("to forget a spool")? {
            Reply::Dropped(_) => Ok(outcome),
            other => Err(link.unexpected(&other)),
        }
    }

    fn keep(
        &mut self,
        session: u32,
        run: RunId,
        events: &[Event],
        sink: &mut dyn RecordSink,
    ) -> Result<Option<String>, SessionError> {
        sink.events(session, events)?;
        let mut outcome = None;
        for event in events.iter().filter(|event| event.run == run) {
            match &event.kind {
                EventKind::Request(request) if request.outcome != dyno_model::outcome::Outcome::Cancelled => {
                    self.finished.requests.insert((run, request.idx));
                }
                EventKind::LaunchEnded { outcome: ended, .. } => outcome = Some(ended.word().to_owned()),
                _ => {}
            }
        }
        Ok(outcome)
    }

    /// One launch, from order to record; gives whether its runtime ended as asked.
    fn launch(
        &mut self,
        link: &mut Link,
        session: u32,
        remaining: &RemainingRun,
        models: &BTreeMap<String, DeviceModel>,
        sink: &mut dyn RecordSink,
        observer: &mut dyn Observer,
    ) -> Result<bool, SessionError> {
        let order = self.order(remaining, models);
        let key = order.key();
        link.send(&Command::Run(Box::new(order)))?;
        self.await_launch(link, observer)?;
        let outcome = self.take_batches(link, session, &key, sink)?.unwrap_or_else(|| "unknown".to_owned());
        observer.step(&self.device, &Step::LaunchDone { run: key.run, outcome: outcome.clone() });
        Ok(outcome == "ok")
    }

    /// Waits for the launch's end; passes on progress, and a cancel.
    fn await_launch(&self, link: &mut Link, observer: &mut dyn Observer) -> Result<(), SessionError> {
        let mut asked_to_stop: Option<Instant> = None;
        loop {
            if self.cancel.is_cancelled() && asked_to_stop.is_none() {
                link.send(&Command::Cancel)?;
                asked_to_stop = Some(Instant::now());
            }
            match link.reply_within(TICK)? {
                None if asked_to_stop.is_some_and(|at| at.elapsed() > CANCEL_LIMIT) => {
                    let (device, limit_s) = (self.device.clone(), CANCEL_LIMIT.as_secs());
                    return Err(SessionError::Silent {
                        device,
                        what: "the request to stop".to_owned(),
                        limit_s,
                    });
                }
                None => {}
                Some(Reply::Progress(at)) => {
                    observer.step(
                        &self.device,
                        &Step::Progress { done: at.done as usize, of: at.total as usize },
                    );
                }
                Some(Reply::LaunchDone { .. }) => return Ok(()),
                Some(other) => return Err(link.unexpected(&other)),
            }
        }
    }

    fn order(&self, remaining: &RemainingRun, models: &BTreeMap<String, DeviceModel>) -> RunOrder {
        let run = self.plan.run(remaining.run).expect("a remaining run is one of the plan's");
        let cell = self.plan.cell(&run.cell).expect("a run's cell is one of the plan's");
        RunOrder {
            campaign: self.campaign.clone(),
            run: run.id,
            launch: remaining.launch,
            launch_spec: self.launch_spec(cell, models.get(&cell.model)),
            requests: remaining.requests.iter().filter_map(|idx| self.request(run, *idx)).collect(),
            load: cell.load.clone(),
            sampling_period_ms: self.plan.sampling_period_ms,
        }
    }

    fn launch_spec(&self, cell: &Cell, model: Option<&DeviceModel>) -> LaunchSpec {
        let runtime = self.plan.runtimes.get(&cell.runtime).expect("a cell's runtime is one of the plan's");
        LaunchSpec {
            runtime: cell.runtime.clone(),
            dialect: runtime.dialect,
            model_path: model.map(|model| model.path.as_str().to_owned()),
            model_digest: model.and_then(|model| model.digest.clone()),
            threads: cell.threads,
            context_tokens: cell.context_tokens,
            settings: runtime.settings.clone(),
            ready_limit_ms: runtime.ready_limit_ms,
        }
    }

    fn request(&self, run: &PlannedRun, idx: u32) -> Option<Request> {
        let planned: &PlannedRequest = run.requests.get(idx as usize)?;
        let prompt = self.plan.prompts.get(&planned.prompt)?;
        Some(Request {
            idx,
            prompt_id: planned.prompt.clone(),
            messages: prompt.messages.clone(),
            sampling: planned.sampling.clone(),
            due_ns: planned.due_ns,
            limit_ms: planned.limit_ms,
        })
    }

    /// After the agent died: a fresh one brings home what the dead one had spooled.
    ///
    /// Best effort: what does not come now comes with the next contact.
    fn rescue(
        &mut self,
        transport: &mut dyn Transport,
        agent: &RemotePath,
        session: u32,
        sink: &mut dyn RecordSink,
        observer: &mut dyn Observer,
    ) {
        if let Ok(mut link) = self.connect(transport, agent) {
            self.recover(&mut link, session, sink, observer).ok();
            link.close();
        }
    }
}

fn verify(link: &mut Link, path: &RemotePath, local: &LocalModel) -> Result<DeviceModel, SessionError> {
    link.send(&Command::Verify { path: path.as_str().to_owned(), digest: Some(local.digest.clone()) })?;
    match link.answer_within("whether the model is whole", MODEL_LIMIT)? {
        Reply::Verified { .. } => Ok(DeviceModel { path: path.clone(), digest: Some(local.digest.clone()) }),
        other => Err(link.unexpected(&other)),
    }
}

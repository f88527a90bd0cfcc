//! One device's share of a campaign, over as many contacts as it takes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use dyno_model::blame::{Blame, Classify as _};
use dyno_model::ids::{CampaignId, DeviceId, RunId};
use dyno_model::plan::Plan;
use dyno_protocol::build_id::BUILD_ID;
use dyno_protocol::message::{Lease, RemoteError};
use dyno_transport::Transport;

use crate::contact::{Contact, Onward};
use crate::deploy::{AgentSource, Deploy, DeviceModels, LocalModel};
use crate::error::SessionError;
use crate::meter::{MeterReader, Meters};
use crate::observe::{Cancel, Observer, Step};
use crate::remaining::Finished;
use crate::restart::Restart;
use crate::sink::{Opened, RecordSink};
use crate::steer::Steer;
use crate::visit::Visit;

/// The first attempt to have a lost link again comes after this, each further one after twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(15);
/// Contacts in a row that may end without anything new in the record: more, and the device cannot do it.
const MAX_IDLE_CONTACTS: u32 = 3;
const TICK: Duration = Duration::from_millis(50);

/// One device's share of a campaign.
pub struct Session<'a> {
    /// The campaign's id: names its spools on the device.
    pub campaign: CampaignId,
    /// Who measures, for whoever else wants the device: `user@host`.
    pub holder: String,
    /// The whole plan.
    pub plan: &'a Plan,
    /// Which device.
    pub device: DeviceId,
    /// Finds the agent for it.
    pub agents: &'a dyn AgentSource,
    /// Model files on this side, by name; synthetic ones are made on the device.
    pub models: BTreeMap<String, LocalModel>,
    /// What the record holds already.
    pub finished: Finished,
    /// Says which runs may be left out; it has seen what the record holds.
    pub steer: Box<dyn Steer + 'a>,
    /// How long a lost link is sought again.
    pub reconnect_limit: Duration,
    /// Asked for by Ctrl-C.
    pub cancel: Cancel,
    /// What measures the device from outside.
    pub meters: Vec<MeterReader>,
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

/// What is kept from contact to contact.
#[derive(Default)]
struct Course {
    summary: SessionSummary,
    /// Whether an agent has been ours in this session.
    was_connected: bool,
    /// Runs whose launch a broken contact cut off: what they came to is data, and is not measured again silently.
    given_up: BTreeSet<RunId>,
    n_idle_contacts: u32,
    /// The run that the device was restarted for, and words for the record of the next contact.
    restarted_for: Option<RunId>,
    restarted: Option<String>,
}

impl Session<'_> {
    /// Deploys, recovers what an earlier contact left, and executes what is missing; a lost link is sought again.
    ///
    /// # Errors
    /// [`SessionError`] when it cannot go on; all that came back before is with `sink`.
    pub fn execute(
        mut self,
        transport: &mut dyn Transport,
        sink: &mut dyn RecordSink,
        observer: &mut dyn Observer,
    ) -> Result<SessionSummary, SessionError> {
        let mut course = Course::default();
        let mut outage = Outage::default();
        loop {
            let n_before = self.finished.requests.len();
            let error = match self.contact(transport, sink, observer, &mut course) {
                Ok(Onward::Restart(run)) if self.restart(run, transport, observer, &mut course)? => {
                    (outage, course.n_idle_contacts) = (Outage::default(), 0);
                    continue;
                }
                Ok(Onward::Restart(_) | Onward::Done) => {
                    course.summary.cancelled = self.cancel.is_cancelled();
                    return Ok(course.summary);
                }
                Err(error) => error,
            };
            if course.was_connected && self.finished.requests.len() > n_before {
                (outage, course.n_idle_contacts) = (Outage::default(), 0);
            }
            if !self.may_try_again(&error, transport, &course) {
                return Err(error);
            }
            let Some(wait) = outage.next(self.reconnect_limit) else {
                let (device, limit_s) = (self.device.clone(), self.reconnect_limit.as_secs());
                return Err(SessionError::LinkLost { device, limit_s, source: Box::new(error) });
            };
            let words = RemoteError::of(&error).message;
            observer.step(&self.device, &Step::LinkLost { error: words, next_s: wait.as_secs() });
            transport.disconnect();
            if !self.wait(wait) {
                return Err(error);
            }
        }
    }

    /// Whether the same device may be had again: only one that was had before, over a link that can break.
    fn may_try_again(&self, error: &SessionError, transport: &dyn Transport, course: &Course) -> bool {
        let is_lost = match error {
            SessionError::AgentGone { .. } | SessionError::Silent { .. } => true,
            SessionError::Transport { source, .. } => source.is_transient() || source.blame() == Blame::Lab,
            _ => false,
        };
        is_lost
            && transport.is_remote()
            && course.was_connected
            && course.n_idle_contacts < MAX_IDLE_CONTACTS
            && !self.cancel.is_cancelled()
    }

    /// Waits, unless a person asks to stop; whether they did not.
    fn wait(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while Instant::now() < until && !self.cancel.is_cancelled() {
            std::thread::sleep(TICK);
        }
        !self.cancel.is_cancelled()
    }

    /// Restarts the device for a run; whether it did, and nobody asked to stop meanwhile.
    fn restart(
        &self,
        run: RunId,
        transport: &mut dyn Transport,
        observer: &mut dyn Observer,
        course: &mut Course,
    ) -> Result<bool, SessionError> {
        let spec = self.plan.restart.unwrap_or_default();
        let wait = |limit| self.wait(limit);
        let restart = Restart { device: &self.device, spec, transport, observer, wait: &wait };
        course.restarted = restart.run()?;
        course.restarted_for = Some(run);
        Ok(course.restarted.is_some())
    }

    fn lease(&self, is_again: bool) -> Lease {
        Lease { holder: self.holder.clone(), campaign: Some(self.campaign.clone()), force: false, is_again }
    }

    /// One contact, from reaching the device to its last launch or the loss of its link.
    fn contact(
        &mut self,
        transport: &mut dyn Transport,
        sink: &mut dyn RecordSink,
        observer: &mut dyn Observer,
        course: &mut Course,
    ) -> Result<Onward, SessionError> {
        let is_again = course.was_connected;
        let mut visit = Visit::open(&self.device, transport, self.agents, &self.lease(is_again), observer)?;
        course.was_connected = true;
        course.n_idle_contacts += 1;
        visit.notes.extend(course.restarted.take());
        for text in &visit.notes {
            observer.step(&self.device, &Step::Note { text: text.clone() });
        }
        let models = Deploy {
            device: &self.device,
            plan: self.plan,
            local: &self.models,
            transport: &mut *transport,
            link: &mut visit.link,
            observer: &mut *observer,
        };
        let models = models.models()?;
        let number = self.open(&mut visit, transport, &models, sink, observer)?;
        let (link, summary) = (&mut visit.link, &mut course.summary);
        let mut contact = Contact {
            session: self,
            link,
            number,
            sink: &mut *sink,
            observer: &mut *observer,
            summary,
            restarted_for: course.restarted_for,
            meters: Meters::default(),
        };
        let result = contact.recover().and_then(|recovered| {
            // What a broken contact of this session had begun is part of it; what an earlier one left is not.
            for (run, outcome) in recovered.into_iter().filter(|_| is_again) {
                course.given_up.insert(run);
                contact.count(run, outcome);
            }
            contact.run(&models, &course.given_up)
        });
        match &result {
            Err(SessionError::AgentGone { .. }) if !transport.is_remote() => {
                self.rescue(transport, number, sink, observer);
            }
            Err(SessionError::AgentGone { .. } | SessionError::Silent { .. }) => {}
            _ => visit.close(),
        }
        sink.closed(number, result.as_ref().err().map(ToString::to_string).as_deref())?;
        result
    }

    fn open(
        &self,
        visit: &mut Visit,
        transport: &dyn Transport,
        models: &DeviceModels,
        sink: &mut dyn RecordSink,
        observer: &mut dyn Observer,
    ) -> Result<u32, SessionError> {
        let facts = visit.facts()?;
        let named = facts.model.clone().or_else(|| facts.cpu.clone()).unwrap_or_else(|| facts.arch.clone());
        observer.step(&self.device, &Step::Connected { device: named });
        let digests = models.iter().filter_map(|(name, model)| Some((name.clone(), model.digest.clone()?)));
        let opened = Opened {
            device: self.device.clone(),
            transport: transport.carrier(),
            build_id: BUILD_ID.to_owned(),
            facts,
            model_digests: digests.collect(),
            notes: visit.notes.clone(),
        };
        Ok(sink.opened(&opened)?)
    }

    /// After the agent on this machine died: a fresh one brings home what the dead one had spooled.
    ///
    /// Best effort: what does not come now comes with the next contact.
    fn rescue(
        &mut self,
        transport: &mut dyn Transport,
        number: u32,
        sink: &mut dyn RecordSink,
        observer: &mut dyn Observer,
    ) {
        let visit = Visit::open(&self.device, transport, self.agents, &self.lease(false), observer);
        if let Ok(mut visit) = visit {
            let (link, summary) = (&mut visit.link, &mut SessionSummary::default());
            let (restarted_for, meters) = (None, Meters::default());
            let mut contact =
                Contact { session: self, link, number, sink, observer, summary, restarted_for, meters };
            contact.recover().ok();
            visit.close();
        }
    }
}

/// How long a link has been lost.
#[derive(Default)]
struct Outage {
    began: Option<Instant>,
    n_tries: u32,
}

impl Outage {
    /// How long to wait before the next attempt; `None` when `limit` is over.
    fn next(&mut self, limit: Duration) -> Option<Duration> {
        let began = *self.began.get_or_insert_with(Instant::now);
        if began.elapsed() >= limit {
            return None;
        }
        let wait = FIRST_RETRY.saturating_mul(1 << self.n_tries.min(8)).min(LONGEST_RETRY);
        self.n_tries += 1;
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_less_and_less_often_until_the_limit() {
        let mut outage = Outage::default();
        let waits: Vec<u64> =
            (0..7).filter_map(|_| outage.next(Duration::from_mins(1))).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 15, 15, 15]);
        assert_eq!(outage.next(Duration::ZERO), None);
    }
}

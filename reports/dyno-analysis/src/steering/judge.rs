//! The judge that a session asks before each run.

use std::collections::BTreeMap;

use dyno_model::event::Event;
use dyno_model::ids::RunId;
use dyno_model::plan::{Plan, PlannedRun, Steering};
use dyno_store::{Campaign, JournalEntry, JournalReader};

use super::evidence::Evidence;
use super::{search, stop};
use crate::error::AnalysisError;

/// Whether a run has to be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// It has to.
    Needed,
    /// What is in the record decides already.
    LeftOut {
        /// What decides, in words for the record.
        why: String,
    },
}

/// Says which runs of a plan need not be measured, by the rule that the plan declares; without one, all are needed.
///
/// Devices are judged apart from each other: what one shows says nothing of another. So sessions that run at once have
/// a clone each, and give it the events of their own device.
#[derive(Debug, Clone)]
pub struct Judge<'p> {
    plan: &'p Plan,
    evidence: Evidence,
    left_out: BTreeMap<RunId, String>,
}

impl<'p> Judge<'p> {
    /// Of an empty record.
    pub fn new(plan: &'p Plan) -> Self {
        Self { plan, evidence: Evidence::default(), left_out: BTreeMap::new() }
    }

    /// Of what a campaign's journal holds. Reads it only when the plan has a rule.
    ///
    /// # Errors
    /// The journal cannot be read, or is damaged.
    pub fn of_campaign(campaign: &'p Campaign) -> Result<Self, AnalysisError> {
        let mut judge = Self::new(campaign.plan());
        if judge.plan.steering.is_none() {
            return Ok(judge);
        }
        for line in JournalReader::open(&campaign.journal_path()).map_err(AnalysisError::Journal)? {
            match line.map_err(AnalysisError::Journal)?.entry {
                JournalEntry::Event { event, .. } => judge.saw(&event),
                JournalEntry::LeftOut { run, why, .. } => {
                    judge.left_out.entry(run).or_insert(why);
                }
                _ => {}
            }
        }
        Ok(judge)
    }

    /// Takes an event that is in the record. The same one may come again.
    pub fn saw(&mut self, event: &Event) {
        if self.plan.steering.is_some() {
            self.evidence.take(self.plan, event);
        }
    }

    /// Whether the next run in the plan's order has to be measured; what it leaves out, it remembers.
    ///
    /// A run of which anything is in the record has been judged before it began, and is needed: to judge it again
    /// would be a look that was never declared. What was left out once stays so, and so do all later repetitions.
    pub fn next(&mut self, run: RunId) -> Need {
        match self.why(run) {
            None => Need::Needed,
            Some(why) => {
                self.left_out.insert(run, why.clone());
                Need::LeftOut { why }
            }
        }
    }

    fn why(&self, run: RunId) -> Option<String> {
        let steering = self.plan.steering.as_ref()?;
        let planned = self.plan.run(run)?;
        if let Some(why) = self.left_out.get(&run).or_else(|| self.left_out_before(planned)) {
            return Some(why.clone());
        }
        if self.evidence.has_begun(run) {
            return None;
        }
        match steering {
            Steering::Precision { .. } | Steering::SloDecided { .. } => {
                stop::why(self.plan, steering, &self.evidence, planned)
            }
            Steering::Capacity => search::why(self.plan, &self.evidence, planned),
        }
    }

    fn left_out_before(&self, run: &PlannedRun) -> Option<&String> {
        let is_before = |of: &&PlannedRun| of.cell == run.cell && of.repetition < run.repetition;
        self.plan.runs.iter().filter(is_before).find_map(|of| self.left_out.get(&of.id))
    }
}

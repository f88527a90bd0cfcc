//! How a launch ends: what became of the runtime, the judgement, and the last events.

use dyno_model::event::{EventKind, SinkError};
use dyno_model::outcome::{Outcome, Validity};
use dyno_runtimes::adapter::ExitReport;
use dyno_runtimes::error::RuntimeError;
use dyno_sensors::kills::KillWatch;

use super::Launch;
use crate::guard::{self, Guard};

/// A kill that nobody can refuse, in the words of the system and as a shell's status (128 and the signal's number).
const KILLED: [&str; 2] = ["(SIGKILL)", "exit status 137"];

impl Launch<'_> {
    /// How the launch ended, from how the runtime did and what came of the requests.
    pub(super) fn stopped(
        &mut self,
        stopped: Result<ExitReport, RuntimeError>,
        served: Result<Outcome, Outcome>,
    ) -> (Outcome, Option<ExitReport>) {
        self.sense.catch_up(self.clock.now());
        let ours = |outcome: &Outcome| matches!(outcome, Outcome::Cancelled | Outcome::AtLimit { .. });
        let (outcome, report) = match (stopped, served) {
            // The runtime's own end says more than what its last request met, unless we ended it.
            (Ok(report), Ok(served)) if !ours(&served) && !report.outcome.is_ok() => {
                (report.outcome.clone(), Some(report))
            }
            (Ok(report), Ok(served) | Err(served)) => (served, Some(report)),
            (Err(error), Ok(Outcome::Ok)) => (error.outcome(), None),
            (Err(_), Ok(served) | Err(served)) => (served, None),
        };
        (for_memory(outcome, &self.kills), report)
    }

    /// Samples, judgement, and the last event.
    pub(super) fn end(
        mut self,
        outcome: Outcome,
        report: Option<&ExitReport>,
        guard: Option<&Guard>,
    ) -> Result<Outcome, SinkError> {
        let mut sense = std::mem::replace(&mut self.sense, crate::sense::Sense::none());
        let (batches, own) = sense.stop(self.clock.now());
        // Without a guard nothing of the real world was to be watched.
        let watched = guard.map(|guard| guard.watched(own));
        let mut validity = guard::judge(watched.as_ref(), &self.evidence);
        if outcome == Outcome::Rebooted {
            add(&mut validity, "the device restarted before the launch could be judged");
        }
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

/// The outcome of a runtime that was killed while the system killed for want of memory; any other as it is.
fn for_memory(outcome: Outcome, kills: &KillWatch) -> Outcome {
    match &outcome {
        Outcome::Crashed { exit, .. } if KILLED.iter().any(|words| exit.ends_with(words)) => {
            match kills.rose() {
                Some(words) => Outcome::Oom { detail: format!("{exit}; {words}") },
                None => outcome,
            }
        }
        _ => outcome,
    }
}

fn add(validity: &mut Validity, reason: &str) {
    let mut all = match std::mem::replace(validity, Validity::Valid) {
        Validity::Valid => Vec::new(),
        Validity::Invalid { reasons } => reasons,
    };
    all.push(reason.to_owned());
    *validity = Validity::Invalid { reasons: all };
}

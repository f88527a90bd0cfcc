//! Records to be judged: requests that keep a limit or do not, by run.

use std::collections::BTreeMap;

use dyno_model::digest::Digest;
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::RunId;
use dyno_model::outcome::{Outcome, Validity};
use dyno_model::plan::{Plan, PlannedRequest};
use dyno_model::slo::{Condition, Demand, Judged, Objective, Selection, Slo};
use dyno_store::Campaign;
use dyno_view::compliance::{ComplianceView, JudgementView, ObjectiveView};
use tempfile::{TempDir, tempdir};

use super::queue::MS;
use super::sample::{End, launch, ok, plan, record, written};
use crate::{Baselines, CheckAsk, compliance};

/// What one request does.
#[derive(Debug, Clone)]
pub(super) enum Did {
    /// Its first token after so many ms, three more with such gaps in ms.
    Answered(u64, u64),
    /// One token after so many ms.
    OneToken(u64),
    Failed(Outcome),
}

pub(super) const GOOD: Did = Did::Answered(500, 50);
pub(super) const LATE: Did = Did::Answered(1500, 50);

/// How a launch came to its end.
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    pub(super) invalid: Option<&'static str>,
}

pub(super) const WELL: Ending = Ending { outcome: Outcome::Ok, invalid: None };

/// A launch of run `run` whose requests do this; what it was asked beyond was never sent.
pub(super) fn run(run: u32, all: &[Did], ending: &Ending) -> Vec<Event> {
    let began = 1_000_000_000_000 * u64::from(run) + 1_000_000;
    let mut events = launch(run, 1, began - 1000, &[], &End::Valid);
    let mut ended = events.pop().expect("a launch ends");
    let mut last = began;
    for (idx, did) in (0_u32..).zip(all) {
        let sent_at = began + u64::from(idx) * 10_000 * MS;
        let tokens: Vec<u64> = match did {
            Did::Answered(first, gap) => (0..4).map(|i| (first + i * gap) * MS).collect(),
            Did::OneToken(first) => vec![first * MS],
            Did::Failed(_) => Vec::new(),
        };
        let mut asked = ok(idx % 3, sent_at, &tokens, 10 + idx % 3);
        if let Did::Failed(outcome) = did {
            (asked.outcome, asked.osl) = (outcome.clone(), None);
        }
        let mut kind = record(&asked);
        if let EventKind::Request(request) = &mut kind {
            request.idx = idx;
            last = request.ended_at.0;
        }
        events.push(Event {
            run: RunId(run),
            launch: 1,
            seq: 0,
            at: dyno_model::clock::MonoNs(sent_at),
            kind,
        });
    }
    if let EventKind::LaunchEnded { outcome, validity, .. } = &mut ended.kind {
        *outcome = ending.outcome.clone();
        if let Some(reason) = ending.invalid {
            *validity = Validity::Invalid { reasons: vec![reason.to_owned()] };
        }
    }
    events.push(Event { at: dyno_model::clock::MonoNs(last + 1000), ..ended });
    for (seq, event) in (0..).zip(&mut events) {
        event.seq = seq;
    }
    events
}

/// A plan whose runs ask so many requests; prompts take turns, p-1 is of category code.
pub(super) fn plan_with(sizes: &[usize]) -> Plan {
    let mut all = plan(u32::try_from(sizes.len()).expect("a few runs"));
    for (run, size) in all.runs.iter_mut().zip(sizes) {
        let turns: Vec<PlannedRequest> = run.requests.clone();
        run.requests = turns.into_iter().cycle().take(*size).collect();
    }
    all
}

/// A campaign of these runs, all of whose requests are in the record.
pub(super) fn campaign(runs: &[Vec<Did>]) -> (TempDir, Campaign) {
    let sizes: Vec<usize> = runs.iter().map(Vec::len).collect();
    let launches: Vec<Vec<Event>> = (0..).zip(runs).map(|(n, all)| run(n, all, &WELL)).collect();
    campaign_of(&plan_with(&sizes), &launches)
}

pub(super) fn campaign_of(plan: &Plan, launches: &[Vec<Event>]) -> (TempDir, Campaign) {
    let dir = tempdir().expect("a folder");
    let campaign = written(dir.path(), plan, launches);
    (dir, campaign)
}

/// `n` requests of which the first `bad` are late.
pub(super) fn late(bad: usize, n: usize) -> Vec<Did> {
    (0..n).map(|i| if i < bad { LATE } else { GOOD }).collect()
}

pub(super) fn limit(metric: &str, limit: f64) -> Condition {
    Condition::Limit { metric: metric.to_owned(), limit }
}

/// TTFT within a second.
pub(super) fn ttft() -> Condition {
    limit("ttft_ns", 1e9)
}

pub(super) fn objective(conditions: Vec<Condition>, fraction_ppm: u32) -> Objective {
    Objective {
        name: "it".to_owned(),
        line: 5,
        judges: Judged::Requests,
        conditions,
        demand: Demand::Share { fraction_ppm, confidence_ppm: 950_000 },
        selection: Selection::default(),
        baseline: None,
    }
}

pub(super) fn slo(objectives: Vec<Objective>) -> Slo {
    Slo {
        name: "sla".to_owned(),
        description: "What we promise.".to_owned(),
        file: "sla.toml".to_owned(),
        digest: Digest::of(b"sla"),
        objectives,
    }
}

pub(super) fn view_of(campaign: &Campaign, slo: &Slo) -> ComplianceView {
    compliance(campaign, &ask(slo)).unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn ask(slo: &Slo) -> CheckAsk<'_> {
    CheckAsk {
        slo,
        operator: Some("A. Meier"),
        checked_by: "0.2.0",
        regenerate: "edgedyno check c-1 --slo sla.toml",
        calibrations: BTreeMap::from([("local".to_owned(), "ab".repeat(32))]),
        baselines: Baselines::Elsewhere,
    }
}

/// What these runs show of "95 % of the requests have TTFT ≤ 1 s".
pub(super) fn judged(runs: &[Vec<Did>]) -> JudgementView {
    of(runs, objective(vec![ttft()], 950_000))
}

pub(super) fn of(runs: &[Vec<Did>], objective: Objective) -> JudgementView {
    let (_dir, campaign) = campaign(runs);
    only(view_of(&campaign, &slo(vec![objective])))
}

pub(super) fn only(view: ComplianceView) -> JudgementView {
    let [objective]: [ObjectiveView; 1] = view.objectives.try_into().expect("one objective");
    let [judgement]: [JudgementView; 1] = objective.judgements.try_into().expect("one cell");
    judgement
}

pub(super) fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
}

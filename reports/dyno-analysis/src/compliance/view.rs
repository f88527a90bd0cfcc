//! Puts the compliance report together.

use std::collections::BTreeSet;

use dyno_model::metric::{METRICS, Unit, metric};
use dyno_model::slo::{Condition, Demand, Judged, Objective, Slo};
use dyno_store::{Campaign, JournalEntry};
use dyno_view::compliance::{
    COMPLIANCE_SCHEMA_VERSION, ComplianceVerdict, ComplianceView, EvidenceView, ExclusionView,
    JudgedCellView, JudgedView, JudgementView, ObjectiveView, SloView,
};
use dyno_view::report::{CampaignView, FindingLevel, MethodView};

use super::CheckAsk;
use super::cell::cell_view;
use super::claims::{condition_view, demand_view, selection_views};
use super::decide::{Frame, MOST_EXCLUDED, judgement};
use super::dropped::dropped;
use super::drops::{Drops, drops};
use super::egress::{self, is_egress};
use super::error::{ClaimProblem, ComplianceError};
use super::limits::{limits, rules};
use super::observe::{Observer, tests};
use super::population::{Fate, Population, Rule};
use super::select;
use super::tally::Tally;
use crate::cell::CellRecord;
use crate::facts::device_views;
use crate::findings::findings;
use crate::metrics::method_views;
use crate::present::campaign_view;
use crate::record::Record;
use crate::steering::n_looks;

/// Reasons of invalid launches that are told.
const MAX_REASONS: usize = 4;

/// Holds a campaign's record against objectives: a pure function of its folder and of what is asked.
///
/// # Errors
/// As of [`crate::report`], or the objectives speak of what the campaign does not have.
pub fn compliance(campaign: &Campaign, ask: &CheckAsk<'_>) -> Result<ComplianceView, ComplianceError> {
    let problems = select::problems(campaign.plan(), ask.slo);
    if !problems.is_empty() {
        return Err(ComplianceError::Claims { problems });
    }
    let record = Record::read(campaign)?;
    let cells: Vec<CellRecord<'_>> =
        record.plan.cells.iter().map(|cell| CellRecord::of(&record, cell)).collect();
    let bench = Bench::of(&cells, ask.slo, campaign_view(&record));
    let problems = bench.empty_lengths(ask.slo);
    if !problems.is_empty() {
        return Err(ComplianceError::Claims { problems });
    }
    let drops = drops(&bench, ask)?;
    Ok(assemble(&record, &cells, &Bench { drops, ..bench }, ask))
}

fn assemble(
    record: &Record<'_>,
    cells: &[CellRecord<'_>],
    bench: &Bench<'_, '_>,
    ask: &CheckAsk<'_>,
) -> ComplianceView {
    let objectives: Vec<ObjectiveView> = ask.slo.objectives.iter().map(|of| bench.objective(of)).collect();
    let judged: Vec<(&CellRecord<'_>, JudgedCellView)> = bench
        .judged()
        .map(|place| {
            let cell = &cells[place];
            let calibration = ask.calibrations.get(&cell.cell.device.0).cloned();
            (cell, cell_view(cell, &bench.populations[place], bench.judges_energy(), calibration))
        })
        .collect();
    let pairs: Vec<(&CellRecord<'_>, &JudgedCellView)> =
        judged.iter().map(|(cell, view)| (*cell, view)).collect();
    let devices: BTreeSet<&str> = pairs.iter().map(|(cell, _)| cell.cell.device.0.as_str()).collect();
    let of_cells: Vec<&CellRecord<'_>> = pairs.iter().map(|(cell, _)| *cell).collect();
    let graver = |level: FindingLevel| level != FindingLevel::Note;
    ComplianceView {
        schema_version: COMPLIANCE_SCHEMA_VERSION,
        campaign: CampaignView { regenerate: ask.regenerate.to_owned(), ..bench.campaign.clone() },
        slo: slo_view(ask.slo),
        verdict: together(objectives.iter().map(|objective| objective.verdict)),
        rules: rules(ask.slo, &of_cells, &objectives),
        limits: limits(&pairs, &objectives),
        exclusions: bench.exclusions(),
        most_excluded_ratio: MOST_EXCLUDED,
        findings: findings(record, cells).into_iter().filter(|finding| graver(finding.level)).collect(),
        devices: device_views(record)
            .into_iter()
            .filter(|device| devices.contains(device.id.as_str()))
            .collect(),
        methods: methods(&objectives),
        evidence: evidence(record, ask),
        operator: ask.operator.map(str::to_owned),
        objectives,
        cells: judged.into_iter().map(|(_, view)| view).collect(),
    }
}

/// The cells of a campaign with all that was to be served in each.
pub(super) struct Bench<'c, 'a> {
    pub(super) cells: &'c [CellRecord<'a>],
    slo: &'c Slo,
    campaign: CampaignView,
    pub(super) populations: Vec<Population<'c, 'a>>,
    observers: Vec<Observer<'c, 'a>>,
    /// Answers against those of baselines; empty where none was asked for.
    drops: Drops,
}

impl<'c, 'a> Bench<'c, 'a> {
    pub(super) fn of(cells: &'c [CellRecord<'a>], slo: &'c Slo, campaign: CampaignView) -> Self {
        Self {
            cells,
            slo,
            campaign,
            populations: cells.iter().map(Population::of).collect(),
            observers: cells.iter().map(Observer::of).collect(),
            drops: Drops::default(),
        }
    }

    /// Places of the cells that any objective is about.
    fn judged(&self) -> impl Iterator<Item = usize> {
        let of = |objective: &Objective| self.places(objective);
        self.slo.objectives.iter().flat_map(of).collect::<BTreeSet<usize>>().into_iter()
    }

    pub(super) fn places(&self, objective: &Objective) -> Vec<usize> {
        let plan = self.cells.first().map(|cell| cell.record.plan);
        plan.map(|plan| select::cells(plan, &objective.selection)).unwrap_or_default()
    }

    fn judges_energy(&self) -> bool {
        let of = |condition: &Condition| match condition {
            Condition::Answered | Condition::Passed | Condition::NoEgress => false,
            Condition::Limit { metric: id, .. } => {
                metric(id).is_some_and(|metric| metric.unit == Unit::Joules)
            }
        };
        self.slo.objectives.iter().flat_map(|objective| &objective.conditions).any(of)
    }

    /// All observations of an objective in a cell.
    pub(super) fn tally(&self, objective: &Objective, place: usize) -> Tally {
        let cell = &self.cells[place];
        if is_egress(objective) {
            return egress::tally(cell, &self.populations[place]);
        }
        let tests = tests(cell, &objective.conditions);
        Tally::of(cell, &self.populations[place], &self.observers[place], objective, &tests)
    }

    fn objective(&self, objective: &Objective) -> ObjectiveView {
        let places = self.places(objective);
        let judgements: Vec<JudgementView> =
            places.into_iter().map(|place| self.judgement(objective, place)).collect();
        ObjectiveView {
            name: objective.name.clone(),
            line: objective.line,
            judges: match objective.judges {
                Judged::Requests => JudgedView::Request,
                Judged::Launches => JudgedView::Launch,
            },
            conditions: objective.conditions.iter().filter_map(condition_view).collect(),
            demand: demand_view(objective.demand),
            selection: selection_views(&objective.selection),
            verdict: together(judgements.iter().map(|judgement| judgement.verdict)),
            judgements,
            baseline: objective.baseline.clone(),
        }
    }

    pub(super) fn judgement(&self, objective: &Objective, place: usize) -> JudgementView {
        let cell = &self.cells[place];
        let is_share =
            |of: &&Objective| !matches!(of.demand, Demand::Every) && self.places(of).contains(&place);
        let n_statements = self.slo.objectives.iter().filter(is_share).count();
        let n_shared = u32::try_from(n_statements).unwrap_or(u32::MAX).max(1);
        let campaign = &self.campaign;
        let incomplete = (!campaign.complete).then(|| {
            format!(
                "the campaign is not complete ({} of {} requests are in the record), and what was not waited for passes \
                 nothing: `edgedyno resume {}` measures the rest",
                campaign.n_requests_recorded, campaign.n_requests_planned, campaign.id
            )
        });
        let frame = Frame {
            objective,
            cell: &cell.cell.id.0,
            n_shared: n_shared.saturating_mul(n_looks(cell.record.plan, cell.cell)),
            incomplete,
        };
        let (tests, tally) = (tests(cell, &objective.conditions), self.tally(objective, place));
        if matches!(objective.demand, Demand::Drop { .. }) {
            return dropped(&frame, &tests, &tally, self.drops.of(objective, place));
        }
        let view = judgement(&frame, &tests, &tally);
        if is_egress(objective) { egress::doubted(view, cell) } else { view }
    }

    /// Objectives that select by a length which no prompt has.
    pub(super) fn empty_lengths(&self, slo: &Slo) -> Vec<ClaimProblem> {
        let problem = |objective: &Objective| {
            let selection = &objective.selection;
            if selection.isl_from.is_none() && selection.isl_to.is_none() {
                return None;
            }
            let places = self.places(objective);
            let ranges = places.iter().filter_map(|place| self.populations[*place].isl_range());
            let (least, most) = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
            let is_empty = selection.isl_from.is_some_and(|from| from > most)
                || selection.isl_to.is_some_and(|to| to < least);
            is_empty.then(|| ClaimProblem {
                file: slo.file.clone(),
                line: objective.line,
                message: format!("`{}`: no prompt has that many tokens", objective.name),
                hint: format!("prompts have from {least} to {most} tokens"),
            })
        };
        slo.objectives.iter().filter_map(problem).collect()
    }

    /// What rules left out, in each judged cell.
    fn exclusions(&self) -> Vec<ExclusionView> {
        let mut views = Vec::new();
        for place in self.judged() {
            views.extend(Rule::ALL.iter().filter_map(|rule| self.exclusion(*rule, place)));
        }
        views
    }

    fn exclusion(&self, rule: Rule, place: usize) -> Option<ExclusionView> {
        let (cell, population) = (&self.cells[place], &self.populations[place]);
        let is_of = |fate: Fate<'_>| fate == Fate::Excluded(rule);
        let n_requests = match rule {
            // Only an objective knows whether it needs a length.
            Rule::LengthUnknown => self.most_without_length(place),
            Rule::Ungraded => self.most_ungraded(place),
            Rule::InvalidLaunch | Rule::Cancelled | Rule::CutOff => {
                population.attempts.iter().filter(|attempt| is_of(attempt.fate)).count() as u64
            }
        };
        let launches: Vec<_> = population.starts.iter().filter(|start| is_of(start.fate)).collect();
        let mut reasons: Vec<String> = Vec::new();
        for reason in launches.iter().flat_map(|start| start.launch.row.invalid.iter().flatten()) {
            if reasons.len() < MAX_REASONS && !reasons.contains(reason) {
                reasons.push(reason.clone());
            }
        }
        (n_requests > 0 || !launches.is_empty()).then(|| ExclusionView {
            rule: rule.id().to_owned(),
            words: rule.words().to_owned(),
            cell: cell.cell.id.0.clone(),
            n_requests,
            n_launches: launches.len() as u64,
            reasons,
        })
    }

    fn most_ungraded(&self, place: usize) -> u64 {
        let is_about =
            |of: &&Objective| of.conditions.contains(&Condition::Passed) && self.places(of).contains(&place);
        let n = |of: &Objective| self.tally(of, place).n_ungraded;
        self.slo.objectives.iter().filter(is_about).map(n).max().unwrap_or(0)
    }

    fn most_without_length(&self, place: usize) -> u64 {
        let by_length = |of: &&Objective| {
            (of.selection.isl_from.is_some() || of.selection.isl_to.is_some())
                && self.places(of).contains(&place)
        };
        let n =
            |of: &Objective| self.tally(of, place).excluded.get(&Rule::LengthUnknown).copied().unwrap_or(0);
        self.slo.objectives.iter().filter(by_length).map(n).max().unwrap_or(0)
    }
}

/// Failed when one is; then invalid, then inconclusive; passed when all are.
fn together(verdicts: impl Iterator<Item = ComplianceVerdict>) -> ComplianceVerdict {
    let rank = |verdict: &ComplianceVerdict| match verdict {
        ComplianceVerdict::Pass => 0,
        ComplianceVerdict::Inconclusive => 1,
        ComplianceVerdict::Invalid => 2,
        ComplianceVerdict::Fail => 3,
    };
    verdicts.max_by_key(rank).unwrap_or(ComplianceVerdict::Inconclusive)
}

fn slo_view(slo: &Slo) -> SloView {
    SloView {
        name: slo.name.clone(),
        description: slo.description.clone(),
        file: slo.file.clone(),
        digest: slo.digest.as_str().to_owned(),
    }
}

/// How the judged metrics are computed.
fn methods(objectives: &[ObjectiveView]) -> Vec<MethodView> {
    let judged: BTreeSet<&str> = objectives
        .iter()
        .flat_map(|of| &of.judgements)
        .flat_map(|of| &of.metrics)
        .map(String::as_str)
        .collect();
    let known = method_views().into_iter().filter(|method| judged.contains(method.metric.as_str()));
    let mut methods: Vec<MethodView> = known.collect();
    // Metrics that have a section of their own elsewhere are in no table of methods.
    for metric in METRICS.iter().filter(|metric| judged.contains(metric.id)) {
        if methods.iter().all(|method| method.metric != metric.id) {
            methods.push(MethodView {
                metric: metric.id.to_owned(),
                label: metric.label.to_owned(),
                formula: metric.formula.to_owned(),
                formula_version: metric.formula_version,
                undefined: metric.undefined.to_owned(),
                source: metric.source.to_owned(),
            });
        }
    }
    methods
}

fn evidence(record: &Record<'_>, ask: &CheckAsk<'_>) -> EvidenceView {
    let manifest = record.manifest();
    let builds: BTreeSet<String> = record
        .entries
        .iter()
        .filter_map(|entry| match entry {
            JournalEntry::Session { build_id, .. } => Some(build_id.clone()),
            _ => None,
        })
        .collect();
    EvidenceView {
        plan_digest: record.plan_digest.clone(),
        journal_digest: manifest.journal_digest.as_str().to_owned(),
        journal_bytes: manifest.journal_bytes,
        torn_bytes: manifest.torn_bytes,
        slo_digest: ask.slo.digest.as_str().to_owned(),
        seed: record.plan.seed,
        measured_by: crate::present::tool_version(record),
        checked_by: ask.checked_by.to_owned(),
        agent_builds: builds.into_iter().collect(),
        regenerate: ask.regenerate.to_owned(),
    }
}

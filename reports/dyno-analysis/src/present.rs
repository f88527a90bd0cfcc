//! Puts the report together.

use dyno_model::clock::WallNs;
use dyno_store::{Campaign, JournalEntry, LaunchRow};
use dyno_view::load::LoadReportView;
use dyno_view::report::{CampaignView, CellView, Finding, REPORT_SCHEMA_VERSION, Report};

use crate::answers::answers;
use crate::cell::CellRecord;
use crate::charts::charts;
use crate::clock::wall_ahead_ns;
use crate::compare::verdicts;
use crate::comparison::comparison;
use crate::energy::{energy_table, energy_view, methods};
use crate::error::AnalysisError;
use crate::facts::{cell_facts, device_views, model_marks, own_cost};
use crate::findings::findings;
use crate::heat::{heat, heat_table};
use crate::load::{cell_load, chunks, errors, load_report};
use crate::memory::memory;
use crate::metrics::{category_views, launch_views, method_views, metric_views, outcome_counts};
use crate::network::network;
use crate::planned::held;
use crate::proof::proof;
use crate::quality::{quality, quality_table};
use crate::record::Record;
use crate::roofline::roofline;
use crate::start::{start_name, starts};
use crate::steady::steady;
use crate::steering::n_wanted;
use crate::throughput::throughput;
use crate::timeline::timelines;

/// The report of a campaign: a pure function of its folder. Makes the tables first where they are missing or old.
///
/// # Errors
/// The journal is damaged or of a newer format, or the tables cannot be written or read.
pub fn report(campaign: &Campaign) -> Result<Report, AnalysisError> {
    report_from(&Record::read(campaign)?)
}

/// The same without grades: what is left of a report when the answers and what they are held against are left out of
/// its record.
///
/// # Errors
/// As of [`report`].
pub fn report_without_grades(campaign: &Campaign) -> Result<Report, AnalysisError> {
    let mut plan = campaign.plan().clone();
    for prompt in plan.prompts.values_mut() {
        prompt.grader = None;
    }
    report_from(&Record::read_as(campaign, &plan)?)
}

fn report_from(record: &Record<'_>) -> Result<Report, AnalysisError> {
    let cells: Vec<CellRecord<'_>> =
        record.plan.cells.iter().map(|cell| CellRecord::of(record, cell)).collect();
    let views: Vec<CellView> = cells.iter().map(cell_view).collect::<Result<_, _>>()?;
    let load = load_report(&cells, &views);
    let energy_methods = methods(&views);
    Ok(Report {
        schema_version: REPORT_SCHEMA_VERSION,
        campaign: campaign_view(record),
        comparison: comparison(&cells, &views),
        verdicts: verdicts(record, &cells),
        findings: with_alarms(load.as_ref(), findings(record, &cells)),
        load,
        starts: starts(record, &cells),
        quality: quality_table(&cells, &views),
        energy: energy_table(&cells, &views),
        heat: heat_table(&cells, &views),
        devices: device_views(record),
        cells: views,
        methods: method_views().into_iter().chain(energy_methods).collect(),
        campaigns: Vec::new(),
        imported: Vec::new(),
    })
}

/// All findings, the alarms of loads first among those of their level.
pub(crate) fn with_alarms(load: Option<&LoadReportView>, findings: Vec<Finding>) -> Vec<Finding> {
    let alarms = load.into_iter().flat_map(|load| load.alarms.iter().cloned());
    let mut all: Vec<Finding> = alarms.chain(findings).collect();
    all.sort_by_key(|finding| finding.level);
    all
}

pub(crate) fn campaign_view(record: &Record<'_>) -> CampaignView {
    let plan = record.plan;
    let (started, ended) = time_span(record);
    let n_requests_planned = n_wanted(record);
    let n_requests_recorded = record.n_measured();
    let held = held(record);
    let corpus = match &plan.corpus.slice {
        None => plan.corpus.name.clone(),
        Some(slice) => format!("{}, slice {slice}", plan.corpus.name),
    };
    CampaignView {
        id: record.id.0.clone(),
        suite: plan.suite.name.clone(),
        description: plan.suite.description.clone(),
        started_at: started.and_then(utc),
        ended_at: ended.and_then(utc),
        tool_version: tool_version(record),
        plan_digest: record.plan_digest.clone(),
        corpus,
        corpus_digest: plan.corpus.digest.as_str().to_owned(),
        seed: plan.seed,
        n_requests_planned,
        n_requests_recorded,
        complete: n_requests_recorded == n_requests_planned && held.is_none_or(|held| held.n_ended == held.n),
        held,
        regenerate: format!("edgedyno report {}", record.id),
    }
}

/// UTC of the first event; `None` when nothing ran.
pub(crate) fn started_at(record: &Record<'_>) -> Option<String> {
    time_span(record).0.and_then(utc)
}

/// The version that began to measure; a change in between is a finding.
pub(crate) fn tool_version(record: &Record<'_>) -> String {
    let header = record.entries.iter().find_map(|entry| match entry {
        JournalEntry::Header { tool_version, .. } => Some(tool_version.clone()),
        _ => None,
    });
    header.unwrap_or_else(|| record.plan.tool_version.clone())
}

/// Wall clock of the first and of the last event, by the controller's clock where a device's was compared with it.
fn time_span(record: &Record<'_>) -> (Option<WallNs>, Option<WallNs>) {
    let ahead_ns = wall_ahead_ns(record);
    let ours = |launch: &LaunchRow, at_ns: u64| {
        let ahead_ns = record.cell_of(launch.run).and_then(|cell| ahead_ns.get(&cell.device));
        let wall = Record::wall(launch, at_ns)?;
        Some(WallNs(wall.0.saturating_add_signed(ahead_ns.copied().unwrap_or(0).saturating_neg())))
    };
    let started = record.launches.iter().filter_map(|launch| ours(launch, launch.started_at_ns?)).min();
    let requests = &record.requests;
    let last_request = |run: u32, launch: u32| {
        let rows = (0..requests.len())
            .rev()
            .find(|row| (requests.run[*row], requests.launch[*row]) == (run, launch));
        rows.map(|row| requests.ended_at_ns[row])
    };
    let ended = record.launches.iter().filter_map(|launch| {
        let last = launch.ended_at_ns.or_else(|| last_request(launch.run, launch.launch));
        ours(launch, last.or(launch.started_at_ns)?)
    });
    (started, ended.max())
}

/// `2026-11-21T04:30:00Z`; `None` beyond the calendar.
pub(crate) fn utc(wall: WallNs) -> Option<String> {
    let seconds = i64::try_from(wall.0 / 1_000_000_000).ok()?;
    jiff::Timestamp::from_second(seconds).ok().map(|stamp| stamp.to_string())
}

pub(crate) fn cell_view(cell: &CellRecord<'_>) -> Result<CellView, AnalysisError> {
    let of = cell.cell;
    Ok(CellView {
        id: of.id.0.clone(),
        device: of.device.0.clone(),
        runtime: of.runtime.clone(),
        model: of.model.clone(),
        model_marks: model_marks(cell),
        load: of.load.label(),
        offered: cell_load(cell),
        threads: of.threads,
        arm: of.arm.clone(),
        campaign: None,
        context_tokens: of.context_tokens,
        start: start_name(of.start),
        facts: cell_facts(cell),
        outcomes: outcome_counts(cell),
        errors: errors(cell),
        launches: launch_views(cell),
        metrics: metric_views(cell),
        invalid_metrics: cell.unusable().map(|of| metric_views(&of)).unwrap_or_default(),
        quality: quality(cell)?,
        proof: proof(cell),
        network: network(cell),
        steady: steady(cell),
        heat: heat(cell).cloned(),
        energy: energy_view(cell),
        memory: memory(cell),
        roofline: roofline(cell),
        chunks: chunks(cell),
        categories: category_views(cell),
        throughput: throughput(cell),
        own_cost: own_cost(cell),
        charts: charts(cell),
        timelines: timelines(cell),
        answers: answers(cell)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_worded_in_utc() {
        // date -u -d @1795235400 gives 2026-11-21 04:30:00.
        let at = WallNs(1_795_235_400_999_999_999);
        assert_eq!(utc(at).as_deref(), Some("2026-11-21T04:30:00Z"));
    }
}

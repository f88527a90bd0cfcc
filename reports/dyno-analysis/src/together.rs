//! Several campaigns in one report: devices, runtimes or releases that were measured one after the other.
//!
//! Cells stand side by side as far as they did equal work, as those of one campaign do. Nothing is tested here: that is
//! what a comparison does.

use dyno_store::Campaign;
use dyno_view::imported::ImportedView;
use dyno_view::report::{
    CampaignView, CellView, DeviceView, Finding, FindingLevel, REPORT_SCHEMA_VERSION, Report,
};

use crate::cell::CellRecord;
use crate::comparison::comparison;
use crate::energy::{energy_table, methods};
use crate::error::AnalysisError;
use crate::facts::device_views;
use crate::findings::findings;
use crate::heat::heat_table;
use crate::load::load_report;
use crate::metrics::method_views;
use crate::present::{campaign_view, cell_view, with_alarms};
use crate::quality::quality_table;
use crate::record::Record;
use crate::start::starts;

/// The report of several campaigns, in their order, with what other tools measured beside it.
///
/// # Errors
/// As of [`crate::report`], for any of them.
pub fn report_of(campaigns: &[Campaign], imported: Vec<ImportedView>) -> Result<Report, AnalysisError> {
    if let [one] = campaigns {
        return Ok(with_imported(crate::report(one)?, imported));
    }
    let records: Vec<Record<'_>> = campaigns.iter().map(Record::read).collect::<Result<_, _>>()?;
    let by_record: Vec<Vec<CellRecord<'_>>> = records
        .iter()
        .map(|record| record.plan.cells.iter().map(|cell| CellRecord::of(record, cell)).collect())
        .collect();
    let (mut views, mut said) = (Vec::new(), Vec::new());
    for (record, cells) in records.iter().zip(&by_record) {
        let own: Vec<CellView> = cells.iter().map(cell_view).collect::<Result<_, _>>()?;
        said.extend(told(record, cells, &own));
        views.extend(own.into_iter().map(|view| named(view, record)));
    }
    let (devices, strangers) = devices(&records);
    said.extend(strangers);
    said.sort_by_key(|finding| finding.level);
    let cells: Vec<CellRecord<'_>> = by_record.into_iter().flatten().collect();
    let parts: Vec<CampaignView> = records.iter().map(campaign_view).collect();
    let energy_methods = methods(&views);
    let report = Report {
        schema_version: REPORT_SCHEMA_VERSION,
        campaign: whole(&parts),
        comparison: comparison(&cells, &views),
        verdicts: None,
        findings: said,
        load: None,
        starts: None,
        quality: quality_table(&cells, &views),
        energy: energy_table(&cells, &views),
        heat: heat_table(&cells, &views),
        devices,
        cells: views,
        methods: method_views().into_iter().chain(energy_methods).collect(),
        campaigns: parts,
        imported: Vec::new(),
    };
    Ok(with_imported(report, imported))
}

/// The same report with figures of other tools, whose files it takes to render it again.
fn with_imported(mut report: Report, imported: Vec<ImportedView>) -> Report {
    for view in &imported {
        report.campaign.regenerate.push_str(" --import ");
        report.campaign.regenerate.push_str(&quoted(&view.file));
    }
    Report { imported, ..report }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/-+=,@:".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A cell of one of several campaigns: two of them may hold the same one.
fn named(view: CellView, record: &Record<'_>) -> CellView {
    let campaign = record.id.0.clone();
    CellView { id: format!("{campaign}/{}", view.id), campaign: Some(campaign), ..view }
}

/// A campaign's findings, each with its name; what only its own report shows is told.
fn told(record: &Record<'_>, cells: &[CellRecord<'_>], views: &[CellView]) -> Vec<Finding> {
    let load = load_report(cells, views);
    let own = |what: &str| Finding {
        level: FindingLevel::Note,
        text: format!("{what} only in its own report: `edgedyno report {}`", record.id),
    };
    let mut said = with_alarms(load.as_ref(), findings(record, cells));
    said.extend(load.as_ref().map(|_| own("figures against its loads are")));
    said.extend(record.plan.comparison.as_ref().map(|_| own("verdicts on its arms are")));
    said.extend(starts(record, cells).map(|_| own("starts side by side are")));
    let named = |finding: Finding| Finding { text: format!("{}: {}", record.id, finding.text), ..finding };
    said.into_iter().map(named).collect()
}

/// What stands for all of them: first begin, last end, sums.
fn whole(parts: &[CampaignView]) -> CampaignView {
    let all = |of: fn(&CampaignView) -> &str, between: &str| {
        let mut words: Vec<&str> = Vec::new();
        for word in parts.iter().map(of) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words.join(between)
    };
    CampaignView {
        id: all(|part| &part.id, " + "),
        suite: all(|part| &part.suite, ", "),
        description: all(|part| &part.description, " "),
        started_at: parts.iter().filter_map(|part| part.started_at.clone()).min(),
        ended_at: parts.iter().filter_map(|part| part.ended_at.clone()).max(),
        tool_version: all(|part| &part.tool_version, ", "),
        plan_digest: all(|part| &part.plan_digest, ", "),
        corpus: all(|part| &part.corpus, ", "),
        corpus_digest: all(|part| &part.corpus_digest, ", "),
        seed: parts.first().map_or(0, |part| part.seed),
        n_requests_planned: parts.iter().map(|part| part.n_requests_planned).sum(),
        n_requests_recorded: parts.iter().map(|part| part.n_requests_recorded).sum(),
        complete: parts.iter().all(|part| part.complete),
        held: None,
        regenerate: format!("edgedyno report {}", all(|part| &part.id, " ")),
    }
}

/// Every device once, as it was first; one that said something else in another campaign is named with it, and is a finding.
fn devices(records: &[Record<'_>]) -> (Vec<DeviceView>, Vec<Finding>) {
    let (mut all, mut said): (Vec<DeviceView>, Vec<Finding>) = (Vec::new(), Vec::new());
    for record in records {
        for view in device_views(record) {
            let Some(known) = all.iter().find(|known| known.id == view.id) else {
                all.push(view);
                continue;
            };
            let labels = unlike_facts(known, &view);
            if !labels.is_empty() {
                let text = format!(
                    "{}: {} says something else of itself than before ({}): it may be another machine or another system",
                    record.id,
                    view.id,
                    labels.join(", ")
                );
                said.push(Finding { level: FindingLevel::Warning, text });
                all.push(DeviceView { id: format!("{} in {}", view.id, record.id), ..view });
            }
        }
    }
    (all, said)
}

/// Facts that stay the same while it is the same machine with the same system; the others are of a moment.
const LASTING: [&str; 18] = [
    "Model",
    "Board",
    "SoC",
    "CPU",
    "GPU",
    "Architecture",
    "Logical CPUs",
    "Physical cores",
    "Governor",
    "Power settings",
    "Lowest clock",
    "Highest clock",
    "RAM",
    "System",
    "Android",
    "Kernel",
    "Hypervisor",
    "Host name",
];

/// Labels of the lasting facts that differ.
fn unlike_facts(known: &DeviceView, view: &DeviceView) -> Vec<&'static str> {
    let unlike = |label: &&str| {
        let of = |view: &DeviceView| view.facts.iter().find(|fact| fact.label == *label).cloned();
        of(known) != of(view)
    };
    LASTING.into_iter().filter(unlike).collect()
}

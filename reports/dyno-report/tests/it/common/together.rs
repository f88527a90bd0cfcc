//! One cell of two campaigns, with figures of llama-bench beside them.

use dyno_view::comparison::{ColumnView, ComparedFigure, ComparisonView, GroupView, RowPart, RowView};
use dyno_view::imported::{ImportedRowView, ImportedView};
use dyno_view::report::{CampaignView, CellView, Report, UnitView};

use super::compared::compared_report;

const IDS: [&str; 2] = ["20261120-043000-quick", "20261121-043000-quick"];

/// The report behind the golden files of several campaigns.
pub(crate) fn together_report() -> Report {
    let mut report = compared_report();
    let view = report.comparison.take().expect("it compares");
    let like = report.cells[0].clone();
    report.cells = IDS.map(|id| cell(&like, id)).into();
    report.devices.truncate(1);
    report.campaigns = parts(&report.campaign);
    report.campaign = CampaignView {
        id: IDS.join(" + "),
        started_at: report.campaigns[0].started_at.clone(),
        n_requests_planned: 240,
        n_requests_recorded: 239,
        regenerate: format!("edgedyno report {} --import bench.json", IDS.join(" ")),
        ..report.campaign
    };
    report.comparison = Some(comparison(view));
    report.imported = vec![imported()];
    report
}

fn cell(like: &CellView, id: &str) -> CellView {
    CellView { id: format!("{id}/{}", like.id), campaign: Some(id.to_owned()), ..like.clone() }
}

fn parts(like: &CampaignView) -> Vec<CampaignView> {
    let earlier = CampaignView {
        id: IDS[0].to_owned(),
        started_at: Some("2026-11-20T04:30:00Z".to_owned()),
        ended_at: Some("2026-11-20T04:33:40Z".to_owned()),
        plan_digest: "9d".repeat(32),
        n_requests_recorded: 120,
        complete: true,
        ..like.clone()
    };
    vec![earlier, CampaignView { id: IDS[1].to_owned(), ..like.clone() }]
}

/// Two rows of one device that differ in nothing but their campaign.
fn comparison(of: ComparisonView) -> ComparisonView {
    let group = of.groups.into_iter().next().expect("a group");
    let row = |id: &str, shift: f64| RowView {
        cell: format!("{id}/cell-local"),
        name: id.to_owned(),
        figures: group.rows[0].figures.iter().map(|figure| shifted(figure, shift)).collect(),
        ..group.rows[0].clone()
    };
    let columns: Vec<ColumnView> = of.columns;
    let group = GroupView {
        differ_in: vec![RowPart::Campaign],
        rows: vec![row(IDS[0], 1.0), row(IDS[1], 0.9)],
        overlaps: Vec::new(),
        unlike: Vec::new(),
        notes: Vec::new(),
        charts: Vec::new(),
        work: group.work,
    };
    ComparisonView { columns, groups: vec![group], differences: Vec::new() }
}

fn shifted(figure: &ComparedFigure, by: f64) -> ComparedFigure {
    match figure {
        ComparedFigure::Estimate { value, low, high, n } => {
            ComparedFigure::Estimate { value: value * by, low: low * by, high: high * by, n: *n }
        }
        other => other.clone(),
    }
}

fn imported() -> ImportedView {
    let row = |test: &str, mean: f64, sd: Option<f64>, values: &[f64]| ImportedRowView {
        test: test.to_owned(),
        model: "llama 256M Q4_1 (SmolLM2-135M-Instruct.Q4_1.gguf)".to_owned(),
        device: "CPU · Example CPU 3000".to_owned(),
        threads: Some(2),
        build: Some("0c1e570, build 1".to_owned()),
        unit: UnitView::TokensPerSecond,
        mean,
        sd,
        n: values.len() as u64,
        values: values.to_vec(),
    };
    ImportedView {
        tool: "llama-bench".to_owned(),
        file: "bench.json".to_owned(),
        digest: "c0ffee".repeat(11).chars().take(64).collect(),
        notes: vec![
            "Values are means over the repetitions ± the standard deviation of one repetition.".to_owned(),
            "No record stands behind these figures.".to_owned(),
        ],
        rows: vec![
            row("pp512", 812.25, Some(11.5), &[801.0, 812.0, 823.75]),
            row("tg128", 24.3, None, &[24.3]),
        ],
    }
}

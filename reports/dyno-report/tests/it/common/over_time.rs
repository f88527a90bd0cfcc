//! A device held against itself, and campaigns over time.

use dyno_view::calibration::{
    AlarmCount, CALIBRATION_SCHEMA_VERSION, CalibratedMetric, CalibrationView, FalseAlarms,
};
use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Mark, Scale, Series};
use dyno_view::compare::ChangeVerdictView;
use dyno_view::comparison::Better;
use dyno_view::history::{
    HISTORY_SCHEMA_VERSION, HistoryCampaign, HistoryChange, HistoryPoint, HistorySeries, HistoryView,
    UnreadCampaign,
};
use dyno_view::load::ShareIntervalView;
use dyno_view::report::{FactValue, FactView, Finding, FindingLevel, UnitView};

/// A calibration that may not be rested on.
pub(crate) fn calibration() -> CalibrationView {
    CalibrationView {
        schema_version: CALIBRATION_SCHEMA_VERSION,
        device: "pi5".to_owned(),
        campaign: "20261120-aa".to_owned(),
        plan_digest: "3f2a9c01b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d".to_owned(),
        measured_at: Some("2026-11-20T02:00:00Z".to_owned()),
        tool_version: "0.1.0".to_owned(),
        identity: vec![
            FactView { label: "CPU".to_owned(), value: Some(FactValue::Text("Cortex-A76".to_owned())) },
            FactView { label: "Firmware".to_owned(), value: None },
        ],
        work: "smollm2-135m-instruct · llama-server · 4 threads · single user".to_owned(),
        n_blocks: 19,
        n_blocks_planned: 20,
        metrics: vec![
            calibrated("ttft_ns", "TTFT", 412e6, true),
            calibrated("load_ns", "Load time", 1.9e9, false),
        ],
        false_alarms: Some(FalseAlarms {
            alpha: 0.05,
            n_blocks_each: 10,
            share: ShareIntervalView { n: 1, of: 8, low: 0.0031, high: 0.5265 },
            is_within: true,
        }),
        is_usable: false,
        reasons: vec!["equal arms differ in Load time: something favours one place in a block".to_owned()],
        regenerate: "edgedyno calibrate --from 20261120-aa".to_owned(),
    }
}

/// A history of four campaigns with one lasting change.
pub(crate) fn history() -> HistoryView {
    let campaign = |n: usize| HistoryCampaign {
        id: format!("release-{n}"),
        started_at: (n < 4).then(|| format!("2026-11-0{n}T04:30:00Z")),
        tool_version: "0.1.0".to_owned(),
        releases: vec![format!("llama-server b{}", 9980 + n)],
        complete: n != 4,
    };
    HistoryView {
        schema_version: HISTORY_SCHEMA_VERSION,
        campaigns: (1..=4).map(campaign).collect(),
        unread: vec![UnreadCampaign {
            name: "broken".to_owned(),
            why: "journal.log:3 is damaged".to_owned(),
        }],
        series: vec![
            series("TPOT", "tpot_ns", [24e6, 24.2e6, 24.1e6], false),
            series("TTFT", "ttft_ns", [412e6, 414e6, 455e6], true),
        ],
        findings: vec![Finding {
            level: FindingLevel::Note,
            text: "release-4 has no launch that may be used".to_owned(),
        }],
        regenerate: "edgedyno history".to_owned(),
    }
}

fn calibrated(metric: &str, label: &str, median: f64, is_quiet: bool) -> CalibratedMetric {
    CalibratedMetric {
        metric: metric.to_owned(),
        label: label.to_owned(),
        unit: UnitView::Ns,
        delta: 0.03,
        n_blocks: 19,
        median,
        sigma_run_ln: 0.0083,
        r1: Some(-0.12),
        mde_10: 0.0112,
        alarms: is_quiet.then_some(AlarmCount { n_tests: 120, n_alarms: 5 }),
        q_all: Some(if is_quiet { 0.61 } else { 0.012 }),
    }
}

fn series(label: &str, metric: &str, values: [f64; 3], changes: bool) -> HistorySeries {
    let point = |(campaign, value): (u32, f64)| HistoryPoint {
        campaign,
        value,
        range: [value * 0.99, value * 1.02],
        n_launches: 10,
        release: Some(format!("b{}", 9981 + campaign)),
    };
    let change = HistoryChange {
        at: 2,
        before: values[1],
        after: values[2],
        ratio: values[2] / values[1],
        p: 0.0004,
        verdict: ChangeVerdictView::Regression,
        with: vec!["release b9982 → b9983".to_owned()],
    };
    let drawn = Series {
        name: label.to_owned(),
        points: (0..3).map(|at| [f64::from(at), values[at as usize]]).collect(),
        n: 3,
    };
    HistorySeries {
        device: "pi5".to_owned(),
        runtime: "llama-server".to_owned(),
        model: "smollm2-135m-instruct".to_owned(),
        scenario: "single user, 4 threads, context 2,048".to_owned(),
        metric: metric.to_owned(),
        label: label.to_owned(),
        unit: UnitView::Ns,
        better: Better::Lower,
        is_primary: changes,
        delta: 0.03,
        points: (0..).zip(values).map(point).collect(),
        changes: if changes { vec![change] } else { Vec::new() },
        unsearched: (!changes).then(|| "3 points are too few".to_owned()),
        chart: changes.then(|| Chart {
            id: format!("history-{metric}"),
            title: format!("{label} over releases"),
            caption: "One dot a campaign.".to_owned(),
            form: ChartForm::DottedLine,
            x: Axis { label: "campaign".to_owned(), unit: AxisUnit::Count, scale: Scale::Linear },
            y: Axis { label: label.to_owned(), unit: AxisUnit::Ns, scale: Scale::Linear },
            series: vec![drawn],
            marks: vec![Mark { x: 2.0, label: "release-3".to_owned() }],
        }),
    }
}

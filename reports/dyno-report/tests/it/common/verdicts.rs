//! Two releases held against each other on two devices: in blocks on one, unpaired on the other.

use dyno_view::calibration::{CalibratedUse, CalibrationUse};
use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};
use dyno_view::compare::{
    BlockCounts, BlockOrderView, BlockRatio, BlockView, COMPARE_SCHEMA_VERSION, Change, ChangeOutcome,
    ChangeRow, ChangeVerdictView, CompareView, ContrastView, EffectView, FailureRow, FamilyView, PairingView,
    ShapeRow, SideView, TailFigure, TailRow, TestedValues,
};
use dyno_view::comparison::{Better, RowPart, ShareView};
use dyno_view::load::ShareIntervalView;
use dyno_view::report::{FactValue, FactView, Finding, FindingLevel, MethodView, UnitView};

/// The comparison behind the golden files.
pub(crate) fn verdicts() -> CompareView {
    CompareView {
        schema_version: COMPARE_SCHEMA_VERSION,
        verdict: Some(ChangeVerdictView::Regression),
        summary: "TTFT became worse by 6.4 % [5.1 – 7.9] on pi5".to_owned(),
        sides: vec![side("b9986", "old"), side("b10011", "new")],
        family: FamilyView { n_tests: 7, n_different: 2, false_discovery: 0.05, confidence: 0.985_714 },
        contrasts: vec![paired(), unpaired()],
        calibrations: vec![calibration_use("pi5", true), calibration_use("local", false)],
        findings: vec![
            finding(FindingLevel::Warning, "1 of 10 blocks does not count: a launch was throttled"),
            finding(FindingLevel::Note, "the runtime's binary differs"),
        ],
        methods: vec![method("ttft_ns", "TTFT", "arrival of the first token chunk − sent_at")],
        regenerate: "edgedyno compare releases local-runs:old --delta 3".to_owned(),
    }
}

fn finding(level: FindingLevel, text: &str) -> Finding {
    Finding { level, text: text.to_owned() }
}

fn method(metric: &str, label: &str, formula: &str) -> MethodView {
    MethodView {
        metric: metric.to_owned(),
        label: label.to_owned(),
        formula: formula.to_owned(),
        formula_version: 1,
        undefined: "no token arrived".to_owned(),
        source: "AIPerf time_to_first_token".to_owned(),
    }
}

fn side(name: &str, arm: &str) -> SideView {
    SideView {
        name: name.to_owned(),
        campaign: "releases".to_owned(),
        plan_digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
        tool_version: "0.1.0".to_owned(),
        started_at: Some("2026-11-21T04:30:00Z".to_owned()),
        arm: Some(arm.to_owned()),
        words: Some(format!("llama-server+program=llama-{name}")),
        cells: vec![format!("cell-{arm}")],
        devices: vec!["local".to_owned(), "pi5".to_owned()],
        runtimes: vec!["llama-server".to_owned()],
        models: vec!["smollm2-135m-instruct".to_owned()],
        facts: vec![FactView {
            label: "Runtime version".to_owned(),
            value: Some(FactValue::Text(name.to_owned())),
        }],
        launches: ShareView { n: 9, of: 10 },
        requests: ShareView { n: 397, of: 400 },
        complete: arm == "old",
    }
}

fn paired() -> ContrastView {
    let block = |n: u32| BlockView {
        block: n,
        baseline_first: n.is_multiple_of(2),
        n_prompts: 40,
        left_out: (n == 3).then(|| "a launch was throttled".to_owned()),
    };
    ContrastView {
        side: 1,
        device: "pi5".to_owned(),
        label: "smollm2-135m-instruct · single user".to_owned(),
        baseline_cell: "cell-old".to_owned(),
        candidate_cell: "cell-new".to_owned(),
        differ_in: Vec::new(),
        changes: vec!["runtime version b9986 → b10011".to_owned()],
        pairing: PairingView::Paired {
            blocks: (0..10).map(block).collect(),
            n: 9,
            order: Some(BlockOrderView::Abba),
        },
        rows: rows(),
        failures: FailureRow {
            baseline: Some(ShareIntervalView { n: 0, of: 400, low: 0.0, high: 0.0092 }),
            candidate: Some(ShareIntervalView { n: 3, of: 400, low: 0.0015, high: 0.0218 }),
            blocks: Some(BlockCounts { worse: 2, better: 0, of: 9 }),
            p: Some(0.5),
            q: Some(0.57),
            verdict: Some(ChangeVerdictView::Inconclusive),
            words: vec!["timeout (3)".to_owned()],
        },
        quality: None,
        tails: vec![
            tail(
                950,
                TailFigure::Ratio {
                    baseline: 502e6,
                    candidate: 541e6,
                    ratio: 1.078,
                    low: 1.031,
                    high: 1.118,
                },
            ),
            tail(990, TailFigure::Missing { reason: "n = 360 < 368".to_owned() }),
        ],
        shapes: vec![ShapeRow {
            metric: "ttft_ns".to_owned(),
            label: "TTFT".to_owned(),
            distance: 0.213,
            n_baseline: 360,
            n_candidate: 357,
        }],
        notes: vec!["the new side was launched 2 °C hotter in the middle".to_owned()],
        charts: vec![distributions()],
    }
}

/// Every verdict once, and both reasons for none.
fn rows() -> Vec<ChangeRow> {
    vec![
        row("load_ns", "Load time", UnitView::Ns, [1.91e9, 1.94e9], tested(1.016, [0.97, 1.071], Some(0.41))),
        ChangeRow {
            is_primary: true,
            ..row(
                "ttft_ns",
                "TTFT",
                UnitView::Ns,
                [412e6, 438e6],
                tested(1.064, [1.051, 1.079], Some(0.0137)),
            )
        },
        row("tpot_ns", "TPOT", UnitView::Ns, [24.1e6, 24.2e6], tested(1.003, [0.994, 1.012], Some(0.57))),
        ChangeRow {
            better: Better::Higher,
            ..row(
                "decode_tokens_per_s",
                "Decode rate",
                UnitView::TokensPerSecond,
                [41.5, 41.4],
                tested(0.997, [0.988, 1.006], Some(0.57)),
            )
        },
        row(
            "peak_rss_bytes",
            "Peak memory",
            UnitView::Bytes,
            [452_984_832.0, 430_335_590.0],
            tested(0.95, [0.948, 0.953], Some(0.0137)),
        ),
        ChangeRow {
            baseline: Some(1.2e9),
            candidate: Some(0.9e9),
            outcome: ChangeOutcome::Unlike {
                reason: "the answers are not of equal length (median 64 tokens against 48)".to_owned(),
            },
            ..row("e2e_ns", "E2E latency", UnitView::Ns, [0.0, 0.0], tested(1.0, [1.0, 1.0], None))
        },
        ChangeRow {
            baseline: None,
            candidate: None,
            outcome: ChangeOutcome::Missing { reason: "nothing measures power".to_owned() },
            ..row(
                "j_per_output_token",
                "Energy per token",
                UnitView::Joules,
                [0.0, 0.0],
                tested(1.0, [1.0; 2], None),
            )
        },
    ]
}

/// Median of both sides, and their test.
fn row(
    metric: &str,
    label: &str,
    unit: UnitView,
    [baseline, candidate]: [f64; 2],
    change: Change,
) -> ChangeRow {
    ChangeRow {
        metric: metric.to_owned(),
        label: label.to_owned(),
        unit,
        better: Better::Lower,
        is_primary: false,
        delta: 0.03,
        baseline: Some(baseline),
        candidate: Some(candidate),
        outcome: ChangeOutcome::Tested(change),
    }
}

/// A change whose verdict follows rule 5 of the method for δ = 3 %, lower being better; of rates none is large here.
fn tested(ratio: f64, [low, high]: [f64; 2], q: Option<f64>) -> Change {
    let verdict = match q {
        Some(q) if q <= 0.05 && ratio > 1.03 && low > 1.015 => ChangeVerdictView::Regression,
        Some(q) if q <= 0.05 && ratio < 0.97 && high < 0.985 => ChangeVerdictView::Improvement,
        _ if low > 0.97 && high < 1.03 => ChangeVerdictView::Equivalent,
        _ => ChangeVerdictView::Inconclusive,
    };
    let around = |(place, block): (usize, u32)| BlockRatio {
        block,
        ratio: short(ratio + (high - low) * [0.1, -0.2, 0.3, 0.0, -0.4, 0.5, -0.3, 0.2, -0.1][place]),
    };
    let blocks = [0, 1, 2, 4, 5, 6, 7, 8, 9];
    Change {
        effect: EffectView { ratio, low: Some(low), high: Some(high), confidence: 0.988 },
        p: q.map(|q| short(q / 3.5)),
        q,
        verdict,
        more_blocks: (verdict == ChangeVerdictView::Inconclusive).then_some(14),
        mde: Some(short((high - low) * 0.9)),
        n: 9,
        n_prompts: Some(40),
        sd_ln: Some(short((high - low) / 3.0)),
        values: TestedValues::Blocks { ratios: blocks.into_iter().enumerate().map(around).collect() },
    }
}

/// Few digits, which any reader of JSON gets right.
fn short(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn tail(permille: u32, figure: TailFigure) -> TailRow {
    TailRow {
        metric: "ttft_ns".to_owned(),
        label: "TTFT".to_owned(),
        unit: UnitView::Ns,
        better: Better::Lower,
        permille,
        n_baseline: 360,
        n_candidate: 357,
        figure,
    }
}

fn distributions() -> Chart {
    let series = |name: &str, at: f64| Series {
        name: name.to_owned(),
        points: [0.25, 0.5, 0.75, 1.0].map(|share| [((at + share * 0.2) * 1e9).round(), share]).into(),
        n: 360,
    };
    Chart {
        id: "compare-1-ttft-ns-cdf".to_owned(),
        title: "TTFT of all requests".to_owned(),
        caption: "A point says which share of the requests had a TTFT of no more than that.".to_owned(),
        form: ChartForm::Step,
        x: Axis { label: "TTFT".to_owned(), unit: AxisUnit::Ns, scale: Scale::Linear },
        y: Axis { label: "share of requests".to_owned(), unit: AxisUnit::Ratio, scale: Scale::Linear },
        series: vec![series("b9986", 0.3), series("b10011", 0.33)],
        marks: Vec::new(),
    }
}

fn unpaired() -> ContrastView {
    let launches = |at: f64| [0.98, 1.01, 1.0, 1.03, 0.99].map(|of| of * at).to_vec();
    let mut change = tested(1.004, [0.951, 1.062], None);
    (change.p, change.q, change.mde, change.more_blocks, change.n) = (None, None, None, None, 5);
    change.effect = EffectView { low: None, high: None, ..change.effect };
    change.values = TestedValues::Launches { baseline: launches(212e6), candidate: launches(213e6) };
    ContrastView {
        device: "local".to_owned(),
        differ_in: vec![RowPart::Threads],
        changes: Vec::new(),
        pairing: PairingView::Unpaired {
            why: "the sides are of two campaigns".to_owned(),
            n_baseline: 5,
            n_candidate: 5,
            left_out: vec!["Launch 2 of the baseline does not count: no request went well.".to_owned()],
        },
        rows: vec![ChangeRow {
            is_primary: true,
            delta: 0.06,
            ..row("ttft_ns", "TTFT", UnitView::Ns, [212e6, 213e6], change)
        }],
        failures: FailureRow {
            baseline: None,
            candidate: None,
            blocks: None,
            p: None,
            q: None,
            verdict: None,
            words: Vec::new(),
        },
        tails: Vec::new(),
        shapes: Vec::new(),
        notes: Vec::new(),
        charts: Vec::new(),
        ..paired()
    }
}

fn calibration_use(device: &str, fits: bool) -> CalibrationUse {
    CalibrationUse {
        digest: "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0".to_owned(),
        device: device.to_owned(),
        campaign: "20261120-aa".to_owned(),
        measured_at: Some("2026-11-20T02:00:00Z".to_owned()),
        n_blocks: 20,
        fits,
        why_not: if fits { Vec::new() } else { vec!["it is of another kernel".to_owned()] },
        metrics: vec![CalibratedUse {
            metric: "ttft_ns".to_owned(),
            label: "TTFT".to_owned(),
            sigma_run_ln: 0.008,
            mde_10: 0.0112,
        }],
    }
}

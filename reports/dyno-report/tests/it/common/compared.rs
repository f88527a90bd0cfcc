//! Four cells on three devices: two models, one device in a virtual machine, one that was never reached.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};
use dyno_view::comparison::{
    Better, ColumnFigure, ColumnView, ComparedFigure, ComparisonView, GroupView, LengthsView, OverlapView,
    RowPart, RowState, RowView, ShareView, TokensView, UnlikeView, WorkDoneView, WorkPart, WorkView,
};
use dyno_view::report::{CellView, ClockView, DeviceView, DriftView, Report, UnitView};

/// The report behind the golden files of comparisons.
pub(crate) fn compared_report() -> Report {
    let mut report = super::small_report();
    report.cells = ["local", "pi5", "phone", "local-gemma"].map(|name| cell(&report.cells[0], name)).into();
    report.devices = ["local", "pi5", "phone"].map(|name| device(&report.devices[0], name)).into();
    report.comparison = Some(comparison());
    report
}

fn cell(like: &CellView, name: &str) -> CellView {
    let mut cell = CellView { id: format!("cell-{name}"), charts: Vec::new(), ..like.clone() };
    match name {
        "phone" => {
            (cell.metrics, cell.throughput, cell.answers) = (Vec::new(), Vec::new(), Vec::new());
            (cell.launches, cell.outcomes, cell.categories) = (Vec::new(), Vec::new(), Vec::new());
        }
        "local-gemma" => {
            "gemma-3-270m".clone_into(&mut cell.model);
            return cell;
        }
        _ => {}
    }
    name.clone_into(&mut cell.device);
    cell
}

fn device(like: &DeviceView, name: &str) -> DeviceView {
    let mut device = DeviceView { id: name.to_owned(), ..like.clone() };
    match name {
        "pi5" => {
            "ssh pi5 (ssh2)".clone_into(&mut device.transport);
            let drift = DriftView { ppm: 12.34, err_ppm: 3.1, n: 5, span_ns: 62_000_000_000 };
            device.clock = Some(ClockView {
                wall_offset_ns: 3_213_456_789,
                err_ns: 401_000,
                n_comparisons: 5,
                drift: Some(drift),
            });
        }
        "phone" => {
            "adb 3A091FDJH000XY".clone_into(&mut device.transport);
            device.facts.clear();
        }
        _ => {}
    }
    device
}

fn columns() -> Vec<ColumnView> {
    let column = |metric: &str, label: &str, unit, figure, better| ColumnView {
        metric: metric.to_owned(),
        label: label.to_owned(),
        unit,
        figure,
        better,
    };
    let quantile = |permille| ColumnFigure::Quantile { permille };
    vec![
        column("ttft_ns", "TTFT", UnitView::Ns, quantile(500), Better::Lower),
        column("ttft_ns", "TTFT", UnitView::Ns, quantile(950), Better::Lower),
        column(
            "decode_tokens_per_s",
            "Decode rate",
            UnitView::TokensPerSecond,
            quantile(500),
            Better::Higher,
        ),
        column(
            "prefill_tokens_per_s",
            "Prefill rate",
            UnitView::TokensPerSecond,
            quantile(500),
            Better::Higher,
        ),
        column("e2e_ns", "E2E latency", UnitView::Ns, quantile(500), Better::Lower),
        column("peak_rss_bytes", "Peak memory", UnitView::Bytes, ColumnFigure::Highest, Better::Lower),
    ]
}

fn estimate(value: f64, low: f64, high: f64) -> ComparedFigure {
    ComparedFigure::Estimate { value, low, high, n: 120 }
}

fn row(name: &str, figures: Vec<ComparedFigure>) -> RowView {
    RowView {
        cell: format!("cell-{name}"),
        name: name.to_owned(),
        device: name.to_owned(),
        model: "smollm2-135m-instruct".to_owned(),
        runtime: "embedded".to_owned(),
        threads: Some(2),
        state: RowState::Valid,
        launches: ShareView { n: 3, of: 3 },
        requests: ShareView { n: 120, of: 120 },
        n_requests_planned: 120,
        marks: Vec::new(),
        work: Some(work_done(64)),
        error: None,
        n: 120,
        figures,
    }
}

/// Place of the column of E2E latency.
const E2E: u32 = 4;

fn work_done(osl: u64) -> WorkDoneView {
    let tokens = |n: u64| Some(TokensView { n: 120, sum: 120 * n, p10: n / 2, p50: n, p90: 2 * n });
    WorkDoneView {
        tokenizer: Some("gpt2".to_owned()),
        tokenizer_digest: Some("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f809".to_owned()),
        prompts: tokens(58),
        cached_ratio: Some(0.0),
        answers: tokens(osl),
        lengths: LengthsView::Natural,
        sources: vec!["engine".to_owned()],
    }
}

fn rows() -> Vec<RowView> {
    let local = RowView {
        marks: vec!["virtual machine (KVM)".to_owned()],
        ..row(
            "local",
            vec![
                estimate(92_123_456.0, 90_311_000.0, 94_011_000.0),
                estimate(1_201e6, 870e6, 1_770e6),
                estimate(24.31, 24.1, 24.5),
                estimate(702.4, 681.2, 722.9),
                estimate(1_112e6, 1_021e6, 1_214e6),
                ComparedFigure::Highest { value: 452_984_832.0, n: 3 },
            ],
        )
    };
    let pi5 = RowView {
        work: Some(work_done(48)),
        state: RowState::Partly,
        launches: ShareView { n: 2, of: 3 },
        requests: ShareView { n: 60, of: 62 },
        n: 40,
        ..row(
            "pi5",
            vec![
                estimate(93_900_000.0, 91_200_000.0, 95_100_000.0),
                ComparedFigure::TooFew { n: 40, needed: 72 },
                estimate(12.1, 11.9, 12.4),
                estimate(361.0, 352.0, 371.0),
                estimate(2_112e6, 2_021e6, 2_214e6),
                ComparedFigure::Highest { value: 440_401_920.0, n: 2 },
            ],
        )
    };
    let missing = ComparedFigure::Missing { reason: "not measured".to_owned() };
    let phone = RowView {
        state: RowState::NotMeasured,
        launches: ShareView::default(),
        requests: ShareView::default(),
        error: Some("cannot reach phone: the device does not trust this computer yet".to_owned()),
        n: 0,
        ..row("phone", vec![missing; 6])
    };
    vec![local, pi5, phone]
}

fn chart(rows: &[RowView]) -> Chart {
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    let series = rows.iter().zip(1_u32..).map(|(row, line)| Series {
        name: row.name.clone(),
        points: match row.figures[0] {
            ComparedFigure::Estimate { value, low, high, .. } => {
                [low, value, high].map(|x| [x, f64::from(line)]).into()
            }
            _ => Vec::new(),
        },
        n: row.n,
    });
    Chart {
        id: "compare-ttft-ns".to_owned(),
        title: "TTFT p50".to_owned(),
        caption: "Median with its 95 % interval; lower is better.".to_owned(),
        form: ChartForm::Whiskers,
        x: axis("TTFT p50", AxisUnit::Ns),
        y: axis("place", AxisUnit::Count),
        series: series.collect(),
        marks: Vec::new(),
    }
}

fn comparison() -> ComparisonView {
    let work = |digest: &str| WorkView {
        model_digest: Some(digest.repeat(8)),
        load: "single user".to_owned(),
        context_tokens: 2048,
        n_prompts: 40,
        max_tokens: Some(128),
        start: None,
    };
    let rows = rows();
    let gemma =
        RowView { cell: "cell-local-gemma".to_owned(), model: "gemma-3-270m".to_owned(), ..rows[0].clone() };
    let alone = GroupView {
        work: work("ba7816bf"),
        differ_in: Vec::new(),
        unlike: Vec::new(),
        rows: vec![gemma],
        overlaps: Vec::new(),
        notes: Vec::new(),
        charts: Vec::new(),
    };
    let together = GroupView {
        work: work("e3b0c442"),
        differ_in: vec![RowPart::Device],
        unlike: vec![UnlikeView {
            reason: "the answers are not of equal length (median 64 tokens on local, 48 on pi5)".to_owned(),
            columns: vec![E2E],
        }],
        overlaps: vec![OverlapView { column: 0, rows: vec![0, 1] }],
        notes: vec!["local and pi5 are one machine (they say the same boot)".to_owned()],
        charts: vec![chart(&rows)],
        rows,
    };
    ComparisonView {
        columns: columns(),
        groups: vec![together, alone],
        differences: vec![WorkPart::Model, WorkPart::Context],
    }
}

//! A small report, built by hand, that uses every field once.

pub(crate) mod accuracy;
pub(crate) mod believed;
pub(crate) mod canary;
pub(crate) mod compared;
pub(crate) mod compliance;
pub(crate) mod heat;
pub(crate) mod over_time;
pub(crate) mod quality;
pub(crate) mod recommended;
pub(crate) mod starts;
pub(crate) mod together;
pub(crate) mod verdicts;

use std::path::{Path, PathBuf};

use dyno_report::terminal::{ColorChoice, TerminalStyle};
use dyno_report::{html, markdown, terminal};
use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Mark, Scale, Series};
use dyno_view::report::{
    AnswerView, CampaignView, CategoryView, CellView, DeviceView, FactValue, FactView, FigureView, Finding,
    FindingLevel, LaunchView, MethodView, MetricView, OutcomeCount, QuantileFigure, QuantileView,
    REPORT_SCHEMA_VERSION, Report, UnitView,
};

/// The page.
pub(crate) fn page(report: &Report) -> String {
    let mut page = Vec::new();
    html::render(report, &mut page).expect("memory takes all");
    String::from_utf8(page).expect("the page is UTF-8")
}

/// The terminal's form, without colour.
pub(crate) fn text(report: &Report, width: u16) -> String {
    terminal::render(report, &TerminalStyle { width, color: ColorChoice::Never })
}

/// Holds a report in every form against its golden files.
pub(crate) fn check_goldens(name: &str, report: &Report) {
    check_golden(&format!("reports/golden/{name}.html"), &page(report));
    check_golden(&format!("reports/golden/{name}.md"), &markdown::render(report));
    for width in [60, 100, 160] {
        let text = text(report, width);
        check_golden(&format!("reports/golden/{name}.{width}.txt"), &text);
        for line in text.lines() {
            assert!(line.chars().count() <= usize::from(width), "longer than {width}: {line}");
        }
    }
}

/// The report behind the golden files.
pub(crate) fn small_report() -> Report {
    Report {
        schema_version: REPORT_SCHEMA_VERSION,
        campaign: campaign(),
        campaigns: Vec::new(),
        imported: Vec::new(),
        comparison: None,
        findings: vec![
            Finding { level: FindingLevel::Invalid, text: "launch 1 of run 1 was throttled".to_owned() },
            Finding {
                level: FindingLevel::Warning,
                text: "the cpufreq governor could not be read".to_owned(),
            },
            Finding { level: FindingLevel::Note, text: "p99 takes 368 requests, there are 120".to_owned() },
        ],
        verdicts: None,
        load: None,
        starts: None,
        energy: None,
        heat: None,
        quality: None,
        devices: vec![device()],
        cells: vec![cell()],
        methods: vec![method()],
    }
}

fn campaign() -> CampaignView {
    CampaignView {
        id: "20261121-043000-quick".to_owned(),
        suite: "quick".to_owned(),
        description: "A few minutes: how fast does this device answer one user?".to_owned(),
        started_at: Some("2026-11-21T04:30:00Z".to_owned()),
        ended_at: Some("2026-11-21T04:33:12Z".to_owned()),
        tool_version: "0.1.0".to_owned(),
        plan_digest: "3f2a9c01b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d".to_owned(),
        corpus: "everyday, slice quick".to_owned(),
        corpus_digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
        seed: 7,
        n_requests_planned: 120,
        n_requests_recorded: 119,
        held: None,
        complete: false,
        regenerate: "edgedyno report 20261121-043000-quick".to_owned(),
    }
}

fn fact(label: &str, value: Option<FactValue>) -> FactView {
    FactView { label: label.to_owned(), value }
}

fn device() -> DeviceView {
    DeviceView {
        id: "local".to_owned(),
        transport: "local".to_owned(),
        clock: None,
        facts: vec![
            fact("CPU", Some(FactValue::Text("Example CPU 3000".to_owned()))),
            fact("Cores", Some(FactValue::Count(2))),
            fact("RAM", Some(FactValue::Bytes(8_254_390_272))),
            fact("Highest clock", Some(FactValue::Khz(3_400_000))),
            fact("Governor", None),
        ],
    }
}

fn estimate(permille: u32, value: f64, low: f64, high: f64, ranks: (u64, u64)) -> QuantileView {
    let (low_rank, high_rank) = ranks;
    QuantileView { permille, figure: QuantileFigure::Estimate { value, low, high, low_rank, high_rank } }
}

fn too_few(permille: u32, n: u64, needed: u64) -> QuantileView {
    QuantileView { permille, figure: QuantileFigure::TooFew { n, needed } }
}

fn metrics() -> Vec<MetricView> {
    let metric = |metric: &str, label: &str, unit, n, extremes: (f64, f64), quantiles| MetricView {
        metric: metric.to_owned(),
        label: label.to_owned(),
        unit,
        n,
        n_effective: (metric == "decode_tokens_per_s").then_some(96),
        n_undefined: 120 - n.min(120),
        min: Some(extremes.0),
        max: Some(extremes.1),
        quantiles,
    };
    vec![
        metric(
            "ttft_ns",
            "TTFT",
            UnitView::Ns,
            119,
            (31.2e6, 1_912e6),
            vec![
                estimate(500, 92_123_456.0, 90_311_000.0, 94_011_000.0, (49, 71)),
                estimate(900, 830_400_000.0, 711_000_000.0, 961_000_000.0, (101, 114)),
                estimate(950, 1_201_000_000.0, 870_000_000.0, 1_912_000_000.0, (108, 119)),
                too_few(990, 119, 368),
            ],
        ),
        metric(
            "decode_tokens_per_s",
            "Decode rate",
            UnitView::TokensPerSecond,
            118,
            (19.2, 24.9),
            vec![estimate(500, 24.31, 24.1, 24.5, (49, 71)), too_few(990, 96, 368)],
        ),
        metric(
            "peak_rss_bytes",
            "Peak memory",
            UnitView::Bytes,
            3,
            (451_936_256.0, 454_033_408.0),
            vec![too_few(500, 3, 6), too_few(990, 3, 368)],
        ),
    ]
}

fn launches() -> Vec<LaunchView> {
    let launch = |run, load_ns: u64, invalid: &[&str]| LaunchView {
        run,
        launch: 1,
        n_requests: 40,
        load_ns: Some(load_ns),
        first_inference_ns: Some(150_000_000),
        peak_rss_bytes: Some(452_984_832),
        tpot_p50_ns: Some(41_123_456.0),
        outcome: "ok".to_owned(),
        invalid: invalid.iter().map(|&reason| reason.to_owned()).collect(),
    };
    vec![
        launch(0, 1_214_000_000, &[]),
        launch(1, 987_000_000, &["2 throttle events while it was measured"]),
        LaunchView { load_ns: None, ..launch(2, 0, &[]) },
    ]
}

fn chart() -> Chart {
    Chart {
        id: "ttft-cdf".to_owned(),
        title: "TTFT".to_owned(),
        caption: "Share of requests whose first token came within this time.".to_owned(),
        form: ChartForm::Step,
        x: Axis { label: "TTFT".to_owned(), unit: AxisUnit::Ns, scale: Scale::Log },
        y: Axis { label: "requests".to_owned(), unit: AxisUnit::Ratio, scale: Scale::Linear },
        series: vec![
            Series {
                name: "run 0".to_owned(),
                points: vec![[31.2e6, 0.25], [92.1e6, 0.5], [830.4e6, 0.75], [1912e6, 1.0]],
                n: 4,
            },
            Series { name: "run 1".to_owned(), points: vec![[40e6, 0.5], [900e6, 1.0]], n: 2 },
        ],
        marks: vec![Mark { x: 400e6, label: "SLO 400 ms".to_owned() }],
    }
}

fn empty_chart() -> Chart {
    Chart { id: "temp".to_owned(), title: "Temperature".to_owned(), series: Vec::new(), ..chart() }
}

fn outcomes() -> Vec<OutcomeCount> {
    vec![
        OutcomeCount {
            outcome: "ok".to_owned(),
            n: 117,
            example: None,
            statuses: Vec::new(),
            retry_after: None,
        },
        OutcomeCount {
            outcome: "timeout".to_owned(),
            n: 2,
            example: Some("no answer within 60000 ms".to_owned()),
            statuses: Vec::new(),
            retry_after: None,
        },
    ]
}

fn cell() -> CellView {
    CellView {
        id: "0123456789abcdef".to_owned(),
        campaign: None,
        device: "local".to_owned(),
        runtime: "embedded".to_owned(),
        model: "smollm2-135m-instruct".to_owned(),
        model_marks: vec!["derived from smollm2-135m-instruct-q4_1 as q8_0".to_owned()],
        load: "single user".to_owned(),
        threads: Some(2),
        arm: None,
        context_tokens: 2048,
        offered: None,
        start: None,
        facts: vec![
            fact("Engine", Some(FactValue::Text("embedded 0.1.0".to_owned()))),
            fact(
                "Model (SHA-256)",
                Some(FactValue::Digest(
                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned(),
                )),
            ),
        ],
        outcomes: outcomes(),
        launches: launches(),
        errors: None,
        metrics: metrics(),
        invalid_metrics: Vec::new(),
        proof: Some(believed::proof()),
        steady: Some(believed::steady()),
        heat: None,
        quality: None,
        energy: None,
        network: None,
        memory: None,
        roofline: None,
        chunks: None,
        categories: vec![CategoryView {
            category: "summarise".to_owned(),
            n: 24,
            isl_p50: Some(812.0),
            ttft_p50_ns: Some(640e6),
            tpot_p50_ns: Some(42.5e6),
            e2e_p50_ns: None,
        }],
        throughput: vec![
            FigureView {
                label: "Output rate".to_owned(),
                unit: UnitView::TokensPerSecond,
                value: Some(22.718),
                note: "all output tokens over the time from the first request to the last token".to_owned(),
            },
            FigureView {
                label: "Goodput".to_owned(),
                unit: UnitView::RequestsPerSecond,
                value: None,
                note: "no SLO was given".to_owned(),
            },
        ],
        own_cost: vec![fact("Agent CPU time", Some(FactValue::Ns(412_000_000)))],
        charts: vec![chart(), empty_chart()],
        timelines: Vec::new(),
        answers: vec![AnswerView {
            prompt_id: "summarise-003".to_owned(),
            category: "summarise".to_owned(),
            prompt: "Say it in one sentence:\nthe tide comes twice a day.".to_owned(),
            text: "The tide rises and falls twice each day.".to_owned(),
            finish: Some("stop".to_owned()),
        }],
    }
}

fn method() -> MethodView {
    MethodView {
        metric: "ttft_ns".to_owned(),
        label: "TTFT".to_owned(),
        formula: "arrival of the first token chunk − sent_at".to_owned(),
        formula_version: 1,
        undefined: "no token arrived".to_owned(),
        source: "AIPerf time_to_first_token".to_owned(),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The script that makes charts answer to the pointer is the same in all pages, and kept once, in `reports/templates`.
fn without_zoom(page: &str) -> String {
    let (start, end) = ("<!-- zoom -->", "<!-- /zoom -->");
    match (page.find(start), page.find(end)) {
        (Some(from), Some(to)) => format!("{}{}", &page[..from + start.len()], &page[to..]),
        _ => page.to_owned(),
    }
}

/// Compares with a golden file, or writes it anew.
pub(crate) fn check_golden(path: &str, found: &str) {
    let found = &without_zoom(found);
    let path = root().join(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).expect("the golden folder is writable");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = expected.lines().zip(found.lines()).position(|(a, b)| a != b);
    assert!(
        expected == *found,
        "{} is not what is rendered now, first at line {:?}; UPDATE_GOLDEN=1 writes it anew",
        path.display(),
        differs.map(|line| line + 1),
    );
}

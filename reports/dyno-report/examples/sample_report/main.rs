//! Writes a page with invented figures, to look at: `cargo run -p dyno-report --example sample_report -- page.html`.
//!
//! With a second argument, that many cells of as many models; with `devices` as a third, of as many devices. The shapes are those of a small model on a small machine; nothing was measured.

mod devices;
mod limits;

use std::f64::consts::TAU;
use std::io::Write as _;

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Mark, Scale, Series};
use dyno_view::report::{
    AnswerView, CampaignView, CategoryView, CellView, DeviceView, FactValue, FactView, FigureView, Finding,
    FindingLevel, LaunchView, MethodView, MetricView, OutcomeCount, QuantileFigure, QuantileView,
    REPORT_SCHEMA_VERSION, Report, UnitView,
};

const CATEGORIES: [(&str, f64); 6] = [
    ("chat", 38.0),
    ("explain", 96.0),
    ("rewrite", 180.0),
    ("extract", 340.0),
    ("summarise", 720.0),
    ("code", 130.0),
];

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "sample.html".to_owned());
    let n_cells = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let report = match arguments.next().as_deref() {
        Some("devices") => devices::sample(n_cells),
        _ => sample(n_cells),
    };
    dyno_report::html::render(&report, &mut file)?;
    file.flush()
}

fn sample(n_cells: usize) -> Report {
    let models = ["smollm2-135m-instruct", "gemma-3-270m-q4_k_m", "llama-1b-q4_0"];
    let n_requests = 120 * n_cells as u64;
    Report {
        schema_version: REPORT_SCHEMA_VERSION,
        campaign: campaign(n_requests),
        campaigns: Vec::new(),
        imported: Vec::new(),
        comparison: None,
        findings: findings(),
        verdicts: None,
        load: None,
        starts: None,
        energy: None,
        heat: None,
        quality: None,
        devices: vec![device()],
        cells: (0..n_cells).map(|i| cell(i, models[i % models.len()])).collect(),
        methods: methods(),
    }
}

/// One invented request.
struct Shot {
    run: usize,
    category: usize,
    isl: f64,
    osl: f64,
    ttft_ns: f64,
    tpot_ns: f64,
    at_ns: f64,
}

/// Evenly spread shares without a random generator: multiples of an irrational number, folded into 0..1.
fn spread(i: usize, irrational: f64) -> f64 {
    ((i + 1) as f64 * irrational).fract()
}

/// A bell-shaped spread (Box and Muller's transform of two even ones).
fn bell(i: usize) -> f64 {
    (-2.0 * spread(i, 0.754_877_666).max(1e-9).ln()).sqrt() * (TAU * spread(i, 0.569_840_291)).cos()
}

fn shots(cell: usize) -> Vec<Shot> {
    let slower = 1.0 + 1.7 * cell as f64;
    let mut at_ns = 0.0;
    (0..120)
        .map(|i| {
            let category = i % CATEGORIES.len();
            let isl = (CATEGORIES[category].1 * (1.0 + 0.25 * bell(i + 7))).max(11.0).round();
            let osl = (20.0 + 100.0 * spread(i, 0.618_034)).round();
            let stall = if i % 29 == 28 { 1.6 } else { 1.0 };
            let tpot_ns = slower * stall * 10.9e6 * (1.0 + 0.03 * bell(i) + 0.02 * (i / 40) as f64);
            let ttft_ns = slower * (14e6 + isl * 1.31e6 * (1.0 + 0.08 * bell(i + 3)));
            if i % 40 == 0 {
                at_ns += 1.3e9;
            }
            let shot = Shot { run: i / 40, category, isl, osl, ttft_ns, tpot_ns, at_ns };
            at_ns += ttft_ns + tpot_ns * (osl - 1.0);
            shot
        })
        .collect()
}

fn campaign(n: u64) -> CampaignView {
    CampaignView {
        id: "20261121-043000-quick".to_owned(),
        suite: "quick".to_owned(),
        description: "How fast does this device answer one user? Three fresh launches, forty prompts each."
            .to_owned(),
        started_at: Some("2026-11-21T04:30:00Z".to_owned()),
        ended_at: Some("2026-11-21T04:33:12Z".to_owned()),
        tool_version: "0.1.0 (3f2a9c0)".to_owned(),
        plan_digest: "3f2a9c01b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d".to_owned(),
        corpus: "everyday, slice quick (40 prompts)".to_owned(),
        corpus_digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
        seed: 7,
        n_requests_planned: n,
        n_requests_recorded: n,
        held: None,
        complete: true,
        regenerate: "edgedyno report 20261121-043000-quick --format html".to_owned(),
    }
}

fn findings() -> Vec<Finding> {
    let finding = |level, text: &str| Finding { level, text: text.to_owned() };
    vec![
        finding(
            FindingLevel::Warning,
            "The hypervisor took 3.1 % of CPU time while run 2 was measured; its TPOT is 4 % above that of run 0.",
        ),
        finding(FindingLevel::Note, "p99 takes 368 requests; this suite makes 120."),
        finding(
            FindingLevel::Note,
            "This machine shows no temperature sensor, so throttling could not be watched.",
        ),
    ]
}

fn fact(label: &str, value: Option<FactValue>) -> FactView {
    FactView { label: label.to_owned(), value }
}

fn text(label: &str, value: &str) -> FactView {
    fact(label, Some(FactValue::Text(value.to_owned())))
}

fn device() -> DeviceView {
    DeviceView {
        id: "local".to_owned(),
        transport: "local".to_owned(),
        clock: None,
        facts: vec![
            text("CPU", "Intel(R) Xeon(R) Processor @ 2.60GHz"),
            fact("Cores", Some(FactValue::Count(2))),
            text("Instruction set", "x86_64: avx2, avx512vnni, f16c, fma"),
            fact("Clock", Some(FactValue::Khz(2_600_000))),
            fact("Governor", None),
            fact("RAM", Some(FactValue::Bytes(8_254_390_272))),
            fact("RAM available", Some(FactValue::Bytes(6_912_212_992))),
            text("System", "Debian GNU/Linux 12 (bookworm)"),
            text("Kernel", "6.1.0-28-amd64"),
            text("Hypervisor", "KVM"),
        ],
    }
}

fn cell(number: usize, model: &str) -> CellView {
    let shots = shots(number);
    CellView {
        id: format!("{:016x}", 0x9e37_79b9_u64 + number as u64),
        network: None,
        device: "local".to_owned(),
        runtime: "embedded".to_owned(),
        model: model.to_owned(),
        model_marks: if number == 2 {
            vec!["synthetic: speed only, no quality".to_owned()]
        } else {
            Vec::new()
        },
        load: "single user".to_owned(),
        threads: Some(2),
        arm: None,
        campaign: None,
        context_tokens: 2048,
        offered: None,
        start: None,
        facts: vec![
            text("Engine", "edgedyno-embedded 0.1.0, 2 threads"),
            text("Architecture", "llama, 30 layers, 576 wide"),
            text("Tensor type", "Q8_0"),
            fact("File", Some(FactValue::Bytes(144_810_976))),
            fact(
                "Model (SHA-256)",
                Some(FactValue::Digest(
                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned(),
                )),
            ),
            text("Licence", "Apache-2.0"),
        ],
        outcomes: outcomes(number),
        launches: launches(&shots, number),
        errors: None,
        metrics: metrics(&shots),
        invalid_metrics: Vec::new(),
        proof: None,
        steady: None,
        heat: None,
        quality: None,
        energy: None,
        memory: Some(limits::memory()),
        roofline: Some(limits::roofline()),
        chunks: None,
        categories: categories(&shots),
        throughput: throughput(&shots),
        own_cost: vec![
            text("Agent CPU", "0.4 % of one core"),
            fact("Agent memory, peak", Some(FactValue::Bytes(11_862_016))),
            fact("Sampler CPU time", Some(FactValue::Ns(212_000_000))),
            fact("Lateness of a sample, p99", Some(FactValue::Ns(1_420_000))),
            fact("Samples lost", Some(FactValue::Count(0))),
        ],
        charts: charts(&shots),
        timelines: Vec::new(),
        answers: answers(),
    }
}

fn outcomes(number: usize) -> Vec<OutcomeCount> {
    let n_late = 2 * u64::from(number > 0);
    let mut all = vec![OutcomeCount {
        outcome: "ok".to_owned(),
        n: 120 - n_late,
        example: None,
        statuses: Vec::new(),
        retry_after: None,
    }];
    if n_late > 0 {
        let example = Some("no answer within 60000 ms".to_owned());
        all.push(OutcomeCount {
            outcome: "timeout".to_owned(),
            n: n_late,
            example,
            statuses: Vec::new(),
            retry_after: None,
        });
    }
    all
}

fn launches(shots: &[Shot], number: usize) -> Vec<LaunchView> {
    let launch = |run: usize| {
        let mut tpot: Vec<f64> =
            shots.iter().filter(|shot| shot.run == run).map(|shot| shot.tpot_ns).collect();
        tpot.sort_by(f64::total_cmp);
        let invalid = if number == 1 && run == 1 {
            vec!["2 throttle events while it was measured".to_owned()]
        } else {
            Vec::new()
        };
        LaunchView {
            run: run as u32,
            launch: 1,
            n_requests: 40,
            load_ns: Some(412_000_000 + run as u64 * 23_000_000),
            first_inference_ns: Some(96_300_000 + run as u64 * 4_100_000),
            peak_rss_bytes: Some(241_172_480 + run as u64 * 733_184),
            tpot_p50_ns: Some(tpot[20]),
            outcome: "ok".to_owned(),
            invalid,
        }
    };
    (0..3).map(launch).collect()
}

/// Type 1 percentiles; the ranks come from the normal approximation, good enough for a picture.
fn metric(id: &str, label: &str, unit: UnitView, mut values: Vec<f64>) -> MetricView {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    let quantile = |(permille, needed): (u32, u64)| {
        let p = f64::from(permille) / 1000.0;
        let spread = 1.96 * (n as f64 * p * (1.0 - p)).sqrt();
        let rank = |at: f64| (at.ceil() as usize).clamp(1, n);
        let (low, high) = (rank(n as f64 * p - spread), rank(n as f64 * p + spread + 1.0));
        let figure = if (n as u64) < needed {
            QuantileFigure::TooFew { n: n as u64, needed }
        } else {
            QuantileFigure::Estimate {
                value: values[rank(n as f64 * p) - 1],
                low: values[low - 1],
                high: values[high - 1],
                low_rank: low as u64,
                high_rank: high as u64,
            }
        };
        QuantileView { permille, figure }
    };
    MetricView {
        metric: id.to_owned(),
        label: label.to_owned(),
        unit,
        n: n as u64,
        n_effective: None,
        n_undefined: 0,
        min: values.first().copied(),
        max: values.last().copied(),
        quantiles: [(500, 6), (900, 36), (950, 72), (990, 368)].map(quantile).into(),
    }
}

fn metrics(shots: &[Shot]) -> Vec<MetricView> {
    let each = |figure: fn(&Shot) -> f64| shots.iter().map(figure).collect::<Vec<f64>>();
    let gaps = shots
        .iter()
        .flat_map(|shot| (0..shot.osl as usize - 1).map(|i| shot.tpot_ns * (1.0 + 0.05 * bell(i))))
        .collect();
    vec![
        metric("ttft_ns", "TTFT", UnitView::Ns, each(|shot| shot.ttft_ns)),
        metric("tpot_ns", "TPOT", UnitView::Ns, each(|shot| shot.tpot_ns)),
        metric(
            "e2e_ns",
            "E2E latency",
            UnitView::Ns,
            each(|shot| shot.ttft_ns + shot.tpot_ns * (shot.osl - 1.0)),
        ),
        metric(
            "decode_tokens_per_s",
            "Decode rate",
            UnitView::TokensPerSecond,
            each(|shot| 1e9 / shot.tpot_ns),
        ),
        metric(
            "prefill_tokens_per_s",
            "Prefill rate",
            UnitView::TokensPerSecond,
            each(|shot| 1e9 * shot.isl / shot.ttft_ns),
        ),
        metric("chunk_gap_ns", "Chunk gap", UnitView::Ns, gaps),
        metric("load_ns", "Load time", UnitView::Ns, vec![412e6, 435e6, 458e6]),
        metric("first_inference_ns", "First inference", UnitView::Ns, vec![96.3e6, 100.4e6, 104.5e6]),
        metric(
            "peak_rss_bytes",
            "Peak memory",
            UnitView::Bytes,
            vec![241_172_480.0, 241_905_664.0, 242_638_848.0],
        ),
        metric("isl_tokens", "ISL", UnitView::Tokens, each(|shot| shot.isl)),
        metric("osl_tokens", "OSL", UnitView::Tokens, each(|shot| shot.osl)),
    ]
}

fn categories(shots: &[Shot]) -> Vec<CategoryView> {
    let view = |(i, (name, _)): (usize, &(&str, f64))| {
        let median = |figure: fn(&Shot) -> f64| {
            let mut values: Vec<f64> = shots.iter().filter(|shot| shot.category == i).map(figure).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied()
        };
        CategoryView {
            category: (*name).to_owned(),
            n: shots.iter().filter(|shot| shot.category == i).count() as u64,
            isl_p50: median(|shot| shot.isl),
            ttft_p50_ns: median(|shot| shot.ttft_ns),
            tpot_p50_ns: median(|shot| shot.tpot_ns),
            e2e_p50_ns: median(|shot| shot.ttft_ns + shot.tpot_ns * (shot.osl - 1.0)),
        }
    };
    CATEGORIES.iter().enumerate().map(view).collect()
}

fn throughput(shots: &[Shot]) -> Vec<FigureView> {
    let osl: f64 = shots.iter().map(|shot| shot.osl).sum();
    let wall_s: f64 =
        shots.iter().map(|shot| shot.ttft_ns + shot.tpot_ns * (shot.osl - 1.0)).sum::<f64>() / 1e9;
    let figure = |label: &str, unit, value, note: &str| FigureView {
        label: label.to_owned(),
        unit,
        value,
        note: note.to_owned(),
    };
    vec![
        figure(
            "Output rate",
            UnitView::TokensPerSecond,
            Some(osl / wall_s),
            "output tokens of all requests / time from first send to last token",
        ),
        figure(
            "Requests",
            UnitView::RequestsPerSecond,
            Some(120.0 / wall_s),
            "requests that ended ok / the same time",
        ),
        figure("Goodput", UnitView::RequestsPerSecond, None, "the suite names no SLO"),
    ]
}

fn axis(label: &str, unit: AxisUnit, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), unit, scale }
}

fn charts(shots: &[Shot]) -> Vec<Chart> {
    let requests = || axis("Share of requests", AxisUnit::Ratio, Scale::Linear);
    let chart = |id: &str, title: &str, caption: &str, form, x, y, series| Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        caption: caption.to_owned(),
        form,
        x,
        y,
        series,
        marks: Vec::new(),
    };
    let mut all = vec![
        chart(
            "ttft-cdf",
            "Time to first token",
            "How many requests had their first token within a time, by launch.",
            ChartForm::Step,
            axis("TTFT", AxisUnit::Ns, Scale::Log),
            requests(),
            by_run(shots, |shot| shot.ttft_ns),
        ),
        chart(
            "tpot-cdf",
            "Time per output token",
            "Launches that lie apart differ more than chance within one.",
            ChartForm::Step,
            axis("TPOT", AxisUnit::Ns, Scale::Linear),
            requests(),
            by_run(shots, |shot| shot.tpot_ns),
        ),
        chart(
            "ttft-isl",
            "First token against prompt length",
            "A straight line means a constant prefill rate.",
            ChartForm::Points,
            axis("Prompt length", AxisUnit::Tokens, Scale::Linear),
            axis("TTFT", AxisUnit::Ns, Scale::Linear),
            by_category(shots),
        ),
        chart(
            "timeline",
            "Tokens over time",
            "One line for each of the longest answers of a launch.",
            ChartForm::Line,
            axis("Since the request was sent", AxisUnit::Ns, Scale::Linear),
            axis("Output tokens", AxisUnit::Tokens, Scale::Linear),
            timelines(shots),
        ),
    ];
    all.push(memory_chart(shots));
    all.push(Chart {
        series: Vec::new(),
        ..chart(
            "temperature",
            "Temperature",
            "Of every sensor that could be read.",
            ChartForm::Line,
            axis("Campaign time", AxisUnit::Ns, Scale::Linear),
            axis("Temperature", AxisUnit::Mdegc, Scale::Linear),
            Vec::new(),
        )
    });
    all
}

fn by_run(shots: &[Shot], figure: fn(&Shot) -> f64) -> Vec<Series> {
    let series = |run: usize| {
        let mut values: Vec<f64> = shots.iter().filter(|shot| shot.run == run).map(figure).collect();
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let points =
            values.iter().enumerate().map(|(i, &value)| [value, (i + 1) as f64 / n as f64]).collect();
        Series { name: format!("run {run}"), points, n: n as u64 }
    };
    (0..3).map(series).collect()
}

fn by_category(shots: &[Shot]) -> Vec<Series> {
    let series = |(i, (name, _)): (usize, &(&str, f64))| {
        let points: Vec<[f64; 2]> =
            shots.iter().filter(|shot| shot.category == i).map(|shot| [shot.isl, shot.ttft_ns]).collect();
        Series { name: (*name).to_owned(), n: points.len() as u64, points }
    };
    CATEGORIES.iter().enumerate().map(series).collect()
}

fn timelines(shots: &[Shot]) -> Vec<Series> {
    let line = |i: usize| {
        let shot = &shots[i];
        let points: Vec<[f64; 2]> = (0..shot.osl as usize)
            .map(|k| [shot.ttft_ns + shot.tpot_ns * (k as f64 + 0.4 * bell(k)), (k + 1) as f64])
            .collect();
        Series {
            name: format!("run {}, {}", shot.run, CATEGORIES[shot.category].0),
            n: points.len() as u64,
            points,
        }
    };
    [3, 46, 94].map(line).into()
}

fn memory_chart(shots: &[Shot]) -> Chart {
    let end = shots[119].at_ns + 2e9;
    let level = |at: f64, offset: f64| {
        let begun = shots.iter().filter(|shot| shot.at_ns <= at).count();
        let warm = 150.0 + 75.0 * (begun % 40) as f64 / 40.0;
        (warm + offset) * 1_048_576.0
    };
    let points: Vec<[f64; 2]> =
        (0..1500).map(|i| end / 1500.0 * f64::from(i)).map(|at| [at, level(at, 0.0)]).collect();
    let files: Vec<[f64; 2]> = points.iter().map(|[at, _]| [*at, 138.0 * 1_048_576.0]).collect();
    let marks = [0, 40, 80].map(|i| Mark { x: shots[i].at_ns - 1.2e9, label: format!("run {}", i / 40) });
    Chart {
        id: "memory".to_owned(),
        title: "Memory of the runtime".to_owned(),
        caption: "Resident bytes; the part that is backed by the model file can be evicted.".to_owned(),
        form: ChartForm::Line,
        x: axis("Campaign time", AxisUnit::Ns, Scale::Linear),
        y: axis("Memory", AxisUnit::Bytes, Scale::Linear),
        series: vec![
            Series { name: "resident".to_owned(), n: points.len() as u64, points },
            Series { name: "of it file-backed".to_owned(), n: files.len() as u64, points: files },
        ],
        marks: marks.into(),
    }
}

fn answers() -> Vec<AnswerView> {
    let answer = |id: &str, category: &str, prompt: &str, text: &str, finish: &str| AnswerView {
        prompt_id: id.to_owned(),
        category: category.to_owned(),
        prompt: prompt.to_owned(),
        text: text.to_owned(),
        finish: Some(finish.to_owned()),
    };
    vec![
        answer(
            "explain-004",
            "explain",
            "Why is the sky blue?",
            "The sky looks blue because air scatters short waves of light more than long ones.\n\nBlue light is scattered in all directions, so it reaches our eyes from everywhere.",
            "stop",
        ),
        answer(
            "code-011",
            "code",
            "Write an HTML page that says hello.",
            "```html\n<html><body><script>alert(\"hello\")</script></body></html>\n```",
            "stop",
        ),
        answer("chat-002", "chat", "كيف حالك؟", "أنا بخير، شكرا لك. \u{202E}كيف يمكنني مساعدتك؟", "length"),
    ]
}

fn methods() -> Vec<MethodView> {
    let method = |metric: &str, label: &str, formula: &str, undefined: &str, source: &str| MethodView {
        metric: metric.to_owned(),
        label: label.to_owned(),
        formula: formula.to_owned(),
        formula_version: 1,
        undefined: undefined.to_owned(),
        source: source.to_owned(),
    };
    vec![
        method(
            "ttft_ns",
            "TTFT",
            "arrival of the first token chunk − sent_at",
            "no token arrived",
            "AIPerf time_to_first_token",
        ),
        method(
            "tpot_ns",
            "TPOT",
            "(e2e_ns − ttft_ns) / (osl − 1)",
            "osl < 2: one token has no gap",
            "MLPerf LoadGen loadgen/logging.cc",
        ),
        method(
            "e2e_ns",
            "E2E latency",
            "arrival of the last token chunk − sent_at",
            "no token arrived",
            "AIPerf request_latency",
        ),
        method(
            "prefill_tokens_per_s",
            "Prefill rate",
            "1e9 × (isl − cached) / ttft_ns",
            "ttft_ns or isl is unknown",
            "AIPerf prefill_throughput, cached tokens taken off",
        ),
        method(
            "chunk_gap_ns",
            "Chunk gap",
            "arrival of token chunk i − arrival of token chunk i − 1, all requests pooled",
            "fewer than two token chunks",
            "AIPerf inter_chunk_latency",
        ),
    ]
}

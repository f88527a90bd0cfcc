//! The same work on several devices, one of which could not be reached.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};
use dyno_view::comparison::{
    Better, ColumnFigure, ColumnView, ComparedFigure, ComparisonView, GroupView, LengthsView, OverlapView,
    RowPart, RowState, RowView, ShareView, TokensView, WorkDoneView, WorkView,
};
use dyno_view::report::{CellView, ClockView, DeviceView, DriftView, QuantileFigure, Report, UnitView};

/// Name, how it is reached, how much slower than the first, and what must be said of it.
const DEVICES: [(&str, &str, f64, Option<&str>); 5] = [
    ("local", "local", 1.0, Some("virtual machine (KVM)")),
    ("pi5", "ssh pi5 (ssh2)", 1.9, None),
    ("rock5b", "ssh rock5b (ssh2)", 1.91, None),
    ("pixel8", "adb 3A091FDJH000XY (the adb server at 127.0.0.1:5037)", 0.0, None),
    ("userland", "ssh userland (the system's ssh)", 24.0, Some("emulated CPU")),
];

const REFUSED: &str = "cannot reach pixel8: the device does not trust this computer yet (unauthorized)";

/// A report of `n` devices, at most five.
pub(crate) fn sample(n: usize) -> Report {
    let mut report = super::sample(1);
    report.cells = DEVICES.iter().take(n.max(2)).map(cell).collect();
    report.devices = DEVICES.iter().take(n.max(2)).map(device).collect();
    report.comparison = Some(comparison(&report.cells));
    report.campaign.n_requests_planned = 120 * report.cells.len() as u64;
    report.campaign.n_requests_recorded =
        report.cells.iter().flat_map(|cell| &cell.outcomes).map(|outcome| outcome.n).sum();
    report.campaign.complete = report.campaign.n_requests_recorded == report.campaign.n_requests_planned;
    report
}

fn device((id, transport, slower, _): &(&str, &str, f64, Option<&str>)) -> DeviceView {
    let drift = DriftView { ppm: 12.34, err_ppm: 3.1, n: 5, span_ns: 62_000_000_000 };
    DeviceView {
        id: (*id).to_owned(),
        transport: (*transport).to_owned(),
        clock: (*slower > 1.0).then_some(ClockView {
            wall_offset_ns: 3_213_456_789,
            err_ns: 401_000,
            n_comparisons: 5,
            drift: Some(drift),
        }),
        facts: if *slower == 0.0 { Vec::new() } else { super::device().facts },
    }
}

fn cell((id, _, slower, _): &(&str, &str, f64, Option<&str>)) -> CellView {
    let mut cell = super::cell(0, "smollm2-135m-instruct");
    (cell.id, cell.device) = (format!("cell-of-{id}"), (*id).to_owned());
    if *slower == 0.0 {
        cell.launches.clear();
        cell.outcomes.clear();
        cell.metrics.clear();
        cell.charts.clear();
        cell.throughput.clear();
    }
    for metric in cell.metrics.iter_mut().filter(|metric| metric.unit != UnitView::Tokens) {
        let factor = match metric.unit {
            UnitView::Ns => *slower,
            UnitView::TokensPerSecond => 1.0 / slower,
            _ => 1.0,
        };
        for quantile in &mut metric.quantiles {
            if let QuantileFigure::Estimate { value, low, high, .. } = &mut quantile.figure {
                (*value, *low, *high) = (*value * factor, *low * factor, *high * factor);
            }
        }
        (metric.min, metric.max) = (metric.min.map(|of| of * factor), metric.max.map(|of| of * factor));
    }
    cell
}

fn comparison(cells: &[CellView]) -> ComparisonView {
    let quantile = |permille| ColumnFigure::Quantile { permille };
    let column = |metric: &str, label: &str, unit, figure, better| ColumnView {
        metric: metric.to_owned(),
        label: label.to_owned(),
        unit,
        figure,
        better,
    };
    let columns = vec![
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
    ];
    let rows: Vec<RowView> = cells.iter().zip(DEVICES).map(|(cell, of)| row(cell, &columns, of.3)).collect();
    let both = |column| OverlapView { column, rows: vec![1, 2] };
    let work = WorkView {
        model_digest: Some("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned()),
        load: "single user".to_owned(),
        context_tokens: 2048,
        n_prompts: 40,
        max_tokens: Some(128),
        start: None,
    };
    let notes = "figures of pi5 leave out requests that failed or are missing, which may be the slow ones";
    let charts = [0, 2, 3, 4].map(|place| chart(&columns[place], place, &rows)).into();
    ComparisonView {
        groups: vec![GroupView {
            work,
            differ_in: vec![RowPart::Device],
            unlike: Vec::new(),
            overlaps: if rows.len() > 2 { vec![both(0), both(1), both(4)] } else { Vec::new() },
            notes: vec![notes.to_owned()],
            charts,
            rows,
        }],
        columns,
        differences: Vec::new(),
    }
}

fn row(cell: &CellView, columns: &[ColumnView], mark: Option<&str>) -> RowView {
    let is_there = !cell.launches.is_empty();
    let n_ok = match cell.device.as_str() {
        _ if !is_there => 0,
        "pi5" => 118,
        _ => 120,
    };
    RowView {
        cell: cell.id.clone(),
        name: cell.device.clone(),
        device: cell.device.clone(),
        model: cell.model.clone(),
        runtime: cell.runtime.clone(),
        threads: cell.threads,
        state: match n_ok {
            0 => RowState::NotMeasured,
            120 => RowState::Valid,
            _ => RowState::Failures,
        },
        launches: ShareView { n: cell.launches.len() as u64, of: cell.launches.len() as u64 },
        requests: ShareView { n: n_ok, of: if is_there { 120 } else { 0 } },
        n_requests_planned: 120,
        marks: mark.iter().map(|&mark| mark.to_owned()).collect(),
        work: is_there.then(work_done),
        error: (!is_there).then(|| REFUSED.to_owned()),
        n: n_ok,
        figures: columns.iter().map(|column| figure(cell, column)).collect(),
    }
}

/// The same prompts and answers for all.
fn work_done() -> WorkDoneView {
    WorkDoneView {
        tokenizer: Some("gpt2".to_owned()),
        tokenizer_digest: Some("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f809".to_owned()),
        prompts: Some(TokensView { n: 120, sum: 30_240, p10: 38, p50: 176, p90: 690 }),
        cached_ratio: Some(0.0),
        answers: Some(TokensView { n: 120, sum: 8_280, p10: 31, p50: 70, p90: 110 }),
        lengths: LengthsView::Natural,
        sources: vec!["engine".to_owned()],
    }
}

fn figure(cell: &CellView, column: &ColumnView) -> ComparedFigure {
    let missing = || ComparedFigure::Missing { reason: "not measured".to_owned() };
    let Some(metric) = cell.metrics.iter().find(|metric| metric.metric == column.metric) else {
        return missing();
    };
    let ColumnFigure::Quantile { permille } = column.figure else {
        return metric.max.map_or_else(missing, |value| ComparedFigure::Highest { value, n: metric.n });
    };
    match metric.quantiles.iter().find(|quantile| quantile.permille == permille).map(|of| &of.figure) {
        Some(QuantileFigure::Estimate { value, low, high, .. }) => {
            ComparedFigure::Estimate { value: *value, low: *low, high: *high, n: metric.n }
        }
        Some(QuantileFigure::TooFew { n, needed }) => ComparedFigure::TooFew { n: *n, needed: *needed },
        None => missing(),
    }
}

fn chart(column: &ColumnView, place: usize, rows: &[RowView]) -> Chart {
    let points = |row: &RowView, line: f64| match row.figures[place] {
        ComparedFigure::Estimate { value, low, high, .. } => vec![[low, line], [value, line], [high, line]],
        _ => Vec::new(),
    };
    let series = rows.iter().zip(1_u32..).map(|(row, line)| {
        let names = [row.name.clone()].into_iter().chain(row.marks.clone());
        Series { name: names.collect::<Vec<_>>().join(", "), points: points(row, f64::from(line)), n: row.n }
    });
    let (scale, note) =
        if rows.len() > 4 { (Scale::Log, " Equal distances are equal ratios.") } else { (Scale::Linear, "") };
    let (unit, better) = match column.better {
        Better::Lower => (AxisUnit::Ns, "lower"),
        Better::Higher => (AxisUnit::TokensPerSecond, "higher"),
    };
    let axis = |label: String, unit, scale| Axis { label, unit, scale };
    Chart {
        id: format!("compare-{}", column.metric),
        title: format!("{} p50", column.label),
        caption: format!("Median with its 95 % interval; {better} is better.{note}"),
        form: ChartForm::Whiskers,
        x: axis(format!("{} p50", column.label), unit, scale),
        y: axis("place".to_owned(), AxisUnit::Count, Scale::Linear),
        series: series.collect(),
        marks: Vec::new(),
    }
}

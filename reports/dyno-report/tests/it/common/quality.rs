//! Models that were graded: one is right more often, one is faster, and one is neither.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};
use dyno_view::quality::{
    CategoryPassRateView, FailedAnswerView, FrontierFigureView, FrontierRowView, FrontierView, PassRateView,
    QualityTableView, QualityView,
};
use dyno_view::report::{CellView, Report, UnitView};

/// The report behind the golden files of quality.
pub(crate) fn quality_report() -> Report {
    let mut report = super::small_report();
    let named = |n: u32, model: &str, quality: QualityView| CellView {
        id: format!("{n:016x}"),
        model: model.to_owned(),
        charts: Vec::new(),
        quality: Some(quality),
        ..report.cells[0].clone()
    };
    let cells = vec![named(1, "smollm2-135m", good()), named(2, "smollm2-135m-q2", worse())];
    report.quality = Some(QualityTableView { groups: vec![frontier(&cells)] });
    report.cells = cells;
    report
}

/// Bounds are those of R's binom.test.
fn rate(n: u64, n_passed: f64, interval: [f64; 2], n_launches: u64) -> PassRateView {
    PassRateView {
        n,
        n_passed,
        rate: Some(n_passed / n as f64),
        interval: Some(interval),
        n_answers: n * n_launches,
        n_answers_passed: (n_passed * n_launches as f64).round() as u64,
        ..PassRateView::default()
    }
}

fn category(name: &str, rate: PassRateView) -> CategoryPassRateView {
    CategoryPassRateView { category: name.to_owned(), rate }
}

fn good() -> QualityView {
    QualityView {
        overall: PassRateView {
            n_ungraded: 4,
            n_cut: 6,
            n_cut_passed: 2,
            ..rate(40, 31.0, [0.615_488, 0.891_603], 3)
        },
        categories: vec![
            category("arithmetic", rate(20, 13.0, [0.407_811, 0.846_091], 3)),
            category("classify", rate(20, 18.0, [0.683_017, 0.987_651], 3)),
            category("chat", PassRateView { n_ungraded: 4, ..PassRateView::default() }),
        ],
        n_not_passed: 9,
        failures: vec![failure("as-arithmetic-03", 0, "The answer is 41.")],
        notes: Vec::new(),
    }
}

fn worse() -> QualityView {
    QualityView {
        overall: PassRateView {
            n_mixed: 1,
            n_failed: 2,
            ..rate(40, 19.0 + 2.0 / 3.0, [0.315_120, 0.661_982], 3)
        },
        categories: vec![category("arithmetic", rate(40, 19.0 + 2.0 / 3.0, [0.315_120, 0.661_982], 3))],
        n_not_passed: 1,
        failures: vec![failure("as-arithmetic-07", 2, "Forty\n| two |")],
        notes: vec!["answers were made as long as they may be".to_owned()],
    }
}

fn failure(id: &str, n_passed: u64, answer: &str) -> FailedAnswerView {
    FailedAnswerView {
        prompt_id: id.to_owned(),
        category: "arithmetic".to_owned(),
        grader: "numeric".to_owned(),
        accepts: "42 ± 0.5".to_owned(),
        prompt: "What is 6 times 7?".to_owned(),
        answer: answer.to_owned(),
        finish: Some("length".to_owned()),
        n_answers: 3,
        n_passed,
    }
}

fn frontier(cells: &[CellView]) -> FrontierView {
    let figure = |unit, value: f64, half: f64| {
        Some(FrontierFigureView { unit, value, interval: Some([value - half, value + half]) })
    };
    let row = |cell: &CellView, tokens_per_s: f64, joules: Option<f64>| FrontierRowView {
        cell: cell.id.clone(),
        name: cell.model.clone(),
        quality: cell.quality.as_ref().expect("both have one").overall,
        speed: figure(UnitView::TokensPerSecond, tokens_per_s, 0.5),
        latency: None,
        energy: joules.and_then(|joules| figure(UnitView::Joules, joules, 0.01)),
        beaten_by: Vec::new(),
    };
    let names = || cells.iter().map(|cell| cell.model.clone()).collect();
    // Of a campaign whose cells are not in the report.
    let worst = FrontierRowView {
        cell: "elsewhere".to_owned(),
        name: "smollm2-135m-q1".to_owned(),
        quality: rate(40, 12.0, [0.165_627, 0.465_316], 3),
        beaten_by: names(),
        ..row(&cells[1], 20.0, None)
    };
    let rows = vec![row(&cells[0], 24.0, Some(0.131)), row(&cells[1], 30.0, None), worst];
    let series = rows.iter().map(|row| {
        let (x, y) = (row.speed.expect("both have one").value, row.quality.rate.expect("both were graded"));
        let points = vec![[x, y], [x - 0.5, y], [x + 0.5, y], [x, y - 0.15], [x, y + 0.1]];
        Series { name: row.name.clone(), points, n: row.quality.n }
    });
    let mut series: Vec<Series> = series.collect();
    let front = vec![[24.0, 0.775], [30.0, (19.0 + 2.0 / 3.0) / 40.0]];
    series.push(Series { name: "no other one is better in both".to_owned(), points: front, n: 0 });
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    FrontierView {
        work: "40 prompts with a grader, single user, answers of at most 64 tokens".to_owned(),
        rows,
        judged_by: ["pass rate", "decode rate"].map(str::to_owned).into(),
        notes: vec!["energies by two meters are not compared".to_owned()],
        charts: vec![Chart {
            id: "quality-speed".to_owned(),
            title: "Quality and speed".to_owned(),
            caption: "Higher is better.".to_owned(),
            form: ChartForm::Crosses,
            x: axis("decode rate p50", AxisUnit::TokensPerSecond),
            y: axis("prompts that pass", AxisUnit::Ratio),
            series,
            marks: Vec::new(),
        }],
    }
}

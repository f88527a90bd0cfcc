//! Starts of each kind.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};
use dyno_view::comparison::ComparedFigure;
use dyno_view::report::UnitView;
use dyno_view::start::{
    StartColumnView, StartDifferenceView, StartGroupView, StartRowView, StartsView, UnverifiedView,
};

/// A storage-cold state that was shown in part, one that never was, a warm one, and one of which nothing is claimed.
pub(crate) fn starts() -> StartsView {
    let column = |id: &str, label: &str, unit| StartColumnView {
        id: id.to_owned(),
        label: label.to_owned(),
        unit,
        note: "process start, loading".to_owned(),
    };
    let difference =
        vec![some(502.8e6, 0.03, 8), missing("not paired"), ComparedFigure::TooFew { n: 4, needed: 6 }];
    StartsView {
        columns: vec![
            column("spawn_to_ready_ns", "Spawn to ready", UnitView::Ns),
            column("read_bytes", "Bytes read", UnitView::Bytes),
            column("major_faults", "Major faults", UnitView::Count),
        ],
        groups: vec![StartGroupView {
            device: "local".to_owned(),
            runtime: "embedded".to_owned(),
            model: "smollm2-135m-instruct".to_owned(),
            load: "single user".to_owned(),
            threads: Some(2),
            context_tokens: 2048,
            rows: rows(),
            differences: vec![StartDifferenceView { of: 0, less: 2, n_rounds: 8, figures: difference }],
            charts: vec![chart()],
        }],
    }
}

fn rows() -> Vec<StartRowView> {
    let unverified =
        |n, reason: &str| vec![UnverifiedView { n, reason: format!("cold=unverified: {reason}") }];
    let absent = || vec![missing("unverified"), missing("unverified"), missing("unverified")];
    let cold = vec![some(905.1e6, 0.02, 8), some(145_963_000.0, 0.0001, 8), some(84.0, 0.1, 8)];
    let warm = vec![some(402.3e6, 0.01, 10), some(0.0, 0.0, 10), ComparedFigure::TooFew { n: 4, needed: 6 }];
    let as_it_is = vec![some(405.0e6, 0.03, 10), some(0.0, 0.0, 10), missing("the system does not say")];
    vec![
        StartRowView {
            unverified: unverified(2, "3.1 % of the model are in memory"),
            ..row(Some("C1"), "storage-cold", 8, 0.004, cold)
        },
        StartRowView {
            unverified: unverified(10, "no compile cache was found"),
            ..row(Some("C2"), "compile-cold", 0, 0.002, absent())
        },
        row(Some("C3"), "page-warm", 10, 1.0, warm),
        StartRowView { steps: Vec::new(), resident_ratio: None, ..row(None, "as it is", 10, 1.0, as_it_is) },
    ]
}

fn row(
    code: Option<&str>,
    label: &str,
    n_verified: u64,
    resident: f64,
    figures: Vec<ComparedFigure>,
) -> StartRowView {
    StartRowView {
        cell: "0123456789abcdef".to_owned(),
        code: code.map(str::to_owned),
        label: label.to_owned(),
        n_launches: 10,
        n_verified,
        unverified: Vec::new(),
        resident_ratio: Some([resident, resident]),
        resident_before_ratio: Some([0.31, 1.0]),
        steps: vec!["sync".to_owned(), "echo 3 > /proc/sys/vm/drop_caches".to_owned()],
        figures,
    }
}

fn some(value: f64, width: f64, n: u64) -> ComparedFigure {
    ComparedFigure::Estimate { value, low: value * (1.0 - width), high: value * (1.0 + width), n }
}

fn missing(reason: &str) -> ComparedFigure {
    ComparedFigure::Missing { reason: reason.to_owned() }
}

fn chart() -> Chart {
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    let dots = |name: &str, ns: f64| Series {
        name: name.to_owned(),
        points: (1..=10).map(|i| [f64::from(i), ns * (1.0 + 0.01 * f64::from(i % 4))]).collect(),
        n: 10,
    };
    Chart {
        id: "starts".to_owned(),
        title: "Spawn to first token".to_owned(),
        caption: "One dot for each launch.".to_owned(),
        form: ChartForm::Points,
        x: axis("round", AxisUnit::Count),
        y: axis("spawn to first token", AxisUnit::Ns),
        series: vec![dots("C1 storage-cold", 1000e6), dots("C3 page-warm", 500e6)],
        marks: Vec::new(),
    }
}

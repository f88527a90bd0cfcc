//! Energy in every form: the figures are those that the analysis' test of a played Jetson works out by hand.

use dyno_report::markdown;
use dyno_view::energy::{
    EnergyFigure, EnergyFigureView, EnergyGroupView, EnergyHowView, EnergyLaunchView, EnergyPartView,
    EnergyRowView, EnergyScopeView, EnergySourceView, EnergyTableView, EnergyView, IdleKind, IdlePowerView,
    OtherSourceView,
};
use dyno_view::report::{Report, UnitView};

#[path = "../../examples/sample_report/limits.rs"]
mod limits;

use crate::common::{check_goldens, page, small_report, text};

/// Id, name, unit, value, U.
const FIGURES: [(&str, &str, UnitView, f64, f64); 8] = [
    ("j_per_request", "Energy per request", UnitView::Joules, 189.583_75, 19.032_11),
    ("j_per_token", "Energy per output token", UnitView::Joules, 1.047_424, 0.105_150),
    ("net_j_per_token", "Net energy per output token", UnitView::Joules, 0.585_546, 0.058_560),
    ("tokens_per_j", "Output tokens per joule", UnitView::TokensPerJoule, 0.954_723, 0.095_843),
    ("mean_power_w", "Mean power under load", UnitView::Watts, 9.070_993, 0.910_627),
    ("j_per_prefill_token", "Energy per prefill token", UnitView::Joules, 0.119_312_5, 0.012_056_8),
    ("edp_js", "Energy-delay product", UnitView::JouleSeconds, 3_791.675, 380.642),
    ("wh_per_1k_tokens", "Energy per 1,000 output tokens", UnitView::WattHours, 0.290_951, 0.029_208_6),
];

fn figures() -> Vec<EnergyFigureView> {
    let view = |id: &str, label: &str, unit, figure| EnergyFigureView {
        id: id.to_owned(),
        label: label.to_owned(),
        unit,
        figure,
        n: 10,
        of: "requests".to_owned(),
        note: "gross".to_owned(),
    };
    let known = FIGURES.iter().map(|(id, label, unit, value, u)| {
        view(id, label, *unit, EnergyFigure::Uncertain { value: *value, u: *u })
    });
    let regressed = EnergyFigure::Interval { value: 0.9, low: 0.871, high: 0.929, standard_error: 0.014 };
    let missing = EnergyFigure::Missing { reason: "the battery has no counter".to_owned() };
    known
        .chain([
            view("j_per_decode_token", "Energy per decode token", UnitView::Joules, regressed),
            view("discharge_per_hour", "Discharge per hour", UnitView::Ratio, missing),
        ])
        .collect()
}

fn parts() -> Vec<EnergyPartView> {
    let part = |label: &str, energy_j: f64| EnergyPartView {
        label: label.to_owned(),
        energy_j,
        ratio: energy_j / 1_895.837_5,
    };
    vec![part("idle", 836.0), part("prefill", 158.625), part("decode", 899.75), part("other", 1.4625)]
}

fn energy_report() -> Report {
    let mut report = small_report();
    let cell = &mut report.cells[0];
    (cell.memory, cell.roofline) = (Some(limits::memory()), Some(limits::roofline()));
    let idle =
        |kind, power_w, u_w| IdlePowerView { kind, power_w, u_w, span_ns: 58_000_000_000, n_launches: 1 };
    cell.energy = Some(EnergyView {
        source: Some(EnergySourceView {
            name: "VDD_IN".to_owned(),
            driver: "hwmon".to_owned(),
            class: "C".to_owned(),
            scope: EnergyScopeView::Board,
            how: EnergyHowView::Samples,
            update_ns: 100_000_000,
            gain_ratio: 0.05,
            offset_w: 0.04,
            step_w: 0.04,
            tested: Some("it followed 4 of 4 steps of load".to_owned()),
            caveat: None,
        }),
        why_none: None,
        others: vec![OtherSourceView {
            name: "VDD_SOC".to_owned(),
            driver: "hwmon".to_owned(),
            class: "C".to_owned(),
            scope: EnergyScopeView::Part,
            why: "it is a part".to_owned(),
        }],
        idle: vec![idle(IdleKind::Unloaded, 3.0, 0.310_514), idle(IdleKind::Loaded, 4.0, 0.407_962)],
        figures: figures(),
        parts: parts(),
        launches: vec![EnergyLaunchView {
            run: 0,
            launch: 1,
            energy_j: Some(1_895.837_5),
            u_j: Some(190.321_1),
            span_ns: 209_000_000_000,
            coverage_ratio: 1.0,
            n_requests: 10,
            n_output_tokens: 1_810,
            why_none: None,
        }],
        notes: vec!["without the carrier board".to_owned()],
    });
    let row = |name: &str, class: &str, scope, source: &str| EnergyRowView {
        cell: name.to_owned(),
        name: name.to_owned(),
        class: class.to_owned(),
        scope,
        source: source.to_owned(),
        figures: figures().into_iter().take(5).collect(),
        parts: parts(),
    };
    let group = |basis: &str, rows| EnergyGroupView { basis: basis.to_owned(), rows };
    report.energy = Some(EnergyTableView {
        groups: vec![
            group(
                "VDD_IN of jetson, class C, the board or module",
                vec![row("135M on jetson", "C", EnergyScopeView::Board, "VDD_IN")],
            ),
            group(
                "package-0 of laptop, class B, a chip",
                vec![row("135M on laptop", "B", EnergyScopeView::Package, "package-0")],
            ),
        ],
        apart: vec![
            "energies by package-0 of laptop are not compared with those by VDD_IN of jetson".to_owned(),
        ],
        missing: vec!["135M on phone: no source of power is good enough".to_owned()],
    });
    report
}

#[test]
fn energy_is_golden_in_every_form() {
    check_goldens("energy", &energy_report());
}

#[test]
fn every_form_has_the_same_energy_as_worked_out_by_hand() {
    let report = energy_report();
    for shown in [text(&report, 160), markdown::render(&report), page(&report)] {
        let plain =
            shown.replace("<span class=\"inline-note\">", "").replace('\\', "").replace("&#x2f;", "/");
        let flat = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        for expected in [
            // 189.58375 ± 19.03: two digits of U, which is rounded up.
            "190 J ± 20",
            "1.05 J ± 0.11",
            "586 mJ ± 59",
            "0.955 tok/J ± 0.096",
            "9.07 W ± 0.92",
            "119 mJ ± 13",
            "3,790 J·s ± 390",
            "291 mWh ± 30",
            "3.00 W ± 0.32",
            "4.00 W ± 0.41",
            "900 mJ [871 – 929]",
            "(the battery has no counter)",
            "class C (sampled sensor), covers the board or module",
            "area under its samples, updated every 100 ms, taken to be right to 5.00 % and 40.0 mW; it followed 4 of 4",
            "are not compared with those by VDD_IN of jetson",
            "135M on phone: no source of power is good enough",
            "MBU, of the measured bandwidth",
            "run 7 ended as oom: 8192 tokens",
        ] {
            assert!(flat.contains(expected), "no `{expected}` in {flat}");
        }
    }
}

#[test]
fn shares_are_a_stack_of_bars() {
    let page = page(&energy_report());
    // 836, 158.625, 899.75 and 1.4625 of 1,895.8375 J.
    for width in ["44.10", "8.37", "47.46", "0.08"] {
        assert!(page.contains(&format!("style=\"width:{width}%\"")), "no bar of {width} %");
    }
}

#[test]
fn names_of_sources_are_foreign_text() {
    let mut report = energy_report();
    let bad = || "<script>alert(1)</script>|`x`\u{1b}[31m".to_owned();
    let view = report.cells[0].energy.as_mut().expect("an energy");
    view.source.as_mut().expect("a source").name = bad();
    (view.others[0].name, view.others[0].why, view.notes[0]) = (bad(), bad(), bad());
    view.figures[9].figure = EnergyFigure::Missing { reason: bad() };
    let table = report.energy.as_mut().expect("a table");
    (table.groups[0].basis, table.groups[0].rows[0].name, table.apart[0]) = (bad(), bad(), bad());
    for shown in [text(&report, 100), markdown::render(&report), page(&report)] {
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
    assert!(!page(&report).contains("<script>alert"));
    let shown = markdown::render(&report);
    assert!(!shown.contains("<script>") && !shown.contains("|`x`"));
}

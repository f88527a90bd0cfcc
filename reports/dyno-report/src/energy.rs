//! What every format says of energy.

use dyno_view::energy::{
    EnergyFigure, EnergyFigureView, EnergyGroupView, EnergyHowView, EnergyLaunchView, EnergyPartView,
    EnergyRowView, EnergyScopeView, EnergySourceView, EnergyTableView, EnergyView, IdleKind, IdlePowerView,
    OtherSourceView,
};
use dyno_view::report::UnitView;

use crate::proof::launch_name;
use crate::words::{Entry, Multiple, count, decimals_for, duration, grouped, plural, value};

/// What stands below every table of energy.
pub(crate) const NOTE: &str = "± is the expanded uncertainty U = 2u: what the source is wrong by itself, its update \
                               period, its steps and what readings do not cover. [low – high] is a 95 % interval of \
                               a regression. Gross is all that the source saw; net is less the power at rest.";

/// A figure, its interval or why there is none.
pub(crate) fn figure(of: &EnergyFigureView) -> Entry {
    match &of.figure {
        EnergyFigure::Uncertain { value, u } => {
            let (value, [u, _]) = rounded(of.unit, *value, *u, [*u, *u]);
            Entry { value, note: format!("± {u}"), is_missing: false }
        }
        EnergyFigure::Interval { value, low, high, .. } => {
            let (value, [low, high]) = rounded(of.unit, *value, (high - low) / 2.0, [*low, *high]);
            Entry { value, note: format!("[{low} – {high}]"), is_missing: false }
        }
        EnergyFigure::Missing { reason } => {
            Entry { value: "n/a".to_owned(), note: format!("({reason})"), is_missing: true }
        }
    }
}

/// A value with its sign and what belongs to it, all with as many digits as two of its half-width leave: the first of
/// the others is rounded down and the second up, but an uncertainty, which is twice the same, up both times.
fn rounded(unit: UnitView, value: f64, half_width: f64, others: [f64; 2]) -> (String, [String; 2]) {
    let multiple = Multiple::of(unit, value);
    let scaled = |of: f64| of / multiple.factor;
    let decimals = decimals_for(scaled(value), scaled(half_width)).min(multiple.max_decimals);
    let scale = 10_f64.powi(decimals);
    let is_uncertainty = others[0].to_bits() == others[1].to_bits();
    let down = |of: f64| (scaled(of) * scale + 1e-6).floor() / scale;
    let up = |of: f64| (scaled(of) * scale - 1e-6).ceil() / scale;
    let low = if is_uncertainty { up(others[0]) } else { down(others[0]) };
    let text = grouped(scaled(value), decimals);
    let text = if multiple.sign.is_empty() { text } else { format!("{text} {}", multiple.sign) };
    (text, [grouped(low, decimals), grouped(up(others[1]), decimals)])
}

/// `gross, n = 10 requests`; empty where there is no figure.
pub(crate) fn how(of: &EnergyFigureView) -> String {
    if matches!(of.figure, EnergyFigure::Missing { .. }) {
        return String::new();
    }
    let n = format!("n = {} {}", count(of.n), of.of);
    if of.note.is_empty() { n } else { format!("{}, {n}", of.note) }
}

/// `VDD_IN (hwmon), class C (sampled sensor), covers the board or module`.
fn source(of: &EnergySourceView) -> String {
    let class = format!("class {} ({})", of.class, class_words(&of.class));
    let caveat = of.caveat.as_ref().map(|caveat| format!("; {caveat}")).unwrap_or_default();
    format!("{} ({}), {class}, covers {}{caveat}", of.name, of.driver, scope(of.scope))
}

/// How its readings became energy, and how far it is believed; `None` without a source.
pub(crate) fn method(view: &EnergyView) -> Option<String> {
    let of = view.source.as_ref()?;
    let tested = of.tested.as_deref().unwrap_or("not tried against a known load");
    let (how, update) = (how_words(of.how), duration(of.update_ns));
    Some(format!("{how}, updated every {update}, {}; {tested}", own_error(of)))
}

fn own_error(of: &EnergySourceView) -> String {
    let gain = value(UnitView::Ratio, of.gain_ratio);
    if of.offset_w > 0.0 {
        format!("taken to be right to {gain} and {}", value(UnitView::Watts, of.offset_w))
    } else {
        format!("taken to be right to {gain}")
    }
}

fn class_words(class: &str) -> &'static str {
    match class {
        "A" => "external meter",
        "B" => "hardware counter",
        "C" => "sampled sensor",
        _ => "estimate",
    }
}

/// What a figure covers.
pub(crate) fn scope(of: EnergyScopeView) -> &'static str {
    match of {
        EnergyScopeView::Device => "the whole device",
        EnergyScopeView::Board => "the board or module",
        EnergyScopeView::Package => "one chip",
        EnergyScopeView::Part => "a part of it",
        EnergyScopeView::Unknown => "nobody knows what",
    }
}

fn how_words(of: EnergyHowView) -> &'static str {
    match of {
        EnergyHowView::Counter => "difference of its counter",
        EnergyHowView::Samples => "area under its samples",
        EnergyHowView::Product => "area under voltage times current",
    }
}

/// `Power at rest, runtime ready` and its figure.
pub(crate) fn idle(of: &IdlePowerView) -> (&'static str, Entry, String) {
    let label = match of.kind {
        IdleKind::Unloaded => "Power at rest, without the runtime",
        IdleKind::Loaded => "Power at rest, runtime ready",
    };
    let (value, [u, _]) = rounded(UnitView::Watts, of.power_w, of.u_w, [of.u_w, of.u_w]);
    let entry = Entry { value, note: format!("± {u}"), is_missing: false };
    let launches = plural(of.n_launches, "launch", "launches");
    (label, entry, format!("{} of {launches}", duration(of.span_ns)))
}

/// `idle 44.1 %, prefill 8.3 %`; empty where it is not known.
pub(crate) fn parts(of: &[EnergyPartView]) -> String {
    let words: Vec<String> = of
        .iter()
        .map(|part| format!("{} {}", part.label, value(UnitView::Ratio, part.ratio.max(0.0))))
        .collect();
    words.join(", ")
}

/// One launch: its name, its energy, and what it is of, or why there is none.
pub(crate) fn launch(of: &EnergyLaunchView) -> (String, String, String) {
    let name = launch_name(of.run, of.launch);
    let Some((energy_j, u_j)) = of.energy_j.zip(of.u_j) else {
        return (name, "n/a".to_owned(), of.why_none.clone().unwrap_or_default());
    };
    let (energy, [u, _]) = rounded(UnitView::Joules, energy_j, u_j, [u_j, u_j]);
    let words = format!(
        "{} for {} and {} tokens, {} covered",
        duration(of.span_ns),
        plural(of.n_requests, "request", "requests"),
        count(of.n_output_tokens),
        value(UnitView::Ratio, of.coverage_ratio)
    );
    (name, format!("{energy} ± {u}"), words)
}

/// A source that was not taken: its name with what it is, and why.
pub(crate) fn other(of: &OtherSourceView) -> (String, String) {
    (format!("{} ({}, class {}, {})", of.name, of.driver, of.class, scope(of.scope)), of.why.clone())
}

/// Whether cells stand side by side, or it must be said why they do not.
pub(crate) fn has_table(table: &EnergyTableView) -> bool {
    let n_rows: usize = table.groups.iter().map(|group| group.rows.len()).sum();
    n_rows + table.missing.len() > 1
}

/// Headings of a group's figures: those of its first row.
pub(crate) fn headings(group: &EnergyGroupView) -> Vec<String> {
    group.rows.first().map_or_else(Vec::new, |row| row.figures.iter().map(|of| of.label.clone()).collect())
}

/// `135M on jetson (n = 10 requests)`.
pub(crate) fn row_name(of: &EnergyRowView) -> String {
    let n = of.figures.first().map(|of| format!(" (n = {} {})", count(of.n), of.of)).unwrap_or_default();
    format!("{}{n}", of.name)
}

/// The figures of a row; what is missing has its reason in the cell's own section.
pub(crate) fn row(of: &EnergyRowView) -> Vec<Entry> {
    let short = |entry: Entry| if entry.is_missing { Entry { note: String::new(), ..entry } } else { entry };
    of.figures.iter().map(|of| short(figure(of))).collect()
}

/// Sentences below the groups.
pub(crate) fn sentences(table: &EnergyTableView) -> Vec<String> {
    table.apart.iter().chain(&table.missing).cloned().collect()
}

/// What a cell's energy was measured by, or why there is none.
pub(crate) fn verdict(view: &EnergyView) -> String {
    match (&view.source, &view.why_none) {
        (Some(of), _) => source(of),
        (None, Some(why)) => format!("n/a ({why})"),
        (None, None) => "n/a".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(unit: UnitView, figure: EnergyFigure) -> EnergyFigureView {
        EnergyFigureView {
            id: "x".to_owned(),
            label: "X".to_owned(),
            unit,
            figure,
            n: 10,
            of: "requests".to_owned(),
            note: "gross".to_owned(),
        }
    }

    #[test]
    fn a_figure_has_as_many_digits_as_its_uncertainty_leaves() {
        let check = |unit: UnitView, value: f64, u: f64, expected: &str| {
            assert_eq!(figure(&view(unit, EnergyFigure::Uncertain { value, u })).line(), expected);
        };
        // Two digits of U, which is rounded up.
        check(UnitView::Joules, 189.583_75, 19.032, "190 J ± 20");
        check(UnitView::Joules, 1.047_424, 0.105_15, "1.05 J ± 0.11");
        check(UnitView::Joules, 0.119_312_5, 0.012_1, "119 mJ ± 13");
        check(UnitView::TokensPerJoule, 0.954_723, 0.095_84, "0.955 tok/J ± 0.096");
        check(UnitView::WattHours, 0.290_951, 0.029_2, "291 mWh ± 30");
        let interval =
            EnergyFigure::Interval { value: 0.119_3, low: 0.110_26, high: 0.128_34, standard_error: 0.004 };
        assert_eq!(figure(&view(UnitView::Joules, interval)).line(), "119.3 mJ [110.2 – 128.4]");
        let missing = EnergyFigure::Missing { reason: "requests overlap".to_owned() };
        assert_eq!(figure(&view(UnitView::Joules, missing)).line(), "n/a (requests overlap)");
        let known = EnergyFigure::Uncertain { value: 1.0, u: 0.1 };
        assert_eq!(how(&view(UnitView::Joules, known)), "gross, n = 10 requests");
        assert_eq!(how(&view(UnitView::Joules, EnergyFigure::Missing { reason: String::new() })), "");
    }
}

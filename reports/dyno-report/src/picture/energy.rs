//! What the energy of loads went into, as a chart; the page has bars of its own for it.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Mark, Scale, Series};
use dyno_view::energy::{EnergyGroupView, EnergyRowView};

/// A bar for each cell whose parts are known; `None` without one.
pub(super) fn energy_parts(group: &EnergyGroupView) -> Option<Chart> {
    let rows: Vec<&EnergyRowView> = group.rows.iter().filter(|row| !row.parts.is_empty()).collect();
    let mut names: Vec<&str> = Vec::new();
    for part in rows.iter().flat_map(|row| &row.parts) {
        if !names.contains(&part.label.as_str()) {
            names.push(&part.label);
        }
    }
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    let mark = |(place, name): (u32, &&str)| Mark { x: f64::from(place), label: (*name).to_owned() };
    (!rows.is_empty()).then(|| Chart {
        id: "parts".to_owned(),
        title: "What the energy went into".to_owned(),
        caption: format!("Shares of the energy of the load, by {}.", group.basis),
        form: ChartForm::Stacks,
        x: axis("share of the energy of the load", AxisUnit::Ratio),
        y: axis("place", AxisUnit::Count),
        series: rows.iter().map(|row| bar(row, &names)).collect(),
        marks: (0..).zip(&names).map(mark).collect(),
    })
}

/// The ends of all parts in the order of the names; one that a row lacks has no length.
fn bar(row: &EnergyRowView, names: &[&str]) -> Series {
    let mut end = 0.0;
    let point = |(place, name): (u32, &&str)| {
        let part = row.parts.iter().find(|part| part.label == **name);
        end += part.map_or(0.0, |part| part.ratio.max(0.0));
        [end, f64::from(place)]
    };
    Series { name: row.name.clone(), points: (0..).zip(names).map(point).collect(), n: 0 }
}

#[cfg(test)]
mod tests {
    use dyno_view::energy::{EnergyPartView, EnergyScopeView};

    use super::*;

    #[test]
    fn ends_are_sums_and_a_part_that_is_missing_has_no_length() {
        let part = |label: &str, ratio| EnergyPartView { label: label.to_owned(), energy_j: ratio, ratio };
        let row = |name: &str, parts| EnergyRowView {
            cell: name.to_owned(),
            name: name.to_owned(),
            class: "A".to_owned(),
            scope: EnergyScopeView::Device,
            source: "meter".to_owned(),
            figures: Vec::new(),
            parts,
        };
        let rows = vec![
            row("a", vec![part("idle", 0.5), part("decode", 0.5)]),
            row("b", vec![part("decode", 0.75), part("other", 0.25)]),
            row("c", Vec::new()),
        ];
        let chart = energy_parts(&EnergyGroupView { basis: "meters".to_owned(), rows }).expect("two bars");
        let names: Vec<&str> = chart.marks.iter().map(|mark| mark.label.as_str()).collect();
        assert_eq!(names, ["idle", "decode", "other"]);
        assert_eq!(chart.series[0].points, [[0.5, 0.0], [1.0, 1.0], [1.0, 2.0]]);
        assert_eq!(chart.series[1].points, [[0.0, 0.0], [0.75, 1.0], [1.0, 2.0]]);
        assert_eq!(chart.series.len(), 2);
    }
}

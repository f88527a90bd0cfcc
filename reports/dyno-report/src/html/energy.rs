//! What the template shows of energy, in words.

use dyno_view::energy::{EnergyPartView, EnergyTableView, EnergyView};
use serde::Serialize;

use crate::energy;
use crate::words::Entry;

/// The energy of one cell.
#[derive(Serialize)]
pub(super) struct Energy {
    source: String,
    method: Option<String>,
    rows: Vec<Row>,
    parts: Vec<Part>,
    launches: Vec<Launch>,
    others: Vec<Other>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    label: String,
    value: String,
    note: String,
    how: String,
    missing: bool,
}

#[derive(Serialize)]
struct Part {
    class: String,
    label: String,
    share: String,
    /// Width in per cent.
    width: String,
}

#[derive(Serialize)]
struct Launch {
    name: String,
    energy: String,
    words: String,
}

#[derive(Serialize)]
struct Other {
    name: String,
    why: String,
}

/// Cells side by side.
#[derive(Serialize)]
pub(super) struct Energies {
    groups: Vec<Group>,
    sentences: Vec<String>,
    note: &'static str,
}

#[derive(Serialize)]
struct Group {
    basis: String,
    headings: Vec<String>,
    rows: Vec<GroupRow>,
}

#[derive(Serialize)]
struct GroupRow {
    name: String,
    figures: Vec<Figure>,
    parts: Vec<Part>,
}

#[derive(Serialize)]
struct Figure {
    value: String,
    note: String,
    missing: bool,
}

/// Of one cell.
pub(super) fn energy(view: &EnergyView) -> Energy {
    // A reason is too long to stand beside a figure.
    let row = |label: String, entry: Entry, how: String| {
        let (note, how) = if entry.is_missing { (String::new(), entry.note) } else { (entry.note, how) };
        Row { label, value: entry.value, note, how, missing: entry.is_missing }
    };
    let idle = view.idle.iter().map(|of| {
        let (label, entry, how) = energy::idle(of);
        row(label.to_owned(), entry, how)
    });
    let figures = view.figures.iter().map(|of| row(of.label.clone(), energy::figure(of), energy::how(of)));
    let launch = |of: &dyno_view::energy::EnergyLaunchView| {
        let (name, energy, words) = energy::launch(of);
        Launch { name, energy, words }
    };
    let other = |of: &dyno_view::energy::OtherSourceView| {
        let (name, why) = energy::other(of);
        Other { name, why }
    };
    Energy {
        source: energy::verdict(view),
        method: energy::method(view),
        rows: figures.chain(idle).collect(),
        parts: parts(&view.parts),
        launches: view.launches.iter().map(launch).collect(),
        others: view.others.iter().map(other).collect(),
        notes: view.notes.clone(),
    }
}

/// Bars of a stack.
fn parts(of: &[EnergyPartView]) -> Vec<Part> {
    let part = |(place, part): (usize, &EnergyPartView)| Part {
        class: format!("s{place}"),
        label: part.label.clone(),
        share: crate::words::value(dyno_view::report::UnitView::Ratio, part.ratio.max(0.0)),
        width: format!("{:.2}", (part.ratio * 100.0).clamp(0.0, 100.0)),
    };
    of.iter().enumerate().map(part).collect()
}

/// Of the campaign; `None` with one cell.
pub(super) fn energies(table: &EnergyTableView) -> Option<Energies> {
    if !energy::has_table(table) {
        return None;
    }
    let figure = |entry: Entry| Figure { value: entry.value, note: entry.note, missing: entry.is_missing };
    let row = |of: &dyno_view::energy::EnergyRowView| GroupRow {
        name: energy::row_name(of),
        figures: energy::row(of).into_iter().map(figure).collect(),
        parts: parts(&of.parts),
    };
    let group = |of: &dyno_view::energy::EnergyGroupView| Group {
        basis: of.basis.clone(),
        headings: energy::headings(of),
        rows: of.rows.iter().map(row).collect(),
    };
    Some(Energies {
        groups: table.groups.iter().map(group).collect(),
        sentences: energy::sentences(table),
        note: energy::NOTE,
    })
}

//! Figures of other tools, in words for the template.

use dyno_view::report::Report;
use serde::Serialize;

use crate::imported::{COLUMNS, HEADING, N_TEXT_COLUMNS, cells, source};

/// All files.
#[derive(Serialize)]
pub(super) struct Imported {
    heading: &'static str,
    columns: [Column; COLUMNS.len()],
    files: Vec<File>,
}

#[derive(Clone, Copy, Serialize)]
struct Column {
    label: &'static str,
    class: &'static str,
}

#[derive(Serialize)]
struct File {
    source: String,
    rows: Vec<[Cell; COLUMNS.len()]>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Cell {
    text: String,
    class: &'static str,
    /// What to sort it by; the text where there is nothing.
    by: Option<f64>,
}

/// `None` where nothing was imported.
pub(super) fn imported(report: &Report) -> Option<Imported> {
    let class = |place: usize| if place < N_TEXT_COLUMNS { "how" } else { "num" };
    let row = |row: &dyno_view::imported::ImportedRowView| {
        let by = [None, None, None, None, row.threads.map(f64::from), Some(row.mean), Some(row.n as f64)];
        let mut cells = cells(row).into_iter().zip(by).enumerate();
        std::array::from_fn(|_| {
            let (place, (text, by)) = cells.next().expect("as many cells as columns");
            Cell { text, class: class(place), by }
        })
    };
    let files: Vec<File> = report
        .imported
        .iter()
        .map(|view| File {
            source: source(view),
            rows: view.rows.iter().map(row).collect(),
            notes: view.notes.clone(),
        })
        .collect();
    let columns = std::array::from_fn(|place| Column { label: COLUMNS[place], class: class(place) });
    (!files.is_empty()).then_some(Imported { heading: HEADING, columns, files })
}

//! One state in one row.

use std::collections::BTreeMap;

use dyno_model::start::StartMade;
use dyno_view::start::{StartRowView, UnverifiedView};

use super::figure::{Figure, medians};
use super::{is_in_state, unverified};
use crate::cell::{CellRecord, LaunchRecord};

/// Reasons that are told one by one.
const MAX_REASONS: usize = 3;

pub(super) fn row(cell: &CellRecord<'_>) -> StartRowView {
    let state = cell.cell.start;
    let proven: Vec<&LaunchRecord<'_>> =
        cell.valid_launches().filter(|launch| is_in_state(cell, launch)).collect();
    let made: Vec<&StartMade> = cell.launches.iter().filter_map(|launch| launch.row.start.as_ref()).collect();
    let figures: Vec<Figure> = proven.iter().map(|launch| Figure::of(cell, launch)).collect();
    let unverified = reasons(cell);
    let absent = match (cell.launches.len(), proven.len()) {
        (0, _) => Some("not measured"),
        (_, 0) if cell.launches.iter().any(|launch| is_in_state(cell, launch)) => {
            Some("no launch may be used")
        }
        (_, 0) => Some("unverified"),
        _ => None,
    };
    StartRowView {
        cell: cell.cell.id.0.clone(),
        code: state.code().map(str::to_owned),
        label: state.label().to_owned(),
        n_launches: cell.launches.len() as u64,
        n_verified: proven.len() as u64,
        unverified,
        resident_ratio: range(&made, |made| made.resident_bytes),
        resident_before_ratio: range(&made, |made| made.resident_before_bytes),
        steps: steps(&made),
        figures: medians(cell, &figures, absent),
    }
}

/// Why launches are in no figure, the most frequent reason first.
fn reasons(cell: &CellRecord<'_>) -> Vec<UnverifiedView> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for launch in &cell.launches {
        let reason = match unverified(cell, launch) {
            Some(why) => format!("cold=unverified: {why}"),
            None if launch.is_valid() => continue,
            None => launch.row.invalid.as_deref().unwrap_or_default().join("; "),
        };
        *counts.entry(reason).or_default() += 1;
    }
    let mut all: Vec<UnverifiedView> =
        counts.into_iter().map(|(reason, n)| UnverifiedView { n, reason }).collect();
    all.sort_by_key(|of| std::cmp::Reverse(of.n));
    if all.len() > MAX_REASONS {
        let n = all.drain(MAX_REASONS - 1..).map(|of| of.n).sum();
        all.push(UnverifiedView { n, reason: "the findings say why".to_owned() });
    }
    all
}

/// The least and the most of the file in memory, over launches.
fn range(made: &[&StartMade], bytes: fn(&StartMade) -> Option<u64>) -> Option<[f64; 2]> {
    let ratio = |made: &&StartMade| {
        let file_bytes = made.file_bytes.filter(|bytes| *bytes > 0)?;
        Some(bytes(made)? as f64 / file_bytes as f64)
    };
    let ratios: Vec<f64> = made.iter().filter_map(ratio).collect();
    let least = ratios.iter().copied().min_by(f64::total_cmp)?;
    Some([least, ratios.into_iter().max_by(f64::total_cmp)?])
}

/// What was done, each thing once; what came of it only where that is the same in all launches.
fn steps(made: &[&StartMade]) -> Vec<String> {
    let mut steps: Vec<(String, Option<String>)> = Vec::new();
    for made in made {
        let cleared = made.cleared.iter().map(|cache| format!("cleared {}", cache.path));
        for step in made.steps.iter().cloned().chain(cleared) {
            let (what, result) = match step.split_once(": ") {
                Some((what, result)) => (what.to_owned(), Some(result.to_owned())),
                None => (step, None),
            };
            match steps.iter_mut().find(|(of, _)| *of == what) {
                Some((_, of)) if *of != result => *of = None,
                Some(_) => {}
                None => steps.push((what, result)),
            }
        }
    }
    let words = |(what, result): (String, Option<String>)| match result {
        Some(result) => format!("{what}: {result}"),
        None => what,
    };
    steps.into_iter().map(words).collect()
}

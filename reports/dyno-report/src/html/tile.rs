//! Headline figures as tiles.

use dyno_view::report::{CellView, QuantileFigure};
use serde::Serialize;

use crate::cell::{Headline, ttft_id};
use crate::quality::PASS_RATE;
use crate::words::Worded;

/// A headline figure.
#[derive(Serialize)]
pub(super) struct Tile {
    label: &'static str,
    value: String,
    unit: String,
    note: String,
    sort: Option<f64>,
}

/// The headline figures of a cell.
pub(super) fn tiles(view: &CellView, headline: &Headline) -> Vec<Tile> {
    let ids = [ttft_id(view), "tpot_ns", "decode_tokens_per_s", "peak_rss_bytes"];
    let figures = headline.figures().into_iter().zip(ids);
    let figures = figures.map(|((label, worded), id)| tile(label, worded, sort_key(view, id)));
    let rate = view.quality.as_ref().and_then(|quality| quality.overall.rate);
    figures.chain(headline.quality.iter().map(|worded| tile(PASS_RATE, worded, rate))).collect()
}

fn tile(label: &'static str, worded: &Worded, sort: Option<f64>) -> Tile {
    let (value, note) = worded.parts();
    let (value, unit) = match value.split_once(' ') {
        Some((value, unit)) => (value.to_owned(), unit.to_owned()),
        None => (value, String::new()),
    };
    Tile { label, value, unit, note: note.trim_matches(['(', ')']).to_owned(), sort }
}

/// The unrounded headline figure.
fn sort_key(view: &CellView, id: &str) -> Option<f64> {
    let metric = crate::cell::metric(view, id)?;
    if id == "peak_rss_bytes" {
        return metric.max;
    }
    metric.quantiles.iter().find(|quantile| quantile.permille == 500).and_then(|quantile| {
        match quantile.figure {
            QuantileFigure::Estimate { value, .. } => Some(value),
            QuantileFigure::TooFew { .. } => None,
        }
    })
}

//! How the pace changes along an answer.

use dyno_stats::{Level, type1};
use dyno_view::chart::{AxisUnit, Chart, ChartForm, Series};

use super::reduce::line;
use super::{axis, chart};
use crate::cell::CellRecord;

/// Gaps that are looked at, at most: more change no line that can be seen.
const MAX_GAPS: usize = 2_000_000;
/// A place with fewer requests is not drawn.
const MIN_REQUESTS: usize = 3;

/// Median and 90th percentile of the gap before the k-th token chunk, over requests.
pub(super) fn timeline(cell: &CellRecord<'_>) -> Chart {
    let by_place = gaps_by_place(cell);
    let n = by_place.iter().map(Vec::len).sum::<usize>() as u64;
    let of = |level: Level| {
        let place =
            |(place, gaps): (usize, &Vec<u64>)| Some([(place + 2) as f64, type1(gaps, level)? as f64]);
        let drawn = by_place.iter().enumerate().take_while(|(_, gaps)| gaps.len() >= MIN_REQUESTS);
        line(&drawn.filter_map(place).collect::<Vec<_>>())
    };
    let series = vec![
        Series { name: "median".to_owned(), points: of(Level::P50), n },
        Series { name: "p90".to_owned(), points: of(Level::P90), n },
    ];
    let axes = (axis("token chunk of the answer", AxisUnit::Count), axis("gap before it", AxisUnit::Ns));
    let caption = "The time between one token chunk and the next, by place in the answer, over all requests that \
                   got so far: a line that rises is a runtime that slows down as the context fills.";
    chart("token-timeline", "Pace along the answer", caption, ChartForm::Line, axes, series)
}

/// Sorted gaps before the second, third … token chunk.
fn gaps_by_place(cell: &CellRecord<'_>) -> Vec<Vec<u64>> {
    let rows = cell.ok_rows();
    let n_gaps: usize = rows.iter().map(|row| cell.record.tokens(*row).len().saturating_sub(1)).sum();
    let every = n_gaps.div_ceil(MAX_GAPS).max(1);
    let mut by_place: Vec<Vec<u64>> = Vec::new();
    for row in rows.into_iter().step_by(every) {
        for (place, gap) in cell.record.tokens(row).gaps().enumerate() {
            if by_place.len() <= place {
                by_place.push(Vec::new());
            }
            by_place[place].push(gap);
        }
    }
    for gaps in &mut by_place {
        gaps.sort_unstable();
    }
    by_place
}

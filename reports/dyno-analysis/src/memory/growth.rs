//! What one more token of context takes: measured, and by the formula of the K and V caches.

use dyno_model::launch::{Dialect, ModelFacts};
use dyno_model::plan::Cell;
use dyno_model::sample::Quantity;
use dyno_stats::theil_sen;
use dyno_view::memory::{BoundedView, GrowthView};
use dyno_view::report::UnitView;

use super::fits::tokens_of;
use super::peaks::PROCESS;
use super::readings::{channel, highest};
use crate::cell::{CellRecord, LaunchRecord};

/// Fewer points of context are no slope: [`theil_sen`] wants four.
const POINTS_NEEDED: usize = 4;
/// House rule: points that lie closer together than this many tokens say more of other allocations than of the context.
const LEAST_SPAN: f64 = 256.0;

/// Bytes of keys and values with so many tokens in the context; `None` where the runtime does not say.
pub(super) fn kv_bytes(model: &ModelFacts, tokens: f64) -> Option<f64> {
    let of_all = model.kv_bytes_per_token? as f64 * tokens;
    let of_window = model.kv_window.map_or(0.0, |window| {
        let kept = if window.is_kept_whole { tokens } else { tokens.min(f64::from(window.tokens)) };
        window.bytes_per_token as f64 * kept
    });
    Some(of_all + of_window)
}

/// Points of context and anonymous bytes.
pub(super) struct Points {
    pub(super) points: Vec<(f64, f64)>,
    /// What they are.
    pub(super) over: &'static str,
}

pub(super) fn growth(cell: &CellRecord<'_>) -> Option<GrowthView> {
    let Points { points, over } = points(cell)?;
    let slope = theil_sen(&points)?;
    let formula = formula(cell, &points);
    let ratio = formula.filter(|formula| *formula > 0.0).map(|formula| BoundedView {
        label: "Measured by formula".to_owned(),
        unit: UnitView::Ratio,
        value: Some(slope.slope / formula),
        low: Some(slope.low / formula),
        high: Some(slope.high / formula),
        note: "1 is a runtime that keeps keys and values and nothing else".to_owned(),
    });
    Some(GrowthView {
        measured: BoundedView {
            label: "For each token of context".to_owned(),
            unit: UnitView::Bytes,
            value: Some(slope.slope),
            low: Some(slope.low),
            high: Some(slope.high),
            note: over.to_owned(),
        },
        formula_bytes_per_token: formula,
        ratio,
        n: points.len() as u64,
    })
}

/// Over contexts of several lengths where there are, else over the requests of the cell.
pub(super) fn points(cell: &CellRecord<'_>) -> Option<Points> {
    let across =
        Points { points: across(cell), over: "anonymous peak of each launch, contexts of several lengths" };
    let within = || Points {
        points: within(cell),
        over: "anonymous bytes after each request that had more context in use than those before",
    };
    [across, within()].into_iter().find(|of| is_enough(&of.points))
}

fn is_enough(points: &[(f64, f64)]) -> bool {
    let xs = || points.iter().map(|point| point.0);
    let span = xs().fold(f64::MIN, f64::max) - xs().fold(f64::MAX, f64::min);
    points.len() >= POINTS_NEEDED && span >= LEAST_SPAN
}

/// The slope of the formula between the least and the most context of the points.
fn formula(cell: &CellRecord<'_>, points: &[(f64, f64)]) -> Option<f64> {
    let model = model(cell)?;
    let least = points.iter().map(|point| point.0).fold(f64::MAX, f64::min);
    let most = points.iter().map(|point| point.0).fold(f64::MIN, f64::max);
    Some((kv_bytes(model, most)? - kv_bytes(model, least)?) / (most - least))
}

/// What a launch of the cell said of its model.
pub(super) fn model<'a>(cell: &CellRecord<'a>) -> Option<&'a ModelFacts> {
    cell.launches.iter().find_map(|launch| launch.row.facts.as_ref()?.model.as_ref())
}

/// Cells that differ in their context only, the cell itself among them, from the shortest context on.
pub(super) fn rungs<'a>(cell: &CellRecord<'a>) -> Vec<CellRecord<'a>> {
    let of = cell.cell;
    let is_like = |other: &&Cell| {
        let is_near = (&other.device, &other.runtime, &other.model) == (&of.device, &of.runtime, &of.model);
        let same = || Cell { id: of.id.clone(), context_tokens: of.context_tokens, ..(*other).clone() };
        is_near && same() == *of
    };
    let mut cells: Vec<&Cell> = cell.record.plan.cells.iter().filter(is_like).collect();
    cells.sort_by_key(|cell| cell.context_tokens);
    cells.into_iter().map(|of| CellRecord::of(cell.record, of)).collect()
}

fn across(cell: &CellRecord<'_>) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    for rung in rungs(cell) {
        for launch in rung.valid_launches() {
            let most =
                rung.ok_rows_of(launch).into_iter().filter_map(|row| tokens_of(rung.record, row)).max();
            let anon = channel(&rung, launch, (Quantity::AnonBytes, PROCESS)).and_then(highest);
            if let (Some(used), Some(anon)) = (most, anon) {
                // A server takes its cache when it starts; our engine takes a page when it is written to.
                let tokens = if is_embedded(&rung) { used } else { u64::from(rung.cell.context_tokens) };
                points.push((tokens as f64, anon as f64));
            }
        }
    }
    points
}

fn within(cell: &CellRecord<'_>) -> Vec<(f64, f64)> {
    if !is_embedded(cell) {
        return Vec::new();
    }
    cell.valid_launches().flat_map(|launch| of_launch(cell, launch)).collect()
}

/// After each request that needed more context than all before it in its launch.
fn of_launch(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Vec<(f64, f64)> {
    let Some(anon) = channel(cell, launch, (Quantity::AnonBytes, PROCESS)) else { return Vec::new() };
    let sent = launch.sent(cell.record);
    let sent_at = &cell.record.requests.sent_at_ns;
    let mut most = 0;
    let mut points = Vec::new();
    for &row in &sent {
        let Some(used) = tokens_of(cell.record, row).filter(|used| *used > most) else { continue };
        most = used;
        let ended_at = cell.record.requests.ended_at_ns[row];
        let next = sent.partition_point(|row| sent_at[*row] < ended_at);
        let next_sent = sent.get(next).map(|row| sent_at[*row]);
        // The first reading after its end says what it left, unless the next request was under way by then.
        let after = anon.get(anon.partition_point(|(at, _)| *at < ended_at));
        if let Some((at, value)) = after
            && next_sent.is_none_or(|sent| *at <= sent || sent.abs_diff(*at) < NEAR_NS)
        {
            points.push((used as f64, *value as f64));
        }
    }
    points
}

/// A next request that was sent so shortly before the reading has not taken memory yet (house rule): a prompt is read in
/// batches, and the first one takes longer.
const NEAR_NS: u64 = 200_000_000;

fn is_embedded(cell: &CellRecord<'_>) -> bool {
    let runtime = cell.record.plan.runtimes.get(&cell.cell.runtime);
    runtime.is_some_and(|runtime| runtime.dialect == Dialect::Embedded)
}

#[cfg(test)]
mod tests {
    use dyno_model::launch::KvWindow;

    use super::*;

    #[test]
    fn keys_and_values_of_gemma_3_270m_by_hand() {
        // Three layers keep all, fifteen a window of 512, 1,024 bytes a token each.
        let window = |is_kept_whole| KvWindow { tokens: 512, bytes_per_token: 15 * 1024, is_kept_whole };
        let model = |is_kept_whole| ModelFacts {
            kv_bytes_per_token: Some(3 * 1024),
            kv_window: Some(window(is_kept_whole)),
            ..ModelFacts::default()
        };
        let check = |model: &ModelFacts, tokens: f64, expected: f64| {
            let found = kv_bytes(model, tokens).expect("the header says it");
            assert!((found - expected).abs() < 1e-6, "{tokens}: {found}");
        };
        check(&model(false), 256.0, 256.0 * 18.0 * 1024.0);
        check(&model(false), 2048.0, 2048.0 * 3.0 * 1024.0 + 512.0 * 15.0 * 1024.0);
        check(&model(true), 2048.0, 2048.0 * 18.0 * 1024.0);
        assert_eq!(kv_bytes(&ModelFacts::default(), 9.0), None);
    }
}

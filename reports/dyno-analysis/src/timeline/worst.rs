//! Which requests are the worst.

use dyno_view::timeline::{Worst, WorstView};

use crate::cell::CellRecord;

/// Rows of the worst requests with what they are the worst of, in the order of [`Worst`].
///
/// Of equal ones the first in the record's order.
pub(super) fn worst(cell: &CellRecord<'_>) -> Vec<(usize, Vec<WorstView>)> {
    let mut found: Vec<(usize, Vec<WorstView>)> = Vec::new();
    let rows = cell.ok_rows();
    for of in [Worst::Ttft, Worst::E2e, Worst::Gap] {
        let mut n = 0;
        let valued = rows.iter().filter_map(|row| Some((*row, value(cell, of, *row)?))).inspect(|_| n += 1);
        let most = valued.reduce(|most, next| if next.1 > most.1 { next } else { most });
        let Some((row, ns)) = most else { continue };
        let view = WorstView { of, ns, n };
        match found.iter_mut().find(|(taken, _)| *taken == row) {
            Some((_, worst)) => worst.push(view),
            None => found.push((row, vec![view])),
        }
    }
    found
}

fn value(cell: &CellRecord<'_>, of: Worst, row: usize) -> Option<u64> {
    let derived = &cell.record.derived[row];
    match of {
        Worst::Ttft => derived.ttft_sched_ns.or(derived.ttft_ns),
        Worst::E2e => derived.e2e_sched_ns.or(derived.e2e_ns),
        Worst::Gap => cell.record.tokens(row).gaps().max(),
    }
}

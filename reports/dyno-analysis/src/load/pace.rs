//! Rates: offered, sent and answered.

use dyno_model::plan::PlannedRun;

use crate::cell::CellRecord;

/// Requests that are due per second, over all runs of a cell: the last one of a run is due when the run's arrivals end.
/// `None` in closed loops.
pub(super) fn offered_per_s(cell: &CellRecord<'_>) -> Option<f64> {
    let runs = cell.record.plan.runs.iter().filter(|run| run.cell == cell.cell.id);
    let last_due = |run: &PlannedRun| run.requests.iter().filter_map(|request| request.due_ns).max();
    let spans = runs.filter_map(|run| Some((run.requests.len() as f64, last_due(run)? as f64)));
    let (n, span_ns) = spans.fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
    (cell.cell.load.is_open() && span_ns > 0.0).then(|| n * 1e9 / span_ns)
}

/// The pace of instants of several launches: gaps between the first and the last of each, over the time that they took.
/// `None` of fewer than two instants, or of no time.
pub(super) fn pace_per_s(launches: &[Vec<u64>]) -> Option<f64> {
    let span = |instants: &Vec<u64>| {
        let (first, last) = (instants.iter().min()?, instants.iter().max()?);
        Some((instants.len() as f64 - 1.0, (last - first) as f64))
    };
    let (n, span_ns) =
        launches.iter().filter_map(span).fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
    (span_ns > 0.0).then(|| n * 1e9 / span_ns)
}

/// Instants at which requests were sent, by launch.
pub(super) fn sent(cell: &CellRecord<'_>) -> Vec<Vec<u64>> {
    let requests = &cell.record.requests;
    let of = |rows: &[usize]| {
        let measured = rows.iter().filter(|row| requests.outcome[**row] != "cancelled");
        measured.map(|row| requests.sent_at_ns[*row]).collect()
    };
    cell.valid_launches().map(|launch| of(&launch.rows)).collect()
}

/// Instants of the last tokens of requests that went well, by launch.
pub(super) fn answered(cell: &CellRecord<'_>) -> Vec<Vec<u64>> {
    let record = cell.record;
    let last = |row: usize| Some(record.requests.sent_at_ns[row].saturating_add(record.derived[row].e2e_ns?));
    cell.valid_launches()
        .map(|launch| cell.ok_rows_of(launch).into_iter().filter_map(last).collect())
        .collect()
}

/// The most requests under way at once in any launch: as the generator says, else from sends and ends.
pub(super) fn max_in_flight(cell: &CellRecord<'_>) -> Option<u64> {
    let requests = &cell.record.requests;
    let counted = |rows: &[usize]| {
        let sends = rows.iter().map(|row| (requests.sent_at_ns[*row], 1_i64));
        let ends = rows.iter().map(|row| (requests.ended_at_ns[*row], -1));
        let mut steps: Vec<(u64, i64)> = sends.chain(ends).collect();
        // One that ends as another is sent is no longer under way.
        steps.sort_unstable();
        let under_way = steps.iter().scan(0, |n, step| {
            *n += step.1;
            Some(*n)
        });
        under_way.max().map(i64::unsigned_abs)
    };
    let of = cell.valid_launches().filter_map(|launch| match &launch.row.load {
        Some(facts) => Some(u64::from(facts.max_in_flight)),
        None => counted(&launch.rows),
    });
    of.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_counts_gaps_and_not_the_wait_before_and_after() {
        // Three answers half a second apart, whenever the first one came: 2 gaps in 1 s.
        let half = |from: u64| vec![from, from + 500_000_000, from + 1_000_000_000];
        assert_eq!(pace_per_s(&[half(7_000_000_000)]), Some(2.0));
        // Two launches: 4 gaps in 2 s; the time between them is nobody's.
        assert_eq!(pace_per_s(&[half(0), half(90_000_000_000)]), Some(2.0));
        assert_eq!(pace_per_s(&[vec![5]]), None);
        assert_eq!(pace_per_s(&[]), None);
    }
}

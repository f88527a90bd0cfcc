//! How many independent observations the requests of a cell are worth.

use dyno_stats::{effective_n, lag1_autocorrelation};

use crate::cell::{CellRecord, LaunchRecord};
use crate::derive::Derived;

/// How many independent observations a metric of requests is worth, where it is fewer than there are (MEASUREMENT
/// §2.5).
///
/// `None` for metrics of launches and counts, and in open loops: there one slow request makes the next ones late, so
/// that neighbours always resemble each other; what is shown is then the distribution of that very schedule.
pub(crate) fn n_effective(metric: &str, cell: &CellRecord<'_>) -> Option<u64> {
    if cell.cell.load.is_open() {
        return None;
    }
    let of = |value: fn(&Derived) -> Option<f64>| {
        cell.valid_launches().map(|launch| series(cell, launch, value)).collect::<Vec<_>>()
    };
    let series = match metric {
        "ttft_ns" => of(|derived| derived.ttft_ns.map(|ns| ns as f64)),
        "tpot_ns" => of(|derived| derived.tpot_ns.map(|ns| ns as f64)),
        "e2e_ns" => of(|derived| derived.e2e_ns.map(|ns| ns as f64)),
        "decode_tokens_per_s" => of(|derived| derived.decode_tokens_per_s),
        "prefill_tokens_per_s" => of(|derived| derived.prefill_tokens_per_s),
        "chunk_gap_ns" => return worth_of(gaps(cell)).1,
        _ => return None,
    };
    worth(&series).1
}

/// Values of a launch's requests that went well, in the order in which they were sent.
fn series(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>, value: fn(&Derived) -> Option<f64>) -> Vec<f64> {
    let record = cell.record;
    let ok = launch.sent(record).into_iter().filter(|row| record.requests.outcome[*row] == "ok");
    ok.filter_map(|row| value(&record.derived[row])).collect()
}

/// Gaps of one answer after the other: all of them together may be more than there is memory for.
fn gaps(cell: &CellRecord<'_>) -> impl Iterator<Item = Vec<f64>> {
    cell.ok_rows().into_iter().map(|row| cell.record.tokens(row).gaps().map(|gap| gap as f64).collect())
}

/// The lag-1 autocorrelation within series of one kind, each weighted by its length, and how many independent
/// observations they all are worth, where that is fewer than there are.
pub(crate) fn worth(series: &[Vec<f64>]) -> (Option<f64>, Option<u64>) {
    worth_of(series.iter())
}

fn worth_of(series: impl Iterator<Item = impl AsRef<[f64]>>) -> (Option<f64>, Option<u64>) {
    let (mut weighted, mut n, mut n_all) = (0.0, 0, 0);
    for one in series {
        let one = one.as_ref();
        // Series that are too short to say anything are taken to be like the others.
        n_all += one.len() as u64;
        if let Some(r1) = lag1_autocorrelation(one) {
            weighted += r1 * one.len() as f64;
            n += one.len() as u64;
        }
    }
    if n == 0 {
        return (None, None);
    }
    let r1 = weighted / n as f64;
    let worth = effective_n(n_all, r1);
    (Some(r1), (r1 > 0.0 && worth < n_all).then_some(worth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_worth_less_and_a_saw_is_not_worth_more() {
        // 1 to 8: mean 4.5, squares 42; products of neighbours' deviations 26.25, so r1 = 0.625. Two such series:
        // 16 · 0.375 / 1.625 = 3.69.
        let ramp: Vec<f64> = (1..=8).map(f64::from).collect();
        let (r1, n) = worth(&[ramp.clone(), ramp]);
        assert!((r1.expect("16 values") - 0.625).abs() < 1e-12, "{r1:?}");
        assert_eq!(n, Some(3));
        let saw = vec![1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0];
        assert_eq!(worth(&[saw]).1, None);
        assert_eq!(worth(&[vec![5.0; 9], vec![1.0, 2.0]]), (None, None));
        assert_eq!(worth(&[]), (None, None));
    }
}

//! Ranks of gaps against a sorted copy of them.

use tempfile::tempdir;

use super::sample::{Asked, End, campaign, launch, ok};
use crate::gap_ranks::GapRanks;
use crate::record::Record;

/// Gaps in ns: alike, within one bin of 4 µs, on both sides of its end, far apart, and two that have no bin of their own.
const GAPS: [u64; 12] =
    [0, 0, 1, 4095, 4096, 4097, 9_000_000, 9_000_001, 50, 4_294_967_295, 7_000_000_000, 5_000_000_000];

fn asked(run: u32) -> Vec<Asked> {
    let mut sent_at = 100_000 * u64::from(run + 1);
    (0..3_u32)
        .map(|idx| {
            // Each request has the gaps in another order, and longer ones.
            let mut at = vec![700];
            for place in 0..GAPS.len() {
                let gap = GAPS[(place * 5 + idx as usize) % GAPS.len()] + u64::from(run) * 3;
                at.push(at[place] + gap);
            }
            let of = ok(idx, sent_at, &at, 8);
            sent_at += 20_000_000_000;
            of
        })
        .collect()
}

#[test]
fn every_rank_is_that_of_a_sorted_copy() {
    let dir = tempdir().expect("a folder");
    let launches: Vec<_> =
        (0..2).map(|run| launch(run, 1, 100_000 * u64::from(run + 1), &asked(run), &End::Valid)).collect();
    let campaign = campaign(dir.path(), 2, &launches);
    let record = Record::read(&campaign).expect("a good record");
    // The second request is left out.
    let rows: Vec<usize> = (0..record.requests.len()).filter(|row| *row != 1).collect();
    let mut sorted: Vec<u64> = rows.iter().flat_map(|row| record.tokens(*row).gaps()).collect();
    sorted.sort_unstable();
    let ranks = GapRanks::of(&record, rows);
    assert_eq!((ranks.len(), sorted.len()), (60, 60), "five requests with twelve gaps each");
    let found: Vec<Option<u64>> = (0..61).map(|place| ranks.at(place)).collect();
    let expected: Vec<Option<u64>> = sorted.iter().copied().map(Some).chain([None]).collect();
    assert_eq!(found, expected);
    assert_eq!((sorted[0], sorted[59]), (0, 7_000_000_003));
}

#[test]
fn no_gaps_have_no_ranks() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path(), 1, &[]);
    let record = Record::read(&campaign).expect("a good record");
    let ranks = GapRanks::of(&record, Vec::new());
    assert_eq!((ranks.len(), ranks.at(0)), (0, None));
}

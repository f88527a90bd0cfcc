//! In which order cells are launched.
//!
//! Repetitions are rounds: every cell is launched once before any is launched again, so that drift of the
//! device (heat, clocks, other load) falls on all cells alike. Within a round the order is drawn from the seed:
//! randomised blocks keep the false-positive rate of a comparison at its nominal value where a fixed order does not
//! (MEASUREMENT §3.5).
//!
//! The arms of a comparison are launched one right after the other: a block is one launch of each, on one device and
//! under one load, in the order that the comparison names.
//!
//! A search for capacity takes its rates by halves instead, and all repetitions of a rate together: its verdict says
//! which rates need not be tried any more.

use std::collections::{BTreeMap, VecDeque};

use dyno_model::ids::CellId;
use dyno_model::load::LoadModel;
use dyno_model::plan::{BlockOrder, Cell, Steering};

use crate::seed::Stream;

/// One launch to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launch {
    pub(crate) cell: CellId,
    pub(crate) repetition: u32,
}

/// All launches in their order; `blocks` is that of arms, where there are some.
pub(crate) fn launches(
    cells: &[Cell],
    repetitions: u32,
    seed: u64,
    steering: Option<&Steering>,
    blocks: Option<BlockOrder>,
) -> Vec<Launch> {
    match (blocks, steering) {
        (Some(order), _) => in_blocks(cells, order, repetitions, seed),
        (None, Some(Steering::Capacity)) => by_halves(cells, repetitions, seed),
        (None, None | Some(Steering::Precision { .. } | Steering::SloDecided { .. })) => {
            interleave(cells, repetitions, seed)
        }
    }
}

/// Cells that differ by their arm only are one comparison. Each block has all comparisons, in an order that is drawn
/// anew, and each of these has all of its arms.
fn in_blocks(cells: &[Cell], order: BlockOrder, blocks: u32, seed: u64) -> Vec<Launch> {
    let mut comparisons: Vec<(Vec<u8>, Vec<&Cell>)> = Vec::new();
    for cell in cells {
        let key = apart_from_arm(cell);
        match comparisons.iter_mut().find(|(known, _)| *known == key) {
            Some((_, arms)) => arms.push(cell),
            None => comparisons.push((key, vec![cell])),
        }
    }
    let mut launches = Vec::with_capacity(cells.len() * blocks as usize);
    for block in 0..blocks {
        let mut turn: Vec<usize> = (0..comparisons.len()).collect();
        Stream::new(seed, "order of comparisons", &block.to_string()).shuffle(&mut turn);
        for idx in turn {
            let mut arms = comparisons[idx].1.clone();
            match order {
                BlockOrder::Abba if block % 2 == 1 => arms.reverse(),
                BlockOrder::Abba => {}
                BlockOrder::Shuffled => {
                    Stream::new(seed, "order of arms", &format!("{block}/{idx}")).shuffle(&mut arms);
                }
            }
            launches.extend(arms.into_iter().map(|cell| Launch { cell: cell.id.clone(), repetition: block }));
        }
    }
    launches
}

/// What cells of one comparison share: device, load and start.
fn apart_from_arm(cell: &Cell) -> Vec<u8> {
    serde_json::to_vec(&(&cell.device, &cell.load, &cell.start, &cell.hold))
        .expect("a cell has only string keys")
}

fn interleave(cells: &[Cell], repetitions: u32, seed: u64) -> Vec<Launch> {
    let mut launches = Vec::with_capacity(cells.len() * repetitions as usize);
    for repetition in 0..repetitions {
        let mut round: Vec<&Cell> = cells.iter().collect();
        Stream::new(seed, "order of cells", &repetition.to_string()).shuffle(&mut round);
        launches.extend(round.into_iter().map(|cell| Launch { cell: cell.id.clone(), repetition }));
    }
    launches
}

/// Cells that differ by their rate only are one search. All searches go forward together, one rate of each, in an
/// order that is drawn anew for each step.
fn by_halves(cells: &[Cell], repetitions: u32, seed: u64) -> Vec<Launch> {
    let mut searches: BTreeMap<Vec<u8>, Vec<&Cell>> = BTreeMap::new();
    for cell in cells {
        searches.entry(apart_from_rate(cell)).or_default().push(cell);
    }
    let mut searches: Vec<VecDeque<&Cell>> = searches
        .into_values()
        .map(|mut cells| {
            cells.sort_by_key(|cell| rate(cell));
            halves(cells.len()).into_iter().map(|place| cells[place]).collect()
        })
        .collect();
    let mut launches = Vec::with_capacity(cells.len() * repetitions as usize);
    for step in 0_u32.. {
        let mut next: Vec<&Cell> = searches.iter_mut().filter_map(VecDeque::pop_front).collect();
        if next.is_empty() {
            break;
        }
        Stream::new(seed, "order of searches", &step.to_string()).shuffle(&mut next);
        for cell in next {
            launches.extend((0..repetitions).map(|repetition| Launch { cell: cell.id.clone(), repetition }));
        }
    }
    launches
}

/// The canonical form of a cell with every rate at 0.
fn apart_from_rate(cell: &Cell) -> Vec<u8> {
    let mut same = Cell { id: CellId(String::new()), ..cell.clone() };
    if let LoadModel::Open { rate_milli_per_s, .. } = &mut same.load {
        *rate_milli_per_s = 0;
    }
    serde_json::to_vec(&same).expect("a cell has only string keys")
}

fn rate(cell: &Cell) -> u64 {
    match &cell.load {
        LoadModel::Open { rate_milli_per_s, .. } => *rate_milli_per_s,
        LoadModel::Single { .. } | LoadModel::Closed { .. } | LoadModel::Trace { .. } => 0,
    }
}

/// The places `0..n` as a search by halves meets them: the middle, then the middles of both halves, and so on; of two
/// middles the lower. Whatever it finds, it meets at most one place of each generation: `⌈log2(n + 1)⌉` in all.
fn halves(n: usize) -> Vec<usize> {
    let mut places = Vec::with_capacity(n);
    let mut parts: VecDeque<_> = std::iter::once(0..n).collect();
    while let Some(part) = parts.pop_front() {
        if part.is_empty() {
            continue;
        }
        let middle = part.start + (part.len() - 1) / 2;
        places.push(middle);
        parts.extend([part.start..middle, middle + 1..part.end]);
    }
    places
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dyno_model::load::Arrivals;

    use super::*;

    fn cells(n: u32) -> Vec<Cell> {
        (0..n).map(|i| cell(&format!("c{i}"), LoadModel::Single { think_ms: i.into() })).collect()
    }

    fn cell(id: &str, load: LoadModel) -> Cell {
        Cell {
            id: CellId(id.to_owned()),
            device: "local".into(),
            runtime: "fake".to_owned(),
            model: "none".to_owned(),
            threads: None,
            context_tokens: 2048,
            load,
            start: dyno_model::start::StartState::AsItIs,
            hold: None,
            arm: None,
        }
    }

    #[test]
    fn every_round_launches_every_cell_once() {
        let launches = interleave(&cells(5), 4, 1);
        assert_eq!(launches.len(), 20);
        for (round, block) in (0..).zip(launches.chunks(5)) {
            assert!(block.iter().all(|launch| launch.repetition == round));
            assert_eq!(block.iter().map(|launch| &launch.cell).collect::<BTreeSet<_>>().len(), 5);
        }
    }

    #[test]
    fn order_follows_the_seed_and_changes_between_rounds() {
        let cells = cells(8);
        let order = |seed| interleave(&cells, 2, seed);
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        let both = order(1);
        let names =
            |launches: &[Launch]| launches.iter().map(|launch| launch.cell.clone()).collect::<Vec<_>>();
        assert_ne!(names(&both[..8]), names(&both[8..]));
    }

    fn arms(names: &str) -> Vec<Cell> {
        let arm = |name: char| Cell {
            arm: Some(name.to_string()),
            ..cell(&name.to_string(), LoadModel::Single { think_ms: 0 })
        };
        names.chars().map(arm).collect()
    }

    fn order_of(launches: &[Launch]) -> String {
        launches.iter().map(|launch| launch.cell.0.as_str()).collect()
    }

    #[test]
    fn abba_by_hand() {
        let check = |names: &str, blocks, expected: &str| {
            let found = launches(&arms(names), blocks, 1, None, Some(BlockOrder::Abba));
            assert_eq!(order_of(&found), expected);
            let block: Vec<u32> = found.iter().map(|launch| launch.repetition).collect();
            let expected: Vec<u32> = (0..blocks).flat_map(|n| vec![n; names.len()]).collect();
            assert_eq!(block, expected);
        };
        check("AB", 4, "ABBAABBA");
        check("ABC", 3, "ABCCBAABC");
    }

    /// The permutations of Fisher–Yates over SplitMix64, worked out by `tests/golden/blocks.py`.
    #[test]
    fn drawn_blocks_by_other_means() {
        let found = launches(&arms("ABC"), 6, 7, None, Some(BlockOrder::Shuffled));
        assert_eq!(order_of(&found), "BACBACACBCBAACBCBA");
    }

    #[test]
    fn arms_of_one_block_stand_side_by_side_on_each_device_and_load() {
        let mut cells = Vec::new();
        for device in ["d", "e"] {
            for arm in ["A", "B"] {
                for think_ms in [0, 1] {
                    cells.push(Cell {
                        device: device.into(),
                        arm: Some(arm.to_owned()),
                        ..cell(&format!("{device}{think_ms}{arm}"), LoadModel::Single { think_ms })
                    });
                }
            }
        }
        for order in [BlockOrder::Abba, BlockOrder::Shuffled] {
            let found = launches(&cells, 10, 1, None, Some(order));
            assert_eq!(found.len(), 80);
            for (n, block) in (0..).zip(found.chunks(8)) {
                assert!(block.iter().all(|launch| launch.repetition == n));
                assert_eq!(block.iter().map(|launch| &launch.cell).collect::<BTreeSet<_>>().len(), 8);
                for pair in block.chunks(2) {
                    assert_eq!(pair[0].cell.0[..2], pair[1].cell.0[..2]);
                    let is_backwards = pair[0].cell.0.ends_with('B');
                    assert!(order == BlockOrder::Shuffled || is_backwards == (n % 2 == 1));
                }
            }
        }
    }

    #[test]
    fn halves_by_hand() {
        assert_eq!(halves(7), [3, 1, 5, 0, 2, 4, 6]);
        assert_eq!(halves(16), [7, 3, 11, 1, 5, 9, 13, 0, 2, 4, 6, 8, 10, 12, 14, 15]);
        assert_eq!((halves(0), halves(1), halves(2)), (vec![], vec![0], vec![0, 1]));
    }

    /// A search that goes up after a pass and down after a fail meets no more than `⌈log2(n + 1)⌉` rates, wherever
    /// the limit is, and finds it.
    #[test]
    fn a_search_by_halves_takes_the_logarithm_of_its_rates() {
        for n in 1..=70 {
            let most = (1..64).find(|k| (1_usize << k) > n).expect("a power of 2 above n");
            for limit in 0..=n {
                // Places below `limit` pass.
                let (mut low, mut high, mut n_tried) = (0, n, 0);
                for place in halves(n) {
                    if (low..high).contains(&place) {
                        n_tried += 1;
                        if place < limit { low = place + 1 } else { high = place }
                    }
                }
                assert_eq!((low, high), (limit, limit), "{n} rates");
                assert!(n_tried <= most, "{n_tried} of {n}");
            }
        }
    }

    #[test]
    fn a_search_for_capacity_takes_rates_by_halves_and_searches_together() {
        let open = |rate| LoadModel::Open {
            arrivals: Arrivals::Poisson,
            rate_milli_per_s: rate,
            ramp_to_milli_per_s: None,
            n_requests: 5,
            max_in_flight: None,
        };
        let mut cells = Vec::new();
        for model in ["a", "b"] {
            for rate in [4, 1, 2] {
                cells.push(Cell { model: model.to_owned(), ..cell(&format!("{model}{rate}"), open(rate)) });
            }
        }
        let found = launches(&cells, 2, 1, Some(&Steering::Capacity), None);
        assert_eq!(found, launches(&cells, 2, 1, Some(&Steering::Capacity), None));
        let of = |model: &str| -> Vec<(String, u32)> {
            let of_model = found.iter().filter(|launch| launch.cell.0.starts_with(model));
            of_model.map(|launch| (launch.cell.0[1..].to_owned(), launch.repetition)).collect()
        };
        let expected = [("2", 0), ("2", 1), ("1", 0), ("1", 1), ("4", 0), ("4", 1)];
        let expected = expected.map(|(rate, repetition)| (rate.to_owned(), repetition));
        assert_eq!((of("a"), of("b")), (expected.to_vec(), expected.to_vec()));
        // Four launches a step: both searches at the same rate.
        for step in found.chunks(4) {
            assert_eq!(step.iter().map(|launch| &launch.cell.0[1..]).collect::<BTreeSet<_>>().len(), 1);
        }
    }
}

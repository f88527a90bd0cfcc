//! In which order cells are launched.
//!
//! Repetitions are rounds: every cell is launched once before any is launched again, so that drift of the
//! device (heat, clocks, other load) falls on all cells alike. Within a round the order is drawn from the seed:
//! randomised blocks keep the false-positive rate of a comparison at its nominal value where a fixed order does not
//! (MEASUREMENT §3.5).

use dyno_model::ids::CellId;
use dyno_model::plan::Cell;

use crate::seed::Stream;

/// One launch to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launch {
    pub(crate) cell: CellId,
    pub(crate) repetition: u32,
}

/// All launches in their order.
pub(crate) fn interleave(cells: &[Cell], repetitions: u32, seed: u64) -> Vec<Launch> {
    let mut launches = Vec::with_capacity(cells.len() * repetitions as usize);
    for repetition in 0..repetitions {
        let mut round: Vec<&Cell> = cells.iter().collect();
        Stream::new(seed, "order of cells", &repetition.to_string()).shuffle(&mut round);
        launches.extend(round.into_iter().map(|cell| Launch { cell: cell.id.clone(), repetition }));
    }
    launches
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dyno_model::load::LoadModel;

    use super::*;

    fn cells(n: u32) -> Vec<Cell> {
        (0..n)
            .map(|i| Cell {
                id: CellId(format!("c{i}")),
                device: "local".into(),
                runtime: "fake".to_owned(),
                model: "none".to_owned(),
                threads: None,
                context_tokens: 2048,
                load: LoadModel::Single { think_ms: i.into() },
                start: dyno_model::start::StartState::AsItIs,
            })
            .collect()
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
}

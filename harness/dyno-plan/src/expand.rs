//! The matrix as cells: device × runtime × model × threads × context × load × start.

use dyno_model::care::Hold;
use dyno_model::ids::{CellId, DeviceId};
use dyno_model::load::LoadModel;
use dyno_model::plan::Cell;
use dyno_model::start::StartState;
use serde::Serialize;

/// The values of each side of the matrix, none of them empty or with doubles.
#[derive(Debug, Clone)]
pub(crate) struct Matrix {
    pub(crate) devices: Vec<DeviceId>,
    pub(crate) runtimes: Vec<String>,
    /// With the context length of each.
    pub(crate) models: Vec<(String, u32)>,
    /// `None` is the runtime's own choice.
    pub(crate) threads: Vec<Option<u32>>,
    /// Empty: each model's own.
    pub(crate) context_tokens: Vec<u32>,
    pub(crate) loads: Vec<LoadModel>,
    pub(crate) starts: Vec<StartState>,
    /// How long every load goes on.
    pub(crate) hold: Option<Hold>,
}

/// The canonical form of a cell, which its id is the hash of: keys in this order, always all of them but for a start
/// that is as it is and a load that is not held.
#[derive(Serialize)]
struct Canonical<'c> {
    device: &'c DeviceId,
    runtime: &'c str,
    model: &'c str,
    threads: Option<u32>,
    context_tokens: u32,
    load: &'c LoadModel,
    #[serde(skip_serializing_if = "StartState::is_as_it_is")]
    start: StartState,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<Hold>,
}

/// All cells, the first side of the matrix varying slowest.
pub(crate) fn expand(matrix: &Matrix) -> Vec<Cell> {
    let mut cells = Vec::new();
    for device in &matrix.devices {
        for runtime in &matrix.runtimes {
            for (model, own_context) in &matrix.models {
                let own = [*own_context];
                let contexts =
                    if matrix.context_tokens.is_empty() { &own } else { matrix.context_tokens.as_slice() };
                for threads in &matrix.threads {
                    for context_tokens in contexts {
                        for load in &matrix.loads {
                            for start in &matrix.starts {
                                let point = Canonical {
                                    device,
                                    runtime,
                                    model,
                                    threads: *threads,
                                    context_tokens: *context_tokens,
                                    load,
                                    start: *start,
                                    hold: matrix.hold,
                                };
                                cells.push(cell(&point));
                            }
                        }
                    }
                }
            }
        }
    }
    cells
}

fn cell(point: &Canonical<'_>) -> Cell {
    let canonical = serde_json::to_vec(point).expect("a cell has only string keys");
    Cell {
        id: CellId::of(&canonical),
        device: point.device.clone(),
        runtime: point.runtime.to_owned(),
        model: point.model.to_owned(),
        threads: point.threads,
        context_tokens: point.context_tokens,
        load: point.load.clone(),
        start: point.start,
        hold: point.hold,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn matrix(sizes: &[usize; 6]) -> Matrix {
        let names = |noun: &str, n: usize| (0..n).map(|i| format!("{noun}{i}")).collect::<Vec<_>>();
        Matrix {
            devices: names("d", sizes[0]).into_iter().map(DeviceId).collect(),
            runtimes: names("r", sizes[1]),
            models: names("m", sizes[2]).into_iter().map(|name| (name, 2048)).collect(),
            threads: (0..sizes[3]).map(|n| (n > 0).then_some(n as u32)).collect(),
            context_tokens: (0..sizes[4]).map(|n| 512 << n).collect(),
            loads: (0..sizes[5]).map(|n| LoadModel::Single { think_ms: n as u64 }).collect(),
            starts: vec![StartState::AsItIs],
            hold: None,
        }
    }

    proptest! {
        #[test]
        fn there_is_one_cell_for_each_combination(sizes in prop::array::uniform6(1_usize..4)) {
            let cells = expand(&matrix(&sizes));
            prop_assert_eq!(cells.len(), sizes.iter().product::<usize>());
            let ids: BTreeSet<_> = cells.iter().map(|cell| &cell.id).collect();
            prop_assert_eq!(ids.len(), cells.len());
        }
    }

    #[test]
    fn id_is_the_hash_of_the_other_fields() {
        let cells = expand(&matrix(&[1, 1, 1, 1, 0, 1]));
        // sha256sum of the text between the quotes, its first 16 digits.
        let text = r#"{"device":"d0","runtime":"r0","model":"m0","threads":null,"context_tokens":2048,"load":{"kind":"single","think_ms":0}}"#;
        assert_eq!(cells[0].id, CellId::of(text.as_bytes()));
        assert_eq!(cells[0].context_tokens, 2048);
    }
}

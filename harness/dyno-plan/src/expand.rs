//! The matrix as cells: device × runtime × model × threads × context × load × start; or device × arm × load × start.

use dyno_model::care::Hold;
use dyno_model::ids::{CellId, DeviceId};
use dyno_model::load::LoadModel;
use dyno_model::plan::Cell;
use dyno_model::start::StartState;
use serde::Serialize;

/// What a launch is of, on whatever device and under whatever load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) runtime: String,
    pub(crate) model: String,
    /// `None` is the runtime's own choice.
    pub(crate) threads: Option<u32>,
    pub(crate) context_tokens: u32,
    /// The name of the arm that it is; `None` in a plain matrix.
    pub(crate) arm: Option<String>,
}

/// The sides of a plain matrix that say what is launched, none of them with doubles.
#[derive(Debug, Clone)]
pub(crate) struct Sides {
    pub(crate) runtimes: Vec<String>,
    /// With the context length of each.
    pub(crate) models: Vec<(String, u32)>,
    /// Empty: the runtime's own choice.
    pub(crate) threads: Vec<u32>,
    /// Empty: each model's own.
    pub(crate) context_tokens: Vec<u32>,
}

impl Sides {
    /// All combinations, the first side varying slowest.
    pub(crate) fn points(&self) -> Vec<Point> {
        let threads: Vec<Option<u32>> = if self.threads.is_empty() {
            vec![None]
        } else {
            self.threads.iter().copied().map(Some).collect()
        };
        let mut points = Vec::new();
        for runtime in &self.runtimes {
            for (model, own_context) in &self.models {
                let own = [*own_context];
                let contexts =
                    if self.context_tokens.is_empty() { &own } else { self.context_tokens.as_slice() };
                for threads in &threads {
                    for context_tokens in contexts {
                        points.push(Point {
                            runtime: runtime.clone(),
                            model: model.clone(),
                            threads: *threads,
                            context_tokens: *context_tokens,
                            arm: None,
                        });
                    }
                }
            }
        }
        points
    }
}

/// The values of each side of the matrix, none of them empty or with doubles.
#[derive(Debug, Clone)]
pub(crate) struct Matrix {
    pub(crate) devices: Vec<DeviceId>,
    pub(crate) points: Vec<Point>,
    pub(crate) loads: Vec<LoadModel>,
    pub(crate) starts: Vec<StartState>,
    /// How long every load goes on.
    pub(crate) hold: Option<Hold>,
}

/// The canonical form of a cell, which its id is the hash of: keys in this order, always all of them but for a start
/// that is as it is, a load that is not held, and the arm of a plain matrix.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    arm: Option<&'c str>,
}

/// All cells, the first side of the matrix varying slowest.
pub(crate) fn expand(matrix: &Matrix) -> Vec<Cell> {
    let mut cells = Vec::new();
    for device in &matrix.devices {
        for point in &matrix.points {
            for load in &matrix.loads {
                for start in &matrix.starts {
                    cells.push(cell(&Canonical {
                        device,
                        runtime: &point.runtime,
                        model: &point.model,
                        threads: point.threads,
                        context_tokens: point.context_tokens,
                        load,
                        start: *start,
                        hold: matrix.hold,
                        arm: point.arm.as_deref(),
                    }));
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
        arm: point.arm.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn matrix(sizes: &[usize; 6]) -> Matrix {
        let names = |noun: &str, n: usize| (0..n).map(|i| format!("{noun}{i}")).collect::<Vec<_>>();
        let launched = Sides {
            runtimes: names("r", sizes[1]),
            models: names("m", sizes[2]).into_iter().map(|name| (name, 2048)).collect(),
            threads: (1..=sizes[3]).map(|n| n as u32).collect(),
            context_tokens: (0..sizes[4]).map(|n| 512 << n).collect(),
        };
        Matrix {
            devices: names("d", sizes[0]).into_iter().map(DeviceId).collect(),
            points: launched.points(),
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
        let cells = expand(&matrix(&[1, 1, 1, 0, 0, 1]));
        // sha256sum of the text between the quotes, its first 16 digits.
        let text = r#"{"device":"d0","runtime":"r0","model":"m0","threads":null,"context_tokens":2048,"load":{"kind":"single","think_ms":0}}"#;
        assert_eq!(cells[0].id, CellId::of(text.as_bytes()));
        assert_eq!(cells[0].context_tokens, 2048);
    }

    #[test]
    fn the_arm_is_part_of_the_id() {
        let mut matrix = matrix(&[1, 1, 1, 0, 0, 1]);
        let point = matrix.points[0].clone();
        let arm = |name: &str| Point { arm: Some(name.to_owned()), ..point.clone() };
        matrix.points = vec![arm("r0"), arm("r0 #2")];
        let cells = expand(&matrix);
        let text = r#"{"device":"d0","runtime":"r0","model":"m0","threads":null,"context_tokens":2048,"load":{"kind":"single","think_ms":0},"arm":"r0 #2"}"#;
        assert_eq!(cells[1].id, CellId::of(text.as_bytes()));
        assert_ne!(cells[0].id, cells[1].id);
        assert_eq!(cells[1].arm.as_deref(), Some("r0 #2"));
    }
}

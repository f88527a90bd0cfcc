//! Whether the runtime spoke to anybody beyond its machine.

use dyno_view::report::Finding;

use super::{some_of, warning};
use crate::cell::CellRecord;
use crate::network::beyond;

pub(super) fn findings(cell: &CellRecord<'_>) -> Vec<Finding> {
    let mut seen: Vec<String> = Vec::new();
    let mut n_launches = 0;
    for launch in &cell.launches {
        let Some(watch) = &launch.row.network else { continue };
        let sentences = beyond(launch.row, watch);
        n_launches += usize::from(!sentences.is_empty());
        seen.extend(sentences.into_iter().map(|sentence| format!("{}: {sentence}", launch.name())));
    }
    if seen.is_empty() {
        return Vec::new();
    }
    let of = cell.launches.len();
    vec![warning(format!(
        "the runtime had connections beyond its machine, in {n_launches} of {of} launches: {}",
        some_of(&seen)
    ))]
}

//! What memory allows: whether the model fits, how long a context may be, and rates that cannot be.

use dyno_view::memory::{FitsWord, LadderView, MemoryView};
use dyno_view::report::Finding;
use dyno_view::roofline::RooflineWord;

use super::{invalid, note, warning};
use crate::cell::CellRecord;
use crate::memory::memory;
use crate::roofline::roofline;

pub(super) fn findings(cell: &CellRecord<'_>) -> Vec<Finding> {
    let memory = memory(cell);
    let mut findings = Vec::new();
    findings.extend(memory.as_ref().and_then(unfit));
    findings.extend(memory.and_then(|view| too_long(cell, &view.ladder?)));
    findings.extend(ceiling(cell));
    findings
}

fn unfit(view: &MemoryView) -> Option<Finding> {
    (view.fits == FitsWord::DoesNotFit)
        .then(|| warning(format!("the model does not fit this device's memory: {}", view.reasons.join("; "))))
}

/// Told by the rung that failed first.
fn too_long(cell: &CellRecord<'_>, ladder: &LadderView) -> Option<Finding> {
    let failed = ladder.first_failed.filter(|tokens| *tokens == cell.cell.context_tokens)?;
    let how = ladder.rungs.iter().find(|rung| rung.context_tokens == failed)?.failed.as_deref()?;
    let largest = match ladder.largest_ok {
        Some(tokens) => format!("the longest that went well has {tokens}"),
        None => "no shorter one went well".to_owned(),
    };
    Some(warning(format!("a context of {failed} tokens did not go well ({how}); {largest}")))
}

fn ceiling(cell: &CellRecord<'_>) -> Option<Finding> {
    let view = roofline(cell)?;
    match view.verdict {
        RooflineWord::Impossible => Some(invalid(format!("decode is above its ceiling: {}", view.why))),
        RooflineWord::FromCache => Some(note(format!("decode is above its ceiling: {}", view.why))),
        RooflineWord::Below | RooflineWord::Unknown => None,
    }
}

//! Memory of a cell (MEASUREMENT §6): peaks apart, pressure, growth with the context, and whether it fits.

mod chart;
mod fits;
mod growth;
mod ladder;
mod peaks;
mod readings;

use dyno_view::memory::MemoryView;

use crate::cell::CellRecord;

pub(crate) use chart::growth_chart;

/// The memory of a cell; `None` where no launch has a reading of its runtime's.
pub(crate) fn memory(cell: &CellRecord<'_>) -> Option<MemoryView> {
    let figures = peaks::figures(cell);
    if figures.iter().all(|figure| figure.value.is_none()) {
        return None;
    }
    let (fits, reasons) = fits::fits(cell);
    Some(MemoryView { fits, reasons, figures, growth: growth::growth(cell), ladder: ladder::ladder(cell) })
}

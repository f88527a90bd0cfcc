//! Who says which runs of a plan may be left out, because of what is in the record already.

use dyno_model::event::Event;
use dyno_model::ids::RunId;

/// Judges one device's runs as a session takes them. It sees all events of the device that come into the record, those
/// of a lost link and of an earlier contact, too, and is asked for each run in the plan's order.
pub trait Steer: Send {
    /// Takes an event that is in the record. The same one may come again.
    fn saw(&mut self, event: &Event);

    /// Whether the next run in the plan's order has to be measured. What it leaves out, it is told no more of: the
    /// record says so.
    fn next(&mut self, run: RunId) -> Wanted;
}

/// Whether a run is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// It is.
    Needed,
    /// What is in the record decides already.
    LeftOut {
        /// What decides, in words for the record.
        why: String,
    },
}

/// Measures all that is planned.
#[derive(Debug, Clone, Copy, Default)]
pub struct TakeAll;

impl Steer for TakeAll {
    fn saw(&mut self, _event: &Event) {}

    fn next(&mut self, _run: RunId) -> Wanted {
        Wanted::Needed
    }
}

//! External meters beside the launches of a device.
//!
//! Each meter is read by an agent: that of the measured device, or one on another machine, which has a link and a clock
//! of its own. Rows are taken after each launch and go into the record as they are, beside how far that clock was from
//! the device's. Before the first launch and after the last the device knocks: it works and rests in a known pattern,
//! by which it is seen whether the meter shows the load when it was. A meter that fails costs its rows, and nothing
//! else.

mod align;
mod contact;
mod reading;
mod rows;

pub use reading::MeterReader;

pub(crate) use reading::Meters;

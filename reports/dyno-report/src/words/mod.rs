//! Numbers, units and plurals for people.
//!
//! A number is printed with its unit and never with more digits than its interval supports.
//! Sizes use binary multiples (1 KiB = 1,024 B) everywhere; rates and times use decimal ones.

mod change;
mod clock;
mod column;
mod figure;
mod latency;
mod number;
mod text;
mod unit;

pub use change::{change, confidence, p_value, percent};
pub use clock::clock;
pub use column::{Column, Entry, column};
pub use figure::{Worded, figure, quantile, quantile_name, range, ranged, value};
pub use latency::{latency, latency_value};
pub use number::{decimals_for, grouped};
pub use text::{count, duration, fact, instant, plural, recorded, short_digest, span_ns};
pub use unit::Multiple;

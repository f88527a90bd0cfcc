//! External meters: what a plug, an analyser or a shunt says of a device's power.
//!
//! A [`Meter`] is one thread that reads one source (HTTP, MQTT, a program's lines, a file, a chip of this machine),
//! understands each reading by what the plan says of it, and keeps rows until they are taken. A source that fails is
//! sought again, less and less often; the rows that are missing meanwhile are missing.
//!
//! **Invariant:** whatever a source sends, a reading becomes a row or a count, in bounded memory and time.

mod clock;
mod error;
mod file;
mod http;
mod hwmon;
mod intake;
mod lines;
mod mqtt;
mod packet;
mod reader;
mod reading;
mod source;
mod sys;

pub use error::MeterError;
pub use reader::{Meter, Taken};

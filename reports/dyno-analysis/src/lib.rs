//! From a record to answers.
//!
//! A report is a pure function of the record: no clock is read, nothing is drawn, every order is fixed. The same
//! journal gives the same report, byte for byte.

mod answers;
mod cell;
mod charts;
mod clock;
mod comparison;
mod contacts;
mod derive;
mod energy;
mod error;
mod export;
mod facts;
mod findings;
mod heat;
mod independence;
mod load;
mod machine;
mod memory;
mod metrics;
mod observations;
mod planned;
mod present;
mod proof;
mod record;
mod roofline;
mod start;
mod steady;
mod steering;
mod throughput;

pub use derive::{Answer, Derived, derive};
pub use error::AnalysisError;
pub use export::requests_csv;
pub use present::report;
pub use steering::{Judge, Need};

#[cfg(test)]
mod tests;

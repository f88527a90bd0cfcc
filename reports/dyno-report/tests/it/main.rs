//! Every format, from a report to its bytes.

mod common;
mod comparison;
mod golden;
mod hostile;

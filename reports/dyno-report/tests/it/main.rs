//! Every format, from a report to its bytes.

mod believed;
mod common;
mod comparison;
mod golden;
mod hostile;
mod load;

//! Every format, from a report to its bytes.

mod believed;
mod common;
mod comparison;
mod energy;
mod golden;
mod heat;
mod hostile;
mod load;

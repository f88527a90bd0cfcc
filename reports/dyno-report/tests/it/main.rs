//! Every format, from a report to its bytes.

mod believed;
mod common;
mod comparison;
mod compliance;
mod energy;
mod golden;
mod heat;
mod hostile;
mod hostile_verdicts;
mod load;
mod picture;
mod recommend;
mod size;
mod timeline;
mod together;
mod verdicts;

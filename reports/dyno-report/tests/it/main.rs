//! Every format, from a report to its bytes.

mod accuracy;
mod believed;
mod canary;
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
mod quality;
mod recommend;
mod size;
mod timeline;
mod together;
mod verdicts;

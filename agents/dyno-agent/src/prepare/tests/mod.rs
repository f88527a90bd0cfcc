//! Devices of plain files and scripted programs, crashes in between, and this machine.

mod bench;
mod clocks;
mod crash;
mod machine;
mod note;
mod programs;

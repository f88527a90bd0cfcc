//! A session whose device is measured from outside, by scripted agents that share one world: the device works and
//! rests, and the meter shows it by a clock of its own.

mod beside;
mod record;
mod world;

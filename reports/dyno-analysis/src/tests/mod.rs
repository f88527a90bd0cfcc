//! A whole report from hand-written events with figures computed by hand.
#![expect(clippy::float_cmp, reason = "whole numbers of ns are exact in f64")]

mod arms;
mod battery;
mod believed;
mod calibration;
mod charts;
mod compare;
mod comparison;
mod compliance;
mod compliance_bench;
mod compliance_words;
mod energy;
mod findings;
mod gap_ranks;
mod heat;
mod history;
mod imported;
mod load;
mod memory;
mod queue;
mod recommend;
mod refused;
mod report;
mod sample;
mod start;
mod steady;
mod steering;
mod timeline;
mod together;
mod trace;

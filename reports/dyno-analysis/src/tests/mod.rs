//! A whole report from hand-written events with figures computed by hand.
#![expect(clippy::float_cmp, reason = "whole numbers of ns are exact in f64")]

mod answers;
mod arms;
mod battery;
mod believed;
mod calibration;
mod canary;
mod charts;
mod compare;
mod comparison;
mod compliance;
mod compliance_bench;
mod compliance_quality;
mod compliance_words;
mod energy;
mod findings;
mod gap_ranks;
mod graded;
mod heat;
mod history;
mod imported;
mod load;
mod memory;
mod network;
mod quality;
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

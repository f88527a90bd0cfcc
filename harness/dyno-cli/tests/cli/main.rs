//! The `edgedyno` command as a person or a script meets it: exit codes, stdout, stderr, files.
//!
//! One binary for all of it: each that links the tables' library costs time and disk.

mod accuracy;
mod bad_input;
mod bisect;
mod canary;
mod check;
mod compare_arms;
mod crash;
mod devices;
mod egress;
mod evidence;
mod fake_runtime;
mod load;
mod pages;
mod played;
mod prompts;
mod provenance;
mod real_model;
mod recommend;
mod sandbox;
mod sensors;
mod several;
mod verdicts;

//! One file for each subcommand.

pub(crate) mod baseline;
pub(crate) mod bisect;
pub(crate) mod calibrate;
pub(crate) mod campaign;
pub(crate) mod canary;
pub(crate) mod charts;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod devices;
pub(crate) mod doctor;
pub(crate) mod evidence;
pub(crate) mod export;
pub(crate) mod history;
pub(crate) mod models;
pub(crate) mod pages;
pub(crate) mod plan;
pub(crate) mod prompts;
pub(crate) mod provenance;
pub(crate) mod recommend;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod trace;

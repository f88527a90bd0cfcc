//! One file for each subcommand.

pub(crate) mod campaign;
pub(crate) mod devices;
pub(crate) mod doctor;
pub(crate) mod models;
pub(crate) mod pages;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod run;

//! Whether answers are right: what graders say, by cell and category, beside speed and energy.
//!
//! The population is prompts: several answers to one prompt are no independent observations of it. `docs/quality.md` has
//! the rules.

mod cell;
mod charts;
mod failures;
mod front;
mod frontier;
mod grader;
mod grades;
mod rate;

pub(crate) use cell::quality;
pub(crate) use frontier::quality_table;
pub(crate) use grades::{Grades, findings};

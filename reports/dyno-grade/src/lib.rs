//! Whether an answer passes: a prompt's [`Grader`](dyno_model::grader::Grader), compiled once and asked many times.
//!
//! Everything here is pure, and bounded whatever the answer is: an answer may be megabytes of anything.
//! What each kind of grader accepts is written in `prompts/README.md`.
//!
//! ```
//! use dyno_grade::Judge;
//! use dyno_model::grader::Grader;
//!
//! let judge = Judge::new(&Grader::Numeric { expected: 62.0, tolerance: 0.0 })?;
//! assert_eq!(judge.judge("July has 31 and August has 31, so 62."), Some(true));
//! assert_eq!(judge.judge("I do not know."), Some(false));
//! # Ok::<(), dyno_grade::GraderError>(())
//! ```

mod choice;
mod error;
mod json;
mod judge;
mod number;
mod refusal;
mod schema;
mod schema_cost;
mod syntax;
mod text;

pub use error::GraderError;
pub use judge::{Judge, MAX_ANSWER_BYTES};
pub use refusal::declines;

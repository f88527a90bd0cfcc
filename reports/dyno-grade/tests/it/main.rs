//! Graders as people who write prompts and models that answer them meet them.

mod bad_graders;
mod hostile_answers;
mod kinds;

use dyno_grade::Judge;
use dyno_model::grader::Grader;

/// The grader that a prompt's JSON has.
fn grader(json: &str) -> Grader {
    serde_json::from_str(json).expect("a grader")
}

/// Ready to be asked.
fn judge(json: &str) -> Judge {
    Judge::new(&grader(json)).expect("a grader that compiles")
}

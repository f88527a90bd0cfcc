//! How an error reaches a person: what failed, why, and what to do next.

use std::fmt::Write as _;

use dyno_model::blame::Classify;

use crate::exit::Exit;

/// An error on its way out, with its exit code and hints.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Exit code.
    pub(crate) exit: Exit,
    /// The error and its causes.
    pub(crate) error: anyhow::Error,
    /// What to do next.
    pub(crate) hints: Vec<String>,
}

impl<E: Classify + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { exit: error.blame().into(), hints: error.hints(), error: error.into() }
    }
}

impl Failure {
    /// A failure that the person can mend.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, error: anyhow::anyhow!(message.into()), hints: vec![hint.into()] }
    }

    /// A failure of reading or writing `what`.
    pub(crate) fn io(what: impl Into<String>, source: std::io::Error, hint: impl Into<String>) -> Self {
        Self {
            exit: Exit::Lab,
            error: anyhow::Error::new(source).context(what.into()),
            hints: vec![hint.into()],
        }
    }
}

/// The text for stderr: `error: …`, causes, `hint: …`.
pub(crate) fn render(failure: &Failure) -> String {
    let mut text = String::new();
    let mut said = String::new();
    for (depth, cause) in failure.error.chain().enumerate() {
        let words = visible(&cause.to_string());
        if said.contains(&words) {
            continue;
        }
        let lead = if depth == 0 { "error" } else { "  cause" };
        writeln!(text, "{lead}: {words}").expect("writing to a String cannot fail");
        said.push_str(&words);
    }
    for hint in &failure.hints {
        writeln!(text, "hint: {}", visible(hint)).expect("writing to a String cannot fail");
    }
    text
}

/// The words without what could move the cursor: a device's or a file's words end here, too.
fn visible(words: &str) -> String {
    words.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_why_and_what_next() {
        let source = std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
        let failure = Failure::io("cannot read devices.toml", source, "write one");
        assert_eq!(
            render(&failure),
            "error: cannot read devices.toml\n  cause: no such file\nhint: write one\n"
        );
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        let failure = Failure::usage("device said \u{1b}[2J", "look");
        assert!(!render(&failure).contains('\u{1b}'));
    }
}

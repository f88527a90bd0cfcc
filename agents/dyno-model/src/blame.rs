//! Who must act on an error.

/// Who must act when something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The words that a person wrote: a file, a flag, a path.
    User,
    /// The lab: a device, a link, a disk, a network.
    Lab,
    /// The LLM runtime or the model under test.
    Runtime,
    /// edgedyno itself.
    Harness,
}

/// What every error of ours can say about itself.
pub trait Classify: std::error::Error {
    /// Who must act.
    fn blame(&self) -> Blame;
    /// Whether trying again may help, nothing else having changed.
    fn is_transient(&self) -> bool {
        false
    }
    /// What to do next, only where it is sure; printed on `hint:` lines.
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}

/// An error and its causes in one line, outermost first.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

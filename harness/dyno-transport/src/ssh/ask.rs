//! Questions that only a person can answer.

/// Asks the person who runs edgedyno.
///
/// The transport calls it from threads of its own; the answer may take as long as the person does.
pub trait Ask: Send + Sync {
    /// Whether the person says yes.
    fn confirm(&self, question: &str) -> bool;
    /// A secret, typed without echo; `None` when there is nobody to ask or the person gives none.
    fn secret(&self, prompt: &str) -> Option<String>;
}

/// Nobody is there: no to all questions, and no secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoAsk;

impl Ask for NoAsk {
    fn confirm(&self, _question: &str) -> bool {
        false
    }

    fn secret(&self, _prompt: &str) -> Option<String> {
        None
    }
}

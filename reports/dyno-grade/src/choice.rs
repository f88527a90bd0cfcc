//! The label that an answer to a multiple-choice question chooses.

/// The first capital letter of A to Z that stands alone; the pronoun of `I think` only where `I` is a label.
pub(crate) fn first_label(answer: &str, expected: char) -> Option<char> {
    let mut before = None;
    let mut chars = answer.chars().peekable();
    while let Some(c) = chars.next() {
        let alone = c.is_ascii_uppercase()
            && !before.is_some_and(char::is_alphanumeric)
            && !chars.peek().is_some_and(|next| next.is_alphanumeric());
        if alone && (c != 'I' || expected == 'I' || !is_pronoun(chars.clone())) {
            return Some(c);
        }
        before = Some(c);
    }
    None
}

/// Whether what follows an `I` goes on as a sentence does: `I think`, `I'm`.
fn is_pronoun(mut rest: impl Iterator<Item = char>) -> bool {
    match rest.next() {
        Some(' ') => rest.next().is_some_and(char::is_lowercase),
        Some('\'' | '’') => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_capital_letter_that_stands_alone() {
        let check = |answer: &str, expected| assert_eq!(first_label(answer, 'B'), expected, "{answer}");
        check("B", Some('B'));
        check("**B)** the tram", Some('B'));
        check("_C_", Some('C'));
        check("The answer is (D).", Some('D'));
        check("I think it's B.", Some('B'));
        check("I'm sure: A", Some('A'));
        check("I.", Some('I'));
        check("Better not", None);
        check("b", None);
        check("B2", None);
        check("ÀB", None);
        assert_eq!(first_label("I think", 'I'), Some('I'));
    }
}

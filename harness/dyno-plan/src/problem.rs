//! What is wrong with the words, all of it at once.

use std::fmt;

use dyno_model::blame::{Blame, Classify};

/// One thing that is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// File, or the flag of the command line.
    pub file: String,
    /// Line, from 1; `None` for a flag.
    pub line: Option<u32>,
    /// Character within the line, from 1; `None` for a flag.
    pub col: Option<u32>,
    /// What is wrong, on which object.
    pub message: String,
    /// What to do, where it is sure.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of a flag of the command line.
    pub(crate) fn of_flag(flag: &str, message: String, hint: Option<String>) -> Self {
        Self { file: flag.to_owned(), line: None, col: None, message, hint }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for number in [self.line, self.col].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// All that is wrong; never empty when it is returned as an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Adds one.
    pub(crate) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// `value`, or the problems in order of file and place, if there are any.
    pub(crate) fn or<T>(mut self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort();
        self.0.dedup();
        Err(self)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "{one}"),
            many => {
                write!(f, "{} problems", many.len())?;
                many.iter().try_for_each(|problem| write!(f, "\n{problem}"))
            }
        }
    }
}

impl std::error::Error for Problems {}

impl Classify for Problems {
    fn blame(&self) -> Blame {
        Blame::User
    }
}

/// The hint for a word that is not one of `known`: the nearest one, and all of them.
pub(crate) fn known_words(word: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return "none is known here".to_owned();
    }
    let all = known.join(", ");
    match nearest(word, known) {
        Some(near) => format!("did you mean `{near}`? known: {all}"),
        None => format!("known: {all}"),
    }
}

/// The word of `known` that is the fewest edits away, if they are few enough to be a slip.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let (distance, near) = known.iter().map(|known| (edits(word, known), *known)).min()?;
    (distance <= limit).then_some(near)
}

/// Insertions, deletions, changes and swaps of neighbours between two words, whatever their case
/// (optimal string alignment distance).
fn edits(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let best = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if swapped { best.min(rows[i - 2][j - 2] + 1) } else { best }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_of_known_pairs() {
        let check = |a: &str, b: &str, expected| assert_eq!(edits(a, b), expected, "{a} {b}");
        check("kitten", "sitting", 3); // The example of the Levenshtein literature.
        check("ca", "abc", 3); // Optimal string alignment, not full Damerau (which gives 2).
        check("singel", "single", 1);
        check("Board", "board", 0);
        check("", "abc", 3);
    }

    #[test]
    fn only_a_slip_has_a_nearest_word() {
        assert_eq!(nearest("bord", &["board", "tags"]), Some("board"));
        assert_eq!(nearest("colour", &["board", "tags"]), None);
        assert_eq!(known_words("x", &[]), "none is known here");
    }

    #[test]
    fn problem_reads_as_one_line_and_a_hint() {
        let problem = Problem {
            file: "devices.toml".to_owned(),
            line: Some(3),
            col: Some(1),
            message: "unknown key `bord`".to_owned(),
            hint: Some("did you mean `board`?".to_owned()),
        };
        assert_eq!(
            problem.to_string(),
            "devices.toml:3:1: unknown key `bord`\n  hint: did you mean `board`?"
        );
        let flag = Problem::of_flag("--suite", "unknown suite `q`".to_owned(), None);
        assert_eq!(flag.to_string(), "--suite: unknown suite `q`");
    }
}

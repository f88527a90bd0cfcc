//! Stand-ins for names.

use std::collections::BTreeMap;

/// What a name names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Host,
    Serial,
    Boot,
    Address,
    Topic,
    Process,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Serial => "serial",
            Self::Boot => "boot",
            Self::Address => "address",
            Self::Topic => "topic",
            Self::Process => "process",
        }
    }
}

/// Names that were met, with what stands for each.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Longer names are never cut by shorter ones: sorted by length when they are looked for.
    stand_ins: BTreeMap<String, String>,
    counts: BTreeMap<Kind, u32>,
}

/// This machine by its general name says nothing of anybody.
const NOBODY: &str = "localhost";
/// Names as short as this are words of other sentences, too.
const LEAST_CHARS: usize = 3;

impl Names {
    /// What stands for `name`: the same each time.
    pub(crate) fn stand_in(&mut self, kind: Kind, name: &str) -> String {
        if name == NOBODY {
            return name.to_owned();
        }
        if let Some(known) = self.stand_ins.get(name) {
            return known.clone();
        }
        let n = self.counts.entry(kind).or_default();
        *n += 1;
        let stand_in = format!("[{} {n}]", kind.word());
        self.stand_ins.insert(name.to_owned(), stand_in.clone());
        stand_in
    }

    /// A sentence with stand-ins in the place of all names that were met. Names of processes stay: they are words of
    /// everyday sentences, and no machine's.
    pub(crate) fn replaced_in(&self, words: &str) -> String {
        let mut known: Vec<(&String, &String)> = self
            .stand_ins
            .iter()
            .filter(|(name, stand_in)| name.len() >= LEAST_CHARS && !stand_in.starts_with("[process"))
            .collect();
        known.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        known.into_iter().fold(words.to_owned(), |text, (name, stand_in)| replaced(&text, name, stand_in))
    }
}

/// Replaces `name` where it stands as a word of its own.
fn replaced(text: &str, name: &str, stand_in: &str) -> String {
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        out.push_str(before);
        // What stands before may have been handed over already, so both parts are asked.
        let is_within = is_part(out.chars().next_back()) || is_part(after.chars().next());
        out.push_str(if is_within { name } else { stand_in });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_has_one_stand_in() {
        let mut names = Names::default();
        assert_eq!(names.stand_in(Kind::Host, "pi5-a"), "[host 1]");
        assert_eq!(names.stand_in(Kind::Host, "pi5-b"), "[host 2]");
        assert_eq!(names.stand_in(Kind::Serial, "R3CT"), "[serial 1]");
        assert_eq!(names.stand_in(Kind::Host, "pi5-a"), "[host 1]");
        assert_eq!(names.stand_in(Kind::Host, "localhost"), "localhost");
    }

    #[test]
    fn names_are_replaced_as_words_of_their_own() {
        let mut names = Names::default();
        names.stand_in(Kind::Host, "pi");
        names.stand_in(Kind::Host, "lab");
        names.stand_in(Kind::Host, "lab.example.org");
        let check = |words: &str, expected: &str| assert_eq!(names.replaced_in(words), expected);
        check("cannot reach lab: refused", "cannot reach [host 2]: refused");
        check("cannot reach lab.example.org:22", "cannot reach [host 3]:22");
        check("a label, lab", "a label, [host 2]");
        check("lab", "[host 2]");
        check("collab lab2", "collab lab2");
        check("a pipe of pi", "a pipe of pi");
    }
}

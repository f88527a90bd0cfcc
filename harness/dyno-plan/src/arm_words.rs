//! The words of one arm of a comparison: `llama-server+threads=2`, as they stand.

use std::collections::BTreeMap;

use crate::devices::is_name;
use crate::problem::known_words;

/// What an arm may say of itself.
const KEYS: [&str; 7] = ["runtime", "model", "threads", "context", "program", "name", "set.NAME"];
/// Longer words are none of a person's (house rule).
const MAX_BYTES: usize = 2000;
/// Longer names fit in no table (house rule).
const MAX_NAME_CHARS: usize = 80;
/// How much of foreign words a message repeats.
const SHOWN_CHARS: usize = 80;
const HINT: &str = "for instance llama-server+threads=2, or embedded+model=NAME";

/// An arm as its words say; what they do not say is as the ask or the suite says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ArmWords {
    /// Its name in tables; without it, its words.
    pub(crate) name: Option<String>,
    /// Runtime of the catalogue.
    pub(crate) runtime: Option<String>,
    /// Model of the catalogue.
    pub(crate) model: Option<String>,
    /// Compute threads.
    pub(crate) threads: Option<u32>,
    /// Context length in tokens.
    pub(crate) context_tokens: Option<u32>,
    /// The server's program on the device, in place of the runtime's own.
    pub(crate) program: Option<String>,
    /// Settings in place of the runtime's own, or beside them.
    pub(crate) settings: BTreeMap<String, String>,
}

/// What is wrong with an arm, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// The arms of a list with commas between them. Before `,`, `+` or `\`, a `\` takes away its meaning.
pub fn split_arms(list: &str) -> Vec<String> {
    split(list, ',').into_iter().map(|arm| arm.trim().to_owned()).collect()
}

/// An arm in a message: short, and nothing that a terminal obeys.
pub(crate) fn shown(arm: &str) -> String {
    let mut text: String = arm.chars().take(SHOWN_CHARS).flat_map(char::escape_debug).collect();
    // Quotes need no mark here.
    text = text.replace("\\\"", "\"").replace("\\'", "'");
    if arm.chars().count() > SHOWN_CHARS {
        text.push('…');
    }
    text
}

/// Reads one arm; what cannot be read is in the list, all of it.
pub(crate) fn read(arm: &str) -> (ArmWords, Vec<Wrong>) {
    let mut reader = Reader { words: ArmWords::default(), wrong: Vec::new() };
    if arm.trim().is_empty() {
        reader.refuse("it is empty", HINT);
    } else if arm.len() > MAX_BYTES {
        reader.refuse(&format!("it has {} bytes", arm.len()), &format!("{MAX_BYTES} at most"));
    } else if arm.chars().any(char::is_control) {
        reader.refuse("it has a control character", "write it with letters that can be seen");
    } else {
        for word in split(arm, '+') {
            reader.word(&word);
        }
    }
    (reader.words, reader.wrong)
}

/// The parts of `text` between `at`s that no `\` stands before; the `\`s stay.
fn split(text: &str, at: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_escaped = false;
    for c in text.chars() {
        if c == at && !is_escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    parts
}

/// `text` without the `\`s that take away a meaning.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next @ ('+' | ',' | '\\')) if c == '\\' => {
                plain.push(*next);
                chars.next();
            }
            _ => plain.push(c),
        }
    }
    plain
}

struct Reader {
    words: ArmWords,
    wrong: Vec<Wrong>,
}

impl Reader {
    fn refuse(&mut self, message: &str, hint: &str) {
        self.wrong.push(Wrong { message: message.to_owned(), hint: hint.to_owned() });
    }

    fn word(&mut self, word: &str) {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) => (key.trim(), plain(value.trim())),
            None => ("runtime", plain(word.trim())),
        };
        if value.is_empty() {
            let message = if word.contains('=') {
                format!("`{}=` has no value", shown(key))
            } else {
                "there is nothing before or after one of its `+`".to_owned()
            };
            return self.refuse(&message, "a `+` that belongs to a value is written `\\+`");
        }
        match key {
            "runtime" => self.text(key, value, |words| &mut words.runtime),
            "model" => self.text(key, value, |words| &mut words.model),
            "program" => self.text(key, value, |words| &mut words.program),
            "name" => self.name(value),
            "threads" => self.number(key, &value, |words| &mut words.threads),
            "context" => self.number(key, &value, |words| &mut words.context_tokens),
            _ => {
                if let Some(name) = key.strip_prefix("set.") {
                    self.setting(name, value);
                } else {
                    let message = format!("it says `{}`, which means nothing here", shown(key));
                    self.refuse(&message, &known_words(key, &KEYS));
                }
            }
        }
    }

    fn text(&mut self, key: &str, value: String, place: fn(&mut ArmWords) -> &mut Option<String>) {
        if place(&mut self.words).replace(value).is_some() {
            self.twice(key);
        }
    }

    fn name(&mut self, value: String) {
        if value.chars().count() > MAX_NAME_CHARS {
            return self.refuse("its name is too long", &format!("{MAX_NAME_CHARS} characters at most"));
        }
        self.text("name", value, |words| &mut words.name);
    }

    fn number(&mut self, key: &str, value: &str, place: fn(&mut ArmWords) -> &mut Option<u32>) {
        match value.parse::<u32>() {
            Ok(number) if number > 0 => {
                if place(&mut self.words).replace(number).is_some() {
                    self.twice(key);
                }
            }
            Ok(_) | Err(_) => {
                let message = format!("`{key}` is `{}`", shown(value));
                self.refuse(&message, &format!("a whole number from 1 to {}", u32::MAX));
            }
        }
    }

    fn setting(&mut self, name: &str, value: String) {
        if !is_name(name) {
            return self.refuse(
                &format!("`set.{}` names no setting", shown(name)),
                "write set.NAME=VALUE, with a setting of the runtime",
            );
        }
        if self.words.settings.insert(name.to_owned(), value).is_some() {
            self.twice(&format!("set.{name}"));
        }
    }

    fn twice(&mut self, key: &str) {
        let hint = if key == "runtime" { "a word without `=` is a runtime" } else { "say it once" };
        self.refuse(&format!("it says `{key}` twice"), hint);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_by_hand() {
        let check = |arm: &str, expected: ArmWords| assert_eq!(read(arm), (expected, Vec::new()), "{arm}");
        check("embedded", ArmWords { runtime: Some("embedded".to_owned()), ..ArmWords::default() });
        check(
            "llama-server + threads=2+context=4096+model=a-b_1.0",
            ArmWords {
                runtime: Some("llama-server".to_owned()),
                model: Some("a-b_1.0".to_owned()),
                threads: Some(2),
                context_tokens: Some(4096),
                ..ArmWords::default()
            },
        );
        check(
            r"name=old+runtime=s+program=/opt/c\+\+/bin/s=x+set.batch=8+set.text=a\, b \\+set.body.top_k=1",
            ArmWords {
                name: Some("old".to_owned()),
                runtime: Some("s".to_owned()),
                program: Some("/opt/c++/bin/s=x".to_owned()),
                settings: [("batch", "8"), ("text", r"a, b \"), ("body.top_k", "1")]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into(),
                ..ArmWords::default()
            },
        );
        check(r"program=C:\dir", ArmWords { program: Some(r"C:\dir".to_owned()), ..ArmWords::default() });
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let check = |arm: &str, expected: &[&str]| {
            let messages: Vec<String> = read(arm).1.into_iter().map(|wrong| wrong.message).collect();
            assert_eq!(messages, expected, "{arm}");
        };
        check("", &["it is empty"]);
        check("  ", &["it is empty"]);
        check("a+", &["there is nothing before or after one of its `+`"]);
        check("+", &["there is nothing before or after one of its `+`"; 2]);
        check("a+b", &["it says `runtime` twice"]);
        check("a+runtime=b", &["it says `runtime` twice"]);
        check("threads=1+threads=1", &["it says `threads` twice"]);
        check("set.x=1+set.x=2", &["it says `set.x` twice"]);
        check(
            "threads=0+context=-1+model=+=3",
            &[
                "`threads` is `0`",
                "`context` is `-1`",
                "`model=` has no value",
                "it says ``, which means nothing here",
            ],
        );
        check("threads=4294967296", &["`threads` is `4294967296`"]);
        check("set.=1", &["`set.` names no setting"]);
        check("set.-x=1+set.a b=1", &["`set.-x` names no setting", "`set.a b` names no setting"]);
        check("treads=2", &["it says `treads`, which means nothing here"]);
        check("a\u{1b}[2J", &["it has a control character"]);
        check(&"x".repeat(2001), &["it has 2001 bytes"]);
        check(&format!("name={}", "ü".repeat(81)), &["its name is too long"]);
        assert!(read("treads=2").1[0].hint.starts_with("did you mean `threads`?"));
    }

    #[test]
    fn a_list_is_split_at_its_commas_and_not_at_escaped_ones() {
        assert_eq!(split_arms("a, b"), ["a", "b"]);
        assert_eq!(split_arms(r"fake+set.pace=0:1000\,3:600,fake"), [r"fake+set.pace=0:1000\,3:600", "fake"]);
        assert_eq!(split_arms(r"a\\,b"), [r"a\\", "b"]);
        assert_eq!(split_arms(""), [""]);
    }

    #[test]
    fn what_is_shown_is_short_and_harmless() {
        assert_eq!(shown("a\u{1b}[2J\u{202e}\"b\""), "a\\u{1b}[2J\\u{202e}\"b\"");
        assert_eq!(shown(&"x".repeat(81)), format!("{}…", "x".repeat(80)));
    }

    proptest! {
        #[test]
        fn any_value_can_be_written(value in "[ -~ü,+\\\\]{1,20}") {
            prop_assume!(value.trim() == value);
            let escaped: String = value
                .chars()
                .flat_map(|c| ['\\'; 1].into_iter().filter(move |_| "+,\\".contains(c)).chain([c]))
                .collect();
            let list = split_arms(&format!("set.x={escaped},b"));
            prop_assert_eq!(list.len(), 2);
            let (words, wrong) = read(&list[0]);
            prop_assert_eq!(wrong, Vec::new());
            prop_assert_eq!(&words.settings["x"], &value);
        }

        #[test]
        fn no_words_break_the_reader(arm in any::<String>()) {
            for arm in split_arms(&arm) {
                let (words, wrong) = read(&arm);
                prop_assert!(!wrong.is_empty() || words != ArmWords::default());
            }
        }
    }
}

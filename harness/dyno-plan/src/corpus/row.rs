//! One line of a JSONL file: a prompt, typed and checked.

use dyno_grade::Judge;
use dyno_model::blame::{Classify, chain};
use dyno_model::grader::Grader;
use dyno_model::plan::PlannedPrompt;
use dyno_model::request::Message;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::problem::{Problem, Problems, known_words};

/// Keys that every prompt has, as text.
const TEXT_KEYS: [&str; 4] = ["id", "category", "language", "osl_class"];
/// All keys of a prompt.
const KEYS: [&str; 7] = ["id", "category", "language", "osl_class", "messages", "prompt", "grader"];
/// Expected lengths of an answer.
const OSL_CLASSES: [&str; 3] = ["short", "medium", "long"];
const ROLES: [&str; 3] = ["system", "user", "assistant"];
/// Kinds of graders, in the order of `prompts/README.md`.
const GRADERS: [&str; 11] = [
    "exact",
    "normalised",
    "numeric",
    "contains_all",
    "contains_none",
    "regex",
    "choice",
    "json_schema",
    "parses",
    "refusal",
    "none",
];
/// Longest line, in bytes (house rule): some 300,000 tokens, more than any model on a device takes.
const MAX_LINE_BYTES: usize = 1 << 20;

/// Whether graders are only read, or compiled, too: a pattern or a schema can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Graders {
    /// Those that are shipped were compiled by the tests, and compiling takes longer than all else here.
    Read,
    /// Those of a user, and those that are asked for by name.
    Compile,
}

/// One line of a JSONL file.
pub(crate) struct Row<'r> {
    pub(crate) file: &'r str,
    /// From 1.
    pub(crate) line: u32,
    pub(crate) graders: Graders,
    pub(crate) problems: &'r mut Problems,
}

impl Row<'_> {
    /// Reports a problem of this line.
    pub(crate) fn report(&mut self, col: u32, message: String, hint: Option<String>) {
        let (file, line) = (self.file.to_owned(), Some(self.line));
        self.problems.push(Problem { file, line, col: Some(col), message, hint });
    }

    /// Id and prompt; `None` when something is wrong, which has been reported.
    pub(crate) fn read(&mut self, line: &str) -> Option<(String, PlannedPrompt)> {
        let value = self.json(line)?;
        let Value::Object(mut object) = value else {
            self.report(
                1,
                "the line is no JSON object".to_owned(),
                Some("begin it with {\"id\": …".to_owned()),
            );
            return None;
        };
        let before = self.problems.0.len();
        let row = self.fields(&mut object);
        (self.problems.0.len() == before).then_some(row)
    }

    fn json(&mut self, line: &str) -> Option<Value> {
        let hint = |text: &str| Some(text.to_owned());
        if line.trim().is_empty() {
            self.report(1, "empty line".to_owned(), hint("one prompt a line, no empty lines"));
            return None;
        }
        if line.len() > MAX_LINE_BYTES {
            let message =
                format!("the line has {} bytes, and a prompt may have {MAX_LINE_BYTES}", line.len());
            self.report(1, message, hint("shorten its text, or make several prompts of it"));
            return None;
        }
        if line.starts_with('\u{feff}') {
            let message = "the file begins with a byte order mark".to_owned();
            self.report(1, message, hint("save it as UTF-8 without one"));
            return None;
        }
        match serde_json::from_str(line) {
            Ok(value) => Some(value),
            Err(error) => {
                let col = (error.column() as u32).max(1);
                let words = error.to_string();
                let words = words.split(" at line ").next().unwrap_or_default();
                self.report(col, format!("not JSON: {words}"), None);
                None
            }
        }
    }

    fn fields(&mut self, object: &mut Map<String, Value>) -> (String, PlannedPrompt) {
        for key in object.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            self.report(1, format!("unknown key `{key}`"), Some(known_words(key, &KEYS)));
        }
        let [id, category, language, osl_class] = TEXT_KEYS.map(|key| self.text(object, key));
        if !osl_class.is_empty() && !OSL_CLASSES.contains(&osl_class.as_str()) {
            let message = format!("`{osl_class}` is no value of `osl_class`");
            self.report(1, message, Some(known_words(&osl_class, &OSL_CLASSES)));
        }
        let messages = self.messages(object);
        let grader = object.remove("grader").and_then(|value| self.grader(value));
        (id, PlannedPrompt { category, language, messages, grader })
    }

    fn text(&mut self, object: &mut Map<String, Value>, key: &str) -> String {
        match object.remove(key) {
            Some(Value::String(text)) if !text.trim().is_empty() => return text,
            Some(Value::String(_)) => self.report(1, format!("`{key}` is empty"), None),
            Some(_) => self.report(1, format!("`{key}` is not text"), None),
            None => self.report(1, format!("missing key `{key}`"), None),
        }
        String::new()
    }

    fn messages(&mut self, object: &mut Map<String, Value>) -> Vec<Message> {
        let messages = match (object.remove("messages"), object.contains_key("prompt")) {
            (Some(messages), false) => messages,
            (None, true) => {
                return vec![Message { role: "user".to_owned(), content: self.text(object, "prompt") }];
            }
            (Some(_), true) => {
                self.report(
                    1,
                    "both `prompt` and `messages`".to_owned(),
                    Some("keep one of them".to_owned()),
                );
                return Vec::new();
            }
            (None, false) => {
                self.report(1, "missing key `prompt` or `messages`".to_owned(), None);
                return Vec::new();
            }
        };
        let messages: Vec<Message> = match Vec::deserialize(messages) {
            Ok(messages) => messages,
            Err(error) => {
                self.report(1, format!("`messages`: {error}"), None);
                return Vec::new();
            }
        };
        for message in messages.iter().filter(|message| !ROLES.contains(&message.role.as_str())) {
            let text = format!("`{}` is no role", message.role);
            self.report(1, text, Some(known_words(&message.role, &ROLES)));
        }
        if messages.last().is_none_or(|message| message.role == "assistant") {
            self.report(1, "the conversation leaves nothing to answer".to_owned(), None);
        }
        if messages.iter().any(|message| message.content.trim().is_empty()) {
            self.report(1, "a message is empty".to_owned(), None);
        }
        messages
    }

    fn grader(&mut self, value: Value) -> Option<Grader> {
        let kind = value.get("kind").and_then(Value::as_str).map(str::to_owned);
        let Some(kind) = kind else {
            let message = "`grader` has no `kind`".to_owned();
            self.report(1, message, Some(known_words("", &GRADERS)));
            return None;
        };
        if !GRADERS.contains(&kind.as_str()) {
            self.report(1, format!("unknown grader `{kind}`"), Some(known_words(&kind, &GRADERS)));
            return None;
        }
        let grader = match Grader::deserialize(value) {
            Ok(grader) => grader,
            Err(error) => {
                self.report(1, format!("grader `{kind}`: {error}"), None);
                return None;
            }
        };
        if self.graders == Graders::Compile {
            self.compile(&grader);
        }
        Some(grader)
    }

    /// What a type cannot see: a pattern or a schema that cannot be used.
    fn compile(&mut self, grader: &Grader) {
        if let Err(error) = Judge::new(grader) {
            // A pattern's error is a drawing of several lines.
            let words = chain(&error).split_whitespace().collect::<Vec<_>>().join(" ");
            let hints = error.hints().join("; ");
            self.report(1, words, (!hints.is_empty()).then_some(hints));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_grader_is_known_by_its_name() {
        let of = |text: &str| {
            let mut problems = Problems::default();
            let value = serde_json::from_str(text).expect("JSON");
            let mut row = Row { file: "x.jsonl", line: 1, graders: Graders::Read, problems: &mut problems };
            (row.grader(value).is_some(), problems)
        };
        for kind in [
            r#"{"kind":"exact","expected":"a"}"#,
            r#"{"kind":"normalised","expected":["a"]}"#,
            r#"{"kind":"numeric","expected":1}"#,
            r#"{"kind":"contains_all","expected":["a"]}"#,
            r#"{"kind":"contains_none","unwanted":["a"]}"#,
            r#"{"kind":"regex","pattern":"a"}"#,
            r#"{"kind":"choice","expected":"A"}"#,
            r#"{"kind":"json_schema","schema":true}"#,
            r#"{"kind":"parses","syntax":"toml"}"#,
            r#"{"kind":"refusal","expected":true}"#,
            r#"{"kind":"none"}"#,
        ] {
            let (is_read, problems) = of(kind);
            assert!(is_read && problems.0.is_empty(), "{kind}: {problems}");
        }
        let (is_read, problems) = of(r#"{"kind":"parses","syntax":"cobol"}"#);
        assert!(!is_read && problems.0.len() == 1, "{problems}");
    }
}

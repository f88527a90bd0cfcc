//! Which column of a table is what, by the names that tables usually have.

use serde_json::{Map, Value};

/// Names of columns, where they differ from the usual ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Text of the user's message.
    pub prompt: Option<String>,
    /// Text of the system's message.
    pub system: Option<String>,
    /// Id.
    pub id: Option<String>,
    /// Category.
    pub category: Option<String>,
    /// Language.
    pub language: Option<String>,
    /// A known answer: only its length is used.
    pub answer: Option<String>,
}

/// What a column holds, by its usual names, the likeliest first.
const PROMPT: [&str; 9] =
    ["prompt", "instruction", "question", "query", "user_prompt", "user", "input", "message", "text"];
const SYSTEM: [&str; 3] = ["system", "system_prompt", "system_message"];
const ID: [&str; 4] = ["id", "prompt_id", "custom_id", "uid"];
const CATEGORY: [&str; 4] = ["category", "task", "topic", "type"];
const LANGUAGE: [&str; 3] = ["language", "lang", "locale"];
const ANSWER: [&str; 5] = ["answer", "output", "response", "completion", "chosen"];

impl Columns {
    /// The user's text of `row`: where an instruction stands beside the input that it is about, both.
    pub(crate) fn prompt_of(&self, row: &Map<String, Value>) -> Option<String> {
        let (column, text) = find(row, self.prompt.as_deref(), &PROMPT)?;
        let about = (self.prompt.is_none() && column.eq_ignore_ascii_case("instruction"))
            .then(|| find(row, None, &["input", "context"]))
            .flatten();
        Some(match about {
            Some((_, about)) => format!("{text}\n\n{about}"),
            None => text,
        })
    }

    pub(crate) fn system_of(&self, row: &Map<String, Value>) -> Option<String> {
        find(row, self.system.as_deref(), &SYSTEM).map(|(_, text)| text)
    }

    pub(crate) fn id_of(&self, row: &Map<String, Value>) -> Option<String> {
        find(row, self.id.as_deref(), &ID).map(|(_, text)| text)
    }

    pub(crate) fn category_of(&self, row: &Map<String, Value>) -> Option<String> {
        find(row, self.category.as_deref(), &CATEGORY).map(|(_, text)| text)
    }

    pub(crate) fn language_of(&self, row: &Map<String, Value>) -> Option<String> {
        find(row, self.language.as_deref(), &LANGUAGE).map(|(_, text)| text)
    }

    pub(crate) fn answer_of(&self, row: &Map<String, Value>) -> Option<String> {
        find(row, self.answer.as_deref(), &ANSWER).map(|(_, text)| text)
    }

    /// What is wrong where a row has no prompt.
    pub(crate) fn missing(&self, row: &Map<String, Value>) -> String {
        let there: Vec<String> = row.keys().take(20).map(|key| key.chars().take(40).collect()).collect();
        let wanted = self.prompt.clone().unwrap_or_else(|| "prompt, instruction, question …".to_owned());
        format!("no text in a column {wanted}; there are: {}", there.join(", "))
    }
}

/// The column and text that a row has under the given name, or under the first usual one; blank ones do not count.
fn find(row: &Map<String, Value>, given: Option<&str>, usual: &[&str]) -> Option<(String, String)> {
    let filled = |name: &str| {
        let (column, value) = row.iter().find(|(column, _)| column.trim().eq_ignore_ascii_case(name))?;
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        (!text.trim().is_empty()).then(|| (column.trim().to_owned(), text))
    };
    match given {
        Some(name) => filled(name),
        None => usual.iter().find_map(|name| filled(name)),
    }
}

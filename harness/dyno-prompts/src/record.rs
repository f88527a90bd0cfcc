//! One record of a file as a prompt: the forms are told apart by their keys.

use dyno_grade::Judge;
use dyno_model::blame::chain;
use dyno_model::grader::Grader;
use dyno_model::request::Message;
use serde_json::{Map, Value};

use crate::columns::Columns;

/// Longest id, category and language (house rule).
const MAX_NAME_CHARS: usize = 100;

/// A prompt as a file has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) id: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) osl_class: Option<String>,
    pub(crate) messages: Vec<Message>,
    pub(crate) grader: Option<Grader>,
}

/// Reads a record, or says what is wrong with it.
pub(crate) fn read(value: &Value, columns: &Columns) -> Result<Record, String> {
    let Value::Object(object) = value else {
        return Err("the record is no JSON object".to_owned());
    };
    let mut record = if let Some(turns) = object.get("conversations").or_else(|| object.get("conversation")) {
        share_gpt(object, turns)?
    } else if let Some(body) = object.get("body").filter(|body| body.is_object()) {
        openai_batch(object, body)?
    } else if object.contains_key("messages") {
        with_messages(object)?
    } else {
        from_columns(object, columns)?
    };
    record.grader = grader(object)?;
    check(&record)?;
    Ok(record)
}

/// `{"id", "conversations": [{"from": "human", "value": …}]}`.
fn share_gpt(object: &Map<String, Value>, turns: &Value) -> Result<Record, String> {
    let turns = turns.as_array().ok_or("`conversations` is no list")?;
    let messages = turns.iter().map(|turn| -> Result<Message, String> {
        let role = turn
            .get("from")
            .or_else(|| turn.get("role"))
            .and_then(Value::as_str)
            .ok_or("a turn without `from`")?;
        let text = turn.get("value").or_else(|| turn.get("content")).and_then(Value::as_str);
        let text = text.ok_or_else(|| format!("the turn of `{role}` has no text in `value`"))?;
        Ok(Message { role: role_of(role)?.to_owned(), content: text.to_owned() })
    });
    let messages: Vec<Message> = messages.collect::<Result<_, String>>()?;
    Ok(Record { messages, ..named(object) }.without_answer(None))
}

/// `{"custom_id", "url": "/v1/chat/completions", "body": {"messages": […], "max_tokens": …}}`.
fn openai_batch(object: &Map<String, Value>, body: &Value) -> Result<Record, String> {
    let limit = ["max_completion_tokens", "max_tokens"].into_iter().find_map(|key| body.get(key)?.as_u64());
    let messages = match (body.get("messages"), body.get("prompt").and_then(Value::as_str)) {
        (Some(messages), _) => messages_of(messages)?,
        (None, Some(prompt)) => vec![Message { role: "user".to_owned(), content: prompt.to_owned() }],
        (None, None) => {
            let url = object.get("url").and_then(Value::as_str).unwrap_or_default();
            return Err(format!(
                "a request to `{url}` without `messages` or `prompt` asks no model for text"
            ));
        }
    };
    let id = object.get("custom_id").and_then(Value::as_str).map(str::to_owned);
    Ok(Record { id, messages, ..named(object) }.without_answer(limit))
}

/// `{"messages": […]}` with the fields of this project, where they are there.
fn with_messages(object: &Map<String, Value>) -> Result<Record, String> {
    let messages = messages_of(object.get("messages").unwrap_or(&Value::Null))?;
    Ok(Record { messages, ..named(object) }.without_answer(None))
}

fn from_columns(object: &Map<String, Value>, columns: &Columns) -> Result<Record, String> {
    let message = |role: &str, content: String| Message { role: role.to_owned(), content };
    let prompt = columns.prompt_of(object).ok_or_else(|| columns.missing(object))?;
    let system = columns.system_of(object).map(|text| message("system", text));
    let answer = columns.answer_of(object).map(|text| message("assistant", text));
    let messages = system.into_iter().chain([message("user", prompt)]).chain(answer).collect();
    let record = Record {
        id: columns.id_of(object),
        category: columns.category_of(object),
        language: columns.language_of(object),
        messages,
        ..named(object)
    };
    Ok(record.without_answer(None))
}

/// The fields that all forms may have beside the conversation.
fn named(object: &Map<String, Value>) -> Record {
    let text = |key: &str| match object.get(key) {
        Some(Value::String(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    Record {
        id: text("id"),
        category: text("category"),
        language: text("language"),
        osl_class: text("osl_class"),
        messages: Vec::new(),
        grader: None,
    }
}

/// The grader, as an object or as JSON in a text; one that cannot be used is a problem.
fn grader(object: &Map<String, Value>) -> Result<Option<Grader>, String> {
    let Some(value) = object.get("grader").filter(|value| !value.is_null()) else { return Ok(None) };
    let grader: Grader = match value {
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => serde_json::from_str(text),
        other => serde_json::from_value(other.clone()),
    }
    .map_err(|error| format!("grader: {error}"))?;
    Judge::new(&grader).map_err(|error| format!("grader: {}", chain(&error)))?;
    Ok(Some(grader))
}

fn messages_of(value: &Value) -> Result<Vec<Message>, String> {
    let list = value.as_array().ok_or("`messages` is no list")?;
    let message = |value: &Value| -> Result<Message, String> {
        let role = value.get("role").and_then(Value::as_str).ok_or("a message without `role`")?;
        let content =
            value.get("content").ok_or_else(|| format!("the message of `{role}` has no `content`"))?;
        Ok(Message { role: role_of(role)?.to_owned(), content: content_of(role, content)? })
    };
    list.iter().map(message).collect()
}

/// Text, or a list of parts that are all text.
fn content_of(role: &str, content: &Value) -> Result<String, String> {
    match content {
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => {
            let part = |part: &Value| match part.get("type").and_then(Value::as_str) {
                Some("text" | "input_text") => part
                    .get("text")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
                    .ok_or("a part without `text`".to_owned()),
                kind => Err(format!("a part of type `{}`: only text can be asked", kind.unwrap_or("none"))),
            };
            Ok(parts.iter().map(part).collect::<Result<Vec<_>, String>>()?.join("\n"))
        }
        _ => Err(format!("the message of `{role}` is not text")),
    }
}

fn role_of(role: &str) -> Result<&'static str, String> {
    match role.trim().to_ascii_lowercase().as_str() {
        "user" | "human" | "prompter" => Ok("user"),
        "assistant" | "gpt" | "chatgpt" | "bot" | "model" | "bing" | "bard" => Ok("assistant"),
        "system" | "developer" => Ok("system"),
        _ => Err(format!("`{role}` is no role: system, user and assistant are")),
    }
}

impl Record {
    /// Without the answer at the end of a conversation, which tells how long one may be.
    fn without_answer(mut self, limit_tokens: Option<u64>) -> Self {
        let ends_with_answer = self.messages.last().is_some_and(|message| message.role == "assistant");
        let answer = if ends_with_answer { self.messages.pop() } else { None };
        let tokens =
            limit_tokens.or_else(|| answer.map(|answer| (answer.content.len() as u64 * 2).div_ceil(7)));
        self.osl_class = self.osl_class.or_else(|| tokens.map(|tokens| class_of(tokens).to_owned()));
        self
    }
}

/// The class of an answer of so many tokens, as `prompts/README.md` has it.
fn class_of(tokens: u64) -> &'static str {
    match tokens {
        0..=32 => "short",
        33..=128 => "medium",
        _ => "long",
    }
}

fn check(record: &Record) -> Result<(), String> {
    check_turns(&record.messages)?;
    let names = [("id", &record.id), ("category", &record.category), ("language", &record.language)];
    for (key, name) in names {
        let Some(name) = name else { continue };
        if name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
            return Err(format!(
                "`{key}` is longer than {MAX_NAME_CHARS} characters, or has control characters"
            ));
        }
    }
    match record.osl_class.as_deref() {
        None | Some("short" | "medium" | "long") => Ok(()),
        Some(other) => Err(format!("`{}` is no osl_class: short, medium and long are", clipped(other))),
    }
}

fn check_turns(messages: &[Message]) -> Result<(), String> {
    if messages.iter().any(|message| message.content.trim().is_empty()) {
        return Err("a message is empty".to_owned());
    }
    let turns = match messages {
        [first, rest @ ..] if first.role == "system" => rest,
        all => all,
    };
    if turns.is_empty() {
        return Err("the conversation asks nothing".to_owned());
    }
    for (turn, expected) in turns.iter().zip(["user", "assistant"].into_iter().cycle()) {
        if turn.role != expected {
            return Err(format!(
                "a message of `{}` where one of `{expected}` is due: they take turns",
                turn.role
            ));
        }
    }
    Ok(())
}

fn clipped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

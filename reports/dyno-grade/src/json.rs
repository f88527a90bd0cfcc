//! The first JSON value of an answer, found in bounded time.

use serde_json::Value;

/// How many places a value is looked for (house rule).
const MAX_STARTS: usize = 1_000;

/// The first JSON object or array in `text`; where there is none, its first other JSON value.
///
/// `None` without any value, or with one only behind a thousand brackets that begin none.
/// A value nests at most 127 deep.
pub(crate) fn first_value(text: &str) -> Option<Value> {
    let containers = text.match_indices(['{', '[']).map(|(at, _)| at);
    let found = containers.take(MAX_STARTS).find_map(|at| value_at(&text[at..]));
    found.or_else(|| scalar_starts(text).take(MAX_STARTS).find_map(|at| value_at(scalar_at(&text[at..]))))
}

fn value_at(text: &str) -> Option<Value> {
    // What follows the value is prose.
    serde_json::Deserializer::from_str(text).into_iter().next()?.ok()
}

/// Where a number, a string or a word of JSON may begin: not within another word.
fn scalar_starts(text: &str) -> impl Iterator<Item = usize> {
    let mut within_word = false;
    text.char_indices().filter_map(move |(at, c)| {
        let begins =
            c == '"' || !within_word && (c == '-' || c.is_ascii_digit() || matches!(c, 't' | 'f' | 'n'));
        within_word = c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
        begins.then_some(at)
    })
}

/// A number without the full stop of its sentence; other values as they begin.
fn scalar_at(text: &str) -> &str {
    if !text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return text;
    }
    let number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
    let end = text.find(|c| !number(c)).unwrap_or(text.len());
    text[..end].trim_end_matches(|c: char| !c.is_ascii_digit())
}

/// Levels of objects and arrays: 0 for a number or a text.
pub(crate) fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
    };
    1 + inner.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn first_value_of_an_answer() {
        let check = |text: &str, expected: Option<Value>| assert_eq!(first_value(text), expected, "{text}");
        check("{\"a\": 1}", Some(json!({"a": 1})));
        check("Here are the 3 items: [1, 2] and {\"b\": 2}", Some(json!([1, 2])));
        check("```json\n{\"a\": [\"}\"]}\n```", Some(json!({"a": ["}"]})));
        check("Set {x} to {\"a\": null}.", Some(json!({"a": null})));
        check("The count is 42.", Some(json!(42)));
        check("-3.5 degrees", Some(json!(-3.5)));
        check("true", Some(json!(true)));
        check("notable", None);
        check("\"yes\"", Some(json!("yes")));
        check("{\"cut\": {\"off\": tru", Some(json!("cut")));
        check("", None);
        check("\u{0}\u{202e}", None);
    }
}

//! A TOML file held against its JSON Schema: every unknown or missing key and every wrong type, each at its place.
//!
//! The schemas come from the very types that the words are read into (see `schemas`), so a type and its check
//! cannot differ. Only what those schemas use is understood: objects, lists, numbers, text, words of a closed
//! set, alternatives told apart by `kind` or by type, and references.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;

use crate::document::Document;
use crate::problem::{Problems, known_words};

/// How the message of a missing key begins.
pub(crate) const MISSING: &str = "missing key";

/// Reports all of `document` that does not fit `schema`.
pub(crate) fn against_schema(document: &Document<'_>, schema: &Value, problems: &mut Problems) {
    let root = Spanned::new(0..0, DeValue::Table(document.root().clone()));
    Walk { document, schema, problems }.value("", schema, &root, 0..0);
}

struct Walk<'w, 'a> {
    document: &'w Document<'a>,
    schema: &'w Value,
    problems: &'w mut Problems,
}

impl<'w> Walk<'w, '_> {
    /// Checks one value; `path` is its name for people, `at` is where to point.
    fn value(&mut self, path: &str, schema: &'w Value, value: &Spanned<DeValue<'_>>, at: Range<usize>) {
        let schema = self.resolve(schema);
        let found = value.get_ref();
        if let Some(branches) = branches(schema) {
            return self.alternatives(path, branches, value, at);
        }
        if let Some(words) = closed_set(schema) {
            return self.word(path, &words, value, at);
        }
        let expected = types(schema);
        if !expected.is_empty() && !expected.iter().any(|kind| fits(kind, found)) {
            return self.wrong_type(path, &expected, found, at);
        }
        match found {
            DeValue::Table(_) => self.table(path, schema, found, at),
            DeValue::Array(list) => {
                if let Some(items) = schema.get("items") {
                    for (idx, item) in list.iter().enumerate() {
                        self.value(&format!("{path}[{idx}]"), items, item, item.span());
                    }
                }
            }
            DeValue::Integer(_) | DeValue::Float(_) => self.range(path, schema, found, at),
            DeValue::String(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
        }
    }

    fn resolve(&self, mut schema: &'w Value) -> &'w Value {
        while let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let pointer = name.trim_start_matches('#');
            schema = self.schema.pointer(pointer).expect("a generated schema refers to its own definitions");
        }
        schema
    }

    fn table(&mut self, path: &str, schema: &'w Value, found: &DeValue<'_>, at: Range<usize>) {
        let DeValue::Table(table) = found else { return };
        let properties = schema.get("properties").and_then(Value::as_object);
        let known: Vec<&str> = properties.into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let inner = join(path, name);
            let place = if value.get_ref().is_table() { key.span() } else { value.span() };
            if let Some(schema) = properties.and_then(|properties| properties.get(name)) {
                self.value(&inner, schema, value, place);
                continue;
            }
            match schema.get("additionalProperties") {
                Some(Value::Bool(false)) => {
                    let message = format!("unknown key `{name}`{}", within(path));
                    self.report(key.span(), message, Some(known_words(name, &known)));
                }
                Some(more) => self.value(&inner, more, value, place),
                None => {}
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for key in required.filter_map(Value::as_str).filter(|key| !table.contains_key(*key)) {
            let schema = properties.and_then(|properties| properties.get(key));
            let hint = schema.and_then(|schema| self.meaning(schema)).map(|text| format!("{key}: {text}"));
            self.report(at.clone(), format!("{MISSING} `{key}`{}", within(path)), hint);
        }
    }

    /// One of several forms: by `kind` where they have it, else by type.
    fn alternatives(
        &mut self,
        path: &str,
        branches: &'w [Value],
        value: &Spanned<DeValue<'_>>,
        at: Range<usize>,
    ) {
        let branches: Vec<&Value> = branches.iter().map(|branch| self.resolve(branch)).collect();
        if let (Some(kinds), DeValue::Table(table)) = (kinds(&branches), value.get_ref()) {
            let names: Vec<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
            let Some(kind) = table.get("kind") else {
                let message = format!("{MISSING} `kind`{}", within(path));
                return self.report(at, message, Some(known_words("", &names)));
            };
            let Some(word) = kind.get_ref().as_str() else {
                return self.wrong_type(&join(path, "kind"), &["string"], kind.get_ref(), kind.span());
            };
            if let Some((_, branch)) = kinds.iter().find(|(kind, _)| *kind == word) {
                return self.value(path, branch, value, at);
            }
            let message = format!("unknown kind `{word}`{}", within(path));
            return self.report(kind.span(), message, Some(known_words(word, &names)));
        }
        let expected: Vec<&str> =
            branches.iter().flat_map(|branch| types(branch)).filter(|t| *t != "null").collect();
        let fitting =
            branches.iter().find(|branch| types(branch).iter().any(|kind| fits(kind, value.get_ref())));
        match fitting {
            Some(branch) => self.value(path, branch, value, at),
            // A branch that is itself an alternative says best what it wants.
            None => match branches.iter().find(|branch| types(branch).is_empty()) {
                Some(branch) => self.value(path, branch, value, at),
                None => self.wrong_type(path, &expected, value.get_ref(), at),
            },
        }
    }

    fn word(&mut self, path: &str, words: &[&str], value: &Spanned<DeValue<'_>>, at: Range<usize>) {
        match value.get_ref().as_str() {
            Some(word) if words.contains(&word) => {}
            Some(word) => {
                let message = format!("`{word}` is no value of {}", named(path));
                self.report(value.span(), message, Some(known_words(word, words)));
            }
            None => self.wrong_type(path, &["string"], value.get_ref(), at),
        }
    }

    fn range(&mut self, path: &str, schema: &Value, found: &DeValue<'_>, at: Range<usize>) {
        let text = match found {
            DeValue::Integer(n) => n.as_str(),
            DeValue::Float(n) => n.as_str(),
            _ => return,
        };
        let Ok(number) = text.replace('_', "").parse::<f64>() else { return };
        let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
        let lowest = bound("minimum");
        let highest = bound("maximum").or_else(|| match schema.get("format").and_then(Value::as_str) {
            Some("uint32") => Some(f64::from(u32::MAX)),
            _ => None,
        });
        let hint = match (lowest, highest) {
            (Some(low), Some(high)) => Some(format!("from {low} to {high}")),
            (Some(low), None) => Some(format!("{low} or more")),
            (None, Some(high)) => Some(format!("{high} or less")),
            (None, None) => None,
        };
        if lowest.is_some_and(|low| number < low)
            || highest.is_some_and(|high| number > high)
            || number.is_nan()
        {
            self.report(at, format!("{} is out of range: {text}", named(path)), hint);
        }
    }

    fn wrong_type(&mut self, path: &str, expected: &[&str], found: &DeValue<'_>, at: Range<usize>) {
        let mut words: Vec<&str> = expected.iter().map(|kind| type_word(kind)).collect();
        words.dedup();
        let message = format!("{} is {}, expected {}", named(path), value_word(found), words.join(" or "));
        self.report(at, message, None);
    }

    /// What a key means: the first sentence of its description.
    fn meaning(&self, schema: &'w Value) -> Option<String> {
        let text = schema.get("description").or_else(|| self.resolve(schema).get("description"))?.as_str()?;
        Some(text.split("\n\n").next().unwrap_or(text).replace('\n', " "))
    }

    fn report(&mut self, at: Range<usize>, message: String, hint: Option<String>) {
        let problem = self.document.problem(at, message, hint);
        self.problems.push(problem);
    }
}

fn branches(schema: &Value) -> Option<&[Value]> {
    let of = |key| schema.get(key).and_then(Value::as_array);
    let branches = of("oneOf").or_else(|| of("anyOf"))?;
    (closed_set(schema).is_none()).then_some(branches.as_slice())
}

/// The words of a closed set: an `enum`, a `const`, or alternatives of those.
fn closed_set(schema: &Value) -> Option<Vec<&str>> {
    if let Some(word) = schema.get("const") {
        return Some(vec![word.as_str()?]);
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.iter().map(Value::as_str).collect();
    }
    let branches = schema.get("oneOf").and_then(Value::as_array)?;
    let sets: Option<Vec<Vec<&str>>> = branches.iter().map(closed_set).collect();
    sets.map(|sets| sets.concat())
}

/// The branches by their `kind`, if all have one.
fn kinds<'s>(branches: &[&'s Value]) -> Option<Vec<(&'s str, &'s Value)>> {
    branches
        .iter()
        .map(|branch| Some((branch.pointer("/properties/kind/const")?.as_str()?, *branch)))
        .collect()
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(many)) => {
            many.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect()
        }
        _ if closed_set(schema).is_some() => vec!["string"],
        _ => Vec::new(),
    }
}

fn fits(kind: &str, value: &DeValue<'_>) -> bool {
    match value {
        DeValue::String(_) | DeValue::Datetime(_) => kind == "string" && value.is_str(),
        DeValue::Integer(_) => kind == "integer" || kind == "number",
        DeValue::Float(_) => kind == "number",
        DeValue::Boolean(_) => kind == "boolean",
        DeValue::Array(_) => kind == "array",
        DeValue::Table(_) => kind == "object",
    }
}

fn type_word(kind: &str) -> &'static str {
    match kind {
        "string" => "text in quotes",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "a table",
    }
}

fn value_word(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn within(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" in `{path}`") }
}

fn named(path: &str) -> String {
    if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") }
}

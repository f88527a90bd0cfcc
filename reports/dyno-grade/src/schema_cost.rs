//! How much work a schema may be, before it is compiled.

use serde_json::{Map, Value};

use crate::error::GraderError;

/// Parts that a schema may have with its references followed (house rule): a few definitions that each name the next
/// one twice would be millions.
const MAX_PARTS: usize = 2_000;

/// Levels of the same (house rule): schemas are compiled by recursion.
const MAX_LEVELS: usize = 200;

/// Keywords whose target is found only while an answer is checked.
const LATE: [&str; 2] = ["$dynamicRef", "$recursiveRef"];
/// Keywords that change what `$ref` is relative to; harmless at the top.
const NAMES: [&str; 2] = ["$id", "id"];

/// Keywords whose value is one schema for the same value of an answer.
const SAME_PLACE: [&str; 4] = ["not", "if", "then", "else"];
/// Keywords whose value is a list of schemas for the same value.
const SAME_PLACE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Keywords whose value is one schema for values within.
const DEEPER: [&str; 8] = [
    "items",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "contentSchema",
];
/// Keywords whose value names schemas for values within.
const DEEPER_MAPS: [&str; 2] = ["properties", "patternProperties"];
/// Keywords whose value names schemas for the same value.
const SAME_PLACE_MAPS: [&str; 2] = ["dependentSchemas", "dependencies"];

/// What a check may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// How often the schema refers to a part of itself that it is within.
    pub(crate) recursions: usize,
}

/// The cost of `schema`, or why it may not be used.
pub(crate) fn cost(schema: &Value) -> Result<Cost, GraderError> {
    let mut walk = Walk { root: schema, parts: 0, recursions: 0 };
    // The whole is followed from the start: `#` means it.
    walk.schema(schema, &mut vec![Followed { target: "#", deeper: false }])?;
    Ok(Cost { recursions: walk.recursions })
}

/// A reference that is being followed.
struct Followed<'s> {
    target: &'s str,
    /// Whether a value within the answer's value was gone to since.
    deeper: bool,
}

struct Walk<'s> {
    root: &'s Value,
    parts: usize,
    recursions: usize,
}

impl<'s> Walk<'s> {
    fn schema(&mut self, schema: &'s Value, path: &mut Vec<Followed<'s>>) -> Result<(), GraderError> {
        self.parts += 1;
        if self.parts > MAX_PARTS || path.len() > MAX_LEVELS {
            return Err(GraderError::Large { limit: MAX_PARTS });
        }
        let Value::Object(fields) = schema else { return Ok(()) };
        check_keywords(fields, std::ptr::eq(schema, self.root))?;
        if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
            self.reference(target, path)?;
        }
        for (keyword, value) in fields {
            let keyword = keyword.as_str();
            if SAME_PLACE.contains(&keyword) {
                self.schema(value, path)?;
            } else if SAME_PLACE_LISTS.contains(&keyword) || SAME_PLACE_MAPS.contains(&keyword) {
                self.each(value, path)?;
            } else if DEEPER.contains(&keyword) && value.is_object() {
                self.deeper(|walk, path| walk.schema(value, path), path)?;
            } else if DEEPER_MAPS.contains(&keyword) || keyword == "prefixItems" || keyword == "items" {
                self.deeper(|walk, path| walk.each(value, path), path)?;
            }
        }
        Ok(())
    }

    fn each(&mut self, schemas: &'s Value, path: &mut Vec<Followed<'s>>) -> Result<(), GraderError> {
        match schemas {
            Value::Array(list) => list.iter().try_for_each(|schema| self.schema(schema, path)),
            Value::Object(map) => map.values().try_for_each(|schema| self.schema(schema, path)),
            // Of another form: the compiler says so.
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    /// Does `step` for values within.
    fn deeper(
        &mut self,
        step: impl FnOnce(&mut Self, &mut Vec<Followed<'s>>) -> Result<(), GraderError>,
        path: &mut Vec<Followed<'s>>,
    ) -> Result<(), GraderError> {
        let before: Vec<bool> = path.iter().map(|followed| followed.deeper).collect();
        for followed in path.iter_mut() {
            followed.deeper = true;
        }
        let done = step(self, path);
        for (followed, deeper) in path.iter_mut().zip(before) {
            followed.deeper = deeper;
        }
        done
    }

    fn reference(&mut self, target: &'s str, path: &mut Vec<Followed<'s>>) -> Result<(), GraderError> {
        if let Some(followed) = path.iter().find(|followed| followed.target == target) {
            if !followed.deeper {
                return Err(GraderError::Loop { target: target.to_owned() });
            }
            self.recursions += 1;
            return Ok(());
        }
        let elsewhere = || GraderError::Reference { keyword: "$ref".to_owned(), target: target.to_owned() };
        let pointer = target.strip_prefix('#').ok_or_else(elsewhere)?;
        let schema = self.root.pointer(&unescaped(pointer)).ok_or_else(elsewhere)?;
        path.push(Followed { target, deeper: false });
        let done = self.schema(schema, path);
        path.pop();
        done
    }
}

/// What would let a reference mean something that is not in this schema, or is found only while an answer is checked.
fn check_keywords(fields: &Map<String, Value>, is_top: bool) -> Result<(), GraderError> {
    let names: &[&str] = if is_top { &[] } else { &NAMES };
    let found = LATE.iter().chain(names).find_map(|keyword| {
        let target = fields.get(*keyword)?.as_str()?;
        Some(GraderError::Reference { keyword: (*keyword).to_owned(), target: target.to_owned() })
    });
    found.map_or(Ok(()), Err)
}

/// `%24defs` as `$defs`: a fragment is written in the form of addresses.
fn unescaped(pointer: &str) -> String {
    let mut bytes = Vec::with_capacity(pointer.len());
    let mut rest = pointer.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = (*first == b'%').then(|| tail.get(..2)).flatten();
        let code = code
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn recursions_are_counted_and_circles_refused() {
        let count =
            |schema: Value| cost(&schema).map(|cost| cost.recursions).map_err(|error| error.to_string());
        assert_eq!(count(json!({"type": "object"})), Ok(0));
        assert_eq!(count(json!({"$defs": {"n": {"type": "number"}}, "items": {"$ref": "#/$defs/n"}})), Ok(0));
        let tree = json!({"$defs": {"t": {"properties": {"l": {"$ref": "#/$defs/t"}, "r": {"$ref": "#/$defs/t"}}}},
            "$ref": "#/$defs/t"});
        assert_eq!(count(tree), Ok(2));
        assert!(count(json!({"$ref": "#"})).is_err_and(|words| words.contains("comes back to itself")));
        assert!(count(json!({"allOf": [{"$ref": "#"}]})).is_err());
        let two = json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}},
            "$ref": "#/$defs/a"});
        assert!(count(two).is_err_and(|words| words.contains("#/$defs/a")));
        assert!(
            count(json!({"$ref": "https://schema.example/a.json"}))
                .is_err_and(|words| words.contains("a.json"))
        );
        assert!(count(json!({"items": {"$ref": "file:///etc/passwd"}})).is_err());
        assert!(count(json!({"$ref": "#/$defs/none"})).is_err());
        assert!(count(json!({"items": {"$dynamicRef": "#x"}})).is_err());
        assert!(count(json!({"$dynamicRef": "#"})).is_err());
        assert_eq!(count(json!({"$id": "https://schema.example/a.json", "type": "object"})), Ok(0));
        assert_eq!(count(json!({"properties": {"id": {"type": "string"}}})), Ok(0));
    }

    #[test]
    fn a_schema_that_doubles_with_each_definition_is_refused() {
        let mut definitions = Map::new();
        for level in 0..40 {
            let next = format!("#/$defs/d{}", level + 1);
            definitions.insert(format!("d{level}"), json!({"allOf": [{"$ref": next}, {"$ref": next}]}));
        }
        definitions.insert("d40".to_owned(), json!(true));
        let schema = json!({"$defs": definitions, "$ref": "#/$defs/d0"});
        assert!(matches!(cost(&schema), Err(GraderError::Large { .. })));
    }
}

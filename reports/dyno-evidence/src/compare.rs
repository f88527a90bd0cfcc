//! Two JSON values, value by value.

use serde_json::Value;

/// How alike two values must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rigour {
    /// The same.
    Exact,
    /// As two builds give it: the second may have fields that the first lacks, and numbers agree to 12 digits, for
    /// logarithms of two systems' libraries differ in the last ones.
    OtherBuild,
}

/// Numbers of two builds may be as far apart, in parts of the greater (house rule).
const BUILDS_APART: f64 = 1e-12;

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Values that were compared: numbers, texts, booleans and nulls.
    pub n_values: u64,
    /// The first that is not the same, in the order of the first value.
    pub difference: Option<Difference>,
}

/// A place where two values are not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    /// What stands there in the first value; `None` where nothing does.
    pub first: Option<Value>,
    /// What stands there in the second.
    pub second: Option<Value>,
}

/// Compares value by value, up to the first difference.
pub fn first_difference(first: &Value, second: &Value, rigour: Rigour) -> Compared {
    let mut walk = Walk { rule: Rule::All(rigour), pointer: String::new(), n_values: 0 };
    let difference = walk.compare(Some(first), Some(second));
    Compared { n_values: walk.n_values, difference }
}

/// The first number, boolean, null or length of a list that is not the same; texts may differ.
pub fn first_other_figure(first: &Value, second: &Value) -> Option<Difference> {
    let mut walk = Walk { rule: Rule::Figures, pointer: String::new(), n_values: 0 };
    walk.compare(Some(first), Some(second))
}

/// How many values that are no lists or objects there are.
pub fn n_values(value: &Value) -> u64 {
    match value {
        Value::Array(list) => list.iter().map(n_values).sum(),
        Value::Object(fields) => fields.values().map(n_values).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

#[derive(Clone, Copy)]
enum Rule {
    All(Rigour),
    Figures,
}

struct Walk {
    rule: Rule,
    pointer: String,
    n_values: u64,
}

impl Walk {
    fn compare(&mut self, first: Option<&Value>, second: Option<&Value>) -> Option<Difference> {
        match (first, second) {
            (Some(Value::Object(a)), Some(Value::Object(b))) => {
                let in_first = a.keys();
                let may_add = matches!(self.rule, Rule::All(Rigour::OtherBuild));
                let only_in_second = b.keys().filter(|key| !may_add && !a.contains_key(*key));
                let mut keys = in_first.chain(only_in_second);
                keys.find_map(|key| self.at(&escaped(key), a.get(key), b.get(key)))
            }
            (Some(Value::Array(a)), Some(Value::Array(b))) => {
                let n = a.len().max(b.len());
                (0..n).find_map(|idx| self.at(&idx.to_string(), a.get(idx), b.get(idx)))
            }
            (Some(Value::String(_)), Some(Value::String(_))) if matches!(self.rule, Rule::Figures) => None,
            (first, second) => {
                self.n_values += 1;
                let differs = || Difference {
                    pointer: self.pointer.clone(),
                    first: first.cloned(),
                    second: second.cloned(),
                };
                (!self.is_same(first, second)).then(differs)
            }
        }
    }

    fn is_same(&self, first: Option<&Value>, second: Option<&Value>) -> bool {
        let number = |value: Option<&Value>| value.and_then(Value::as_f64);
        match (self.rule, number(first), number(second)) {
            (Rule::All(Rigour::OtherBuild), Some(a), Some(b)) => {
                (a - b).abs() <= BUILDS_APART * a.abs().max(b.abs())
            }
            _ => first == second,
        }
    }

    fn at(&mut self, step: &str, first: Option<&Value>, second: Option<&Value>) -> Option<Difference> {
        let len = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(step);
        let found = self.compare(first, second);
        self.pointer.truncate(len);
        found
    }
}

/// A step of a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let check = |first: Value, second: Value, expected: Option<(&str, Value, Value)>| {
            let expected = expected.map(|(pointer, first, second)| Difference {
                pointer: pointer.to_owned(),
                first: Some(first),
                second: Some(second),
            });
            assert_eq!(first_difference(&first, &second, Rigour::Exact).difference, expected);
        };
        check(json!({"a": [1, {"b": 2}]}), json!({"a": [1, {"b": 2}]}), None);
        check(json!({"a": [1, {"b": 2}]}), json!({"a": [1, {"b": 3}]}), Some(("/a/1/b", json!(2), json!(3))));
        check(json!({"a/b~": 1.5}), json!({"a/b~": 1.25}), Some(("/a~1b~0", json!(1.5), json!(1.25))));
        check(json!([1, [2]]), json!([1, 2]), Some(("/1", json!([2]), json!(2))));
        check(
            json!({"a": "x", "b": "y"}),
            json!({"a": "x2", "b": "y2"}),
            Some(("/a", json!("x"), json!("x2"))),
        );
    }

    #[test]
    fn a_field_that_one_side_lacks_is_a_difference_unless_it_is_new() {
        let (older, newer) = (json!({"a": 1}), json!({"a": 1, "b": 2}));
        let added = first_difference(&older, &newer, Rigour::Exact).difference.expect("b is new");
        assert_eq!((added.pointer.as_str(), added.first, added.second), ("/b", None, Some(json!(2))));
        assert_eq!(first_difference(&older, &newer, Rigour::OtherBuild).difference, None);
        let gone = first_difference(&newer, &older, Rigour::OtherBuild).difference.expect("b is gone");
        assert_eq!((gone.pointer.as_str(), gone.first, gone.second), ("/b", Some(json!(2)), None));
        let longer = first_difference(&json!([1]), &json!([1, 2]), Rigour::OtherBuild).difference;
        assert_eq!(longer.expect("a longer list").pointer, "/1");
    }

    #[test]
    fn other_builds_agree_to_twelve_digits() {
        let check = |first: f64, second: f64, rigour, expected: bool| {
            let difference = first_difference(&json!([first]), &json!([second]), rigour).difference;
            assert_eq!(difference.is_none(), expected, "{first} {second}");
        };
        check(1e9, 1e9 + 1e-4, Rigour::OtherBuild, true);
        check(1e9, 1e9 + 1e-4, Rigour::Exact, false);
        check(1e9, 1e9 + 1e-2, Rigour::OtherBuild, false);
        check(0.0, 1e-300, Rigour::OtherBuild, false);
    }

    #[test]
    fn values_are_counted() {
        let value = json!({"a": [1, null, {"b": "x"}], "c": true, "d": []});
        assert_eq!(first_difference(&value, &value, Rigour::Exact).n_values, 4);
        assert_eq!(n_values(&value), 4);
    }

    #[test]
    fn figures_are_numbers_and_lengths_and_not_words() {
        let whole = json!({"text": "secret", "n": [1, 2], "why": null});
        assert_eq!(
            first_other_figure(&whole, &json!({"text": "[left out]", "n": [1, 2], "why": null})),
            None
        );
        for (other, pointer) in [
            (json!({"text": "secret", "n": [1, 3], "why": null}), "/n/1"),
            (json!({"text": "secret", "n": [1], "why": null}), "/n/1"),
            (json!({"text": null, "n": [1, 2], "why": null}), "/text"),
            (json!({"text": "secret", "n": [1, 2], "why": "x"}), "/why"),
        ] {
            assert_eq!(first_other_figure(&whole, &other).expect("differs").pointer, pointer);
        }
    }
}

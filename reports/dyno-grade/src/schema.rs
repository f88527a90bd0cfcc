//! JSON Schemas that end with an answer: no files, no network, no pattern that backtracks, no reference in a circle.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::error::GraderError;
use crate::json::{depth, first_value};
use crate::judge::MAX_PATTERN_BYTES;
use crate::schema_cost::{Cost, cost};

/// How often one value of an answer may be looked at where a schema refers to itself more than once (house rule).
const MAX_VISITS: f64 = 1e6;

/// A schema, compiled.
#[derive(Debug)]
pub(crate) struct SchemaCheck {
    validator: Validator,
    cost: Cost,
}

impl SchemaCheck {
    pub(crate) fn new(schema: &Value) -> Result<Self, GraderError> {
        let cost = cost(schema)?;
        let patterns = PatternOptions::regex().size_limit(MAX_PATTERN_BYTES);
        let validator =
            jsonschema::options().with_pattern_options(patterns).build(schema).map_err(|source| {
                GraderError::Schema { at: source.instance_path.to_string(), source: Box::new(source) }
            })?;
        Ok(Self { validator, cost })
    }

    /// Whether the first JSON value of `answer` validates.
    pub(crate) fn accepts(&self, answer: &str) -> bool {
        first_value(answer).is_some_and(|value| self.affordable(&value) && self.validator.is_valid(&value))
    }

    /// Whether the check of `value` ends soon: alternatives that each refer to the whole schema double with each level.
    fn affordable(&self, value: &Value) -> bool {
        let ways = self.cost.recursions as f64;
        self.cost.recursions < 2 || ways.powf(depth(value) as f64) <= MAX_VISITS
    }
}

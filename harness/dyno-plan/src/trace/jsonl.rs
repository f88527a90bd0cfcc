//! JSONL with the keys of the Mooncake traces.

use serde::Deserialize;

use super::{Format, Line, MAX_SPAN_NS, Wrong};

/// Every line for itself.
pub(super) struct JsonLines;

/// One line; other keys are passed over.
#[derive(Deserialize)]
struct Mooncake {
    /// ms since the trace began.
    timestamp: f64,
    input_length: u64,
    output_length: u64,
    /// Blocks of the prompt, for caches that share beginnings.
    #[serde(default)]
    #[expect(dead_code, reason = "checked to be numbers; prompts of a corpus share no beginnings")]
    hash_ids: Vec<u64>,
}

impl Format for JsonLines {
    fn line(&mut self, text: &str) -> Result<Option<Line>, Wrong> {
        let line: Mooncake = serde_json::from_str(text).map_err(|error| {
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or_default();
            let hint =
                "a line has timestamp (ms), input_length, output_length and, perhaps, hash_ids".to_owned();
            Wrong(format!("no request of a trace: {words}"), Some(hint))
        })?;
        let at_ns = (line.timestamp * 1e6).round();
        if !(0.0..=MAX_SPAN_NS as f64).contains(&at_ns) {
            return Err(Wrong::new(format!("a timestamp of {} ms", line.timestamp)));
        }
        Ok(Some(Line {
            at_ns: at_ns as u64,
            input_tokens: line.input_length,
            output_tokens: line.output_length,
        }))
    }
}

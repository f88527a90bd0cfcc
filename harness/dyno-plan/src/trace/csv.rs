//! CSV with the columns of the Azure LLM inference traces (2023 and 2024).

use super::time::at_ns;
use super::{Format, Line, Wrong};

/// Time, prompt tokens, answer tokens: their columns' names.
const COLUMNS: [&str; 3] = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"];

/// Knows its columns after the first line; other columns are passed over.
#[derive(Default)]
pub(super) enum Csv {
    /// The first line is still to come.
    #[default]
    Begin,
    /// The places of [`COLUMNS`].
    Columns([usize; 3]),
    /// The first line does not name them, so the others say nothing.
    Unknown,
}

impl Format for Csv {
    fn line(&mut self, text: &str) -> Result<Option<Line>, Wrong> {
        let places = match self {
            Self::Columns(places) => *places,
            Self::Unknown => return Ok(None),
            Self::Begin => {
                *self = Self::Unknown;
                *self = Self::Columns(header(text.trim_start_matches('\u{feff}'))?);
                return Ok(None);
            }
        };
        let fields: Vec<&str> = text.split(',').map(str::trim).collect();
        let [time, input, output] = places.map(|place| fields.get(place).copied().unwrap_or_default());
        Ok(Some(Line {
            at_ns: at_ns(time).ok_or_else(|| no_time(time))?,
            input_tokens: count(COLUMNS[1], input)?,
            output_tokens: count(COLUMNS[2], output)?,
        }))
    }
}

fn header(text: &str) -> Result<[usize; 3], Wrong> {
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    let place = |column: &str| names.iter().position(|name| *name == column);
    if let [Some(time), Some(input), Some(output)] = COLUMNS.map(place) {
        return Ok([time, input, output]);
    }
    let missing: Vec<&str> = COLUMNS.into_iter().filter(|column| place(column).is_none()).collect();
    let hint = format!("the first line names the columns: {}", COLUMNS.join(","));
    Err(Wrong(format!("the trace has no column {}", missing.join(", ")), Some(hint)))
}

fn no_time(text: &str) -> Wrong {
    let hint = "write it as 2023-11-16 18:17:03.9799600".to_owned();
    Wrong(format!("`{text}` is no time"), Some(hint))
}

fn count(column: &str, text: &str) -> Result<u64, Wrong> {
    // `parse` would take a sign, too.
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let n = is_number.then(|| text.parse().ok()).flatten();
    n.ok_or_else(|| Wrong::new(format!("`{text}` is no number of tokens ({column})")))
}

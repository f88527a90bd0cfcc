//! The records of a file: JSON values with their places, whatever the file's form.

use serde_json::{Map, Value};

use crate::place::{Place, Problem};

/// Longest record, in bytes (house rule): some 300,000 tokens, more than any model on a device takes.
const MAX_RECORD_BYTES: usize = 1 << 20;

/// How a file keeps its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line: prompts of this project, OpenAI batch files, ShareGPT as lines, and tables as lines.
    Jsonl,
    /// One JSON array of objects: ShareGPT as it is published.
    Json,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
}

impl Form {
    /// The form that a file's name and first bytes tell; `None` where they tell none.
    pub fn of(name: &str, bytes: &[u8]) -> Option<Self> {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        match (ending.as_str(), first) {
            ("csv", _) => Some(Self::Csv),
            ("tsv", _) => Some(Self::Tsv),
            ("jsonl" | "ndjson" | "json", Some(b'[')) => Some(Self::Json),
            ("jsonl" | "ndjson" | "json", _) | ("txt" | "", Some(b'{')) => Some(Self::Jsonl),
            _ => None,
        }
    }
}

/// A record, or what is wrong with it.
pub(crate) type Row = Result<(Place, Value), Problem>;

/// All records of `bytes`, in order.
pub(crate) fn rows(name: &str, form: Form, bytes: &[u8]) -> Vec<Row> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match form {
        Form::Jsonl => json_lines(name, bytes),
        Form::Json => json_array(name, bytes),
        Form::Csv => table(name, bytes, b','),
        Form::Tsv => table(name, bytes, b'\t'),
    }
}

fn place(file: &str, line: u64) -> Place {
    Place { file: file.to_owned(), line }
}

fn problem(file: &str, line: u64, message: impl Into<String>) -> Row {
    Err(Problem { place: place(file, line), message: message.into() })
}

fn json_lines(name: &str, bytes: &[u8]) -> Vec<Row> {
    let lines = bytes.split(|byte| *byte == b'\n').zip(1_u64..);
    let filled = lines.filter(|(line, _)| !line.iter().all(u8::is_ascii_whitespace));
    filled.map(|(line, number)| json_line(name, line, number)).collect()
}

fn json_line(name: &str, line: &[u8], number: u64) -> Row {
    if line.len() > MAX_RECORD_BYTES {
        return problem(name, number, too_long(line.len()));
    }
    let text = match std::str::from_utf8(line) {
        Ok(text) => text,
        Err(error) => return problem(name, number, not_utf8(error.valid_up_to() + 1)),
    };
    match serde_json::from_str(text) {
        Ok(value) => Ok((place(name, number), value)),
        Err(error) => problem(name, number, not_json(&error)),
    }
}

fn too_long(bytes: usize) -> String {
    format!("a record of {bytes} bytes, and {MAX_RECORD_BYTES} are the most that is read")
}

fn not_utf8(column: usize) -> String {
    format!("not UTF-8 (byte {column} of the line)")
}

/// The parser's words without its place: that is of a part of the file.
fn not_json(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let words = words.split(" at line ").next().unwrap_or_default();
    format!("not JSON: {words}, at character {}", error.column())
}

/// Elements are read one by one, so that each has its line and a wrong one is told; what follows it cannot be read.
fn json_array(name: &str, bytes: &[u8]) -> Vec<Row> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = before.split(|byte| *byte == b'\n').count() as u64;
            let column =
                before.len() - before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1) + 1;
            return vec![problem(name, line, not_utf8(column))];
        }
    };
    let mut rows = Vec::new();
    let (mut at, mut line, mut counted) = (text.find('[').map_or(text.len(), |at| at + 1), 1, 0);
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        line += text[counted..at].bytes().filter(|byte| *byte == b'\n').count() as u64;
        counted = at;
        match text.as_bytes().get(at) {
            Some(b']') => return rows,
            Some(b',') if !rows.is_empty() => {
                at += 1;
                continue;
            }
            Some(_) => {}
            None => {
                rows.push(problem(name, line, "the array is not closed: the file is cut off"));
                return rows;
            }
        }
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                let bytes = values.byte_offset();
                at += bytes;
                rows.push(if bytes > MAX_RECORD_BYTES {
                    problem(name, line, too_long(bytes))
                } else {
                    Ok((place(name, line), value))
                });
            }
            Some(Err(error)) => {
                let line = line + (error.line() as u64).saturating_sub(1);
                rows.push(problem(name, line, not_json(&error)));
                return rows;
            }
            None => return rows,
        }
    }
}

fn table(name: &str, bytes: &[u8], delimiter: u8) -> Vec<Row> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(bytes);
    let header: Vec<String> = match reader.byte_headers() {
        Ok(header) => header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect(),
        Err(error) => return vec![problem(name, 1, format!("not a table: {error}"))],
    };
    let records = reader.byte_records().map(|record| match record {
        Ok(record) => table_row(name, &header, &record),
        Err(error) => {
            let line = error.position().map_or(1, csv::Position::line);
            problem(name, line, format!("not a row: {error}"))
        }
    });
    records.collect()
}

fn table_row(name: &str, header: &[String], record: &csv::ByteRecord) -> Row {
    let line = record.position().map_or(1, csv::Position::line);
    if record.len() != header.len() {
        let message = format!("{} fields, but the header names {}", record.len(), header.len());
        return problem(name, line, message);
    }
    if record.as_slice().len() > MAX_RECORD_BYTES {
        return problem(name, line, too_long(record.as_slice().len()));
    }
    let mut row = Map::new();
    for (column, field) in header.iter().zip(record) {
        match std::str::from_utf8(field) {
            Ok(text) => row.insert(column.clone(), Value::String(text.to_owned())),
            Err(_) => return problem(name, line, format!("column {column} is not UTF-8")),
        };
    }
    Ok((place(name, line), Value::Object(row)))
}

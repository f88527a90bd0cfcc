//! Parquet files of others, row by row as JSON: for prompts that are kept in them.

use std::fs::File;
use std::path::{Path, PathBuf};

use dyno_model::blame::{Blame, Classify};
use polars::prelude::{AnyValue, ArrowDataType, ParquetReader, SerReader};
use serde_json::{Map, Value};

/// A parquet file that is none of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignTable {
    /// Its rows, each an object with the columns that are text, numbers or yes and no.
    pub rows: Vec<Value>,
    /// The columns that are none of these, and were not read.
    pub unread: Vec<String>,
}

/// Such a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// The disk or the rights to it say no.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no parquet file, or a damaged one.
    #[error("{} is no parquet file that can be read", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<polars::prelude::PolarsError>,
    },
    /// It has more rows than what is read.
    #[error("{} has {n_rows} rows, and {limit} are the most that are read", path.display())]
    Many {
        /// The file.
        path: PathBuf,
        /// Its rows.
        n_rows: usize,
        /// The limit.
        limit: usize,
    },
    /// It has no column that can be read.
    #[error("{} has no column of text or numbers", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
    },
}

impl Classify for ForeignError {
    fn blame(&self) -> Blame {
        Blame::User
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Io { .. } => "check that it exists and that you may read it",
            Self::Form { .. } => "write it again, or export it as JSON lines",
            Self::Many { .. } => "split it, or take a sample: a campaign asks some hundreds",
            Self::NoColumn { .. } => "export it as JSON lines: nested columns are not read",
        };
        vec![hint.to_owned()]
    }
}

/// All rows of the parquet file at `path`, at most `limit`.
///
/// # Errors
///
/// A file that is not there, is damaged, has more rows or no column that can be read.
pub fn rows_of_parquet(path: &Path, limit: usize) -> Result<ForeignTable, ForeignError> {
    let form = |source| ForeignError::Form { path: path.to_owned(), source: Box::new(source) };
    let file = File::open(path).map_err(|source| ForeignError::Io { path: path.to_owned(), source })?;
    let mut reader = ParquetReader::new(file);
    let n_rows = reader.num_rows().map_err(form)?;
    if n_rows > limit {
        return Err(ForeignError::Many { path: path.to_owned(), n_rows, limit });
    }
    let (mut read, mut unread) = (Vec::new(), Vec::new());
    for (name, field) in reader.schema().map_err(form)?.iter() {
        let list = if is_plain(&field.dtype) { &mut read } else { &mut unread };
        list.push(name.to_string());
    }
    if read.is_empty() {
        return Err(ForeignError::NoColumn { path: path.to_owned() });
    }
    let frame = reader.with_columns(Some(read)).finish().map_err(form)?;
    let mut rows = vec![Map::new(); frame.height()];
    for column in frame.columns() {
        for (at, row) in rows.iter_mut().enumerate() {
            let value = column.get(at).map_err(form)?;
            row.insert(column.name().to_string(), json(&value));
        }
    }
    Ok(ForeignTable { rows: rows.into_iter().map(Value::Object).collect(), unread })
}

fn is_plain(kind: &ArrowDataType) -> bool {
    matches!(
        kind,
        ArrowDataType::Utf8
            | ArrowDataType::LargeUtf8
            | ArrowDataType::Utf8View
            | ArrowDataType::Boolean
            | ArrowDataType::Int32
            | ArrowDataType::Int64
            | ArrowDataType::UInt32
            | ArrowDataType::UInt64
            | ArrowDataType::Float32
            | ArrowDataType::Float64
    )
}

fn json(value: &AnyValue<'_>) -> Value {
    match value {
        AnyValue::String(text) => Value::from(*text),
        AnyValue::StringOwned(text) => Value::from(text.as_str()),
        AnyValue::Boolean(is) => Value::from(*is),
        AnyValue::Int32(n) => Value::from(*n),
        AnyValue::Int64(n) => Value::from(*n),
        AnyValue::UInt32(n) => Value::from(*n),
        AnyValue::UInt64(n) => Value::from(*n),
        AnyValue::Float32(x) => Value::from(*x),
        AnyValue::Float64(x) => Value::from(*x),
        // Only columns of the kinds above are read; a row that lacks a value has none.
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{Column, DataFrame, NamedFrom as _, ParquetWriter, Series};
    use serde_json::json;

    use super::*;

    fn written(columns: Vec<Column>, height: usize) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("a.parquet");
        let mut frame = DataFrame::new(height, columns).expect("columns of one length");
        ParquetWriter::new(File::create(&path).expect("a file")).finish(&mut frame).expect("written");
        (dir, path)
    }

    #[test]
    fn rows_are_objects_of_what_is_plain() {
        let lists =
            Series::new("turns".into(), [Series::new("".into(), ["a", "b"]), Series::new("".into(), ["c"])]);
        let columns = vec![
            Column::from(Series::new("question".into(), [Some("What is rye?"), None])),
            Column::from(Series::new("n".into(), [7_i64, 8])),
            Column::from(lists),
        ];
        let (_dir, path) = written(columns, 2);
        let table = rows_of_parquet(&path, 2).expect("a table");
        assert_eq!(
            table.rows,
            [json!({"question": "What is rye?", "n": 7}), json!({"question": null, "n": 8})]
        );
        assert_eq!(table.unread, ["turns"]);
        assert!(matches!(rows_of_parquet(&path, 1), Err(ForeignError::Many { n_rows: 2, .. })));
    }

    #[test]
    fn what_is_no_parquet_file_is_told() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("a.parquet");
        assert!(matches!(rows_of_parquet(&path, 9), Err(ForeignError::Io { .. })));
        for bytes in [&b""[..], b"PAR1", b"PAR1PAR1", b"id,prompt\n1,x\n"] {
            std::fs::write(&path, bytes).expect("a file");
            assert!(matches!(rows_of_parquet(&path, 9), Err(ForeignError::Form { .. })), "{bytes:?}");
        }
    }
}

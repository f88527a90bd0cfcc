//! Columns to parquet and back: the only file that speaks polars.

use std::fs::File;
use std::path::{Path, PathBuf};

use polars::error::PolarsError;
use polars::prelude::{
    BatchedWriter, Column, DataFrame, Int64Chunked, IntoColumn, KeyValueMetadata, NamedFrom, NewChunkedArray,
    ParquetCompression, ParquetReader, ParquetWriter, PlSmallStr, SerReader, Series, StringChunked,
    UInt32Chunked, UInt64Chunked,
};

use crate::error::TableError;
use crate::schema::{FORMAT_KEY, TABLE_FORMAT};
use crate::word::{Word, Words};

/// One column of a batch.
pub(crate) fn u32s(name: &str, values: Vec<u32>) -> Column {
    UInt32Chunked::from_vec(PlSmallStr::from_str(name), values).into_column()
}

pub(crate) fn u64s(name: &str, values: Vec<u64>) -> Column {
    UInt64Chunked::from_vec(PlSmallStr::from_str(name), values).into_column()
}

pub(crate) fn i64s(name: &str, values: Vec<i64>) -> Column {
    Int64Chunked::from_vec(PlSmallStr::from_str(name), values).into_column()
}

pub(crate) fn optional_u32s(name: &str, values: &[Option<u32>]) -> Column {
    Column::from(Series::new(PlSmallStr::from_str(name), values))
}

pub(crate) fn optional_u64s(name: &str, values: &[Option<u64>]) -> Column {
    Column::from(Series::new(PlSmallStr::from_str(name), values))
}

pub(crate) fn optional_i64s(name: &str, values: &[Option<i64>]) -> Column {
    Column::from(Series::new(PlSmallStr::from_str(name), values))
}

pub(crate) fn texts<S: AsRef<str>>(name: &str, values: &[S]) -> Column {
    StringChunked::from_iter_values(PlSmallStr::from_str(name), values.iter().map(AsRef::as_ref))
        .into_column()
}

pub(crate) fn optional_texts<S: AsRef<str>>(name: &str, values: &[Option<S>]) -> Column {
    let values = values.iter().map(|value| value.as_ref().map(AsRef::as_ref));
    StringChunked::from_iter_options(PlSmallStr::from_str(name), values).into_column()
}

/// Writes one table, a row group at a time.
pub(crate) struct TableWriter {
    path: PathBuf,
    inner: BatchedWriter<File>,
    n_rows: u64,
}

impl TableWriter {
    /// Begins a table whose columns are those of `empty`, a batch without rows.
    pub(crate) fn create(path: PathBuf, empty: Vec<Column>) -> Result<Self, TableError> {
        let file = File::create(&path).map_err(|source| io("create", &path, source))?;
        let version = vec![(FORMAT_KEY.to_owned(), TABLE_FORMAT.to_string())];
        let begun = DataFrame::new_infer_height(empty).and_then(|frame| {
            ParquetWriter::new(file)
                .with_compression(ParquetCompression::Zstd(None))
                .with_key_value_metadata(Some(KeyValueMetadata::from_static(version)))
                .batched(frame.schema())
        });
        let inner = begun.map_err(|source| parquet("begin", &path, source))?;
        Ok(Self { path, inner, n_rows: 0 })
    }

    /// Writes one row group; a batch without rows writes nothing.
    pub(crate) fn write(&mut self, columns: Vec<Column>) -> Result<(), TableError> {
        let written = DataFrame::new_infer_height(columns).and_then(|frame| {
            self.n_rows += frame.height() as u64;
            self.inner.write_batch(&frame)
        });
        written.map_err(|source| parquet("write", &self.path, source))
    }

    /// Ends the table; gives how many rows it has.
    pub(crate) fn finish(self) -> Result<u64, TableError> {
        self.inner.finish().map_err(|source| parquet("end", &self.path, source))?;
        Ok(self.n_rows)
    }
}

/// Columns of a table as they were read.
pub(crate) struct Frame {
    path: PathBuf,
    frame: DataFrame,
}

/// Which rows to read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rows {
    /// All of them.
    All,
    /// So many from a number on.
    Some { first: usize, n: usize },
}

impl Frame {
    /// Reads the named columns of a table.
    pub(crate) fn read(path: &Path, columns: &[&str], rows: Rows) -> Result<Self, TableError> {
        let file = File::open(path).map_err(|source| io("read", path, source))?;
        let slice = match rows {
            Rows::All => None,
            Rows::Some { first, n } => Some((first, n)),
        };
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        let frame = ParquetReader::new(file).with_columns(Some(columns)).with_slice(slice).finish();
        let frame = frame.map_err(|source| parquet("read", path, source))?;
        Ok(Self { path: path.to_owned(), frame })
    }

    /// Whether the table has a column.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.frame.column(name).is_ok()
    }

    pub(crate) fn height(&self) -> usize {
        self.frame.height()
    }

    pub(crate) fn u32s(&self, name: &str) -> Result<Vec<u32>, TableError> {
        let column = self.series(name)?.u32().map_err(|_kind| self.no_column(name))?;
        if column.null_count() > 0 {
            return Err(self.no_column(name));
        }
        Ok(column.downcast_iter().flat_map(|part| part.values().iter().copied()).collect())
    }

    pub(crate) fn optional_u32s(&self, name: &str) -> Result<Vec<Option<u32>>, TableError> {
        Ok(self.series(name)?.u32().map_err(|_kind| self.no_column(name))?.iter().collect())
    }

    pub(crate) fn u64s(&self, name: &str) -> Result<Vec<u64>, TableError> {
        let column = self.series(name)?.u64().map_err(|_kind| self.no_column(name))?;
        if column.null_count() > 0 {
            return Err(self.no_column(name));
        }
        Ok(column.downcast_iter().flat_map(|part| part.values().iter().copied()).collect())
    }

    pub(crate) fn optional_u64s(&self, name: &str) -> Result<Vec<Option<u64>>, TableError> {
        Ok(self.series(name)?.u64().map_err(|_kind| self.no_column(name))?.iter().collect())
    }

    pub(crate) fn i64s(&self, name: &str) -> Result<Vec<i64>, TableError> {
        let column = self.series(name)?.i64().map_err(|_kind| self.no_column(name))?;
        if column.null_count() > 0 {
            return Err(self.no_column(name));
        }
        Ok(column.downcast_iter().flat_map(|part| part.values().iter().copied()).collect())
    }

    pub(crate) fn optional_i64s(&self, name: &str) -> Result<Vec<Option<i64>>, TableError> {
        Ok(self.series(name)?.i64().map_err(|_kind| self.no_column(name))?.iter().collect())
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, TableError> {
        let column = self.series(name)?.str().map_err(|_kind| self.no_column(name))?;
        column.iter().map(|value| value.map(str::to_owned).ok_or_else(|| self.no_column(name))).collect()
    }

    /// Texts of which few are different.
    pub(crate) fn words(&self, name: &str) -> Result<Vec<Word>, TableError> {
        let column = self.series(name)?.str().map_err(|_kind| self.no_column(name))?;
        let mut words = Words::default();
        column.iter().map(|value| Ok(words.of(value.ok_or_else(|| self.no_column(name))?))).collect()
    }

    pub(crate) fn optional_words(&self, name: &str) -> Result<Vec<Option<Word>>, TableError> {
        let column = self.series(name)?.str().map_err(|_kind| self.no_column(name))?;
        let mut words = Words::default();
        Ok(column.iter().map(|value| value.map(|text| words.of(text))).collect())
    }

    pub(crate) fn optional_texts(&self, name: &str) -> Result<Vec<Option<String>>, TableError> {
        let column = self.series(name)?.str().map_err(|_kind| self.no_column(name))?;
        Ok(column.iter().map(|value| value.map(str::to_owned)).collect())
    }

    fn series(&self, name: &str) -> Result<&Series, TableError> {
        let column = self.frame.column(name).map_err(|_absent| self.no_column(name))?;
        Ok(column.as_materialized_series())
    }

    fn no_column(&self, name: &str) -> TableError {
        TableError::Column { path: self.path.clone(), column: name.to_owned() }
    }
}

fn io(action: &'static str, path: &Path, source: std::io::Error) -> TableError {
    TableError::Io { action, path: path.to_owned(), source }
}

/// A full disk says so, whatever wraps it.
fn parquet(action: &'static str, path: &Path, source: PolarsError) -> TableError {
    match source {
        PolarsError::IO { error, .. } => {
            io(action, path, std::io::Error::new(error.kind(), error.to_string()))
        }
        other => TableError::Parquet { action, path: path.to_owned(), source: Box::new(other) },
    }
}

//! The flags of `report` and `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::evidence::Redact;

pub(crate) const REPORT_HELP: &str = "\
Examples:
  edgedyno report                                   the newest campaign, as a table
  edgedyno report 20261121-043000-quick --format html --output report.html
  edgedyno report pi5-nightly phone-nightly --format html --output devices.html
  edgedyno report --import llama-bench.json         figures of llama-bench beside ours, marked as such
  edgedyno report --format json | jq '.cells[].metrics'
  edgedyno report --redact drop --format html --output public.html    without texts, hosts and addresses

Several campaigns make one page on which cells that did equal work stand side by side; whether they differ by more
than chance is what `edgedyno compare` tests.";

pub(crate) const EXPORT_HELP: &str = "\
Examples:
  edgedyno export --format parquet --output tables          the newest campaign's tables, digests checked
  edgedyno export 20261121-043000-quick --format csv --output out
  edgedyno export --format jsonl --output out && jq -s 'map(.ttft_ns) | add' out/requests.jsonl

docs/tables.md says what each column holds.";

/// A report.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Campaign ids or folders [default: the newest]
    #[arg(value_name = "CAMPAIGN")]
    pub(crate) campaigns: Vec<PathBuf>,
    /// Form of the report
    #[arg(long, short, value_enum)]
    pub(crate) format: Option<Format>,
    /// File to write [default: stdout; report/report.html of the campaign for html]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write the page as PDF, too, by a Chromium or Chrome of this machine
    #[arg(long, value_name = "FILE")]
    pub(crate) pdf: Option<PathBuf>,
    /// Show the figures of this file beside ours: `llama-bench -o json` or `-o jsonl`
    #[arg(long, value_name = "FILE")]
    pub(crate) import: Vec<PathBuf>,
    /// Leave texts and names out, as `evidence pack --redact` does; all figures stay
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) redact: Option<Redact>,
    /// Build the tables anew from the journal
    #[arg(long)]
    pub(crate) reingest: bool,
}

/// Form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Table for a terminal.
    Terminal,
    /// One page, offline.
    Html,
    /// Markdown for pull requests.
    Md,
    /// The normative form.
    Json,
    /// One row for each figure.
    Csv,
    /// JUnit XML: a test case for each cell, each objective and each verdict.
    Junit,
    /// github-action-benchmark's customSmallerIsBetter.
    BenchmarkAction,
    /// github-action-benchmark's customBiggerIsBetter.
    BenchmarkActionBigger,
    /// Bencher Metric Format.
    Bencher,
}

/// Tables as files.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Campaign id or folder [default: the newest]
    pub(crate) campaign: Option<PathBuf>,
    /// Form of the files
    #[arg(long, short, value_enum)]
    pub(crate) format: ExportFormat,
    /// Folder to make
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Write into a folder that has files already, and over those of the same names
    #[arg(long)]
    pub(crate) force: bool,
}

/// Form of exported tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// All tables of the campaign, as they are.
    Parquet,
    /// Requests with their metrics: requests.csv.
    Csv,
    /// The same, a line of JSON each: requests.jsonl.
    Jsonl,
}

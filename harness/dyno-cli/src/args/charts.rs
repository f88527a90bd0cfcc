//! The flags of `charts` and `trace`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(crate) const CHARTS_HELP: &str = "\
Examples:
  edgedyno charts --png charts                           every chart of the newest campaign
  edgedyno charts 20261121-043000-quick --svg charts --theme dark
  edgedyno charts --png charts --width 1920 --only 'ttft'

A PNG is made from the SVG of the same name. Names come from the cells and charts of the report.";

pub(crate) const TRACE_HELP: &str = "\
Examples:
  edgedyno trace                                         the newest campaign, into report/trace.json
  edgedyno trace 20261121-043000-quick --run 2 --tokens --output run2.json

Load it at ui.perfetto.dev or in chrome://tracing: a process is a launch, a thread serves one request at a time,
slices are queue, prefill and decode, counters are sensors.";

/// Charts as files.
#[derive(Debug, Args)]
pub(crate) struct ChartsArgs {
    /// Campaign id or folder [default: the newest]
    pub(crate) campaign: Option<PathBuf>,
    /// Folder for PNG files
    #[arg(long, value_name = "DIR", required_unless_present = "svg")]
    pub(crate) png: Option<PathBuf>,
    /// Folder for SVG files
    #[arg(long, value_name = "DIR")]
    pub(crate) svg: Option<PathBuf>,
    /// Pixels across
    #[arg(long, default_value_t = 1280, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(160..=8192))]
    pub(crate) width: u32,
    /// Ground that they are for
    #[arg(long, value_enum, default_value_t = ChartTheme::Light)]
    pub(crate) theme: ChartTheme,
    /// Only charts with this in their name
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChartTheme {
    /// White ground.
    Light,
    /// Dark ground.
    Dark,
}

/// A trace for Perfetto.
#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// Campaign id or folder [default: the newest]
    pub(crate) campaign: Option<PathBuf>,
    /// One run only, by its number
    #[arg(long, value_name = "N")]
    pub(crate) run: Option<u32>,
    /// Mark each token chunk: most of a trace's size
    #[arg(long)]
    pub(crate) tokens: bool,
    /// File to write, or - for stdout [default: report/trace.json of the campaign]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

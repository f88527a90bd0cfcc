//! The flags of `bisect`.

use std::path::PathBuf;

use clap::Args;

use super::{Ask, Reconnect};

pub(crate) const BISECT_HELP: &str = "\
Examples:
  edgedyno bisect llama-server+program=~/b{4000,4001,4002,4003}/llama-server --name slow
  edgedyno bisect --builds builds.txt --metric ttft --device pi5 --name ttft
  edgedyno bisect --builds builds.txt --name ttft        again: goes on where it was stopped

A build is an arm, as `run --compare` takes it; a file has one on each line. Each step is a campaign, NAME-step-1 and
so on, that holds a build against the first one in blocks. The file is read anew each time.

Exit codes: 0 the last build is not worse than the first · 1 the first bad build is found · 5 it could not be told";

#[derive(Debug, Args)]
pub(crate) struct BisectArgs {
    /// Builds in their order: the first is known to be good, the last to be bad
    #[arg(value_name = "BUILD", required_unless_present = "builds_file", conflicts_with = "builds_file")]
    pub(crate) builds: Vec<String>,
    /// File with a build on each line; empty lines and those that begin with # are passed over
    #[arg(long = "builds", value_name = "FILE")]
    pub(crate) builds_file: Option<PathBuf>,
    /// The metric that decides
    #[arg(long, default_value = "decode_tokens_per_s", value_name = "METRIC")]
    pub(crate) metric: String,
    /// The smallest change that matters, in per cent [default: as of `compare`]
    #[arg(long, value_name = "PERCENT", value_parser = super::compare::percent)]
    pub(crate) delta: Option<f64>,
    #[command(flatten)]
    pub(crate) ask: Ask,
    /// What the names of the steps' campaigns begin with [default: UTC time and `bisect`]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Accept the terms of models that ask for it
    #[arg(long)]
    pub(crate) accept_terms: bool,
    #[command(flatten)]
    pub(crate) reconnect: Reconnect,
}

//! The flags of `check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(crate) const CHECK_HELP: &str = "\
Examples:
  edgedyno check --slo interactive                       the newest campaign, a set of the catalogue
  edgedyno check 20261121-043000-quick --slo sla.toml    your own objectives
  edgedyno check --slo sla.toml --format html --output compliance.html
  edgedyno check --slo sla.toml --pdf compliance.pdf --operator 'A. Meier'
  edgedyno check --slo sla.toml --format junit --output sla.xml
  edgedyno check --slo sla.toml --format csv | head      every request, with each objective kept or not
  edgedyno check new --slo quality --baseline stable     answers that pass, and how many fewer than before

Exit codes: 0 every objective passes · 1 one fails · 5 inconclusive, or too much was left out";

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Campaign id or folder [default: the newest]
    pub(crate) campaign: Option<PathBuf>,
    /// Objectives: a file, or the name of a set in the catalogue
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) slo: String,
    /// Campaign or baseline that every `max_drop` is held against, in place of those that the objectives name
    #[arg(long, value_name = "CAMPAIGN")]
    pub(crate) baseline: Option<String>,
    /// Form of the compliance report
    #[arg(long, short, value_enum)]
    pub(crate) format: Option<CheckFormat>,
    /// File to write [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write the report as PDF, too, by a Chromium or Chrome of this machine
    #[arg(long, value_name = "FILE")]
    pub(crate) pdf: Option<PathBuf>,
    /// Who measured, for the report
    #[arg(long, value_name = "NAME")]
    pub(crate) operator: Option<String>,
}

/// Form of a compliance report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// Verdicts first, then all sections.
    Terminal,
    /// One page, offline, to print and sign.
    Html,
    /// Markdown for pull requests.
    Md,
    /// The normative form.
    Json,
    /// One row for each request, with each objective kept or not.
    Csv,
    /// JUnit XML: one test case for each objective.
    Junit,
}

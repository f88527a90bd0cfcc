//! The flags of `compare`, `baseline`, `calibrate` and `history`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Format, Reconnect};

pub(crate) const COMPARE_HELP: &str = "\
Examples:
  edgedyno compare                               the arms of the newest campaign
  edgedyno compare 20261121-043000-compare       the arms of that one
  edgedyno compare stable 20261121-043000-quick  a baseline against a campaign of its own
  edgedyno compare c:old c:new --metric ttft --delta 5
  edgedyno compare stable new --format md --output comment.md

A side is a campaign (id or folder) or a baseline, and of it an arm or a cell: CAMPAIGN:ARM, CAMPAIGN:CELL-ID.
The first side is what the others are held against. Sides of two campaigns are UNPAIRED: a weaker comparison.

Exit codes: 0 no regression · 1 regression · 5 inconclusive, or no figure that may be used";

pub(crate) const BASELINE_HELP: &str = "\
Examples:
  edgedyno baseline set stable 20261121-043000-quick
  edgedyno compare stable 20261122-043000-quick
  edgedyno baseline list
  edgedyno baseline remove stable";

pub(crate) const CALIBRATE_HELP: &str = "\
Examples:
  edgedyno calibrate                       this machine against itself, 20 blocks
  edgedyno calibrate pi5-a --blocks 30
  edgedyno calibrate --runtime llama-server --model smollm2-135m-instruct

Two arms that are the same are measured in turn: what differs between them is what this device does by itself.
`compare` reads calibrations/DEVICE.json of the project folder.";

pub(crate) const HISTORY_HELP: &str = "\
Examples:
  edgedyno history                         all campaigns, in the order in which they were measured
  edgedyno history r1 r2 r3 --as-given --metric ttft,tpot
  edgedyno history --format html --output history.html

Exit codes: 0 no series is worse now · 1 the newest level of one is worse than the one before";

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Campaigns (ids or folders) or baselines; one alone compares its arms [default: the newest campaign]
    #[arg(value_name = "SIDE")]
    pub(crate) sides: Vec<String>,
    /// Metrics to compare, the primary one first: ttft, tpot, e2e, load, peak_rss … [default: all that have a direction]; `passed` is the answers that pass
    #[arg(long = "metric", value_delimiter = ',', value_name = "METRIC")]
    pub(crate) metrics: Vec<String>,
    /// The smallest change that matters, in per cent [default: 3 for latency and rates, 5 for energy, 2 for memory]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) delta: Option<f64>,
    /// The smallest change of the share of answers that pass that matters, in points [default: 5]
    #[arg(long, value_name = "POINTS", value_parser = percent)]
    pub(crate) quality_delta: Option<f64>,
    /// A calibration to use, instead of calibrations/DEVICE.json
    #[arg(long, value_name = "FILE")]
    pub(crate) calibration: Option<PathBuf>,
    /// Exit with 0 where nothing is decided
    #[arg(long)]
    pub(crate) inconclusive_ok: bool,
    /// Form of the comparison
    #[arg(long, short, value_enum)]
    pub(crate) format: Option<Format>,
    /// File to write [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Call a campaign by a name, and keep the digests of its record
    #[command(after_help = "Examples:\n  edgedyno baseline set stable 20261121-043000-quick")]
    Set {
        /// Letters, digits, `-`, `_` and `.`
        name: String,
        /// Campaign id or folder
        campaign: PathBuf,
    },
    /// The baselines, and whether their records are as they were
    #[command(after_help = "Examples:\n  edgedyno baseline list\n  edgedyno baseline list --json")]
    List,
    /// Forget a name; its campaign stays
    #[command(after_help = "Examples:\n  edgedyno baseline remove stable")]
    Remove {
        /// The name
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CalibrateArgs {
    /// Devices of devices.toml: ids, tags or globs [default: this machine]
    #[arg(value_name = "DEVICE")]
    pub(crate) devices: Vec<String>,
    /// Suite: what to ask of each device
    #[arg(long, default_value = "compare", value_name = "NAME")]
    pub(crate) suite: String,
    /// Blocks: in each, both arms are launched once
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(6..=1000))]
    pub(crate) blocks: u32,
    /// Runtime of the catalogue, instead of the suite's
    #[arg(long, value_name = "NAME")]
    pub(crate) runtime: Option<String>,
    /// Model of the catalogue, instead of the suite's
    #[arg(long, short, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Requests of each launch, instead of the whole slice
    #[arg(long, value_name = "N")]
    pub(crate) requests: Option<u32>,
    /// Name of the campaign's folder [default: UTC time and suite]
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    pub(crate) name: Option<String>,
    /// Accept the terms of models that ask for it
    #[arg(long, conflicts_with = "from")]
    pub(crate) accept_terms: bool,
    /// Measure nothing: take this A/A campaign
    #[arg(long, value_name = "CAMPAIGN", conflicts_with_all = ["devices", "runtime", "model", "requests"])]
    pub(crate) from: Option<PathBuf>,
    /// Form of the calibration on stdout
    #[arg(long, short, value_enum)]
    pub(crate) format: Option<CalibrationFormat>,
    #[command(flatten)]
    pub(crate) reconnect: Reconnect,
}

/// Form of a calibration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CalibrationFormat {
    /// Table for a terminal.
    Terminal,
    /// Markdown.
    Md,
    /// What `compare` reads.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Campaigns: ids, folders, or folders of campaigns [default: all of the project]
    #[arg(value_name = "CAMPAIGN")]
    pub(crate) campaigns: Vec<PathBuf>,
    /// Metrics to follow [default: those that `compare` holds against each other]
    #[arg(long = "metric", value_delimiter = ',', value_name = "METRIC")]
    pub(crate) metrics: Vec<String>,
    /// The smallest change that is told, in per cent [default: as of `compare`]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) delta: Option<f64>,
    /// Take the campaigns as they are named, not in the order in which they were measured
    #[arg(long, requires = "campaigns")]
    pub(crate) as_given: bool,
    /// Form of the history
    #[arg(long, short, value_enum)]
    pub(crate) format: Option<HistoryFormat>,
    /// File to write [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Form of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HistoryFormat {
    /// Table for a terminal.
    Terminal,
    /// One page, offline.
    Html,
    /// Markdown.
    Md,
    /// The normative form.
    Json,
}

/// A share in per cent, as a share of 0 to 1.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    let wanted = || "expected per cent above 0 and below 100, such as 3 or 2.5".to_owned();
    let share = text.strip_suffix('%').unwrap_or(text).parse::<f64>().map_err(|_no_number| wanted())? / 100.0;
    if share > 0.0 && share < 1.0 { Ok(share) } else { Err(wanted()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smallest_change_is_a_share() {
        let check = |text, expected: Option<f64>| assert_eq!(percent(text).ok(), expected, "{text}");
        check("3", Some(0.03));
        check("2.5%", Some(0.025));
        check("0", None);
        check("100", None);
        check("-1", None);
        check("NaN", None);
        check("inf", None);
        check("", None);
    }
}

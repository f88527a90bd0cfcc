//! The flags of `canary`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Ask, Reconnect};

pub(crate) const CANARY_HELP: &str = "\
Examples:
  edgedyno canary record stable                              measure the canary prompts, keep the answers
  edgedyno canary record stable --campaign 20261121-043000-canary
  edgedyno canary check stable --runtime llama-server        does another runtime say the same?
  edgedyno canary check stable --model my-q8_0 --allow-other-model
  edgedyno canary check stable --campaign new --format html --output canary.html
  edgedyno canary list

A baseline is canaries/NAME.json of the project folder. docs/canary.md says what the figures mean.

Exit codes of check: 0 SAME or NUMERIC · 1 DRIFT · 2 another model, other prompts · 5 INCOMPLETE";

#[derive(Debug, Subcommand)]
pub(crate) enum CanaryCommand {
    /// Keep the answers of a trusted runtime, build and model as a baseline
    #[command(
        after_help = "Examples:\n  edgedyno canary record stable\n  edgedyno canary record stable --runtime llama-server --device pi5\n  edgedyno canary record stable --campaign 20261121-043000-canary --force",
        mut_arg("compare", |arg| arg.hide(true)),
        mut_arg("blocks", |arg| arg.hide(true)),
        mut_arg("order", |arg| arg.hide(true)),
        mut_arg("suite", |arg| arg.help("Suite: what to ask [default: canary]"))
    )]
    Record(Box<RecordArgs>),
    /// Hold answers against a baseline: SAME, NUMERIC or DRIFT
    #[command(
        after_help = "Examples:\n  edgedyno canary check stable\n  edgedyno canary check stable --runtime llama-server --format junit --output canary.xml\n  edgedyno canary check stable --campaign 20261122-043000-canary --tie-margin 0.2\n\nWhat is not said is as the baseline has it: suite, model, prompts, longest answer.\n\nExit codes: 0 SAME or NUMERIC · 1 DRIFT · 2 another model, other prompts · 5 INCOMPLETE",
        mut_arg("compare", |arg| arg.hide(true)),
        mut_arg("blocks", |arg| arg.hide(true)),
        mut_arg("order", |arg| arg.hide(true)),
        mut_arg("suite", |arg| arg.help("Suite: what to ask [default: the baseline's]"))
    )]
    Check(Box<CanaryCheckArgs>),
    /// The baselines, and what they are of
    #[command(after_help = "Examples:\n  edgedyno canary list\n  edgedyno canary list --json")]
    List,
}

#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// Name of the baseline: letters, digits, `-`, `_` and `.`
    pub(crate) name: String,
    /// Put it in the place of one that is there
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) source: CanarySource,
}

#[derive(Debug, Args)]
pub(crate) struct CanaryCheckArgs {
    /// Name of the baseline
    pub(crate) name: String,
    /// Check a model that is not the baseline's, such as another quantization of it
    #[arg(long)]
    pub(crate) allow_other_model: bool,
    #[command(flatten)]
    pub(crate) limits: CanaryLimits,
    /// Form of the check
    #[arg(long, short, value_enum)]
    pub(crate) format: Option<CanaryFormat>,
    /// File to write [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) source: CanarySource,
}

/// Where answers come from: a campaign that is there, or one that is measured now.
#[derive(Debug, Args)]
pub(crate) struct CanarySource {
    /// Measure nothing: take this campaign, by id or folder
    #[arg(long, value_name = "CAMPAIGN", conflicts_with_all = [
        "suite", "devices", "models", "runtimes", "threads", "repetitions", "requests", "max_tokens", "seed", "slo",
        "stop", "ambient", "concurrency", "rate", "duration", "endpoint", "run_name", "accept_terms",
    ])]
    pub(crate) campaign: Option<PathBuf>,
    /// Of a campaign with several cells the one that is meant: its id, or how that begins
    #[arg(long, value_name = "CELL", requires = "campaign")]
    pub(crate) cell: Option<String>,
    #[command(flatten)]
    pub(crate) ask: Ask,
    /// Name of the new campaign's folder [default: UTC time and suite]
    #[arg(long, value_name = "NAME")]
    pub(crate) run_name: Option<String>,
    /// Accept the terms of models that ask for it
    #[arg(long)]
    pub(crate) accept_terms: bool,
    #[command(flatten)]
    pub(crate) reconnect: Reconnect,
}

/// What counts as what, instead of the usual.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "What counts as what")]
pub(crate) struct CanaryLimits {
    /// Two tokens are a tie where each side held its own for the likelier one by this at most, in nats
    #[arg(long, value_name = "NATS", value_parser = at_least_0)]
    pub(crate) tie_margin: Option<f64>,
    /// Mean divergence of the distributions, in nats, above which they are others
    #[arg(long, value_name = "NATS", value_parser = at_least_0)]
    pub(crate) max_kl: Option<f64>,
    /// Share of the answers that may part at a preference above that margin, in per cent
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    pub(crate) max_disagreements: Option<f64>,
    /// The clearest preference, in nats, at which any answer may part
    #[arg(long, value_name = "NATS", value_parser = at_least_0)]
    pub(crate) max_gap: Option<f64>,
    /// Share of the answers that may part while nobody tells how likely the tokens were, in per cent
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    pub(crate) max_unexplained: Option<f64>,
    /// Level of the test of grades that flip
    #[arg(long, value_name = "P", value_parser = level)]
    pub(crate) alpha: Option<f64>,
}

/// Form of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CanaryFormat {
    /// The verdict, the figures, and where answers part.
    Terminal,
    /// One page, offline.
    Html,
    /// Markdown for pull requests.
    Md,
    /// The normative form.
    Json,
    /// JUnit XML: one test case for each prompt.
    Junit,
}

fn number(text: &str, fits: impl Fn(f64) -> bool, wanted: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite() && fits(*value));
    value.ok_or_else(|| format!("expected {wanted}"))
}

fn at_least_0(text: &str) -> Result<f64, String> {
    number(text, |value| value >= 0.0, "a number such as 0.5, at least 0")
}

/// Per cent, as a share of 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    let text = text.strip_suffix('%').unwrap_or(text);
    number(text, |value| (0.0..=100.0).contains(&value), "per cent, 0 to 100").map(|value| value / 100.0)
}

fn level(text: &str) -> Result<f64, String> {
    number(text, |value| value > 0.0 && value < 1.0, "a probability between 0 and 1, such as 0.05")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_in_their_range() {
        let check = |found: Result<f64, String>, expected: Option<f64>| assert_eq!(found.ok(), expected);
        check(at_least_0("0.5"), Some(0.5));
        check(at_least_0("0"), Some(0.0));
        check(at_least_0("-1"), None);
        check(at_least_0("NaN"), None);
        check(at_least_0("inf"), None);
        check(share("25"), Some(0.25));
        check(share("100%"), Some(1.0));
        check(share("101"), None);
        check(level("0.05"), Some(0.05));
        check(level("0"), None);
        check(level("1"), None);
    }
}

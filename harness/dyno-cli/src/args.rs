//! The command line, as clap sees it; no logic.

mod ask;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use ask::{Api, Arrivals, Ask, EndpointFlags, LoadFlags};

const EXIT_CODES: &str = "\
Exit codes:
  0    done, and the figures may be used
  1    an SLO is breached, or a release regressed
  2    usage or configuration
  3    a device, link, disk or network is not there
  4    the runtime failed in every cell
  5    measured, but figures are invalid or inconclusive
  70   a defect of edgedyno
  130  interrupted; the record is complete up to there";

/// A dynamometer for on-device LLMs: honest latency, throughput, memory, energy and heat, from real prompts.
#[derive(Debug, Parser)]
#[command(name = "edgedyno", version, propagate_version = true, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every subcommand.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Say more: every step
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Say nothing but errors and the result
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Print the result as JSON on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colour; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Folder with devices.toml, and your own catalog/ and prompts/ [default: the nearest one above]
    #[arg(long, global = true, value_name = "DIR", env = "EDGEDYNO_PROJECT", hide_env_values = true)]
    pub(crate) project: Option<PathBuf>,
    /// Folder of the campaigns [default: runs/ in the project folder]
    #[arg(long, global = true, value_name = "DIR", env = "EDGEDYNO_RUNS", hide_env_values = true)]
    pub(crate) runs: Option<PathBuf>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure: plan, deploy the agent, run the prompts, write record and report
    #[command(after_help = "\
Examples:
  edgedyno run                                   this machine, suite quick, a real 135M model
  edgedyno run --model gemma-3-270m-q4_k_m --accept-terms
  edgedyno run --suite quick --threads 1,2 --repetitions 5
  edgedyno run --runtime fake --model none       the scripted runtime: no model, exact truth
  edgedyno run --suite latency --runtime llama-server
  edgedyno run --endpoint http://127.0.0.1:8080/v1 --model smollm2 --rate 0.5,1,2 --duration 60")]
    Run(RunArgs),
    /// Print the frozen plan without running it
    #[command(after_help = "\
Examples:
  edgedyno plan                  what `edgedyno run` would do
  edgedyno plan --json | jq .cells")]
    Plan(Ask),
    /// Finish what a stopped or broken campaign is missing
    #[command(after_help = "\
Examples:
  edgedyno resume                the newest campaign
  edgedyno resume 20261121-043000-quick")]
    Resume(ResumeArgs),
    /// Render a campaign again from its record
    #[command(after_help = "\
Examples:
  edgedyno report                                   the newest campaign, as a table
  edgedyno report 20261121-043000-quick --format html --output report.html
  edgedyno report --format json | jq '.cells[].metrics'")]
    Report(ReportArgs),
    /// The devices: list them with what they are; add, clean, release
    #[command(after_help = "\
Examples:
  edgedyno devices                         all of devices.toml, and what else is on adb
  edgedyno devices phone 'pi5-*' --json    some of them, by name, tag or pattern
  edgedyno devices discover                also the hosts that your ssh configuration names
  edgedyno devices add pi5-a --ssh pi5-a --board raspberry-pi-5 --tag pi
  edgedyno devices clean pi5-a             remove all that edgedyno put there")]
    Devices(DevicesArgs),
    /// Say what would make a measurement on a device invalid, and how to mend it
    #[command(after_help = "\
Examples:
  edgedyno doctor local
  edgedyno doctor phone pi5-a --json | jq '.devices[].findings'
  edgedyno doctor --sensors --device pi5-a       every sensor, and which sources of power follow a load

Exits with 0 where nothing makes figures invalid, 5 where something does, 3 where a device is not there.")]
    Doctor(DoctorArgs),
    /// The model store: list, pull, verify, add
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Completion script for a shell, on stdout
    #[command(after_help = "\
Examples:
  edgedyno completions bash > ~/.local/share/bash-completion/completions/edgedyno
  edgedyno completions fish > ~/.config/fish/completions/edgedyno.fish")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Manual page, on stdout
    #[command(after_help = "\
Examples:
  edgedyno man > edgedyno.1
  edgedyno man | man -l -")]
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Devices of devices.toml: ids, tags or globs
    #[arg(required_unless_present_any = ["sensors", "device"], value_name = "DEVICE")]
    pub(crate) devices: Vec<String>,
    /// The same by a flag, as the other commands have it
    #[arg(long, value_name = "DEVICE", value_delimiter = ',')]
    pub(crate) device: Vec<String>,
    /// List every sensor, and load the device in known steps to see which sources of power follow
    /// [default device: this machine]
    #[arg(long)]
    pub(crate) sensors: bool,
    /// Seconds for these steps: shorter ones are of no use where a gauge tells something new once a second
    #[arg(long, value_name = "SECONDS", requires = "sensors", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) load_time: Option<u64>,
}

impl DoctorArgs {
    /// All devices that are meant.
    pub(crate) fn selectors(&self) -> Vec<String> {
        self.devices.iter().chain(&self.device).cloned().collect()
    }
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) ask: Ask,
    /// Name of the campaign's folder [default: UTC time and suite]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Accept the terms of models that ask for it
    #[arg(long)]
    pub(crate) accept_terms: bool,
    #[command(flatten)]
    pub(crate) reconnect: Reconnect,
}

/// What to do about a link that breaks.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Reconnect {
    /// How long to seek a device whose link was lost; it goes on with its run meanwhile
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    reconnect_limit: u64,
}

impl Reconnect {
    pub(crate) fn limit(self) -> Duration {
        Duration::from_secs(self.reconnect_limit)
    }
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// Campaign id or folder [default: the newest]
    pub(crate) campaign: Option<PathBuf>,
    /// Accept the terms of models that ask for it
    #[arg(long)]
    pub(crate) accept_terms: bool,
    #[command(flatten)]
    pub(crate) reconnect: Reconnect,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Campaign id or folder [default: the newest]
    pub(crate) campaign: Option<PathBuf>,
    /// Form of the report
    #[arg(long, short, value_enum)]
    pub(crate) format: Option<Format>,
    /// File to write [default: stdout; report/report.html for html]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
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
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// What the catalogue knows and what is in the cache
    #[command(after_help = "Examples:\n  edgedyno models list\n  edgedyno models list --json")]
    List,
    /// Fetch a model, verify it, and keep it
    #[command(
        after_help = "Examples:\n  edgedyno models pull smollm2-135m-instruct\n  edgedyno models pull gemma-3-270m-q4_k_m --accept-terms"
    )]
    Pull {
        /// Name in the catalogue
        #[arg(required = true)]
        names: Vec<String>,
        /// Accept the terms of models that ask for it
        #[arg(long)]
        accept_terms: bool,
    },
    /// Hash what is in the cache again
    #[command(
        after_help = "Examples:\n  edgedyno models verify\n  edgedyno models verify smollm2-135m-instruct"
    )]
    Verify {
        /// Names in the catalogue [default: all in the cache]
        names: Vec<String>,
    },
    /// Take a GGUF file of your own into the cache, and print its catalogue entry
    #[command(after_help = "Examples:\n  edgedyno models add ~/models/my-finetune.Q4_K_M.gguf")]
    Add {
        /// The file
        path: PathBuf,
    },
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DevicesArgs {
    #[command(flatten)]
    pub(crate) list: ListArgs,
    #[command(subcommand)]
    pub(crate) command: Option<DevicesCommand>,
}

/// Which devices to list.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ListArgs {
    /// Devices of devices.toml: ids, tags or globs [default: all, and what else is on adb]
    #[arg(value_name = "DEVICE")]
    pub(crate) devices: Vec<String>,
    /// Name the hosts of your ssh configuration, too; they are not reached
    #[arg(long, conflicts_with = "devices")]
    pub(crate) discover: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DevicesCommand {
    /// What `devices` does without a subcommand
    #[command(after_help = "Examples:\n  edgedyno devices list\n  edgedyno devices list pi --json")]
    List(ListArgs),
    /// List all, with the hosts that your ssh configuration names as candidates
    #[command(after_help = "Examples:\n  edgedyno devices discover")]
    Discover,
    /// Write a device into devices.toml, once it was reached
    #[command(
        after_help = "Examples:\n  edgedyno devices add pi5-a --ssh pi5-a --board raspberry-pi-5 --tag pi\n  edgedyno devices add phone --adb usb --price-eur 549"
    )]
    Add(AddArgs),
    /// Remove all that edgedyno put on devices, and say how much room that freed
    #[command(after_help = "Examples:\n  edgedyno devices clean pi5-a\n  edgedyno devices clean")]
    Clean {
        /// Devices of devices.toml: ids, tags or globs [default: all]
        #[arg(value_name = "DEVICE")]
        devices: Vec<String>,
    },
    /// End an agent that works on a device for somebody else, or was forgotten there
    #[command(after_help = "Examples:\n  edgedyno devices release pi5-a")]
    Release {
        /// Devices of devices.toml: ids, tags or globs
        #[arg(required = true, value_name = "DEVICE")]
        devices: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Its name: letters, digits, `-`, `_` and `.`
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) way: Way,
    /// What board it is: raspberry-pi-5
    #[arg(long, value_name = "BOARD")]
    pub(crate) board: Option<String>,
    /// Labels to select it by
    #[arg(long = "tag", value_delimiter = ',', value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// What it costs, in euro
    #[arg(long, value_name = "EURO", value_parser = cents)]
    pub(crate) price_eur: Option<u64>,
    /// Folder on the device for the agent and the models
    #[arg(long, value_name = "DIR")]
    pub(crate) work_dir: Option<String>,
    /// Write it down without reaching it
    #[arg(long)]
    pub(crate) no_check: bool,
}

/// How to reach a new device.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Way {
    /// Over ssh: a host name, or an alias of your ssh configuration
    #[arg(long, value_name = "HOST")]
    pub(crate) ssh: Option<String>,
    /// Over adb: a serial number, `usb` or HOST:PORT
    #[arg(long, value_name = "SERIAL")]
    pub(crate) adb: Option<String>,
}

/// Euro with at most two decimals, as cents.
fn cents(text: &str) -> Result<u64, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 || whole.len() > 12 {
        return Err("expected an amount such as 92 or 92.50".to_owned());
    }
    let number = |text: &str| text.parse::<u64>().map_err(|error| error.to_string());
    Ok(number(whole)? * 100 + number(&format!("{part:0<2}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact() {
        let check = |text, expected: Option<u64>| assert_eq!(cents(text).ok(), expected, "{text}");
        check("92", Some(9200));
        check("92.5", Some(9250));
        check("0.05", Some(5));
        check("92.505", None);
        check("-1", None);
        check("", None);
        check(".5", None);
        check("1e3", None);
        check("99999999999999999999", None);
    }
}

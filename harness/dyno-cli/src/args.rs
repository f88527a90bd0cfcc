//! The command line, as clap sees it; no logic.

mod ask;
mod bisect;
mod canary;
mod charts;
mod check;
mod compare;
mod devices;
mod evidence;
mod prompts;
mod recommend;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use ask::{Api, Arrivals, Ask, EndpointFlags, LoadFlags, Order, PromptFlags};
pub(crate) use bisect::{BISECT_HELP, BisectArgs};
pub(crate) use canary::{
    CANARY_HELP, CanaryCheckArgs, CanaryCommand, CanaryFormat, CanaryLimits, CanarySource, RecordArgs,
};
pub(crate) use charts::{CHARTS_HELP, ChartTheme, ChartsArgs, TRACE_HELP, TraceArgs};
pub(crate) use check::{CHECK_HELP, CheckArgs, CheckFormat};
pub(crate) use compare::{
    BASELINE_HELP, BaselineCommand, CALIBRATE_HELP, COMPARE_HELP, CalibrateArgs, CalibrationFormat,
    CompareArgs, HISTORY_HELP, HistoryArgs, HistoryFormat,
};
pub(crate) use devices::{AddArgs, DevicesArgs, DevicesCommand, ListArgs};
pub(crate) use evidence::{EVIDENCE_HELP, EvidenceCommand, PackArgs, Redact, VerifyArgs};
pub(crate) use prompts::{ColumnUse, ImportArgs, LintArgs, PROMPTS_HELP, PromptForm, PromptsCommand};
pub(crate) use recommend::{RECOMMEND_HELP, RecommendArgs, RecommendFormat};
pub(crate) use report::{EXPORT_HELP, ExportArgs, ExportFormat, Format, REPORT_HELP, ReportArgs};

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
  edgedyno run --endpoint http://127.0.0.1:8080/v1 --model smollm2 --rate 0.5,1,2 --duration 60
  edgedyno run --compare embedded,llama-server   which is faster? ten blocks of fresh launches of both
  edgedyno run --compare threads=1,threads=2 --blocks 20
  edgedyno run --compare llama-server,llama-server+program=~/new/llama-server")]
    Run(RunArgs),
    /// Print the frozen plan without running it
    #[command(after_help = "\
Examples:
  edgedyno plan                  what `edgedyno run` would do
  edgedyno plan --json | jq .cells")]
    Plan(Ask),
    /// Find the first bad build of a list, by comparing builds with the first one in blocks
    #[command(after_help = BISECT_HELP, mut_arg("compare", |arg| arg.hide(true)))]
    Bisect(Box<BisectArgs>),
    /// Finish what a stopped or broken campaign is missing
    #[command(after_help = "\
Examples:
  edgedyno resume                the newest campaign
  edgedyno resume 20261121-043000-quick")]
    Resume(ResumeArgs),
    /// Render campaigns again from their records: one, or several side by side
    #[command(after_help = REPORT_HELP)]
    Report(ReportArgs),
    /// Hold releases, settings or devices against each other: a verdict for each metric
    #[command(after_help = COMPARE_HELP)]
    Compare(CompareArgs),
    /// Campaigns by names of their own: set, list, remove
    #[command(subcommand, after_help = BASELINE_HELP)]
    Baseline(BaselineCommand),
    /// Hold a device against itself: how far its launches scatter, and how often it cries wolf
    #[command(after_help = CALIBRATE_HELP)]
    Calibrate(CalibrateArgs),
    /// Campaigns over time: where a metric changed for good
    #[command(after_help = HISTORY_HELP)]
    History(HistoryArgs),
    /// Hold a campaign against service level objectives: PASS, FAIL or INCONCLUSIVE, and a report to sign
    #[command(after_help = CHECK_HELP)]
    Check(CheckArgs),
    /// Hold the answers of a new runtime, build or model against trusted ones: record, check, list
    #[command(subcommand, after_help = CANARY_HELP)]
    Canary(CanaryCommand),
    /// Every chart of a report as SVG or PNG
    #[command(after_help = CHARTS_HELP)]
    Charts(ChartsArgs),
    /// A campaign as a trace for Perfetto: requests, phases and sensors on one axis of time
    #[command(after_help = TRACE_HELP)]
    Trace(TraceArgs),
    /// The tables of a campaign as files: Parquet, CSV or JSON lines
    #[command(after_help = EXPORT_HELP)]
    Export(ExportArgs),
    /// A campaign as one archive that others can verify: pack, verify, keygen, show
    #[command(subcommand, after_help = EVIDENCE_HELP)]
    Evidence(EvidenceCommand),
    /// Say which device to buy: who meets a service level, sustained, and at what cost
    #[command(after_help = RECOMMEND_HELP)]
    Recommend(Box<RecommendArgs>),
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
    /// The prompt corpora: import, stats, lint, list
    #[command(subcommand, after_help = PROMPTS_HELP)]
    Prompts(PromptsCommand),
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
    /// Hash what is in the cache again, and look at its signatures
    #[command(
        after_help = "Examples:\n  edgedyno models verify\n  edgedyno models verify smollm2-135m-instruct\n\nExits with 3 where a file was changed, or is refused by catalog/trust.toml."
    )]
    Verify {
        /// Names in the catalogue [default: all in the cache]
        names: Vec<String>,
    },
    /// Take a GGUF file of your own into the cache, and print its catalogue entry
    #[command(
        after_help = "Examples:\n  edgedyno models add ~/models/my-finetune.Q4_K_M.gguf\n\nA signature beside it (.minisig of minisign, .sig of ssh-keygen) is verified and goes into the entry."
    )]
    Add {
        /// The file
        path: PathBuf,
    },
}

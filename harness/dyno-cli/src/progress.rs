//! Live progress on stderr: a bar on a terminal, plain lines when piped, nothing with `--quiet`.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use dyno_artifacts::Phase as PullPhase;
use dyno_model::ids::DeviceId;
use dyno_model::plan::Plan;
use dyno_protocol::message::Phase;
use dyno_session::{Cancel, Observer, Step};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::Global;

/// How much to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Talk {
    /// Only errors and the result.
    Quiet,
    /// Progress.
    Normal,
    /// Steps, too.
    Verbose,
}

impl Talk {
    /// As the flags say.
    pub(crate) fn of(global: &Global) -> Self {
        match (global.quiet, global.verbose) {
            (true, _) => Self::Quiet,
            (false, false) => Self::Normal,
            (false, true) => Self::Verbose,
        }
    }
}

/// One line for people on stderr. Best effort: a closed stderr must not stop a measurement.
pub(crate) fn say(talk: Talk, at_least: Talk, text: &str) {
    if talk >= at_least {
        writeln!(std::io::stderr().lock(), "{text}").ok();
    }
}

/// The progress of a campaign: a bar for each device.
#[derive(Debug)]
pub(crate) struct Progress {
    talk: Talk,
    bars: MultiProgress,
    is_terminal: bool,
    n_missing: BTreeMap<DeviceId, u64>,
    name_width: usize,
}

impl Progress {
    /// A campaign of `plan`, of which `recorded` is in the record.
    pub(crate) fn new(talk: Talk, plan: &Plan, recorded: &dyno_store::Progress) -> Self {
        let is_terminal = std::io::stderr().is_terminal() && talk > Talk::Quiet;
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let mut n_missing: BTreeMap<DeviceId, u64> =
            plan.devices.keys().map(|device| (device.clone(), 0)).collect();
        for run in plan.runs.iter().filter(|run| !recorded.left_out().contains_key(&run.id)) {
            if let Some(n) = plan.cell(&run.cell).and_then(|cell| n_missing.get_mut(&cell.device)) {
                *n += recorded.missing_of(plan, run).n_requests as u64;
            }
        }
        let name_width = plan.devices.keys().map(|device| device.0.len()).max().unwrap_or(0);
        Self { talk, bars: MultiProgress::with_draw_target(target), is_terminal, n_missing, name_width }
    }

    /// The bars, for whoever must write between them.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// The progress of one device's session.
    pub(crate) fn device(&self, device: &DeviceId, cancel: &Cancel) -> DeviceProgress {
        let n_requests = self.n_missing.get(device).copied().unwrap_or(0);
        let bar = self.bars.add(ProgressBar::new(n_requests));
        let style =
            ProgressStyle::with_template("{prefix}  {wide_bar:.cyan/dim}  {pos}/{len} requests  ETA {eta}")
                .expect("the template is fixed and valid");
        bar.set_style(style.progress_chars("━╸─"));
        bar.enable_steady_tick(Duration::from_secs(1));
        DeviceProgress {
            talk: self.talk,
            bar,
            is_terminal: self.is_terminal,
            name: format!("{:<width$}", device.0, width = self.name_width),
            done_before: 0,
            said_quarter: 0,
            phase: None,
            head: String::new(),
            said_why: String::new(),
            cancel: cancel.clone(),
        }
    }

    /// Takes the bars away.
    pub(crate) fn finish(&self) {
        // Best effort: a terminal that cannot be written to shows what it shows.
        self.bars.clear().ok();
    }
}

/// The progress of one device's session.
#[derive(Debug)]
pub(crate) struct DeviceProgress {
    talk: Talk,
    bar: ProgressBar,
    is_terminal: bool,
    /// The device, as wide as the widest.
    name: String,
    done_before: usize,
    said_quarter: usize,
    /// The part of the launch that goes on, where it goes by time.
    phase: Option<Phase>,
    head: String,
    /// Why a run was left out last: the repetitions behind it are for the same reason.
    said_why: String,
    cancel: Cancel,
}

impl DeviceProgress {
    fn line(&self, at_least: Talk, text: &str) {
        if self.is_terminal {
            if self.talk >= at_least {
                self.bar.println(text);
            }
        } else {
            say(self.talk, at_least, text);
        }
    }

    fn doing(&self, what: &str) {
        self.bar.set_prefix(format!("{} · {what}", self.name));
    }

    /// How far a part of a launch is that goes by time.
    fn timed(&mut self, phase: Phase, passed_s: usize, of_s: usize) {
        let what = match phase {
            Phase::CoolingDown => "cooling down for",
            Phase::Resting => "at rest for",
            Phase::Recovering => "cooling down again for",
            Phase::Starting | Phase::Serving | Phase::Holding => "held for",
        };
        self.doing(&format!("{what} {passed_s} of {of_s} s"));
        if self.phase != Some(phase) {
            self.phase = Some(phase);
            self.said_quarter = 0;
            self.line(Talk::Normal, &format!("{}: {what} up to {of_s} s", self.head));
        }
        let quarter = (passed_s * 4).checked_div(of_s).unwrap_or(0);
        if !self.is_terminal && quarter > self.said_quarter {
            self.said_quarter = quarter;
            self.line(Talk::Normal, &format!("{}: {what} {passed_s} of {of_s} s", self.head));
        }
    }

    fn requests(&mut self, done: usize, of: usize) {
        if self.phase.take().is_some() {
            self.said_quarter = 0;
            self.doing("requests");
        }
        self.bar.set_position((self.done_before + done) as u64);
        let quarter = (done * 4).checked_div(of).unwrap_or(0);
        if !self.is_terminal && quarter > self.said_quarter {
            self.said_quarter = quarter;
            self.line(Talk::Normal, &format!("{}: {done} of {of} requests", self.head));
        }
    }

    fn sending(&self, done: u64, of: u64) {
        // A small file is there before anybody could read of it.
        if of > 1 << 20 {
            self.doing(&format!("sending {} %", (done * 100).checked_div(of).unwrap_or(100)));
        }
    }
}

impl Observer for DeviceProgress {
    fn step(&mut self, device: &DeviceId, step: &Step) {
        match step {
            Step::Reach => self.doing("reaching it"),
            Step::Sending { done, of } => self.sending(*done, *of),
            Step::Waiting { holder } => {
                self.doing("finishing the run that went on alone");
                self.line(
                    Talk::Verbose,
                    &format!("{device}: an agent of {holder} whose link was lost finishes its run"),
                );
            }
            Step::LinkLost { error, next_s } => {
                self.doing("link lost");
                self.line(Talk::Normal, &format!("{device}: {error}; trying again in {next_s} s"));
            }
            Step::Note { text } => self.line(Talk::Normal, &format!("{device}: {text}")),
            Step::DeployAgent { bytes } => {
                self.doing("agent");
                self.line(Talk::Verbose, &format!("{device}: deploying the agent ({bytes} bytes)"));
            }
            Step::Connected { device: model } => {
                self.line(Talk::Verbose, &format!("{device}: connected to {model}"));
            }
            Step::Recover { run } => {
                self.line(
                    Talk::Normal,
                    &format!("{device}: bringing home what run {run} had recorded before it was cut off"),
                );
            }
            Step::DeployModel { model, bytes } => {
                self.doing(model);
                self.line(
                    Talk::Verbose,
                    &format!("{device}: deploying and checking {model} ({bytes} bytes)"),
                );
            }
            Step::Prepare => self.doing("preparing it"),
            Step::Synthesize { model } => {
                self.line(Talk::Normal, &format!("{device}: writing the synthetic model {model}"));
            }
            Step::LeftOut { run, n_requests, why } => {
                let n_left = self.bar.length().unwrap_or(0).saturating_sub(*n_requests as u64);
                self.bar.set_length(n_left);
                let at_least = if *why == self.said_why { Talk::Verbose } else { Talk::Normal };
                self.line(at_least, &format!("{device}: run {run} is left out: {why}"));
                self.said_why.clone_from(why);
            }
            Step::Launch { run, nth, of, n_requests, held_ms } => {
                self.head = format!("{device}: run {nth} of {of}");
                self.said_quarter = 0;
                self.phase = None;
                self.doing(&format!("run {nth}/{of}"));
                let going =
                    held_ms.map(|ms| format!(" in turn for {} s", ms.div_ceil(1000))).unwrap_or_default();
                self.line(
                    Talk::Verbose,
                    &format!("{device}: launching run {run} ({n_requests} requests{going})"),
                );
            }
            Step::Progress { phase: Phase::Starting, .. } => {}
            Step::Progress { phase: Phase::Serving, done, of } => self.requests(*done, *of),
            Step::Progress { phase, done, of } => self.timed(*phase, *done, *of),
            Step::LaunchDone { run, outcome } => {
                self.done_before = usize::try_from(self.bar.position()).unwrap_or(usize::MAX);
                if outcome != "ok" {
                    self.line(Talk::Normal, &format!("{device}: run {run} ended: {outcome}"));
                }
            }
        }
    }

    fn wants_to_stop(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

impl Drop for DeviceProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The progress of one pull: bytes, rate, ETA.
#[derive(Debug)]
pub(crate) struct PullBar {
    talk: Talk,
    name: String,
    bar: ProgressBar,
}

impl PullBar {
    /// A pull of the model `name`.
    pub(crate) fn new(talk: Talk, name: &str) -> Self {
        let is_terminal = std::io::stderr().is_terminal() && talk > Talk::Quiet;
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        let template = "{prefix}  {wide_bar:.cyan/dim}  {bytes}/{total_bytes}  {bytes_per_sec}  ETA {eta}";
        let style = ProgressStyle::with_template(template).expect("the template is fixed and valid");
        bar.set_style(style.progress_chars("━╸─"));
        Self { talk, name: name.to_owned(), bar }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl dyno_artifacts::Progress for PullBar {
    fn phase(&mut self, phase: &PullPhase) {
        let words = match phase {
            PullPhase::Wait => "waiting for another process that pulls it".to_owned(),
            PullPhase::Fetch { source } => format!("fetching from {source}"),
            PullPhase::Unpack { member } => format!("unpacking {member}"),
            PullPhase::Hash => "hashing".to_owned(),
            PullPhase::Quantize { to } => format!("making it as {to}"),
            PullPhase::SourceFailed { source, reason } => format!("{source} did not work: {reason}"),
            PullPhase::Done { .. } => return,
        };
        self.bar.reset();
        self.bar.set_prefix(self.name.clone());
        let at_least = if *phase == PullPhase::Hash { Talk::Verbose } else { Talk::Normal };
        self.bar.suspend(|| say(self.talk, at_least, &format!("{}: {words}", self.name)));
    }

    fn bytes(&mut self, done: u64, total: Option<u64>) {
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        self.bar.set_position(done);
    }
}

//! `powermetrics`, which only root may start: one long-lived child whose lines are read by a thread.
//!
//! Its text form is documented in powermetrics(1) by example only: what a version does not print is not sampled.

use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{AccuracyClass, Channel, Quantity, Scope};

use crate::driver::Sensor;
use crate::error::SensorError;
use crate::figures;
use crate::process::Slot;
use crate::text;

/// Its name.
pub(super) const PROGRAM: &str = "powermetrics";
/// What it is to tell, line by line as it knows it.
pub(super) const ARGS: &[&str] = &["--samplers", "cpu_power,gpu_power,ane_power", "-b", "1"];
/// How long the program averages: it is asked for no more than one figure a second.
const PERIOD: [&str; 2] = ["-i", "1000"];
/// No line of its is longer (house rule).
const MAX_LINE_BYTES: u64 = 4096;
/// What begins a block of figures.
const HEAD: &[u8] = b"*** Sampled system activity";

/// What a line begins with, the site, and what it covers; the last ones hold those before, and end a block.
const LINES: [(&str, &str, Scope); 6] = [
    ("CPU Power", "CPU", Scope::Part),
    ("GPU Power", "GPU", Scope::Part),
    ("ANE Power", "ANE", Scope::Part),
    ("DRAM Power", "DRAM", Scope::Part),
    ("Combined Power (CPU + GPU + ANE)", "CPU + GPU + ANE", Scope::Package),
    ("Intel energy model derived package power (CPUs+GT+SA)", "package", Scope::Package),
];

/// A block's figures, in the order of [`LINES`], in µW.
type Powers = [Option<i64>; LINES.len()];

/// Which of the lines, and its figure: `CPU Power: 823 mW`, `GPU Power: 2.48W`.
fn figure(line: &[u8]) -> Option<(usize, i64)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, told) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
    let idx = LINES.iter().position(|(known, ..)| known.as_bytes() == name)?;
    let (number, n_digits) = match told.strip_suffix(b"mW") {
        Some(number) => (number, 3),
        None => (told.strip_suffix(b"W")?, 6),
    };
    let uw = text::decimal(number, n_digits)?;
    let believed = uw >= 0 && figures::believed(Quantity::PowerUw).contains(&uw);
    believed.then_some((idx, uw))
}

/// Puts lines together.
#[derive(Debug, Default)]
struct Blocks {
    powers: Powers,
    is_given: bool,
}

impl Blocks {
    /// The figures, when a line is the last one of them: the total of a block, or the head of the next one.
    fn line(&mut self, line: &[u8]) -> Option<Powers> {
        if line.trim_ascii_start().starts_with(HEAD) {
            let ended = std::mem::take(self);
            let has_any = ended.powers.iter().any(Option::is_some);
            return (has_any && !ended.is_given).then_some(ended.powers);
        }
        let (idx, uw) = figure(line)?;
        // Some lines come again in a later part of a block.
        self.powers[idx].get_or_insert(uw);
        let is_last = LINES[idx].2 == Scope::Package && !self.is_given;
        self.is_given |= is_last;
        is_last.then_some(self.powers)
    }
}

/// The columns that a machine has.
#[derive(Debug)]
pub(super) struct Columns {
    channels: Vec<Channel>,
    lines: Vec<usize>,
}

impl Columns {
    /// Those that a text tells; `None` without any.
    pub(super) fn of(text: &str, period_ms: u32) -> Option<Self> {
        let mut told: Vec<usize> =
            text.lines().filter_map(|line| figure(line.as_bytes())).map(|(idx, _)| idx).collect();
        told.sort_unstable();
        told.dedup();
        let channel = |idx: &usize| {
            let (_, site, scope) = LINES[*idx];
            let channel = Channel::new(Quantity::PowerUw, site, AccuracyClass::D, period_ms);
            Channel { scope: Some(scope), ..channel }
        };
        let channels = told.iter().map(channel).collect();
        (!told.is_empty()).then_some(Self { channels, lines: told })
    }
}

/// The running program; it ends with this.
pub(super) struct Meter {
    columns: Columns,
    latest: Arc<Slot<(MonoNs, Powers)>>,
    child: Child,
}

impl Meter {
    /// Starts the program and the thread that reads it.
    ///
    /// # Errors
    /// Those of the system, which gives no process or no thread.
    pub(super) fn start(program: &Path, columns: Columns) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(ARGS).args(PERIOD).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().expect("it was asked for on the line above");
        let latest: Arc<Slot<(MonoNs, Powers)>> = Arc::default();
        let meter = Self { columns, latest: Arc::clone(&latest), child };
        let builder = thread::Builder::new().name("dyno-powermetrics".to_owned());
        builder.spawn(move || listen(stdout, &latest))?;
        Ok(meter)
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        // Best effort: it may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads until the program ends.
fn listen(stdout: impl Read, latest: &Slot<(MonoNs, Powers)>) {
    let (mut stdout, mut blocks, mut line) = (BufReader::new(stdout), Blocks::default(), Vec::new());
    loop {
        line.clear();
        match stdout.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            // Without the program there are no more rows.
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if let Some(powers) = blocks.line(&line) {
            latest.put((monotonic_now(), powers));
        }
    }
}

impl Sensor for Meter {
    fn channels(&self) -> &[Channel] {
        &self.columns.channels
    }

    /// A figure is the mean of the second that ended when it came; there is a row for each, and none without a new
    /// one.
    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        let (at, powers) = self.latest.take().ok_or(SensorError::NotAttached)?;
        for (value, idx) in row.iter_mut().zip(&self.columns.lines) {
            *value = powers[*idx];
        }
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, Instant};

    use super::*;

    /// The form of powermetrics on Apple silicon; values by hand.
    const BLOCK: &str = "*** Sampled system activity (Fri Sep 11 13:41:46 2026 -0700) (1002.90ms elapsed) ***\n\n\
        **** Processor usage ****\n\nE-Cluster HW active frequency: 1248 MHz\nCPU 0 frequency: 1359 MHz\n\n\
        CPU Power: 823 mW\nGPU Power: 26 mW\nANE Power: 323 mW\nCombined Power (CPU + GPU + ANE): 1172 mW\n\n\
        **** GPU usage ****\n\nGPU HW active frequency: 444 MHz\nGPU Power: 27 mW\n";

    fn given(text: &str) -> Vec<Powers> {
        let mut blocks = Blocks::default();
        text.lines().filter_map(|line| blocks.line(line.as_bytes())).collect()
    }

    const POWERS: Powers = [Some(823_000), Some(26_000), Some(323_000), None, Some(1_172_000), None];

    #[test]
    fn a_block_is_given_once_when_its_total_comes() {
        assert_eq!(given(BLOCK), [POWERS]);
        assert_eq!(given(&BLOCK.repeat(3)), [POWERS; 3]);
        let sites: Vec<_> =
            Columns::of(BLOCK, 1000).expect("four").channels.into_iter().map(|one| one.site).collect();
        assert_eq!(sites, ["CPU", "GPU", "ANE", "CPU + GPU + ANE"]);
    }

    #[test]
    fn a_block_without_a_total_is_given_when_the_next_begins() {
        let block = "*** Sampled system activity (x) ***\nCPU Power: 1.5W\n";
        let powers = [Some(1_500_000), None, None, None, None, None];
        assert_eq!(given(&block.repeat(3)), [powers; 2]);
        let intel = "*** Sampled system activity (x) ***\n\
                     Intel energy model derived package power (CPUs+GT+SA): 2.48W\n";
        assert_eq!(given(intel), [[None, None, None, None, None, Some(2_480_000)]]);
    }

    #[test]
    fn what_is_no_power_is_no_figure() {
        for line in [
            "CPU Power: -1 mW",
            "CPU Power: 1172",
            "CPU Power: mW",
            "CPU Power: nan mW",
            "CPU Power: 1e3 mW",
            "CPU Power: 99999999 W",
            "My CPU Power: 1 mW",
            "CPU Power",
            "",
            ": 1 mW",
            "CPU 0 frequency: 1359 MHz",
        ] {
            assert_eq!(figure(line.as_bytes()), None, "{line}");
        }
        assert!(Columns::of("powermetrics must be invoked as the superuser\n", 1000).is_none());
        // A total without parts is still one.
        assert_eq!(given("Combined Power (CPU + GPU + ANE): 5 mW\n")[0][4], Some(5000));
    }

    /// A program that says one block, then waits to be ended.
    fn program(script: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::write(dir.path().join("block"), BLOCK).expect("a temporary file");
        let (text, path) = (dir.path().join("script"), dir.path().join(PROGRAM));
        fs::write(&text, format!("#!/bin/sh\ncat '{}'\n{script}\n", dir.path().join("block").display()))
            .expect("a temporary file");
        // What this process writes itself may be held open for a moment by a child of another test: "text file busy".
        let copied = Command::new("install").args(["-m", "755"]).args([&text, &path]).status();
        assert!(copied.expect("every Unix has `install`").success());
        (dir, path)
    }

    fn first_row(meter: &mut Meter) -> Vec<Option<i64>> {
        let mut row = vec![None; meter.channels().len()];
        let begun = Instant::now();
        while meter.read(&mut row).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "no row");
            thread::sleep(Duration::from_millis(5));
        }
        row
    }

    #[test]
    fn each_figure_is_one_row_and_the_program_ends_with_its_sensor() {
        let (_dir, path) = program("exec sleep 600");
        let columns = Columns::of(BLOCK, 1000).expect("four");
        let mut meter = Meter::start(&path, columns).expect("a program");
        assert_eq!(first_row(&mut meter), [823_000, 26_000, 323_000, 1_172_000].map(Some));
        let mut row = vec![Some(-1); 4];
        assert!(meter.read(&mut row).is_err(), "the same figure is not a second row");
        let pid = meter.child.id();
        drop(meter);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn a_program_that_ends_leaves_a_gap() {
        let (_dir, path) = program("exit 1");
        let mut meter = Meter::start(&path, Columns::of(BLOCK, 1000).expect("four")).expect("a program");
        first_row(&mut meter);
        meter.child.wait().expect("it ends by itself");
        assert!(meter.read(&mut [None; 4]).is_err());
    }

    #[test]
    fn a_line_without_an_end_takes_no_memory() {
        let latest = Slot::default();
        let endless = io::repeat(b'x').take(10_000_000).chain(BLOCK.as_bytes());
        listen(endless, &latest);
        assert!(latest.take().is_some_and(|(_, powers)| powers[4] == Some(1_172_000)));
    }
}

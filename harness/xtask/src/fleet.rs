//! What many devices at once cost the controller, and how soon a warm device gets its first request.
//!
//! All devices are work folders behind one real sshd on this machine, and the runtime is a script that mostly sleeps:
//! they do not compete for cores, so that one device's wall time is what all of them should take.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use dyno_testbench::{Sshd, SshdOptions};
use serde_json::Value;

use crate::pair::median;

const USAGE: &str = "cargo xtask fleet EDGEDYNO [N] [ROUNDS]";
const LOOK: Duration = Duration::from_millis(20);
/// Kernel ticks of `/proc/PID/stat`: USER_HZ is 100 on every Linux.
const TICK_MS: u64 = 10;
const RUNTIME: &str = r#"schema_version = 1
[runtime.slow]
title = "slow"
dialect = "fake"
ready_limit_ms = 10_000
[runtime.slow.settings]
wait_ms = 200
n_tokens = 3
text = "token "
"#;

/// What one campaign cost the controller.
#[derive(Debug, Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu_ms: u64,
    peak_rss_kib: u64,
}

/// Runs one device and all of them in turn, then one campaign after the other on a warm device.
///
/// # Errors
/// Without root, OpenSSH, or a program that can measure.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let Some((program, rest)) = args.split_first() else { bail!("{USAGE}") };
    let number = |place: usize, default: usize| -> anyhow::Result<usize> {
        rest.get(place).map_or(Ok(default), |word| word.parse().with_context(|| USAGE.to_owned()))
    };
    let (n_devices, n_rounds) = (number(0, 32)?, number(1, 3)?);
    let program = Path::new(program).canonicalize().with_context(|| program.clone())?;
    let sshd = Sshd::start(SshdOptions {
        server_lines: vec!["MaxStartups 500".to_owned()],
        ..SshdOptions::default()
    })?;
    let fleet = Fleet {
        program,
        project: project(&sshd, n_devices)?,
        config: sshd.config(),
        home: sshd.client_home(),
    };
    fleet.campaign("all", &["--runtime", "fake", "--requests", "1", "--repetitions", "1"], "deploy")?;
    let words = ["--runtime", "slow", "--requests", "20", "--repetitions", "2"];
    let (mut one, mut all) = (Vec::new(), Vec::new());
    for round in 0..n_rounds {
        one.push(fleet.campaign("d00", &words, &format!("one-{round}"))?);
        all.push(fleet.campaign("all", &words, &format!("all-{round}"))?);
    }
    let mut text = String::new();
    describe(&mut text, "1 device", &one)?;
    describe(&mut text, &format!("{n_devices} devices"), &all)?;
    let wall = |costs: &[Cost]| middle(costs, |cost| cost.wall.as_secs_f64());
    writeln!(text, "wall, {n_devices} to 1: {:.2}", wall(&all) / wall(&one))?;
    let mut warm =
        (0..=2 * n_rounds).map(|round| fleet.first_request(round)).collect::<anyhow::Result<Vec<f64>>>()?;
    let (n, seconds) = (warm.len(), median(&mut warm));
    writeln!(text, "command to first request on a warm device, median of {n}: {seconds:.3} s")?;
    crate::print(&text)
}

fn describe(text: &mut String, what: &str, costs: &[Cost]) -> std::fmt::Result {
    let of = |value: fn(&Cost) -> f64| middle(costs, value);
    writeln!(
        text,
        "{what}: wall {:.2} s, controller CPU {:.0} ms, peak RSS {:.1} MB (medians of {})",
        of(|cost| cost.wall.as_secs_f64()),
        of(|cost| cost.cpu_ms as f64),
        of(|cost| cost.peak_rss_kib as f64 / 1000.0 * 1.024),
        costs.len(),
    )
}

fn middle(costs: &[Cost], value: fn(&Cost) -> f64) -> f64 {
    median(&mut costs.iter().map(value).collect::<Vec<f64>>())
}

/// A project folder with so many devices behind one server.
fn project(sshd: &Sshd, n_devices: usize) -> anyhow::Result<tempfile::TempDir> {
    let dir = tempfile::tempdir()?;
    let mut devices = "schema_version = 1\n".to_owned();
    for n in 0..n_devices {
        let host = sshd.alias();
        writeln!(devices, "[device.d{n:02}]\ntransport = {{ kind = \"ssh\", host = {host:?} }}")?;
        writeln!(devices, "work_dir = \"~/device-{n:02}\"\ntags = [\"all\"]")?;
    }
    std::fs::write(dir.path().join("devices.toml"), devices)?;
    std::fs::create_dir_all(dir.path().join("catalog/runtimes"))?;
    std::fs::write(dir.path().join("catalog/runtimes/slow.toml"), RUNTIME)?;
    Ok(dir)
}

struct Fleet {
    program: PathBuf,
    project: tempfile::TempDir,
    config: PathBuf,
    home: PathBuf,
}

impl Fleet {
    fn command(&self, device: &str, words: &[&str], name: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["run", "--quiet", "--model", "none", "--device", device, "--name", name]).args(words);
        command.current_dir(self.project.path()).stdin(Stdio::null()).stdout(Stdio::null());
        command.env("EDGEDYNO_SSH_CONFIG", &self.config).env("HOME", &self.home);
        command
    }

    fn campaign(&self, device: &str, words: &[&str], name: &str) -> anyhow::Result<Cost> {
        let begun = Instant::now();
        let mut child = self.command(device, words, name).spawn()?;
        let (mut cpu_ms, mut peak_rss_kib) = (0, 0);
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            cpu_ms = cpu_of(child.id()).unwrap_or(cpu_ms);
            peak_rss_kib = peak_of(child.id()).unwrap_or(peak_rss_kib);
            std::thread::sleep(LOOK);
        };
        // 5: the figures of a script that sleeps are of no use, which is what it says.
        anyhow::ensure!(
            matches!(status.code(), Some(0 | 5)),
            "{} ended with {status}",
            self.program.display()
        );
        Ok(Cost { wall: begun.elapsed(), cpu_ms, peak_rss_kib })
    }

    /// Seconds from the command's start to its first request, which the device's wall clock tells: it is this machine's.
    fn first_request(&self, round: usize) -> anyhow::Result<f64> {
        let name = format!("warm-{round}");
        let begun = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        self.campaign("d00", &["--runtime", "fake", "--requests", "1", "--repetitions", "1"], &name)?;
        let journal =
            std::fs::read_to_string(self.project.path().join("runs").join(&name).join("journal.log"))?;
        let entries = journal.lines().filter_map(|line| serde_json::from_str::<Value>(line.get(9..)?).ok());
        let is_start = |entry: &Value| entry["event"]["event"] == "launch_started";
        let wall = entries.filter(is_start).find_map(|entry| entry["event"]["wall"].as_u64());
        let wall = wall.context("the journal has no launch")?;
        Ok((u128::from(wall) - begun) as f64 / 1e9)
    }
}

/// CPU time of a process so far, user and system.
fn cpu_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok();
    // Fields 14 and 15 of proc(5), counted from the state after the name.
    Some((ticks(11)? + ticks(12)?) * TICK_MS)
}

/// Highest resident size of a process so far.
fn peak_of(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

//! A project whose devices are real parts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use dyno_testbench::{AdbServer, Machine, Sshd, Userland};

use crate::sandbox::{Done, Sandbox, journal};

/// A scripted runtime that takes a fifth of a second of real time for each request.
const SLOW: &str = r#"schema_version = 1
[runtime.slow]
title = "slow"
dialect = "fake"
ready_limit_ms = 10_000
[runtime.slow.settings]
wait_ms = 200
n_tokens = 3
text = "token "
"#;

/// Two launches of twelve requests each.
pub(crate) const SLOW_RUN: &[&str] =
    &["--runtime", "slow", "--model", "none", "--repetitions", "2", "--requests", "12", "--name", "c"];
/// One short launch.
pub(crate) const SHORT_RUN: &[&str] =
    &["--runtime", "fake", "--model", "none", "--repetitions", "1", "--requests", "3", "--name", "c"];

/// Agents for the devices' architectures, built once.
fn agents() -> &'static Path {
    static AGENTS: OnceLock<PathBuf> = OnceLock::new();
    AGENTS.get_or_init(|| {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("two folders below the root");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(root).args([
            "xtask",
            "dist",
            "x86_64-unknown-linux-musl",
            "aarch64-unknown-linux-musl",
        ]);
        let output = cargo.output().expect("cargo runs this test");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo xtask dist: {stderr}");
        // `target/<profile>/edgedyno` lies beside `target/agents`.
        let program = Path::new(env!("CARGO_BIN_EXE_edgedyno"));
        let agents = program.ancestors().nth(2).expect("a target folder").join("agents");
        assert!(agents.join("manifest.json").is_file(), "no agents in {}: {stderr}", agents.display());
        agents
    })
}

/// A project, and how its commands find the real parts.
pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    env: Vec<(String, String)>,
    devices: String,
}

impl Bench {
    /// A project without devices.
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("catalog/runtimes/slow.toml", SLOW);
        let env = vec![("EDGEDYNO_AGENTS".to_owned(), agents().display().to_string())];
        Self { sandbox, env, devices: "schema_version = 1\n".to_owned() }
    }

    /// A variable of the commands' environment.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.into()));
    }

    /// This machine under the name `name`.
    pub(crate) fn add_local(&mut self, name: &str) {
        self.add(name, "kind = \"local\"", None);
    }

    /// A device behind `sshd` under the name `name`.
    pub(crate) fn add_sshd(&mut self, name: &str, sshd: &Sshd, work_dir: Option<&str>) {
        self.set("EDGEDYNO_SSH_CONFIG", sshd.config().display().to_string());
        self.set("HOME", sshd.client_home().display().to_string());
        self.add(name, &format!("kind = \"ssh\", host = {:?}", sshd.alias()), work_dir);
    }

    /// The userland through its sshd.
    pub(crate) fn add_userland_ssh(&mut self, name: &str, userland: &Userland) {
        self.set("EDGEDYNO_SSH_CONFIG", userland.config().display().to_string());
        self.set("HOME", userland.client_home().display().to_string());
        self.add(name, &format!("kind = \"ssh\", host = {:?}", userland.alias()), None);
    }

    /// A machine of its own kernel.
    pub(crate) fn add_machine(&mut self, name: &str, machine: &Machine) {
        self.set("EDGEDYNO_SSH_CONFIG", machine.config().display().to_string());
        self.set("HOME", machine.client_home().display().to_string());
        self.add(name, &format!("kind = \"ssh\", host = {:?}", machine.alias()), None);
    }

    /// A device of `server` under the name `name`.
    pub(crate) fn add_adb(&mut self, name: &str, server: &AdbServer, serial: &str) {
        for (name, value) in server.env() {
            // The home of ssh's files stays; the adb server runs already.
            if name != "HOME" {
                self.set(&name, value);
            }
        }
        self.add(name, &format!("kind = \"adb\", serial = {serial:?}"), None);
    }

    /// Any device, by the words of its transport.
    pub(crate) fn add(&mut self, name: &str, transport: &str, work_dir: Option<&str>) {
        writeln!(self.devices, "[device.{name}]\ntransport = {{ {transport} }}").expect("a String takes all");
        if let Some(dir) = work_dir {
            writeln!(self.devices, "work_dir = {}", toml_text(dir)).expect("a String takes all");
        }
        self.sandbox.write("devices.toml", &self.devices);
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.sandbox.command(args);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Done {
        done(self.command(args).output().expect("edgedyno starts"))
    }

    /// Runs the command, which must end with exit code 0.
    pub(crate) fn ok(&self, args: &[&str]) -> Done {
        let done = self.run(args);
        assert_eq!(done.code, Some(0), "edgedyno {args:?}\nstdout: {}\nstderr: {}", done.stdout, done.stderr);
        done
    }

    /// Starts the command; its words can be read at its end.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("edgedyno starts")
    }

    /// `run --device NAME` with the words of a campaign.
    pub(crate) fn campaign(&self, device: &str, words: &[&str]) -> Done {
        self.run(&[&["run", "--device", device][..], words].concat())
    }

    /// As [`Bench::campaign`], in the background.
    pub(crate) fn start_campaign(&self, device: &str, words: &[&str]) -> Child {
        self.start(&[&["run", "--device", device][..], words].concat())
    }

    /// The journal of campaign `c`.
    pub(crate) fn journal(&self) -> Vec<serde_json::Value> {
        journal(&self.sandbox.campaign("c"))
    }

    /// How the launches in the record ended, in its order.
    pub(crate) fn outcomes(&self) -> Vec<String> {
        let of = |entry: &serde_json::Value| {
            let event = &entry["event"];
            (event["event"] == "launch_ended")
                .then(|| event["outcome"]["kind"].as_str().expect("an outcome has a kind").to_owned())
        };
        self.journal().iter().filter_map(of).collect()
    }

    /// Requests in the record, which must not hold one twice.
    pub(crate) fn n_requests(&self) -> usize {
        let mut all = crate::sandbox::requests(&self.sandbox.campaign("c"));
        let n = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), n, "a request stands twice in the record");
        n
    }
}

/// A real part, or why it could not be had.
pub(crate) fn started<T, E: std::fmt::Display>(part: Result<T, E>) -> T {
    part.unwrap_or_else(|error| panic!("{error}"))
}

/// What a command did.
pub(crate) fn done(output: std::process::Output) -> Done {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("edgedyno writes UTF-8");
    Done { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A text as TOML writes it.
fn toml_text(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => write!(quoted, "\\u{:04X}", c as u32).expect("a String takes all"),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// Waits until `seen` says so, with a generous limit: a loaded machine is slow.
pub(crate) fn wait_until(what: &str, mut seen: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !seen() {
        assert!(begun.elapsed() < Duration::from_mins(2), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until some requests of the first launch are in the spools of each work folder.
pub(crate) fn in_mid_run(work_dirs: &[&Path]) {
    wait_until("a third request", || work_dirs.iter().all(|dir| n_spooled(dir) >= 3));
}

/// Requests of campaign `c` that are in the spools of a device's work folder at this moment.
pub(crate) fn n_spooled(work_dir: &Path) -> usize {
    let files = std::fs::read_dir(work_dir.join("spool/c")).into_iter().flatten().flatten();
    let count = |path: &Path| {
        std::fs::read_to_string(path).unwrap_or_default().matches("\"event\":\"request\"").count()
    };
    files.map(|file| count(&file.path())).sum()
}

//! A project folder, a cache and a device folder of their own for each test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A runtime whose every time is known: 7 tokens, the first after 120 ms, then gaps of 20 ms: TTFT 120 ms, TPOT 20 ms,
/// E2E 240 ms, ready after 250 ms.
pub(crate) const SCRIPTED: &str = r#"schema_version = 1
[runtime.scripted]
title = "scripted"
dialect = "fake"
ready_limit_ms = 10_000
[runtime.scripted.settings]
load_ns = 250_000_000
ttft_ns = 120_000_000
gap_ns = 20_000_000
n_tokens = 7
text = "token "
"#;

/// Folders that vanish with the test.
pub(crate) struct Sandbox {
    dir: tempfile::TempDir,
    cache: PathBuf,
}

/// What a command did.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    /// An empty project with a cache of its own.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let cache = dir.path().join("cache");
        std::fs::create_dir(dir.path().join("project")).expect("a temporary folder");
        Self { dir, cache }
    }

    /// As [`Sandbox::new`], but with this user's cache: models are pulled once for all tests and runs.
    pub(crate) fn with_shared_cache() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = set("EDGEDYNO_CACHE")
            .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("edgedyno")))
            .or_else(|| set("HOME").map(|dir| dir.join(".cache/edgedyno")))
            .expect("EDGEDYNO_CACHE, XDG_CACHE_HOME or HOME says where models are kept");
        Self { cache, ..Self::new() }
    }

    /// The folder of all that the test writes.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// The project folder.
    pub(crate) fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.project().join(name);
        std::fs::create_dir_all(path.parent().expect("a file of the project")).expect("a temporary folder");
        std::fs::write(path, text).expect("a temporary file");
    }

    /// The folder of a campaign.
    pub(crate) fn campaign(&self, name: &str) -> PathBuf {
        self.project().join("runs").join(name)
    }

    /// The command, ready to start.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edgedyno"));
        command.args(args).current_dir(self.project()).stdin(Stdio::null());
        for name in ["EDGEDYNO_PROJECT", "EDGEDYNO_RUNS", "NO_COLOR"] {
            command.env_remove(name);
        }
        command.env("EDGEDYNO_CACHE", &self.cache).env("XDG_CACHE_HOME", self.dir.path().join("xdg"));
        command
    }

    /// Starts the command in the background, its output thrown away.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("edgedyno starts")
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Done {
        let Output { status, stdout, stderr } = self.command(args).output().expect("edgedyno starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("edgedyno writes UTF-8");
        Done { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Runs the command, which must end with exit code 0; or with 5 where this machine or its host had no CPU left for it
    /// meanwhile, for then the figures are rightly invalid.
    pub(crate) fn ok(&self, args: &[&str]) -> Done {
        let done = self.run(args);
        let no_cpu = ["a hypervisor took", "in the calibration TTFT was wrong"];
        let robbed = done.code == Some(5) && no_cpu.iter().any(|reason| done.stdout.contains(reason));
        assert!(
            done.code == Some(0) || robbed,
            "edgedyno {args:?}\nstdout: {}\nstderr: {}",
            done.stdout,
            done.stderr
        );
        done
    }
}

/// All bytes of a file.
pub(crate) fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The events of a journal, as JSON, in order.
pub(crate) fn journal(campaign: &Path) -> Vec<serde_json::Value> {
    let text = String::from_utf8(bytes(&campaign.join("journal.log"))).expect("a journal is UTF-8");
    let json = |line: &str| serde_json::from_str(&line[9..]).expect("behind the checksum stands JSON");
    text.lines().map(json).collect()
}

/// The `(run, idx)` of every request in a journal.
pub(crate) fn requests(campaign: &Path) -> Vec<(u64, u64)> {
    let of = |entry: &serde_json::Value| {
        let event = &entry["event"];
        (event["event"] == "request").then(|| {
            (event["run"].as_u64().expect("a run number"), event["idx"].as_u64().expect("a request number"))
        })
    };
    journal(campaign).iter().filter_map(of).collect()
}

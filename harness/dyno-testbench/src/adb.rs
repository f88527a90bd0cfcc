//! The real `adb` server, apart from the user's own.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::BenchError;
use crate::daemon::{Daemon, read_log};
use crate::program::{Output, find, make_folder, run, run_within, wait_for};
use crate::sshd::free_port;
use crate::undo::Scratch;

/// Debian 12's own adb is of 2020.
pub(crate) const PACKAGE: &str = "-t bookworm-backports adb";
const READY: Duration = Duration::from_secs(20);

/// A running adb server on a port of its own, with keys and home folder of its own.
#[derive(Debug)]
pub struct AdbServer {
    daemon: Daemon,
    port: u16,
    scratch: Scratch,
}

impl AdbServer {
    /// Starts it on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When adb is not installed.
    pub fn start() -> Result<Self, BenchError> {
        let scratch = Scratch::new("adb")?;
        make_folder(&scratch.join("home").join(".android"))?;
        let port = free_port()?;
        let daemon = start_daemon(&scratch, port)?;
        Ok(Self { daemon, port, scratch })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The home folder of the server and its clients.
    pub fn home(&self) -> PathBuf {
        self.scratch.join("home")
    }

    /// The environment that leads programs to this server and away from the user's.
    pub fn env(&self) -> Vec<(String, String)> {
        let home = self.home().display().to_string();
        vec![
            ("ANDROID_ADB_SERVER_PORT".to_owned(), self.port.to_string()),
            ("ADB_VENDOR_KEYS".to_owned(), home.clone()),
            ("HOME".to_owned(), home),
        ]
    }

    /// All that the server has said.
    pub fn log(&self) -> String {
        read_log(&self.scratch.join("log"))
    }

    /// Kills the server; its devices are forgotten.
    pub fn kill(&mut self) {
        self.daemon.kill();
    }

    /// Kills the server and starts it anew on the same port, knowing no devices.
    ///
    /// # Errors
    /// When it does not come up again.
    pub fn restart(&mut self) -> Result<(), BenchError> {
        self.kill();
        self.daemon = start_daemon(&self.scratch, self.port)?;
        Ok(())
    }

    /// Runs the `adb` client against this server.
    ///
    /// # Errors
    /// When it is not done in 60 s; a bad exit status is no error.
    pub fn adb(&self, args: &[&str]) -> Result<Output, BenchError> {
        let mut adb = Command::new(find("adb", PACKAGE)?);
        adb.args(["-P", &self.port.to_string()]).args(args).envs(self.env());
        run_within(&mut adb, crate::program::LIMIT)
    }

    /// Connects to the adbd at `address:port` and waits until it is online.
    ///
    /// # Errors
    /// When it is not in time.
    pub fn connect(&self, serial: &str) -> Result<(), BenchError> {
        let mut answer = String::new();
        let online = || {
            answer = self.adb(&["connect", serial]).map(|output| output.text()).unwrap_or_default();
            let state = self.adb(&["-s", serial, "get-state"]).ok()?;
            (state.text() == "device").then_some(())
        };
        wait_for(&format!("adb connect {serial}"), READY, || self.log(), online)
    }

    /// Forgets a device.
    ///
    /// # Errors
    /// When the server does not know it.
    pub fn disconnect(&self, serial: &str) -> Result<(), BenchError> {
        let mut adb = Command::new(find("adb", PACKAGE)?);
        adb.args(["-P", &self.port.to_string(), "disconnect", serial]).envs(self.env());
        run(&mut adb).map(|_| ())
    }
}

fn start_daemon(scratch: &Scratch, port: u16) -> Result<Daemon, BenchError> {
    let (log, home) = (scratch.join("log"), scratch.join("home"));
    let mut command = Command::new(find("adb", PACKAGE)?);
    command.args(["-L", &format!("tcp:localhost:{port}"), "nodaemon", "server"]);
    // No looking around: neither for emulators on this machine, nor for phones in this network or on its USB.
    command.env("ADB_LOCAL_TRANSPORT_MAX_PORT", "5554").env("ADB_MDNS", "0").env("ADB_USB", "0");
    command.env("HOME", &home).env("ADB_VENDOR_KEYS", &home).current_dir(&home);
    let mut daemon = Daemon::start(&mut command, &log)?;
    let ready = || if daemon.has_ended() { Some(false) } else { listens(port).then_some(true) };
    if wait_for("adb server", READY, || read_log(&log), ready)? {
        return Ok(daemon);
    }
    Err(BenchError::Answer { what: "adb server".to_owned(), answer: read_log(&log) })
}

fn listens(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

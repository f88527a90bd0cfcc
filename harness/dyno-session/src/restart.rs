//! C0: the device is restarted, and left alone for a while.
//!
//! That it was is known by its boot id, which the kernel draws anew at each start. Whatever runs there ends with it,
//! so nobody asks for this but a plan with a device-cold cell.

use std::time::{Duration, Instant};

use dyno_model::ids::DeviceId;
use dyno_model::start::RestartSpec;
use dyno_transport::{Ended, RemoteCommand, RemotePath, Transport};

use crate::error::SessionError;
use crate::observe::{Observer, Step};

/// Ways to restart a device, tried in turn: root and a phone's shell may at once, others by their system's rules.
const WAYS: [&[&str]; 4] =
    [&["reboot"], &["/sbin/reboot"], &["systemctl", "reboot"], &["sudo", "-n", "reboot"]];
/// A small question takes no longer.
const ASK_LIMIT: Duration = Duration::from_secs(20);
/// How often a device that starts is sought.
const SEEK_EVERY: Duration = Duration::from_secs(2);

/// One restart of one device.
pub(crate) struct Restart<'r> {
    pub(crate) device: &'r DeviceId,
    pub(crate) spec: RestartSpec,
    pub(crate) transport: &'r mut dyn Transport,
    pub(crate) observer: &'r mut dyn Observer,
    /// Waits so long, and says whether to go on.
    pub(crate) wait: &'r dyn Fn(Duration) -> bool,
}

impl Restart<'_> {
    /// Restarts it, waits until it answers with another boot id, and leaves it alone for a while; gives words for the
    /// record, or `None` when a person asked to stop.
    ///
    /// # Errors
    /// When it cannot be restarted, or does not come back.
    pub(crate) fn run(mut self) -> Result<Option<String>, SessionError> {
        let Some(before) = self.boot_id().filter(|_| self.transport.is_remote()) else {
            return Err(self.cannot("it does not say which boot this is".to_owned()));
        };
        self.note("restarting the device".to_owned());
        let began = Instant::now();
        self.ask()?;
        self.transport.disconnect();
        let limit = Duration::from_millis(self.spec.boot_limit_ms);
        let now = loop {
            if !(self.wait)(SEEK_EVERY) {
                return Ok(None);
            }
            match self.transport.prepare().ok().and_then(|()| self.boot_id()) {
                Some(now) if now != before => break now,
                _ if began.elapsed() > limit => {
                    let (device, limit_s) = (self.device.clone(), limit.as_secs());
                    return Err(SessionError::NotRestarted { device, limit_s });
                }
                _ => self.transport.disconnect(),
            }
        };
        let (took_s, settle_s) = (began.elapsed().as_secs(), self.spec.settle_ms / 1000);
        self.note(format!("the device is back after {took_s} s, and is left alone for {settle_s} s"));
        if !(self.wait)(Duration::from_millis(self.spec.settle_ms)) {
            return Ok(None);
        }
        Ok(Some(format!(
            "restarted for a device-cold launch: boot {now} after {before}, back after {took_s} s, left alone for {settle_s} s"
        )))
    }

    /// Has one of the ways taken. A link that breaks is no refusal: it goes with the device.
    fn ask(&mut self) -> Result<(), SessionError> {
        let mut refusals = Vec::new();
        for words in WAYS {
            let command = command(words);
            let Ok(output) = self.transport.run(&command, ASK_LIMIT) else { return Ok(()) };
            if output.ended == Ended::Code(0) {
                return Ok(());
            }
            let said = String::from_utf8_lossy(&output.stderr);
            let said: String = said.trim().chars().filter(|c| !c.is_control()).take(100).collect();
            refusals.push(format!("{}: {said}", words.join(" ")));
        }
        Err(self.cannot(refusals.join("; ")))
    }

    fn boot_id(&mut self) -> Option<String> {
        let ask = command(&["cat", "/proc/sys/kernel/random/boot_id"]);
        let output = self.transport.run(&ask, ASK_LIMIT).ok()?;
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let is_id = (1..=64).contains(&id.len()) && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        (output.ended == Ended::Code(0) && is_id).then_some(id)
    }

    fn note(&mut self, text: String) {
        self.observer.step(self.device, &Step::Note { text });
    }

    fn cannot(&self, why: String) -> SessionError {
        SessionError::CannotRestart { device: self.device.clone(), why }
    }
}

fn command(words: &[&str]) -> RemoteCommand {
    let (program, args) = words.split_first().expect("a command has a program");
    args.iter().fold(RemoteCommand::new(&RemotePath::new(*program)), |command, arg| command.arg(*arg))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::path::Path;

    use dyno_model::blame::Classify as _;
    use dyno_transport::{OnBytes, Output, Platform, PushOutcome, RemoteProcess, TransportError};

    use super::*;

    const FIRST: &str = "11111111-aaaa-4000-8000-000000000000";
    const SECOND: &str = "22222222-bbbb-4000-8000-000000000000";

    /// How a device takes it.
    #[derive(Default)]
    struct Board {
        /// The word that restarts it; others are refused.
        obeys: Option<&'static str>,
        /// Times that it still answers as before, and then times that it does not answer.
        n_old: usize,
        n_silent: usize,
        is_here: bool,
        has_restarted: bool,
        asked: Vec<String>,
        n_disconnects: usize,
    }

    impl Transport for Board {
        fn kind(&self) -> &'static str {
            "memory"
        }
        fn is_remote(&self) -> bool {
            !self.is_here
        }
        fn work_dir(&self) -> &RemotePath {
            unreachable!("nothing is written")
        }
        fn prepare(&mut self) -> Result<(), TransportError> {
            if self.n_old == 0 && self.n_silent > 0 {
                self.n_silent -= 1;
                return Err(TransportError::NoHome);
            }
            Ok(())
        }
        fn run(&mut self, command: &RemoteCommand, _limit: Duration) -> Result<Output, TransportError> {
            let said = |code, stdout: &str, stderr: &str| {
                Ok(Output { ended: Ended::Code(code), stdout: stdout.into(), stderr: stderr.into() })
            };
            if command.argv[0] == "cat" {
                let is_old = !self.has_restarted || self.n_old > 0;
                self.n_old -= usize::from(self.has_restarted && self.n_old > 0);
                return said(0, &format!("{}\n", if is_old { FIRST } else { SECOND }), "");
            }
            self.asked.push(command.argv.join(" "));
            if self.obeys == Some(command.argv[0].as_str()) {
                self.has_restarted = true;
                // The link goes with the device.
                return Err(TransportError::NoHome);
            }
            said(1, "", "Access denied\n")
        }
        fn platform(&mut self) -> Result<Platform, TransportError> {
            unreachable!("not asked")
        }
        fn push(&mut self, _: &Path, _: &RemotePath, _: OnBytes<'_>) -> Result<PushOutcome, TransportError> {
            unreachable!("nothing is sent")
        }
        fn pull(&mut self, _: &RemotePath, _: &Path, _: OnBytes<'_>) -> Result<u64, TransportError> {
            unreachable!("nothing is fetched")
        }
        fn spawn(&mut self, _: &RemoteCommand) -> Result<Box<dyn RemoteProcess>, TransportError> {
            unreachable!("nothing is started")
        }
        fn remove(&mut self, _: &RemotePath) -> Result<(), TransportError> {
            unreachable!("nothing is removed")
        }
        fn clean(&mut self) -> Result<u64, TransportError> {
            unreachable!("nothing is removed")
        }
        fn disconnect(&mut self) {
            self.n_disconnects += 1;
        }
    }

    struct Deaf;

    impl Observer for Deaf {
        fn step(&mut self, _device: &DeviceId, _step: &Step) {}
    }

    /// What came of it, and for how long was waited in all.
    fn restart(board: &mut Board, boot_limit_ms: u64) -> (Result<Option<String>, SessionError>, Duration) {
        let waited = Cell::new(Duration::ZERO);
        let wait = |limit| {
            waited.set(waited.get() + limit);
            true
        };
        let device = DeviceId::from("pi");
        let spec = RestartSpec { boot_limit_ms, settle_ms: 120_000 };
        let restart = Restart { device: &device, spec, transport: board, observer: &mut Deaf, wait: &wait };
        (restart.run(), waited.get())
    }

    #[test]
    fn another_boot_is_waited_for_and_left_alone() {
        let mut board = Board { obeys: Some("systemctl"), n_old: 2, n_silent: 3, ..Board::default() };
        let (result, waited) = restart(&mut board, 300_000);
        let words = result.expect("it obeys").expect("nobody stops it");
        let expected =
            format!("restarted for a device-cold launch: boot {SECOND} after {FIRST}, back after 0 s");
        assert!(words.starts_with(&expected), "{words}");
        assert_eq!(board.asked, ["reboot", "/sbin/reboot", "systemctl reboot"]);
        // Twice it answered as before, three times not at all, then it was back.
        assert_eq!(waited, Duration::from_secs(6 * 2 + 120));
        assert_eq!(board.n_disconnects, 6);
    }

    #[test]
    fn a_device_that_may_not_be_restarted_says_why() {
        let mut board = Board::default();
        let error = restart(&mut board, 300_000).0.expect_err("it refuses");
        assert_eq!(
            error.to_string(),
            "pi cannot be restarted (reboot: Access denied; /sbin/reboot: Access denied; systemctl reboot: Access denied; sudo -n reboot: Access denied)"
        );
        assert!(error.hints()[0].contains("sudo -n reboot"));
    }

    #[test]
    fn a_device_that_stays_away_is_given_up() {
        let mut board = Board { obeys: Some("reboot"), n_silent: usize::MAX, ..Board::default() };
        let error = restart(&mut board, 0).0.expect_err("it is gone");
        assert_eq!(error.to_string(), "pi did not come back from its restart within 0 s");
        let mut board = Board { obeys: Some("reboot"), n_old: usize::MAX, ..Board::default() };
        assert!(matches!(restart(&mut board, 0).0, Err(SessionError::NotRestarted { .. })));
    }

    #[test]
    fn this_machine_is_never_restarted() {
        let mut board = Board { obeys: Some("reboot"), is_here: true, ..Board::default() };
        assert!(matches!(restart(&mut board, 0).0, Err(SessionError::CannotRestart { .. })));
        assert!(board.asked.is_empty());
    }
}

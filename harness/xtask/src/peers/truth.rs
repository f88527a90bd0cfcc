//! The paced server, and what it knows.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context as _;
use serde_json::Value;

/// A server in a process of its own, on one core, before all others where that is permitted.
pub(crate) struct PacedServer {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// Where it listens.
    pub(crate) address: String,
    /// Whether it has a real-time priority: without one its own lateness spoils the truth on a loaded machine.
    pub(crate) is_urgent: bool,
}

/// One answer as it really was; instants in ns of the machine's monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) seed: u64,
    /// When the request's last byte arrived.
    pub(crate) received_at: u64,
    /// Before and after each write.
    pub(crate) writes: Vec<(u64, u64)>,
}

impl PacedServer {
    pub(crate) fn start(fidelity: &Path) -> anyhow::Result<Self> {
        let last = std::thread::available_parallelism().map_or(0, |n| n.get() - 1).to_string();
        let mut urgent = Command::new("chrt");
        urgent.args(["-f", "20", "taskset", "-c", &last]).arg(fidelity).arg("serve");
        match Self::spawn(urgent, true) {
            Ok(server) => Ok(server),
            Err(_not_permitted) => {
                let mut plain = Command::new(fidelity);
                plain.arg("serve");
                Self::spawn(plain, false)
            }
        }
    }

    fn spawn(mut command: Command, is_urgent: bool) -> anyhow::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().context("it was asked for")?);
        let mut address = String::new();
        stdout.read_line(&mut address)?;
        let address = address.trim().to_owned();
        let server = Self { child, stdin, stdout, address, is_urgent };
        anyhow::ensure!(!server.address.is_empty(), "the paced server did not start");
        Ok(server)
    }

    /// All answers since the last time, in the order in which their requests came.
    pub(crate) fn take(&mut self) -> anyhow::Result<Vec<Truth>> {
        self.stdin.as_mut().context("it lives as long as this")?.write_all(b"take\n")?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        let json: Value = serde_json::from_str(&line).context("the paced server's truth")?;
        let answers = json["answers"].as_array().context("the truth has no answers")?;
        let mut truth =
            answers.iter().map(read).collect::<Option<Vec<Truth>>>().context("the truth has gaps")?;
        truth.sort_by_key(|one| one.received_at);
        Ok(truth)
    }
}

impl Drop for PacedServer {
    fn drop(&mut self) {
        // Its stdin's end is its end.
        self.stdin = None;
        // Best effort: it may have ended by itself.
        drop(self.child.wait());
    }
}

/// `[seed, received, [[due, before, after], …]]`.
fn read(answer: &Value) -> Option<Truth> {
    let write = |one: &Value| Some((one[1].as_u64()?, one[2].as_u64()?));
    let writes = answer[2].as_array()?.iter().map(write).collect::<Option<Vec<_>>>()?;
    Some(Truth { seed: answer[0].as_u64()?, received_at: answer[1].as_u64()?, writes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answers_truth_is_read() {
        let json = serde_json::json!([7, 100, [[150, 151, 155], [160, 162, 163]]]);
        let expected = Truth { seed: 7, received_at: 100, writes: vec![(151, 155), (162, 163)] };
        assert_eq!(read(&json), Some(expected));
        assert_eq!(read(&serde_json::json!([7, 100, [[150]]])), None);
    }
}

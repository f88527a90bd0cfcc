//! A paced server in a process of its own, which leaves a client's own threads alone.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use dyno_model::blame::{Blame, Classify};
use dyno_model::clock::{MonoNs, monotonic_now};

use super::{PacedServer, Played, url_of};
use crate::error::RuntimeError;
use crate::process::{Pipes, Process, left_until};
use crate::sys;

/// How long it may take to start, and to tell what it played.
const LIMIT_NS: u64 = 1_000_000_000;
/// How long it may take to end.
const GRACE: Duration = Duration::from_millis(200);
/// It does not tell more than this.
const MAX_BYTES: usize = 64 << 20;

/// A paced server's process does not do what it is for.
#[derive(Debug, thiserror::Error)]
pub enum PacedError {
    /// It could not be started.
    #[error("cannot start a paced server")]
    Start(#[from] RuntimeError),
    /// It could not be heard.
    #[error("cannot hear the paced server of process {pid}")]
    Talk {
        /// The process.
        pid: u32,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It was silent for too long.
    #[error("the paced server of process {pid} said nothing within {limit_ms} ms")]
    Silent {
        /// The process.
        pid: u32,
        /// How long it had.
        limit_ms: u64,
    },
    /// It said something that it does not say.
    #[error("the paced server {program} makes no sense: `{words}`")]
    Nonsense {
        /// Its program.
        program: PathBuf,
        /// Its first words.
        words: String,
    },
}

impl Classify for PacedError {
    fn blame(&self) -> Blame {
        match self {
            Self::Start(error) => error.blame(),
            Self::Talk { .. } | Self::Silent { .. } => Blame::Lab,
            Self::Nonsense { .. } => Blame::Harness,
        }
    }
}

/// A running server; it ends with this value.
#[derive(Debug)]
pub struct PacedProcess {
    program: PathBuf,
    process: Process,
    pipes: Pipes,
    address: SocketAddr,
}

impl PacedProcess {
    /// Starts `program paced --until-end`, which does [`play_for`].
    ///
    /// # Errors
    /// When it cannot be started, or does not say within a second where it listens.
    pub fn start(program: &Path) -> Result<Self, PacedError> {
        let (process, mut pipes) = Process::spawn(Command::new(program).args(["paced", "--until-end"]))?;
        let limit = monotonic_now().plus(LIMIT_NS);
        let line = hear(&process, &mut pipes, limit, |heard| heard.ends_with(b"\n"))?;
        let address = String::from_utf8_lossy(&line).trim().parse();
        let address = address.map_err(|_no_address| nonsense(program, &line))?;
        Ok(Self { program: program.to_owned(), process, pipes, address })
    }

    /// The URL that plays `script`, to be put before an API's path.
    pub fn url(&self, script: &str) -> String {
        url_of(self.address, script)
    }

    /// Ends it, and gives the answers that it played.
    ///
    /// # Errors
    /// When it does not tell them within a second.
    pub fn finish(self) -> Result<Vec<Played>, PacedError> {
        let Self { program, mut process, pipes: Pipes { stdin, stdout }, .. } = self;
        // The end of its stdin asks it to tell, and to end.
        drop(stdin);
        let limit = monotonic_now().plus(LIMIT_NS);
        let mut heard = Vec::new();
        let mut stdout = stdout;
        while hear_more(&process, &mut stdout, limit, &mut heard)? {}
        process.end(GRACE)?;
        serde_json::from_slice(&heard).map_err(|_no_json| nonsense(&program, &heard))
    }
}

/// Serves until `input` ends: says first where it listens, and at last what it played.
///
/// # Errors
/// When there is no port to be had, or nobody listens to what it says.
pub fn play_for(input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
    let server = PacedServer::start()?;
    output.write_all(format!("{}\n", server.address()).as_bytes())?;
    output.flush()?;
    let mut room = [0; 64];
    while input.read(&mut room)? > 0 {}
    output.write_all(&serde_json::to_vec(&server.take_played())?)?;
    output.flush()
}

/// Starts a server for people, and says how it is asked.
///
/// # Errors
/// When the port is taken, or nobody listens to what it says.
pub fn tell_url(port: u16, output: &mut dyn Write) -> io::Result<PacedServer> {
    let server = PacedServer::start_on(port)?;
    let (plain, slow) = (server.url(""), server.url("ttft_us=500000,n=1,slots=1"));
    let text = format!(
        "a paced server listens at {plain}/v1\n\
         what it plays is the first part of the path: {slow}/v1\n\
         end it with Ctrl-C\n"
    );
    output.write_all(text.as_bytes())?;
    output.flush()?;
    Ok(server)
}

/// Hears until `is_enough`, or the end.
fn hear(
    process: &Process,
    pipes: &mut Pipes,
    limit: MonoNs,
    is_enough: impl Fn(&[u8]) -> bool,
) -> Result<Vec<u8>, PacedError> {
    let mut heard = Vec::new();
    while !is_enough(&heard) && hear_more(process, &mut pipes.stdout, limit, &mut heard)? {}
    Ok(heard)
}

/// One read; `false` at the end.
fn hear_more(
    process: &Process,
    stdout: &mut std::process::ChildStdout,
    limit: MonoNs,
    heard: &mut Vec<u8>,
) -> Result<bool, PacedError> {
    let pid = process.pid();
    let talk = |source| PacedError::Talk { pid, source };
    let [is_readable, _] =
        sys::wait_readable([Some(sys::waitable(stdout)), None], Some(left_until(limit))).map_err(talk)?;
    if !is_readable && monotonic_now() >= limit {
        return Err(PacedError::Silent { pid, limit_ms: LIMIT_NS / 1_000_000 });
    }
    if !is_readable {
        return Ok(true);
    }
    let mut room = [0; 16 << 10];
    let n = stdout.read(&mut room).map_err(talk)?;
    heard.extend_from_slice(&room[..n]);
    Ok(n > 0 && heard.len() < MAX_BYTES)
}

fn nonsense(program: &Path, heard: &[u8]) -> PacedError {
    let words = String::from_utf8_lossy(&heard[..heard.len().min(80)]).into_owned();
    PacedError::Nonsense { program: program.to_owned(), words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_where_it_listens_and_at_last_what_it_played() {
        let mut said = Vec::new();
        play_for(&mut io::empty(), &mut said).expect("a port on the loopback");
        let (address, played) = std::str::from_utf8(&said).expect("text").split_once('\n').expect("a line");
        let address: SocketAddr = address.parse().expect("an address");
        assert!(address.ip().is_loopback() && address.port() != 0);
        assert_eq!(played, "[]");
    }

    #[test]
    fn a_program_that_is_something_else_is_shown() {
        let error = PacedProcess::start(Path::new("/bin/echo")).expect_err("it only says its words");
        let expected = "the paced server /bin/echo makes no sense: `paced --until-end\n`";
        assert_eq!(error.to_string(), expected);
    }
}

//! What can go wrong while a part is started.

use std::fmt;
use std::path::PathBuf;

/// Why a part of the test bench could not be had; its `Debug` is its message, so that `expect` in a test reads well.
#[derive(thiserror::Error)]
pub enum BenchError {
    /// A program is not on this machine.
    #[error("`{program}` is not on this machine; install it: apt-get install {package}")]
    Missing {
        /// The program that was looked for.
        program: String,
        /// The Debian package (and suite, where the plain one will not do) that has it.
        package: String,
    },
    /// The part needs root: namespaces, mounts, users.
    #[error("{what} needs root; run this test as root (CI does)")]
    NotRoot {
        /// The part.
        what: String,
    },
    /// A command could not be started.
    #[error("`{command}` cannot be started")]
    Start {
        /// The command line.
        command: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A command ended with an error.
    #[error("`{command}` {status}: {stderr}")]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
        /// What it said last.
        stderr: String,
    },
    /// A command or part was not done in time.
    #[error("{what} was not ready after {waited_ms} ms; its last words: {log}")]
    NotReady {
        /// The command or part.
        what: String,
        /// How long it was waited for.
        waited_ms: u64,
        /// The end of its log.
        log: String,
    },
    /// A file or socket refused.
    #[error("{what}: {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// A part of the bench answered in words that were not expected.
    #[error("{what} answered {answer:?}")]
    Answer {
        /// What was asked.
        what: String,
        /// The answer.
        answer: String,
    },
}

impl fmt::Debug for BenchError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(out, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl BenchError {
    /// Makes an [`BenchError::Io`] out of an IO error; for `map_err`.
    pub(crate) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> BenchError {
        let path = path.into();
        move |source| BenchError::Io { what, path, source }
    }
}

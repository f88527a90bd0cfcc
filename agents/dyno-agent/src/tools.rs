//! The subcommands that need the embedded engine.

#[cfg(feature = "engine-embedded")]
pub(crate) use with_engine::{describe, engine, paced_engine, quantize, synthesize};
#[cfg(not(feature = "engine-embedded"))]
pub(crate) use without_engine::{describe, engine, paced_engine, quantize, synthesize};

#[cfg(feature = "engine-embedded")]
mod with_engine {
    use std::ffi::OsString;
    use std::fs::{self, File};
    use std::path::{Path, PathBuf};

    use dyno_model::blame::Classify as _;
    use dyno_model::plan::SyntheticShape;
    use dyno_runtimes::embedded::{EngineMainError, engine_main, paced_engine_main};
    use dyno_runtimes::engine::{self, EngineError};

    use crate::error::AgentError;

    /// Runs the engine for the agent on the other end of stdin and stdout.
    pub(crate) fn engine(words: &[String]) -> Result<(), AgentError> {
        engine_main(words).map_err(engine_ended)
    }

    /// Plays schedules in the engine's place for the agent on the other end of stdin and stdout.
    pub(crate) fn paced_engine() -> Result<(), AgentError> {
        paced_engine_main().map_err(engine_ended)
    }

    fn engine_ended(error: EngineMainError) -> AgentError {
        AgentError::Tool {
            what: "run the engine",
            blame: error.blame(),
            exit_code: error.exit_code(),
            source: Box::new(error),
        }
    }

    /// What the header of a model file says, as JSON.
    pub(crate) fn describe(path: &Path) -> Result<String, AgentError> {
        let facts = engine::describe(path).map_err(|error| AgentError::Tool {
            what: "read a model's header",
            blame: error.blame(),
            exit_code: 3,
            source: Box::new(error),
        })?;
        Ok(serde_json::to_string(&facts).expect("facts have only string keys"))
    }

    /// Writes a re-quantized copy, whole or not at all.
    pub(crate) fn quantize(
        source: &Path,
        path: &Path,
        to: &str,
        threads: Option<u32>,
    ) -> Result<(), AgentError> {
        let own = || std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1));
        let threads = threads.unwrap_or_else(own);
        whole("quantize a model", path, |part| engine::quantize(source, part, to, threads))
    }

    /// Writes a model of seeded noise, whole or not at all.
    pub(crate) fn synthesize(path: &Path, shape: &SyntheticShape, seed: u64) -> Result<(), AgentError> {
        whole("write a synthetic model", path, |part| engine::write_synthetic(part, shape, seed))
    }

    fn whole(
        what: &'static str,
        path: &Path,
        write: impl FnOnce(&Path) -> Result<(), EngineError>,
    ) -> Result<(), AgentError> {
        let mut name: OsString = path.as_os_str().to_owned();
        name.push(".part");
        let part = PathBuf::from(name);
        let written = write(&part).and_then(|()| {
            // Windows syncs only what may be written.
            let file = File::options().write(true).open(&part);
            let moved = file.and_then(|file| file.sync_all()).and_then(|()| fs::rename(&part, path));
            moved.map_err(|source| EngineError::Write { path: path.to_owned(), source })
        });
        if written.is_err() {
            // Best effort: there may be nothing to remove.
            drop(fs::remove_file(&part));
        }
        written.map_err(|error| {
            let blame = error.blame();
            AgentError::Tool { what, blame, exit_code: 3, source: Box::new(error) }
        })
    }
}

#[cfg(not(feature = "engine-embedded"))]
mod without_engine {
    use std::path::Path;

    use dyno_model::plan::SyntheticShape;

    use crate::error::AgentError;

    /// There is no engine to run.
    pub(crate) fn engine(_words: &[String]) -> Result<(), AgentError> {
        Err(AgentError::NoEngine)
    }

    /// There is no engine whose place could be taken.
    pub(crate) fn paced_engine() -> Result<(), AgentError> {
        Err(AgentError::NoEngine)
    }

    /// There is nothing that reads model files.
    pub(crate) fn describe(_: &Path) -> Result<String, AgentError> {
        Err(AgentError::NoEngine)
    }

    /// There is nothing that can quantize.
    pub(crate) fn quantize(_: &Path, _: &Path, _: &str, _: Option<u32>) -> Result<(), AgentError> {
        Err(AgentError::NoEngine)
    }

    /// There is nothing that can write models.
    pub(crate) fn synthesize(_: &Path, _: &SyntheticShape, _: u64) -> Result<(), AgentError> {
        Err(AgentError::NoEngine)
    }
}

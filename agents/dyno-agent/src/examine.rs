//! What a device can do, and whether its sensors can be believed: asked once for each contact, while nothing is measured.

use std::path::Path;

use dyno_model::blame::{Blame, Classify};
use dyno_protocol::message::Reply;
use dyno_runtimes::interrupt::Interrupt;
use dyno_sensors::{SensorError, SysRoot, device_facts};

use crate::sense::root_of;
use crate::{machine, sensor_test};

/// A device cannot be examined.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExamineError {
    /// Stopped from outside.
    #[error("cancelled: {what}")]
    Cancelled { what: &'static str },
    /// The system gave no thread.
    #[error("cannot start a thread to {what}")]
    Thread {
        what: &'static str,
        #[source]
        source: std::io::Error,
    },
    /// There is nothing where `/proc` and `/sys` should be.
    #[error("{why}")]
    Root { why: String },
    /// The sensors cannot be read at all.
    #[error("cannot read the sensors")]
    Sensors(#[from] SensorError),
}

impl Classify for ExamineError {
    fn blame(&self) -> Blame {
        match self {
            Self::Cancelled { .. } | Self::Root { .. } => Blame::User,
            Self::Thread { .. } => Blame::Lab,
            Self::Sensors(error) => error.blame(),
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Cancelled { .. } | Self::Root { .. } => false,
            Self::Thread { .. } => true,
            Self::Sensors(error) => error.is_transient(),
        }
    }
}

/// Measures what memory bandwidth and arithmetic the device has.
///
/// # Errors
/// [`ExamineError`]; what only could not be measured is a note in the figures.
pub(crate) fn machine(
    work_dir: &Path,
    interrupt: &Interrupt,
    sys_root: Option<&str>,
    for_ms: u64,
) -> Result<Reply, ExamineError> {
    let figures = machine::figures(&root(sys_root)?, work_dir, interrupt, for_ms)?;
    Ok(Reply::Machine { figures: Box::new(figures) })
}

/// Tries each source of power against known steps of load.
///
/// # Errors
/// [`ExamineError`]; a source that cannot be read is in its test.
pub(crate) fn sensors(
    work_dir: &Path,
    interrupt: &Interrupt,
    sys_root: Option<&str>,
    for_ms: u64,
) -> Result<Reply, ExamineError> {
    let root = root(sys_root)?;
    let facts = Box::new(device_facts(&root, work_dir));
    let sensor_test::Tried { declared, unreadable, tests } = sensor_test::run(root, interrupt, for_ms)?;
    Ok(Reply::SensorsTested { declared, unreadable, tests, facts })
}

/// Where `/proc` and `/sys` are.
fn root(sys_root: Option<&str>) -> Result<SysRoot, ExamineError> {
    root_of(sys_root).map_err(|why| ExamineError::Root { why })
}

//! One device's share of a plan: deploy, shake hands, recover what is left over, execute what is missing.

mod deploy;
mod error;
mod execute;
mod link;
mod observe;
mod remaining;
mod sink;

pub use deploy::{AgentBinary, LocalModel};
pub use error::SessionError;
pub use execute::{Session, SessionSummary};
pub use observe::{Cancel, Observer, Step};
pub use remaining::{Finished, RemainingRun, remaining_runs};
pub use sink::{Opened, RecordSink};

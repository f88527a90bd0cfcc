//! One device's share of a plan: deploy, shake hands, recover what is left over, execute what is missing.

mod clocksync;
mod contact;
mod deploy;
pub mod doctor;
mod endpoint;
mod error;
mod examine;
mod execute;
mod link;
mod meter;
mod observe;
mod order;
mod remaining;
mod restart;
mod sink;
mod steer;
mod visit;

pub use deploy::{AgentBinary, AgentSource, LocalModel, NoAgent};
pub use error::SessionError;
pub use examine::{DEFAULT_SENSOR_TEST, SensorsFound};
pub use execute::{Session, SessionSummary};
pub use meter::MeterReader;
pub use observe::{Cancel, Observer, Step};
pub use remaining::{Finished, RemainingRun, remaining_runs};
pub use sink::{Opened, RecordSink};
pub use steer::{Steer, TakeAll, Wanted};
pub use visit::Visit;

//! HTTP/1.1 as a measuring client needs it: one loop for all connections, every read stamped where it arrived.
//!
//! [`exchange`] carries any number of exchanges on one thread and hands over body bytes as they come, each slice with
//! the instant at which the kernel took it in (Linux, Android) or at which the read returned (elsewhere).
//! It knows nothing of events or tokens; plain TCP only, for the agent has no TLS.
//!
//! **Invariant:** nothing here waits without a limit, and nothing grows beyond one: heads, chunk lines, bodies, pools.

mod begun;
mod body;
mod connection;
mod endpoint;
mod error;
mod exchange;
mod head;
mod reply;
mod stamp;
pub(crate) mod sys;
mod urgent;

pub use begun::connections_begun;
pub use endpoint::{ApiKey, Endpoint, EndpointError};
pub use error::{Deadline, HttpError, Phase, Progress};
pub use exchange::{
    Connections, Ending, Exchanges, Facts, Flow, Happening, Health, Limits, Outgoing, Polled, Reuse, Ticket,
};
pub use head::Head;
pub use reply::Reply;

pub(crate) use stamp::Stamps;
pub use stamp::thread_cpu_ns;
pub use urgent::Urgent;

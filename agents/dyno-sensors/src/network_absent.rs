//! Sockets of a runtime on systems that tell nobody of them through files.

use dyno_model::clock::monotonic_now;
use dyno_model::network::NetworkWatch;

/// Watches nothing, and says so.
#[derive(Debug)]
pub struct SocketWatch;

impl SocketWatch {
    /// Watches nothing.
    pub fn start(_pid: u32) -> Self {
        Self
    }

    /// Says that nothing was watched.
    pub fn stop(self) -> NetworkWatch {
        NetworkWatch::none(
            monotonic_now(),
            "sockets of other processes are watched on Linux and Android only",
        )
    }
}

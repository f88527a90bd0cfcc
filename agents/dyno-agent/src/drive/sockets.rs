//! What the runtime's sockets pointed at, from its start to its end.

use dyno_model::clock::Clock;
use dyno_model::event::{EventKind, SinkError};
use dyno_model::network::NetworkWatch;
use dyno_runtimes::http::connections_begun;
use dyno_sensors::SocketWatch;

use super::Launch;

/// The sockets of one launch's runtime.
pub(super) enum Sockets {
    /// They are watched.
    Watched {
        watch: SocketWatch,
        /// Connections of this agent that were begun before.
        own_before: u64,
    },
    /// They cannot be, and why.
    Unwatched(&'static str),
}

impl Launch<'_> {
    /// The runtime has been started; without a process of its own there is nothing to watch.
    pub(super) fn watch_sockets(&mut self, pid: Option<u32>) {
        self.sockets = match (&self.clock, pid) {
            // A script opens no socket.
            (Clock::Scripted(_), _) => None,
            (Clock::Monotonic, Some(pid)) => {
                let own_before = connections_begun();
                Some(Sockets::Watched { watch: SocketWatch::start(pid), own_before })
            }
            (Clock::Monotonic, None) => Some(Sockets::Unwatched("the runtime has no process of its own")),
        };
    }

    /// The runtime is ready; one that was not started here is somebody else's.
    pub(super) fn watch_no_sockets_of_others(&mut self) {
        if self.sockets.is_none() && self.order.launch_spec.endpoint.is_some() {
            let why = "the server was started by somebody else, and which processes are its own is not known";
            self.sockets = Some(Sockets::Unwatched(why));
        }
    }

    /// The runtime has ended: what was seen goes to the record.
    pub(super) fn end_sockets(&mut self) -> Result<(), SinkError> {
        let seen = match self.sockets.take() {
            None => return Ok(()),
            Some(Sockets::Unwatched(why)) => NetworkWatch::none(self.clock.now(), why),
            Some(Sockets::Watched { watch, own_before }) => {
                let mut seen = watch.stop();
                if let Some(counted) = &mut seen.counted
                    && counted.is_shared
                {
                    counted.own_tcp_opens = connections_begun().saturating_sub(own_before);
                }
                seen
            }
        };
        self.event(EventKind::Network(Box::new(seen)))
    }
}

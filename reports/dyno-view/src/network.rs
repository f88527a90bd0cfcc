//! What the sockets of a cell's runtime pointed at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All launches of a cell whose record says something of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct NetworkView {
    /// Launches of the cell.
    pub n_launches: u32,
    /// Of these, launches at whose sockets was looked.
    pub n_watched: u32,
    /// Looks in all of them.
    pub n_looks: u64,
    /// How long was watched, all launches together.
    pub watched_ns: u64,
    /// The longest time without a look, in the worst launch: what was opened and closed within it was not seen.
    pub longest_gap_ns: u64,
    /// Sockets that lead, or may lead, beyond the machine.
    pub sockets: Vec<SocketView>,
    /// Further ones, which are not listed.
    pub n_more: u64,
    /// Why something was not watched, each once.
    pub unwatched: Vec<String>,
    /// Why it is not known that nothing left, though no connection beyond the machine was seen; `None` where that is
    /// known as far as looks reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// What the kernel counted meanwhile; `None` where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<NetworkCountsView>,
    /// CPU time that looks took, as a share of one CPU; `None` where nothing was watched.
    pub cpu_ratio: Option<f64>,
}

/// Sockets of one program that lead to one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SocketView {
    /// Run number.
    pub run: u32,
    /// Launch number within the run.
    pub launch: u32,
    /// As the kernel calls it: `TCP`.
    pub protocol: String,
    /// How far it leads.
    pub reach: ReachView,
    /// Address and port at the runtime's end.
    pub local: Option<String>,
    /// Address and port at the other end.
    pub remote: Option<String>,
    /// Name of the process that had it.
    pub program: String,
    /// Number of that process.
    pub pid: u32,
    /// How many sockets.
    pub n: u64,
    /// When it was seen first, after the runtime was started.
    pub first_seen_ns: u64,
    /// When it was seen last, after the runtime was started.
    pub last_seen_ns: u64,
    /// When it was seen first, UTC.
    pub at: Option<String>,
}

/// How far a socket leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReachView {
    /// It has an address beyond the machine at its other end.
    Connected,
    /// A connection to such an address was asked for, and nobody had answered while it was seen.
    Attempted,
    /// It has no other end: each datagram may go anywhere, and none need to have gone.
    Anywhere,
    /// It takes connections at an address that others can reach.
    Listening,
}

impl ReachView {
    /// Whether it leads to a known address beyond the machine.
    pub fn is_beyond(self) -> bool {
        matches!(self, Self::Connected | Self::Attempted)
    }
}

/// What the kernel counted in the network namespaces of the runtime's processes, by whomever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkCountsView {
    /// Whether programs that are no part of the runtime share these namespaces.
    pub is_shared: bool,
    /// TCP connections that were begun, loopback included.
    pub tcp_opens: Option<u64>,
    /// Of these, edgedyno's own.
    pub own_tcp_opens: u64,
    /// UDP datagrams that were sent, loopback included.
    pub udp_datagrams: Option<u64>,
    /// Packets that left by an interface other than the loopback one.
    pub packets_out: Option<u64>,
}

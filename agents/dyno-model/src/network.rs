//! What a runtime's sockets pointed at while a launch ran.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::MonoNs;

/// What was seen of the sockets of a runtime's process and of all that came of it.
///
/// Nothing is told of sockets that stay within the machine: those of a loopback address, those that have the same
/// address at both ends, and those that lead to no network at all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NetworkWatch {
    /// When the first look was taken.
    pub from: MonoNs,
    /// When watching ended: after the runtime had.
    pub to: MonoNs,
    /// Looks that were taken; 0 where nothing was watched.
    pub n_looks: u64,
    /// The longest time without a look. What was opened and closed within it was not seen.
    pub longest_gap_ns: u64,
    /// Processes that were looked at, the runtime's own included.
    pub n_processes: u32,
    /// Sockets that lead, or may lead, beyond this machine; those of one program to one place are one entry.
    pub sockets: Vec<SocketSeen>,
    /// Further entries, for which there was no more room.
    pub n_more: u64,
    /// What could not be watched; empty where there was nothing of that kind.
    pub unwatched: Vec<Unwatched>,
    /// What the kernel counted meanwhile; `None` where it does not say.
    pub counted: Option<NetworkCounts>,
    /// CPU time that the looks took.
    pub cpu_ns: u64,
}

/// Sockets of one program that lead to one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketSeen {
    /// As the kernel calls it: `TCP`, `UDPv6`.
    pub protocol: String,
    /// How far it leads.
    pub reach: Reach,
    /// Address and port at this end; `None` where it has none yet.
    pub local: Option<String>,
    /// Address and port at the other end; `None` without one.
    pub remote: Option<String>,
    /// The process that was seen with it first.
    pub pid: u32,
    /// That process' name.
    pub program: String,
    /// How many sockets.
    pub n: u64,
    /// When the first of them was seen first.
    pub first_seen: MonoNs,
    /// When the last of them was seen last.
    pub last_seen: MonoNs,
}

/// Something that could not be watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwatched {
    /// The process that it is of; `None` where it is of none.
    pub pid: Option<u32>,
    /// That process' name.
    pub program: Option<String>,
    /// Why, in words.
    pub reason: String,
}

/// How far a socket leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// It has an address beyond this machine at its other end.
    Connected,
    /// A connection to such an address was asked for, and nobody had answered while it was seen.
    Attempted,
    /// It has no other end: each datagram may go anywhere, and none need to have gone.
    Anywhere,
    /// It takes connections at an address that others can reach.
    Listening,
}

/// What the kernel counted in the network namespaces of the runtime's processes, by whomever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NetworkCounts {
    /// Whether the agent is in one of these namespaces, and with it all programs of the system that are in no other.
    pub is_shared: bool,
    /// TCP connections that were begun, loopback included.
    pub tcp_opens: Option<u64>,
    /// Of these, the agent's own.
    pub own_tcp_opens: u64,
    /// UDP datagrams that were sent, loopback included.
    pub udp_datagrams: Option<u64>,
    /// Packets that left by an interface other than the loopback one.
    pub packets_out: Option<u64>,
}

impl NetworkWatch {
    /// That of a runtime whose sockets could not be watched.
    pub fn none(at: MonoNs, why: impl Into<String>) -> Self {
        let unwatched = vec![Unwatched::of_all(why)];
        Self { from: at, to: at, unwatched, ..Self::default() }
    }

    /// Sockets with an address beyond this machine at their other end, or that asked for one.
    pub fn beyond(&self) -> impl Iterator<Item = &SocketSeen> {
        self.sockets.iter().filter(|socket| socket.reach.is_beyond())
    }

    /// Why it is not known whether something left this machine; `None` where something did, or where nothing was seen to.
    pub fn doubt(&self) -> Option<String> {
        if self.beyond().next().is_some() {
            return None;
        }
        if let Some(why) = self.unwatched.first() {
            return Some(why.to_string());
        }
        if self.n_looks == 0 {
            return Some("no look was taken".to_owned());
        }
        let nothing_left = self.counted.is_some_and(|counted| counted.nothing_left());
        let open =
            self.sockets.iter().find(|socket| socket.reach == Reach::Anywhere).filter(|_| !nothing_left);
        open.map(|socket| {
            format!(
                "{} (process {}) had a {} socket that could send anywhere, and where it did is not known",
                socket.program, socket.pid, socket.protocol
            )
        })
    }
}

impl Unwatched {
    /// Something that is of no single process.
    pub fn of_all(reason: impl Into<String>) -> Self {
        Self { pid: None, program: None, reason: reason.into() }
    }
}

impl fmt::Display for Unwatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pid, &self.program) {
            (Some(pid), Some(program)) => {
                write!(f, "{program} (process {pid}) was not watched: {}", self.reason)
            }
            (Some(pid), None) => write!(f, "process {pid} was not watched: {}", self.reason),
            (None, _) => f.write_str(&self.reason),
        }
    }
}

impl NetworkCounts {
    /// Whether no datagram was sent at all, or no packet left the machine.
    pub fn nothing_left(&self) -> bool {
        self.udp_datagrams == Some(0) || self.packets_out == Some(0)
    }
}

impl Reach {
    /// Whether a socket leads to a known address beyond this machine.
    pub fn is_beyond(self) -> bool {
        matches!(self, Self::Connected | Self::Attempted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(reach: Reach) -> SocketSeen {
        SocketSeen {
            protocol: "UDP".into(),
            reach,
            local: Some("0.0.0.0:5353".into()),
            remote: None,
            pid: 7,
            program: "serve".into(),
            n: 1,
            first_seen: MonoNs(1),
            last_seen: MonoNs(2),
        }
    }

    fn watch(sockets: Vec<SocketSeen>) -> NetworkWatch {
        NetworkWatch { n_looks: 9, sockets, ..NetworkWatch::default() }
    }

    #[test]
    fn what_was_not_watched_is_in_doubt() {
        assert_eq!(watch(Vec::new()).doubt(), None);
        let hidden = Unwatched { pid: Some(9), program: Some("sudo".into()), reason: "hidden".into() };
        let blind = NetworkWatch { unwatched: vec![hidden], ..watch(Vec::new()) };
        assert_eq!(blind.doubt().as_deref(), Some("sudo (process 9) was not watched: hidden"));
        assert_eq!(NetworkWatch::default().doubt().as_deref(), Some("no look was taken"));
        assert_eq!(NetworkWatch::none(MonoNs(3), "no /proc").doubt().as_deref(), Some("no /proc"));
    }

    #[test]
    fn what_was_seen_is_beyond_doubt() {
        let mut seen = watch(vec![socket(Reach::Attempted)]);
        seen.unwatched.push(Unwatched::of_all("something is hidden"));
        assert_eq!((seen.beyond().count(), seen.doubt()), (1, None));
        assert_eq!(watch(vec![socket(Reach::Listening)]).doubt(), None);
    }

    #[test]
    fn a_socket_that_could_send_anywhere_is_in_doubt_unless_nothing_was_sent() {
        let mut open = watch(vec![socket(Reach::Anywhere)]);
        assert!(open.doubt().is_some_and(|why| why.contains("serve (process 7) had a UDP socket")));
        open.counted = Some(NetworkCounts { udp_datagrams: Some(3), ..NetworkCounts::default() });
        assert!(open.doubt().is_some());
        open.counted = Some(NetworkCounts { udp_datagrams: Some(0), ..NetworkCounts::default() });
        assert_eq!(open.doubt(), None);
        open.counted = Some(NetworkCounts { packets_out: Some(0), ..NetworkCounts::default() });
        assert_eq!(open.doubt(), None);
    }
}

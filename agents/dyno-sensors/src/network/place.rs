//! Where a socket leads, from what the kernel calls its protocol and from its row.

use dyno_model::network::Reach;

use super::address::{is_inside, is_nobody, leads_beyond};
use super::table::Row;

/// States of include/net/tcp_states.h.
const SYN_SENT: u8 = 2;
const CLOSE: u8 = 7;
const LISTEN: u8 = 10;

/// The kernel's tables of sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Tcp,
    Tcp6,
    Udp,
    Udp6,
    Raw,
    Raw6,
    Ping,
    Ping6,
}

impl Table {
    pub(super) const ALL: [Self; 8] =
        [Self::Tcp, Self::Tcp6, Self::Udp, Self::Udp6, Self::Raw, Self::Raw6, Self::Ping, Self::Ping6];

    /// Its file below `/proc/PID/net`.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tcp6 => "tcp6",
            Self::Udp => "udp",
            Self::Udp6 => "udp6",
            Self::Raw => "raw",
            Self::Raw6 => "raw6",
            Self::Ping => "icmp",
            Self::Ping6 => "icmp6",
        }
    }

    /// The family of a table of TCP sockets.
    pub(super) fn tcp_family(self) -> Option<u8> {
        match self {
            Self::Tcp => Some(libc::AF_INET as u8),
            Self::Tcp6 => Some(libc::AF_INET6 as u8),
            Self::Udp | Self::Udp6 | Self::Raw | Self::Raw6 | Self::Ping | Self::Ping6 => None,
        }
    }
}

/// What the name of a socket's protocol says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is in a table.
    Of(Table),
    /// It never leaves the machine.
    Local,
    /// No table says where it leads.
    Other,
}

/// Names are those of the kernel's `struct proto`. A socket of MPTCP has its inode in the rows of its TCP connections.
pub(super) fn kind(protocol: &[u8]) -> Kind {
    match protocol {
        b"TCP" | b"MPTCP" => Kind::Of(Table::Tcp),
        b"TCPv6" | b"MPTCPv6" => Kind::Of(Table::Tcp6),
        b"UDP" => Kind::Of(Table::Udp),
        b"UDPv6" => Kind::Of(Table::Udp6),
        b"RAW" => Kind::Of(Table::Raw),
        b"RAWv6" => Kind::Of(Table::Raw6),
        b"PING" => Kind::Of(Table::Ping),
        b"PINGv6" => Kind::Of(Table::Ping6),
        b"UNIX" | b"UNIX-STREAM" | b"NETLINK" | b"ALG" | b"PF_KEY" | b"KEY" => Kind::Local,
        _ => Kind::Other,
    }
}

/// Where a socket leads now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leads {
    /// Nowhere yet.
    Nowhere,
    /// Within this machine.
    Inside(Lasts),
    /// Beyond it, in one way or another.
    Out(Reach, Lasts),
}

/// Whether that can change while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasts {
    Yes,
    No,
}

/// What a row says.
pub(super) fn leads(table: Table, row: &Row) -> Leads {
    match table {
        Table::Tcp | Table::Tcp6 => of_connection(row),
        Table::Udp | Table::Udp6 | Table::Raw | Table::Raw6 | Table::Ping | Table::Ping6 => of_datagrams(row),
    }
}

fn of_connection(row: &Row) -> Leads {
    match row.state {
        LISTEN if is_inside(row.local) => Leads::Inside(Lasts::Yes),
        LISTEN => Leads::Out(Reach::Listening, Lasts::Yes),
        CLOSE => Leads::Nowhere,
        _ if is_nobody(row.remote) => Leads::Nowhere,
        _ if !leads_beyond(row.local, row.remote) => Leads::Inside(Lasts::Yes),
        SYN_SENT => Leads::Out(Reach::Attempted, Lasts::No),
        _ => Leads::Out(Reach::Connected, Lasts::Yes),
    }
}

/// Such a socket may be pointed elsewhere at any time; one that is bound to loopback has no way out.
fn of_datagrams(row: &Row) -> Leads {
    if is_inside(row.local) {
        return Leads::Inside(Lasts::Yes);
    }
    if row.remote.ip().is_unspecified() {
        Leads::Out(Reach::Anywhere, Lasts::No)
    } else if leads_beyond(row.local, row.remote) {
        Leads::Out(Reach::Connected, Lasts::No)
    } else {
        Leads::Inside(Lasts::No)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(state: u8, local: &str, remote: &str) -> Row {
        let address = |text: &str| text.parse().expect("an address of the test");
        Row { inode: 7, state, local: address(local), remote: address(remote) }
    }

    #[test]
    fn an_attempt_is_an_attempt() {
        let check = |state, local, remote, expected| {
            assert_eq!(leads(Table::Tcp, &row(state, local, remote)), expected, "{local} {remote} {state}");
        };
        let out = Leads::Out;
        check(1, "10.77.0.1:40000", "10.77.0.2:443", out(Reach::Connected, Lasts::Yes));
        check(2, "10.77.0.1:40000", "10.77.0.2:443", out(Reach::Attempted, Lasts::No));
        // Closed by us, and not yet by the other end.
        check(8, "10.77.0.1:40000", "10.77.0.2:443", out(Reach::Connected, Lasts::Yes));
        check(1, "127.0.0.1:40000", "127.0.0.1:8080", Leads::Inside(Lasts::Yes));
        check(2, "127.0.0.1:40000", "127.0.0.1:8080", Leads::Inside(Lasts::Yes));
        check(10, "127.0.0.1:8080", "0.0.0.0:0", Leads::Inside(Lasts::Yes));
        check(10, "0.0.0.0:8080", "0.0.0.0:0", out(Reach::Listening, Lasts::Yes));
        check(7, "0.0.0.0:40000", "0.0.0.0:0", Leads::Nowhere);
    }

    #[test]
    fn datagrams_without_an_other_end_may_go_anywhere() {
        let check = |local, remote, expected| {
            assert_eq!(leads(Table::Udp, &row(7, local, remote)), expected, "{local} {remote}");
        };
        check("0.0.0.0:5353", "0.0.0.0:0", Leads::Out(Reach::Anywhere, Lasts::No));
        check("127.0.0.1:5353", "0.0.0.0:0", Leads::Inside(Lasts::Yes));
        check("10.77.0.1:5353", "10.77.0.2:53", Leads::Out(Reach::Connected, Lasts::No));
        check("127.0.0.1:5353", "127.0.0.53:53", Leads::Inside(Lasts::Yes));
    }

    #[test]
    fn protocols_have_the_kernels_names() {
        assert_eq!(kind(b"TCPv6"), Kind::Of(Table::Tcp6));
        assert_eq!(kind(b"MPTCP"), Kind::Of(Table::Tcp));
        assert_eq!(kind(b"UNIX-STREAM"), Kind::Local);
        assert_eq!((kind(b"PACKET"), kind(b""), kind(b"AF_VSOCK")), (Kind::Other, Kind::Other, Kind::Other));
    }
}

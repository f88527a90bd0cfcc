//! What the kernel counts in a network namespace: a second witness beside the sockets that were seen.

use std::fs::File;

use dyno_model::network::NetworkCounts;

use crate::root::SysRoot;
use crate::{sys, text};

/// The most that one of these files may hold.
const MAX_BYTES: usize = 1 << 20;

/// The files of a namespace. They stay its own when the process that they were opened by has ended.
#[derive(Debug)]
pub(super) struct CountFiles {
    snmp: Option<File>,
    snmp6: Option<File>,
    dev: Option<File>,
}

impl CountFiles {
    /// Those of the namespace that a process is in: `folder` is its `/proc/PID/net`.
    pub(super) fn open(root: &SysRoot, folder: &str) -> Self {
        // Best effort: a count that cannot be read is not known.
        let open = |name: &str| root.open(&format!("{folder}/{name}")).ok();
        Self { snmp: open("snmp"), snmp6: open("snmp6"), dev: open("dev") }
    }

    /// What they say now.
    pub(super) fn read(&self) -> Counts {
        let [snmp, snmp6, dev] = [&self.snmp, &self.snmp6, &self.dev].map(|file| whole(file.as_ref()));
        let of_udp6 = text::after(snmp6.as_bytes(), b"Udp6OutDatagrams").and_then(text::count);
        let of_udp = column(&snmp, "Udp:", "OutDatagrams");
        Counts {
            tcp_opens: column(&snmp, "Tcp:", "ActiveOpens"),
            // A kernel without IPv6 has no such file.
            udp_datagrams: of_udp.map(|n| n.saturating_add(of_udp6.unwrap_or(0))),
            packets_out: packets_out(&dev),
        }
    }
}

/// All of a file; empty where it cannot be read.
fn whole(file: Option<&File>) -> String {
    let mut bytes = vec![0; 8192];
    let mut filled = 0;
    while let Some(file) = file
        && filled < MAX_BYTES
    {
        match sys::read_at(file, &mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(_) => return String::new(),
        }
        bytes.resize(filled + 8192, 0);
    }
    bytes.truncate(filled);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Counts as of one instant; `None` where the kernel does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    tcp_opens: Option<i64>,
    udp_datagrams: Option<i64>,
    packets_out: Option<i64>,
}

impl Counts {
    /// What was counted since `before`.
    pub(super) fn since(self, before: Self) -> NetworkCounts {
        let risen = |now: Option<i64>, before: Option<i64>| {
            let n = now?.checked_sub(before?)?;
            u64::try_from(n).ok()
        };
        NetworkCounts {
            is_shared: false,
            tcp_opens: risen(self.tcp_opens, before.tcp_opens),
            own_tcp_opens: 0,
            udp_datagrams: risen(self.udp_datagrams, before.udp_datagrams),
            packets_out: risen(self.packets_out, before.packets_out),
        }
    }
}

/// Two namespaces together; what one does not tell is not known of both.
pub(super) fn together(one: NetworkCounts, other: NetworkCounts) -> NetworkCounts {
    let sum = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
    NetworkCounts {
        is_shared: one.is_shared || other.is_shared,
        tcp_opens: sum(one.tcp_opens, other.tcp_opens),
        own_tcp_opens: one.own_tcp_opens.saturating_add(other.own_tcp_opens),
        udp_datagrams: sum(one.udp_datagrams, other.udp_datagrams),
        packets_out: sum(one.packets_out, other.packets_out),
    }
}

/// A value of `/proc/net/snmp`: a line of names, and one of values with the same first word.
fn column(snmp: &str, first: &str, name: &str) -> Option<i64> {
    let mut lines = snmp.lines().filter(|line| line.split_whitespace().next() == Some(first));
    let place = lines.next()?.split_whitespace().position(|word| word == name)?;
    text::count(lines.next()?.split_whitespace().nth(place)?.as_bytes())
}

/// Packets sent by all interfaces but the loopback one (`/proc/net/dev`: eight columns of what came, then bytes, packets).
fn packets_out(dev: &str) -> Option<i64> {
    let mut n = None;
    for (name, figures) in dev.lines().filter_map(|line| line.split_once(':')) {
        let packets = text::count(figures.split_whitespace().nth(9)?.as_bytes())?;
        let of_others = if name.trim() == "lo" { 0 } else { packets };
        n = Some(n.unwrap_or(0_i64).saturating_add(of_others));
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    // Linux 6.18, 2026-11-21: /proc/net/snmp, /proc/net/dev; parts of them.
    const SNMP: &str = "Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens \
        PassiveOpens\nTcp: 1 200 120000 -1 123613 101941\nUdp: InDatagrams NoPorts InErrors OutDatagrams\n\
        Udp: 4479 0 0 24485\nUdpLite: InDatagrams NoPorts InErrors OutDatagrams\nUdpLite: 0 0 0 1\n";
    const DEV: &str = "Inter-|   Receive                                                |  Transmit\n \
        face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    \
        lo: 323687253455 28483815    0    0    0     0          0         0 323687253455 28483815    0    0    0     0       0          0\n  \
        eth0: 14446366182  321669    0    0    0     0          0         0 15519378  203753    0    0    0     0       0          0\n";

    #[test]
    fn values_stand_below_their_names() {
        assert_eq!(column(SNMP, "Tcp:", "ActiveOpens"), Some(123_613));
        assert_eq!(column(SNMP, "Udp:", "OutDatagrams"), Some(24_485));
        assert_eq!(column(SNMP, "Tcp:", "NoSuch"), None);
        assert_eq!(column("Tcp: ActiveOpens\n", "Tcp:", "ActiveOpens"), None);
    }

    #[test]
    fn loopback_is_no_way_out() {
        assert_eq!(packets_out(DEV), Some(203_753));
        assert_eq!(packets_out("lo: 1 2 0 0 0 0 0 0 1 2 0\n"), Some(0));
        assert_eq!((packets_out(""), packets_out("eth0: 1 2\n")), (None, None));
    }

    #[test]
    fn only_what_both_tell_is_a_difference() {
        let counts =
            |tcp: i64, udp| Counts { tcp_opens: Some(tcp), udp_datagrams: udp, packets_out: Some(7) };
        let risen = counts(9, None).since(counts(4, Some(1)));
        assert_eq!((risen.tcp_opens, risen.udp_datagrams, risen.packets_out), (Some(5), None, Some(0)));
        // An interface that went took its count with it.
        assert_eq!(counts(3, None).since(counts(4, None)).tcp_opens, None);
        let both = together(risen, risen);
        assert_eq!((both.tcp_opens, both.udp_datagrams), (Some(10), None));
    }
}

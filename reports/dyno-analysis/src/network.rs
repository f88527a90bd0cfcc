//! What the sockets of a cell's runtime pointed at.

use dyno_model::clock::MonoNs;
use dyno_model::network::{NetworkCounts, NetworkWatch, Reach, SocketSeen};
use dyno_store::LaunchRow;
use dyno_view::network::{NetworkCountsView, NetworkView, ReachView, SocketView};

use crate::cell::{CellRecord, LaunchRecord};
use crate::present::utc;
use crate::record::Record;

/// Sockets that are listed; the record has at most so many of each launch.
const MAX_SOCKETS: usize = 64;
/// Reasons that are told.
const MAX_REASONS: usize = 8;

/// What is known of the launches' sockets; `None` where no record says anything, as those of earlier versions.
pub(crate) fn network(cell: &CellRecord<'_>) -> Option<NetworkView> {
    let watches: Vec<(&LaunchRecord<'_>, &NetworkWatch)> =
        cell.launches.iter().filter_map(|launch| Some((launch, launch.row.network.as_ref()?))).collect();
    if watches.is_empty() {
        return None;
    }
    let of = || watches.iter().map(|(_, watch)| *watch);
    let watched_ns: u64 = of().map(span_ns).sum();
    let cpu_ns: u64 = of().map(|watch| watch.cpu_ns).sum();
    let mut sockets: Vec<SocketView> = watches
        .iter()
        .flat_map(|(launch, watch)| watch.sockets.iter().map(|socket| socket_view(launch.row, watch, socket)))
        .collect();
    // What shows most comes first.
    sockets.sort_by_key(|socket| rank(socket.reach));
    let n_unlisted = sockets.len().saturating_sub(MAX_SOCKETS) as u64;
    sockets.truncate(MAX_SOCKETS);
    Some(NetworkView {
        n_launches: u32::try_from(cell.launches.len()).unwrap_or(u32::MAX),
        n_watched: u32::try_from(of().filter(|watch| watch.n_looks > 0).count()).unwrap_or(u32::MAX),
        n_looks: of().map(|watch| watch.n_looks).sum(),
        watched_ns,
        longest_gap_ns: of().map(|watch| watch.longest_gap_ns).max().unwrap_or(0),
        sockets,
        n_more: of().map(|watch| watch.n_more).sum::<u64>() + n_unlisted,
        unwatched: unwatched(&watches),
        doubt: watches
            .iter()
            .find_map(|(launch, watch)| watch.doubt().map(|why| format!("{}: {why}", launch.name()))),
        counted: of().map(|watch| watch.counted).reduce(together).flatten().map(counts_view),
        cpu_ratio: (watched_ns > 0).then(|| cpu_ns as f64 / watched_ns as f64),
    })
}

fn span_ns(watch: &NetworkWatch) -> u64 {
    watch.to.since(watch.from)
}

/// A sentence for each socket of a launch that led beyond the machine: who, where to, and when.
pub(crate) fn beyond(row: &LaunchRow, watch: &NetworkWatch) -> Vec<String> {
    watch.beyond().map(|socket| sentence(&socket_view(row, watch, socket))).collect()
}

/// `python3 (process 812) connected by TCP to 10.77.0.2:8443, first seen 1.2 s after the start`.
fn sentence(socket: &SocketView) -> String {
    let did = if socket.reach == ReachView::Attempted { "tried to connect" } else { "was connected" };
    let remote = socket.remote.as_deref().unwrap_or("an address that is not known");
    format!(
        "{} (process {}) {did} by {} to {remote}, first seen {:.1} s after the start",
        socket.program,
        socket.pid,
        socket.protocol,
        socket.first_seen_ns as f64 / 1e9
    )
}

fn rank(reach: ReachView) -> u8 {
    match reach {
        ReachView::Connected => 0,
        ReachView::Attempted => 1,
        ReachView::Anywhere => 2,
        ReachView::Listening => 3,
    }
}

fn socket_view(row: &LaunchRow, watch: &NetworkWatch, socket: &SocketSeen) -> SocketView {
    let started_at = row.spawned_at_ns.map_or(watch.from, MonoNs);
    SocketView {
        run: row.run,
        launch: row.launch,
        protocol: socket.protocol.clone(),
        reach: match socket.reach {
            Reach::Connected => ReachView::Connected,
            Reach::Attempted => ReachView::Attempted,
            Reach::Anywhere => ReachView::Anywhere,
            Reach::Listening => ReachView::Listening,
        },
        local: socket.local.clone(),
        remote: socket.remote.clone(),
        program: socket.program.clone(),
        pid: socket.pid,
        n: socket.n,
        first_seen_ns: socket.first_seen.since(started_at),
        last_seen_ns: socket.last_seen.since(started_at),
        at: Record::wall(row, socket.first_seen.0).and_then(utc),
    }
}

fn unwatched(watches: &[(&LaunchRecord<'_>, &NetworkWatch)]) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for words in watches.iter().flat_map(|(_, watch)| &watch.unwatched).map(ToString::to_string) {
        if reasons.len() < MAX_REASONS && !reasons.contains(&words) {
            reasons.push(words);
        }
    }
    reasons
}

/// Two launches together; what one does not tell is not known of both.
fn together(one: Option<NetworkCounts>, other: Option<NetworkCounts>) -> Option<NetworkCounts> {
    let (one, other) = (one?, other?);
    let sum = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
    Some(NetworkCounts {
        is_shared: one.is_shared || other.is_shared,
        tcp_opens: sum(one.tcp_opens, other.tcp_opens),
        own_tcp_opens: one.own_tcp_opens.saturating_add(other.own_tcp_opens),
        udp_datagrams: sum(one.udp_datagrams, other.udp_datagrams),
        packets_out: sum(one.packets_out, other.packets_out),
    })
}

fn counts_view(counted: NetworkCounts) -> NetworkCountsView {
    let NetworkCounts { is_shared, tcp_opens, own_tcp_opens, udp_datagrams, packets_out } = counted;
    NetworkCountsView { is_shared, tcp_opens, own_tcp_opens, udp_datagrams, packets_out }
}

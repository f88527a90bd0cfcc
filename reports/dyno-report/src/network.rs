//! What every format says of where a runtime's sockets led; never more than what was looked at shows.

use dyno_view::network::{NetworkCountsView, NetworkView, ReachView, SocketView};
use dyno_view::report::UnitView;

use crate::proof::launch_name;
use crate::words::{plural, value};

/// How it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing beyond the machine was seen.
    Good,
    /// It is not known.
    Unknown,
    /// Something was.
    Bad,
}

impl Tone {
    /// Its class in HTML.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unknown => "warn",
            Self::Bad => "bad",
        }
    }

    /// A word for a badge.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Good => "nothing seen",
            Self::Unknown => "not known",
            Self::Bad => "seen",
        }
    }
}

/// What was seen, in a sentence without its subject: `nothing beyond loopback in 412 looks over 103 s …`.
pub(crate) fn headline(view: &NetworkView) -> (String, Tone) {
    let n_beyond = view.sockets.iter().filter(|socket| socket.reach.is_beyond()).count() as u64;
    if n_beyond > 0 {
        let places = plural(n_beyond, "connection", "connections");
        return (format!("{places} beyond loopback, {}", looks(view)), Tone::Bad);
    }
    if view.n_watched == 0 {
        let why = view.unwatched.first().map_or("no look was taken", String::as_str);
        return (format!("not watched: {why}"), Tone::Unknown);
    }
    match &view.doubt {
        Some(why) => {
            (format!("no connection beyond loopback was seen {}, but: {why}", looks(view)), Tone::Unknown)
        }
        None => (format!("nothing beyond loopback {}", looks(view)), Tone::Good),
    }
}

/// `in 412 looks over 103 s (longest time without one 251 ms)`.
fn looks(view: &NetworkView) -> String {
    let launches = match (view.n_watched, view.n_launches) {
        (n, of) if n == of => String::new(),
        (n, of) => format!(", in {n} of {}", plural(of.into(), "launch", "launches")),
    };
    format!(
        "in {} over {} (longest time without one {}){launches}",
        plural(view.n_looks, "look", "looks"),
        value(UnitView::Ns, view.watched_ns as f64),
        value(UnitView::Ns, view.longest_gap_ns as f64)
    )
}

/// One line for each socket that led, or could lead, beyond the machine.
pub(crate) fn sockets(view: &NetworkView) -> Vec<String> {
    let mut lines: Vec<String> = view.sockets.iter().map(|socket| sentence(socket, view)).collect();
    if view.n_more > 0 {
        lines.push(format!("and {} more", view.n_more));
    }
    lines
}

fn sentence(of: &SocketView, view: &NetworkView) -> String {
    let local = of.local.as_deref().unwrap_or("no address");
    let remote = of.remote.as_deref().unwrap_or("an address that is not known");
    let protocol = &of.protocol;
    let what = match of.reach {
        ReachView::Connected => format!("was connected by {protocol} to {remote}"),
        ReachView::Attempted => format!("tried to connect by {protocol} to {remote}, without an answer"),
        ReachView::Anywhere => {
            format!(
                "had a {protocol} socket at {local} that could send anywhere; whether it did is not shown"
            )
        }
        ReachView::Listening => format!("took {protocol} connections at {local}, where others can reach it"),
    };
    let times = if of.n > 1 { format!(", {} times", of.n) } else { String::new() };
    let launch = u16::try_from(of.launch).unwrap_or(u16::MAX);
    let run = if view.n_launches > 1 { format!("{}: ", launch_name(of.run, launch)) } else { String::new() };
    let ns = |ns: u64| value(UnitView::Ns, ns as f64);
    let at = of.at.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
    format!(
        "{run}{} (process {}) {what}{times}; seen from {} to {} after the start{at}",
        of.program,
        of.pid,
        ns(of.first_seen_ns),
        ns(of.last_seen_ns)
    )
}

/// What stands beside it: what looks cannot see, what was not watched, what the kernel counted, what it cost.
pub(crate) fn notes(view: &NetworkView) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    if view.n_watched > 0 {
        notes.push(
            "Sockets of the runtime's processes were looked at now and then: what was opened and closed between two looks \
             was not seen, nor what was sent for them by other programs, such as a resolver of names."
                .to_owned(),
        );
        notes.extend(view.unwatched.iter().map(|why| format!("Not watched: {why}.")));
    }
    notes.extend(view.counted.as_ref().and_then(counted));
    notes.extend(
        view.cpu_ratio.map(|share| format!("Looks took {} of one CPU.", value(UnitView::Ratio, share))),
    );
    notes
}

/// What the kernel counted, as far as it says.
fn counted(of: &NetworkCountsView) -> Option<String> {
    let own = match (of.own_tcp_opens, of.is_shared) {
        (_, false) => String::new(),
        (n, true) => format!(", {n} of them by edgedyno"),
    };
    let parts: Vec<String> = [
        of.tcp_opens.map(|n| format!("{} begun{own}", plural(n, "TCP connection", "TCP connections"))),
        of.udp_datagrams.map(|n| format!("{} sent", plural(n, "UDP datagram", "UDP datagrams"))),
        of.packets_out
            .map(|n| format!("{} sent by interfaces other than loopback", plural(n, "packet", "packets"))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let whose = if of.is_shared {
        "in the network namespace that the runtime shares with other programs of the system"
    } else {
        "in the runtime's own network namespace"
    };
    (!parts.is_empty()).then(|| format!("Meanwhile the kernel counted, {whose}: {}.", parts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> NetworkView {
        NetworkView {
            n_launches: 1,
            n_watched: 1,
            n_looks: 412,
            watched_ns: 103_000_000_000,
            longest_gap_ns: 251_000_000,
            ..NetworkView::default()
        }
    }

    fn socket(reach: ReachView) -> SocketView {
        SocketView {
            run: 2,
            launch: 1,
            protocol: "TCP".into(),
            reach,
            local: Some("10.77.0.1:40000".into()),
            remote: Some("10.77.0.2:8443".into()),
            program: "python3".into(),
            pid: 812,
            n: 1,
            first_seen_ns: 1_250_000_000,
            last_seen_ns: 2_500_000_000,
            at: None,
        }
    }

    #[test]
    fn a_claim_is_no_stronger_than_the_looks() {
        assert_eq!(
            headline(&view()),
            (
                "nothing beyond loopback in 412 looks over 103 s (longest time without one 251 ms)"
                    .to_owned(),
                Tone::Good
            )
        );
        let part = NetworkView { n_launches: 3, n_watched: 2, ..view() };
        assert!(headline(&part).0.ends_with(", in 2 of 3 launches"), "{:?}", headline(&part));
        let doubt = NetworkView { doubt: Some("run 1: sudo was not watched".into()), ..view() };
        assert_eq!(headline(&doubt).1, Tone::Unknown);
        assert!(headline(&doubt).0.contains("but: run 1: sudo"));
        let none =
            NetworkView { unwatched: vec!["no /proc".into()], n_launches: 1, ..NetworkView::default() };
        assert_eq!(headline(&none), ("not watched: no /proc".to_owned(), Tone::Unknown));
        assert!(notes(&none).is_empty());
    }

    #[test]
    fn a_connection_is_told_with_who_and_where_and_when() {
        let bad = NetworkView { sockets: vec![socket(ReachView::Connected)], ..view() };
        assert_eq!(headline(&bad).1, Tone::Bad);
        assert_eq!(
            sockets(&bad),
            [
                "python3 (process 812) was connected by TCP to 10.77.0.2:8443; seen from 1.25 s to 2.50 s after the start"
            ]
        );
        let open = NetworkView { sockets: vec![socket(ReachView::Anywhere)], n_more: 3, ..view() };
        assert_eq!(headline(&open).1, Tone::Good, "the doubt is what says more");
        assert!(sockets(&open)[0].contains("could send anywhere") && sockets(&open)[1] == "and 3 more");
    }

    #[test]
    fn counts_say_whose_they_are() {
        let of = NetworkCountsView {
            is_shared: true,
            tcp_opens: Some(7),
            own_tcp_opens: 5,
            udp_datagrams: Some(1),
            packets_out: None,
        };
        assert_eq!(
            counted(&of).as_deref(),
            Some(
                "Meanwhile the kernel counted, in the network namespace that the runtime shares with other programs of the \
                 system: 7 TCP connections begun, 5 of them by edgedyno; 1 UDP datagram sent."
            )
        );
        let unknown = NetworkCountsView { tcp_opens: None, udp_datagrams: None, ..of };
        assert_eq!(counted(&unknown), None);
    }
}

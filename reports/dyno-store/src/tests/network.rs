//! What sockets pointed at, from the journal to the table and back.

use dyno_model::clock::{MonoNs, WallNs};
use dyno_model::event::EventKind;
use dyno_model::network::{NetworkCounts, NetworkWatch, Reach, SocketSeen, Unwatched};
use tempfile::tempdir;

use super::sample::{campaign, event, launch, session};
use crate::{Journal, Tables};

fn watch() -> NetworkWatch {
    NetworkWatch {
        from: MonoNs(1001),
        to: MonoNs(9000),
        n_looks: 7,
        longest_gap_ns: 300,
        n_processes: 2,
        sockets: vec![SocketSeen {
            protocol: "TCP".into(),
            reach: Reach::Attempted,
            local: Some("10.0.0.1:4000".into()),
            remote: Some("10.0.0.2:443".into()),
            pid: 12,
            program: "curl \"'".into(),
            n: 3,
            first_seen: MonoNs(1100),
            last_seen: MonoNs(1200),
        }],
        n_more: 1,
        unwatched: vec![Unwatched::of_all("it is hidden")],
        counted: Some(NetworkCounts { is_shared: true, tcp_opens: Some(4), ..NetworkCounts::default() }),
        cpu_ns: 5,
    }
}

#[test]
fn what_was_seen_comes_back_and_an_older_record_says_nothing() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(1)).expect("a new journal");
    journal.append(&session(0)).expect("disk has room");
    journal.append_events(0, &launch(0, 1, &[0, 1])).expect("disk has room");
    let mut watched = launch(1, 1, &[0, 1]);
    let last = watched.pop().expect("a launch ends");
    watched.push(event(1, 1, last.seq, EventKind::Network(Box::new(watch()))));
    watched.push(event(1, 1, last.seq + 1, last.kind));
    journal.append_events(0, &watched).expect("disk has room");
    let launches = Tables::open(&campaign).expect("a good journal").launches().expect("a table");
    assert_eq!((launches[0].network.clone(), launches[1].network.clone()), (None, Some(watch())));
}

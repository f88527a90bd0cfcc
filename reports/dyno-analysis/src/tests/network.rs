//! What is said of a runtime's sockets, and what `forbid_egress` makes of it.

use dyno_model::clock::MonoNs;
use dyno_model::event::{Event, EventKind};
use dyno_model::network::{NetworkCounts, NetworkWatch, Reach, SocketSeen, Unwatched};
use dyno_model::outcome::Outcome;
use dyno_model::slo::{Condition, Demand, Judged, Objective};
use dyno_view::compliance::{ComplianceVerdict, JudgementView};

use super::compliance_bench::{
    Ending, WELL, campaign_of, late, objective, only, plan_with, run, slo, view_of,
};
use crate::report;

use ComplianceVerdict::{Fail, Inconclusive, Pass};

const S: u64 = 1_000_000_000;

fn watch(sockets: Vec<SocketSeen>) -> NetworkWatch {
    NetworkWatch {
        from: MonoNs(0),
        to: MonoNs(100 * S),
        n_looks: 400,
        longest_gap_ns: 260_000_000,
        n_processes: 1,
        sockets,
        counted: Some(NetworkCounts { udp_datagrams: Some(2), ..NetworkCounts::default() }),
        cpu_ns: S / 20,
        ..NetworkWatch::default()
    }
}

fn socket(reach: Reach, remote: Option<&str>) -> SocketSeen {
    SocketSeen {
        protocol: "TCP".into(),
        reach,
        local: Some("10.77.0.1:40000".into()),
        remote: remote.map(str::to_owned),
        pid: 812,
        program: "python3".into(),
        n: 1,
        first_seen: MonoNs(1 << 50),
        last_seen: MonoNs(1 << 50),
    }
}

/// A launch with this event before its end.
fn with(mut events: Vec<Event>, watch: Option<NetworkWatch>) -> Vec<Event> {
    let Some(watch) = watch else { return events };
    let last = events.pop().expect("a launch ends");
    let kind = EventKind::Network(Box::new(watch));
    events.push(Event { kind, ..last.clone() });
    events.push(Event { seq: last.seq + 1, ..last });
    events
}

fn no_egress() -> Objective {
    Objective {
        name: "no egress".into(),
        judges: Judged::Launches,
        demand: Demand::Every,
        ..objective(vec![Condition::NoEgress], 950_000)
    }
}

fn judged(watches: &[Option<NetworkWatch>], ending: &Ending) -> JudgementView {
    let launches: Vec<Vec<Event>> =
        (0..).zip(watches).map(|(n, watch)| with(run(n, &late(0, 3), ending), watch.clone())).collect();
    let (_dir, campaign) = campaign_of(&plan_with(&vec![3; watches.len()]), &launches);
    only(view_of(&campaign, &slo(vec![no_egress()])))
}

#[test]
fn silence_that_was_watched_passes() {
    let listening = socket(Reach::Listening, None);
    let found = judged(&[Some(watch(Vec::new())), Some(watch(vec![listening]))], &WELL);
    assert_eq!((found.verdict, found.n, found.n_violations, found.why), (Pass, 2, 0, None));
}

#[test]
fn a_connection_or_an_attempt_fails_with_address_and_program() {
    for reach in [Reach::Connected, Reach::Attempted] {
        let out = watch(vec![socket(reach, Some("10.77.0.2:8443"))]);
        let found = judged(&[Some(watch(Vec::new())), Some(out)], &WELL);
        assert_eq!((found.verdict, found.n, found.n_violations), (Fail, 2, 1));
        let [violation] = found.violations.as_slice() else { panic!("one cause: {found:?}") };
        assert_eq!((violation.cause.as_str(), violation.n), ("egress", 1));
        for part in ["run 1: python3 (process 812)", "by TCP to 10.77.0.2:8443", "after the start"] {
            assert!(violation.label.contains(part), "{part}: {}", violation.label);
        }
    }
}

#[test]
fn a_launch_whose_figures_may_not_be_used_has_spoken_all_the_same() {
    let out = watch(vec![socket(Reach::Connected, Some("10.77.0.2:8443"))]);
    let invalid = Ending { outcome: Outcome::Ok, invalid: Some("a hypervisor took the CPU") };
    assert_eq!(judged(&[Some(out.clone())], &invalid).verdict, Fail);
    let crash = Outcome::Crashed { exit: "signal: 9".to_owned(), stderr_tail: String::new() };
    assert_eq!(judged(&[Some(out)], &Ending { outcome: crash, invalid: None }).verdict, Fail);
}

#[test]
fn what_was_not_watched_is_no_pass() {
    let doubt = |watch: Option<NetworkWatch>, why: &str| {
        let found = judged(&[watch], &WELL);
        assert_eq!(found.verdict, Inconclusive);
        assert!(found.why.as_deref().is_some_and(|words| words.contains(why)), "{:?}", found.why);
    };
    doubt(None, "the runtime is scripted");
    doubt(Some(NetworkWatch::none(MonoNs(1), "no /proc")), "no /proc");
    let hidden = Unwatched { pid: Some(9), program: Some("sudo".into()), reason: "closed".into() };
    doubt(Some(NetworkWatch { unwatched: vec![hidden], ..watch(Vec::new()) }), "sudo (process 9)");
    let open = socket(Reach::Anywhere, None);
    doubt(Some(watch(vec![open.clone()])), "could send anywhere");
    let counted = Some(NetworkCounts { udp_datagrams: Some(0), ..NetworkCounts::default() });
    let silent = NetworkWatch { counted, ..watch(vec![open]) };
    assert_eq!(judged(&[Some(silent)], &WELL).verdict, Pass, "nothing was sent");
}

#[test]
fn a_cell_says_how_far_its_silence_reaches() {
    let out = socket(Reach::Connected, Some("10.77.0.2:8443"));
    let launches = [
        with(run(0, &late(0, 3), &WELL), Some(watch(Vec::new()))),
        with(run(1, &late(0, 3), &WELL), Some(watch(vec![out]))),
        run(2, &late(0, 3), &WELL),
    ];
    let (_dir, campaign) = campaign_of(&plan_with(&[3, 3, 3]), &launches);
    let report = report(&campaign).expect("a good record");
    let view = report.cells[0].network.as_ref().expect("two launches say something");
    assert_eq!((view.n_launches, view.n_watched, view.n_looks, view.watched_ns), (3, 2, 800, 200 * S));
    assert_eq!((view.longest_gap_ns, view.cpu_ratio), (260_000_000, Some(0.0005)));
    assert_eq!(view.counted.and_then(|counted| counted.udp_datagrams), Some(4));
    assert_eq!(view.sockets.len(), 1);
    let told = report.findings.iter().filter(|finding| finding.text.contains("10.77.0.2:8443")).count();
    assert_eq!(told, 1, "{:?}", report.findings);
    let (_dir, quiet) = campaign_of(&plan_with(&[3]), &[run(0, &late(0, 3), &WELL)]);
    assert_eq!(crate::report(&quiet).expect("a good record").cells[0].network, None);
}

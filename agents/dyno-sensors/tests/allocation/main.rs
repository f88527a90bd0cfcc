//! Reading a row, or looking at known sockets, allocates nothing: what measures must not move what it measures.

mod sys;

#[path = "../tree/mod.rs"]
mod tree;

use std::path::Path;

use dyno_model::clock::MonoNs;
use dyno_sensors::{DRIVERS, ProbeContext, SocketLooks, SysRoot};

use crate::tree::Tree;

const BOARDS: [&str; 7] = [
    "jetson-agx-orin",
    "jetson-orin-nano",
    "laptop-amd",
    "laptop-x86",
    "phone-fuel-gauge",
    "pixel-8",
    "raspberry-pi-5",
];

#[test]
fn reading_rows_allocates_nothing() {
    let laptop = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/laptop-x86");
    let boards = BOARDS.map(Tree::of_fixture);
    let boards = boards.iter().map(|tree| SysRoot::tree(tree.path()));
    for root in [SysRoot::real(), SysRoot::tree(laptop)].into_iter().chain(boards) {
        for driver in DRIVERS {
            let found = driver.probe(&root, &ProbeContext::new(100)).expect("a source that can be listed");
            for mut sensor in found.sensors {
                let mut row = vec![None; sensor.channels().len()];
                let before = sys::allocations();
                for _ in 0..100 {
                    // A process that is not known yet has no row; that costs nothing either.
                    let _row = sensor.read(&mut row);
                }
                assert_eq!(sys::allocations(), before, "{} of {root:?}", driver.name());
            }
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn looking_at_known_sockets_allocates_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let near = std::net::TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
    let mut looks = SocketLooks::new(&SysRoot::real(), std::process::id(), MonoNs(0));
    // Other programs' new processes are looked at, which is no steady state: of many looks, most meet none.
    let costs: Vec<u64> = (1..=40)
        .map(|second| {
            let before = sys::allocations();
            // A minute between two looks: every table is read again.
            looks.look(MonoNs(second * 60_000_000_000));
            sys::allocations() - before
        })
        .collect();
    assert!(costs[2..].contains(&0), "{costs:?}");
    drop(near);
}

#[test]
fn the_counter_counts() {
    let before = sys::allocations();
    let text = "x".repeat(100);
    assert_eq!((text.len(), sys::allocations()), (100, before + 1));
}

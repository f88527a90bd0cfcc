//! Reading a row allocates nothing: what measures must not move what it measures.

mod sys;

#[path = "../tree/mod.rs"]
mod tree;

use std::path::Path;

use dyno_sensors::{DRIVERS, ProbeContext, SysRoot};

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
fn the_counter_counts() {
    let before = sys::allocations();
    let text = "x".repeat(100);
    assert_eq!((text.len(), sys::allocations()), (100, before + 1));
}

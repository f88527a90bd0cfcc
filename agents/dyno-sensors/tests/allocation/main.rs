//! Reading a row allocates nothing: what measures must not move what it measures.

mod sys;

use std::path::Path;

use dyno_sensors::{DRIVERS, ProbeContext, SysRoot};

#[test]
fn reading_rows_allocates_nothing() {
    let laptop = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/laptop-x86");
    for root in [SysRoot::real(), SysRoot::tree(laptop)] {
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

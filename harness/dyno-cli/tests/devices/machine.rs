//! A machine with a kernel of its own: slow, and as true as an emulated one can be.

use dyno_testbench::{Machine, MachineKind};
use serde_json::Value;

use crate::bench::{Bench, SHORT_RUN, started};

#[test]
fn an_arm64_machine_is_listed_and_measured() {
    let machine = started(Machine::start(MachineKind::Virt));
    let mut bench = Bench::new();
    bench.add_machine("virt", &machine);
    let listed: Value =
        serde_json::from_str(&bench.ok(&["devices", "--json", "virt"]).stdout).expect("it is JSON");
    let facts = &listed["devices"][0]["facts"];
    let said = |remote: &str| {
        let output = started(machine.ssh(remote));
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    };
    assert_eq!(facts["arch"], said("uname -m"), "{listed}");
    assert_eq!(facts["kernel"], said("uname -r"));
    assert_eq!(facts["n_cpus"].to_string(), said("nproc"));
    assert_ne!(facts["kernel"], std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux").trim());
    let done = bench.campaign("virt", SHORT_RUN);
    assert!(matches!(done.code, Some(0 | 5)), "{}", done.stderr);
    assert_eq!(bench.n_requests(), 3);
}

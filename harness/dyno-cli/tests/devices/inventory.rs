//! What `devices` says of real devices, against what they say themselves.

use dyno_testbench::{AdbDevice, AdbServer, PhoneOptions, Userland, UserlandOptions};
use serde_json::Value;

use crate::bench::{Bench, started};

#[test]
fn each_kind_of_device_gives_true_facts() {
    let server = started(AdbServer::start());
    let phone = started(AdbDevice::start(&server, &PhoneOptions::default()));
    let userland = started(Userland::start(&UserlandOptions::default()));
    let mut bench = Bench::new();
    bench.add_local("here");
    bench.add_userland_ssh("pi", &userland);
    bench.add_adb("phone", &server, &phone.serial());
    bench.add("gone", "kind = \"ssh\", host = \"no-such-host.invalid\"", None);
    let done = bench.run(&["devices", "--json"]);
    let listed: Value = serde_json::from_str(&done.stdout).expect("devices --json is JSON");
    let device = |name: &str| {
        let all = listed["devices"].as_array().expect("a list");
        all.iter()
            .find(|device| device["name"] == name)
            .unwrap_or_else(|| panic!("no {name}: {listed}"))
            .clone()
    };
    let said = |remote: &str| {
        let output = started(userland.ssh(remote));
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    };
    let pi = &device("pi")["facts"];
    assert_eq!(pi["arch"], said("uname -m"));
    assert_eq!(pi["kernel"], said("uname -r"));
    assert_eq!(pi["boot_id"], said("cat /proc/sys/kernel/random/boot_id"));
    let mem_kib: u64 =
        said("sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo").parse().expect("a number");
    assert_eq!(pi["ram_bytes"], mem_kib * 1024);
    let here = &device("here")["facts"];
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("this is Linux");
    assert_eq!(here["kernel"], kernel.trim());
    assert_eq!(here["n_cpus"], std::thread::available_parallelism().expect("a count").get());
    let of_phone = &device("phone")["facts"];
    assert_eq!(of_phone["boot_id"], phone.boot_id());
    let gone = device("gone");
    assert!(gone["error"].as_str().is_some_and(|error| error.contains("no-such-host")), "{gone}");
}

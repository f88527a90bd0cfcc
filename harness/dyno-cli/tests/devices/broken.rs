//! Transfers that break, and what is left of them.

use std::time::Duration;

use dyno_testbench::{Proxy, Sshd, SshdOptions};

use crate::bench::{Bench, SHORT_RUN, started};

#[test]
fn a_push_that_breaks_off_goes_on_with_the_next_contact() {
    let sshd = started(Sshd::start(SshdOptions::default()));
    let to = std::net::SocketAddr::from(([127, 0, 0, 1], sshd.port()));
    let proxy = started(Proxy::start(to, Duration::ZERO));
    let mut bench = Bench::new();
    bench.add_sshd("other", &sshd, None);
    // The same server by way of the proxy, known under its own alias.
    let config = std::fs::read_to_string(sshd.config()).expect("the bench wrote it");
    let through = config.replace(&format!("Port {}", sshd.port()), &format!("Port {}", proxy.port()));
    assert_ne!(config, through, "the port stands in the configuration");
    let through = format!("{}\n  HostKeyAlias [127.0.0.1]:{}\n", through.trim_end(), sshd.port());
    bench.sandbox.write("ssh_config", &through);
    bench.set("EDGEDYNO_SSH_CONFIG", bench.sandbox.project().join("ssh_config").display().to_string());
    bench.add("pi", &format!("kind = \"ssh\", host = {:?}", sshd.alias()), None);
    proxy.cut_after(600_000);
    let done = bench.campaign("pi", SHORT_RUN);
    assert_eq!(done.code, Some(3), "{}", done.stderr);
    assert_eq!(bench.n_requests(), 0);
    proxy.resume();
    let done = bench.run(&["resume", "c"]);
    assert!(matches!(done.code, Some(0 | 5)), "{}", done.stderr);
    assert_eq!(bench.n_requests(), 3);
    let artifacts = sshd.home().join(".cache/edgedyno/artifacts");
    let parts = std::fs::read_dir(&artifacts)
        .expect("the agent lies there")
        .flatten()
        .flat_map(|digest| std::fs::read_dir(digest.path()).expect("a folder").flatten())
        .filter(|file| file.file_name().to_string_lossy().ends_with(".part"));
    assert_eq!(parts.count(), 0, "nothing half-sent is left");
}

#[test]
fn cleaning_leaves_nothing_of_ours() {
    let sshd = started(Sshd::start(SshdOptions::default()));
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, None);
    bench.campaign("pi", SHORT_RUN);
    let work_dir = sshd.home().join(".cache/edgedyno");
    assert!(work_dir.join("artifacts").is_dir());
    let done = bench.ok(&["devices", "clean", "pi"]);
    assert!(done.stdout.contains("pi"), "{}", done.stdout);
    assert!(!work_dir.exists());
}

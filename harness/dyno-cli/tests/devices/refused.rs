//! Devices that cannot be had: one clear error each, and a campaign that can be finished later.

use dyno_testbench::{Namespace, Sshd, SshdOptions, TestUser};

use crate::bench::{Bench, SHORT_RUN, started};

fn sshd(options: SshdOptions) -> Sshd {
    started(Sshd::start(options))
}

/// Runs a short campaign that must fail for the lab's sake with these words, and leave a record without requests.
fn check(bench: &Bench, expected: &[&str]) {
    let done = bench.campaign("pi", SHORT_RUN);
    assert!(matches!(done.code, Some(2 | 3)), "exit code {:?}: {}", done.code, done.stderr);
    for words in expected {
        assert!(done.stderr.contains(words), "`{words}` is missing: {}", done.stderr);
    }
    assert!(done.stderr.contains("hint: "), "no hint: {}", done.stderr);
    assert!(done.stderr.contains("go on with `edgedyno resume c`"), "{}", done.stderr);
    assert_eq!(bench.n_requests(), 0);
    assert_ne!(bench.run(&["report", "c"]).code, Some(70), "the record can be read");
}

#[test]
fn a_host_that_nobody_knows() {
    let sshd = sshd(SshdOptions::default());
    let mut bench = Bench::new();
    bench.add_sshd("other", &sshd, None);
    bench.add("pi", "kind = \"ssh\", host = \"no-such-host.invalid\"", None);
    check(&bench, &["no-such-host.invalid"]);
}

#[test]
fn a_port_that_refuses_is_had_later() {
    let mut sshd = sshd(SshdOptions::default());
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, None);
    sshd.kill();
    check(&bench, &["refused"]);
    started(sshd.restart());
    bench.ok(&["resume", "c"]);
    assert_eq!(bench.n_requests(), 3);
}

#[test]
fn a_key_that_is_not_let_in() {
    let sshd = sshd(SshdOptions::default());
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, None);
    let other = bench.sandbox.project().join("other_key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&other)
        .status()
        .expect("OpenSSH's client is here");
    assert!(made.success());
    let config = std::fs::read_to_string(sshd.config()).expect("the bench wrote it");
    let line = |line: &str| {
        let is_key = line.trim_start().starts_with("IdentityFile");
        if is_key { format!("  IdentityFile {}", other.display()) } else { line.to_owned() }
    };
    bench.sandbox.write("ssh_config", &config.lines().map(line).collect::<Vec<_>>().join("\n"));
    bench.set("EDGEDYNO_SSH_CONFIG", bench.sandbox.project().join("ssh_config").display().to_string());
    check(&bench, &["other_key"]);
}

#[test]
fn a_changed_host_key() {
    let mut sshd = sshd(SshdOptions::default());
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, None);
    started(sshd.change_host_key());
    check(&bench, &["has changed", "ssh-keygen -R"]);
}

#[test]
fn an_account_without_a_shell() {
    let user = TestUser { shell: "/usr/sbin/nologin".to_owned(), password: None };
    let sshd = sshd(SshdOptions { user: Some(user), ..SshdOptions::default() });
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, None);
    check(&bench, &["runs no commands", "not available"]);
}

#[test]
fn a_device_that_sends_garbage() {
    for command in ["echo This is no shell", "yes"] {
        let lines = vec![format!("ForceCommand {command}")];
        let sshd = sshd(SshdOptions { server_lines: lines, ..SshdOptions::default() });
        let mut bench = Bench::new();
        bench.add_sshd("pi", &sshd, None);
        check(&bench, &[]);
    }
}

#[test]
fn a_work_folder_that_cannot_be_written() {
    let sshd = sshd(SshdOptions::default());
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, Some("/proc/edgedyno"));
    check(&bench, &["/proc/edgedyno", "work_dir"]);
    let tmpfs = Tmpfs::mount("ro");
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, Some(&format!("{}/edgedyno", tmpfs.path())));
    check(&bench, &["Read-only file system", "work_dir"]);
}

/// A folder on a tmpfs with these mount options, for as long as the guard lives.
struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    fn mount(options: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let status = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(dir.path())
            .status()
            .expect("mount is here");
        assert!(status.success(), "these tests need root");
        Self(dir)
    }

    fn path(&self) -> String {
        self.0.path().display().to_string()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        std::process::Command::new("umount").arg(self.0.path()).status().ok();
    }
}

#[test]
fn a_folder_where_no_program_may_run() {
    let sshd = sshd(SshdOptions::default());
    let tmpfs = Tmpfs::mount("noexec");
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, Some(&tmpfs.path()));
    check(&bench, &["noexec", "work_dir"]);
}

#[test]
fn a_disk_that_is_too_small() {
    let sshd = sshd(SshdOptions::default());
    let tmpfs = Tmpfs::mount("size=256k");
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, Some(&tmpfs.path()));
    check(&bench, &["free", "work_dir"]);
}

#[test]
fn another_architecture_says_what_to_build() {
    let sshd = sshd(SshdOptions {
        bashrc: "uname() { case $1 in -m) echo riscv64;; *) echo Linux;; esac; }; export -f uname".to_owned(),
        server_lines: vec![
            "ForceCommand bash -c \"source ~/.bashrc; ${SSH_ORIGINAL_COMMAND/exec sh/exec bash}\"".to_owned(),
        ],
        ..SshdOptions::default()
    });
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, None);
    check(&bench, &["riscv64"]);
}

#[test]
fn a_noisy_login_changes_nothing() {
    let sshd = sshd(SshdOptions {
        bashrc: "echo Welcome; echo; printf 'no newline'; echo warning >&2".to_owned(),
        server_lines: vec!["Banner /etc/hostname".to_owned()],
        ..SshdOptions::default()
    });
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, None);
    let done = bench.campaign("pi", SHORT_RUN);
    assert!(matches!(done.code, Some(0 | 5)), "{}", done.stderr);
    assert_eq!(bench.n_requests(), 3);
}

#[test]
fn a_work_folder_with_any_name() {
    let sshd = sshd(SshdOptions::default());
    let dir = tempfile::tempdir().expect("a temporary folder");
    let odd = dir.path().join("it's \"a\" $(touch oops) `folder`\nof ours");
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, Some(odd.to_str().expect("UTF-8")));
    let done = bench.campaign("pi", SHORT_RUN);
    // Either it works, or the folder's name is refused in one sentence; nothing is run from it.
    assert!(matches!(done.code, Some(0 | 2 | 3 | 5)), "{}", done.stderr);
    assert!(!dir.path().join("oops").exists() && !sshd.home().join("oops").exists());
}

#[test]
fn device_names_are_checked_where_they_are_written() {
    for name in ["\"a b\"", "\"it's\"", "'$(touch x)'", "\"a\\nb\""] {
        let mut bench = Bench::new();
        bench.add(name, "kind = \"local\"", None);
        let done = bench.run(&["run"]);
        assert_eq!(done.code, Some(2), "{name}: {}", done.stderr);
        assert!(
            done.stderr.contains("devices.toml:2") && done.stderr.contains("name of a device"),
            "{}",
            done.stderr
        );
    }
}

#[test]
fn a_device_behind_a_dead_link() {
    let namespace = started(Namespace::new());
    started(namespace.link_down());
    let sshd =
        sshd(SshdOptions { client_lines: vec!["ConnectTimeout 3".to_owned()], ..SshdOptions::default() });
    let mut bench = Bench::new();
    bench.add_sshd("other", &sshd, None);
    bench.add("pi", &format!("kind = \"ssh\", host = \"{}\"", namespace.address()), None);
    check(&bench, &[]);
}

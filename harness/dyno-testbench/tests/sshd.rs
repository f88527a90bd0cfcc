//! The private OpenSSH server does what tests of transports rely on.

use dyno_testbench::{
    KeyKind, KnownHosts, SshAgent, Sshd, SshdOptions, TestUser, combined_config, path_with_ssh,
};

fn start(options: SshdOptions) -> Sshd {
    Sshd::start(options).expect("a private sshd starts")
}

#[test]
fn every_kind_of_key_logs_in_and_sessions_have_a_home_of_their_own() {
    let kinds = [KeyKind::Ed25519, KeyKind::Ecdsa, KeyKind::Rsa];
    let server = start(SshdOptions {
        host_keys: kinds.to_vec(),
        client_keys: kinds.to_vec(),
        known_hosts: KnownHosts::Hashed,
        ..SshdOptions::default()
    });
    for kind in kinds {
        let output = server.ssh(&server.alias_with(kind), "echo $HOME; exit 7").expect("ssh runs");
        assert_eq!(output.status.code(), Some(7), "{}", output.errors());
        assert_eq!(output.text(), server.home().display().to_string());
    }
    let known = std::fs::read_to_string(server.known_hosts()).expect("known_hosts is there");
    assert!(known.starts_with("|1|") && !known.contains("127.0.0.1"), "{known}");
}

#[test]
fn a_changed_host_key_is_refused_and_the_port_stays() {
    let mut server = start(SshdOptions::default());
    let port = server.port();
    let old = server.host_key(KeyKind::Ed25519).expect("it has one");
    server.change_host_key().expect("it comes up again");
    assert_ne!(server.host_key(KeyKind::Ed25519).expect("it has one"), old);
    let output = server.ssh(&server.alias(), "true").expect("ssh runs");
    assert_eq!(output.status.code(), Some(255));
    assert!(output.errors().contains("REMOTE HOST IDENTIFICATION HAS CHANGED"), "{}", output.errors());
    assert_eq!(server.port(), port);
}

#[test]
fn an_unknown_host_is_refused() {
    let server = start(SshdOptions { known_hosts: KnownHosts::Empty, ..SshdOptions::default() });
    let output = server.ssh(&server.alias(), "true").expect("ssh runs");
    assert!(output.errors().contains("Host key verification failed"), "{}", output.errors());
}

#[test]
fn bashrc_and_banner_make_noise() {
    let banner = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(banner.path(), "Welcome to the lab\n").expect("it can be written");
    let server = start(SshdOptions {
        server_lines: vec![format!("Banner {}", banner.path().display())],
        bashrc: "echo noise".to_owned(),
        user: Some(TestUser { shell: "/bin/bash".to_owned(), password: None }),
        ..SshdOptions::default()
    });
    let output = server.ssh(&server.alias(), "echo word; id -un").expect("ssh runs");
    assert_eq!(output.text(), format!("noise\nword\n{}", server.user()));
    assert!(output.errors().contains("Welcome to the lab"), "{}", output.errors());
}

#[test]
fn a_user_without_a_shell_gets_none_and_is_removed_afterwards() {
    let user = TestUser { shell: "/usr/sbin/nologin".to_owned(), password: None };
    let server = start(SshdOptions { user: Some(user), ..SshdOptions::default() });
    let output = server.ssh(&server.alias(), "echo word").expect("ssh runs");
    assert!(output.text().contains("This account is currently not available"), "{}", output.text());
    let name = server.user().to_owned();
    drop(server);
    let passwd = std::fs::read_to_string("/etc/passwd").expect("it can be read");
    assert!(!passwd.contains(&name));
}

#[test]
fn a_jump_leads_to_the_second_server() {
    let jump = start(SshdOptions::default());
    let line = format!("ProxyJump {}", jump.alias());
    let target = start(SshdOptions { client_lines: vec![line], ..SshdOptions::default() });
    combined_config(&target.config(), &[&jump, &target]).expect("it can be written");
    let output = target.ssh(&target.alias(), "echo $HOME").expect("ssh runs");
    assert_eq!(output.text(), target.home().display().to_string(), "{}", output.errors());
    assert!(jump.log().contains("Accepted publickey"));
}

#[test]
fn killed_sessions_end_the_client_but_not_what_runs_in_the_background() {
    let server = start(SshdOptions::default());
    let begin =
        server.ssh(&server.alias(), "setsid sleep 1000 >/dev/null 2>&1 </dev/null &").expect("ssh runs");
    assert!(begin.status.success(), "{}", begin.errors());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| server.ssh(&server.alias(), "sleep 999").expect("ssh runs"));
        while !server.device_processes().iter().any(|(_, words)| words == "sleep 999") {
            std::thread::yield_now();
        }
        assert_eq!(server.kill_sessions(), 1);
        assert_eq!(waiting.join().expect("no panic").status.code(), Some(255));
    });
    let left = |server: &Sshd| server.device_processes().into_iter().find(|(_, words)| words == "sleep 1000");
    let (pid, _) = left(&server).expect("it lives on");
    drop(server);
    // A dead process that nobody has waited for yet has no words any more.
    let words = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    assert_eq!(words, "");
}

#[test]
fn an_agent_holds_keys_with_a_passphrase() {
    let kinds = vec![KeyKind::EncryptedEd25519];
    let server = start(SshdOptions {
        client_keys: kinds,
        client_lines: vec!["IdentityAgent none".to_owned()],
        ..SshdOptions::default()
    });
    let refused = server.ssh(&server.alias(), "true").expect("ssh runs");
    assert!(refused.errors().contains("Permission denied"), "{}", refused.errors());
    let key = server.client_key(KeyKind::EncryptedEd25519);
    let agent = SshAgent::start(&[&key]).expect("ssh-agent starts");
    let option = format!("IdentityAgent={}", agent.socket().display());
    let mut ssh = std::process::Command::new("ssh");
    ssh.arg("-F").arg(server.config()).args([
        "-o",
        &option,
        "-o",
        "BatchMode=yes",
        &server.alias(),
        "echo in",
    ]);
    let output = ssh.output().expect("ssh runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "in\n");
}

#[test]
fn the_right_password_logs_in_and_a_wrong_one_does_not() {
    let server = start(SshdOptions {
        server_lines: vec!["PasswordAuthentication yes".to_owned()],
        client_lines: vec!["PubkeyAuthentication no".to_owned()],
        user: Some(TestUser { shell: "/bin/sh".to_owned(), password: Some("sesame".to_owned()) }),
        ..SshdOptions::default()
    });
    let login = |password: &str| {
        let askpass = server.home().with_file_name("askpass");
        std::fs::write(&askpass, format!("#!/bin/sh\necho {password}\n")).expect("a file");
        std::fs::set_permissions(&askpass, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .expect("a mode");
        let mut ssh = std::process::Command::new("ssh");
        ssh.env("SSH_ASKPASS", &askpass).env("SSH_ASKPASS_REQUIRE", "force");
        ssh.arg("-F").arg(server.config()).args([&server.alias(), "id -un"]).output().expect("ssh runs")
    };
    assert_eq!(String::from_utf8_lossy(&login("sesame").stdout).trim(), server.user());
    assert_eq!(login("wrong").status.code(), Some(255));
}

#[test]
fn a_command_under_test_finds_the_bench_through_its_path() {
    let server = start(SshdOptions::default());
    let path = path_with_ssh(&server.client_home().join("bin"), &server.config()).expect("a PATH");
    let mut command = std::process::Command::new("sh");
    let output =
        command.args(["-c", &format!("ssh {} 'echo $HOME'", server.alias())]).env("PATH", path).output();
    let words = String::from_utf8(output.expect("sh runs").stdout).expect("text");
    assert_eq!(words.trim(), server.home().display().to_string());
}

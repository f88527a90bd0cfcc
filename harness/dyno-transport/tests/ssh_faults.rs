//! Hosts that cannot be reached over ssh, and what is said of each.

mod ssh_parts;

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dyno_model::blame::Classify as _;
use dyno_testbench::{KeyKind, KnownHosts, PASSPHRASE, SshAgent, Sshd, SshdOptions, TestUser};
use dyno_transport::{SshError, SshSettings, SshTransport, Transport as _};
use ssh_parts::{Config, LIMIT, Person, command, reach, refused, settings, ssh_error, start, words, write};

fn lines(port: u16) -> String {
    format!("Host pi\n  HostName 127.0.0.1\n  Port {port}\n  User nobody\n")
}

fn at(config: &Config) -> SshTransport {
    SshTransport::new("pi", "pi", None, config.settings())
}

#[test]
fn a_host_without_an_address() {
    let config = Config::new("Host pi\n  HostName no-such-host.invalid\n  User nobody\n");
    let error = refused(at(&config));
    let words = words(&error);
    assert!(
        words.starts_with("no address is known for no-such-host.invalid, the host of pi\ncaused by: "),
        "{words}"
    );
    assert!(words.contains("hint: check `host` in devices.toml"), "{words}");
    assert!(error.is_transient());
}

#[test]
fn a_configuration_that_is_wrong() {
    let config = Config::new("Host pi\n  Prot 22\n");
    let words = words(&refused(at(&config)));
    assert!(words.starts_with("cannot tell how to reach pi: "), "{words}");
    assert!(words.contains("line 2: Bad configuration option: prot"), "{words}");
    let error = refused(SshTransport::new("pi", "-oProxyCommand=touch /tmp/x", None, config.settings()));
    assert!(matches!(ssh_error(&error), SshError::Config { .. }), "{error}");
}

#[test]
fn a_port_that_nobody_listens_on() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    drop(listener);
    let config = Config::new(&lines(port));
    let text = words(&refused(at(&config)));
    let expected = format!(
        "cannot connect to 127.0.0.1:{port}, the host of pi\ncaused by: Connection refused (os error 111)\n\
         hint: start the SSH server of the device, or set its `Port` in your ssh configuration"
    );
    assert_eq!(text, expected);
}

#[test]
fn a_port_that_says_nothing_or_something_else() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let config = Config::new(&lines(port));
    let begin = Instant::now();
    let text = words(&refused(at(&config)));
    assert!(begin.elapsed() < Duration::from_secs(3));
    let expected = format!("127.0.0.1:{port} accepts connections and says nothing for 700ms\nhint: ");
    assert!(text.starts_with(&expected), "{text}");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            (&stream).write_all(b"220 mail.example.com \x1b[2J ready\r\n").expect("a listener");
            std::mem::forget(stream);
        }
    });
    let text = words(&refused(at(&config)));
    let expected =
        format!("127.0.0.1:{port} is no SSH server; it said `220 mail.example.com  [2J ready`\nhint: ");
    assert!(text.starts_with(&expected), "{text}");
}

#[test]
fn a_server_that_speaks_and_then_stops_or_hangs_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            (&stream).write_all(b"SSH-2.0-broken\r\n").expect("a listener");
        }
    });
    let config = Config::new(&lines(port));
    let error = refused(at(&config));
    assert!(
        words(&error).starts_with("cannot agree with the SSH server of pi on how to talk\ncaused by: "),
        "{error}"
    );
    assert!(error.is_transient());
}

/// The first alias uses a key that the server does not know.
fn with_another_key(server: &Sshd) -> SshSettings {
    let file = server.client_home().join("other-config");
    let config = fs::read_to_string(server.config()).expect("it was written");
    let other = server.client_home().join("other_key");
    if !other.exists() {
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-t", "ecdsa", "-N", "", "-f"])
            .arg(&other)
            .status();
        assert!(made.expect("OpenSSH's client is here").success());
    }
    let own = server.client_key(KeyKind::Ed25519).display().to_string();
    write(&file, config.replace(&own, &other.display().to_string()).as_bytes());
    SshSettings { config_file: Some(file), ..settings(server) }
}

#[test]
fn a_key_that_the_server_does_not_know_and_no_key_at_all() {
    let server = start(SshdOptions::default());
    let settings = with_another_key(&server);
    let file = settings.config_file.clone().expect("it was set");
    let key = server.client_home().join("other_key").display().to_string();
    let error = refused(SshTransport::new("pi", &server.alias(), None, settings.clone()));
    let expected = format!(
        "{} does not let {} in; it accepts publickey; tried: {key}\n\
         hint: put your public key there with `ssh-copy-id {}`, or name the right one by `IdentityFile` in your ssh \
         configuration",
        server.alias(),
        server.user(),
        server.alias()
    );
    assert_eq!(words(&error), expected);
    assert!(!error.is_transient());
    let config = fs::read_to_string(&file).expect("it was written").replace(&key, "/nonexistent/key");
    write(&file, config.as_bytes());
    let text = words(&refused(SshTransport::new("pi", &server.alias(), None, settings)));
    assert!(text.contains("tried: no key, none of /nonexistent/key is there"), "{text}");
}

#[test]
fn an_encrypted_key_is_opened_by_a_person_or_an_agent() {
    let keys = vec![KeyKind::EncryptedEd25519];
    let server = start(SshdOptions { client_keys: keys, ..SshdOptions::default() });
    let key = server.client_key(KeyKind::EncryptedEd25519);
    let text = words(&refused(reach(&server)));
    let expected = format!(
        "{} would accept the key {}, which is encrypted, and there is no passphrase for it\nhint: give it to your \
         agent: ssh-add {}",
        server.alias(),
        key.display(),
        key.display()
    );
    assert_eq!(text, expected);
    let person = Person::who_knows(&["wrong", PASSPHRASE]);
    let with = |ask: &Arc<Person>| SshSettings { ask: Arc::<Person>::clone(ask), ..settings(&server) };
    let mut transport = SshTransport::new("pi", &server.alias(), None, with(&person));
    transport.prepare().expect("the second try is right");
    assert_eq!(person.asked(), vec![format!("passphrase for {}", key.display()); 2]);
    let person = Person::who_knows(&["wrong", "wrong", "wrong", PASSPHRASE]);
    let error = refused(SshTransport::new("pi", &server.alias(), None, with(&person)));
    assert!(matches!(ssh_error(&error), SshError::Locked { .. }), "{error}");
    let agent = SshAgent::start(&[&key]).expect("an agent starts");
    let file = server.client_home().join("config-with-agent");
    let config = fs::read_to_string(server.config()).expect("it was written");
    write(&file, format!("{config}  IdentityAgent {}\n", agent.socket().display()).as_bytes());
    let settings = SshSettings { config_file: Some(file), ..settings(&server) };
    SshTransport::new("pi", &server.alias(), None, settings).prepare().expect("the agent signs");
}

#[test]
fn an_encrypted_key_that_the_server_does_not_want_asks_nobody() {
    let keys = vec![KeyKind::EncryptedEd25519];
    let server = start(SshdOptions { client_keys: keys, ..SshdOptions::default() });
    let other = start(SshdOptions::default());
    let config = fs::read_to_string(server.config()).expect("it was written");
    let config = config.replace(&format!("Port {}", server.port()), &format!("Port {}", other.port()));
    let known = format!("  UserKnownHostsFile {}\n", other.known_hosts().display());
    let file = server.client_home().join("other-config");
    let old = format!("  UserKnownHostsFile {}\n", server.known_hosts().display());
    write(&file, config.replace(&old, &known).as_bytes());
    let person = Person::who_knows(&[PASSPHRASE]);
    let ask: Arc<Person> = Arc::clone(&person);
    let settings = SshSettings { config_file: Some(file), ask, ..SshSettings::default() };
    let error = refused(SshTransport::new("pi", &server.alias(), None, settings));
    assert!(matches!(ssh_error(&error), SshError::Auth { .. }), "{error}");
    assert!(person.asked().is_empty(), "{:?}", person.asked());
}

#[test]
fn keys_of_every_kind_log_in() {
    let kinds = [KeyKind::Ed25519, KeyKind::Ecdsa, KeyKind::Rsa];
    let server = start(SshdOptions {
        host_keys: kinds.to_vec(),
        client_keys: kinds.to_vec(),
        known_hosts: KnownHosts::Hashed,
        ..SshdOptions::default()
    });
    for kind in kinds {
        let alias = server.alias_with(kind);
        SshTransport::new("pi", &alias, None, settings(&server)).prepare().expect("it is let in");
        // Without the public half beside it, as people copy keys.
        fs::remove_file(server.client_key(kind).with_extension("pub")).expect("it was made");
        SshTransport::new("pi", &alias, None, settings(&server)).prepare().expect("it is let in");
    }
}

#[test]
fn a_certificate_logs_in_where_its_key_alone_does_not() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (authority, key) = (dir.path().join("ca"), dir.path().join("id"));
    let keygen = |args: &[&str]| {
        let made =
            std::process::Command::new("ssh-keygen").arg("-q").args(args).current_dir(dir.path()).status();
        assert!(made.expect("OpenSSH's client is here").success());
    };
    keygen(&["-t", "ed25519", "-N", "", "-f", "ca"]);
    keygen(&["-t", "ed25519", "-N", "", "-f", "id"]);
    let line = format!("TrustedUserCAKeys {}", authority.with_extension("pub").display());
    let server = start(SshdOptions { server_lines: vec![line], ..SshdOptions::default() });
    let config = fs::read_to_string(server.config()).expect("it was written");
    let file = dir.path().join("config");
    let own = server.client_key(KeyKind::Ed25519).display().to_string();
    write(&file, config.replace(&own, &key.display().to_string()).as_bytes());
    let settings = SshSettings { config_file: Some(file), ..settings(&server) };
    let error = refused(SshTransport::new("pi", &server.alias(), None, settings.clone()));
    assert!(matches!(ssh_error(&error), SshError::Auth { .. }), "{error}");
    keygen(&["-s", "ca", "-I", "test", "-n", server.user(), "id.pub"]);
    SshTransport::new("pi", &server.alias(), None, settings).prepare().expect("the certificate is good");
}

#[test]
fn an_agent_offers_only_the_keys_that_are_named() {
    let server = start(SshdOptions { client_keys: vec![KeyKind::Ed25519], ..SshdOptions::default() });
    let other =
        start(SshdOptions { client_keys: vec![KeyKind::Ecdsa, KeyKind::Rsa], ..SshdOptions::default() });
    let key = server.client_key(KeyKind::Ed25519);
    let (ecdsa, rsa) = (other.client_key(KeyKind::Ecdsa), other.client_key(KeyKind::Rsa));
    let agent = SshAgent::start(&[&ecdsa, &rsa, &key]).expect("an agent starts");
    let config = fs::read_to_string(server.config()).expect("it was written");
    let file = server.client_home().join("config-with-agent");
    let agent_line = format!("  IdentityAgent {}\n", agent.socket().display());
    let settings = SshSettings { config_file: Some(file.clone()), ..settings(&server) };
    write(&file, format!("{config}{agent_line}").as_bytes());
    fs::rename(&key, key.with_extension("moved")).expect("only the public half stays");
    SshTransport::new("pi", &server.alias(), None, settings.clone()).prepare().expect("the agent has it");
    assert_eq!(server.log().matches("Failed publickey").count(), 0, "no other key is offered");
    let all = format!("{}{agent_line}", config.replace("IdentitiesOnly yes", "IdentitiesOnly no"));
    write(&file, all.replace(&key.display().to_string(), "/nonexistent").as_bytes());
    SshTransport::new("pi", &server.alias(), None, settings).prepare().expect("one of the agent's fits");
}

#[test]
fn a_password_is_asked_for_only_of_a_person() {
    let user = TestUser { shell: "/bin/sh".to_owned(), password: Some("correct horse".to_owned()) };
    let server = start(SshdOptions {
        user: Some(user),
        server_lines: vec!["PasswordAuthentication yes".to_owned(), "PubkeyAuthentication no".to_owned()],
        ..SshdOptions::default()
    });
    let error = refused(reach(&server));
    assert!(error.to_string().contains("it accepts password; tried: nothing"), "{error}");
    let person = Person::who_knows(&["wrong", "correct horse"]);
    let ask: Arc<Person> = Arc::clone(&person);
    let settings = SshSettings { ask, ..settings(&server) };
    SshTransport::new("pi", &server.alias(), None, settings).prepare().expect("the second try is right");
    let prompt = format!("password of {} on {}", server.user(), server.alias());
    assert_eq!(person.asked(), vec![prompt; 2]);
}

#[test]
fn an_unknown_host_is_trusted_by_a_person_or_by_configuration_only() {
    let options = |strict: &str| SshdOptions {
        known_hosts: KnownHosts::Empty,
        strict_host_key_checking: strict.to_owned(),
        ..SshdOptions::default()
    };
    let server = start(options("ask"));
    let text = words(&refused(reach(&server)));
    assert!(
        text.starts_with(&format!("the key of {} is not known: ED25519 SHA256:", server.alias())),
        "{text}"
    );
    assert!(text.contains("hint: compare the fingerprint with what `ssh-keygen -l -f "), "{text}");
    assert_eq!(fs::read_to_string(server.known_hosts()).expect("it is there"), "");
    let person = Person::who_says_yes();
    let ask: Arc<Person> = Arc::clone(&person);
    let with_person = SshSettings { ask, ..settings(&server) };
    SshTransport::new("pi", &server.alias(), None, with_person).prepare().expect("it is trusted now");
    let shown = std::process::Command::new("ssh-keygen").arg("-lf").arg(server.known_hosts()).output();
    let shown = String::from_utf8(shown.expect("OpenSSH's client is here").stdout).expect("text");
    let fingerprint = shown.split(' ').nth(1).expect("size, fingerprint, name");
    assert!(person.asked()[0].contains(fingerprint), "{:?} {shown}", person.asked());
    reach(&server).prepare().expect("it is known now");
    let output = server.ssh(&server.alias(), "true").expect("ssh runs");
    assert!(output.status.success(), "OpenSSH finds it, too: {}", output.errors());

    let strict = start(options("yes"));
    let ask = Person::who_says_yes();
    let asked: Arc<Person> = Arc::clone(&ask);
    let error = refused(SshTransport::new(
        "pi",
        &strict.alias(),
        None,
        SshSettings { ask: asked, ..settings(&strict) },
    ));
    assert!(matches!(ssh_error(&error), SshError::UnknownHostKey { .. }), "{error}");
    assert!(ask.asked().is_empty());

    let open =
        start(SshdOptions { client_lines: vec!["HashKnownHosts yes".to_owned()], ..options("accept-new") });
    reach(&open).prepare().expect("a new host is accepted");
    assert!(fs::read_to_string(open.known_hosts()).expect("it is there").starts_with("|1|"));
    reach(&open).prepare().expect("it is known now");
}

#[test]
fn a_host_key_that_changed_is_refused_whatever_is_configured() {
    let mut server =
        start(SshdOptions { strict_host_key_checking: "no".to_owned(), ..SshdOptions::default() });
    let mut transport = reach(&server);
    transport.prepare().expect("it is the old one");
    server.change_host_key().expect("it comes up again");
    let ask = Person::who_says_yes();
    let error =
        refused(SshTransport::new("pi", &server.alias(), None, SshSettings { ask, ..settings(&server) }));
    let (text, known) = (words(&error), server.known_hosts().display().to_string());
    assert!(
        text.starts_with(&format!("the key of {} has changed: it is now ED25519 SHA256:", server.alias())),
        "{text}"
    );
    assert!(text.contains(&format!(", and {known} line 1 has another one")), "{text}");
    let hint = format!("ssh-keygen -R '[127.0.0.1]:{}' -f {known}", server.port());
    assert!(text.ends_with(&hint), "{text}");
    assert!(!error.is_transient());
    let ran = std::process::Command::new("sh").args(["-c", &hint]).output().expect("a shell");
    assert!(ran.status.success(), "the hint is a command that works");
    reach(&server).prepare().expect("the new key is accepted now");
}

#[test]
fn a_known_kind_of_key_is_asked_for_and_a_revoked_key_refused() {
    let server = start(SshdOptions {
        host_keys: vec![KeyKind::Ed25519, KeyKind::Ecdsa, KeyKind::Rsa],
        ..SshdOptions::default()
    });
    let name = format!("[127.0.0.1]:{}", server.port());
    for kind in [KeyKind::Rsa, KeyKind::Ecdsa] {
        let key = server.host_key(kind).expect("it has one");
        write(&server.known_hosts(), format!("# only this\n{name} {key}\n").as_bytes());
        reach(&server).prepare().expect("its kind is known");
    }
    let key = server.host_key(KeyKind::Ed25519).expect("it has one");
    write(&server.known_hosts(), format!("{name} {key}\n@revoked * {key}\n").as_bytes());
    let error = refused(reach(&server));
    assert!(
        error.to_string().ends_with(&format!("is revoked by {} line 2", server.known_hosts().display())),
        "{error}"
    );
}

#[test]
fn a_banner_and_a_start_file_that_prints_are_passed_over() {
    let banner = tempfile::NamedTempFile::new().expect("a temporary file");
    write(banner.path(), b"Welcome to the lab\n");
    let server = start(SshdOptions {
        server_lines: vec![format!("Banner {}", banner.path().display())],
        bashrc: "echo 'Hello! bytes=77'; printf '\\033[1m no newline'; echo warning >&2".to_owned(),
        user: Some(TestUser { shell: "/bin/bash".to_owned(), password: None }),
        ..SshdOptions::default()
    });
    let mut transport = reach(&server);
    transport.prepare().expect("it can be reached");
    let output = transport.run(&command("echo", &["word"]), LIMIT).expect("it runs");
    assert_eq!(output.stdout, b"word\n");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (local, back) = (dir.path().join("file"), dir.path().join("back"));
    write(&local, b"content");
    let remote = transport.work_dir().join("artifacts/file");
    transport.push(&local, &remote, &mut |_| {}).expect("it is brought");
    transport.pull(&remote, &back, &mut |_| {}).expect("it is fetched");
    assert_eq!(fs::read(&back).expect("pulled"), b"content");
}

#[test]
fn an_account_without_a_shell_says_so() {
    let user = TestUser { shell: "/usr/sbin/nologin".to_owned(), password: None };
    let server = start(SshdOptions { user: Some(user), ..SshdOptions::default() });
    let text = words(&refused(reach(&server)));
    let expected =
        "the login shell on pi runs no commands; it said `This account is currently not available.`\nhint: ";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn a_server_that_allows_one_session_says_so() {
    let server =
        start(SshdOptions { server_lines: vec!["MaxSessions 1".to_owned()], ..SshdOptions::default() });
    let mut transport = reach(&server);
    transport.prepare().expect("one is enough");
    let mut process = transport.spawn(&command("cat", &[])).expect("cat is there");
    let error = transport.run(&command("true", &[]), LIMIT).expect_err("a second one at once");
    let text = words(&error);
    assert!(
        text.starts_with(&format!("the SSH server of {} refuses another session", server.alias())),
        "{text}"
    );
    assert!(text.contains("hint: raise `MaxSessions`"), "{text}");
    process.kill();
    assert!(process.wait(LIMIT).is_ok());
    let until = Instant::now() + LIMIT;
    while transport.run(&command("true", &[]), LIMIT).is_err() {
        assert!(Instant::now() < until, "the session is free again");
        std::thread::sleep(Duration::from_millis(20));
    }
}

//! The real adb server and the real adbd do what tests of transports rely on.

use dyno_testbench::{AdbDevice, AdbServer, FakeAdb, FakePhone, FakeState, PhoneOptions};

fn text(server: &AdbServer, args: &[&str]) -> String {
    server.adb(args).expect("adb runs").text()
}

#[test]
fn two_phones_answer_with_exit_codes_and_keep_files_apart() {
    let server = AdbServer::start().expect("an adb server");
    let options = PhoneOptions {
        properties: vec![("ro.product.model".to_owned(), "Second".to_owned())],
        without_commands: vec!["sha256sum".to_owned()],
        data_mount: Some("size=2m".to_owned()),
    };
    let first = AdbDevice::start(&server, &PhoneOptions::default()).expect("a phone");
    let second = AdbDevice::start(&server, &options).expect("a second phone");
    let (one, two) = (first.serial(), second.serial());

    let output = server.adb(&["-s", &one, "shell", "echo out; echo err >&2; exit 7"]).expect("adb runs");
    assert_eq!(
        (output.status.code(), output.text(), output.errors()),
        (Some(7), "out".into(), "err\n".into())
    );
    assert_eq!(text(&server, &["-s", &one, "shell", "getprop ro.product.model"]), "Test bench phone");
    assert_eq!(text(&server, &["-s", &two, "shell", "getprop ro.product.model"]), "Second");
    assert_eq!(text(&server, &["-s", &one, "shell", "cat /proc/sys/kernel/random/boot_id"]), first.boot_id());
    assert!(text(&server, &["-s", &one, "shell", "echo hello | sha256sum"]).starts_with("5891b5b522d5df08"));
    let missing = server.adb(&["-s", &two, "shell", "sha256sum"]).expect("adb runs");
    assert_eq!(missing.status.code(), Some(127), "{}", missing.errors());

    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), vec![7; 3 << 20]).expect("it can be written");
    let path = file.path().to_str().expect("text");
    assert!(server.adb(&["-s", &one, "push", path, "/data/local/tmp/f"]).expect("adb").status.success());
    assert_eq!(first.root().join("data/local/tmp/f").metadata().expect("it is there").len(), 3 << 20);
    let full = server.adb(&["-s", &two, "push", path, "/data/local/tmp/f"]).expect("adb runs");
    assert!(
        full.errors().contains("No space left") || full.text().contains("No space left"),
        "{}",
        full.text()
    );
}

#[test]
fn battery_and_settings_of_a_phone_change_as_androids_do() {
    let server = AdbServer::start().expect("an adb server");
    let phone = AdbDevice::start(&server, &PhoneOptions::default()).expect("a phone");
    let shell = |words: &str| text(&server, &["-s", &phone.serial(), "shell", words]);
    assert!(shell("dumpsys battery").contains("\n  level: 71\n"));
    phone.set_battery("level", "12").expect("it can be set");
    shell("dumpsys battery set usb 1");
    let battery = shell("dumpsys battery");
    assert!(battery.contains("level: 12") && battery.contains("USB powered: true"), "{battery}");
    assert_eq!(shell("settings get global stay_on_while_plugged_in"), "null");
    shell("svc power stayon true");
    assert_eq!(shell("settings get global stay_on_while_plugged_in"), "15");
    shell("cmd connectivity airplane-mode enable");
    assert_eq!(shell("cmd connectivity airplane-mode"), "enabled");
}

#[test]
fn an_unplugged_phone_is_offline_and_comes_back_with_another_boot_id() {
    let mut server = AdbServer::start().expect("an adb server");
    let mut phone = AdbDevice::start(&server, &PhoneOptions::default()).expect("a phone");
    let before = phone.boot_id();
    phone.unplug();
    let state = server.adb(&["-s", &phone.serial(), "shell", "true"]).expect("adb runs");
    assert_ne!(state.status.code(), Some(0));
    phone.reboot().expect("it starts again");
    phone.connect(&server).expect("it is online again");
    assert_ne!(phone.boot_id(), before);
    server.restart().expect("the server starts again");
    assert_eq!(text(&server, &["devices"]), "List of devices attached");
    phone.connect(&server).expect("it is online again");
}

#[test]
fn a_link_that_is_down_hides_the_phone_until_it_is_up_again() {
    let server = AdbServer::start().expect("an adb server");
    let phone = AdbDevice::start(&server, &PhoneOptions::default()).expect("a phone");
    let reach = || {
        let address = phone.serial().parse().expect("an address");
        std::net::TcpStream::connect_timeout(&address, std::time::Duration::from_millis(300))
    };
    phone.namespace().link_down().expect("down");
    assert!(reach().is_err());
    phone.namespace().link_up().expect("up");
    phone.connect(&server).expect("online");
    assert!(reach().is_ok());
}

fn through(fake: &FakeAdb, home: &AdbServer, args: &[&str]) -> std::process::Output {
    let mut adb = std::process::Command::new("timeout");
    adb.args(["20", "adb", "-P", &fake.port().to_string()]).args(args).envs(home.env());
    adb.output().expect("adb runs")
}

#[test]
fn adbs_own_client_believes_the_fake_states() {
    let server = AdbServer::start().expect("an adb server");
    let phone = AdbDevice::start(&server, &PhoneOptions::default()).expect("a phone");
    let states = [FakeState::Unauthorized, FakeState::Offline, FakeState::NoPermissions, FakeState::Recovery];
    let fakes = states.map(|state| FakePhone { serial: format!("{state:?}"), state });
    let fake = FakeAdb::in_front_of(&server, fakes.to_vec()).expect("a fake server");

    let list = String::from_utf8(through(&fake, &server, &["devices"]).stdout).expect("text");
    let expected = format!(
        "List of devices attached\nUnauthorized\tunauthorized\nOffline\toffline\n\
         NoPermissions\tno permissions (missing udev rules? user is in the plugdev group); \
         see [http://developer.android.com/tools/device.html]\nRecovery\trecovery\n{}\tdevice\n\n",
        phone.serial()
    );
    assert_eq!(list, expected);
    for (serial, words) in [
        ("Unauthorized", "confirmation dialog"),
        ("Offline", "device offline"),
        ("NoPermissions", "insufficient permissions"),
        ("nothing", "device 'nothing' not found"),
    ] {
        let output = through(&fake, &server, &["-s", serial, "shell", "true"]);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && errors.contains(words), "{serial}: {errors}");
    }
    let real = through(&fake, &server, &["-s", &phone.serial(), "shell", "exit 7"]);
    assert_eq!(real.status.code(), Some(7));
}

#[test]
fn an_old_phone_has_neither_exit_codes_nor_a_separate_stderr() {
    let server = AdbServer::start().expect("an adb server");
    let phone = AdbDevice::start(&server, &PhoneOptions::default()).expect("a phone");
    let fake = FakeAdb::with_old_phones(&server).expect("a fake server");
    let output = through(&fake, &server, &["-s", &phone.serial(), "shell", "echo out; echo err >&2; exit 7"]);
    let words = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
    assert_eq!((words.as_str(), output.status.code()), ("out\nerr\n", Some(0)));
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "content").expect("it can be written");
    let push = ["-s", &phone.serial(), "push", file.path().to_str().expect("text"), "/data/local/tmp/f"];
    assert!(through(&fake, &server, &push).status.success());
    let on_phone = std::fs::read(phone.root().join("data/local/tmp/f")).expect("it is there");
    assert_eq!(on_phone, b"content");
}

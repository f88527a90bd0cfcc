//! Phones and Jetsons, whose settings are set by programs.

use dyno_model::prepare::{PrepareSpec, Screen};

use super::bench::{Bench, argv, fates, lines};

fn mode(word: &str) -> PrepareSpec {
    PrepareSpec { power_mode: Some(word.to_owned()), ..PrepareSpec::default() }
}

fn phone_spec() -> PrepareSpec {
    PrepareSpec { stay_awake: true, airplane_mode: true, screen: Some(Screen::Off), ..mode("normal") }
}

#[test]
fn a_phone_is_prepared_and_put_back() {
    let bench = Bench::phone();
    let prepared = bench.prepared(&phone_spec());
    assert_eq!(
        lines(&prepared),
        [
            "power_mode (battery_saver): 1 -> 0 = 0",
            "stay_awake (stay_on_while_plugged_in): null -> 7 = 7",
            "airplane_mode (airplane_mode_on): 0 -> 1 = 1",
            "screen (wakefulness): on -> off = off"
        ]
    );
    assert_eq!(prepared.problems(), [""; 0]);
    bench.done();
    let restored = bench.restored(&[]).expect("something was set");
    assert_eq!(restored.problems(), [""; 0]);
    assert_eq!(
        bench.done(),
        [
            "/system/bin/input keyevent KEYCODE_WAKEUP",
            "/system/bin/cmd connectivity airplane-mode disable",
            "/system/bin/settings delete global stay_on_while_plugged_in",
            "/system/bin/cmd power set-mode 1"
        ]
    );
    let state = bench.android.borrow();
    assert_eq!(state.get("stay_on_while_plugged_in"), None);
    assert_eq!(state["airplane_mode_on"], "0");
    assert_eq!(state["low_power"], "1");
    assert_eq!(state["wakefulness"], "Awake");
}

#[test]
fn a_phone_that_stays_awake_on_a_dock_stays_so() {
    let bench = Bench::phone();
    bench.android.borrow_mut().insert("stay_on_while_plugged_in".to_owned(), "8".to_owned());
    let prepared = bench.prepared(&PrepareSpec { stay_awake: true, ..PrepareSpec::default() });
    assert_eq!(lines(&prepared), ["stay_awake (stay_on_while_plugged_in): 8 -> 15 = 15"]);
    bench.restored(&[]);
    assert_eq!(bench.android.borrow()["stay_on_while_plugged_in"], "8");
}

#[test]
fn after_a_reboot_only_what_outlived_it_is_put_back() {
    let bench = Bench::phone();
    bench.put("sys/class/power_supply/battery/input_suspend", "0\n");
    bench.prepared(&PrepareSpec { suspend_charging: true, ..phone_spec() });
    bench.reboot(&[("sys/class/power_supply/battery/input_suspend", "0\n")]);
    let restored = bench.recovered().expect("a note was left");
    assert!(restored.rebooted);
    assert_eq!(
        fates(&restored),
        [
            "screen (wakefulness): ResetByReboot, on",
            "suspend_charging (battery/input_suspend): ResetByReboot, 0",
            "airplane_mode (airplane_mode_on): PutBack, 0",
            "stay_awake (stay_on_while_plugged_in): PutBack, null",
            "power_mode (battery_saver): PutBack, 1"
        ]
    );
    assert_eq!(bench.recovered(), None);
}

#[test]
fn an_old_android_says_that_it_has_no_such_command() {
    let bench = Bench::phone();
    let text = include_str!("fixtures/unknown-command.txt");
    bench.answer("/system/bin/cmd connectivity airplane-mode enable", false, text);
    let prepared = bench.prepared(&PrepareSpec { airplane_mode: true, ..PrepareSpec::default() });
    assert_eq!(
        prepared.problems(),
        ["airplane_mode (airplane_mode_on): cmd: Unknown command: airplane-mode"]
    );
    assert_eq!(
        prepared.settings[0].hint.as_deref(),
        Some("Android 10 and older have no command for it: switch it by hand")
    );
    assert_eq!(bench.note(), None, "nothing changed");
}

#[test]
fn a_setting_that_android_refuses_is_told_in_its_words() {
    let bench = Bench::phone();
    let put = "/system/bin/settings put global stay_on_while_plugged_in 7";
    bench.answer(put, false, include_str!("fixtures/denied.txt"));
    let prepared = bench.prepared(&PrepareSpec { stay_awake: true, ..PrepareSpec::default() });
    assert_eq!(
        prepared.problems(),
        ["stay_awake (stay_on_while_plugged_in): settings: Exception occurred while executing 'put': \
          java.lang.SecurityException: Permission denial: writing to settings \
          requires:android.permission.WRITE_SECURE_SETTINGS"]
    );
}

#[test]
fn what_cannot_be_read_back_is_never_called_set() {
    let bench = Bench::phone();
    let prepared = bench.prepared(&mode("fixed-performance"));
    assert_eq!(lines(&prepared), ["power_mode (fixed_performance): ? -> on = ?"]);
    assert_eq!(
        prepared.problems(),
        ["power_mode (fixed_performance): it was set, but: Android does not tell whether it is on"]
    );
    assert_eq!(bench.android.borrow()["fixed"], "true");
    let restored = bench.restored(&[]).expect("it was set");
    assert_eq!(fates(&restored), ["power_mode (fixed_performance): PutBack, ?"]);
    assert_eq!(bench.android.borrow()["fixed"], "false");
}

#[test]
fn a_phone_that_talks_nonsense_is_not_touched() {
    let bench = Bench::phone();
    let get = "/system/bin/settings get global stay_on_while_plugged_in";
    for text in ["", "\u{1b}[2J", "7; reboot", "yes\nno", &"9".repeat(100_000)] {
        bench.answer(get, true, text);
        let prepared = bench.prepared(&PrepareSpec { stay_awake: true, ..PrepareSpec::default() });
        assert!(prepared.settings[0].problem.is_some(), "{text:.20}");
        assert_eq!(bench.done(), [""; 0], "{text:.20}");
    }
}

#[test]
fn a_jetson_has_modes_by_name_and_by_number() {
    for word in ["MAXN_SUPER", "maxn_super", "2"] {
        let bench = Bench::jetson();
        let prepared = bench.prepared(&mode(word));
        assert_eq!(lines(&prepared), ["power_mode (nvpmodel): 0 -> 2 = 2"], "{word}");
        let restored = bench.restored(&[]).expect("it was set");
        assert_eq!(fates(&restored), ["power_mode (nvpmodel): PutBack, 0"]);
        assert_eq!(*bench.nvpmodel.borrow(), Some(0));
    }
}

#[test]
fn a_mode_that_a_jetson_does_not_have_is_told_with_those_that_it_has() {
    for word in ["30W", "9"] {
        let bench = Bench::jetson();
        let prepared = bench.prepared(&mode(word));
        assert_eq!(prepared.problems(), [format!("power_mode (nvpmodel): there is no power mode `{word}`")]);
        assert_eq!(prepared.settings[0].hint.as_deref(), Some("it has: 0 15W, 1 7W, 2 MAXN_SUPER"));
        assert_eq!(bench.done(), [""; 0]);
    }
}

#[test]
fn a_mode_that_needs_a_reboot_is_not_called_set() {
    let bench = Bench::jetson();
    bench.answer("/usr/sbin/nvpmodel -m 1", true, "Reboot required for changing to this power mode: 1\n");
    let prepared = bench.prepared(&mode("7W"));
    assert_eq!(prepared.problems(), ["power_mode (nvpmodel): it was set, but reads back as `0`"]);
}

#[test]
fn a_mode_outlives_a_reboot_and_is_put_back_after_it() {
    let bench = Bench::jetson();
    bench.prepared(&mode("7W"));
    bench.reboot(&[]);
    let restored = bench.recovered().expect("a note was left");
    assert_eq!(fates(&restored), ["power_mode (nvpmodel): PutBack, 0"]);
}

#[test]
fn commands_run_around_the_settings() {
    let bench = Bench::jetson();
    for command in ["first", "second", "last"] {
        bench.answer(command, true, "");
    }
    bench.answer("second", false, "no such service\n");
    let spec =
        PrepareSpec { before: vec![argv("first"), argv("second")], after: vec![argv("last")], ..mode("1") };
    let prepared = bench.prepared(&spec);
    assert_eq!(prepared.problems(), ["command `second`: exit status 255"]);
    assert_eq!(prepared.commands[1].output_tail, "no such service\n");
    let restored = bench.restored(&spec.after).expect("something was set");
    assert_eq!(restored.commands[0].exit.as_deref(), Some("exit status 0"));
    assert_eq!(bench.restored(&spec.after), None, "they run once");
    let expected = ["first", "second", "/usr/sbin/nvpmodel -m 1", "/usr/sbin/nvpmodel -m 0", "last"];
    assert_eq!(bench.done(), expected);
}

//! Agents that die while they prepare a device, and what the next one finds.

use dyno_model::prepare::{Fate, FreqLimit, PrepareSpec};

use super::bench::{Bench, Crash, argv, fates, is_empty};

const GOVERNOR_0: &str = "sys/devices/system/cpu/cpufreq/policy0/scaling_governor";
const GOVERNOR_4: &str = "sys/devices/system/cpu/cpufreq/policy4/scaling_governor";
const MAX_0: &str = "sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq";

fn performance() -> PrepareSpec {
    PrepareSpec { governor: Some("performance".to_owned()), ..PrepareSpec::default() }
}

#[test]
fn a_crash_at_any_point_leaves_a_note_that_puts_all_back() {
    let limit = vec![FreqLimit { policy: None, khz: 1_000_000 }];
    let spec = PrepareSpec { max_freq_khz: limit, ..performance() };
    // Two governors, then two limits.
    let crashes = (1..=4).flat_map(|n| [Crash::BeforeSet(n), Crash::AfterSet(n)]);
    for crash in crashes {
        let bench = Bench::board();
        bench.apply_and_die(&spec, crash);
        let restored = bench.recovered().expect("a note was left");
        assert_eq!(restored.problems(), [""; 0], "{crash:?}");
        assert_eq!(bench.value(GOVERNOR_0), "schedutil", "{crash:?}");
        assert_eq!(bench.value(GOVERNOR_4), "ondemand", "{crash:?}");
        assert_eq!(bench.value(MAX_0), "1800000", "{crash:?}");
        assert_eq!(bench.clock("policy4", "scaling_max_freq"), "2400000", "{crash:?}");
        assert!(is_empty(&bench.work_dir()), "{crash:?}");
    }
}

#[test]
fn a_crash_before_the_setting_leaves_it_as_it_was() {
    let bench = Bench::board();
    bench.apply_and_die(&performance(), Crash::BeforeSet(1));
    let restored = bench.recovered().expect("a note was left");
    assert_eq!(
        fates(&restored),
        ["governor (policy4): AsItWas, ondemand", "governor (policy0): AsItWas, schedutil"]
    );
    assert_eq!(bench.done(), [""; 0]);
}

#[test]
fn a_crash_before_the_reading_back_is_ours_even_if_the_kernel_changed_the_value() {
    let bench = Bench::board();
    bench.stubborn.borrow_mut().insert(MAX_0.to_owned(), "1512000".to_owned());
    let limit = vec![FreqLimit { policy: Some(0), khz: 1_500_000 }];
    let spec = PrepareSpec { max_freq_khz: limit, ..PrepareSpec::default() };
    bench.apply_and_die(&spec, Crash::AfterSet(1));
    bench.stubborn.borrow_mut().clear();
    assert_eq!(
        fates(&bench.recovered().expect("a note was left")),
        ["max_freq_khz (policy0): PutBack, 1800000"]
    );
}

#[test]
fn a_reboot_after_the_crash_has_reset_what_is_below_sys() {
    let bench = Bench::board();
    bench.apply_and_die(&performance(), Crash::AfterSet(2));
    bench.reboot(&[(GOVERNOR_0, "schedutil\n"), (GOVERNOR_4, "performance\n")]);
    let restored = bench.recovered().expect("a note was left");
    assert!(restored.rebooted);
    // The second one is this boot's own choice.
    assert_eq!(
        fates(&restored),
        ["governor (policy4): ResetByReboot, performance", "governor (policy0): ResetByReboot, schedutil"]
    );
    assert_eq!(bench.done(), [""; 0]);
}

#[test]
fn what_somebody_else_changed_is_left_alone_and_told() {
    let bench = Bench::board();
    bench.prepared(&performance());
    bench.put(GOVERNOR_0, "powersave\n");
    let restored = bench.restored(&[]).expect("something was set");
    assert_eq!(
        fates(&restored),
        ["governor (policy4): PutBack, ondemand", "governor (policy0): LeftAlone, powersave"]
    );
    assert_eq!(
        restored.problems(),
        ["governor (policy0): somebody else has made it `powersave` since; it was left so"]
    );
    assert!(is_empty(&bench.work_dir()));
}

#[test]
fn what_cannot_be_put_back_is_tried_again_with_its_first_value() {
    let bench = Bench::board();
    bench.prepared(&performance());
    bench.deny(GOVERNOR_0);
    let restored = bench.restored(&[]).expect("something was set");
    assert_eq!(
        fates(&restored),
        ["governor (policy4): PutBack, ondemand", "governor (policy0): Failed, performance"]
    );
    assert_eq!(restored.problems().len(), 1);
    // The next campaign asks for something else; the device's own value is not forgotten.
    bench.denied.borrow_mut().clear();
    bench.deny(GOVERNOR_0);
    let spec = PrepareSpec { governor: Some("powersave".to_owned()), ..PrepareSpec::default() };
    let prepared = bench.prepared(&spec);
    let leftover = prepared.leftover.expect("one could not be put back");
    assert_eq!(fates(&leftover), ["governor (policy0): Failed, performance"]);
    bench.denied.borrow_mut().clear();
    let restored = bench.restored(&[]).expect("something was set");
    assert_eq!(
        fates(&restored),
        ["governor (policy4): PutBack, ondemand", "governor (policy0): PutBack, schedutil"]
    );
    assert_eq!(bench.value(GOVERNOR_0), "schedutil");
    assert!(is_empty(&bench.work_dir()));
}

#[test]
fn what_the_device_no_longer_has_is_forgotten() {
    let bench = Bench::board();
    bench.prepared(&performance());
    bench.remove("sys/devices/system/cpu/cpufreq/policy4");
    let restored = bench.restored(&[]).expect("something was set");
    assert_eq!(restored.settings[0].fate, Fate::Gone);
    assert_eq!(restored.settings[1].fate, Fate::PutBack);
    assert!(is_empty(&bench.work_dir()));
}

#[test]
fn the_next_campaign_first_puts_back_what_was_left() {
    let bench = Bench::board();
    bench.apply_and_die(&performance(), Crash::AfterSet(2));
    let spec = PrepareSpec { governor: Some("powersave".to_owned()), ..PrepareSpec::default() };
    let prepared = bench.prepared(&spec);
    assert_eq!(prepared.leftover.as_ref().map(|leftover| leftover.settings.len()), Some(2));
    assert_eq!(prepared.settings[0].before.as_deref(), Some("schedutil"));
    bench.restored(&[]);
    assert_eq!(bench.value(GOVERNOR_0), "schedutil");
    assert_eq!(bench.value(GOVERNOR_4), "ondemand");
}

#[test]
fn commands_wait_for_the_controller_that_knows_them() {
    let bench = Bench::board();
    bench.answer("thaw all", true, "thawed\n");
    let spec = PrepareSpec { after: vec![argv("thaw all")], ..performance() };
    bench.apply_and_die(&spec, Crash::AfterSet(1));
    let restored = bench.recovered().expect("a note was left");
    assert!(restored.commands_pending && restored.commands.is_empty());
    assert_eq!(bench.value(GOVERNOR_0), "schedutil");
    assert!(!bench.note().expect("they are still to run").contains("thaw"), "no command is in the note");
    bench.done();
    let restored = bench.restored(&spec.after).expect("commands are still to run");
    assert_eq!(bench.done(), ["thaw all"]);
    assert_eq!(restored.commands[0].output_tail, "thawed\n");
    assert!(is_empty(&bench.work_dir()));
}

#[test]
fn other_commands_than_those_of_the_note_are_not_run() {
    let bench = Bench::board();
    bench.prepared(&PrepareSpec { after: vec![argv("thaw all")], ..performance() });
    bench.done();
    let restored = bench.restored(&[argv("rm all")]).expect("something was set");
    assert!(restored.commands.is_empty());
    assert_eq!(
        restored.problems(),
        ["its commands of `after` were not run: they are no longer those of `devices.toml`"]
    );
    assert!(is_empty(&bench.work_dir()));
}

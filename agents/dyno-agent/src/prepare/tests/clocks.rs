//! Governors and clocks of a board of plain files.

use dyno_model::blame::Classify as _;
use dyno_model::prepare::{FreqLimit, PrepareSpec, Screen};

use super::bench::{Bench, argv, fates, is_empty, lines};
use crate::prepare::PrepareError;

fn governor(word: &str) -> PrepareSpec {
    PrepareSpec { governor: Some(word.to_owned()), ..PrepareSpec::default() }
}

fn all(khz: u64) -> Vec<FreqLimit> {
    vec![FreqLimit { policy: None, khz }]
}

#[test]
fn every_policy_is_set_read_back_and_put_back() {
    let bench = Bench::board();
    let prepared = bench.prepared(&governor("performance"));
    assert_eq!(
        lines(&prepared),
        [
            "governor (policy0): schedutil -> performance = performance",
            "governor (policy4): ondemand -> performance = performance"
        ]
    );
    assert_eq!(prepared.problems(), [""; 0]);
    assert_eq!(bench.clock("policy4", "scaling_governor"), "performance");
    let restored = bench.restored(&[]).expect("something was set");
    assert_eq!(
        fates(&restored),
        ["governor (policy4): PutBack, ondemand", "governor (policy0): PutBack, schedutil"]
    );
    assert_eq!(restored.campaign, Some("20261121-080000-quick".into()));
    assert_eq!(bench.clock("policy0", "scaling_governor"), "schedutil");
    assert!(is_empty(&bench.work_dir()), "nothing is left");
}

#[test]
fn what_is_as_asked_already_is_not_touched() {
    let bench = Bench::board();
    let prepared = bench.prepared(&governor("ondemand"));
    assert_eq!(
        lines(&prepared),
        [
            "governor (policy0): schedutil -> ondemand = ondemand",
            "governor (policy4): ondemand -> ondemand = ondemand"
        ]
    );
    assert_eq!(bench.done(), ["sys/devices/system/cpu/cpufreq/policy0/scaling_governor ondemand"]);
    let again = bench.restored(&[]).expect("one was set");
    assert_eq!(fates(&again), ["governor (policy0): PutBack, schedutil"]);
    assert_eq!(bench.restored(&[]), None, "the second time there is nothing to do");
}

#[test]
fn an_empty_wish_leaves_no_trace() {
    let bench = Bench::board();
    assert_eq!(bench.prepared(&PrepareSpec::default()), dyno_model::prepare::Prepared::default());
    assert_eq!(bench.done(), [""; 0]);
    assert!(is_empty(&bench.work_dir()));
}

#[test]
fn limits_are_set_and_put_back_in_the_order_that_the_kernel_takes() {
    // The highest clock asked for is below the lowest one now, and the other way round.
    for (min, max) in [(300_000, 350_000), (1_900_000, 2_000_000)] {
        let bench = Bench::board();
        bench.put("sys/devices/system/cpu/cpufreq/policy4/scaling_max_freq", "1800000\n");
        let spec = PrepareSpec { min_freq_khz: all(min), max_freq_khz: all(max), ..PrepareSpec::default() };
        let prepared = bench.prepared(&spec);
        assert_eq!(prepared.problems(), [""; 0], "{min}..{max}");
        for policy in ["policy0", "policy4"] {
            assert_eq!(bench.clock(policy, "scaling_min_freq"), min.to_string());
            assert_eq!(bench.clock(policy, "scaling_max_freq"), max.to_string());
        }
        let restored = bench.restored(&[]).expect("something was set");
        assert_eq!(restored.problems(), [""; 0], "{min}..{max}");
        assert_eq!(bench.clock("policy0", "scaling_min_freq"), "400000");
        assert_eq!(bench.clock("policy0", "scaling_max_freq"), "1800000");
        assert_eq!(bench.clock("policy4", "scaling_min_freq"), "600000");
    }
}

#[test]
fn a_policy_has_its_own_limit_and_the_others_the_common_one() {
    let bench = Bench::board();
    let own = FreqLimit { policy: Some(4), khz: 2_000_000 };
    let missing = FreqLimit { policy: Some(7), khz: 1_000_000 };
    let limits = [all(1_500_000), vec![own, missing]].concat();
    let prepared = bench.prepared(&PrepareSpec { max_freq_khz: limits, ..PrepareSpec::default() });
    assert_eq!(
        lines(&prepared),
        [
            "max_freq_khz (policy7): ? -> 1000000 = ?",
            "max_freq_khz (policy0): 1800000 -> 1500000 = 1500000",
            "max_freq_khz (policy4): 2400000 -> 2000000 = 2000000"
        ]
    );
    assert_eq!(prepared.problems(), ["max_freq_khz (policy7): there is no policy7"]);
    assert_eq!(prepared.settings[0].hint.as_deref(), Some("it has: policy0, policy4"));
}

#[test]
fn a_value_that_reads_back_otherwise_is_told_and_still_put_back() {
    let bench = Bench::board();
    let path = "sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq";
    bench.stubborn.borrow_mut().insert(path.to_owned(), "1512000".to_owned());
    let limit = vec![FreqLimit { policy: Some(0), khz: 1_500_000 }];
    let prepared = bench.prepared(&PrepareSpec { max_freq_khz: limit, ..PrepareSpec::default() });
    assert_eq!(lines(&prepared), ["max_freq_khz (policy0): 1800000 -> 1500000 = 1512000"]);
    assert_eq!(prepared.problems(), ["max_freq_khz (policy0): it was set, but reads back as `1512000`"]);
    bench.stubborn.borrow_mut().clear();
    let restored = bench.restored(&[]).expect("something was set");
    assert_eq!(fates(&restored), ["max_freq_khz (policy0): PutBack, 1800000"]);
}

#[test]
fn what_is_not_permitted_is_told_with_what_to_do() {
    let bench = Bench::board();
    let path = "sys/devices/system/cpu/cpufreq/policy4/scaling_governor";
    bench.deny(path);
    let prepared = bench.prepared(&governor("performance"));
    assert_eq!(prepared.problems(), [format!("governor (policy4): cannot set /{path}: permission denied")]);
    assert_eq!(
        prepared.settings[1].hint.as_deref(),
        Some(
            "only root may do this: reach the device as root, or allow it until the next boot with \
             `sudo chmod a+w /sys/devices/system/cpu/cpufreq/policy*/scaling_governor`"
        )
    );
    // What did not change needs no putting back.
    let restored = bench.restored(&[]).expect("the other one was set");
    assert_eq!(fates(&restored), ["governor (policy0): PutBack, schedutil"]);
}

#[test]
fn a_word_that_the_device_does_not_know_is_not_even_tried() {
    let bench = Bench::board();
    let prepared = bench.prepared(&governor("turbo"));
    assert_eq!(prepared.settings[0].problem.as_deref(), Some("`turbo` is not to be had"));
    assert_eq!(
        prepared.settings[0].hint.as_deref(),
        Some("it has: ondemand, powersave, performance, schedutil")
    );
    assert_eq!(bench.done(), [""; 0]);
    assert!(is_empty(&bench.work_dir()));
}

#[test]
fn what_is_required_and_cannot_be_had_is_an_error_and_all_is_put_back() {
    let bench = Bench::board();
    bench.deny("sys/devices/system/cpu/cpufreq/policy4/scaling_governor");
    let spec = PrepareSpec { required: true, after: vec![argv("sync")], ..governor("performance") };
    bench.answer("sync", true, "");
    let error = bench.apply(&spec).expect_err("it is required");
    assert_eq!(
        error.to_string(),
        "the device is not as `required`: governor (policy4): cannot set \
         /sys/devices/system/cpu/cpufreq/policy4/scaling_governor: permission denied"
    );
    assert_eq!(error.hints().len(), 2);
    assert_eq!(bench.clock("policy0", "scaling_governor"), "schedutil");
    assert_eq!(bench.done().last().map(String::as_str), Some("sync"));
    assert!(is_empty(&bench.work_dir()));
}

#[test]
fn a_stop_puts_all_back() {
    let bench = Bench::board();
    bench.is_stopped.set(true);
    let error = bench.apply(&governor("performance"));
    assert!(matches!(error, Err(PrepareError::Stopped)));
    assert_eq!(bench.clock("policy0", "scaling_governor"), "schedutil");
    assert!(is_empty(&bench.work_dir()));
}

#[test]
fn a_laptop_has_a_profile_a_battery_and_a_screen() {
    let bench = Bench::new();
    bench.put("sys/firmware/acpi/platform_profile", "balanced\n");
    bench.put("sys/firmware/acpi/platform_profile_choices", "low-power balanced performance\n");
    bench.put("sys/class/power_supply/AC/online", "1\n");
    bench.put("sys/class/power_supply/BAT0/charge_behaviour", "[auto] inhibit-charge force-discharge\n");
    bench.put("sys/class/backlight/intel_backlight/bl_power", "0\n");
    // The kernel shows what was chosen in brackets among all words.
    let shown = "auto [inhibit-charge] force-discharge\n".to_owned();
    let charge = "sys/class/power_supply/BAT0/charge_behaviour".to_owned();
    bench.stubborn.borrow_mut().insert(charge.clone(), shown);
    let spec = PrepareSpec {
        power_mode: Some("performance".to_owned()),
        suspend_charging: true,
        screen: Some(Screen::Off),
        ..PrepareSpec::default()
    };
    let prepared = bench.prepared(&spec);
    assert_eq!(
        lines(&prepared),
        [
            "power_mode (platform_profile): balanced -> performance = performance",
            "suspend_charging (BAT0/charge_behaviour): auto -> inhibit-charge = inhibit-charge",
            "screen (backlight/intel_backlight): 0 -> 4 = 4"
        ]
    );
    bench.stubborn.borrow_mut().insert(charge, "[auto] inhibit-charge force-discharge\n".to_owned());
    let restored = bench.restored(&[]).expect("something was set");
    assert_eq!(
        fates(&restored),
        [
            "screen (backlight/intel_backlight): PutBack, 0",
            "suspend_charging (BAT0/charge_behaviour): PutBack, auto",
            "power_mode (platform_profile): PutBack, balanced"
        ]
    );
}

#[test]
fn a_device_without_any_of_it_says_so_of_each() {
    let bench = Bench::new();
    let spec = PrepareSpec {
        power_mode: Some("performance".to_owned()),
        min_freq_khz: all(1),
        max_freq_khz: all(2),
        stay_awake: true,
        airplane_mode: true,
        suspend_charging: true,
        screen: Some(Screen::Off),
        ..governor("performance")
    };
    let prepared = bench.prepared(&spec);
    let no_cpufreq =
        "this system has no cpufreq: nobody can set the clocks of its CPUs, as in most virtual machines";
    assert_eq!(
        prepared.problems(),
        [
            "power_mode: this device has no power modes: no nvpmodel, no Android, no ACPI platform profile",
            &format!("governor: {no_cpufreq}"),
            &format!("max_freq_khz: {no_cpufreq}"),
            &format!("min_freq_khz: {no_cpufreq}"),
            "stay_awake: only Android has it",
            "airplane_mode: only Android has it",
            "suspend_charging: nothing on this device can suspend its charging",
            "screen: no screen that can be switched was found",
        ]
    );
    assert!(is_empty(&bench.work_dir()));
}

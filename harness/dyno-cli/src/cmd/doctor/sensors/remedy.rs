//! What mends a sensor that cannot be read, and what to know of the sources that can.

use dyno_model::sample::AccuracyClass;
use dyno_model::sensor_test::{SourceTest, SourceVerdict};

use super::is_whole;

/// What mends it; `None` where nothing does that is sure.
pub(super) fn of(driver: &str, reason: &str) -> Option<&'static str> {
    let reason = reason.to_lowercase();
    let is_closed = reason.contains("permission") || reason.contains("not permitted");
    match driver {
        "powercap" if is_closed => {
            Some("sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj (until the next boot)")
        }
        "nvml" => {
            Some("run `cargo xtask dist`, so that the device gets an agent that can load NVIDIA's library")
        }
        "odpm" if is_closed => Some(
            "adb root where the build allows it; else the battery's gauge, unplugged, or an external meter",
        ),
        "vcio" | "pmic" if is_closed => {
            Some("let the login into the group `video`: sudo usermod -aG video $USER")
        }
        _ if is_closed => Some("let the login read it, or measure as root"),
        _ if reason.contains("more than") => None,
        _ => None,
    }
}

/// What may be done with the sources that there are.
pub(super) fn notes(tests: &[SourceTest]) -> Vec<String> {
    let is_good = |test: &&SourceTest| matches!(test.verdict, SourceVerdict::Usable | SourceVerdict::Negated);
    let good: Vec<&SourceTest> = tests.iter().filter(is_good).collect();
    let best = good.iter().filter(|test| is_whole(test)).map(|test| test.class).min();
    let mut notes = vec![match (best, tests.is_empty()) {
        (Some(AccuracyClass::A), _) => {
            "a calibrated meter on the whole device (class A): energy may be compared with other devices that have one"
                .to_owned()
        }
        (Some(class), _) => format!(
            "the best source is of class {class:?}: compare runs on this device, not with other devices; for that, put a \
             meter between supply and device"
        ),
        (None, true) => {
            "no source of power is there: energy needs a meter between supply and device".to_owned()
        }
        (None, false) => "no source of the whole follows the load: energy needs a meter between supply and device, or \
                          another try while nothing else works"
            .to_owned(),
    }];
    if good.iter().any(|test| test.class == AccuracyClass::D) {
        notes.push("class D is an estimate: a difference of a few per cent says nothing".to_owned());
    }
    let slow = good.iter().filter_map(|test| test.update_ns).max().filter(|ns| *ns >= 500_000_000);
    if let Some(ns) = slow {
        let seconds = ns as f64 / 1e9;
        notes.push(format!(
            "a source that tells something new each {seconds:.1} s needs loads of {:.0} s and more to be within 0.5 %",
            seconds * 100.0
        ));
    }
    notes
}

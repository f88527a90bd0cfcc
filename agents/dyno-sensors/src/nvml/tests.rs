//! The driver over a library of our own that speaks the C ABI (`tests/fixtures/nvml/stub.c`), compiled by `cc`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dyno_model::sample::AccuracyClass::{A, B, C};
use dyno_model::sample::{AccuracyClass, Channel, Quantity, Scope};

use super::*;

/// How long a test waits for what must come (house rule): long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const GPU: &str = "init 0\ncount 1\nenergy0 5000\nfield186.0 250123\nkind186.0 1\n";

/// The library in a folder of its own, and its answers.
struct Stub {
    dir: tempfile::TempDir,
    n_stuck: &'static AtomicUsize,
}

impl Stub {
    fn new(answers: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/nvml/stub.c");
        let library = dir.path().join("libnvidia-ml.so.1");
        let cc = Command::new("cc")
            .args(["-shared", "-fPIC", "-D_GNU_SOURCE", "-o"])
            .arg(&library)
            .args([source, "-ldl"])
            .output()
            .expect("a C compiler `cc` is needed for this test: apt-get install build-essential");
        assert!(cc.status.success(), "{}", String::from_utf8_lossy(&cc.stderr));
        let stub = Self { dir, n_stuck: Box::leak(Box::new(AtomicUsize::new(0))) };
        stub.answer(answers);
        stub
    }

    /// From now on these are the answers; never half of them.
    fn answer(&self, lines: &str) {
        let part = self.dir.path().join("part");
        std::fs::write(&part, lines).expect("our own folder");
        std::fs::rename(&part, self.dir.path().join("answers")).expect("our own folder");
    }

    fn library(&self) -> PathBuf {
        self.dir.path().join("libnvidia-ml.so.1")
    }

    fn driver(&self) -> Nvml {
        Nvml {
            library: Some(self.library()),
            n_stuck: self.n_stuck,
            probe_limit: PATIENCE,
            stop_limit: PATIENCE,
        }
    }

    fn probe(&self) -> Found {
        probe(&self.driver())
    }

    fn is_closed(&self) -> bool {
        self.dir.path().join("libnvidia-ml.so.1.closed").exists()
    }
}

fn probe(driver: &Nvml) -> Found {
    driver.probe(&SysRoot::real(), &ProbeContext::new(100)).expect("nothing is listed")
}

fn notes(found: &Found) -> Vec<(&str, &str)> {
    found.unreadable.iter().map(|one| (one.what.as_str(), one.reason.as_str())).collect()
}

/// The next row that is like that.
fn until(sensor: &mut Box<dyn Sensor>, is_it: impl Fn(&[Option<i64>]) -> bool) -> Vec<Option<i64>> {
    let begun = Instant::now();
    let mut row = vec![None; sensor.channels().len()];
    while begun.elapsed() < PATIENCE {
        if sensor.read(&mut row).is_ok() && is_it(&row) {
            return row;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{:?} had no such row; the last was {row:?}", sensor.channels());
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Quantity, site, class, scope and period of each channel.
type Told<'a> = (Quantity, &'a str, AccuracyClass, Option<Scope>, u32);

fn channels(sensor: &dyn Sensor) -> Vec<Told<'_>> {
    let told = |one: &'_ Channel| (one.quantity, one.class, one.scope, one.period_ms);
    let channels = sensor.channels().iter();
    channels
        .map(|one| (told(one), one.site.as_str()))
        .map(|((q, c, s, p), site)| (q, site, c, s, p))
        .collect()
}

#[test]
fn figures_come_in_the_units_of_their_quantities() {
    let pid = std::process::id();
    let slow = "sm0 1980\nmemclock0 2619\ntemperature0 61\nfield82.0 70\nreasons0 68\nfield74.0 1000\n\
                field251.0 5\nfield252.0 6\nfield253.0 0\nmemory0 8589934592\nbusy0 1000000 50\n";
    // The test itself as the runtime, in both lists, beside process 1.
    let processes = format!("compute0 1 900 {pid} 1000\ngraphics0 {pid} 1000\n");
    let stub = Stub::new(&format!("{GPU}{slow}{processes}"));
    let context = ProbeContext::new(100);
    context.watched.store(pid, Ordering::Relaxed);
    let mut found = stub.driver().probe(&SysRoot::real(), &context).expect("nothing is listed");
    assert_eq!(notes(&found), []);
    let [energy, power, slow] = &mut found.sensors[..] else { panic!("three sensors") };
    let whole = Some(Scope::Package);
    assert_eq!(channels(&**energy), [(Quantity::EnergyUj, "gpu0", B, whole, 100)]);
    // 5,000 mJ.
    assert_eq!(until(energy, |row| row[0].is_some()), [Some(5_000_000)]);
    assert_eq!(channels(&**power), [(Quantity::PowerUw, "gpu0 instant", C, whole, 100)]);
    assert_eq!(until(power, |row| row[0].is_some()), [Some(250_123_000)]);
    let expected = [
        ((Quantity::FreqKhz, "gpu0 sm", C, None, 1000), Some(1_980_000)),
        ((Quantity::FreqKhz, "gpu0 memory", C, None, 1000), Some(2_619_000)),
        ((Quantity::TempMdegc, "gpu0", C, None, 1000), Some(61_000)),
        ((Quantity::TempMdegc, "gpu0 memory", C, None, 1000), Some(70_000)),
        // 0x4, the power cap, and 0x40, heat seen by hardware.
        ((Quantity::ThrottleFlags, "gpu0", A, None, 1000), Some(0x44)),
        ((Quantity::ThrottleNs, "gpu0 power cap", B, None, 1000), Some(1000)),
        ((Quantity::ThrottleNs, "gpu0 thermal", B, None, 1000), Some(5)),
        ((Quantity::ThrottleNs, "gpu0 hardware thermal", B, None, 1000), Some(6)),
        ((Quantity::ThrottleNs, "gpu0 power brake", B, None, 1000), Some(0)),
        ((Quantity::AcceleratorBusyNs, "gpu0", C, None, 1000), Some(0)),
        ((Quantity::GpuBytes, "gpu0", A, None, 1000), Some(8 << 30)),
        ((Quantity::GpuBytes, "gpu0 process", A, None, 1000), Some(1000)),
    ];
    assert_eq!(channels(&**slow), expected.map(|(channel, _)| channel));
    assert_eq!(until(slow, |row| row[0].is_some()), expected.map(|(_, value)| value));
}

#[test]
fn what_a_gpu_does_not_tell_is_left_out_and_listed_never_0() {
    // As on a Jetson Orin, whose library is there but tells next to nothing; 4,294,967,295 is "not available".
    let stub = Stub::new("init 0\ncount 1\ntemperature0 45\nsm0 4294967295\npower0 0\nmemory0 E4\n");
    let found = stub.probe();
    let sites: Vec<_> = found.sensors.iter().flat_map(|sensor| channels(&**sensor)).collect();
    assert_eq!(sites, [(Quantity::TempMdegc, "gpu0", C, None, 1000)]);
    let notes = notes(&found);
    assert_eq!(
        notes[1],
        (
            "gpu0: memory",
            "the current user does not have permission to perform this operation: run the agent as a user who may \
             open /dev/nvidiactl and /dev/nvidia0"
        )
    );
    assert_eq!(notes[0], ("gpu0: power, clock", "it says no sensible value"));
    assert!(notes[2].0.starts_with("gpu0: energy, power, memory clock, memory temperature"), "{notes:?}");
    assert_eq!((notes[2].1, notes.len()), ("this GPU does not tell it", 3));
}

#[test]
fn power_says_whether_it_is_averaged() {
    let check = |answers: &str, expected: &str, value| {
        let stub = Stub::new(&format!("init 0\ncount 1\n{answers}"));
        let mut found = stub.probe();
        assert_eq!(channels(&*found.sensors[0])[0].1, expected, "{answers}");
        assert_eq!(until(&mut found.sensors[0], |row| row[0].is_some()), [Some(value)], "{answers}");
        assert!(
            notes(&found).iter().all(|(what, _)| !what.contains("power,")),
            "one way is enough: {answers}"
        );
    };
    check("field185.0 80000\npower0 81000\n", "gpu0 average", 80_000_000);
    // Turing; an A100, which is GA100; an RTX 3090; an H100; something newer than this program.
    check("power0 81000\narchitecture0 6\n", "gpu0 instant", 81_000_000);
    check("power0 81000\narchitecture0 7\npci0 548409566\n", "gpu0 instant", 81_000_000);
    check("power0 81000\narchitecture0 7\npci0 570691806\n", "gpu0 average", 81_000_000);
    check("power0 81000\narchitecture0 9\n", "gpu0 average", 81_000_000);
    check("power0 81000\narchitecture0 4294967295\n", "gpu0", 81_000_000);
}

#[test]
fn newer_drivers_number_their_fields_otherwise() {
    let stub = Stub::new("init 0\ncount 1\ndriver 580.95.05\nfield269.0 7\nfield270.0 8\nfield271.0 9\n");
    let mut found = stub.probe();
    let sites: Vec<_> = channels(&*found.sensors[0]).iter().map(|channel| channel.1.to_owned()).collect();
    assert_eq!(sites, ["gpu0 thermal", "gpu0 hardware thermal", "gpu0 power brake"]);
    assert_eq!(until(&mut found.sensors[0], |row| row[0].is_some()), [Some(7), Some(8), Some(9)]);
}

#[test]
fn a_library_that_refuses_is_listed_with_what_helps() {
    let check = |code: &str, words: &str| {
        let found = Stub::new(&format!("init {code}\n")).probe();
        assert!(found.sensors.is_empty(), "{code}");
        let notes = notes(&found);
        assert!(notes.len() == 1 && notes[0].0 == "NVIDIA GPUs" && notes[0].1.contains(words), "{notes:?}");
    };
    check("E9", "NVIDIA driver is not loaded: load NVIDIA's kernel driver");
    check("E18", "driver/library version mismatch: restart the device");
    check("E4", "run the agent as a user who may open /dev/nvidiactl");
    check("E17", "let the container");
    check("E999", "an internal driver error");
    check("E12345", "12345");
}

#[test]
fn no_gpu_and_no_library_are_no_error() {
    let found = Stub::new("init 0\ncount 0\n").probe();
    assert_eq!((found.sensors.len(), notes(&found)), (0, vec![]));
    let stub = Stub::new("");
    std::fs::remove_file(stub.library()).expect("our own file");
    let found = stub.probe();
    // On a machine with NVIDIA's driver a missing library is worth a word.
    let is_told = notes(&found).iter().any(|(_, reason)| reason.contains("libnvidia-ml.so.1 is not there"));
    assert_eq!((found.sensors.len(), is_told), (0, has_driver(&SysRoot::real())));
}

#[test]
fn one_gpu_that_is_closed_to_us_keeps_no_other_from_being_read() {
    let stub = Stub::new("init 0\ncount 2\nhandle0 E4\nenergy0 1\nenergy1 2\nmig1 1\n");
    let mut found = stub.probe();
    assert_eq!(channels(&*found.sensors[0])[0].1, "gpu1");
    assert_eq!(until(&mut found.sensors[0], |row| row[0].is_some()), [Some(2000)]);
    let notes = notes(&found);
    assert!(notes[0].0 == "gpu0" && notes[0].1.contains("permission"), "{notes:?}");
    assert_eq!(
        notes[1],
        ("MIG instances of gpu1", "power, energy and temperature are those of the whole card")
    );
}

#[test]
fn a_counter_is_given_as_it_is_or_not_at_all() {
    let stub = Stub::new("init 0\ncount 1\nenergy0 9223372036854775\n");
    let mut found = stub.probe();
    let energy = &mut found.sensors[0];
    assert_eq!(until(energy, |row| row[0].is_some()), [Some(9_223_372_036_854_775_000)]);
    // One more does not fit in uJ; the highest number is "not available".
    for beyond in ["9223372036854776", "18446744073709551615", "E999", "E3"] {
        stub.answer(&format!("init 0\ncount 1\nenergy0 {beyond}\n"));
        until(energy, |row| row[0].is_none());
    }
    // The driver was loaded anew: the counter began again, and whoever reads it sees that.
    stub.answer("init 0\ncount 1\nenergy0 3\n");
    assert_eq!(until(energy, |row| row[0].is_some()), [Some(3000)]);
}

#[test]
fn a_gpu_that_falls_off_its_bus_has_no_values_and_is_not_asked_again() {
    let stub = Stub::new(GPU);
    let mut found = stub.probe();
    let [energy, power] = &mut found.sensors[..] else { panic!("two sensors") };
    until(power, |row| row[0].is_some());
    stub.answer("init 0\ncount 1\nenergy0 E15\nfield186.0 9000\nkind186.0 1\n");
    until(energy, |row| row[0].is_none());
    until(power, |row| row[0].is_none());
    stub.answer(GPU);
    let mut row = [Some(-1)];
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(200) {
        assert!(energy.read(&mut row).is_err() || row[0].is_none(), "{row:?}");
    }
}

#[test]
fn a_call_that_hangs_is_a_gap_and_keeps_nobody_waiting() {
    let stub = Stub::new(GPU);
    let mut found = stub.probe();
    let [energy, power] = &mut found.sensors[..] else { panic!("two sensors") };
    until(energy, |row| row[0].is_some());
    stub.answer("init 0\ncount 1\nenergy0 hang\nfield186.0 250123\nkind186.0 1\n");
    // Both are asked by one thread, so that both are silent.
    until(energy, |row| row[0].is_none());
    until(power, |row| row[0].is_none());
    stub.answer(&GPU.replace("5000", "6000"));
    assert_eq!(until(energy, |row| row[0].is_some()), [Some(6_000_000)]);
    until(power, |row| row[0].is_some());
}

#[test]
fn a_library_that_hangs_at_once_is_given_up_and_tried_again_when_it_is_back() {
    let stub = Stub::new("init hang\n");
    let driver = Nvml { probe_limit: Duration::from_millis(50), ..stub.driver() };
    let found = probe(&driver);
    assert!(
        notes(&found)[0].1.starts_with("NVIDIA's library did not answer within 50ms"),
        "{:?}",
        notes(&found)
    );
    assert!(notes(&probe(&driver))[0].1.starts_with("an earlier call"), "no second thread");
    stub.answer(GPU);
    wait_for("the thread ends by itself", || stub.n_stuck.load(Ordering::Acquire) == 0);
    assert_eq!(stub.probe().sensors.len(), 2);
}

#[test]
fn the_library_is_closed_at_the_end_unless_it_hangs() {
    let stub = Stub::new(GPU);
    let found = stub.probe();
    assert!(!stub.is_closed());
    drop(found);
    assert!(stub.is_closed(), "whoever drops the last sensor waits for that");
    assert_eq!(stub.n_stuck.load(Ordering::Acquire), 0);

    let stub = Stub::new(GPU);
    let driver = Nvml { stop_limit: Duration::from_millis(50), ..stub.driver() };
    let mut found = probe(&driver);
    until(&mut found.sensors[0], |row| row[0].is_some());
    stub.answer("energy0 hang\n");
    until(&mut found.sensors[0], |row| row[0].is_none());
    drop(found);
    assert_eq!((stub.n_stuck.load(Ordering::Acquire), stub.is_closed()), (1, false));
    stub.answer(GPU);
    wait_for("the thread ends by itself", || stub.n_stuck.load(Ordering::Acquire) == 0);
    wait_for("the library is closed", || stub.is_closed());
}

#[test]
fn a_tree_of_files_is_not_asked_about_gpus_of_this_machine() {
    let stub = Stub::new(GPU);
    let tree = SysRoot::tree(stub.dir.path());
    let found = stub.driver().probe(&tree, &ProbeContext::new(100)).expect("nothing is listed");
    assert_eq!((found.sensors.len(), notes(&found)), (0, vec![]));
    assert!(tells_energy(&tree).is_err());
}

#[test]
fn sensors_are_read_at_multiples_of_the_base_period() {
    let periods = |period_ms: u32| {
        let stub = Stub::new(&format!("{GPU}temperature0 50\n"));
        let context = ProbeContext::new(period_ms);
        let found = stub.driver().probe(&SysRoot::real(), &context).expect("nothing is listed");
        found.sensors.iter().map(|sensor| sensor.channels()[0].period_ms).collect::<Vec<_>>()
    };
    assert_eq!(periods(100), [100, 100, 1000]);
    assert_eq!(periods(30), [120, 120, 1020]);
    assert_eq!(periods(5000), [5000, 5000, 5000]);
}

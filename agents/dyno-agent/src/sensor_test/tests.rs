//! Sources whose truth is known: rows made by hand, and trees that are played.

use std::path::Path;

use dyno_model::sample::{AccuracyClass, Channel, Quantity, Scope};
use dyno_model::sensor_test::SourceVerdict;
use dyno_runtimes::interrupt::Asked;
use dyno_sensors::Stepped;
use dyno_sensors::played::{Curve, Knots, Play, counter, fixed, frozen_from, lay_out, reading};

use super::*;

const MS: u64 = 1_000_000;
const W: i64 = 1_000_000;
/// Seven phases of 3 s.
const SPAN_MS: u64 = 3000;

fn phases() -> Vec<Phase> {
    let at = |idx: u64| MonoNs(idx * SPAN_MS * MS);
    (0..7).map(|idx| Phase { from: at(idx), to: at(idx + 1), is_busy: idx % 2 == 1 }).collect()
}

/// `idle` at rest and `busy` under load, `lag_ms` late.
fn steps(idle: i64, busy: i64, lag_ms: u64) -> Curve {
    let knot = |idx: u64| {
        (if idx == 0 { 0 } else { idx * SPAN_MS + lag_ms }, if idx % 2 == 1 { busy } else { idle })
    };
    Curve::of(Knots::Steps, &(0..7).map(knot).collect::<Vec<_>>())
}

/// Rows every 50 ms of one channel.
fn one(
    quantity: Quantity,
    scope: Option<Scope>,
    wraps_at: Option<u64>,
    value: impl Fn(u64) -> Option<i64>,
) -> SourceTest {
    let channel = Channel { scope, wraps_at, ..Channel::new(quantity, "x", AccuracyClass::C, 50) };
    let declared = [SensorDeclared { sensor: 3, driver: "hwmon".to_owned(), channels: vec![channel] }];
    let at: Vec<u64> = (0..=420).map(|tick| tick * 50 * MS).collect();
    let values = at.iter().map(|at| value(*at)).collect();
    let batch = SampleBatch { sensor: 3, at_ns: at.into_iter().map(MonoNs).collect(), values };
    tests(&declared, &[batch], &phases()).pop().expect("one source")
}

fn power(scope: Scope, value: impl Fn(u64) -> Option<i64>) -> SourceTest {
    one(Quantity::PowerUw, Some(scope), None, value)
}

fn why(test: &SourceTest) -> &str {
    match &test.verdict {
        SourceVerdict::Unusable { why } | SourceVerdict::Untried { why } => why,
        SourceVerdict::Usable | SourceVerdict::Negated => panic!("{test:?}"),
    }
}

#[test]
fn a_good_sensor_has_its_period_lag_and_levels() {
    let curve = steps(5 * W, 15 * W, 400);
    // Noise that differs from reading to reading, so that each reading is a change: 50 ms.
    let noisy = |at: u64| Some(curve.at(at) + i64::try_from(at / (50 * MS) % 7).expect("small") * 1000);
    let test = power(Scope::Board, noisy);
    assert_eq!(test.verdict, SourceVerdict::Usable);
    assert_eq!((test.n_steps, test.n_followed), (6, 6));
    assert_eq!((test.update_ns, test.lag_ns), (Some(50 * MS), Some(400 * MS)));
    let levels = [(test.idle_uw, 5 * W), (test.busy_uw, 15 * W)];
    assert!(levels.iter().all(|(got, truth)| got.is_some_and(|got| (got - truth).abs() <= 6000)), "{test:?}");
}

#[test]
fn a_slow_sensors_period_is_the_time_between_its_readings() {
    let curve = steps(5 * W, 15 * W, 0);
    // It takes a value each 500 ms and holds it; each one has its own noise.
    let held = |at: u64| {
        let taken = at / (500 * MS) * (500 * MS);
        Some(curve.at(taken) + i64::try_from(taken / (500 * MS) % 5).expect("small"))
    };
    let test = power(Scope::Device, held);
    assert_eq!((test.verdict, test.update_ns), (SourceVerdict::Usable, Some(500 * MS)));
}

#[test]
fn a_counter_is_known_by_its_slopes_over_a_wrap() {
    let curve = steps(4 * W, 20 * W, 300);
    // In 21 s: 12 s × 4 W + 9 s × 20 W = 228 J; the counter begins at 199.9 J and wraps at 200 J.
    let top = 200_000_000;
    let count = |at: u64| {
        let value = dyno_sensors::played::count(&curve, 199_900_000, Some(top), at);
        Some(i64::try_from(value).expect("below the top"))
    };
    let test = one(Quantity::EnergyUj, Some(Scope::Package), Some(top), count);
    assert_eq!((test.idle_uw, test.busy_uw, test.n_followed), (Some(4 * W), Some(20 * W), 6));
    assert_eq!((test.verdict, test.update_ns), (SourceVerdict::Usable, Some(50 * MS)));
    let lag = test.lag_ns.expect("it follows");
    assert!(lag.abs_diff(300 * MS) < 2 * MS, "{lag}");
    // The same without a range is a counter that went back.
    let broken = one(Quantity::EnergyUj, Some(Scope::Package), None, count);
    assert_eq!(why(&broken), "its count went back 2 times");
}

#[test]
fn what_a_source_can_have_wrong() {
    let check = |scope, value: &dyn Fn(u64) -> Option<i64>, expected: &str| {
        let test = power(scope, value);
        assert!(matches!(test.verdict, SourceVerdict::Unusable { .. }), "{test:?}");
        assert!(why(&test).starts_with(expected), "{test:?}");
    };
    check(Scope::Device, &|_at| Some(7 * W), "it said 7.000 W all the time");
    check(Scope::Device, &|_at| None, "it could be read 0 of 421 times");
    let milli = steps(1200, 4800, 0);
    check(Scope::Device, &|at| Some(milli.at(at)), "0.001 W at rest, 0.005 W under load: a whole device");
    let kilo = steps(1200 * W, 4800 * W, 0);
    check(
        Scope::Device,
        &|at| Some(kilo.at(at)),
        "1200.000 W at rest, 4800.000 W under load: a whole device",
    );
    let absurd = steps(1 << 50, 1 << 60, 0);
    check(Scope::Package, &|at| Some(absurd.at(at)), "1125899906.843 W at rest");
    let falling = steps(9 * W, 3 * W, 0);
    check(Scope::Device, &|at| Some(falling.at(at)), "9.000 W at rest, 3.000 W under load: it falls");
    let fed = steps(-9 * W, -3 * W, 0);
    check(Scope::Device, &|at| Some(fed.at(at)), "-9.000 W at rest, -3.000 W under load: negative");
    // Jumps between 2 W and 30 W with no regard to the load, a multiplicative generator's top bit (Lehmer, 48271).
    let mut jumps = vec![1_u64];
    while jumps.len() < 421 {
        jumps.push(jumps[jumps.len() - 1] * 48271 % 2_147_483_647);
    }
    let jump = |at: u64| {
        let tick = usize::try_from(at / (50 * MS)).expect("small");
        Some(if jumps[tick] > 1 << 30 { 30 * W } else { 2 * W })
    };
    let test = power(Scope::Device, jump);
    assert!(matches!(test.verdict, SourceVerdict::Unusable { .. }), "{test:?}");
    // Frozen from the middle on: it followed three steps of six.
    let curve = steps(5 * W, 15 * W, 0);
    let frozen = power(Scope::Device, |at| Some(curve.at(at.min(10_000 * MS))));
    assert!(why(&frozen).contains("it followed 3 of 6 steps"), "{frozen:?}");
    // A part that no load of the CPUs reaches is neither good nor bad.
    let part = power(Scope::Part, |at| Some(W + i64::try_from(at / (50 * MS) % 3).expect("small")));
    assert!(matches!(&part.verdict, SourceVerdict::Untried { .. }), "{part:?}");
}

#[test]
fn a_discharge_that_is_told_negative_is_negated() {
    let curve = steps(-2 * W, -6 * W, 0);
    let test = power(Scope::Device, |at| Some(curve.at(at)));
    assert_eq!(
        (test.verdict, test.idle_uw, test.busy_uw),
        (SourceVerdict::Negated, Some(-2 * W), Some(-6 * W))
    );
}

/// The tree of a fixture, with some files played for the 21 s of the phases; all tests of it by site.
fn played(fixture: &str, script: impl FnOnce(Play) -> Play) -> Vec<SourceTest> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../dyno-sensors/tests/fixtures/{fixture}.tree"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let dir = tempfile::tempdir().expect("a temporary folder");
    lay_out(&text, dir.path()).expect("a tree");
    let mut play = script(Play::of(dir.path()));
    play.show(0).expect("a temporary tree");
    let mut sampler = Stepped::probe(&SysRoot::tree(dir.path()), PERIOD_MS);
    for tick in 0..=420 {
        play.show(tick * 50 * MS).expect("a temporary tree");
        sampler.step(MonoNs(tick * 50 * MS));
    }
    let declared = sampler.declared().to_vec();
    tests(&declared, &sampler.finish(), &phases())
}

fn of<'t>(tests: &'t [SourceTest], site: &str) -> &'t SourceTest {
    tests.iter().find(|test| test.site == site).unwrap_or_else(|| panic!("{site} of {tests:?}"))
}

#[test]
fn a_jetsons_rail_follows_and_the_others_stay_untried() {
    // At 5 V: 1 A at rest, 3 A under load.
    let amps = steps(1_000_000, 3_000_000, 100);
    let tests = played("jetson-orin-nano", |play| {
        play.file("sys/class/hwmon/hwmon1/in1_input", fixed("5000"))
            .file("sys/class/hwmon/hwmon1/curr1_input", reading(amps, 1000))
    });
    let module = of(&tests, "VDD_IN");
    assert_eq!((&module.verdict, module.scope), (&SourceVerdict::Usable, Some(Scope::Board)));
    assert_eq!((module.idle_uw, module.busy_uw, module.lag_ns), (Some(5 * W), Some(15 * W), Some(100 * MS)));
    let soc = of(&tests, "VDD_SOC");
    assert!(matches!(&soc.verdict, SourceVerdict::Untried { .. }), "{soc:?}");
    // The rail of the CPUs stands still while they work: that is a fault.
    let cpu = of(&tests, "VDD_CPU_GPU_CV");
    assert!(matches!(&cpu.verdict, SourceVerdict::Unusable { .. }), "{cpu:?}");
}

#[test]
fn a_laptops_counter_follows_and_one_that_freezes_does_not() {
    let file = "sys/class/powercap/intel-rapl:0/energy_uj";
    let watts = || steps(8 * W, 25 * W, 0);
    let good = played("laptop-amd", |play| play.file(file, counter(watts(), 0, None)));
    assert_eq!(of(&good, "package-0").verdict, SourceVerdict::Usable);
    let frozen =
        played("laptop-amd", |play| play.file(file, frozen_from(7 * 1000 * MS, counter(watts(), 0, None))));
    assert!(matches!(of(&frozen, "package-0").verdict, SourceVerdict::Unusable { .. }), "{frozen:?}");
}

/// A phone's gauge at 4 V with a current in the file's own unit.
fn gauge(status: &'static str, idle: i64, busy: i64) -> SourceTest {
    let folder = "sys/class/power_supply/battery";
    let tests = played("phone-fuel-gauge", |play| {
        play.file(&format!("{folder}/status"), fixed(status))
            .file(&format!("{folder}/voltage_now"), fixed("4000000"))
            .file(&format!("{folder}/current_now"), reading(steps(idle, busy, 0), 1))
    });
    of(&tests, "battery").clone()
}

#[test]
fn a_phones_gauge_is_settled_in_sign_and_unit() {
    // 0.3 A and 1.2 A at 4 V.
    let plus = gauge("Discharging", 300_000, 1_200_000);
    assert_eq!(
        (&plus.verdict, plus.idle_uw, plus.busy_uw),
        (&SourceVerdict::Usable, Some(1_200_000), Some(4_800_000))
    );
    assert_eq!(gauge("Discharging", -300_000, -1_200_000).verdict, SourceVerdict::Negated);
    let milli = gauge("Discharging", 300, 1200);
    assert!(why(&milli).contains("mA for µA"), "{milli:?}");
    for (status, word) in
        [("Charging", "being charged"), ("Full", "the charger does"), ("Not charging", "the charger does")]
    {
        let fed = gauge(status, 300_000, 1_200_000);
        assert!(matches!(&fed.verdict, SourceVerdict::Unusable { why } if why.contains(word)), "{fed:?}");
    }
}

#[test]
fn static_trees_follow_nothing() {
    for fixture in ["jetson-orin-nano", "jetson-agx-orin", "laptop-amd", "phone-fuel-gauge", "pixel-8"] {
        let tests = played(fixture, |play| play);
        assert!(!tests.is_empty(), "{fixture}");
        for test in tests {
            assert!(
                matches!(test.verdict, SourceVerdict::Unusable { .. } | SourceVerdict::Untried { .. }),
                "{fixture}: {test:?}"
            );
            assert_eq!(
                (test.n_followed, test.lag_ns, test.update_ns),
                (0, None, None),
                "{fixture}: {test:?}"
            );
        }
    }
}

#[test]
fn the_load_and_the_sampler_run_together_and_an_interrupt_ends_them() {
    let interrupt = Interrupt::new().expect("a pipe");
    let tried = run(SysRoot::real(), &interrupt, 350).expect("threads");
    assert!(!tried.declared.is_empty());
    interrupt.raise(Asked::Cancel);
    assert!(matches!(run(SysRoot::real(), &interrupt, 60_000), Err(ExamineError::Cancelled { .. })));
}

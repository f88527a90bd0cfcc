//! Devices that are played: rows against the truth of the curves, which each test works out by hand.

mod tree;

use std::time::{Duration, Instant};

use dyno_model::clock::MonoNs;
use dyno_model::sample::{Channel, Quantity, SampleBatch, SensorDeclared};
use dyno_sensors::played::{Curve, Knots, Play, counter, except, fixed, frozen_from, odpm, reading, until};
use dyno_sensors::{Sampler, SamplerConfig, Stepped, SysRoot};

use crate::tree::Tree;

const S: u64 = 1_000_000_000;
const W: i64 = 1_000_000;

/// All rows of one channel, as times in ns and values.
type Points = Vec<(u64, Option<i64>)>;

/// What was sampled.
struct Record {
    declared: Vec<SensorDeclared>,
    batches: Vec<SampleBatch>,
}

impl Record {
    /// Plays `seconds` at 10 Hz.
    fn of(mut play: Play, root: &SysRoot, seconds: u64) -> Self {
        play.show(0).expect("a temporary tree");
        let mut sampler = Stepped::probe(root, 100);
        for tick in 0..=seconds * 10 {
            let at_ns = tick * S / 10;
            play.show(at_ns).expect("a temporary tree");
            sampler.step(MonoNs(at_ns));
        }
        let declared = sampler.declared().to_vec();
        Self { declared, batches: sampler.finish() }
    }

    fn find(&self, quantity: Quantity, site: &str) -> (u16, usize, usize, Channel) {
        let column = |sensor: &SensorDeclared| {
            let is = |channel: &Channel| channel.quantity == quantity && channel.site == site;
            sensor.channels.iter().position(is)
        };
        let found = self.declared.iter().find_map(|sensor| Some((sensor, column(sensor)?)));
        let (sensor, column) = found.unwrap_or_else(|| panic!("{quantity:?} {site} of {:?}", self.declared));
        (sensor.sensor, column, sensor.channels.len(), sensor.channels[column].clone())
    }

    fn points(&self, quantity: Quantity, site: &str) -> Points {
        let (sensor, column, width, _) = self.find(quantity, site);
        let of_sensor = self.batches.iter().filter(|batch| batch.sensor == sensor);
        let rows = of_sensor.flat_map(|batch| {
            let values = batch.values.iter().skip(column).step_by(width);
            batch.at_ns.iter().zip(values).map(|(at, value)| (at.0, *value))
        });
        rows.collect()
    }

    /// A counter's growth over all rows in J, with its wraps taken back.
    fn joules_of_counter(&self, site: &str) -> f64 {
        let round = self
            .find(Quantity::EnergyUj, site)
            .3
            .wraps_at
            .map(|top| i64::try_from(top).expect("it fits") + 1);
        let values: Vec<i64> =
            self.points(Quantity::EnergyUj, site).into_iter().filter_map(|point| point.1).collect();
        let growth = |pair: &[i64]| match pair[1] - pair[0] {
            negative @ ..0 => negative + round.expect("only a counter with a range wraps"),
            grown => grown,
        };
        values.windows(2).map(growth).sum::<i64>() as f64 / 1e6
    }

    /// The trapezoids below a power channel in J.
    fn joules_of_power(&self, site: &str) -> f64 {
        let points: Vec<(u64, i64)> = self
            .points(Quantity::PowerUw, site)
            .into_iter()
            .filter_map(|(at, value)| Some((at, value?)))
            .collect();
        let piece =
            |pair: &[(u64, i64)]| (pair[0].1 + pair[1].1) as f64 / 2.0 * (pair[1].0 - pair[0].0) as f64;
        points.windows(2).map(piece).sum::<f64>() / 1e15
    }
}

fn within(got: f64, truth: f64, per_cent: f64) {
    assert!(
        (got - truth).abs() <= truth.abs() * per_cent / 100.0,
        "{got} is not within {per_cent} % of {truth}"
    );
}

#[test]
fn a_laptops_counter_keeps_the_energy_over_a_wrap() {
    let tree = Tree::of_fixture("laptop-amd");
    // 30 s of 2 s at 25 W, 3 s at 8 W: 6 × (50 + 24) J = 444 J; the counter begins 100 J below its end.
    let power = Curve::square((8 * W, 25 * W), (2000, 5000), 30_000);
    let top = 65_532_610_987;
    let play = Play::of(tree.path())
        .file("sys/class/powercap/intel-rapl:0/energy_uj", counter(power, top - 100_000_000, Some(top)));
    let record = Record::of(play, &SysRoot::tree(tree.path()), 30);
    let first = record.points(Quantity::EnergyUj, "package-0")[0].1;
    assert_eq!(first, Some(65_432_610_987), "raw as it was");
    within(record.joules_of_counter("package-0"), 444.0, 0.001);
}

#[test]
fn a_jetsons_rails_give_the_energy_of_a_request_by_trapezoids() {
    let tree = Tree::of_fixture("jetson-orin-nano");
    // A request: 0.6 s of prefill at 3 A, 4.4 s of decode at 2 A, 5 s idle at 1 A; 5 V; four of them in 40 s.
    // (1.8 + 8.8 + 5) A·s × 5 V = 78 J each, 312 J in all; idle alone would be 200 J.
    let request =
        |begin_ms: u64| [(begin_ms, 3_000_000), (begin_ms + 600, 2_000_000), (begin_ms + 5000, 1_000_000)];
    let knots: Vec<(u64, i64)> = (0..4).flat_map(|n| request(n * 10_000)).collect();
    let current = Curve::of(Knots::Steps, &knots);
    let play = Play::of(tree.path())
        .file("sys/class/hwmon/hwmon1/in1_input", fixed("5000"))
        .file("sys/class/hwmon/hwmon1/curr1_input", reading(current, 1000));
    let record = Record::of(play, &SysRoot::tree(tree.path()), 40);
    // The last step is cut by half a period at most: 0.05 s × 10 W in 312 J.
    within(record.joules_of_power("VDD_IN"), 312.0, 5.0);
    let points = record.points(Quantity::PowerUw, "VDD_IN");
    assert_eq!(points.len(), 401);
    assert_eq!([points[5], points[6]], [(S / 2, Some(15 * W)), (6 * S / 10, Some(10 * W))]);
}

#[test]
fn requests_from_a_fifth_of_a_second_to_twenty_keep_their_energy_at_each_rate() {
    // Prefill at 12 W and decode at 8 W, one request after the other; lengths that share no period with a sampler of
    // 1 Hz or 10 Hz, which would see the same phase again and again.
    for (prefill_ms, decode_ms, n_requests) in [(210, 843, 120), (2030, 8170, 12), (20_110, 79_930, 3)] {
        let request = prefill_ms + decode_ms;
        let knots = (0..n_requests).flat_map(|n| [(n * request, 12 * W), (n * request + prefill_ms, 8 * W)]);
        let knots: Vec<(u64, i64)> = knots.chain([(n_requests * request, 0)]).collect();
        let power = || Curve::of(Knots::Steps, &knots);
        let truth = n_requests as f64 * (12.0 * prefill_ms as f64 + 8.0 * decode_ms as f64) / 1000.0;
        let seconds = (n_requests * request).div_ceil(1000) + 1;

        let amd = Tree::of_fixture("laptop-amd");
        let package = "sys/class/powercap/intel-rapl:0/energy_uj";
        let record = Record::of(
            Play::of(amd.path()).file(package, counter(power(), 0, None)),
            &SysRoot::tree(amd.path()),
            seconds,
        );
        within(record.joules_of_counter("package-0"), truth, 2.0);

        let jetson = Tree::of_fixture("jetson-orin-nano");
        // At 5 V, µA are µW / 5: the file's mA are thousandths of that.
        let play = Play::of(jetson.path())
            .file("sys/class/hwmon/hwmon1/in1_input", fixed("5000"))
            .file("sys/class/hwmon/hwmon1/curr1_input", reading(power(), 5000));
        within(
            Record::of(play, &SysRoot::tree(jetson.path()), seconds).joules_of_power("VDD_IN"),
            truth,
            5.0,
        );

        let intel = Tree::of_fixture("laptop-x86");
        let gauge = "sys/class/power_supply/BAT0/power_now";
        let play = Play::of(intel.path()).file(gauge, reading(power(), 1));
        within(Record::of(play, &SysRoot::tree(intel.path()), seconds).joules_of_power("BAT0"), truth, 10.0);
    }
}

#[test]
fn a_pixels_meter_gives_the_energy_of_each_rail() {
    let tree = Tree::of_fixture("pixel-8");
    // 20 s: the big cores at 4 W for half of each second and 0.5 W else, 45 J; the memory from 0.2 to 1 W, 12 J.
    let cores = Curve::square((W / 2, 4 * W), (500, 1000), 20_000);
    let memory = Curve::of(Knots::Ramps, &[(0, W / 5), (20_000, W)]);
    let file = "sys/bus/iio/devices/iio:device1/energy_value";
    let play = Play::of(tree.path()).file(file, odpm(vec![("S2M_VDD_CPUCL2", cores), ("VSYS_MEM", memory)]));
    let record = Record::of(play, &SysRoot::tree(tree.path()), 20);
    within(record.joules_of_counter("S2M_VDD_CPUCL2"), 45.0, 0.001);
    within(record.joules_of_counter("VSYS_MEM"), 12.0, 0.001);
}

/// A phone that heats up for 8 minutes, is capped, and is killed after 15.
fn a_phone_that_throttles(tree: &Tree) -> Play {
    let temp =
        Curve::of(Knots::Ramps, &[(0, 32_000), (480_000, 85_000), (540_000, 79_000), (1_200_000, 79_000)]);
    let cap = Curve::of(Knots::Steps, &[(0, 2_496_000), (480_000, 1_747_000)]);
    let state = Curve::of(Knots::Steps, &[(0, 0), (480_000, 9)]);
    let current = Curve::of(Knots::Steps, &[(0, 1_200_000), (480_000, 840_000)]);
    let policy = "sys/devices/system/cpu/cpufreq/policy7";
    let kills =
        except(900 * S..1200 * S, "pswpin 100\npswpout 9000\noom_kill 2", fixed("pswpin 100\noom_kill 1"));
    Play::of(tree.path())
        .file("sys/class/thermal/thermal_zone0/temp", reading(temp, 1))
        .file(&format!("{policy}/scaling_max_freq"), reading(cap.clone(), 1))
        .file(&format!("{policy}/scaling_cur_freq"), reading(cap, 1))
        .file("sys/class/thermal/cooling_device0/cur_state", reading(state, 1))
        .file("sys/class/power_supply/battery/current_now", reading(current, 1))
        .file("sys/class/power_supply/battery/voltage_now", fixed("4000000"))
        .file("proc/vmstat", kills)
}

#[test]
fn a_phones_soak_of_twenty_minutes_shows_onset_cause_and_kill() {
    let tree = Tree::of_fixture("phone-fuel-gauge");
    let record = Record::of(a_phone_that_throttles(&tree), &SysRoot::tree(tree.path()), 1200);
    let onset = |quantity, site: &str, changed: fn(i64) -> bool| {
        let points = record.points(quantity, site);
        points.into_iter().find(|point| point.1.is_some_and(changed)).map(|point| point.0)
    };
    assert_eq!(onset(Quantity::FreqCapKhz, "cpu7", |khz| khz < 2_496_000), Some(480 * S));
    assert_eq!(
        onset(Quantity::CoolingState, "cooling_device0 thermal-cpufreq-7", |state| state > 0),
        Some(480 * S)
    );
    assert_eq!(onset(Quantity::OomKills, "system", |kills| kills > 1), Some(900 * S));
    let temps = record.points(Quantity::TempMdegc, "thermal_zone0 cpu-1-7-0");
    assert_eq!((temps.len(), temps[480].1, temps[240].1), (1201, Some(85_000), Some(58_500)));
    // 480 s × 4.8 W + 720 s × 3.36 W = 4723.2 J, at 1 Hz.
    within(record.joules_of_power("battery"), 4723.2, 0.1);
}

#[test]
fn what_vanishes_is_a_gap_and_what_freezes_says_the_same() {
    let tree = Tree::of_fixture("jetson-orin-nano");
    let amps = || Curve::of(Knots::Ramps, &[(0, 1_000_000), (10_000, 2_000_000)]);
    let play = Play::of(tree.path())
        .file("sys/class/hwmon/hwmon1/curr1_input", until(5 * S, reading(amps(), 1000)))
        .file("sys/class/hwmon/hwmon1/curr2_input", frozen_from(5 * S, reading(amps(), 1000)))
        .file("sys/class/hwmon/hwmon1/curr3_input", except(3 * S..4 * S, "I/O error", reading(amps(), 1000)));
    let record = Record::of(play, &SysRoot::tree(tree.path()), 10);
    let amps = |site| record.points(Quantity::CurrentUa, site);
    let gone = amps("VDD_IN");
    assert_eq!(gone.iter().filter(|point| point.1.is_none()).count(), 51, "from 5.0 s to 10.0 s");
    assert!(gone.iter().all(|point| point.1.is_some() == (point.0 < 5 * S)));
    let frozen = amps("VDD_CPU_GPU_CV");
    assert!(frozen[50..].iter().all(|point| point.1 == Some(1_500_000)), "{frozen:?}");
    assert_eq!(amps("VDD_SOC").iter().filter(|point| point.1.is_none()).count(), 10);
}

#[test]
fn the_sampler_itself_sees_a_tree_that_is_played() {
    let tree = Tree::of_fixture("laptop-amd");
    let power = || Curve::square((10 * W, 30 * W), (50, 100), 60_000);
    let path = "sys/class/powercap/intel-rapl:0/energy_uj";
    let mut play = Play::of(tree.path()).file(path, counter(power(), 0, None));
    play.show(0).expect("a temporary tree");
    let begun = Instant::now();
    let now_ns = || u64::try_from(begun.elapsed().as_nanos()).expect("a short test");
    let config = SamplerConfig { root: SysRoot::tree(tree.path()), period_ms: 10, runtime_pid: None };
    let sampler = Sampler::start(config).expect("a thread");
    while begun.elapsed() < Duration::from_millis(500) {
        play.show(now_ns()).expect("a temporary tree");
        // A write in the very moment of a read may tear the text on some file systems: leave room between them.
        std::thread::sleep(Duration::from_millis(1));
    }
    play.show(now_ns()).expect("a temporary tree");
    let shown = std::fs::read_to_string(tree.path().join(path)).expect("a file");
    let declared = sampler.declared();
    let (batches, own) = sampler.stop();
    let record = Record { declared, batches };
    let points = record.points(Quantity::EnergyUj, "package-0");
    assert_eq!(own.n_dropped, 0);
    assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1), "{points:?}");
    assert!(
        points.iter().all(|point| point.1.is_some()),
        "each write shows the old text or the new: {points:?}"
    );
    let last = points.last().and_then(|point| point.1);
    assert_eq!(last, shown.trim().parse().ok(), "the last row is read when the sampler stops");
}

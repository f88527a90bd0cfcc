//! What goes wrong with readings is a gap or a source of no use, never a wrong number.

use dyno_view::energy::EnergyHowView;

use super::made::{Draws, MS, Power, SECOND, battery, counter, samples, source};
use crate::energy::reading::{Energy, Reading, read};

/// 10 s of 4 W and 40 s of 10 W.
fn power() -> Power {
    let mut power = Power::default();
    power.push(10 * SECOND, 4.0);
    power.push(40 * SECOND, 10.0);
    power
}

fn sampled() -> Vec<(u64, i64)> {
    samples(&power(), 100 * MS, 0, &mut Draws::new(3))
}

fn of_samples(points: &[(u64, i64)]) -> Result<Reading, String> {
    read(&source(EnergyHowView::Samples, points, 100))
}

/// Energy of 10 to 40 s, which is 300 J.
fn load(reading: &Result<Reading, String>) -> Result<Energy, String> {
    reading.as_ref().map_err(Clone::clone)?.energy(10 * SECOND, 40 * SECOND)
}

fn assert_300(found: &Result<Energy, String>) {
    let energy = found.as_ref().expect("an energy");
    assert!((energy.joules / 300.0 - 1.0).abs() < 0.01, "{energy:?}");
}

#[test]
fn whole_readings_have_the_whole_energy() {
    assert_300(&load(&of_samples(&sampled())));
    let points = counter(&power(), 100 * MS, 0, None);
    assert_300(&load(&read(&source(EnergyHowView::Counter, &points, 100))));
}

#[test]
fn a_counter_that_wraps_again_and_again_loses_nothing() {
    // 60 J: a wrap every 6 s.
    let range = 60_000_000;
    let points = counter(&power(), 100 * MS, 0, Some(range));
    let mut of = source(EnergyHowView::Counter, &points, 100);
    of.parts[0].wraps_at = Some(range);
    let reading = read(&of);
    assert_300(&load(&reading));
    assert!(reading.expect("it counts").notes[0].starts_with("it began at 0 again"));
    // Read every 10 s it may have wrapped twice in between.
    let rare: Vec<(u64, i64)> =
        points.iter().enumerate().filter(|(n, _)| *n < 5 || n % 100 == 5).map(|of| *of.1).collect();
    let mut of = source(EnergyHowView::Counter, &rare, 100);
    of.parts[0].wraps_at = Some(range);
    let why = load(&read(&of)).expect_err("two wraps in a gap");
    assert!(why.starts_with("only "), "{why}");
}

#[test]
fn a_counter_survives_readings_that_fail_but_not_a_standstill_or_a_fall() {
    let all = counter(&power(), 100 * MS, 0, None);
    // EIO from 15 to 30 s: what it counted meanwhile is in the next reading.
    let failed: Vec<(u64, i64)> =
        all.iter().filter(|of| !(15 * SECOND..30 * SECOND).contains(&of.0)).copied().collect();
    assert_300(&load(&read(&source(EnergyHowView::Counter, &failed, 100))));
    // It is read, but says the same for 15 s, and goes on from there.
    let mut frozen = all.clone();
    let at_15 = frozen[150].1;
    let lost = frozen[300].1 - at_15;
    for (at, count) in &mut frozen {
        if (15 * SECOND..30 * SECOND).contains(at) {
            *count = at_15;
        } else if *at >= 30 * SECOND {
            *count -= lost;
        }
    }
    let why = load(&read(&source(EnergyHowView::Counter, &frozen, 100))).expect_err("15 s are lost");
    // New counts come at 15.05 s and then at 30.15 s: 15.1 s of 30.
    assert!(why.starts_with("only 49.7 %"), "{why}");
    // Its driver was loaded again.
    let mut fallen = all.clone();
    for (at, count) in &mut fallen {
        if *at >= 20 * SECOND {
            *count -= 120_000_000;
        }
    }
    let reading = read(&source(EnergyHowView::Counter, &fallen, 100));
    assert_300(&load(&reading));
    assert!(load(&reading).expect("one gap of 100 ms").coverage < 1.0);
    // It jumps by 10 kJ.
    let mut jumped = all.clone();
    for (at, count) in &mut jumped {
        if *at >= 20 * SECOND {
            *count += 10_000_000_000;
        }
    }
    assert_300(&load(&read(&source(EnergyHowView::Counter, &jumped, 100))));
    let still: Vec<(u64, i64)> = all.iter().map(|(at, _)| (*at, 77)).collect();
    assert!(read(&source(EnergyHowView::Counter, &still, 100)).is_err());
}

#[test]
fn samples_that_are_missing_are_a_gap() {
    let all = sampled();
    // Two in a row: 300 ms between readings, which is no gap; then three.
    let without = |from: u64, n: u64| {
        let gone = from * SECOND..from * SECOND + n * 100 * MS;
        all.iter().filter(|of| !gone.contains(&of.0)).copied().collect::<Vec<_>>()
    };
    let coverage = |points: &[(u64, i64)]| load(&of_samples(points)).map(|energy| energy.coverage);
    assert_eq!(coverage(&without(20, 2)), Ok(1.0));
    let why = coverage(&without(20, 3)).expect_err("0.4 s of 30 are 1.3 %");
    assert!(why.starts_with("only 98.7 %"), "{why}");
}

#[test]
fn a_long_gap_leaves_no_energy() {
    let gone = 20 * SECOND..22 * SECOND;
    let left: Vec<(u64, i64)> = sampled().into_iter().filter(|of| !gone.contains(&of.0)).collect();
    let why = load(&of_samples(&left)).expect_err("2 s of 30 are missing");
    // 20.0 to 22.0 s: the readings around are at 19.9 and 22.0.
    assert_eq!(why, "only 93.0 % of it is covered by readings, and 99 % must be");
}

#[test]
fn absurd_values_and_stamps_that_go_back_are_left_out() {
    let mut points = sampled();
    points[150].1 = -9_000_000;
    points[200].1 = 9_000_000_000_000;
    let (early, late) = (points[249].0, points[251].0);
    points[250].0 = early - 50 * MS;
    assert!(points[250].0 < early && early < late);
    let reading = of_samples(&points);
    assert_300(&load(&reading));
    assert!(reading.expect("it is sampled").notes[0].contains("(2 left out)"));
}

#[test]
fn a_sensor_that_stands_still_is_of_no_use_from_there() {
    let mut points = sampled();
    let stays = points[200].1;
    for point in &mut points[200..] {
        point.1 = stays;
    }
    let why = load(&of_samples(&points)).expect_err("from 20 s on nothing is known");
    assert!(why.starts_with("only 33.3 %"), "{why}");
    let still: Vec<(u64, i64)> = points.iter().map(|(at, _)| (*at, 5_000_000)).collect();
    assert_eq!(of_samples(&still).expect_err("of no use"), "it showed one and the same value, load or not");
}

#[test]
fn a_battery_counts_while_it_is_discharged_and_no_longer() {
    // As Linux has it, current that flows out is negative.
    let points: Vec<(u64, i64)> = sampled().into_iter().step_by(10).map(|(at, value)| (at, -value)).collect();
    let states = |plugged_at: u64| -> Vec<(u64, i64)> {
        points.iter().map(|(at, _)| (*at, if *at >= plugged_at { 1 } else { 2 })).collect()
    };
    let free = states(u64::MAX);
    let reading = read(&battery(&points, &free));
    assert_300(&load(&reading));
    assert!(reading.expect("a battery").notes[0].contains("their sign is turned"));
    let plugged = states(25 * SECOND);
    let reading = read(&battery(&points, &plugged));
    assert_eq!(load(&reading), Err("a charger was plugged in".to_owned()));
    let before = reading.expect("a battery").energy(10 * SECOND, 24 * SECOND).expect("it was not yet");
    assert!((before.joules / 140.0 - 1.0).abs() < 0.01, "{before:?}");
    assert!(read(&battery(&points, &states(0))).expect_err("charging").contains("not being discharged"));
    assert!(read(&battery(&points, &[])).expect_err("unknown").contains("nothing says"));
}

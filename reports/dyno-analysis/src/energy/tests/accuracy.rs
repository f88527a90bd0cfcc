//! Energy of known truth: 2 % by counters, 5 % by samples ten times a second, 10 % by samples once a second.

use dyno_view::energy::EnergyHowView;

use super::made::{Draws, MS, Pattern, SECOND, counter, pattern, samples, source};
use crate::energy::phases::{Timeline, split};
use crate::energy::reading::{Reading, read};

/// How long prefill and decode are, in s.
type Lengths = fn(&mut Draws) -> [f64; 2];

/// From 0.2 to 20 s.
const PATTERNS: [(&str, Lengths); 5] = [
    ("both of any length", |draws| [draws.between(0.2, 20.0), draws.between(0.2, 20.0)]),
    ("both short", |draws| [draws.between(0.2, 0.6), draws.between(0.2, 0.6)]),
    ("short and middling", |draws| [draws.between(0.2, 1.0), draws.between(1.0, 5.0)]),
    ("both middling", |draws| [draws.between(1.0, 4.0), draws.between(1.0, 4.0)]),
    ("all of 0.3 and 2.1 s, but for a tenth", |draws| [draws.between(0.3, 0.33), draws.between(2.1, 2.3)]),
];
const SEEDS: u64 = 6;
const N_REQUESTS: usize = 120;

/// The worst error of the energies of load, prefill and decode over all patterns and seeds, each by the readings that
/// `read` makes.
fn worst(of: impl Fn(&Pattern, &mut Draws) -> Reading) -> [f64; 3] {
    let mut worst = [0.0_f64; 3];
    for (name, lengths) in PATTERNS {
        for seed in 1..=SEEDS {
            let mut draws = Draws::new(seed);
            let made = pattern(N_REQUESTS, &mut draws, lengths);
            let reading = of(&made, &mut draws);
            let (from, to) = (made.requests[0].began, made.requests[N_REQUESTS - 1].last);
            let whole = reading.energy(from, to).expect("covered").joules;
            let truth = (made.power.microjoules(to) - made.power.microjoules(from)) / 1e6;
            let timeline = Timeline { reading: &reading, requests: made.requests.clone() };
            let found = split(&[timeline]).unwrap_or_else(|why| panic!("{name}, seed {seed}: {why}"));
            let errors = [
                whole / truth - 1.0,
                found.prefill.joules / made.phases_j[0] - 1.0,
                found.decode.joules / made.phases_j[1] - 1.0,
            ];
            for (worst, error) in worst.iter_mut().zip(errors) {
                *worst = worst.max(error.abs());
            }
        }
    }
    worst
}

#[test]
fn counters_are_within_two_per_cent_a_token() {
    let found = worst(|made, draws| {
        let points = counter(&made.power, 100 * MS, (draws.next() * 1e8) as u64, None);
        read(&source(EnergyHowView::Counter, &points, 100)).expect("it counts")
    });
    assert!(found.iter().all(|error| *error <= 0.02), "{found:?}");
}

#[test]
fn samples_ten_times_a_second_are_within_five_per_cent_a_token() {
    let found = worst(|made, draws| {
        let first = (draws.next() * 1e8) as u64;
        let points = samples(&made.power, 100 * MS, first, draws);
        read(&source(EnergyHowView::Samples, &points, 100)).expect("it is sampled")
    });
    assert!(found.iter().all(|error| *error <= 0.05), "{found:?}");
}

#[test]
fn samples_once_a_second_are_within_ten_per_cent_a_token() {
    let found = worst(|made, draws| {
        let first = (draws.next() * 1e9) as u64;
        let points = samples(&made.power, SECOND, first, draws);
        read(&source(EnergyHowView::Samples, &points, 1000)).expect("it is sampled")
    });
    assert!(found.iter().all(|error| *error <= 0.10), "{found:?}");
}

#[test]
fn a_sensor_that_averages_over_its_second_is_seen_through() {
    let found = worst(|made, draws| {
        let first = SECOND + (draws.next() * 1e9) as u64;
        let n = (made.power.end() - first) / SECOND;
        let mean = |at: u64| made.power.microjoules(at) - made.power.microjoules(at - SECOND);
        let points: Vec<(u64, i64)> = (0..n)
            .map(|n| first + n * SECOND)
            .map(|at| (at, (mean(at) * (0.99 + 0.02 * draws.next())) as i64))
            .collect();
        read(&source(EnergyHowView::Samples, &points, 1000)).expect("it is sampled")
    });
    assert!(found.iter().all(|error| *error <= 0.10), "{found:?}");
}

/// The 95 % intervals of a regression hold the truth about 95 times of 100.
#[test]
fn intervals_hold_the_truth() {
    let (mut n_held, mut n_all) = (0, 0);
    for seed in 1..=50 {
        let mut draws = Draws::new(seed);
        let made = pattern(60, &mut draws, PATTERNS[1].1);
        let first = (draws.next() * 1e9) as u64;
        let points = samples(&made.power, SECOND, first, &mut draws);
        let reading = read(&source(EnergyHowView::Samples, &points, 1000)).expect("it is sampled");
        let Ok(found) = split(&[Timeline { reading: &reading, requests: made.requests.clone() }]) else {
            continue;
        };
        for (phase, truth) in [found.prefill, found.decode].iter().zip(made.phases_j) {
            assert!(phase.standard_error.is_some(), "short phases are regressed");
            n_held += u32::from((phase.joules - truth).abs() <= phase.half);
            n_all += 1;
        }
    }
    assert!(n_all >= 90, "{n_all}");
    // Binomial: 95 % of 100 is 95, its standard deviation 2.2: below 90 is no chance.
    assert!(f64::from(n_held) >= 0.90 * f64::from(n_all), "{n_held} of {n_all}");
}

#[test]
fn phases_that_cannot_be_told_apart_have_no_figure() {
    let check = |n: usize, lengths: Lengths, expected: &str| {
        let mut draws = Draws::new(7);
        let made = pattern(n, &mut draws, lengths);
        let points = samples(&made.power, SECOND, 3, &mut draws);
        let reading = read(&source(EnergyHowView::Samples, &points, 1000)).expect("it is sampled");
        let why = split(&[Timeline { reading: &reading, requests: made.requests }]).expect_err("no figure");
        assert!(why.contains(expected), "{why}");
    };
    check(29, PATTERNS[1].1, "29 requests are fewer than the 30");
    let mut draws = Draws::new(1);
    let mut made = pattern(40, &mut draws, PATTERNS[3].1);
    let points = samples(&made.power, SECOND, 3, &mut draws);
    let reading = read(&source(EnergyHowView::Samples, &points, 1000)).expect("it is sampled");
    made.requests[1].began = made.requests[0].last - 1;
    let why =
        split(&[Timeline { reading: &reading, requests: made.requests.clone() }]).expect_err("no figure");
    assert!(why.starts_with("requests overlap"), "{why}");
    made.requests[1].began = made.requests[0].last;
    made.requests[5].n_prefill = None;
    let why = split(&[Timeline { reading: &reading, requests: made.requests }]).expect_err("no figure");
    assert!(why.contains("how many tokens"), "{why}");
}

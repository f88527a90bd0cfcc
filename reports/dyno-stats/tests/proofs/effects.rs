//! Intervals of effects hold the true one as often as they say, and tests are wrong no more often, whatever the shape.

use dyno_stats::{Effect, hodges_lehmann, mann_whitney, shift, signed_rank};

use crate::draws::{Draws, SHAPES};

const EXPERIMENTS: u32 = 10_000;

/// Nominal less 1 %: more than four standard errors of 10,000 experiments.
fn check(name: &str, held: u32, nominal: f64) {
    let share = f64::from(held) / f64::from(EXPERIMENTS);
    assert!(share >= nominal - 0.01, "{name}: {share}");
    assert!(share < 1.0, "{name}: an interval that always holds is too wide");
}

fn holds(effect: Option<Effect>, truth: f64) -> u32 {
    let effect = effect.expect("values");
    let (low, high) = (effect.low.expect("enough"), effect.high.expect("enough"));
    assert!(low <= effect.value && effect.value <= high, "{effect:?}");
    u32::from(low <= truth && truth <= high)
}

#[test]
fn intervals_of_paired_effects_hold_what_they_say() {
    let mut draws = Draws(0x00ed_9ed1_0020);
    for (name, shape) in SHAPES {
        for (n, confidence) in [(6, 0.95), (10, 0.95), (10, 0.99), (25, 0.95), (120, 0.95)] {
            let held = (0..EXPERIMENTS).map(|_| {
                let values: Vec<f64> = (0..n).map(|_| 0.3 + shape(&mut draws) - shape(&mut draws)).collect();
                holds(hodges_lehmann(&values, confidence), 0.3)
            });
            check(&format!("{name}, n = {n}"), held.sum(), confidence);
        }
    }
}

#[test]
fn intervals_of_shifts_hold_what_they_say() {
    let mut draws = Draws(0x00ed_9ed1_0021);
    for (name, shape) in SHAPES {
        for (n_a, n_b, confidence) in [(5, 5, 0.95), (10, 10, 0.95), (8, 14, 0.99), (60, 70, 0.95)] {
            let held = (0..EXPERIMENTS).map(|_| {
                let a: Vec<f64> = (0..n_a).map(|_| shape(&mut draws)).collect();
                let b: Vec<f64> = (0..n_b).map(|_| 0.7 + shape(&mut draws)).collect();
                holds(shift(&a, &b, confidence), 0.7)
            });
            check(&format!("{name}, {n_a} and {n_b}"), held.sum(), confidence);
        }
    }
}

#[test]
fn tests_of_nothing_find_something_in_5_of_100() {
    let mut draws = Draws(0x00ed_9ed1_0022);
    for (name, shape) in SHAPES {
        let (mut paired, mut apart) = (0, 0);
        for _ in 0..EXPERIMENTS {
            // Rounded, so that some are equal or 0.
            let mut sample = || -> Vec<f64> { (0..10).map(|_| (shape(&mut draws) * 5.0).round()).collect() };
            let (a, b) = (sample(), sample());
            let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| b - a).collect();
            paired += u32::from(signed_rank(&differences).expect("values").p <= 0.05);
            apart += u32::from(mann_whitney(&a, &b).expect("values").p <= 0.05);
        }
        for (test, wrong) in [("signed rank", paired), ("Mann and Whitney", apart)] {
            let share = f64::from(wrong) / f64::from(EXPERIMENTS);
            assert!((0.02..0.055).contains(&share), "{test}, {name}: {share}");
        }
    }
}

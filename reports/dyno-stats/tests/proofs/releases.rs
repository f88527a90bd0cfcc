//! The whole way from requests to a verdict on a release: how often it is wrong, and how often it finds what is there.

use dyno_stats::{
    ChangeVerdict, block_effect, blocks_for, change_verdict, hodges_lehmann, signed_rank, student_t,
};

use crate::draws::Draws;

const EXPERIMENTS: u32 = 10_000;
const BLOCKS: u32 = 10;
const PROMPTS: usize = 50;

/// What two releases on one device do.
#[derive(Debug, Clone, Copy)]
struct Device {
    run_sd: f64,
    /// From the first run to the last, on a line.
    drift: f64,
    /// Logarithm of B over A.
    truth: f64,
}

/// One effect for each block of an A run and a B run, in the order ABBA: prompts with a logarithmic standard deviation
/// of 0.5, requests with 5 %, as in MEASUREMENT §3.5.
fn blocks(device: Device, draws: &mut Draws) -> Vec<f64> {
    let prompts: Vec<f64> = (0..PROMPTS).map(|_| 0.5 * draws.normal()).collect();
    let last = f64::from(2 * BLOCKS - 1);
    let mut run = |place: u32, truth: f64| -> Vec<f64> {
        let level = truth + device.run_sd * draws.normal() + device.drift * f64::from(place) / last;
        prompts.iter().map(|prompt| (prompt + level + 0.05 * draws.normal()).exp()).collect()
    };
    let mut block = |place: u32| {
        let (at_a, at_b) = if place.is_multiple_of(2) { (0, 1) } else { (1, 0) };
        let a = run(2 * place + at_a, 0.0);
        let b = run(2 * place + at_b, device.truth);
        let pairs: Vec<(f64, f64)> = a.into_iter().zip(b).collect();
        block_effect(&pairs).expect("prompts")
    };
    (0..BLOCKS).map(&mut block).collect()
}

/// The share of experiments whose test finds a difference, and that of each verdict.
fn shares(device: Device) -> (f64, [f64; 4]) {
    let mut draws = Draws(0x00ed_9ed1_0030);
    let (mut found, mut verdicts) = (0, [0; 4]);
    for _ in 0..EXPERIMENTS {
        let effects = blocks(device, &mut draws);
        let p = signed_rank(&effects).expect("blocks").p;
        let effect = hodges_lehmann(&effects, 0.95).expect("blocks");
        found += u32::from(p <= 0.05);
        verdicts[change_verdict(&effect, p, 0.03_f64.ln_1p()) as usize] += 1;
    }
    let share = |n: u32| f64::from(n) / f64::from(EXPERIMENTS);
    (share(found), verdicts.map(share))
}

#[test]
fn a_release_against_itself_is_seldom_a_change() {
    for (run_sd, drift) in [(0.0, 0.0), (0.01, 0.0), (0.02, 0.0), (0.0, 0.03), (0.01, 0.03), (0.02, 0.03)] {
        let (found, verdicts) = shares(Device { run_sd, drift, truth: 0.0 });
        assert!(found <= 0.055, "run sd {run_sd}, drift {drift}: {found}");
        let wrong =
            verdicts[ChangeVerdict::Regression as usize] + verdicts[ChangeVerdict::Improvement as usize];
        assert!(wrong <= 0.055, "run sd {run_sd}, drift {drift}: {verdicts:?}");
        // Without an effect of runs ten blocks show that nothing changed.
        assert!(run_sd > 0.0 || verdicts[ChangeVerdict::Equivalent as usize] > 0.95, "{verdicts:?}");
    }
}

#[test]
fn a_change_that_matters_is_found() {
    let of = |truth: f64| shares(Device { run_sd: 0.01, drift: 0.0, truth }).1;
    let (worse, better) = (of(0.06), of(-0.06));
    assert!(worse[ChangeVerdict::Regression as usize] > 0.95, "{worse:?}");
    assert!(better[ChangeVerdict::Improvement as usize] > 0.95, "{better:?}");
    // What is just at the limit is never called the same by more than chance, nor is half of it a change.
    assert!(of(0.03_f64.ln_1p())[ChangeVerdict::Equivalent as usize] <= 0.055);
    assert!(of(0.015)[ChangeVerdict::Regression as usize] <= 0.055);
}

#[test]
fn the_power_is_that_of_measurement_3_5() {
    let mut draws = Draws(0x00ed_9ed1_0031);
    for (ratio, alpha) in [(0.5, 0.05), (0.67, 0.05), (1.0, 0.05), (1.5, 0.05), (0.67, 0.01), (1.0, 0.01)] {
        let n = blocks_for(ratio, 1.0, alpha, 0.8);
        let bound = student_t(1.0 - alpha, f64::from(n - 1)).expect("blocks");
        let (mut by_t, mut by_ranks) = (0, 0);
        for _ in 0..EXPERIMENTS {
            let effects: Vec<f64> = (0..n).map(|_| ratio + draws.normal()).collect();
            let mean = effects.iter().sum::<f64>() / f64::from(n);
            let variance = effects.iter().map(|of| (of - mean).powi(2)).sum::<f64>() / f64::from(n - 1);
            by_t += u32::from(mean.abs() > bound * (variance / f64::from(n)).sqrt());
            by_ranks += u32::from(signed_rank(&effects).expect("blocks").p <= alpha);
        }
        let share = |found: u32| f64::from(found) / f64::from(EXPERIMENTS);
        // The fewest blocks with 80 %: one of few is a large step. 1.6 % are four standard errors.
        assert!((0.784..0.9).contains(&share(by_t)), "{ratio} {alpha}: {} with {n}", share(by_t));
        // The rank test of six blocks can only find what is above 0 in all of them, at 3 %; of ten it is nearly as good.
        let least = if n < 10 { 0.63 } else { 0.75 };
        assert!(share(by_ranks) > least, "{ratio} {alpha}: {} with {n}", share(by_ranks));
    }
}

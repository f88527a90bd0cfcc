//! Verdicts on service levels are wrong no more often than they say.

use dyno_stats::{Binomial, Level, Verdict, clopper_pearson_lower, clopper_pearson_upper, slo_verdict};

use crate::draws::Draws;

const EXPERIMENTS: u32 = 10_000;

fn violations(n: u64, share: f64, draws: &mut Draws) -> u64 {
    (0..n).filter(|_| draws.next() < share).count() as u64
}

#[test]
fn bounds_of_shares_hold_what_they_say() {
    let mut draws = Draws(0x00ed_9ed1_0040);
    for n in [20, 100, 300] {
        let bounds: Vec<(f64, f64)> = (0..=n)
            .map(|events| {
                let low = clopper_pearson_lower(events, n, 0.95).expect("draws");
                (low, clopper_pearson_upper(events, n, 0.95).expect("draws"))
            })
            .collect();
        for share in [0.003, 0.01, 0.05, 0.1, 0.5, 0.97] {
            let (mut above, mut below) = (0, 0);
            for _ in 0..EXPERIMENTS {
                let (low, high) = bounds[violations(n, share, &mut draws) as usize];
                above += u32::from(share <= high);
                below += u32::from(low <= share);
            }
            for held in [above, below] {
                assert!(f64::from(held) / f64::from(EXPERIMENTS) >= 0.94, "{share} of {n}: {held}");
            }
        }
    }
}

#[test]
fn a_claim_at_its_limit_passes_or_fails_in_5_of_100_at_most() {
    let mut draws = Draws(0x00ed_9ed1_0041);
    for level in [Level::P90, Level::P95, Level::P99] {
        let limit = 1.0 - level.share();
        for n in [59, 300, 1000] {
            let verdicts: Vec<Verdict> =
                (0..=n).map(|t| slo_verdict(n, t, level, 0.95).expect("no more than n")).collect();
            // Exactly: the chance of each number of violations, by whether it passes or fails.
            let law = Binomial::new(n, limit);
            let chance = |of: Verdict| -> f64 {
                let each = (0..=n).map(|t| law.at_most(t) - if t > 0 { law.at_most(t - 1) } else { 0.0 });
                verdicts
                    .iter()
                    .zip(each)
                    .filter(|(verdict, _)| **verdict == of)
                    .map(|(_, chance)| chance)
                    .sum()
            };
            assert!(chance(Verdict::Pass) <= 0.05 + 1e-9, "{level:?} {n}: {}", chance(Verdict::Pass));
            assert!(chance(Verdict::Fail) <= 0.05 + 1e-9, "{level:?} {n}: {}", chance(Verdict::Fail));
            // And played.
            let (mut passed, mut failed) = (0, 0);
            for _ in 0..EXPERIMENTS {
                let verdict = verdicts[violations(n, limit, &mut draws) as usize];
                passed += u32::from(verdict == Verdict::Pass);
                failed += u32::from(verdict == Verdict::Fail);
            }
            for (wrong, expected) in [(passed, chance(Verdict::Pass)), (failed, chance(Verdict::Fail))] {
                let share = f64::from(wrong) / f64::from(EXPERIMENTS);
                assert!((share - expected).abs() < 0.009, "{level:?} {n}: {share}, not {expected}");
            }
        }
    }
}

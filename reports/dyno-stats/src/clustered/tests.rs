//! Bounds of shares against simulated runs, SciPy and hand.

use statrs::distribution::{ContinuousCDF, Normal};

use super::*;
use crate::verdict::slo_verdict;

const EXPERIMENTS: u32 = 10_000;

/// How the share of violations of a run is drawn, around a mean.
#[derive(Debug, Clone, Copy)]
enum Differ {
    /// All runs have the same.
    Not,
    /// Latencies around a level of the run's own, normal in their logarithm: the share of the variance that lies
    /// between runs.
    Levels(f64),
    /// One run in four has so many times the share of the others.
    Modes(f64),
    /// The beta distribution with a first parameter of 1, whose intraclass correlation is `1 / (1 + 1/mean)`.
    Beta,
}

impl Differ {
    fn share(self, mean: f64, draws: &mut Draws) -> f64 {
        match self {
            Self::Not => mean,
            Self::Levels(between) => {
                // The chance over all runs is the mean: a sum of normal ones is normal.
                let limit = Normal::standard().inverse_cdf(mean);
                let of_run = between.sqrt() * draws.normal();
                Normal::standard().cdf((limit - of_run) / (1.0 - between).sqrt())
            }
            Self::Modes(times) => {
                let low = mean / (0.75 + 0.25 * times);
                if draws.below(4) == 0 { low * times } else { low }
            }
            Self::Beta => 1.0 - draws.unit().powf(mean / (1.0 - mean)),
        }
    }
}

fn runs(n_runs: usize, n: u64, mean: f64, differ: Differ, draws: &mut Draws) -> Vec<(u64, u64)> {
    let mut one = || {
        let share = differ.share(mean, draws);
        (n, (0..n).filter(|_| draws.unit() < share).count() as u64)
    };
    (0..n_runs).map(|_| one()).collect()
}

/// Shares of experiments whose upper and whose lower bound hold, and whose upper one of independent requests does.
fn held(n_runs: usize, n: u64, mean: f64, differ: Differ) -> [f64; 3] {
    let mut draws = Draws::new(0x00ed_9ed1_0050 + n);
    let mut held = [0_u32; 3];
    for _ in 0..EXPERIMENTS {
        let runs = runs(n_runs, n, mean, differ, &mut draws);
        let bounds = Bounds::of(&runs, 0.95).expect("runs");
        let violations = runs.iter().map(|(_, violations)| violations).sum();
        let naive = clopper_pearson_upper(violations, total(&runs), 0.95).expect("requests");
        for (held, holds) in held.iter_mut().zip([mean <= bounds.high, bounds.low <= mean, mean <= naive]) {
            *held += u32::from(holds);
        }
    }
    held.map(|n| f64::from(n) / f64::from(EXPERIMENTS))
}

#[test]
fn bounds_hold_what_they_say_however_runs_differ() {
    use Differ::{Beta, Levels, Modes, Not};
    for (differ, n_runs, n, mean) in [
        (Not, 5, 40, 0.05),
        (Levels(0.02), 10, 100, 0.05),
        (Levels(0.1), 10, 60, 0.1),
        (Levels(0.1), 20, 100, 0.01),
        (Beta, 5, 40, 0.05),
        (Beta, 10, 60, 0.05),
    ] {
        let [above, below, _] = held(n_runs, n, mean, differ);
        assert!(above >= 0.94 && below >= 0.94, "{differ:?}, {n_runs} × {n}, {mean}: {above} {below}");
    }
    let [above, below, naive] = held(20, 50, 0.05, Modes(3.0));
    assert!(above >= 0.94 && below >= 0.94, "{above} {below}");
    assert!(naive < 0.92, "taken for independent they hold less often: {naive}");
}

#[test]
fn runs_that_are_alike_seldom_differ_significantly() {
    let mut draws = Draws::new(0x00ed_9ed1_0051);
    // Few violations are played, many are left to χ².
    for (n_runs, n, mean) in [(10, 40, 0.05), (8, 300, 0.2)] {
        let mut of = |differ| {
            let found = (0..1000).filter(|_| p_of_same(&runs(n_runs, n, mean, differ, &mut draws)) <= 0.05);
            f64::from(u32::try_from(found.count()).unwrap_or(u32::MAX)) / 1000.0
        };
        // Four standard errors of 1000 experiments are 2.8 %.
        let (alike, apart) = (of(Differ::Not), of(Differ::Modes(10.0)));
        assert!((0.02..0.078).contains(&alike), "{n_runs} × {n}: {alike}");
        assert!(apart > 0.75, "{n_runs} × {n}: {apart}");
    }
}

#[test]
fn a_claim_at_its_limit_passes_or_fails_in_5_of_100_at_most() {
    use Differ::{Levels, Not};
    let mut draws = Draws::new(0x00ed_9ed1_0052);
    // By bounds of independent requests where runs seem alike, and by those of runs in any case.
    for (differ, n_runs, n) in [(Not, 10, 60), (Levels(0.02), 5, 40), (Levels(0.05), 10, 60)] {
        let mut wrong = [[0_u32; 2]; 2];
        for _ in 0..EXPERIMENTS {
            let runs = runs(n_runs, n, 0.05, differ, &mut draws);
            let found = clustered_share(&runs, 0.95).expect("runs");
            let alike = slo_verdict(found.n, found.violations, Level::P95, 0.95).expect("no more than n");
            let of_runs = found.verdict(Level::P95);
            let screened = if found.is_significant { of_runs } else { alike };
            for (wrong, verdict) in wrong.iter_mut().zip([screened, of_runs]) {
                wrong[0] += u32::from(verdict == Verdict::Pass);
                wrong[1] += u32::from(verdict == Verdict::Fail);
            }
        }
        for n_wrong in wrong.as_flattened() {
            let ratio = f64::from(*n_wrong) / f64::from(EXPERIMENTS);
            assert!(ratio <= 0.055, "{differ:?}, {n_runs} × {n}: {wrong:?}");
        }
    }
}

#[test]
fn a_share_by_the_formulas() {
    // python: n = [120, 100, 110, 90, 130, 100]; v = [18, 4, 9, 2, 22, 7]; p = sum(v)/650
    // deff = 6/5 · Σ(v − n·p)² / 650² / (p(1 − p)/650) = 4.660303; intraclass correlation 0.032387
    // n_eff = floor(650 / (4.660303 · 5 / scipy.stats.chi2.ppf(0.2, 5))) = 65
    // scipy.stats.beta.ppf(0.95, p·n_eff + 1, n_eff − p·n_eff) and beta.ppf(0.05, p·n_eff, n_eff − p·n_eff + 1)
    let runs = [(120, 18), (100, 4), (110, 9), (90, 2), (130, 22), (100, 7)];
    let found = clustered_share(&runs, 0.95).expect("six runs");
    assert_eq!((found.n_runs, found.n, found.violations, found.n_effective), (6, 650, 62, 65));
    near(found.design_effect, 4.660_302_831, 1e-8);
    near(found.intraclass, 0.032_386_948, 1e-8);
    // Between whole numbers of violations the bounds lie on a line, beta's on a curve that is nearly one.
    near(found.low, 0.043_065_620, 3e-4);
    near(found.high, 0.177_847_969, 3e-4);
    // scipy.stats.chi2_contingency([v, n − v], correction=False): 0.000424; played, one of 2000 is 0.0005.
    assert!(found.p <= 0.002 && found.is_significant, "{found:?}");
    // Ten times as many: scipy says 22.48 · 10 and 1.3666e-46.
    let more = runs.map(|(n, v)| (10 * n, 10 * v));
    let found = clustered_share(&more, 0.95).expect("six runs");
    near(found.p / 1.366_564_183e-46, 1.0, 1e-6);
    near(found.intraclass, 0.040_456_836, 1e-8);
}

#[test]
fn runs_without_a_violation_are_independent_requests() {
    let found = clustered_share(&[(20, 0); 5], 0.95).expect("five runs");
    assert_eq!(Some(found.high), clopper_pearson_upper(0, 100, 0.95));
    assert_eq!((found.low, found.intraclass, found.p, found.is_significant), (0.0, 0.0, 1.0, false));
    assert_eq!(found.verdict(Level::P95), Verdict::Pass);
    let found = clustered_share(&[(20, 20); 5], 0.95).expect("five runs");
    assert_eq!((found.high, found.low), (1.0, clopper_pearson_lower(100, 100, 0.95).expect("draws")));
    assert_eq!(found.verdict(Level::P95), Verdict::Fail);
}

#[test]
fn verdicts_are_those_of_the_bounds() {
    // 62 of 650, worth few: the bounds hold 5 % and 15 %.
    let found = clustered_share(&[(120, 18), (100, 4), (110, 9), (90, 2), (130, 22), (100, 7)], 0.95);
    let found = found.expect("six runs");
    let Verdict::Inconclusive { more_needed } = found.verdict(Level::P90) else { panic!("{found:?}") };
    // Each counts for about a ninth.
    assert!(more_needed > 100, "{more_needed}");
    assert_eq!(found.verdict(Level::per_million(700_000).expect("within range")), Verdict::Pass);
    assert_eq!(found.verdict(Level::P99), Verdict::Fail);
}

#[test]
fn too_few_runs_or_one_that_decides_alone_have_no_bounds() {
    assert_eq!(clustered_share(&[(20, 1); 4], 0.95), None);
    assert_eq!(clustered_share(&[(20, 1), (20, 1), (20, 1), (20, 1), (0, 0)], 0.95), None);
    assert_eq!(clustered_share(&[(41, 1), (15, 1), (15, 1), (15, 1), (15, 1)], 0.95), None);
    assert!(clustered_share(&[(40, 1), (15, 1), (15, 1), (15, 1), (15, 1)], 0.95).is_some());
    assert_eq!(clustered_share(&[(20, 21), (20, 1), (20, 1), (20, 1), (20, 1)], 0.95), None);
    for confidence in [0.5, 1.0, f64::NAN] {
        assert_eq!(clustered_share(&[(20, 1); 5], confidence), None);
    }
}

fn near(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within, "{found} is not {expected}");
}

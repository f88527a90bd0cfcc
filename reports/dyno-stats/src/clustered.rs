//! The share of requests that break a limit, when requests of one run break it together (MEASUREMENT §9.2).

use statrs::distribution::{ChiSquared, ContinuousCDF};
use statrs::function::gamma::gamma_ur;

use crate::binomial::{clopper_pearson_lower, clopper_pearson_upper};
use crate::draws::Draws;
use crate::early_stopping::needed_for_claim;
use crate::level::Level;
use crate::verdict::Verdict;

/// Runs of this p value or less are not taken for alike (house rule): a wrong alarm costs some width, a missed one a
/// wrong verdict. Of claims at their limit, with runs that differ much, up to 13 of 100 passed in simulations at 0.05
/// and up to 10 at 0.2; with bounds of runs in any case about 5.
const SIGNIFICANT: f64 = 0.2;
/// With so many violations, and so many requests without one, χ² is near enough; below, chance is played.
const MANY: u64 = 200;
/// How often, at most.
const PLAYED: u32 = 1999;
/// After so many plays as far apart as what was seen nothing more is to be learnt.
const AS_FAR: u32 = 100;
/// The design effect is taken as large as it may be with so much confidence (house rule): few runs do not tell it well,
/// and where a share is small by chance, so is the design effect.
const SURE_OF_EFFECT: f64 = 0.8;
/// The plays are the same each time.
const SEED: u64 = 0x00ed_9ed1_c1a5_5e5d;

/// A share of requests with bounds that hold for more runs, not only for more requests of these runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusteredShare {
    /// Runs with requests.
    pub n_runs: usize,
    /// Requests.
    pub n: u64,
    /// Those that broke the limit.
    pub violations: u64,
    /// `violations / n`.
    pub share: f64,
    /// One-sided lower bound at `confidence`.
    pub low: f64,
    /// One-sided upper bound at `confidence`.
    pub high: f64,
    /// Of each bound by itself.
    pub confidence: f64,
    /// How much requests of one run resemble each other, of 0 to 1: the intraclass correlation, from an analysis of
    /// variance (Fleiss 1981, "Statistical methods for rates and proportions"). 0 where runs differ by chance only.
    pub intraclass: f64,
    /// How many times larger the variance of the share is than that of independent requests; 1 at least.
    pub design_effect: f64,
    /// So many independent requests would tell as much; at most `n`.
    pub n_effective: u64,
    /// The chance that runs of one share differ as much as these: χ², played where violations are few.
    pub p: f64,
    /// Whether that is 0.2 or less, so that runs may differ and bounds of independent requests be too narrow. These
    /// bounds hold either way; to use those of independent requests where this is false is a little less safe.
    pub is_significant: bool,
}

impl ClusteredShare {
    /// The fewest runs (MEASUREMENT §9.2).
    pub const MIN_RUNS: usize = 5;
    /// The largest share of all requests that one run may have (MEASUREMENT §9.2).
    pub const MOST_OF_ONE_RUN: f64 = 0.4;

    /// What it shows of the claim "at least `fraction` of the requests keep their limits": as
    /// [`slo_verdict`](crate::slo_verdict), but with these bounds. How many more are needed is about as many: it takes
    /// them to come in runs like these.
    pub fn verdict(&self, fraction: Level) -> Verdict {
        let allowed = 1.0 - fraction.share();
        if self.high <= allowed * (1.0 + 1e-9) {
            return Verdict::Pass;
        }
        if self.low > allowed * (1.0 + 1e-9) {
            return Verdict::Fail;
        }
        let violations = (self.share * self.n_effective as f64).ceil() as u64;
        let missing =
            needed_for_claim(violations, fraction, self.confidence).saturating_sub(self.n_effective);
        let each = self.n as f64 / self.n_effective as f64;
        Verdict::Inconclusive { more_needed: ((missing as f64 * each).ceil() as u64).max(1) }
    }
}

/// The share of violations among the requests of `runs`, each `(requests, violations)`, with one-sided bounds that allow
/// for runs that differ.
///
/// Clopper and Pearson's bounds for as many independent requests as these are worth (Korn & Graubard 1998, "Confidence
/// intervals for proportions with small expected number of positive counts estimated from survey data"): n over the
/// design effect, which is the variance of the share between runs over that of independent requests, and never more
/// than n. For so few runs theirs, with its `(z / t)²`, holds 91 of 100 where 95 are asked; here the design effect is
/// the upper bound that χ² gives it, at 80 %.
/// Runs that are all of the good kind by chance tell nothing of the bad kind: of ten, one in four of which is bad, that
/// is so once in eighteen times.
/// Where no run has a violation nothing is known of how runs differ, and the upper bound is that of independent requests.
///
/// `None` for fewer than [`MIN_RUNS`](ClusteredShare::MIN_RUNS) runs with requests, when one has more than
/// [`MOST_OF_ONE_RUN`](ClusteredShare::MOST_OF_ONE_RUN) of them, when one has more violations than requests, or for a
/// confidence that is not between 0.5 and 1.
pub fn clustered_share(runs: &[(u64, u64)], confidence: f64) -> Option<ClusteredShare> {
    let runs: Vec<(u64, u64)> = runs.iter().copied().filter(|(n, _)| *n > 0).collect();
    let n: u64 = runs.iter().map(|(n, _)| n).sum();
    let most = runs.iter().map(|(n, _)| *n).max()?;
    let is_fit = runs.len() >= ClusteredShare::MIN_RUNS
        && most as f64 <= ClusteredShare::MOST_OF_ONE_RUN * n as f64
        && runs.iter().all(|(n, violations)| violations <= n)
        && confidence > 0.5
        && confidence < 1.0;
    if !is_fit {
        return None;
    }
    let p = p_of_same(&runs);
    let bounds = Bounds::of(&runs, confidence)?;
    let violations = runs.iter().map(|(_, violations)| violations).sum();
    Some(ClusteredShare {
        n_runs: runs.len(),
        n,
        violations,
        share: violations as f64 / n as f64,
        low: bounds.low,
        high: bounds.high,
        confidence,
        intraclass: intraclass(&runs),
        design_effect: bounds.design_effect,
        n_effective: bounds.n_effective,
        p,
        is_significant: p <= SIGNIFICANT,
    })
}

struct Bounds {
    low: f64,
    high: f64,
    design_effect: f64,
    n_effective: u64,
}

impl Bounds {
    fn of(runs: &[(u64, u64)], confidence: f64) -> Option<Self> {
        let n = total(runs) as f64;
        let share = share(runs);
        let n_runs = runs.len() as f64;
        let apart: f64 =
            runs.iter().map(|(n, violations)| (*violations as f64 - *n as f64 * share).powi(2)).sum();
        let between = n_runs / (n_runs - 1.0) * apart / (n * n);
        let independent = share * (1.0 - share) / n;
        let design_effect = if independent > 0.0 { (between / independent).max(1.0) } else { 1.0 };
        let law = ChiSquared::new(n_runs - 1.0).ok()?;
        let at_most = design_effect * (n_runs - 1.0) / law.inverse_cdf(1.0 - SURE_OF_EFFECT);
        let worth = if independent > 0.0 { n / at_most } else { n };
        let n_effective = (worth.floor() as u64).clamp(1, n as u64);
        Some(Self {
            low: between_whole(share, n_effective, |events| {
                clopper_pearson_lower(events, n_effective, confidence)
            })?,
            high: between_whole(share, n_effective, |events| {
                clopper_pearson_upper(events, n_effective, confidence)
            })?,
            design_effect,
            n_effective,
        })
    }
}

/// A bound for a number of events that need not be whole: on the line between its neighbours.
fn between_whole(share: f64, n: u64, bound: impl Fn(u64) -> Option<f64>) -> Option<f64> {
    let events = share * n as f64;
    let below = (events.floor() as u64).min(n);
    let part = events - below as f64;
    // What is whole but for rounding is whole.
    if part < 1e-9 || below == n {
        return bound(below);
    }
    Some(bound(below)? * (1.0 - part) + bound(below + 1)? * part)
}

fn total(runs: &[(u64, u64)]) -> u64 {
    runs.iter().map(|(n, _)| n).sum()
}

fn share(runs: &[(u64, u64)]) -> f64 {
    runs.iter().map(|(_, violations)| violations).sum::<u64>() as f64 / total(runs) as f64
}

/// `(B − W) / (B + (m − 1)·W)` of the mean squares between and within runs, with m the weighted mean number of requests.
fn intraclass(runs: &[(u64, u64)]) -> f64 {
    let (n, n_runs) = (total(runs) as f64, runs.len() as f64);
    let overall = share(runs);
    let (mut between, mut within, mut squares) = (0.0, 0.0, 0.0);
    for (requests, violations) in runs {
        let (requests, own) = (*requests as f64, *violations as f64 / *requests as f64);
        between += requests * (own - overall).powi(2);
        within += requests * own * (1.0 - own);
        squares += requests * requests;
    }
    between /= n_runs - 1.0;
    within /= n - n_runs;
    let mean = (n - squares / n) / (n_runs - 1.0);
    let found = (between - within) / (between + (mean - 1.0) * within);
    // Not a number where nothing varies, or each run is one request.
    if found.is_finite() { found.clamp(0.0, 1.0) } else { 0.0 }
}

/// The chance that runs of one share differ as much as these.
fn p_of_same(runs: &[(u64, u64)]) -> f64 {
    let n = total(runs);
    let violations: u64 = runs.iter().map(|(_, violations)| violations).sum();
    if violations == 0 || violations == n {
        return 1.0;
    }
    let differ = |counts: &mut dyn Iterator<Item = u64>| -> f64 {
        let overall = share(runs);
        counts.zip(runs).map(|(count, (n, _))| (count as f64 - *n as f64 * overall).powi(2) / *n as f64).sum()
    };
    let seen = differ(&mut runs.iter().map(|(_, violations)| *violations));
    if violations.min(n - violations) > MANY {
        let chi = seen / (share(runs) * (1.0 - share(runs)));
        return gamma_ur((runs.len() as f64 - 1.0) / 2.0, chi / 2.0);
    }
    let mut draws = Draws::new(SEED);
    let is_rare = 2 * violations <= n;
    let n_dealt = violations.min(n - violations);
    let (mut played, mut as_far) = (0, 0);
    while played < PLAYED && as_far < AS_FAR {
        let dealt = dealt(runs, n_dealt, &mut draws);
        let mut counts =
            dealt.iter().zip(runs).map(|(count, (n, _))| if is_rare { *count } else { n - count });
        as_far += u32::from(differ(&mut counts) >= seen * (1.0 - 1e-9));
        played += 1;
    }
    // Besag and Clifford (1991), "Sequential Monte Carlo p-values"; what was seen is one of the plays, too.
    if as_far == AS_FAR {
        f64::from(as_far) / f64::from(played)
    } else {
        (f64::from(as_far) + 1.0) / (f64::from(played) + 1.0)
    }
}

/// So many of all requests, dealt without putting back: how many fall to each run.
fn dealt(runs: &[(u64, u64)], n_dealt: u64, draws: &mut Draws) -> Vec<u64> {
    let mut left: Vec<u64> = runs.iter().map(|(n, _)| *n).collect();
    let mut n_left = total(runs);
    for _ in 0..n_dealt {
        let mut place = draws.below(n_left as usize) as u64;
        for requests in &mut left {
            if place < *requests {
                *requests -= 1;
                break;
            }
            place -= *requests;
        }
        n_left -= 1;
    }
    left.iter().zip(runs).map(|(left, (n, _))| n - left).collect()
}

#[cfg(test)]
mod tests;

//! Prefill and decode apart, only where the readings can tell them apart (MEASUREMENT §4.4).
//!
//! Where phases are long against the time between two updates, each is integrated. Where they are not, the readings
//! are regressed on the token timeline: the power of each reading is a mix of the power of prefill, of decode and of
//! what lies between requests, by the shares of its time that these have. Both estimate the same: the energy of all
//! time of a phase, divided by its tokens.

use dyno_stats::{NoRegression, effective_n, lag1_autocorrelation, regress, student_t};

use super::reading::{Curve, Reading};

/// MEASUREMENT §4.4: all time of a phase is so many updates long, and each single one so many.
const LEAST_SUM_UPDATES: f64 = 100.0;
const LEAST_EACH_UPDATES: f64 = 3.0;
/// House rule: at each end of a phase an interval between updates holds both phases, which moves a sixth of their
/// difference over; with a mean of so many updates that is below one per cent of half the power.
const LEAST_MEAN_UPDATES: f64 = 20.0;
/// MEASUREMENT §4.4.
const LEAST_REQUESTS: usize = 30;
/// House rule: a kind of time that is less than this of all is not told apart.
const LEAST_SHARE: f64 = 0.01;
const CONFIDENCE: f64 = 0.95;

/// One request on the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timed {
    /// When the runtime took it.
    pub(super) began: u64,
    /// Its first token
    pub(super) first: u64,
    /// and its last.
    pub(super) last: u64,
    /// Tokens of the prompt that no cache had; `None` where unknown.
    pub(super) n_prefill: Option<u64>,
    /// Tokens after the first; `None` where unknown.
    pub(super) n_decode: Option<u64>,
}

/// The energy of a phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Phase {
    /// Of all its time.
    pub(super) joules: f64,
    /// Standard uncertainty, what the source is wrong by itself included.
    pub(super) u: f64,
    /// Half a 95 % interval of the same.
    pub(super) half: f64,
    /// Standard error of the regression alone, in J; `None` where it was integrated.
    pub(super) standard_error: Option<f64>,
    /// Its tokens.
    pub(super) n_tokens: u64,
}

/// Both phases, and how they were had.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Split {
    pub(super) prefill: Phase,
    pub(super) decode: Phase,
    pub(super) n_requests: usize,
    pub(super) how: String,
}

/// A launch: what was read, and its requests in order of time.
pub(super) struct Timeline<'a> {
    pub(super) reading: &'a Reading,
    pub(super) requests: Vec<Timed>,
}

/// Times of the three kinds, in ns or as shares.
type Shares = [f64; 3];

/// Prefill and decode of several launches; an error says why they cannot be told apart.
pub(super) fn split(launches: &[Timeline<'_>]) -> Result<Split, String> {
    let all = || launches.iter().flat_map(|launch| &launch.requests);
    let n_requests = all().count();
    if launches.iter().any(|launch| overlap(&launch.requests)) {
        return Err("requests overlap: only the energy of the whole load has an owner".to_owned());
    }
    if all().any(|request| request.n_prefill.is_none() || request.n_decode.is_none()) {
        return Err("the runtime does not say how many tokens each phase has".to_owned());
    }
    let tokens = [
        all().filter_map(|request| request.n_prefill).sum::<u64>(),
        all().filter_map(|request| request.n_decode).sum(),
    ];
    if tokens.contains(&0) {
        return Err("one of the phases has no tokens".to_owned());
    }
    if is_long_enough(launches) {
        return integrate(launches, tokens).map(|[prefill, decode]| Split {
            prefill,
            decode,
            n_requests,
            how: "each phase integrated".to_owned(),
        });
    }
    if n_requests < LEAST_REQUESTS {
        return Err(format!(
            "phases are short against the time between updates, and {n_requests} requests are fewer than the \
             {LEAST_REQUESTS} that it takes to tell them apart"
        ));
    }
    regressed(launches, tokens, n_requests)
}

fn overlap(requests: &[Timed]) -> bool {
    requests.windows(2).any(|pair| pair[1].began < pair[0].last)
}

fn phases(request: &Timed) -> [[u64; 2]; 2] {
    [[request.began, request.first], [request.first, request.last]]
}

fn length(phase: [u64; 2]) -> f64 {
    phase[1].saturating_sub(phase[0]) as f64
}

fn is_long_enough(launches: &[Timeline<'_>]) -> bool {
    let Some(update) = launches.iter().map(|launch| launch.reading.update_ns).max() else { return false };
    let update = update as f64;
    (0..2).all(|kind| {
        let all = launches.iter().flat_map(|launch| &launch.requests).map(|request| phases(request)[kind]);
        // An answer of one token has no decode phase.
        let lengths: Vec<f64> = all.map(length).filter(|ns| *ns > 0.0).collect();
        let sum: f64 = lengths.iter().sum();
        let least = lengths.iter().copied().fold(f64::INFINITY, f64::min);
        sum >= LEAST_SUM_UPDATES * update
            && least >= LEAST_EACH_UPDATES * update
            && sum / lengths.len() as f64 >= LEAST_MEAN_UPDATES * update
    })
}

fn integrate(launches: &[Timeline<'_>], tokens: [u64; 2]) -> Result<[Phase; 2], String> {
    let mut found = [None; 2];
    for (kind, slot) in found.iter_mut().enumerate() {
        let (mut joules, mut common, mut own) = (0.0, 0.0, 0.0_f64);
        for launch in launches {
            for request in &launch.requests {
                let [from, to] = phases(request)[kind];
                if from < to {
                    let energy = launch.reading.energy(from, to)?;
                    joules += energy.joules;
                    common += energy.u_common;
                    own = own.hypot(energy.u_own);
                }
            }
        }
        let u = own.hypot(common);
        *slot = Some(Phase { joules, u, half: 2.0 * u, standard_error: None, n_tokens: tokens[kind] });
    }
    match found {
        [Some(prefill), Some(decode)] => Ok([prefill, decode]),
        _ => Err("a phase has no time".to_owned()),
    }
}

/// One reading: the kinds of time that it covers, and its mean power.
struct Observed {
    shares: Shares,
    power_w: f64,
}

fn regressed(launches: &[Timeline<'_>], tokens: [u64; 2], n_requests: usize) -> Result<Split, String> {
    let mut best: Option<Fit> = None;
    let mut why = String::new();
    for window in windows(launches) {
        match fit(launches, window) {
            Ok(found) if best.as_ref().is_none_or(|best| found.left < best.left) => best = Some(found),
            Ok(_) => {}
            Err(error) => why = error,
        }
    }
    let best = best.ok_or(why)?;
    let gain = launches.iter().map(|launch| launch.reading.error.gain_ratio).fold(0.0, f64::max);
    let offset = launches.iter().map(|launch| launch.reading.error.offset_w).fold(0.0, f64::max);
    let phase = |kind: usize| {
        let all = launches.iter().flat_map(|launch| &launch.requests);
        let seconds = all.map(|request| length(phases(request)[kind])).sum::<f64>() / 1e9;
        let joules = best.power_w[kind] * seconds;
        let error = best.error_w[kind] * seconds;
        let common = (gain * joules).hypot(offset * seconds);
        let half = (best.times * error).hypot(2.0 * common);
        if half >= joules {
            return Err("the interval of what a phase takes reaches 0".to_owned());
        }
        let u = error.hypot(common);
        Ok(Phase { joules, u, half, standard_error: Some(error), n_tokens: tokens[kind] })
    };
    Ok(Split {
        prefill: phase(0)?,
        decode: phase(1)?,
        n_requests,
        how: format!("regression of {} readings on the token timeline", best.n),
    })
}

/// The time that a reading stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    /// It ended so long before the reading's stamp,
    before_ns: u64,
    /// and was so long; a counter's is from one reading to the next.
    width_ns: u64,
}

/// The times that a reading may stand for: an instant, the time since the last update, or as long as the test of the
/// source says, each up to an update before the reading. The one that explains the readings best is taken.
fn windows(launches: &[Timeline<'_>]) -> Vec<Window> {
    const STEPS: u64 = 4;
    let Some(first) = launches.first() else { return Vec::new() };
    let update = first.reading.update_ns;
    let widths: Vec<u64> = match &first.reading.curve {
        Curve::Counts(_) => vec![0],
        Curve::Power(_) => [0, update].into_iter().chain(first.reading.lag_ns.map(|lag| 2 * lag)).collect(),
    };
    let shifts = (0..=STEPS).map(|step| update * step / STEPS);
    shifts
        .flat_map(|before_ns| widths.iter().map(move |width_ns| Window { before_ns, width_ns: *width_ns }))
        .collect()
}

/// Powers of the kinds of time.
struct Fit {
    power_w: Shares,
    /// Their standard errors, with what neighbours resemble each other taken off.
    error_w: Shares,
    /// Standard errors on each side of a 95 % interval.
    times: f64,
    n: usize,
    /// Variance of what is left of the readings: windows do not hold equally many.
    left: f64,
}

fn fit(launches: &[Timeline<'_>], window: Window) -> Result<Fit, String> {
    let observed: Vec<Observed> = launches.iter().flat_map(|launch| observations(launch, window)).collect();
    let share = |kind: usize| observed.iter().map(|of| of.shares[kind]).sum::<f64>() / observed.len() as f64;
    let has_rest = share(2) >= LEAST_SHARE;
    let predictors: Vec<Vec<f64>> =
        observed.iter().map(|of| of.shares[..if has_rest { 3 } else { 2 }].to_vec()).collect();
    let powers: Vec<f64> = observed.iter().map(|of| of.power_w).collect();
    let found = regress(&predictors, &powers).map_err(|why| match why {
        NoRegression::TooFew { n, .. } => format!("{n} readings are too few to tell the phases apart"),
        NoRegression::Collinear { condition } if condition.is_finite() => {
            format!("prefill and decode go together in all readings (condition number {condition:.0})")
        }
        NoRegression::Collinear { .. } => "one of the phases is in no reading".to_owned(),
    })?;
    let n = found.n;
    let alike = lag1_autocorrelation(&found.residuals).unwrap_or(0.0).max(0.0);
    let worth = effective_n(n as u64, alike) as f64;
    let n_free = worth - found.coefficients.len() as f64;
    let times = student_t(CONFIDENCE, n_free).ok_or("readings resemble each other too much")?;
    let of = |kind: usize| {
        let error = found.standard_error(kind).unwrap_or(0.0) * (n as f64 / worth).sqrt();
        (found.coefficients.get(kind).copied().unwrap_or(0.0), error)
    };
    let [prefill, decode, rest] = [of(0), of(1), of(2)];
    Ok(Fit {
        power_w: [prefill.0, decode.0, rest.0],
        error_w: [prefill.1, decode.1, rest.1],
        times,
        n,
        left: found.residuals.iter().map(|of| of.powi(2)).sum::<f64>() / found.n_free() as f64,
    })
}

/// Readings between the first request's begin and the last one's end.
fn observations(launch: &Timeline<'_>, window: Window) -> Vec<Observed> {
    let (Some(first), Some(last)) = (launch.requests.first(), launch.requests.last()) else {
        return Vec::new();
    };
    let of = |from: u64, to: u64, power_w: f64| {
        let (from, to) = (from.checked_sub(window.before_ns)?, to.checked_sub(window.before_ns)?);
        let is_inside = from >= first.began && to <= last.last;
        is_inside.then(|| Observed { shares: shares(&launch.requests, from, to), power_w })
    };
    match &launch.reading.curve {
        Curve::Power(power) => {
            power.iter().filter_map(|(at, power)| of(at.checked_sub(window.width_ns)?, *at, *power)).collect()
        }
        Curve::Counts(counts) => {
            let Some(stamps) = counts.first() else { return Vec::new() };
            let mean = |pair: &[(u64, f64)]| {
                let (from, to) = (pair[0].0, pair[1].0);
                let energy = launch.reading.integral(from, to).filter(|found| found.coverage > 0.999)?;
                of(from, to, energy.value / ((to - from) as f64 / 1e9))
            };
            stamps.points.windows(2).filter_map(mean).collect()
        }
    }
}

/// Which shares of a time prefill, decode and neither have; of an instant one of them is 1.
fn shares(requests: &[Timed], from: u64, to: u64) -> Shares {
    let first = requests.partition_point(|request| request.last < from);
    let near = requests[first..].iter().take_while(|request| request.began <= to);
    let mut shares = [0.0; 3];
    if from == to {
        let kind = near
            .flat_map(|request| phases(request).into_iter().enumerate())
            .find(|(_, phase)| (phase[0]..phase[1]).contains(&from))
            .map_or(2, |(kind, _)| kind);
        shares[kind] = 1.0;
        return shares;
    }
    let whole = (to - from) as f64;
    for request in near {
        for (kind, phase) in phases(request).into_iter().enumerate() {
            shares[kind] += phase[1].min(to).saturating_sub(phase[0].max(from)) as f64 / whole;
        }
    }
    shares[2] = (1.0 - shares[0] - shares[1]).max(0.0);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed(began: u64, first: u64, last: u64) -> Timed {
        Timed { began, first, last, n_prefill: Some(1), n_decode: Some(1) }
    }

    #[test]
    fn shares_of_a_time_by_hand() {
        let requests = [timed(100, 200, 500), timed(600, 700, 700)];
        let check = |from, to, expected: Shares| {
            let found = shares(&requests, from, to);
            for kind in 0..3 {
                assert!((found[kind] - expected[kind]).abs() < 1e-12, "{from} – {to}: {found:?}");
            }
        };
        check(0, 100, [0.0, 0.0, 1.0]);
        // 50 of prefill, 50 of decode.
        check(150, 250, [0.5, 0.5, 0.0]);
        // 100 of decode, 100 of neither, 100 of prefill, 100 of neither.
        check(400, 800, [0.25, 0.25, 0.5]);
        check(150, 150, [1.0, 0.0, 0.0]);
        check(200, 200, [0.0, 1.0, 0.0]);
        check(550, 550, [0.0, 0.0, 1.0]);
    }

    #[test]
    fn requests_that_overlap_are_seen() {
        assert!(overlap(&[timed(0, 10, 20), timed(19, 30, 40)]));
        assert!(!overlap(&[timed(0, 10, 20), timed(20, 30, 40)]));
    }
}

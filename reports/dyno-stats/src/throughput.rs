//! How much of what was offered came back, and how much of that was good.

/// Requests that kept all of their limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goodput {
    /// Share of all requests, of 0 to 1.
    pub ratio: f64,
    /// Good requests per second.
    pub rate_per_s: f64,
}

/// Whether a request keeps all limits of a composite claim: each pair is a value and the most that it may be.
/// A value that is missing keeps no limit: a request without an answer is not good.
pub fn is_good(values: &[(Option<u64>, u64)]) -> bool {
    values.iter().all(|(value, limit)| value.is_some_and(|value| value <= *limit))
}

/// `n_good` of `n` requests within `elapsed_ns`: DistServe's goodput (Zhong et al., OSDI 2024), as AIPerf and vLLM
/// count it, per request. `None` without requests or time, or with more good ones than there are.
pub fn goodput(n_good: u64, n: u64, elapsed_ns: u64) -> Option<Goodput> {
    (n > 0 && elapsed_ns > 0 && n_good <= n).then(|| Goodput {
        ratio: n_good as f64 / n as f64,
        rate_per_s: n_good as f64 * 1e9 / elapsed_ns as f64,
    })
}

/// A rate that was offered, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferedRate {
    /// Thousandths of a request per second that were due.
    pub offered_milli_per_s: u64,
    /// Thousandths of a request per second that were answered.
    pub answered_milli_per_s: u64,
}

/// The rate from which on the device keeps up no more: the lowest offered one at which, and at all higher ones, less
/// than `least_ratio` of it was answered. `None` when the highest was kept up with.
pub fn saturation(rates: &[OfferedRate], least_ratio: f64) -> Option<u64> {
    let mut rates = rates.to_vec();
    rates.sort_unstable_by_key(|rate| std::cmp::Reverse(rate.offered_milli_per_s));
    rates
        .iter()
        .take_while(|rate| (rate.answered_milli_per_s as f64) < least_ratio * rate.offered_milli_per_s as f64)
        .last()
        .map(|rate| rate.offered_milli_per_s)
}

/// The place of the knee among points of throughput and latency: where their ratio, the power, is highest
/// (Kleinrock 1979, "Power and deterministic rules of thumb for probabilistic problems in computer communications").
/// The first of equal ones. `None` without a point whose throughput and latency are above 0.
pub fn knee(points: &[(f64, f64)]) -> Option<usize> {
    let power = |(throughput, latency): (f64, f64)| {
        (throughput > 0.0 && latency > 0.0).then(|| throughput / latency).filter(|power| power.is_finite())
    };
    let powers = points.iter().enumerate().filter_map(|(place, point)| Some((place, power(*point)?)));
    powers.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_good_when_nothing_is_too_long_or_missing() {
        assert!(is_good(&[(Some(100), 100), (Some(3), 4)]));
        assert!(!is_good(&[(Some(100), 100), (Some(5), 4)]));
        assert!(!is_good(&[(Some(100), 100), (None, 4)]));
        assert!(is_good(&[]));
    }

    #[test]
    fn goodput_by_hand() {
        let found = goodput(30, 40, 2_000_000_000).expect("requests");
        assert!((found.ratio - 0.75).abs() < 1e-12 && (found.rate_per_s - 15.0).abs() < 1e-12, "{found:?}");
        assert_eq!(goodput(0, 0, 1), None);
        assert_eq!(goodput(2, 1, 1), None);
        assert_eq!(goodput(1, 1, 0), None);
    }

    #[test]
    fn the_knee_is_where_power_is_highest() {
        // An M/M/1 queue of rate 1: latency 1 / (1 − x), power x·(1 − x), highest at a load of one half.
        let mm1: Vec<(f64, f64)> =
            (1..10).map(|tenths| f64::from(tenths) / 10.0).map(|x| (x, 1.0 / (1.0 - x))).collect();
        assert_eq!(knee(&mm1), Some(4));
        assert_eq!(knee(&[(0.0, 1.0), (2.0, 0.0)]), None);
        assert_eq!(knee(&[(1.0, 1.0), (2.0, 2.0)]), Some(0));
    }

    #[test]
    fn saturation_is_where_answers_fall_behind_for_good() {
        let rates = |of: &[(u64, u64)]| -> Vec<OfferedRate> {
            of.iter()
                .map(|(offered, answered)| OfferedRate {
                    offered_milli_per_s: *offered,
                    answered_milli_per_s: *answered,
                })
                .collect()
        };
        assert_eq!(
            saturation(&rates(&[(4000, 2500), (1000, 1000), (2000, 1990), (3000, 2500)]), 0.95),
            Some(3000)
        );
        // A dip below that passes is no saturation.
        assert_eq!(saturation(&rates(&[(1000, 500), (2000, 2000), (3000, 1000)]), 0.95), Some(3000));
        assert_eq!(saturation(&rates(&[(1000, 1000)]), 0.95), None);
        assert_eq!(saturation(&[], 0.95), None);
    }
}

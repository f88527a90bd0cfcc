//! Loads that the command line asks for in place of the suite's.

use dyno_model::load::{Arrivals, LoadModel};

use crate::arrivals::Rates;
use crate::ask::AskedLoad;
use crate::load::{CONCURRENCY, MAX_REQUESTS, RATES_PER_S};
use crate::problem::{Problem, Problems};

/// Reports what cannot be offered.
pub(crate) fn check(asked: &AskedLoad, problems: &mut Problems) {
    let mut refuse = |flag: &str, message: String, hint: String| {
        problems.push(Problem::of_flag(flag, message, Some(hint)));
    };
    match asked {
        AskedLoad::Closed { concurrency } => {
            let (low, high) = CONCURRENCY;
            for n in concurrency.iter().filter(|n| !(low..=high).contains(*n)) {
                refuse("--concurrency", format!("{n} is out of range"), format!("from {low} to {high}"));
            }
        }
        AskedLoad::Open { rates_milli_per_s, duration_ms, .. } => {
            let (low, high) = RATES_PER_S;
            let fits = |milli: u64| (low..=high).contains(&(milli as f64 / 1000.0));
            for milli in rates_milli_per_s.iter().copied().filter(|milli| !fits(*milli)) {
                let message = format!("{} is out of range", milli as f64 / 1000.0);
                refuse("--rate", message, format!("from {low} to {high}"));
            }
            for (milli, n) in
                rates_milli_per_s.iter().filter_map(|milli| Some((milli, within(*milli, (*duration_ms)?))))
            {
                if n == 0 || n > u64::from(MAX_REQUESTS) {
                    let message = format!("{n} requests are due at {}/s", *milli as f64 / 1000.0);
                    refuse("--duration", message, format!("choose a time for 1 to {MAX_REQUESTS} of them"));
                }
            }
        }
    }
}

/// The load models, each of which becomes a cell. `n_requests` is what a launch of a closed loop would make.
pub(crate) fn plan(asked: &AskedLoad, n_requests: u32) -> Vec<LoadModel> {
    match asked {
        AskedLoad::Closed { concurrency } => {
            concurrency.iter().map(|workers| LoadModel::Closed { workers: *workers, think_ms: 0 }).collect()
        }
        AskedLoad::Open { arrivals, rates_milli_per_s, duration_ms } => {
            let open = |milli: &u64| open(*arrivals, *milli, *duration_ms, n_requests);
            rates_milli_per_s.iter().map(open).collect()
        }
    }
}

fn open(arrivals: Arrivals, rate_milli_per_s: u64, duration_ms: Option<u64>, n_requests: u32) -> LoadModel {
    let due = duration_ms.map(|ms| u32::try_from(within(rate_milli_per_s, ms)).unwrap_or(u32::MAX));
    LoadModel::Open {
        arrivals,
        rate_milli_per_s,
        ramp_to_milli_per_s: None,
        n_requests: due.unwrap_or(n_requests),
        max_in_flight: None,
    }
}

fn within(rate_milli_per_s: u64, duration_ms: u64) -> u64 {
    Rates { from_milli_per_s: rate_milli_per_s, to_milli_per_s: rate_milli_per_s }.n_within(duration_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_says_how_many_requests() {
        // By hand: 2.5/s over 4 s are 10 requests.
        let asked = |duration_ms| AskedLoad::Open {
            arrivals: Arrivals::Poisson,
            rates_milli_per_s: vec![2500],
            duration_ms,
        };
        let n_of = |loads: Vec<LoadModel>| match loads.as_slice() {
            [LoadModel::Open { n_requests, .. }] => *n_requests,
            _ => panic!("one open load"),
        };
        assert_eq!(n_of(plan(&asked(Some(4000)), 7)), 10);
        assert_eq!(n_of(plan(&asked(None), 7)), 7);
    }

    #[test]
    fn what_cannot_be_offered_is_refused() {
        let n_problems = |asked: &AskedLoad| {
            let mut problems = Problems::default();
            check(asked, &mut problems);
            problems.0.len()
        };
        assert_eq!(n_problems(&AskedLoad::Closed { concurrency: vec![0, 1, 4096, 4097] }), 2);
        let open = |rates_milli_per_s: Vec<u64>, duration_ms| AskedLoad::Open {
            arrivals: Arrivals::Constant,
            rates_milli_per_s,
            duration_ms,
        };
        assert_eq!(n_problems(&open(vec![0, 1, 100_000_000, 100_000_001], None)), 2);
        // Half a request, and 200,000 of them.
        assert_eq!(n_problems(&open(vec![500, 100_000_000], Some(1000))), 1);
        assert_eq!(n_problems(&open(vec![100_000_000], Some(2000))), 1);
    }
}

//! Whether a held load has become steady.
//!
//! House rule: the rate of the last third of the load differs by 2 % or less from that of the third before, and no
//! temperature has moved by more than 1 °C within the last 5 minutes. The rate is tokens for the time that requests
//! took: pauses of a duty cycle are not in it.

use std::collections::VecDeque;

use dyno_model::care::Hold;
use dyno_model::clock::MonoNs;
use dyno_model::request::RequestRecord;

use super::watch::{Watch, degrees, seconds};

/// Rates differ by no more than this, in thousandths.
const RATE_MILLI: u128 = 20;
/// Fewer requests than this in a third say nothing of its rate.
const LEAST_REQUESTS: usize = 3;
/// Temperatures move by no more than this,
const MOVE_MDEGC: i64 = 1000;
/// within so long.
const MOVE_WITHIN_NS: u64 = 300_000_000_000;
/// It is looked at so often.
const LOOK_EVERY_NS: u64 = 10_000_000_000;

/// Watches a held load that ends once it is steady.
#[derive(Debug)]
pub(super) struct Steady {
    began_at: MonoNs,
    not_before: MonoNs,
    next_look_at: MonoNs,
    done: Vec<Done>,
    /// Temperatures at each look of the last minutes.
    looks: VecDeque<(MonoNs, Vec<Option<i64>>)>,
}

/// What is kept of a request that was answered.
#[derive(Debug, Clone, Copy)]
struct Done {
    ended_at: MonoNs,
    n_tokens: u64,
    took_ns: u64,
}

/// How far temperatures have moved.
enum Move {
    /// The furthest of them.
    By(i64),
    /// None can be read.
    Blind,
}

impl Steady {
    /// Of a load that began now; `None` where it does not end sooner.
    pub(super) fn of(hold: Option<&Hold>, began_at: MonoNs) -> Option<Self> {
        let after_ms = hold?.steady_after_ms?;
        let not_before = began_at.plus(after_ms.saturating_mul(1_000_000));
        let (done, looks) = (Vec::new(), VecDeque::new());
        Some(Self { began_at, not_before, next_look_at: began_at, done, looks })
    }

    /// A request is over.
    pub(super) fn saw(&mut self, record: &RequestRecord) {
        if !record.outcome.is_ok() {
            return;
        }
        let n_events = record.chunk_bytes.iter().filter(|n| **n > 0).count() as u64;
        let n_tokens = record.usage.completion_tokens.map_or(n_events, u64::from);
        let took_ns = record.ended_at.since(record.sent_at);
        self.done.push(Done { ended_at: record.ended_at, n_tokens, took_ns });
    }

    /// Why the load is steady now, if it is; `watch` is `None` without sensors.
    pub(super) fn is_reached(&mut self, now: MonoNs, watch: Option<&Watch>) -> Option<String> {
        if now < self.next_look_at {
            return None;
        }
        self.next_look_at = now.plus(LOOK_EVERY_NS);
        let temps = watch.map(Watch::temps_now).unwrap_or_default();
        self.reached_at(now, temps)
    }

    fn reached_at(&mut self, now: MonoNs, temps: Vec<Option<i64>>) -> Option<String> {
        self.looks.push_back((now, temps));
        // One look of before the span stays: the span is covered then.
        while self.looks.get(1).is_some_and(|look| now.since(look.0) >= MOVE_WITHIN_NS) {
            self.looks.pop_front();
        }
        if now < self.not_before {
            return None;
        }
        let differ_milli = self.rates_differ_milli(now).filter(|milli| *milli <= RATE_MILLI)?;
        let rate = format!("its last third is as fast as the one before to {differ_milli} ‰");
        let heat = match self.temps_moved()? {
            Move::By(mdegc) if mdegc > MOVE_MDEGC => return None,
            Move::By(mdegc) => {
                format!("temperatures moved by {} in {}", degrees(mdegc), seconds(MOVE_WITHIN_NS))
            }
            Move::Blind => "no temperature can be read".to_owned(),
        };
        Some(format!("steady after {}: {rate}, {heat}", seconds(now.since(self.began_at))))
    }

    /// By how much the rates of the last two thirds differ, in thousandths of the earlier one, rounded up.
    fn rates_differ_milli(&self, now: MonoNs) -> Option<u128> {
        let third_ns = now.since(self.began_at) / 3;
        let rate = |from_ns: u64, to_ns: u64| {
            let within = |done: &&Done| (from_ns..to_ns).contains(&done.ended_at.since(self.began_at));
            let done: Vec<&Done> = self.done.iter().filter(within).collect();
            let n_tokens: u128 = done.iter().map(|done| u128::from(done.n_tokens)).sum();
            let took_ns: u128 = done.iter().map(|done| u128::from(done.took_ns)).sum();
            // Tokens in 10^6 s: fine enough, and far from the end of the type.
            let rate = (n_tokens * 1_000_000_000_000_000).checked_div(took_ns)?;
            (done.len() >= LEAST_REQUESTS).then_some(rate)
        };
        let (before, last) = (rate(third_ns, 2 * third_ns)?, rate(2 * third_ns, u64::MAX)?);
        Some((before.abs_diff(last) * 1000).div_ceil(before.max(1)))
    }

    /// The furthest move of a temperature within the span; `None` before it is covered.
    fn temps_moved(&self) -> Option<Move> {
        let (first, last) = (self.looks.front()?, self.looks.back()?);
        if last.0.since(first.0) < MOVE_WITHIN_NS {
            return None;
        }
        let moved = (0..last.1.len()).filter_map(|idx| {
            let values = self.looks.iter().filter_map(|look| look.1.get(idx).copied().flatten());
            let (low, high) = values.fold(None, |span: Option<(i64, i64)>, value| {
                Some(span.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
            })?;
            Some(high - low)
        });
        Some(moved.max().map_or(Move::Blind, Move::By))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn steady(after_s: u64) -> Steady {
        let hold =
            Hold { for_ms: u64::MAX, max_requests: None, steady_after_ms: Some(after_s * 1000), duty: None };
        Steady::of(Some(&hold), MonoNs(0)).expect("it may end sooner")
    }

    /// One request of 100 tokens each 10 s, each of which took what `took_ms` says; looks at each with `temp`.
    fn first_reached(
        after_s: u64,
        took_ms: impl Fn(u64) -> u64,
        temp: impl Fn(u64) -> Option<i64>,
    ) -> Option<(u64, String)> {
        let mut steady = steady(after_s);
        (0..=3600).step_by(10).find_map(|at_s| {
            let ended_at = MonoNs(at_s * S);
            steady.done.push(Done { ended_at, n_tokens: 100, took_ns: took_ms(at_s) * 1_000_000 });
            Some((at_s, steady.reached_at(ended_at, vec![temp(at_s)])?))
        })
    }

    #[test]
    fn a_flat_load_is_steady_as_soon_as_it_may_be() {
        let (at_s, why) = first_reached(600, |_| 5000, |_| Some(60_000)).expect("it is flat");
        assert_eq!(at_s, 600);
        let expected = "steady after 600 s: its last third is as fast as the one before to 0 ‰, temperatures moved \
                        by 0.0 °C in 300 s";
        assert_eq!(why, expected);
        // Temperatures are known over 5 minutes only then.
        assert_eq!(first_reached(60, |_| 5000, |_| Some(60_000)).map(|at| at.0), Some(300));
        let blind = first_reached(600, |_| 5000, |_| None).expect("its rate is flat").1;
        assert!(blind.ends_with("no temperature can be read"), "{blind}");
    }

    #[test]
    fn a_load_that_slowed_down_is_steady_two_thirds_of_its_time_later() {
        // Slower by a half from 400 s on. At T = 1150 s the third before the last is from 383 s to 767 s: 38 requests,
        // of which that at 390 s alone was fast: 3800 tokens in 375 s, 1.3 % above the last third. At 1140 s two of
        // them were fast: 3800 in 370 s are 2.6 % above.
        let slow = |at_s| if at_s < 400 { 5000 } else { 10_000 };
        assert_eq!(first_reached(600, slow, |_| Some(60_000)).map(|at| at.0), Some(1150));
    }

    #[test]
    fn it_waits_for_a_temperature_that_still_rises() {
        // 1 °C in 100 s until 1000 s: within 5 minutes it moves by 1 °C or less from 1000 s + 200 s on.
        let temp = |at_s: u64| Some(40_000 + 10 * i64::try_from(at_s.min(1000)).expect("an hour"));
        assert_eq!(first_reached(300, |_| 5000, temp).map(|at| at.0), Some(1200));
        let swinging = |at_s: u64| Some(if at_s.is_multiple_of(200) { 50_000 } else { 51_001 });
        assert_eq!(first_reached(300, |_| 5000, swinging), None);
    }

    #[test]
    fn two_per_cent_is_the_limit() {
        // At 600 s: the third from 200 s takes 5147.5 ms a request in the mean, the last one 5250 ms: 1.95 % less.
        assert_eq!(first_reached(600, |at_s| 5000 + at_s / 2, |_| None).map(|at| at.0), Some(600));
        // 5177 ms and 5300 ms: 2.3 %, and more later on.
        assert_eq!(first_reached(600, |at_s| 5000 + at_s * 6 / 10, |_| None), None);
    }
}

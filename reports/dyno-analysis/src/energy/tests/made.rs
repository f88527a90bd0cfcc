//! Curves of power with exact integrals, and readings of them.

use dyno_model::sample::{AccuracyClass, Scope};
use dyno_stats::MeterError;
use dyno_view::energy::EnergyHowView;

use crate::energy::phases::Timed;
use crate::energy::source::{Charging, Part, Sign, Source};

pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const MS: u64 = 1_000_000;

/// Numbers between 0 and 1, always the same for a seed (xorshift64*, Vigna 2016).
pub(super) struct Draws(u64);

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Between two bounds, all ratios alike.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.next())
    }
}

/// Power that is constant piece by piece: where each piece ends, in ns, and its power in W.
#[derive(Default)]
pub(super) struct Power {
    pieces: Vec<(u64, f64)>,
    /// Energy up to the begin of each piece, in µJ.
    begun_uj: Vec<f64>,
}

impl Power {
    pub(super) fn push(&mut self, ns: u64, watts: f64) {
        let (begin, before) = match (self.pieces.last(), self.begun_uj.last()) {
            (Some((end, watts)), Some(begun)) => {
                (*end, begun + watts * (*end - self.begin_of_last()) as f64 / 1e3)
            }
            _ => (0, 0.0),
        };
        self.begun_uj.push(before);
        self.pieces.push((begin + ns, watts));
    }

    fn begin_of_last(&self) -> u64 {
        self.pieces.len().checked_sub(2).map_or(0, |place| self.pieces[place].0)
    }

    pub(super) fn end(&self) -> u64 {
        self.pieces.last().map_or(0, |piece| piece.0)
    }

    fn place(&self, at: u64) -> usize {
        self.pieces.partition_point(|piece| piece.0 <= at).min(self.pieces.len() - 1)
    }

    pub(super) fn watts(&self, at: u64) -> f64 {
        self.pieces[self.place(at)].1
    }

    /// Energy from the begin on, in µJ.
    pub(super) fn microjoules(&self, at: u64) -> f64 {
        let place = self.place(at);
        let begin = place.checked_sub(1).map_or(0, |before| self.pieces[before].0);
        self.begun_uj[place] + self.pieces[place].1 * (at.min(self.pieces[place].0) - begin) as f64 / 1e3
    }
}

/// Readings of a counter that is updated every `update`, from `first` on, read as often half an update later.
pub(super) fn counter(power: &Power, update: u64, first: u64, wraps_at: Option<u64>) -> Vec<(u64, i64)> {
    let n = (power.end() - first) / update;
    let count = |at: u64| {
        let count = power.microjoules(at) as u64;
        wraps_at.map_or(count, |range| count % range).cast_signed()
    };
    (0..n).map(|n| first + n * update).map(|at| (at + update / 2, count(at))).collect()
}

/// Samples of the instant, each wrong by up to 2 %, as sensors are.
pub(super) fn samples(power: &Power, period: u64, first: u64, draws: &mut Draws) -> Vec<(u64, i64)> {
    let n = (power.end() - first) / period;
    (0..n)
        .map(|n| first + n * period)
        .map(|at| (at, (power.watts(at) * 1e6 * (0.98 + 0.04 * draws.next())) as i64))
        .collect()
}

pub(super) fn source(how: EnergyHowView, points: &[(u64, i64)], period_ms: u32) -> Source<'_> {
    Source {
        driver: "made",
        name: "made".to_owned(),
        class: AccuracyClass::B,
        scope: Some(Scope::Device),
        how,
        parts: vec![Part { points, current: None, wraps_at: None, period_ms, sign: Sign::AsItIs }],
        charging: None,
        error: MeterError::default(),
        caveat: None,
        tested: None,
        update_ns: None,
        lag_ns: None,
        refused: None,
    }
}

pub(super) fn battery<'a>(points: &'a [(u64, i64)], states: &'a [(u64, i64)]) -> Source<'a> {
    let mut source = source(EnergyHowView::Samples, points, 1000);
    source.charging = Some(Charging(states));
    source.parts[0].sign = Sign::Unknown;
    source
}

/// Requests on a curve: a rest of 5 s, then requests with a short pause each, then a rest again.
pub(super) struct Pattern {
    pub(super) power: Power,
    pub(super) requests: Vec<Timed>,
    /// True energy of all prefill and of all decode, in J.
    pub(super) phases_j: [f64; 2],
}

pub(super) const IDLE_W: f64 = 4.0;
pub(super) const PREFILL_W: f64 = 12.0;
pub(super) const DECODE_W: f64 = 9.0;

/// `n` requests whose phases are as long as `lengths` says, in s; 200 prompt tokens and 10 answer tokens a second.
pub(super) fn pattern(n: usize, draws: &mut Draws, lengths: impl Fn(&mut Draws) -> [f64; 2]) -> Pattern {
    let mut power = Power::default();
    power.push(5 * SECOND, IDLE_W);
    let mut requests = Vec::new();
    let mut phases_j = [0.0; 2];
    for _ in 0..n {
        let [prefill, decode] = lengths(draws).map(|seconds| (seconds * 1e9) as u64);
        let began = power.end();
        power.push(prefill, PREFILL_W);
        let first = power.end();
        power.push(decode, DECODE_W);
        requests.push(Timed {
            began,
            first,
            last: power.end(),
            n_prefill: Some(prefill * 200 / SECOND),
            n_decode: Some((decode * 10 / SECOND).max(1)),
        });
        phases_j[0] += PREFILL_W * prefill as f64 / 1e9;
        phases_j[1] += DECODE_W * decode as f64 / 1e9;
        let pause = (draws.between(0.002, 0.2) * 1e9) as u64;
        power.push(pause, IDLE_W);
    }
    power.push(5 * SECOND, IDLE_W);
    Pattern { power, requests, phases_j }
}

//! Boards that nobody measured: their bandwidth, times the share of it that measured devices use, by the bytes of a
//! token (MEASUREMENT §7).
//!
//! Rates are ratios, so everything is done in logarithms: the typical share is the geometric mean.

use dyno_model::slo::Condition;
use dyno_stats::student_t;
use dyno_view::load::VerdictView;
use dyno_view::recommend::{AmountUnit, AmountView, LeftOutView, PredictionView, PredictionsView};

use super::ask::{BuyerAsk, PredictAsk};
use super::bounded::{Bounded, missing};
use super::candidate::Candidate;
use crate::machine::unreal;
use crate::observations::CONFIDENCE;
use crate::roofline::decoding;

/// The fewest measured devices for an interval (house rule): of fewer, the spread between devices is not known.
const MIN_DEVICES: usize = 3;

/// A measured device.
#[derive(Debug, Clone, PartialEq)]
struct Neighbour {
    name: String,
    device: String,
    runtime: String,
    /// Decode rate, tokens per second.
    rate: f64,
    /// Bytes of a token.
    bytes: f64,
    /// Bandwidth of the data sheet, bytes per second.
    bandwidth: f64,
}

impl Neighbour {
    fn mbu(&self) -> f64 {
        self.rate * self.bytes / self.bandwidth
    }
}

/// All boards that were asked for; `None` where none was.
pub(super) fn predictions(candidates: &[Candidate<'_, '_>], ask: &BuyerAsk) -> Option<PredictionsView> {
    if ask.predict.is_empty() {
        return None;
    }
    let mut unused = Vec::new();
    let mut all: Vec<Neighbour> = Vec::new();
    for candidate in candidates {
        match neighbour(candidate, ask) {
            Ok(found) => all.push(found),
            Err(why) => unused.push(format!("{}: {why}", candidate.name)),
        }
    }
    let runtime = most_used_runtime(&all);
    let (mut of_runtime, others): (Vec<Neighbour>, Vec<Neighbour>) =
        all.into_iter().partition(|of| Some(&of.runtime) == runtime.as_ref());
    unused.extend(others.iter().map(|of| format!("{}: another runtime, with a share of its own", of.name)));
    // Settings of one device are no further device: the fastest stands for it.
    of_runtime.sort_by(|a, b| a.device.cmp(&b.device).then(b.rate.total_cmp(&a.rate)));
    of_runtime.dedup_by(|later, kept| {
        let is_same = later.device == kept.device;
        if is_same {
            unused.push(format!("{}: {} is the same device, and faster", later.name, kept.name));
        }
        is_same
    });
    Some(of_neighbours(&of_runtime, runtime, unused, ask))
}

fn neighbour(candidate: &Candidate<'_, '_>, ask: &BuyerAsk) -> Result<Neighbour, String> {
    let cell = candidate.short.or(candidate.long).ok_or("it was not asked by one user")?.cell;
    if let Some(unreal) = unreal(cell.record, &cell.cell.device) {
        return Err(format!("{}: its rate is not that of a device of its kind", unreal.mark()));
    }
    let found =
        decoding(cell, &ask.boards).ok_or("its decode rate or the bytes of its model are not known")?;
    let bandwidth =
        found.spec_bytes_per_s.ok_or("no board of the catalogue fits it, so its bandwidth is not known")?;
    Ok(Neighbour {
        name: candidate.name.clone(),
        device: candidate.key.device.clone(),
        runtime: candidate.key.runtime.clone(),
        rate: found.tokens_per_s,
        bytes: found.bytes_per_token,
        bandwidth: bandwidth as f64,
    })
}

/// The runtime of most devices, the first by name of equal ones.
fn most_used_runtime(all: &[Neighbour]) -> Option<String> {
    let count = |runtime: &str| all.iter().filter(|of| of.runtime == runtime).count();
    let most =
        all.iter().max_by(|a, b| count(&a.runtime).cmp(&count(&b.runtime)).then(b.runtime.cmp(&a.runtime)));
    most.map(|of| of.runtime.clone())
}

fn of_neighbours(
    all: &[Neighbour],
    runtime: Option<String>,
    unused: Vec<String>,
    ask: &BuyerAsk,
) -> PredictionsView {
    let left_out: Vec<LeftOutView> = (0..all.len()).map(|place| left_out(all, place)).collect();
    let errors: Vec<f64> = left_out.iter().filter_map(|of| of.error).map(f64::abs).collect();
    let is_enough = all.len() >= MIN_DEVICES;
    let why = match all.len() {
        0 => Some("no measured device tells which share of its board's bandwidth is used".to_owned()),
        n if n < MIN_DEVICES => Some(format!(
            "{n} measured device{}: it takes {MIN_DEVICES} to tell how far such shares differ, so this is {}",
            if n == 1 { "" } else { "s" },
            if n == 1 { "its share and no prediction" } else { "the range of theirs and no prediction" }
        )),
        _ => None,
    };
    PredictionsView {
        runtime,
        boards: ask.predict.iter().map(|of| board(of, all, ask)).collect(),
        mean_error: is_enough.then(|| errors.iter().sum::<f64>() / errors.len() as f64),
        left_out,
        why,
        unused,
    }
}

/// One device as the others would have predicted it.
fn left_out(all: &[Neighbour], place: usize) -> LeftOutView {
    let of = &all[place];
    let others: Vec<f64> =
        all.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, of)| of.mbu().ln()).collect();
    let share = (!others.is_empty()).then(|| mean(&others).exp());
    let predicted = share.map(|share| share * of.bandwidth / of.bytes);
    LeftOutView {
        name: of.name.clone(),
        mbu: of.mbu(),
        measured: of.rate,
        predicted,
        error: predicted.map(|predicted| predicted / of.rate - 1.0),
    }
}

fn board(asked: &PredictAsk, all: &[Neighbour], ask: &BuyerAsk) -> PredictionView {
    let known = ask.boards.get(&asked.board);
    let bandwidth = known.and_then(|board| board.bandwidth.as_ref());
    let rate = AmountUnit::TokensPerSecond;
    let none = |why: &str| (missing(rate, why), missing(rate, why));
    let (decode, ceiling) = match bandwidth {
        None => none("the catalogue has no bandwidth of this board"),
        Some(_) if all.is_empty() => none("no device was measured whose bandwidth is known"),
        Some(bandwidth) => {
            // The same model is read on all; keys and values differ a little with the prompts that were answered.
            let bytes = mean(&all.iter().map(|of| of.bytes).collect::<Vec<_>>());
            let most = bandwidth.bytes_per_s as f64 / bytes;
            (predicted(all, most), Bounded::exact(most).view(rate))
        }
    };
    PredictionView {
        board: asked.board.clone(),
        title: known.map_or_else(|| asked.board.clone(), |board| board.title.clone()),
        price: match asked.price_eur {
            Some(eur) if eur > 0.0 => Bounded::exact(eur).view(AmountUnit::Eur),
            Some(_) => missing(AmountUnit::Eur, "no price: 0 is none"),
            None => missing(AmountUnit::Eur, "no price (`--predict BOARD=EUR`)"),
        },
        bandwidth: match bandwidth {
            Some(of) => AmountView {
                why: Some(format!("{} ({})", of.source, certainty(of.certainty))),
                ..Bounded::exact(of.bytes_per_s as f64).view(AmountUnit::BytesPerSecond)
            },
            None => missing(AmountUnit::BytesPerSecond, "the catalogue has none"),
        },
        tpot: tpot(&decode, ask),
        decode,
        ceiling,
    }
}

fn certainty(of: dyno_model::board::Certainty) -> &'static str {
    use dyno_model::board::Certainty;
    match of {
        Certainty::DataSheet => "the maker's data sheet",
        Certainty::Computed => "worked out from the memory's clock and width",
        Certainty::Hearsay => "as people know it",
    }
}

/// The rate that the measured shares make of the most that memory allows: with the prediction interval of one more
/// device of normally distributed logarithms, `mean ± t · s · √(1 + 1/n)`; with two devices their range.
fn predicted(all: &[Neighbour], most: f64) -> AmountView {
    let shares: Vec<f64> = all.iter().map(|of| of.mbu().ln()).collect();
    let (n, middle) = (shares.len(), mean(&shares));
    let unit = AmountUnit::TokensPerSecond;
    if n < 2 {
        return missing(unit, "one measured device tells nothing of others");
    }
    if n < MIN_DEVICES {
        let (low, high) = (shares[0].min(shares[1]).exp() * most, shares[0].max(shares[1]).exp() * most);
        let why = Some("no prediction: the range of two devices".to_owned());
        return AmountView { unit, value: None, interval: Some([low, high]), n: n as u64, why };
    }
    let spread = shares.iter().map(|share| (share - middle).powi(2)).sum::<f64>() / (n as f64 - 1.0);
    let t = student_t(CONFIDENCE, n as f64 - 1.0);
    let half = t.map(|t| t * (spread * (1.0 + 1.0 / n as f64)).sqrt());
    AmountView {
        unit,
        value: Some(middle.exp() * most),
        interval: half.map(|half| [(middle - half).exp() * most, (middle + half).exp() * most]),
        n: n as u64,
        why: Some("prediction, not sustained".to_owned()),
    }
}

/// Whether the objective on TPOT would be kept.
fn tpot(decode: &AmountView, ask: &BuyerAsk) -> Option<VerdictView> {
    let limit = |condition: &Condition| match condition {
        Condition::Limit { metric, limit } if metric == "tpot_ns" => Some(*limit),
        Condition::Limit { .. } | Condition::Answered | Condition::Passed | Condition::NoEgress => None,
    };
    let all = ask.slo.objectives.iter().flat_map(|of| &of.conditions);
    let strictest = all.filter_map(limit).min_by(f64::total_cmp)?;
    decode.value?;
    let [low, high] = decode.interval?;
    let limit_per_s = 1e9 / strictest;
    Some(if low >= limit_per_s {
        VerdictView::Pass
    } else if high < limit_per_s {
        VerdictView::Fail
    } else {
        VerdictView::Inconclusive { more_needed: 0 }
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbour(name: &str, bandwidth: f64, mbu: f64) -> Neighbour {
        let (name, runtime) = (name.to_owned(), "embedded".to_owned());
        Neighbour { device: name.clone(), name, runtime, rate: mbu * bandwidth / 1e9, bytes: 1e9, bandwidth }
    }

    fn near(found: Option<f64>, expected: f64) {
        let found = found.expect("a figure");
        assert!((found / expected - 1.0).abs() < 1e-6, "{found}, not {expected}");
    }

    /// Shares of 0.4, 0.5 and 0.625 lie evenly in logarithms: ln 1.25 = 0.223144 apart, which is their s. Their
    /// geometric mean is 0.5. On 60 GB/s at 1 GB a token: 30 tokens/s, at most 60. t(0.975, 2) = 4.302653, so the
    /// interval is 30 × exp(± 4.302653 × 0.223144 × √(4/3)) = 30 × exp(± 1.108648).
    #[test]
    fn a_board_is_predicted_by_hand() {
        let all = [neighbour("a", 10e9, 0.4), neighbour("b", 20e9, 0.5), neighbour("c", 40e9, 0.625)];
        let found = predicted(&all, 60.0);
        near(found.value, 30.0);
        let [low, high] = found.interval.expect("three devices");
        let half = 4.302_652_730 * 1.25_f64.ln() * (4.0_f64 / 3.0).sqrt();
        near(Some(low), 30.0 * (-half).exp());
        near(Some(high), 30.0 * half.exp());
        assert_eq!(found.n, 3);
    }

    /// Without b the others say √(0.4 × 0.625) = 0.5, which is b's own; without a √(0.5 × 0.625) = 0.559017 for its
    /// 0.4, 39.75 % too much; without c √(0.4 × 0.5) = 0.447214 for its 0.625, 28.45 % too little.
    #[test]
    fn each_device_is_left_out_by_hand() {
        let all = [neighbour("a", 10e9, 0.4), neighbour("b", 20e9, 0.5), neighbour("c", 40e9, 0.625)];
        near(left_out(&all, 0).error, 0.312_5_f64.sqrt() / 0.4 - 1.0);
        near(left_out(&all, 0).predicted, 0.312_5_f64.sqrt() * 10.0);
        assert!(left_out(&all, 1).error.expect("two others").abs() < 1e-12);
        near(left_out(&all, 2).error, 0.2_f64.sqrt() / 0.625 - 1.0);
        assert_eq!(left_out(&all[..1], 0).predicted, None);
    }

    #[test]
    fn few_devices_are_a_range_or_nothing() {
        let two = [neighbour("a", 10e9, 0.4), neighbour("b", 20e9, 0.5)];
        let found = predicted(&two, 60.0);
        assert_eq!(found.value, None);
        let [low, high] = found.interval.expect("a range");
        near(Some(low), 24.0);
        near(Some(high), 30.0);
        let one = predicted(&two[..1], 60.0);
        assert_eq!((one.value, one.interval), (None, None));
    }

    #[test]
    fn the_runtime_of_most_devices_is_taken() {
        let other = Neighbour { runtime: "ollama".to_owned(), ..neighbour("d", 10e9, 0.3) };
        let all = [neighbour("a", 10e9, 0.4), other.clone(), neighbour("b", 20e9, 0.5)];
        assert_eq!(most_used_runtime(&all).as_deref(), Some("embedded"));
        assert_eq!(
            most_used_runtime(&all[1..]).as_deref(),
            Some("embedded"),
            "the first by name of equal ones"
        );
        assert_eq!(most_used_runtime(&[]), None);
    }
}

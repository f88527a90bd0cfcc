//! Decode against the bandwidth of memory: `ceiling = bandwidth / (weights + keys and values read)`.

use dyno_model::launch::ModelFacts;
use dyno_model::machine::{ClusterFigures, RateFigure};
use dyno_stats::Level;
use dyno_view::memory::BoundedView;
use dyno_view::report::{QuantileFigure, UnitView};
use dyno_view::roofline::{CeilingView, RooflineWord};

use super::{missing, single};
use crate::cell::CellRecord;
use crate::independence::n_effective;
use crate::observations::Observations;

/// What a cell's decode reads and how long it takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decode {
    weights: f64,
    /// Keys and values at the mean context; `None` where the runtime does not say.
    kv: Option<f64>,
    mean_context: f64,
    /// Median TPOT in ns with its bounds.
    tpot: [f64; 3],
}

/// What it is put beside.
pub(super) struct Against<'m> {
    pub(super) cluster: &'m ClusterFigures,
    pub(super) bandwidth: RateFigure,
    /// Of the data sheet, and where that is from.
    pub(super) spec: Option<(u64, String)>,
}

impl Decode {
    /// `None` without a median TPOT that has an interval, or without token counts.
    pub(super) fn of(cell: &CellRecord<'_>, model: &ModelFacts) -> Option<Self> {
        let derived = &cell.record.derived;
        let rows = cell.ok_rows();
        let tpot = Observations::whole(rows.iter().filter_map(|row| derived[*row].tpot_ns).collect());
        let QuantileFigure::Estimate { value, low, high, .. } =
            tpot.figure(Level::P50, n_effective("tpot_ns", cell))
        else {
            return None;
        };
        let contexts: Vec<f64> = rows.iter().filter_map(|row| context(cell, *row)).collect();
        let n = contexts.len() as f64;
        if contexts.is_empty() || low <= 0.0 {
            return None;
        }
        let kv: Option<Vec<f64>> = contexts.iter().map(|tokens| kv_read(model, *tokens)).collect();
        Some(Self {
            weights: model.bytes_per_token as f64,
            kv: kv.map(|all| all.iter().sum::<f64>() / n),
            mean_context: contexts.iter().sum::<f64>() / n,
            tpot: [value, low, high],
        })
    }

    /// Of the median TPOT.
    pub(super) fn tokens_per_s(&self) -> f64 {
        1e9 / self.tpot[0]
    }

    /// Bytes that a token reads.
    pub(super) fn bytes(&self) -> f64 {
        self.weights + self.kv.unwrap_or(0.0)
    }

    pub(super) fn bytes_views(&self) -> Vec<BoundedView> {
        let label = "Keys and values read for a token";
        let kv = match self.kv {
            Some(kv) => {
                let note = format!("at a mean context of {:.0} tokens", self.mean_context);
                single(label, UnitView::Bytes, kv, note)
            }
            None => missing(label, UnitView::Bytes, "the runtime does not say; left out".to_owned()),
        };
        let weights = "what the runtime says of its packed weights, or the file of its tensors".to_owned();
        vec![single("Weights read for a token", UnitView::Bytes, self.weights, weights), kv]
    }

    pub(super) fn ceiling(&self, against: &Against<'_>) -> CeilingView {
        let [value, low, high] = self.tpot;
        CeilingView {
            ceiling_tokens_per_s: against.bandwidth.best_per_s as f64 / self.bytes(),
            rate_tokens_per_s: 1e9 / value,
            rate_low: 1e9 / high,
            rate_high: 1e9 / low,
        }
    }

    /// Bandwidth, ceiling, rate, MBU by what was measured and by the data sheet.
    pub(super) fn share_views(&self, against: &Against<'_>) -> Vec<BoundedView> {
        let RateFigure { best_per_s, median_per_s, worst_per_s, n } = against.bandwidth;
        let read = BoundedView {
            label: "Bandwidth of memory, measured".to_owned(),
            unit: UnitView::BytesPerSecond,
            value: Some(best_per_s as f64),
            low: Some(worst_per_s as f64),
            high: Some(best_per_s as f64),
            note: format!(
                "{}, reading; the best of {n} passes, worst to best; median {:.1} GB/s",
                against.cluster.label,
                median_per_s as f64 / 1e9
            ),
        };
        let CeilingView { ceiling_tokens_per_s, rate_tokens_per_s, rate_low, rate_high } =
            self.ceiling(against);
        let rate = BoundedView {
            label: "Decode rate".to_owned(),
            unit: UnitView::TokensPerSecond,
            value: Some(rate_tokens_per_s),
            low: Some(rate_low),
            high: Some(rate_high),
            note: "of the median TPOT".to_owned(),
        };
        let ceiling_note = "measured bandwidth by bytes of a token".to_owned();
        let ceiling = single("Decode ceiling", UnitView::TokensPerSecond, ceiling_tokens_per_s, ceiling_note);
        let measured = self.share("MBU, of the measured bandwidth", best_per_s, String::new());
        let spec = match &against.spec {
            Some((bytes_per_s, source)) => {
                self.share("MBU, of the data sheet", *bytes_per_s, format!("{source}; of the whole chip"))
            }
            None => missing(
                "MBU, of the data sheet",
                UnitView::Ratio,
                "no board of the catalogue fits this device".to_owned(),
            ),
        };
        vec![read, ceiling, rate, measured, spec]
    }

    /// `bytes / TPOT / bandwidth`.
    fn share(&self, label: &str, bytes_per_s: u64, note: String) -> BoundedView {
        let of = |ns: f64| self.bytes() / (ns / 1e9) / bytes_per_s as f64;
        let [value, low, high] = self.tpot;
        BoundedView {
            label: label.to_owned(),
            unit: UnitView::Ratio,
            value: Some(of(value)),
            low: Some(of(high)),
            high: Some(of(low)),
            note,
        }
    }

    /// Above the ceiling beyond its interval, what a cache holds may have been read from it; what even that does not
    /// explain was counted wrongly.
    pub(super) fn verdict(&self, against: &Against<'_>) -> (RooflineWord, String) {
        let slowest = self.tpot[2];
        let least_rate = self.bytes() / (slowest / 1e9);
        let bandwidth = against.bandwidth.best_per_s as f64;
        if least_rate <= bandwidth {
            return (RooflineWord::Below, String::new());
        }
        let cached = against.cluster.cache_bytes.unwrap_or(0) as f64;
        let from_memory = (self.bytes() - cached).max(0.0) / (slowest / 1e9);
        let over = least_rate / bandwidth * 100.0;
        if from_memory <= bandwidth {
            let mib = cached / f64::from(1 << 20);
            let why = format!(
                "{over:.0} % of the memory's bandwidth: up to {mib:.0} MiB of it can stay in the cache, so memory is no \
                 ceiling here"
            );
            return (RooflineWord::FromCache, why);
        }
        let why = format!(
            "{over:.0} % of the memory's bandwidth, which no decode of one token after the other can have: tokens or \
             bytes were counted wrongly, several tokens came of one pass (speculative decoding), or the bandwidth was \
             measured too low"
        );
        (RooflineWord::Impossible, why)
    }
}

/// The mean context while a request's answer was decoded.
fn context(cell: &CellRecord<'_>, row: usize) -> Option<f64> {
    let requests = &cell.record.requests;
    let (isl, osl) = (requests.prompt_tokens[row]?, requests.completion_tokens[row]?);
    Some(f64::from(isl) + f64::from(osl) / 2.0)
}

/// Bytes of keys and values that one token reads with so many before it: of a window, no more than it has.
fn kv_read(model: &ModelFacts, tokens: f64) -> Option<f64> {
    let of_all = model.kv_bytes_per_token? as f64 * tokens;
    let window = model.kv_window;
    Some(of_all + window.map_or(0.0, |of| of.bytes_per_token as f64 * tokens.min(f64::from(of.tokens))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(best_per_s: u64, cache_bytes: Option<u64>) -> (ClusterFigures, RateFigure) {
        let rate = RateFigure {
            best_per_s,
            median_per_s: best_per_s - best_per_s / 10,
            worst_per_s: best_per_s - best_per_s / 5,
            n: 10,
        };
        let cluster = ClusterFigures {
            label: "all 4 CPUs".to_owned(),
            cpus: vec![0, 1, 2, 3],
            read: Some(rate),
            triad: None,
            f32_ops: None,
            i8_ops: None,
            array_bytes: 1 << 30,
            cache_bytes,
        };
        (cluster, rate)
    }

    fn near(found: Option<f64>, expected: f64) {
        let found = found.expect("a figure");
        assert!((found / expected - 1.0).abs() < 1e-9, "{found}, not {expected}");
    }

    /// An 8B model in Q4_K_M, some 4.9 GB, on 17.1 GB/s: the example of MEASUREMENT §7 has 3.5 tokens/s.
    #[test]
    fn ceiling_of_the_published_example() {
        let decode = Decode { weights: 4.9e9, kv: None, mean_context: 0.0, tpot: [400e6, 350e6, 500e6] };
        let (cluster, bandwidth) = cluster(17_100_000_000, None);
        let against = Against { cluster: &cluster, bandwidth, spec: None };
        let found = decode.ceiling(&against);
        near(Some(found.ceiling_tokens_per_s), 17.1 / 4.9);
        assert!((found.ceiling_tokens_per_s - 3.5).abs() < 0.05);
        near(Some(found.rate_tokens_per_s), 2.5);
        near(Some(found.rate_low), 2.0);
    }

    #[test]
    fn shares_by_hand() {
        // 100 MB + 20 MB every 10 ms are 12 GB/s: 60 % of 20 GB/s, 40 % of 30 GB/s. At 12 ms it is 10 GB/s, at 8 ms 15.
        let decode = Decode { weights: 100e6, kv: Some(20e6), mean_context: 500.0, tpot: [10e6, 8e6, 12e6] };
        let (cluster, bandwidth) = cluster(20_000_000_000, None);
        let spec = Some((30_000_000_000, "Board: its sheet".to_owned()));
        let against = Against { cluster: &cluster, bandwidth, spec };
        let found = decode.share_views(&against);
        let figure = |label: &str| found.iter().find(|of| of.label.starts_with(label)).expect("a figure");
        let measured = figure("MBU, of the measured");
        near(measured.value, 0.6);
        near(measured.low, 0.5);
        near(measured.high, 0.75);
        near(figure("MBU, of the data sheet").value, 0.4);
        near(figure("Decode ceiling").value, 20e9 / 120e6);
        assert_eq!(decode.verdict(&against).0, RooflineWord::Below);
    }

    #[test]
    fn above_the_ceiling_is_from_the_cache_or_impossible() {
        // 120 MB in at most 5 ms are 24 GB/s of 20; 20 MB of cache leave 100 MB in 5 ms, which is just 20 GB/s.
        let decode = Decode { weights: 120e6, kv: None, mean_context: 0.0, tpot: [4e6, 3e6, 5e6] };
        let check = |cache, expected| {
            let (cluster, bandwidth) = cluster(20_000_000_000, cache);
            let (word, why) = decode.verdict(&Against { cluster: &cluster, bandwidth, spec: None });
            assert_eq!(word, expected, "{why}");
            assert!(why.starts_with("120 % of the memory's bandwidth"), "{why}");
        };
        check(Some(20_000_000), RooflineWord::FromCache);
        check(Some(19_000_000), RooflineWord::Impossible);
        check(None, RooflineWord::Impossible);
    }

    #[test]
    fn a_window_is_read_no_further_than_it_goes() {
        let model = ModelFacts {
            kv_bytes_per_token: Some(3 * 1024),
            kv_window: Some(dyno_model::launch::KvWindow {
                tokens: 512,
                bytes_per_token: 15 * 1024,
                is_kept_whole: true,
            }),
            ..ModelFacts::default()
        };
        near(kv_read(&model, 100.0), 100.0 * 18.0 * 1024.0);
        near(kv_read(&model, 1000.0), (1000.0 * 3.0 + 512.0 * 15.0) * 1024.0);
    }
}

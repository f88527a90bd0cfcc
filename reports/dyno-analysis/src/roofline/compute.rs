//! Prefill against the arithmetic of the CPUs: MFU.

use dyno_model::launch::ModelFacts;
use dyno_model::machine::{ClusterFigures, RateFigure};
use dyno_stats::Level;
use dyno_view::memory::BoundedView;
use dyno_view::report::{QuantileFigure, UnitView};

use super::missing;
use crate::cell::CellRecord;
use crate::independence::worth;
use crate::observations::Observations;

const LABEL: &str = "MFU of prefill";
/// House rule: shorter prompts take their time from weights that are read, not from arithmetic.
const LEAST_PROMPT_TOKENS: u64 = 128;

/// Operations of a prefill: two for each weight and token, the output's weights for the last token only, and what
/// attention adds, `2·L·d·n²` with each token looking back on half of the prompt (MEASUREMENT §7).
fn operations(model: &ModelFacts, active: u64, tokens: f64) -> f64 {
    let width = f64::from(model.n_embedding);
    let output = (f64::from(model.n_vocabulary) * width).min(active as f64);
    let attention = 2.0 * f64::from(model.n_layers) * width * tokens * tokens;
    2.0 * ((active as f64 - output) * tokens + output) + attention
}

/// The share of the measured arithmetic that the prefill of long prompts has.
pub(super) fn mfu(cell: &CellRecord<'_>, model: &ModelFacts, cluster: &ClusterFigures) -> BoundedView {
    let Some((kind, peak)) = peak(cluster) else {
        return missing(LABEL, UnitView::Ratio, "the device's arithmetic was not measured".to_owned());
    };
    let Some(active) = model.n_active_parameters else {
        return missing(LABEL, UnitView::Ratio, "the model's active weights are not known".to_owned());
    };
    let requests = &cell.record.requests;
    let share = |row: usize| {
        let cached = u64::from(requests.cached_tokens[row].unwrap_or(0));
        let tokens = u64::from(requests.prompt_tokens[row]?).saturating_sub(cached);
        let ttft_ns = cell.record.derived[row].ttft_ns.filter(|ns| *ns > 0)?;
        let rate = operations(model, active, tokens as f64) / (ttft_ns as f64 / 1e9);
        (tokens >= LEAST_PROMPT_TOKENS).then_some(rate / peak.best_per_s as f64)
    };
    let shares: Vec<f64> = cell.ok_rows().into_iter().filter_map(share).collect();
    let (n, n_effective) = (shares.len(), worth(std::slice::from_ref(&shares)).1);
    let shares = Observations::real(shares);
    match shares.figure(Level::P50, n_effective) {
        QuantileFigure::Estimate { value, low, .. } if low > 1.0 => {
            let why = format!(
                "{value:.1} times what the CPUs did in {kind} when tried: tokens or weights are wrong"
            );
            missing(LABEL, UnitView::Ratio, why)
        }
        QuantileFigure::Estimate { value, low, high, .. } => BoundedView {
            label: LABEL.to_owned(),
            unit: UnitView::Ratio,
            value: Some(value),
            low: Some(low),
            high: Some(high),
            note: format!(
                "median of {n} prompts of {LEAST_PROMPT_TOKENS} tokens and more, of {:.3} Top/s in {kind}",
                peak.best_per_s as f64 / 1e12
            ),
        },
        QuantileFigure::TooFew { needed, .. } => {
            let note = format!("{n} prompts of {LEAST_PROMPT_TOKENS} tokens and more, fewer than {needed}");
            missing(LABEL, UnitView::Ratio, note)
        }
    }
}

/// The faster of the two kinds of arithmetic, so that the share is never too high.
fn peak(cluster: &ClusterFigures) -> Option<(&'static str, RateFigure)> {
    let all = [("8-bit integers", cluster.i8_ops), ("32-bit floats", cluster.f32_ops)];
    let measured =
        all.into_iter().filter_map(|(kind, rate)| Some((kind, rate.filter(|of| of.best_per_s > 0)?)));
    measured.max_by_key(|(_, rate)| rate.best_per_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_by_hand() {
        let model = ModelFacts { n_embedding: 10, n_vocabulary: 100, n_layers: 3, ..ModelFacts::default() };
        // 5,000 active weights, 1,000 of them the output's: 2 · (4,000 · 7 + 1,000) + 2 · 3 · 10 · 49 = 58,000 + 2,940.
        assert!((operations(&model, 5000, 7.0) - 60_940.0).abs() < 1e-9);
    }
}

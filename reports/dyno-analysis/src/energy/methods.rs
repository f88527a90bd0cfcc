//! How each figure of energy is computed, for the page of methods.

use dyno_view::report::{CellView, MethodView};

/// Id, name, formula, when there is none.
const METHODS: &[[&str; 4]] = &[
    [
        "energy_j",
        "Energy of a load",
        "from the first request's sending to the last token: the difference of a counter, over its wraps, or the area \
         under samples of power on their own stamps; U = 2u, u² = (g·E)² + (o·T)² + (P·τ)²/6 + (LSB²/12)·T·Δt + \
         (loss·E)² + (s(P)·T/√n)², the last where phases are shorter than ten updates of a sampled source",
        "less than 99 % of the time is covered (a gap of more than 3 periods is not), a counter may have wrapped twice \
         in a gap, or the battery was not discharged all the time",
    ],
    [
        "j_per_request",
        "Energy per request",
        "energy of the load / requests that went well",
        "no request went well",
    ],
    [
        "j_per_token",
        "Energy per output token",
        "energy of the load / OSL of all requests that went well",
        "the runtime does not count tokens",
    ],
    [
        "net_j_per_request",
        "Net energy",
        "(energy of the load − P_idle · T) in place of the energy; P_idle is the mean power at rest of that launch, or \
         of that day, by the same source, with the runtime ready where that was measured",
        "no rest was measured that day",
    ],
    ["tokens_per_j", "Output tokens per joule", "OSL / energy of the load", "as above"],
    [
        "mean_power_w",
        "Mean power under load",
        "energy of the load / its time",
        "the energy of the load is not known",
    ],
    ["edp_js", "Energy-delay product", "energy per request · mean E2E latency", "as above"],
    [
        "wh_per_1k_tokens",
        "Energy per 1,000 output tokens",
        "1,000 · energy per output token / 3,600 s/h",
        "as above",
    ],
    [
        "j_per_prefill_token",
        "Energy per prefill token",
        "energy of all time between sending and the first token / Σ(ISL − cached): integrated where all phases \
         together are 100 updates of the source long, each is 3 and their mean 20; else the mean powers of prefill, \
         decode and rest by ordinary least squares of the readings on the shares of their time that these have, times \
         the time of prefill; 95 % interval by Student's t with as many degrees of freedom as independent readings, \
         and the source's own error",
        "requests overlap, fewer than 30 requests, predictors with a condition number above 30, or an interval that \
         reaches 0",
    ],
    [
        "j_per_decode_token",
        "Energy per decode token",
        "energy of all time between the first and the last token / Σ(OSL − 1), had in the same way",
        "as of prefill",
    ],
    [
        "tokens_per_charge",
        "Output tokens of a full charge",
        "energy of a full charge (what the gauge says is left, divided by its share of a full one) / energy per output \
         token",
        "the source does not cover the device, or the battery does not say what a full charge holds",
    ],
    [
        "hours_of_charge",
        "Hours of a full charge",
        "energy of a full charge / mean power under load; at a share of work, that share of it and the rest of the \
         power at rest",
        "as of the tokens, or no rest was measured",
    ],
    [
        "discharge_per_hour",
        "Discharge per hour",
        "fall of the gauge's counter of energy or charge under load / full / time, of the launch that took most",
        "less than 5 % of the charge were taken",
    ],
];

/// The methods, where some cell has an energy.
pub(crate) fn methods(views: &[CellView]) -> Vec<MethodView> {
    if views.iter().all(|view| view.energy.is_none()) {
        return Vec::new();
    }
    let view = |[metric, label, formula, undefined]: &[&str; 4]| MethodView {
        metric: (*metric).to_owned(),
        label: (*label).to_owned(),
        formula: (*formula).to_owned(),
        formula_version: 1,
        undefined: (*undefined).to_owned(),
        source: "MLPerf Power and SPECpower for windows and gates, AIPerf for what is derived".to_owned(),
    };
    METHODS.iter().map(view).collect()
}

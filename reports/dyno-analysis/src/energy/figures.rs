//! The figures of a cell, each defined once.

use dyno_view::energy::{EnergyFigure, EnergyFigureView, EnergyPartView, IdleKind};
use dyno_view::report::UnitView;

use super::idle::baseline_of;
use super::launch::{Chosen, OfLaunch};
use super::phases::{Phase, Split, Timeline, split};
use super::reading::Energy;

/// Sums over all launches that have an energy.
pub(crate) struct Totals {
    pub(crate) gross: Energy,
    /// Gross less rest, and which rest; an error says why there is none.
    pub(crate) net: Result<(IdleKind, Energy), String>,
    /// Power at rest, and how sure it is.
    pub(crate) idle_w: Option<f64>,
    pub(crate) n_requests: u64,
    /// `None` where the runtime does not say.
    pub(crate) n_tokens: Option<u64>,
    pub(crate) mean_latency_s: Option<f64>,
    pub(crate) n_failed: u64,
    pub(crate) split: Result<Split, String>,
    /// Time of prefill and of decode.
    pub(crate) phases_s: [f64; 2],
    /// Whether every launch that has an energy rested by itself.
    pub(crate) has_own_rest: bool,
}

impl Totals {
    pub(crate) fn of(chosen: &Chosen<'_>) -> Self {
        let with_energy: Vec<(&OfLaunch, Energy)> =
            chosen.launches.iter().filter_map(|of| Some((of, *of.energy.as_ref().ok()?))).collect();
        let gross = Energy::sum(with_energy.iter().map(|(_, energy)| energy));
        let sum = |of: fn(&OfLaunch) -> u64| with_energy.iter().map(|(launch, _)| of(launch)).sum::<u64>();
        let n_requests = sum(|of| of.load.n_ok);
        let tokens: Option<Vec<u64>> = with_energy.iter().map(|(of, _)| of.load.n_tokens).collect();
        let latency_ns = sum(|of| of.load.latency_ns);
        let (net, idle_w) = net(chosen, &with_energy);
        let phase_s = |of: fn(&super::phases::Timed) -> u64| {
            let all = with_energy.iter().flat_map(|(launch, _)| &launch.requests);
            all.map(of).sum::<u64>() as f64 / 1e9
        };
        let timelines: Vec<Timeline<'_>> = with_energy
            .iter()
            .filter_map(|(of, _)| {
                Some(Timeline { reading: of.reading.as_ref()?, requests: of.requests.clone() })
            })
            .collect();
        Self {
            gross,
            net,
            idle_w,
            n_requests,
            n_tokens: tokens.map(|tokens| tokens.iter().sum()),
            mean_latency_s: (n_requests > 0).then(|| latency_ns as f64 / 1e9 / n_requests as f64),
            n_failed: sum(|of| of.load.n_failed),
            split: split(&timelines),
            phases_s: [phase_s(|of| of.first - of.began), phase_s(|of| of.last - of.first)],
            has_own_rest: with_energy.iter().all(|(of, _)| of.rest.baseline().is_some()),
        }
    }
}

/// `E − P_idle · T` of each launch, added up, and the mean power at rest.
fn net(
    chosen: &Chosen<'_>,
    launches: &[(&OfLaunch, Energy)],
) -> (Result<(IdleKind, Energy), String>, Option<f64>) {
    let rests = chosen.rests();
    let mut parts: Vec<Energy> = Vec::new();
    let (mut kinds, mut idle_j) = (Vec::new(), 0.0);
    for (of, gross) in launches {
        let Some((kind, rest)) = baseline_of(&of.rest, &rests) else {
            let why = format!("no rest was measured that day ({}), so nothing can be taken off", of.name);
            return (Err(why), None);
        };
        let joules = gross.joules - rest.power_w() * gross.span_s;
        parts.push(Energy {
            joules,
            // An offset is in both and goes; a gain is in what is left.
            u_common: chosen.source.error.gain_ratio * joules.abs(),
            u_own: gross.u_own.hypot(rest.u_own / rest.span_s * gross.span_s),
            ..*gross
        });
        idle_j += rest.power_w() * gross.span_s;
        kinds.push(kind);
    }
    let sum = Energy::sum(parts.iter());
    let idle_w = (sum.span_s > 0.0).then(|| idle_j / sum.span_s);
    // Where one launch only rested without the runtime, the whole is no better than that.
    let kind = kinds.into_iter().min().unwrap_or(IdleKind::Unloaded);
    if sum.joules <= 0.0 {
        return (Err("at rest it took as much as under load".to_owned()), idle_w);
    }
    (Ok((kind, sum)), idle_w)
}

fn view(id: &str, label: &str, unit: UnitView, figure: EnergyFigure, n: u64, note: &str) -> EnergyFigureView {
    EnergyFigureView {
        id: id.to_owned(),
        label: label.to_owned(),
        unit,
        figure,
        n,
        of: "requests".to_owned(),
        note: note.to_owned(),
    }
}

pub(super) fn missing(reason: impl Into<String>) -> EnergyFigure {
    EnergyFigure::Missing { reason: reason.into() }
}

/// An energy times a factor.
fn times(energy: &Energy, factor: f64) -> EnergyFigure {
    EnergyFigure::Uncertain { value: energy.joules * factor, u: energy.expanded() * factor }
}

/// An energy for each of so many.
fn each(energy: &Energy, n: Option<u64>, what: &str) -> EnergyFigure {
    match n {
        Some(n) if n > 0 => times(energy, 1.0 / n as f64),
        Some(_) => missing(format!("no {what}")),
        None => missing(format!("the runtime does not count {what}")),
    }
}

/// All figures but those of a battery.
pub(super) fn figures(of: &Totals) -> Vec<EnergyFigureView> {
    let n = of.n_requests;
    let net = |figure: &dyn Fn(&Energy) -> EnergyFigure| match &of.net {
        Ok((_, energy)) => figure(energy),
        Err(why) => missing(why.clone()),
    };
    let net_note = match &of.net {
        Ok((IdleKind::Loaded, _)) => "less the power at rest with the runtime ready",
        Ok((IdleKind::Unloaded, _)) => "less the power at rest without the runtime",
        Err(_) => "",
    };
    let gross = &of.gross;
    let mut all = vec![
        view(
            "j_per_request",
            "Energy per request",
            UnitView::Joules,
            each(gross, Some(n), "requests"),
            n,
            "gross",
        ),
        view(
            "j_per_token",
            "Energy per output token",
            UnitView::Joules,
            each(gross, of.n_tokens, "tokens"),
            n,
            "gross",
        ),
        view(
            "net_j_per_request",
            "Net energy per request",
            UnitView::Joules,
            net(&|energy| each(energy, Some(n), "requests")),
            n,
            net_note,
        ),
        view(
            "net_j_per_token",
            "Net energy per output token",
            UnitView::Joules,
            net(&|energy| each(energy, of.n_tokens, "tokens")),
            n,
            net_note,
        ),
        view(
            "tokens_per_j",
            "Output tokens per joule",
            UnitView::TokensPerJoule,
            tokens_per_j(of),
            n,
            "gross",
        ),
        view(
            "mean_power_w",
            "Mean power under load",
            UnitView::Watts,
            times(gross, 1.0 / gross.span_s),
            n,
            "gross",
        ),
    ];
    all.extend(phase_figures(of));
    all.push(view("edp_js", "Energy-delay product", UnitView::JouleSeconds, edp(of), n, "gross"));
    all.push(view(
        "wh_per_1k_tokens",
        "Energy per 1,000 output tokens",
        UnitView::WattHours,
        wh(of),
        n,
        "gross",
    ));
    all
}

fn tokens_per_j(of: &Totals) -> EnergyFigure {
    match of.n_tokens.filter(|n| *n > 0) {
        Some(n) => {
            let value = n as f64 / of.gross.joules;
            EnergyFigure::Uncertain { value, u: value * of.gross.expanded() / of.gross.joules }
        }
        None => each(&of.gross, of.n_tokens, "tokens"),
    }
}

fn edp(of: &Totals) -> EnergyFigure {
    match of.mean_latency_s {
        Some(latency_s) if of.n_requests > 0 => times(&of.gross, latency_s / of.n_requests as f64),
        _ => missing("no requests"),
    }
}

fn wh(of: &Totals) -> EnergyFigure {
    match of.n_tokens.filter(|n| *n > 0) {
        Some(n) => times(&of.gross, 1000.0 / 3600.0 / n as f64),
        None => each(&of.gross, of.n_tokens, "tokens"),
    }
}

fn phase_figures(of: &Totals) -> [EnergyFigureView; 2] {
    let figure = |phase: fn(&Split) -> &Phase| match &of.split {
        Ok(split) => per_token(phase(split)),
        Err(why) => missing(why.clone()),
    };
    let (n, note) = match &of.split {
        Ok(split) => (split.n_requests as u64, format!("gross, {}", split.how)),
        Err(_) => (of.n_requests, String::new()),
    };
    let unit = UnitView::Joules;
    [
        view("j_per_prefill_token", "Energy per prefill token", unit, figure(|of| &of.prefill), n, &note),
        view("j_per_decode_token", "Energy per decode token", unit, figure(|of| &of.decode), n, &note),
    ]
}

fn per_token(phase: &Phase) -> EnergyFigure {
    let n = phase.n_tokens as f64;
    let value = phase.joules / n;
    match phase.standard_error {
        None => EnergyFigure::Uncertain { value, u: 2.0 * phase.u / n },
        Some(error) => EnergyFigure::Interval {
            value,
            low: value - phase.half / n,
            high: value + phase.half / n,
            standard_error: error / n,
        },
    }
}

/// What the energy of the load went into: rest, and what each phase took above it.
pub(super) fn parts(of: &Totals) -> Vec<EnergyPartView> {
    let (Some(idle_w), Ok(_)) = (of.idle_w, &of.net) else { return Vec::new() };
    let whole = of.gross.joules;
    let idle = idle_w * of.gross.span_s;
    let mut parts = vec![("idle", idle)];
    match &of.split {
        Ok(split) => {
            let prefill = split.prefill.joules - idle_w * of.phases_s[0];
            let decode = split.decode.joules - idle_w * of.phases_s[1];
            parts.extend([
                ("prefill", prefill),
                ("decode", decode),
                ("other", whole - idle - prefill - decode),
            ]);
        }
        Err(_) => parts.push(("requests", whole - idle)),
    }
    // What is left over by the uncertainty of the others is no part.
    let smallest = -of.gross.expanded();
    if parts.iter().any(|(_, joules)| *joules < smallest) {
        return Vec::new();
    }
    let view = |(label, joules): (&str, f64)| EnergyPartView {
        label: label.to_owned(),
        energy_j: joules,
        ratio: joules / whole,
    };
    parts.into_iter().map(view).collect()
}

//! A recommendation as comma-separated values, one row for each figure of a device.
//!
//! Values are in base units and unrounded. Line feeds end rows; fields are quoted as in RFC 4180.

use std::fmt::Write as _;

use dyno_view::compliance::ComplianceVerdict;
use dyno_view::recommend::{AmountUnit, AmountView, OptionView, Recommendation, Standing};

use crate::csv::field;

/// The columns, in order.
pub const COLUMNS: [&str; 11] =
    ["option", "device", "runtime", "standing", "rank", "figure", "unit", "n", "value", "low", "high"];

/// All figures with a header; what has no value has an empty one. Predictions have the standing `prediction`.
pub fn render(of: &Recommendation) -> String {
    let mut out = COLUMNS.join(",");
    out.push('\n');
    for option in &of.options {
        let (standing, rank) = standing(&option.standing);
        let names = [&option.name, &option.device, &option.runtime].map(|name| field(name)).join(",");
        let lead = format!("{names},{standing},{rank}");
        for (name, amount) in figures(option) {
            row(&mut out, &lead, &name, amount);
        }
        shares(&mut out, &lead, option);
    }
    for board in of.predictions.iter().flat_map(|of| &of.boards) {
        let lead = format!("{},,,prediction,", field(&board.title));
        for (name, amount) in
            [("decode", &board.decode), ("ceiling", &board.ceiling), ("price", &board.price)]
        {
            row(&mut out, &lead, name, amount);
        }
    }
    out
}

fn standing(of: &Standing) -> (&'static str, String) {
    match of {
        Standing::Ranked { rank, .. } => ("ranked", rank.to_string()),
        Standing::Unpriced => ("unpriced", String::new()),
        Standing::SustainedNotShown => ("sustained_not_shown", String::new()),
        Standing::Inconclusive { .. } => ("inconclusive", String::new()),
        Standing::Misses => ("misses", String::new()),
        Standing::NotMeasured => ("not_measured", String::new()),
    }
}

/// All figures of a device, by name.
fn figures(of: &OptionView) -> Vec<(String, &AmountView)> {
    let named = |name: &str, amount| (name.to_owned(), amount);
    let mut all: Vec<(String, &AmountView)> = of
        .objectives
        .iter()
        .filter_map(|result| {
            Some((format!("{}: {}", result.name, verdict(result.verdict)), result.figure.as_ref()?))
        })
        .collect();
    let (rates, money, published) = (&of.rates, &of.money, &of.published);
    all.extend([
        named("sustained_output", &rates.sustained),
        named("sustained_decode", &rates.decode),
        named("peak_decode", &rates.peak),
        named("sustained_over_peak", &rates.ratio),
        named("request_time", &rates.service),
        named("isl_mean", &rates.isl),
        named("osl_mean", &rates.osl),
        named("price", &money.price),
        named("capacity", &money.capacity),
        named("at_work", &money.at_work),
        named("tokens", &money.tokens),
        named("tco", &money.tco),
        named("tco_energy", &money.tco_energy),
        named("per_million_tokens", &money.per_million),
    ]);
    all.extend(money.devices.as_ref().map(|of| named("devices", of)));
    all.extend(money.per_million_with_energy.as_ref().map(|of| named("per_million_tokens_with_energy", of)));
    if let Some(energy) = &of.energy {
        all.extend([named("energy_per_token", &energy.j_per_token), named("idle_power", &energy.idle)]);
        all.extend(energy.tokens_per_charge.as_ref().map(|of| named("tokens_per_charge", of)));
    }
    if let Some(cloud) = &money.cloud {
        all.extend([
            named("cloud_per_million_tokens", &cloud.per_million),
            named("cloud_break_even", &cloud.break_even),
        ]);
        all.extend([named("cloud_most", &cloud.most), named("cloud_years", &cloud.years)]);
    }
    all.extend([
        named("first_run", &published.first),
        named("throttle", &published.throttle),
        named("decode_p50", &published.decode),
        named("ttft_p50", &published.ttft),
        named("memory", &published.memory),
    ]);
    all
}

fn verdict(of: ComplianceVerdict) -> &'static str {
    match of {
        ComplianceVerdict::Pass => "pass",
        ComplianceVerdict::Fail => "fail",
        ComplianceVerdict::Inconclusive => "inconclusive",
        ComplianceVerdict::Invalid => "invalid",
    }
}

fn row(out: &mut String, lead: &str, name: &str, of: &AmountView) {
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let [low, high] = of.interval.map_or([None; 2], |bounds| bounds.map(Some));
    writeln!(
        out,
        "{lead},{},{},{},{},{},{}",
        field(name),
        unit(of.unit),
        of.n,
        number(of.value),
        number(low),
        number(high)
    )
    .expect("writing to a String cannot fail");
}

/// Shares that a hybrid would send away.
fn shares(out: &mut String, lead: &str, of: &OptionView) {
    let Some(hybrid) = &of.hybrid else { return };
    let all = [("hybrid_share".to_owned(), hybrid.all)];
    let kinds = hybrid.categories.iter().map(|of| (format!("hybrid_share: {}", of.category), of.share));
    for (name, share) in all.into_iter().chain(kinds) {
        let value = share.n as f64 / share.of.max(1) as f64;
        writeln!(out, "{lead},{},ratio,{},{value},{},{}", field(&name), share.of, share.low, share.high)
            .expect("writing to a String cannot fail");
    }
}

fn unit(of: AmountUnit) -> &'static str {
    match of {
        AmountUnit::Eur => "eur",
        AmountUnit::EurPerMillionTokens => "eur_per_million_tokens",
        AmountUnit::EurPerKwh => "eur_per_kwh",
        AmountUnit::TokensPerSecond => "tokens_per_s",
        AmountUnit::RequestsPerSecond => "requests_per_s",
        AmountUnit::RequestsPerDay => "requests_per_day",
        AmountUnit::RequestsPerUserHour => "requests_per_user_hour",
        AmountUnit::Joules => "j",
        AmountUnit::JoulesPerToken => "j_per_token",
        AmountUnit::Watts => "w",
        AmountUnit::Ns => "ns",
        AmountUnit::Bytes => "bytes",
        AmountUnit::BytesPerSecond => "bytes_per_s",
        AmountUnit::Tokens => "tokens",
        AmountUnit::Ratio => "ratio",
        AmountUnit::Devices => "devices",
        AmountUnit::Users => "users",
        AmountUnit::Years => "years",
    }
}

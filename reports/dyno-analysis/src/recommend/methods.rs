//! Every number that figures rest on, and how they are worked out.

use dyno_view::recommend::{AmountUnit, AmountView, AssumptionOrigin, AssumptionView, FormulaView};

use super::ask::{BuyerAsk, UTILISATION, YEARS};
use super::bounded::{Bounded, missing};
use super::offer::Offer;

/// Every number that was given, taken by default or not given.
pub(super) fn assumptions(ask: &BuyerAsk, offers: &[&Offer<'_, '_>]) -> Vec<AssumptionView> {
    let given = |label: &str, unit, value: Option<f64>, default: Option<f64>, note: &str| {
        let (amount, origin) = match (value, default) {
            (Some(value), _) => (Bounded::exact(value).view(unit), AssumptionOrigin::Given),
            (None, Some(value)) => (Bounded::exact(value).view(unit), AssumptionOrigin::Default),
            (None, None) => (missing(unit, "not given"), AssumptionOrigin::NotGiven),
        };
        view(label, amount, origin, note)
    };
    let demand = ask.demand;
    let mut all: Vec<AssumptionView> = offers.iter().map(|offer| price(offer)).collect();
    all.extend([
        given(
            "Price of energy",
            AmountUnit::EurPerKwh,
            ask.kwh_eur,
            None,
            "without it no energy is in any cost (`--kwh`)",
        ),
        given("Years of use", AmountUnit::Years, ask.years, Some(YEARS), "`--years`"),
        given(
            "Utilisation",
            AmountUnit::Ratio,
            ask.utilisation,
            Some(UTILISATION),
            "share of the years, day and night, during which there is load (`--utilisation`)",
        ),
        given(
            "Users",
            AmountUnit::Users,
            demand.map(|of| f64::from(of.users)),
            None,
            "without them one device works without a pause whenever there is load (`--users`)",
        ),
        given(
            "Requests of a user in an hour under load",
            AmountUnit::RequestsPerUserHour,
            demand.map(|of| of.requests_per_user_hour),
            None,
            "`--requests-per-user-hour`",
        ),
        given(
            "Cloud, a million tokens of prompts",
            AmountUnit::EurPerMillionTokens,
            ask.cloud.map(|of| of.input_eur),
            None,
            "by the tokens of this model's tokenizer (`--cloud IN,OUT`)",
        ),
        given(
            "Cloud, a million tokens of answers",
            AmountUnit::EurPerMillionTokens,
            ask.cloud.map(|of| of.output_eur),
            None,
            "",
        ),
    ]);
    if demand.is_some() {
        let share = Bounded::exact(super::money::MOST_AT_WORK).view(AmountUnit::Ratio);
        let note = "of a device whose capacity is worked out from the time of a request; that the service level holds \
                    up to there is assumed, and a sweep of rates shows it (`edgedyno run --rate`)";
        all.push(view("Most time at work", share, AssumptionOrigin::Default, note));
    }
    all
}

fn price(offer: &Offer<'_, '_>) -> AssumptionView {
    let label = format!("Price of {}", offer.candidate.name);
    match &offer.price {
        Ok((eur, origin)) => view(&label, Bounded::exact(*eur).view(AmountUnit::Eur), *origin, ""),
        Err(why) => view(
            &label,
            missing(AmountUnit::Eur, why.clone()),
            AssumptionOrigin::NotGiven,
            "not ranked by cost",
        ),
    }
}

fn view(label: &str, amount: AmountView, origin: AssumptionOrigin, note: &str) -> AssumptionView {
    AssumptionView { label: label.to_owned(), amount, origin, note: note.to_owned() }
}

/// How figures are worked out.
pub(super) fn formulas() -> Vec<FormulaView> {
    let formula = |(label, formula, note): (&str, &str, &str)| FormulaView {
        label: label.to_owned(),
        formula: formula.to_owned(),
        note: note.to_owned(),
    };
    FORMULAS.map(formula).into()
}

/// Figure, formula, and what stands behind it.
const FORMULAS: [(&str, &str, &str); 14] = [
    (
        "Meets the service level",
        "n ≥ the fewest requests that show it, with the violations that there are",
        "one-sided Clopper-Pearson (MLPerf early stopping), over the long load where there is one; failed and unsent \
         requests are violations; it must not fail in the last quarter, nor over the short load",
    ),
    (
        "Sustained output rate",
        "Σ OSL / Σ E2E latency of the requests in the last quarter of a long load",
        "where that is steady (20 minutes, phones 15); prefill is in it; interval of the ratio estimator (Cochran 1977, \
         §6.4), over launches from five on, else over requests worth fewer where neighbours resemble each other",
    ),
    ("Time of a request", "Σ E2E latency / n of the same requests", "S in what follows"),
    (
        "Capacity of a device",
        "the highest rate of a sweep that passes, else 0.7 / S",
        "a sweep's upper bound is the lowest rate that fails; without a sweep the service level under load is assumed, \
         not shown",
    ),
    ("Devices", "⌈users × requests an hour / 3600 / capacity⌉", "one at least"),
    ("Time under load", "utilisation × years × 8766 h", "365.25 days a year"),
    (
        "Share at work",
        "requests per second × OSL / (devices × sustained output rate), at most 1",
        "1 when nobody said how many users there are",
    ),
    ("Tokens", "tokens per second × time under load", "output tokens of all devices"),
    (
        "Energy",
        "J per token × tokens + devices × power at rest × (years − time at work)",
        "1 kWh = 3.6 MJ; class A only where devices are ranked against each other",
    ),
    (
        "Cost over the years",
        "devices × price + energy × price of energy",
        "nothing is discounted, nothing is sold again",
    ),
    ("Cost of a million tokens", "cost over the years / tokens × 10⁶", "the ranked cost"),
    (
        "Intervals of costs",
        "√Σ (cost with one figure at its bound − cost)², upwards and downwards apart",
        "independent errors (JCGM 100:2008, 5.1.2); prices are taken as exact; one unit of each device was measured, so \
         how units differ is not in it",
    ),
    (
        "Break-even with the cloud",
        "(price + energy at rest, day and night) / days / (cloud's price of a request − its energy above rest)",
        "requests a day of one device",
    ),
    (
        "Prediction",
        "bandwidth of the board / bytes of a token × geometric mean of the measured MBU",
        "interval of one more device, t · s · √(1 + 1/n) in logarithms; error: each measured device predicted by the \
         others; a prediction is no measurement and is not ranked",
    ),
];

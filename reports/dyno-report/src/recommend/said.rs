//! The answer in sentences, and what would change it.

use dyno_view::compliance::ComplianceVerdict;
use dyno_view::recommend::{
    AdviceWord, AmountUnit, FlipOf, FlipView, ObjectiveResultView, OptionView, Recommendation, Standing,
};

use super::amount::{plain, worded};
use crate::words::{count, grouped, plural};

/// A sentence, and how it is to look.
pub(crate) struct Said {
    /// `good`, `warn`, `bad` or empty.
    pub(crate) tone: &'static str,
    pub(crate) text: String,
}

fn said(tone: &'static str, text: String) -> Said {
    Said { tone, text }
}

/// The answer first, then each device that it is not about.
pub(crate) fn lead(of: &Recommendation) -> Vec<Said> {
    let mut all = vec![answer(of)];
    all.extend(of.advice.first.iter().skip(1).filter_map(|place| tied(of, *place)));
    let ranked = |option: &&OptionView| matches!(option.standing, Standing::Ranked { .. });
    let others = of.options.iter().filter(|option| !ranked(option));
    all.extend(others.map(standing));
    all
}

fn answer(of: &Recommendation) -> Said {
    let slo = &of.slo.name;
    let named = |is: fn(&Standing) -> bool| {
        let names =
            of.options.iter().filter(|option| is(&option.standing)).map(|option| option.name.as_str());
        let names: Vec<&str> = names.collect();
        format!("{} {}", listed(&names), if names.len() == 1 { "meets" } else { "meet" })
    };
    match of.advice.word {
        AdviceWord::Buy => {
            let Some(first) = of.advice.first.first().and_then(|place| of.options.get(*place as usize))
            else {
                return said("bad", "Nothing can be said.".to_owned());
            };
            let n = of.options.iter().filter(|of| matches!(of.standing, Standing::Ranked { .. })).count();
            let rest = match n {
                1 => "the only device that is shown to and has a price".to_owned(),
                n => format!("the lowest of {n}"),
            };
            let cost = worded(&first.money.per_million).line();
            said(
                "good",
                format!(
                    "Buy {}: it meets {slo}, sustained, at {} per million output tokens, {rest}.",
                    first.name,
                    cost.trim_end()
                ),
            )
        }
        AdviceWord::MeetsUnpriced => said(
            "warn",
            format!(
                "{} {slo}, sustained; what it costs is not known, so nothing is ranked.",
                named(|of| *of == Standing::Unpriced)
            ),
        ),
        AdviceWord::NoneMeets => said("bad", format!("No device meets {slo}.")),
        AdviceWord::Unknown => {
            said("warn", format!("No device is shown to meet {slo}, sustained: nothing can be recommended."))
        }
    }
}

fn tied(of: &Recommendation, place: u32) -> Option<Said> {
    let (first, other) = (of.options.first()?, of.options.get(place as usize)?);
    Some(said(
        "warn",
        format!(
            "{} is not distinguishable from {}: at {} their intervals overlap.",
            other.name,
            first.name,
            worded(&other.money.per_million).line().trim_end()
        ),
    ))
}

/// What a device that is not ranked misses.
fn standing(option: &OptionView) -> Said {
    let name = &option.name;
    let reasons = || option.reasons.join("; ");
    match &option.standing {
        Standing::Ranked { .. } => said("", String::new()),
        Standing::Unpriced => {
            said("warn", format!("{name} meets it, sustained, and is not ranked: {}.", reasons()))
        }
        Standing::SustainedNotShown => {
            said("warn", format!("{name} meets it over a short load; {}.", reasons()))
        }
        Standing::Inconclusive { more_needed, more_runs } => {
            let requests = more_needed.map(|n| {
                format!("{} without a violation", plural(n, "more observation", "more observations"))
            });
            let runs = more_runs.map(|n| plural(u64::from(n), "more run", "more runs"));
            let needed: Vec<String> = runs.into_iter().chain(requests).collect();
            let needed = if needed.is_empty() {
                String::new()
            } else {
                format!("; it takes {}", needed.join(" and "))
            };
            said("warn", format!("{name} is inconclusive: {}{needed}.", reasons()))
        }
        Standing::Misses => {
            let failed =
                option.objectives.iter().filter(|of| of.verdict == ComplianceVerdict::Fail).map(violations);
            let all: Vec<String> = failed.chain(option.reasons.iter().cloned()).collect();
            said("bad", format!("{name} misses {}.", all.join("; ")))
        }
        Standing::NotMeasured => said("bad", format!("{name}: {}.", reasons())),
    }
}

/// `TTFT p95 (12 of 200 do not keep it)`.
fn violations(of: &ObjectiveResultView) -> String {
    format!("{} ({} of {} do not keep it)", of.name, count(of.n_violations), count(of.n))
}

/// What would change the first place, one sentence each.
pub(crate) fn flips(of: &Recommendation) -> Vec<String> {
    let mut all: Vec<String> = of.flips.iter().map(|flip| flip_words(of, flip)).collect();
    if !all.is_empty() && !of.flips.iter().any(|flip| flip.of == FlipOf::EnergyPrice) {
        all.insert(0, "Price of energy: it is in no ranked cost, so it changes nothing here.".to_owned());
    }
    all
}

fn flip_words(of: &Recommendation, flip: &FlipView) -> String {
    let name = |place: u32| of.options.get(place as usize).map_or("?", |option| option.name.as_str());
    let winner = flip.winner.map_or("", name);
    let side = |to: f64| if to > flip.from { "above" } else { "below" };
    match (flip.of, flip.to) {
        (FlipOf::EnergyPrice, Some(to)) => format!(
            "Price of energy: {winner} takes the first place {} {}, {} times the price that was given.",
            side(to),
            plain(AmountUnit::EurPerKwh, to),
            grouped(to / flip.from, 2)
        ),
        (FlipOf::EnergyPrice, None) => "Price of energy: none changes the first place.".to_owned(),
        (FlipOf::Utilisation, Some(to)) => format!(
            "Utilisation: {winner} takes the first place {} {} (here {}).",
            side(to),
            plain(AmountUnit::Ratio, to),
            plain(AmountUnit::Ratio, flip.from)
        ),
        (FlipOf::Utilisation, None) => "Utilisation: none changes the first place.".to_owned(),
        (FlipOf::Years, Some(to)) => format!(
            "Years of use: {winner} takes the first place {} {} (here {}).",
            side(to),
            plain(AmountUnit::Years, to),
            plain(AmountUnit::Years, flip.from)
        ),
        (FlipOf::Years, None) => "Years of use: no other number of years changes the first place.".to_owned(),
        (FlipOf::Price { option }, Some(to)) => {
            let by = plain(AmountUnit::Eur, cents((to - flip.from).abs()));
            let (which, to) = (name(option), plain(AmountUnit::Eur, cents(to)));
            if flip.winner == Some(option) {
                format!("Price of {which}: it takes the first place below {to}, {by} less than now.")
            } else {
                format!(
                    "Price of {which}: it keeps the first place up to {to}, {by} more than now; then {winner} has it."
                )
            }
        }
        (FlipOf::Price { option }, None) => {
            format!("Price of {}: even as a gift it does not take the first place.", name(option))
        }
    }
}

fn cents(eur: f64) -> f64 {
    (eur * 100.0).round() / 100.0
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

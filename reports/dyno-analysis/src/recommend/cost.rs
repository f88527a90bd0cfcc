//! Costs of all offers, and whether energy is in those that are ranked (MEASUREMENT §9.4).

use dyno_view::recommend::{
    AmountUnit, AmountView, CapacityFrom, CloudView, CloudWord, EnergyRuleView, OptionMoneyView, Standing,
};

use super::ask::BuyerAsk;
use super::bounded::{Bounded, combined, missing, view_of};
use super::money::{Fleet, Line, Machine, Request, Terms, break_even_per_day, break_even_years};
use super::offer::Offer;

const S_PER_DAY: f64 = 86_400.0;
const NEVER: &str = "its energy alone costs as much as the cloud";

/// Which of the energy is in the ranked cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EnergyRule {
    pub(super) work: bool,
    pub(super) rest: bool,
    why: String,
}

impl EnergyRule {
    /// Of the offers that can be ranked.
    pub(super) fn of(offers: &[Offer<'_, '_>], ask: &BuyerAsk) -> Self {
        let ranked: Vec<&Offer<'_, '_>> = offers.iter().filter(|offer| offer.is_priced()).collect();
        let without = |why: String| Self { work: false, rest: false, why };
        if ask.kwh_eur.is_none_or(|eur| eur <= 0.0) {
            return without(
                "energy is left out of all costs: no price of energy was given (`--kwh EUR`)".to_owned(),
            );
        }
        if ranked.is_empty() {
            return without("no device is ranked, so no energy is either".to_owned());
        }
        if let Some(of) = ranked.iter().find(|offer| offer.joules_per_token().is_none()) {
            return without(format!(
                "energy is left out of the ranked cost: there is none of {}",
                of.candidate.name
            ));
        }
        if let Some(why) = unlike(&ranked) {
            return without(format!("energy is left out of the ranked cost: {why}"));
        }
        let rest = ranked.iter().all(|offer| offer.idle_w().is_some());
        let why = if rest {
            "the ranked cost holds the energy at work and at rest"
        } else {
            "the ranked cost holds the energy at work; at rest it was not measured of all devices"
        };
        Self { work: true, rest, why: why.to_owned() }
    }

    pub(super) fn view(&self) -> EnergyRuleView {
        EnergyRuleView { is_ranked: self.work, is_idle_ranked: self.rest, why: self.why.clone() }
    }
}

/// Why energies are not to be ranked; `None` where they are by meters of one scope, or of one device and source.
fn unlike(ranked: &[&Offer<'_, '_>]) -> Option<String> {
    let of = |offer: &Offer<'_, '_>| {
        let joules = offer.joules.as_ref()?;
        Some((offer.candidate.key.device.clone(), joules.source.clone(), joules.class.clone(), joules.scope))
    };
    let all: Vec<_> = ranked.iter().filter_map(|offer| of(offer)).collect();
    if all.windows(2).all(|pair| pair[0] == pair[1]) {
        return None;
    }
    if let Some((place, below)) = all.iter().enumerate().find(|(_, of)| of.2 != "A") {
        return Some(format!(
            "that of {} is of class {}, and across devices only class A (an external meter) is ranked",
            ranked[place].candidate.name, below.2
        ));
    }
    let differs = all.windows(2).any(|pair| pair[0].3 != pair[1].3);
    differs.then(|| "the meters do not cover the same".to_owned())
}

impl Offer<'_, '_> {
    /// Whether it meets the service level and all that a cost takes is known.
    pub(super) fn is_priced(&self) -> bool {
        let pace = self.pace.as_ref().is_some_and(|pace| pace.tokens_per_s.is_ok() && pace.osl.is_some());
        self.standing == Standing::Unpriced && self.price.is_ok() && self.capacity.is_ok() && pace
    }

    pub(super) fn joules_per_token(&self) -> Option<&Bounded> {
        self.joules.as_ref()?.per_token.as_ref().ok()
    }

    fn idle_w(&self) -> Option<&Bounded> {
        self.joules.as_ref()?.idle_w.as_ref().ok()
    }

    /// Its energy as far as a cost holds it.
    fn energy(&self, work: bool, rest: bool) -> [Bounded; 2] {
        let part = |of: Option<&Bounded>, is_in: bool| {
            of.filter(|_| is_in).cloned().unwrap_or_else(|| Bounded::exact(0.0))
        };
        [part(self.joules_per_token(), work), part(self.idle_w(), rest)]
    }
}

/// The cost of one offer.
pub(super) struct Cost {
    machine: Machine,
    rate: Bounded,
    capacity: Bounded,
    energy: [Bounded; 2],
    terms: Terms,
}

impl Cost {
    /// `None` of an offer that has none.
    pub(super) fn of(offer: &Offer<'_, '_>, ask: &BuyerAsk, (work, rest): (bool, bool)) -> Option<Self> {
        if !offer.is_priced() {
            return None;
        }
        let pace = offer.pace.as_ref()?;
        let (rate, capacity) = (pace.tokens_per_s.clone().ok()?, offer.capacity.clone().ok()?);
        let energy = offer.energy(work, rest);
        let machine = Machine {
            price_eur: offer.price.as_ref().ok()?.0,
            tokens_per_s: rate.value,
            osl: pace.osl?,
            requests_per_s: capacity.value,
            j_per_token: energy[0].value,
            idle_w: energy[1].value,
        };
        let terms = Terms {
            kwh_eur: ask.kwh_eur.unwrap_or(0.0),
            years: ask.years(),
            utilisation: ask.utilisation(),
            requests_per_s: ask.demand.map(|demand| demand.per_s()),
        };
        Some(Self { machine, rate, capacity, energy, terms })
    }

    /// A figure of the devices, with the interval that follows from those of the measured ones.
    fn figure(&self, of: impl Fn(&Fleet) -> f64) -> Bounded {
        let inputs = [&self.rate, &self.capacity, &self.energy[0], &self.energy[1]];
        combined(&inputs, |values| {
            let machine = Machine {
                tokens_per_s: values[0],
                requests_per_s: values[1],
                j_per_token: values[2],
                idle_w: values[3],
                ..self.machine
            };
            of(&Fleet::of(&machine, &self.terms))
        })
    }

    pub(super) fn fleet(&self) -> Fleet {
        Fleet::of(&self.machine, &self.terms)
    }

    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    pub(super) fn line(&self) -> Line {
        self.fleet().line(&self.machine, &self.terms)
    }

    pub(super) fn per_million(&self) -> Bounded {
        self.figure(Fleet::per_million_eur)
    }
}

/// What an offer costs; `ranked` is the cost that is ranked, `own` the one with its own energy.
pub(super) fn money(
    offer: &Offer<'_, '_>,
    ask: &BuyerAsk,
    rule: &EnergyRule,
    ranked: Option<&Cost>,
    own: Option<&Cost>,
) -> OptionMoneyView {
    let why = offer
        .reasons
        .first()
        .cloned()
        .unwrap_or_else(|| "no cost of a device that is not shown to meet the service level".to_owned());
    let of = |unit, figure: &dyn Fn(&Fleet) -> f64| match ranked {
        Some(cost) => cost.figure(figure).view(unit),
        None => missing(unit, why.clone()),
    };
    let has_own = offer.joules_per_token().is_some() && ask.kwh_eur.is_some_and(|eur| eur > 0.0);
    let with_energy = own.filter(|_| has_own && !rule.work);
    OptionMoneyView {
        price: match &offer.price {
            Ok((eur, _)) => Bounded::exact(*eur).view(AmountUnit::Eur),
            Err(why) => missing(AmountUnit::Eur, why.clone()),
        },
        capacity: view_of(&offer.capacity, AmountUnit::RequestsPerSecond),
        capacity_from: offer.capacity.as_ref().map_or(CapacityFrom::Unknown, |_| offer.capacity_from),
        devices: ask.demand.map(|_| of(AmountUnit::Devices, &|fleet| fleet.n_devices)),
        at_work: of(AmountUnit::Ratio, &|fleet| fleet.at_work),
        tokens: of(AmountUnit::Tokens, &|fleet| fleet.tokens),
        tco: of(AmountUnit::Eur, &Fleet::tco_eur),
        tco_energy: if rule.work {
            of(AmountUnit::Eur, &|fleet| fleet.energy_eur)
        } else {
            missing(AmountUnit::Eur, "left out of the ranked cost")
        },
        per_million: of(AmountUnit::EurPerMillionTokens, &Fleet::per_million_eur),
        per_million_with_energy: with_energy
            .map(|cost| cost.per_million().view(AmountUnit::EurPerMillionTokens)),
        cloud: cloud(offer, ask, own, has_own),
    }
}

/// A device against the cloud, with its own energy where that is known.
fn cloud(offer: &Offer<'_, '_>, ask: &BuyerAsk, own: Option<&Cost>, has_energy: bool) -> Option<CloudView> {
    let price = ask.cloud?;
    let unknown = |why: &str| {
        let none = |unit| missing(unit, why);
        CloudView {
            per_million: none(AmountUnit::EurPerMillionTokens),
            break_even: none(AmountUnit::RequestsPerDay),
            most: none(AmountUnit::RequestsPerDay),
            years: none(AmountUnit::Years),
            word: CloudWord::Unknown,
            has_energy,
        }
    };
    let (Some(cost), Some(pace)) = (own, offer.pace.as_ref()) else {
        return Some(unknown("its own cost is not known"));
    };
    let (Some(isl), Some(osl), Ok(seconds)) = (pace.isl, pace.osl, &pace.service_s) else {
        return Some(unknown("the runtime does not count tokens"));
    };
    let cloud_eur = (isl * price.input_eur + osl * price.output_eur) / 1e6;
    let per_day = combined(&[&cost.energy[0], &cost.energy[1], seconds], |values| {
        let machine = Machine { idle_w: values[1], ..cost.machine };
        let request = Request { cloud_eur, joules: values[0] * osl, seconds: values[2] };
        break_even_per_day(&machine, &request, &cost.terms)
    });
    let years = cost.figure(|fleet| break_even_years(fleet, cloud_eur * fleet.tokens / osl, &cost.terms));
    let most = cost.capacity.times(S_PER_DAY);
    let word = match per_day.value {
        value if value.is_infinite() => CloudWord::Never,
        value if value > most.value => CloudWord::BeyondCapacity,
        _ => CloudWord::Reached,
    };
    Some(CloudView {
        per_million: Bounded::exact(cloud_eur / osl * 1e6).view(AmountUnit::EurPerMillionTokens),
        break_even: finite(&per_day, AmountUnit::RequestsPerDay, NEVER),
        most: most.view(AmountUnit::RequestsPerDay),
        years: finite(&years, AmountUnit::Years, NEVER),
        word,
        has_energy,
    })
}

fn finite(of: &Bounded, unit: AmountUnit, why: &str) -> AmountView {
    if of.value.is_finite() { of.view(unit) } else { missing(unit, why) }
}

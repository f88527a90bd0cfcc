//! What devices cost over the years: price, energy at work and at rest.

/// Hours of a mean year: 365.25 days.
const YEAR_H: f64 = 8766.0;
const S_PER_H: f64 = 3600.0;
/// Joules of a kilowatt hour.
const KWH_J: f64 = 3.6e6;
/// The most of its time that a device works where nobody offered it a rate (house rule): beyond, requests that come
/// when they come wait too long for each other.
pub(super) const MOST_AT_WORK: f64 = 0.7;

/// What is the same for all devices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Terms {
    /// Euro for a kilowatt hour; 0 where energy is left out.
    pub(super) kwh_eur: f64,
    pub(super) years: f64,
    /// Share of the years under load.
    pub(super) utilisation: f64,
    /// Requests per second under load; `None` is as many as one device serves without a pause.
    pub(super) requests_per_s: Option<f64>,
}

/// What one kind of device gives and takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Machine {
    pub(super) price_eur: f64,
    /// Output tokens per second while it is at work.
    pub(super) tokens_per_s: f64,
    /// Output tokens of a request.
    pub(super) osl: f64,
    /// Requests per second that it serves within the service level.
    pub(super) requests_per_s: f64,
    /// Energy of an output token; 0 where it is left out.
    pub(super) j_per_token: f64,
    /// Power at rest; 0 where it is left out.
    pub(super) idle_w: f64,
}

/// As many devices as it takes, over the years.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fleet {
    pub(super) n_devices: f64,
    /// Share of the time under load that a device is at work.
    pub(super) at_work: f64,
    pub(super) tokens: f64,
    /// Price of all of them.
    pub(super) price_eur: f64,
    pub(super) energy_eur: f64,
}

impl Fleet {
    /// As many as `terms` ask for.
    pub(super) fn of(machine: &Machine, terms: &Terms) -> Self {
        let all_s = terms.years * YEAR_H * S_PER_H;
        let load_s = all_s * terms.utilisation;
        let (n_devices, tokens_per_s) = match terms.requests_per_s {
            None => (1.0, machine.tokens_per_s),
            Some(asked) => (n_devices(asked, machine.requests_per_s), asked * machine.osl),
        };
        // A device that serves several at once makes more tokens than one user sees.
        let at_work = (tokens_per_s / (n_devices * machine.tokens_per_s)).min(1.0);
        let tokens = tokens_per_s * load_s;
        let rest_j = n_devices * machine.idle_w * (all_s - load_s * at_work);
        Self {
            n_devices,
            at_work,
            tokens,
            price_eur: n_devices * machine.price_eur,
            energy_eur: terms.kwh_eur * (machine.j_per_token * tokens + rest_j) / KWH_J,
        }
    }

    pub(super) fn tco_eur(&self) -> f64 {
        self.price_eur + self.energy_eur
    }

    pub(super) fn per_million_eur(&self) -> f64 {
        self.tco_eur() / self.tokens * 1e6
    }

    /// The cost of a token as a function of what may change.
    pub(super) fn line(&self, machine: &Machine, terms: &Terms) -> Line {
        // Tokens for each year and share under load.
        let per_load_year = self.tokens / (terms.years * terms.utilisation);
        let at_rest = self.n_devices * machine.idle_w * YEAR_H / 1000.0 / per_load_year;
        Line {
            price: self.price_eur / per_load_year,
            work: machine.j_per_token / KWH_J - at_rest * self.at_work,
            rest: at_rest,
            tokens: self.tokens,
            n_devices: self.n_devices,
            price_eur: machine.price_eur,
        }
    }
}

/// The fewest devices that serve so many requests together; one at least.
fn n_devices(asked_per_s: f64, each_per_s: f64) -> f64 {
    // What is whole but for its last bit is whole.
    (asked_per_s / each_per_s - 1e-9).ceil().max(1.0)
}

/// The cost of a token: `price / (utilisation × years) + kwh × (work + rest / utilisation)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub(super) price: f64,
    pub(super) work: f64,
    pub(super) rest: f64,
    /// Tokens over the years.
    pub(super) tokens: f64,
    pub(super) n_devices: f64,
    /// Price of one device.
    pub(super) price_eur: f64,
}

impl Line {
    pub(super) fn at(&self, terms: &Terms) -> f64 {
        let Terms { kwh_eur, years, utilisation, .. } = terms;
        self.price / (utilisation * years) + kwh_eur * (self.work + self.rest / utilisation)
    }
}

/// What a request costs elsewhere, and what it takes here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Request {
    /// In the cloud.
    pub(super) cloud_eur: f64,
    /// Gross energy here.
    pub(super) joules: f64,
    /// Time at work here.
    pub(super) seconds: f64,
}

/// Requests a day from which on one device costs less than the cloud: its price and its power at rest, day and night,
/// over what each request saves. Infinite where a request saves nothing.
pub(super) fn break_even_per_day(machine: &Machine, request: &Request, terms: &Terms) -> f64 {
    let hours = terms.years * YEAR_H;
    let fixed = machine.price_eur + terms.kwh_eur * machine.idle_w * hours / 1000.0;
    let above_rest_j = (request.joules - machine.idle_w * request.seconds).max(0.0);
    let saved = request.cloud_eur - terms.kwh_eur * above_rest_j / KWH_J;
    if saved <= 0.0 { f64::INFINITY } else { fixed / (saved * hours / 24.0) }
}

/// Years until the devices cost less than the cloud at the load that is asked for; infinite where they never do.
pub(super) fn break_even_years(fleet: &Fleet, cloud_eur: f64, terms: &Terms) -> f64 {
    let saved_a_year = (cloud_eur - fleet.energy_eur) / terms.years;
    if saved_a_year <= 0.0 { f64::INFINITY } else { fleet.price_eur / saved_a_year }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms { kwh_eur: 0.3, years: 1.0, utilisation: 0.5, requests_per_s: None };
    const MACHINE: Machine = Machine {
        price_eur: 100.0,
        tokens_per_s: 10.0,
        osl: 50.0,
        requests_per_s: 0.14,
        j_per_token: 2.0,
        idle_w: 3.0,
    };

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9 * expected.abs().max(1e-9), "{found}, not {expected}");
    }

    /// By hand: half a year is 4383 h, 15,778,800 s and 157,788,000 tokens. 2 J each are 87.66 kWh, 3 W over the other
    /// 4383 h are 13.149 kWh; 100.809 kWh × 0.30 are 30.2427 EUR.
    #[test]
    fn one_device_by_hand() {
        let fleet = Fleet::of(&MACHINE, &TERMS);
        near(fleet.n_devices, 1.0);
        near(fleet.at_work, 1.0);
        near(fleet.tokens, 157_788_000.0);
        near(fleet.energy_eur, 30.2427);
        near(fleet.tco_eur(), 130.2427);
        near(fleet.per_million_eur(), 130.2427 / 157.788);
    }

    /// By hand: 0.3 requests/s at 0.14 each take 3 devices. 0.3 × 50 are 15 of their 30 tokens/s, so each works half of
    /// the loaded half year: 236,682,000 tokens, 131.49 kWh; at rest are 3 × 3 W × (8766 − 2191.5) h = 59.1705 kWh.
    #[test]
    fn several_devices_by_hand() {
        let terms = Terms { requests_per_s: Some(0.3), ..TERMS };
        let fleet = Fleet::of(&MACHINE, &terms);
        near(fleet.n_devices, 3.0);
        near(fleet.at_work, 0.5);
        near(fleet.tokens, 236_682_000.0);
        near(fleet.energy_eur, 0.3 * (131.49 + 59.1705));
        near(fleet.tco_eur(), 300.0 + 57.19815);
    }

    #[test]
    fn devices_are_whole_and_one_at_least() {
        let check = |asked: f64, each: f64, expected: f64| near(n_devices(asked, each), expected);
        check(0.001, 0.14, 1.0);
        check(0.14, 0.14, 1.0);
        check(0.141, 0.14, 2.0);
        // 0.3 / 0.1 is 2.9999999999999996, and 0.7 / 0.1 is 6.999999999999999.
        check(0.3, 0.1, 3.0);
        check(3.0, 0.1, 30.0);
    }

    #[test]
    fn the_line_is_the_cost_wherever_one_looks() {
        for requests_per_s in [None, Some(0.3)] {
            let here = Terms { requests_per_s, ..TERMS };
            let line = Fleet::of(&MACHINE, &here).line(&MACHINE, &here);
            let elsewhere = [
                here,
                Terms { kwh_eur: 1.0, ..here },
                Terms { years: 4.0, ..here },
                Terms { utilisation: 0.1, ..here },
            ];
            for terms in elsewhere {
                near(line.at(&terms), Fleet::of(&MACHINE, &terms).per_million_eur() / 1e6);
            }
        }
    }

    /// By hand: at rest 3 W × 8766 h = 26.298 kWh = 7.8894 EUR, with the price 107.8894. A request of 5 s takes 100 J,
    /// 85 above rest, which is 85/3.6e6 × 0.3 EUR; the cloud takes 0.001. A year has 365.25 days.
    #[test]
    fn break_even_by_hand() {
        let request = Request { cloud_eur: 0.001, joules: 100.0, seconds: 5.0 };
        let saved = 0.001 - 85.0 / 3.6e6 * 0.3;
        near(break_even_per_day(&MACHINE, &request, &TERMS), 107.8894 / saved / 365.25);
        let cheap = Request { cloud_eur: 1e-7, ..request };
        assert!(break_even_per_day(&MACHINE, &cheap, &TERMS).is_infinite(), "its energy alone costs more");
        let fleet = Fleet::of(&MACHINE, &TERMS);
        // 230.2427 − 30.2427 is saved in a year, and 100 was paid.
        near(break_even_years(&fleet, 230.2427, &TERMS), 0.5);
        assert!(break_even_years(&fleet, 30.0, &TERMS).is_infinite());
    }
}

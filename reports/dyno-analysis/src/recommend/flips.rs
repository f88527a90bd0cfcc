//! Which change gives the first place to another device, worked out exactly.
//!
//! The cost of a token is linear in the price of energy, in 1 / utilisation and in 1 / years, so two devices' costs are
//! equal at one point at most. The number of devices stays as it is.

use dyno_view::recommend::{FlipOf, FlipView};

use super::money::{Line, Terms};

/// A cost as `intercept + slope × x`.
#[derive(Debug, Clone, Copy)]
struct Straight {
    intercept: f64,
    slope: f64,
}

/// A change, in the terms that people use.
struct Change {
    of: FlipOf,
    from: f64,
    /// What `x` is of it, and it of `x`; each is its own inverse.
    as_x: fn(f64) -> f64,
    /// What `x` may be, neither included.
    within: [f64; 2],
}

/// All changes of the first place among `lines`, of which `first` has the lowest cost now. `places` are their places
/// among all options.
pub(super) fn flips(lines: &[Line], first: usize, places: &[u32], terms: &Terms) -> Vec<FlipView> {
    if lines.len() < 2 {
        return Vec::new();
    }
    let Terms { kwh_eur, years, utilisation, .. } = *terms;
    let mut all = Vec::new();
    if kwh_eur > 0.0 {
        let change =
            Change { of: FlipOf::EnergyPrice, from: kwh_eur, as_x: |x| x, within: [0.0, f64::INFINITY] };
        let straight = |line: &Line| Straight {
            intercept: line.price / (utilisation * years),
            slope: line.work + line.rest / utilisation,
        };
        all.extend(crossings(&change, &lines.iter().map(straight).collect::<Vec<_>>(), first, places));
    }
    let inverse: fn(f64) -> f64 = |x| 1.0 / x;
    let of_utilisation =
        Change { of: FlipOf::Utilisation, from: utilisation, as_x: inverse, within: [1.0, f64::INFINITY] };
    let straight = |line: &Line| Straight {
        intercept: kwh_eur * line.work,
        slope: line.price / years + kwh_eur * line.rest,
    };
    all.extend(crossings(&of_utilisation, &lines.iter().map(straight).collect::<Vec<_>>(), first, places));
    let of_years = Change { of: FlipOf::Years, from: years, as_x: inverse, within: [0.0, f64::INFINITY] };
    let straight = |line: &Line| Straight {
        intercept: kwh_eur * (line.work + line.rest / utilisation),
        slope: line.price / utilisation,
    };
    all.extend(crossings(&of_years, &lines.iter().map(straight).collect::<Vec<_>>(), first, places));
    all.extend(prices(lines, first, places, terms));
    all
}

/// The nearest point on each side at which another cost becomes the lowest; one view without a point where there is
/// none on either side.
fn crossings(change: &Change, costs: &[Straight], first: usize, places: &[u32]) -> Vec<FlipView> {
    let here = (change.as_x)(change.from);
    let mine = costs[first];
    let crossing = |(place, other): (usize, &Straight)| {
        let at = (mine.intercept - other.intercept) / (other.slope - mine.slope);
        let is_inside = at.is_finite() && at > change.within[0] && at < change.within[1];
        (place != first && is_inside).then_some((at, place))
    };
    let all: Vec<(f64, usize)> = costs.iter().enumerate().filter_map(crossing).collect();
    // Where both costs are equal already, they are tied, and nothing has to change.
    let below = all.iter().filter(|of| of.0 < here).max_by(|a, b| a.0.total_cmp(&b.0));
    let above = all.iter().filter(|of| of.0 > here).min_by(|a, b| a.0.total_cmp(&b.0));
    let mut found: Vec<FlipView> = below
        .into_iter()
        .chain(above)
        .map(|(at, place)| FlipView {
            of: change.of,
            from: change.from,
            to: Some((change.as_x)(*at)),
            winner: Some(places[*place]),
        })
        .collect();
    found.sort_by(|a, b| a.to.partial_cmp(&b.to).unwrap_or(std::cmp::Ordering::Equal));
    if found.is_empty() {
        found.push(FlipView { of: change.of, from: change.from, to: None, winner: None });
    }
    found
}

/// By how much the first may become dearer, and how cheap the second must be.
fn prices(lines: &[Line], first: usize, places: &[u32], terms: &Terms) -> Vec<FlipView> {
    let costs: Vec<f64> = lines.iter().map(|line| line.at(terms)).collect();
    let second =
        (0..lines.len()).filter(|place| *place != first).min_by(|a, b| costs[*a].total_cmp(&costs[*b]));
    let Some(second) = second else { return Vec::new() };
    let apart = costs[second] - costs[first];
    let price = |place: usize, change: f64, winner: usize| {
        let line = &lines[place];
        let to = line.price_eur + change * line.tokens / line.n_devices;
        let of = FlipOf::Price { option: places[place] };
        let is_price = to > 0.0;
        FlipView {
            of,
            from: line.price_eur,
            to: is_price.then_some(to),
            winner: is_price.then_some(places[winner]),
        }
    };
    vec![price(first, apart, second), price(second, -apart, second)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommend::money::{Fleet, Machine};

    const TERMS: Terms = Terms { kwh_eur: 0.25, years: 2.0, utilisation: 0.5, requests_per_s: None };

    /// By hand, with one token a second: 8766 × 3600 × 2 × 0.5 = 31,557,600 tokens, of 8766 hours.
    /// `dear` costs 200 EUR and takes 3600 J for 1000 tokens, that is 31.5576 kWh = 7.8894 EUR.
    /// `cheap` costs 100 EUR and takes ten times as much: 78.894 EUR. Neither takes anything at rest.
    fn machine(price_eur: f64, j_per_token: f64) -> Machine {
        Machine { price_eur, tokens_per_s: 1.0, osl: 10.0, requests_per_s: 0.07, j_per_token, idle_w: 0.0 }
    }

    fn found() -> Vec<FlipView> {
        let machines = [machine(200.0, 3.6), machine(100.0, 36.0)];
        let lines: Vec<Line> = machines.iter().map(|of| Fleet::of(of, &TERMS).line(of, &TERMS)).collect();
        // 178.894 EUR against 207.8894: the second of the list is the first place.
        flips(&lines, 1, &[4, 7], &TERMS)
    }

    fn near(found: Option<f64>, expected: f64) {
        let found = found.expect("a point");
        assert!((found / expected - 1.0).abs() < 1e-9, "{found}, not {expected}");
    }

    fn of(all: &[FlipView], what: FlipOf) -> Vec<&FlipView> {
        all.iter().filter(|flip| flip.of == what).collect()
    }

    /// 100 EUR more in price are made up by 315.576 − 31.5576 = 284.0184 kWh of energy: at 0.352089… EUR each.
    #[test]
    fn the_price_of_energy_by_hand() {
        let all = found();
        let flips = of(&all, FlipOf::EnergyPrice);
        assert_eq!((flips.len(), flips[0].winner), (1, Some(4)));
        near(flips[0].to, 100.0 / 284.0184);
    }

    /// The dear one wins once there is more energy to save: 100 EUR are 1.408359… times 0.25 × 284.0184 EUR, in years or
    /// in utilisation.
    #[test]
    fn years_and_utilisation_by_hand() {
        let all = found();
        let factor = 100.0 / (0.25 * 284.0184);
        let years = of(&all, FlipOf::Years);
        assert_eq!((years.len(), years[0].winner), (1, Some(4)));
        near(years[0].to, 2.0 * factor);
        let utilisation = of(&all, FlipOf::Utilisation);
        assert_eq!(utilisation.len(), 1);
        near(utilisation[0].to, 0.5 * factor);
    }

    /// They are 207.8894 − 178.894 = 28.9954 EUR apart.
    #[test]
    fn prices_by_hand() {
        let all = found();
        let first = of(&all, FlipOf::Price { option: 7 });
        near(first[0].to, 128.9954);
        assert_eq!(first[0].winner, Some(4));
        let second = of(&all, FlipOf::Price { option: 4 });
        near(second[0].to, 171.0046);
        assert_eq!(second[0].winner, Some(4));
    }

    #[test]
    fn what_changes_nothing_says_so() {
        // Cheaper and thriftier: nothing but its own price takes its place.
        let machines = [machine(100.0, 3.6), machine(200.0, 36.0)];
        let lines: Vec<Line> = machines.iter().map(|of| Fleet::of(of, &TERMS).line(of, &TERMS)).collect();
        let all = flips(&lines, 0, &[0, 1], &TERMS);
        for what in [FlipOf::EnergyPrice, FlipOf::Utilisation, FlipOf::Years] {
            let flips = of(&all, what);
            assert_eq!((flips.len(), flips[0].to, flips[0].winner), (1, None, None), "{what:?}");
        }
        near(of(&all, FlipOf::Price { option: 0 })[0].to, 100.0 + 100.0 + 71.0046);
        near(of(&all, FlipOf::Price { option: 1 })[0].to, 200.0 - 171.0046);
    }

    #[test]
    fn a_device_that_would_have_to_be_given_away_stays_where_it_is() {
        let machines = [machine(10.0, 3.6), machine(20.0, 36.0)];
        let lines: Vec<Line> = machines.iter().map(|of| Fleet::of(of, &TERMS).line(of, &TERMS)).collect();
        let all = flips(&lines, 0, &[0, 1], &TERMS);
        assert_eq!(
            of(&all, FlipOf::Price { option: 1 })[0].to,
            None,
            "71 EUR of energy are more than its price"
        );
    }

    #[test]
    fn one_device_has_no_rival_and_free_energy_no_price() {
        let only = machine(200.0, 3.6);
        let line = Fleet::of(&only, &TERMS).line(&only, &TERMS);
        assert!(flips(&[line], 0, &[0], &TERMS).is_empty());
        let free = Terms { kwh_eur: 0.0, ..TERMS };
        assert!(of(&flips(&[line, line], 0, &[0, 1], &free), FlipOf::EnergyPrice).is_empty());
    }
}

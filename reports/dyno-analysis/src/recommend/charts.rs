//! What a buyer looks at: costs with their intervals, what is best at each price, and costs over the years.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Mark, Scale, Series};
use dyno_view::recommend::{AmountUnit, AmountView, ObjectiveResultView, OptionView, Standing};

use super::cost::Cost;
use super::money::break_even_years;

/// House rule: values that span more decades go on a logarithmic axis.
const LINEAR_DECADES: f64 = 2.0;
/// Points of a line over the years.
const N_POINTS: u32 = 7;

/// A measured figure beside the price.
struct Beside<'v> {
    id: &'static str,
    title: String,
    label: String,
    unit: AxisUnit,
    higher_is_better: bool,
    figure: Box<dyn Fn(&'v OptionView) -> Option<&'v AmountView> + 'v>,
}

/// All charts of `options`; energy beside the price only where it may be compared.
pub(super) fn charts(options: &[OptionView], costs: &[Option<Cost>], energy_is_ranked: bool) -> Vec<Chart> {
    let mut all: Vec<Chart> = cost_chart(options).into_iter().collect();
    let mut beside: Vec<Beside<'_>> = latency(options).into_iter().chain([rate()]).collect();
    if energy_is_ranked {
        beside.push(energy());
    }
    all.extend(beside.into_iter().filter_map(|of| pareto(options, &of)));
    all.extend(over_the_years(options, costs));
    all
}

/// Costs that are ranked, the lowest first.
fn cost_chart(options: &[OptionView]) -> Option<Chart> {
    let ranked = options.iter().filter(|of| matches!(of.standing, Standing::Ranked { .. }));
    let row = |(of, place): (&OptionView, u32)| {
        let cost = &of.money.per_million;
        let value = cost.value.unwrap_or(f64::NAN);
        let [low, high] = cost.interval.unwrap_or([value; 2]);
        let points = [low, value, high].map(|x| [x, f64::from(place)]).into();
        Series { name: of.name.clone(), points, n: of.rates.sustained.n }
    };
    let series: Vec<Series> = ranked.zip(1_u32..).map(row).collect();
    (!series.is_empty()).then(|| Chart {
        id: "cost".to_owned(),
        title: "Cost of a million output tokens".to_owned(),
        caption: "Over the years, of the devices that meet the service level, with what their measured figures leave \
                  open (95 %). Where two overlap, neither is cheaper. One without ends has too few requests for them."
            .to_owned(),
        form: ChartForm::Whiskers,
        x: axis("EUR per million output tokens", AxisUnit::Count, Scale::Linear),
        y: axis("device", AxisUnit::Count, Scale::Linear),
        series,
        marks: Vec::new(),
    })
}

/// The first objective that is a time, at its percentile.
fn latency(options: &[OptionView]) -> Option<Beside<'_>> {
    let is_time =
        |result: &ObjectiveResultView| result.figure.as_ref().is_some_and(|of| of.unit == AmountUnit::Ns);
    let (place, result) = options.iter().find_map(|of| {
        let place = of.objectives.iter().position(is_time)?;
        Some((place, &of.objectives[place]))
    })?;
    let id = result.metric.as_deref()?;
    let name = dyno_model::metric::metric(id).map_or(id, |of| of.label);
    Some(Beside {
        id: "price-latency",
        title: format!("Price and {name}"),
        label: format!("{name}, at the objective's percentile"),
        unit: AxisUnit::Ns,
        higher_is_better: false,
        figure: Box::new(move |of| of.objectives.get(place)?.figure.as_ref()),
    })
}

fn rate<'v>() -> Beside<'v> {
    Beside {
        id: "price-rate",
        title: "Price and sustained output rate".to_owned(),
        label: "sustained output rate".to_owned(),
        unit: AxisUnit::TokensPerSecond,
        higher_is_better: true,
        figure: Box::new(|of| Some(&of.rates.sustained)),
    }
}

fn energy<'v>() -> Beside<'v> {
    Beside {
        id: "price-energy",
        title: "Price and energy".to_owned(),
        label: "energy per output token (J)".to_owned(),
        unit: AxisUnit::Count,
        higher_is_better: false,
        figure: Box::new(|of| of.energy.as_ref().map(|energy| &energy.j_per_token)),
    }
}

/// Prices against a figure, with those that no other one beats in both.
fn pareto<'v>(options: &'v [OptionView], of: &Beside<'v>) -> Option<Chart> {
    let point = |option: &'v OptionView| {
        let figure = (of.figure)(option)?;
        Some((option, [option.money.price.value?, figure.value?], figure.n))
    };
    let found: Vec<(&OptionView, [f64; 2], u64)> = options.iter().filter_map(point).collect();
    if found.len() < 2 {
        return None;
    }
    let best = frontier(&found.iter().map(|of| of.1).collect::<Vec<_>>(), of.higher_is_better);
    let mut series: Vec<Series> = found
        .iter()
        .map(|(option, point, n)| Series {
            name: format!("{}{}", option.name, standing_words(&option.standing)),
            points: vec![*point],
            n: *n,
        })
        .collect();
    series.push(Series { name: "nothing is better at this price or below".to_owned(), points: best, n: 0 });
    let values = |place: usize| found.iter().map(move |of| of.1[place]);
    Some(Chart {
        id: of.id.to_owned(),
        title: of.title.clone(),
        caption: format!(
            "{} is better, and so is to the left. The dashed line joins the devices that no other one beats in both, by \
             their figures alone: intervals are in the table.",
            if of.higher_is_better { "Higher" } else { "Lower" }
        ),
        form: ChartForm::DottedLine,
        x: axis("price of one device (EUR)", AxisUnit::Count, scale(values(0))),
        y: axis(&of.label, of.unit, scale(values(1))),
        series,
        marks: Vec::new(),
    })
}

fn standing_words(standing: &Standing) -> &'static str {
    match standing {
        Standing::Ranked { .. } | Standing::Unpriced => "",
        Standing::SustainedNotShown => ", not shown to sustain it",
        Standing::Inconclusive { .. } => ", inconclusive",
        Standing::Misses => ", misses the service level",
        Standing::NotMeasured => ", not measured",
    }
}

/// Points `[price, figure]` that no other one beats: none is as cheap and as good, and one of both more so. From the
/// cheapest on.
pub(crate) fn frontier(points: &[[f64; 2]], higher_is_better: bool) -> Vec<[f64; 2]> {
    let good = |point: &[f64; 2]| if higher_is_better { -point[1] } else { point[1] };
    let is_beaten = |mine: &[f64; 2]| {
        points.iter().any(|other| {
            other[0] <= mine[0]
                && good(other) <= good(mine)
                && (other[0] < mine[0] || good(other) < good(mine))
        })
    };
    let mut best: Vec<[f64; 2]> = points.iter().filter(|point| !is_beaten(point)).copied().collect();
    best.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    best.dedup();
    best
}

/// What all of them cost from the first day on.
fn over_the_years(options: &[OptionView], costs: &[Option<Cost>]) -> Option<Chart> {
    let known: Vec<(&OptionView, &Cost)> =
        options.iter().zip(costs).filter_map(|(option, cost)| Some((option, cost.as_ref()?))).collect();
    let (first, cost) = known.first()?;
    let years = cost.terms().years;
    let at = |share: u32| years * f64::from(share) / f64::from(N_POINTS - 1);
    let line = |(option, cost): &(&OptionView, &Cost)| {
        let fleet = cost.fleet();
        let point = |share| [at(share), fleet.price_eur + fleet.energy_eur * at(share) / years];
        Series {
            name: option.name.clone(),
            points: (0..N_POINTS).map(point).collect(),
            n: option.rates.sustained.n.max(1),
        }
    };
    let mut series: Vec<Series> = known.iter().map(line).collect();
    let mut marks = Vec::new();
    let cloud = first.money.cloud.as_ref().and_then(|of| of.per_million.value);
    if let Some(per_million) = cloud {
        let whole = per_million * cost.fleet().tokens / 1e6;
        let points = (0..N_POINTS).map(|share| [at(share), whole * at(share) / years]).collect();
        series.push(Series { name: format!("cloud, for the tokens of {}", first.name), points, n: 0 });
        let even = break_even_years(&cost.fleet(), whole, cost.terms());
        marks.extend((even <= years).then(|| Mark { x: even, label: "as much as the cloud".to_owned() }));
    }
    Some(Chart {
        id: "years".to_owned(),
        title: "Cost over the years".to_owned(),
        caption: "Price of all devices that it takes, then their energy as far as the ranked cost holds it."
            .to_owned(),
        form: ChartForm::DottedLine,
        x: axis("years", AxisUnit::Count, Scale::Linear),
        y: axis("cost (EUR)", AxisUnit::Count, Scale::Linear),
        series,
        marks,
    })
}

fn axis(label: &str, unit: AxisUnit, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), unit, scale }
}

/// Logarithmic where values span more than two decades.
fn scale(values: impl Iterator<Item = f64>) -> Scale {
    let (low, high) =
        values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    if low > 0.0 && high > low * 10_f64.powf(LINEAR_DECADES) { Scale::Log } else { Scale::Linear }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frontier_holds_what_nothing_beats() {
        let points = [[100.0, 5.0], [80.0, 5.0], [50.0, 9.0], [200.0, 1.0], [60.0, 9.0], [200.0, 1.0]];
        assert_eq!(frontier(&points, false), [[50.0, 9.0], [80.0, 5.0], [200.0, 1.0]]);
        // Where more is better, the cheapest has the most already.
        assert_eq!(frontier(&points, true), [[50.0, 9.0]]);
        assert!(frontier(&[], true).is_empty());
    }

    #[test]
    fn equal_figures_at_unequal_prices_leave_the_cheaper_one() {
        assert_eq!(frontier(&[[2.0, 1.0], [1.0, 1.0]], true), [[1.0, 1.0]]);
        assert_eq!(frontier(&[[1.0, 1.0], [1.0, 2.0]], false), [[1.0, 1.0]]);
    }
}

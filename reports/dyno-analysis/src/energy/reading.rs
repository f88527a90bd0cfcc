//! A source's readings, cleaned: what is absurd, frozen, disordered or not the load's is a gap, never a number.

use dyno_stats::{Counted, CounterRule, Integral, Measured, MeterError, count, median_gap, trapezoid};
use dyno_view::energy::EnergyHowView;

use super::source::{Charging, Part, Sign, Source};

/// House rule: nothing that is measured here takes more than a wall socket gives (16 A at 230 V is 3.7 kW).
const MOST_W: f64 = 4_000.0;
/// MEASUREMENT §4.4: a gap of more periods is not covered.
const LONGEST_GAP_PERIODS: u64 = 3;
/// House rule: a value that stays for so many times its usual stay, and so long, is a source that stands still.
const FROZEN_STAYS: u64 = 100;
const FROZEN_NS: u64 = 10_000_000_000;
/// House rule: fewer readings do not show that a source stands still.
const FROZEN_READINGS: usize = 20;
/// The kernel's number for a battery that is discharged.
const DISCHARGING: i64 = 2;

/// Energy over time.
#[derive(Debug, Clone)]
pub(crate) enum Curve {
    /// Counts in µJ, one for each part.
    Counts(Vec<Counted>),
    /// Instant and power in W.
    Power(Vec<(u64, f64)>),
}

/// What a source says over one launch.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) curve: Curve,
    /// Time between two updates.
    pub(crate) update_ns: u64,
    /// Time between two readings.
    pub(crate) period_ns: u64,
    pub(crate) lag_ns: Option<u64>,
    pub(crate) error: MeterError,
    /// From here on nothing counts, and why.
    pub(crate) ends: Option<(u64, String)>,
    /// What was left out or counted, in words.
    pub(crate) notes: Vec<String>,
}

/// Energy of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Energy {
    pub(crate) joules: f64,
    pub(crate) span_s: f64,
    pub(crate) coverage: f64,
    /// Standard uncertainty of what is wrong in every window alike, in J,
    pub(crate) u_common: f64,
    /// and of what is not.
    pub(crate) u_own: f64,
}

impl Energy {
    /// Expanded uncertainty.
    pub(crate) fn expanded(&self) -> f64 {
        2.0 * self.u_common.hypot(self.u_own)
    }

    pub(crate) fn power_w(&self) -> f64 {
        self.joules / self.span_s
    }

    /// Energies of several windows: what is wrong in all of them adds up, the rest does not.
    pub(crate) fn sum<'e>(of: impl Iterator<Item = &'e Self>) -> Self {
        let none = Self { joules: 0.0, span_s: 0.0, coverage: 1.0, u_common: 0.0, u_own: 0.0 };
        of.fold(none, |sum, one| Self {
            joules: sum.joules + one.joules,
            span_s: sum.span_s + one.span_s,
            coverage: sum.coverage.min(one.coverage),
            u_common: sum.u_common + one.u_common,
            u_own: sum.u_own.hypot(one.u_own),
        })
    }
}

/// The readings of a source within a launch; an error says why they are of no use.
pub(crate) fn read(source: &Source<'_>) -> Result<Reading, String> {
    if let Some(why) = &source.refused {
        return Err(why.clone());
    }
    let ends = source.charging.map(discharging_until).transpose()?.flatten();
    let mut reading = match source.how {
        EnergyHowView::Counter => counts(source),
        EnergyHowView::Samples | EnergyHowView::Product => powers(source),
    }?;
    reading.ends = ends;
    Ok(reading)
}

/// From when on the battery was not discharged; `None` when it was all the time.
fn discharging_until(of: Charging<'_>) -> Result<Option<(u64, String)>, String> {
    let Some(first) = of.0.first() else {
        return Err("nothing says whether the battery was being charged".to_owned());
    };
    if first.1 != DISCHARGING {
        return Err(
            "the battery was not being discharged: what it gives is not what the device takes".to_owned()
        );
    }
    // It was plugged in at some instant after the last reading that says otherwise.
    let plugged = of.0.iter().position(|(_, state)| *state != DISCHARGING);
    Ok(plugged.and_then(|place| {
        let last = of.0[place.checked_sub(1)?].0;
        Some((last, "a charger was plugged in".to_owned()))
    }))
}

fn counts(source: &Source<'_>) -> Result<Reading, String> {
    let (mut all, mut notes) = (Vec::new(), Vec::new());
    let (mut update_ns, mut period_ns) = (0, 0);
    for part in &source.parts {
        let usable: Vec<(u64, u64)> =
            part.points.iter().filter_map(|(at, value)| Some((*at, u64::try_from(*value).ok()?))).collect();
        let rule = CounterRule { wraps_at: part.wraps_at, most_per_ns: MOST_W / 1e3 };
        let mut counted = count(&usable, rule);
        let usual = median_gap(&counted.points).ok_or("its counter never moved")?;
        let nominal = period(part, &usable);
        counted.breaks.extend(standstills(&counted, &usable, usual));
        counted.breaks.sort_unstable();
        note(&mut notes, counted.n_wraps, "it began at 0 again", "times");
        note(&mut notes, counted.breaks.len() as u64, "it fell, jumped or stood still", "times");
        note(&mut notes, counted.n_disordered, "stamps went back", "readings left out");
        (update_ns, period_ns) = (update_ns.max(usual), period_ns.max(nominal));
        all.push(counted);
    }
    Ok(Reading {
        curve: Curve::Counts(all),
        update_ns: source.update_ns.unwrap_or(update_ns).max(1),
        period_ns,
        lag_ns: source.lag_ns,
        error: source.error,
        ends: None,
        notes,
    })
}

fn note(notes: &mut Vec<String>, n: u64, what: &str, unit: &str) {
    if n > 0 {
        notes.push(format!("{what} ({n} {unit})"));
    }
}

/// Long times without a new count although it was read.
fn standstills(counted: &Counted, readings: &[(u64, u64)], usual_ns: u64) -> Vec<[u64; 2]> {
    let longest = (FROZEN_STAYS * usual_ns).max(FROZEN_NS);
    let was_read = |from: u64, to: u64| {
        let first = readings.partition_point(|reading| reading.0 <= from);
        let end = readings.partition_point(|reading| reading.0 < to);
        end.saturating_sub(first) >= FROZEN_READINGS / 2
    };
    let frozen = |pair: &[(u64, f64)]| {
        let (from, to) = (pair[0].0, pair[1].0);
        (to - from > longest && was_read(from, to)).then_some([from, to])
    };
    counted.points.windows(2).filter_map(frozen).collect()
}

/// Time between two readings: as declared, or as it was where that is longer.
fn period<T>(part: &Part<'_>, readings: &[(u64, T)]) -> u64 {
    (u64::from(part.period_ms) * 1_000_000).max(median_gap(readings).unwrap_or(0)).max(1)
}

fn powers(source: &Source<'_>) -> Result<Reading, String> {
    let mut notes = Vec::new();
    let mut series: Vec<Vec<(u64, f64)>> = Vec::new();
    let mut period_ns = 0;
    for part in &source.parts {
        let raw = watts(part);
        if raw.is_empty() {
            return Err("it was never read".to_owned());
        }
        period_ns = period_ns.max(period(part, &raw));
        let (clean, n_lost) = believed(ordered(raw), part.sign, &mut notes);
        note(&mut notes, n_lost, "values that no device can have", "left out");
        series.push(clean);
    }
    let mut parts = series.into_iter();
    let mut power = parts.next().unwrap_or_default();
    for other in parts {
        power = together(&power, &other, period_ns);
    }
    if stays_the_same(&power) {
        return Err("it showed one and the same value, load or not".to_owned());
    }
    let (power, n_frozen) = without_frozen(&power);
    note(&mut notes, n_frozen, "it stood still", "times");
    let update_ns = source.update_ns.unwrap_or_else(|| update(&power)).max(period_ns);
    Ok(Reading {
        curve: Curve::Power(power),
        update_ns,
        period_ns,
        lag_ns: source.lag_ns,
        error: source.error,
        ends: None,
        notes,
    })
}

fn watts(part: &Part<'_>) -> Vec<(u64, f64)> {
    let Some(current) = part.current else {
        return part.points.iter().map(|(at, value)| (*at, *value as f64 / 1e6)).collect();
    };
    let of = |(at, volts): &(u64, i64)| {
        let place = current.partition_point(|sample| sample.0 < *at);
        let same = current.get(place).filter(|sample| sample.0 == *at)?;
        Some((*at, *volts as f64 * same.1 as f64 / 1e12))
    };
    part.points.iter().filter_map(of).collect()
}

/// Samples whose stamps rise.
fn ordered(samples: Vec<(u64, f64)>) -> Vec<(u64, f64)> {
    let mut ordered: Vec<(u64, f64)> = Vec::with_capacity(samples.len());
    for sample in samples {
        if ordered.last().is_none_or(|last| last.0 < sample.0) {
            ordered.push(sample);
        }
    }
    ordered
}

/// Samples with their sign settled, without those that cannot be, and how many those are.
fn believed(samples: Vec<(u64, f64)>, sign: Sign, notes: &mut Vec<String>) -> (Vec<(u64, f64)>, u64) {
    let n_all = samples.len();
    let is_negated = match sign {
        Sign::AsItIs => false,
        Sign::Negated => true,
        Sign::Unknown => {
            let n_below = samples.iter().filter(|sample| sample.1 < 0.0).count();
            let is_below = 2 * n_below > n_all;
            if is_below {
                notes.push(
                    "it was being discharged and its figures are below 0: their sign is turned".to_owned(),
                );
            }
            is_below
        }
    };
    let factor = if is_negated { -1.0 } else { 1.0 };
    let turned = samples.into_iter().map(|(at, power)| (at, power * factor));
    let clean: Vec<(u64, f64)> = turned.filter(|(_, power)| (0.0..=MOST_W).contains(power)).collect();
    let n_lost = (n_all - clean.len()) as u64;
    (clean, n_lost)
}

/// Two series added up at the stamps of the first, each with the nearest of the second; without one near there is none.
fn together(first: &[(u64, f64)], second: &[(u64, f64)], period_ns: u64) -> Vec<(u64, f64)> {
    let near = |at: u64| {
        let after = second.partition_point(|sample| sample.0 < at);
        let around = [after.checked_sub(1).and_then(|place| second.get(place)), second.get(after)];
        around.into_iter().flatten().min_by_key(|sample| sample.0.abs_diff(at)).copied()
    };
    let sum = |(at, power): &(u64, f64)| {
        let other = near(*at).filter(|other| other.0.abs_diff(*at) <= period_ns)?;
        Some((*at, power + other.1))
    };
    first.iter().filter_map(sum).collect()
}

/// Where each new value begins, and where the last one ends.
fn stays(power: &[(u64, f64)]) -> Vec<[usize; 2]> {
    let mut stays: Vec<[usize; 2]> = Vec::new();
    for (place, sample) in power.iter().enumerate() {
        match stays.last_mut() {
            Some(last) if power[last[0]].1.to_bits() == sample.1.to_bits() => last[1] = place,
            _ => stays.push([place, place]),
        }
    }
    stays
}

fn stays_the_same(power: &[(u64, f64)]) -> bool {
    let is_long = power.len() >= FROZEN_READINGS
        && power.last().zip(power.first()).is_some_and(|(last, first)| last.0 - first.0 >= FROZEN_NS / 2);
    is_long && stays(power).len() == 1
}

/// Without what followed the first reading of a value that stayed far too long; how often that was.
fn without_frozen(power: &[(u64, f64)]) -> (Vec<(u64, f64)>, u64) {
    let all = stays(power);
    let length = |stay: &[usize; 2]| power[stay[1]].0 - power[stay[0]].0;
    let mut lengths: Vec<usize> = all.iter().map(|stay| stay[1] - stay[0] + 1).collect();
    lengths.sort_unstable();
    let usual = lengths.get(lengths.len() / 2).copied().unwrap_or(1) as u64;
    let frozen: Vec<[usize; 2]> = all
        .into_iter()
        .filter(|stay| (stay[1] - stay[0] + 1) as u64 >= FROZEN_STAYS * usual && length(stay) >= FROZEN_NS)
        .collect();
    let n = frozen.len() as u64;
    let is_frozen = |place: usize| frozen.iter().any(|stay| (stay[0] + 1..=stay[1]).contains(&place));
    let kept = power.iter().enumerate().filter(|(place, _)| !is_frozen(*place)).map(|(_, sample)| *sample);
    (kept.collect(), n)
}

/// The time between updates of a source that nobody tried: the shortest times for which values stay, but for one in a
/// hundred.
fn update(power: &[(u64, f64)]) -> u64 {
    let begins: Vec<u64> = stays(power).iter().map(|stay| power[stay[0]].0).collect();
    let mut gaps: Vec<u64> = begins.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 100).copied().unwrap_or(0)
}

impl Reading {
    /// Energy from `from` to `to`; an error says why there is none.
    pub(crate) fn energy(&self, from: u64, to: u64) -> Result<Energy, String> {
        self.energy_with(from, to, 0.0)
    }

    /// The same under a load that swings: what a slow source misses between its readings is part of the uncertainty.
    pub(crate) fn energy_with(&self, from: u64, to: u64, swing_s: f64) -> Result<Energy, String> {
        if let Some((_, why)) = self.ends.as_ref().filter(|(at, _)| *at < to) {
            return Err(why.clone());
        }
        let found = self.integral(from, to).ok_or("its window has no length")?;
        let span_s = (to - from) as f64 / 1e9;
        if found.coverage < LEAST_COVERAGE {
            return Err(format!(
                "only {:.1} % of it is covered by readings, and 99 % must be",
                found.coverage * 100.0
            ));
        }
        // What is not covered took as much as the rest.
        let joules = found.value / found.coverage;
        if joules <= 0.0 {
            return Err("it showed no power at all".to_owned());
        }
        let is_counted = matches!(self.curve, Curve::Counts(_));
        let of = Measured {
            energy_j: joules,
            span_s,
            update_s: self.update_ns as f64 / 1e9,
            sampling_s: self.period_ns as f64 / 1e9,
            coverage: found.coverage,
        };
        let step_w = if is_counted { 0.0 } else { self.error.step_w };
        let common = MeterError { step_w: 0.0, ..self.error };
        let whole = Measured { update_s: 0.0, sampling_s: 0.0, coverage: 1.0, ..of };
        let own = MeterError { gain_ratio: 0.0, offset_w: 0.0, step_w };
        Ok(Energy {
            joules,
            span_s,
            coverage: found.coverage,
            u_common: common.of(&whole),
            u_own: own.of(&of).hypot(self.missed(from, to, swing_s)),
        })
    }

    /// What samples miss of a load that swings faster than they can follow: `s(P) · T / √n`, the standard deviation of
    /// the samples and how many there are (house rule: where a swing is shorter than ten updates).
    fn missed(&self, from: u64, to: u64, swing_s: f64) -> f64 {
        let Curve::Power(power) = &self.curve else { return 0.0 };
        if swing_s <= 0.0 || swing_s >= 10.0 * self.update_ns as f64 / 1e9 {
            return 0.0;
        }
        let within: Vec<f64> =
            power.iter().filter(|sample| (from..=to).contains(&sample.0)).map(|sample| sample.1).collect();
        let n = within.len() as f64;
        if n < 2.0 {
            return 0.0;
        }
        let mean = within.iter().sum::<f64>() / n;
        let variance = within.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (variance / n).sqrt() * (to - from) as f64 / 1e9
    }

    /// Joules from `from` to `to` and how much of it readings cover.
    pub(crate) fn integral(&self, from: u64, to: u64) -> Option<Integral> {
        match &self.curve {
            Curve::Counts(all) => {
                let each: Vec<Integral> = all.iter().filter_map(|of| of.between(from, to)).collect();
                let coverage = each.iter().map(|of| of.coverage).fold(1.0, f64::min);
                (!each.is_empty())
                    .then(|| Integral { value: each.iter().map(|of| of.value).sum::<f64>() / 1e6, coverage })
            }
            Curve::Power(power) => {
                let longest = LONGEST_GAP_PERIODS * self.period_ns;
                let found = trapezoid(power, from, to, longest)?;
                Some(Integral { value: found.value / 1e9, ..found })
            }
        }
    }
}

/// MEASUREMENT §4.4.
pub(crate) const LEAST_COVERAGE: f64 = 0.99;

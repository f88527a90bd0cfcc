//! An axis planned before it is drawn: unit, range, ticks.

use std::ops::Range;

use dyno_view::chart::{Axis, AxisUnit, Scale};
use dyno_view::report::UnitView;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::words::{Multiple, grouped};

/// Ticks that an axis aims at.
const TICKS: f64 = 5.0;

/// A planned axis. Positions are in the multiple's unit, on a logarithmic axis their decimal logarithms.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AxisPlan {
    /// Label with the unit: `prompt length (tokens)`.
    pub(super) title: String,
    /// Data units in one printed unit.
    factor: f64,
    /// Whether positions are logarithms.
    is_log: bool,
    /// First position.
    pub(super) low: f64,
    /// Last position.
    pub(super) high: f64,
    /// Labelled positions.
    pub(super) ticks: Vec<(f64, String)>,
    /// Positions of unlabelled grid lines.
    pub(super) minor: Vec<f64>,
}

/// Which way an axis lies; a vertical one ends on ticks and begins at zero where that makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From left to right.
    Horizontal,
    /// Upwards.
    Vertical,
}

impl AxisPlan {
    /// Plans for data from `min` to `max`, in the axis' unit; both must be finite, and positive on a logarithmic axis.
    pub(super) fn of(axis: &Axis, direction: Direction, min: f64, max: f64) -> Self {
        let typical = match axis.scale {
            Scale::Linear => max.abs().max(min.abs()),
            Scale::Log => (min * max).sqrt(),
        };
        let (factor, sign) = multiple(axis.unit, typical);
        let title = title(&axis.label, sign);
        let (min, max) = (min / factor, max / factor);
        match axis.scale {
            Scale::Linear => Self::linear(title, factor, axis.unit, direction, (min, max)),
            Scale::Log => Self::log(title, factor, (min, max)),
        }
    }

    /// A vertical axis of `n` rows without ticks, each 1 high.
    pub(super) fn rows(n: u32) -> Self {
        Self {
            title: String::new(),
            factor: 1.0,
            is_log: false,
            low: 0.0,
            high: f64::from(n),
            ticks: Vec::new(),
            minor: Vec::new(),
        }
    }

    /// Where `value` (in data units) lies; `None` when it has no place on this axis.
    pub(super) fn position(&self, value: f64) -> Option<f64> {
        let scaled = value / self.factor;
        let position = if self.is_log { scaled.log10() } else { scaled };
        position.is_finite().then_some(position)
    }

    /// Whether positions are decimal logarithms.
    pub(super) fn is_log(&self) -> bool {
        self.is_log
    }

    fn linear(
        title: String,
        factor: f64,
        unit: AxisUnit,
        direction: Direction,
        (min, max): (f64, f64),
    ) -> Self {
        let (min, max) = with_zero(unit, direction, min, max);
        let (min, max) = if max > min { (min, max) } else { widened(min) };
        let step = nice_step((max - min) / TICKS);
        let pad = (max - min) * 0.02;
        let (low, high) = match direction {
            Direction::Vertical => ((min / step + 1e-9).floor() * step, (max / step - 1e-9).ceil() * step),
            Direction::Horizontal => (if min == 0.0 { 0.0 } else { min - pad }, max + pad),
        };
        Self {
            title,
            factor,
            is_log: false,
            low,
            high,
            ticks: linear_ticks(low, high, step),
            minor: Vec::new(),
        }
    }

    fn log(title: String, factor: f64, (min, max): (f64, f64)) -> Self {
        let (min, max) = if max > min { (min, max) } else { (min / 1.5, min * 1.5) };
        let pad = (max / min).log10() * 0.03;
        let (low, high) = (min.log10() - pad, max.log10() + pad);
        let ticks = log_ticks(low, high);
        let minor = multiples_of_decades(low, high, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        Self { title, factor, is_log: true, low, high, ticks, minor }
    }
}

/// plotters draws grid and labels from the plan itself.
impl Ranged for AxisPlan {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.low) / (self.high - self.low);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            self.minor.clone()
        } else {
            self.ticks.iter().map(|(at, _)| *at).collect()
        }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for AxisPlan {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(at, _)| at.total_cmp(value).is_eq());
        tick.map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// Data units in one printed unit, and its sign.
fn multiple(unit: AxisUnit, max: f64) -> (f64, &'static str) {
    let of = |multiple: Multiple| (multiple.factor, multiple.sign);
    match unit {
        AxisUnit::Ns if max >= 3.0 * 3_600e9 => (3_600e9, "h"),
        AxisUnit::Ns if max >= 600e9 => (60e9, "min"),
        AxisUnit::Ns => of(Multiple::of_ns(max)),
        AxisUnit::Bytes => of(Multiple::of_bytes(max)),
        AxisUnit::Khz => of(Multiple::of_khz(max)),
        AxisUnit::Tokens => (1.0, "tokens"),
        AxisUnit::TokensPerSecond => (1.0, "tok/s"),
        AxisUnit::RequestsPerSecond => (1.0, "req/s"),
        AxisUnit::Mdegc => (1_000.0, "°C"),
        AxisUnit::Ratio => (0.01, "%"),
        AxisUnit::Watts => of(Multiple::of(UnitView::Watts, max)),
        AxisUnit::Count => (1.0, ""),
    }
}

fn title(label: &str, sign: &str) -> String {
    if sign.is_empty() || label.split_whitespace().any(|word| word.eq_ignore_ascii_case(sign)) {
        label.to_owned()
    } else {
        format!("{label} ({sign})")
    }
}

/// Zero belongs to a vertical axis of amounts, not to one of temperatures; horizontally only where it is near.
/// A share ends at 100 % on a vertical axis.
fn with_zero(unit: AxisUnit, direction: Direction, min: f64, max: f64) -> (f64, f64) {
    match (direction, unit) {
        (Direction::Vertical, AxisUnit::Ratio) => {
            (min.min(0.0), if max > 50.0 { max.max(100.0) } else { max })
        }
        (Direction::Vertical, AxisUnit::Mdegc) => (min, max),
        (Direction::Vertical, _) => (min.min(0.0), max),
        (Direction::Horizontal, _) if min > 0.0 && min < 0.25 * max => (0.0, max),
        (Direction::Horizontal, _) => (min, max),
    }
}

/// A range around a lone value.
fn widened(value: f64) -> (f64, f64) {
    let half = if value == 0.0 { 1.0 } else { value.abs() * 0.1 };
    (value - half, value + half)
}

/// The smallest of 1, 2, 5 × 10ⁿ that is not much below `raw`.
fn nice_step(raw: f64) -> f64 {
    let decade = 10_f64.powf(raw.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
    *steps.iter().find(|&&step| step >= raw * 0.7).unwrap_or(&steps[3])
}

fn linear_ticks(low: f64, high: f64, step: f64) -> Vec<(f64, String)> {
    let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as i32;
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).map(|tick| (tick, grouped(tick, decimals))).collect()
}

/// Decades, or finer steps when the range holds too few of them.
fn log_ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let sets: [&[u32]; 3] = [&[1], &[1, 2, 5], &[1, 2, 3, 4, 5, 6, 7, 8, 9]];
    let positions =
        sets.iter().map(|set| multiples_of_decades(low, high, set)).find(|found| found.len() >= 3);
    if let Some(positions) = positions {
        return positions.into_iter().map(|at| (at, log_label(at))).collect();
    }
    let (min, max) = (10_f64.powf(low), 10_f64.powf(high));
    let step = nice_step((max - min) / TICKS);
    linear_ticks(min, max, step).into_iter().map(|(tick, label)| (tick.log10(), label)).collect()
}

fn log_label(position: f64) -> String {
    let decimals = (-(position + 1e-9).floor()).max(0.0) as i32;
    grouped(10_f64.powf(position), decimals)
}

/// Logarithms of `factors` × 10ⁿ within `low..=high`.
fn multiples_of_decades(low: f64, high: f64, factors: &[u32]) -> Vec<f64> {
    let decades = low.floor() as i32..=high.ceil() as i32;
    decades
        .flat_map(|decade| factors.iter().map(move |&factor| f64::from(factor).log10() + f64::from(decade)))
        .filter(|position| (low..=high).contains(position))
        .collect()
}

#[cfg(test)]
mod tests {
    use AxisUnit::{Bytes, Mdegc, Ns, Ratio, Tokens};
    use Direction::{Horizontal, Vertical};

    use super::*;

    fn labels(
        unit: AxisUnit,
        scale: Scale,
        direction: Direction,
        min: f64,
        max: f64,
    ) -> (String, Vec<String>) {
        let plan = AxisPlan::of(&Axis { label: "x".to_owned(), unit, scale }, direction, min, max);
        (plan.title, plan.ticks.into_iter().map(|(_, label)| label).collect())
    }

    #[test]
    fn ticks_are_round_in_the_printed_unit() {
        let check = |unit, scale, direction, (min, max): (f64, f64), title: &str, expected: &[&str]| {
            let (found_title, found) = labels(unit, scale, direction, min, max);
            assert_eq!(found_title, title);
            assert_eq!(found, expected);
        };
        check(Ns, Scale::Linear, Vertical, (30e6, 93e6), "x (ms)", &["0", "20", "40", "60", "80", "100"]);
        check(Ns, Scale::Linear, Horizontal, (40.2e6, 41.9e6), "x (ms)", &["40.5", "41.0", "41.5"]);
        check(Ratio, Scale::Linear, Vertical, (0.01, 1.0), "x (%)", &["0", "20", "40", "60", "80", "100"]);
        check(
            Bytes,
            Scale::Linear,
            Vertical,
            (0.0, 400.0 * 1_048_576.0),
            "x (MiB)",
            &["0", "100", "200", "300", "400"],
        );
        check(
            Mdegc,
            Scale::Linear,
            Vertical,
            (51e3, 58e3),
            "x (°C)",
            &["51", "52", "53", "54", "55", "56", "57", "58"],
        );
        check(Tokens, Scale::Log, Horizontal, (10.0, 2000.0), "x (tokens)", &["10", "100", "1,000"]);
        check(Ns, Scale::Log, Vertical, (0.5e9, 2.2e9), "x (s)", &["0.5", "1", "2"]);
        check(Ns, Scale::Log, Horizontal, (31e6, 1.4e9), "x (ms)", &["50", "100", "200", "500", "1,000"]);
    }

    #[test]
    fn a_lone_value_still_has_an_axis() {
        for scale in [Scale::Linear, Scale::Log] {
            let axis = Axis { label: "x".to_owned(), unit: AxisUnit::Ns, scale };
            let plan = AxisPlan::of(&axis, Direction::Horizontal, 5e6, 5e6);
            let at = plan.position(5e6).expect("a positive value has a place");
            assert!(plan.low < at && at < plan.high, "{plan:?}");
            assert!(plan.ticks.len() >= 2, "{plan:?}");
        }
    }

    #[test]
    fn nothing_at_or_below_zero_has_a_place_on_a_log_axis() {
        let axis = Axis { label: "x".to_owned(), unit: AxisUnit::Ns, scale: Scale::Log };
        let plan = AxisPlan::of(&axis, Direction::Horizontal, 1e6, 1e9);
        assert_eq!(plan.position(0.0), None);
        assert_eq!(plan.position(-1.0), None);
    }
}

//! Figures with bounds, and what is worked out of several of them.

use dyno_view::recommend::{AmountUnit, AmountView};

/// A figure with its 95 % interval; an exact one has none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bounded {
    pub(super) value: f64,
    pub(super) interval: Bounds,
    pub(super) n: u64,
}

/// How well a figure is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Bounds {
    /// It is given, or counted.
    Exact,
    /// Between these with 95 %.
    Within([f64; 2]),
    /// There are too few observations to say.
    Unknown,
}

impl Bounded {
    pub(super) fn exact(value: f64) -> Self {
        Self { value, interval: Bounds::Exact, n: 0 }
    }

    pub(super) fn within(value: f64, interval: Option<[f64; 2]>, n: u64) -> Self {
        Self { value, interval: interval.map_or(Bounds::Unknown, Bounds::Within), n }
    }

    /// The lowest and highest value that it may have: of one that nothing is known of, anything.
    pub(super) fn reach(&self) -> [f64; 2] {
        match self.interval {
            Bounds::Exact => [self.value, self.value],
            Bounds::Within(bounds) => bounds,
            Bounds::Unknown => [f64::NEG_INFINITY, f64::INFINITY],
        }
    }

    pub(super) fn view(&self, unit: AmountUnit) -> AmountView {
        let interval = match self.interval {
            Bounds::Within(bounds) => Some(bounds),
            Bounds::Exact | Bounds::Unknown => None,
        };
        let why =
            (self.interval == Bounds::Unknown).then(|| "too few observations for an interval".to_owned());
        AmountView { unit, value: Some(self.value), interval, n: self.n, why }
    }

    pub(super) fn times(&self, factor: f64) -> Self {
        let interval = match self.interval {
            Bounds::Within([low, high]) => Bounds::Within([low * factor, high * factor]),
            other => other,
        };
        Self { value: self.value * factor, interval, n: self.n }
    }

    /// `over / self`, of something above 0.
    pub(super) fn under(&self, over: f64) -> Self {
        let interval = match self.interval {
            Bounds::Within([low, _]) if low <= 0.0 => Bounds::Unknown,
            Bounds::Within([low, high]) => Bounds::Within([over / high, over / low]),
            other => other,
        };
        Self { value: over / self.value, interval, n: self.n }
    }
}

/// No figure, and why.
pub(super) fn missing(unit: AmountUnit, why: impl Into<String>) -> AmountView {
    AmountView { unit, value: None, interval: None, n: 0, why: Some(why.into()) }
}

/// A figure, or why there is none.
pub(super) fn view_of(found: &Result<Bounded, String>, unit: AmountUnit) -> AmountView {
    match found {
        Ok(of) => of.view(unit),
        Err(why) => missing(unit, why.clone()),
    }
}

/// What `of` makes of several figures. The interval follows from theirs: each is set to its bounds while the others
/// stay, and what that changes is added up as the root of the sum of squares, upwards and downwards apart (the errors
/// are taken for independent; JCGM 100:2008, 5.1.2, with differences in place of derivatives).
pub(super) fn combined(inputs: &[&Bounded], of: impl Fn(&[f64]) -> f64) -> Bounded {
    let values: Vec<f64> = inputs.iter().map(|input| input.value).collect();
    let value = of(&values);
    if inputs.iter().all(|input| input.interval == Bounds::Exact) {
        return Bounded::exact(value);
    }
    let (mut below, mut above) = (0.0_f64, 0.0_f64);
    for (place, input) in inputs.iter().enumerate() {
        let ends = match input.interval {
            Bounds::Exact => continue,
            Bounds::Unknown => return Bounded { value, interval: Bounds::Unknown, n: 0 },
            Bounds::Within(bounds) => bounds.map(|bound| {
                let mut moved = values.clone();
                moved[place] = bound;
                of(&moved)
            }),
        };
        if ends.iter().any(|end| !end.is_finite()) {
            return Bounded { value, interval: Bounds::Unknown, n: 0 };
        }
        below = below.hypot((value - ends[0].min(ends[1])).max(0.0));
        above = above.hypot((ends[0].max(ends[1]) - value).max(0.0));
    }
    Bounded { value, interval: Bounds::Within([value - below, value + above]), n: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(value: f64, low: f64, high: f64) -> Bounded {
        Bounded::within(value, Some([low, high]), 9)
    }

    #[test]
    fn errors_add_up_as_the_root_of_their_squares() {
        // 10 ± 3 and 20 ± 4 are 30 ± 5; an exact 100 adds nothing.
        let found =
            combined(&[&within(10.0, 7.0, 13.0), &within(20.0, 16.0, 24.0), &Bounded::exact(100.0)], |of| {
                of.iter().sum()
            });
        assert_eq!((found.value, found.interval), (130.0, Bounds::Within([125.0, 135.0])));
    }

    #[test]
    fn both_sides_are_kept_apart_and_may_change_places() {
        // 100 / 10 [5, 20]: 5 to 20, five below and ten above.
        let found = combined(&[&within(10.0, 5.0, 20.0)], |of| 100.0 / of[0]);
        assert_eq!((found.value, found.interval), (10.0, Bounds::Within([5.0, 20.0])));
        assert_eq!(within(10.0, 5.0, 20.0).under(100.0).interval, Bounds::Within([5.0, 20.0]));
        assert_eq!(within(10.0, 0.0, 20.0).under(100.0).interval, Bounds::Unknown);
    }

    #[test]
    fn what_is_not_known_stays_unknown() {
        let unknown = Bounded::within(10.0, None, 3);
        assert_eq!(combined(&[&unknown, &Bounded::exact(1.0)], |of| of[0] + of[1]).interval, Bounds::Unknown);
        assert!(unknown.reach()[0].is_infinite() && unknown.reach()[1].is_infinite());
        assert_eq!(
            unknown.view(AmountUnit::Eur).why.as_deref(),
            Some("too few observations for an interval")
        );
        let exact = combined(&[&Bounded::exact(2.0)], |of| of[0] * 3.0);
        assert_eq!((exact.value, exact.interval), (6.0, Bounds::Exact));
    }
}

//! From readings to energy: counters that wrap, samples under a curve, and how sure the result is (MEASUREMENT §4.4).

/// What is known of a cumulative counter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CounterRule {
    /// It begins at 0 again after this value; `None` where it never does, or nobody knows when.
    pub wraps_at: Option<u64>,
    /// No device counts more in a nanosecond: what does is a jump and no energy.
    pub most_per_ns: f64,
}

/// What a counter counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Counted {
    /// Instant and count since the first reading, at each reading that brought something new.
    pub points: Vec<(u64, f64)>,
    /// Between these instants nothing is known: it fell, jumped, or may have wrapped twice. In order of time.
    pub breaks: Vec<[u64; 2]>,
    /// How often it wrapped.
    pub n_wraps: u64,
    /// Readings left out because their stamp was not after the one before.
    pub n_disordered: u64,
}

/// A quantity over a window, and how much of the window it is of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Integral {
    /// The integral over what is covered, in value · ns for samples and in counts for counters.
    pub value: f64,
    /// Share of the window that is covered, of 0 to 1.
    pub coverage: f64,
}

/// House rule: a reading after more than this many typical gaps says nothing of the fastest rate.
const USUAL_GAPS: u64 = 3;

/// Follows a counter reading by reading: `(instant, count)`.
///
/// A fall is one wrap where it is known when the counter wraps, and a break where it is not. A gap in which it may have
/// wrapped twice is a break: `2 · P_max · gap ≥ range`, `P_max` being the fastest rate of all usual gaps.
pub fn count(readings: &[(u64, u64)], rule: CounterRule) -> Counted {
    let mut counted = Counted::default();
    let ordered = in_order(readings, &mut counted.n_disordered);
    let Some(first) = ordered.first() else { return counted };
    let fastest = fastest(&ordered, rule.most_per_ns);
    counted.points.push((first.0, 0.0));
    let mut total = 0_u64;
    for pair in ordered.windows(2) {
        let ((from, old), (to, new)) = (pair[0], pair[1]);
        let wrapped = new < old;
        let growth = match (wrapped, rule.wraps_at) {
            (false, _) => Some(new - old),
            (true, Some(range)) if old <= range => Some(range - old + new),
            (true, _) => None,
        };
        let gap = (to - from) as f64;
        let may_hide_a_wrap = rule.wraps_at.is_some_and(|range| 2.0 * fastest * gap >= range as f64);
        let believed = |growth: &u64| *growth as f64 / gap <= rule.most_per_ns && !may_hide_a_wrap;
        let Some(growth) = growth.filter(believed) else {
            // What was counted up to here ends here, and goes on there.
            push_new(&mut counted.points, (from, total as f64));
            push_new(&mut counted.points, (to, total as f64));
            counted.breaks.push([from, to]);
            continue;
        };
        counted.n_wraps += u64::from(wrapped);
        total += growth;
        if growth > 0 {
            counted.points.push((to, total as f64));
        }
    }
    counted
}

fn push_new(points: &mut Vec<(u64, f64)>, point: (u64, f64)) {
    if points.last().is_none_or(|last| last.0 < point.0) {
        points.push(point);
    }
}

/// Readings whose stamps rise; the others are counted and left out.
fn in_order<T: Copy>(readings: &[(u64, T)], n_disordered: &mut u64) -> Vec<(u64, T)> {
    let mut ordered: Vec<(u64, T)> = Vec::with_capacity(readings.len());
    for reading in readings {
        if ordered.last().is_none_or(|last| last.0 < reading.0) {
            ordered.push(*reading);
        } else {
            *n_disordered += 1;
        }
    }
    ordered
}

/// The fastest rate of all gaps of usual length.
fn fastest(readings: &[(u64, u64)], most_per_ns: f64) -> f64 {
    let usual = USUAL_GAPS * median_gap(readings).unwrap_or(0);
    let rate = |pair: &[(u64, u64)]| {
        let gap = pair[1].0 - pair[0].0;
        let growth = pair[1].1.checked_sub(pair[0].1)?;
        Some(growth as f64 / gap as f64).filter(|rate| gap <= usual && *rate <= most_per_ns)
    };
    readings.windows(2).filter_map(rate).fold(0.0, f64::max)
}

/// The median time between readings; `None` with fewer than two.
pub fn median_gap<T>(readings: &[(u64, T)]) -> Option<u64> {
    let mut gaps: Vec<u64> = readings.windows(2).map(|pair| pair[1].0.saturating_sub(pair[0].0)).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied()
}

impl Counted {
    /// What was counted from `from` to `to`, between readings in proportion to time. Breaks, and what lies before the
    /// first reading or after the last that brought something new, are not covered. `None` for a window without length.
    pub fn between(&self, from: u64, to: u64) -> Option<Integral> {
        let window = to.checked_sub(from).filter(|ns| *ns > 0)?;
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else {
            return Some(Integral { value: 0.0, coverage: 0.0 });
        };
        let (low, high) = (from.max(first.0), to.min(last.0));
        if low >= high {
            return Some(Integral { value: 0.0, coverage: 0.0 });
        }
        let first_break = self.breaks.partition_point(|edge| edge[1] <= low);
        let within = self.breaks[first_break..].iter().take_while(|edge| edge[0] < high);
        let broken: u64 = within.map(|edge| edge[1].min(high) - edge[0].max(low)).sum();
        let value = self.at(high) - self.at(low);
        Some(Integral { value, coverage: (high - low - broken) as f64 / window as f64 })
    }

    /// The count at an instant within the readings.
    fn at(&self, instant: u64) -> f64 {
        let after = self.points.partition_point(|point| point.0 <= instant);
        match (after.checked_sub(1).map(|place| self.points[place]), self.points.get(after)) {
            (Some(old), Some(new)) => {
                old.1 + (new.1 - old.1) * (instant - old.0) as f64 / (new.0 - old.0) as f64
            }
            (Some(old), None) => old.1,
            (None, _) => 0.0,
        }
    }
}

/// The area under straight lines between samples `(instant, value)` from `from` to `to`, in value · ns, on their own
/// stamps; samples whose stamp is not after the one before are left out. A gap longer than `longest_gap` is not covered.
/// `None` for a window without length.
pub fn trapezoid(samples: &[(u64, f64)], from: u64, to: u64, longest_gap: u64) -> Option<Integral> {
    let window = to.checked_sub(from).filter(|ns| *ns > 0)?;
    let first = samples.partition_point(|sample| sample.0 <= from).saturating_sub(1);
    let (mut area, mut covered) = (0.0, 0_u64);
    let mut old: Option<(u64, f64)> = None;
    for sample in &samples[first..] {
        let Some(last) = old else {
            old = Some(*sample);
            continue;
        };
        if sample.0 <= last.0 {
            continue;
        }
        let (low, high) = (last.0.max(from), sample.0.min(to));
        if low < high && sample.0 - last.0 <= longest_gap {
            let slope = (sample.1 - last.1) / (sample.0 - last.0) as f64;
            let middle = (low - last.0) as f64 + (high - low) as f64 / 2.0;
            area += (last.1 + slope * middle) * (high - low) as f64;
            covered += high - low;
        }
        old = Some(*sample);
        if sample.0 >= to {
            break;
        }
    }
    Some(Integral { value: area, coverage: covered as f64 / window as f64 })
}

/// How far a source can be wrong by itself, as standard uncertainties.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MeterError {
    /// In proportion to the power.
    pub gain_ratio: f64,
    /// Whatever the power is, in W.
    pub offset_w: f64,
    /// The least difference that it can show, in W; 0 where it counts.
    pub step_w: f64,
}

/// How an energy was had.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The energy, in J.
    pub energy_j: f64,
    /// Over so long, in s.
    pub span_s: f64,
    /// Time between two updates of the source, in s.
    pub update_s: f64,
    /// Time between two readings, in s.
    pub sampling_s: f64,
    /// Share of the window that is covered.
    pub coverage: f64,
}

impl MeterError {
    /// Standard uncertainty of an energy, in J (MEASUREMENT §4.4):
    /// `u² = (g·E)² + (o·T)² + (P·τ)²/6 + (LSB²/12)·T·Δt + (loss·E)²` with `P = E/T`.
    pub fn of(&self, of: &Measured) -> f64 {
        let power_w = if of.span_s > 0.0 { of.energy_j / of.span_s } else { 0.0 };
        let terms = [
            self.gain_ratio * of.energy_j,
            self.offset_w * of.span_s,
            power_w * of.update_s / 6.0_f64.sqrt(),
            (self.step_w.powi(2) / 12.0 * of.span_s * of.sampling_s).sqrt(),
            (1.0 - of.coverage) * of.energy_j,
        ];
        terms.iter().map(|term| term.powi(2)).sum::<f64>().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    const MS: u64 = 1_000_000;
    /// 4 kW in µJ per ns.
    const MOST: f64 = 4.0;

    fn rule(wraps_at: Option<u64>) -> CounterRule {
        CounterRule { wraps_at, most_per_ns: MOST }
    }

    /// A reading every 100 ms.
    fn readings(counts: &[u64]) -> Vec<(u64, u64)> {
        (0_u64..).zip(counts).map(|(n, count)| (n * 100 * MS, *count)).collect()
    }

    fn whole(counted: &Counted, n: u64) -> Integral {
        counted.between(0, n * 100 * MS).expect("a window")
    }

    #[test]
    fn one_wrap_is_taken_for_one() {
        // 900 → 100 of 1,000,000: 100 + (1,000,000 − 999,900) … by hand: 999,000 → 999,900 is 900, → 100 is 200,
        // → 1,000 is 900: 2,000 together.
        let counted = count(&readings(&[999_000, 999_900, 100, 1_000]), rule(Some(1_000_000)));
        assert_eq!((counted.n_wraps, counted.breaks.len()), (1, 0));
        let whole = whole(&counted, 3);
        assert!((whole.value - 2_000.0).abs() < 1e-9 && (whole.coverage - 1.0).abs() < 1e-12, "{whole:?}");
    }

    #[test]
    fn a_gap_that_may_hide_two_wraps_is_lost() {
        // 1,000 in 100 ms is the fastest; a range of 10,000 may be gone through in 1 s at twice that: 500 ms is the limit.
        let mut of = readings(&[0, 1_000, 2_000]);
        of.extend([(200 * MS + 499 * MS, 6_990), (200 * MS + 499 * MS + 500 * MS, 1_990)]);
        let counted = count(&of, rule(Some(10_000)));
        assert_eq!(counted.breaks, [[699 * MS, 1_199 * MS]]);
        let found = counted.between(0, 1_199 * MS).expect("a window");
        assert!((found.value - 6_990.0).abs() < 1e-9, "{found:?}");
        assert!((found.coverage - 699.0 / 1_199.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn a_fall_without_a_known_range_is_no_wrap() {
        let counted = count(&readings(&[5_000, 6_000, 10, 1_010]), rule(None));
        assert_eq!((counted.n_wraps, &counted.breaks[..]), (0, &[[100 * MS, 200 * MS]][..]));
        let whole = whole(&counted, 3);
        assert!(
            (whole.value - 2_000.0).abs() < 1e-9 && (whole.coverage - 2.0 / 3.0).abs() < 1e-12,
            "{whole:?}"
        );
    }

    #[test]
    fn a_jump_is_no_energy() {
        // 1e12 µJ in 100 ms are 10 MW.
        let counted = count(&readings(&[0, 1_000, 1_000_000_000_000, 1_000_000_001_000]), rule(None));
        assert_eq!(counted.breaks, [[100 * MS, 200 * MS]]);
        assert!((whole(&counted, 3).value - 2_000.0).abs() < 1e-3);
        // Half of 150 to 250 ms lies in the break.
        let part = counted.between(150 * MS, 250 * MS).expect("a window");
        assert!((part.value - 500.0).abs() < 1e-9 && (part.coverage - 0.5).abs() < 1e-12, "{part:?}");
        // Taken for a wrap, a restart of the counter would be one, too: 262 kJ in 100 ms.
        let counted = count(&readings(&[5_000_000, 5_001_000, 10]), rule(Some(262_143_328_850)));
        assert_eq!((counted.n_wraps, counted.breaks.len()), (0, 1));
    }

    #[test]
    fn a_counter_that_stands_still_at_the_end_covers_nothing_there() {
        // New values at 0, 100 and 400 ms; what follows brings nothing.
        let counted = count(&readings(&[0, 1_000, 1_000, 1_000, 4_000, 4_000, 4_000]), rule(None));
        assert_eq!(counted.points.len(), 3);
        assert!((whole(&counted, 4).value - 4_000.0).abs() < 1e-9, "a late update is no loss");
        assert!((whole(&counted, 6).coverage - 4.0 / 6.0).abs() < 1e-12);
        // Between updates by time: 250 ms lie half-way between 1,000 and 4,000.
        let half = counted.between(0, 250 * MS).expect("a window");
        assert!((half.value - 2_500.0).abs() < 1e-9, "{half:?}");
    }

    #[test]
    fn stamps_that_go_back_are_left_out() {
        let of = [(0, 0), (100 * MS, 1_000), (50 * MS, 1_500), (100 * MS, 1_600), (200 * MS, 2_000)];
        let counted = count(&of, rule(None));
        assert_eq!(counted.n_disordered, 2);
        assert!((whole(&counted, 2).value - 2_000.0).abs() < 1e-9);
        assert_eq!(count(&[], rule(None)).between(0, 5), Some(Integral { value: 0.0, coverage: 0.0 }));
        assert_eq!(count(&of, rule(None)).between(5, 5), None);
    }

    #[test]
    fn the_area_under_three_samples_by_hand() {
        // 10 → 20 in 2 ns is 30, 20 → 0 in 1 ns is 10. From 1 to 2.5 → in whole ns 1 to 3: at 1 the line is at 15,
        // so 17.5 + 10.
        let samples = [(0, 10.0), (2, 20.0), (3, 0.0)];
        let area = |from, to| trapezoid(&samples, from, to, 10).expect("a window");
        assert_eq!(area(0, 3), Integral { value: 40.0, coverage: 1.0 });
        assert_eq!(area(1, 3), Integral { value: 27.5, coverage: 1.0 });
        assert_eq!(area(0, 6), Integral { value: 40.0, coverage: 0.5 });
        assert_eq!(trapezoid(&samples, 3, 3, 10), None);
    }

    #[test]
    fn a_long_gap_is_not_covered_and_stamps_that_go_back_are_left_out() {
        let samples = [(0, 10.0), (10, 10.0), (5, 99.0), (60, 10.0), (70, 10.0)];
        let found = trapezoid(&samples, 0, 70, 30).expect("a window");
        assert!(
            (found.value - 200.0).abs() < 1e-9 && (found.coverage - 20.0 / 70.0).abs() < 1e-12,
            "{found:?}"
        );
    }

    #[test]
    fn uncertainty_by_hand() {
        // E = 100 J in 10 s, 10 W. Gain 1 %: 1 J; offset 0.2 W: 2 J; τ = 0.6 s: 10 · 0.6 / √6 = 2.449 J, squared 6;
        // step 1.2 W, Δt 0.1 s: 1.44 / 12 · 10 · 0.1 = 0.12; coverage 0.99: 1 J. 1 + 4 + 6 + 0.12 + 1 = 12.12.
        let meter = MeterError { gain_ratio: 0.01, offset_w: 0.2, step_w: 1.2 };
        let of = Measured { energy_j: 100.0, span_s: 10.0, update_s: 0.6, sampling_s: 0.1, coverage: 0.99 };
        assert!((meter.of(&of) - 12.12_f64.sqrt()).abs() < 1e-9, "{}", meter.of(&of));
        // MEASUREMENT §4.4: τ = 100 ms over 10 s is 0.4 %.
        let edges = Measured { update_s: 0.1, coverage: 1.0, ..of };
        assert!((MeterError::default().of(&edges) / 100.0 - 0.004).abs() < 1e-4);
    }

    proptest! {
        /// However often it wraps, a counter that is read in time counts what a counter without end does.
        #[test]
        fn wraps_change_nothing(steps in proptest::collection::vec(1_u64..1_000, 2..200), start in 0_u64..9_999) {
            let mut true_count = start;
            let mut seen = vec![start];
            for step in &steps {
                true_count += step;
                seen.push(true_count % 10_000);
            }
            // 1,000 at most in 100 ms, so that the range of 10,000 lasts for five readings at least at twice that.
            let counted = count(&readings(&seen), rule(Some(10_000)));
            prop_assert!(counted.breaks.is_empty());
            let found = whole(&counted, steps.len() as u64);
            prop_assert!((found.value - (true_count - start) as f64).abs() < 1e-6, "{}", found.value);
        }

        /// Two parts of a window have together what the whole has.
        #[test]
        fn areas_add_up(values in proptest::collection::vec(0.0_f64..20.0, 3..50), at in 0.1_f64..0.9) {
            let samples: Vec<(u64, f64)> = (0_u64..).map(|n| n * 1_000).zip(values).collect();
            let end = (samples.len() as u64 - 1) * 1_000;
            let middle = (end as f64 * at) as u64;
            let area = |from, to| trapezoid(&samples, from, to, 5_000).map_or(0.0, |of| of.value);
            prop_assert!((area(0, middle) + area(middle, end) - area(0, end)).abs() < 1e-6);
        }
    }
}

//! How a device's clock stood to the controller's (MEASUREMENT §2.2).

use std::collections::BTreeMap;

use dyno_model::clock::ClockSample;
use dyno_model::ids::DeviceId;
use dyno_stats::{least_squares, slope_error};
use dyno_view::report::{ClockView, DriftView};

use crate::contacts::Contacts;
use crate::record::Record;

/// House rules: a drift takes so many comparisons over so long a time.
const MIN_COMPARISONS: usize = 3;
const MIN_SPAN_NS: u64 = 10_000_000_000;

/// What the comparisons of all contacts give; `None` without any.
pub(crate) fn clock_view(contacts: &Contacts<'_>) -> Option<ClockView> {
    let best = contacts.best_clock()?;
    let drifts = contacts.all.iter().filter_map(|contact| drift(&contact.clock));
    Some(ClockView {
        wall_offset_ns: best.wall_offset_ns,
        err_ns: best.err_ns,
        n_comparisons: contacts.all.iter().map(|contact| contact.clock.len() as u64).sum(),
        // Of several contacts, the one over the longest time tells most.
        drift: drifts.max_by_key(|drift| drift.span_ns),
    })
}

/// By how much the wall clock of each device was ahead of the controller's, of those that were compared with it.
pub(crate) fn wall_ahead_ns<'r>(record: &'r Record<'_>) -> BTreeMap<&'r DeviceId, i64> {
    let ahead = |device| Some((device, Contacts::of(record, device).best_clock()?.wall_offset_ns));
    record.plan.devices.keys().filter_map(ahead).collect()
}

/// A line through the offsets of one contact; offsets of two contacts may be those of two boots.
fn drift(samples: &[ClockSample]) -> Option<DriftView> {
    let (first, last) = (samples.first()?, samples.last()?);
    let span_ns = last.at.since(first.at);
    if samples.len() < MIN_COMPARISONS || span_ns < MIN_SPAN_NS {
        return None;
    }
    // From the first comparison on: offsets of arbitrary origins would lose their last digits as floats.
    let since = |sample: &ClockSample| sample.at.since(first.at) as f64;
    let moved = |sample: &ClockSample| (i128::from(sample.offset_ns) - i128::from(first.offset_ns)) as f64;
    let offsets: Vec<(f64, f64)> = samples.iter().map(|sample| (since(sample), moved(sample))).collect();
    let errors: Vec<(f64, f64)> =
        samples.iter().map(|sample| (since(sample), sample.err_ns as f64)).collect();
    Some(DriftView {
        ppm: least_squares(&offsets)?.slope * 1e6,
        err_ppm: slope_error(&errors)? * 1e6,
        n: samples.len() as u64,
        span_ns,
    })
}

#[cfg(test)]
mod tests {
    use dyno_model::clock::MonoNs;

    use super::*;

    fn sample(at_s: u64, offset_ns: i64, err_ns: u64) -> ClockSample {
        ClockSample { at: MonoNs(at_s * 1_000_000_000), offset_ns, err_ns, wall_offset_ns: 7, n_probes: 8 }
    }

    #[test]
    fn a_clock_that_gains_20_us_a_second_drifts_20_ppm() {
        // An origin far away, so that the difference is the small one of two large numbers.
        let origin = -9_000_000_000_000_000_000;
        let samples: Vec<ClockSample> =
            (0..4).map(|i| sample(100 + 10 * i, origin + 200_000 * i.cast_signed(), 1000)).collect();
        let drift = drift(&samples).expect("four comparisons over 30 s");
        assert!((drift.ppm - 20.0).abs() < 1e-9, "{drift:?}");
        // By hand: distances from the middle 15, 5, 5, 15 s; their sum 40 over the sum of squares 500, times 1 µs.
        assert!((drift.err_ppm - 0.08).abs() < 1e-9, "{drift:?}");
        assert_eq!((drift.n, drift.span_ns), (4, 30_000_000_000));
    }

    #[test]
    fn a_drift_takes_three_comparisons_and_ten_seconds() {
        assert_eq!(drift(&[]), None);
        assert_eq!(drift(&[sample(0, 0, 1), sample(100, 9, 1)]), None);
        assert_eq!(drift(&[sample(0, 0, 1), sample(5, 1, 1), sample(9, 9, 1)]), None);
        assert!(drift(&[sample(0, 0, 1), sample(5, 1, 1), sample(10, 9, 1)]).is_some());
    }
}

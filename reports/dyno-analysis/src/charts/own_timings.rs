//! Our figures beside the runtime's own: how far the two ends of the same answer are apart.

use dyno_view::chart::{AxisUnit, Chart, ChartForm, Series};

use super::{axis, chart};
use crate::cell::CellRecord;

/// Bars of a histogram, over the middle of the differences.
const N_BINS: usize = 40;
/// Of each hundred differences, so many at either end are not drawn: one outlier would flatten all bars.
const TRIMMED_PERCENT: usize = 1;

/// TTFT less the runtime's prefill time, and the answer after its first token less the runtime's decode time.
pub(super) fn differences(cell: &CellRecord<'_>) -> Chart {
    let record = cell.record;
    let (mut prefill, mut decode) = (Vec::new(), Vec::new());
    // Of the embedded engine they are the same clock read twice.
    let is_server = record.plan.runtimes.get(&cell.cell.runtime).is_some_and(|of| of.dialect.is_http());
    let rows = if is_server { cell.ok_rows() } else { Vec::new() };
    for row in rows {
        let (derived, requests) = (&record.derived[row], &record.requests);
        prefill.extend(less(derived.ttft_ns, requests.prefill_ns[row]));
        let after_first = derived.e2e_ns.zip(derived.ttft_ns).map(|(e2e, ttft)| e2e.saturating_sub(ttft));
        decode.extend(less(after_first, requests.decode_ns[row]));
    }
    let series = vec![
        histogram("TTFT less the runtime's prefill time", prefill),
        histogram("after the first token, less its decode time", decode),
    ];
    let axes = (axis("ours less the runtime's", AxisUnit::Ns), axis("share of requests", AxisUnit::Ratio));
    let caption = "Each step is the share of the requests whose difference lies there, without the lowest and the \
                   highest hundredth. What the runtime's clock does not see, ours does: the way to it and back, its \
                   queue, and what it does before and after the model.";
    chart("own-timings", "Our timings against the runtime's own", caption, ChartForm::Step, axes, series)
}

fn less(ours: Option<u64>, theirs: Option<u64>) -> Option<i64> {
    i64::try_from(ours?).ok()?.checked_sub(i64::try_from(theirs?).ok()?)
}

/// Edges of equal bins with the share of each, as the corners of a step function.
fn histogram(name: &str, mut differences: Vec<i64>) -> Series {
    differences.sort_unstable();
    let n = differences.len();
    let cut = n * TRIMMED_PERCENT / 100;
    let middle = &differences[cut..n - cut];
    let points = match (middle.first(), middle.last()) {
        (Some(&low), Some(&high)) if low < high => bars(middle, low as f64, high as f64, n),
        _ => Vec::new(),
    };
    Series { name: name.to_owned(), points, n: n as u64 }
}

fn bars(values: &[i64], low: f64, high: f64, n: usize) -> Vec<[f64; 2]> {
    let width = (high - low) / N_BINS as f64;
    let mut counts = [0_u64; N_BINS];
    for value in values {
        let bin = ((*value as f64 - low) / width) as usize;
        counts[bin.min(N_BINS - 1)] += 1;
    }
    let edge = |bin: usize| low + width * bin as f64;
    let mut points = vec![[low, 0.0]];
    points.extend(counts.iter().enumerate().map(|(bin, count)| [edge(bin), *count as f64 / n as f64]));
    points.push([high, 0.0]);
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_a_histogram_add_up() {
        // By hand: 0 to 99 without the lowest and the highest is 98 values over 40 bins from 1 to 98.
        let series = histogram("a", (0..100).rev().collect());
        assert_eq!(series.n, 100);
        assert_eq!((series.points[0], series.points[41]), ([1.0, 0.0], [98.0, 0.0]));
        let total: f64 = series.points.iter().map(|point| point[1]).sum();
        assert!((total - 0.98).abs() < 1e-9, "{total}");
        // The first bin holds 1, 2 and 3: its width is 97 / 40 = 2.425.
        assert!((series.points[1][1] - 0.03).abs() < 1e-9);
    }

    #[test]
    fn equal_differences_have_no_histogram() {
        assert!(histogram("a", vec![5; 10]).points.is_empty());
        assert!(histogram("a", Vec::new()).points.is_empty());
    }
}

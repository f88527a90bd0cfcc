//! A device against itself: how far its launches scatter, and how often blocks of equal launches are told apart
//! (MEASUREMENT §3.5, rule 9).

mod identity;

use dyno_model::digest::Digest;
use dyno_model::metric::Metric;
use dyno_stats::{benjamini_hochberg, lag1_autocorrelation, minimum_detectable};
use dyno_store::Campaign;
use dyno_view::calibration::{
    AlarmCount, CALIBRATION_SCHEMA_VERSION, CalibratedMetric, CalibrationView, FalseAlarms,
};
use dyno_view::load::ShareIntervalView;

use crate::cell::CellRecord;
use crate::compare::{
    ALPHA, Asked, Block, CompareError, POWER, block_value, cells_of, delta_of, metrics_of, middle,
    p_of_blocks, paired, run_value, settings_of, standard_deviation,
};
use crate::error::AnalysisError;
use crate::facts::threads_words;
use crate::load::share;
use crate::metrics::unit_view;
use crate::present::{started_at, tool_version};
use crate::record::Record;

pub(crate) use identity::identity;

/// Blocks that a calibration takes, and those of the tests that are made of them (MEASUREMENT §3.5, rules 1 and 9).
const MIN_BLOCKS: u64 = 20;
const BLOCKS_EACH: usize = 10;

/// The calibrations that a campaign of two equal arms gives, one for each device, in the order of the plan.
///
/// # Errors
/// The record cannot be read, or the plan does not hold two equal arms against each other.
pub fn calibrations(campaign: &Campaign) -> Result<Vec<CalibrationView>, AnalysisError> {
    let record = Record::read(campaign)?;
    let cells = cells_of(&record);
    let mut all: Vec<CalibrationView> = Vec::new();
    for pair in equal_pairs(&record, &cells)? {
        if all.iter().all(|of| of.device != pair[0].cell.device.0) {
            all.push(view(&record, pair));
        }
    }
    Ok(all)
}

/// SHA-256 of a calibration's canonical JSON: fields in their order, no spaces, one trailing newline.
pub fn calibration_digest(calibration: &CalibrationView) -> String {
    let mut json = serde_json::to_vec(calibration).expect("a calibration has only string keys");
    json.push(b'\n');
    Digest::of(&json).as_str().to_owned()
}

/// Cells of the first two arms that are the same but for the arm.
fn equal_pairs<'r, 'a>(
    record: &Record<'_>,
    cells: &'r [CellRecord<'a>],
) -> Result<Vec<[&'r CellRecord<'a>; 2]>, CompareError> {
    let error =
        |why: &str| CompareError::NoCalibration { campaign: record.id.0.clone(), why: why.to_owned() };
    let planned = record.plan.comparison.as_ref();
    let arms = planned.map(|planned| planned.arms.as_slice()).unwrap_or_default();
    let [one, two, ..] = arms else { return Err(error("its plan has no two arms")) };
    let of = |name: &str| {
        let name = name.to_owned();
        cells.iter().filter(move |cell| cell.cell.arm.as_ref() == Some(&name))
    };
    let is_same = |a: &CellRecord<'_>, b: &CellRecord<'_>| {
        let key = |of: &CellRecord<'_>| {
            let of = of.cell;
            (of.device.clone(), of.model.clone(), of.threads, of.context_tokens, of.start, of.hold)
        };
        let same_runtime = a.cell.runtime == b.cell.runtime || settings_of(a) == settings_of(b);
        key(a) == key(b) && a.cell.load == b.cell.load && same_runtime
    };
    let pairs: Vec<[&CellRecord<'a>; 2]> =
        of(&one.name).filter_map(|a| Some([a, of(&two.name).find(|b| is_same(a, b))?])).collect();
    if pairs.is_empty() { Err(error("its arms are not the same")) } else { Ok(pairs) }
}

fn view(record: &Record<'_>, pair: [&CellRecord<'_>; 2]) -> CalibrationView {
    let cell = pair[0].cell;
    let blocks = paired(pair[0], pair[1], ["the first arm", "the second arm"]);
    let n_blocks = blocks.iter().filter(|block| block.left_out.is_none()).count() as u64;
    let metrics = metrics_of(cell, &Asked::Usual);
    let each: Vec<(&Metric, Vec<f64>)> =
        metrics.into_iter().map(|metric| (metric, ln_ratios(pair, &blocks, metric))).collect();
    let each: Vec<(&Metric, Vec<f64>)> = each.into_iter().filter(|(_, values)| values.len() > 1).collect();
    let p_all: Vec<f64> = each.iter().map(|(_, values)| p_of_blocks(values).unwrap_or(1.0)).collect();
    let q_all = benjamini_hochberg(&p_all);
    let metrics: Vec<CalibratedMetric> = each
        .iter()
        .zip(&q_all)
        .filter_map(|((metric, values), q)| calibrated(pair, &blocks, metric, values, *q))
        .collect();
    let false_alarms = false_alarms(&each);
    let reasons = reasons(n_blocks, &metrics, false_alarms.as_ref());
    CalibrationView {
        schema_version: CALIBRATION_SCHEMA_VERSION,
        device: cell.device.0.clone(),
        campaign: record.id.0.clone(),
        plan_digest: record.plan_digest.clone(),
        measured_at: started_at(record),
        tool_version: tool_version(record),
        identity: identity(record, &cell.device),
        work: work(pair[0]),
        n_blocks,
        n_blocks_planned: blocks.len() as u64,
        metrics,
        false_alarms,
        is_usable: reasons.is_empty(),
        reasons,
        regenerate: format!("edgedyno calibrate --from {}", record.id),
    }
}

/// `gemma-3-270m-it · embedded · 2 threads · single user`.
fn work(cell: &CellRecord<'_>) -> String {
    let of = cell.cell;
    let threads = of.threads.map(|n| threads_words(Some(n)));
    let parts = [Some(of.model.clone()), Some(of.runtime.clone()), threads, Some(of.load.label())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn ln_ratios(pair: [&CellRecord<'_>; 2], blocks: &[Block<'_, '_>], metric: &Metric) -> Vec<f64> {
    let counting = blocks.iter().filter(|block| block.left_out.is_none());
    counting.filter_map(|block| Some(block_value((pair[0], pair[1]), block, metric)?.ln_ratio)).collect()
}

fn calibrated(
    pair: [&CellRecord<'_>; 2],
    blocks: &[Block<'_, '_>],
    metric: &Metric,
    values: &[f64],
    q: f64,
) -> Option<CalibratedMetric> {
    let counting = || blocks.iter().filter(|block| block.left_out.is_none());
    let of_one = counting().filter_map(|block| run_value(pair[0], metric.id, &block.baseline));
    let of_two = counting().filter_map(|block| run_value(pair[1], metric.id, &block.candidate));
    let sd = standard_deviation(values)?;
    Some(CalibratedMetric {
        metric: metric.id.to_owned(),
        label: metric.label.to_owned(),
        unit: unit_view(metric.unit),
        delta: delta_of(metric),
        n_blocks: values.len() as u64,
        median: twelve_digits(middle(of_one.chain(of_two).collect())?),
        sigma_run_ln: twelve_digits(sd / std::f64::consts::SQRT_2),
        r1: lag1_autocorrelation(values).map(twelve_digits),
        mde_10: twelve_digits(minimum_detectable(sd, BLOCKS_EACH as u32, ALPHA, POWER).exp_m1()),
        alarms: alarms(values),
        q_all: Some(twelve_digits(q)),
    })
}

/// So many digits are the same after a file was read: its digest must not change by a last bit.
fn twelve_digits(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

/// Tests of ten blocks, taken from the circle of all at every start and every step that meets ten different ones.
fn alarms(values: &[f64]) -> Option<AlarmCount> {
    let n = values.len();
    if n < 2 * BLOCKS_EACH {
        return None;
    }
    let steps = (1..=n / 2).filter(|step| n / gcd(n, *step) >= BLOCKS_EACH);
    let mut count = AlarmCount { n_tests: 0, n_alarms: 0 };
    for step in steps {
        for start in 0..n {
            let taken: Vec<f64> = (0..BLOCKS_EACH).map(|i| values[(start + i * step) % n]).collect();
            count.n_tests += 1;
            count.n_alarms += u64::from(is_alarm(&taken));
        }
    }
    Some(count)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn is_alarm(ln_ratios: &[f64]) -> bool {
    p_of_blocks(ln_ratios).is_some_and(|p| p <= ALPHA)
}

/// Tests of all metrics that share no block.
fn false_alarms(each: &[(&Metric, Vec<f64>)]) -> Option<FalseAlarms> {
    let (mut n_tests, mut n_alarms) = (0, 0);
    for (_, values) in each.iter().filter(|(_, values)| values.len() >= 2 * BLOCKS_EACH) {
        for part in values.chunks_exact(BLOCKS_EACH) {
            n_tests += 1;
            n_alarms += u64::from(is_alarm(part));
        }
    }
    let share = share(n_alarms, n_tests)?;
    let share = ShareIntervalView { low: twelve_digits(share.low), high: twelve_digits(share.high), ..share };
    let is_within = share.low <= 2.0 * ALPHA;
    Some(FalseAlarms { alpha: ALPHA, n_blocks_each: BLOCKS_EACH as u64, share, is_within })
}

/// Why it is not to be used.
fn reasons(n_blocks: u64, metrics: &[CalibratedMetric], alarms: Option<&FalseAlarms>) -> Vec<String> {
    let mut reasons = Vec::new();
    if n_blocks < MIN_BLOCKS {
        reasons.push(format!("{n_blocks} blocks count, it takes {MIN_BLOCKS}"));
    }
    if metrics.is_empty() {
        reasons.push("no metric has a value in two blocks".to_owned());
    }
    let unequal = metrics.iter().filter(|of| of.q_all.is_some_and(|q| q <= ALPHA));
    let unequal: Vec<&str> = unequal.map(|of| of.label.as_str()).collect();
    if !unequal.is_empty() {
        let words = crate::comparison::listed(&unequal);
        reasons.push(format!("equal arms differ in {words}: something favours one place in a block"));
    }
    if let Some(alarms) = alarms.filter(|alarms| !alarms.is_within) {
        let (n, of) = (alarms.share.n, alarms.share.of);
        reasons.push(format!(
            "{n} of {of} tests of equal launches found a difference, more than twice the {} % that are allowed",
            alarms.alpha * 100.0
        ));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_circle_of_blocks_meets_ten_different_ones() {
        // 20 blocks: steps 1, 2, 3, 6, 7 and 9 meet ten different ones before they come round; 4, 5, 8 and 10 do not.
        let values: Vec<f64> = (0..20).map(|i| if i % 2 == 0 { 0.01 } else { -0.01 }).collect();
        let count = alarms(&values).expect("20 blocks");
        assert_eq!(count.n_tests, 6 * 20);
        // Even steps take blocks of one sign only: two such steps, and all 20 starts of each alarm.
        assert_eq!(count.n_alarms, 40);
        assert_eq!(alarms(&values[..19]), None);
    }

    #[test]
    fn alarms_are_counted_apart_by_hand() {
        let metric = dyno_model::metric::metric("tpot_ns").expect("a metric of the catalogue");
        let quiet: Vec<f64> = (0..20).map(|i| if i % 2 == 0 { 0.01 } else { -0.01 }).collect();
        let loud = vec![0.01; 20];
        let found = false_alarms(&[(metric, quiet), (metric, loud)]).expect("four tests");
        // Two of four. R's binom.test(2, 4): 0.0676 to 0.9324, so 10 % is not excluded.
        assert_eq!((found.share.n, found.share.of, found.is_within), (2, 4, true));
        assert!((found.share.low - 0.067_585).abs() < 1e-5, "{found:?}");
        assert_eq!(false_alarms(&[(metric, vec![0.0; 19])]), None);
    }
}

//! A device against itself.

use dyno_model::plan::Plan;
use dyno_store::Campaign;
use dyno_view::calibration::CalibrationView;
use dyno_view::compare::CompareView;
use tempfile::tempdir;

use super::arms::{arms_plan, blocks, written_at};
use crate::{AnalysisError, CompareAsk, CompareError, Part, Side, calibration_digest, calibrations, compare};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Two arms that are the same.
fn equal_plan(n_blocks: u32) -> Plan {
    let mut plan = arms_plan(n_blocks);
    plan.cells[1].threads = plan.cells[0].threads;
    plan
}

/// Ratios around 1 that favour neither: each is met by its inverse.
fn noise(block: u32) -> [u64; 2] {
    const PAIRS: [[u64; 2]; 10] = [
        [1000, 1010],
        [1010, 1000],
        [1004, 1000],
        [1000, 1004],
        [1007, 1000],
        [1000, 1007],
        [1000, 1001],
        [1001, 1000],
        [1013, 1000],
        [1000, 1013],
    ];
    PAIRS[block as usize % 10]
}

fn calibrated(campaign: &Campaign) -> CalibrationView {
    let mut all = calibrations(campaign).expect("two equal arms");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn a_quiet_device_is_usable_and_says_how_far_it_scatters() {
    let dir = tempdir().expect("a folder");
    let campaign = written_at(dir.path(), "aa", &equal_plan(20), &blocks(20, noise), 0);
    let view = calibrated(&campaign);
    assert_eq!((view.n_blocks, view.n_blocks_planned), (20, 20));
    assert_eq!((view.is_usable, view.reasons.as_slice()), (true, [].as_slice()));
    let tpot = view.metrics.iter().find(|metric| metric.metric == "tpot_ns").expect("it has tokens");
    // sd(d) = √(2 Σ (2 · (ln 1.010² + ln 1.004² + ln 1.007² + ln 1.001² + ln 1.013²)) / 19), over √2: awk gives
    // 4·(9.9007e-5 + 1.5936e-5 + 4.8660e-5 + 9.99e-7 + 1.66827e-4) = 1.325716e-3, / 19 = 6.97745e-5, √ = 8.35312e-3,
    // / √2 = 5.90655e-3. Whole ns of times of 6000 round that in the fourth digit.
    assert!((tpot.sigma_run_ln - 5.906_55e-3).abs() < 5e-5, "{tpot:?}");
    // Ten blocks find 1 sd in four of five (MEASUREMENT §3.5, rule 4).
    assert!((tpot.mde_10 - 8.353e-3).abs() < 8e-4, "{tpot:?}");
    assert_eq!(tpot.alarms.map(|of| of.n_tests), Some(120));
    assert!(tpot.q_all.is_some_and(|q| q > 0.5), "{tpot:?}");
    let alarms = view.false_alarms.expect("20 blocks");
    assert_eq!((alarms.share.n, alarms.is_within), (0, true));
    assert_eq!(calibration_digest(&view).len(), 64);
    assert_eq!(calibration_digest(&view), calibration_digest(&view.clone()));
    let json = serde_json::to_string(&view).expect("views have only string keys");
    assert_eq!(serde_json::from_str::<CalibrationView>(&json).expect("our own words"), view);
}

#[test]
fn few_blocks_or_an_arm_that_is_favoured_are_of_no_use() {
    let check = |n: u32, times: fn(u32) -> [u64; 2], part: &str| {
        let dir = tempdir().expect("a folder");
        let campaign = written_at(dir.path(), "aa", &equal_plan(n), &blocks(n, times), 0);
        let view = calibrated(&campaign);
        assert!(!view.is_usable);
        assert!(view.reasons.iter().any(|reason| reason.contains(part)), "{:?}", view.reasons);
    };
    check(19, noise, "19 blocks count, it takes 20");
    // The second arm is always 0.5 % slower: less than what matters, but no chance.
    check(20, |block| [1000, 1005 + u64::from(block % 3)], "equal arms differ in TTFT");
    check(20, |block| [1000, 1005 + u64::from(block % 3)], "tests of equal launches found a difference");
}

#[test]
fn arms_that_differ_are_no_calibration() {
    let dir = tempdir().expect("a folder");
    let campaign = written_at(dir.path(), "ab", &arms_plan(20), &[], 0);
    let error = calibrations(&campaign).expect_err("other threads");
    let expected = CompareError::NoCalibration {
        campaign: "ab".to_owned(),
        why: "its arms are not the same".to_owned(),
    };
    assert!(matches!(error, AnalysisError::Compare(found) if found == expected));
}

#[test]
fn a_calibration_holds_for_its_device_and_for_a_month() {
    let dir = tempdir().expect("a folder");
    let campaign = written_at(dir.path(), "aa", &equal_plan(20), &blocks(20, noise), 0);
    let good = calibrated(&campaign);
    let later = |name: &str, days: u64| {
        written_at(dir.path(), name, &arms_plan(6), &blocks(6, |_| [1000, 1000]), days * DAY)
    };
    let used = |campaign: &Campaign, calibration: &CalibrationView| -> CompareView {
        let ask = CompareAsk { calibrations: vec![calibration.clone()], ..CompareAsk::default() };
        let side = Side { name: "x".to_owned(), campaign, part: Part::All };
        compare(&[side], &ask).expect("a good record")
    };
    let view = used(&later("soon", 30), &good);
    let of = &view.calibrations[0];
    assert_eq!((of.fits, of.why_not.len()), (true, 0), "{of:?}");
    assert_eq!(of.digest, calibration_digest(&good));
    assert!(of.metrics.iter().any(|metric| metric.metric == "tpot_ns" && metric.sigma_run_ln > 0.0));
    let view = used(&later("late", 31), &good);
    assert_eq!(view.calibrations[0].why_not, ["it was made 31 days from this campaign, and holds for 30"]);
    assert!(view.findings.iter().any(|finding| finding.text.contains("does not hold here")));
    let mut other = good.clone();
    for fact in other.identity.iter_mut().filter(|fact| fact.label == "RAM") {
        fact.value = Some(dyno_view::report::FactValue::Bytes(7));
    }
    let view = used(&later("other", 1), &other);
    assert_eq!(view.calibrations[0].why_not, ["the device is not as it was calibrated: RAM changed"]);
    // Of another device it is not spoken of, and the device has none.
    let mut other = good;
    other.device = "pi5".to_owned();
    let view = used(&later("none", 1), &other);
    assert!(view.calibrations.is_empty());
    assert!(view.findings.iter().any(|finding| finding.text.contains("`edgedyno calibrate local`")));
}

//! Releases one after the other.

use std::fs;
use std::path::Path;

use dyno_store::Campaign;
use dyno_view::compare::ChangeVerdictView;
use dyno_view::history::{HistorySeries, HistoryView, UnreadCampaign};
use tempfile::tempdir;

use super::arms::{good, written_at};
use super::sample::plan;
use crate::{HistoryAsk, HistoryOrder, history};

/// One campaign a day, of three launches each, with times in thousandths.
fn campaigns(root: &Path, times: &[u64]) -> Vec<Campaign> {
    let one = |(day, time): (u64, &u64)| {
        let launches: Vec<_> = (0..3_u64).map(|run| good(run as u32, time + run)).collect();
        written_at(root, &format!("r-{day}"), &plan(3), &launches, day * 86_400)
    };
    (0..).zip(times).map(one).collect()
}

fn series<'v>(view: &'v HistoryView, metric: &str) -> &'v HistorySeries {
    view.series.iter().find(|series| series.metric == metric).expect("it was measured")
}

/// Six releases around 1.0, then six around 1.1.
const STEP: [u64; 12] = [1000, 1003, 998, 1001, 999, 1002, 1100, 1104, 1097, 1102, 1099, 1101];

#[test]
fn the_release_that_changed_a_level_is_found() {
    let dir = tempdir().expect("a folder");
    let mut all = campaigns(dir.path(), &STEP);
    // The order is that of time, whatever the order of the words.
    all.reverse();
    let view = history(&all, Vec::new(), &HistoryAsk::default()).expect("good words");
    let ids: Vec<&str> = view.campaigns.iter().map(|of| of.id.as_str()).take(3).collect();
    assert_eq!(ids, ["r-0", "r-1", "r-2"]);
    let ttft = series(&view, "ttft_ns");
    assert_eq!((ttft.points.len(), ttft.changes.len(), ttft.unsearched.as_ref()), (12, 1, None));
    let change = &ttft.changes[0];
    assert_eq!((change.at, change.verdict), (6, ChangeVerdictView::Regression));
    // Means of the twelve, times 20 µs, with a launch's own 0.1 % in the middle: 1001.5 and 1101.5 thousandths.
    assert!((change.ratio - 1101.5 / 1001.5).abs() < 1e-3, "{change:?}");
    assert!((change.before - 20_030.0).abs() < 1.0, "{change:?}");
    assert!(change.p < 0.001);
    assert!(view.is_worse_now());
    let chart = ttft.chart.as_ref().expect("twelve points");
    assert_eq!((chart.marks.len(), chart.marks[0].x), (1, 7.0));
    assert_eq!(ttft.points[0].n_launches, 3);
    assert_eq!(ttft.points[0].release.as_deref(), Some("1"));
    assert!(series(&view, "e2e_ns").is_primary);
}

#[test]
fn noise_and_small_steps_are_no_change() {
    let dir = tempdir().expect("a folder");
    let level = [1000, 1003, 998, 1001, 999, 1002, 1004, 997, 1000, 1001];
    let all = campaigns(dir.path(), &level);
    let view = history(&all, Vec::new(), &HistoryAsk::default()).expect("good words");
    assert!(view.series.iter().all(|series| series.changes.is_empty()), "{:?}", view.series);
    assert!(!view.is_worse_now());
    // A step of 2 % is less than the 3 % that matter, and more than 1 %.
    let dir = tempdir().expect("a folder");
    let step = [1000, 1003, 998, 1001, 999, 1002, 1021, 1024, 1018, 1022, 1020, 1019];
    let all = campaigns(dir.path(), &step);
    let found = |delta: Option<f64>| {
        let ask = HistoryAsk { metrics: vec!["ttft".to_owned()], delta, ..HistoryAsk::default() };
        let view = history(&all, Vec::new(), &ask).expect("good words");
        assert_eq!(view.series.len(), 1);
        view.series[0].changes.len()
    };
    assert_eq!((found(None), found(Some(0.01))), (0, 1));
}

#[test]
fn campaigns_that_cannot_be_read_are_named() {
    let dir = tempdir().expect("a folder");
    let all = campaigns(dir.path(), &[1000, 1001, 1002]);
    // One byte of the first line: good lines follow, so that it is no torn tail.
    let mut journal = fs::read(all[1].journal_path()).expect("it was written");
    journal[20] ^= 1;
    fs::write(all[1].journal_path(), journal).expect("disk has room");
    let gone = UnreadCampaign { name: "gone".to_owned(), why: "there is no such folder".to_owned() };
    let ask = HistoryAsk { order: HistoryOrder::AsGiven, ..HistoryAsk::default() };
    let view = history(&all, vec![gone], &ask).expect("good words");
    let unread: Vec<&str> = view.unread.iter().map(|of| of.name.as_str()).collect();
    assert_eq!((unread.as_slice(), view.campaigns.len()), (["gone", "r-1"].as_slice(), 2));
    assert_eq!(series(&view, "ttft_ns").unsearched.as_deref(), Some("2 campaigns measured it, it takes 4"));
    assert!(view.findings[0].text.starts_with("gone cannot be read"), "{:?}", view.findings);
    let nothing = history(&[], Vec::new(), &HistoryAsk::default()).expect("good words");
    assert!(nothing.series.is_empty() && !nothing.is_worse_now());
}

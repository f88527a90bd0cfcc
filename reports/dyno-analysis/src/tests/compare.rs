//! Comparisons with ratios known by hand.

use dyno_model::event::Event;
use dyno_model::plan::Plan;
use dyno_store::Campaign;
use dyno_view::compare::{
    BlockCounts, BlockOrderView, Change, ChangeOutcome, ChangeRow, ChangeVerdictView, CompareView,
    PairingView, TailFigure,
};
use dyno_view::report::FindingLevel;
use tempfile::{TempDir, tempdir};

use super::arms::{
    answers, arms_plan, blocks, good, is_of_a, plain_plan, start_of, with_failure, written_at,
    written_in_sessions,
};
use super::sample::{End, launch};
use crate::{CompareAsk, Part, Side, compare, report};

/// Ratios of ten blocks around 1.1, in thousandths.
const TEN: [u64; 10] = [1100, 1090, 1110, 1095, 1105, 1080, 1120, 1100, 1098, 1102];

pub(super) fn side(campaign: &Campaign, part: Part) -> Side<'_> {
    Side { name: campaign.id().0.clone(), campaign, part }
}

pub(super) fn write(plan: &Plan, launches: &[Vec<Event>]) -> (TempDir, Campaign) {
    let dir = tempdir().expect("a folder");
    let campaign = written_at(dir.path(), "c-1", plan, launches, 0);
    (dir, campaign)
}

/// The arms of one campaign.
pub(super) fn compared(plan: &Plan, launches: &[Vec<Event>]) -> CompareView {
    let (_dir, campaign) = write(plan, launches);
    compare(&[side(&campaign, Part::All)], &CompareAsk::default()).expect("a good record")
}

pub(super) fn row<'v>(view: &'v CompareView, metric: &str) -> &'v ChangeRow {
    view.rows().map(|(_, row)| row).find(|row| row.metric == metric).expect("the metric has a row")
}

pub(super) fn change<'v>(view: &'v CompareView, metric: &str) -> &'v Change {
    row(view, metric).tested().expect("it was tested")
}

pub(super) fn has_finding(view: &CompareView, level: FindingLevel, part: &str) -> bool {
    view.findings.iter().any(|finding| finding.level == level && finding.text.contains(part))
}

#[test]
fn an_arm_that_is_a_tenth_slower_is_a_regression() {
    let view = compared(&arms_plan(10), &blocks(10, |block| [1000, TEN[block as usize]]));
    assert_eq!(view.verdict, Some(ChangeVerdictView::Regression));
    assert!(view.regressed());
    let names: Vec<&str> = view.sides.iter().map(|side| side.name.as_str()).collect();
    assert_eq!(names, ["A", "B"]);
    assert_eq!(view.sides[1].words.as_deref(), Some("fake+name=B"));
    assert!(view.sides.iter().all(|side| side.complete));
    let ttft = change(&view, "ttft_ns");
    // All ten blocks have one sign: 2 / 2^10.
    assert_eq!(ttft.p, Some(2.0 / 1024.0));
    // TTFT, TPOT, E2E and first inference all rise; the time to load is one and the same, and memory differs by a byte
    // of 9000 either way. Four of six: q = 6 / 4 · p, and 1 − 0.05 · 4 / 6.
    assert_eq!((view.family.n_tests, view.family.n_different), (6, 4));
    assert!((ttft.q.expect("a p value") - 1.5 * 2.0 / 1024.0).abs() < 1e-12);
    assert!((view.family.confidence - (1.0 - 0.05 * 4.0 / 6.0)).abs() < 1e-12);
    assert!((ttft.effect.ratio - 1.1).abs() < 0.001, "{ttft:?}");
    let (low, high) = (ttft.effect.low.expect("ten blocks"), ttft.effect.high.expect("ten blocks"));
    assert!(1.085 < low && low < 1.1 && 1.1 < high && high < 1.115, "{ttft:?}");
    assert_eq!((ttft.verdict, ttft.more_blocks, ttft.n), (ChangeVerdictView::Regression, None, 10));
    assert_eq!(ttft.n_prompts, Some(3));
    let primary: Vec<&str> =
        view.rows().filter(|(_, row)| row.is_primary).map(|(_, row)| row.metric.as_str()).collect();
    assert_eq!(primary, ["e2e_ns"]);
    // The middle of three prompts, in the unit of the metric.
    assert_eq!((row(&view, "ttft_ns").baseline, row(&view, "ttft_ns").delta), (Some(20_000.0), 0.03));
    assert_eq!(change(&view, "load_ns").verdict, ChangeVerdictView::Equivalent);
    assert_eq!(row(&view, "peak_rss_bytes").delta, 0.02);
    let energy = &row(&view, "j_per_request").outcome;
    assert!(matches!(energy, ChangeOutcome::Missing { reason } if reason.starts_with("neither side has it")));
    let (_, worst) = view.worst().expect("rows were tested");
    assert_eq!(worst.tested().map(|of| of.verdict), Some(ChangeVerdictView::Regression));
    // The primary metric first; the ten ratios' middle is 1.1.
    assert!(view.summary.starts_with("E2E latency of B: +10.0 % ["), "{}", view.summary);
    assert!(view.summary.ends_with("; and 1 more"), "{}", view.summary);
    assert_eq!(view.contrasts[0].changes, ["compute 2 threads → 4 threads"]);
    assert_eq!(view.regenerate, "edgedyno compare c-1");
}

#[test]
fn blocks_are_paired_prompt_by_prompt() {
    // Prompt 0 takes twice as long on B, prompts 1 and 2 take 1.2 times: the middle of the three ratios is 1.2, in
    // every block. Times that wander from block to block, on both sides alike, are in no ratio.
    let launches: Vec<Vec<Event>> = (0..20)
        .map(|run| {
            let wander = 1000 + 100 * u64::from(run / 2);
            let mut asked = answers(run, if is_of_a(run) { wander } else { wander * 12 / 10 });
            if !is_of_a(run) {
                for chunk in &mut asked[0].chunks {
                    chunk.1 = chunk.1 * 10 / 6;
                }
            }
            launch(run, 1, start_of(run), &asked, &End::Valid)
        })
        .collect();
    let view = compared(&arms_plan(10), &launches);
    let ttft = change(&view, "ttft_ns");
    assert!((ttft.effect.ratio - 1.2).abs() < 1e-9, "{:?}", ttft.effect);
    assert!(ttft.sd_ln.is_some_and(|sd| sd < 1e-9), "{ttft:?}");
    let PairingView::Paired { blocks, n, order } = &view.contrasts[0].pairing else { panic!("one campaign") };
    assert_eq!((*n, *order, blocks.len()), (10, Some(BlockOrderView::Abba), 10));
    let first: Vec<bool> = blocks.iter().take(4).map(|block| block.baseline_first).collect();
    assert_eq!(first, [true, false, true, false]);
}

#[test]
fn a_thing_against_itself_is_never_worse() {
    // Launches differ by up to 1 % for reasons of their own, the arms by none.
    let noise = [1003, 998, 1006, 995, 1001, 999, 1004, 997, 1002, 1000];
    let view = compared(
        &arms_plan(10),
        &blocks(10, |block| {
            let block = block as usize;
            [noise[block], noise[(block + 3) % 10]]
        }),
    );
    assert!(!view.regressed());
    assert_eq!(view.verdict, Some(ChangeVerdictView::Equivalent));
    assert_eq!(view.family.n_different, 0);
    let mde = change(&view, "ttft_ns").mde.expect("ten blocks");
    assert!(0.003 < mde && mde < 0.02, "{mde}");
}

#[test]
fn what_is_not_decided_says_what_it_would_take() {
    // Ratios between 0.9 and 1.2 around 1.04: nothing is shown either way.
    let wide = [1200, 900, 1100, 950, 1150, 980, 1050, 920, 1120, 1030];
    let view = compared(&arms_plan(10), &blocks(10, |block| [1000, wide[block as usize]]));
    let ttft = change(&view, "ttft_ns");
    assert_eq!(ttft.verdict, ChangeVerdictView::Inconclusive);
    assert!(ttft.more_blocks.is_none_or(|more| more > 20), "{ttft:?}");
    assert_eq!((view.verdict, view.regressed()), (Some(ChangeVerdictView::Inconclusive), false));
}

#[test]
fn half_a_campaign_is_compared_as_far_as_it_goes() {
    // Four blocks, and half of the fifth.
    let launches = &blocks(10, |block| [1000, TEN[block as usize]])[..9];
    let view = compared(&arms_plan(10), launches);
    let ttft = change(&view, "ttft_ns");
    assert_eq!((ttft.n, ttft.verdict), (4, ChangeVerdictView::Inconclusive));
    assert!(ttft.more_blocks.is_some_and(|more| more >= 2), "{ttft:?}");
    let PairingView::Paired { blocks, n, .. } = &view.contrasts[0].pairing else { panic!("one campaign") };
    assert_eq!(*n, 4);
    assert_eq!(blocks[4].left_out.as_deref(), Some("B was not launched"));
    assert_eq!(blocks[5].left_out.as_deref(), Some("A was not launched, and B was not launched"));
    assert!(has_finding(&view, FindingLevel::Warning, "edgedyno resume c-1"), "{:?}", view.findings);
    assert!(!view.sides[0].complete);
}

#[test]
fn only_blocks_count_in_which_both_launches_may_be_used() {
    let mut launches = blocks(10, |_| [1000, 1000]);
    // One launch of block 2 may not be used, and one of block 4 has no end.
    launches[5] = launch(5, 1, start_of(5), &answers(5, 9000), &End::Invalid("the device slept 7 ms"));
    launches[8] = launch(8, 1, start_of(8), &answers(8, 9000), &End::CutOff);
    let view = compared(&arms_plan(10), &launches);
    let ttft = change(&view, "ttft_ns");
    assert_eq!((ttft.n, ttft.effect.ratio), (8, 1.0));
    let PairingView::Paired { blocks, .. } = &view.contrasts[0].pairing else { panic!("one campaign") };
    let why = blocks[2].left_out.as_deref().expect("it does not count");
    assert!(why.ends_with("may not be used (the device slept 7 ms)"), "{why}");
    let why = blocks[4].left_out.as_deref().expect("it does not count");
    assert!(why.ends_with("has a record that was cut off"), "{why}");
    assert!(
        view.contrasts[0].notes[0].starts_with("2 of 10 blocks do not count"),
        "{:?}",
        view.contrasts[0].notes
    );
}

#[test]
fn a_side_without_a_valid_launch_gives_no_verdict() {
    let mut launches = blocks(6, |_| [1000, 1100]);
    for run in (0..12).filter(|run| !is_of_a(*run)) {
        launches[run as usize] =
            launch(run, 1, start_of(run), &answers(run, 1000), &End::Invalid("it was throttled"));
    }
    let view = compared(&arms_plan(6), &launches);
    assert_eq!((view.verdict, view.regressed(), view.worst().is_none()), (None, false, true));
    assert_eq!(view.summary, "nothing could be tested");
    assert!(
        has_finding(&view, FindingLevel::Invalid, "B has no launch that may be used, of 6: it was throttled"),
        "{:?}",
        view.findings
    );
    let ChangeOutcome::Missing { reason } = &row(&view, "ttft_ns").outcome else { panic!("nothing counts") };
    assert!(reason.starts_with("no block counts: B may not be used (it was throttled)"), "{reason}");
    // A plan of which nothing ran at all.
    let view = compared(&arms_plan(6), &[]);
    assert_eq!(view.verdict, None);
    assert!(has_finding(&view, FindingLevel::Invalid, "A was not measured"), "{:?}", view.findings);
}

#[test]
fn campaigns_apart_are_compared_by_their_launches() {
    let check = |n: u32, times: [u64; 2], expected: ChangeVerdictView, p: f64| {
        let dir = tempdir().expect("a folder");
        let plan = super::sample::plan(n);
        // Launches of one side differ by 0.1 % from each other, so that there are no ties.
        let launches = |time: u64| (0..n).map(|run| good(run, time + u64::from(run))).collect::<Vec<_>>();
        let old = written_at(dir.path(), "old", &plan, &launches(times[0]), 0);
        let new = written_at(dir.path(), "new", &plan, &launches(times[1]), 3600);
        let view = compare(&[side(&old, Part::All), side(&new, Part::All)], &CompareAsk::default())
            .expect("good records");
        let ttft = change(&view, "ttft_ns");
        assert_eq!(ttft.verdict, expected, "{n} {times:?}: {ttft:?}");
        assert!((ttft.p.expect("two launches or more") - p).abs() < 1e-12, "{ttft:?}");
        assert_eq!(row(&view, "ttft_ns").delta, 0.06);
        assert!(matches!(view.contrasts[0].pairing, PairingView::Unpaired { .. }));
        assert!(has_finding(&view, FindingLevel::Warning, "without blocks"), "{:?}", view.findings);
        assert_eq!(view.regenerate, "edgedyno compare old new");
        view
    };
    // Every launch of one side above every one of the other: 2 / C(10, 5), and 2 / C(8, 4).
    check(5, [1000, 1200], ChangeVerdictView::Regression, 2.0 / 252.0);
    let view = check(8, [1000, 1200], ChangeVerdictView::Regression, 2.0 / 12_870.0);
    assert!((change(&view, "ttft_ns").effect.ratio - 1.2).abs() < 0.005);
    check(4, [1000, 1200], ChangeVerdictView::Inconclusive, 2.0 / 70.0);
    check(8, [1200, 1000], ChangeVerdictView::Improvement, 2.0 / 12_870.0);
}

#[test]
fn failures_are_a_row_of_their_own() {
    let launches: Vec<Vec<Event>> = (0..20)
        .map(|run| {
            let asked = answers(run, 1000);
            let asked = if is_of_a(run) { asked } else { with_failure(asked) };
            launch(run, 1, start_of(run), &asked, &End::Valid)
        })
        .collect();
    let view = compared(&arms_plan(10), &launches);
    let failures = &view.contrasts[0].failures;
    assert_eq!(failures.blocks, Some(BlockCounts { worse: 10, better: 0, of: 10 }));
    assert!((failures.p.expect("ten blocks differ") - 2.0 / 1024.0).abs() < 1e-12, "{failures:?}");
    assert_eq!(failures.verdict, Some(ChangeVerdictView::Regression));
    let share = failures.candidate.expect("30 requests");
    assert_eq!((share.n, share.of), (10, 30));
    assert!(view.regressed());
    assert!(view.summary.contains("more requests of B fail"), "{}", view.summary);
    assert_eq!(failures.words, ["timeout (10)"]);
    let notes = &view.contrasts[0].notes;
    assert!(notes.iter().any(|note| note.starts_with("10 of 30 prompts were not answered")), "{notes:?}");
    // Nothing failed: nothing is claimed.
    let view = compared(&arms_plan(6), &blocks(6, |_| [1000, 1000]));
    assert_eq!((view.contrasts[0].failures.verdict, view.contrasts[0].failures.p), (None, None));
}

#[test]
fn without_blocks_failures_are_counted_by_launch() {
    let check = |n_failing: u32, expected: ChangeVerdictView, p: f64| {
        let dir = tempdir().expect("a folder");
        let plan = super::sample::plan(6);
        let of = |run: u32, fails: bool| {
            let asked = answers(run, 1000);
            let asked = if fails { with_failure(asked) } else { asked };
            launch(run, 1, start_of(run), &asked, &End::Valid)
        };
        let launches = |n: u32| (0..6).map(|run| of(run, run < n)).collect::<Vec<_>>();
        let old = written_at(dir.path(), "old", &plan, &launches(0), 0);
        let new = written_at(dir.path(), "new", &plan, &launches(n_failing), 3600);
        let view = compare(&[side(&old, Part::All), side(&new, Part::All)], &CompareAsk::default())
            .expect("good records");
        let failures = &view.contrasts[0].failures;
        assert_eq!((failures.verdict, failures.blocks), (Some(expected), None), "{failures:?}");
        assert!((failures.p.expect("launches differ") - p).abs() < 1e-12, "{failures:?}");
        assert_eq!(view.family.n_tests, 7);
    };
    // Every launch against none: 2 / C(12, 6). One of six is as likely to be on this side as on the other.
    check(6, ChangeVerdictView::Regression, 2.0 / 924.0);
    check(1, ChangeVerdictView::Inconclusive, 1.0);
}

#[test]
fn a_block_in_two_sessions_is_told() {
    let launches = blocks(6, |_| [1000, 1000]);
    let dir = tempdir().expect("a folder");
    let campaign = written_in_sessions(dir.path(), &arms_plan(6), [&launches[..5], &launches[5..]]);
    let view = compare(&[side(&campaign, Part::All)], &CompareAsk::default()).expect("a good record");
    let notes = &view.contrasts[0].notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("block 2: begun in one session and ended in another"), "{notes:?}");
}

#[test]
fn high_percentiles_take_many_requests() {
    let view = compared(&arms_plan(10), &blocks(10, |block| [1000, TEN[block as usize]]));
    let tail = &view.contrasts[0].tails[0];
    assert_eq!((tail.permille, tail.n_baseline), (950, 30));
    let TailFigure::Missing { reason } = &tail.figure else { panic!("30 requests are too few") };
    assert_eq!(reason, "30 requests of a side, it takes 72");
    let view =
        compared(&arms_plan(24), &blocks(24, |block| [1000 + u64::from(block), 1200 + u64::from(block)]));
    let TailFigure::Ratio { ratio, low, high, .. } = view.contrasts[0].tails[0].figure else {
        panic!("72 requests are enough")
    };
    assert!((ratio - 1.2).abs() < 0.01 && low <= ratio && ratio <= high, "{low} {ratio} {high}");
    // Of 3 prompts, B's shortest lies between the first and the second of A: D is 0 only for equal samples.
    assert!(view.contrasts[0].shapes.iter().all(|shape| shape.distance > 0.0 && shape.distance <= 1.0));
}

#[test]
fn cells_of_a_plain_matrix_that_differ_by_one_thing_are_sides() {
    let launches = blocks(10, |block| [1000, TEN[block as usize]]);
    let view = compared(&plain_plan(10), &launches);
    let names: Vec<&str> = view.sides.iter().map(|side| side.name.as_str()).collect();
    assert_eq!(names, ["2 threads", "4 threads"]);
    assert_eq!(change(&view, "ttft_ns").verdict, ChangeVerdictView::Regression);
    let PairingView::Paired { order, .. } = view.contrasts[0].pairing else { panic!("one campaign") };
    assert_eq!(order, None);
    // By their ids, or how these begin; the other way round it is an improvement.
    let (_dir, campaign) = write(&plain_plan(10), &launches);
    let cell = |id: &str| side(&campaign, Part::Cell(id.to_owned()));
    let view = compare(&[cell("cell-B"), cell("cell-A")], &CompareAsk::default()).expect("a good record");
    assert_eq!(change(&view, "ttft_ns").verdict, ChangeVerdictView::Improvement);
    let names: Vec<&str> = view.sides.iter().map(|side| side.name.as_str()).collect();
    assert_eq!(names, ["c-1", "c-1 (2)"]);
}

#[test]
fn metrics_and_the_smallest_change_can_be_chosen() {
    let (_dir, campaign) = write(&arms_plan(10), &blocks(10, |block| [1000, TEN[block as usize]]));
    let ask = CompareAsk {
        metrics: vec!["tpot".to_owned(), "decode_tokens_per_s".to_owned()],
        delta: Some(0.2),
        ..CompareAsk::default()
    };
    let view = compare(&[side(&campaign, Part::All)], &ask).expect("a good record");
    let ids: Vec<&str> = view.rows().map(|(_, row)| row.metric.as_str()).collect();
    assert_eq!(ids, ["tpot_ns", "decode_tokens_per_s"]);
    assert!(row(&view, "tpot_ns").is_primary);
    // A tenth is less than a fifth.
    assert_eq!(view.verdict, Some(ChangeVerdictView::Equivalent));
    // The rate is the inverse of the pace.
    let (pace, rate) =
        (change(&view, "tpot_ns").effect.ratio, change(&view, "decode_tokens_per_s").effect.ratio);
    assert!((pace * rate - 1.0).abs() < 1e-3, "{pace} {rate}");
}

#[test]
fn a_report_has_the_verdicts_of_its_arms() {
    let launches = blocks(10, |block| [1000, TEN[block as usize]]);
    let (_dir, campaign) = write(&arms_plan(10), &launches);
    let of_report = report(&campaign).expect("a good record").verdicts.expect("the plan has arms");
    let alone = compare(&[side(&campaign, Part::All)], &CompareAsk::default()).expect("a good record");
    assert_eq!(of_report, alone);
    let (_dir, campaign) = write(&plain_plan(10), &launches);
    assert_eq!(report(&campaign).expect("a good record").verdicts, None);
}

#[test]
fn a_comparison_survives_its_json() {
    let view = compared(&arms_plan(6), &blocks(6, |block| [1000, TEN[block as usize]]));
    let json = serde_json::to_string(&view).expect("views have only string keys");
    let read: CompareView = serde_json::from_str(&json).expect("our own words");
    assert_eq!((read.verdict, &read.sides, &read.findings), (view.verdict, &view.sides, &view.findings));
    // Floats may lose their last bit on the way.
    let ratios = |view: &CompareView| -> Vec<f64> {
        view.rows().filter_map(|(_, row)| row.tested()).map(|change| change.effect.ratio).collect()
    };
    let pairs: Vec<(f64, f64)> = ratios(&read).into_iter().zip(ratios(&view)).collect();
    assert!(pairs.len() == 6 && pairs.iter().all(|(a, b)| (a - b).abs() < 1e-12), "{pairs:?}");
}

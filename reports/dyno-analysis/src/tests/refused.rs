//! What is not compared: other work, what a side lacks, what cannot be asked.

use dyno_model::event::Event;
use dyno_model::ids::CellId;
use dyno_model::load::LoadModel;
use dyno_store::Campaign;
use dyno_view::compare::{ChangeOutcome, ChangeVerdictView};
use dyno_view::report::FindingLevel;
use tempfile::tempdir;

use super::arms::{answers, arms_plan, blocks, is_of_a, start_of, written_at};
use super::compare::{change, compared, has_finding, row, side, write};
use super::sample::{End, launch};
use crate::{AnalysisError, CompareAsk, CompareError, Part, compare};

#[test]
fn a_metric_that_one_side_lacks_is_not_compared() {
    // B's runtime does not count its tokens: there is no TPOT.
    let launches: Vec<Vec<Event>> = (0..20)
        .map(|run| {
            let mut asked = answers(run, 1000);
            for of in asked.iter_mut().filter(|_| !is_of_a(run)) {
                of.osl = None;
            }
            launch(run, 1, start_of(run), &asked, &End::Valid)
        })
        .collect();
    let view = compared(&arms_plan(10), &launches);
    let ChangeOutcome::Missing { reason } = &row(&view, "tpot_ns").outcome else { panic!("B has none") };
    assert!(reason.starts_with("B has none: "), "{reason}");
    assert_eq!(row(&view, "tpot_ns").baseline, Some(6000.0));
    assert_eq!(change(&view, "ttft_ns").verdict, ChangeVerdictView::Equivalent);
}

#[test]
fn longer_answers_take_their_latencies_out_and_nothing_else() {
    let launches: Vec<Vec<Event>> = (0..20)
        .map(|run| {
            let mut asked = answers(run, 1000);
            for of in asked.iter_mut().filter(|_| !is_of_a(run)) {
                let last = of.chunks[2].1;
                of.chunks.extend([1, 2, 3].map(|i| (of.chunks[2].0, last + 6000 * i, 2)));
                of.osl = Some(6);
            }
            launch(run, 1, start_of(run), &asked, &End::Valid)
        })
        .collect();
    let view = compared(&arms_plan(10), &launches);
    let ChangeOutcome::Unlike { reason } = &row(&view, "e2e_ns").outcome else { panic!("not the same work") };
    assert_eq!(reason, "the answers are not of equal length (median 6 tokens on B, 3 on A)");
    assert_eq!(change(&view, "ttft_ns").verdict, ChangeVerdictView::Equivalent);
    // The primary metric is the next that can be compared.
    assert!(row(&view, "tpot_ns").is_primary);
    assert!(has_finding(&view, FindingLevel::Warning, "not compared: the answers"), "{:?}", view.findings);
}

#[test]
fn other_loads_and_prompts_are_other_work() {
    let mut plan = arms_plan(6);
    plan.cells[1].load = LoadModel::Single { think_ms: 500 };
    let view = compared(&plan, &blocks(6, |_| [1000, 1100]));
    let ChangeOutcome::Unlike { reason } = &row(&view, "ttft_ns").outcome else { panic!("other work") };
    assert_eq!(reason, "the loads differ (single user, and single user, 500 ms think time)");
    // Loading is the same work.
    assert_eq!(change(&view, "load_ns").verdict, ChangeVerdictView::Equivalent);
    let mut plan = arms_plan(6);
    for run in plan.runs.iter_mut().filter(|run| !is_of_a(run.id.0)) {
        run.requests.truncate(2);
    }
    let view = compared(&plan, &blocks(6, |_| [1000, 1100]));
    let ChangeOutcome::Unlike { reason } = &row(&view, "ttft_ns").outcome else { panic!("other work") };
    assert_eq!(reason, "the sides were not asked the same prompts");
}

#[test]
fn what_cannot_be_asked_is_told() {
    let (_dir, campaign) = write(&arms_plan(2), &[]);
    let error = |part: Part, ask: &CompareAsk| {
        let sides = [side(&campaign, Part::Arm("A".to_owned())), side(&campaign, part)];
        match compare(&sides, ask) {
            Err(AnalysisError::Compare(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let ask = CompareAsk::default();
    let found = error(Part::Arm("C".to_owned()), &ask);
    let known = vec!["A".to_owned(), "B".to_owned()];
    let expected = CompareError::NoArm { campaign: "c-1".to_owned(), arm: "C".to_owned(), known };
    assert_eq!(found, expected);
    assert!(matches!(error(Part::Cell("cell".to_owned()), &ask), CompareError::NoCell { .. }));
    let ask = CompareAsk { metrics: vec!["speed".to_owned()], ..CompareAsk::default() };
    assert!(matches!(error(Part::All, &ask), CompareError::NoMetric { .. }));
    let one = [side(&campaign, Part::Arm("A".to_owned()))];
    assert!(compare(&one, &CompareAsk::default()).is_err());
    assert!(compare(&[], &CompareAsk::default()).is_err());
    let (_dir, single) = write(&super::sample::plan(1), &[]);
    let found = compare(&[side(&single, Part::All)], &CompareAsk::default()).expect_err("one cell only");
    assert_eq!(found.to_string(), "campaign c-1 has nothing to compare: it has one cell only");
}

#[test]
fn launches_are_not_held_against_themselves() {
    let (_dir, campaign) = write(&arms_plan(6), &blocks(6, |_| [1000, 1000]));
    let check = |a: &Campaign, parts: [Part; 2]| {
        let [one, two] = parts;
        match compare(&[side(&campaign, one), side(a, two)], &CompareAsk::default()) {
            Err(AnalysisError::Compare(CompareError::SameLaunches { campaign, .. })) => {
                assert_eq!(campaign, "c-1");
            }
            other => panic!("{other:?}"),
        }
    };
    let arm = |name: &str| Part::Arm(name.to_owned());
    check(&campaign, [Part::All, Part::All]);
    check(&campaign, [arm("A"), arm("A")]);
    check(&campaign, [arm("B"), Part::All]);
    // The same record in another folder.
    let (_dir, copy) = write(&arms_plan(6), &blocks(6, |_| [1000, 1000]));
    check(&copy, [Part::All, Part::All]);
}

#[test]
fn cells_without_a_partner_are_told() {
    let (_dir, campaign) = write(&arms_plan(6), &blocks(6, |_| [1000, 1000]));
    let mut plan = super::sample::plan(6);
    plan.cells[0].threads = Some(9);
    plan.cells[0].id = CellId::from("other");
    for run in &mut plan.runs {
        run.cell = CellId::from("other");
    }
    let dir = tempdir().expect("a folder");
    let other = written_at(dir.path(), "c-2", &plan, &[], 0);
    // Both of the campaign's cells against one of other threads: neither is like it.
    let sides = [side(&campaign, Part::All), side(&other, Part::All)];
    let view = compare(&sides, &CompareAsk::default()).expect("good records");
    assert!(view.contrasts.is_empty() && view.verdict.is_none());
    assert!(has_finding(&view, FindingLevel::Warning, "has nothing like it"), "{:?}", view.findings);
}

//! Graded answers of two sides, prompt by prompt, with counts known by hand.

use dyno_model::grader::Grader;
use dyno_store::Campaign;
use dyno_view::compare::{ChangeVerdictView, CompareView, ContrastView, QualityChange, QualityRow};
use tempfile::tempdir;

use super::arms::{ARMS, arms_plan, is_of_a};
use super::compare::side;
use super::graded::{Answer, Fails, Passes, TimesOut, campaign, graded, with_prompts};
use crate::{CompareAsk, Part, compare};

fn asked(metrics: &[&str]) -> CompareAsk {
    let metrics = metrics.iter().map(|metric| (*metric).to_owned()).collect();
    CompareAsk { metrics, ..CompareAsk::default() }
}

fn held(a: &Campaign, b: &Campaign, metrics: &[&str]) -> CompareView {
    compare(&[side(a, Part::All), side(b, Part::All)], &asked(metrics)).expect("good records")
}

fn only(view: &CompareView) -> &ContrastView {
    let [contrast] = view.contrasts.as_slice() else { panic!("one pair of cells") };
    contrast
}

fn quality(view: &CompareView) -> &QualityChange {
    only(view).quality.as_ref().expect("its prompts have graders")
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

/// McNemar's counts: n, passed in A and in B, lost, gained.
fn counts(row: &QualityRow) -> [u64; 5] {
    [row.n, row.baseline_passed, row.candidate_passed, row.n_lost, row.n_gained]
}

#[test]
fn answers_that_fail_now_are_a_regression_in_all_and_in_their_category() {
    let dir = tempdir().expect("a folder");
    let plan = graded(&[("classify", 40), ("write", 60), ("free", 5), ("few", 3)], 1);
    let a = campaign(dir.path(), "a", &plan, &[&[]]);
    let b = campaign(dir.path(), "b", &plan, &[&[Fails; 20]]);
    let view = held(&a, &b, &[]);
    let quality = quality(&view);
    assert_eq!(counts(&quality.all), [103, 103, 83, 20, 0]);
    // 2 · 0.5^20, and the only test: launches of two campaigns are too few for others.
    close(quality.all.p.expect("pairs"), 2.0 * 0.5_f64.powi(20));
    close(quality.all.difference.expect("pairs").value, -20.0 / 103.0);
    assert_eq!((quality.all.verdict, quality.all.more_prompts), (ChangeVerdictView::Regression, None));
    // Sorted by name; three prompts are too few to show anything, and those without a grader are in none.
    let named: Vec<(Option<&str>, [u64; 5])> =
        quality.categories.iter().map(|row| (row.category.as_deref(), counts(row))).collect();
    assert_eq!(named, [(Some("classify"), [40, 40, 20, 20, 0]), (Some("write"), [60, 60, 60, 0, 0])]);
    assert_eq!((quality.too_few[0].category.as_str(), quality.too_few[0].n), ("few", 3));
    // Their own family: one of two differs, so 1 − 0.05 · 1 / 2; p 2 · 0.5^20 and 1, so q is twice the one.
    assert_eq!(quality.categories_confidence, Some(0.975));
    close(quality.categories[0].q.expect("pairs"), 4.0 * 0.5_f64.powi(20));
    let verdicts: Vec<ChangeVerdictView> = quality.categories.iter().map(|row| row.verdict).collect();
    assert_eq!(verdicts, [ChangeVerdictView::Regression, ChangeVerdictView::Inconclusive]);
    assert!(quality.categories[1].more_prompts.is_some());
    assert_eq!((quality.lost.n, quality.lost.prompts.len(), quality.gained.n), (20, 20, 0));
    assert_eq!(quality.lost.prompts[19], "classify-019");
    assert_eq!((quality.n_unpaired, quality.n_unstable), (0, [0, 0]));
    // Whatever the times show, the whole is worse, and the answers say so first.
    assert_eq!((view.verdict, view.regressed()), (Some(ChangeVerdictView::Regression), true));
    assert!(
        view.summary.starts_with("answers of b: 100.0 % → 80.6 % pass, -19.4 points ["),
        "{}",
        view.summary
    );
    assert!(view.summary.contains("; classify answers of b: 100.0 % → 50.0 % pass"), "{}", view.summary);
    assert!(view.methods.iter().any(|method| method.metric == "passed"));
    // The other way round it is an improvement, and no verdict of the whole.
    let view = held(&b, &a, &[]);
    assert_eq!(self::quality(&view).all.verdict, ChangeVerdictView::Improvement);
    assert!(!view.regressed());
}

#[test]
fn the_test_of_all_prompts_is_one_of_the_family() {
    let dir = tempdir().expect("a folder");
    let plan = with_prompts(arms_plan(6), &[("classify", 30)]);
    let fails: Vec<Answer> = [Fails; 10].to_vec();
    let runs: Vec<&[Answer]> =
        plan.runs.iter().map(|run| if is_of_a(run.id.0) { &[][..] } else { fails.as_slice() }).collect();
    let campaign = campaign(dir.path(), "c", &plan, &runs);
    let view = compare(&[side(&campaign, Part::All)], &CompareAsk::default()).expect("a good record");
    let names: Vec<&str> = view.sides.iter().map(|side| side.name.as_str()).collect();
    assert_eq!(names, ARMS);
    let quality = quality(&view);
    // Six blocks and thirty prompts are thirty pairs: each prompt once. One category alone is all prompts.
    assert_eq!((counts(&quality.all), quality.categories.len()), ([30, 30, 20, 10, 0], 0));
    let n_rows = only(&view).rows.iter().filter(|row| row.tested().is_some()).count() as u64;
    assert_eq!(view.family.n_tests, n_rows + 1);
    assert_eq!(view.family.n_different, 1);
    // p is 2 · 0.5^10; the smallest of all, so q is p times their number.
    close(quality.all.p.expect("pairs"), 2.0 * 0.5_f64.powi(10));
    close(quality.all.q.expect("pairs"), 2.0 * 0.5_f64.powi(10) * view.family.n_tests as f64);
    assert_eq!(quality.all.difference.map(|of| of.confidence), Some(view.family.confidence));
    // Equal times and other answers: only the answers are worse.
    let is_worse = |change: &dyno_view::compare::Change| change.verdict == ChangeVerdictView::Regression;
    assert!(!view.rows().any(|(_, row)| row.tested().is_some_and(is_worse)));
    assert_eq!(view.verdict, Some(ChangeVerdictView::Regression));
}

#[test]
fn a_prompt_is_one_pair_however_often_it_is_asked() {
    let dir = tempdir().expect("a folder");
    let plan = graded(&[("classify", 10)], 3);
    let a = campaign(dir.path(), "a", &plan, &[&[], &[], &[]]);
    // The first passes twice of three times, the second once, the third never; the fourth had no answer once.
    let b = campaign(
        dir.path(),
        "b",
        &plan,
        &[&[Passes, Fails, Fails, TimesOut], &[Fails, Passes, Fails], &[Passes, Fails, Fails]],
    );
    let view = held(&a, &b, &[]);
    let quality = quality(&view);
    assert_eq!(counts(&quality.all), [10, 10, 8, 2, 0]);
    assert_eq!(quality.n_unstable, [0, 2]);
    assert_eq!(quality.lost.prompts, ["classify-001", "classify-002"]);
    // 2 · 0.5^2: two changes show nothing.
    close(quality.all.p.expect("pairs"), 0.5);
    assert_eq!(quality.all.verdict, ChangeVerdictView::Inconclusive);
    assert!(quality.all.more_prompts.is_some_and(|more| more > 10), "{quality:?}");
}

#[test]
fn a_prompt_that_one_side_never_answered_is_in_no_pair() {
    let dir = tempdir().expect("a folder");
    let plan = graded(&[("classify", 10)], 1);
    let a = campaign(dir.path(), "a", &plan, &[&[]]);
    let b = campaign(dir.path(), "b", &plan, &[&[TimesOut, Fails]]);
    let view = held(&a, &b, &[]);
    assert_eq!((counts(&quality(&view).all), quality(&view).n_unpaired), ([9, 9, 8, 1, 0], 1));
}

#[test]
fn answers_alone_can_be_asked_for() {
    let dir = tempdir().expect("a folder");
    let plan = graded(&[("classify", 100)], 1);
    let a = campaign(dir.path(), "a", &plan, &[&[]]);
    let b = campaign(dir.path(), "b", &plan, &[&[]]);
    let view = held(&a, &b, &["passed"]);
    assert!(only(&view).rows.is_empty());
    assert_eq!((view.family.n_tests, view.verdict), (1, Some(ChangeVerdictView::Equivalent)));
    // z² / (n + z²) = 3.841459 / 103.841459.
    let difference = quality(&view).all.difference.expect("pairs");
    assert!((difference.high - 0.036_993_5).abs() < 1e-6, "{difference:?}");
    assert_eq!(view.summary, "answers of b: 100.0 % → 100.0 % pass, +0.0 points [-3.7, +3.7]");
    // A stricter margin is not shown by so few.
    let ask = CompareAsk { quality_delta: Some(0.02), ..asked(&["passed"]) };
    let view = compare(&[side(&a, Part::All), side(&b, Part::All)], &ask).expect("good records");
    assert_eq!(view.verdict, Some(ChangeVerdictView::Inconclusive));
    assert!(quality(&view).all.more_prompts.is_some_and(|more| more > 100));
    // Other metrics leave the answers out, both take them in.
    assert_eq!(only(&held(&a, &b, &["ttft"])).quality, None);
    assert!(only(&held(&a, &b, &["ttft", "passed"])).quality.is_some());
}

#[test]
fn answers_to_other_questions_are_not_compared() {
    let dir = tempdir().expect("a folder");
    let plan = graded(&[("classify", 10)], 1);
    let a = campaign(dir.path(), "a", &plan, &[&[]]);
    let check = |name: &str, plan: &dyno_model::plan::Plan, words: &str| {
        let b = campaign(dir.path(), name, plan, &[&[]]);
        let view = held(&a, &b, &[]);
        assert_eq!(only(&view).quality, None, "{name}");
        let notes = &only(&view).notes;
        let expected = format!("answers are not compared by their graders: {words}");
        assert!(notes.iter().any(|note| note.starts_with(&expected)), "{notes:?}");
    };
    let id = || "classify-003".into();
    let mut other = plan.clone();
    other.prompts.get_mut(&id()).expect("it is there").messages[0].content = "Is it not?".to_owned();
    check("text", &other, "prompt classify-003 is not the same text on both sides");
    let mut other = plan.clone();
    other.prompts.get_mut(&id()).expect("it is there").grader =
        Some(Grader::ContainsAll { expected: vec!["no".to_owned()] });
    check("grader", &other, "prompt classify-003 is not graded alike on both sides");
    let more = graded(&[("classify", 11)], 1);
    check(
        "more",
        &more,
        "the sides were not asked the same prompts (1 of 11 only one of them, the first is classify-010)",
    );
    let mut other = plan.clone();
    other.runs[0].requests[0].sampling.max_tokens = 9;
    check("longer", &other, "answers are not drawn and bounded alike");
}

//! Objectives about answers that pass: shares, and drops since a baseline.

use std::collections::BTreeMap;

use dyno_model::slo::{Condition, Demand, Objective, Selection};
use dyno_store::Campaign;
use dyno_view::compliance::ComplianceVerdict::{Fail, Inconclusive, Pass};
use dyno_view::compliance::{ComplianceView, DropView, JudgementMethod, JudgementView};
use tempfile::{TempDir, tempdir};

use super::compliance_bench::{ask, close, objective, only, slo, view_of};
use super::graded::{Answer, Fails, TimesOut, campaign, graded};
use crate::{Baselines, CheckAsk, ComplianceError, compliance, compliance_csv};

fn passed(fraction_ppm: u32) -> Objective {
    objective(vec![Condition::Passed], fraction_ppm)
}

/// At most five points fewer than in `stable`.
fn drop() -> Objective {
    Objective {
        demand: Demand::Drop { most_ppm: 50_000, confidence_ppm: 950_000 },
        baseline: Some("stable".to_owned()),
        ..passed(500_000)
    }
}

/// A hundred prompts, and a campaign each that answers them so.
fn two(before: &[Answer], now: &[Answer]) -> (TempDir, Campaign, Campaign) {
    let dir = tempdir().expect("a folder");
    let plan = graded(&[("classify", 100)], 1);
    let stable = campaign(dir.path(), "old", &plan, &[before]);
    let new = campaign(dir.path(), "new", &plan, &[now]);
    (dir, stable, new)
}

fn against(
    campaign: &Campaign,
    stable: &Campaign,
    objectives: Vec<Objective>,
) -> Result<ComplianceView, ComplianceError> {
    let slo = slo(objectives);
    let named = BTreeMap::from([("stable".to_owned(), stable)]);
    compliance(campaign, &CheckAsk { baselines: Baselines::Given { named, instead: None }, ..ask(&slo) })
}

fn dropped(before: &[Answer], now: &[Answer]) -> JudgementView {
    let (_dir, stable, new) = two(before, now);
    only(against(&new, &stable, vec![drop()]).unwrap_or_else(|error| panic!("{error}")))
}

fn of(judgement: &JudgementView) -> &DropView {
    judgement.drop.as_ref().expect("it has pairs")
}

#[test]
fn a_share_of_answers_that_pass_is_judged_among_those_with_a_grader() {
    let dir = tempdir().expect("a folder");
    let plan = graded(&[("classify", 20), ("free", 20)], 5);
    // Each run has one answer that fails and one request without any: 10 of 100 violate.
    let answers: &[Answer] = &[Fails, TimesOut];
    let campaign = campaign(dir.path(), "c", &plan, &[answers; 5]);
    let view = view_of(&campaign, &slo(vec![passed(800_000)]));
    assert_eq!(view.exclusions.len(), 1);
    let excluded = &view.exclusions[0];
    assert_eq!((excluded.rule.as_str(), excluded.n_requests, excluded.n_launches), ("ungraded", 100, 0));
    assert!(view.methods.iter().any(|method| method.metric == "passed"));
    let judgement = only(view);
    assert_eq!((judgement.verdict, judgement.n, judgement.n_violations), (Pass, 100, 10));
    // They are outside of it, and make no report invalid.
    assert_eq!((judgement.n_excluded, judgement.excluded_ratio), (0, 0.0));
    let causes: Vec<(&str, u64)> =
        judgement.violations.iter().map(|cause| (cause.cause.as_str(), cause.n)).collect();
    assert_eq!(causes, [("passed", 5), ("timeout", 5)]);
    assert_eq!(judgement.metrics, ["passed"]);
    // P(B ≥ 10) of 100 at 2 % is below 0.05.
    assert_eq!(only(view_of(&campaign, &slo(vec![passed(980_000)]))).verdict, Fail);
}

#[test]
fn what_has_no_grader_is_refused_with_its_place() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path(), "c", &graded(&[("free", 3), ("classify", 3)], 1), &[&[]]);
    let free = Selection { categories: vec!["free".to_owned()], ..Selection::default() };
    let refused = slo(vec![Objective { selection: free, ..passed(800_000) }]);
    let Err(ComplianceError::Claims { problems }) = compliance(&campaign, &ask(&refused)) else {
        panic!("nothing can be judged");
    };
    assert_eq!(problems[0].line, 5);
    assert_eq!(problems[0].message, "`it`: no prompt that it is about has a grader that a program can apply");
}

#[test]
fn a_drop_passes_fails_or_says_how_many_more_prompts_it_takes() {
    // Nothing changed: the upper end is z² / (n + z²) with z = 1.644854: 2.705543 / 102.705543.
    let kept = dropped(&[], &[]);
    assert_eq!((kept.verdict, kept.method, kept.n), (Pass, JudgementMethod::PairedScore, 100));
    let fell = of(&kept).fell.expect("pairs");
    close(fell.high, 0.026_342_7);
    close(fell.confidence, 0.95);
    assert_eq!((of(&kept).more_prompts, kept.why.as_deref()), (None, None));
    // Three points of five, and not shown to be at most five. 3.5 and 0.5 of 101: variance 0.0387217; (1.644854 +
    // 0.841621)² · 0.0387217 / 0.02² = 598.5.
    let open = dropped(&[], &[Fails; 3]);
    assert_eq!((open.verdict, of(&open).more_prompts), (Inconclusive, Some(499)));
    let why = open.why.as_deref();
    assert_eq!(why, Some("about 499 more prompts like these would probably decide it"));
    assert_eq!((of(&open).passed, of(&open).baseline_passed), (97, 100));
    let broken = dropped(&[], &[Fails; 20]);
    assert_eq!((broken.verdict, broken.n_violations, broken.why), (Fail, 20, None));
    assert_eq!(broken.drop.as_ref().map(|drop| drop.lost.n), Some(20));
    // More pass than before.
    let better = dropped(&[Fails; 20], &[]);
    assert_eq!((better.verdict, of(&better).gained.n), (Pass, 20));
    close(of(&better).fell.expect("pairs").value, -0.2);
}

#[test]
fn a_request_that_failed_is_an_answer_that_does_not_pass() {
    let broken = dropped(&[], &[TimesOut; 20]);
    assert_eq!((broken.verdict, of(&broken).passed, of(&broken).n_unpaired), (Fail, 80, 0));
    // In the baseline it is no answer at all: nothing is held against it.
    let fewer = dropped(&[TimesOut; 20], &[]);
    assert_eq!((of(&fewer).n, of(&fewer).n_unpaired, of(&fewer).gained.n), (80, 20, 0));
}

#[test]
fn drops_of_kinds_of_prompts_share_the_confidence() {
    let dir = tempdir().expect("a folder");
    let plan = graded(&[("classify", 100), ("write", 80)], 1);
    let stable = campaign(dir.path(), "old", &plan, &[&[]]);
    let new = campaign(dir.path(), "new", &plan, &[&[Fails; 30]]);
    let of_kind = |name: &str, most_ppm: u32| Objective {
        name: name.to_owned(),
        demand: Demand::Drop { most_ppm, confidence_ppm: 950_000 },
        selection: Selection { categories: vec![name.to_owned()], ..Selection::default() },
        ..drop()
    };
    let objectives = vec![of_kind("classify", 50_000), of_kind("write", 100_000)];
    let view = against(&new, &stable, objectives).unwrap_or_else(|error| panic!("{error}"));
    let found: Vec<_> = view.objectives.iter().map(|of| (of.verdict, of.judgements[0].n)).collect();
    assert_eq!(found, [(Fail, 100), (Pass, 80)]);
    assert_eq!(view.verdict, Fail);
    // Two statements: 97.5 % each.
    assert_eq!(view.objectives[0].judgements[0].n_shared, 2);
    close(view.objectives[0].judgements[0].confidence.expect("inferred"), 0.975);
    assert_eq!(view.objectives[1].baseline.as_deref(), Some("stable"));
}

#[test]
fn what_cannot_be_held_against_each_other_is_refused_with_its_reason() {
    let (dir, stable, new) = two(&[], &[]);
    let refused = |campaign: &Campaign, stable: &Campaign, words: &str| {
        let Err(ComplianceError::Claims { problems }) = against(campaign, stable, vec![drop()]) else {
            panic!("{words}: it must be refused");
        };
        assert_eq!((problems.len(), problems[0].file.as_str(), problems[0].line), (1, "sla.toml", 5));
        assert_eq!(problems[0].message, format!("`it`: {words}"));
    };
    refused(&new, &new, "the baseline is the campaign itself");
    let fewer = campaign(dir.path(), "fewer", &graded(&[("classify", 99)], 1), &[&[]]);
    refused(
        &fewer,
        &stable,
        "it cannot be held against old: the sides were not asked the same prompts (1 of 100 only one of them, the first \
         is classify-099)",
    );
    let mut plan = graded(&[("classify", 100)], 1);
    plan.corpus.name = "other".to_owned();
    let other = campaign(dir.path(), "other", &plan, &[&[]]);
    refused(
        &new,
        &other,
        "it cannot be held against other: its prompts are of another corpus (other, and tiny)",
    );
    let unnamed = Objective { baseline: None, ..drop() };
    let Err(ComplianceError::Claims { problems }) = against(&new, &stable, vec![unnamed]) else {
        panic!("nobody said against what");
    };
    assert_eq!(problems[0].message, "`it`: `max_drop` is held against a baseline, and none is named");
}

#[test]
fn a_drop_that_is_judged_from_one_campaign_alone_stays_open_and_says_so() {
    let (_dir, _stable, new) = two(&[], &[]);
    let judgement = only(view_of(&new, &slo(vec![drop()])));
    assert_eq!((judgement.verdict, judgement.n, judgement.drop), (Inconclusive, 0, None));
    let why = judgement.why.expect("it says why");
    assert!(
        why.starts_with("it is held against another campaign, and this was judged from one alone"),
        "{why}"
    );
}

#[test]
fn rows_of_a_drop_say_whether_the_answer_passes() {
    let (_dir, _stable, new) = two(&[], &[Fails]);
    let mut rows = Vec::new();
    let other = Objective { name: "share".to_owned(), ..passed(500_000) };
    compliance_csv(&new, &slo(vec![drop(), other]), &mut rows).expect("a good record");
    let text = String::from_utf8(rows).expect("UTF-8");
    assert!(text.lines().next().is_some_and(|header| header.ends_with(",it,share")), "{text}");
    assert_eq!(text.matches(",failed,violated").count(), 1);
    assert_eq!(text.matches(",passed,kept").count(), 99);
}

//! Graded answers, built by hand: two sides held against each other, and objectives about them.

use dyno_view::compare::{
    ChangeVerdictView, CompareView, FewPairs, FlippedPrompts, PairedDifferenceView, QualityChange, QualityRow,
};
use dyno_view::compliance::{
    ComplianceVerdict, ComplianceView, ConditionView, DemandView, DropBoundsView, DropView, ExclusionView,
    JudgedView, JudgementMethod, JudgementView, ObjectiveView, SelectionView, ViolationView,
};

use super::compliance::{compliance_view, judgement};
use super::verdicts::verdicts;

const DIGEST: &str = "9d1c0b2a3f4e5d6c7b8a99887766554433221100ffeeddccbbaa00112233445f";

/// The comparison of `verdicts`, whose first pair has graded answers.
pub(crate) fn graded() -> CompareView {
    let mut view = verdicts();
    "answers of b10011: 86.0 % → 79.5 % pass, -6.5 points [-11.2, -2.4], worse".clone_into(&mut view.summary);
    let difference = |value, low, high| PairedDifferenceView { value, low, high, confidence: 0.9857 };
    let all = QualityRow {
        category: None,
        n: 200,
        baseline_passed: 172,
        candidate_passed: 159,
        n_lost: 16,
        n_gained: 3,
        delta: 0.05,
        difference: Some(difference(-0.065, -0.1121, -0.0237)),
        p: Some(0.004_425),
        q: Some(0.012),
        verdict: ChangeVerdictView::Regression,
        more_prompts: None,
    };
    let kind =
        |name: &str, [n, a, b, lost, gained]: [u64; 5], [low, high, p]: [f64; 3], verdict| QualityRow {
            category: Some(name.to_owned()),
            n,
            baseline_passed: a,
            candidate_passed: b,
            n_lost: lost,
            n_gained: gained,
            difference: Some(difference((b as f64 - a as f64) / n as f64, low, high)),
            p: Some(p),
            q: Some(2.0 * p),
            verdict,
            more_prompts: (verdict == ChangeVerdictView::Inconclusive).then_some(340),
            ..all.clone()
        };
    view.contrasts[0].quality = Some(QualityChange {
        categories: vec![
            kind("classify", [60, 55, 45, 12, 2], [-0.298, -0.036, 0.0129], ChangeVerdictView::Regression),
            kind("summarize", [130, 110, 107, 4, 1], [-0.071, 0.019, 0.375], ChangeVerdictView::Inconclusive),
        ],
        all,
        too_few: vec![FewPairs { category: "translate".to_owned(), n: 4 }],
        categories_confidence: Some(0.975),
        lost: FlippedPrompts { n: 16, prompts: (0..12).map(|i| format!("as-classify-{i:02}")).collect() },
        gained: FlippedPrompts {
            n: 3,
            prompts: ["as-qa-07", "as-qa-11", "as-tools-02"].map(str::to_owned).to_vec(),
        },
        n_unpaired: 2,
        n_unstable: [0, 5],
    });
    view
}

/// A compliance report about answers: a share, a drop of each verdict, and one without its baseline.
pub(crate) fn accuracy() -> ComplianceView {
    let mut view = compliance_view();
    view.objectives = vec![
        share(),
        drop(
            "accuracy drop",
            "classify",
            ComplianceVerdict::Fail,
            [100, 95, 77, 20, 2],
            [0.0992, 0.18, 0.2661],
        ),
        drop(
            "accuracy drop (2)",
            "summarize",
            ComplianceVerdict::Inconclusive,
            [80, 70, 68, 3, 1],
            [-0.0301, 0.025, 0.0912],
        ),
        elsewhere(),
    ];
    view.exclusions.push(ExclusionView {
        rule: "ungraded".to_owned(),
        words: "its prompt has no grader that a program can apply".to_owned(),
        cell: "cell-a".to_owned(),
        n_requests: 55,
        n_launches: 0,
        reasons: Vec::new(),
    });
    view
}

fn share() -> ObjectiveView {
    let rejected = ViolationView {
        cause: "passed".to_owned(),
        label: "the grader does not accept the answer".to_owned(),
        n: 12,
    };
    ObjectiveView {
        name: "answers pass".to_owned(),
        line: 5,
        judges: JudgedView::Request,
        conditions: vec![ConditionView::Passed],
        demand: DemandView::Share { fraction: 0.8, confidence: 0.95 },
        selection: Vec::new(),
        verdict: ComplianceVerdict::Pass,
        judgements: vec![JudgementView {
            metrics: vec!["passed".to_owned()],
            violations: vec![rejected],
            allowed_ratio: 0.2,
            ..judgement("cell-a", ComplianceVerdict::Pass, 145, 12)
        }],
        baseline: None,
    }
}

fn drop(
    name: &str,
    category: &str,
    verdict: ComplianceVerdict,
    [n, before, now, lost, gained]: [u64; 5],
    [low, value, high]: [f64; 3],
) -> ObjectiveView {
    let is_open = verdict == ComplianceVerdict::Inconclusive;
    let flipped =
        |n: u64| FlippedPrompts { n, prompts: (0..n.min(3)).map(|i| format!("{category}-{i}")).collect() };
    let held = DropView {
        baseline: "20261101-090000-quality".to_owned(),
        plan_digest: DIGEST.to_owned(),
        journal_digest: DIGEST.replace('9', "a"),
        baseline_cell: "cell-a".to_owned(),
        n,
        baseline_passed: before,
        passed: now,
        fell: Some(DropBoundsView { value, low, high, confidence: 0.975 }),
        most: 0.05,
        more_prompts: is_open.then_some(1400),
        lost: flipped(lost),
        gained: flipped(gained),
        n_unpaired: 1,
        n_unstable: [0, 2],
    };
    let judged = JudgementView {
        why: is_open.then(|| "about 1400 more prompts like these would probably decide it".to_owned()),
        drop: Some(held),
        ..open("cell-a", verdict, n, n - now)
    };
    ObjectiveView {
        name: name.to_owned(),
        line: 12,
        judges: JudgedView::Request,
        conditions: vec![ConditionView::Passed],
        demand: DemandView::Drop { most: 0.05, confidence: 0.95 },
        selection: vec![SelectionView { by: "category".to_owned(), values: vec![category.to_owned()] }],
        verdict,
        judgements: vec![judged],
        baseline: Some("stable".to_owned()),
    }
}

fn elsewhere() -> ObjectiveView {
    let judged = JudgementView {
        why: Some("it is held against another campaign, and this was judged from one alone".to_owned()),
        ..open("cell-b", ComplianceVerdict::Inconclusive, 0, 0)
    };
    ObjectiveView {
        name: "accuracy drop (3)".to_owned(),
        selection: Vec::new(),
        verdict: ComplianceVerdict::Inconclusive,
        judgements: vec![judged],
        baseline: None,
        ..drop("", "", ComplianceVerdict::Inconclusive, [1, 1, 1, 0, 0], [0.0; 3])
    }
}

/// A judgement of pairs.
fn open(cell: &str, verdict: ComplianceVerdict, n: u64, n_violations: u64) -> JudgementView {
    JudgementView {
        metrics: vec!["passed".to_owned()],
        share: None,
        method: JudgementMethod::PairedScore,
        n_tolerated: None,
        power_ratio: None,
        runs_p: None,
        intraclass: None,
        ..judgement(cell, verdict, n, n_violations)
    }
}

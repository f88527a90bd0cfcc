//! A canary check, built by hand, that uses every field once.

use dyno_view::canary::{
    CANARY_SCHEMA_VERSION, CanaryBaselineView, CanaryChoice, CanaryCounts, CanaryFact, CanaryFork,
    CanaryGrades, CanaryKind, CanaryKl, CanaryRow, CanaryRuleView, CanarySubject, CanaryVerdict, CanaryView,
    TokensByView,
};
use dyno_view::report::{FactValue, Finding, FindingLevel};

const OLD: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const NEW: &str = "2222222222222222222222222222222222222222222222222222222222222222";

/// A new build that drifts beside one that differs in a tie.
pub(crate) fn canary() -> CanaryView {
    CanaryView {
        schema_version: CANARY_SCHEMA_VERSION,
        baseline: CanaryBaselineView {
            name: "stable".to_owned(),
            digest: OLD.to_owned(),
            recorded_at: Some("2026-11-21T04:30:00Z".to_owned()),
            campaign: "20261121-043000-canary".to_owned(),
            tool_version: "0.1.0".to_owned(),
            corpus: "canary".to_owned(),
            corpus_digest: NEW.to_owned(),
            sampling: "greedy, at most 96 tokens".to_owned(),
            n_prompts: 6,
        },
        campaign: "20261122-043000-canary".to_owned(),
        plan_digest: NEW.to_owned(),
        rule: CanaryRuleView {
            tie_margin_nats: 0.5,
            max_kl_nats: 0.01,
            max_unexplained_share: 0.25,
            max_disagreements_share: 0.05,
            max_gap_nats: 3.0,
            alpha: 0.05,
        },
        verdict: CanaryVerdict::Drift,
        summary: "1 of 2 say something else, 1 of 2 differ in ties only".to_owned(),
        subjects: vec![drifting(), near()],
        findings: vec![Finding {
            level: FindingLevel::Note,
            text: "tokens are compared by their texts".to_owned(),
        }],
        regenerate: "edgedyno canary check stable --campaign 20261122-043000-canary".to_owned(),
    }
}

fn drifting() -> CanarySubject {
    let fact = |label: &str, one: Option<&str>, two: Option<&str>| CanaryFact {
        label: label.to_owned(),
        baseline: one.map(|text| FactValue::Text(text.to_owned())),
        subject: two.map(|text| FactValue::Text(text.to_owned())),
    };
    CanarySubject {
        cell: "00000000000000aa".to_owned(),
        name: "pi5 · new-build · smollm2".to_owned(),
        verdict: CanaryVerdict::Drift,
        reasons: vec!["1 answer that the baseline has failed".to_owned(), "2 answers part".to_owned()],
        facts: vec![
            fact("Runtime", Some("old-build"), Some("new-build")),
            fact("Backend", None, Some("cpu avx2")),
            CanaryFact {
                label: "Model file".to_owned(),
                baseline: Some(FactValue::Digest(OLD.to_owned())),
                subject: Some(FactValue::Digest(OLD.to_owned())),
            },
        ],
        tokens_by: TokensByView::Piece,
        counts: CanaryCounts { same: 1, ties: 1, disagreements: 1, unexplained: 1, failed: 1, missing: 1 },
        mean_edit_ratio: Some(0.317),
        kl: Some(CanaryKl { n: 212, mean: 0.084_3, p99: 0.71, max: 2.31 }),
        perplexity: [Some(2.183), None],
        grades: Some(CanaryGrades {
            n: 4,
            baseline_passed: 3,
            subject_passed: 2,
            lost: 1,
            gained: 0,
            p: 1.0,
        }),
        rows: vec![
            lacking("ca-json-01", CanaryKind::Failed, Some("timeout")),
            parted("ca-copy-02", CanaryKind::Disagreement),
            by_text("ca-spell-03"),
            parted("ca-count-04", CanaryKind::Tie),
            lacking("ca-order-05", CanaryKind::Missing, None),
            same("ca-script-06"),
        ],
    }
}

fn near() -> CanarySubject {
    CanarySubject {
        cell: "00000000000000bb".to_owned(),
        name: "pi5 · old-build · smollm2".to_owned(),
        verdict: CanaryVerdict::Numeric,
        reasons: vec!["1 answer parts where two tokens were as likely".to_owned()],
        facts: Vec::new(),
        tokens_by: TokensByView::Id,
        counts: CanaryCounts { same: 5, ties: 1, ..CanaryCounts::default() },
        mean_edit_ratio: Some(0.042),
        kl: Some(CanaryKl { n: 301, mean: 0.000_032, p99: 0.000_4, max: 0.002_1 }),
        perplexity: [Some(2.183), Some(2.184)],
        grades: None,
        rows: vec![parted("ca-count-04", CanaryKind::Tie), same("ca-script-06")],
    }
}

fn same(prompt: &str) -> CanaryRow {
    CanaryRow {
        prompt: prompt.to_owned(),
        category: "script".to_owned(),
        kind: CanaryKind::Same,
        outcome: None,
        prefix_tokens: Some(43),
        prefix_chars: 120,
        n_tokens: [Some(43), Some(43)],
        edit_ratio: Some(0.0),
        edit_is_cut: false,
        mean_kl: Some(0.000_012),
        passed: [Some(true), Some(true)],
        fork: None,
    }
}

fn parted(prompt: &str, kind: CanaryKind) -> CanaryRow {
    let choice = |token: &str, p, gap_nats, gap_is_least, text: &str| CanaryChoice {
        token: Some(token.to_owned()),
        p: Some(p),
        is_end: false,
        gap_nats: Some(gap_nats),
        gap_is_least,
        text: text.to_owned(),
    };
    CanaryRow {
        kind,
        prefix_tokens: Some(17),
        prefix_chars: 61,
        edit_ratio: Some(0.423),
        mean_kl: Some(0.31),
        passed: [Some(true), Some(false)],
        fork: Some(CanaryFork {
            token_at: Some(17),
            before: "…one line and ".to_owned(),
            sides: [
                choice("cat", 0.913, 4.2, true, "cat, and no more"),
                choice("dog", 0.44, 0.012, false, "dog, and so on"),
            ],
        }),
        ..same(prompt)
    }
}

fn by_text(prompt: &str) -> CanaryRow {
    let choice = |text: &str, is_end| CanaryChoice {
        token: None,
        p: None,
        is_end,
        gap_nats: None,
        gap_is_least: false,
        text: text.to_owned(),
    };
    CanaryRow {
        kind: CanaryKind::Unexplained,
        prefix_tokens: None,
        prefix_chars: 8,
        n_tokens: [None, None],
        edit_ratio: Some(0.9),
        edit_is_cut: true,
        mean_kl: None,
        passed: [None, None],
        fork: Some(CanaryFork {
            token_at: None,
            before: "s-p-e-l-".to_owned(),
            sides: [choice("l", false), choice("", true)],
        }),
        ..same(prompt)
    }
}

fn lacking(prompt: &str, kind: CanaryKind, outcome: Option<&str>) -> CanaryRow {
    CanaryRow {
        kind,
        outcome: outcome.map(str::to_owned),
        prefix_tokens: None,
        prefix_chars: 0,
        n_tokens: [Some(12), None],
        edit_ratio: None,
        mean_kl: None,
        passed: [Some(true), None],
        ..same(prompt)
    }
}

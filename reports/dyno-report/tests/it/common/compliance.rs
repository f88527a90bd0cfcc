//! A compliance report, built by hand: each verdict once, in two cells.

use dyno_view::compliance::{
    BoundView, COMPLIANCE_SCHEMA_VERSION, ComplianceVerdict, ComplianceView, ConditionView, DemandView,
    EnvironmentView, EvidenceView, ExclusionView, JudgedCellView, JudgedView, JudgementMethod, JudgementView,
    LengthsView, MeasuringView, ObjectiveView, ProbeView, SelectionView, ShareBoundsView, SloView,
    ViolationView, ZoneView,
};
use dyno_view::energy::{EnergyHowView, EnergyScopeView, EnergySourceView};
use dyno_view::proof::StampsView;
use dyno_view::report::{
    CampaignView, ClockView, DeviceView, FactValue, FactView, Finding, FindingLevel, MethodView,
    OutcomeCount, UnitView,
};
use dyno_view::steady::{SteadyLaunchView, SteadyWord};

const DIGEST: &str = "3f2a9c01b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d";

/// The report behind the golden files.
pub(crate) fn compliance_view() -> ComplianceView {
    ComplianceView {
        schema_version: COMPLIANCE_SCHEMA_VERSION,
        campaign: campaign(),
        slo: SloView {
            name: "assistant".to_owned(),
            description: "An assistant that is waited for.".to_owned(),
            file: "sla.toml".to_owned(),
            digest: DIGEST.to_owned(),
        },
        verdict: ComplianceVerdict::Fail,
        objectives: vec![good_request(), answered(), load(), energy()],
        rules: vec!["Each request that was to be served counts once, whatever became of it.".to_owned()],
        cells: vec![cell("cell-a", "pi5-a"), cell("cell-b", "pi5-b")],
        devices: vec![device("pi5-a"), device("pi5-b")],
        exclusions: vec![ExclusionView {
            rule: "invalid-launch".to_owned(),
            words: "the guards of its launch found that its numbers may not be used".to_owned(),
            cell: "cell-b".to_owned(),
            n_requests: 40,
            n_launches: 1,
            reasons: vec!["the device was throttled".to_owned()],
        }],
        most_excluded_ratio: 0.02,
        findings: vec![Finding {
            level: FindingLevel::Warning,
            text: "pi5-b ran on its battery: many devices are slower then".to_owned(),
        }],
        limits: vec!["2 units were tested (pi5-a, pi5-b), each for itself.".to_owned()],
        methods: vec![MethodView {
            metric: "ttft_ns".to_owned(),
            label: "TTFT".to_owned(),
            formula: "arrival of the first token chunk − sent_at".to_owned(),
            formula_version: 1,
            undefined: "no token arrived".to_owned(),
            source: "AIPerf time_to_first_token".to_owned(),
        }],
        evidence: EvidenceView {
            plan_digest: DIGEST.to_owned(),
            journal_digest: DIGEST.replace('3', "4"),
            journal_bytes: 1_234_567,
            torn_bytes: 12,
            slo_digest: DIGEST.to_owned(),
            seed: 7,
            measured_by: "0.1.0".to_owned(),
            checked_by: "0.2.0".to_owned(),
            agent_builds: vec!["0.1.0-abcdef".to_owned()],
            regenerate: "edgedyno check 20261121-043000-quick --slo sla.toml --operator 'A. Meier'"
                .to_owned(),
        },
        operator: Some("A. Meier".to_owned()),
    }
}

fn campaign() -> CampaignView {
    CampaignView {
        id: "20261121-043000-quick".to_owned(),
        suite: "quick".to_owned(),
        description: "How fast does this device answer one user?".to_owned(),
        started_at: Some("2026-11-21T04:30:00Z".to_owned()),
        ended_at: Some("2026-11-21T04:33:12Z".to_owned()),
        tool_version: "0.1.0".to_owned(),
        plan_digest: DIGEST.to_owned(),
        corpus: "assistant, slice quick".to_owned(),
        corpus_digest: DIGEST.to_owned(),
        seed: 7,
        n_requests_planned: 400,
        n_requests_recorded: 400,
        complete: true,
        held: None,
        regenerate: "edgedyno report 20261121-043000-quick".to_owned(),
    }
}

fn limit(metric: &str, label: &str, unit: UnitView, bound: BoundView, limit: f64) -> ConditionView {
    let (metric, label) = (metric.to_owned(), label.to_owned());
    ConditionView::Limit { metric, label, formula_version: 1, unit, bound, limit }
}

pub(crate) fn judgement(cell: &str, verdict: ComplianceVerdict, n: u64, n_violations: u64) -> JudgementView {
    JudgementView {
        cell: cell.to_owned(),
        verdict,
        why: None,
        metrics: vec!["ttft_ns".to_owned()],
        n,
        n_violations,
        violations: Vec::new(),
        share: Some(ShareBoundsView {
            ratio: n_violations as f64 / n as f64,
            low: 0.0,
            high: 0.018_28,
            confidence: 0.975,
        }),
        allowed_ratio: 0.05,
        confidence: Some(0.975),
        n_shared: 2,
        method: JudgementMethod::ClopperPearson,
        more_needed: None,
        more_runs: None,
        n_runs: 5,
        largest_run_ratio: Some(0.2),
        intraclass: Some(0.0),
        runs_p: Some(0.62),
        n_effective: None,
        observed: None,
        would_pass: None,
        n_tolerated: Some(3),
        power_ratio: Some(0.0115),
        n_excluded: 0,
        excluded_ratio: 0.0,
        drop: None,
    }
}

fn good_request() -> ObjectiveView {
    let violation =
        |cause: &str, label: &str, n| ViolationView { cause: cause.to_owned(), label: label.to_owned(), n };
    let failing = JudgementView {
        violations: vec![
            violation("tpot_ns", "TPOT beyond its limit", 30),
            violation("timeout", "no answer within its time", 2),
        ],
        share: Some(ShareBoundsView { ratio: 0.16, low: 0.0934, high: 0.2591, confidence: 0.975 }),
        method: JudgementMethod::RunLevel,
        intraclass: Some(0.21),
        runs_p: Some(0.0031),
        n_effective: Some(71),
        n_tolerated: None,
        power_ratio: None,
        ..judgement("cell-b", ComplianceVerdict::Fail, 200, 32)
    };
    ObjectiveView {
        name: "good request".to_owned(),
        line: 6,
        judges: JudgedView::Request,
        conditions: vec![
            limit("ttft_ns", "TTFT", UnitView::Ns, BoundView::AtMost, 3e9),
            limit("tpot_ns", "TPOT", UnitView::Ns, BoundView::AtMost, 2e8),
        ],
        demand: DemandView::Share { fraction: 0.95, confidence: 0.95 },
        selection: vec![SelectionView {
            by: "category".to_owned(),
            values: vec!["chat".to_owned(), "code".to_owned()],
        }],
        verdict: ComplianceVerdict::Fail,
        judgements: vec![judgement("cell-a", ComplianceVerdict::Pass, 200, 0), failing],
        baseline: None,
    }
}

fn answered() -> ObjectiveView {
    let unsure = JudgementView {
        why: Some(
            "99 more requests would decide it, if all of them meet the conditions; measure with `--repetitions 8`"
                .to_owned(),
        ),
        metrics: Vec::new(),
        allowed_ratio: 0.01,
        more_needed: Some(99),
        n_tolerated: None,
        power_ratio: None,
        ..judgement("cell-a", ComplianceVerdict::Inconclusive, 200, 0)
    };
    ObjectiveView {
        name: "answered".to_owned(),
        line: 13,
        judges: JudgedView::Request,
        conditions: vec![ConditionView::Answered],
        demand: DemandView::Share { fraction: 0.99, confidence: 0.95 },
        selection: Vec::new(),
        verdict: ComplianceVerdict::Inconclusive,
        judgements: vec![unsure],
        baseline: None,
    }
}

fn load() -> ObjectiveView {
    let counted = JudgementView {
        metrics: vec!["load_ns".to_owned()],
        share: Some(ShareBoundsView { ratio: 0.0, low: 0.0, high: 0.450_72, confidence: 0.95 }),
        allowed_ratio: 0.0,
        confidence: None,
        method: JudgementMethod::Count,
        intraclass: None,
        runs_p: None,
        observed: None,
        n_tolerated: Some(0),
        power_ratio: None,
        ..judgement("cell-a", ComplianceVerdict::Pass, 5, 0)
    };
    ObjectiveView {
        name: "load".to_owned(),
        line: 18,
        judges: JudgedView::Launch,
        conditions: vec![limit("load_ns", "Load time", UnitView::Ns, BoundView::AtMost, 5.25e9)],
        demand: DemandView::Every,
        selection: Vec::new(),
        verdict: ComplianceVerdict::Pass,
        judgements: vec![counted],
        baseline: None,
    }
}

fn energy() -> ObjectiveView {
    let invalid = JudgementView {
        why: Some("1 of 5 launches are left out, and more than 2 % make a report invalid".to_owned()),
        metrics: vec!["j_per_request".to_owned()],
        // 1 − 0.025^(1/4): with four launches not even none is few enough.
        share: Some(ShareBoundsView { ratio: 0.0, low: 0.0, high: 0.602_36, confidence: 0.975 }),
        allowed_ratio: 0.5,
        n_runs: 4,
        largest_run_ratio: Some(0.25),
        intraclass: None,
        runs_p: None,
        observed: Some(2.31),
        n_tolerated: None,
        power_ratio: None,
        n_excluded: 1,
        excluded_ratio: 0.2,
        ..judgement("cell-b", ComplianceVerdict::Invalid, 4, 0)
    };
    ObjectiveView {
        name: "energy".to_owned(),
        line: 22,
        judges: JudgedView::Launch,
        conditions: vec![limit(
            "j_per_request",
            "Energy per request",
            UnitView::Joules,
            BoundView::AtMost,
            3.0,
        )],
        demand: DemandView::Share { fraction: 0.5, confidence: 0.95 },
        selection: Vec::new(),
        verdict: ComplianceVerdict::Invalid,
        judgements: vec![invalid],
        baseline: None,
    }
}

fn fact(label: &str, value: Option<FactValue>) -> FactView {
    FactView { label: label.to_owned(), value }
}

fn device(id: &str) -> DeviceView {
    DeviceView {
        id: id.to_owned(),
        transport: format!("ssh {id} (ssh2)"),
        clock: Some(ClockView {
            wall_offset_ns: 3_213_456_789,
            err_ns: 401_000,
            n_comparisons: 4,
            drift: None,
        }),
        facts: vec![
            fact("CPU", Some(FactValue::Text("Arm Cortex-A76".to_owned()))),
            fact("RAM", Some(FactValue::Bytes(8_254_390_272))),
            fact("Governor", None),
        ],
    }
}

fn cell(id: &str, device: &str) -> JudgedCellView {
    let lengths = |min, p50, p95, max| LengthsView {
        n: 198,
        n_unknown: 2,
        min: Some(min),
        p50: Some(p50),
        p95: Some(p95),
        max: Some(max),
    };
    let count = |outcome: &str, n, example: Option<&str>| OutcomeCount {
        outcome: outcome.to_owned(),
        n,
        example: example.map(str::to_owned),
        statuses: Vec::new(),
        retry_after: None,
    };
    JudgedCellView {
        id: id.to_owned(),
        device: device.to_owned(),
        runtime: "embedded".to_owned(),
        model: "smollm2-135m-instruct".to_owned(),
        model_marks: Vec::new(),
        load: "single user".to_owned(),
        origin: "from when it was sent".to_owned(),
        start: Some("C1 storage-cold".to_owned()),
        context_tokens: 2048,
        threads: Some(4),
        arm: None,
        facts: vec![fact("Model file", Some(FactValue::Digest(DIGEST.to_owned())))],
        sampling: vec![fact("Longest answer", Some(FactValue::Text("64 tokens".to_owned())))],
        outcomes: vec![count("ok", 198, None), count("timeout", 2, Some("no answer within 60000 ms"))],
        n_unsent: 0,
        n_runs: 5,
        n_launches: 5,
        n_sessions: 1,
        started_at: Some("2026-11-21T04:30:00Z".to_owned()),
        ended_at: Some("2026-11-21T04:33:12Z".to_owned()),
        isl: lengths(12, 48, 160, 210),
        osl: lengths(1, 60, 64, 64),
        environment: environment(),
        measuring: measuring(),
        steady: vec![SteadyLaunchView {
            run: 0,
            launch: 1,
            n: 40,
            class: SteadyWord::WarmUp,
            segments: Vec::new(),
            steady: Some([4, 40]),
        }],
    }
}

fn environment() -> EnvironmentView {
    EnvironmentView {
        ambient_mdegc: Some(21_500),
        zones: vec![ZoneView {
            site: "cpu-thermal".to_owned(),
            first_mdegc: 44_000,
            last_mdegc: 61_200,
            max_mdegc: 63_900,
        }],
        throttling: vec!["throttle firmware: flags 0x20000, in 1 launch".to_owned()],
        n_throttle_channels: 2,
        n_slowed_launches: 1,
        battery: Some("83 %, Discharging".to_owned()),
        charge_ratio: Some([0.83, 0.79]),
        others_cpu_ratio: Some(0.0123),
        steal_ratio: None,
        settings: vec![fact(
            "governor (policy0)",
            Some(FactValue::Text("performance, as asked and read back".to_owned())),
        )],
        network: None,
    }
}

fn measuring() -> MeasuringView {
    MeasuringView {
        stamps: Some(StampsView::Calibrated {
            ttft_ns: Some(81_000.0),
            gap_ns: Some(12_000.0),
            n_launches: 5,
            of: 5,
            paths: vec!["engine process".to_owned()],
        }),
        probes: vec![ProbeView {
            driver: "thermal".to_owned(),
            quantity: "temp_mdegc".to_owned(),
            class: "C".to_owned(),
            period_ms: 1000,
            n_sites: 2,
        }],
        energy: Some(EnergySourceView {
            name: "VDD_IN".to_owned(),
            driver: "hwmon".to_owned(),
            class: "C".to_owned(),
            scope: EnergyScopeView::Board,
            how: EnergyHowView::Samples,
            update_ns: 100_000_000,
            gain_ratio: 0.02,
            offset_w: 0.05,
            step_w: 0.001,
            tested: None,
            caveat: Some("without the carrier board".to_owned()),
        }),
        own_cost: vec![fact("Agent CPU time", Some(FactValue::Ns(412_000_000)))],
        aa_calibration_digest: Some(DIGEST.to_owned()),
    }
}

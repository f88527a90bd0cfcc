//! A recommendation, built by hand: two devices that cannot be told apart, one that is dearer, one that misses, one
//! that nobody held under load, and one that nothing is known of.

mod charts;

use dyno_view::comparison::WorkView;
use dyno_view::compliance::{BoundView, ComplianceVerdict, ConditionView, DemandView};
use dyno_view::energy::EnergyScopeView;
use dyno_view::load::{ShareIntervalView, VerdictView};
use dyno_view::recommend::{
    AdviceView, AdviceWord, AmountUnit, AmountView, AssumptionOrigin, AssumptionView, BuyerObjectiveView,
    CapacityFrom, CellRole, CloudView, CloudWord, EndResultView, EnergyRuleView, FlipOf, FlipView,
    FormulaView, HybridCategoryView, HybridView, LeftOutView, ObjectiveResultView, OptionCellView,
    OptionEnergyView, OptionMoneyView, OptionRatesView, OptionView, PredictionView, PredictionsView,
    PublishedView, RECOMMENDATION_SCHEMA_VERSION, RecommendSloView, RecommendSourceView, Recommendation,
    Standing,
};
use dyno_view::report::{Finding, FindingLevel, UnitView};

fn amount(unit: AmountUnit, value: f64, interval: Option<[f64; 2]>, n: u64) -> AmountView {
    AmountView { unit, value: Some(value), interval, n, why: None }
}

fn exact(unit: AmountUnit, value: f64) -> AmountView {
    amount(unit, value, None, 0)
}

fn none(unit: AmountUnit, why: &str) -> AmountView {
    AmountView { unit, value: None, interval: None, n: 0, why: Some(why.to_owned()) }
}

const DIGEST: &str = "3f2a9c01b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d";
const NOT_SHOWN: &str = "sustained not shown: no load went on";

/// What tells the devices of this shelf from each other.
struct Device {
    name: &'static str,
    standing: Standing,
    /// Sustained output rate.
    rate: f64,
    ttft_ms: f64,
    price: Option<f64>,
    per_million: Option<f64>,
    joules: Option<f64>,
    n_violations: u64,
}

fn option(of: &Device) -> OptionView {
    let is_shown = of.rate > 0.0;
    let rate = |factor: f64, n| {
        if is_shown {
            amount(
                AmountUnit::TokensPerSecond,
                of.rate * factor,
                Some([of.rate * factor * 0.97, of.rate * factor * 1.03]),
                n,
            )
        } else {
            none(AmountUnit::TokensPerSecond, NOT_SHOWN)
        }
    };
    let misses = of.standing == Standing::Misses;
    let reasons: &[&str] = match of.standing {
        Standing::SustainedNotShown => &[NOT_SHOWN],
        Standing::NotMeasured => &["no launch may be used"],
        _ => &[],
    };
    let measured = of.standing != Standing::NotMeasured;
    OptionView {
        name: of.name.to_owned(),
        device: of.name.to_owned(),
        runtime: "embedded".to_owned(),
        threads: None,
        cells: vec![OptionCellView {
            campaign: "20261121-043000-soak".to_owned(),
            cell: format!("cell-{}", of.name),
            role: if is_shown { CellRole::Long } else { CellRole::Short },
            load: "single user".to_owned(),
        }],
        marks: if of.name == "vm" { vec!["virtual machine (KVM)".to_owned()] } else { Vec::new() },
        standing: of.standing.clone(),
        reasons: reasons.iter().map(|text| (*text).to_owned()).collect(),
        objectives: if measured { objectives(of, misses) } else { Vec::new() },
        at_end: if is_shown {
            vec![at_end("ttft p95", misses), at_end("tpot p95", false)]
        } else {
            Vec::new()
        },
        rates: OptionRatesView {
            sustained: rate(1.0, 120),
            decode: rate(1.05, 120),
            peak: rate(1.4, 12),
            ratio: if is_shown {
                amount(AmountUnit::Ratio, 0.75, Some([0.72, 0.78]), 132)
            } else {
                none(AmountUnit::Ratio, NOT_SHOWN)
            },
            service: if is_shown {
                amount(AmountUnit::Ns, 48e9 / of.rate, Some([46e9 / of.rate, 50e9 / of.rate]), 120)
            } else {
                none(AmountUnit::Ns, "not measured")
            },
            isl: exact(AmountUnit::Tokens, 60.0),
            osl: exact(AmountUnit::Tokens, 48.0),
        },
        energy: of.joules.map(|joules| OptionEnergyView {
            class: "A".to_owned(),
            scope: EnergyScopeView::Device,
            source: "supply".to_owned(),
            j_per_token: amount(
                AmountUnit::JoulesPerToken,
                joules,
                Some([joules * 0.98, joules * 1.02]),
                480,
            ),
            idle: amount(AmountUnit::Watts, 3.1, Some([3.04, 3.16]), 1),
            tokens_per_charge: None,
        }),
        money: money(of),
        hybrid: measured.then(|| hybrid(of.n_violations)),
        published: published(of, &rate),
    }
}

fn objectives(of: &Device, misses: bool) -> Vec<ObjectiveResultView> {
    let result = |name: &str, metric: &str, ms: f64, n_violations, verdict| ObjectiveResultView {
        name: name.to_owned(),
        metric: Some(metric.to_owned()),
        figure: Some(amount(AmountUnit::Ns, ms * 1e6, Some([ms * 0.96e6, ms * 1.05e6]), 480)),
        n: 480,
        n_violations,
        verdict,
        why: None,
        more_needed: None,
        more_runs: None,
    };
    let ttft = if misses { ComplianceVerdict::Fail } else { ComplianceVerdict::Pass };
    vec![
        result("ttft p95", "ttft_ns", of.ttft_ms, of.n_violations, ttft),
        result("tpot p95", "tpot_ns", 62.0, 0, ComplianceVerdict::Pass),
    ]
}

fn at_end(name: &str, misses: bool) -> EndResultView {
    let verdict = if misses { VerdictView::Fail } else { VerdictView::Pass };
    EndResultView { name: name.to_owned(), n: 120, n_violations: if misses { 31 } else { 0 }, verdict }
}

fn money(of: &Device) -> OptionMoneyView {
    let why = "no cost of a device that is not shown to meet the service level";
    let figure = |unit, value: f64| match of.per_million {
        Some(_) => amount(unit, value, Some([value * 0.96, value * 1.05]), 0),
        None => none(unit, why),
    };
    let per_million = of.per_million.unwrap_or(0.0);
    OptionMoneyView {
        price: of.price.map_or_else(
            || none(AmountUnit::Eur, "no price (`--price DEVICE=EUR`)"),
            |eur| exact(AmountUnit::Eur, eur),
        ),
        capacity: figure(AmountUnit::RequestsPerSecond, 0.7 * of.rate / 48.0),
        capacity_from: if of.per_million.is_some() {
            CapacityFrom::ServiceTime
        } else {
            CapacityFrom::Unknown
        },
        devices: Some(match of.per_million {
            Some(_) => amount(AmountUnit::Devices, 2.0, Some([2.0, 3.0]), 0),
            None => none(AmountUnit::Devices, why),
        }),
        at_work: figure(AmountUnit::Ratio, 0.42),
        tokens: figure(AmountUnit::Tokens, 421_000_000.0),
        tco: figure(AmountUnit::Eur, per_million * 421.0),
        tco_energy: figure(AmountUnit::Eur, 31.4),
        per_million: figure(AmountUnit::EurPerMillionTokens, per_million),
        per_million_with_energy: None,
        cloud: of.per_million.map(|_| CloudView {
            per_million: exact(AmountUnit::EurPerMillionTokens, 0.79),
            break_even: amount(AmountUnit::RequestsPerDay, 2_620.0, Some([2_590.0, 2_655.0]), 0),
            most: amount(AmountUnit::RequestsPerDay, 25_000.0, Some([24_100.0, 25_900.0]), 0),
            years: none(AmountUnit::Years, "its energy alone costs as much as the cloud"),
            word: if of.name == "pi5" { CloudWord::Reached } else { CloudWord::BeyondCapacity },
            has_energy: true,
        }),
    }
}

fn hybrid(n: u64) -> HybridView {
    let share = |n: u64, of: u64, low, high| ShareIntervalView { n, of, low, high };
    let category = |category: &str, share| HybridCategoryView { category: category.to_owned(), share };
    HybridView {
        all: share(n, 480, 0.0, 0.0077 + n as f64 / 480.0),
        categories: vec![
            category("chat", share(0, 240, 0.0, 0.0153)),
            category("summary", share(n, 240, 0.0, 0.0153 + n as f64 / 240.0)),
        ],
    }
}

fn published(of: &Device, rate: &dyn Fn(f64, u64) -> AmountView) -> PublishedView {
    let is_shown = of.rate > 0.0;
    PublishedView {
        first: rate(1.4, 12),
        sustained: rate(1.05, 120),
        throttle: if is_shown {
            amount(AmountUnit::Ratio, 0.25, Some([0.22, 0.28]), 132)
        } else {
            none(AmountUnit::Ratio, NOT_SHOWN)
        },
        decode: match of.standing {
            Standing::NotMeasured => none(AmountUnit::TokensPerSecond, "not measured"),
            _ => amount(AmountUnit::TokensPerSecond, 17.2, Some([17.0, 17.5]), 480),
        },
        ttft: match of.standing {
            Standing::NotMeasured => none(AmountUnit::Ns, "not measured"),
            _ => amount(
                AmountUnit::Ns,
                of.ttft_ms * 0.8e6,
                Some([of.ttft_ms * 0.78e6, of.ttft_ms * 0.83e6]),
                480,
            ),
        },
        memory: match of.standing {
            Standing::NotMeasured => none(AmountUnit::Bytes, "not measured"),
            _ => exact(AmountUnit::Bytes, 412.0 * 1_048_576.0),
        },
    }
}

/// The shelf.
fn devices() -> [Device; 6] {
    let ranked = |rank, tied: &[u32]| Standing::Ranked { rank, tied: tied.to_vec() };
    let device = |name, standing, rate, ttft_ms, price, per_million| Device {
        name,
        standing,
        rate,
        ttft_ms,
        price,
        per_million,
        joules: per_million.map(|_| 0.41),
        n_violations: 0,
    };
    [
        device("pi5", ranked(1, &[1]), 19.5, 640.0, Some(92.0), Some(0.292)),
        device("orin-nano", ranked(1, &[0]), 41.0, 210.0, Some(289.0), Some(0.301)),
        device("minipc", ranked(3, &[]), 33.0, 320.0, Some(420.0), Some(0.52)),
        device("phone", Standing::SustainedNotShown, 0.0, 410.0, Some(380.0), None),
        Device { n_violations: 88, ..device("pi4", Standing::Misses, 6.1, 1_840.0, Some(60.0), None) },
        device("vm", Standing::NotMeasured, 0.0, 0.0, None, None),
    ]
}

fn flips() -> Vec<FlipView> {
    let flip = |of, from, to: Option<f64>, winner| FlipView { of, from, to, winner };
    vec![
        flip(FlipOf::EnergyPrice, 0.3, Some(0.412), Some(1)),
        flip(FlipOf::Utilisation, 0.2, Some(0.231), Some(1)),
        flip(FlipOf::Years, 3.0, None, None),
        flip(FlipOf::Price { option: 0 }, 92.0, Some(95.71), Some(1)),
        flip(FlipOf::Price { option: 1 }, 289.0, Some(285.2), Some(1)),
    ]
}

fn predictions() -> PredictionsView {
    let left = |name: &str, mbu: f64, measured: f64, predicted: f64| {
        let error = Some(predicted / measured - 1.0);
        LeftOutView { name: name.to_owned(), mbu, measured, predicted: Some(predicted), error }
    };
    PredictionsView {
        runtime: Some("embedded".to_owned()),
        boards: vec![PredictionView {
            board: "apple-m2".to_owned(),
            title: "Apple M2".to_owned(),
            price: exact(AmountUnit::Eur, 699.0),
            bandwidth: AmountView {
                why: Some("LPDDR5-6400 × 128 bit (worked out from the memory's clock and width)".to_owned()),
                ..exact(AmountUnit::BytesPerSecond, 102.4e9)
            },
            decode: AmountView {
                why: Some("prediction, not sustained".to_owned()),
                ..amount(AmountUnit::TokensPerSecond, 118.0, Some([71.0, 196.0]), 3)
            },
            ceiling: exact(AmountUnit::TokensPerSecond, 236.0),
            tpot: Some(VerdictView::Pass),
        }],
        left_out: vec![
            left("pi5", 0.48, 19.0, 21.4),
            left("orin-nano", 0.55, 42.0, 37.0),
            left("minipc", 0.50, 35.0, 36.0),
        ],
        mean_error: Some(0.0914),
        why: None,
        unused: vec!["vm: virtual machine (KVM): its rate is not that of a device of its kind".to_owned()],
    }
}

fn slo() -> RecommendSloView {
    let objective = |name: &str, metric: &str, label: &str, limit: f64| BuyerObjectiveView {
        name: name.to_owned(),
        conditions: vec![ConditionView::Limit {
            metric: metric.to_owned(),
            label: label.to_owned(),
            formula_version: 1,
            unit: UnitView::Ns,
            bound: BoundView::AtMost,
            limit,
        }],
        demand: DemandView::Share { fraction: 0.95, confidence: 0.95 },
    };
    RecommendSloView {
        name: "interactive".to_owned(),
        description: "A chat that feels immediate.".to_owned(),
        objectives: vec![
            objective("ttft p95", "ttft_ns", "TTFT", 1e9),
            objective("tpot p95", "tpot_ns", "TPOT", 1e8),
        ],
    }
}

/// The recommendation behind the golden files.
pub(crate) fn recommendation() -> Recommendation {
    let assumption = |label: &str, amount, origin, note: &str| AssumptionView {
        label: label.to_owned(),
        amount,
        origin,
        note: note.to_owned(),
    };
    Recommendation {
        schema_version: RECOMMENDATION_SCHEMA_VERSION,
        tool_version: "0.1.0".to_owned(),
        advice: AdviceView { word: AdviceWord::Buy, first: vec![0, 1] },
        slo: slo(),
        model: "smollm2-135m-instruct".to_owned(),
        work: Some(WorkView {
            model_digest: Some(DIGEST.to_owned()),
            load: "single user".to_owned(),
            context_tokens: 2048,
            n_prompts: 12,
            max_tokens: Some(48),
            start: None,
        }),
        options: devices().iter().map(option).collect(),
        energy: EnergyRuleView {
            is_ranked: true,
            is_idle_ranked: true,
            why: "the ranked cost holds the energy at work and at rest".to_owned(),
        },
        flips: flips(),
        predictions: Some(predictions()),
        charts: vec![charts::costs(), charts::prices()],
        findings: vec![
            Finding { level: FindingLevel::Warning, text: "vm (virtual machine (KVM)) is no machine of its own: figures are not those of a device that can be bought".to_owned() },
            Finding { level: FindingLevel::Note, text: "one unit of each device was measured: how units differ is in no interval".to_owned() },
        ],
        assumptions: vec![
            assumption("Price of pi5", exact(AmountUnit::Eur, 92.0), AssumptionOrigin::Plan, ""),
            assumption("Price of energy", exact(AmountUnit::EurPerKwh, 0.3), AssumptionOrigin::Given, "without it no energy is in any cost (`--kwh`)"),
            assumption("Years of use", exact(AmountUnit::Years, 3.0), AssumptionOrigin::Default, "`--years`"),
            assumption("Cloud, a million tokens of answers", none(AmountUnit::EurPerMillionTokens, "not given"), AssumptionOrigin::NotGiven, ""),
        ],
        formulas: vec![FormulaView {
            label: "Devices".to_owned(),
            formula: "⌈users × requests an hour / 3600 / capacity⌉".to_owned(),
            note: "one at least".to_owned(),
        }],
        sources: vec![RecommendSourceView {
            campaign: "20261121-043000-soak".to_owned(),
            suite: "soak".to_owned(),
            started_at: Some("2026-11-21T04:30:00Z".to_owned()),
            tool_version: "0.1.0".to_owned(),
            plan_digest: DIGEST.to_owned(),
            corpus: "assistant, slice quick".to_owned(),
            corpus_digest: DIGEST.to_owned(),
        }],
        regenerate: "edgedyno recommend 20261121-043000-soak --slo interactive --users 40 --requests-per-user-hour 12 --kwh 0.3".to_owned(),
    }
}

//! Figures of a report against values computed by hand.

use std::fs;
use std::path::Path;

use dyno_model::metric::{METRICS, Shown};
use dyno_model::outcome::Outcome;
use dyno_model::request::ChunkKind;
use dyno_store::Campaign;
use dyno_view::report::{MetricView, QuantileFigure, Report};
use tempfile::tempdir;

use super::sample::{Asked, End, WALL, campaign, campaign_named, launch, ok};
use crate::{report, requests_csv};

fn metric<'a>(report: &'a Report, id: &str) -> &'a MetricView {
    report.cells[0].metrics.iter().find(|metric| metric.metric == id).expect("every metric is there")
}

/// All observations that a metric's smallest and largest show, with n and undefined.
fn range(report: &Report, id: &str) -> (u64, u64, Option<f64>, Option<f64>) {
    let metric = metric(report, id);
    (metric.n, metric.n_undefined, metric.min, metric.max)
}

/// Run 0: a role chunk first, then tokens at 300, 350, 420, 450 ns (OSL 4); one token only (OSL 1); no token at all.
fn golden() -> Vec<Asked> {
    let mut first = ok(0, 10_000, &[300, 350, 420, 450], 12);
    first.chunks.insert(0, (ChunkKind::Role, 100, 0));
    // An empty chunk behind the last token ends nothing.
    first.chunks.push((ChunkKind::Content, 800, 0));
    let second = ok(1, 11_000, &[250], 6);
    let third = Asked { chunks: vec![(ChunkKind::Role, 90, 0)], ..ok(2, 12_000, &[], 7) };
    vec![first, second, third]
}

#[test]
fn latencies_are_exact_to_the_nanosecond() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path(), 1, &[launch(0, 1, 9000, &golden(), &End::Valid)]);
    let report = report(&campaign).expect("a good record");
    // TTFT: 300 (not the role chunk's 100) and 250; the third has none.
    assert_eq!(range(&report, "ttft_ns"), (2, 1, Some(250.0), Some(300.0)));
    // E2E: 450 (not the empty chunk's 800) and 250.
    assert_eq!(range(&report, "e2e_ns"), (2, 1, Some(250.0), Some(450.0)));
    // TPOT: (450 − 300) / (4 − 1) = 50; one token has none.
    assert_eq!(range(&report, "tpot_ns"), (1, 2, Some(50.0), Some(50.0)));
    assert_eq!(range(&report, "decode_tokens_per_s"), (1, 2, Some(2e7), Some(2e7)));
    // Prefill: 6 tokens in 250 ns, 12 in 300.
    assert_eq!(range(&report, "prefill_tokens_per_s"), (2, 1, Some(2.4e7), Some(4e7)));
    // Gaps 50, 70, 30.
    assert_eq!(range(&report, "chunk_gap_ns"), (3, 2, Some(30.0), Some(70.0)));
    // Spawned at 9010, ready at 9060, first token at 10,300.
    assert_eq!(range(&report, "load_ns"), (1, 0, Some(50.0), Some(50.0)));
    assert_eq!(range(&report, "first_inference_ns"), (1, 0, Some(1240.0), Some(1240.0)));
    assert_eq!(range(&report, "peak_rss_bytes"), (1, 0, Some(9000.0), Some(9000.0)));
    assert_eq!(range(&report, "isl_tokens"), (3, 0, Some(6.0), Some(12.0)));
    assert_eq!(range(&report, "osl_tokens"), (3, 0, Some(0.0), Some(4.0)));
}

#[test]
fn system_rates_are_a_sum_over_a_sum() {
    let dir = tempdir().expect("a folder");
    let launches = [
        launch(0, 1, 9000, &golden(), &End::Valid),
        launch(1, 1, 20_000, &[ok(0, 21_000, &[300, 400], 10)], &End::Valid),
    ];
    let report = report(&campaign(dir.path(), 2, &launches)).expect("a good record");
    // T: 10,000 to 11,250 and 21,000 to 21,400 = 1650 ns; OSL 4 + 1 + 0 + 2; ISL 12 + 6 + 7 + 10.
    let values: Vec<Option<f64>> = report.cells[0].throughput.iter().map(|figure| figure.value).collect();
    assert_eq!(values, [Some(7e9 / 1650.0), Some(42e9 / 1650.0), Some(4e9 / 1650.0)]);
}

#[test]
fn every_metric_of_the_catalogue_is_reported_and_explained() {
    let dir = tempdir().expect("a folder");
    let report = report(&campaign(dir.path(), 1, &[])).expect("an empty record");
    let shown = METRICS.iter().filter(|metric| metric.shown == Shown::Always);
    let ids: Vec<&str> = shown.map(|metric| metric.id).collect();
    let found: Vec<&str> = report.cells[0].metrics.iter().map(|metric| metric.metric.as_str()).collect();
    assert_eq!(found, ids);
    assert_eq!(report.methods.len(), METRICS.len());
    assert!(report.cells[0].metrics.iter().all(|metric| metric.n == 0 && metric.min.is_none()));
    assert_eq!(report.campaign.started_at, None);
    assert!(report.cells[0].charts.is_empty() && report.cells[0].answers.is_empty());
}

#[test]
fn percentiles_have_intervals_from_the_minimum_number_on() {
    let dir = tempdir().expect("a folder");
    // Twelve runs of three requests: TTFT 1 to 36 in some order.
    let launches: Vec<_> = (0..12_u64)
        .map(|run| {
            let start = 10_000 * (run + 1);
            let asked: Vec<Asked> = (0..3_u64)
                .map(|i| {
                    let ttft = 1 + (run * 3 + i) * 5 % 36;
                    ok(i as u32, start + 100 + 100 * i, &[ttft, ttft + 10], 5)
                })
                .collect();
            launch(run as u32, 1, start, &asked, &End::Valid)
        })
        .collect();
    let report = report(&campaign(dir.path(), 12, &launches)).expect("a good record");
    let ttft = metric(&report, "ttft_ns");
    assert_eq!((ttft.n, ttft.min, ttft.max), (36, Some(1.0), Some(36.0)));
    // p50 of 36: rank 18. P(B ≤ 11) = 0.0144 and P(B ≤ 12) = 0.0326 for Bin(36, ½), so ranks 12 and 36 + 1 − 12.
    let p50 = QuantileFigure::Estimate { value: 18.0, low: 12.0, high: 25.0, low_rank: 12, high_rank: 25 };
    assert_eq!(ttft.quantiles[0].figure, p50);
    // 36 is the smallest n with an interval for p90; its upper bound is the largest observation. P(B ≤ 28) = 0.0235
    // and P(B ≤ 29) = 0.0628 for Bin(36, 0.9), so the lower rank is 29. (Sums of exact fractions, as for p50.)
    let p90 = QuantileFigure::Estimate { value: 33.0, low: 29.0, high: 36.0, low_rank: 29, high_rank: 36 };
    assert_eq!(ttft.quantiles[1].figure, p90);
    assert_eq!(ttft.quantiles[2].figure, QuantileFigure::TooFew { n: 36, needed: 72 });
    assert_eq!(ttft.quantiles[3].figure, QuantileFigure::TooFew { n: 36, needed: 368 });
    let load = metric(&report, "load_ns");
    assert!(matches!(load.quantiles[0].figure, QuantileFigure::Estimate { .. }), "12 launches are 6 or more");
}

#[test]
fn failed_requests_count_as_outcomes_and_not_as_latencies() {
    let dir = tempdir().expect("a folder");
    let slow = Asked { outcome: Outcome::Timeout { limit_ms: 9 }, ..ok(1, 12_000, &[5000, 6000], 6) };
    let asked = [ok(0, 10_000, &[300, 400], 12), slow, ok(2, 30_000, &[200, 260], 12)];
    let report =
        report(&campaign(dir.path(), 1, &[launch(0, 1, 9000, &asked, &End::Valid)])).expect("a good record");
    assert_eq!(range(&report, "ttft_ns"), (2, 0, Some(200.0), Some(300.0)));
    let outcomes: Vec<(&str, u64)> =
        report.cells[0].outcomes.iter().map(|of| (of.outcome.as_str(), of.n)).collect();
    assert_eq!(outcomes, [("ok", 2), ("timeout", 1)]);
    assert_eq!(report.cells[0].outcomes[1].example.as_deref(), Some("no answer within 9 ms"));
    assert!(report.campaign.complete, "a failure was measured");
}

#[test]
fn numbers_of_an_invalid_launch_are_in_no_figure() {
    let dir = tempdir().expect("a folder");
    let launches = [
        launch(0, 1, 9000, &[ok(0, 10_000, &[300, 400], 12)], &End::Valid),
        launch(1, 1, 20_000, &[ok(0, 21_000, &[999, 9999], 12)], &End::Invalid("the device slept 7 ms")),
    ];
    let report = report(&campaign(dir.path(), 2, &launches)).expect("a good record");
    assert_eq!(range(&report, "ttft_ns"), (1, 0, Some(300.0), Some(300.0)));
    assert_eq!(range(&report, "load_ns").0, 1);
    assert_eq!(report.cells[0].throughput[0].value, Some(2e9 / 400.0));
    let shown = &report.cells[0].launches[1];
    assert_eq!((shown.tpot_p50_ns, shown.n_requests), (Some(9000.0), 1));
    assert_eq!(shown.invalid, ["the device slept 7 ms"]);
    assert_eq!(report.findings[0].text, "run 1 is invalid and in no figure: the device slept 7 ms");
}

#[test]
fn an_interrupted_and_resumed_run_counts_each_request_once() {
    let dir = tempdir().expect("a folder");
    let cancelled = Asked { outcome: Outcome::Cancelled, ..ok(1, 11_000, &[50], 6) };
    let launches = [
        launch(0, 1, 9000, &[ok(0, 10_000, &[300, 400], 12), cancelled], &End::CutOff),
        launch(0, 2, 20_000, &[ok(1, 21_000, &[310, 410], 6), ok(2, 22_000, &[320, 420], 7)], &End::Valid),
    ];
    let report = report(&campaign(dir.path(), 1, &launches)).expect("a good record");
    assert_eq!(range(&report, "ttft_ns"), (3, 0, Some(300.0), Some(320.0)));
    assert_eq!((report.campaign.n_requests_recorded, report.campaign.complete), (3, true));
    let launches: Vec<_> = report.cells[0].launches.iter().map(|of| (of.launch, of.n_requests)).collect();
    assert_eq!(launches, [(1, 1), (2, 2)]);
    assert_eq!(report.cells[0].launches[0].outcome, "interrupted");
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path(), 1, &[launch(0, 1, 9000, &golden(), &End::Valid)]);
    let first = serde_json::to_vec(&report(&campaign).expect("a good record")).expect("plain data");
    fs::remove_dir_all(campaign.tables_dir()).expect("tables were made");
    let second = serde_json::to_vec(&report(&campaign).expect("a good record")).expect("plain data");
    assert!(first == second);
}

#[test]
fn provenance_is_in_the_report() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path(), 1, &[launch(0, 1, 9000, &golden(), &End::Valid)]);
    let report = report(&campaign).expect("a good record");
    let view = &report.campaign;
    assert_eq!(view.plan_digest, campaign.plan_digest().as_str());
    assert_eq!(view.regenerate, "edgedyno report c-1");
    assert_eq!(view.started_at.as_deref(), Some("2026-11-21T04:30:00Z"));
    assert_eq!(view.corpus, "tiny, slice all");
    assert_eq!(report.devices[0].transport, "local");
    assert!(report.devices[0].facts.iter().any(|fact| fact.label == "Governor"));
    assert_eq!(report.cells[0].model_marks, ["no model: scripted answers"]);
    assert!(WALL.is_multiple_of(1_000_000_000));
}

#[test]
fn answers_are_spread_over_the_categories() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path(), 1, &[launch(0, 1, 9000, &golden(), &End::Valid)]);
    let report = report(&campaign).expect("a good record");
    let answers: Vec<(&str, &str, &str)> = report.cells[0]
        .answers
        .iter()
        .map(|answer| (answer.category.as_str(), answer.prompt.as_str(), answer.text.as_str()))
        .collect();
    let expected = [
        ("chat", "Question 0?", "Answer 0."),
        ("code", "Question 1?", "Answer 1."),
        ("chat", "Question 2?", "Answer 2."),
    ];
    assert_eq!(answers, expected);
}

#[test]
fn charts_show_what_was_measured() {
    let dir = tempdir().expect("a folder");
    let asked = [
        ok(0, 10_000, &[300, 350, 410], 12),
        ok(1, 11_000, &[200, 250, 320], 6),
        ok(2, 12_000, &[100, 150, 180], 3),
    ];
    let report =
        report(&campaign(dir.path(), 1, &[launch(0, 1, 9000, &asked, &End::Valid)])).expect("a good record");
    let chart =
        |id: &str| report.cells[0].charts.iter().find(|chart| chart.id == id).expect("the chart is there");
    let points = |id: &str, series: usize| chart(id).series[series].points.clone();
    assert_eq!(points("ttft-cdf", 0), [[100.0, 1.0 / 3.0], [200.0, 2.0 / 3.0], [300.0, 1.0]]);
    assert_eq!(points("ttft-by-isl", 0), [[12.0, 300.0], [6.0, 200.0], [3.0, 100.0]]);
    assert_eq!(points("e2e-by-isl", 0)[0], [12.0, 410.0]);
    // Gaps before the second token chunk: 50, 50, 50; before the third: 60, 70, 30.
    assert_eq!(points("token-timeline", 0), [[2.0, 50.0], [3.0, 60.0]]);
    assert_eq!(points("token-timeline", 1), [[2.0, 50.0], [3.0, 70.0]]);
    // The launch began at 9000; rows at 9100 and 9200.
    assert_eq!(points("memory", 0), [[100.0, 4096.0], [200.0, 8192.0]]);
    assert_eq!(chart("memory").marks[0].x, 60.0);
    // 150 ns of CPU time in 100 ns.
    assert_eq!(points("cpu", 0), [[200.0, 1.5]]);
    assert_eq!(points("temperature", 0)[1], [200.0, 51_000.0]);
    let tpot = chart("tpot-cdf");
    assert_eq!((tpot.series.len(), tpot.series[0].n), (1, 3));
}

#[test]
fn requests_are_exported_with_their_metrics() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path(), 1, &[launch(0, 1, 9000, &golden(), &End::Valid)]);
    let mut out = Vec::new();
    requests_csv(&campaign, &mut out).expect("memory takes it");
    let text = String::from_utf8(out).expect("UTF-8");
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines.len(), 5);
    let expected = "0,1,0,00000000000000aa,local,0,p-0,chat,true,ok,stop,10000,12,4,,engine,300,50,450,20000000,40000000,,,,,,,50,300,50,,,Answer 0.";
    assert_eq!(lines[1], expected);
    assert!(lines[3].ends_with("12000,7,0,,engine,,,,,,,,,,,,,,,,,Answer 2."), "{}", lines[3]);
}

/// Every format that was ever released stays readable. Before a release, `UPDATE_GOLDEN=1` writes the record anew;
/// afterwards this folder is never written again, and a new format gets a new one.
#[test]
fn a_record_of_format_1_is_read() {
    let golden_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::remove_dir_all(golden_dir.join("record-v1")).expect("it is there");
        let invalid = [ok(0, 21_000, &[999, 9999], 10)];
        let launches = [
            launch(0, 1, 9000, &golden(), &End::Valid),
            launch(1, 1, 20_000, &invalid, &End::Invalid("the device slept 7 ms")),
        ];
        campaign_named("record-v1", &golden_dir, 2, &launches);
    }
    let dir = tempdir().expect("a folder");
    for name in ["plan.json", "journal.log"] {
        fs::copy(golden_dir.join("record-v1").join(name), dir.path().join(name))
            .expect("the golden record is there");
    }
    let report = report(&Campaign::open_dir(dir.path()).expect("a plan")).expect("a good record");
    assert_eq!(range(&report, "ttft_ns"), (2, 1, Some(250.0), Some(300.0)));
    assert_eq!(range(&report, "tpot_ns"), (1, 2, Some(50.0), Some(50.0)));
    assert_eq!(report.cells[0].launches[1].invalid, ["the device slept 7 ms"]);
    assert!(!report.campaign.complete);
}

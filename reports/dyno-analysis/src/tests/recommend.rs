//! What to buy, from whole records, worked out by hand.

mod bench;

use dyno_model::board::{BoardBandwidth, BoardSigns, Certainty, PlannedBoard};
use dyno_model::digest::Digest;
use dyno_model::plan::{ModelOrigin, PlannedModel};
use dyno_model::sample::AccuracyClass;
use dyno_model::slo::Slo;
use dyno_store::Campaign;
use dyno_view::compliance::ComplianceVerdict;
use dyno_view::recommend::{
    AdviceWord, AmountView, AssumptionOrigin, CloudWord, FlipOf, OptionView, Recommendation, Standing,
};
use tempfile::tempdir;

use super::sample::End;
use crate::{BuyerAsk, CloudPrice, Demand, PredictAsk, RecommendError, recommend};
use bench::{Bench, ask, bench, objective, shelf, written};

fn recommended(benches: &[Bench], ask: &BuyerAsk) -> Recommendation {
    let dir = tempdir().expect("a folder");
    let campaign = written(dir.path(), "c-1", &shelf(benches), benches);
    recommend(&[campaign], ask).expect("a good record")
}

fn near(found: &AmountView, expected: f64) {
    let value = found.value.unwrap_or_else(|| panic!("no figure: {:?}", found.why));
    assert!((value / expected - 1.0).abs() < 1e-6, "{value}, not {expected}");
}

fn option<'r>(of: &'r Recommendation, name: &str) -> &'r OptionView {
    of.options.iter().find(|option| option.name == name).expect("a device of that name")
}

/// By hand: 41 tokens in 2.1 s are 19.523810 tokens/s. A fifth of 3 × 8766 h are 18,934,560 s of load and 369,674,743
/// tokens; without energy they cost the 100 EUR of the device.
#[test]
fn one_device_costs_its_price_by_the_tokens_of_its_years() {
    let found = recommended(&[bench("pi5")], &ask());
    assert_eq!((found.advice.word, found.advice.first.as_slice()), (AdviceWord::Buy, [0].as_slice()));
    let pi5 = option(&found, "pi5");
    assert_eq!(pi5.standing, Standing::Ranked { rank: 1, tied: Vec::new() });
    near(&pi5.rates.sustained, 41.0 / 2.1);
    assert_eq!(pi5.rates.sustained.n, 120, "the last quarter of 480");
    near(&pi5.rates.service, 2.1e9);
    near(&pi5.money.tokens, 41.0 / 2.1 * 18_934_560.0);
    near(&pi5.money.tco, 100.0);
    near(&pi5.money.per_million, 100.0 / (41.0 / 2.1 * 18.934_56));
    assert!(!found.energy.is_ranked && pi5.money.tco_energy.value.is_none(), "unknown energy is not free");
    assert!(found.flips.is_empty() && pi5.money.devices.is_none());
    let price = found.assumptions.iter().find(|of| of.label == "Price of pi5").expect("its price");
    assert_eq!(price.origin, AssumptionOrigin::Plan);
}

/// Each device may work for 70 % of its time: 0.7 / 2.1 s is a third of a request a second. 40 users who ask 180 times
/// an hour ask twice a second: 6 devices, each at work for 2 × 2.1 / 6 = 70 % of the load.
#[test]
fn users_are_served_by_whole_devices() {
    let demand = Some(Demand { users: 40, requests_per_user_hour: 180.0 });
    let found = recommended(&[bench("pi5")], &BuyerAsk { demand, ..ask() });
    let money = &option(&found, "pi5").money;
    near(&money.capacity, 1.0 / 3.0);
    near(money.devices.as_ref().expect("users were given"), 6.0);
    near(&money.at_work, 0.7);
    near(&money.tco, 600.0);
    near(&money.tokens, 2.0 * 41.0 * 18_934_560.0);
}

/// By hand: 5 W from the first sending to the last token, 479 × 2.5 + 2.1 = 1199.6 s, by 480 × 41 tokens. At rest 2 W.
/// Over the years 369,674,743 tokens take 31.2964 kWh, and the other four fifths of 26,298 h 42.0768 kWh at rest.
#[test]
fn energy_of_an_external_meter_is_in_the_cost() {
    let metered = Bench { power: Some((5.0, AccuracyClass::A)), ..bench("pi5") };
    let found = recommended(&[metered], &BuyerAsk { kwh_eur: Some(0.3), ..ask() });
    let pi5 = option(&found, "pi5");
    let energy = pi5.energy.as_ref().expect("a meter");
    assert_eq!(energy.class, "A");
    let per_token = 5.0 * 1199.6 / (480.0 * 41.0);
    near(&energy.j_per_token, per_token);
    near(&energy.idle, 2.0);
    let work_kwh = per_token * 41.0 / 2.1 * 18_934_560.0 / 3.6e6;
    let rest_kwh = 2.0 * 0.8 * 26_298.0 / 1000.0;
    near(&pi5.money.tco_energy, 0.3 * (work_kwh + rest_kwh));
    near(&pi5.money.tco, 100.0 + 0.3 * (work_kwh + rest_kwh));
    let [low, high] = pi5.money.tco.interval.expect("a meter has an error");
    assert!(low < 100.0 + 0.3 * (work_kwh + rest_kwh) && high > low);
    assert!(found.energy.is_ranked && found.energy.is_idle_ranked);
}

#[test]
fn energy_below_class_a_is_not_ranked_across_devices() {
    let metered = |name, class| Bench { power: Some((5.0, class)), ..bench(name) };
    let benches = [metered("orin", AccuracyClass::C), metered("pi5", AccuracyClass::A)];
    let found = recommended(&benches, &BuyerAsk { kwh_eur: Some(0.3), ..ask() });
    assert!(!found.energy.is_ranked);
    assert!(found.energy.why.contains("that of orin is of class C"), "{}", found.energy.why);
    let orin = &option(&found, "orin").money;
    near(&orin.tco, 100.0);
    assert!(orin.per_million_with_energy.as_ref().and_then(|of| of.value) > orin.per_million.value);
    assert!(found.charts.iter().all(|chart| chart.id != "price-energy"));
}

/// 100 EUR at 19.52 tokens/s against 150 EUR at 41 / 1.1 = 37.27 tokens/s: 5.1220 and 4.0244 EUR for as many.
#[test]
fn a_faster_device_may_cost_less_and_flips_by_its_price() {
    let fast = Bench { rate: 40.0, price_cents: Some(15_000), ..bench("orin") };
    let found = recommended(&[bench("pi5"), fast], &ask());
    let names: Vec<&str> = found.options.iter().map(|of| of.name.as_str()).collect();
    assert_eq!(names, ["orin", "pi5"]);
    assert_eq!(option(&found, "pi5").standing, Standing::Ranked { rank: 2, tied: Vec::new() });
    let to = |place: u32| {
        let found = found.flips.iter().find(|of| of.of == FlipOf::Price { option: place });
        found.and_then(|of| of.to).expect("a price")
    };
    // As dear as the other for its tokens: 100 × 37.27 / 19.52, and 150 × 19.52 / 37.27.
    assert!((to(0) - 100.0 * 2.1 / 1.1).abs() < 1e-6, "{}", to(0));
    assert!((to(1) - 150.0 * 1.1 / 2.1).abs() < 1e-6, "{}", to(1));
}

#[test]
fn overlapping_costs_are_not_distinguishable() {
    let noisy = |name, price| Bench { noise: 0.2, price_cents: Some(price), ..bench(name) };
    let found = recommended(&[noisy("a", 10_000), noisy("b", 10_050), noisy("c", 20_000)], &ask());
    assert_eq!(option(&found, "a").standing, Standing::Ranked { rank: 1, tied: vec![1] });
    assert_eq!(option(&found, "b").standing, Standing::Ranked { rank: 1, tied: vec![0] });
    assert_eq!(option(&found, "c").standing, Standing::Ranked { rank: 3, tied: Vec::new() });
    assert_eq!(found.advice.first, [0, 1]);
}

#[test]
fn a_device_stands_where_its_record_puts_it() {
    let slow = Bench { ttft_s: 1.5, ..bench("slow") };
    let short = Bench { has_long: false, ..bench("short") };
    let invalid = Bench { end: || End::Invalid("throttled"), ..bench("invalid") };
    let free = Bench { price_cents: Some(0), ..bench("free") };
    let found = recommended(&[slow, short, invalid, free], &ask());
    assert_eq!(option(&found, "free").standing, Standing::Unpriced);
    assert!(option(&found, "free").reasons[0].starts_with("no price: 0 is none"));
    assert_eq!(option(&found, "short").standing, Standing::SustainedNotShown);
    assert_eq!(option(&found, "short").rates.sustained.value, None, "a peak never stands for it");
    let slow = option(&found, "slow");
    assert_eq!((&slow.standing, slow.objectives[0].verdict), (&Standing::Misses, ComplianceVerdict::Fail));
    assert_eq!(slow.objectives[1].verdict, ComplianceVerdict::Pass);
    assert_eq!(option(&found, "invalid").standing, Standing::NotMeasured);
    assert_eq!(found.advice.word, AdviceWord::MeetsUnpriced);
    let priced = BuyerAsk { prices_eur: [("free".to_owned(), 80.0)].into(), ..ask() };
    let found = recommended(&[Bench { price_cents: Some(0), ..bench("free") }], &priced);
    assert_eq!((found.advice.word, option(&found, "free").money.price.value), (AdviceWord::Buy, Some(80.0)));
}

#[test]
fn what_all_miss_and_what_nobody_measured_are_told_apart() {
    let slow = Bench { ttft_s: 1.5, ..bench("slow") };
    assert_eq!(recommended(std::slice::from_ref(&slow), &ask()).advice.word, AdviceWord::NoneMeets);
    let invalid = Bench { end: || End::Invalid("throttled"), ..bench("invalid") };
    assert_eq!(recommended(std::slice::from_ref(&invalid), &ask()).advice.word, AdviceWord::Unknown);
    let short = Bench { has_long: false, ..bench("short") };
    assert_eq!(recommended(&[slow, short], &ask()).advice.word, AdviceWord::Unknown);
}

/// Every second request is one of code, and all of them take longer than a second here: 240 of 480.
#[test]
fn a_hybrid_sends_away_what_breaks_the_limits() {
    let slo = Slo { objectives: vec![objective("e2e_ns", 2.1e9)], ..ask().slo };
    let saw = Bench { noise: 0.1, ..bench("pi5") };
    let found = recommended(&[saw], &BuyerAsk { slo, ..ask() });
    let hybrid = option(&found, "pi5").hybrid.as_ref().expect("requests");
    // The saw is slower than 2.1 s in three of six places: 1, 3 and 5, which are the odd ones, the code.
    assert_eq!((hybrid.all.n, hybrid.all.of), (240, 480));
    let of: Vec<(&str, u64, u64)> =
        hybrid.categories.iter().map(|of| (of.category.as_str(), of.share.n, of.share.of)).collect();
    assert_eq!(of, [("chat", 0, 240), ("code", 240, 240)]);
    assert!(hybrid.all.low > 0.45 && hybrid.all.high < 0.55);
}

/// By hand: 12 tokens in at 1 EUR and 41 out at 4 EUR a million are 0.000176 EUR. Without energy a device pays after
/// 100 / 0.000176 requests, over 1095.75 days.
#[test]
fn the_cloud_is_dearer_from_so_many_requests_a_day() {
    let cloud = Some(CloudPrice { input_eur: 1.0, output_eur: 4.0 });
    let found = recommended(&[bench("pi5")], &BuyerAsk { cloud, ..ask() });
    let cloud = option(&found, "pi5").money.cloud.as_ref().expect("a price was given");
    near(&cloud.per_million, 0.000_176 / 41.0 * 1e6);
    near(&cloud.break_even, 100.0 / 0.000_176 / 1095.75);
    near(&cloud.most, 86_400.0 / 3.0);
    assert_eq!((cloud.word, cloud.has_energy), (CloudWord::Reached, false));
}

#[test]
fn devices_of_several_campaigns_are_put_together_where_their_work_is_equal() {
    let dir = tempdir().expect("a folder");
    let [one, other] = [vec![bench("pi5")], vec![bench("orin")]];
    let campaigns =
        [written(dir.path(), "c-1", &shelf(&one), &one), written(dir.path(), "c-2", &shelf(&other), &other)];
    let found = recommend(&campaigns, &ask()).expect("equal work");
    assert_eq!(found.options.len(), 2);
    assert_eq!(found.sources.iter().map(|of| of.campaign.as_str()).collect::<Vec<_>>(), ["c-1", "c-2"]);
    let mut plan = shelf(&other);
    plan.cells.iter_mut().for_each(|cell| "other".clone_into(&mut cell.model));
    let origin = ModelOrigin::Published {
        digest: Digest::of(b"other"),
        bytes: 1,
        file: "f".to_owned(),
        sources: Vec::new(),
        terms_url: None,
    };
    let model = PlannedModel { origin, ..plan.models["none"].clone() };
    plan.models = [("other".to_owned(), model)].into();
    let unlike = [
        Campaign::open_dir(campaigns[0].dir()).expect("it is there"),
        written(dir.path(), "c-3", &plan, &other),
    ];
    match recommend(&unlike, &ask()) {
        Err(RecommendError::Unlike { parts, .. }) => {
            assert_eq!(parts, [dyno_view::comparison::WorkPart::Model]);
        }
        found => panic!("unlike models were ranked: {:?}", found.map(|of| of.advice)),
    }
    let meant = BuyerAsk { model: Some("other".to_owned()), ..ask() };
    assert_eq!(recommend(&unlike, &meant).expect("one model").options.len(), 1);
}

#[test]
fn names_that_nobody_knows_are_refused() {
    let dir = tempdir().expect("a folder");
    let benches = [bench("pi5")];
    let campaign = [written(dir.path(), "c-1", &shelf(&benches), &benches)];
    let check = |ask: &BuyerAsk, expected: &str| {
        let found = recommend(&campaign, ask).expect_err("a slip of the pen");
        assert_eq!(found.to_string(), expected);
    };
    let prices_eur = [("pi6".to_owned(), 80.0)].into();
    check(&BuyerAsk { prices_eur, ..ask() }, "a price is given for `pi6`, which no campaign has");
    check(&BuyerAsk { model: Some("m".to_owned()), ..ask() }, "no campaign measured the model `m`");
    assert!(matches!(recommend(&[], &ask()), Err(RecommendError::NoCampaign)));
}

fn board(gb_per_s: u64) -> PlannedBoard {
    let source = "its sheet".to_owned();
    let bytes_per_s = gb_per_s * 1_000_000_000;
    PlannedBoard {
        title: format!("Board of {gb_per_s}"),
        signs: BoardSigns::default(),
        bandwidth: Some(BoardBandwidth { bytes_per_s, source, certainty: Certainty::DataSheet }),
        total: None,
        notes: Vec::new(),
    }
}

/// 20 tokens/s of 100 MB are 2 GB/s: 50 % of 4, 25 % of 8 and 12.5 % of 16 GB/s. Their geometric mean is 25 %, so 40 GB/s
/// give 100 tokens/s of the 400 that memory allows. Without the first the others say √(0.25 × 0.125) of 4 GB/s.
#[test]
fn a_board_that_nobody_measured_is_predicted_and_not_ranked() {
    let on = |name, board| Bench { board: Some(board), ..bench(name) };
    let benches = [on("a", "b4"), on("b", "b8"), on("c", "b16")];
    let boards = [4, 8, 16, 40].map(|gb| (format!("b{gb}"), board(gb))).into();
    let predict = vec![PredictAsk { board: "b40".to_owned(), price_eur: Some(99.0) }];
    let found = recommended(&benches, &BuyerAsk { predict, boards, ..ask() });
    assert_eq!(found.options.len(), 3, "a prediction is no option");
    let of = found.predictions.as_ref().expect("one was asked for");
    near(&of.boards[0].decode, 100.0);
    near(&of.boards[0].ceiling, 400.0);
    let error = of.left_out[0].error.expect("two others");
    assert!((error - ((0.25_f64 * 0.125).sqrt() * 40.0 / 20.0 - 1.0)).abs() < 1e-9, "{error}");
    assert!(of.mean_error.is_some() && of.unused.is_empty(), "{:?}", of.unused);
    let few = recommended(&benches[..1], &BuyerAsk { predict: Vec::new(), ..ask() });
    assert_eq!(few.predictions, None);
}

/// `check` wants five runs; a long load is one.
#[test]
fn few_launches_decide_nothing() {
    let found = recommended(&[Bench { n_short_runs: 2, ..bench("pi5") }], &ask());
    let Standing::Inconclusive { more_runs, .. } = option(&found, "pi5").standing else {
        panic!("two launches were enough: {:?}", option(&found, "pi5").standing)
    };
    assert!(more_runs.is_some_and(|n| n >= 1));
    assert_eq!(found.advice.word, AdviceWord::Unknown);
}

/// 48 of 480 requests are late: 10 % where 5 % are allowed. Of the last 120 they are 40 %.
#[test]
fn what_fails_when_it_is_hot_fails() {
    let found = recommended(&[Bench { late_ttft_s: Some(1.2), ..bench("pi5") }], &ask());
    let pi5 = option(&found, "pi5");
    assert_eq!((&pi5.standing, found.advice.word), (&Standing::Misses, AdviceWord::NoneMeets));
    let ttft = &pi5.at_end[0];
    assert_eq!((ttft.n, ttft.n_violations), (120, 48));
    assert_eq!(pi5.objectives[0].n_violations, 48, "{:?}", pi5.objectives[0]);
}

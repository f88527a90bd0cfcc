//! Verdicts computed by hand, from the tables of MEASUREMENT §3.3 and §9.2.

use dyno_model::event::Event;
use dyno_model::outcome::Outcome;
use dyno_model::slo::{Condition, Demand, Judged, Objective};
use dyno_view::compliance::{ComplianceVerdict, DemandView, JudgementMethod};

use super::compliance_bench::{
    Did, Ending, WELL, campaign, campaign_of, close, judged, late, limit, objective, of, only, plan_with,
    run, slo, ttft, view_of,
};
use super::queue::{every, open_load, plan_of};

use ComplianceVerdict::{Fail, Inconclusive, Pass};

#[test]
fn fifty_nine_requests_show_a_p95_and_fifty_eight_do_not() {
    // §3.3: n = 59 for t = 0 at 95 %.
    let found = judged(&[late(0, 12), late(0, 12), late(0, 12), late(0, 12), late(0, 11)]);
    assert_eq!((found.verdict, found.n, found.n_violations, found.why), (Pass, 59, 0, None));
    assert_eq!(
        (found.more_needed, found.n_tolerated, found.method),
        (None, Some(0), JudgementMethod::ClopperPearson)
    );
    // 1 − 0.05^(1/59), and the share that passes 8 times of 10: 1 − 0.8^(1/59).
    close(found.share.expect("59 requests").high, 1.0 - 0.05_f64.powf(1.0 / 59.0));
    close(found.power_ratio.expect("it can pass"), 1.0 - 0.8_f64.powf(1.0 / 59.0));
    // All took 500 ms, so a limit of 500 ms would have passed.
    assert_eq!((found.observed, found.would_pass), (Some(5e8), Some(5e8)));
    let found = judged(&[late(0, 12), late(0, 12), late(0, 12), late(0, 12), late(0, 10)]);
    assert_eq!((found.verdict, found.more_needed, found.n_tolerated), (Inconclusive, Some(1), None));
    assert_eq!(
        found.why.as_deref(),
        Some(
            "1 more request would decide it, if all of them meet the conditions; measure with `--repetitions 6`"
        )
    );
    assert_eq!((found.would_pass, found.power_ratio), (None, None));
}

#[test]
fn one_violation_takes_ninety_three_requests() {
    // §3.3: t = 1 at 95 % takes 93; in five runs of 18 and 19.
    let runs = |last| vec![late(1, 18), late(0, 18), late(0, 19), late(0, 19), late(0, last)];
    assert_eq!(judged(&runs(19)).verdict, Pass);
    let found = judged(&runs(18));
    assert_eq!((found.n, found.verdict, found.more_needed), (92, Inconclusive, Some(1)));
    // With one tolerated, the worst but one decides what would have passed.
    assert_eq!((judged(&runs(19)).n_tolerated, judged(&runs(19)).would_pass), (Some(1), Some(5e8)));
}

#[test]
fn four_of_twenty_fail_a_p95() {
    // P(Bin(20, 0.05) ≥ 4) = 0.0159 < 0.05, and ≥ 3: 0.0755.
    let runs = |bad: usize| (0..5).map(|i| late(usize::from(i < bad), 4)).collect::<Vec<_>>();
    let found = judged(&runs(4));
    assert_eq!((found.verdict, found.n_violations, found.more_needed), (Fail, 4, None));
    assert_eq!(found.violations.len(), 1);
    assert_eq!((found.violations[0].cause.as_str(), found.violations[0].n), ("ttft_ns", 4));
    // §3.3: t = 3 takes 153.
    let found = judged(&runs(3));
    assert_eq!((found.verdict, found.more_needed), (Inconclusive, Some(133)));
}

#[test]
fn three_runs_pass_nothing_and_fail_what_no_run_keeps() {
    let found = judged(&[late(0, 40), late(0, 40), late(0, 40)]);
    assert_eq!((found.verdict, found.more_runs, found.more_needed), (Inconclusive, Some(2), None));
    let why = found.why.expect("a reason");
    assert!(why.starts_with("3 of the 5 runs that a verdict takes: "), "{why}");
    assert!(why.ends_with("; measure with `--repetitions 5`"), "{why}");
    // They pass with no limit, so no margin to one stands beside them, nor the power of such a check.
    assert_eq!((found.would_pass, found.n_tolerated, found.power_ratio), (None, None, None));
    // Too few requests in too few runs: both are said. 59 of them are six runs of ten.
    let found = judged(&[late(0, 10), late(0, 10), late(0, 10)]);
    assert_eq!((found.verdict, found.more_runs, found.more_needed), (Inconclusive, Some(2), Some(29)));
    let why = found.why.expect("a reason");
    assert!(why.starts_with("3 of the 5 runs"), "{why}");
    assert!(why.contains("29 more requests") && why.ends_with("`--repetitions 6`"), "{why}");
    // Every request of three runs: by Markov 0.05³.
    assert_eq!(judged(&[late(40, 40), late(40, 40), late(40, 40)]).verdict, Fail);
    // As many violations in one run alone say nothing of other runs.
    assert_eq!(judged(&[late(40, 40), late(0, 40), late(0, 40)]).verdict, Inconclusive);
}

#[test]
fn a_run_with_most_of_the_requests_decides_nothing_alone() {
    let found = judged(&[late(0, 60), late(0, 15), late(0, 15), late(0, 15), late(0, 15)]);
    assert_eq!((found.verdict, found.largest_run_ratio), (Inconclusive, Some(0.5)));
    assert!(found.why.expect("a reason").contains("more than 40 %"));
}

#[test]
fn violations_of_one_run_are_judged_by_runs() {
    // §3.3: ten violations pass a p90 from 167 requests on, where they come one by one.
    let p90 = || objective(vec![ttft()], 900_000);
    let spread: Vec<Vec<Did>> = (0..5).map(|_| late(2, 40)).collect();
    let found = of(&spread, p90());
    assert_eq!(
        (found.verdict, found.method, found.n_violations),
        (Pass, JudgementMethod::ClopperPearson, 10)
    );
    assert!(found.runs_p.expect("five runs") > 0.05);
    // All ten in one run: the next run may be such a one.
    let together = [late(10, 40), late(0, 40), late(0, 40), late(0, 40), late(0, 40)];
    let found = of(&together, p90());
    assert_eq!(
        (found.verdict, found.method, found.n_violations),
        (Inconclusive, JudgementMethod::RunLevel, 10)
    );
    assert!(found.share.expect("200 requests").high > 0.1);
    assert!(
        found.n_effective.expect("runs differ") < 200
            && found.why.expect("a reason").starts_with("requests may differ from run to run")
    );
}

#[test]
fn whatever_became_of_a_request_it_counts() {
    let mut first = late(0, 12);
    first[0] = Did::Failed(Outcome::Timeout { limit_ms: 1000 });
    first[1] = Did::Failed(Outcome::Oom { detail: "killed".to_owned() });
    // An empty answer is none.
    first[2] = Did::Failed(Outcome::Ok);
    let plan = plan_with(&[12, 12, 12, 12, 12]);
    let crash = Outcome::Crashed { exit: "signal: 9".to_owned(), stderr_tail: String::new() };
    let mut launches: Vec<Vec<Event>> = vec![run(0, &first, &WELL)];
    // The second run's runtime dies after ten of twelve requests: two were never sent.
    launches.push(run(1, &late(0, 10), &Ending { outcome: crash, invalid: None }));
    launches.extend((2..5).map(|n| run(n, &late(0, 12), &WELL)));
    let (_dir, campaign) = campaign_of(&plan, &launches);
    let view = view_of(&campaign, &slo(vec![objective(vec![Condition::Answered], 950_000)]));
    let found = only(view);
    assert_eq!((found.n, found.n_violations), (60, 5));
    let causes: Vec<(&str, u64)> = found.violations.iter().map(|of| (of.cause.as_str(), of.n)).collect();
    assert_eq!(causes, [("unsent", 2), ("no-token", 1), ("oom", 1), ("timeout", 1)]);
}

#[test]
fn a_composite_is_one_try_for_each_request() {
    let mut first = late(1, 12);
    // Good text, but slow tokens; and one that is late and slow at once.
    first[1] = Did::Answered(500, 300);
    first[2] = Did::Answered(1500, 300);
    let runs = [first, late(0, 12), late(0, 12), late(0, 12), late(0, 12)];
    let found = of(&runs, objective(vec![ttft(), limit("tpot_ns", 1e8)], 900_000));
    // Three requests, although each limit by itself is broken twice.
    assert_eq!((found.n, found.n_violations), (60, 3));
    let causes: Vec<(&str, u64)> = found.violations.iter().map(|of| (of.cause.as_str(), of.n)).collect();
    assert_eq!(causes, [("tpot_ns", 2), ("ttft_ns", 2)]);
    // There is no one value that could be told.
    assert_eq!((found.observed, found.would_pass), (None, None));
}

#[test]
fn an_answer_of_one_token_has_no_gap_that_could_be_too_long() {
    let runs: Vec<Vec<Did>> = (0..5).map(|_| vec![Did::OneToken(500); 12]).collect();
    let found = of(&runs, objective(vec![limit("tpot_ns", 1e8)], 950_000));
    assert_eq!((found.verdict, found.n_violations, found.observed), (Pass, 0, None));
    // But it has no second token that anybody could wait for to come early: all gaps are kept, too.
    let found = of(&runs, objective(vec![limit("chunk_gap_ns", 1e8)], 950_000));
    assert_eq!((found.verdict, found.n_violations), (Pass, 0));
    let gaps: Vec<Vec<Did>> = (0..5).map(|_| vec![Did::Answered(500, 150); 12]).collect();
    assert_eq!(of(&gaps, objective(vec![limit("chunk_gap_ns", 1e8)], 950_000)).verdict, Fail);
}

#[test]
fn more_is_better_is_judged_from_the_other_side() {
    // TPOT 50 ms is 20 tokens/s.
    let runs: Vec<Vec<Did>> = (0..5).map(|_| late(0, 12)).collect();
    let at_least = |rate| of(&runs, objective(vec![limit("decode_tokens_per_s", rate)], 950_000));
    assert_eq!((at_least(20.0).verdict, at_least(20.0).would_pass), (Pass, Some(20.0)));
    assert_eq!(at_least(20.1).verdict, Fail);
}

#[test]
fn confidence_is_shared_by_all_statements_of_a_cell() {
    let runs: Vec<Vec<Did>> = (0..5).map(|_| late(0, 12)).collect();
    let (_dir, campaign) = campaign(&runs);
    let second = Objective { name: "other".to_owned(), ..objective(vec![limit("tpot_ns", 1e8)], 950_000) };
    let counted = Objective { name: "all".to_owned(), demand: Demand::Every, ..second.clone() };
    let view = view_of(&campaign, &slo(vec![objective(vec![ttft()], 950_000), second, counted]));
    let found = &view.objectives[0].judgements[0];
    // 97.5 % each: 0.95ⁿ ≤ 0.025 from n = 72 on.
    close(found.confidence.expect("it is inferred"), 0.975);
    assert_eq!((found.n_shared, found.verdict, found.more_needed), (2, Inconclusive, Some(12)));
    assert!(view.rules.iter().any(|rule| rule.starts_with("Up to 2 statements")), "{:?}", view.rules);
    // What is only counted infers nothing, and takes nothing.
    let all = &view.objectives[2];
    assert_eq!(
        (all.verdict, all.demand, all.judgements[0].method),
        (Pass, DemandView::Every, JudgementMethod::Count)
    );
    assert_eq!(view.verdict, Inconclusive);
}

#[test]
fn launches_are_judged_one_by_one() {
    // Spawned after 10 ns, ready after 60.
    let runs: Vec<Vec<Did>> = (0..5).map(|_| late(0, 3)).collect();
    let load = |limit_ns, demand| Objective {
        judges: Judged::Launches,
        demand,
        ..objective(vec![limit("load_ns", limit_ns)], 950_000)
    };
    let found = of(&runs, load(50.0, Demand::Every));
    assert_eq!((found.verdict, found.n, found.confidence), (Pass, 5, None));
    // Of five launches without a violation, the upper bound at 95 % is 1 − 0.05^(1/5).
    close(found.share.expect("5 launches").high, 1.0 - 0.05_f64.powf(0.2));
    assert_eq!(of(&runs, load(49.0, Demand::Every)).verdict, Fail);
    let share = Demand::Share { fraction_ppm: 500_000, confidence_ppm: 950_000 };
    // 0.5⁵ = 0.03: five good launches show that half of them are good.
    assert_eq!(of(&runs, load(50.0, share)).verdict, Pass);
    let share = Demand::Share { fraction_ppm: 900_000, confidence_ppm: 950_000 };
    let found = of(&runs, load(50.0, share));
    assert_eq!((found.verdict, found.more_needed, found.more_runs), (Inconclusive, Some(24), None));
    assert_eq!(
        found.why.as_deref(),
        Some(
            "24 more launches would decide it, if all of them meet the conditions; measure with `--repetitions 29`"
        )
    );
}

#[test]
fn a_launch_that_was_killed_meets_nothing() {
    let crash = || Outcome::Crashed { exit: "signal: 9".to_owned(), stderr_tail: String::new() };
    let launches =
        [run(0, &late(0, 3), &WELL), run(1, &late(0, 3), &Ending { outcome: crash(), invalid: None })];
    let (_dir, campaign) = campaign_of(&plan_with(&[3, 3]), &launches);
    let every = Objective {
        judges: Judged::Launches,
        demand: Demand::Every,
        ..objective(vec![limit("load_ns", 1e9)], 950_000)
    };
    let found = only(view_of(&campaign, &slo(vec![every])));
    assert_eq!((found.verdict, found.n, found.n_violations), (Fail, 2, 1));
    assert_eq!(found.violations[0].cause, "crashed");
}

#[test]
fn what_nothing_measures_is_neither_kept_nor_broken() {
    let runs: Vec<Vec<Did>> = (0..5).map(|_| late(0, 12)).collect();
    let energy = |judges| Objective { judges, ..objective(vec![limit("j_per_request", 3.0)], 950_000) };
    let found = of(&runs, energy(Judged::Launches));
    assert_eq!(found.verdict, Inconclusive);
    let why = found.why.expect("a reason");
    assert!(why.starts_with("no launch has a value of Energy per request: nothing measures power"), "{why}");
    // The same of requests that are held against their launch's energy.
    let found = of(&runs, energy(Judged::Requests));
    let why = found.why.expect("a reason");
    assert!(why.starts_with("no request has a value of Energy per request"), "{why}");
    assert!(!why.contains("did not end well"), "{why}");
    // What failed is told, although nothing could be held against the limit.
    let mut broken = runs.clone();
    broken[0][0] = Did::Failed(Outcome::Timeout { limit_ms: 1000 });
    let n: usize = broken.iter().map(Vec::len).sum();
    let why = of(&broken, energy(Judged::Requests)).why.expect("a reason");
    assert!(why.ends_with(&format!("; and 1 of {n} requests did not end well")), "{why}");
}

#[test]
fn open_loops_are_judged_from_when_requests_are_due() {
    let server =
        super::queue::Server { slots: 1, prefill_ms: 100, token_ms: 100, shared_percent: 0, n_tokens: 5 };
    // One each 100 ms to a server that takes 500 ms: request i waits 400·i ms, so the first three have their first token
    // within a second of when they were due: 100, 500, 900, and 1,300 ms.
    let due = every(100, 40);
    let load = open_load(dyno_model::load::Arrivals::Constant, 10_000, 40);
    let dues = due.iter().copied().map(Some).collect();
    let plan = plan_of(&[(load, dues)], None);
    let (_dir, campaign) = campaign_of(&plan, &[server.open(0, 1_000_000, &due)]);
    let view = view_of(&campaign, &slo(vec![objective(vec![ttft()], 950_000)]));
    assert_eq!(view.cells[0].origin, "from when it was due");
    assert!(view.rules.iter().any(|rule| rule.starts_with("In open loops")));
    let found = only(view);
    assert_eq!((found.n, found.n_violations, found.metrics), (40, 37, vec!["ttft_sched_ns".to_owned()]));
}

//! Who is judged, who is not, and what is told of a record as a whole.

use dyno_model::blame::{Blame, Classify};
use dyno_model::event::Event;
use dyno_model::ids::PromptId;
use dyno_model::outcome::Outcome;
use dyno_model::slo::{Judged, Objective, Selection};
use dyno_view::compliance::{ComplianceVerdict, ComplianceView};

use super::compliance_bench::{
    Did, Ending, WELL, ask, campaign, campaign_of, late, limit, objective, of, only, plan_with, run, slo,
    ttft, view_of,
};
use crate::{ComplianceError, compliance, compliance_csv};

use ComplianceVerdict::{Inconclusive, Invalid, Pass};

#[test]
fn attempts_are_those_of_the_report() {
    let plan = plan_with(&[12, 12]);
    let crash = Outcome::Crashed { exit: "signal: 9".to_owned(), stderr_tail: String::new() };
    let launches =
        [run(0, &late(0, 12), &WELL), run(1, &late(0, 7), &Ending { outcome: crash, invalid: None })];
    let (_dir, campaign) = campaign_of(&plan, &launches);
    let found = only(view_of(&campaign, &slo(vec![objective(vec![ttft()], 900_000)])));
    let report = crate::report(&campaign).expect("a good record");
    let offered = report.cells[0].offered.as_ref().expect("a launch");
    assert_eq!((found.n, found.n_violations), (offered.n_wanted, offered.n_wanted - offered.n_answered));
}

#[test]
fn selections_pick_prompts_by_kind_and_length() {
    // Prompt p-1 is code, p-0 and p-2 are chat; they have 10, 11 and 12 tokens.
    let runs: Vec<Vec<Did>> = (0..5).map(|_| late(1, 12)).collect();
    let with = |selection| of(&runs, Objective { selection, ..objective(vec![ttft()], 500_000) });
    let code = with(Selection { categories: vec!["code".to_owned()], ..Selection::default() });
    assert_eq!((code.n, code.n_violations), (20, 0));
    let chat = with(Selection { categories: vec!["chat".to_owned()], ..Selection::default() });
    assert_eq!((chat.n, chat.n_violations), (40, 5));
    let short = with(Selection { isl_to: Some(10), ..Selection::default() });
    assert_eq!((short.n, short.n_violations), (20, 5));
    let long =
        with(Selection { isl_from: Some(11), languages: vec!["en".to_owned()], ..Selection::default() });
    assert_eq!((long.n, long.n_violations), (40, 0));
}

#[test]
fn a_failed_request_has_the_length_of_its_prompt() {
    let mut first = late(0, 12);
    first[0] = Did::Failed(Outcome::Timeout { limit_ms: 1000 });
    let runs = [first, late(0, 12), late(0, 12), late(0, 12), late(0, 12)];
    let selection = Selection { isl_to: Some(10), ..Selection::default() };
    let found = of(&runs, Objective { selection, ..objective(vec![ttft()], 500_000) });
    assert_eq!((found.n, found.n_violations, found.n_excluded), (20, 1, 0));
}

#[test]
fn too_much_left_out_makes_a_report_invalid() {
    let hot = Ending { outcome: Outcome::Ok, invalid: Some("the device was throttled") };
    let with = |size: usize| {
        let sizes = [12, 12, 12, 12, 12, size];
        let mut launches: Vec<Vec<Event>> = (0..5).map(|n| run(n, &late(0, 12), &WELL)).collect();
        launches.push(run(5, &late(0, size), &hot));
        let (_dir, campaign) = campaign_of(&plan_with(&sizes), &launches);
        view_of(&campaign, &slo(vec![objective(vec![ttft()], 950_000)]))
    };
    // 1 of 61 is 1.6 %.
    let view = with(1);
    assert_eq!(view.verdict, Pass);
    let of = &view.exclusions[0];
    assert_eq!((of.rule.as_str(), of.n_requests, of.n_launches), ("invalid-launch", 1, 1));
    assert_eq!(of.reasons, ["the device was throttled"]);
    // 2 of 62 is 3.2 %.
    let view = with(2);
    assert_eq!((view.verdict, view.objectives[0].judgements[0].n_excluded), (Invalid, 2));
    let why = view.objectives[0].judgements[0].why.as_deref();
    assert_eq!(why, Some("2 of 62 requests are left out, and more than 2 % make a report invalid"));
}

#[test]
fn a_restart_of_the_device_is_a_violation() {
    let restart = Ending { outcome: Outcome::Rebooted, invalid: Some("the device restarted") };
    let mut launches: Vec<Vec<Event>> = (0..5).map(|n| run(n, &late(0, 12), &WELL)).collect();
    launches.push(run(5, &[], &restart));
    let (_dir, campaign) = campaign_of(&plan_with(&[12, 12, 12, 12, 12, 0, 1][..5]), &launches[..5]);
    assert_eq!(only(view_of(&campaign, &slo(vec![objective(vec![ttft()], 950_000)]))).n_violations, 0);
    let (_dir, campaign) = campaign_of(&plan_with(&[12, 12, 12, 12, 12, 3]), &launches);
    let found = only(view_of(&campaign, &slo(vec![objective(vec![ttft()], 950_000)])));
    assert_eq!((found.n, found.n_violations, found.violations[0].cause.as_str()), (61, 1, "restarted"));
}

#[test]
fn an_incomplete_campaign_passes_nothing() {
    let launches: Vec<Vec<Event>> = (0..5).map(|n| run(n, &late(0, 12), &WELL)).collect();
    let (_dir, campaign) = campaign_of(&plan_with(&[12, 12, 12, 12, 12, 12]), &launches);
    let found = only(view_of(&campaign, &slo(vec![objective(vec![ttft()], 950_000)])));
    assert_eq!((found.verdict, found.n), (Inconclusive, 60));
    assert!(found.why.expect("a reason").contains("60 of 72 requests are in the record"));
}

#[test]
fn words_that_the_campaign_does_not_have_are_told_with_their_line() {
    let (_dir, campaign) = campaign(&[late(0, 3)]);
    let check = |selection: Selection, expected: &str| {
        let slo = slo(vec![Objective { selection, ..objective(vec![ttft()], 950_000) }]);
        let error = compliance(&campaign, &ask(&slo)).expect_err("the campaign has none");
        assert_eq!((error.to_string().as_str(), error.blame()), (expected, Blame::User));
        let mut rows = Vec::new();
        compliance_csv(&campaign, &slo, &mut rows).expect_err("nor has its export");
        assert!(rows.is_empty());
    };
    let words = |word: &str| vec![word.to_owned()];
    check(
        Selection { categories: words("cod"), ..Selection::default() },
        "sla.toml:5: `it`: the campaign has no prompt of category `cod`\n  hint: it has `chat`, `code`",
    );
    check(
        Selection { devices: words("phone"), loads: words("open"), ..Selection::default() },
        "2 problems\nsla.toml:5: `it`: the campaign has no device `phone`\n  hint: it has `local`\nsla.toml:5: `it`: the campaign has no load `open`\n  hint: it has `single`, `single user`",
    );
    check(
        Selection { languages: words("de"), ..Selection::default() },
        "sla.toml:5: `it`: the campaign has no prompt in the language `de`\n  hint: it has `en`",
    );
    check(
        Selection { isl_from: Some(500), ..Selection::default() },
        "sla.toml:5: `it`: no prompt has that many tokens\n  hint: prompts have from 10 to 12 tokens",
    );
}

#[test]
fn an_objective_without_a_measurement_is_inconclusive() {
    let (_dir, campaign) = campaign_of(&plan_with(&[3, 3]), &[]);
    let found = only(view_of(&campaign, &slo(vec![objective(vec![ttft()], 950_000)])));
    assert_eq!(
        (found.verdict, found.why.as_deref()),
        (Inconclusive, Some("no request of it is in the record"))
    );
}

#[test]
fn the_same_record_gives_the_same_bytes_and_all_ten_points() {
    let (_dir, campaign) = campaign(&[late(1, 12), late(0, 12), late(0, 12), late(0, 12), late(0, 12)]);
    let slo = slo(vec![objective(vec![ttft()], 950_000)]);
    let view = view_of(&campaign, &slo);
    let json = serde_json::to_string(&view).expect("it is JSON");
    assert_eq!(json, serde_json::to_string(&view_of(&campaign, &slo)).expect("it is JSON"));
    let back: ComplianceView = serde_json::from_str(&json).expect("and comes back");
    assert_eq!((back.verdict, back.cells.len()), (view.verdict, 1));
    let cell = &view.cells[0];
    assert_eq!((cell.n_runs, cell.n_launches, cell.n_sessions), (5, 5, 1));
    assert_eq!((cell.isl.n, cell.isl.min, cell.isl.max), (60, Some(10), Some(12)));
    assert_eq!(cell.started_at.as_deref(), Some("2026-11-21T04:30:00Z"));
    assert_eq!(cell.measuring.aa_calibration_digest, Some("ab".repeat(32)));
    assert!(cell.measuring.probes.iter().any(|probe| probe.quantity == "temp_mdegc" && probe.class == "A"));
    assert_eq!(cell.environment.zones[0].max_mdegc, 51_000);
    assert_eq!(view.evidence.journal_digest.len(), 64);
    assert_eq!((view.evidence.checked_by.as_str(), view.operator.as_deref()), ("0.2.0", Some("A. Meier")));
    assert!(view.limits[0].starts_with("One unit was tested, local"), "{:?}", view.limits);
    assert!(view.limits.iter().any(|text| text.contains("scripted")), "{:?}", view.limits);
    assert_eq!(view.methods.iter().map(|of| of.metric.as_str()).collect::<Vec<_>>(), ["ttft_ns"]);
}

#[test]
fn each_request_is_a_row_with_each_objective() {
    let mut first = late(1, 3);
    first[2] = Did::Failed(Outcome::Timeout { limit_ms: 1000 });
    let (_dir, campaign) = campaign(&[first]);
    let code = Selection { categories: vec!["code".to_owned()], ..Selection::default() };
    let slo = slo(vec![
        Objective { name: "text, soon".to_owned(), ..objective(vec![ttft()], 950_000) },
        Objective { name: "=code".to_owned(), selection: code, ..objective(vec![ttft()], 950_000) },
        Objective {
            name: "load".to_owned(),
            judges: Judged::Launches,
            ..objective(vec![limit("load_ns", 50.0)], 950_000)
        },
    ]);
    let mut out = Vec::new();
    compliance_csv(&campaign, &slo, &mut out).expect("memory takes all");
    let text = String::from_utf8(out).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("e2e_ns,\"text, soon\",'=code,load"), "{}", lines[0]);
    let ends: Vec<&str> = lines[1..]
        .iter()
        .map(|line| line.split(',').skip(16).collect::<Vec<_>>().len())
        .map(|n| if n == 3 { "3" } else { "?" })
        .collect();
    assert_eq!(ends, ["3", "3", "3"]);
    assert!(lines[1].ends_with(",violated,,kept") && lines[2].ends_with(",kept,kept,kept"), "{text}");
    assert!(lines[3].ends_with(",timeout,,,,,,violated,,kept"), "{}", lines[3]);
    assert!(
        lines[1].starts_with("0,1,0,00000000000000aa,local,p-0,chat,en,10,4,ok,,1500000000,,50000000,"),
        "{}",
        lines[1]
    );
}

#[test]
fn a_prompt_that_selects_is_known_by_its_plan() {
    let plan = plan_with(&[3]);
    assert!(plan.prompts.contains_key(&PromptId::from("p-1")));
    assert!(matches!(
        compliance(
            &campaign_of(&plan, &[]).1,
            &ask(&slo(vec![Objective {
                selection: Selection { categories: vec!["x".to_owned()], ..Selection::default() },
                ..objective(vec![ttft()], 950_000)
            }]))
        ),
        Err(ComplianceError::Claims { .. })
    ));
}

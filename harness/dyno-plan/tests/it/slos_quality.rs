//! Objectives about answers that pass: what the words mean, and every way to be wrong.

use dyno_model::slo::{Condition, Demand, Judged};

use crate::slos::{check, one, read};

#[test]
fn answers_that_pass_are_a_share_of_requests() {
    let found = one("metric = \"passed\"\nfraction = 0.8\nwhere = { category = \"classify\" }");
    assert_eq!((found.name.as_str(), found.judges), ("passed", Judged::Requests));
    assert_eq!(found.conditions, [Condition::Passed]);
    assert_eq!(found.demand, Demand::Share { fraction_ppm: 800_000, confidence_ppm: 950_000 });
    assert_eq!((found.selection.categories, found.baseline), (vec!["classify".to_owned()], None));
    // With a time, one request must do both.
    let found = one("limits = [{ metric = \"ttft\", limit_s = 1 }, { metric = \"passed\" }]\nfraction = 0.8");
    assert_eq!(found.conditions[1], Condition::Passed);
    assert_eq!(found.name, "ttft + passed");
    assert_eq!(one("metric = \"passed\"\nevery = true").demand, Demand::Every);
}

#[test]
fn a_drop_is_held_against_a_baseline() {
    let found = one("metric = \"passed\"\nmax_drop = 0.05\nconfidence = 0.9\nbaseline = \"stable\"");
    assert_eq!(found.demand, Demand::Drop { most_ppm: 50_000, confidence_ppm: 900_000 });
    assert_eq!((found.name.as_str(), found.baseline.as_deref()), ("accuracy drop", Some("stable")));
    assert_eq!(found.conditions, [Condition::Passed]);
    // Who checks can name it, too.
    let found = one("metric = \"passed\"\nmax_drop = 0.1");
    assert_eq!(found.demand, Demand::Drop { most_ppm: 100_000, confidence_ppm: 950_000 });
    assert_eq!(found.baseline, None);
    // One of each kind of prompt: the second has a name of its own.
    let of_kind = |kind: &str| {
        format!("[[slo]]\nmetric = \"passed\"\nmax_drop = 0.1\nwhere = {{ category = \"{kind}\" }}\n")
    };
    let both = read(&format!("{}{}", of_kind("classify"), of_kind("summarize"))).expect("no problem");
    let names: Vec<&str> = both.objectives.iter().map(|of| of.name.as_str()).collect();
    assert_eq!(names, ["accuracy drop", "accuracy drop (2)"]);
}

#[test]
fn an_objective_keeps_its_meaning_as_json() {
    let found = one("metric = \"passed\"\nmax_drop = 0.05\nbaseline = \"stable\"");
    let json = serde_json::to_value(&found).expect("JSON");
    assert_eq!(json["demand"]["kind"], "drop");
    assert_eq!(serde_json::from_value::<dyno_model::slo::Objective>(json).expect("the same"), found);
    // One that was written before there were baselines.
    let mut old = serde_json::to_value(one("metric = \"answered\"\nfraction = 0.9")).expect("JSON");
    assert!(old.get("baseline").is_none());
    old["demand"]["fraction_ppm"] = 910_000.into();
    assert!(serde_json::from_value::<dyno_model::slo::Objective>(old).is_ok());
}

#[test]
fn what_answers_cannot_have_is_told() {
    check(
        "metric = \"passed\"\nlimit_ratio = 0.8\nfraction = 0.8",
        &["6:15: `passed` has no limit: an answer passes or it does not\n  hint: leave `limit_ratio` out"],
    );
    check(
        "metric = \"passed\"",
        &[
            "4:1: nothing says how many must keep it\n  hint: fraction = 0.8 with a confidence, or max_drop = 0.05 with a baseline",
        ],
    );
    check(
        "metric = \"passed\"\nfraction = 0.8\nper = \"launch\"",
        &["7:7: answers are judged by the request that they are of"],
    );
    check(
        "metric = \"pased\"\nfraction = 0.8",
        &[&format!(
            "5:10: unknown metric `pased`\n  hint: did you mean `passed`? known: {}",
            dyno_model::metric::METRICS
                .iter()
                .map(|metric| metric.id)
                .chain(["answered"])
                .collect::<Vec<_>>()
                .join(", ")
        )],
    );
}

#[test]
fn what_a_drop_cannot_have_is_told() {
    check(
        "metric = \"ttft\"\nlimit_ms = 5\nmax_drop = 0.05",
        &[
            "7:12: `max_drop` is of answers that pass, and of nothing beside them\n  hint: metric = \"passed\"",
        ],
    );
    check(
        "limits = [{ metric = \"passed\" }, { metric = \"ttft\", limit_ms = 5 }]\nmax_drop = 0.05",
        &[
            "6:12: `max_drop` is of answers that pass, and of nothing beside them\n  hint: metric = \"passed\"",
        ],
    );
    let beside = |key: &str| {
        format!(
            "`{key}` beside `max_drop`: a drop is of the share of prompts that pass\n  hint: leave out `{key}`, or make it an objective of its own"
        )
    };
    check(
        "metric = \"passed\"\nmax_drop = 0.05\nfraction = 0.8\nevery = true",
        &[&format!("7:12: {}", beside("fraction")), &format!("8:9: {}", beside("every"))],
    );
    check(
        "metric = \"passed\"\nfraction = 0.8\nbaseline = \"stable\"",
        &[
            "7:12: `baseline` without `max_drop`: nothing is held against it\n  hint: add max_drop = 0.05, or leave `baseline` out",
        ],
    );
    check(
        "metric = \"passed\"\nmax_drop = 0.05\nbaseline = \" \"",
        &["7:12: this cannot be a baseline's name\n  hint: the name that `edgedyno baseline set` gave it"],
    );
    for (value, words) in [("0.0", "0"), ("1.0", "1")] {
        check(
            &format!("metric = \"passed\"\nmax_drop = {value}"),
            &[&format!(
                "6:12: `max_drop` is {words}, which no finite number of observations can show\n  hint: above 0 and below 1"
            )],
        );
    }
    check(
        "metric = \"passed\"\nmax_drop = 5",
        &["6:12: `slo[0].max_drop` is out of range: 5\n  hint: from 0 to 1"],
    );
    check(
        "metric = \"passed\"\nmax_drop = 0.05\nconfidence = 0.4",
        &[
            "7:14: `confidence` of a drop is below 0.5, which would rather be wrong than right\n  hint: 0.95 is usual",
        ],
    );
}

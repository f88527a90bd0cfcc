//! Sets of objectives: what the words mean, and every way to be wrong.

use dyno_model::digest::Digest;
use dyno_model::slo::{Condition, Demand, Judged, Objective, Selection, Slo};
use dyno_plan::{Ask, Inputs, Problems, Source, SourceKind};

use crate::lab::{ask, lab, lab_with};

const HEAD: &str = "schema_version = 1\nname = \"sla\"\ndescription = \"What we promise.\"\n";

pub(crate) fn read(objectives: &str) -> Result<Slo, Problems> {
    let text = format!("{HEAD}{objectives}");
    dyno_plan::read_slo(&Source::user_as(SourceKind::Slos, "my/sla.toml", text))
}

/// The only objective of these words, which begin at line 4.
pub(crate) fn one(words: &str) -> Objective {
    let slo = read(&format!("[[slo]]\n{words}\n")).unwrap_or_else(|problems| panic!("{problems}"));
    slo.objectives.into_iter().next().expect("one objective")
}

/// These words have these problems.
pub(crate) fn check(words: &str, expected: &[&str]) {
    let found: Vec<String> = read(&format!("[[slo]]\n{words}\n"))
        .err()
        .map(|problems| problems.0.iter().map(ToString::to_string).collect())
        .unwrap_or_default();
    let expected: Vec<String> = expected.iter().map(|text| format!("my/sla.toml:{text}")).collect();
    assert_eq!(found, expected, "{words}");
}

fn limit(metric: &str, limit: f64) -> Condition {
    Condition::Limit { metric: metric.to_owned(), limit }
}

const SHARE: &str = "fraction = 0.95\nconfidence = 0.9";

#[test]
fn a_file_of_ones_own_is_read_with_its_digest() {
    let objectives = "\n[[slo]]\nmetric = \"ttft\"\nlimit_s = 1.5\nfraction = 0.95\n\n[[slo]]\nmetric = \"answered\"\nfraction = 0.999\nconfidence = 0.99\n";
    let slo = read(objectives).expect("it has no problem");
    assert_eq!(slo.digest, Digest::of(format!("{HEAD}{objectives}").as_bytes()));
    assert_eq!((slo.name.as_str(), slo.file.as_str()), ("sla", "my/sla.toml"));
    let expected = |name: &str, line, condition, fraction_ppm, confidence_ppm| Objective {
        name: name.to_owned(),
        line,
        judges: Judged::Requests,
        conditions: vec![condition],
        demand: Demand::Share { fraction_ppm, confidence_ppm },
        selection: Selection::default(),
        baseline: None,
    };
    // Without a confidence, 95 %.
    let first = expected("ttft", 5, limit("ttft_ns", 1.5e9), 950_000, 950_000);
    assert_eq!(slo.objectives, [first, expected("answered", 10, Condition::Answered, 999_000, 990_000)]);
}

#[test]
fn limits_are_in_the_unit_of_their_metric() {
    let check = |metric: &str, words: &str, expected: Condition| {
        let found = one(&format!("metric = \"{metric}\"\n{words}\n{SHARE}"));
        assert_eq!(found.conditions, [expected], "{words}");
    };
    check("tpot", "limit_ms = 100", limit("tpot_ns", 1e8));
    check("e2e_ns", "limit_ns = 7", limit("e2e_ns", 7.0));
    check("decode", "limit_tokens_per_s = 10", limit("decode_tokens_per_s", 10.0));
    check("peak_rss", "limit_bytes = 2e9", limit("peak_rss_bytes", 2e9));
    check("j_per_request", "limit_j = 2.5", limit("j_per_request", 2.5));
    check("sustained_ratio", "limit_ratio = 0.9", limit("sustained_ratio", 0.9));
    check("chunk_gap", "limit_ms = 500", limit("chunk_gap_ns", 5e8));
}

#[test]
fn a_metric_of_launches_judges_launches_unless_asked_otherwise() {
    let judges = |words: &str| one(&format!("{words}\n{SHARE}")).judges;
    assert_eq!(judges("metric = \"load\"\nlimit_s = 5"), Judged::Launches);
    assert_eq!(judges("metric = \"ttft\"\nlimit_s = 5"), Judged::Requests);
    assert_eq!(judges("metric = \"ttft\"\nlimit_s = 5\nper = \"launch\""), Judged::Launches);
    assert_eq!(judges("metric = \"answered\""), Judged::Requests);
    // One request, its own time and the energy of its launch.
    let mixed = "limits = [{ metric = \"ttft\", limit_s = 1 }, { metric = \"j_per_request\", limit_j = 3 }]";
    assert_eq!(judges(mixed), Judged::Requests);
}

#[test]
fn several_limits_are_kept_together_and_named_by_their_metrics() {
    let found = one(&format!(
        "limits = [{{ metric = \"ttft\", limit_s = 1 }}, {{ metric = \"tpot\", limit_ms = 100 }}]\n{SHARE}"
    ));
    assert_eq!(found.conditions, [limit("ttft_ns", 1e9), limit("tpot_ns", 1e8)]);
    assert_eq!(found.name, "ttft + tpot");
    let twice = read(
        "[[slo]]\nmetric = \"ttft\"\nlimit_s = 1\nfraction = 0.5\n[[slo]]\nmetric = \"ttft\"\nlimit_s = 2\nfraction = 0.9\n",
    );
    let names: Vec<String> = twice.expect("no problem").objectives.into_iter().map(|of| of.name).collect();
    assert_eq!(names, ["ttft", "ttft (2)"]);
}

#[test]
fn a_selection_takes_one_word_or_a_list() {
    let found = one(&format!(
        "metric = \"ttft\"\nlimit_s = 1\n{SHARE}\nwhere = {{ category = \"chat\", language = [\"en\", \"de\"], isl_tokens = {{ to = 512 }}, device = \"pi5-a\", load = \"closed\" }}"
    ));
    let expected = Selection {
        categories: vec!["chat".to_owned()],
        languages: vec!["en".to_owned(), "de".to_owned()],
        devices: vec!["pi5-a".to_owned()],
        loads: vec!["closed".to_owned()],
        isl_to: Some(512),
        ..Selection::default()
    };
    assert_eq!(found.selection, expected);
}

#[test]
fn every_needs_no_share() {
    assert_eq!(one("metric = \"load\"\nlimit_s = 5\nevery = true").demand, Demand::Every);
    check(
        "metric = \"load\"\nlimit_s = 5\nevery = true\nfraction = 0.9",
        &[
            "8:12: `fraction` beside `every`: all of the record are counted, none is inferred\n  hint: leave out `fraction`, or `every`",
        ],
    );
    check(
        "metric = \"load\"\nlimit_s = 5",
        &[
            "4:1: nothing says how many must keep it\n  hint: fraction = 0.95 with a confidence, or every = true",
        ],
    );
}

#[test]
fn limits_that_nothing_can_keep_or_miss_are_told() {
    let with = |line: &str| format!("metric = \"ttft\"\n{line}\n{SHARE}");
    check(
        &with("limit_ms = 0"),
        &["6:12: `limit_ms` is 0, which cannot be kept: nothing has less than that\n  hint: above 0"],
    );
    check(&with("limit_ms = -5"), &["6:12: `slo[0].limit_ms` is out of range: -5\n  hint: 0 or more"]);
    check(
        &with("limit_ms = inf"),
        &["6:12: `limit_ms` is inf, which is no number that anything can be held against\n  hint: above 0"],
    );
    check(
        &format!("metric = \"decode\"\nlimit_tokens_per_s = 0\n{SHARE}"),
        &[
            "6:22: `limit_tokens_per_s` is 0, which cannot be missed: everything has more than that\n  hint: above 0",
        ],
    );
    check(
        "metric = \"ttft\"\nlimit_ms = 5\nfraction = 1.0\nconfidence = 0.0",
        &[
            "7:12: `fraction` is 1, which no finite number of observations can show\n  hint: above 0 and below 1",
            "8:14: `confidence` is 0, which no finite number of observations can show\n  hint: above 0 and below 1",
        ],
    );
    check(
        "metric = \"ttft\"\nlimit_ms = 5\nfraction = 0.12345678",
        &["7:12: `fraction` is 0.12345678, which is no number of millionths"],
    );
}

#[test]
fn objectives_that_say_nothing_or_too_much_are_told() {
    check(
        SHARE,
        &[
            "4:1: an objective without a metric\n  hint: metric = \"ttft\" with limit_ms, or limits = [ … ] for several at once",
        ],
    );
    check(
        &format!("metric = \"answered\"\nlimit_ms = 5\n{SHARE}"),
        &["6:12: `answered` has no limit: a request is answered or it is not\n  hint: leave `limit_ms` out"],
    );
    check(
        &format!("metric = \"ttft\"\nlimits = [{{ metric = \"tpot\", limit_ms = 5 }}]\n{SHARE}"),
        &[
            "5:10: `metric` and `limits` in one objective\n  hint: put { metric = \"ttft\", … } among the limits",
        ],
    );
    check(
        &format!(
            "limits = [{{ metric = \"tpot\", limit_ms = 5 }}, {{ metric = \"tpot\", limit_ms = 6 }}]\n{SHARE}"
        ),
        &["5:57: `tpot` is limited twice in one objective"],
    );
    check(
        &format!("limit_ms = 9\nlimits = [{{ metric = \"tpot\", limit_ms = 5 }}]\n{SHARE}"),
        &["5:12: `limit_ms` beside `limits`\n  hint: each of `limits` has its own"],
    );
    check(
        &format!("limits = [{{ metric = \"tpot\", limit_j = 5 }}]\n{SHARE}"),
        &[
            "5:40: `limit_j` is no unit of `tpot_ns`\n  hint: for `tpot_ns` write limit_ns or limit_ms or limit_s",
        ],
    );
    check(
        &format!("metric = \"ttft\"\nlimit_ms = 5\nname = \"\"\n{SHARE}"),
        &["7:8: this cannot be a name\n  hint: one to 80 characters on one line"],
    );
}

#[test]
fn selections_of_nothing_are_told() {
    let with = |selection: &str| format!("metric = \"ttft\"\nlimit_ms = 5\n{SHARE}\nwhere = {selection}");
    check(&with("{ category = [] }"), &["9:22: `category` selects nothing\n  hint: leave it out for all"]);
    check(&with("{ isl_tokens = { from = 9, to = 3 } }"), &["9:11: no prompt has from 9 to 3 tokens"]);
    check(
        &with("{ categry = \"chat\" }"),
        &[
            "9:11: unknown key `categry` in `slo[0].where`\n  hint: did you mean `category`? known: category, device, isl_tokens, language, load, model, runtime",
        ],
    );
    check(
        &format!("metric = \"load\"\nlimit_s = 5\n{SHARE}\nwhere = {{ category = \"chat\" }}"),
        &[
            "9:1: a launch serves prompts of all kinds, so it cannot be selected by them\n  hint: per = \"request\", or select by device, model or load",
        ],
    );
}

#[test]
fn names_are_given_once() {
    let found = read(
        "[[slo]]\nname = \"a\"\nmetric = \"ttft\"\nlimit_s = 1\nfraction = 0.5\n[[slo]]\nname = \"a\"\nmetric = \"tpot\"\nlimit_s = 1\nfraction = 0.5\n",
    );
    assert_eq!(
        found.expect_err("two of a name").to_string(),
        "my/sla.toml:10:8: two objectives are named `a`"
    );
    assert_eq!(
        read("slo = []\n").expect_err("nothing is set").to_string(),
        "my/sla.toml:4:7: no limit is set"
    );
}

#[test]
fn a_set_is_found_by_its_name() {
    assert_eq!(dyno_plan::find_slo(&lab(), "quick").expect("the lab has it").objectives.len(), 1);
    assert_eq!(
        dyno_plan::find_slo(&Inputs::shipped(), "interactive").expect("it is shipped").objectives.len(),
        2
    );
    let problems = dyno_plan::find_slo(&lab(), "quik").expect_err("the lab has none of that name");
    assert_eq!(problems.to_string(), "--slo: unknown slo `quik`\n  hint: did you mean `quick`? known: quick");
}

#[test]
fn what_a_plan_cannot_judge_is_left_to_the_check() {
    let file = "catalog/slos/quick.toml";
    let refused = |from: &str, to: &str| {
        let asked = Ask { slo: Some("quick".to_owned()), ..ask() };
        let problems = dyno_plan::freeze(&lab_with(&[(file, from, to)]), &asked).expect_err("a plan cannot");
        problems.to_string()
    };
    let later = "is judged after the run only, by `edgedyno check --slo`";
    let of = |what: &str| format!("--slo: the set of SLOs `quick` cannot be used: {what} {later}");
    let found = refused("metric = \"ttft\"\nlimit_ms = 400", "metric = \"answered\"");
    assert_eq!(found, of("the objective `answered`"));
    let found = refused("confidence = 0.9", "confidence = 0.9\nwhere = { language = \"en\" }");
    assert_eq!(found, of("the objective of a part of the requests `ttft`"));
    let found = refused("fraction = 0.95\nconfidence = 0.9", "every = true");
    assert_eq!(found, of("the objective of every request `ttft`"));
    let found = refused("metric = \"ttft\"\nlimit_ms = 400", "metric = \"passed\"");
    assert_eq!(found, of("the objective `passed`"));
}

#[test]
fn all_problems_are_told_at_once() {
    check(
        "metric = \"ttft\"\nlimit_j = 5\nfraction = 1.0\nlimts = 3\nper = \"launch\"\nwhere = { language = \"en\" }",
        &[
            "6:11: `limit_j` is no unit of `ttft_ns`\n  hint: for `ttft_ns` write limit_ns or limit_ms or limit_s",
            "7:12: `fraction` is 1, which no finite number of observations can show\n  hint: above 0 and below 1",
            "8:1: unknown key `limts` in `slo[0]`\n  hint: did you mean `limits`? known: baseline, confidence, every, fraction, limit_bytes, limit_j, limit_ms, limit_ns, limit_ratio, limit_s, limit_tokens, limit_tokens_per_s, limits, max_drop, metric, name, per, where",
            "10:1: a launch serves prompts of all kinds, so it cannot be selected by them\n  hint: per = \"request\", or select by device, model or load",
        ],
    );
}

#[test]
fn egress_is_forbidden_for_the_whole_file() {
    let no_egress = |name: &str, line| Objective {
        name: name.to_owned(),
        line,
        judges: Judged::Launches,
        conditions: vec![Condition::NoEgress],
        demand: Demand::Every,
        selection: Selection::default(),
        baseline: None,
    };
    let slo = read("forbid_egress = true\n").expect("it may stand alone");
    assert_eq!(slo.objectives, [no_egress("no egress", 4)]);
    let beside = "forbid_egress = true\n[[slo]]\nname = \"no egress\"\nmetric = \"answered\"\nevery = true\n";
    let slo = read(beside).expect("it may stand beside others");
    assert_eq!(slo.objectives[1], no_egress("no egress (2)", 4));
    let problems = |words: &str| read(words).expect_err("nothing is set").to_string();
    assert_eq!(problems("forbid_egress = false\n"), "my/sla.toml:1:1: no limit is set");
    assert_eq!(problems(""), "my/sla.toml:1:1: no limit is set");
}

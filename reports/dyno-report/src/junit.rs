//! JUnit XML, for build servers: a comparison's rows and a campaign's cells as test cases.
//!
//! What is worse fails, what is not decided is skipped, and what was measured badly is an error: a build server must not
//! count any of these as passed.

mod canary;

pub use canary::canary;

use std::fmt::Write as _;

use dyno_view::compare::{ChangeOutcome, ChangeVerdictView, CompareView};
use dyno_view::compliance::{ComplianceVerdict, ComplianceView};
use dyno_view::load::VerdictView;
use dyno_view::report::{CellView, Report};

use crate::cell::{Headline, State, cell_name, cell_settings};
use crate::chart::escaped;
use crate::compare::{Group, Line, failure_words, groups, pairing_words, quality_lines, title, verdict_word};
use crate::compliance::{cell_name as judged_cell_name, verdict_line};
use crate::load::{limit_words, verdict_words};
use crate::untrusted::one_line;

/// A comparison: one suite for each pair of cells, one test case for each metric.
pub fn comparison(view: &CompareView) -> String {
    let mut suites: Vec<Suite> = groups(view).iter().map(of_group).collect();
    if suites.is_empty() {
        // A file without a test case would pass.
        let outcome = Outcome::Skipped(format!("{}: {}", verdict_word(view.verdict), view.summary));
        let case = Case { class: "edgedyno".to_owned(), name: title(view), outcome, said: String::new() };
        suites.push(Suite { name: title(view), cases: vec![case] });
    }
    written("edgedyno compare", &suites)
}

/// A campaign: one test case for each cell and for each of its objectives, and the verdicts of its arms.
pub fn report(report: &Report) -> String {
    let cells = report.cells.iter().flat_map(of_cell).collect();
    let mut suites = vec![Suite { name: format!("campaign {}", report.campaign.id), cases: cells }];
    if let Some(view) = &report.verdicts {
        suites.extend(groups(view).iter().map(of_group));
    }
    written("edgedyno report", &suites)
}

/// A compliance report: one test case for each objective, in each cell that it is about.
pub fn compliance(view: &ComplianceView) -> String {
    let mut cases = Vec::new();
    for objective in &view.objectives {
        for judgement in &objective.judgements {
            let line = verdict_line(view, objective, judgement);
            let why = line.why.map(|why| format!("; {why}")).unwrap_or_default();
            let message = format!("{}. {}{why}", line.claim, line.counts);
            let outcome = match judgement.verdict {
                ComplianceVerdict::Pass => Outcome::Passed,
                ComplianceVerdict::Fail => Outcome::Failed { kind: "FAIL", message: message.clone() },
                ComplianceVerdict::Inconclusive => Outcome::Skipped(format!("INCONCLUSIVE: {message}")),
                ComplianceVerdict::Invalid => Outcome::Error { kind: "INVALID", message: message.clone() },
            };
            let class = judged_cell_name(view, &judgement.cell);
            cases.push(Case { class, name: objective.name.clone(), outcome, said: message });
        }
    }
    let suite = Suite { name: format!("{} · campaign {}", view.slo.name, view.campaign.id), cases };
    written("edgedyno check", &[suite])
}

struct Suite {
    name: String,
    cases: Vec<Case>,
}

struct Case {
    class: String,
    name: String,
    outcome: Outcome,
    /// What else is to be said.
    said: String,
}

enum Outcome {
    Passed,
    Failed { kind: &'static str, message: String },
    Skipped(String),
    Error { kind: &'static str, message: String },
}

fn of_group(group: &Group<'_>) -> Suite {
    let mut cases: Vec<Case> = group.lines.iter().map(|line| of_line(group, line)).collect();
    if let (Some((_, text)), Some(verdict)) =
        (failure_words(&group.contrast.failures), group.contrast.failures.verdict)
    {
        let outcome = judged(verdict, text.clone());
        cases.push(Case { class: class(group), name: "failed requests".to_owned(), outcome, said: text });
    }
    cases.extend(quality_lines(group).iter().map(|line| {
        let said = format!("{}: {}", line.word, line.sentence());
        let about = line.row.category.as_ref().map(|of| format!(": {of}")).unwrap_or_default();
        let outcome = judged(line.row.verdict, said.clone());
        Case { class: class(group), name: format!("answers that pass{about}"), outcome, said }
    }));
    Suite { name: group.heading(), cases }
}

fn class(group: &Group<'_>) -> String {
    format!("{}.{}", group.side, group.work())
}

fn of_line(group: &Group<'_>, line: &Line<'_>) -> Case {
    let n = if line.n.is_empty() { String::new() } else { format!(", n = {} {}", line.n, group.replicate()) };
    let why = if line.why.is_empty() { String::new() } else { format!("; {}", line.why) };
    let unpaired = if group.is_unpaired { "UNPAIRED " } else { "" };
    let said = format!(
        "{unpaired}{}: {} ({} → {}), q {}, MDE {}{n}{why}",
        line.word,
        line.effect_line(),
        line.baseline,
        line.candidate,
        line.q,
        line.mde,
    );
    let outcome = match &line.row.outcome {
        ChangeOutcome::Tested(change) => judged(change.verdict, said.clone()),
        ChangeOutcome::Unlike { .. } | ChangeOutcome::Missing { .. } => {
            Outcome::Skipped(format!("{unpaired}{}: {}", line.word, line.why))
        }
    };
    let said = format!("{said}\n{}", pairing_words(group.contrast));
    Case { class: class(group), name: line.name(), outcome, said }
}

fn judged(verdict: ChangeVerdictView, message: String) -> Outcome {
    match verdict {
        ChangeVerdictView::Regression => Outcome::Failed { kind: "REGRESSION", message },
        ChangeVerdictView::Inconclusive => Outcome::Skipped(message),
        ChangeVerdictView::Equivalent | ChangeVerdictView::Improvement => Outcome::Passed,
    }
}

fn of_cell(cell: &CellView) -> Vec<Case> {
    let headline = Headline::of(cell);
    let validity = &headline.validity;
    let words = format!("{}: {}", validity.state.word(), validity.detail);
    let outcome = match validity.state {
        State::Valid | State::Failures => Outcome::Passed,
        State::Partly | State::Invalid => Outcome::Error { kind: "INVALID", message: words.clone() },
        State::NotMeasured => Outcome::Error { kind: "NOT MEASURED", message: words.clone() },
    };
    let figures: Vec<String> =
        headline.figures().iter().map(|(name, worded)| format!("{name}: {}", worded.line())).collect();
    let class = format!("{}, {}", cell_name(cell), cell_settings(cell));
    let mut cases = vec![Case {
        class: class.clone(),
        name: "measured".to_owned(),
        outcome,
        said: format!("{words}\n{}", figures.join("\n")),
    }];
    let good = cell.offered.as_ref().and_then(|load| load.good.as_ref());
    for limit in good.iter().flat_map(|good| &good.limits) {
        let words = limit_words(limit, good.map_or(0, |good| good.n));
        let outcome = match limit.verdict {
            VerdictView::Pass => Outcome::Passed,
            VerdictView::Fail => Outcome::Failed { kind: "FAIL", message: words.clone() },
            VerdictView::Inconclusive { .. } => Outcome::Skipped(verdict_words(&limit.verdict)),
        };
        cases.push(Case { class: class.clone(), name: limit.label.clone(), outcome, said: words });
    }
    cases
}

fn written(name: &str, suites: &[Suite]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all = || suites.iter().flat_map(|suite| &suite.cases);
    push(&mut out, format_args!("<testsuites name=\"{}\" {}>\n", xml(name), counts(all())));
    for suite in suites {
        let counts = counts(suite.cases.iter());
        push(&mut out, format_args!("  <testsuite name=\"{}\" {counts}>\n", xml(&one_line(&suite.name))));
        for case in &suite.cases {
            write_case(case, &mut out);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts<'c>(cases: impl Iterator<Item = &'c Case>) -> String {
    let (mut tests, mut failures, mut errors, mut skipped) = (0, 0, 0, 0);
    for case in cases {
        tests += 1;
        match case.outcome {
            Outcome::Passed => {}
            Outcome::Failed { .. } => failures += 1,
            Outcome::Skipped(_) => skipped += 1,
            Outcome::Error { .. } => errors += 1,
        }
    }
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"")
}

fn write_case(case: &Case, out: &mut String) {
    let (class, name) = (xml(&one_line(&case.class)), xml(&one_line(&case.name)));
    push(out, format_args!("    <testcase classname=\"{class}\" name=\"{name}\">\n"));
    match &case.outcome {
        Outcome::Passed => {}
        Outcome::Failed { kind, message } => element("failure", kind, message, out),
        Outcome::Error { kind, message } => element("error", kind, message, out),
        Outcome::Skipped(message) => {
            push(out, format_args!("      <skipped message=\"{}\"/>\n", xml(&one_line(message))));
        }
    }
    let said: Vec<String> = case.said.lines().map(|line| xml(&one_line(line))).collect();
    if !case.said.is_empty() {
        push(out, format_args!("      <system-out>{}</system-out>\n", said.join("\n")));
    }
    out.push_str("    </testcase>\n");
}

fn element(name: &str, kind: &str, message: &str, out: &mut String) {
    let message = xml(&one_line(message));
    push(out, format_args!("      <{name} type=\"{kind}\" message=\"{message}\">{message}</{name}>\n"));
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a String cannot fail");
}

/// Text for content and quoted attributes. Two characters beside the control characters have no place in XML 1.0.
fn xml(text: &str) -> String {
    escaped(text).replace(['\u{FFFE}', '\u{FFFF}'], "\u{FFFD}")
}

//! What a look over a corpus finds.

use dyno_model::grader::Grader;
use dyno_model::plan::PlannedPrompt;
use dyno_model::request::Message;
use dyno_prompts::{Linted, NEAR_DUPLICATE, Severity, lint};

fn prompt(text: &str, grader: Option<&str>) -> PlannedPrompt {
    PlannedPrompt {
        category: "qa".to_owned(),
        language: "en".to_owned(),
        messages: vec![Message { role: "user".to_owned(), content: text.to_owned() }],
        grader: grader.map(|json| serde_json::from_str::<Grader>(json).expect("a grader")),
    }
}

/// The findings of one prompt.
fn findings(prompt: &PlannedPrompt) -> Vec<(Severity, String)> {
    let linted = [Linted { id: "a-1", place: "a.jsonl:1", prompt }];
    lint(&linted, NEAR_DUPLICATE).into_iter().map(|finding| (finding.severity, finding.message)).collect()
}

#[test]
fn findings_of_one_prompt() {
    let check = |text: &str, grader: Option<&str>, severity, words: &str| {
        let found = findings(&prompt(text, grader));
        assert!(
            found.iter().any(|found| found.0 == severity && found.1.contains(words)),
            "{text}: {found:?}"
        );
        assert_eq!(found.len(), 1, "{text}: {found:?}");
    };
    check("Write to mia@kontor.se please.", None, Severity::Problem, "1 email address");
    check("Lorem ipsum dolor sit amet", None, Severity::Problem, "placeholder");
    check("Dear [your name], welcome.", None, Severity::Problem, "placeholder");
    check("?!", None, Severity::Problem, "no letter");
    check(&"go ".repeat(9), None, Severity::Problem, "9 times in a row");
    let paragraph =
        "This line is long enough that nobody would write it down twice in one and the same prompt, ever.";
    check(&format!("{paragraph}\nWell.\n{paragraph}"), None, Severity::Problem, "twice");
    check("Say anything.", Some(r#"{"kind": "regex", "pattern": "x*"}"#), Severity::Problem, "empty answer");
    let echo = r#"{"kind": "contains_all", "expected": ["lake"]}"#;
    check("Where is the lake?", Some(echo), Severity::Doubt, "given back");
    check("Which?", Some(r#"{"kind": "regex", "pattern": "("}"#), Severity::Problem, "cannot be used");
}

#[test]
fn a_good_prompt_has_none() {
    let check = |text: &str, grader| assert_eq!(findings(&prompt(text, grader)), [], "{text}");
    check("Where does the Danube rise?", Some(r#"{"kind": "contains_all", "expected": ["black forest"]}"#));
    check("Write to mia@kontor.example.", None);
    check("Tell me how to pick her lock.", Some(r#"{"kind": "refusal", "expected": false}"#));
}

#[test]
fn near_duplicates_are_named_with_what_they_are_like() {
    let (one, two) =
        (prompt("Where does the Danube rise?", None), prompt("where does the danube rise", None));
    let linted = [
        Linted { id: "a-1", place: "a.jsonl:1", prompt: &one },
        Linted { id: "a-2", place: "a.jsonl:2", prompt: &two },
    ];
    let found = lint(&linted, NEAR_DUPLICATE);
    assert_eq!(found.len(), 1);
    assert!(found[0].place == "a.jsonl:2" && found[0].message.contains("`a-1` (a.jsonl:1)"), "{found:?}");
}

//! Every form in which others keep prompts.

use dyno_prompts::{Columns, Input, import};
use serde_json::json;

use super::{asked, corpus, options, read};

#[test]
fn own_lines_keep_all_they_have() {
    let corpus = corpus(
        "a.jsonl",
        concat!(
            r#"{"id": "x-1", "category": "qa", "language": "sv", "osl_class": "short", "prompt": "Vad heter huvudstaden?", "grader": {"kind": "contains_all", "expected": ["stockholm"]}}"#,
            "\n\n",
            r#"{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a big cat."}]}"#,
            "\n"
        ),
    );
    let first = &corpus.entries[0];
    assert_eq!((first.id.as_str(), first.osl_class.as_str()), ("x-1", "short"));
    assert_eq!((first.prompt.category.as_str(), first.prompt.language.as_str()), ("qa", "sv"));
    assert!(first.prompt.grader.is_some());
    let second = &corpus.entries[1];
    assert_eq!((second.id.as_str(), second.prompt.language.as_str()), ("mine-00001", "und"));
    assert_eq!(second.prompt.messages[0].role, "system");
}

#[test]
fn tables_by_usual_and_by_given_names() {
    let table = "ID,Question,Lang,Answer\n7,\"Which sea lies between\nSweden and Finland?\",en,The Gulf of Bothnia\n8,Wie hoch ist der Brocken?,de,1141 m\n";
    let corpus = corpus("a.csv", table);
    assert_eq!(asked(&corpus), ["Which sea lies between\nSweden and Finland?", "Wie hoch ist der Brocken?"]);
    assert_eq!(corpus.entries[0].id, "7");
    assert_eq!(corpus.entries[1].prompt.language, "de");
    assert_eq!(corpus.entries[0].osl_class, "short");

    let given = super::Options {
        columns: Columns { prompt: Some("body".to_owned()), ..Columns::default() },
        ..options()
    };
    let (corpus, _) = read("a.tsv", b"title\tbody\nA\tWhat is a fjord?\n", &given).expect("a table");
    assert_eq!(asked(&corpus), ["What is a fjord?"]);

    let alpaca = corpus_of_rows(
        &json!([{"instruction": "Translate to French.", "input": "The cat sleeps.", "output": "…"}]),
    );
    assert_eq!(alpaca, ["Translate to French.\n\nThe cat sleeps."]);
}

fn corpus_of_rows(rows: &serde_json::Value) -> Vec<String> {
    let rows = rows.as_array().expect("rows").clone();
    let (corpus, _) =
        import(&[Input::Rows { name: "a.parquet".to_owned(), rows }], &options()).expect("rows");
    asked(&corpus).into_iter().map(str::to_owned).collect()
}

#[test]
fn share_gpt_as_array_and_as_lines() {
    let one = r#"{"id": "c1", "conversations": [{"from": "human", "value": "Hi, what is rye?"}, {"from": "gpt", "value": "A grain."}, {"from": "human", "value": "And spelt?"}, {"from": "gpt", "value": "A kind of wheat, grown since the Bronze Age, with a husk that has to be removed before milling; it is older than the wheat of today and was common in the mountains for a long time, too."}]}"#;
    let two = r#"{"conversations": [{"from": "system", "value": "Du bist Koch."}, {"from": "user", "value": "Wie lange kocht Reis?"}]}"#;
    for text in [format!("[\n{one},\n {two}\n]\n"), format!("{one}\n{two}\n")] {
        let corpus = corpus("sharegpt.json", &text);
        assert_eq!(asked(&corpus), ["And spelt?", "Wie lange kocht Reis?"]);
        assert_eq!(corpus.entries[0].prompt.messages.len(), 3);
        assert_eq!(corpus.entries[0].osl_class, "medium");
        assert_eq!(corpus.entries[0].id, "c1");
    }
}

#[test]
fn openai_batch_files() {
    let text = concat!(
        r#"{"custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "max_tokens": 20, "messages": [{"role": "developer", "content": "One word."}, {"role": "user", "content": [{"type": "text", "text": "Capital of Peru?"}]}]}}"#,
        "\n",
        r#"{"custom_id": "r-2", "method": "POST", "url": "/v1/completions", "body": {"model": "m", "prompt": "Once upon a time in Oulu"}}"#,
        "\n"
    );
    let corpus = corpus("batch.jsonl", text);
    assert_eq!(asked(&corpus), ["Capital of Peru?", "Once upon a time in Oulu"]);
    assert_eq!(corpus.entries[0].id, "r-1");
    assert_eq!(corpus.entries[0].prompt.messages[0].role, "system");
    assert_eq!(corpus.entries[0].osl_class, "short");
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows() {
    let corpus = corpus("a.csv", "\u{feff}prompt,lang\r\nWhat is snow?,en\r\n");
    assert_eq!(asked(&corpus), ["What is snow?"]);
}

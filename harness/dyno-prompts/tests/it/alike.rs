//! Near-duplicates: against a second method, and what counts as a question of its own.

use std::collections::BTreeSet;

use dyno_prompts::{Alike, NEAR_DUPLICATE, near_duplicates};
use proptest::prelude::*;

/// The Jaccard index of the 5-grams of two texts, by the book.
fn jaccard(a: &str, b: &str) -> f64 {
    let grams = |text: &str| -> BTreeSet<String> {
        let chars: Vec<char> = text.chars().collect();
        if chars.len() < 5 {
            return BTreeSet::from([text.to_owned()]);
        }
        chars.windows(5).map(|gram| gram.iter().collect()).collect()
    };
    let (a, b) = (grams(a), grams(b));
    a.intersection(&b).count() as f64 / a.union(&b).count() as f64
}

/// All pairs compared, each later text with the earlier ones that are kept.
fn by_the_book(texts: &[String], limit: f64) -> Vec<(usize, f64)> {
    let (mut kept, mut found) = (Vec::new(), Vec::new());
    for (at, text) in texts.iter().enumerate() {
        let best = kept.iter().map(|other: &usize| jaccard(&texts[*other], text)).fold(0.0, f64::max);
        if best >= limit {
            found.push((at, best));
        } else {
            kept.push(at);
        }
    }
    found
}

proptest! {
    #[test]
    fn finds_what_comparing_all_pairs_finds(
        words in prop::collection::vec(prop::collection::vec("(red|green|fox|boat|sail|[a-d]{2,5})", 1..9), 1..25),
        limit in 0.2_f64..0.95,
    ) {
        let texts: Vec<String> = words.iter().map(|words| words.join(" ")).collect();
        let found: Vec<(usize, f64)> =
            near_duplicates(&texts, limit).iter().map(|pair| (pair.second, pair.similarity)).collect();
        prop_assert_eq!(found, by_the_book(&texts, limit));
    }
}

#[test]
fn changing_names_or_numbers_makes_no_new_prompt() {
    let texts = [
        "Write a short mail to Tove: the meeting on Monday at 10 is moved to Tuesday at 14.",
        "what is the boiling point of ethanol",
        "Write a short mail to Abdul: the meeting on Friday at 9 is moved to Monday at 16.",
        "WHAT is  the boiling\npoint of ethanol?",
        "Summarise the meeting on Monday in three lines.",
    ];
    let found: Vec<(usize, usize)> =
        near_duplicates(&texts, NEAR_DUPLICATE).iter().map(|pair| (pair.first, pair.second)).collect();
    assert_eq!(found, [(0, 2), (1, 3)]);
}

#[test]
fn questions_about_one_text_are_not_alike_but_the_same_question_is() {
    let document = "The ferry to Inchray leaves at 9:40 from pier two, every day but Sunday.\n".to_owned()
        + "Bicycles travel free of charge, dogs pay half, and cars must be booked a day ahead.\n"
        + "In winter the last boat back is at 16:10; in summer there is one more at 19:30.\n";
    let ask = |question: &str| format!("{document}\n{question}");
    let texts = [
        ask("When is the last boat back in summer?"),
        ask("Rewrite this for a poster of at most 30 words."),
        ask("when is the last boat back, in summer"),
        document.clone(),
    ];
    let found: Vec<(usize, usize)> =
        near_duplicates(&texts, NEAR_DUPLICATE).iter().map(|pair| (pair.first, pair.second)).collect();
    assert_eq!(found, [(0, 2)]);
}

#[test]
fn many_texts_that_are_all_alike_end_soon() {
    let texts: Vec<String> =
        (0..20_000).map(|n| format!("Please tell me about the number {n} and its divisors.")).collect();
    let found = near_duplicates(&texts, NEAR_DUPLICATE);
    assert_eq!(found.len(), 19_999);
    let same = vec![String::new(); 10];
    let first = Alike { first: 0, second: 1, similarity: 1.0 };
    assert_eq!(near_duplicates(&same, 1.0)[0], first);
}

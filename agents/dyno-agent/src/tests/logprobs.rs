//! How likely tokens were, from the runtime into the record.

use super::*;
use dyno_model::request::TokenChoice;

fn notes(events: &[Event]) -> Vec<&str> {
    let mut notes = Vec::new();
    for event in events {
        if let EventKind::Note { text } = &event.kind {
            notes.push(text.as_str());
        }
    }
    notes
}

fn asking(n_requests: u32, top_logprobs: u8, settings: &[(&str, &str)]) -> RunOrder {
    let mut order = order(n_requests, settings);
    for request in &mut order.requests {
        request.sampling.top_logprobs = top_logprobs;
    }
    order
}

#[test]
fn what_the_runtime_says_of_each_token_is_recorded() {
    let folder = folder();
    let mut agent = Agent::start(&folder);
    let settings = [("text", "one two"), ("tokens_per_chunk", "2"), ("logprob_micro", "-693147,-1000000")];
    let (word, events) = agent.run(asking(2, 2, &settings));
    assert_eq!((word.as_str(), notes(&events)), ("ok", Vec::new()));
    for record in requests(&events) {
        let told = record.logprobs.as_deref().expect("it was asked");
        let tokens: Vec<_> = told
            .iter()
            .map(|one| (one.token.id, one.token.piece.as_str(), one.token.logprob_micro))
            .collect();
        // Of each token, however many a chunk has.
        assert_eq!(record.chunk_ns.len(), 2);
        assert_eq!(
            tokens,
            [(Some(0), "one ", -693_147), (Some(1), "two ", -1_000_000), (Some(0), "one ", -693_147)]
        );
        // The other word has half of what is left: ln(1/4).
        let other = TokenChoice { id: Some(1), piece: "two ".to_owned(), logprob_micro: -1_386_295 };
        assert_eq!(told[0].top, [told[0].token.clone(), other]);
    }
    agent.end().expect("a good end");
}

#[test]
fn a_runtime_that_does_not_say_is_noted_once_and_is_no_failure() {
    let folder = folder();
    let mut agent = Agent::start(&folder);
    let (word, events) = agent.run(asking(3, 5, &[("logprob_micro", "none")]));
    assert_eq!(word, "ok");
    assert!(requests(&events).iter().all(|record| record.logprobs.is_none() && record.outcome.is_ok()));
    let said = ["the runtime was asked how likely its tokens are and does not say it (first in request 0)"];
    assert_eq!(notes(&events), said);
    assert_eq!(ending(&events), (&Outcome::Ok, &Validity::Valid));
    agent.end().expect("a good end");
}

#[test]
fn nothing_is_recorded_unasked() {
    let folder = folder();
    let mut agent = Agent::start(&folder);
    let (_, events) = agent.run(order(1, &[("logprob_micro", "-5")]));
    assert_eq!((requests(&events)[0].logprobs.as_ref(), notes(&events)), (None, Vec::new()));
    agent.end().expect("a good end");
}

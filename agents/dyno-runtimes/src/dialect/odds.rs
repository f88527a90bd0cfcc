//! What servers say of the probabilities of tokens, in the forms that they use.
//!
//! | who | where | form |
//! |---|---|---|
//! | OpenAI's chat, llama-server's, vLLM's | `logprobs.content` of a choice | a list of tokens |
//! | llama-server's completions over `/v1` | the same | a list of tokens |
//! | OpenAI's completions, vLLM's | `logprobs` of a choice | lists of texts, logarithms, and maps of alternatives |
//! | llama-server's own | `completion_probabilities` | a list of tokens |
//! | Ollama's | `logprobs` of a line | a list of tokens |
//!
//! What is of none of these forms is counted and spoils nothing else. Probabilities after sampling's cuts (`prob`) are none
//! of those that are asked for.

use std::fmt::Debug;

use dyno_model::request::{TokenChoice, TokenLogprob};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value};

use super::answer::Answer;
use crate::logprobs::{Logprobs, choice, piece_of};

/// The field of an event that says something of tokens: passed over where nobody asked, at no cost.
pub(super) trait Odds: DeserializeOwned + Default + Debug {
    /// Adds it to the answer.
    fn tell(self, answer: &mut Answer);
}

impl Odds for IgnoredAny {
    fn tell(self, _: &mut Answer) {}
}

impl Odds for Value {
    fn tell(self, answer: &mut Answer) {
        if let Some(told) = &mut answer.logprobs {
            take(told, &self);
        }
    }
}

/// Takes what one event says.
fn take(told: &mut Logprobs, said: &Value) {
    let listed = match said {
        Value::Array(tokens) => Some(tokens),
        Value::Object(fields) => match fields.get("content") {
            Some(Value::Array(tokens)) => Some(tokens),
            _ => return take_columns(told, fields),
        },
        // It says that there is nothing to say.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    };
    for one in listed.into_iter().flatten() {
        match token(one) {
            Some(one) => told.push(one),
            None => told.lose(),
        }
    }
}

/// A token with its alternatives, each with its text, its bytes or both.
fn token(said: &Value) -> Option<TokenLogprob> {
    let top = said.get("top_logprobs").and_then(Value::as_array);
    let top = top.into_iter().flatten().map(told_choice).collect::<Option<_>>()?;
    Some(TokenLogprob { token: told_choice(said)?, top })
}

fn told_choice(said: &Value) -> Option<TokenChoice> {
    let id = said.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    let ln = said.get("logprob")?.as_f64()?;
    let bytes = said.get("bytes").and_then(Value::as_array).and_then(|bytes| bytes_of(bytes));
    let piece = match bytes {
        Some(bytes) => piece_of(&bytes),
        None => text(said.get("token")?)?,
    };
    Some(choice(id, piece, ln))
}

fn bytes_of(list: &[Value]) -> Option<Vec<u8>> {
    list.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect()
}

/// Completions tell tokens as columns: texts, logarithms, and for each place a map from text to logarithm.
fn take_columns(told: &mut Logprobs, fields: &Map<String, Value>) {
    let column = |name| fields.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let (texts, lns, tops) = (column("tokens"), column("token_logprobs"), column("top_logprobs"));
    for (place, one) in texts.iter().enumerate() {
        let token = text(one).zip(lns.get(place).and_then(Value::as_f64));
        let Some((piece, ln)) = token else {
            told.lose();
            continue;
        };
        let top = tops.get(place).and_then(Value::as_object).into_iter().flatten();
        let top = top.filter_map(|(one, ln)| Some(choice(None, unprefixed(one), ln.as_f64()?))).collect();
        told.push(TokenLogprob { token: choice(None, piece, ln), top });
    }
}

fn text(said: &Value) -> Option<String> {
    said.as_str().map(unprefixed)
}

/// In completions, what is no UTF-8 is written `bytes:\xe2\x80`.
fn unprefixed(text: &str) -> String {
    text.strip_prefix("bytes:").filter(|rest| rest.starts_with("\\x")).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Piece, number and logarithm of each token, and those of its alternatives; and how many were lost.
    type Told = (Vec<(String, Vec<String>)>, u64);

    fn words(one: &TokenChoice) -> String {
        let id = one.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        format!("{}/{id}/{}", one.piece, one.logprob_micro)
    }

    fn told(top: u8, said: &str) -> Told {
        let mut told = Logprobs::new(top);
        take(&mut told, &serde_json::from_str(said).expect("JSON"));
        let (tokens, n_lost) = told.finish();
        let tokens = tokens.unwrap_or_default();
        (tokens.iter().map(|one| (words(&one.token), one.top.iter().map(words).collect())).collect(), n_lost)
    }

    fn check(said: &str, expected: &[(&str, &[&str])]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(token, top)| ((*token).to_owned(), top.iter().map(|one| (*one).to_owned()).collect()))
            .collect();
        assert_eq!(told(2, said), (expected, 0), "{said}");
    }

    #[test]
    fn lists_of_tokens_are_read() {
        let list = r#"[{"id":504,"token":" The","bytes":[32,84,104,101],"logprob":-0.25,
            "top_logprobs":[{"id":504,"token":" The","bytes":[32,84,104,101],"logprob":-0.25},
                            {"id":7,"token":"\ufffd","bytes":[226,128],"logprob":-2.5},
                            {"id":8,"token":"x","bytes":[120],"logprob":-9.0}]}]"#;
        let expected: &[(&str, &[&str])] =
            &[(" The/504/-250000", &[" The/504/-250000", "\\xe2\\x80/7/-2500000"])];
        check(list, expected);
        check(&format!(r#"{{"content":{list},"refusal":null}}"#), expected);
        // Without bytes and numbers, as Ollama and others do.
        check(
            r#"[{"token":"é","logprob":0.000002,"bytes":null,"top_logprobs":[{"token":"é","logprob":0}]},{"token":"","logprob":-1e30}]"#,
            &[("é/-/0", &["é/-/0"]), ("/-/-1000000000000", &[])],
        );
    }

    #[test]
    fn columns_of_completions_are_read() {
        check(
            r#"{"tokens":[" a","bytes:\\xe2\\x80"],"token_logprobs":[-0.5,-1],"text_offset":[0,2],
                "top_logprobs":[{" b":-3.5," a":-0.5," c":-2},null]}"#,
            &[(" a/-/-500000", &[" a/-/-500000", " c/-/-2000000"]), ("\\xe2\\x80/-/-1000000", &[])],
        );
    }

    #[test]
    fn nothing_said_is_nothing_lost() {
        for said in ["null", "true", "5", "\"x\"", "[]", "{}", r#"{"content":null}"#, r#"{"content":[]}"#] {
            check(said, &[]);
        }
        check(r#"{"tokens":[],"token_logprobs":[],"top_logprobs":[]}"#, &[]);
    }

    #[test]
    fn what_cannot_be_understood_is_counted() {
        let check = |said: &str, n_lost: u64| assert_eq!(told(2, said), (Vec::new(), n_lost), "{said}");
        // Probabilities after sampling, words in the place of numbers, and no text at all.
        check(r#"[{"id":1,"token":"a","bytes":[97],"prob":0.5,"top_probs":[]}]"#, 1);
        check(r#"[{"token":"a","logprob":"likely"}, 7]"#, 2);
        check(r#"[{"id":1,"logprob":-1}]"#, 1);
        check(r#"[{"token":"a","logprob":-1,"top_logprobs":[{"token":"a"}]}]"#, 1);
        check(r#"{"tokens":["a",5,"b"],"token_logprobs":[null,-1]}"#, 3);
        // Those that follow one that was lost are, too, so that places stay those of the answer's beginning.
        assert_eq!(told(2, r#"[{"token":"a","logprob":-1},{},{"token":"b","logprob":-1}]"#).1, 2);
    }
}

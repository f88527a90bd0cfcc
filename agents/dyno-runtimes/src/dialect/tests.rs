//! Real transcripts, cut everywhere, and events that servers really send in bad moments.

use dyno_model::clock::MonoNs;
use dyno_model::ids::PromptId;
use dyno_model::outcome::Outcome;
use dyno_model::request::{
    ChunkKind, EngineTimings, Finish, FinishReason, Message, Request, Sampling, Usage, UsageSource,
};
use proptest::prelude::*;

use super::{AnswerFacts, AnswerReader, Api, Ask, AskError, PromptCache};
use crate::http::{Ending, Facts, Flow};

/// Kind, text, tokens, stamp.
type Seen = Vec<(ChunkKind, String, Option<u16>, u64)>;

/// The body of a captured transcript, without its origin and head.
fn body(fixture: &'static str) -> &'static [u8] {
    let (_, rest) = fixture.split_once('\n').expect("a header line");
    if !rest.starts_with("HTTP/") {
        return rest.as_bytes();
    }
    rest.split_once("\r\n\r\n").expect("a head").1.as_bytes()
}

/// Reads an answer that came in these pieces; piece number i has the stamp i + 1.
fn read(api: Api, pieces: &[&[u8]]) -> (Seen, Finish, AnswerFacts) {
    read_asked(api, 0, pieces)
}

/// The same, where the request asked how likely that many tokens are at each place.
fn read_asked(api: Api, top_logprobs: u8, pieces: &[&[u8]]) -> (Seen, Finish, AnswerFacts) {
    let mut seen = Seen::new();
    let mut reader = AnswerReader::new(api);
    reader.expect_logprobs(top_logprobs);
    let mut take = |chunk: dyno_model::request::Chunk<'_>| {
        seen.push((chunk.kind, chunk.text.to_owned(), chunk.n_tokens, chunk.at.0));
    };
    for (idx, piece) in pieces.iter().enumerate() {
        let read = idx as u64 + 1;
        if reader.feed(piece, MonoNs(read), read, &mut take) == Flow::Abandon {
            break;
        }
    }
    let ending = Ending { at: MonoNs(1_000_000), result: Ok(()), facts: Facts::default() };
    let (finish, facts) = reader.finish(&ending, &mut take);
    (seen, finish, facts)
}

fn text_of(seen: &Seen) -> String {
    seen.iter().map(|(_, text, ..)| text.as_str()).collect()
}

fn usage(prompt: u32, completion: u32, cached: Option<u32>, source: UsageSource) -> Usage {
    Usage {
        prompt_tokens: Some(prompt),
        completion_tokens: Some(completion),
        cached_tokens: cached,
        source,
        reasoning_tokens: None,
    }
}

#[test]
fn llama_servers_chat_is_read() {
    let body = body(include_str!("../../tests/fixtures/llama-server-chat.http"));
    let (seen, finish, facts) = read(Api::OpenAiChat, &[body]);
    assert_eq!(seen[0], (ChunkKind::Role, String::new(), None, 1));
    assert_eq!(seen[1].1, "The");
    assert!(text_of(&seen).starts_with("The sea is a") && text_of(&seen).ends_with(" the universe."));
    // 35 data lines: role, 31 texts, finish, usage, [DONE].
    assert_eq!((seen.len(), facts.n_token_chunks, facts.n_events), (32, 31, 35));
    assert_eq!(
        (finish.outcome, finish.reason, finish.at),
        (Outcome::Ok, Some(FinishReason::Stop), MonoNs(1))
    );
    assert_eq!(finish.usage, usage(37, 32, Some(0), UsageSource::Usage));
    assert_eq!((facts.usage_tokens, facts.timings_tokens), (Some(32), Some(32)));
    assert_eq!(finish.timings, Some(EngineTimings { prefill_ns: 702_453_000, decode_ns: 604_319_000 }));
}

#[test]
fn timings_in_each_chunk_say_how_many_tokens_it_has() {
    let body = body(include_str!("../../tests/fixtures/llama-server-chat-timings.sse"));
    let (seen, finish, facts) = read(Api::OpenAiChat, &[body]);
    let tokens: Vec<Option<u16>> =
        seen.iter().filter(|one| one.0 == ChunkKind::Content).map(|one| one.2).collect();
    assert_eq!(tokens, vec![Some(1); 12]);
    assert_eq!((facts.n_stated_tokens, finish.reason), (12, Some(FinishReason::Length)));
}

#[test]
fn llama_servers_own_completion_is_read() {
    let body = body(include_str!("../../tests/fixtures/llama-server-completion.sse"));
    let (seen, finish, facts) = read(Api::LlamaServer, &[body]);
    assert_eq!((seen[0].1.as_str(), seen[0].2, seen[1].1.as_str()), (",", Some(1), " the"));
    assert_eq!((seen.len(), facts.n_stated_tokens), (24, 24));
    assert_eq!((finish.outcome, finish.reason), (Outcome::Ok, Some(FinishReason::Length)));
    assert_eq!(finish.usage, usage(4, 24, Some(0), UsageSource::Timings));
    assert_eq!(finish.timings, Some(EngineTimings { prefill_ns: 215_881_000, decode_ns: 1_566_012_000 }));
}

#[test]
fn other_servers_are_read() {
    let completions = body(include_str!("../../tests/fixtures/llama-server-v1-completions.sse"));
    let (seen, finish, _) = read(Api::OpenAiCompletions, &[completions]);
    assert_eq!((seen.len(), seen[0].1.as_str(), seen[2].1.as_str()), (12, ",", " city"));
    assert_eq!(finish.usage, usage(4, 12, Some(3), UsageSource::Usage));

    let mlx = body(include_str!("../../tests/fixtures/mlx-lm-chat.http"));
    let (seen, finish, facts) = read(Api::OpenAiChat, &[mlx]);
    assert_eq!((facts.n_comments, seen[0].0, seen[0].1.as_str()), (2, ChunkKind::Content, "The"));
    assert_eq!(finish.usage, usage(37, 24, Some(0), UsageSource::Usage));
    assert_eq!(finish.reason, Some(FinishReason::Length));

    let litert = body(include_str!("../../tests/fixtures/litert-lm-chat.http"));
    let (_, finish, facts) = read(Api::OpenAiChat, &[litert]);
    let stated = Usage { reasoning_tokens: Some(0), ..usage(38, 19, None, UsageSource::Usage) };
    assert_eq!((finish.usage, facts.reasoning_tokens), (stated, Some(0)));

    let onnx = body(include_str!("../../tests/fixtures/onnx-genai-chat.http"));
    let (_, finish, facts) = read(Api::OpenAiChat, &[onnx]);
    // Its own `workflow_output` events lie between and mean nothing here.
    assert_eq!((finish.outcome, facts.n_bad_events), (Outcome::Ok, 0));
    assert_eq!((finish.usage.completion_tokens, finish.usage.source), (Some(24), UsageSource::Chunks));
}

#[test]
fn a_real_transcript_may_be_cut_at_every_byte() {
    let check = |api, body: &[u8]| {
        let strip = |(seen, finish, facts): (Seen, Finish, AnswerFacts)| {
            let seen: Vec<_> = seen.into_iter().map(|(kind, text, n, _)| (kind, text, n)).collect();
            (seen, finish.outcome, finish.usage, finish.reason, facts.n_events)
        };
        let whole = strip(read(api, &[body]));
        for cut in (0..body.len()).step_by(7) {
            let (a, b) = body.split_at(cut);
            assert_eq!(strip(read(api, &[a, b])), whole, "cut at {cut}");
        }
        let single: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(strip(read(api, &single)), whole);
    };
    check(Api::OpenAiChat, body(include_str!("../../tests/fixtures/mlx-lm-chat.http")));
    check(Api::LlamaServer, body(include_str!("../../tests/fixtures/llama-server-completion.sse")));
    check(Api::OllamaChat, OLLAMA.as_bytes());
}

/// After Ollama's documentation of `/api/chat` (docs/api.md), with the text made ours.
const OLLAMA: &str = concat!(
    r#"{"model":"llama3.2","created_at":"2026-08-04T08:52:19.385406455-07:00","message":{"role":"assistant","content":"","thinking":"hm"},"done":false}"#,
    "\n",
    r#"{"model":"llama3.2","created_at":"2026-08-04T08:52:19.385406455-07:00","message":{"role":"assistant","content":"Das Ü \"x\""},"done":false}"#,
    "\n",
    r#"{"model":"llama3.2","created_at":"2026-08-04T19:22:45.499127Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":4883583458,"load_duration":1334875,"prompt_eval_count":26,"prompt_eval_duration":342546000,"eval_count":282,"eval_duration":4535599000}"#,
    "\n",
);

#[test]
fn ollamas_lines_are_read() {
    let (seen, finish, _) = read(Api::OllamaChat, &[OLLAMA.as_bytes()]);
    assert_eq!(
        seen,
        [
            (ChunkKind::Reasoning, "hm".to_owned(), None, 1),
            (ChunkKind::Content, "Das Ü \"x\"".to_owned(), None, 1),
        ]
    );
    assert_eq!(
        (finish.reason, finish.usage),
        (Some(FinishReason::Stop), usage(26, 282, None, UsageSource::Usage))
    );
    assert_eq!(finish.timings, Some(EngineTimings { prefill_ns: 342_546_000, decode_ns: 4_535_599_000 }));
    let (_, finish, _) = read(Api::OllamaGenerate, &[br#"{"error":"model 'x' not found"}"#]);
    assert_eq!(finish.outcome, Outcome::Refused { detail: "model 'x' not found".to_owned() });
    let generated = br#"{"response":"a","done":false}
{"response":"","done":true,"done_reason":"length","eval_count":1,"prompt_eval_count":2}"#;
    let (seen, finish, _) = read(Api::OllamaGenerate, &[generated]);
    assert_eq!((seen.len(), finish.outcome, finish.reason), (1, Outcome::Ok, Some(FinishReason::Length)));
}

/// Events of a chat, each with its blank line.
fn events(datas: &[&str]) -> String {
    let lines: Vec<String> = datas.iter().map(|data| format!("data: {data}\n\n")).collect();
    lines.concat()
}

const FINISH: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

fn chat(datas: &[&str]) -> (Seen, Finish, AnswerFacts) {
    read(Api::OpenAiChat, &[events(datas).as_bytes()])
}

#[test]
fn what_a_chunk_carries_decides_its_kind() {
    let delta =
        |delta: &str| format!(r#"{{"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#);
    let check = |json: &str, expected: &[(ChunkKind, &str)]| {
        let (seen, ..) = chat(&[&delta(json), FINISH]);
        let seen: Vec<_> = seen.iter().map(|(kind, text, ..)| (*kind, text.as_str())).collect();
        assert_eq!(seen, expected, "{json}");
    };
    check(r#"{"role":"assistant"}"#, &[(ChunkKind::Role, "")]);
    check(r#"{"role":"assistant","content":""}"#, &[(ChunkKind::Role, "")]);
    check("{}", &[(ChunkKind::Role, "")]);
    check(r#"{"role":"assistant","content":"The"}"#, &[(ChunkKind::Content, "The")]);
    check(r#"{"reasoning_content":"hm"}"#, &[(ChunkKind::Reasoning, "hm")]);
    check(r#"{"reasoning":"hm","content":null}"#, &[(ChunkKind::Reasoning, "hm")]);
    check(r#"{"reasoning":"hm","content":"a"}"#, &[(ChunkKind::Reasoning, "hm"), (ChunkKind::Content, "a")]);
    check(
        r#"{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"a\""}}]}"#,
        &[(ChunkKind::Tool, "{\"a\"")],
    );
    check(r#"{"content":"caf\u00e9 \ud83d\ude00\n"}"#, &[(ChunkKind::Content, "café 😀\n")]);
}

#[test]
fn several_tokens_of_a_chunk_are_told_where_the_server_says_so() {
    let with_ids =
        r#"{"choices":[{"index":0,"delta":{"content":"a b c"},"token_ids":[5,6,7],"finish_reason":null}]}"#;
    let (seen, _, facts) = chat(&[with_ids, FINISH]);
    assert_eq!((seen[0].2, facts.n_stated_tokens), (Some(3), 3));
    let so_far = |n: u32| {
        format!(
            r#"{{"choices":[{{"index":0,"delta":{{"content":"x"}}}}],"usage":{{"prompt_tokens":4,"completion_tokens":{n}}}}}"#
        )
    };
    let (seen, finish, _) = chat(&[&so_far(2), &so_far(5), FINISH, "[DONE]"]);
    assert_eq!((seen[0].2, seen[1].2), (Some(2), Some(3)));
    // The stream's last usage counts.
    assert_eq!(finish.usage, usage(4, 5, None, UsageSource::Usage));
}

#[test]
fn chunks_of_one_read_share_its_stamp_and_are_counted() {
    let token = r#"{"choices":[{"index":0,"delta":{"content":"x"}}]}"#;
    let three = events(&[token, token, token]);
    let one = events(&[token]);
    let end = events(&[FINISH]);
    let (seen, finish, facts) = read(Api::OpenAiChat, &[three.as_bytes(), one.as_bytes(), end.as_bytes()]);
    let stamps: Vec<u64> = seen.iter().map(|one| one.3).collect();
    assert_eq!((stamps, facts.n_coalesced, finish.at), (vec![1, 1, 1, 2], 2, MonoNs(3)));
}

#[test]
fn an_event_that_cannot_be_read_does_not_take_the_others_with_it() {
    let token = r#"{"choices":[{"index":0,"delta":{"content":"x"}}]}"#;
    let (seen, finish, facts) = chat(&[token, "{\"choices\":[", token, FINISH, "[DONE]"]);
    assert_eq!((seen.len(), facts.n_bad_events), (2, 1));
    let Outcome::Crashed { exit, .. } = finish.outcome else { panic!("{:?}", finish.outcome) };
    assert_eq!(exit, "1 of 5 events could not be read");
    // Bytes that are no UTF-8 are replaced, as the standard wants, and counted.
    let mut bytes = events(&[token]).into_bytes();
    let at = bytes.iter().rposition(|byte| *byte == b'x').expect("the token");
    bytes[at] = 0xc3;
    bytes.extend(events(&[FINISH]).into_bytes());
    let (seen, finish, facts) = read(Api::OpenAiChat, &[&bytes]);
    assert_eq!((seen[0].1.as_str(), finish.outcome, facts.n_lossy_events), ("\u{fffd}", Outcome::Ok, 1));
}

#[test]
fn errors_are_outcomes_wherever_they_come() {
    let token = r#"{"choices":[{"index":0,"delta":{"content":"x"}}]}"#;
    let error = r#"{"error":{"message":"no slot","type":"server_error","code":503}}"#;
    let check = |datas: &[&str], expected: Outcome| assert_eq!(chat(datas).1.outcome, expected, "{datas:?}");
    let refused = |detail: &str| Outcome::Refused { detail: detail.to_owned() };
    let crashed =
        |exit: &str, tail: &str| Outcome::Crashed { exit: exit.to_owned(), stderr_tail: tail.to_owned() };
    check(&[error], refused("HTTP 503: no slot"));
    check(&[token, error], crashed("an error in the middle of the answer, after 1 chunks", "no slot"));
    check(&[r#"{"error":"plain words"}"#], refused("plain words"));
    check(&[r#"{"object":"error","message":"bad model","code":404}"#], refused("HTTP 404: bad model"));
    check(
        &[r#"{"error":{"message":"CUDA error: out of memory"}}"#],
        Outcome::Oom { detail: "CUDA error: out of memory".to_owned() },
    );
    check(&[token], crashed("the answer ended after 1 chunks without a finish", ""));
    check(&[], crashed("the answer ended after 0 chunks without a finish", ""));
    check(&[token, FINISH], Outcome::Ok);
    check(&[r#"{"choices":null}"#, FINISH, r#"{"choices":[],"usage":null,"error":null}"#], Outcome::Ok);
}

#[test]
fn bodies_say_what_the_request_wants() {
    let message = |role: &str, content: &str| Message { role: role.to_owned(), content: content.to_owned() };
    let mut request = Request {
        idx: 0,
        prompt_id: PromptId("p".to_owned()),
        messages: vec![message("system", "s"), message("user", "u")],
        sampling: Sampling {
            max_tokens: 9,
            ignore_eos: true,
            temperature_milli: 700,
            top_p_milli: 950,
            seed: 1 << 31 | 5,
            top_logprobs: 0,
        },
        due_ns: None,
        limit_ms: 1000,
    };
    let ask = Ask { model: "m".to_owned(), prompt_cache: PromptCache::Off, ..Ask::default() };
    let body = |api: Api, request: &Request| {
        api.body(&ask, request)
            .map(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).expect("JSON"))
    };
    let chat = body(Api::OpenAiChat, &request).expect("can be said");
    assert_eq!(
        chat,
        serde_json::json!({
            "model": "m", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
            "max_tokens": 9, "temperature": 0.7, "top_p": 0.95, "seed": 5, "ignore_eos": true, "stream": true,
            "stream_options": {"include_usage": true}, "cache_prompt": false,
        })
    );
    let native = body(Api::LlamaServer, &request).expect("can be said");
    assert_eq!((&native["prompt"], &native["n_predict"]), (&"s\n\nu".into(), &9.into()));
    assert_eq!(body(Api::OllamaChat, &request), Err(AskError::IgnoreEos { api: Api::OllamaChat }));
    request.sampling.ignore_eos = false;
    let ollama = body(Api::OllamaGenerate, &request).expect("can be said");
    assert_eq!(
        ollama["options"],
        serde_json::json!({"num_predict": 9, "temperature": 0.7, "top_p": 0.95, "seed": 5})
    );
}

#[test]
fn bodies_ask_for_probabilities_in_each_apis_words() {
    let check = |api: Api, top_logprobs: u8, expected: serde_json::Value| {
        let message = Message { role: "user".to_owned(), content: "u".to_owned() };
        let sampling = Sampling {
            max_tokens: 9,
            ignore_eos: false,
            temperature_milli: 0,
            top_p_milli: 1000,
            seed: 1,
            top_logprobs,
        };
        let request = Request {
            idx: 0,
            prompt_id: PromptId("p".to_owned()),
            messages: vec![message],
            sampling,
            due_ns: None,
            limit_ms: 1000,
        };
        let body = api.body(&Ask::default(), &request).expect("can be said");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let asked: serde_json::Map<_, _> = ["logprobs", "top_logprobs", "n_probs"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), body.get(name)?.clone())))
            .collect();
        assert_eq!(serde_json::Value::Object(asked), expected, "{api:?}");
    };
    let as_chat = serde_json::json!({"logprobs": true, "top_logprobs": 5});
    check(Api::OpenAiChat, 5, as_chat.clone());
    check(Api::OllamaChat, 5, as_chat.clone());
    check(Api::OllamaGenerate, 5, as_chat);
    check(Api::OpenAiCompletions, 5, serde_json::json!({"logprobs": 5}));
    check(Api::LlamaServer, 5, serde_json::json!({"n_probs": 5}));
    for api in
        [Api::OpenAiChat, Api::OpenAiCompletions, Api::LlamaServer, Api::OllamaGenerate, Api::OllamaChat]
    {
        check(api, 0, serde_json::json!({}));
    }
}

#[test]
fn what_a_server_says_of_tokens_is_read_where_it_was_asked() {
    let check = |api: Api, body: &str, expected: &[(&str, i64)]| {
        let (seen, finish, facts) = read_asked(api, 2, &[body.as_bytes()]);
        assert!(finish.outcome.is_ok(), "{:?}", finish.outcome);
        let told = facts.logprobs.unwrap_or_default();
        let told: Vec<_> =
            told.iter().map(|one| (one.token.piece.as_str(), one.token.logprob_micro)).collect();
        assert_eq!((told.as_slice(), facts.n_lost_logprobs), (expected, 0), "{body}");
        // Unasked, it is passed over, and nothing else changes.
        let (unasked, same, nothing) = read(api, &[body.as_bytes()]);
        assert_eq!((unasked, same, nothing.logprobs), (seen, finish, None));
    };
    let chat = events(&[
        r#"{"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-1,"top_logprobs":[]}]}}]}"#,
        r#"{"choices":[{"delta":{"content":"b"},"logprobs":null}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop","logprobs":{"content":[{"token":"</s>","logprob":-2}]}}]}"#,
    ]);
    check(Api::OpenAiChat, &chat, &[("a", -1_000_000), ("</s>", -2_000_000)]);
    let completions = events(&[
        r#"{"choices":[{"text":"ab","logprobs":{"tokens":["a","b"],"token_logprobs":[-1,-2],"top_logprobs":null}}]}"#,
        r#"{"choices":[{"text":"","finish_reason":"length"}]}"#,
    ]);
    check(Api::OpenAiCompletions, &completions, &[("a", -1_000_000), ("b", -2_000_000)]);
    let native = events(&[
        r#"{"content":"a","tokens":[5],"completion_probabilities":[{"id":5,"token":"a","bytes":[97],"logprob":-1}]}"#,
        r#"{"content":"","stop":true,"stop_type":"eos"}"#,
    ]);
    check(Api::LlamaServer, &native, &[("a", -1_000_000)]);
    // In the form of Ollama's documentation of `logprobs` (docs/api.md of 0.12.11).
    let ollama = concat!(
        r#"{"message":{"role":"assistant","content":"a"},"done":false,"logprobs":[{"token":"a","logprob":-1,"bytes":[97],"top_logprobs":[{"token":"a","logprob":-1}]}]}"#,
        "\n",
        r#"{"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}"#,
        "\n",
    );
    check(Api::OllamaChat, ollama, &[("a", -1_000_000)]);
    // A server that says something of them without having been asked for it, or in an unknown form, is as good as any.
    check(Api::OllamaChat, OLLAMA, &[]);
    let strange = events(&[
        r#"{"choices":[{"delta":{"content":"a"},"logprobs":"none here"}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop","logprobs":[]}]}"#,
    ]);
    check(Api::OpenAiChat, &strange, &[]);
}

#[test]
fn what_llama_server_says_of_tokens_is_read() {
    let told = |api, fixture: &'static str| {
        let (_, finish, facts) = read_asked(api, 2, &[body(fixture)]);
        assert!(finish.outcome.is_ok() && facts.n_lost_logprobs == 0);
        let told = facts.logprobs.expect("it was asked");
        assert!(told.iter().all(|one| one.top.len() == 2));
        told.into_iter()
            .map(|one| (one.token.id, one.token.piece, one.token.logprob_micro))
            .collect::<Vec<_>>()
    };
    let chat = told(Api::OpenAiChat, include_str!("../../tests/fixtures/llama-server-chat-logprobs.http"));
    assert_eq!((chat.len(), &chat[2]), (16, &(Some(39614), "É".to_owned(), -991_758)));
    assert_eq!(chat[14], (Some(1558), "me".to_owned(), -86));
    let native = include_str!("../../tests/fixtures/llama-server-completion-logprobs.sse");
    let native = told(Api::LlamaServer, native);
    // Of a character's tokens only the last is told, with the text of all.
    let expected = [(1911, " heart", -5_072_735), (233, " \u{200f}", -2_216_366), (131, "偶", -1_254_054)];
    assert_eq!(native.len(), 6);
    assert_eq!(native[..3], expected.map(|(id, piece, micro)| (Some(id), piece.to_owned(), micro)));
}

proptest! {
    /// Whatever a server sends, however it is cut, reading it ends and says the same.
    #[test]
    fn noise_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0..300_usize) {
        for api in [Api::OpenAiChat, Api::LlamaServer, Api::OllamaChat] {
            let (a, b) = bytes.split_at(cut.min(bytes.len()));
            let (_, whole, _) = read(api, &[&bytes]);
            let (_, cut, _) = read(api, &[a, b]);
            prop_assert_eq!(&whole.outcome, &cut.outcome);
            prop_assert!(!whole.outcome.is_ok());
        }
    }
}

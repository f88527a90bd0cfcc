//! The bytes of an answer, rendered once for each request.

use super::script::Script;
use crate::dialect::Api;

/// The text of a token.
const TOKEN: &str = " tok";
/// What wraps OpenAI's chunks, as long as real servers make it.
const WRAP: &str = r#""created":1795228106,"id":"chatcmpl-paced000000000000000000000000000","model":"paced","system_fingerprint":"paced-1","object":"chat.completion.chunk""#;

/// One answer's frames.
#[derive(Debug)]
pub(super) struct Frames {
    pub(super) head: Vec<u8>,
    pub(super) role: Vec<u8>,
    pub(super) content: Vec<u8>,
    pub(super) reasoning: Vec<u8>,
    /// Finish, usage, end mark, last HTTP chunk.
    pub(super) tail: Vec<u8>,
    pub(super) comment: Vec<u8>,
    pub(super) bad_json: Vec<u8>,
    pub(super) bad_utf8: Vec<u8>,
    pub(super) bad_chunk: Vec<u8>,
    pub(super) error: Vec<u8>,
    /// Framing for a piece of a line without an end.
    pub(super) endless: Vec<u8>,
}

/// How events are wrapped.
struct Wrap {
    api: Api,
    is_chunked: bool,
}

impl Frames {
    pub(super) fn new(api: Api, script: &Script, n_tokens: u64) -> Self {
        let wrap = Wrap { api, is_chunked: script.until_close.unwrap_or(0) == 0 };
        let text = TOKEN.repeat(usize::try_from(script.per_chunk()).unwrap_or(1));
        let content = wrap.event(&event(api, "content", &text));
        let mut bad_utf8 = event(api, "content", "?").into_bytes();
        if let Some(at) = bad_utf8.windows(3).position(|three| three == b"\"?\"") {
            bad_utf8[at + 1] = 0xff;
        }
        Self {
            head: wrap.head(),
            role: wrap.event(&role(api)),
            reasoning: wrap.event(&event(api, "reasoning", &text)),
            tail: wrap.tail(script, n_tokens),
            comment: if wrap.is_sse() { wrap.raw(b": alive\n\n") } else { wrap.raw(b"\n") },
            bad_json: wrap.event("{\"choices\":[{\"delta\""),
            bad_utf8: wrap.event_bytes(&bad_utf8),
            bad_chunk: b"xyz\r\nno chunk at all\r\n".to_vec(),
            error: wrap.event(r#"{"error":{"message":"scripted error","type":"server_error","code":500}}"#),
            endless: wrap.raw(&[b"data: ", &[b'x'; 16 << 10][..]].concat()),
            content,
        }
    }
}

impl Wrap {
    fn is_sse(&self) -> bool {
        match self.api {
            Api::OpenAiChat | Api::OpenAiCompletions | Api::LlamaServer => true,
            Api::OllamaGenerate | Api::OllamaChat => false,
        }
    }

    fn head(&self) -> Vec<u8> {
        let kind = if self.is_sse() { "text/event-stream" } else { "application/x-ndjson" };
        let framing = if self.is_chunked { "Transfer-Encoding: chunked\r\n" } else { "" };
        let version = if self.is_chunked { "1.1" } else { "1.0" };
        format!("HTTP/{version} 200 OK\r\nServer: paced\r\nContent-Type: {kind}\r\n{framing}\r\n")
            .into_bytes()
    }

    fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        if !self.is_chunked {
            return bytes.to_vec();
        }
        [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
    }

    fn event(&self, json: &str) -> Vec<u8> {
        self.event_bytes(json.as_bytes())
    }

    fn event_bytes(&self, json: &[u8]) -> Vec<u8> {
        if self.is_sse() {
            self.raw(&[b"data: ", json, b"\n\n"].concat())
        } else {
            self.raw(&[json, b"\n"].concat())
        }
    }

    fn tail(&self, script: &Script, n: u64) -> Vec<u8> {
        let mut tail = Vec::new();
        if script.no_finish.unwrap_or(0) == 0 {
            for json in ends(self.api, script, n) {
                tail.extend(self.event(&json));
            }
        }
        if self.is_chunked {
            tail.extend_from_slice(b"0\r\n\r\n");
        }
        tail
    }
}

fn event(api: Api, kind: &str, text: &str) -> String {
    match (api, kind) {
        (Api::OpenAiChat, "reasoning") => {
            format!(
                r#"{{"choices":[{{"finish_reason":null,"index":0,"delta":{{"reasoning_content":"{text}"}}}}],{WRAP}}}"#
            )
        }
        (Api::OpenAiChat, _) => {
            format!(
                r#"{{"choices":[{{"finish_reason":null,"index":0,"delta":{{"content":"{text}"}}}}],{WRAP}}}"#
            )
        }
        (Api::OpenAiCompletions, _) => {
            format!(
                r#"{{"choices":[{{"text":"{text}","index":0,"logprobs":null,"finish_reason":null}}],{WRAP}}}"#
            )
        }
        (Api::LlamaServer, _) => {
            let tokens = vec!["1"; text.len() / TOKEN.len()].join(",");
            format!(r#"{{"index":0,"content":"{text}","tokens":[{tokens}],"stop":false,"id_slot":-1}}"#)
        }
        (Api::OllamaGenerate, "reasoning") => {
            format!(r#"{{"model":"paced","response":"","thinking":"{text}","done":false}}"#)
        }
        (Api::OllamaGenerate, _) => format!(r#"{{"model":"paced","response":"{text}","done":false}}"#),
        (Api::OllamaChat, "reasoning") => {
            format!(
                r#"{{"model":"paced","message":{{"role":"assistant","content":"","thinking":"{text}"}},"done":false}}"#
            )
        }
        (Api::OllamaChat, _) => {
            format!(r#"{{"model":"paced","message":{{"role":"assistant","content":"{text}"}},"done":false}}"#)
        }
    }
}

fn role(api: Api) -> String {
    match api {
        Api::OpenAiChat => {
            format!(
                r#"{{"choices":[{{"finish_reason":null,"index":0,"delta":{{"role":"assistant","content":null}}}}],{WRAP}}}"#
            )
        }
        Api::OpenAiCompletions | Api::LlamaServer | Api::OllamaGenerate | Api::OllamaChat => {
            event(api, "content", "")
        }
    }
}

fn ends(api: Api, script: &Script, n: u64) -> Vec<String> {
    let has_usage = script.usage.unwrap_or(1) > 0;
    let usage = format!(r#""usage":{{"prompt_tokens":7,"completion_tokens":{n},"total_tokens":{}}}"#, n + 7);
    let mut ends = Vec::new();
    match api {
        Api::OpenAiChat => {
            ends.push(format!(r#"{{"choices":[{{"finish_reason":"length","index":0,"delta":{{}}}}],{WRAP}}}"#));
        }
        Api::OpenAiCompletions => {
            ends.push(format!(r#"{{"choices":[{{"text":"","index":0,"finish_reason":"length"}}],{WRAP}}}"#));
        }
        Api::LlamaServer => ends.push(format!(
            r#"{{"content":"","tokens":[],"stop":true,"stop_type":"limit","timings":{{"prompt_n":7,"cache_n":0,"prompt_ms":1.5,"predicted_n":{n},"predicted_ms":2.5}}}}"#
        )),
        Api::OllamaGenerate | Api::OllamaChat => ends.push(format!(
            r#"{{"model":"paced","done":true,"done_reason":"length","prompt_eval_count":7,"prompt_eval_duration":1500000,"eval_count":{n},"eval_duration":2500000}}"#
        )),
    }
    if matches!(api, Api::OpenAiChat | Api::OpenAiCompletions) {
        if has_usage {
            ends.push(format!(r#"{{"choices":[],{WRAP},{usage}}}"#));
        }
        ends.push("[DONE]".to_owned());
    }
    ends
}

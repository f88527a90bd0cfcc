//! Requests as the paced server reads them.

use super::script::Script;
use crate::dialect::Api;

/// A request as far as it matters here.
pub(super) struct Asked {
    path: String,
    pub(super) max_tokens: Option<u64>,
    pub(super) seed: u64,
}

/// What it gets.
pub(super) enum Answer {
    Plain(Vec<u8>),
    Silence,
    Play(Api, Box<Script>),
}

impl Asked {
    /// Takes a complete request out of the inbox.
    pub(super) fn read(inbox: &mut Vec<u8>) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        let n_head = match request.parse(inbox) {
            Ok(httparse::Status::Complete(n)) => n,
            Ok(httparse::Status::Partial) | Err(_) => return None,
        };
        let length = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
        let n_body =
            length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok()).unwrap_or(0);
        let path = request.path.unwrap_or("").to_owned();
        let body = inbox.get(n_head..n_head.checked_add(n_body)?)?;
        let number = |name| number_after(body, name);
        let max_tokens =
            number(b"\"max_tokens\":").or(number(b"\"n_predict\":")).or(number(b"\"num_predict\":"));
        let asked = Self { path, max_tokens, seed: number(b"\"seed\":").unwrap_or(0) };
        inbox.drain(..n_head + n_body);
        Some(asked)
    }

    pub(super) fn answer(&self) -> Answer {
        let (script, path) = match Script::of_path(&self.path) {
            Ok(both) => both,
            Err(error) => return Answer::Plain(plain(400, None, &error.to_string())),
        };
        // What it is up to is no matter of the script: only its answers are.
        let path = path.strip_prefix("/v1").unwrap_or(path);
        match path {
            "/health" => return Answer::Plain(json(200, None, r#"{"status":"ok"}"#)),
            "/models" => {
                return Answer::Plain(json(200, None, r#"{"object":"list","data":[{"id":"paced"}]}"#));
            }
            _ => {}
        }
        if script.silent.unwrap_or(0) > 0 {
            return Answer::Silence;
        }
        let status = script.status.and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
        if status != 200 || script.error_200.unwrap_or(0) > 0 {
            return Answer::Plain(plain(status, script.retry_after_s, "scripted refusal"));
        }
        let api = match path {
            "/chat/completions" => Api::OpenAiChat,
            "/completions" => Api::OpenAiCompletions,
            "/completion" => Api::LlamaServer,
            "/api/generate" => Api::OllamaGenerate,
            "/api/chat" => Api::OllamaChat,
            _ => return Answer::Plain(plain(404, None, "no such path")),
        };
        Answer::Play(api, Box::new(script))
    }
}

/// The number that follows `name` in a compact JSON text.
fn number_after(text: &[u8], name: &[u8]) -> Option<u64> {
    let at = text.windows(name.len()).position(|window| window == name)? + name.len();
    let digits = text[at..].iter().skip_while(|byte| **byte == b' ').take_while(|byte| byte.is_ascii_digit());
    digits.take(18).fold(None, |sum, digit| Some(sum.unwrap_or(0) * 10 + u64::from(digit - b'0')))
}

fn plain(status: u16, retry_after_s: Option<u64>, message: &str) -> Vec<u8> {
    let body = serde_json::json!({ "error": { "message": message, "type": "scripted", "code": status } });
    json(status, retry_after_s, &body.to_string())
}

fn json(status: u16, retry_after_s: Option<u64>, body: &str) -> Vec<u8> {
    let retry = retry_after_s.map(|s| format!("Retry-After: {s}\r\n")).unwrap_or_default();
    let n = body.len();
    format!(
        "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n{retry}Content-Length: {n}\r\n\r\n{body}"
    )
    .into_bytes()
}

//! The tools: how each is asked, and what it tells afterwards.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::place::Place;
use super::{Case, Load};

/// A load generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// Ours, with the real-time priority that it asks for where it may.
    Ours,
    /// Ours, as an ordinary thread.
    OursPlain,
    /// NVIDIA's AIPerf.
    Aiperf,
    /// GuideLLM.
    Guidellm,
    /// `vllm bench serve`.
    Vllm,
}

/// What a tool says of its requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// In the order in which they were sent, if it is known.
    pub(crate) requests: Vec<OneTold>,
    /// CPU time by its own account, where there is one.
    pub(crate) cpu_ns: Option<u64>,
    /// Of its own memory, as above.
    pub(crate) rss_kib: Option<u64>,
}

/// One request by a tool's word.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OneTold {
    /// Names it, where the tool and the server know a common name.
    pub(crate) seed: Option<u64>,
    /// For the order only: on whatever clock.
    pub(crate) started: f64,
    pub(crate) ttft_ns: f64,
    /// Between chunks; empty where the tool keeps means only.
    pub(crate) gaps_ns: Vec<f64>,
    /// From what the tool takes for the request's beginning to its last token.
    pub(crate) latency_ns: f64,
}

impl Tool {
    pub(crate) const ALL: [Self; 5] = [Self::Ours, Self::OursPlain, Self::Aiperf, Self::Guidellm, Self::Vllm];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::OursPlain => "ours-plain",
            Self::Aiperf => "aiperf",
            Self::Guidellm => "guidellm",
            Self::Vllm => "vllm",
        }
    }

    /// As a package of PyPI; ours needs none.
    pub(crate) fn requirement(self) -> &'static str {
        match self {
            Self::Ours | Self::OursPlain => "",
            Self::Aiperf => "aiperf==0.13.0",
            Self::Guidellm => "guidellm==0.8.1",
            Self::Vllm => "vllm==0.32.0",
        }
    }

    /// The command for a case; results go to `out`.
    pub(crate) fn command(
        self,
        place: &Place,
        fidelity: &Path,
        case: &Case,
        url: &str,
        out: &Path,
    ) -> Command {
        let program = match self {
            Self::Ours | Self::OursPlain => fidelity.to_owned(),
            Self::Aiperf => place.program(self, "aiperf"),
            Self::Guidellm => place.program(self, "guidellm"),
            Self::Vllm => place.program(self, "vllm"),
        };
        let mut command = Command::new(program);
        command.args(self.words(place, case, url, out)).current_dir(out);
        command.env("HF_HOME", place.dir.join("hf")).env("TOKENIZERS_PARALLELISM", "false");
        command
    }

    fn words(self, place: &Place, case: &Case, url: &str, out: &Path) -> Vec<String> {
        let tokenizer = place.tokenizer().display().to_string();
        let out = out.display().to_string();
        match self {
            Self::Ours => our_words(["ask", "rate"], case, url),
            Self::OursPlain => our_words(["plain", "plain-rate"], case, url),
            Self::Aiperf => aiperf_words(case, url, &tokenizer, &out),
            Self::Guidellm => guidellm_words(case, url, &tokenizer, &out),
            Self::Vllm => vllm_words(case, url, &tokenizer, &out),
        }
    }

    /// What it left behind in `out`.
    pub(crate) fn told(self, out: &Path) -> anyhow::Result<Told> {
        let mut told = match self {
            Self::Ours | Self::OursPlain => ours(&json_of(&out.join("stdout"))?),
            Self::Aiperf => {
                let text = std::fs::read_to_string(out.join("profile_export.jsonl"))?;
                let lines = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
                Told { requests: lines.iter().filter_map(aiperf).collect(), ..Told::default() }
            }
            Self::Guidellm => {
                let json = json_of(&out.join("guidellm.json"))?;
                let all =
                    json["benchmarks"][0]["requests"]["successful"].as_array().cloned().unwrap_or_default();
                Told { requests: all.iter().filter_map(guidellm).collect(), ..Told::default() }
            }
            Self::Vllm => vllm(&json_of(&out.join("vllm.json"))?),
        };
        told.requests.sort_by(|a, b| a.started.total_cmp(&b.started));
        anyhow::ensure!(!told.requests.is_empty(), "it reported no request");
        Ok(told)
    }
}

fn our_words([at_once, at_rate]: [&str; 2], case: &Case, url: &str) -> Vec<String> {
    let (n, tokens) = (case.n_requests, case.n_tokens);
    match case.load {
        Load::Streams(streams) => words(&format!("{at_once} {url}/v1 {streams} {n} {tokens}")),
        Load::Rate(rate) => words(&format!("{at_rate} {url}/v1 {rate} {n} {tokens}")),
    }
}

fn aiperf_words(case: &Case, url: &str, tokenizer: &str, out: &str) -> Vec<String> {
    let load = match case.load {
        Load::Streams(streams) => format!("--concurrency {streams}"),
        Load::Rate(rate) => format!("--concurrency 1 --request-rate {rate} --arrival-pattern constant"),
    };
    let (n, tokens) = (case.n_requests, case.n_tokens);
    words(&format!(
        "profile --model paced --url {url} --endpoint-type chat --streaming --ui none --random-seed 1 \
         --request-count {n} --isl 16 --osl {tokens} --use-legacy-max-tokens --no-gpu-telemetry \
         --no-server-metrics --tokenizer {tokenizer} --artifact-dir {out} {load}",
    ))
}

fn vllm_words(case: &Case, url: &str, tokenizer: &str, out: &str) -> Vec<String> {
    let load = match case.load {
        Load::Streams(streams) => format!("--max-concurrency {streams}"),
        // A burstiness of a million is as good as constant.
        Load::Rate(rate) => format!("--max-concurrency 1 --request-rate {rate} --burstiness 1000000"),
    };
    let (n, tokens) = (case.n_requests, case.n_tokens);
    words(&format!(
        "bench serve --backend openai-chat --base-url {url} --endpoint /v1/chat/completions --model paced \
         --tokenizer {tokenizer} --dataset-name random --random-input-len 16 --random-output-len {tokens} \
         --num-prompts {n} --ignore-eos --seed 1 --disable-tqdm --save-result --save-detailed \
         --result-dir {out} --result-filename vllm.json {load}",
    ))
}

/// Its words have commas of their own: everything goes as JSON.
fn guidellm_words(case: &Case, url: &str, tokenizer: &str, out: &str) -> Vec<String> {
    let profile = match case.load {
        Load::Streams(streams) => json!({ "kind": "concurrent", "streams": [streams] }),
        Load::Rate(rate) => json!({ "kind": "constant", "rate": [rate], "max_concurrency": 1 }),
    };
    let backend = json!({
        "kind": "openai_http", "target": url, "model": "paced", "request_format": "/v1/chat/completions",
    });
    let flags = [
        ("--backend", backend),
        ("--profile", profile),
        ("--constraint", json!({ "kind": "max_requests", "count": case.n_requests })),
        ("--tokenizer", json!({ "kind": "hf_auto", "model": tokenizer })),
        ("--data", json!({ "kind": "synthetic_text", "prompt_tokens": 16, "output_tokens": case.n_tokens })),
        ("--output", json!({ "kind": "json", "path": format!("{out}/guidellm.json") })),
    ];
    let mut all = words("run --disable-console");
    all.extend(flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value.to_string()]));
    all
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn json_of(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_str(&text)?)
}

fn numbers(list: &Value, unit_ns: f64) -> Vec<f64> {
    list.as_array().into_iter().flatten().filter_map(|one| Some(one.as_f64()? * unit_ns)).collect()
}

fn ours(json: &Value) -> Told {
    let one = |request: &Value| {
        let chunks = numbers(&request["chunks"], 1.0);
        let (first, last) = (*chunks.first()?, *chunks.last()?);
        let (sent, wanted) = (request["sent"].as_f64()?, request["wanted"].as_f64()?);
        // Of long answers the ends are kept only.
        let is_whole = request["n_chunks"].as_u64()? == chunks.len() as u64;
        let gaps_ns = chunks.windows(2).filter(|_| is_whole).map(|two| two[1] - two[0]).collect();
        let seed = request["seed"].as_u64();
        Some(OneTold { seed, started: sent, ttft_ns: first - sent, gaps_ns, latency_ns: last - wanted })
    };
    let requests = json["requests"].as_array().into_iter().flatten().filter(|one| one["ok"] == true);
    let facts = &json["facts"];
    Told {
        requests: requests.filter_map(one).collect(),
        cpu_ns: facts["cpu_ns"].as_u64(),
        rss_kib: facts["rss_kib"].as_u64(),
    }
}

/// A line of its `profile_export.jsonl`.
fn aiperf(line: &Value) -> Option<OneTold> {
    let metrics: BTreeMap<&str, &Value> =
        line["metrics"].as_object()?.iter().map(|(name, value)| (name.as_str(), &value["value"])).collect();
    let ms = |name: &str| Some(metrics.get(name)?.as_f64()? * 1e6);
    Some(OneTold {
        seed: None,
        started: line["metadata"]["request_start_ns"].as_f64()?,
        ttft_ns: ms("time_to_first_token")?,
        gaps_ns: metrics.get("inter_chunk_latency").map(|list| numbers(list, 1e6)).unwrap_or_default(),
        latency_ns: ms("request_latency")?,
    })
}

/// It keeps no gaps, only their mean.
fn guidellm(request: &Value) -> Option<OneTold> {
    Some(OneTold {
        seed: None,
        started: request["request_start_time"].as_f64()?,
        ttft_ns: request["time_to_first_token_ms"].as_f64()? * 1e6,
        gaps_ns: Vec::new(),
        latency_ns: request["request_latency"].as_f64()? * 1e9,
    })
}

fn vllm(json: &Value) -> Told {
    let started = numbers(&json["start_times"], 1.0);
    let ttfts = numbers(&json["ttfts"], 1e9);
    let latencies = numbers(&json["latencies"], 1e9);
    let gaps = json["itls"].as_array().cloned().unwrap_or_default();
    let all = started.into_iter().zip(ttfts).zip(latencies).zip(gaps);
    let one = |(((started, ttft_ns), latency_ns), gaps): (((f64, f64), f64), Value)| OneTold {
        seed: None,
        started,
        ttft_ns,
        gaps_ns: numbers(&gaps, 1e9),
        latency_ns,
    };
    Told { requests: all.map(one).collect(), ..Told::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tools_own_words_are_read() {
        // Shortened from real output: AIPerf 0.13.0, GuideLLM 0.8.1, vLLM 0.32.0, November 2026.
        let line = json!({
            "metadata": { "request_start_ns": 5 },
            "metrics": {
                "time_to_first_token": { "value": 64.5, "unit": "ms" },
                "request_latency": { "value": 693.0, "unit": "ms" },
                "inter_chunk_latency": { "value": [8.5, 10.0], "unit": "ms" },
            },
        });
        let (seed, gaps_ns) = (None, vec![8.5e6, 10e6]);
        let expected = OneTold { seed, started: 5.0, ttft_ns: 64.5e6, gaps_ns, latency_ns: 693e6 };
        assert_eq!(aiperf(&line), Some(expected));
        assert_eq!(aiperf(&json!({ "metadata": { "request_start_ns": 5 }, "metrics": {} })), None);
        let line =
            json!({ "request_start_time": 1.5, "time_to_first_token_ms": 51.0, "request_latency": 0.5 });
        let expected = OneTold { started: 1.5, ttft_ns: 51e6, latency_ns: 0.5e9, ..OneTold::default() };
        assert_eq!(guidellm(&line), Some(expected));
        let told =
            vllm(&json!({ "start_times": [2.0], "ttfts": [0.25], "latencies": [0.5], "itls": [[0.125]] }));
        let expected =
            OneTold { seed: None, started: 2.0, ttft_ns: 0.25e9, gaps_ns: vec![0.125e9], latency_ns: 0.5e9 };
        assert_eq!(told.requests, [expected]);
        let request =
            json!({ "seed": 3, "wanted": 10, "sent": 20, "chunks": [70, 80], "n_chunks": 2, "ok": true });
        let told = ours(&json!({ "facts": { "cpu_ns": 9 }, "requests": [request] }));
        let expected =
            OneTold { seed: Some(3), started: 20.0, ttft_ns: 50.0, gaps_ns: vec![10.0], latency_ns: 70.0 };
        assert_eq!((told.requests, told.cpu_ns), (vec![expected], Some(9)));
    }
}

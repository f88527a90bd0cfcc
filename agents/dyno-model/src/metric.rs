//! The catalogue of metrics: one row each, with unit, direction, formula and source.

use serde::Serialize;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Less is better: latencies, memory.
    LowerIsBetter,
    /// More is better: rates.
    HigherIsBetter,
    /// Neither: a description of the work.
    Neutral,
}

/// The unit that a metric is stored in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nanoseconds.
    Ns,
    /// Tokens per second.
    TokensPerSecond,
    /// Bytes.
    Bytes,
    /// Tokens.
    Tokens,
    /// Joules.
    Joules,
    /// A share of 0 to 1, or a quotient of two like figures.
    Ratio,
}

/// What one observation of a metric stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// One value for each request.
    Request,
    /// One value for each gap between two chunks.
    Gap,
    /// One value for each launch.
    Launch,
}

/// Where a metric has a row of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Everywhere, also without a single value.
    Always,
    /// Where requests are due: in open loops and traces.
    WhereDue,
    /// Where at least one request has a value, and one that differs from that of the metric it refines.
    WhereItTells,
    /// Not in the table of metrics: a section of its own has it.
    InItsSection,
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// The name everywhere: code, columns, SLO files.
    pub id: &'static str,
    /// The name in tables.
    pub label: &'static str,
    /// Unit of the stored value.
    pub unit: Unit,
    /// Which way is better.
    pub direction: Direction,
    /// What one observation is.
    pub population: Population,
    /// Where it has a row.
    pub shown: Shown,
    /// Raised when the formula changes.
    pub formula_version: u16,
    /// The formula in the record's own columns.
    pub formula: &'static str,
    /// When there is no value.
    pub undefined: &'static str,
    /// Who else defines it so.
    pub source: &'static str,
}

/// All metrics, in the order of tables.
pub const METRICS: &[Metric] = &[
    Metric {
        id: "ttft_sched_ns",
        label: "TTFT from due",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Request,
        shown: Shown::WhereDue,
        formula_version: 1,
        formula: "arrival of the first token chunk − due_at",
        undefined: "nothing is due in closed loops, or no token arrived",
        source: "wrk2 and MLPerf LoadGen: latency from the scheduled time",
    },
    Metric {
        id: "e2e_sched_ns",
        label: "E2E latency from due",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Request,
        shown: Shown::WhereDue,
        formula_version: 1,
        formula: "arrival of the last token chunk − due_at",
        undefined: "nothing is due in closed loops, or no token arrived",
        source: "wrk2 and MLPerf LoadGen: latency from the scheduled time",
    },
    Metric {
        id: "ttft_ns",
        label: "TTFT",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Request,
        shown: Shown::Always,
        formula_version: 1,
        formula: "arrival of the first token chunk − sent_at",
        undefined: "no token arrived",
        source: "AIPerf time_to_first_token",
    },
    Metric {
        id: "tpot_ns",
        label: "TPOT",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Request,
        shown: Shown::Always,
        formula_version: 1,
        formula: "(e2e_ns − ttft_ns) / (osl − 1)",
        undefined: "osl < 2: one token has no gap",
        source: "MLPerf LoadGen loadgen/logging.cc",
    },
    Metric {
        id: "e2e_ns",
        label: "E2E latency",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Request,
        shown: Shown::Always,
        formula_version: 1,
        formula: "arrival of the last token chunk − sent_at",
        undefined: "no token arrived",
        source: "AIPerf request_latency",
    },
    Metric {
        id: "tpot_k1_ns",
        label: "TPOT after the first chunk",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Request,
        shown: Shown::WhereItTells,
        formula_version: 1,
        formula: "(e2e_ns − ttft_ns) / (osl − k1), k1 = tokens of the first token chunk",
        undefined: "the runtime does not say k1, or osl ≤ k1",
        source: "MLPerf endpoints metrics_table.py, with known tokens in place of retokenised text",
    },
    Metric {
        id: "ttfo_ns",
        label: "TTFO",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Request,
        shown: Shown::WhereItTells,
        formula_version: 1,
        formula: "arrival of the first token chunk that is no reasoning − sent_at",
        undefined: "all token chunks are reasoning, or none arrived",
        source: "AIPerf time_to_first_output_token",
    },
    Metric {
        id: "ttst_ns",
        label: "TTST",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Request,
        shown: Shown::Always,
        formula_version: 1,
        formula: "arrival of the second token chunk − arrival of the first",
        undefined: "fewer than two token chunks",
        source: "AIPerf time_to_second_token",
    },
    Metric {
        id: "decode_tokens_per_s",
        label: "Decode rate",
        unit: Unit::TokensPerSecond,
        direction: Direction::HigherIsBetter,
        population: Population::Request,
        shown: Shown::Always,
        formula_version: 1,
        formula: "1e9 / tpot_ns",
        undefined: "tpot_ns is undefined or 0",
        source: "AIPerf output_token_throughput_per_user",
    },
    Metric {
        id: "prefill_tokens_per_s",
        label: "Prefill rate",
        unit: Unit::TokensPerSecond,
        direction: Direction::HigherIsBetter,
        population: Population::Request,
        shown: Shown::Always,
        formula_version: 1,
        formula: "1e9 × (isl − cached) / ttft_ns",
        undefined: "ttft_ns or isl is unknown",
        source: "AIPerf prefill_throughput, cached tokens taken off",
    },
    Metric {
        id: "chunk_gap_ns",
        label: "Chunk gap",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Gap,
        shown: Shown::Always,
        formula_version: 1,
        formula: "arrival of token chunk i − arrival of token chunk i − 1, all requests pooled",
        undefined: "fewer than two token chunks",
        source: "AIPerf inter_chunk_latency",
    },
    Metric {
        id: "send_lag_ns",
        label: "Send lag",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Request,
        shown: Shown::WhereDue,
        formula_version: 1,
        formula: "sent_at − due_at",
        undefined: "nothing is due in closed loops",
        source: "MEASUREMENT 2.3",
    },
    Metric {
        id: "queue_ns",
        label: "Queue",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Request,
        shown: Shown::WhereItTells,
        formula_version: 1,
        formula: "wait after sent_at before a runtime that takes one request at a time",
        undefined: "nothing queues on this side of the runtime",
        source: "vLLM client queue time",
    },
    Metric {
        id: "ttft_served_ns",
        label: "TTFT without queue",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Request,
        shown: Shown::WhereItTells,
        formula_version: 1,
        formula: "ttft_ns − queue_ns",
        undefined: "nothing queues on this side of the runtime, or no token arrived",
        source: "service time as in queueing theory",
    },
    Metric {
        id: "e2e_served_ns",
        label: "E2E latency without queue",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Request,
        shown: Shown::WhereItTells,
        formula_version: 1,
        formula: "e2e_ns − queue_ns",
        undefined: "nothing queues on this side of the runtime, or no token arrived",
        source: "service time as in queueing theory",
    },
    Metric {
        id: "connect_ns",
        label: "Connect",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Request,
        shown: Shown::WhereItTells,
        formula_version: 1,
        formula: "making the connection, before sent_at; 0 on a kept one",
        undefined: "the runtime is not spoken to over a network",
        source: "MEASUREMENT 1.6",
    },
    Metric {
        id: "load_ns",
        label: "Load time",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Launch,
        shown: Shown::Always,
        formula_version: 1,
        formula: "ready − spawned",
        undefined: "the runtime never became ready",
        source: "MEASUREMENT 2.4, C3",
    },
    Metric {
        id: "first_inference_ns",
        label: "First inference",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Launch,
        shown: Shown::Always,
        formula_version: 2,
        formula: "first token chunk of the launch's first request − ready, or the end of the rest after it",
        undefined: "no token arrived in the launch",
        source: "MEASUREMENT 2.4, C4",
    },
    Metric {
        id: "peak_rss_bytes",
        label: "Peak memory",
        unit: Unit::Bytes,
        direction: Direction::LowerIsBetter,
        population: Population::Launch,
        shown: Shown::Always,
        formula_version: 1,
        formula: "highest resident bytes of the runtime's process (VmHWM)",
        undefined: "the system does not say",
        source: "proc(5)",
    },
    Metric {
        id: "output_tokens_per_s",
        label: "Output rate of a launch",
        unit: Unit::TokensPerSecond,
        direction: Direction::HigherIsBetter,
        population: Population::Launch,
        shown: Shown::InItsSection,
        formula_version: 1,
        formula: "sampled tokens of requests that went well / (end of the last request − first sent_at)",
        undefined: "no request went well, or the runtime does not count tokens",
        source: "AIPerf output_token_throughput, for one launch",
    },
    Metric {
        id: "j_per_request",
        label: "Energy per request",
        unit: Unit::Joules,
        direction: Direction::LowerIsBetter,
        population: Population::Launch,
        shown: Shown::InItsSection,
        formula_version: 1,
        formula: "gross energy from the first sent_at to the last token / requests that went well",
        undefined: "nothing measures power well enough, or no request went well",
        source: "MEASUREMENT 4.4",
    },
    Metric {
        id: "j_per_output_token",
        label: "Energy per output token",
        unit: Unit::Joules,
        direction: Direction::LowerIsBetter,
        population: Population::Launch,
        shown: Shown::InItsSection,
        formula_version: 1,
        formula: "gross energy from the first sent_at to the last token / sampled tokens",
        undefined: "nothing measures power well enough, or no token is known",
        source: "MEASUREMENT 4.4",
    },
    Metric {
        id: "sustained_tokens_per_s",
        label: "Sustained decode rate",
        unit: Unit::TokensPerSecond,
        direction: Direction::HigherIsBetter,
        population: Population::Launch,
        shown: Shown::InItsSection,
        formula_version: 1,
        formula: "median pace over the last quarter of a load that went on, where that is steady",
        undefined: "the load did not go on for long enough, or its pace was not steady at the end",
        source: "MEASUREMENT 3.6",
    },
    Metric {
        id: "sustained_ratio",
        label: "Sustained / peak",
        unit: Unit::Ratio,
        direction: Direction::HigherIsBetter,
        population: Population::Launch,
        shown: Shown::InItsSection,
        formula_version: 1,
        formula: "sustained pace / highest 30 s median pace within the first 120 s",
        undefined: "the load did not go on for long enough, or its pace was not steady at the end",
        source: "MEASUREMENT 3.6",
    },
    Metric {
        id: "passed",
        label: "Answers that pass",
        unit: Unit::Ratio,
        direction: Direction::HigherIsBetter,
        population: Population::Request,
        shown: Shown::InItsSection,
        formula_version: 1,
        formula: "1 if the prompt's grader accepts the answer, else 0",
        undefined: "the prompt has no grader, only a person can judge it, or the request failed",
        source: "prompts/README.md: kinds of graders",
    },
    Metric {
        id: "isl_tokens",
        label: "ISL",
        unit: Unit::Tokens,
        direction: Direction::Neutral,
        population: Population::Request,
        shown: Shown::Always,
        formula_version: 1,
        formula: "prompt tokens, chat template included",
        undefined: "the runtime does not say",
        source: "AIPerf input_sequence_length",
    },
    Metric {
        id: "osl_tokens",
        label: "OSL",
        unit: Unit::Tokens,
        direction: Direction::Neutral,
        population: Population::Request,
        shown: Shown::Always,
        formula_version: 1,
        formula: "sampled tokens, end-of-sequence included",
        undefined: "the runtime does not say",
        source: "AIPerf output_sequence_length",
    },
];

/// The metric of that id.
pub fn metric(id: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.id == id)
}

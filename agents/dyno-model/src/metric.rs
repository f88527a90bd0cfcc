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
        id: "ttft_ns",
        label: "TTFT",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Request,
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
        formula_version: 1,
        formula: "arrival of the last token chunk − sent_at",
        undefined: "no token arrived",
        source: "AIPerf request_latency",
    },
    Metric {
        id: "decode_tokens_per_s",
        label: "Decode rate",
        unit: Unit::TokensPerSecond,
        direction: Direction::HigherIsBetter,
        population: Population::Request,
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
        formula_version: 1,
        formula: "arrival of token chunk i − arrival of token chunk i − 1, all requests pooled",
        undefined: "fewer than two token chunks",
        source: "AIPerf inter_chunk_latency",
    },
    Metric {
        id: "load_ns",
        label: "Load time",
        unit: Unit::Ns,
        direction: Direction::LowerIsBetter,
        population: Population::Launch,
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
        formula_version: 1,
        formula: "first token chunk of the launch's first request − ready",
        undefined: "no token arrived in the launch",
        source: "MEASUREMENT 2.4, C4",
    },
    Metric {
        id: "peak_rss_bytes",
        label: "Peak memory",
        unit: Unit::Bytes,
        direction: Direction::LowerIsBetter,
        population: Population::Launch,
        formula_version: 1,
        formula: "highest resident bytes of the runtime's process (VmHWM)",
        undefined: "the system does not say",
        source: "proc(5)",
    },
    Metric {
        id: "isl_tokens",
        label: "ISL",
        unit: Unit::Tokens,
        direction: Direction::Neutral,
        population: Population::Request,
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

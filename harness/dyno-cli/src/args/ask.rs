//! What to measure: the flags that `run` and `plan` share.

use clap::{Args, ValueEnum};

/// What to measure.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Ask {
    /// Suite: what to ask of each device [default: quick; compare where something is compared]
    #[arg(long, value_name = "NAME")]
    pub(crate) suite: Option<String>,
    /// Devices of devices.toml: ids, tags or globs
    #[arg(long = "device", short, value_delimiter = ',', value_name = "NAME")]
    pub(crate) devices: Vec<String>,
    /// Models of the catalogue, instead of the suite's
    #[arg(long = "model", short, value_delimiter = ',', value_name = "NAME")]
    pub(crate) models: Vec<String>,
    /// Runtimes of the catalogue, instead of the suite's
    #[arg(long = "runtime", value_delimiter = ',', value_name = "NAME")]
    pub(crate) runtimes: Vec<String>,
    /// Compute threads, instead of the suite's
    #[arg(long, value_delimiter = ',', value_name = "N")]
    pub(crate) threads: Vec<u32>,
    /// Fresh launches of each cell, instead of the suite's
    #[arg(long, value_name = "N")]
    pub(crate) repetitions: Option<u32>,
    /// Requests of each launch, instead of the whole slice; of a held load, the most of them
    #[arg(long, value_name = "N")]
    pub(crate) requests: Option<u32>,
    /// Longest answer in tokens, instead of the suite's
    #[arg(long, value_name = "N")]
    pub(crate) max_tokens: Option<u32>,
    /// Seed of all orders and draws, instead of the suite's
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Set of SLOs that says what a good request is, instead of the suite's
    #[arg(long, value_name = "NAME")]
    pub(crate) slo: Option<String>,
    /// When a cell needs no more launches, instead of the suite's rule: `never`, `slo-decided`, or `p95:ttft:5%`
    #[arg(long, value_name = "RULE")]
    pub(crate) stop: Option<String>,
    /// Temperature of the air around the devices in °C, instead of what devices.toml says
    #[arg(long, value_name = "CELSIUS", value_parser = mdegc, allow_negative_numbers = true)]
    pub(crate) ambient: Option<i32>,
    /// Context in tokens, instead of the suite's
    #[arg(long, value_delimiter = ',', value_name = "TOKENS")]
    pub(crate) context_tokens: Vec<u32>,
    #[command(flatten)]
    pub(crate) prompts: PromptFlags,
    #[command(flatten)]
    pub(crate) load: LoadFlags,
    #[command(flatten)]
    pub(crate) endpoint: EndpointFlags,
    #[command(flatten)]
    pub(crate) blocks: BlockFlags,
}

/// Prompts in place of the suite's.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Prompts, instead of the suite's")]
pub(crate) struct PromptFlags {
    /// Corpus; without --slice, all of it
    #[arg(long, value_name = "NAME")]
    pub(crate) corpus: Option<String>,
    /// Slice of the corpus
    #[arg(long, value_name = "NAME")]
    pub(crate) slice: Option<String>,
    /// Only these categories
    #[arg(long = "category", value_delimiter = ',', value_name = "NAME")]
    pub(crate) categories: Vec<String>,
    /// Only these languages: en, or pt for pt-BR, too
    #[arg(long = "language", value_delimiter = ',', value_name = "TAG")]
    pub(crate) languages: Vec<String>,
    /// Only prompts of so many tokens or more, estimated as two for seven bytes
    #[arg(long, value_name = "N")]
    pub(crate) tokens_from: Option<u32>,
    /// Only prompts of so many tokens or fewer
    #[arg(long, value_name = "N")]
    pub(crate) tokens_to: Option<u32>,
    /// So many of them, drawn evenly from their categories
    #[arg(long, value_name = "N")]
    pub(crate) prompts: Option<u32>,
    /// Seed of the draw, which --seed does not change [default: 1]
    #[arg(long, value_name = "N", requires = "prompts")]
    pub(crate) prompts_seed: Option<u64>,
}

/// What is compared in blocks.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Comparison in blocks of fresh launches")]
pub(crate) struct BlockFlags {
    /// Arms to compare, the first being what the others are held against: runtimes, or words such as
    /// `llama-server+threads=2`, of runtime, model, threads, context, program, name and set.NAME, each with `=`
    #[arg(long, value_name = "ARM,ARM…", conflicts_with = "endpoint")]
    pub(crate) compare: Vec<String>,
    /// Blocks: in each of them all arms are launched once [default: 10]
    #[arg(long, value_name = "N", conflicts_with = "repetitions")]
    pub(crate) blocks: Option<u32>,
    /// Order of the arms in a block [default: abba for two arms, shuffled for more]
    #[arg(long, value_enum, value_name = "ORDER")]
    pub(crate) order: Option<Order>,
}

/// Order of the arms in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// A B, then B A, and so on.
    Abba,
    /// Drawn from the seed for each block.
    Shuffled,
}

/// A load in place of the suite's.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Load, instead of the suite's")]
pub(crate) struct LoadFlags {
    /// Users at once, each of whom sends the next request when the answer is complete
    #[arg(long, value_delimiter = ',', value_name = "N", conflicts_with = "rate")]
    pub(crate) concurrency: Vec<u32>,
    /// Requests per second, whether the device keeps up or not; latency counts from when each was due
    #[arg(long, value_delimiter = ',', value_name = "PER_S", value_parser = milli)]
    pub(crate) rate: Vec<u64>,
    /// How the gaps between requests are drawn
    #[arg(long, value_enum, default_value_t = Arrivals::Poisson, requires = "rate", value_name = "KIND")]
    pub(crate) arrivals: Arrivals,
    /// With --rate, time in which requests are due, instead of a number of them; with a suite that holds its load, such
    /// as soak, how long it is held
    #[arg(long, value_name = "SECONDS", value_parser = milli)]
    pub(crate) duration: Option<u64>,
}

/// How the gaps of an open loop are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arrivals {
    /// All gaps are equal.
    Constant,
    /// Users who do not know of each other.
    #[default]
    Poisson,
}

/// A server that runs already.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "A server that runs already")]
pub(crate) struct EndpointFlags {
    /// Measure the server at this address: http://127.0.0.1:8080/v1; --model is a name of its own
    #[arg(long, value_name = "URL", conflicts_with_all = ["runtimes", "threads"])]
    pub(crate) endpoint: Option<String>,
    /// How it is asked
    #[arg(long, value_enum, default_value_t = Api::OpenaiChat, requires = "endpoint")]
    pub(crate) api: Api,
    /// Device whose agent asks it, instead of this machine
    #[arg(long, value_name = "DEVICE", requires = "endpoint", conflicts_with = "devices")]
    pub(crate) from: Option<String>,
    /// Variable of the environment that holds its key [default: EDGEDYNO_API_KEY, where it is set]
    #[arg(long, value_name = "NAME", requires = "endpoint")]
    pub(crate) key_variable: Option<String>,
}

/// A way to ask a server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Api {
    /// OpenAI's chat completions.
    #[default]
    OpenaiChat,
    /// OpenAI's completions: the prompt as it stands, without a chat template.
    OpenaiCompletions,
    /// llama-server's own /completion.
    LlamaServer,
    /// Ollama's /api/generate.
    OllamaGenerate,
    /// Ollama's /api/chat.
    OllamaChat,
}

/// A temperature with at most three places, in thousandths of a degree.
fn mdegc(text: &str) -> Result<i32, String> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 3 || whole.len() > 4 {
        return Err("expected a temperature such as 22.5".to_owned());
    }
    let number = |text: &str| text.parse::<i32>().map_err(|error| error.to_string());
    Ok(sign * (number(whole)? * 1000 + number(&format!("{part:0<3}"))?))
}

/// A positive decimal with at most three places, in thousandths.
fn milli(text: &str) -> Result<u64, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 3 || whole.len() > 9 {
        return Err("expected a number such as 2 or 0.25".to_owned());
    }
    let number = |text: &str| text.parse::<u64>().map_err(|error| error.to_string());
    match number(whole)? * 1000 + number(&format!("{part:0<3}"))? {
        0 => Err("expected more than 0".to_owned()),
        milli => Ok(milli),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperatures_are_exact() {
        let check = |text, expected: Option<i32>| assert_eq!(mdegc(text).ok(), expected, "{text}");
        check("22.5", Some(22_500));
        check("-3", Some(-3000));
        check("-0.25", Some(-250));
        check("0", Some(0));
        check("22,5", None);
        check("--3", None);
        check("1.2345", None);
        check("", None);
    }

    #[test]
    fn thousandths_are_exact() {
        let check = |text, expected: Option<u64>| assert_eq!(milli(text).ok(), expected, "{text}");
        check("10", Some(10_000));
        check("0.25", Some(250));
        check("0.001", Some(1));
        check("0.0001", None);
        check("0", None);
        check("-1", None);
        check("1e3", None);
        check("", None);
    }
}

//! The flags of `prompts`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub(crate) const PROMPTS_HELP: &str = "\
Examples:
  edgedyno prompts list
  edgedyno prompts stats assistant
  edgedyno prompts import questions.csv --name support --column prompt=Frage --language de
  edgedyno prompts lint support
  edgedyno run --corpus support";

const IMPORT_HELP: &str = "\
Examples:
  edgedyno prompts import tickets.jsonl --name support --license LicenseRef-internal
  edgedyno prompts import questions.csv --name support --column prompt=Frage --column id=Nr --language de
  edgedyno prompts import sharegpt.json --name chats --skip-bad
  edgedyno prompts import batch.jsonl --name batch --form openai
  edgedyno prompts import train-00000.parquet --name sample --column prompt=instruction

Nothing is written where a prompt cannot be used, unless --skip-bad leaves it out.
E-mail addresses, telephone numbers, bank accounts, card numbers and keys are replaced by words that say so.";

#[derive(Debug, Subcommand)]
pub(crate) enum PromptsCommand {
    /// Make a corpus of prompts that others keep: JSON lines, CSV, ShareGPT, OpenAI batch files, Parquet
    #[command(after_help = IMPORT_HELP)]
    Import(Box<ImportArgs>),
    /// How long the prompts of a corpus are, by words, estimated tokens and category
    #[command(
        after_help = "Examples:\n  edgedyno prompts stats assistant\n  edgedyno prompts stats assistant --json | jq .tokens_estimated"
    )]
    Stats {
        /// Name of the corpus
        corpus: String,
    },
    /// All that is wrong with corpora: form, near-duplicates, personal data, graders that tell nothing, filler
    #[command(
        after_help = "Examples:\n  edgedyno prompts lint support\n  edgedyno prompts lint                every corpus, also against each other\n\nExits with 2 where something is wrong; doubts alone are told, and exit with 0."
    )]
    Lint(LintArgs),
    /// The corpora that suites can name
    #[command(after_help = "Examples:\n  edgedyno prompts list\n  edgedyno prompts list --json")]
    List,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Files to read
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Name of the corpus: its folder below prompts/
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// How the files keep prompts [default: what their names and beginnings say]
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) form: Option<PromptForm>,
    /// Which column is what, where it has no usual name: prompt, system, id, category, language, answer
    #[arg(long = "column", value_name = "WHAT=COLUMN", value_parser = column)]
    pub(crate) columns: Vec<(ColumnUse, String)>,
    /// Name in tables [default: the corpus's name]
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// Licence of the prompts, as an SPDX expression
    #[arg(long, default_value = "LicenseRef-unknown", value_name = "SPDX")]
    pub(crate) license: String,
    /// Language of prompts that name none, as a BCP 47 tag
    #[arg(long, default_value = "und", value_name = "TAG")]
    pub(crate) language: String,
    /// Category of prompts that name none
    #[arg(long, default_value = "imported", value_name = "NAME")]
    pub(crate) category: String,
    /// How alike prompts may not be: shared 5-grams of characters, as a share of all (Jaccard index)
    #[arg(long, default_value_t = dyno_prompts::NEAR_DUPLICATE, value_name = "SHARE", value_parser = share)]
    pub(crate) near_limit: f64,
    /// Leave personal data and keys where they are
    #[arg(long)]
    pub(crate) keep_personal_data: bool,
    /// Leave out prompts that cannot be used, and count them
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Replace a corpus of that name
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Names of corpora [default: all]
    #[arg(value_name = "CORPUS")]
    pub(crate) corpora: Vec<String>,
    /// How alike prompts may not be: shared 5-grams of characters, as a share of all (Jaccard index)
    #[arg(long, default_value_t = dyno_prompts::NEAR_DUPLICATE, value_name = "SHARE", value_parser = share)]
    pub(crate) near_limit: f64,
}

/// How a file keeps prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PromptForm {
    /// One JSON object a line.
    Jsonl,
    /// One JSON array of objects.
    Json,
    /// Comma-separated, with a header.
    Csv,
    /// Tab-separated, with a header.
    Tsv,
    /// Conversations of `human` and `gpt`, as an array or as lines.
    Sharegpt,
    /// Requests of OpenAI's batch interface, one a line.
    Openai,
    /// Apache Parquet.
    Parquet,
}

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColumnUse {
    /// Text of the user's message.
    Prompt,
    /// Text of the system's message.
    System,
    /// Id.
    Id,
    /// Category.
    Category,
    /// Language.
    Language,
    /// A known answer: only its length is used.
    Answer,
}

fn column(text: &str) -> Result<(ColumnUse, String), String> {
    let (what, name) = text.split_once('=').ok_or("expected WHAT=COLUMN, such as prompt=Question")?;
    let what = ColumnUse::from_str(what.trim(), true)
        .map_err(|_unknown| "expected prompt, system, id, category, language or answer before the `=`")?;
    let name = name.trim();
    if name.is_empty() { Err("no column after the `=`".to_owned()) } else { Ok((what, name.to_owned())) }
}

/// A share above 0, at most 1.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "expected a share above 0 and at most 1, such as 0.35".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_shares_are_read_or_refused() {
        assert_eq!(column("prompt=Frage"), Ok((ColumnUse::Prompt, "Frage".to_owned())));
        assert_eq!(column("ID = Nr."), Ok((ColumnUse::Id, "Nr.".to_owned())));
        for text in ["prompt", "prompt=", "wish=x", ""] {
            assert!(column(text).is_err(), "{text}");
        }
        assert_eq!(share("0.35"), Ok(0.35));
        for text in ["0", "1.1", "NaN", "-1", "x"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}

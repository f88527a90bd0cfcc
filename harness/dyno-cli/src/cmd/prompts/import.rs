//! `prompts import`: prompts of others as a corpus of the project.

use std::fmt::Write as _;
use std::path::Path;

use dyno_plan::{Inputs, Source, corpus_at};
use dyno_prompts::{Columns, Corpus, Form, Handling, Input, Meta, Options, Report, check_name, write_corpus};
use dyno_report::untrusted::{one_line, visible};

use crate::args::{ColumnUse, Global, ImportArgs, PromptForm};
use crate::cmd::prompts::counted;
use crate::exit::Exit;
use crate::output;
use crate::progress::{Talk, say};
use crate::project::Project;
use crate::render_error::Failure;

/// The most rows that are read of a table (house rule): as many as an import takes.
const MAX_ROWS: usize = 200_000;
/// The most bytes that are read of a file (house rule): as many as an import takes.
const MAX_FILE_BYTES: u64 = 128 << 20;

pub(super) fn import(global: &Global, args: &ImportArgs) -> Result<Exit, Failure> {
    let project = Project::find(global)?;
    let talk = Talk::of(global);
    check_name(&args.name)?;
    let inputs = args.files.iter().map(|file| input(talk, file, args.form)).collect::<Result<Vec<_>, _>>()?;
    let (corpus, report) = dyno_prompts::import(&inputs, &options(args))?;
    // What is written must be what every other command can read.
    corpus_at(&as_sources(&corpus), &corpus.meta.name)?;
    let existing = if args.force { Handling::Remove } else { Handling::Keep };
    let folder = write_corpus(&corpus, &project.root.join("prompts"), existing)?;
    let text = if global.json {
        format!("{:#}\n", serde_json::json!({ "folder": folder, "report": report }))
    } else {
        words(&folder, &report)
    };
    output::stdout(visible(&text).as_bytes())?;
    let next = format!(
        "look at it with `edgedyno prompts lint {0}`, ask it with `edgedyno run --corpus {0}`",
        args.name
    );
    say(talk, Talk::Normal, &next);
    Ok(Exit::Ok)
}

fn input(talk: Talk, path: &Path, form: Option<PromptForm>) -> Result<Input, Failure> {
    let name = path.display().to_string();
    let is_parquet = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"));
    if form == Some(PromptForm::Parquet) || form.is_none() && is_parquet {
        let table = dyno_store::rows_of_parquet(path, MAX_ROWS)?;
        if !table.unread.is_empty() {
            say(
                talk,
                Talk::Normal,
                &format!("{name}: columns of other kinds are not read: {}", table.unread.join(", ")),
            );
        }
        return Ok(Input::Rows { name, rows: table.rows });
    }
    let bytes = read(path, &name)?;
    let form = match form {
        Some(PromptForm::Csv) => Some(Form::Csv),
        Some(PromptForm::Tsv) => Some(Form::Tsv),
        Some(PromptForm::Json) => Some(Form::Json),
        Some(PromptForm::Jsonl) => Some(Form::Jsonl),
        // Both are published as an array or as lines.
        Some(PromptForm::Sharegpt | PromptForm::Openai) => Form::of("a.json", &bytes),
        Some(PromptForm::Parquet) | None => Form::of(&name, &bytes),
    };
    let form = form.ok_or_else(|| {
        Failure::usage(
            format!("{} does not tell how it keeps prompts", one_line(&name)),
            "say so with --form",
        )
    })?;
    Ok(Input::File { name, form, bytes })
}

fn read(path: &Path, name: &str) -> Result<Vec<u8>, Failure> {
    let hint = "check that it exists and that you may read it";
    let cannot = |error| Failure::io(format!("cannot read {name}"), error, hint);
    let about = std::fs::metadata(path).map_err(cannot)?;
    if about.len() > MAX_FILE_BYTES {
        let message =
            format!("{name} has {} bytes, and {MAX_FILE_BYTES} are the most that is read", about.len());
        return Err(Failure::usage(message, "split it, or take a sample: a campaign asks some hundreds"));
    }
    std::fs::read(path).map_err(cannot)
}

fn options(args: &ImportArgs) -> Options {
    let handling = |remove: bool| if remove { Handling::Remove } else { Handling::Keep };
    let files: Vec<String> = args
        .files
        .iter()
        .filter_map(|file| file.file_name().map(|name| one_line(&name.to_string_lossy())))
        .collect();
    Options {
        meta: Meta {
            name: args.name.clone(),
            title: args.title.clone().unwrap_or_else(|| args.name.clone()),
            description: format!("Imported from {}.", files.join(", ")),
            license: args.license.clone(),
        },
        columns: columns(args),
        language: args.language.clone(),
        category: args.category.clone(),
        near_limit: args.near_limit,
        personal: handling(!args.keep_personal_data),
        bad: handling(args.skip_bad),
    }
}

fn columns(args: &ImportArgs) -> Columns {
    let mut columns = Columns::default();
    for (what, name) in &args.columns {
        let column = match what {
            ColumnUse::Prompt => &mut columns.prompt,
            ColumnUse::System => &mut columns.system,
            ColumnUse::Id => &mut columns.id,
            ColumnUse::Category => &mut columns.category,
            ColumnUse::Language => &mut columns.language,
            ColumnUse::Answer => &mut columns.answer,
        };
        *column = Some(name.clone());
    }
    columns
}

fn as_sources(corpus: &Corpus) -> Inputs {
    let named =
        |(file, text): (&str, String)| Source::user(format!("prompts/{}/{file}", corpus.meta.name), text);
    Inputs { sources: corpus.files().into_iter().filter_map(named).collect() }
}

fn words(folder: &Path, report: &Report) -> String {
    let mut text = String::new();
    let mut put = |line: String| writeln!(text, "{line}").expect("writing to a String cannot fail");
    put(format!(
        "{}: {} of {} that were read",
        folder.display(),
        counted(report.n_prompts, "prompt"),
        report.n_read
    ));
    let left_out = [
        (report.n_bad, "cannot be used"),
        (report.n_same, "say the same as an earlier one"),
        (report.n_near, "say nearly the same as an earlier one"),
    ];
    for (n, why) in left_out.into_iter().filter(|(n, _)| *n > 0) {
        put(format!("left out: {n} that {why}"));
    }
    for line in &report.left_out {
        put(format!("  {line}"));
    }
    let told = report.left_out.len();
    let all = report.n_bad + report.n_same + report.n_near;
    if all > told {
        put(format!("  and {} more", all - told));
    }
    for (kind, n) in &report.redacted {
        put(format!("replaced: {n} by `{}`", kind.placeholder()));
    }
    text
}

//! `report`: render campaigns again from their records.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use dyno_analysis::{MAX_IMPORT_BYTES, llama_bench};
use dyno_evidence::{RedactionMode, Redactor};
use dyno_report::bench_json::{self, Tool};
use dyno_report::junit;
use dyno_report::terminal::TerminalStyle;
use dyno_store::{Campaign, Store};
use dyno_view::compare::{ChangeVerdictView, CompareView};
use dyno_view::imported::ImportedView;
use dyno_view::report::Report;

use crate::args::{Format, Global, Redact, ReportArgs};
use crate::cmd::evidence;
use crate::exit::Exit;
use crate::output;
use crate::pdf;
use crate::project::Project;
use crate::render_error::Failure;

/// Renders.
pub(crate) fn report(global: &Global, args: &ReportArgs) -> Result<Exit, Failure> {
    let campaigns = open_all(&Project::find(global)?, &args.campaigns)?;
    let imported = args.import.iter().map(|path| import(path)).collect::<Result<_, _>>()?;
    let format = args.format.unwrap_or(if global.json { Format::Json } else { Format::Terminal });
    if campaigns.len() > 1 && format == Format::Html && args.output.is_none() {
        return Err(Failure::usage(
            "a page of several campaigns lies in none of their folders",
            "name its file with --output",
        ));
    }
    if args.reingest {
        campaigns.iter().try_for_each(forget_tables)?;
    }
    let report = match args.redact {
        None => dyno_analysis::report_of(&campaigns, imported)?,
        Some(how) => redacted_report(&campaigns, imported, how)?,
    };
    if let Some(path) = &args.pdf {
        write_file(path, &pdf::of_page(&render(&report, Format::Html, style(global)))?)?;
    }
    let bytes = render(&report, format, style(global));
    match (&args.output, &campaigns[..], format) {
        (Some(path), ..) => write_file(path, &bytes)?,
        (None, [campaign], Format::Html) => {
            let name = if args.redact.is_some() { "report.redacted.html" } else { "report.html" };
            let path = campaign.report_dir().join(name);
            write_file(&path, &bytes)?;
            output::stdout(format!("{}\n", path.display()).as_bytes())?;
        }
        (None, ..) => output::stdout(&bytes)?,
    }
    Ok(exit_of(&report))
}

/// The report of copies without texts and names. One name has one stand-in in all of them.
fn redacted_report(
    campaigns: &[Campaign],
    imported: Vec<ImportedView>,
    how: Redact,
) -> Result<Report, Failure> {
    let folder = tempfile::tempdir().map_err(|error| {
        Failure::io("cannot make a temporary folder", error, "set TMPDIR to where there is room")
    })?;
    let mut redactor = Redactor::new(match how {
        Redact::Drop => RedactionMode::Drop,
        Redact::Hash => RedactionMode::Hash,
    });
    let copies: Vec<Campaign> = campaigns
        .iter()
        .map(|campaign| evidence::redacted(campaign, &mut redactor, folder.path()))
        .collect::<Result<_, _>>()?;
    Ok(dyno_analysis::report_of(&copies, imported)?)
}

/// The campaigns that a person names, each once; without a name the newest.
fn open_all(project: &Project, named: &[PathBuf]) -> Result<Vec<Campaign>, Failure> {
    if named.is_empty() {
        return Ok(vec![open(project, None)?]);
    }
    let mut all: Vec<Campaign> = Vec::new();
    for path in named {
        let campaign = open(project, Some(path))?;
        if all.iter().any(|other| other.id() == campaign.id()) {
            return Err(Failure::usage(
                format!("two campaigns are named {}", campaign.id()),
                "name each once; of two folders with one name, give one another",
            ));
        }
        all.push(campaign);
    }
    Ok(all)
}

/// The figures of a file of another tool; what it does not read is not more than a byte beyond the longest.
fn import(path: &Path) -> Result<ImportedView, Failure> {
    let mut bytes = Vec::new();
    let most = MAX_IMPORT_BYTES as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(|error| {
        let hint = "name a file of `llama-bench -o json`";
        Failure { exit: Exit::Usage, ..Failure::io(format!("cannot read {}", path.display()), error, hint) }
    })?;
    let name = path
        .file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    Ok(llama_bench(&bytes, &name)?)
}

fn forget_tables(campaign: &Campaign) -> Result<(), Failure> {
    let tables = campaign.tables_dir();
    match fs::remove_dir_all(&tables) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::io(format!("cannot remove {}", tables.display()), error, "check its owner"))
        }
        _ => Ok(()),
    }
}

/// The campaign that a person names by id or folder; without a name the newest.
pub(crate) fn open(project: &Project, named: Option<&Path>) -> Result<Campaign, Failure> {
    let store = Store::new(&project.runs);
    match named {
        Some(path) if path.join("plan.json").is_file() => Ok(Campaign::open_dir(path)?),
        Some(path) => Ok(store.open(&path.display().to_string())?),
        None => match store.list()?.into_iter().next_back() {
            Some(newest) => Ok(store.open(&newest.0)?),
            None => Err(Failure::usage(
                format!("no campaign in {}", project.runs.display()),
                "measure first: `edgedyno run`; or name a campaign's folder",
            )),
        },
    }
}

/// How a terminal report is to look here.
pub(crate) fn style(global: &Global) -> TerminalStyle {
    let width = output::columns().unwrap_or(TerminalStyle::default().width);
    TerminalStyle { width, color: output::color(global) }
}

/// Renders `report` in one form.
pub(crate) fn render(report: &Report, format: Format, style: TerminalStyle) -> Vec<u8> {
    match format {
        Format::Terminal => dyno_report::terminal::render(report, &style).into_bytes(),
        Format::Html => {
            let mut page = Vec::new();
            dyno_report::html::render(report, &mut page).expect("writing to memory cannot fail");
            page
        }
        Format::Md => dyno_report::markdown::render(report).into_bytes(),
        Format::Json => dyno_report::json::render(report).into_bytes(),
        Format::Csv => dyno_report::csv::render(report).into_bytes(),
        Format::Junit => junit::report(report).into_bytes(),
        Format::BenchmarkAction => bench_json::benchmark_action(report, Tool::SmallerIsBetter).into_bytes(),
        Format::BenchmarkActionBigger => {
            bench_json::benchmark_action(report, Tool::BiggerIsBetter).into_bytes()
        }
        Format::Bencher => bench_json::bencher(report).into_bytes(),
    }
}

/// Writes a file whole or not at all.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .map_or(PathBuf::from("."), PathBuf::from);
    let written = fs::create_dir_all(&folder).and_then(|()| {
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        file.write_all(bytes)?;
        fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        file.persist(path)?;
        Ok(())
    });
    written.map_err(|error| {
        Failure::io(format!("cannot write {}", path.display()), error, "name another file with --output")
    })
}

/// The exit code that a report stands for.
pub(crate) fn exit_of(report: &Report) -> Exit {
    let served = |cell: &dyno_view::report::CellView| {
        cell.outcomes.iter().any(|count| count.outcome == "ok" && count.n > 0)
    };
    let invalid =
        |cell: &dyno_view::report::CellView| cell.launches.iter().any(|launch| !launch.invalid.is_empty());
    let undecided = |verdicts: &CompareView| {
        verdicts.verdict.is_none_or(|verdict| verdict == ChangeVerdictView::Inconclusive)
    };
    if report.cells.is_empty() || !report.cells.iter().any(served) {
        Exit::Runtime
    } else if report.verdicts.as_ref().is_some_and(CompareView::regressed) {
        Exit::Breached
    } else if report.cells.iter().any(invalid)
        || !report.cells.iter().all(served)
        || report.verdicts.as_ref().is_some_and(undecided)
    {
        Exit::Invalid
    } else {
        Exit::Ok
    }
}

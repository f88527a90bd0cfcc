//! `report`: render a campaign again from its record.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use dyno_report::terminal::TerminalStyle;
use dyno_store::{Campaign, Store};
use dyno_view::report::Report;

use crate::args::{Format, Global, ReportArgs};
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

/// Renders.
pub(crate) fn report(global: &Global, args: &ReportArgs) -> Result<Exit, Failure> {
    let campaign = open(&Project::find(global)?, args.campaign.as_deref())?;
    if args.reingest {
        let tables = campaign.tables_dir();
        if tables.exists() {
            fs::remove_dir_all(&tables).map_err(|error| {
                Failure::io(format!("cannot remove {}", tables.display()), error, "check its owner")
            })?;
        }
    }
    let report = dyno_analysis::report(&campaign)?;
    let format = args.format.unwrap_or(if global.json { Format::Json } else { Format::Terminal });
    let bytes = render(&report, format, style(global));
    match (&args.output, format) {
        (Some(path), _) => write_file(path, &bytes)?,
        (None, Format::Html) => {
            let path = campaign.report_dir().join("report.html");
            write_file(&path, &bytes)?;
            output::stdout(format!("{}\n", path.display()).as_bytes())?;
        }
        (None, _) => output::stdout(&bytes)?,
    }
    Ok(exit_of(&report))
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
    if report.cells.is_empty() || !report.cells.iter().any(served) {
        Exit::Runtime
    } else if report.cells.iter().any(invalid) || !report.cells.iter().all(served) {
        Exit::Invalid
    } else {
        Exit::Ok
    }
}

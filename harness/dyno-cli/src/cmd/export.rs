//! `export`: a campaign's tables as files for other tools.

use std::fs::{self, File, Permissions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use dyno_store::{Campaign, Tables};

use super::report::open;
use crate::args::{ExportArgs, ExportFormat, Global};
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

/// Writes the files, and says where they are.
pub(crate) fn export(global: &Global, args: &ExportArgs) -> Result<Exit, Failure> {
    let campaign = open(&Project::find(global)?, args.campaign.as_deref())?;
    let dir = &args.output;
    if !args.force && !is_free(dir)? {
        return Err(Failure::usage(
            format!("{} is there already", dir.display()),
            "name another folder with --output, or write over its files with --force",
        ));
    }
    let folder = parent(dir);
    let partial = fs::create_dir_all(&folder).and_then(|()| tempfile::tempdir_in(&folder));
    let partial = partial.map_err(|error| failed(&folder, error))?;
    write(&campaign, args.format, partial.path())?;
    let names = put(partial, dir)?;
    let paths: Vec<String> = names.iter().map(|name| dir.join(name).display().to_string()).collect();
    let text = if global.json {
        serde_json::json!({ "campaign": campaign.id().0, "files": paths }).to_string()
    } else {
        paths.join("\n")
    };
    output::stdout(format!("{text}\n").as_bytes())?;
    Ok(Exit::Ok)
}

/// Whether nothing is there, or an empty folder.
fn is_free(dir: &Path) -> Result<bool, Failure> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(Failure::io(
            format!("cannot read {}", dir.display()),
            error,
            "name another folder with --output",
        )),
    }
}

fn write(campaign: &Campaign, format: ExportFormat, dir: &Path) -> Result<(), Failure> {
    match format {
        ExportFormat::Parquet => Ok(Tables::open(campaign)?.copy_to(dir)?),
        ExportFormat::Csv => {
            rows(&dir.join("requests.csv"), |out| Ok(dyno_analysis::requests_csv(campaign, out)?))
        }
        ExportFormat::Jsonl => {
            rows(&dir.join("requests.jsonl"), |out| Ok(dyno_analysis::requests_jsonl(campaign, out)?))
        }
    }
}

fn rows(path: &Path, write: impl Fn(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut out = BufWriter::new(File::create(path).map_err(|error| failed(path, error))?);
    write(&mut out)?;
    out.flush().map_err(|error| failed(path, error))
}

/// Gives finished files their place: the whole folder at once where there is none, else file by file.
fn put(partial: tempfile::TempDir, dir: &Path) -> Result<Vec<String>, Failure> {
    let names = names(partial.path()).map_err(|error| failed(dir, error))?;
    let placed = if is_free(dir)? {
        fs::set_permissions(partial.path(), Permissions::from_mode(0o755))
            .and_then(|()| fs::rename(partial.path(), dir))
            .map(|()| drop(partial.keep()))
    } else {
        names.iter().try_for_each(|name| fs::rename(partial.path().join(name), dir.join(name)))
    };
    placed.map_err(|error| failed(dir, error))?;
    Ok(names)
}

/// Names of the files of a folder, sorted.
fn names(dir: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn parent(dir: &Path) -> PathBuf {
    dir.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or(PathBuf::from("."), PathBuf::from)
}

fn failed(path: &Path, error: std::io::Error) -> Failure {
    Failure::io(format!("cannot write {}", path.display()), error, "name another folder with --output")
}

//! Where baselines are kept: `canaries/NAME.json` of the project folder.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use dyno_analysis::{Baseline, MAX_BASELINE_BYTES};
use dyno_report::untrusted::one_line;
use serde::Serialize;

use crate::args::Global;
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

/// The folder in the project.
const FOLDER: &str = "canaries";

/// Whether a file may be put in the place of one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replace {
    Allowed,
    Refused,
}

/// Where the baseline of a name lies.
///
/// # Errors
/// The name would lead out of the folder.
pub(super) fn place(project: &Project, name: &str) -> Result<PathBuf, Failure> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 200 || name.starts_with('.') || !name.chars().all(fits) {
        return Err(Failure::usage(
            format!("`{}` cannot be a canary baseline's name", one_line(name)),
            "use letters, digits, `-`, `_` and `.`, not first a `.`",
        ));
    }
    Ok(project.root.join(FOLDER).join(format!("{name}.json")))
}

/// The error where a baseline of this name is there already.
pub(super) fn is_there(path: &Path) -> Failure {
    Failure::usage(
        format!("{} is there already", path.display()),
        "choose another name, or put this one in its place: --force",
    )
}

/// Reads the baseline of a name; never more of its file than a baseline may have, and one byte.
pub(super) fn read(project: &Project, name: &str) -> Result<Baseline, Failure> {
    let path = place(project, name)?;
    let most = MAX_BASELINE_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(Baseline::read(name, &bytes)?),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let known = names(project)?;
            let known = if known.is_empty() { "there is none".to_owned() } else { known.join(", ") };
            Err(Failure::usage(
                format!("no canary baseline `{name}`"),
                format!("baselines: {known}; `edgedyno canary record {name}` makes one"),
            ))
        }
        Err(error) => {
            let words = format!("cannot read {}", path.display());
            Err(Failure::io(words, error, "check that it is a file that you may read"))
        }
    }
}

/// Writes a baseline whole or not at all, readable for all.
pub(super) fn write(path: &Path, bytes: &[u8], replace: Replace) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        match replace {
            Replace::Allowed => file.persist(path)?,
            Replace::Refused => file.persist_noclobber(path)?,
        };
        Ok(())
    });
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => is_there(path),
        _ => Failure::io(format!("cannot write {}", path.display()), error, "check that there is room"),
    })
}

/// The names of all baselines, sorted.
fn names(project: &Project) -> Result<Vec<String>, Failure> {
    let folder = project.root.join(FOLDER);
    let unreadable =
        |error| Failure::io(format!("cannot list {}", folder.display()), error, "check that you may read it");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        let name = name.to_string_lossy();
        names.extend(name.strip_suffix(".json").filter(|name| !name.starts_with('.')).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// A baseline in a list.
#[derive(Serialize)]
struct Listed {
    name: String,
    /// `None` where it cannot be read.
    #[serde(flatten)]
    of: Option<About>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What a baseline is of.
#[derive(Serialize)]
struct About {
    sha256: String,
    recorded_at: Option<String>,
    campaign: String,
    corpus: String,
    n_prompts: usize,
    device: String,
    runtime: String,
    model: String,
}

fn about(of: &Baseline) -> About {
    let version = of.runtime.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    About {
        sha256: of.digest().as_str().to_owned(),
        recorded_at: of.recorded_at.clone(),
        campaign: of.campaign.clone(),
        corpus: of.corpus.name.clone(),
        n_prompts: of.answers.len(),
        device: of.device.clone(),
        runtime: format!("{}{version}", of.runtime.name),
        model: of.model.name.clone(),
    }
}

/// Lists the baselines; one that cannot be read is told and hides no other.
pub(super) fn list(global: &Global, project: &Project) -> Result<Exit, Failure> {
    let listed = |name: String| match read(project, &name) {
        Ok(baseline) => Listed { name, of: Some(about(&baseline)), error: None },
        Err(failure) => Listed { name, of: None, error: Some(format!("{:#}", failure.error)) },
    };
    let all: Vec<Listed> = names(project)?.into_iter().map(listed).collect();
    if global.json {
        let mut json = serde_json::to_vec_pretty(&all).expect("names and digests are JSON");
        json.push(b'\n');
        output::stdout(&json)?;
        return Ok(Exit::Ok);
    }
    let mut text = String::new();
    for of in &all {
        let name = one_line(&of.name);
        let words = match (&of.of, &of.error) {
            (Some(of), _) => format!(
                "{} prompts of {}  {} · {} · {}  {}  {}",
                of.n_prompts,
                one_line(&of.corpus),
                one_line(&of.device),
                one_line(&of.runtime),
                one_line(&of.model),
                of.recorded_at.as_deref().map(one_line).unwrap_or_default(),
                &of.sha256[..12],
            ),
            (None, error) => format!("UNREADABLE: {}", one_line(error.as_deref().unwrap_or_default())),
        };
        writeln!(text, "{name}  {words}").expect("writing to a String cannot fail");
    }
    output::stdout(text.as_bytes())?;
    Ok(Exit::Ok)
}

//! `baseline`: campaigns by a name of their own, with the digests of their records.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use dyno_model::clock::WallNs;
use dyno_model::digest::Digest;
use dyno_report::untrusted::one_line;
use dyno_store::{Campaign, Store};
use serde::{Deserialize, Serialize};

use crate::args::{BaselineCommand, Global};
use crate::cmd::report;
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

/// The file in the project folder.
const FILE: &str = "baselines.json";
/// Version of its form.
const FORMAT: u32 = 1;

/// All names of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Baselines {
    format: u32,
    baselines: BTreeMap<String, Baseline>,
}

/// A campaign under a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Baseline {
    /// Its id in the folder of the campaigns, or its folder.
    campaign: PathBuf,
    plan_sha256: Digest,
    journal_sha256: Digest,
    /// Nanoseconds since 1970.
    set_at: WallNs,
}

/// How a baseline's record stands to what it was when it got its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Unchanged,
    Changed,
    Gone,
}

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "CHANGED",
            Self::Gone => "GONE",
        }
    }
}

/// Sets, lists or removes.
pub(crate) fn baseline(global: &Global, command: &BaselineCommand) -> Result<Exit, Failure> {
    let project = Project::find(global)?;
    match command {
        BaselineCommand::Set { name, campaign } => set(&project, name, campaign),
        BaselineCommand::List => list(global, &project),
        BaselineCommand::Remove { name } => remove(&project, name),
    }
}

/// The campaign that a baseline of this name stands for; `None` where no baseline has it.
///
/// # Errors
/// The record is gone, or is not the one that got the name.
pub(crate) fn find(project: &Project, name: &str) -> Result<Option<Campaign>, Failure> {
    let all = read(project)?;
    let Some(baseline) = all.baselines.get(name) else { return Ok(None) };
    let campaign = report::open(project, Some(&baseline.campaign))?;
    if standing(project, baseline) != Standing::Unchanged {
        return Err(Failure::usage(
            format!("the record of baseline `{name}`, {}, has changed since it got that name", campaign.id()),
            format!("look at it, and set it anew: `edgedyno baseline set {name} {}`", campaign.id()),
        ));
    }
    Ok(Some(campaign))
}

/// The names that there are.
pub(crate) fn names(project: &Project) -> Result<Vec<String>, Failure> {
    Ok(read(project)?.baselines.into_keys().collect())
}

fn set(project: &Project, name: &str, campaign: &Path) -> Result<Exit, Failure> {
    check_name(name)?;
    let opened = report::open(project, Some(campaign))?;
    let baseline = Baseline {
        campaign: place(project, &opened)?,
        plan_sha256: opened.plan_digest().clone(),
        journal_sha256: journal_digest(&opened)?,
        set_at: WallNs::now(),
    };
    let mut all = read(project)?;
    all.baselines.insert(name.to_owned(), baseline);
    write(project, &all)?;
    output::stdout(format!("{name} is {}\n", one_line(&opened.id().0)).as_bytes())?;
    Ok(Exit::Ok)
}

fn list(global: &Global, project: &Project) -> Result<Exit, Failure> {
    let all = read(project)?;
    if global.json {
        let mut json = serde_json::to_vec_pretty(&all).expect("names and digests are JSON");
        json.push(b'\n');
        output::stdout(&json)?;
        return Ok(Exit::Ok);
    }
    let mut text = String::new();
    for (name, baseline) in &all.baselines {
        let campaign = one_line(&baseline.campaign.display().to_string());
        let (name, word) = (one_line(name), standing(project, baseline).word());
        let digest = baseline.journal_sha256.short();
        writeln!(text, "{name}  {campaign}  record {digest}  {word}")
            .expect("writing to a String cannot fail");
    }
    output::stdout(text.as_bytes())?;
    Ok(Exit::Ok)
}

fn remove(project: &Project, name: &str) -> Result<Exit, Failure> {
    let mut all = read(project)?;
    if all.baselines.remove(name).is_none() {
        let known: Vec<String> = all.baselines.into_keys().collect();
        let known = if known.is_empty() { "there is none".to_owned() } else { known.join(", ") };
        return Err(Failure::usage(format!("no baseline `{name}`"), format!("baselines: {known}")));
    }
    write(project, &all)?;
    Ok(Exit::Ok)
}

/// A name that cannot be taken for a side's selector or a folder.
fn check_name(name: &str) -> Result<(), Failure> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 200 || name.starts_with('.') || !name.chars().all(fits) {
        return Err(Failure::usage(
            format!("`{name}` cannot be a baseline's name"),
            "use letters, digits, `-`, `_` and `.`, not first a `.`",
        ));
    }
    Ok(())
}

/// The id where the campaign lies among the others, else its folder.
fn place(project: &Project, campaign: &Campaign) -> Result<PathBuf, Failure> {
    let unreadable = |error| {
        let dir = campaign.dir().display();
        Failure::io(format!("cannot find out where {dir} is"), error, "check that you may read it")
    };
    let dir = campaign.dir().canonicalize().map_err(unreadable)?;
    let among = Store::new(&project.runs).root().join(&campaign.id().0);
    match among.canonicalize() {
        Ok(here) if here == dir => Ok(PathBuf::from(&campaign.id().0)),
        Ok(_) | Err(_) => Ok(dir),
    }
}

fn standing(project: &Project, baseline: &Baseline) -> Standing {
    let Ok(campaign) = report::open(project, Some(&baseline.campaign)) else { return Standing::Gone };
    let Ok(journal) = journal_digest(&campaign) else { return Standing::Gone };
    if journal == baseline.journal_sha256 && *campaign.plan_digest() == baseline.plan_sha256 {
        Standing::Unchanged
    } else {
        Standing::Changed
    }
}

/// SHA-256 of the record as it lies there.
pub(crate) fn journal_digest(campaign: &Campaign) -> Result<Digest, Failure> {
    let path = campaign.journal_path();
    let digest = File::open(&path).and_then(|mut file| Digest::of_reader(&mut file));
    digest.map_err(|error| {
        let words = format!("cannot read {}", path.display());
        Failure::io(words, error, "measure first, or name a campaign that has a record")
    })
}

fn read(project: &Project) -> Result<Baselines, Failure> {
    let path = project.root.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Baselines { format: FORMAT, baselines: BTreeMap::new() });
        }
        Err(error) => {
            let words = format!("cannot read {}", path.display());
            return Err(Failure::io(words, error, "check that you may read it"));
        }
    };
    let read: Baselines = serde_json::from_slice(&bytes).map_err(|error| {
        let line = error.line();
        Failure::usage(
            format!("{FILE}:{line} is no list of baselines: {error}"),
            "mend it, or remove it and set the baselines anew",
        )
    })?;
    if read.format > FORMAT {
        return Err(Failure::usage(
            format!("{FILE} has format {}, this edgedyno reads up to {FORMAT}", read.format),
            "use the edgedyno that wrote it",
        ));
    }
    Ok(read)
}

fn write(project: &Project, all: &Baselines) -> Result<(), Failure> {
    let mut json = serde_json::to_vec_pretty(all).expect("names and digests are JSON");
    json.push(b'\n');
    report::write_file(&project.root.join(FILE), &json)
}

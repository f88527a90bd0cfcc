//! One folder a campaign.
//!
//! ```text
//! runs/<campaign>/plan.json      the frozen plan, canonical
//!                 journal.log    what happened, append-only
//!                 tables/        parquet, made from the journal
//!                 report/        pages, made from the tables
//! ```

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use dyno_model::digest::Digest;
use dyno_model::ids::CampaignId;
use dyno_model::plan::{PLAN_FORMAT, Plan};

use crate::error::LayoutError;

const PLAN_FILE: &str = "plan.json";
const JOURNAL_FILE: &str = "journal.log";

/// The folder that holds all campaigns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    root: PathBuf,
}

/// One campaign's folder, with its plan read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    dir: PathBuf,
    id: CampaignId,
    plan: Plan,
    plan_digest: Digest,
}

impl Store {
    /// The store in `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the folder of a new campaign and writes its plan, durably.
    ///
    /// # Errors
    /// The name is no folder's, the folder is there already, or cannot be written.
    /// After an error no folder is left behind.
    pub fn create(&self, id: &CampaignId, plan: &Plan) -> Result<Campaign, LayoutError> {
        check_name(&id.0)?;
        let io = |action, path: &Path, source| LayoutError::Io { action, path: path.to_owned(), source };
        fs::create_dir_all(&self.root).map_err(|source| io("create the folder", &self.root, source))?;
        let dir = self.root.join(&id.0);
        fs::create_dir(&dir).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => LayoutError::Exists { path: dir.clone() },
            _ => io("create the folder", &dir, source),
        })?;
        let bytes = plan.canonical();
        if let Err(source) = write_durably(&dir, PLAN_FILE, &bytes) {
            // Best effort: the first error is the one to report.
            drop(fs::remove_dir_all(&dir));
            return Err(io("write", &dir.join(PLAN_FILE), source));
        }
        Ok(Campaign { dir, id: id.clone(), plan: plan.clone(), plan_digest: Digest::of(&bytes) })
    }

    /// Opens a campaign by its name.
    ///
    /// # Errors
    /// There is none of that name, or its plan cannot be read.
    pub fn open(&self, name: &str) -> Result<Campaign, LayoutError> {
        let dir = self.root.join(name);
        if check_name(name).is_err() || !dir.join(PLAN_FILE).is_file() {
            let known = self.list()?.into_iter().map(|id| id.0).collect();
            return Err(LayoutError::Unknown { name: name.to_owned(), root: self.root.clone(), known });
        }
        Campaign::open_dir(&dir)
    }

    /// The campaigns that are here, in the order of their names; none if the folder does not exist.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn list(&self) -> Result<Vec<CampaignId>, LayoutError> {
        let io = |source| LayoutError::Io { action: "list", path: self.root.clone(), source };
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(io(source)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(io)?;
            if entry.path().join(PLAN_FILE).is_file() {
                ids.push(CampaignId(entry.file_name().to_string_lossy().into_owned()));
            }
        }
        ids.sort();
        Ok(ids)
    }
}

impl Campaign {
    /// Opens the campaign that lies in `dir`.
    ///
    /// # Errors
    /// The plan cannot be read, is none, or is of a newer format.
    pub fn open_dir(dir: &Path) -> Result<Self, LayoutError> {
        #[derive(serde::Deserialize)]
        struct Versioned {
            format: u32,
        }
        let path = dir.join(PLAN_FILE);
        let bytes = fs::read(&path).map_err(|source| LayoutError::Io {
            action: "read",
            path: path.clone(),
            source,
        })?;
        let unreadable = |source| LayoutError::Plan { path: path.clone(), source };
        let Versioned { format } = serde_json::from_slice(&bytes).map_err(unreadable)?;
        if format > PLAN_FORMAT {
            return Err(LayoutError::PlanNewer { path, found: format, known: PLAN_FORMAT });
        }
        let plan: Plan = serde_json::from_slice(&bytes).map_err(unreadable)?;
        let name = dir.file_name().map_or_else(|| ".".to_owned(), |name| name.to_string_lossy().into_owned());
        Ok(Self { dir: dir.to_owned(), id: CampaignId(name), plan, plan_digest: Digest::of(&bytes) })
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its id, which is the folder's name.
    pub fn id(&self) -> &CampaignId {
        &self.id
    }

    /// The frozen plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// SHA-256 of `plan.json` as it lies there.
    pub fn plan_digest(&self) -> &Digest {
        &self.plan_digest
    }

    /// Where the journal lies.
    pub fn journal_path(&self) -> PathBuf {
        self.dir.join(JOURNAL_FILE)
    }

    /// Where the tables lie.
    pub fn tables_dir(&self) -> PathBuf {
        self.dir.join("tables")
    }

    /// Where rendered pages go.
    pub fn report_dir(&self) -> PathBuf {
        self.dir.join("report")
    }
}

/// A name that stays within its folder on every system.
fn check_name(name: &str) -> Result<(), LayoutError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 200 || name.starts_with('.') || !name.chars().all(fits) {
        return Err(LayoutError::BadName { name: name.to_owned() });
    }
    Ok(())
}

/// Writes a file beside its name, makes it durable, and puts it in place in one step.
fn write_durably(dir: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let partial = dir.join(format!("{name}.partial"));
    let mut file = fs::File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&partial, dir.join(name))?;
    fs::File::open(dir)?.sync_all()
}

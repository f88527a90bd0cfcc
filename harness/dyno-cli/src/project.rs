//! Where things are: the project folder, the campaigns, what people wrote.

use std::path::{Path, PathBuf};

use dyno_plan::{Inputs, Problem, Problems, Source, SourceKind};

use crate::args::Global;
use crate::render_error::Failure;

/// No catalogue and no corpus is larger (house rule): more is a file that lies there by mistake.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// Folders of one invocation.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    /// Folder with devices.toml; the current folder where there is none above.
    pub(crate) root: PathBuf,
    /// Folder of the campaigns.
    pub(crate) runs: PathBuf,
}

impl Project {
    /// Finds the project: what the flags say, else the nearest folder above with a devices.toml, else here.
    pub(crate) fn find(global: &Global) -> Result<Self, Failure> {
        let here = std::env::current_dir().map_err(|error| {
            Failure::io("cannot tell the current folder", error, "change to a folder that exists")
        })?;
        let root = match &global.project {
            Some(given) if !given.is_dir() => {
                return Err(Failure::usage(
                    format!("project folder {} does not exist", given.display()),
                    "give the folder that holds devices.toml",
                ));
            }
            Some(given) => given.clone(),
            None => nearest(&here).unwrap_or(&here).to_owned(),
        };
        let runs = global.runs.clone().unwrap_or_else(|| root.join("runs"));
        Ok(Self { root, runs })
    }

    /// What edgedyno ships with, and what lies in the project: devices.toml, catalog/, prompts/.
    pub(crate) fn inputs(&self) -> Result<Inputs, Failure> {
        let mut inputs = Inputs::shipped();
        let mut problems = Vec::new();
        let devices = self.root.join("devices.toml");
        if devices.exists() {
            match text_of("devices.toml", &devices)? {
                Ok(text) => {
                    inputs = inputs.with(Source::user_as(SourceKind::Devices, "devices.toml", text));
                }
                Err(problem) => problems.push(problem),
            }
        }
        for folder in ["catalog", "prompts"] {
            for (name, path) in self.files(folder, &[".toml", ".jsonl", ".csv"])? {
                match text_of(&name, &path)? {
                    Ok(text) => inputs.sources.extend(Source::user(name, text)),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        if problems.is_empty() { Ok(inputs) } else { Err(Problems(problems).into()) }
    }

    /// Every file below `folder` of the project that ends so, by its name relative to the root.
    fn files(&self, folder: &str, endings: &[&str]) -> Result<Vec<(String, PathBuf)>, Failure> {
        let mut found = Vec::new();
        let mut folders = vec![self.root.join(folder)];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries {
                let path = entry.map_err(|error| unreadable(&folder, error))?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
                    let name = path.strip_prefix(&self.root).unwrap_or(&path).display().to_string();
                    found.push((name, path));
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

/// A file that people wrote, as text; the inner error is what they have to mend in it.
fn text_of(name: &str, path: &Path) -> Result<Result<String, Problem>, Failure> {
    let bytes = std::fs::metadata(path).map_err(|error| unreadable(path, error))?.len();
    if bytes > MAX_FILE_BYTES {
        let message = format!("the file has {bytes} bytes, and {MAX_FILE_BYTES} are the most that is read");
        let hint = Some("split it, or move it out of the project".to_owned());
        return Ok(Err(Problem { file: name.to_owned(), line: None, col: None, message, hint }));
    }
    Ok(Source::text_of(name, std::fs::read(path).map_err(|error| unreadable(path, error))?))
}

fn nearest(here: &Path) -> Option<&Path> {
    here.ancestors().find(|folder| folder.join("devices.toml").is_file())
}

pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, error))?;
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        Failure::usage(format!("{} is not UTF-8 (byte {place})", path.display()), "save it as UTF-8")
    })
}

fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    Failure::io(
        format!("cannot read {}", path.display()),
        error,
        "check that it exists and that you may read it",
    )
}

//! Agents: the one for this machine is embedded, those for others are looked for.

mod nvidia;
mod search;
mod targets;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use dyno_artifacts::cache_dir;
use dyno_model::digest::Digest;
use dyno_protocol::build_id::BUILD_ID;
use dyno_session::AgentBinary;
use dyno_transport::Platform;

use crate::render_error::Failure;
use search::{Folder, search};

static LOCAL_AGENT: &[u8] = include_bytes!(env!("EDGEDYNO_AGENT_FILE"));
/// What the embedded agent was built for.
const LOCAL_TARGET: &str = env!("EDGEDYNO_TARGET");
/// Names a folder of agents.
const FOLDER_VARIABLE: &str = "EDGEDYNO_AGENTS";

/// The agent as a file in the cache, under its digest; written on first use.
pub(crate) fn local() -> Result<AgentBinary, Failure> {
    let digest = Digest::of(LOCAL_AGENT);
    let folder = cache_dir()?.join("agents").join(digest.as_str());
    let path = folder.join("edgedyno-agent");
    let bytes = LOCAL_AGENT.len() as u64;
    if !fs::metadata(&path).is_ok_and(|there| there.len() == bytes) {
        write_program(&folder, &path).map_err(|error| {
            let words = format!("cannot write the agent to {}", path.display());
            Failure::io(words, error, "set EDGEDYNO_CACHE to a folder that you may write")
        })?;
    }
    Ok(AgentBinary { path, digest, bytes, notes: Vec::new() })
}

/// The agent for a device, verified.
///
/// It is looked for in the folder that `EDGEDYNO_AGENTS` names, in `agents` beside this program, and in `../agents`,
/// where `cargo xtask dist` puts it; the embedded one is taken for a device of this machine's own kind that has no
/// better one. An agent of other sources is never taken. A device with NVIDIA's driver gets one that can load its
/// library; where that cannot be had, the other one comes with a note.
///
/// # Errors
/// With what to build, when there is none.
pub(crate) fn pick(platform: &Platform) -> Result<AgentBinary, Failure> {
    let folders = folders();
    let Some(target) = targets::for_nvidia(platform) else { return pick_static(platform, &folders) };
    let built = || search(platform, &[target], &folders, BUILD_ID).map_err(Failure::from);
    let embedded = || (target == LOCAL_TARGET && !LOCAL_AGENT.is_empty()).then(local);
    match nvidia::choose(platform, built, embedded) {
        Ok(agent) => Ok(agent),
        Err(note) => {
            let agent = pick_static(platform, &folders)?;
            Ok(AgentBinary { notes: vec![note], ..agent })
        }
    }
}

/// SHA-256 of every agent that this build would put on a device, by target. Lists that cannot be read count as none here:
/// who needs an agent of them is told why not.
pub(crate) fn digests() -> BTreeMap<String, Digest> {
    let mut digests = search::listed(&folders(), BUILD_ID);
    if !LOCAL_AGENT.is_empty() {
        digests.insert(LOCAL_TARGET.to_owned(), Digest::of(LOCAL_AGENT));
    }
    digests
}

fn pick_static(platform: &Platform, folders: &[Folder]) -> Result<AgentBinary, Failure> {
    let fitting = targets::fitting(platform);
    match search(platform, &fitting, folders, BUILD_ID) {
        Ok(agent) => Ok(agent),
        Err(_) if !LOCAL_AGENT.is_empty() && targets::is_like(platform, LOCAL_TARGET) => local(),
        Err(error) => Err(error.into()),
    }
}

/// Where agents may lie.
fn folders() -> Vec<Folder> {
    let named = std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty());
    let mut folders: Vec<Folder> = named.into_iter().map(|path| Folder::named(path.into())).collect();
    // Best effort: a program that does not know where it lies has no neighbours. A link to it is followed.
    let program = std::env::current_exe().and_then(fs::canonicalize);
    let beside = program.ok().and_then(|program| program.parent().map(Path::to_owned));
    if let Some(beside) = beside {
        folders.push(Folder::named(beside.join("agents")));
        folders.extend(beside.parent().map(|above| Folder::built(above.join("agents"))));
    }
    folders
}

fn write_program(folder: &Path, path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(LOCAL_AGENT)?;
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o755))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

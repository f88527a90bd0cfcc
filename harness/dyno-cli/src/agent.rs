//! The agent for this machine, embedded when edgedyno was built.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use dyno_artifacts::cache_dir;
use dyno_model::digest::Digest;
use dyno_session::AgentBinary;

use crate::render_error::Failure;

static LOCAL_AGENT: &[u8] = include_bytes!(env!("EDGEDYNO_AGENT_FILE"));

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
    Ok(AgentBinary { path, digest, bytes })
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

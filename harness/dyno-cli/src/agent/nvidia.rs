//! The agent for a device with NVIDIA's driver: dynamic, so that it can load the driver's library.

use std::fs;

use dyno_protocol::glibc::Glibc;
use dyno_session::AgentBinary;
use dyno_transport::Platform;

use crate::render_error::Failure;

/// The agent that was built, else the embedded one, if the device's C library is new enough for it.
///
/// # Errors
/// A note for the record: why it cannot be had, and how it could.
pub(super) fn choose(
    platform: &Platform,
    built: impl FnOnce() -> Result<AgentBinary, Failure>,
    embedded: impl FnOnce() -> Option<Result<AgentBinary, Failure>>,
) -> Result<AgentBinary, String> {
    let has = platform.glibc.as_deref().and_then(Glibc::of_getconf);
    let Some(has) = has else {
        return Err(note("its C library is not the GNU one, which NVIDIA's library needs", None));
    };
    let fits = |found: Result<AgentBinary, Failure>| {
        let agent = found.map_err(|failure| note(&format!("{:#}", failure.error), failure.hints.first()))?;
        match needs(&agent) {
            Ok(Some(needs)) if needs > has => {
                let why = format!("the agent that could needs glibc {needs}, and the device has {has}");
                Err(note(&why, Some(&"build it on a system as old as the device's".to_owned())))
            }
            Ok(_) => Ok(agent),
            Err(why) => Err(note(&why, None)),
        }
    };
    fits(built()).or_else(|why| embedded().map_or(Err(why), fits))
}

/// The C library that an agent needs.
fn needs(agent: &AgentBinary) -> Result<Option<Glibc>, String> {
    let program =
        fs::read(&agent.path).map_err(|error| format!("cannot read {}: {error}", agent.path.display()))?;
    Ok(Glibc::needed_by(&program))
}

fn note(why: &str, hint: Option<&String>) -> String {
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("energy, power and memory of NVIDIA's GPU cannot be read by the static agent: {why}{hint}")
}

#[cfg(test)]
mod tests {
    use dyno_model::digest::Digest;

    use super::*;

    fn device(glibc: Option<&str>) -> Platform {
        Platform { glibc: glibc.map(str::to_owned), has_nvidia: true, ..Platform::default() }
    }

    /// An agent that needs that version.
    fn agent(folder: &tempfile::TempDir, glibc: &str) -> AgentBinary {
        let path = folder.path().join(glibc);
        fs::write(&path, format!("\0GLIBC_{glibc}\0")).expect("our own folder");
        AgentBinary { path, digest: Digest::of(glibc.as_bytes()), bytes: 1, notes: Vec::new() }
    }

    fn missing() -> Failure {
        let error = anyhow::anyhow!("no agent was found");
        Failure::io("no agent", std::io::Error::other(error), "run `cargo xtask dist`")
    }

    #[test]
    fn the_one_that_starts_there_is_taken() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let old = || agent(&folder, "2.31");
        let new = || agent(&folder, "2.36");
        let device = device(Some("glibc 2.35"));
        let chosen = choose(&device, || Ok(old()), || Some(Ok(new())));
        assert_eq!(chosen.expect("it fits").path, old().path);
        let chosen = choose(&device, || Ok(new()), || Some(Ok(old())));
        assert_eq!(chosen.expect("the embedded one fits").path, old().path);
        let chosen = choose(&device, || Err(missing()), || Some(Ok(old())));
        assert_eq!(chosen.expect("nothing was built, but one is embedded").path, old().path);
    }

    #[test]
    fn without_one_a_note_says_why_and_what_helps() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let new = || agent(&folder, "2.36");
        let why = choose(&device(Some("glibc 2.31")), || Ok(new()), || None).expect_err("too new");
        assert!(
            why.contains("needs glibc 2.36, and the device has 2.31; build it on a system as old"),
            "{why}"
        );
        let why = choose(&device(Some("glibc 2.31")), || Err(missing()), || None).expect_err("none");
        assert!(why.ends_with("; run `cargo xtask dist`"), "{why}");
        let why = choose(&device(None), || Ok(new()), || Some(Ok(new()))).expect_err("another C library");
        assert!(why.contains("its C library is not the GNU one"), "{why}");
    }
}

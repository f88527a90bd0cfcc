//! One target: built, or checked where it cannot be linked.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use dyno_model::digest::Digest;
use dyno_protocol::build_id::BUILD_ID;
use dyno_protocol::glibc::Glibc;
use dyno_protocol::manifest::BuiltAgent;

use super::program::{contains, is_static_elf};
use super::store::Store;
use super::target::Target;
use super::toolchain::{Link, Missing, Toolchain};
use super::{root, say, target_dir};

/// So many of the compiler's last lines are shown.
const TAIL_LINES: usize = 40;

/// What came of a target.
#[derive(Debug)]
pub(crate) enum Made {
    /// There was nothing to do.
    Current(BuiltAgent),
    /// It was built; with the GNU C library that it needs, if it needs one.
    Built(BuiltAgent, Option<Glibc>),
    /// It compiles, but cannot be linked here.
    Checked {
        /// What linking needs.
        missing: Missing,
    },
}

/// Builds the agent for `target`, unless it is current.
///
/// # Errors
/// When a piece is missing, with the command that installs it, or when the build failed.
pub(crate) fn make(target: &Target, toolchain: &Toolchain, store: &mut Store) -> anyhow::Result<Made> {
    let link = toolchain.link(target);
    if let Ok(link) = &link {
        let recipe = recipe(toolchain, link)?;
        if let Some(agent) = store.current(target.triple, BUILD_ID, &recipe) {
            return Ok(Made::Current(agent));
        }
    }
    toolchain.add_target(target.triple)?;
    match link {
        Ok(link) => {
            let (agent, glibc) = build(target, toolchain, &link, store)?;
            Ok(Made::Built(agent, glibc))
        }
        Err(missing) if target.may_be_left() => {
            say(&format!("  checking {}", target.triple))?;
            cargo("check", target, None)?;
            Ok(Made::Checked { missing })
        }
        Err(missing) => Err(missing.into()),
    }
}

fn build(
    target: &Target,
    toolchain: &Toolchain,
    link: &Link,
    store: &mut Store,
) -> anyhow::Result<(BuiltAgent, Option<Glibc>)> {
    say(&format!("  building {}", target.triple))?;
    cargo("build", target, Some(link))?;
    let program = target_dir().join(target.triple).join("agent").join(target.program());
    let bytes = fs::read(&program).with_context(|| format!("cannot read {}", program.display()))?;
    anyhow::ensure!(
        contains(&bytes, BUILD_ID),
        "the sources changed while it was built: run `cargo xtask dist` again"
    );
    let is_static = is_static_elf(&bytes) == Some(true);
    anyhow::ensure!(
        is_static || !target.is_static(),
        "{} needs a dynamic linker, but is to be static",
        program.display()
    );
    let agent = BuiltAgent {
        target: target.triple.to_owned(),
        file: format!("{}/{}", target.triple, target.program()),
        build_id: BUILD_ID.to_owned(),
        sha256: Digest::of(&bytes),
        bytes: bytes.len() as u64,
        is_static,
        recipe: recipe(toolchain, link)?,
    };
    store.put(&bytes, agent.clone())?;
    Ok((agent, Glibc::needed_by(&bytes)))
}

/// What an agent's bytes depend on besides its sources: the compiler, its flags, and the profile.
fn recipe(toolchain: &Toolchain, link: &Link) -> anyhow::Result<Digest> {
    let profiles =
        fs::read_to_string(root().join("Cargo.toml")).context("cannot read the root Cargo.toml")?;
    Ok(Digest::of(format!("{}\0{}\0{profiles}", toolchain.version, link.flags.join(" ")).as_bytes()))
}

/// Runs cargo for the agent; its words are shown only if it fails.
fn cargo(task: &str, target: &Target, link: Option<&Link>) -> anyhow::Result<()> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut cargo = Command::new(&program);
    cargo.current_dir(root()).args([task, "--quiet", "--locked", "--package", "dyno-agent"]);
    cargo.args(["--profile", "agent", "--features", "engine-embedded"]);
    cargo.args(["--target", target.triple]).arg("--target-dir").arg(absolute(&target_dir())?);
    // Flags that somebody set for other programs would replace those of the target.
    for leaked in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER"]
    {
        cargo.env_remove(leaked);
    }
    let setting = |name: &str| {
        let triple = target.triple.to_uppercase().replace('-', "_");
        format!("CARGO_TARGET_{triple}_{name}")
    };
    if let Some(link) = link {
        cargo.env(setting("RUSTFLAGS"), link.flags.join(" "));
        if let Some(linker) = &link.linker {
            cargo.env(setting("LINKER"), linker);
        }
    }
    let output = cargo.output().with_context(|| format!("cannot start {}", program.display()))?;
    let words = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "cargo {task} ended with {}:\n{}", output.status, tail(&words));
    Ok(())
}

fn absolute(path: &Path) -> anyhow::Result<std::path::PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot use the folder {}", path.display()))
}

fn tail(words: &str) -> String {
    let lines: Vec<&str> = words.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_many_words_is_shown() {
        let words = (0..50).map(|i| i.to_string()).collect::<Vec<_>>().join("\n");
        let tail = tail(&words);
        assert!(tail.starts_with("10\n11\n") && tail.ends_with("\n49"));
        assert_eq!(super::tail("one"), "one");
    }
}

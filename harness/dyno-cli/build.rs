//! Builds the agent for this machine and makes it part of the command.
//!
//! One `cargo run` is to be enough on a fresh machine, and an installed `edgedyno` is to be one file: so the
//! agent is built here, with a profile of its own and for the CPU at hand, and embedded. Agents for other
//! machines come from `cargo xtask dist`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = manifest.ancestors().nth(2).ok_or("dyno-cli lies two folders below the root")?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let agent = if linting() { empty_agent(&out)? } else { build_agent(root, &out)? };
    println!("cargo::rustc-env=EDGEDYNO_AGENT_FILE={}", agent.display());
    println!("cargo::rustc-env=EDGEDYNO_TARGET={}", env::var("TARGET")?);
    Ok(())
}

/// Whether clippy is looking: it needs the code, not the agent.
fn linting() -> bool {
    println!("cargo::rerun-if-env-changed=RUSTC_WORKSPACE_WRAPPER");
    env::var("RUSTC_WORKSPACE_WRAPPER").is_ok_and(|wrapper| wrapper.contains("clippy"))
}

fn empty_agent(out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let file = out.join("no-agent");
    fs::write(&file, [])?;
    Ok(file)
}

/// Runs cargo for the agent. Its profile has a folder and a lock of its own, so the outer cargo is not in the way.
fn build_agent(root: &Path, out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    for place in ["agents", "Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", root.join(place).display());
    }
    let target_dir = out.ancestors().nth(4).ok_or("OUT_DIR lies four folders below the target folder")?;
    let host = env::var("HOST")? == env::var("TARGET")?;
    let target_dir = if host { target_dir } else { target_dir.parent().unwrap_or(target_dir) };
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo.current_dir(root).args(["build", "--locked", "--package", "dyno-agent", "--profile", "agent"]);
    cargo.arg("--target-dir").arg(target_dir);
    for leaked in ["RUSTC_WORKSPACE_WRAPPER", "CARGO_ENCODED_RUSTFLAGS"] {
        cargo.env_remove(leaked);
    }
    let status = cargo.status()?;
    if !status.success() {
        return Err(format!("building the agent failed ({status}); its messages are above").into());
    }
    Ok(target_dir.join("agent").join("edgedyno-agent"))
}

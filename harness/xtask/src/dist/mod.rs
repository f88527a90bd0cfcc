//! Builds the agent for every kind of device, and lists what was built, so that `edgedyno` finds the one that fits.
//!
//! One target after the other; what is current is left alone, and what cannot be built here is named with the command
//! that installs what is missing, while the rest is still built.

mod build;
mod program;
mod store;
mod target;
mod toolchain;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;

use build::{Made, make};
use store::Store;
use target::{TARGETS, Target};
use toolchain::Toolchain;

/// What `cargo xtask dist` was asked for.
#[derive(Debug)]
struct Asked {
    targets: Vec<&'static Target>,
    /// Whether the targets were named: then each must be built, not only checked.
    are_named: bool,
    out: PathBuf,
}

/// Builds all targets, or those named in `args`.
///
/// # Errors
/// When one that was asked for could not be built; each was named as it failed.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        return crate::print(&usage());
    }
    let asked = parse(args, &target_dir().join("agents"))?;
    let toolchain = Toolchain::find()?;
    let mut store = Store::open(&asked.out)?;
    let mut unbuilt = Vec::new();
    for target in &asked.targets {
        let begun = Instant::now();
        let made = make(target, &toolchain, &mut store);
        say(&line(target, &made, begun.elapsed().as_secs_f64()))?;
        match made {
            Ok(Made::Checked { .. }) if asked.are_named => unbuilt.push(target.triple),
            Ok(_) => {}
            Err(_) => unbuilt.push(target.triple),
        }
    }
    say(&format!("{}", store.manifest_path().display()))?;
    anyhow::ensure!(unbuilt.is_empty(), "not built: {}", unbuilt.join(", "));
    Ok(())
}

fn parse(args: &[String], out: &Path) -> anyhow::Result<Asked> {
    let mut asked = Asked { targets: Vec::new(), are_named: false, out: out.to_owned() };
    let mut words = args.iter();
    while let Some(word) = words.next() {
        if word == "--out" {
            asked.out = PathBuf::from(words.next().context("--out needs a folder")?);
        } else {
            let target = TARGETS.iter().find(|target| target.triple == word);
            let target = target.with_context(|| format!("unknown target `{word}`\n{}", usage()))?;
            if !asked.targets.iter().any(|other| other.triple == target.triple) {
                asked.targets.push(target);
            }
        }
    }
    asked.are_named = !asked.targets.is_empty();
    if !asked.are_named {
        asked.targets = TARGETS.iter().filter(|target| target.is_usual).collect();
    }
    Ok(asked)
}

fn usage() -> String {
    let mut text = "cargo xtask dist [TARGET...] [--out DIR]\n\
         Builds the agent for the targets named, or for all that are not marked with *; DIR is target/agents.\n"
        .to_owned();
    for target in TARGETS {
        let mark = if target.is_usual { ' ' } else { '*' };
        writeln!(text, " {mark}{:30} {}", target.triple, target.devices)
            .expect("writing to a String cannot fail");
    }
    text
}

/// Cargo's target folder of this project.
fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => root().join("target"),
    }
}

/// The top folder of the project.
fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).expect("xtask lies two folders below the root")
}

/// One target's line.
fn line(target: &Target, made: &anyhow::Result<Made>, took_s: f64) -> String {
    let triple = target.triple;
    match made {
        Ok(Made::Current(agent)) => format!("   current {triple}: {} bytes", agent.bytes),
        Ok(Made::Built(agent, glibc)) => {
            let kind = if agent.is_static { "static" } else { "dynamic" };
            let needs = glibc.map(|glibc| format!(", needs glibc {glibc}")).unwrap_or_default();
            format!("     built {triple}: {} bytes, {kind}{needs}, in {took_s:.0} s", agent.bytes)
        }
        Ok(Made::Checked { missing }) => {
            format!("   checked {triple}: it compiles; not linked, for {missing}{}", target.instead)
        }
        Err(error) => format!("    FAILED {triple}: {error:#}"),
    }
}

/// Progress goes to stderr: stdout is data.
fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stderr(), "{line}")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn no_target_means_the_usual_ones_and_none_of_them_is_named() {
        let asked = parse(&words("--out d"), Path::new("o")).expect("good words");
        assert_eq!(asked.out, Path::new("d"));
        assert!(!asked.are_named);
        let triples: Vec<_> = asked.targets.iter().map(|target| target.triple).collect();
        for triple in ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "aarch64-apple-darwin"] {
            assert!(triples.contains(&triple), "{triple}");
        }
    }

    #[test]
    fn a_target_is_built_once_however_often_it_is_named() {
        let asked = parse(&words("x86_64-pc-windows-gnu x86_64-pc-windows-gnu"), Path::new("o"));
        let asked = asked.expect("good words");
        assert_eq!((asked.targets.len(), asked.are_named), (1, true));
        assert_eq!(asked.out, Path::new("o"));
    }

    #[test]
    fn wrong_words_are_named() {
        let error = |line: &str| parse(&words(line), Path::new("o")).expect_err("wrong words").to_string();
        assert!(error("aarch64").starts_with("unknown target `aarch64`\ncargo xtask dist"));
        assert_eq!(error("--out"), "--out needs a folder");
    }
}

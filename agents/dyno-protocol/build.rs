//! Gives the build its id: SHA-256 over every source that goes into an agent, and the lock file.
//!
//! Controller and agent talk only when their ids are equal, so the wire needs no compatibility.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use sha2::{Digest as _, Sha256};

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = manifest.ancestors().nth(2).ok_or("dyno-protocol lies two folders below the root")?;
    let mut files = vec![root.join("Cargo.lock")];
    for entry in fs::read_dir(root.join("agents"))? {
        let folder = entry?.path();
        for file in ["Cargo.toml", "build.rs"] {
            files.extend(Some(folder.join(file)).filter(|path| path.is_file()));
        }
        println!("cargo::rerun-if-changed={}", folder.join("src").display());
        collect(&folder.join("src"), &mut files)?;
    }
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    println!("cargo::rustc-env=EDGEDYNO_BUILD_ID={}", digest(root, files)?);
    Ok(())
}

/// Adds all files below `folder`; a folder that is not there has none.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Names and contents in the order of their names, so that two machines agree.
fn digest(root: &Path, files: Vec<PathBuf>) -> Result<String, Box<dyn Error>> {
    let mut named = Vec::with_capacity(files.len());
    for path in files {
        let name =
            path.strip_prefix(root)?.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
        named.push((name.collect::<Vec<_>>().join("/"), path));
    }
    named.sort();
    let mut hasher = Sha256::new();
    for (name, path) in named {
        let bytes = fs::read(path)?;
        hasher.update(format!("{name}\0{}\0", bytes.len()));
        hasher.update(&bytes);
    }
    let mut hex = String::with_capacity(64);
    for byte in hasher.finalize() {
        write!(hex, "{byte:02x}")?;
    }
    Ok(hex)
}

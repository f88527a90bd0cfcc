//! Lists the data room and the corpora, so that the binary carries what it ships with.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = here.ancestors().nth(2).expect("the crate lies two folders below the root");
    let mut names = vec!["devices.toml".to_owned()];
    for folder in ["harness/catalog", "prompts"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
        collect(root, Path::new(folder), &mut names);
    }
    names.sort();
    let mut code = String::from("pub(crate) const SHIPPED: &[(&str, &str)] = &[\n");
    for name in names {
        let path = root.join(&name);
        println!("cargo::rerun-if-changed={}", path.display());
        writeln!(code, "    ({name:?}, include_str!({:?})),", path.to_str().expect("a path in UTF-8"))
            .expect("writing to a String cannot fail");
    }
    code.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("shipped.rs");
    fs::write(out, code).expect("cargo's output folder can be written");
}

/// Adds the TOML and JSONL files below `folder`, as paths from the root with forward slashes.
fn collect(root: &Path, folder: &Path, names: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
    for entry in entries {
        let path = folder.join(entry.expect("a folder of the repository can be read").file_name());
        if root.join(&path).is_dir() {
            collect(root, &path, names);
        } else if path.extension().is_some_and(|ext| ext == "toml" || ext == "jsonl") {
            names.push(path.to_str().expect("a path in UTF-8").replace('\\', "/"));
        }
    }
}

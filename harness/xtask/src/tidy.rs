//! Checks of the tree itself: rooms, sizes, formatting, generated pages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).expect("xtask lies two folders below the root").to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn table(path: &Path) -> toml::Table {
    read(path).parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below the three wings whose name ends so.
fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["agents", "harness", "reports"].iter().map(|wing| root().join(wing)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the project can be listed") {
            let path = entry.expect("a folder of the project can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn manifests() -> BTreeMap<String, toml::Table> {
    let named = |path: PathBuf| {
        let manifest = table(&path);
        (manifest["package"]["name"].as_str().expect("a package has a name").to_owned(), manifest)
    };
    files("Cargo.toml").into_iter().map(named).collect()
}

fn dependencies(manifest: &toml::Table, section: &str) -> BTreeSet<String> {
    let of = |table: &toml::Table| table.keys().cloned().collect::<BTreeSet<_>>();
    let mut all = manifest.get(section).and_then(toml::Value::as_table).map(of).unwrap_or_default();
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    for (_, target) in targets {
        all.extend(target.get(section).and_then(toml::Value::as_table).map(of).unwrap_or_default());
    }
    all
}

fn strings(value: &toml::Value) -> BTreeSet<String> {
    let words = value.as_array().expect("a list").iter();
    words.map(|word| word.as_str().expect("a name").to_owned()).collect()
}

#[test]
fn crates_know_only_their_rooms() {
    let rooms = table(&root().join("harness/xtask/rooms.toml"));
    let knows = rooms["knows"].as_table().expect("a table of rooms");
    let mut wrong = Vec::new();
    for (name, manifest) in manifests() {
        let allowed = strings(knows.get(&name).unwrap_or_else(|| panic!("rooms.toml does not name {name}")));
        let used = dependencies(&manifest, "dependencies");
        for other in used.iter().filter(|other| knows.contains_key(*other) && !allowed.contains(*other)) {
            wrong.push(format!("{name} must not know {other}"));
        }
        for (crate_name, may) in rooms["only"].as_table().expect("a table of crates") {
            if used.contains(crate_name) && !strings(may).contains(&name) {
                wrong.push(format!("{name} must not depend on {crate_name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn source_files_begin_with_their_purpose_and_stay_readable() {
    let mut wrong = Vec::new();
    for path in files(".rs") {
        let text = read(&path);
        let lines = text.lines().count();
        if lines > 800 {
            wrong.push(format!("{}: {lines} lines, more than 800", path.display()));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{}: no module doc on top", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn source_is_formatted() {
    let output = Command::new(env!("CARGO")).args(["fmt", "--all", "--check"]).current_dir(root()).output();
    let output = output.expect("cargo fmt can be started: `rustup component add rustfmt`");
    assert!(output.status.success(), "run `cargo fmt`:\n{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn metrics_page_is_current() {
    let page = crate::docgen::metrics_page();
    let path = root().join("docs/metrics.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &page).expect("docs can be written");
    }
    assert!(read(&path) == page, "docs/metrics.md is old: run `UPDATE_GOLDEN=1 cargo test -p xtask`");
}

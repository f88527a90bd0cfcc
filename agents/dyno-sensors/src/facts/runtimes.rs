//! LLM runtimes and the libraries that give them a GPU, by their files. Nothing is started.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use dyno_model::device::RuntimeFound;

use crate::facts::clean;
use crate::root::SysRoot;

/// Programs, and the Python package that has their version, where one does.
const PROGRAMS: &[(&str, Option<&str>)] = &[
    ("llama-server", None),
    ("llama-cli", None),
    ("llama-bench", None),
    ("llamafile", None),
    ("ollama", None),
    ("litert-lm", Some("litert_lm")),
    ("litert_lm_main", None),
    ("mlx_lm", Some("mlx_lm")),
    ("mlx_lm.server", Some("mlx_lm")),
    ("mlc_llm", Some("mlc_llm")),
    ("vllm", Some("vllm")),
    ("genie-t2t-run", None),
];
/// Where people and packages put them, beside `PATH`: a login without a terminal has a short one.
const FOLDERS: &[&str] = &[
    "usr/local/bin",
    "usr/bin",
    "snap/bin",
    "opt/homebrew/bin",
    "opt/llama.cpp",
    "opt/llama.cpp/bin",
    "opt/llama.cpp/build/bin",
    "data/local/tmp",
    "data/local/tmp/llama.cpp",
];
/// The same below the user's home.
const HOME_FOLDERS: &[&str] = &[".local/bin", "bin", "llama.cpp", "llama.cpp/build/bin"];
/// Libraries, and what they are for.
const LIBRARIES: &[(&str, &str)] =
    &[("libvulkan.so", "vulkan"), ("libOpenCL.so", "opencl"), ("libcuda.so", "cuda")];
/// Where libraries lie.
const LIBRARY_FOLDERS: &[&str] = &[
    "usr/lib",
    "usr/lib64",
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "usr/lib/aarch64-linux-gnu/nvidia",
    "usr/lib/aarch64-linux-gnu/tegra",
    "usr/lib/arm-linux-gnueabihf",
    "usr/local/cuda/lib64",
    "system/lib64",
    "vendor/lib64",
];
/// More folders than this of `PATH` are not looked into (house rule).
const MAX_FOLDERS: usize = 64;
/// More than this are not listed (house rule).
const MAX_LISTED: usize = 32;

/// All that is found, each file once.
pub(crate) fn runtimes(root: &SysRoot) -> Vec<RuntimeFound> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for folder in folders(root) {
        for (name, package) in PROGRAMS {
            let path = folder.join(name);
            // One file may have several names: only the first counts.
            if is_program(&path) && path.canonicalize().is_ok_and(|file| seen.insert(file)) {
                let version = package.and_then(|package| version(&folder, package));
                found.push(RuntimeFound { name: (*name).to_owned(), path: shown(root, &path), version });
            }
        }
    }
    for (file, name) in LIBRARIES {
        found.extend(library(root, file, name));
    }
    found.truncate(MAX_LISTED);
    found
}

/// The folders of `PATH`, the home folder's and the usual ones, each once.
fn folders(root: &SysRoot) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    if root.is_real() {
        let path: OsString = std::env::var_os("PATH").unwrap_or_default();
        found.extend(std::env::split_paths(&path).filter(|folder| folder.is_absolute()).take(MAX_FOLDERS));
        let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        found.extend(home.iter().flat_map(|home| HOME_FOLDERS.iter().map(|folder| home.join(folder))));
    }
    // Best effort: a folder that is not there holds no program.
    found.extend(FOLDERS.iter().filter_map(|folder| root.path(folder).ok()));
    let mut seen = BTreeSet::new();
    found.retain(|folder| seen.insert(folder.clone()));
    found
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// As the device's own path.
fn shown(root: &SysRoot, path: &Path) -> String {
    let top = root.path("").unwrap_or_default();
    let inside = path.strip_prefix(&top).unwrap_or(path);
    clean(&Path::new("/").join(inside).to_string_lossy()).unwrap_or_default()
}

/// The version of a Python package beside the folder of its program: the name of its `dist-info`.
fn version(folder: &Path, package: &str) -> Option<String> {
    let library = folder.parent()?.join("lib");
    let pythons = names(&library).into_iter().filter(|name| name.starts_with("python3"));
    let places = pythons
        .flat_map(|python| ["site-packages", "dist-packages"].map(|kind| library.join(&python).join(kind)));
    let of = |name: String| {
        let rest = name.strip_prefix(package)?.strip_prefix('-')?.strip_suffix(".dist-info")?.to_owned();
        clean(&rest)
    };
    places.into_iter().find_map(|place| names(&place).into_iter().find_map(of))
}

/// Up to 10,000 names of a folder, in any order.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.take(10_000).flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn library(root: &SysRoot, file: &str, name: &str) -> Option<RuntimeFound> {
    let numbered = format!("{file}.1");
    let candidates =
        LIBRARY_FOLDERS.iter().flat_map(|folder| [file, &numbered].map(|file| format!("{folder}/{file}")));
    let path = candidates.filter_map(|path| root.path(&path).ok()).find(|path| path.is_file())?;
    Some(RuntimeFound { name: name.to_owned(), path: shown(root, &path), version: None })
}

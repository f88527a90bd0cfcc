//! What is installed here: compiler, targets, linkers.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::target::{Linking, Target};

/// Oldest Android that an agent of the NDK runs on: 7.0, the oldest that its current release can aim at with 64-bit
/// file offsets throughout (house rule).
const ANDROID_API: u32 = 24;

/// The Rust toolchain in use.
#[derive(Debug)]
pub(crate) struct Toolchain {
    /// `rustc -vV`.
    pub(crate) version: String,
    host: String,
    sysroot: PathBuf,
}

/// How a target is linked here.
#[derive(Debug)]
pub(crate) struct Link {
    /// The linker; `None` is the compiler's own choice.
    pub(crate) linker: Option<PathBuf>,
    /// Words for the compiler.
    pub(crate) flags: &'static [&'static str],
}

/// A piece that is not installed, and the command that installs it.
#[derive(Debug)]
pub(crate) struct Missing {
    what: String,
    command: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is missing: {}", self.what, self.command)
    }
}

impl std::error::Error for Missing {}

impl Toolchain {
    /// Asks the compiler.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let version = rustc(&["-vV"])?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.context("rustc -vV names no host")?.to_owned();
        let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?.trim_end());
        Ok(Self { version, host, sysroot })
    }

    /// Makes sure that the target's standard library is there, with rustup's help if need be.
    ///
    /// # Errors
    /// [`Missing`], when it is not and cannot be got.
    pub(crate) fn add_target(&self, triple: &str) -> anyhow::Result<()> {
        let is_there = || self.sysroot.join("lib/rustlib").join(triple).join("lib").is_dir();
        if is_there() {
            return Ok(());
        }
        let tried = Command::new("rustup").args(["target", "add", triple]).output();
        if is_there() {
            return Ok(());
        }
        let missing = Missing {
            what: format!("Rust's standard library for {triple}"),
            command: format!("rustup target add {triple}"),
        };
        match tried {
            Ok(output) => {
                let words = String::from_utf8_lossy(&output.stderr);
                let error =
                    words.lines().find(|line| line.starts_with("error")).unwrap_or("error: it failed");
                Err(anyhow::Error::new(missing).context(format!("rustup was tried: {error}")))
            }
            Err(_) => Err(anyhow::Error::new(missing).context("rustup cannot be started")),
        }
    }

    /// How `target` is linked here.
    ///
    /// # Errors
    /// [`Missing`].
    pub(crate) fn link(&self, target: &Target) -> Result<Link, Missing> {
        match target.linking {
            Linking::RustLld => Ok(Link {
                linker: Some(self.lld()?),
                flags: &[
                    "-Clinker-flavor=ld.lld",
                    "-Clink-self-contained=yes",
                    "-Ctarget-feature=+crt-static",
                ],
            }),
            Linking::Gcc { program, package, is_static } => match on_path(program) {
                Some(linker) => {
                    let flags: &[&str] = if is_static { &["-Ctarget-feature=+crt-static"] } else { &[] };
                    Ok(Link { linker: Some(linker), flags })
                }
                None => Err(Missing {
                    what: program.to_owned(),
                    command: format!("apt-get install --no-install-recommends {package}"),
                }),
            },
            Linking::Ndk => ndk_clang(std::env::var_os("ANDROID_NDK_HOME"))
                .map(|linker| Link { linker: Some(linker), flags: &[] }),
            Linking::Apple if self.host.ends_with("-apple-darwin") => Ok(Link { linker: None, flags: &[] }),
            Linking::Apple => {
                Err(Missing { what: "the linker of a Mac".to_owned(), command: "run this on one".to_owned() })
            }
        }
    }

    /// The LLVM linker that comes with Rust, else the system's.
    fn lld(&self) -> Result<PathBuf, Missing> {
        let own = self.sysroot.join("lib/rustlib").join(&self.host).join("bin/rust-lld");
        let found = Some(own).filter(|path| path.is_file()).or_else(|| on_path("ld.lld"));
        found.ok_or_else(|| Missing {
            what: "the linker rust-lld, or ld.lld,".to_owned(),
            command: "apt-get install --no-install-recommends lld".to_owned(),
        })
    }
}

fn rustc(args: &[&str]) -> anyhow::Result<String> {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let output = Command::new(&program).args(args).output();
    let output = output.with_context(|| format!("cannot start {}", program.display()))?;
    anyhow::ensure!(output.status.success(), "rustc {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// A program of that name in the folders of `PATH`.
fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The clang for 64-bit Arm in an NDK, for [`ANDROID_API`] or the next newer Android that it has.
fn ndk_clang(home: Option<OsString>) -> Result<PathBuf, Missing> {
    let missing = |what: String| Missing {
        what,
        command: "unpack Android's NDK and set ANDROID_NDK_HOME to its folder".to_owned(),
    };
    let home = home.filter(|home| !home.is_empty()).ok_or_else(|| missing("an NDK".to_owned()))?;
    let prebuilt = Path::new(&home).join("toolchains/llvm/prebuilt");
    let hosts = std::fs::read_dir(&prebuilt).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = hosts
        .filter_map(|host| std::fs::read_dir(host.path().join("bin")).ok())
        .flatten()
        .flatten()
        .filter_map(|file| Some((android_api(file.file_name().to_str()?)?, file.path())))
        .filter(|(api, _)| *api >= ANDROID_API)
        .collect();
    found.sort();
    let first = found.into_iter().next();
    first.map(|(_, clang)| clang).ok_or_else(|| missing(format!("a clang below {}", prebuilt.display())))
}

/// The Android that a clang of the NDK is for: `aarch64-linux-android24-clang`.
fn android_api(file: &str) -> Option<u32> {
    file.strip_prefix("aarch64-linux-android")?.strip_suffix("-clang")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clang_of_the_ndk_is_known_by_its_name() {
        let check = |file: &str, expected| assert_eq!(android_api(file), expected, "{file}");
        check("aarch64-linux-android24-clang", Some(24));
        check("aarch64-linux-android35-clang", Some(35));
        check("aarch64-linux-android24-clang++", None);
        check("aarch64-linux-android-clang", None);
        check("armv7a-linux-androideabi24-clang", None);
    }

    #[test]
    fn the_oldest_android_that_is_aimed_at_is_taken() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let home = folder.path().to_owned();
        let bin = home.join("toolchains/llvm/prebuilt/linux-x86_64/bin");
        std::fs::create_dir_all(&bin).expect("a folder for temporary files");
        for api in [21, 35, 26, 30] {
            std::fs::write(bin.join(format!("aarch64-linux-android{api}-clang")), "")
                .expect("our own folder");
        }
        let clang = ndk_clang(Some(home.clone().into()));
        assert_eq!(clang.expect("26 is there"), bin.join("aarch64-linux-android26-clang"));
        drop(folder);
        let missing = ndk_clang(Some(home.into())).expect_err("it is gone").to_string();
        assert!(
            missing.ends_with("unpack Android's NDK and set ANDROID_NDK_HOME to its folder"),
            "{missing}"
        );
        assert!(ndk_clang(None).expect_err("not set").to_string().starts_with("an NDK is missing"));
    }

    #[test]
    fn the_toolchain_of_this_very_build_is_found() {
        let toolchain = Toolchain::find().expect("it compiled this test");
        assert!(toolchain.version.starts_with("rustc "));
        assert!(toolchain.sysroot.join("lib/rustlib").join(&toolchain.host).is_dir());
        toolchain.add_target(&toolchain.host).expect("its own target is there");
    }
}

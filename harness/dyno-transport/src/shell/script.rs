//! The lines that a device's shell is asked to run, and what it says to them.
//!
//! Only what the shells of Debian, Busybox and Android's toybox have in common is used; a tool that may be missing
//! (`stat`, `getconf`, `flock`) is looked for first.

use std::collections::BTreeMap;
use std::io;

use crate::command::quote;
use crate::path::RemotePath;
use crate::shell::after::MARK;
use crate::shell::push::Mode;
use crate::transport::Platform;

/// Exit code: a folder cannot be made or entered.
pub(crate) const NO_FOLDER: i32 = 11;
/// Exit code: `~/` was asked for and there is no home folder.
pub(super) const NO_HOME: i32 = 14;
/// Exit code: an agent works in the folder.
pub(super) const BUSY: i32 = 13;
/// Exit code: an upload is not as long as it should be.
pub(super) const SHORT: i32 = 15;
/// What the test program exits with: it ran.
pub(super) const RAN: u64 = 7;

/// Everything that edgedyno puts into its folder; `clean` removes these and nothing else.
pub(crate) const OURS: [&str; 6] =
    ["artifacts", "spool", "agent.lock", "lease.json", "released.json", "restore.json"];

/// A script as one line that any login shell passes on, with a mark in front of its output.
pub(crate) fn line(script: &str) -> String {
    let script = format!("printf '\\n%s\\n' {MARK}; LC_ALL=C; export LC_ALL; {script}");
    format!("exec sh -c {}", quote(&script))
}

/// Prints what decides which agent fits.
pub(super) const PLATFORM: &str = "o=$(uname -s); \
    a=$(getprop ro.product.cpu.abilist 2>/dev/null || true); \
    [ -n \"$(getprop ro.build.version.sdk 2>/dev/null)\" ] && o=Android; \
    echo \"os=$o\"; echo \"machine=$(uname -m)\"; echo \"abis=$a\"; \
    echo \"bits=$(getconf LONG_BIT 2>/dev/null)\"; \
    if [ -e /proc/driver/nvidia/version ] || \
    PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -q 'libnvidia-ml\\.so\\.1'; then \
    echo nvidia=1; echo \"glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null)\"; fi";

/// Sets `d` to the work folder; `~/` is the home folder.
fn folder(asked: &str) -> String {
    match asked.strip_prefix("~/") {
        Some(inside) => {
            format!("[ -n \"$HOME\" ] || exit {NO_HOME}; d=\"$HOME\"/{}; ", quote(inside))
        }
        None => format!("d={}; ", quote(asked)),
    }
}

/// Makes the work folder, writes and runs a program in it, and says what the device is.
pub(super) fn prepare(asked: &str) -> String {
    let folder = folder(asked);
    format!(
        "{folder}mkdir -p \"$d\" || exit {NO_FOLDER}; cd \"$d\" || exit {NO_FOLDER}; \
         t=.writable-$$; {{ echo 'exit {RAN}' > $t; }} || exit 12; chmod 700 $t; ./$t 2>/dev/null; x=$?; \
         rm -f $t || exit 12; echo \"dir=$(pwd)\"; echo \"exec=$x\"; {PLATFORM}"
    )
}

/// Prints the size of a file under `name`, or nothing.
fn print_size(name: &str, path: &str) -> String {
    let path = quote(path);
    format!(
        "if [ -f {path} ]; then b=$(stat -c %s {path} 2>/dev/null || wc -c < {path}); echo \"{name}=$b\"; fi; "
    )
}

/// Prints the size of a file.
pub(super) fn size(remote: &RemotePath) -> String {
    print_size("bytes", remote.as_str()) + ":"
}

/// Makes the folder of a file, and prints sizes and room there.
pub(super) fn look(remote: &RemotePath, part: &RemotePath) -> String {
    let folder = quote(remote.parent().as_str()).clone();
    format!(
        "mkdir -p {folder} || exit {NO_FOLDER}; {}{}\
         f=$(df -Pk {folder} 2>/dev/null || df -k {folder} 2>/dev/null); f=${{f##*\n}}; set -- $f; \
         echo \"free_kib=$4\"",
        print_size("bytes", remote.as_str()),
        print_size("part_bytes", part.as_str()),
    )
}

/// Checks an upload's length and gives it its name.
pub(super) fn place(remote: &RemotePath, part: &RemotePath, bytes: u64, mode: Mode) -> String {
    let (to, from) = (quote(remote.as_str()), quote(part.as_str()));
    let mode = if mode == Mode::Program { "755" } else { "644" };
    format!(
        "b=0; {}if [ \"$b\" != {bytes} ]; then rm -f {from}; exit {SHORT}; fi; \
         chmod {mode} {from} && mv -f {from} {to}",
        print_size("bytes", part.as_str()),
    )
}

/// Removes what is ours from the work folder, and the folder itself if nothing else is in it.
pub(super) fn clean(asked: &str) -> String {
    let ours = OURS.join(" ");
    let folder = folder(asked);
    format!(
        "{folder}[ -d \"$d\" ] || {{ echo freed_kib=0; exit 0; }}; cd \"$d\" || exit {NO_FOLDER}; \
         if [ -e agent.lock ] && command -v flock >/dev/null 2>&1; then flock -n agent.lock true || exit {BUSY}; fi; \
         n=0; for o in {ours}; do if [ -e $o ]; then s=$(du -sk $o); set -- $s; n=$((n + $1)); fi; done; \
         rm -rf {ours} .writable-* || exit 12; cd /; rmdir \"$d\" 2>/dev/null; echo \"freed_kib=$n\""
    )
}

/// The kind of an error, from the words of a POSIX tool in the C locale.
pub(crate) fn kind_of(words: &str) -> io::ErrorKind {
    let kinds = [
        ("Permission denied", io::ErrorKind::PermissionDenied),
        ("Operation not permitted", io::ErrorKind::PermissionDenied),
        ("Read-only file system", io::ErrorKind::ReadOnlyFilesystem),
        ("No space left", io::ErrorKind::StorageFull),
        ("quota exceeded", io::ErrorKind::QuotaExceeded),
        ("No such file", io::ErrorKind::NotFound),
        ("Not a directory", io::ErrorKind::NotADirectory),
    ];
    let found = kinds.iter().find(|(text, _)| words.to_lowercase().contains(&text.to_lowercase()));
    found.map_or(io::ErrorKind::Other, |(_, kind)| *kind)
}

/// The `name=value` lines that a script printed.
pub(super) struct Said(BTreeMap<String, String>);

impl Said {
    /// Reads them; anything else is passed over, and control characters are taken out.
    pub(super) fn read(stdout: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stdout);
        let clean = |value: &str| value.chars().filter(|c| !c.is_control()).take(4096).collect::<String>();
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Self(pairs.map(|(name, value)| (name.to_owned(), clean(value.trim()))).collect())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    pub(super) fn platform(&self) -> Platform {
        let abis = self.text("abis").unwrap_or_default();
        Platform {
            os: self.text("os").unwrap_or_default().to_owned(),
            machine: self.text("machine").unwrap_or_default().to_owned(),
            abis: abis.split(',').filter(|abi| !abi.is_empty()).map(str::to_owned).collect(),
            bits: self.number("bits").and_then(|bits| u32::try_from(bits).ok()),
            glibc: self.text("glibc").map(str::to_owned),
            has_nvidia: self.number("nvidia") == Some(1),
        }
    }
}

//! The hosts that a user's ssh configuration names, as candidates for devices. Nothing is reached.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::ssh::pattern;

/// More files than this are not read: OpenSSH itself includes to a depth of 16.
const MAX_FILES: usize = 256;
/// The most that is read of one file.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// More hosts than this are not listed.
const MAX_HOSTS: usize = 1024;
/// The longest name of a host (RFC 1035).
const MAX_NAME_CHARS: usize = 255;

/// Names on `Host` lines that are no patterns, sorted, in the user's configuration and all files that it includes;
/// `config_file` is read instead of `~/.ssh/config`.
///
/// Best effort: a file that cannot be read names no host.
pub fn aliases(config_file: Option<&Path>) -> Vec<String> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let first = config_file.map_or_else(|| home.join(".ssh/config"), Path::to_owned);
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut waiting = vec![first];
    while let Some(path) = waiting.pop() {
        if seen.len() >= MAX_FILES || !seen.insert(path.clone()) {
            continue;
        }
        for (keyword, values) in lines(&text(&path)) {
            match keyword.as_str() {
                "host" => found.extend(values.into_iter().filter(|name| is_plain(name))),
                "include" => waiting.extend(values.iter().flat_map(|pattern| files(pattern, &home))),
                _ => {}
            }
        }
    }
    found.into_iter().take(MAX_HOSTS).collect()
}

/// All of a plain file, up to the limit.
fn text(path: &Path) -> String {
    let mut bytes = Vec::new();
    // A pipe or a device would be waited for.
    if path.is_file()
        && let Ok(file) = File::open(path)
    {
        // Best effort: what came before an error counts.
        file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).ok();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Keyword in lower case, and values, of each line (ssh_config(5)).
fn lines(text: &str) -> impl Iterator<Item = (String, Vec<String>)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let (keyword, rest) = line.split_once([' ', '\t', '='])?;
        Some((keyword.to_lowercase(), words(rest.trim_start_matches([' ', '\t', '=']))))
    })
}

/// Words, of which some are in double quotes; a word that begins with `#` ends the line.
fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once([' ', '\t']).unwrap_or((rest, "")),
        };
        found.push(word.to_owned());
        rest = after.trim_start();
    }
    found
}

/// Whether it names one host, in words that can stand in devices.toml.
fn is_plain(name: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "*?!".contains(c);
    !name.is_empty() && !name.starts_with('-') && name.len() <= MAX_NAME_CHARS && !name.chars().any(odd)
}

/// The files that an `Include` means: relative to `~/.ssh`, with patterns in the last part.
fn files(include: &str, home: &Path) -> Vec<PathBuf> {
    let path = match include.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None => home.join(".ssh").join(include),
    };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if !name.contains(['*', '?']) {
        return vec![path];
    }
    let Some(Ok(entries)) = path.parent().map(std::fs::read_dir) else { return Vec::new() };
    let entries = entries.flatten().take(MAX_FILES).map(|entry| entry.path());
    let fits = |path: &PathBuf| {
        path.file_name().is_some_and(|found| {
            let found = found.to_string_lossy();
            !found.starts_with('.') && pattern::list_matches([name.as_str()], &found)
        })
    };
    entries.filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let here = dir.path().display().to_string();
        fs::create_dir(dir.path().join("d")).expect("a fresh folder");
        fs::write(dir.path().join("d/10-lab"), "Host lab-1 lab-2\n").expect("a fresh file");
        fs::write(dir.path().join("d/.hidden"), "Host hidden\n").expect("a fresh file");
        let config = dir.path().join("config");
        fs::write(&config, text.replace("HERE", &here)).expect("a fresh file");
        assert_eq!(aliases(Some(&config)), expected, "{text}");
    }

    #[test]
    fn hosts_are_named_without_patterns() {
        check(
            "Host pi5-a\n  User pi\nhost=pi5-b \"pi5 c\"\nHOST\tpi5-d # mine\n",
            &["pi5-a", "pi5-b", "pi5-d"],
        );
        check("Host * !bad web-? -x\nMatch host y\n#Host z\nHostName q\nHost\n", &[]);
        check("Host a a\nHost a\n", &["a"]);
    }

    #[test]
    fn included_files_are_read_once_and_circles_end() {
        check("Include HERE/d/*\nHost own\n", &["lab-1", "lab-2", "own"]);
        check("Include HERE/config HERE/d/10-lab HERE/not-there HERE/nowhere/*\n", &["lab-1", "lab-2"]);
        check("Host x\n  Include \"HERE/d/10-*\"\n", &["lab-1", "lab-2", "x"]);
    }

    #[test]
    fn what_is_no_configuration_names_no_host() {
        check("\u{0}\u{1}\u{2}", &[]);
        check(&format!("Host {}\n", "x".repeat(300)), &[]);
        check(&"Host a\n".repeat(100_000), &["a"]);
        assert!(aliases(Some(Path::new("/dev/zero"))).is_empty());
    }
}

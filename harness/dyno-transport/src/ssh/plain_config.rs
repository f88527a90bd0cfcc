//! The user's ssh configuration, read without OpenSSH.
//!
//! Only for machines that have no `ssh` program: `Host` with its patterns, and the plain keywords below. The crate
//! that reads more of it gets `Match` wrong, and a wrong host is worse than none: a file that needs more than this
//! for the host asked for is an error that says which line.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::ssh::pattern;

/// Keywords that are taken as they are.
const TAKEN: [&str; 14] = [
    "hostname",
    "user",
    "port",
    "identityfile",
    "identitiesonly",
    "identityagent",
    "certificatefile",
    "userknownhostsfile",
    "stricthostkeychecking",
    "hostkeyalias",
    "hashknownhosts",
    "connecttimeout",
    "proxycommand",
    "proxyjump",
];
/// Keywords of which every value counts; of the others the first.
const SEVERAL: [&str; 2] = ["identityfile", "certificatefile"];
/// OpenSSH's own names for keys, in its order.
const KEYS: [&str; 3] = ["~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519"];

/// The lines that `ssh -G` would print for `host`; an error names the line that is beyond this reading.
pub(super) fn read(host: &str, file: Option<&Path>) -> Result<String, String> {
    let own = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".ssh/config");
    let path = file.map_or_else(own, Path::to_owned);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && file.is_none() => String::new(),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    let (user, name) = host.rsplit_once('@').map_or((None, host), |(user, name)| (Some(user), name));
    let mut lines = parse(name, &text).map_err(|line| format!("{}:{line}", path.display()))?;
    if let Some(user) = user {
        lines.insert(0, ("user".to_owned(), user.to_owned()));
    }
    Ok(print(name, &lines))
}

/// Keywords and values that hold for `host`; the first of several comes first.
fn parse(host: &str, text: &str) -> Result<Vec<(String, String)>, String> {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut is_ours = true;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (keyword, value) = line.split_once([' ', '\t', '=']).unwrap_or((line, ""));
        let value = value.trim_start_matches([' ', '\t', '=']).trim();
        let keyword = keyword.to_lowercase();
        match keyword.as_str() {
            "host" => is_ours = pattern::list_matches(value.split_whitespace(), host),
            "match" if value.eq_ignore_ascii_case("all") => is_ours = true,
            "match" => {
                return Err(format!("{number}: Match needs OpenSSH's client, which is not on this machine"));
            }
            "include" if is_ours => {
                return Err(format!(
                    "{number}: Include needs OpenSSH's client, which is not on this machine"
                ));
            }
            _ if is_ours && TAKEN.contains(&keyword.as_str()) => {
                let is_first = !lines.iter().any(|(known, _)| *known == keyword);
                if is_first || SEVERAL.contains(&keyword.as_str()) {
                    lines.push((keyword, value.trim_matches('"').replace("%h", host)));
                }
            }
            _ => {}
        }
    }
    Ok(lines)
}

fn print(host: &str, lines: &[(String, String)]) -> String {
    let mut text = String::new();
    for (keyword, value) in lines {
        let _ = writeln!(text, "{keyword} {value}");
    }
    let own_user = std::env::var("USER").or_else(|_unset| std::env::var("LOGNAME")).unwrap_or_default();
    let has = |keyword: &str| lines.iter().any(|(known, _)| known == keyword);
    if !has("identityfile") {
        text.push_str(&KEYS.map(|key| format!("identityfile {key}\n")).concat());
    }
    let _ = writeln!(text, "hostname {host}\nuserknownhostsfile ~/.ssh/known_hosts ~/.ssh/known_hosts2");
    let _ = writeln!(text, "globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2");
    if !own_user.is_empty() {
        let _ = writeln!(text, "user {own_user}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::config::{HostConfig, Unknown};

    const TEXT: &str = "# mine\nHost pi* !pi9\n  User = pi\n  Port 2222\n  IdentityFile \"~/a b/key\"\n\
        Host pi4\n\tHostName %h.local\n\tPort 23\n\tIdentityFile /k2\nHost *\n  StrictHostKeyChecking accept-new\n\
        Host far\n  Match user x\n";

    #[test]
    fn the_first_value_of_a_matching_host_counts() {
        let lines = parse("pi4", TEXT.split("Host far").next().expect("there is one")).expect("plain");
        let config = HostConfig::parse("pi4", &print("pi4", &lines)).expect("whole");
        assert_eq!((config.name.as_str(), config.user.as_str(), config.port), ("pi4.local", "pi", 2222));
        let home = std::env::var("HOME").unwrap_or_default();
        assert_eq!(config.identity_files, [PathBuf::from(format!("{home}/a b/key")), PathBuf::from("/k2")]);
        assert_eq!(config.unknown, Unknown::Accept);
        assert!(parse("pi9", "Host pi* !pi9\nPort 1\n").expect("plain").is_empty());
    }

    #[test]
    fn what_is_beyond_it_is_said_with_its_line() {
        let error = parse("far", TEXT).expect_err("it has a Match");
        assert_eq!(error, "13: Match needs OpenSSH's client, which is not on this machine");
        assert!(parse("x", "Include other\n").is_err());
    }
}

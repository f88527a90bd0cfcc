//! The files of known hosts: plain, hashed and patterned names, ports, revoked keys; as in sshd(8).

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use crate::ssh::pattern;

/// More than this is no file of known hosts.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// What the files say about a host's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Known,
    Unknown,
    /// The host has another key of the same kind there.
    Changed(Place),
    Revoked(Place),
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) line: usize,
}

/// The lines about one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KnownKeys(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    marker: Marker,
    /// Whether it is for this host; a revoked key is so for all.
    is_ours: bool,
    kind: String,
    /// In base64, as it stands there.
    key: String,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    None,
    Revoked,
    Authority,
}

/// The name of a host in these files: the port belongs to it unless it is 22.
pub(super) fn name_of(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

impl KnownKeys {
    /// Reads what `files` say about the host `name`; a file that is not there or not readable says nothing.
    pub(super) fn read<'a>(files: impl IntoIterator<Item = &'a PathBuf>, name: &str) -> Self {
        let mut entries = Vec::new();
        for file in files {
            let Ok(text) = text_of(file) else { continue };
            let lines = (1..).zip(text.lines());
            entries.extend(
                lines.filter_map(|(line, text)| entry(text, name, || Place { file: file.clone(), line })),
            );
        }
        Self(entries)
    }

    /// Judges a key by its kind (`ssh-ed25519`) and bytes.
    pub(super) fn judge(&self, kind: &str, key: &[u8]) -> Verdict {
        let key = STANDARD.encode(key);
        let same = |entry: &&Entry| entry.kind == kind && entry.key == key;
        let with = |marker| self.0.iter().filter(move |entry| entry.marker == marker);
        if let Some(entry) = with(Marker::Revoked).find(same) {
            return Verdict::Revoked(entry.place.clone());
        }
        let ours = || with(Marker::None).filter(|entry| entry.is_ours);
        if ours().any(|entry| same(&entry)) {
            return Verdict::Known;
        }
        match ours().find(|entry| entry.kind == kind) {
            Some(entry) => Verdict::Changed(entry.place.clone()),
            None => Verdict::Unknown,
        }
    }

    /// The kinds of key that are known of the host, in the order of the files.
    pub(super) fn kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<&str> = Vec::new();
        for entry in self.0.iter().filter(|entry| entry.is_ours && entry.marker == Marker::None) {
            if !kinds.contains(&entry.kind.as_str()) {
                kinds.push(&entry.kind);
            }
        }
        kinds
    }

    /// Whether the host is known by a certificate authority only.
    pub(super) fn needs_certificate(&self) -> bool {
        self.kinds().is_empty()
            && self.0.iter().any(|entry| entry.is_ours && entry.marker == Marker::Authority)
    }
}

fn text_of(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(file)?.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn entry(line: &str, name: &str, place: impl FnOnce() -> Place) -> Option<Entry> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut words = line.split_whitespace();
    let mut names = words.next()?;
    let marker = match names {
        "@revoked" => Marker::Revoked,
        "@cert-authority" => Marker::Authority,
        _ => Marker::None,
    };
    if marker != Marker::None {
        names = words.next()?;
    }
    let is_ours = if names.starts_with("|1|") {
        is_hash_of(names, name)
    } else {
        pattern::list_matches(names.split(','), name)
    };
    if !is_ours {
        return None;
    }
    let (kind, key) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Entry { marker, is_ours, kind, key, place: place() })
}

/// Whether `|1|SALT|HASH` stands for `name`.
fn is_hash_of(hashed: &str, name: &str) -> bool {
    let mut parts = hashed.split('|').skip(2);
    let (Some(salt), Some(hash)) = (parts.next(), parts.next()) else { return false };
    match (STANDARD.decode(salt), STANDARD.decode(hash)) {
        (Ok(salt), Ok(hash)) => hmac_sha1(&salt, name.as_bytes())[..] == hash[..],
        _ => false,
    }
}

/// HMAC with SHA-1 (RFC 2104), which OpenSSH uses for names in its files.
fn hmac_sha1(key: &[u8], text: &[u8]) -> [u8; 20] {
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        block[..20].copy_from_slice(&Sha1::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |byte: u8| block.map(|key| key ^ byte);
    let inner = Sha1::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha1::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

/// Adds a key to a file, which is made if it is not there.
pub(super) fn add(file: &Path, name: &str, is_hashed: bool, kind: &str, key: &[u8]) -> io::Result<()> {
    let name = if is_hashed { hashed(name)? } else { name.to_owned() };
    if let Some(folder) = file.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut to = fs::File::options().create(true).read(true).append(true).mode(0o600).open(file)?;
    let mut line = format!("{name} {kind} {}\n", STANDARD.encode(key));
    if !ends_with_newline(&mut to)? {
        line.insert(0, '\n');
    }
    to.write_all(line.as_bytes())
}

fn ends_with_newline(file: &mut fs::File) -> io::Result<bool> {
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok(last == *b"\n")
}

fn hashed(name: &str) -> io::Result<String> {
    let mut salt = [0_u8; 20];
    fs::File::open("/dev/urandom")?.read_exact(&mut salt)?;
    let hash = hmac_sha1(&salt, name.as_bytes());
    Ok(format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(hash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_that_of_rfc_2202() {
        let hex = |bytes: [u8; 20]| bytes.map(|byte| format!("{byte:02x}")).concat();
        // Test cases 1, 2 and 6 of RFC 2202.
        assert_eq!(hex(hmac_sha1(&[0x0b; 20], b"Hi There")), "b617318655057264e28bc0b6fb378c8ef146be00");
        let answer = hmac_sha1(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex(answer), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        let answer = hmac_sha1(&[0xaa; 80], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hex(answer), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    }

    fn known(text: &str, name: &str) -> KnownKeys {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(file.path(), text).expect("it can be written");
        KnownKeys::read([&file.path().to_owned(), &PathBuf::from("/nonexistent")], name)
    }

    /// `b"key"` and `b"old"` in base64.
    const TEXT: &str = "# comment\n\npi4,10.0.0.7 ssh-ed25519 a2V5 me@here\n[pi4]:2222 ssh-rsa a2V5\n\
        *.lab,!bad.lab ssh-ed25519 b2xk\n@revoked * ssh-rsa b2xk\n@cert-authority *.corp ssh-ed25519 a2V5\ntorn\n";

    #[test]
    fn a_key_is_judged_by_name_port_and_kind() {
        let check = |name: &str, kind: &str, key: &str, expected: &str| {
            let verdict = match known(TEXT, name).judge(kind, key.as_bytes()) {
                Verdict::Known => "known".to_owned(),
                Verdict::Unknown => "unknown".to_owned(),
                Verdict::Changed(place) => format!("changed {}", place.line),
                Verdict::Revoked(place) => format!("revoked {}", place.line),
            };
            assert_eq!(verdict, expected, "{name} {kind} {key}");
        };
        check("pi4", "ssh-ed25519", "key", "known");
        check("10.0.0.7", "ssh-ed25519", "key", "known");
        check("pi4", "ssh-ed25519", "new", "changed 3");
        check("pi4", "ecdsa-sha2-nistp256", "key", "unknown");
        check("pi40", "ssh-ed25519", "key", "unknown");
        check("[pi4]:2222", "ssh-rsa", "key", "known");
        check("[pi4]:2222", "ssh-ed25519", "key", "unknown");
        check("x.lab", "ssh-ed25519", "key", "changed 5");
        check("bad.lab", "ssh-ed25519", "key", "unknown");
        check("anybody", "ssh-rsa", "old", "revoked 6");
        check("x.corp", "ssh-ed25519", "key", "unknown");
        assert!(known(TEXT, "x.corp").needs_certificate() && !known(TEXT, "pi4").needs_certificate());
        assert_eq!(known(TEXT, "[pi4]:2222").kinds(), ["ssh-rsa"]);
        assert_eq!(name_of("Pi4", 22), "pi4");
        assert_eq!(name_of("Pi4", 2222), "[pi4]:2222");
    }

    #[test]
    fn an_added_key_is_found_again() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("new/known_hosts");
        add(&file, "[pi4]:2222", true, "ssh-ed25519", b"key").expect("it can be made");
        fs::write(&file, fs::read_to_string(&file).expect("text").trim_end()).expect("a torn end");
        add(&file, "pi5", false, "ssh-rsa", b"key").expect("it can be added");
        let text = fs::read_to_string(&file).expect("text");
        assert!(text.starts_with("|1|") && text.ends_with("\npi5 ssh-rsa a2V5\n"), "{text}");
        let judge = |name: &str, kind| KnownKeys::read([&file], name).judge(kind, b"key");
        assert_eq!(judge("[pi4]:2222", "ssh-ed25519"), Verdict::Known);
        assert_eq!(judge("pi4", "ssh-ed25519"), Verdict::Unknown);
        assert_eq!(judge("pi5", "ssh-rsa"), Verdict::Known);
        let searched = std::process::Command::new("ssh-keygen")
            .args(["-F", "[pi4]:2222", "-f"])
            .arg(&file)
            .output()
            .expect("OpenSSH's client is here");
        assert!(searched.status.success(), "ssh-keygen finds it, too");
    }
}

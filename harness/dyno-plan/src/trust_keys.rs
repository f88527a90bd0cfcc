//! Public keys as minisign and ssh-keygen write them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dyno_model::trust::TrustedKey;

/// House rule: no public key of the known forms comes near it.
const MAX_CHARS: usize = 4096;
/// Bytes of an ed25519 public key.
const KEY_BYTES: usize = 32;
/// minisign: `Ed`, eight bytes of id, the key.
const MINISIGN_BYTES: usize = 2 + 8 + KEY_BYTES;
/// The only kind of ssh key that is taken.
const SSH_KIND: &str = "ssh-ed25519";

/// Why a text is no public key, and what to do.
pub(crate) struct NoKey {
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

/// The key in `text`: minisign's file or its second line, or a line of ssh's `.pub` file.
pub(crate) fn parse(name: &str, text: &str) -> Result<TrustedKey, NoKey> {
    let no = |message: &str, hint| Err(NoKey { message: format!("key `{name}` {message}"), hint });
    if text.len() > MAX_CHARS {
        return no("is longer than any public key", HINT);
    }
    if text.contains("PRIVATE KEY") || text.contains("minisign encrypted secret key") {
        return no(
            "is a secret key, and this file is no place for one",
            "put the public key here, and keep that one apart",
        );
    }
    let text = text.trim();
    let mut words = text.split_whitespace();
    match words.next() {
        Some(SSH_KIND) => match words.next().and_then(ssh) {
            Some(key) => Ok(TrustedKey { name: name.to_owned(), ed25519: hex(&key), minisign_id: None }),
            None => no("is no key of ssh-ed25519", HINT),
        },
        Some(kind) if kind.starts_with("ssh-") || kind.starts_with("ecdsa-") || kind.starts_with("sk-") => {
            no(
                &format!("is of the kind `{}`", shown(kind)),
                "make one with `ssh-keygen -t ed25519`, or with minisign",
            )
        }
        _ => {
            let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
            match minisign(line) {
                Some((id, key)) => {
                    let minisign_id = Some(format!("{:016X}", u64::from_le_bytes(id)));
                    Ok(TrustedKey { name: name.to_owned(), ed25519: hex(&key), minisign_id })
                }
                None => no("is no public key", HINT),
            }
        }
    }
}

const HINT: &str =
    "the last line of minisign's .pub file (it begins with RW), or the line of ssh's (ssh-ed25519 …)";

fn minisign(line: &str) -> Option<([u8; 8], [u8; KEY_BYTES])> {
    let raw: [u8; MINISIGN_BYTES] = STANDARD.decode(line).ok()?.try_into().ok()?;
    let (kind, rest) = raw.split_first_chunk::<2>()?;
    let (id, key) = rest.split_first_chunk::<8>()?;
    (kind == b"Ed").then_some((*id, key.try_into().ok()?))
}

/// The second word of a `.pub` file: the kind and the key, each with its length before it (RFC 4253, 6.6; RFC 8709).
fn ssh(word: &str) -> Option<[u8; KEY_BYTES]> {
    let raw = STANDARD.decode(word).ok()?;
    let (kind, rest) = part(&raw)?;
    let (key, rest) = part(rest)?;
    (kind == SSH_KIND.as_bytes() && rest.is_empty()).then(|| key.try_into().ok()).flatten()
}

fn part(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = raw.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

/// The beginning of a foreign word.
fn shown(word: &str) -> String {
    word.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // minisign 0.11 and OpenSSH 9.2, 2026-11-21: `minisign -G -W`, `ssh-keygen -t ed25519`; the hexadecimal digits by
    // `tail -1 lab.pub | base64 -d | tail -c 32 | xxd -p`, and the same of the second word of the ssh key.
    const MINISIGN: &str = "untrusted comment: minisign public key 71DA079A9EDF50E9\n\
                            RWTpUN+emgfacVmxTwYCm21SwU7d0WZE0FWsoojlwINFwN4SibaE/uLJ\n";
    const SSH: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOazHNFgyyQt4Y99BPOYUHfFHRoa8FlOQokdGl4f2kM7 lab key";

    fn refused(text: &str) -> String {
        match parse("lab", text) {
            Ok(key) => panic!("`{text}` is taken as {key:?}"),
            Err(no) => no.message,
        }
    }

    #[test]
    fn keys_of_both_tools_are_read() {
        let key = |text: &str| parse("lab", text).map_err(|no| no.message).expect("a key");
        let minisign = key(MINISIGN);
        assert_eq!(minisign.minisign_id.as_deref(), Some("71DA079A9EDF50E9"));
        assert_eq!(minisign.ed25519, "59b14f06029b6d52c14eddd16644d055aca288e5c08345c0de1289b684fee2c9");
        assert_eq!(key(MINISIGN.lines().nth(1).expect("two lines")), minisign);
        let ssh = key(SSH);
        assert_eq!(ssh.minisign_id, None);
        assert_eq!(ssh.ed25519, "e6b31cd160cb242de18f7d04f3985077c51d1a1af0594e42891d1a5e1fda433b");
    }

    #[test]
    fn what_is_no_key_is_told_apart() {
        assert_eq!(refused(""), "key `lab` is no public key");
        assert_eq!(refused("RWTpUN+emgfa"), "key `lab` is no public key");
        assert_eq!(refused("ssh-ed25519 AAAA"), "key `lab` is no key of ssh-ed25519");
        assert_eq!(refused("ssh-rsa AAAAB3NzaC1yc2E="), "key `lab` is of the kind `ssh-rsa`");
        assert_eq!(refused(&"R".repeat(5000)), "key `lab` is longer than any public key");
        let secret = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----";
        assert!(refused(secret).starts_with("key `lab` is a secret key"));
    }
}

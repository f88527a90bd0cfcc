//! Keys and signatures against published ones.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::tests::sample::Desk;
use crate::{KeyError, PublicKey, SigningKey, public_key_path, write_key_pair};

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).expect("a hex digit") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// RFC 8032, section 7.1, tests 1 to 3: private key, public key, message, signature.
const SIGNED: [[&str; 4]; 3] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
];

/// RFC 8410, sections 10.3 and 10.1: a private key and the public key that belongs to it.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    -----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
    -----END PUBLIC KEY-----\n";

#[test]
fn signatures_are_those_of_rfc_8032() {
    for [seed, public, message, signature] in SIGNED {
        let seed: [u8; 32] = unhex(seed).try_into().expect("32 bytes");
        let (key, message, signature) = (SigningKey::of_seed(&seed), unhex(message), unhex(signature));
        // The last 32 bytes of a public key in DER are the key itself.
        assert_eq!(key.public(), public_of(public));
        assert_eq!(key.sign(&message), signature);
        assert!(key.public().has_signed(&message, &signature));
        let mut other = signature.clone();
        other[40] ^= 1;
        assert!(!key.public().has_signed(&message, &other));
        assert!(!key.public().has_signed(&message, &signature[..63]));
        assert!(!key.public().has_signed(b"another", &signature));
    }
}

fn public_of(hex: &str) -> PublicKey {
    let der = [unhex("302a300506032b6570032100"), unhex(hex)].concat();
    let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
    PublicKey::of_text(&pem).expect("a public key")
}

#[test]
fn key_files_are_those_of_rfc_8410() {
    let desk = Desk::new();
    let private = SigningKey::read(&desk.file("k", PRIVATE.as_bytes())).expect("a private key");
    let public = PublicKey::read(&desk.file("k.pub", PUBLIC.as_bytes())).expect("a public key");
    assert_eq!(private.public(), public);
    assert_eq!(public.pem(), PUBLIC);
    // openssl pkey -pubin -in k.pub -outform DER | sha256sum (OpenSSL 3.0.22)
    assert_eq!(public.fingerprint(), "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f");
}

#[test]
fn a_key_pair_is_written_once_and_for_its_owner_only() {
    let desk = Desk::new();
    let path = desk.path("lab");
    let public = write_key_pair(&path).expect("two files are written");
    assert_eq!(SigningKey::read(&path).expect("a private key").public(), public);
    assert_eq!(PublicKey::read(&public_key_path(&path)).expect("a public key"), public);
    let mode = fs::metadata(&path).expect("the private key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = fs::read(&path).expect("the private key");
    assert!(matches!(write_key_pair(&path), Err(KeyError::Exists { .. })));
    fs::remove_file(&path).expect("the private key is there");
    assert!(matches!(write_key_pair(&path), Err(KeyError::Exists { path }) if path == desk.path("lab.pub")));
    assert!(!path.exists(), "no half pair is left");
    fs::remove_file(desk.path("lab.pub")).expect("the public key is there");
    write_key_pair(&path).expect("both names are free");
    assert_ne!(fs::read(&path).expect("the private key"), before, "two keys are not the same");
}

#[test]
fn files_that_are_no_such_key_are_told_apart() {
    let desk = Desk::new();
    let wrapped =
        |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    let read = |text: &str| SigningKey::read(&desk.file("k", text.as_bytes())).expect_err("no private key");
    assert!(matches!(read("hello"), KeyError::NotPem { .. }));
    assert!(matches!(read(""), KeyError::NotPem { .. }));
    assert!(matches!(read(PUBLIC), KeyError::Public { .. }));
    assert!(matches!(read(&wrapped("ENCRYPTED PRIVATE KEY", "AAAA")), KeyError::Encrypted { .. }));
    assert!(matches!(read(&wrapped("OPENSSH PRIVATE KEY", "AAAA")), KeyError::OpenSsh { .. }));
    assert!(matches!(read(&wrapped("EC PRIVATE KEY", "AAAA")), KeyError::NotEd25519 { .. }));
    assert!(matches!(read(&wrapped("PRIVATE KEY", "!")), KeyError::NotPem { .. }));
    assert!(matches!(read(&wrapped("PRIVATE KEY", "AAAA")), KeyError::NotEd25519 { .. }));
    let read = |text: &str| PublicKey::read(&desk.file("k", text.as_bytes())).expect_err("no public key");
    assert!(matches!(read(PRIVATE), KeyError::Private { .. }));
    assert!(matches!(read("ssh-ed25519 AAAA me@here"), KeyError::OpenSsh { .. }));
    assert!(matches!(read(&wrapped("PUBLIC KEY", "AAAA")), KeyError::NotEd25519 { .. }));
    assert!(matches!(PublicKey::read(&desk.path("absent")), Err(KeyError::Io { .. })));
}

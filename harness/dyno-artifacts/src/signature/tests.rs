//! Signatures as minisign 0.11 and OpenSSH 9.2 made them on 2026-11-21, and what is no such signature.
//!
//! `minisign -G -W -p lab.pub -s lab.key`, `minisign -S -s lab.key -m m.bin -t "release 1"`,
//! `ssh-keygen -t ed25519 -f ssh_lab`, `ssh-keygen -Y sign -f ssh_lab -n file [-O hashalg=sha256] m.bin`.

use super::*;

const FILE: &[u8] = b"GGUF: a file that was signed\n";

const MINISIG: &str = "untrusted comment: signature from minisign secret key
RUTpUN+emgfacYzOyjGpQWHttB+kYLTQgDvtl2bw+QDnYhN8WbEcvMxYlHyYXF6c+ePZM+dVPpaw2wbyLH8g6ZsDD1wbA4W58gk=
trusted comment: release 1
pol/bzn8pcgZIzOrg7iK2sPp9oPPowqnWyhvGgt0txLOEvr+yYPbFH2xX0nTc1Da5xisYrMbeuIFWF/wOW8tCA==
";

/// `minisign -S -l`: over the file itself.
const LEGACY: &str = "untrusted comment: signature from minisign secret key
RWTpUN+emgfacWygVKgf216hF7wTyFq26X3eehFdJMjRTgyHgSwwz8QEJWhaKyveYUGngWhu8AX/dRdqxchSbX6/Gc09Sv5k4wE=
trusted comment: legacy
LjrUej3T6E6CAKrqtCvosHgKptqfksswihmy4mLBKI6ByGhFc536btfG5pJ49zIi6V0bvofN9K7h+OVT6/dYCw==
";

/// `minisign -S -t "sha256:$(sha256sum m.bin | cut -c1-64)"`.
const MINISIG_OF_DIGEST: &str = "untrusted comment: signature from minisign secret key
RUTpUN+emgfacYzOyjGpQWHttB+kYLTQgDvtl2bw+QDnYhN8WbEcvMxYlHyYXF6c+ePZM+dVPpaw2wbyLH8g6ZsDD1wbA4W58gk=
trusted comment: sha256:5b150b0754648c409c42bc399c973e608ede3af6fbb9354f073b5c440fe67c70
QflpVB2IXKphgiPV5sATxGcyDHS//w6FhWViFHrgRXcumzUPE/P6AnLnYUzd9J9dly5EZyRCCz3nUo0wEtU1BQ==
";

const SSHSIG: &str = "-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg5rMc0WDLJC3hj30E85hQd8UdGh
rwWU5CiR0aXh/aQzsAAAAEZmlsZQAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUx
OQAAAEBy+luMYSfLNAJhvCA+ugn7tsQCJ2yNRh7pZtW+zMJgJA9oNHJ30GAOeU25Zb/b9K
MeDZie6wp8PzYNej1JXmIC
-----END SSH SIGNATURE-----
";

const SSHSIG_OF_SHA256: &str = "-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg5rMc0WDLJC3hj30E85hQd8UdGh
rwWU5CiR0aXh/aQzsAAAAEZmlsZQAAAAAAAAAGc2hhMjU2AAAAUwAAAAtzc2gtZWQyNTUx
OQAAAEBD57S8piYyWmE65EVFX5eo+F71mcP5/cnqC+9bo426fEtB70HigjDpph8ToZHTBL
4Skwd2WAe8EAjOPHzdob0I
-----END SSH SIGNATURE-----
";

/// `-n git`: made for commits, not for files.
const SSHSIG_OF_GIT: &str = "-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg5rMc0WDLJC3hj30E85hQd8UdGh
rwWU5CiR0aXh/aQzsAAAADZ2l0AAAAAAAAAAZzaGE1MTIAAABTAAAAC3NzaC1lZDI1NTE5
AAAAQLT2qK24KkZf8Ggat2AArp7w34QldpEQCYBMPpvppyXxiIl04BhouFzcm9kT9QB6qn
+IqKUCRWOIPQ9bgsErnQ8=
-----END SSH SIGNATURE-----
";

fn trust() -> Trust {
    let key = |name: &str, ed25519: &str, id: Option<&str>| TrustedKey {
        name: name.to_owned(),
        ed25519: ed25519.to_owned(),
        minisign_id: id.map(str::to_owned),
    };
    let lab = "59b14f06029b6d52c14eddd16644d055aca288e5c08345c0de1289b684fee2c9";
    let ssh = "e6b31cd160cb242de18f7d04f3985077c51d1a1af0594e42891d1a5e1fda433b";
    Trust {
        keys: vec![key("lab", lab, Some("71DA079A9EDF50E9")), key("desk", ssh, None)],
        ..Trust::default()
    }
}

fn check(text: &str, file: &[u8]) -> Result<SignatureState, SignatureError> {
    let signature = Signature::parse(text.as_bytes())?;
    let mut hashing = Hashing::new(signature.content_hash());
    file.chunks(7).for_each(|block| hashing.update(block));
    let hash = hashing.finish(&Digest::of(file));
    signature.of_content(&signature.keys(&trust()), &hash)
}

fn check_digest(text: &str, digest: &Digest) -> Result<SignatureState, SignatureError> {
    let signature = Signature::parse(text.as_bytes())?;
    signature.of_digest(&signature.keys(&trust()), digest)
}

fn signed(key: &str, form: SignatureForm, comment: Option<&str>) -> SignatureState {
    SignatureState::Signed { key: key.to_owned(), form, comment: comment.map(str::to_owned) }
}

#[test]
fn what_the_tools_have_signed_holds() {
    let minisign = signed("lab", SignatureForm::Minisign, Some("release 1"));
    assert_eq!(check(MINISIG, FILE), Ok(minisign.clone()));
    assert_eq!(check(&MINISIG.replace('\n', "\r\n"), FILE), Ok(minisign));
    assert_eq!(check(SSHSIG, FILE), Ok(signed("desk", SignatureForm::Ssh, None)));
    assert_eq!(check(SSHSIG_OF_SHA256, FILE), Ok(signed("desk", SignatureForm::Ssh, None)));
}

#[test]
fn no_changed_byte_of_the_file_goes_through() {
    for at in 0..FILE.len() {
        let mut changed = FILE.to_vec();
        changed[at] ^= 1;
        let other = |key: &str| Err(SignatureError::OtherFile { key: key.to_owned() });
        assert_eq!(check(MINISIG, &changed), other("lab"), "byte {at}");
        assert_eq!(check(SSHSIG, &changed), other("desk"), "byte {at}");
        assert_eq!(check(SSHSIG_OF_SHA256, &changed), other("desk"), "byte {at}");
    }
}

#[test]
fn no_changed_byte_of_a_signature_goes_through() {
    for text in [MINISIG, SSHSIG] {
        // What stands in the untrusted comment is signed by nobody, and is read by nobody.
        let skipped = text.find('\n').expect("several lines");
        for at in skipped..text.trim_end().len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let found = Signature::parse(&changed).and_then(|signature| {
                let mut hashing = Hashing::new(signature.content_hash());
                hashing.update(FILE);
                signature.of_content(&signature.keys(&trust()), &hashing.finish(&Digest::of(FILE)))
            });
            assert!(!matches!(found, Ok(SignatureState::Signed { .. })), "byte {at} of {text}");
        }
    }
}

#[test]
fn a_key_that_nobody_trusts_is_named_and_nothing_is_believed() {
    let signature = Signature::parse(MINISIG.as_bytes()).expect("a signature");
    assert!(signature.keys(&Trust::default()).is_empty());
    assert_eq!(signature.signer(), "71DA079A9EDF50E9");
    // `ssh-keygen -lf ssh_lab.pub`.
    let signature = Signature::parse(SSHSIG.as_bytes()).expect("a signature");
    assert_eq!(signature.signer(), "SHA256:BTa7hiJDfJJfGj3tFrMT5/vUJKl2YA4bos/l9IDcALA");
    let unknown = SignatureState::UnknownSigner { signer: signature.signer(), form: SignatureForm::Ssh };
    assert_eq!(signature.of_content(&[], b""), Ok(unknown));
    // A key that took the id of another one.
    let mut forged = trust();
    forged.keys[0].ed25519.clone_from(&trust().keys[1].ed25519);
    let signature = Signature::parse(MINISIG.as_bytes()).expect("a signature");
    assert!(signature.of_content(&signature.keys(&forged), b"hash").is_err());
}

#[test]
fn a_comment_is_signed_too() {
    let changed = MINISIG.replace("release 1", "release 2");
    assert_eq!(check(&changed, FILE), Err(SignatureError::Comment { key: "lab".to_owned() }));
}

#[test]
fn the_digest_of_a_file_that_is_elsewhere_can_be_signed() {
    let (digest, other) = (Digest::of(FILE), Digest::of(b"another file"));
    assert!(matches!(check_digest(MINISIG_OF_DIGEST, &digest), Ok(SignatureState::Signed { .. })));
    assert_eq!(check_digest(SSHSIG_OF_SHA256, &digest), Ok(signed("desk", SignatureForm::Ssh, None)));
    let expected = SignatureError::OtherDigest {
        key: "lab".to_owned(),
        expected: other.clone(),
        found: digest.to_string(),
    };
    assert_eq!(check_digest(MINISIG_OF_DIGEST, &other), Err(expected));
    let not_of_it = SignatureError::OtherFile { key: "desk".to_owned() };
    assert_eq!(check_digest(SSHSIG_OF_SHA256, &other), Err(not_of_it));
    // These say nothing of a SHA-256.
    for text in [MINISIG, SSHSIG] {
        assert!(matches!(check_digest(text, &digest), Err(SignatureError::NoDigest { .. })), "{text}");
    }
    let changed = MINISIG_OF_DIGEST.replace(digest.as_str(), other.as_str());
    assert_eq!(check_digest(&changed, &other), Err(SignatureError::Comment { key: "lab".to_owned() }));
}

#[test]
fn what_is_no_signature_is_told_apart() {
    let check = |text: &str, expected: &str| {
        let error = Signature::parse(text.as_bytes()).expect_err("no signature").to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("", "it is empty");
    check("hello", "four lines");
    check("a\nb\nc\nd", "its first line is no untrusted comment");
    check(&MINISIG.replace("\ntrusted comment: ", "\n"), "its third line is no trusted comment");
    check(&MINISIG.replace("RUTp", "!!!!"), "its second line is no signature");
    check(&MINISIG.replace("RUTp", "RUT"), "its second line is no signature");
    check(&MINISIG.replace("RUTp", "XXTp"), "its algorithm is not minisign's");
    check(&MINISIG.replace("pol/", "po/"), "its fourth line is no signature");
    check(LEGACY, "minisign's old form; sign again");
    check(SSHSIG_OF_GIT, "the namespace `git`; sign with ssh-keygen -Y sign -n file");
    check(&SSHSIG.replace("-----END", "----"), "it has no end");
    check(&SSHSIG.replace("U1NI", "####"), "is not base64");
    check(&SSHSIG.replace("U1NI", "U1NJ"), "does not begin with SSHSIG");
    check("-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----", "ends too soon");
    check(
        "-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAf////8=\n-----END SSH SIGNATURE-----",
        "ends too soon",
    );
    assert_eq!(Signature::parse(&vec![b'A'; 3 << 20]), Err(SignatureError::TooLong));
    assert!(matches!(Signature::parse(b"\xff\xfe"), Err(SignatureError::NotOne { .. })));
}

#[test]
fn an_rsa_key_is_refused_by_its_kind() {
    let blob = |kind: &[u8]| {
        let mut blob = b"SSHSIG\0\0\0\x01".to_vec();
        let part = |raw: &[u8]| [&(raw.len() as u32).to_be_bytes(), raw].concat();
        blob.extend(part(&[part(kind), part(&[7; 32])].concat()));
        for text in [&b"file"[..], b"", b"sha512"] {
            blob.extend(part(text));
        }
        blob.extend(part(&[part(kind), part(&[7; 64])].concat()));
        let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, blob);
        format!("-----BEGIN SSH SIGNATURE-----\n{body}\n-----END SSH SIGNATURE-----")
    };
    assert!(Signature::parse(blob(b"ssh-ed25519").as_bytes()).is_ok());
    let error = Signature::parse(blob(b"ssh-rsa").as_bytes()).expect_err("RSA");
    assert!(error.to_string().contains("a key of the kind `ssh-rsa`"), "{error}");
}

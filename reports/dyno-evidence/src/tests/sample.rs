//! A small pack, and a hand that changes it as somebody could who has this program but not the key.

use std::path::{Path, PathBuf};

use dyno_model::digest::Digest;

use crate::archive::{Entry, Facts, write};
use crate::{
    Contents, ListedFile, MANIFEST_FILE, Manifest, Member, OpenError, Opened, PublicKey, SIGNATURE_FILE,
    SUMS_FILE, SignatureState, SigningKey, Source, Tool,
};

/// Packs of one test.
pub(super) struct Desk {
    dir: tempfile::TempDir,
}

pub(super) fn key(n: u8) -> SigningKey {
    SigningKey::of_seed(&[n; 32])
}

pub(super) fn tool() -> Tool {
    Tool {
        tool_version: "0.1.0".to_owned(),
        build_id: "b".repeat(64),
        program_sha256: Some(Digest::of(b"program")),
    }
}

pub(super) fn contents() -> Contents {
    let member = |name: &str, text: &str| Member {
        name: name.to_owned(),
        source: Source::Bytes(text.as_bytes().to_vec()),
    };
    let members = vec![
        member("report.json", "{\"ttft\": 1}\n"),
        member("plan.json", "{\"format\":1}\n"),
        member("journal.log", "00000000 {\"entry\":\"header\"}\n"),
        member("empty.txt", ""),
    ];
    Contents { campaign: "20261121-quick".to_owned(), packed_by: tool(), members, redaction: None }
}

/// Name and content of a member.
pub(super) type Loose = (String, Vec<u8>);

impl Desk {
    pub(super) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A pack, signed where there is a key.
    pub(super) fn packed(&self, key: Option<&SigningKey>) -> PathBuf {
        let path = self.path("pack.zip");
        contents().write(key, &path).expect("a pack is written");
        path
    }

    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), bytes).expect("a temporary file");
        self.path(name)
    }

    /// The archive of these members, in this order, as we write archives.
    pub(super) fn archive(&self, members: &[Loose]) -> PathBuf {
        self.file("changed.zip", &archive_of(members))
    }

    /// The pack of these members with a manifest that fits them, signed where there is a key.
    pub(super) fn repacked(&self, members: Vec<Loose>, like: &Manifest, key: Option<&SigningKey>) -> PathBuf {
        let own = [MANIFEST_FILE, SIGNATURE_FILE, SUMS_FILE];
        let mut members: Vec<Loose> =
            members.into_iter().filter(|(name, _)| !own.contains(&name.as_str())).collect();
        members.sort();
        let listed = |(name, bytes): &Loose| ListedFile {
            name: name.clone(),
            bytes: bytes.len() as u64,
            sha256: Digest::of(bytes),
        };
        let mut manifest = like.clone();
        manifest.files = members.iter().map(listed).collect();
        manifest.merkle_root = manifest.computed_root();
        members.push((SUMS_FILE.to_owned(), manifest.sums().into_bytes()));
        if let Some(key) = key {
            members.push((SIGNATURE_FILE.to_owned(), key.sign(&manifest.canonical())));
        }
        members.push((MANIFEST_FILE.to_owned(), manifest.canonical()));
        members.sort();
        self.archive(&members)
    }
}

/// The archive of these members, in this order.
pub(super) fn archive_of(members: &[Loose]) -> Vec<u8> {
    let entry = |(name, bytes): &'_ Loose| Facts {
        name: name.clone(),
        bytes: bytes.len() as u64,
        crc: crc32fast::hash(bytes),
    };
    let entries = members.iter().map(|loose| Entry {
        facts: entry(loose),
        content: Box::new(loose.1.as_slice()),
        path: PathBuf::from(&loose.0),
    });
    let mut bytes = Vec::new();
    write(entries.collect(), &mut bytes).expect("memory takes it");
    bytes
}

/// The members of a pack, by an independent program.
pub(super) fn members(path: &Path) -> Vec<Loose> {
    let file = std::fs::File::open(path).expect("the pack is there");
    let mut archive = zip::ZipArchive::new(file).expect("any zip program reads it");
    let n = archive.len();
    let read = |idx: usize| {
        let mut member = archive.by_index(idx).expect("a member");
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut member, &mut bytes).expect("its content and checksum");
        (member.name().expect("a name in UTF-8").into_owned(), bytes)
    };
    (0..n).map(read).collect()
}

/// Everything that is wrong with a pack in the eyes of who trusts `key`, in words; empty where nothing is.
pub(super) fn problems(path: &Path, key: &PublicKey) -> Vec<String> {
    let said = |error: OpenError| match error {
        OpenError::Changed { fault, .. } => fault.to_string(),
        other => other.to_string(),
    };
    let pack = match Opened::open(path) {
        Ok(pack) => pack,
        Err(error) => return vec![said(error)],
    };
    let mut found: Vec<String> = match pack.faults() {
        Ok(faults) => faults.iter().map(ToString::to_string).collect(),
        Err(error) => vec![said(error)],
    };
    match pack.signature(&[*key]) {
        Ok(SignatureState::Good { .. }) => {}
        Ok(state) => found.push(format!("{state:?}")),
        Err(error) => found.push(said(error)),
    }
    found
}

//! Files that never were packs, and archives that were made to do harm.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::tests::sample::{Desk, archive_of, key, members, problems};
use crate::{MANIFEST_FILE, OpenError, Opened, PACK_FORMAT};

fn refused(path: &std::path::Path) -> String {
    match Opened::open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(OpenError::Changed { fault, .. }) => format!("changed: {fault}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_no_pack_is_said_to_be_none() {
    let desk = Desk::new();
    let check = |path: &std::path::Path, words: &str| {
        let said = refused(path);
        assert!(said.starts_with("not an evidence pack") && said.contains(words), "{said}");
    };
    check(&desk.file("empty", b""), "empty");
    check(&desk.path(""), "folder");
    check(&desk.file("text", b"hello"), "no zip archive");
    check(&desk.file("other.zip", &archive_of(&[("a.txt".to_owned(), b"x".to_vec())])), "no manifest");
    let other = archive_of(&[(MANIFEST_FILE.to_owned(), br#"{"kind":"other","format":1}"#.to_vec())]);
    check(&desk.file("other.zip", &other), "another program's");
    assert!(refused(&desk.path("absent")).contains("cannot read"));
}

#[test]
fn a_pack_of_a_newer_format_says_so() {
    let desk = Desk::new();
    let mut all = members(&desk.packed(Some(&key(1))));
    for (_, bytes) in all.iter_mut().filter(|(name, _)| name == MANIFEST_FILE) {
        let text = String::from_utf8(bytes.clone()).expect("JSON");
        let newer = format!("\"format\": {},\n  \"of_tomorrow\": 1", PACK_FORMAT + 1);
        *bytes = text.replace(&format!("\"format\": {PACK_FORMAT}"), &newer).into_bytes();
    }
    assert!(refused(&desk.archive(&all)).contains("pack has format 2, this edgedyno reads up to 1"));
}

#[test]
fn names_that_leave_their_folder_are_refused() {
    let desk = Desk::new();
    for name in
        ["../../evil", "/etc/passwd", "a/b", "a\\b", "C:evil", ".hidden", "", "a\u{202e}b", "a\0b", "é"]
    {
        let path =
            desk.archive(&[(name.to_owned(), b"x".to_vec()), (MANIFEST_FILE.to_owned(), b"{}".to_vec())]);
        let said = refused(&path);
        assert!(said.contains("member name"), "{name:?}: {said}");
    }
}

#[test]
fn a_name_twice_is_refused() {
    let desk = Desk::new();
    let one = (MANIFEST_FILE.to_owned(), b"{}".to_vec());
    let said = refused(&desk.archive(&[one.clone(), one]));
    assert!(said.contains("manifest.json is there twice"), "{said}");
}

#[test]
fn a_link_is_refused() {
    let desk = Desk::new();
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.add_symlink(MANIFEST_FILE, "/etc/passwd", stored()).expect("a link");
    let bytes = archive.finish().expect("an archive").into_inner();
    let said = refused(&desk.file("link.zip", &bytes));
    assert!(said.contains("link or another special file"), "{said}");
}

#[test]
fn what_unpacks_to_more_than_is_there_is_refused_unread() {
    let desk = Desk::new();
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    archive.start_file(MANIFEST_FILE, deflated).expect("a member");
    for _ in 0..1 << 14 {
        archive.write_all(&[0; 1 << 12]).expect("memory takes it");
    }
    let bytes = archive.finish().expect("an archive").into_inner();
    assert!(bytes.len() < 1 << 20, "64 MiB of zeros in {} bytes", bytes.len());
    let said = refused(&desk.file("bomb.zip", &bytes));
    assert!(said.contains("compressed or encrypted"), "{said}");
}

#[test]
fn sizes_that_are_not_there_are_refused() {
    let desk = Desk::new();
    let whole = std::fs::read(desk.packed(Some(&key(1)))).expect("the pack");
    let central = whole.windows(4).position(|window| window == b"PK\x01\x02").expect("a list of members");
    for size in [u32::MAX, u32::MAX - 1, 1 << 30] {
        let mut bytes = whole.clone();
        bytes[central + 20..central + 24].copy_from_slice(&size.to_le_bytes());
        bytes[central + 24..central + 28].copy_from_slice(&size.to_le_bytes());
        assert!(refused(&desk.file("huge.zip", &bytes)).contains("place of the list of members"));
    }
}

#[test]
fn small_members_that_are_large_are_refused() {
    let desk = Desk::new();
    let said = refused(&desk.archive(&[(MANIFEST_FILE.to_owned(), vec![b' '; (1 << 20) + 1])]));
    assert!(said.contains("more than the 1048576"), "{said}");
    let many: Vec<_> = (0..65).map(|n| (format!("a{n:02}"), Vec::new())).collect();
    assert!(refused(&desk.archive(&many)).contains("lists 65 members"));
}

#[test]
fn a_pack_that_was_packed_anew_by_another_program_is_refused() {
    let desk = Desk::new();
    let all = members(&desk.packed(Some(&key(1))));
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in all {
        archive.start_file(name, stored().unix_permissions(0o600)).expect("a member");
        archive.write_all(&bytes).expect("memory takes it");
    }
    let bytes = archive.finish().expect("an archive").into_inner();
    let found = problems(&desk.file("anew.zip", &bytes), &key(1).public());
    assert!(found[0].contains("the archive's own bytes"), "{found:?}");
}

#[test]
fn any_bytes_are_refused_without_harm() {
    let desk = Desk::new();
    let whole = std::fs::read(desk.packed(Some(&key(1)))).expect("the pack");
    let end = whole.len() - 22;
    // A xorshift generator with a fixed seed: the same thousand archives each time.
    let mut state = 0x9e37_79b9_u32;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let from = whole.windows(4).position(|window| window == b"PK\x01\x02").expect("a list of members");
    for _ in 0..1000 {
        let mut bytes = whole.clone();
        for _ in 0..=draw() % 8 {
            let at = if draw() % 2 == 0 { end } else { from } + draw() as usize % 22;
            bytes[at] = draw() as u8;
        }
        if bytes != whole {
            assert!(!problems(&desk.file("fuzz.zip", &bytes), &key(1).public()).is_empty());
        }
    }
}

fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Stored)
}

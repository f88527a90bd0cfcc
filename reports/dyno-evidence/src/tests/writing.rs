//! A pack is there whole or not at all.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use crate::archive::{Entry, Facts, WriteError, write};
use crate::tests::sample::{Desk, contents};
use crate::{Member, PackError, SUMS_FILE, Source};

/// A disk with room for so many bytes.
struct FullDisk {
    room: usize,
}

impl Write for FullDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(self.room);
        self.room -= n;
        if n == 0 { Err(ErrorKind::StorageFull.into()) } else { Ok(n) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn entry(bytes: &[u8], looked_at: &[u8]) -> Entry<'static> {
    let facts =
        Facts { name: "a".to_owned(), bytes: looked_at.len() as u64, crc: crc32fast::hash(looked_at) };
    Entry { facts, content: Box::new(io::Cursor::new(bytes.to_vec())), path: PathBuf::from("a") }
}

#[test]
fn a_full_disk_is_an_error() {
    let written = write(vec![entry(b"12345", b"12345")], &mut FullDisk { room: 33 });
    assert!(matches!(written, Err(WriteError::Io(error)) if error.kind() == ErrorKind::StorageFull));
}

#[test]
fn a_file_that_changes_while_it_is_packed_is_found() {
    for (content, looked_at) in [(&b"12345"[..], &b"12346"[..]), (b"1234", b"12345")] {
        let written = write(vec![entry(content, looked_at)], &mut Vec::new());
        assert!(matches!(written, Err(WriteError::Moved(path)) if path.as_os_str() == "a"));
    }
}

#[test]
fn a_failure_leaves_what_was_there_and_nothing_else() {
    let desk = Desk::new();
    fs::create_dir(desk.path("taken")).expect("a folder");
    let error = contents().write(None, &desk.path("taken")).expect_err("a folder is in the way");
    assert!(matches!(error, PackError::Io { .. }), "{error}");
    let mut missing = contents();
    let source = Source::File(desk.path("absent"));
    missing.members.push(Member { name: "absent".to_owned(), source });
    missing.write(None, &desk.path("pack.zip")).expect_err("a file is missing");
    let names = fs::read_dir(desk.path("")).expect("the folder");
    let names: Vec<_> = names.map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names, ["taken"]);
}

#[test]
fn names_that_no_pack_may_have_are_not_packed() {
    let desk = Desk::new();
    for name in ["../x", "", SUMS_FILE, "manifest.json", "manifest.sig"] {
        let mut bad = contents();
        bad.members.push(Member { name: name.to_owned(), source: Source::Bytes(Vec::new()) });
        let error = bad.write(None, &desk.path("pack.zip")).expect_err("no name of a member");
        assert!(matches!(error, PackError::BadName { .. }), "{name}: {error}");
    }
}

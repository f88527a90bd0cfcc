//! The form of the archive, as other programs see it.

use std::io::{Cursor, Read as _};

use crate::archive::{Facts, Layout};
use crate::tests::sample::{Desk, archive_of, key, members};

#[test]
fn any_zip_program_reads_a_pack() {
    let desk = Desk::new();
    let names: Vec<String> = members(&desk.packed(Some(&key(1)))).into_iter().map(|(name, _)| name).collect();
    let expected = [
        "SHA256SUMS",
        "empty.txt",
        "journal.log",
        "manifest.json",
        "manifest.sig",
        "plan.json",
        "public-key.pem",
        "report.json",
    ];
    assert_eq!(names, expected);
}

#[test]
fn fields_of_64_bits_are_read_by_other_programs() {
    // Files of 4 GiB are none for a test: the same form is made from 40 bytes on.
    let contents: [&[u8]; 3] = [&[b'a'; 100], b"small", &[b'c'; 41]];
    let facts = |(name, bytes): (&str, &&[u8])| Facts {
        name: name.to_owned(),
        bytes: bytes.len() as u64,
        crc: crc32fast::hash(bytes),
    };
    let layout = Layout::with_limit(["a", "b", "c"].into_iter().zip(&contents).map(facts).collect(), 40);
    let mut archive = Vec::new();
    for (idx, bytes) in contents.iter().enumerate() {
        assert_eq!(layout.start(idx), archive.len() as u64);
        archive.extend(layout.local(&layout.members[idx]));
        assert_eq!(layout.content_start(idx), archive.len() as u64);
        archive.extend_from_slice(bytes);
    }
    assert_eq!(layout.directory_start(), archive.len() as u64);
    archive.extend(layout.tail());
    let mut read = zip::ZipArchive::new(Cursor::new(archive)).expect("a zip archive");
    for (name, bytes) in ["a", "b", "c"].iter().zip(contents) {
        let mut found = Vec::new();
        read.by_name(name).expect("a member").read_to_end(&mut found).expect("its content");
        assert_eq!(found, bytes, "{name}");
    }
}

#[test]
fn small_archives_have_the_bytes_of_the_format() {
    // By hand from APPNOTE.TXT 4.3.7, 4.3.12 and 4.3.16; CRC-32 of "123456789" is cbf43926.
    let archive = archive_of(&[("a".to_owned(), b"123456789".to_vec())]);
    let crc = [0x26, 0x39, 0xf4, 0xcb];
    let sizes = [9, 0, 0, 0, 9, 0, 0, 0];
    let local =
        [&b"PK\x03\x04"[..], &[20, 0, 0, 0, 0, 0, 0, 0, 33, 0], &crc, &sizes, &[1, 0, 0, 0], b"a"].concat();
    let central = [
        &b"PK\x01\x02"[..],
        &[20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 33, 0],
        &crc,
        &sizes,
        &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0, 0, 0xa4, 0x81],
        &[0, 0, 0, 0],
        b"a",
    ]
    .concat();
    let end = [&b"PK\x05\x06"[..], &[0, 0, 0, 0, 1, 0, 1, 0, 47, 0, 0, 0, 40, 0, 0, 0, 0, 0]].concat();
    assert_eq!(archive, [local, b"123456789".to_vec(), central, end].concat());
}

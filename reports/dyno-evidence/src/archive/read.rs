//! Reading an archive that anybody may have made: nothing in it is believed before it was compared.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::archive::layout::{CENTRAL, END, END_BYTES, Facts, LOCAL, Layout, is_fit_name};
use crate::error::{Fault, OpenError};
use crate::manifest::{MANIFEST_FILE, SUMS_FILE};

/// No pack has more members.
const MAX_MEMBERS: u64 = 64;
/// No central directory and end records of so many members are longer.
const MAX_TAIL_BYTES: u64 = 64 << 10;

/// An archive whose structure is the one that we write.
#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    file: File,
    layout: Layout,
}

impl Archive {
    /// Opens an archive and compares every byte that is not a member's with what it must be.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { action: "read", path: path.to_owned(), source };
        let not = |why| Err(OpenError::NotAPack { path: path.to_owned(), why });
        let file = File::open(path).map_err(io)?;
        let about = file.metadata().map_err(io)?;
        if about.is_dir() {
            return not("it is a folder");
        }
        if about.len() == 0 {
            return not("it is empty");
        }
        match members(&file, about.len()).map_err(io)? {
            Found::Archive(layout) => Ok(Self { path: path.to_owned(), file, layout }),
            Found::Foreign(why) => not(why),
            Found::Faulty(fault) => Err(OpenError::Changed { path: path.to_owned(), fault }),
        }
    }

    /// The members, in the order of their names.
    pub(crate) fn members(&self) -> &[Facts] {
        &self.layout.members
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the content of a member; `None` without one of that name.
    pub(crate) fn content(&self, name: &str) -> io::Result<Option<impl Read + '_>> {
        let Some(idx) = self.layout.members.iter().position(|member| member.name == name) else {
            return Ok(None);
        };
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.layout.content_start(idx)))?;
        Ok(Some(file.take(self.layout.members[idx].bytes)))
    }
}

/// What a file turns out to be.
enum Found {
    Archive(Layout),
    Foreign(&'static str),
    Faulty(Fault),
}

fn members(file: &File, len: u64) -> io::Result<Found> {
    let is_begun = len >= 4 && u32_at(&read_at(file, 0, 4)?, 0) == Some(LOCAL);
    let Some(directory) = directory_start(file, len)? else {
        return Ok(if is_begun {
            Found::Faulty(Fault::CutOff)
        } else {
            Found::Foreign("it is no zip archive")
        });
    };
    let (start, n) = match directory {
        Ok(found) => found,
        Err(fault) => return Ok(Found::Faulty(fault)),
    };
    let tail = read_at(file, start, (len - start) as usize)?;
    let members = match listed(&tail, start, n) {
        Ok(members) => members,
        Err(_) if !has_our_names(&tail) => return Ok(Found::Foreign("it has no manifest")),
        Err(fault) => return Ok(Found::Faulty(fault)),
    };
    if !has_our_names(&tail) {
        return Ok(Found::Foreign("it has no manifest"));
    }
    let layout = Layout::of(members);
    Ok(match compared(file, &layout, start, &tail)? {
        None => Found::Archive(layout),
        Some(fault) => Found::Faulty(fault),
    })
}

/// Whether a list of members has anything of a pack. Of two names, one may have been changed.
fn has_our_names(tail: &[u8]) -> bool {
    let has = |name: &str| tail.windows(name.len()).any(|window| window == name.as_bytes());
    has(MANIFEST_FILE) || has(SUMS_FILE)
}

/// Where the central directory begins and how many members it lists; `None` without an end record.
fn directory_start(file: &File, len: u64) -> io::Result<Option<Result<(u64, u64), Fault>>> {
    let Some(end_at) = len.checked_sub(END_BYTES) else { return Ok(None) };
    let end = read_at(file, end_at, END_BYTES as usize)?;
    if u32_at(&end, 0) != Some(END) {
        return Ok(None);
    }
    let (mut n, mut start) = (u64::from(u16_at(&end, 10)), u64::from(u32_at(&end, 16).unwrap_or(0)));
    if start == u64::from(u32::MAX) {
        // The locator lies before the end record and names the place of the wide one; ours lies right before it.
        let Some(wide_at) = end_at.checked_sub(20 + 56) else {
            return Ok(Some(Err(Fault::List { at: end_at })));
        };
        let wide = read_at(file, wide_at, 56)?;
        (n, start) = (u64_at(&wide, 32), u64_at(&wide, 48));
    }
    if n > MAX_MEMBERS {
        return Ok(Some(Err(Fault::TooMany { n })));
    }
    let fits = start < len && len - start <= MAX_TAIL_BYTES;
    Ok(Some(if fits { Ok((start, n)) } else { Err(Fault::List { at: end_at }) }))
}

/// The members that a central directory lists, each with a name that is safe and a kind that is a pack's.
fn listed(tail: &[u8], start: u64, n: u64) -> Result<Vec<Facts>, Fault> {
    let (mut members, mut names, mut at) = (Vec::new(), BTreeSet::new(), 0);
    for _ in 0..n {
        let unreadable = || Fault::List { at: start + at as u64 };
        let head = tail.get(at..at + 46).ok_or_else(unreadable)?;
        if u32_at(head, 0) != Some(CENTRAL) {
            return Err(unreadable());
        }
        let [name, extra, comment] = [28, 30, 32].map(|place| usize::from(u16_at(head, place)));
        let bytes = tail.get(at + 46..at + 46 + name).ok_or_else(unreadable)?;
        let wide = tail.get(at + 46 + name..at + 46 + name + extra).ok_or_else(unreadable)?;
        let name = String::from_utf8_lossy(bytes).into_owned();
        check_kind(head, &name)?;
        if !names.insert(name.clone()) {
            return Err(Fault::Twice { name });
        }
        let narrow = u32_at(head, 24).unwrap_or(0);
        let size = if narrow == u32::MAX { u64_at(wide, 4) } else { u64::from(narrow) };
        members.push(Facts { name, bytes: size, crc: u32_at(head, 16).unwrap_or(0) });
        at += 46 + bytes.len() + extra + comment;
    }
    Ok(members)
}

fn check_kind(head: &[u8], name: &str) -> Result<(), Fault> {
    let name = name.to_owned();
    if !is_fit_name(&name) {
        return Err(Fault::Name { name });
    }
    let (flags, method, rights) = (u16_at(head, 8), u16_at(head, 10), u32_at(head, 38).unwrap_or(0) >> 16);
    if method != 0 || flags & 1 != 0 {
        return Err(Fault::Packed { name });
    }
    // File type bits of Unix: a plain file, or none where another system made the archive.
    if !matches!(rights & 0o170_000, 0 | 0o100_000) {
        return Err(Fault::Special { name });
    }
    Ok(())
}

/// The first part of the archive that is not what its list of members makes it.
fn compared(file: &File, layout: &Layout, start: u64, tail: &[u8]) -> io::Result<Option<Fault>> {
    let fault = |at, part: &str| Ok(Some(Fault::Structure { at, part: part.to_owned() }));
    if layout.members.windows(2).any(|pair| pair[0].name >= pair[1].name) {
        return fault(start, "order of the members");
    }
    if layout.directory_start() != start {
        return fault(start, "place of the list of members");
    }
    for (idx, member) in layout.members.iter().enumerate() {
        let (at, expected) = (layout.start(idx), layout.local(member));
        if read_at(file, at, expected.len())? != expected {
            return fault(at, &format!("header of {}", member.name));
        }
    }
    if layout.tail() != tail {
        return fault(start, "list of members");
    }
    Ok(None)
}

/// So many bytes from there; fewer where the file ends.
fn read_at(mut file: &File, at: u64, n: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(n);
    file.seek(SeekFrom::Start(at))?;
    file.take(n as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// 0 where there is nothing: what is read so is compared with what it must be.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    array_at(bytes, at).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    array_at(bytes, at).map_or(0, u64::from_le_bytes)
}

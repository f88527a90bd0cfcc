//! The bytes of an archive around its members.

/// Sizes and places from here on stand in 64-bit fields.
const WIDE_FROM: u64 = u32::MAX as u64;
/// Unix, and a version of the format that knows 64-bit fields or not.
const MADE_BY_UNIX: u16 = 3 << 8;
const VERSION: u16 = 20;
const VERSION_WIDE: u16 = 45;
/// 1 January 1980, 0:00: the first instant that the format can tell.
const DATE: u16 = (1 << 5) | 1;
/// A plain file that its owner may write and everybody read.
const RIGHTS: u32 = 0o100_644 << 16;
const WIDE_TAG: u16 = 1;

pub(super) const LOCAL: u32 = 0x0403_4b50;
pub(super) const CENTRAL: u32 = 0x0201_4b50;
pub(super) const END: u32 = 0x0605_4b50;
const WIDE_END: u32 = 0x0606_4b50;
const WIDE_LOCATOR: u32 = 0x0706_4b50;
/// Bytes of the end record without a comment.
pub(super) const END_BYTES: u64 = 22;

/// Whether a pack may have a member of that name: it stays in its folder on every system.
pub fn is_fit_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && name.chars().all(fits)
}

/// A member as the archive knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) crc: u32,
}

/// Where everything lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) members: Vec<Facts>,
    /// Where each member's local header begins.
    starts: Vec<u64>,
    /// Where the central directory begins.
    directory: u64,
    wide_from: u64,
}

impl Layout {
    /// That of `members`, which are in the order of their names.
    pub(crate) fn of(members: Vec<Facts>) -> Self {
        Self::with_limit(members, WIDE_FROM)
    }

    /// As [`Self::of`], with another size from which on fields are wide.
    pub(crate) fn with_limit(members: Vec<Facts>, wide_from: u64) -> Self {
        let mut layout = Self { members, starts: Vec::new(), directory: 0, wide_from };
        for member in &layout.members {
            layout.starts.push(layout.directory);
            let head = layout.local(member).len() as u64;
            layout.directory = layout.directory.saturating_add(head).saturating_add(member.bytes);
        }
        layout
    }

    /// Where the central directory begins.
    pub(crate) fn directory_start(&self) -> u64 {
        self.directory
    }

    /// Where a member's local header begins.
    pub(crate) fn start(&self, idx: usize) -> u64 {
        self.starts[idx]
    }

    /// Where a member's content begins.
    pub(crate) fn content_start(&self, idx: usize) -> u64 {
        self.starts[idx] + self.local(&self.members[idx]).len() as u64
    }

    /// The header before a member.
    pub(crate) fn local(&self, member: &Facts) -> Vec<u8> {
        let is_wide = member.bytes >= self.wide_from;
        let mut head = Bytes::default();
        head.u32(LOCAL).u16(version(is_wide));
        self.shared(&mut head, member);
        head.u16(if is_wide { 20 } else { 0 }).text(&member.name);
        if is_wide {
            head.u16(WIDE_TAG).u16(16).u64(member.bytes).u64(member.bytes);
        }
        head.0
    }

    /// Flags, method, time, checksum, sizes and length of the name: the same in both headers.
    fn shared(&self, head: &mut Bytes, member: &Facts) {
        let size = self.narrow(member.bytes);
        head.u16(0).u16(0).u16(0).u16(DATE).u32(member.crc).u32(size).u32(size);
        head.u16(member.name.len() as u16);
    }

    /// The central directory and the end records.
    pub(crate) fn tail(&self) -> Vec<u8> {
        let mut tail = Bytes::default();
        for (member, start) in self.members.iter().zip(&self.starts) {
            self.central(&mut tail, member, *start);
        }
        let bytes = tail.0.len() as u64;
        let n = self.members.len() as u64;
        if bytes >= self.wide_from || self.directory >= self.wide_from {
            let at = self.directory + bytes;
            tail.u32(WIDE_END).u64(44).u16(MADE_BY_UNIX | VERSION_WIDE).u16(VERSION_WIDE).u32(0).u32(0);
            tail.u64(n).u64(n).u64(bytes).u64(self.directory);
            tail.u32(WIDE_LOCATOR).u32(0).u64(at).u32(1);
        }
        tail.u32(END).u16(0).u16(0).u16(n as u16).u16(n as u16);
        tail.u32(self.narrow(bytes)).u32(self.narrow(self.directory)).u16(0);
        tail.0
    }

    fn central(&self, tail: &mut Bytes, member: &Facts, start: u64) {
        let (is_wide, is_far) = (member.bytes >= self.wide_from, start >= self.wide_from);
        let extra = u16::from(is_wide) * 16 + u16::from(is_far) * 8;
        let version = version(is_wide || is_far);
        tail.u32(CENTRAL).u16(MADE_BY_UNIX | version).u16(version);
        self.shared(tail, member);
        tail.u16(if extra == 0 { 0 } else { extra + 4 }).u16(0).u16(0).u16(0).u32(RIGHTS);
        tail.u32(self.narrow(start)).text(&member.name);
        if extra > 0 {
            tail.u16(WIDE_TAG).u16(extra);
        }
        if is_wide {
            tail.u64(member.bytes).u64(member.bytes);
        }
        if is_far {
            tail.u64(start);
        }
    }

    /// The 32-bit field of a number, which says by its highest value that a 64-bit field has it.
    fn narrow(&self, number: u64) -> u32 {
        if number >= self.wide_from { u32::MAX } else { number as u32 }
    }
}

fn version(is_wide: bool) -> u16 {
    if is_wide { VERSION_WIDE } else { VERSION }
}

/// Little-endian bytes in the making.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u16(&mut self, number: u16) -> &mut Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn u32(&mut self, number: u32) -> &mut Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn u64(&mut self, number: u64) -> &mut Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }
}

//! Writing an archive: contents are streamed, and must be what they were when they were looked at first.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::archive::layout::{Facts, Layout};

/// A member to be written.
pub(crate) struct Entry<'a> {
    pub(crate) facts: Facts,
    /// Gives its bytes.
    pub(crate) content: Box<dyn Read + 'a>,
    /// Where they come from.
    pub(crate) path: PathBuf,
}

/// Why an archive could not be written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// It cannot be written to.
    Io(io::Error),
    /// A content cannot be read.
    Read(PathBuf, io::Error),
    /// A content is not what its facts say.
    Moved(PathBuf),
}

/// Writes the archive of `entries`, which are in the order of their names.
pub(crate) fn write(entries: Vec<Entry<'_>>, out: &mut dyn Write) -> Result<(), WriteError> {
    let layout = Layout::of(entries.iter().map(|entry| entry.facts.clone()).collect());
    for entry in entries {
        out.write_all(&layout.local(&entry.facts)).map_err(WriteError::Io)?;
        copy(entry, out)?;
    }
    out.write_all(&layout.tail()).map_err(WriteError::Io)
}

fn copy(entry: Entry<'_>, out: &mut dyn Write) -> Result<(), WriteError> {
    let Entry { facts, mut content, path } = entry;
    let mut block = vec![0_u8; 1 << 16];
    let (mut crc, mut left) = (crc32fast::Hasher::new(), facts.bytes);
    while left > 0 {
        let room = block.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let n = content.read(&mut block[..room]).map_err(|error| WriteError::Read(path.clone(), error))?;
        if n == 0 {
            return Err(WriteError::Moved(path));
        }
        crc.update(&block[..n]);
        out.write_all(&block[..n]).map_err(WriteError::Io)?;
        left -= n as u64;
    }
    if crc.finalize() == facts.crc { Ok(()) } else { Err(WriteError::Moved(path)) }
}

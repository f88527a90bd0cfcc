//! A file that is read again and again.

use std::fs::File;
use std::io;

use crate::root::SysRoot;
use crate::sys;

/// An open file with a buffer of its own; each read starts at its beginning and allocates nothing.
///
/// Files of procfs and sysfs are made anew for each such read. The descriptor of a file below `/proc/PID` belongs to
/// that very process: when it has ended, reads fail, even if its number is used again.
#[derive(Debug)]
pub(crate) struct HotFile {
    file: File,
    buffer: Box<[u8]>,
}

impl HotFile {
    /// Opens a file of which the first `limit_bytes` matter.
    pub(crate) fn open(root: &SysRoot, inside: &str, limit_bytes: usize) -> io::Result<Self> {
        Ok(Self { file: root.open(inside)?, buffer: vec![0; limit_bytes].into_boxed_slice() })
    }

    /// The file's whole lines within the limit; an error if it cannot be read now or has none.
    pub(crate) fn read(&mut self) -> io::Result<&[u8]> {
        let n_bytes = sys::read_at(&self.file, &mut self.buffer, 0)?;
        let mut text = &self.buffer[..n_bytes];
        // A full buffer may end within a number, which must not be taken for a smaller one.
        if n_bytes == self.buffer.len() {
            let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            text = &text[..whole];
        }
        if text.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(text) }
    }

    /// Like [`HotFile::read`], where the reason does not matter.
    pub(crate) fn text(&mut self) -> Option<&[u8]> {
        // Best effort: "not readable now" is what the row says.
        self.read().ok()
    }
}

/// Whether a file that cannot be read now may be under load.
///
/// A zone of a GPU that is switched off says `EAGAIN`, a chip without a conversion yet `ENODATA`, a bus in use `EBUSY`.
pub(crate) fn may_pass(error: &io::Error) -> bool {
    let is_empty = error.raw_os_error() == Some(libc::ENODATA);
    is_empty || matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ResourceBusy)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_that_gives_an_error_has_no_text() {
        // Nothing is mapped at 0: the kernel says EIO.
        let mut file = HotFile::open(&SysRoot::real(), "proc/self/mem", 8).expect("our own memory");
        assert_eq!(file.read().expect_err("nothing is there").raw_os_error(), Some(libc::EIO));
        assert_eq!(file.text(), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn only_errors_that_may_pass_do() {
        let error = io::Error::from_raw_os_error;
        assert!([libc::EAGAIN, libc::ENODATA, libc::EBUSY].iter().all(|code| may_pass(&error(*code))));
        assert!(
            ![libc::EACCES, libc::EIO, libc::ENODEV, libc::EINVAL].iter().any(|code| may_pass(&error(*code)))
        );
    }

    #[test]
    fn a_cut_line_is_left_out() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let read = |text: &str| {
            fs::write(dir.path().join("file"), text).expect("a temporary file");
            let mut file = HotFile::open(&SysRoot::tree(dir.path()), "file", 8).expect("it is there");
            file.text().map(<[u8]>::to_vec)
        };
        assert_eq!(read("12\n34\n"), Some(b"12\n34\n".to_vec()));
        assert_eq!(read("12\n345678"), Some(b"12\n".to_vec()));
        assert_eq!(read("1234567890"), None);
        assert_eq!(read(""), None);
    }
}

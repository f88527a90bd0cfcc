//! The GNU C library that a program needs, and the one that a device has.

use std::fmt;

/// How the names of its versions begin in a program's table of strings.
const BEGIN: &[u8] = b"GLIBC_";

/// A version of the GNU C library: 2.36.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Glibc {
    /// Its first number, which has been 2 since 1997.
    pub major: u32,
    /// Its second number.
    pub minor: u32,
}

impl Glibc {
    /// The newest version that a program names, and thus the oldest library that it starts with; `None` for one that
    /// names none: it is static, or for another library.
    ///
    /// The names are those of the versions of its symbols (`.gnu.version_r`), which lie as plain strings in the file.
    pub fn needed_by(program: &[u8]) -> Option<Self> {
        let places = program.windows(BEGIN.len()).enumerate().filter(|(_, bytes)| *bytes == BEGIN);
        let names = places.filter_map(|(at, _)| {
            let rest = &program[at + BEGIN.len()..];
            let end = rest.iter().take(16).position(|byte| *byte == 0)?;
            Self::parse(std::str::from_utf8(&rest[..end]).ok()?)
        });
        names.max()
    }

    /// What `getconf GNU_LIBC_VERSION` says: `glibc 2.36`. `None` for all else, as other libraries say other words.
    pub fn of_getconf(words: &str) -> Option<Self> {
        Self::parse(words.trim().strip_prefix("glibc ")?)
    }

    /// `2.36` or `2.2.5`.
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(str::parse);
        let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some(Self { major, minor })
    }
}

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(major: u32, minor: u32) -> Glibc {
        Glibc { major, minor }
    }

    #[test]
    fn the_newest_version_that_is_named_counts() {
        let check = |program: &[u8], expected| assert_eq!(Glibc::needed_by(program), expected, "{program:?}");
        check(b"\0malloc\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0", Some(version(2, 34)));
        check(b"GLIBC_2.17\0", Some(version(2, 17)));
        check(b"", None);
        check(b"GLIBC_PRIVATE\0GLIBC_\0GLIBC_2\0", None);
        // No name of a version, for it does not end.
        check(b"GLIBC_2.36 and more words", None);
        check(b"GLIBC_2.36", None);
    }

    #[test]
    fn a_device_says_its_version_or_nothing() {
        assert_eq!(Glibc::of_getconf("glibc 2.36\n"), Some(version(2, 36)));
        for words in ["", "glibc", "musl 1.2.4", "undefined", "2.36"] {
            assert_eq!(Glibc::of_getconf(words), None, "{words}");
        }
        assert!(version(2, 9) < version(2, 17));
        assert_eq!(version(2, 36).to_string(), "2.36");
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static")))]
    fn this_very_test_needs_one() {
        let program = std::env::current_exe().and_then(std::fs::read).expect("our own file");
        assert!(Glibc::needed_by(&program) >= Some(version(2, 2)));
    }
}

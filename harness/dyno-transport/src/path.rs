//! Paths on a device.

use std::fmt;

/// An absolute path on a device, with `/` as separator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemotePath(String);

impl RemotePath {
    /// Takes a path as it is written.
    pub fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// The path of `name` in this folder.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        Self(format!("{}/{}", self.0.trim_end_matches('/'), name.trim_start_matches('/')))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder that it lies in.
    #[must_use]
    pub fn parent(&self) -> Self {
        let cut = self.0.trim_end_matches('/').rfind('/').unwrap_or(0);
        Self(if cut == 0 { "/".to_owned() } else { self.0[..cut].to_owned() })
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_and_parent_meet_at_one_slash() {
        let folder = RemotePath::new("/a/b/");
        assert_eq!(folder.join("c").as_str(), "/a/b/c");
        assert_eq!(folder.join("c").parent().as_str(), "/a/b");
        assert_eq!(RemotePath::new("/a").parent().as_str(), "/");
    }
}

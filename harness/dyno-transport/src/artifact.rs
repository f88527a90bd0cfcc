//! Files by their content: what has the same digest is pushed once.

use std::fs::{self, File};
use std::path::Path;

use dyno_model::digest::Digest;

use crate::error::TransportError;
use crate::path::RemotePath;
use crate::transport::{OnBytes, PushOutcome, Transport};

/// A file of known content on this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Artifact<'a> {
    /// Where it is.
    pub local: &'a Path,
    /// What it must hash to.
    pub digest: &'a Digest,
    /// Its size.
    pub bytes: u64,
    /// What it is called on the device: one name, not a path.
    pub name: &'a str,
}

/// Where a file of that content lies below a work folder: `artifacts/<sha256>/<name>`.
#[must_use]
pub fn path(work_dir: &RemotePath, digest: &Digest, name: &str) -> RemotePath {
    work_dir.join("artifacts").join(digest.as_str()).join(name)
}

/// Brings the file to its place on the device, unless a file of its size is there already.
///
/// The file is hashed before it is sent, so that nothing wrong gets a digest for its name. What arrives is as long as
/// what was sent; whether it is still whole after months on a card is for the agent to verify.
///
/// # Errors
/// [`TransportError::Changed`] when the file is not what it is said to be; else those of [`Transport::push`].
pub fn push(
    transport: &mut dyn Transport,
    artifact: &Artifact<'_>,
    on_bytes: OnBytes<'_>,
) -> Result<(RemotePath, PushOutcome), TransportError> {
    let to = path(transport.work_dir(), artifact.digest, artifact.name);
    if transport.size(&to)? == Some(artifact.bytes) {
        return Ok((to, PushOutcome::AlreadyThere));
    }
    check(artifact)?;
    let outcome = transport.push(artifact.local, &to, on_bytes)?;
    Ok((to, outcome))
}

fn check(artifact: &Artifact<'_>) -> Result<(), TransportError> {
    let path = artifact.local.display().to_string();
    let unreadable = |source| TransportError::Local { path: path.clone(), source };
    let changed = |expected: &dyn ToString, found: &dyn ToString| TransportError::Changed {
        path: path.clone(),
        expected: expected.to_string(),
        found: found.to_string(),
    };
    let bytes = fs::metadata(artifact.local).map_err(unreadable)?.len();
    if bytes != artifact.bytes {
        return Err(changed(&format_args!("{} bytes", artifact.bytes), &format_args!("{bytes} bytes")));
    }
    let mut file = File::open(artifact.local).map_err(unreadable)?;
    let digest = Digest::of_reader(&mut file).map_err(unreadable)?;
    if digest == *artifact.digest { Ok(()) } else { Err(changed(artifact.digest, &digest)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{MemoryDevice, MemoryTransport};

    #[test]
    fn the_same_content_is_sent_once_and_never_under_a_wrong_name() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let local = dir.path().join("model.gguf");
        fs::write(&local, b"abc").expect("a temporary file");
        let (digest, other) = (Digest::of(b"abc"), Digest::of(b"abd"));
        let device = MemoryDevice::default();
        let mut transport = MemoryTransport::new("d", &device);
        let mut push = |digest, bytes| {
            push(&mut transport, &Artifact { local: &local, digest, bytes, name: "model" }, &mut |_| {})
        };
        let (to, outcome) = push(&digest, 3).expect("the right content");
        assert_eq!(outcome, PushOutcome::Sent { bytes: 3 });
        // The digest of `abc` is the example of FIPS 180-4.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(to.as_str(), format!("/memory/artifacts/{sha256}/model"));
        assert_eq!(push(&digest, 3).expect("it is there").1, PushOutcome::AlreadyThere);
        for (digest, bytes) in [(&other, 3), (&other, 4)] {
            let error = push(digest, bytes).expect_err("not what it is said to be");
            assert!(matches!(error, TransportError::Changed { .. }), "{error}");
        }
        assert_eq!(device.paths(), [to]);
    }
}

//! A small file system of its own on this machine: full, read-only or noexec folders for `local` and `Sshd` devices.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::BenchError;
use crate::program::{make_folder, need_root, run};
use crate::undo::{Scratch, Undo};

/// A mounted tmpfs; unmounted on drop.
#[derive(Debug)]
pub struct Volume {
    folder: PathBuf,
    _undo: Undo,
    _scratch: Scratch,
}

impl Volume {
    /// Mounts a tmpfs with these options, such as `size=4m`, `size=64m,noexec` or `size=1m,ro`.
    ///
    /// # Errors
    /// Without root, or when the options are refused.
    pub fn mount(options: &str) -> Result<Self, BenchError> {
        need_root("a mounted volume")?;
        let scratch = Scratch::new("volume")?;
        run(Command::new("chmod").arg("755").arg(scratch.path()))?;
        let folder = scratch.join("v");
        make_folder(&folder)?;
        let undo = Undo::new(&format!("! mountpoint -q '{0}' || umount -l '{0}'", folder.display()))?;
        run(Command::new("mount").args(["-t", "tmpfs", "-o", options, "bench"]).arg(&folder))?;
        Ok(Self { folder, _undo: undo, _scratch: scratch })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Changes its options, such as `ro`, `rw` or `size=64m`.
    ///
    /// # Errors
    /// When the options are refused.
    pub fn remount(&self, options: &str) -> Result<(), BenchError> {
        let options = format!("remount,{options}");
        run(Command::new("mount").args(["-o", &options]).arg(&self.folder)).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::Volume;

    #[test]
    fn volume_is_full_at_its_size_and_read_only_on_demand() {
        let volume = Volume::mount("size=1m").expect("a volume");
        let file = volume.path().join("f");
        let error = std::fs::write(&file, vec![1; 2 << 20]).expect_err("it is full");
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
        volume.remount("ro").expect("it can be remounted");
        let error = std::fs::write(&file, "x").expect_err("it is read-only");
        assert_eq!(error.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
        let folder = volume.path().to_owned();
        drop(volume);
        assert!(!folder.exists());
    }
}

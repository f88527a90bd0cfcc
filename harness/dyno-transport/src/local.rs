//! This machine as a device.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::command::RemoteCommand;
use crate::error::TransportError;
use crate::output::{Collector, Keep, MAX_OUTPUT_BYTES};
use crate::path::RemotePath;
use crate::process::LocalProcess;
use crate::shell::OURS;
use crate::transport::{OnBytes, Output, Platform, PushOutcome, RemoteProcess, Transport};
use crate::{place, sys};

/// How long a program's output may stay open after its end: something that it started may hold it.
const OUTPUT_LIMIT: Duration = Duration::from_secs(1);

/// This machine, with a folder of its own for edgedyno.
#[derive(Debug)]
pub struct LocalTransport {
    name: String,
    work_dir: RemotePath,
}

impl LocalTransport {
    /// The machine under the device id `name`; without `work_dir` it uses `edgedyno/device-NAME` of the cache folder.
    ///
    /// The cache folder is `XDG_CACHE_HOME` if that is an absolute path, else `~/.cache`. In `work_dir`, `~/` is the
    /// home folder, and a relative path begins at the current folder.
    ///
    /// # Errors
    /// [`TransportError::NoHome`] when a folder of the user is needed and not known, [`TransportError::WorkDir`] when
    /// the path cannot be used.
    pub fn new(name: &str, work_dir: Option<&str>) -> Result<Self, TransportError> {
        let dir = match work_dir {
            Some(dir) => match dir.strip_prefix("~/") {
                Some(inside) => set("HOME").ok_or(TransportError::NoHome)?.join(inside),
                None => PathBuf::from(dir),
            },
            None => {
                cache_dir().ok_or(TransportError::NoHome)?.join("edgedyno").join(format!("device-{name}"))
            }
        };
        let unusable = || TransportError::WorkDir { path: dir.display().to_string() };
        let absolute = std::path::absolute(&dir).map_err(|_empty| unusable())?;
        let work_dir = RemotePath::new(absolute.to_str().ok_or_else(unusable)?);
        Ok(Self { name: name.to_owned(), work_dir })
    }

    fn file_error(
        &self,
        doing: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> TransportError + use<> {
        let (device, path) = (self.name.clone(), path.display().to_string());
        move |source| TransportError::File { device, doing, path, source }
    }

    fn make_folder_of(&self, path: &Path) -> Result<(), TransportError> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).map_err(self.file_error("create", folder))
    }

    /// Copies `from` to `to`, with its permissions, if there is room.
    fn copy(&self, from: &Path, to: &Path) -> Result<u64, TransportError> {
        let mut source = File::open(from).map_err(self.file_error("read", from))?;
        let about = source.metadata().map_err(self.file_error("read", from))?;
        let (needed, path) = (about.len(), to.display().to_string());
        let free = to.parent().and_then(sys::disk).map(|disk| disk.free_bytes);
        let full =
            |free| TransportError::NoRoom { device: self.name.clone(), path: path.clone(), needed, free };
        if let Some(free) = free.filter(|free| *free < needed) {
            return Err(full(free));
        }
        let found =
            place::write(&mut source, Some(about.permissions()), to).map_err(self.file_error("write", to))?;
        if found != needed {
            // Best effort: the file changed while it was read, and what arrived is no file of ours.
            fs::remove_file(to).ok();
            return Err(TransportError::ShortCopy {
                device: self.name.clone(),
                path,
                expected: needed,
                found,
            });
        }
        Ok(found)
    }

    fn start(
        &self,
        command: &RemoteCommand,
        keep_stderr: Option<Keep>,
    ) -> Result<LocalProcess, TransportError> {
        let failed =
            |source| TransportError::Start { device: self.name.clone(), program: program(command), source };
        let Some((program, args)) = command.argv.split_first() else {
            return Err(failed(io::ErrorKind::InvalidInput.into()));
        };
        let mut std_command = Command::new(program);
        std_command.args(args).envs(command.env.iter().map(|(name, value)| (name, value)));
        std_command.current_dir(command.dir.as_ref().unwrap_or(&self.work_dir).as_str());
        LocalProcess::start(&self.name, &mut std_command, keep_stderr).map_err(failed)
    }
}

fn program(command: &RemoteCommand) -> String {
    command.argv.first().cloned().unwrap_or_default()
}

fn set(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn cache_dir() -> Option<PathBuf> {
    set("XDG_CACHE_HOME")
        .filter(|dir| dir.is_absolute())
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
}

impl Transport for LocalTransport {
    fn kind(&self) -> &'static str {
        "local"
    }

    fn work_dir(&self) -> &RemotePath {
        &self.work_dir
    }

    fn prepare(&mut self) -> Result<(), TransportError> {
        let dir = PathBuf::from(self.work_dir.as_str());
        fs::create_dir_all(&dir).map_err(self.file_error("create", &dir))?;
        let probe = dir.join(format!(".writable-{}", std::process::id()));
        fs::write(&probe, b"edgedyno").map_err(self.file_error("write", &probe))?;
        fs::remove_file(&probe).map_err(self.file_error("remove", &probe))?;
        if sys::disk(&dir).is_some_and(|disk| disk.is_noexec) {
            return Err(TransportError::NoExec {
                device: self.name.clone(),
                path: self.work_dir.to_string(),
            });
        }
        Ok(())
    }

    fn size(&mut self, remote: &RemotePath) -> Result<Option<u64>, TransportError> {
        let path = Path::new(remote.as_str());
        match fs::metadata(path) {
            Ok(about) => Ok(about.is_file().then_some(about.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.file_error("read", path)(error)),
        }
    }

    fn run(&mut self, command: &RemoteCommand, limit: Duration) -> Result<Output, TransportError> {
        let mut process = self.start(command, Some(Keep::First(MAX_OUTPUT_BYTES)))?;
        let failed =
            |source| TransportError::Start { device: self.name.clone(), program: program(command), source };
        let streams = process.streams().expect("a fresh process has its streams");
        drop(streams.stdin);
        let stdout =
            Collector::start("stdout", streams.stdout, Keep::First(MAX_OUTPUT_BYTES)).map_err(failed)?;
        let Some(ended) = process.wait(limit)? else {
            process.kill();
            return Err(TransportError::Timeout {
                device: self.name.clone(),
                program: program(command),
                limit,
            });
        };
        stdout.wait(OUTPUT_LIMIT);
        Ok(Output { ended, stdout: stdout.bytes(), stderr: process.stderr() })
    }

    fn platform(&mut self) -> Result<Platform, TransportError> {
        let os = match std::env::consts::OS {
            "linux" => "Linux",
            "android" => "Android",
            "macos" => "Darwin",
            other => other,
        };
        let machine = std::env::consts::ARCH.to_owned();
        Ok(Platform { os: os.to_owned(), machine, bits: Some(usize::BITS), ..Platform::default() })
    }

    fn push(
        &mut self,
        local: &Path,
        remote: &RemotePath,
        on_bytes: OnBytes<'_>,
    ) -> Result<PushOutcome, TransportError> {
        let to = Path::new(remote.as_str());
        let bytes = fs::metadata(local).map_err(self.file_error("read", local))?.len();
        if self.size(remote)? == Some(bytes) {
            return Ok(PushOutcome::AlreadyThere);
        }
        self.make_folder_of(to)?;
        if !place::link(local, to) {
            self.copy(local, to)?;
        }
        on_bytes(bytes);
        Ok(PushOutcome::Sent { bytes })
    }

    fn pull(
        &mut self,
        remote: &RemotePath,
        local: &Path,
        on_bytes: OnBytes<'_>,
    ) -> Result<u64, TransportError> {
        // Never a link: a file on the device may still grow.
        self.make_folder_of(local)?;
        let bytes = self.copy(Path::new(remote.as_str()), local)?;
        on_bytes(bytes);
        Ok(bytes)
    }

    fn spawn(&mut self, command: &RemoteCommand) -> Result<Box<dyn RemoteProcess>, TransportError> {
        Ok(Box::new(self.start(command, None)?))
    }

    fn remove(&mut self, remote: &RemotePath) -> Result<(), TransportError> {
        let path = Path::new(remote.as_str());
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.file_error("remove", path)(error))
            }
            Err(_) | Ok(()) => Ok(()),
        }
    }

    fn clean(&mut self) -> Result<u64, TransportError> {
        let dir = Path::new(self.work_dir.as_str());
        if File::open(dir.join("agent.lock")).is_ok_and(|lock| lock.try_lock().is_err()) {
            let path = self.work_dir.to_string();
            return Err(TransportError::InUse { device: self.name.clone(), path });
        }
        let mut freed = 0;
        for path in OURS.map(|name| dir.join(name)) {
            let removed = match fs::symlink_metadata(&path) {
                Ok(about) if about.is_dir() => {
                    freed += place::bytes_below(&path).map_err(self.file_error("read", &path))?;
                    fs::remove_dir_all(&path)
                }
                Ok(about) => {
                    freed += about.blocks() * 512;
                    fs::remove_file(&path)
                }
                Err(_) => continue,
            };
            removed.map_err(self.file_error("remove", &path))?;
        }
        // Best effort: a folder in which something else lies stays.
        fs::remove_dir(dir).ok();
        Ok(freed)
    }
}

//! Leaving no trace: scratch folders, and steps that are undone when a guard is dropped, or when this process is gone.
//!
//! Each process has one folder, named by its pid and start time, with one small shell script for each thing to undo.
//! A guard runs its own script on drop.
//! A keeper, a shell that waits for the end of this process on a pipe, runs what is left then, so a killed test run,
//! or a part kept in a `static`, is undone too.
//! Should the keeper be killed as well, the next process on this bench does its work.

use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::BenchError;
use crate::program::{make_folder, run, write};

/// Functions for the scripts: end a process only if it is still the one that was meant.
const PRELUDE: &str = r#"
end() { if [ "$(cut -d' ' -f22 "/proc/$1/stat" 2>/dev/null)" = "$2" ]; then kill -9 "$1"; fi; }
marked() { grep -lazx "$1" /proc/[0-9]*/environ 2>/dev/null; }
end_marked() {
  n=0
  while [ $n -lt 50 ] && [ -n "$(marked "$1")" ]; do
    for f in $(marked "$1"); do f=${f#/proc/}; kill -9 "${f%/environ}" 2>/dev/null; done
    n=$((n + 1)); sleep 0.02
  done
  return 0
}
"#;

/// Undoes all of one process, newest first; `mkdir` lets only one at a time do it.
const SWEEP: &str = r#"
cd "$1" 2>/dev/null || exit 0
mkdir swept 2>/dev/null || exit 0
for f in $(ls -r undo); do sh "undo/$f"; done >/dev/null 2>&1
cd / && rm -rf --one-file-system "$1"
"#;

/// Something to undo when this is dropped, or when this process is gone.
#[derive(Debug)]
pub(crate) struct Undo {
    script: PathBuf,
}

impl Undo {
    /// Notes a step; `end PID START` and `end_marked NAME=VALUE` may be used in it.
    pub(crate) fn new(step: &str) -> Result<Self, BenchError> {
        let script = own_folder()?.join("undo").join(format!("{:06}.sh", next_number()));
        write(&script, format!("{PRELUDE}\n{step}\n"))?;
        Ok(Self { script })
    }

    /// It has been undone otherwise.
    pub(crate) fn forget(self) {
        // Best effort: an undone step may be undone again.
        let _ = std::fs::remove_file(&self.script);
        std::mem::forget(self);
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        let mut shell = Command::new("sh");
        // Best effort: what cannot be undone now is tried again by the keeper.
        if run(shell.arg(&self.script)).is_ok() {
            let _ = std::fs::remove_file(&self.script);
        }
    }
}

/// A folder of its own for one part, removed on drop.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    pub(crate) fn new(name: &str) -> Result<Self, BenchError> {
        let folder = own_folder()?.join(format!("{name}-{}", next_number()));
        make_folder(&folder)?;
        Ok(Self { folder })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Best effort: the keeper removes what is left. Mounts below are never entered.
        let mut remove = Command::new("rm");
        let _ = run(remove.args(["-rf", "--one-file-system"]).arg(&self.folder));
    }
}

/// A folder that all processes of this bench share; not removed.
pub(crate) fn shared_folder(name: &str) -> Result<PathBuf, BenchError> {
    own_folder()?;
    Ok(root().join(name))
}

/// A number that this process has not used yet.
pub(crate) fn next_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The start time of a process, in clock ticks since boot; with the pid it names one process for good.
pub(crate) fn start_time(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold spaces; field 22 of proc(5) is the 20th after it.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}

struct Keeper {
    folder: PathBuf,
    /// Held open, never written: its end tells the keeper that this process is gone.
    _life: ChildStdin,
}

fn own_folder() -> Result<PathBuf, BenchError> {
    static KEEPER: OnceLock<Mutex<Option<Keeper>>> = OnceLock::new();
    let cell = KEEPER.get_or_init(|| Mutex::new(None));
    let mut keeper = cell.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if keeper.is_none() {
        *keeper = Some(start_keeper()?);
    }
    Ok(keeper.as_ref().expect("it was just made").folder.clone())
}

fn start_keeper() -> Result<Keeper, BenchError> {
    let root = root();
    make_folder(&root)?;
    check_owner(&root)?;
    sweep_the_dead(&root);
    let pid = std::process::id();
    let start = start_time(pid).unwrap_or_default();
    let folder = root.join(format!("{pid}-{start}"));
    make_folder(&folder.join("undo"))?;
    let script = format!("cat >/dev/null\n{SWEEP}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, "keeper"]).arg(&folder);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // A group of its own: Ctrl-C in the terminal ends the tests, and the keeper afterwards cleans up.
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    let mut child = shell.spawn().map_err(|source| BenchError::Start { command: "sh".to_owned(), source })?;
    let life = child.stdin.take().expect("its stdin was asked to be a pipe");
    Ok(Keeper { folder, _life: life })
}

/// Where all processes of this user have their folders.
fn root() -> PathBuf {
    use std::os::unix::fs::MetadataExt;
    let uid = std::fs::metadata("/proc/self").map_or(0, |own| own.uid());
    std::env::temp_dir().join(format!("edgedyno-testbench-{uid}"))
}

/// Scripts in it are run: it must not be somebody else's.
fn check_owner(root: &Path) -> Result<(), BenchError> {
    use std::os::unix::fs::MetadataExt;
    let owner = |path: &Path| {
        std::fs::symlink_metadata(path).map(|of| of.uid()).map_err(BenchError::io("cannot look at", path))
    };
    if owner(root)? == owner(Path::new("/proc/self"))? {
        return Ok(());
    }
    Err(BenchError::Answer {
        what: root.display().to_string(),
        answer: "it belongs to another user".to_owned(),
    })
}

fn sweep_the_dead(root: &Path) {
    let Ok(entries) = std::fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((pid, start)) = name.split_once('-') else { continue };
        let Ok(pid) = pid.parse() else { continue };
        if start_time(pid).as_deref() == Some(start) {
            continue;
        }
        let mut shell = Command::new("sh");
        // Best effort: names are unique, so what stays behind is in nobody's way.
        let _ = run(shell.args(["-c", SWEEP, "sweep"]).arg(entry.path()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_time_of_this_process_is_before_that_of_its_child() {
        let mut child = Command::new("sleep").arg("30").spawn().expect("sleep can be started");
        let of = |pid| start_time(pid).expect("it lives").parse::<u64>().expect("ticks");
        assert!(of(std::process::id()) <= of(child.id()));
        child.kill().expect("it can be ended");
        child.wait().expect("it has ended");
    }

    #[test]
    fn undo_runs_on_drop_and_only_then() {
        let scratch = Scratch::new("undo-test").expect("scratch");
        let mark = scratch.join("mark");
        let undo = Undo::new(&format!("touch {}", mark.display())).expect("a step can be noted");
        assert!(!mark.exists());
        drop(undo);
        assert!(mark.exists());
    }

    #[test]
    fn folders_of_dead_processes_are_undone_by_the_next_one() {
        let scratch = Scratch::new("sweep-test").expect("scratch");
        let mark = scratch.join("mark");
        // Process 1 lives, but it did not start at tick 999999999.
        let dead = scratch.join("1-999999999");
        make_folder(&dead.join("undo")).expect("a folder");
        write(&dead.join("undo/000001.sh"), format!("touch {}", mark.display())).expect("a file");
        sweep_the_dead(scratch.path());
        assert!(mark.exists() && !dead.exists());
    }
}

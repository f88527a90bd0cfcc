//! Real files on this machine's disk, real pages, real processes.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use dyno_model::launch::{Dialect, LaunchSpec, ServerSpec};
use dyno_model::start::{StartMade, StartPoint, StartState};
use tempfile::TempDir;

use super::caches::{Bounds, clear_within};
use super::{cost, make};
use crate::sys::pages;
#[cfg(target_os = "linux")]
use crate::sys::pages::FileSystem;

/// Not a whole number of pages.
const FILE_BYTES: usize = (8 << 20) + 123;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for temporary files")
}

fn spec(start: StartState, model: Option<&Path>) -> LaunchSpec {
    LaunchSpec {
        runtime: "embedded".to_owned(),
        dialect: Dialect::Embedded,
        model_path: model.map(|path| path.to_str().expect("UTF-8").to_owned()),
        model_digest: None,
        threads: None,
        core_mask: None,
        context_tokens: 64,
        settings: std::collections::BTreeMap::new(),
        ready_limit_ms: 1000,
        start,
        server: None,
        endpoint: None,
    }
}

fn made(start: StartState, model: &Path) -> StartMade {
    make(&spec(start, Some(model))).expect("something is to be made")
}

fn write(path: &Path) {
    fs::write(path, vec![7; FILE_BYTES]).expect("our own folder");
}

#[test]
fn a_launch_as_it_is_is_left_alone() {
    assert_eq!(make(&spec(StartState::AsItIs, Some(Path::new("/nonexistent")))), None);
}

#[test]
fn a_model_that_cannot_be_looked_at_is_unverified() {
    let folder = folder();
    let empty = folder.path().join("empty");
    File::create(&empty).expect("our own folder");
    for start in [StartState::DeviceCold, StartState::StorageCold, StartState::PageWarm] {
        let why = |path: Option<&Path>| {
            let made = make(&spec(start, path)).expect("something is to be made");
            assert_eq!((made.state, made.resident_bytes), (start, None));
            made.unverified.expect("nothing is shown")
        };
        assert_eq!(why(None), "the launch has no model file");
        let missing = why(Some(&folder.path().join("m.gguf")));
        assert!(missing.contains("m.gguf cannot be opened: No such file"), "{missing}");
        assert!(why(Some(folder.path())).ends_with("is no plain file"));
        assert!(why(Some(&empty)).ends_with("is empty"));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_is_evicted_and_brought_back() {
    let folder = folder();
    let model = folder.path().join("m.gguf");
    write(&model);
    let file = File::open(&model).expect("just written");
    if pages::file_system(&file) != FileSystem::Storage {
        // Where temporary files lie in memory or on an overlay, only that is to be shown.
        assert!(made(StartState::StorageCold, &model).unverified.is_some());
        return;
    }
    let page = pages::page_bytes() as u64;
    for _ in 0..2 {
        let warm = made(StartState::PageWarm, &model);
        assert_eq!((warm.unverified, warm.resident_bytes), (None, Some(FILE_BYTES as u64)));
        assert_eq!(warm.steps, [format!("read: {FILE_BYTES} bytes")]);
        // A second method: the page cache's own count, on kernels that have it.
        if let Ok(pages) = pages::cachestat_pages(&file) {
            assert_eq!(pages, (FILE_BYTES as u64).div_ceil(page));
        }
        let cold = made(StartState::StorageCold, &model);
        assert_eq!(cold.unverified, None, "{cold:?}");
        assert_eq!(
            (cold.file_bytes, cold.resident_before_bytes),
            (Some(FILE_BYTES as u64), warm.resident_bytes)
        );
        assert!(cold.resident_bytes.is_some_and(|bytes| bytes * 100 <= FILE_BYTES as u64), "{cold:?}");
        if let Ok(pages) = pages::cachestat_pages(&file) {
            assert!(pages * page * 100 <= FILE_BYTES as u64, "{pages}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_process_read_is_its_cost() {
    let folder = folder();
    let model = folder.path().join("m.gguf");
    write(&model);
    let is_storage = pages::file_system(&File::open(&model).expect("just written")) == FileSystem::Storage;
    let read_in = |start| {
        let made = made(start, &model);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "cat \"$0\" > /dev/null; echo; read word"]).arg(&model);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("every system has a shell");
        let mut answer = [0];
        let out = child.stdout.as_mut().expect("piped");
        std::io::Read::read_exact(out, &mut answer).expect("it says when it is done");
        let cost = cost(child.id(), StartPoint::Ready);
        drop(child.stdin.take());
        child.wait().expect("our child");
        (made.unverified, cost)
    };
    let (unverified, cold) = read_in(StartState::StorageCold);
    assert!(cold.major_faults.is_some());
    // Not every kernel counts bytes.
    if let (true, Some(bytes)) = (is_storage, cold.read_bytes) {
        assert_eq!(unverified, None);
        assert!(bytes >= FILE_BYTES as u64, "{bytes}");
        // The shell itself has to be read again where another test has just dropped all caches.
        let warm: Vec<_> = (0..5).map(|_| read_in(StartState::PageWarm).1.read_bytes).collect();
        let is_cheap = |bytes: &Option<u64>| bytes.is_some_and(|bytes| bytes < FILE_BYTES as u64 / 2);
        assert!(warm.iter().any(is_cheap), "{warm:?}");
    }
    let nobody = cost(u32::MAX, StartPoint::FirstRequest);
    assert_eq!((nobody.read_bytes, nobody.major_faults), (None, None));
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_in_memory_is_never_cold() {
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else { return };
    let model = folder.path().join("m.gguf");
    write(&model);
    let cold = made(StartState::StorageCold, &model);
    assert_eq!(cold.unverified.as_deref(), Some("the model lies on tmpfs, which is memory itself"));
    assert_eq!(cold.resident_bytes, Some(FILE_BYTES as u64));
    assert_eq!(made(StartState::PageWarm, &model).unverified, None);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_a_process_holds_is_unverified_and_the_process_is_named() {
    use std::os::unix::process::CommandExt as _;

    let folder = folder();
    // A program that runs is mapped: this one is the model.
    let model = folder.path().join("held.gguf");
    fs::copy("/bin/sleep", &model).expect("every system has it");
    let mut held = Command::new(&model).arg0("sleep").arg("600").spawn().expect("it is a program");
    let cold = made(StartState::StorageCold, &model);
    held.kill().expect("our child");
    held.wait().expect("our child");
    let why = cold.unverified.expect("its pages are in use");
    let expected = format!("of the model are in memory; process {} (", held.id());
    assert!(why.contains(&expected), "{why}");
    assert!(cold.steps.iter().any(|step| step.contains(", try 5: ")), "{:?}", cold.steps);
}

/// As root, does it again as nobody.
#[cfg(target_os = "linux")]
#[test]
fn without_root_the_advice_is_enough() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    use std::os::unix::process::CommandExt as _;

    const NOBODY: u32 = 65534;
    let folder = folder();
    let model = folder.path().join("m.gguf");
    write(&model);
    if fs::metadata(&model).expect("just written").uid() == 0 {
        let program = folder.path().join("test");
        fs::copy(std::env::current_exe().expect("this test"), &program).expect("our own folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        let own = folder.path().join("own");
        fs::create_dir(&own).expect("our own folder");
        chown(&own, Some(NOBODY), Some(NOBODY)).expect("root may");
        let name = "cold::tests::without_root_the_advice_is_enough";
        let mut again = Command::new(program);
        again.args(["--exact", name]).env("TMPDIR", &own).env("OF_ROOT", &model).uid(NOBODY).gid(NOBODY);
        let out = again.output().expect("the same program");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
        assert!(String::from_utf8_lossy(&out.stdout).contains("1 passed"));
        return;
    }
    let cold = made(StartState::StorageCold, &model);
    if pages::file_system(&File::open(&model).expect("just written")) == FileSystem::Storage {
        assert_eq!(cold.unverified, None, "{cold:?}");
    }
    assert!(cold.steps[0].starts_with("sync, drop_caches 3: Permission denied"), "{:?}", cold.steps);
    assert!(cold.steps[1].starts_with("fdatasync, posix_fadvise DONTNEED: "), "{:?}", cold.steps);
    if let Some(of_root) = std::env::var_os("OF_ROOT") {
        // mincore(2) would say that all of it is in memory. cachestat(2) told everybody from Linux 6.5 to 6.12.
        let theirs = made(StartState::PageWarm, Path::new(&of_root));
        let is_told = pages::cachestat_pages(&File::open(&of_root).expect("readable")).is_ok();
        assert_eq!(theirs.unverified.is_none(), is_told, "{theirs:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_huge_file_is_looked_at_and_not_read() {
    let folder = folder();
    let model = folder.path().join("huge.gguf");
    let file = File::create(&model).expect("our own folder");
    // All of it a hole; some file systems have no such files.
    let Ok(()) = file.set_len(4 << 40) else { return };
    let warm = made(StartState::PageWarm, &model);
    assert_eq!((warm.steps.len(), warm.resident_before_bytes), (0, None));
    let why = warm.unverified.expect("no memory holds it");
    assert!(why.starts_with("the model has 4398046511104 bytes, and the machine "), "{why}");
}

#[test]
fn a_runtime_without_caches_cannot_be_compile_cold() {
    let made = make(&spec(StartState::CompileCold, None)).expect("something is to be made");
    let why = made.unverified.expect("nothing was cleared");
    assert_eq!(why, "no compile cache of embedded is known; the launch has no model file");
}

fn clear(bounds: &Bounds, folders: &[&str]) -> StartMade {
    let server = ServerSpec {
        program: "server".to_owned(),
        args: Vec::new(),
        env: std::collections::BTreeMap::new(),
        ready_path: "/health".to_owned(),
        version_args: Vec::new(),
        prefix: String::new(),
        cache_dirs: folders.iter().map(|folder| (*folder).to_owned()).collect(),
        pins: std::collections::BTreeMap::new(),
    };
    let spec = LaunchSpec { server: Some(Box::new(server)), ..spec(StartState::CompileCold, None) };
    let mut made = StartMade::default();
    clear_within(bounds, &spec, &mut made);
    made
}

/// A home folder with a cache, the agent's folder, and a model.
fn home(folder: &TempDir) -> Bounds {
    let home = folder.path().canonicalize().expect("it is there").join("home");
    fs::create_dir_all(home.join(".nv/ComputeCache/a/b")).expect("our own folder");
    fs::create_dir_all(home.join(".cache/edgedyno")).expect("our own folder");
    fs::create_dir_all(home.join("models")).expect("our own folder");
    fs::write(home.join(".nv/ComputeCache/index"), "12345").expect("our own folder");
    fs::write(home.join(".nv/ComputeCache/a/b/kernel"), "1234567").expect("our own folder");
    fs::write(home.join("models/m.gguf"), "abc").expect("our own folder");
    Bounds {
        own: Some(home.join(".cache/edgedyno")),
        model: Some(home.join("models/m.gguf")),
        home: Some(home),
        max_entries: 5,
    }
}

#[test]
fn a_cache_is_emptied_and_its_bytes_are_noted() {
    let folder = folder();
    let bounds = home(&folder);
    let cache = bounds.home.as_ref().expect("it has one").join(".nv/ComputeCache");
    for expected in [12, 0] {
        let made = clear(&bounds, &["~/.nv/ComputeCache", "~/.nv/none"]);
        assert_eq!(made.unverified, None);
        let cleared: Vec<_> = made.cleared.iter().map(|one| (one.path.as_str(), one.bytes)).collect();
        assert_eq!(cleared, [("~/.nv/ComputeCache", expected), ("~/.nv/none", 0)]);
        assert_eq!(fs::read_dir(&cache).expect("the folder itself stays").count(), 0);
    }
}

#[test]
fn what_is_no_cache_is_not_deleted() {
    let folder = folder();
    let bounds = home(&folder);
    let home = bounds.home.clone().expect("it has one");
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).expect("our own folder");
    let outside = outside.to_str().expect("UTF-8");
    let refused = |words: &str, why: &str| {
        let made = clear(&bounds, &[words]);
        assert_eq!(made.cleared, [], "{words}");
        assert_eq!(made.unverified, Some(format!("the compile cache {words} was not cleared: {why}")));
    };
    let not_below = "it does not lie below the home folder or the agent's";
    refused("/", not_below);
    refused("~/", not_below);
    refused(home.to_str().expect("UTF-8"), not_below);
    refused(outside, not_below);
    let form = "it must be an absolute path without `..`, or begin with ~/";
    refused("cache", form);
    refused("~/../outside", form);
    let holds = "it holds the agent's folder or the model";
    refused("~/.cache", holds);
    refused("~/.cache/edgedyno", holds);
    refused("~/models", holds);
    refused("~/models/m.gguf", holds);
    fs::write(home.join(".nv/ComputeCache/a/fifth"), "").expect("our own folder");
    fs::write(home.join(".nv/ComputeCache/sixth"), "").expect("our own folder");
    refused("~/.nv/ComputeCache", "it holds more than 5 files, so it is no compile cache");
    refused(
        "~/.nv/ComputeCache/index",
        &format!("{} is no folder", home.join(".nv/ComputeCache/index").display()),
    );
}

#[cfg(unix)]
#[test]
fn no_symbolic_link_is_followed() {
    let folder = folder();
    let bounds = home(&folder);
    let home = bounds.home.clone().expect("it has one");
    let precious = folder.path().join("precious");
    fs::create_dir_all(precious.join("cache")).expect("our own folder");
    fs::write(precious.join("cache/letter"), "dear").expect("our own folder");
    let link = |at: &str| std::os::unix::fs::symlink(&precious, home.join(at)).expect("our own folder");
    link("linked");
    link(".nv/ComputeCache/a/inner");
    let made = clear(&bounds, &["~/linked", "~/linked/cache", "~/.nv/ComputeCache"]);
    let why = format!("{} is a symbolic link", home.join("linked").display());
    let expected = ["~/linked", "~/linked/cache"]
        .map(|words| format!("the compile cache {words} was not cleared: {why}"));
    assert_eq!(made.unverified, Some(expected.join("; ")));
    // The link within is gone, what it leads to is not.
    assert_eq!(made.cleared.len(), 1);
    assert!(!home.join(".nv/ComputeCache/a").exists());
    assert_eq!(fs::read_to_string(precious.join("cache/letter")).expect("untouched"), "dear");
}

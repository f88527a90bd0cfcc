//! A device of plain files and scripted programs, which can refuse, differ, and crash.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use dyno_model::ids::CampaignId;
use dyno_model::prepare::{Argv, PrepareSpec, Prepared, PreparedSetting, Restored};
use dyno_sensors::root::SysRoot;

use super::super::host::{End, Host, OnStop, Ran, write_value};
use super::super::{After, PrepareError, apply, recover, restore};

const BOOT: &str = "proc/sys/kernel/random/boot_id";
const CPUFREQ: &str = "sys/devices/system/cpu/cpufreq";

/// When the agent dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crash {
    /// Just before the n-th setting is set.
    BeforeSet(usize),
    /// Just after it.
    AfterSet(usize),
}

/// What unwinds through an agent that dies.
struct Dead;

/// A device, and the folder of the agent on it.
pub(super) struct Bench {
    dir: tempfile::TempDir,
    root: SysRoot,
    /// Files that may not be written.
    pub(super) denied: RefCell<BTreeSet<String>>,
    /// What a file becomes, whatever is written.
    pub(super) stubborn: RefCell<BTreeMap<String, String>>,
    /// Answers of programs by their words: is it good, and what it says.
    pub(super) answers: RefCell<BTreeMap<String, (bool, String)>>,
    /// Android's global settings and its screen; empty where this is no Android.
    pub(super) android: RefCell<BTreeMap<String, String>>,
    /// The mode of a Jetson.
    pub(super) nvpmodel: RefCell<Option<u32>>,
    /// All that was set and run, in order.
    pub(super) log: RefCell<Vec<String>>,
    pub(super) crash: Cell<Option<Crash>>,
    pub(super) is_stopped: Cell<bool>,
    n_sets: Cell<usize>,
}

impl Bench {
    /// A device with nothing but a boot id.
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder for temporary files");
        fs::create_dir_all(dir.path().join("root")).expect("our own folder");
        fs::create_dir_all(dir.path().join("work")).expect("our own folder");
        let bench = Self {
            root: SysRoot::tree(dir.path().join("root")),
            dir,
            denied: RefCell::default(),
            stubborn: RefCell::default(),
            answers: RefCell::default(),
            android: RefCell::default(),
            nvpmodel: RefCell::default(),
            log: RefCell::default(),
            crash: Cell::default(),
            is_stopped: Cell::default(),
            n_sets: Cell::default(),
        };
        bench.put(BOOT, "11111111-0000-4000-8000-000000000000\n");
        bench
    }

    /// A big.LITTLE board: four small CPUs and four big ones.
    ///
    /// Forms as in `Documentation/admin-guide/pm/cpufreq.rst`; values are invented.
    pub(super) fn board() -> Self {
        let bench = Self::new();
        for (policy, governor, min, max) in
            [("policy0", "schedutil", 400_000, 1_800_000), ("policy4", "ondemand", 600_000, 2_400_000)]
        {
            let file = |name: &str| format!("{CPUFREQ}/{policy}/{name}");
            bench.put(&file("scaling_governor"), &format!("{governor}\n"));
            bench.put(&file("scaling_available_governors"), "ondemand powersave performance schedutil \n");
            bench.put(&file("scaling_min_freq"), &format!("{min}\n"));
            bench.put(&file("scaling_max_freq"), &format!("{max}\n"));
        }
        bench
    }

    /// A phone: awake, never set to stay so, with its radios on.
    pub(super) fn phone() -> Self {
        let bench = Self::new();
        bench.put("system/bin/settings", "#!/system/bin/sh\n");
        let state = [("airplane_mode_on", "0"), ("low_power", "1"), ("wakefulness", "Awake")];
        *bench.android.borrow_mut() =
            state.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        bench
    }

    /// A Jetson in mode 0.
    pub(super) fn jetson() -> Self {
        let bench = Self::new();
        bench.put("usr/sbin/nvpmodel", "");
        bench.put("etc/nvpmodel.conf", include_str!("fixtures/nvpmodel.conf"));
        *bench.nvpmodel.borrow_mut() = Some(0);
        bench
    }

    pub(super) fn put(&self, path: &str, text: &str) {
        let path = self.dir.path().join("root").join(path);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("our own folder");
        fs::write(path, text).expect("our own file");
    }

    pub(super) fn remove(&self, folder: &str) {
        fs::remove_dir_all(self.dir.path().join("root").join(folder)).expect("our own folder");
    }

    /// What a file holds.
    pub(super) fn value(&self, path: &str) -> String {
        self.root.read(path).expect("a file of the bench").trim().to_owned()
    }

    /// What a file of a cpufreq policy holds.
    pub(super) fn clock(&self, policy: &str, name: &str) -> String {
        self.value(&format!("{CPUFREQ}/{policy}/{name}"))
    }

    pub(super) fn deny(&self, path: &str) {
        self.denied.borrow_mut().insert(path.to_owned());
    }

    pub(super) fn answer(&self, argv: &str, is_good: bool, text: &str) {
        self.answers.borrow_mut().insert(argv.to_owned(), (is_good, text.to_owned()));
    }

    /// The power goes and comes back: files below `/sys` are as the kernel makes them.
    pub(super) fn reboot(&self, files: &[(&str, &str)]) {
        self.put(BOOT, "22222222-0000-4000-8000-000000000000\n");
        for (path, text) in files {
            self.put(path, text);
        }
        if let Some(screen) = self.android.borrow_mut().get_mut("wakefulness") {
            "Awake".clone_into(screen);
        }
    }

    pub(super) fn work_dir(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub(super) fn note_path(&self) -> PathBuf {
        self.work_dir().join("restore.json")
    }

    /// The note as text; `None` if there is none.
    pub(super) fn note(&self) -> Option<String> {
        fs::read_to_string(self.note_path()).ok()
    }

    pub(super) fn apply(&self, spec: &PrepareSpec) -> Result<Prepared, PrepareError> {
        apply(self, &self.work_dir(), &CampaignId::from("20261121-080000-quick"), spec)
    }

    /// Applies what must not be an error.
    pub(super) fn prepared(&self, spec: &PrepareSpec) -> Prepared {
        self.apply(spec).expect("problems are told, not errors")
    }

    /// Applies until the agent dies.
    pub(super) fn apply_and_die(&self, spec: &PrepareSpec, crash: Crash) {
        self.n_sets.set(0);
        self.crash.set(Some(crash));
        let died = catch_unwind(AssertUnwindSafe(|| self.apply(spec)));
        assert!(died.is_err(), "it was to die");
        self.crash.set(None);
        // The next agent is another process.
        self.log.borrow_mut().clear();
    }

    pub(super) fn restored(&self, commands: &[Argv]) -> Option<Restored> {
        restore(self, &self.work_dir(), After::Run(commands, 1000)).expect("the note can be kept")
    }

    pub(super) fn recovered(&self) -> Option<Restored> {
        recover(self, &self.work_dir()).expect("the note can be kept")
    }

    /// All that was set and run since the last look.
    pub(super) fn done(&self) -> Vec<String> {
        std::mem::take(&mut self.log.borrow_mut())
    }

    /// A setting is about to be set: the note must be on the disk.
    fn set(&self, what: String, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        assert!(self.note_path().is_file(), "{what}: nothing may be set without a note");
        let n = self.n_sets.get() + 1;
        self.n_sets.set(n);
        if self.crash.get() == Some(Crash::BeforeSet(n)) {
            resume_unwind(Box::new(Dead));
        }
        self.log.borrow_mut().push(what);
        let result = act();
        if self.crash.get() == Some(Crash::AfterSet(n)) {
            resume_unwind(Box::new(Dead));
        }
        result
    }

    /// The kernel takes no lowest clock above the highest one.
    fn kernel_refuses(&self, path: &str, value: &str) -> bool {
        let Some((folder, name)) = path.rsplit_once('/') else { return false };
        let other = |name: &str| self.value(&format!("{folder}/{name}")).parse::<u64>().expect("a clock");
        let Ok(khz) = value.parse::<u64>() else { return false };
        match name {
            "scaling_min_freq" => khz > other("scaling_max_freq"),
            "scaling_max_freq" => khz < other("scaling_min_freq"),
            _ => false,
        }
    }

    fn android(&self, argv: &[&str]) -> Option<(bool, String)> {
        let mut state = self.android.borrow_mut();
        let unset = || "null".to_owned();
        match argv {
            ["/system/bin/settings", "get", "global", key] => {
                Some((true, state.get(*key).cloned().unwrap_or_else(unset) + "\n"))
            }
            ["/system/bin/settings", "put", "global", key, value] => {
                state.insert((*key).to_owned(), (*value).to_owned());
                Some((true, String::new()))
            }
            ["/system/bin/settings", "delete", "global", key] => {
                state.remove(*key);
                Some((true, "Deleted 1 rows\n".to_owned()))
            }
            ["/system/bin/cmd", "connectivity", "airplane-mode", word] => {
                let value = if *word == "enable" { "1" } else { "0" };
                state.insert("airplane_mode_on".to_owned(), value.to_owned());
                Some((true, String::new()))
            }
            ["/system/bin/cmd", "power", "set-mode", value] => {
                state.insert("low_power".to_owned(), (*value).to_owned());
                Some((true, String::new()))
            }
            ["/system/bin/cmd", "power", "set-fixed-performance-mode-enabled", word] => {
                state.insert("fixed".to_owned(), (*word).to_owned());
                Some((true, String::new()))
            }
            ["/system/bin/input", "keyevent", key] => {
                let word = if *key == "KEYCODE_SLEEP" { "Asleep" } else { "Awake" };
                state.insert("wakefulness".to_owned(), word.to_owned());
                Some((true, String::new()))
            }
            ["/system/bin/dumpsys", "power"] => {
                let screen = state.get("wakefulness")?;
                Some((true, include_str!("fixtures/dumpsys-power.txt").replace("{wakefulness}", screen)))
            }
            _ => None,
        }
    }

    fn jetson_says(&self, argv: &[&str]) -> Option<(bool, String)> {
        let mut mode = self.nvpmodel.borrow_mut();
        let id = (*mode)?;
        match argv {
            ["/usr/sbin/nvpmodel", "-q"] => {
                let name = ["15W", "7W", "MAXN_SUPER"][id as usize];
                let text = include_str!("fixtures/nvpmodel-q.txt");
                Some((true, text.replace("{name}", name).replace("{id}", &id.to_string())))
            }
            ["/usr/sbin/nvpmodel", "-m", id] => {
                *mode = Some(id.parse().expect("an id"));
                Some((true, String::new()))
            }
            _ => None,
        }
    }
}

impl Host for Bench {
    fn read(&self, path: &str) -> io::Result<String> {
        self.root.read(path)
    }

    fn write(&self, path: &str, value: &str) -> io::Result<()> {
        self.set(format!("{path} {value}"), || {
            if self.denied.borrow().contains(path) {
                return Err(ErrorKind::PermissionDenied.into());
            }
            if self.kernel_refuses(path, value) {
                return Err(ErrorKind::InvalidInput.into());
            }
            let stubborn = self.stubborn.borrow();
            write_value(&self.root, path, stubborn.get(path).map_or(value, String::as_str))
        })
    }

    fn names(&self, folder: &str) -> Vec<String> {
        self.root.names(folder).unwrap_or_default()
    }

    fn has(&self, path: &str) -> bool {
        self.root.path(path).is_ok_and(|path| path.exists())
    }

    fn run(&self, argv: &[&str], _limit_ms: u64, _on_stop: OnStop) -> Ran {
        let words = argv.join(" ");
        let scripted = self.answers.borrow().get(&words).cloned();
        let reads = ["get", "power", "-q"];
        let is_read = argv.get(1).is_some_and(|word| reads.contains(word)) && argv[0] != "/system/bin/cmd";
        let is_setting = argv[0].starts_with("/system/") || argv[0].starts_with("/usr/sbin/");
        let mut answer = None;
        let act = || {
            answer = scripted.or_else(|| self.android(argv)).or_else(|| self.jetson_says(argv));
            Ok(())
        };
        if is_read || !is_setting {
            if !is_read {
                self.log.borrow_mut().push(words);
            }
            act().expect("it cannot fail");
        } else {
            self.set(words, act).expect("it cannot fail");
        }
        match answer {
            Some((true, stdout)) => Ran { end: End::Good, stdout, stderr: String::new(), wall_ns: 1 },
            Some((false, stderr)) => {
                Ran { end: End::Bad("exit status 255".to_owned()), stdout: String::new(), stderr, wall_ns: 1 }
            }
            None => Ran {
                end: End::NotStarted("no such program".to_owned()),
                stdout: String::new(),
                stderr: String::new(),
                wall_ns: 1,
            },
        }
    }

    fn settle(&self) {}

    fn is_stopped(&self) -> bool {
        self.is_stopped.get()
    }
}

/// A command of words.
pub(super) fn argv(words: &str) -> Argv {
    words.split(' ').map(ToOwned::to_owned).collect()
}

/// A setting as one line: what it is, before, asked, after.
pub(super) fn line(one: &PreparedSetting) -> String {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "?".to_owned());
    format!("{}: {} -> {} = {}", one.setting, value(&one.before), one.asked, value(&one.after))
}

/// The settings as lines.
pub(super) fn lines(prepared: &Prepared) -> Vec<String> {
    prepared.settings.iter().map(line).collect()
}

/// What was put back, as lines: what it is, its fate, what it is now.
pub(super) fn fates(restored: &Restored) -> Vec<String> {
    let one = |one: &dyno_model::prepare::RestoredSetting| {
        let now = one.now.clone().unwrap_or_else(|| "?".to_owned());
        format!("{}: {:?}, {now}", one.setting, one.fate)
    };
    restored.settings.iter().map(one).collect()
}

/// Whether a folder holds nothing at all.
pub(super) fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).expect("our own folder").next().is_none()
}

//! A phone without a phone: Debian's real adbd in a small tree with Android's folders.
//!
//! The daemon, its protocol and the kernel are real; `getprop`, `dumpsys`, `settings`, `svc` and `cmd` are stand-ins
//! in `phone/`, whose output is as documented by Android. The shell is mksh as on
//! a phone; the tools are busybox's, on a phone they are toybox's.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::adb::AdbServer;
use crate::container::{Container, ContainerPlan};
use crate::program::{find, make_folder, need_root, run, write};
use crate::undo::Scratch;
use crate::{BenchError, Namespace};

/// Debian 12 itself has no adbd.
const PACKAGE: &str = "-t bookworm-backports adbd";
const STAND_INS: [(&str, &str); 5] = [
    ("getprop", include_str!("phone/getprop.sh")),
    ("dumpsys", include_str!("phone/dumpsys.sh")),
    ("settings", include_str!("phone/settings.sh")),
    ("svc", include_str!("phone/svc.sh")),
    ("cmd", include_str!("phone/cmd.sh")),
];
/// A healthy battery at 71 %, not charging.
const BATTERY: [(&str, &str); 9] = [
    ("ac", "0"),
    ("usb", "0"),
    ("wireless", "0"),
    ("counter", "2210000"),
    ("status", "3"),
    ("present", "1"),
    ("level", "71"),
    ("voltage", "4151"),
    ("temp", "287"),
];
const THIS_ABI: &str = if cfg!(target_arch = "aarch64") { "arm64-v8a" } else { "x86_64" };
const POWER: [(&str, &str); 2] = [("wakefulness", "Asleep"), ("thermal_status", "0")];

/// How a phone is to be.
#[derive(Debug, Clone, Default)]
pub struct PhoneOptions {
    /// Properties besides, or in place of, the usual ones.
    pub properties: Vec<(String, String)>,
    /// Commands that this phone lacks, such as `sha256sum`.
    pub without_commands: Vec<String>,
    /// Mount options of a tmpfs on `/data/local/tmp`, such as `size=4m`, `ro` or `noexec`; a plain folder without.
    pub data_mount: Option<String>,
}

/// A running phone, connected to an adb server.
#[derive(Debug)]
pub struct AdbDevice {
    container: Container,
    server_port: u16,
    _scratch: Scratch,
}

impl AdbDevice {
    /// Starts a phone of this machine's architecture and connects it.
    ///
    /// # Errors
    /// Without root, adbd, mksh or busybox-static.
    pub fn start(server: &AdbServer, options: &PhoneOptions) -> Result<Self, BenchError> {
        need_root("a phone")?;
        find("adbd", PACKAGE)?;
        let scratch = Scratch::new("phone")?;
        let root = scratch.join("root");
        make_tree(&root, options)?;
        let mut mounts = "mount --bind -o ro /usr \"$root/usr\"\n".to_owned();
        if let Some(options) = &options.data_mount {
            let _ = writeln!(mounts, "mount -t tmpfs -o '{options}' tmp \"$root/data/local/tmp\"");
        }
        let plan = ContainerPlan {
            root,
            name: "localhost".to_owned(),
            mounts,
            // adbd hangs up on what it has started; under nohup, all of it would inherit that the signal is ignored.
            programs: "env -i --default-signal=HUP PATH=/system/bin HOME=/ TMPDIR=/data/local/tmp \
                       ANDROID_ROOT=/system ANDROID_DATA=/data \
                       ADBD_PORT=5555 /usr/sbin/chroot \"$root\" /usr/sbin/adbd &"
                .to_owned(),
        };
        let container = Container::start(plan)?;
        let device = Self { container, server_port: server.port(), _scratch: scratch };
        device.connect(server)?;
        Ok(device)
    }

    /// What `adb devices` calls it: `ADDRESS:5555`.
    pub fn serial(&self) -> String {
        format!("{}:5555", self.container.namespace().address())
    }

    /// Its cable.
    pub fn namespace(&self) -> &Namespace {
        self.container.namespace()
    }

    /// Its files, as this machine sees them (not what lies on a `data_mount`).
    pub fn root(&self) -> &Path {
        self.container.root()
    }

    /// The boot id that programs on it read.
    pub fn boot_id(&self) -> String {
        self.container.boot_id()
    }

    /// What adbd has said.
    pub fn log(&self) -> String {
        self.container.log()
    }

    /// Connects it to the server that it was started with, or to another one; needed after that was restarted.
    ///
    /// # Errors
    /// When it is not online in time; with the phone's log.
    pub fn connect(&self, server: &AdbServer) -> Result<(), BenchError> {
        server.connect(&self.serial()).map_err(|error| match error {
            BenchError::NotReady { what, waited_ms, log } => {
                BenchError::NotReady { what, waited_ms, log: format!("{log}\nphone: {}", self.log()) }
            }
            other => other,
        })
    }

    /// The port of the server that it was started with.
    pub fn server_port(&self) -> u16 {
        self.server_port
    }

    /// Unplugs it: every process of it ends at once; its files stay.
    pub fn unplug(&mut self) {
        self.container.power_off();
    }

    /// Starts it again, with another boot id; then [`connect`](Self::connect).
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn reboot(&mut self) -> Result<(), BenchError> {
        self.container.power_on()
    }

    /// Sets a battery value as its `dumpsys battery` prints it: `level`, `status` (2 charging, 3 discharging), `ac`, …
    ///
    /// # Errors
    /// When its file cannot be written.
    pub fn set_battery(&self, name: &str, value: &str) -> Result<(), BenchError> {
        write(&self.root().join("data/system/battery").join(name), format!("{value}\n"))
    }
}

fn make_tree(root: &Path, options: &PhoneOptions) -> Result<(), BenchError> {
    for folder in ["usr", "etc", "sdcard", "root"] {
        make_folder(&root.join(folder))?;
    }
    let tools = Tools { busybox: find("busybox", "busybox-static")?, shell: find("mksh-static", "mksh")? };
    install_android(root, options, &tools, THIS_ABI)?;
    let link = |target: &str, name: &str| {
        let at = root.join(name);
        std::os::unix::fs::symlink(target, &at).map_err(BenchError::io("cannot link", at))
    };
    // adbd starts `/bin/sh`; its own libraries come from this machine's /usr.
    link("system/bin", "bin")?;
    link("usr/lib", "lib")?;
    link("usr/lib64", "lib64")?;
    write(
        &root.join("etc/passwd"),
        "root:x:0:0:root:/:/system/bin/sh\nshell:x:2000:2000::/:/system/bin/sh\n",
    )?;
    write(&root.join("etc/group"), "root:x:0:\nshell:x:2000:\n")
}

/// The programs that make up a phone's tools, of the phone's architecture.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) busybox: PathBuf,
    pub(crate) shell: PathBuf,
}

/// Puts Android's folders, tools and properties into a tree.
pub(crate) fn install_android(
    root: &Path,
    options: &PhoneOptions,
    tools: &Tools,
    abi: &str,
) -> Result<(), BenchError> {
    let bin = root.join("system/bin");
    make_folder(&bin)?;
    make_folder(&root.join("data/local/tmp"))?;
    make_folder(&root.join("data/system/settings/global"))?;
    run(Command::new("cp").arg(&tools.busybox).arg(bin.join("busybox")))?;
    // Android's own shell; busybox's would run its applets even where the phone has a command of that name.
    run(Command::new("cp").arg(&tools.shell).arg(bin.join("sh")))?;
    let applets = run(Command::new(&tools.busybox).arg("--list"))?.text();
    for applet in applets.lines().filter(|applet| *applet != "busybox" && !applet.starts_with('[')) {
        let is_stand_in = STAND_INS.iter().any(|(name, _)| *name == applet);
        if applet == "sh" || is_stand_in || options.without_commands.iter().any(|missing| missing == applet) {
            continue;
        }
        let at = bin.join(applet);
        std::os::unix::fs::symlink("busybox", &at).map_err(BenchError::io("cannot link", at))?;
    }
    for (name, script) in STAND_INS {
        write(&bin.join(name), script)?;
        run(Command::new("chmod").arg("755").arg(bin.join(name)))?;
    }
    write(&root.join("system/build.prop"), properties(options, abi))?;
    for (folder, values) in [("battery", &BATTERY[..]), ("battery.default", &BATTERY), ("power", &POWER)] {
        let folder = root.join("data/system").join(folder);
        make_folder(&folder)?;
        for (name, value) in values {
            write(&folder.join(name), format!("{value}\n"))?;
        }
    }
    Ok(())
}

/// The properties that inventories read, of a phone that says what it is.
fn properties(options: &PhoneOptions, abi: &str) -> String {
    let usual = [
        ("ro.product.manufacturer", "edgedyno"),
        ("ro.product.model", "Test bench phone"),
        ("ro.product.device", "bench"),
        ("ro.soc.manufacturer", "Bench"),
        ("ro.soc.model", "BN1"),
        ("ro.board.platform", "bench"),
        ("ro.hardware", "bench"),
        ("ro.build.version.release", "14"),
        ("ro.build.version.sdk", "34"),
        ("ro.build.fingerprint", "edgedyno/bench/bench:14/TEST/1:userdebug/test-keys"),
        ("ro.product.cpu.abi", abi),
        ("ro.product.cpu.abilist", abi),
        ("ro.serialno", "BENCH0001"),
        ("sys.boot_completed", "1"),
    ];
    let mut text = String::from("# A phone of edgedyno's test bench.\n");
    // getprop takes the first of several.
    for (name, value) in &options.properties {
        let _ = writeln!(text, "{name}={value}");
    }
    let is_new = |name: &str| !options.properties.iter().any(|(own, _)| own == name);
    for (name, value) in usual.into_iter().filter(|(name, _)| is_new(name)) {
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

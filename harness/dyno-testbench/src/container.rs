//! A tree of files that runs as a device: its own mounts, processes, name, boot id and network.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::BenchError;
use crate::daemon::{Daemon, read_log};
use crate::netns::Namespace;
use crate::program::{find, write};
use crate::undo::Scratch;

/// Makes the device's file systems and hands over to its programs; `$1` is the tree, `$2` the boot id's file,
/// `$3` the name, `$4` more mounts, `$5` what runs there. The first process stays outside the tree and reaps.
const START: &str = r#"
set -e
root=$1
hostname "$3"
mount --bind "$root" "$root"
mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/tmp"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs -o size=16m,mode=755 dev "$root/dev"
for node in null zero full random urandom tty; do
  touch "$root/dev/$node"; mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o size=256m shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount --bind "$2" "$root/proc/sys/kernel/random/boot_id"
eval "$4"
eval "$5"
while :; do wait; sleep 0.1; done
"#;

/// What is to run as a device.
#[derive(Debug)]
pub(crate) struct ContainerPlan {
    /// The tree; it must be the device's own.
    pub(crate) root: PathBuf,
    /// Its host name.
    pub(crate) name: String,
    /// Shell words that mount more, with `$root`.
    pub(crate) mounts: String,
    /// Shell words that start its programs in the background, with `$root`.
    pub(crate) programs: String,
}

/// A running device; killing it is its power switch.
#[derive(Debug)]
pub(crate) struct Container {
    daemon: Daemon,
    plan: ContainerPlan,
    namespace: Namespace,
    scratch: Scratch,
}

impl Container {
    pub(crate) fn start(plan: ContainerPlan) -> Result<Self, BenchError> {
        let scratch = Scratch::new("container")?;
        let namespace = Namespace::new()?;
        let daemon = power_on(&plan, &namespace, &scratch)?;
        Ok(Self { daemon, plan, namespace, scratch })
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    pub(crate) fn root(&self) -> &Path {
        &self.plan.root
    }

    /// What its programs have said outside the device.
    pub(crate) fn log(&self) -> String {
        read_log(&self.scratch.join("log"))
    }

    pub(crate) fn boot_id(&self) -> String {
        read_log(&self.scratch.join("boot_id")).trim().to_owned()
    }

    /// Ends every process of the device at once; its files stay.
    pub(crate) fn power_off(&mut self) {
        self.daemon.kill();
    }

    /// Starts it, with another boot id.
    pub(crate) fn power_on(&mut self) -> Result<(), BenchError> {
        self.power_off();
        self.daemon = power_on(&self.plan, &self.namespace, &self.scratch)?;
        Ok(())
    }
}

fn power_on(plan: &ContainerPlan, namespace: &Namespace, scratch: &Scratch) -> Result<Daemon, BenchError> {
    let boot_id = scratch.join("boot_id");
    let fresh = std::fs::read_to_string("/proc/sys/kernel/random/uuid");
    write(&boot_id, fresh.map_err(BenchError::io("cannot read", "/proc/sys/kernel/random/uuid"))?)?;
    find("unshare", "util-linux")?;
    let mut command: Command = namespace.command("unshare");
    command.args([
        "--mount",
        "--pid",
        "--uts",
        "--ipc",
        "--fork",
        "--kill-child",
        "--propagation",
        "private",
    ]);
    command.args(["sh", "-c", START, "device"]).arg(&plan.root).arg(&boot_id);
    command.args([&plan.name, &plan.mounts, &plan.programs]);
    Daemon::start(&mut command, &scratch.join("log"))
}

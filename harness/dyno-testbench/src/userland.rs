//! An arm64 Debian that runs on this machine's kernel: real sshd and adbd, every program of it emulated by qemu-user.
//!
//! `uname -m` says aarch64 and aarch64 programs run; kernel, memory, `/sys` and processor features are this machine's.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::client::{ClientHome, KnownHosts, SshHost};
use crate::container::{Container, ContainerPlan};
use crate::debian::{SSHD_CONFIG, tree};
use crate::phone::{PhoneOptions, Tools, install_android};
use crate::program::{Output, find, make_folder, need_root, run, wait_for, write};
use crate::sshd::answers_ssh;
use crate::sshkey::{KeyKind, make_key, public_key};
use crate::undo::{Scratch, Undo, next_number};
use crate::{AdbServer, BenchError, Namespace};

const QEMU: &str = "-t bookworm-backports qemu-user-static";
const READY: Duration = Duration::from_mins(1);
const BINFMT: &str = "/proc/sys/fs/binfmt_misc";
/// How the userland is to be.
#[derive(Debug, Clone, Default)]
pub struct UserlandOptions {
    /// Its Android side, seen through adb.
    pub phone: PhoneOptions,
    /// Lines for `sshd_config`; they win over the bench's own.
    pub server_lines: Vec<String>,
}

/// A running arm64 userland with sshd and adbd.
#[derive(Debug)]
pub struct Userland {
    container: Container,
    client: ClientHome,
    number: u32,
    _overlay: Undo,
    _scratch: Scratch,
}

impl Userland {
    /// Starts one; the first on a machine downloads and unpacks Debian (about 10 s), the others start in a second.
    ///
    /// # Errors
    /// Without root, mmdebstrap, qemu-user-static, or a kernel with binfmt_misc and overlayfs.
    pub fn start(options: &UserlandOptions) -> Result<Self, BenchError> {
        need_root("an arm64 userland")?;
        register_qemu()?;
        let debian = tree("arm64")?;
        let (scratch, number) = (Scratch::new("userland")?, next_number());
        let (root, overlay) = writable(&debian, &scratch)?;
        let client = ClientHome::new(scratch.join("client"))?;
        furnish(&root, &client, options)?;
        let data_mount = options.phone.data_mount.as_ref();
        let plan = ContainerPlan {
            root,
            name: "bench-arm64".to_owned(),
            mounts: data_mount.map_or(String::new(), |options| {
                format!("mount -t tmpfs -o '{options}' tmp \"$root/data/local/tmp\"")
            }),
            programs: "chroot \"$root\" /usr/sbin/sshd -D -e &\n\
                       env -i --default-signal=HUP PATH=/system/bin:/usr/bin:/bin HOME=/ TMPDIR=/data/local/tmp ADBD_PORT=5555 \
                       /usr/sbin/chroot \"$root\" /usr/sbin/adbd &"
                .to_owned(),
        };
        let userland =
            Self { container: Container::start(plan)?, client, number, _overlay: overlay, _scratch: scratch };
        write(&userland.config(), userland.client_config())?;
        let key = public_key(&userland.root().join("etc/ssh/host"))?;
        userland.client.know(&userland.address(), 22, &[key], KnownHosts::Plain)?;
        userland.wait_for_ssh()?;
        Ok(userland)
    }

    /// The address of its sshd (port 22) and adbd (port 5555).
    pub fn address(&self) -> String {
        self.namespace().address().to_string()
    }

    /// Its cable.
    pub fn namespace(&self) -> &Namespace {
        self.container.namespace()
    }

    /// Its files, as this machine sees them (not what lies on a `data_mount`).
    pub fn root(&self) -> &Path {
        self.container.root()
    }

    /// The client's configuration, for `ssh -F`.
    pub fn config(&self) -> PathBuf {
        self.client.file("config")
    }

    /// A client's home folder with `.ssh/config`, `.ssh/known_hosts` and the key.
    pub fn client_home(&self) -> PathBuf {
        self.client.path()
    }

    /// Its `Host` alias; the user is root.
    pub fn alias(&self) -> String {
        format!("arm64-{}", self.number)
    }

    /// What `adb devices` calls it: `ADDRESS:5555`.
    pub fn serial(&self) -> String {
        format!("{}:5555", self.address())
    }

    /// Connects its adbd to a server.
    ///
    /// # Errors
    /// When it is not online in time.
    pub fn connect(&self, server: &AdbServer) -> Result<(), BenchError> {
        server.connect(&self.serial())
    }

    /// The boot id that programs on it read.
    pub fn boot_id(&self) -> String {
        self.container.boot_id()
    }

    /// What its sshd and adbd have said.
    pub fn log(&self) -> String {
        self.container.log()
    }

    /// Runs a command there with OpenSSH's own client.
    ///
    /// # Errors
    /// When it is not done in 60 s; a bad exit status is no error.
    pub fn ssh(&self, remote: &str) -> Result<Output, BenchError> {
        self.client.ssh(&self.alias(), remote)
    }

    /// Cuts its power: every process ends at once; files stay.
    pub fn power_off(&mut self) {
        self.container.power_off();
    }

    /// Cuts its power and starts it anew with another boot id; returns when sshd answers.
    ///
    /// # Errors
    /// When it does not come up again.
    pub fn reboot(&mut self) -> Result<(), BenchError> {
        self.container.power_on()?;
        self.wait_for_ssh()
    }

    fn wait_for_ssh(&self) -> Result<(), BenchError> {
        let address = (self.address(), 22);
        let answers = || answers_ssh((address.0.as_str(), address.1)).then_some(());
        wait_for("sshd of the arm64 userland", READY, || self.log(), answers)
    }
}

impl SshHost for Userland {
    fn client_config(&self) -> String {
        self.client.block(&self.alias(), &self.address(), 22, "root", "id_ed25519")
            + "  StrictHostKeyChecking yes\n"
    }
}

/// A writable view of the tree: an overlay, or a copy where the file system of temporary files cannot hold one.
fn writable(tree: &Path, scratch: &Scratch) -> Result<(PathBuf, Undo), BenchError> {
    let (root, upper, work) = (scratch.join("root"), scratch.join("upper"), scratch.join("work"));
    for folder in [&root, &upper, &work] {
        make_folder(folder)?;
    }
    let undo = Undo::new(&format!("! mountpoint -q '{0}' || umount -l '{0}'", root.display()))?;
    let layers =
        format!("lowerdir={},upperdir={},workdir={}", tree.display(), upper.display(), work.display());
    if run(Command::new("mount").args(["-t", "overlay", "-o", &layers, "overlay"]).arg(&root)).is_err() {
        run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(tree.join(".")).arg(&root))?;
    }
    Ok((root, undo))
}

fn furnish(root: &Path, client: &ClientHome, options: &UserlandOptions) -> Result<(), BenchError> {
    make_key(KeyKind::Ed25519, &root.join("etc/ssh/host"))?;
    make_key(KeyKind::Ed25519, &client.file("id_ed25519"))?;
    write(&root.join("root/.ssh/authorized_keys"), public_key(&client.file("id_ed25519"))? + "\n")?;
    let config = format!("{}\n{SSHD_CONFIG}", options.server_lines.join("\n"));
    write(&root.join("etc/ssh/sshd_config"), config)?;
    let tools = Tools { busybox: root.join("bin/busybox"), shell: root.join("usr/lib/klibc/bin/mksh") };
    install_android(root, &options.phone, &tools, "arm64-v8a")
}

/// Lets the kernel start arm64 programs, for good, as the package's own service does at boot.
fn register_qemu() -> Result<(), BenchError> {
    find("qemu-aarch64-static", QEMU)?;
    let entry = Path::new(BINFMT).join("qemu-aarch64");
    if entry.exists() {
        return Ok(());
    }
    let register = Path::new(BINFMT).join("register");
    if !register.exists() {
        run(Command::new("mount").args(["-t", "binfmt_misc", "binfmt_misc", BINFMT]))?;
    }
    let rule = std::fs::read("/usr/lib/binfmt.d/qemu-aarch64.conf");
    let rule = rule.map_err(BenchError::io("cannot read", "/usr/lib/binfmt.d/qemu-aarch64.conf"))?;
    let written = std::fs::write(&register, rule.trim_ascii_end());
    // Another test may have been faster.
    if entry.exists() {
        Ok(())
    } else {
        written.map_err(BenchError::io("cannot register qemu with", register))
    }
}

//! Whole machines, emulated by QEMU: their own kernel, drivers, clock and network. Slow, and never a measure of speed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::BenchError;
use crate::client::{ClientHome, KnownHosts, SshHost};
use crate::daemon::{Daemon, read_log};
use crate::image::{Image, ImagePlan};
use crate::laptop::{self, LaptopValue};
use crate::program::{Output, find, run, wait_for, write};
use crate::qmp::execute;
use crate::sshd::{free_port, greets};
use crate::undo::{Scratch, next_number};

const READY: Duration = Duration::from_mins(4);
const ARM: (&str, &str) = ("qemu-system-aarch64", "-t bookworm-backports qemu-system-arm");
const X86: (&str, &str) = ("qemu-system-x86_64", "-t bookworm-backports qemu-system-x86");

/// The machines of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineKind {
    /// An arm64 board of QEMU's own, with a small kernel and netem: SSH after about 10 s.
    Virt,
    /// A Raspberry Pi 3 Model B with its thermal zone, cpufreq and an I2C thermometer: SSH after about 45 s.
    Raspi3b,
    /// An x86 laptop with ACPI battery, AC adapter, thermal zone and power meter: SSH after about 15 s.
    Laptop,
}

impl MachineKind {
    /// The word for it on the command line and in aliases.
    pub fn name(self) -> &'static str {
        self.image().name
    }

    fn image(self) -> ImagePlan {
        match self {
            Self::Virt => ImagePlan {
                name: "virt",
                architecture: "arm64",
                kernel: "linux-image-cloud-arm64",
                modules: &[
                    "crc32c_generic",
                    "ext4",
                    "virtio_pci",
                    "virtio_blk",
                    "virtio_net",
                    "virtio_rng",
                    "sch_netem",
                ],
                device_tree: None,
                acpi_source: None,
            },
            Self::Raspi3b => ImagePlan {
                name: "raspi3b",
                architecture: "arm64",
                kernel: "linux-image-arm64",
                modules: &[
                    "crc32c_generic",
                    "ext4",
                    "bcm2835",
                    "bcm2835_thermal",
                    "cpufreq-dt",
                    "raspberrypi-cpufreq",
                    "bcm2835_rng",
                    "i2c-bcm2835",
                    "lm75",
                    "dwc2",
                    "phy-generic",
                    "usbnet",
                    "cdc_ether",
                    "sch_netem",
                ],
                device_tree: Some("bcm2837-rpi-3-b.dtb"),
                acpi_source: None,
            },
            Self::Laptop => ImagePlan {
                name: "laptop",
                architecture: "amd64",
                kernel: "linux-image-amd64",
                modules: &[
                    "crc32c_generic",
                    "crc32c_intel",
                    "ext4",
                    "virtio_pci",
                    "virtio_blk",
                    "virtio_net",
                    "virtio_rng",
                    "sch_netem",
                    "ac",
                    "battery",
                    "acpi_power_meter",
                    "thermal",
                ],
                device_tree: None,
                acpi_source: Some(include_str!("machine/battery.dsl")),
            },
        }
    }

    fn program(self) -> (&'static str, &'static str) {
        match self {
            Self::Virt | Self::Raspi3b => ARM,
            Self::Laptop => X86,
        }
    }
}

/// A running machine, reached by SSH as root on a port of 127.0.0.1; it ends on drop.
#[derive(Debug)]
pub struct Machine {
    kind: MachineKind,
    daemon: Daemon,
    port: u16,
    number: u32,
    client: ClientHome,
    scratch: Scratch,
}

impl Machine {
    /// Starts one and waits until it answers SSH; the first of a kind downloads a kernel and makes a disk.
    ///
    /// # Errors
    /// Without QEMU, or, the first time, without root and mmdebstrap.
    pub fn start(kind: MachineKind) -> Result<Self, BenchError> {
        let qemu = find(kind.program().0, kind.program().1)?;
        let image = Image::get(&kind.image())?;
        let (scratch, number, port) = (Scratch::new(kind.name())?, next_number(), free_port()?);
        let mut qemu_img = Command::new(find("qemu-img", "-t bookworm-backports qemu-utils")?);
        let disk = scratch.join("disk.qcow2");
        qemu_img.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]).arg(image.file("disk.ext4"));
        run(qemu_img.arg(&disk))?;
        let client = ClientHome::new(scratch.join("client"))?;
        copy_key(&image, &client)?;
        let host_key = read_log(&image.file("host.pub"));
        client.know("127.0.0.1", port, &[host_key.trim_end().to_owned()], KnownHosts::Plain)?;
        let mut command = Command::new(qemu);
        add_machine(&mut command, kind, &image, &scratch)?;
        add_common(&mut command, &scratch, port);
        let daemon = Daemon::start(&mut command, &scratch.join("qemu.log"))?;
        let mut machine = Self { kind, daemon, port, number, client, scratch };
        write(&machine.config(), machine.client_config())?;
        machine.wait_for_ssh()?;
        Ok(machine)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
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
        format!("{}-{}", self.kind.name(), self.number)
    }

    /// What its kernel and first process have said on the serial line, and QEMU itself.
    pub fn log(&self) -> String {
        let files = ["serial.log", "serial1.log", "qemu.log"];
        files.map(|name| read_log(&self.scratch.join(name))).join("")
    }

    /// Runs a command there with OpenSSH's own client.
    ///
    /// # Errors
    /// When it is not done in 60 s; a bad exit status is no error.
    pub fn ssh(&self, remote: &str) -> Result<Output, BenchError> {
        self.client.ssh(&self.alias(), remote)
    }

    /// Pulls the network cable.
    ///
    /// # Errors
    /// When QEMU refuses.
    pub fn link_down(&self) -> Result<(), BenchError> {
        self.qmp(r#"{"execute":"set_link","arguments":{"name":"n0","up":false}}"#)
    }

    /// Plugs the network cable in again.
    ///
    /// # Errors
    /// When QEMU refuses.
    pub fn link_up(&self) -> Result<(), BenchError> {
        self.qmp(r#"{"execute":"set_link","arguments":{"name":"n0","up":true}}"#)
    }

    /// Stops the whole machine, clocks too, as a suspended one.
    ///
    /// # Errors
    /// When QEMU refuses.
    pub fn freeze(&self) -> Result<(), BenchError> {
        self.qmp(r#"{"execute":"stop"}"#)
    }

    /// Lets it run on.
    ///
    /// # Errors
    /// When QEMU refuses.
    pub fn thaw(&self) -> Result<(), BenchError> {
        self.qmp(r#"{"execute":"cont"}"#)
    }

    /// Presses the reset button; then [`wait_for_ssh`](Self::wait_for_ssh).
    ///
    /// # Errors
    /// When QEMU refuses.
    pub fn reset(&self) -> Result<(), BenchError> {
        self.qmp(r#"{"execute":"system_reset"}"#)
    }

    /// Delays every packet that it sends by this time (netem in its own kernel); 0 ends it.
    ///
    /// # Errors
    /// When its kernel refuses.
    pub fn delay(&self, delay_ms: u32) -> Result<(), BenchError> {
        let words = format!("tc qdisc replace dev eth0 root netem delay {delay_ms}ms");
        let output = self.ssh(&words)?;
        let (status, stderr) = (output.status.to_string(), output.errors());
        if output.status.success() {
            return Ok(());
        }
        Err(BenchError::Failed { command: words, status, stderr })
    }

    /// Waits until its sshd answers.
    ///
    /// # Errors
    /// When it is not in time, with its log.
    pub fn wait_for_ssh(&mut self) -> Result<(), BenchError> {
        let port = self.port;
        let (name, serial) = (self.kind.name(), self.scratch.join("serial.log"));
        let (own, daemon) = (self.scratch.join("qemu.log"), &mut self.daemon);
        let log = || read_log(&serial) + &read_log(&own);
        let ready = || if daemon.has_ended() { Some(false) } else { greets(port).then_some(true) };
        if wait_for(name, READY, log, ready)? {
            return Ok(());
        }
        Err(BenchError::Answer { what: name.to_owned(), answer: log() })
    }

    /// Changes a sensor of a [`MachineKind::Laptop`] while it runs.
    ///
    /// # Errors
    /// When the machine is no laptop.
    pub fn set_laptop(&self, value: LaptopValue, number: u32) -> Result<(), BenchError> {
        laptop::set(&self.scratch.join("memory"), value, number)
    }

    /// Changes the I2C thermometer of a [`MachineKind::Raspi3b`] while it runs, in thousandths of a degree Celsius;
    /// its driver starts with `echo tmp105 0x48 | tee /sys/devices/platform/soc/3f804000.i2c/i2c-*/new_device`.
    ///
    /// # Errors
    /// When the machine has none.
    pub fn set_thermometer(&self, temp_mdegc: i32) -> Result<(), BenchError> {
        self.qmp(&format!(
            r#"{{"execute":"qom-set","arguments":{{"path":"/machine/peripheral/t0","property":"temperature","value":{temp_mdegc}}}}}"#
        ))
    }

    fn qmp(&self, command: &str) -> Result<(), BenchError> {
        execute(&self.scratch.join("qmp"), command).map(|_| ())
    }
}

impl SshHost for Machine {
    fn client_config(&self) -> String {
        self.client.block(&self.alias(), "127.0.0.1", self.port, "root", "id_ed25519")
            + "  StrictHostKeyChecking yes\n"
    }
}

/// ssh refuses a key that others may read.
fn copy_key(image: &Image, client: &ClientHome) -> Result<(), BenchError> {
    let mut install = Command::new("install");
    install.args(["-m", "600"]).arg(image.file("client_key")).arg(client.file("id_ed25519"));
    run(&mut install).map(|_| ())
}

fn add_machine(
    command: &mut Command,
    kind: MachineKind,
    image: &Image,
    scratch: &Scratch,
) -> Result<(), BenchError> {
    let file = |path: &Path| path.display().to_string();
    let serial = format!("file:{}", file(&scratch.join("serial.log")));
    let disk = format!("file={},format=qcow2,if=none,id=d0", file(&scratch.join("disk.qcow2")));
    command.args(["-accel", "tcg,thread=multi", "-display", "none", "-nodefaults"]);
    command.arg("-kernel").arg(image.file("kernel")).arg("-initrd").arg(image.file("initrd.gz"));
    let virtio =
        ["-device", "virtio-blk-pci,drive=d0,romfile=", "-device", "virtio-net-pci,netdev=n0,romfile="];
    match kind {
        MachineKind::Virt => {
            command.args(["-M", "virt,gic-version=3", "-cpu", "cortex-a72", "-smp", "1", "-m", "512"]);
            command.args(["-drive", &disk]).args(virtio).args([
                "-device",
                "virtio-rng-pci",
                "-serial",
                &serial,
            ]);
            command.args(["-append", "console=ttyAMA0 quiet net.ifnames=0 bench_disk=/dev/vda"]);
        }
        MachineKind::Raspi3b => {
            let second = format!("file:{}", file(&scratch.join("serial1.log")));
            let card = format!("file={},format=qcow2,if=sd", file(&scratch.join("disk.qcow2")));
            command.args(["-M", "raspi3b", "-m", "1G", "-serial", &serial, "-serial", &second]);
            command.arg("-dtb").arg(image.file("device-tree.dtb")).args(["-drive", &card]);
            command.args([
                "-device",
                "usb-net,netdev=n0",
                "-device",
                "tmp105,id=t0,address=0x48,bus=i2c-bus.1",
            ]);
            command.args([
                "-append",
                "console=ttyAMA0 console=ttyS1,115200 net.ifnames=0 bench_disk=/dev/mmcblk0",
            ]);
        }
        MachineKind::Laptop => {
            let memory = scratch.join("memory");
            laptop::make_memory(&memory)?;
            let backend = format!("memory-backend-file,id=mem,size=512M,mem-path={},share=on", file(&memory));
            command.args(["-M", "pc,memory-backend=mem,hpet=off", "-cpu", "max", "-smp", "1", "-m", "512"]);
            command.args(["-object", &backend, "-serial", &serial, "-drive", &disk]).args(virtio);
            command.args(["-device", "virtio-rng-pci"]);
            command.arg("-acpitable").arg(format!("file={}", file(&image.file("table.aml"))));
            // The page of the sensors is kept out of the kernel's hands, at an address that does not move.
            let append = "console=ttyS0 quiet net.ifnames=0 mitigations=off nokaslr memmap=64K$0x10000000 \
                          bench_disk=/dev/vda";
            command.args(["-append", append]);
        }
    }
    Ok(())
}

fn add_common(command: &mut Command, scratch: &Scratch, port: u16) {
    let network = format!("user,id=n0,hostfwd=tcp:127.0.0.1:{port}-:22,restrict=on");
    let qmp = format!("unix:{},server=on,wait=off", scratch.join("qmp").display());
    command.args(["-netdev", &network, "-qmp", &qmp]);
}

//! The arm64 virtual machine does what tests of broken links and reboots rely on.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use dyno_testbench::{Machine, MachineKind};

/// Whether an SSH server says its first words within some seconds.
fn greets(port: u16) -> bool {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("QEMU listens");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
    let mut begin = [0; 4];
    stream.read_exact(&mut begin).is_ok() && &begin == b"SSH-"
}

#[test]
fn virt_has_its_own_kernel_breaks_its_link_and_reboots() {
    let mut machine = Machine::start(MachineKind::Virt).expect("a virt machine");
    let boot_id = "cat /proc/sys/kernel/random/boot_id";
    let output = machine.ssh(&format!("uname -rm; {boot_id}")).expect("ssh runs").text();
    let (kernel, before) = output.split_once('\n').expect("two lines");
    assert!(kernel.starts_with("6.1.") && kernel.ends_with("cloud-arm64 aarch64"), "{kernel}");

    machine.delay(100).expect("netem is there");
    let delay = machine.ssh("tc qdisc show dev eth0").expect("ssh runs").text();
    assert!(delay.contains("netem") && delay.contains("delay 100ms"), "{delay}");
    machine.delay(0).expect("netem is there");

    machine.link_down().expect("QEMU does it");
    assert!(!greets(machine.port()));
    let carrier =
        |machine: &Machine| machine.ssh("cat /sys/class/net/eth0/carrier").expect("ssh runs").text();
    machine.link_up().expect("QEMU does it");
    assert_eq!(carrier(&machine), "1");
    machine.freeze().expect("QEMU does it");
    assert!(!greets(machine.port()));
    machine.thaw().expect("QEMU does it");
    machine.wait_for_ssh().expect("it answers again");

    machine.ssh("echo kept > /root/file; sync").expect("ssh runs");
    machine.reset().expect("QEMU does it");
    machine.wait_for_ssh().expect("it comes up again");
    let output = machine.ssh(&format!("{boot_id}; cat /root/file")).expect("ssh runs").text();
    let (after, file) = output.split_once('\n').expect("two lines");
    assert_eq!(file, "kept");
    assert_ne!(after, before);
}

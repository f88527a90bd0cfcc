//! The arm64 userland does what tests of transports and agents rely on.

use dyno_testbench::{AdbServer, Userland, UserlandOptions};

#[test]
fn arm64_answers_over_ssh_and_adb_and_reboots_with_another_boot_id() {
    let mut device = Userland::start(&UserlandOptions::default()).expect("an arm64 userland");
    let boot_id = "cat /proc/sys/kernel/random/boot_id";
    let output =
        device.ssh(&format!("uname -m; {boot_id}; echo kept > /root/file; exit 7")).expect("ssh runs");
    assert_eq!(output.status.code(), Some(7), "{}\n{}", output.errors(), device.log());
    assert_eq!(output.text(), format!("aarch64\n{}", device.boot_id()));

    let server = AdbServer::start().expect("an adb server");
    device.connect(&server).expect("online");
    let shell = |words: &str| server.adb(&["-s", &device.serial(), "shell", words]).expect("adb runs").text();
    assert_eq!(shell("uname -m; getprop ro.product.cpu.abi"), "aarch64\narm64-v8a");
    // The ELF header of the shell names its machine: 0xb7 is AArch64.
    assert_eq!(shell("head -c 20 /system/bin/sh | tail -c 2 | xxd -p"), "b700");
    assert!(shell("dumpsys battery").contains("\n  level: 71\n"));

    let before = device.boot_id();
    device.reboot().expect("it comes up again");
    let output = device.ssh(&format!("{boot_id}; cat /root/file")).expect("ssh runs");
    assert_eq!(output.text(), format!("{}\nkept", device.boot_id()), "{}", output.errors());
    assert_ne!(device.boot_id(), before);

    device.power_off();
    assert_eq!(device.ssh("true").expect("ssh runs").status.code(), Some(255));
}

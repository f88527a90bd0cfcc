//! Which chip and board it is: device tree, `/sys/devices/soc0`, the width of the system's programs.

use std::io::Read as _;

use crate::facts::clean;
use crate::root::SysRoot;

/// More names than this of a device tree are not kept (house rule): boards have up to about 4.
const MAX_NAMES: usize = 16;
/// Programs that are on every system, to tell how wide its pointers are.
const PROGRAMS: &[&str] = &["system/bin/sh", "bin/sh", "usr/bin/env"];

/// The names that the device tree gives the board: a list of texts, each with a NUL behind it.
pub(crate) fn compatible(root: &SysRoot) -> Vec<String> {
    let read = |path: &str| root.read(path);
    // Best effort: a machine without a device tree has no such names.
    let list = read("proc/device-tree/compatible")
        .or_else(|_absent| read("sys/firmware/devicetree/base/compatible"));
    list.unwrap_or_default().split('\0').filter_map(clean).take(MAX_NAMES).collect()
}

/// The SoC: the last and most general name of the device tree; else what the kernel's SoC driver says.
pub(crate) fn soc(root: &SysRoot, compatible: &[String]) -> Option<String> {
    let generic = |name: &&String| !name.contains("dummy-virt") && !name.starts_with("qemu,");
    compatible.last().filter(generic).cloned().or_else(|| root.text("sys/devices/soc0/family"))
}

/// Width of a pointer in the system's own shell: byte 4 of its ELF header (elf(5)).
pub(crate) fn userland_bits(root: &SysRoot) -> Option<u32> {
    let bits = |program: &&str| {
        let mut head = [0_u8; 5];
        // Best effort: a program that cannot be read says nothing.
        root.open(program).ok()?.read_exact(&mut head).ok()?;
        match head {
            [0x7f, b'E', b'L', b'F', 1] => Some(32),
            [0x7f, b'E', b'L', b'F', 2] => Some(64),
            _ => None,
        }
    };
    PROGRAMS.iter().find_map(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_systems_shell_is_as_wide_as_its_own_tools_say() {
        let getconf =
            std::process::Command::new("getconf").arg("LONG_BIT").output().expect("getconf is there");
        let second = String::from_utf8(getconf.stdout).expect("a number").trim().parse().ok();
        assert_eq!(userland_bits(&SysRoot::real()), second);
    }
}

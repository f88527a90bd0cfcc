//! Names of ARM cores by the numbers in their MIDR register.
//!
//! The numbers are those of the makers' technical reference manuals (`MIDR_EL1`: implementer, bits 31–24; part number,
//! bits 15–4), as `/proc/cpuinfo` shows them.

/// `(implementer, part, name)`.
const CORES: &[(u32, u32, &str)] = &[
    (0x41, 0xb76, "Arm ARM1176"),
    (0x41, 0xc05, "Arm Cortex-A5"),
    (0x41, 0xc07, "Arm Cortex-A7"),
    (0x41, 0xc08, "Arm Cortex-A8"),
    (0x41, 0xc09, "Arm Cortex-A9"),
    (0x41, 0xc0e, "Arm Cortex-A17"),
    (0x41, 0xc0f, "Arm Cortex-A15"),
    (0x41, 0xd01, "Arm Cortex-A32"),
    (0x41, 0xd03, "Arm Cortex-A53"),
    (0x41, 0xd04, "Arm Cortex-A35"),
    (0x41, 0xd05, "Arm Cortex-A55"),
    (0x41, 0xd07, "Arm Cortex-A57"),
    (0x41, 0xd08, "Arm Cortex-A72"),
    (0x41, 0xd09, "Arm Cortex-A73"),
    (0x41, 0xd0a, "Arm Cortex-A75"),
    (0x41, 0xd0b, "Arm Cortex-A76"),
    (0x41, 0xd0c, "Arm Neoverse-N1"),
    (0x41, 0xd0d, "Arm Cortex-A77"),
    (0x41, 0xd0e, "Arm Cortex-A76AE"),
    (0x41, 0xd40, "Arm Neoverse-V1"),
    (0x41, 0xd41, "Arm Cortex-A78"),
    (0x41, 0xd42, "Arm Cortex-A78AE"),
    (0x41, 0xd44, "Arm Cortex-X1"),
    (0x41, 0xd46, "Arm Cortex-A510"),
    (0x41, 0xd47, "Arm Cortex-A710"),
    (0x41, 0xd48, "Arm Cortex-X2"),
    (0x41, 0xd49, "Arm Neoverse-N2"),
    (0x41, 0xd4b, "Arm Cortex-A78C"),
    (0x41, 0xd4c, "Arm Cortex-X1C"),
    (0x41, 0xd4d, "Arm Cortex-A715"),
    (0x41, 0xd4e, "Arm Cortex-X3"),
    (0x41, 0xd4f, "Arm Neoverse-V2"),
    (0x41, 0xd80, "Arm Cortex-A520"),
    (0x41, 0xd81, "Arm Cortex-A720"),
    (0x41, 0xd82, "Arm Cortex-X4"),
    (0x41, 0xd84, "Arm Neoverse-V3"),
    (0x41, 0xd85, "Arm Cortex-X925"),
    (0x41, 0xd87, "Arm Cortex-A725"),
    (0x41, 0xd8e, "Arm Neoverse-N3"),
    (0x4e, 0x003, "NVIDIA Denver 2"),
    (0x4e, 0x004, "NVIDIA Carmel"),
    (0x51, 0x001, "Qualcomm Oryon"),
    (0x51, 0x802, "Qualcomm Kryo 3xx Gold"),
    (0x51, 0x803, "Qualcomm Kryo 3xx Silver"),
    (0x51, 0x804, "Qualcomm Kryo 4xx Gold"),
    (0x51, 0x805, "Qualcomm Kryo 4xx Silver"),
    (0x61, 0x022, "Apple Icestorm (M1)"),
    (0x61, 0x023, "Apple Firestorm (M1)"),
    (0x61, 0x032, "Apple Blizzard (M2)"),
    (0x61, 0x033, "Apple Avalanche (M2)"),
    (0xc0, 0xac3, "Ampere-1"),
    (0xc0, 0xac4, "Ampere-1a"),
];

/// The core's name; its numbers where it is not in the table.
pub(crate) fn core_name(implementer: u32, part: u32) -> String {
    let known = CORES.iter().find(|core| (core.0, core.1) == (implementer, part));
    known.map_or_else(|| format!("implementer {implementer:#x} part {part:#x}"), |core| core.2.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_each_core_once() {
        assert!(CORES.windows(2).all(|pair| (pair[0].0, pair[0].1) < (pair[1].0, pair[1].1)));
    }

    #[test]
    fn an_unknown_core_keeps_its_numbers() {
        assert_eq!(core_name(0x41, 0xd0b), "Arm Cortex-A76");
        assert_eq!(core_name(0x41, 0xfff), "implementer 0x41 part 0xfff");
    }
}

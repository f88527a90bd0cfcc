//! `/proc/cpuinfo`, in the forms of x86, ARM and RISC-V.

use std::collections::BTreeSet;

use crate::facts::arm;

/// Features that decide which kernels an engine can use: the kernel's name, and ours (that of compilers).
const FEATURES: &[(&str, &str)] = &[
    ("sse4_2", "sse4.2"),
    ("avx", "avx"),
    ("avx2", "avx2"),
    ("avx_vnni", "avxvnni"),
    ("avx512f", "avx512f"),
    ("avx512bw", "avx512bw"),
    ("avx512dq", "avx512dq"),
    ("avx512vl", "avx512vl"),
    ("avx512vbmi", "avx512vbmi"),
    ("avx512_vnni", "avx512vnni"),
    ("avx512_bf16", "avx512bf16"),
    ("avx512_fp16", "avx512fp16"),
    ("amx_tile", "amx-tile"),
    ("amx_int8", "amx-int8"),
    ("amx_bf16", "amx-bf16"),
    ("fma", "fma"),
    ("f16c", "f16c"),
    ("bmi2", "bmi2"),
    ("neon", "neon"),
    ("vfpv4", "vfpv4"),
    ("asimd", "neon"),
    ("asimdhp", "fp16"),
    ("asimddp", "dotprod"),
    ("asimdfhm", "fp16fml"),
    ("i8mm", "i8mm"),
    ("bf16", "bf16"),
    ("sve", "sve"),
    ("sve2", "sve2"),
    ("sme", "sme"),
    ("sme2", "sme2"),
];

/// One `processor` block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Processor<'a> {
    /// The keys in lower case, as far as the kernel writes a space between words: they differ between architectures.
    lines: Vec<(String, &'a str)>,
}

impl<'a> Processor<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        let line = self.lines.iter().find(|line| line.0 == key && !line.1.is_empty())?;
        Some(line.1)
    }

    fn hex(&self, key: &str) -> Option<u32> {
        // A text that is not a number names no core.
        u32::from_str_radix(self.get(key)?.strip_prefix("0x")?, 16).ok()
    }

    fn arm_core(&self) -> Option<String> {
        Some(arm::core_name(self.hex("cpu implementer")?, self.hex("cpu part")?))
    }

    fn flags(&self) -> Option<BTreeSet<&'a str>> {
        Some(self.get("flags").or_else(|| self.get("features"))?.split_whitespace().collect())
    }
}

/// A parsed `/proc/cpuinfo`.
#[derive(Debug, Clone, Default)]
pub(crate) struct CpuInfo<'a> {
    processors: Vec<Processor<'a>>,
}

impl<'a> CpuInfo<'a> {
    /// Reads all blocks that begin with a `processor` line; what comes after them (`Hardware`, `Model`) is no CPU.
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut processors: Vec<Processor<'a>> = Vec::new();
        let mut within = false;
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else {
                within = within && !line.trim().is_empty();
                continue;
            };
            let (key, value) = (key.trim().to_lowercase(), value.trim());
            if key == "processor" && value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
                processors.push(Processor::default());
                within = true;
            }
            if let (true, Some(processor)) = (within, processors.last_mut()) {
                processor.lines.push((key, value));
            }
        }
        Self { processors }
    }

    /// Number of CPUs listed; `None` if there is none.
    pub(crate) fn n_cpus(&self) -> Option<u32> {
        // More CPUs than fit are no count.
        u32::try_from(self.processors.len()).ok().filter(|n| *n > 0)
    }

    /// Physical cores by package and core number, where x86 tells them.
    pub(crate) fn n_cores(&self) -> Option<u32> {
        let core =
            |processor: &Processor<'a>| Some((processor.get("physical id")?, processor.get("core id")?));
        let cores: Option<BTreeSet<_>> = self.processors.iter().map(core).collect();
        // More cores than fit are no count.
        u32::try_from(cores?.len()).ok().filter(|n| *n > 0)
    }

    /// The CPU's name: ARM's by its numbers, with counts where there are several kinds; else `model name`.
    pub(crate) fn name(&self) -> Option<String> {
        let mut kinds: Vec<(String, usize)> = Vec::new();
        for core in self.processors.iter().filter_map(Processor::arm_core) {
            match kinds.iter_mut().find(|kind| kind.0 == core) {
                Some(kind) => kind.1 += 1,
                None => kinds.push((core, 1)),
            }
        }
        match kinds.as_slice() {
            [] => self
                .processors
                .iter()
                .find_map(|cpu| cpu.get("model name").or_else(|| cpu.get("uarch")))
                .map(spaced),
            [(name, _)] => Some(name.clone()),
            several => {
                let kinds: Vec<String> = several.iter().map(|(name, n)| format!("{n} × {name}")).collect();
                Some(kinds.join(" + "))
            }
        }
    }

    /// What kind of core the CPU of that number is, where ARM's numbers tell.
    pub(crate) fn core_of(&self, cpu: u32) -> Option<String> {
        let number = cpu.to_string();
        self.processors.iter().find(|processor| processor.get("processor") == Some(&number))?.arm_core()
    }

    /// Features that matter to an engine and that all CPUs have, sorted.
    pub(crate) fn features(&self) -> Vec<String> {
        let mut each = self.processors.iter().filter_map(Processor::flags);
        let Some(first) = each.next() else { return Vec::new() };
        let all = each.fold(first, |common, flags| common.intersection(&flags).copied().collect());
        let ours: BTreeSet<&str> =
            FEATURES.iter().filter(|feature| all.contains(feature.0)).map(|f| f.1).collect();
        ours.into_iter().map(str::to_owned).collect()
    }

    /// Whether the CPU itself says that it is a guest's (CPUID leaf 1, ECX bit 31).
    pub(crate) fn is_guest(&self) -> bool {
        self.processors.first().and_then(Processor::flags).is_some_and(|flags| flags.contains("hypervisor"))
    }

    /// The highest `cpu MHz`, in kHz.
    pub(crate) fn freq_khz(&self) -> Option<u64> {
        let khz = |cpu: &Processor<'a>| mhz_to_khz(cpu.get("cpu mhz")?);
        self.processors.iter().filter_map(khz).max()
    }
}

/// `2596.150` MHz is 2596150 kHz.
fn mhz_to_khz(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let thousandths = format!("{part:0<3}");
    // A text that is not a number is no clock.
    let khz =
        whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(thousandths.get(..3)?.parse().ok()?)?;
    (1..=20_000_000).contains(&khz).then_some(khz)
}

/// With one space between words: makers pad their names.
fn spaced(name: &str) -> String {
    let clean: String = name.chars().filter(|c| !c.is_control()).take(256).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_kinds_of_arm_cores_are_counted() {
        let block =
            |idx, part| format!("processor\t: {idx}\nCPU implementer\t: 0x41\nCPU part\t: {part}\n\n");
        let text = [block(0, "0xd05"), block(1, "0xd05"), block(2, "0xd0b")].concat() + "Hardware\t: Board\n";
        let info = CpuInfo::parse(&text);
        assert_eq!(info.name().as_deref(), Some("2 × Arm Cortex-A55 + 1 × Arm Cortex-A76"));
        assert_eq!((info.n_cpus(), info.n_cores()), (Some(3), None));
    }

    #[test]
    fn old_arm_kernels_say_processor_twice() {
        let text = "Processor\t: ARMv7 Processor rev 4 (v7l)\nprocessor\t: 0\nBogoMIPS\t: 38.40\n\nprocessor\t: 1\n\n";
        assert_eq!(CpuInfo::parse(text).n_cpus(), Some(2));
    }

    #[test]
    fn only_what_all_cpus_have_is_a_feature() {
        let text = "processor: 0\nflags: fpu avx2 avx512_vnni\n\nprocessor: 1\nflags: fpu avx2 fma\n";
        assert_eq!(CpuInfo::parse(text).features(), ["avx2"]);
    }

    #[test]
    fn clocks_are_exact_or_unknown() {
        let check = |text, expected| assert_eq!(mhz_to_khz(text), expected, "{text}");
        check("2596.150", Some(2_596_150));
        check("800", Some(800_000));
        check("800.5", Some(800_500));
        check("0.000", None);
        check("-1.0", None);
        check("1e9", None);
        check("99999999999999999999", None);
        check("1.é", None);
    }

    #[test]
    fn nothing_comes_of_nothing() {
        for text in ["", "\n\n", "garbage", ":", "processor\t: x\n", "model name : stray\n"] {
            let info = CpuInfo::parse(text);
            assert_eq!(
                (info.n_cpus(), info.n_cores(), info.name(), info.freq_khz()),
                (None, None, None, None),
                "{text}"
            );
            assert!(info.features().is_empty() && !info.is_guest());
        }
    }
}

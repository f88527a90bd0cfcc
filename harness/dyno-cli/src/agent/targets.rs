//! Which agents run on which devices.

use dyno_transport::Platform;

const X86_64: &str = "x86_64-unknown-linux-musl";
const AARCH64: &str = "aarch64-unknown-linux-musl";
const X86_64_GNU: &str = "x86_64-unknown-linux-gnu";
const AARCH64_GNU: &str = "aarch64-unknown-linux-gnu";
const ARMV7: &str = "armv7-unknown-linux-gnueabihf";
const ARMV6: &str = "arm-unknown-linux-musleabihf";
const ANDROID: &str = "aarch64-linux-android";
const WINDOWS: &str = "x86_64-pc-windows-gnu";
const MAC: &str = "aarch64-apple-darwin";

/// Targets whose agents run on a device, best first; none where there is no agent for it.
///
/// Linux agents are static, so that the kernel alone decides: a 64-bit one runs a 64-bit agent whatever its programs
/// are. Android's list of ABIs is taken at its word.
pub(super) fn fitting(platform: &Platform) -> Vec<&'static str> {
    match platform.os.as_str() {
        "Linux" => on_linux(platform),
        "Android" if platform.abis.is_empty() => on_android(platform),
        "Android" => platform.abis.iter().flat_map(|abi| of_abi(abi)).copied().collect(),
        "Darwin" if is_aarch64(&platform.machine) => vec![MAC],
        "Windows" if is_x86_64(&platform.machine) => vec![WINDOWS],
        _ => Vec::new(),
    }
}

/// The target whose agent can load NVIDIA's library, for a device that has one; it needs the GNU C library there.
pub(super) fn for_nvidia(platform: &Platform) -> Option<&'static str> {
    let has_nvidia = platform.os == "Linux" && platform.has_nvidia;
    [X86_64_GNU, AARCH64_GNU].into_iter().find(|target| has_nvidia && is_like(platform, target))
}

/// Whether a device is of the kind that an agent for `target`, linked with the GNU C library, may run on.
pub(super) fn is_like(platform: &Platform, target: &str) -> bool {
    let Some(machine) = target.strip_suffix("-unknown-linux-gnu") else { return false };
    let is_same = (machine == "x86_64" && is_x86_64(&platform.machine))
        || (machine == "aarch64" && is_aarch64(&platform.machine));
    platform.os == "Linux" && is_same && platform.bits != Some(32)
}

fn on_linux(platform: &Platform) -> Vec<&'static str> {
    match platform.machine.as_str() {
        machine if is_x86_64(machine) => vec![X86_64],
        // Programs of 32 bits show that the kernel runs such agents, too.
        machine if is_aarch64(machine) && platform.bits == Some(32) => vec![AARCH64, ARMV7, ARMV6],
        machine if is_aarch64(machine) => vec![AARCH64],
        // So a 64-bit kernel calls itself before a 32-bit program (`COMPAT_UTS_MACHINE`).
        "armv8l" => vec![AARCH64, ARMV7, ARMV6],
        machine if machine.starts_with("armv7") => vec![ARMV7, ARMV6],
        machine if machine.starts_with("armv6") => vec![ARMV6],
        _ => Vec::new(),
    }
}

fn on_android(platform: &Platform) -> Vec<&'static str> {
    let android = Some(ANDROID).filter(|_| is_aarch64(&platform.machine));
    android.into_iter().chain(on_linux(platform)).collect()
}

/// Targets for an ABI of Android's list.
fn of_abi(abi: &str) -> &'static [&'static str] {
    match abi {
        "arm64-v8a" => &[ANDROID, AARCH64],
        "x86_64" => &[X86_64],
        "armeabi-v7a" => &[ARMV7],
        _ => &[],
    }
}

fn is_aarch64(machine: &str) -> bool {
    matches!(machine, "aarch64" | "arm64")
}

fn is_x86_64(machine: &str) -> bool {
    machine.eq_ignore_ascii_case("x86_64") || machine.eq_ignore_ascii_case("amd64")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(os: &str, machine: &str, abis: &[&str], bits: Option<u32>) -> Platform {
        let abis = abis.iter().map(|abi| (*abi).to_owned()).collect();
        Platform { os: os.to_owned(), machine: machine.to_owned(), abis, bits, ..Platform::default() }
    }

    fn check(platform: &Platform, expected: &[&str]) {
        assert_eq!(fitting(platform), expected, "{platform:?}");
    }

    #[test]
    fn the_kernel_decides_on_linux() {
        check(&platform("Linux", "x86_64", &[], Some(64)), &[X86_64]);
        check(&platform("Linux", "x86_64", &[], Some(32)), &[X86_64]);
        check(&platform("Linux", "aarch64", &[], Some(64)), &[AARCH64]);
        check(&platform("Linux", "aarch64", &[], None), &[AARCH64]);
        check(&platform("Linux", "aarch64", &[], Some(32)), &[AARCH64, ARMV7, ARMV6]);
        check(&platform("Linux", "armv8l", &[], Some(32)), &[AARCH64, ARMV7, ARMV6]);
        check(&platform("Linux", "armv7l", &[], Some(32)), &[ARMV7, ARMV6]);
        check(&platform("Linux", "armv6l", &[], Some(32)), &[ARMV6]);
    }

    #[test]
    fn androids_list_is_taken_at_its_word() {
        let phone = ["arm64-v8a", "armeabi-v7a", "armeabi"];
        check(&platform("Android", "aarch64", &phone, None), &[ANDROID, AARCH64, ARMV7]);
        // A phone with a 64-bit kernel, but without a 64-bit ABI.
        check(&platform("Android", "aarch64", &["armeabi-v7a", "armeabi"], Some(32)), &[ARMV7]);
        let emulator = ["x86_64", "arm64-v8a"];
        check(&platform("Android", "x86_64", &emulator, None), &[X86_64, ANDROID, AARCH64]);
        check(&platform("Android", "aarch64", &[], None), &[ANDROID, AARCH64]);
        check(&platform("Android", "armv7l", &[], Some(32)), &[ARMV7, ARMV6]);
    }

    #[test]
    fn what_no_agent_is_for_has_none() {
        check(&platform("Linux", "riscv64", &[], Some(64)), &[]);
        check(&platform("Linux", "i686", &[], Some(32)), &[]);
        check(&platform("FreeBSD", "x86_64", &[], Some(64)), &[]);
        check(&platform("Darwin", "x86_64", &[], Some(64)), &[]);
        check(&platform("Darwin", "arm64", &[], Some(64)), &[MAC]);
        check(&platform("Windows", "AMD64", &[], Some(64)), &[WINDOWS]);
        check(&platform("", "", &[], None), &[]);
    }

    #[test]
    fn only_where_nvidias_driver_is_a_loader_is_wanted() {
        let check = |os: &str, machine: &str, bits, has_nvidia, expected| {
            let platform = Platform { has_nvidia, ..platform(os, machine, &[], bits) };
            assert_eq!(for_nvidia(&platform), expected, "{platform:?}");
        };
        check("Linux", "x86_64", Some(64), true, Some(X86_64_GNU));
        check("Linux", "aarch64", None, true, Some(AARCH64_GNU));
        check("Linux", "x86_64", Some(64), false, None);
        check("Linux", "aarch64", Some(32), true, None);
        check("Linux", "armv7l", Some(32), true, None);
        check("Android", "aarch64", Some(64), true, None);
    }

    #[test]
    fn the_embedded_agent_is_only_for_its_own_kind() {
        let gnu = "x86_64-unknown-linux-gnu";
        assert!(is_like(&platform("Linux", "x86_64", &[], Some(64)), gnu));
        assert!(is_like(&platform("Linux", "aarch64", &[], None), "aarch64-unknown-linux-gnu"));
        assert!(!is_like(&platform("Linux", "aarch64", &[], Some(64)), gnu));
        assert!(!is_like(&platform("Linux", "x86_64", &[], Some(32)), gnu));
        assert!(!is_like(&platform("Android", "x86_64", &[], Some(64)), gnu));
        assert!(!is_like(&platform("Darwin", "arm64", &[], Some(64)), "aarch64-apple-darwin"));
    }
}

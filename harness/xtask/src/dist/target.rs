//! The targets, and what links each of them.

/// One kind of machine that an agent is built for.
#[derive(Debug)]
pub(crate) struct Target {
    /// Rust's name of it.
    pub(crate) triple: &'static str,
    /// Which devices it is for.
    pub(crate) devices: &'static str,
    /// What links its programs.
    pub(crate) linking: Linking,
    /// Whether it is built where no target is named.
    pub(crate) is_usual: bool,
    /// What such devices get while it is not built; added to a sentence.
    pub(crate) instead: &'static str,
}

/// What links a target's programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linking {
    /// The linker and the C library that come with Rust: static, and no C compiler is needed.
    RustLld,
    /// A cross compiler with the target's C library.
    Gcc {
        /// Its program.
        program: &'static str,
        /// Debian's package with it.
        package: &'static str,
        /// Whether the C library becomes part of the agent.
        is_static: bool,
    },
    /// The clang of Android's NDK; without one the code is checked only.
    Ndk,
    /// The linker of a Mac; elsewhere the code is checked only.
    Apple,
}

/// All targets.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        triple: "x86_64-unknown-linux-musl",
        devices: "64-bit x86 Linux; x86 Android emulators",
        linking: Linking::RustLld,
        is_usual: true,
        instead: "",
    },
    Target {
        triple: "aarch64-unknown-linux-musl",
        devices: "64-bit Arm Linux: Pi 3 to 5, Jetson; Android phones",
        linking: Linking::RustLld,
        is_usual: true,
        instead: "",
    },
    Target {
        triple: "x86_64-unknown-linux-gnu",
        devices: "64-bit x86 Linux with NVIDIA's driver",
        linking: Linking::Gcc { program: "x86_64-linux-gnu-gcc", package: "gcc libc6-dev", is_static: false },
        is_usual: true,
        instead: "; devices with NVIDIA's driver get the static agent, which cannot read their GPUs",
    },
    Target {
        triple: "aarch64-unknown-linux-gnu",
        devices: "64-bit Arm Linux with NVIDIA's driver",
        linking: Linking::Gcc {
            program: "aarch64-linux-gnu-gcc",
            package: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
            is_static: false,
        },
        is_usual: true,
        instead: "; devices with NVIDIA's driver get the static agent, which cannot read their GPUs",
    },
    Target {
        triple: "armv7-unknown-linux-gnueabihf",
        devices: "32-bit Arm Linux from ARMv7 on: Pi 2 to 4 with a 32-bit kernel",
        linking: Linking::Gcc {
            program: "arm-linux-gnueabihf-gcc",
            package: "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
            is_static: true,
        },
        is_usual: true,
        instead: "",
    },
    Target {
        triple: "arm-unknown-linux-musleabihf",
        devices: "32-bit Arm Linux on ARMv6: Pi Zero, Pi 1",
        linking: Linking::RustLld,
        is_usual: false,
        instead: "",
    },
    Target {
        triple: "aarch64-linux-android",
        devices: "Android phones, linked with an NDK",
        linking: Linking::Ndk,
        is_usual: true,
        instead: "; phones get the static agent of aarch64-unknown-linux-musl, which runs there",
    },
    Target {
        triple: "x86_64-pc-windows-gnu",
        devices: "64-bit Windows",
        linking: Linking::Gcc {
            program: "x86_64-w64-mingw32-gcc",
            package: "gcc-mingw-w64-x86-64",
            is_static: false,
        },
        is_usual: true,
        instead: "",
    },
    Target {
        triple: "aarch64-apple-darwin",
        devices: "Macs with Apple silicon; linked on a Mac",
        linking: Linking::Apple,
        is_usual: true,
        instead: "",
    },
];

impl Target {
    /// The agent's file name.
    pub(crate) fn program(&self) -> &'static str {
        if self.triple.contains("windows") { "edgedyno-agent.exe" } else { "edgedyno-agent" }
    }

    /// Whether such devices have another agent or cannot be linked for here: then the code is checked at least.
    pub(crate) fn may_be_left(&self) -> bool {
        !self.instead.is_empty() || matches!(self.linking, Linking::Apple)
    }

    /// Whether the agent must need no library of the device.
    pub(crate) fn is_static(&self) -> bool {
        matches!(self.linking, Linking::RustLld | Linking::Gcc { is_static: true, .. })
    }
}

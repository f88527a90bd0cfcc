//! The instruction sets: the only place with intrinsics.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "aarch64")]
#[path = "dot8_arm.rs"]
mod dot8;
#[cfg(target_arch = "x86_64")]
#[path = "dot8_x86.rs"]
mod dot8;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod portable;

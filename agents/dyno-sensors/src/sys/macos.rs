//! macOS.
#![expect(
    unsafe_code,
    reason = "statvfs, sysctl, notifications and figures of processes have no safe equivalent in std"
)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Whether processes are watched through files below `/proc`.
pub(crate) const HAS_PROCFS: bool = false;

/// Where `/proc` and `/sys` would be.
pub(crate) const ROOT: &str = "/";

/// Bytes that an ordinary user can still write where `path` lies; `None` if the system does not say.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    // Best effort: a path with a NUL in it is on no disk.
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut stat = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `path` is a C string and `stat` has room for the result.
    let rc = unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) };
    if rc != 0 {
        return None;
    }
    // SAFETY: statvfs returned 0, so it filled `stat`.
    let stat = unsafe { stat.assume_init() };
    u64::from(stat.f_bavail).checked_mul(stat.f_frsize)
}

/// A text that the kernel keeps under a name.
pub(crate) fn sysctl_text(name: &CStr) -> Option<String> {
    let mut bytes = [0_u8; 256];
    let n_bytes = sysctl(name, &mut bytes)?;
    let text = CStr::from_bytes_until_nul(&bytes[..n_bytes]).ok()?.to_str().ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn sysctl(name: &CStr, bytes: &mut [u8]) -> Option<usize> {
    let mut n_bytes = bytes.len();
    // SAFETY: the name is a C string, `n_bytes` says how much room there is, and nothing is to be set.
    let rc = unsafe {
        libc::sysctlbyname(
            name.as_ptr(),
            bytes.as_mut_ptr().cast(),
            &raw mut n_bytes,
            std::ptr::null_mut(),
            0,
        )
    };
    (rc == 0 && n_bytes <= bytes.len()).then_some(n_bytes)
}

// libSystem's notify(3); the crate `libc` does not have them.
unsafe extern "C" {
    fn notify_register_check(name: *const c_char, token: *mut c_int) -> u32;
    fn notify_get_state(token: c_int, state: *mut u64) -> u32;
    fn notify_cancel(token: c_int) -> u32;
}

/// `NOTIFY_STATUS_OK`
const NOTIFY_OK: u32 = 0;

/// The system's rating of heat, as `notifyutil -g com.apple.system.thermalpressurelevel` shows it.
#[derive(Debug)]
pub(crate) struct ThermalPressure(c_int);

impl ThermalPressure {
    /// `None` where the system has no such notification.
    pub(crate) fn watch() -> Option<Self> {
        let mut token = 0;
        // SAFETY: the name is a C string, and `token` is a live, writable number.
        let status = unsafe {
            notify_register_check(c"com.apple.system.thermalpressurelevel".as_ptr(), &raw mut token)
        };
        (status == NOTIFY_OK).then_some(Self(token))
    }

    /// The rating now.
    pub(crate) fn level(&self) -> Option<i64> {
        let mut state = 0;
        // SAFETY: the token is that of a registration, and `state` is a live, writable number.
        let status = unsafe { notify_get_state(self.0, &raw mut state) };
        // Best effort: a number without a sense is no rating.
        if status == NOTIFY_OK { i64::try_from(state).ok() } else { None }
    }
}

impl Drop for ThermalPressure {
    fn drop(&mut self) {
        // SAFETY: the token is that of a registration, which is not used any more.
        unsafe { notify_cancel(self.0) };
    }
}

/// Whether this process may do all that root may.
pub(crate) fn is_root() -> bool {
    // SAFETY: the call takes nothing.
    let user = unsafe { libc::geteuid() };
    user == 0
}

/// The memory that is charged to a process; `None` if it has ended or is not ours to see.
pub(crate) fn footprint_bytes(pid: u32) -> Option<i64> {
    let mut usage = MaybeUninit::<libc::rusage_info_v2>::zeroed();
    // Best effort: a number beyond the range is no process.
    let pid = c_int::try_from(pid).ok()?;
    // SAFETY: `usage` has room for the answer of this flavour.
    let rc = unsafe { libc::proc_pid_rusage(pid, libc::RUSAGE_INFO_V2, usage.as_mut_ptr().cast()) };
    if rc != 0 {
        return None;
    }
    // SAFETY: all-zero bytes are a valid value of this type, which is plain numbers, and the call filled it.
    let usage = unsafe { usage.assume_init() };
    // Best effort: as above.
    i64::try_from(usage.ri_phys_footprint).ok()
}

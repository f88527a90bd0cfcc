//! Windows.
#![expect(
    unsafe_code,
    reason = "CPU times, disks, the battery and the registry have no safe equivalent in std"
)]

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::fs::FileExt as _;
use std::path::Path;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, FILETIME};
use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;
use windows_sys::Win32::System::Power::{GetSystemPowerStatus, SYSTEM_POWER_STATUS};
use windows_sys::Win32::System::Registry::{HKEY_LOCAL_MACHINE, RRF_RT_REG_SZ, RegGetValueW};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetCurrentThread, GetProcessTimes, GetThreadTimes,
};

/// Whether processes are watched through files below `/proc`.
pub(crate) const HAS_PROCFS: bool = false;

/// Nothing lies below the null device: there is no `/proc` and no `/sys`, and no folder of that name is one.
pub(crate) const ROOT: &str = r"\\.\NUL";

/// CPU time of this process, all threads.
pub(crate) fn process_cpu_ns() -> u64 {
    // SAFETY: the call takes nothing; what it gives stands for the process itself and is always good.
    let process = unsafe { GetCurrentProcess() };
    cpu_ns(|[made, ended, kernel, user]| {
        // SAFETY: the handle is good, and the pointers are to live, writable values.
        unsafe { GetProcessTimes(process, made, ended, kernel, user) }
    })
}

/// CPU time of the calling thread.
pub(crate) fn thread_cpu_ns() -> u64 {
    // SAFETY: the call takes nothing; what it gives stands for the thread itself and is always good.
    let thread = unsafe { GetCurrentThread() };
    cpu_ns(|[made, ended, kernel, user]| {
        // SAFETY: the handle is good, and the pointers are to live, writable values.
        unsafe { GetThreadTimes(thread, made, ended, kernel, user) }
    })
}

fn cpu_ns(ask: impl FnOnce([*mut FILETIME; 4]) -> i32) -> u64 {
    let mut times = [FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 }; 4];
    let asked = ask(times.each_mut().map(std::ptr::from_mut));
    assert_ne!(asked, 0, "the times of oneself can always be had");
    // In units of 100 ns.
    let ns = |time: FILETIME| (u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)) * 100;
    ns(times[2]) + ns(times[3])
}

/// There is no procfs whose CPU times would have a unit.
pub(crate) fn ns_per_clock_tick() -> i64 {
    1
}

/// There is no procfs whose counts of pages would have a unit.
pub(crate) fn page_bytes() -> i64 {
    1
}

/// Opens for reading.
pub(crate) fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Reads from `offset` on; the file stands elsewhere afterwards.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}

/// Bytes that an ordinary user can still write where `path` lies; `None` if the system does not say.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let path = wide(path.as_os_str());
    let mut free = 0;
    let nothing = std::ptr::null_mut;
    // SAFETY: `path` ends with a NUL, `free` is a live number, and the rest is not asked for.
    let rc = unsafe { GetDiskFreeSpaceExW(path.as_ptr(), &raw mut free, nothing(), nothing()) };
    (rc != 0).then_some(free)
}

/// What the system says of the battery: `BatteryFlag` and `BatteryLifePercent`.
pub(crate) fn battery() -> Option<(u8, u8)> {
    // SAFETY: all-zero bytes are a valid value of this type, which is plain numbers.
    let mut status: SYSTEM_POWER_STATUS = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live, writable value.
    let rc = unsafe { GetSystemPowerStatus(&raw mut status) };
    (rc != 0).then_some((status.BatteryFlag, status.BatteryLifePercent))
}

/// A text of the registry, below `HKEY_LOCAL_MACHINE`.
pub(crate) fn registry_text(key: &str, name: &str) -> Option<String> {
    let (key, name) = (wide(OsStr::new(key)), wide(OsStr::new(name)));
    let mut units = [0_u16; 256];
    let mut n_bytes = size_of_val(&units) as u32;
    // SAFETY: both names end with a NUL, and `n_bytes` says how much room there is in `units`.
    let rc = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            name.as_ptr(),
            RRF_RT_REG_SZ,
            std::ptr::null_mut(),
            units.as_mut_ptr().cast(),
            &raw mut n_bytes,
        )
    };
    if rc != ERROR_SUCCESS {
        return None;
    }
    let end = units.iter().position(|unit| *unit == 0)?;
    let text: String = String::from_utf16_lossy(&units[..end]).chars().filter(|c| !c.is_control()).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

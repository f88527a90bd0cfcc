//! Loading NVIDIA's library, and what its errors mean for a person.

use std::error::Error as _;
use std::io;
use std::path::Path;

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

use super::poller::Failed;

/// What Windows says of a library that is nowhere (`ERROR_MOD_NOT_FOUND`).
const MODULE_NOT_FOUND: i32 = 126;

/// Loads and initialises the library at `path`, or the system's.
pub(super) fn open(path: Option<&Path>) -> Result<Nvml, Failed> {
    let loaded = match path {
        Some(path) => Nvml::builder().lib_path(path.as_os_str()).init(),
        None => Nvml::init(),
    };
    loaded.map_err(|error| if is_absent(&error) { Failed::Absent } else { Failed::Refused(words(&error)) })
}

/// Whether there is no such library here; one that lacks another library is there.
fn is_absent(error: &NvmlError) -> bool {
    let NvmlError::LibloadingError(source) = error else { return false };
    let code =
        source.source().and_then(|cause| cause.downcast_ref::<io::Error>()).and_then(io::Error::raw_os_error);
    // dlerror(3) has words only; they begin with the file that is missing.
    let words = source.to_string();
    let mut parts = words.split(": ");
    let is_own = parts.next().is_some_and(|file| file.contains("libnvidia-ml"));
    code == Some(MODULE_NOT_FOUND) || is_own && words.ends_with("No such file or directory")
}

/// An error in words, with what helps where that is known.
pub(super) fn words(error: &NvmlError) -> String {
    let help = match error {
        NvmlError::DriverNotLoaded => {
            "load NVIDIA's kernel driver (`modprobe nvidia`), or restart after installing it"
        }
        NvmlError::LibRmVersionMismatch => "restart the device: its driver was updated while it ran",
        NvmlError::NoPermission => "run the agent as a user who may open /dev/nvidiactl and /dev/nvidia0",
        NvmlError::OperatingSystem => "let the container or control group of the agent use NVIDIA's devices",
        NvmlError::GpuLost | NvmlError::ResetRequired => "reset the GPU or restart the device",
        NvmlError::FailedToLoadSymbol(_) | NvmlError::FunctionNotFound => {
            return "this driver's library does not have it: a newer driver may".to_owned();
        }
        NvmlError::InsufficientPower => "connect the power cables of the GPU",
        NvmlError::NotSupported => return "this GPU does not tell it".to_owned(),
        _ => return error.to_string(),
    };
    format!("{error}: {help}")
}

/// Whether what was asked may have an answer later: there is none yet.
pub(super) fn may_pass(error: &NvmlError) -> bool {
    matches!(error, NvmlError::NoData | NvmlError::NotFound | NvmlError::Timeout | NvmlError::InUse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_told_from_a_broken_one() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("libnvidia-ml.so.1");
        assert!(matches!(open(Some(&path)), Err(Failed::Absent)));
        std::fs::write(&path, "no library").expect("a temporary file");
        let Err(Failed::Refused(words)) = open(Some(&path)) else { panic!("it is there, but is no library") };
        assert!(words.contains("libnvidia-ml.so.1"), "{words}");
    }
}

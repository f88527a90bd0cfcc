//! Memory, busy time and clocks of GPUs and NPUs that tell them in files: `/sys/class/drm` and `/sys/class/accel`.
//!
//! Documentation/gpu/amdgpu/driver-misc.rst (`mem_info_*`) and Documentation/ABI/testing/sysfs-driver-intel_vpu
//! (`npu_*`). Others tell them through their makers' libraries only.

use dyno_model::sample::{AccuracyClass, Channel, Quantity};

use crate::driver::{Found, ProbeContext, SensorDriver};
use crate::error::SensorError;
use crate::figures::{Figures, Form};
use crate::root::SysRoot;

/// More devices of a kind than this are not looked at (house rule).
const MAX_DEVICES: usize = 16;

/// A folder, how its devices' names begin, and their files with the word for each in a site.
struct Kind {
    folder: &'static str,
    begin: &'static str,
    files: &'static [(&'static str, &'static str, Quantity, Form, AccuracyClass)],
}

const KINDS: [Kind; 2] = [
    Kind {
        folder: "sys/class/drm",
        begin: "card",
        files: &[
            ("mem_info_vram_used", "vram", Quantity::GpuBytes, Form::Times(1), AccuracyClass::A),
            // System memory that the GPU has mapped: resident bytes of no process.
            ("mem_info_gtt_used", "gtt", Quantity::GpuBytes, Form::Times(1), AccuracyClass::A),
        ],
    },
    Kind {
        folder: "sys/class/accel",
        begin: "accel",
        files: &[
            ("npu_busy_time_us", "npu", Quantity::AcceleratorBusyNs, Form::Times(1000), AccuracyClass::B),
            ("npu_memory_utilization", "npu", Quantity::GpuBytes, Form::Times(1), AccuracyClass::A),
            ("npu_current_frequency_mhz", "npu", Quantity::FreqKhz, Form::Times(1000), AccuracyClass::C),
        ],
    },
];

/// Finds one sensor with a channel for each file, as sites `card0 vram` and `accel0 npu`.
pub(crate) struct Accelerator;

impl SensorDriver for Accelerator {
    fn name(&self) -> &'static str {
        "accelerator"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        let mut sensor = Figures::default();
        for kind in &KINDS {
            // `card0-eDP-1` is a plug of `card0`.
            let is_device = |name: &str| name.starts_with(kind.begin) && !name.contains('-');
            for device in found.names(root, self.name(), (kind.folder, "devices", MAX_DEVICES), is_device)? {
                for (file, word, quantity, form, class) in kind.files {
                    let path = format!("{}/{device}/device/{file}", kind.folder);
                    let channel =
                        Channel::new(*quantity, format!("{device} {word}"), *class, context.period_ms);
                    if let Err(error) = sensor.add(root, &path, *form, channel) {
                        found.leave_out_if_there(self.name(), format!("/{path}"), &error);
                    }
                }
            }
        }
        sensor.give(&mut found);
        Ok(found)
    }
}

//! The agent's own process: what measuring costs is measured too.

use crate::driver::{Found, ProbeContext, SensorDriver};
use crate::error::SensorError;
use crate::process::{ProcessFiles, ProcessSensor};
use crate::root::SysRoot;

/// Finds the process that this code runs in, as site `agent`.
pub(crate) struct Agent;

impl SensorDriver for Agent {
    fn name(&self) -> &'static str {
        "agent"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        match ProcessFiles::open(root, "self") {
            Ok((files, closed)) => {
                found.sensors.push(Box::new(ProcessSensor::of("agent", files, context)));
                if let Some(reason) = closed {
                    found.leave_out(self.name(), "/proc/self/io", &reason);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => found.leave_out(self.name(), "/proc/self", &error),
        }
        Ok(found)
    }
}

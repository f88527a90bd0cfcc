//! How long a GPU was at work, added up from the samples that its driver keeps.

use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::Sampling;
use nvml_wrapper::enums::device::SampleValue;
use nvml_wrapper::error::NvmlError;

/// A sample stands for the time since the one before, which is 1/6 to 1 s; after a longer gap it is not known for what
/// (house rule).
const MAX_STEP_US: u64 = 3_000_000;
const NS_PER_US: i64 = 1000;

/// The count so far; it begins at the first sample that is seen.
#[derive(Debug, Default)]
pub(super) struct Busy {
    seen_us: Option<u64>,
    total_ns: i64,
}

impl Busy {
    /// The count up to the newest sample; `None` before the first one.
    pub(super) fn read(&mut self, device: &Device<'_>) -> Result<Option<i64>, NvmlError> {
        let samples = match device.samples(Sampling::GpuUtilization, self.seen_us) {
            Ok(samples) => samples,
            // There is no newer one.
            Err(NvmlError::NotFound) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut samples: Vec<(u64, Option<u32>)> =
            samples.into_iter().map(|sample| (sample.timestamp, percent(&sample.value))).collect();
        samples.sort_unstable();
        Ok(self.add(&samples))
    }

    /// Adds samples in the order of their times, in us, each with the part of its time that was busy, in percent.
    fn add(&mut self, samples: &[(u64, Option<u32>)]) -> Option<i64> {
        let Some(before) = self.seen_us else {
            // The first samples are of a time that nobody asked for.
            self.seen_us = samples.last().map(|sample| sample.0);
            return self.seen_us.map(|_| 0);
        };
        let mut seen = before;
        for (at_us, percent) in samples.iter().filter(|sample| sample.0 > before) {
            let step_us = at_us - seen;
            seen = *at_us;
            match percent.filter(|_| step_us <= MAX_STEP_US) {
                Some(percent) => {
                    self.total_ns += step_us.cast_signed() * NS_PER_US / 100 * i64::from(percent);
                }
                // A count that begins anew is seen by its reader; one that lacks a part is not.
                None => self.total_ns = 0,
            }
        }
        self.seen_us = Some(seen);
        Some(self.total_ns)
    }
}

fn percent(value: &SampleValue) -> Option<u32> {
    let percent = match value {
        SampleValue::U32(value) => Some(*value),
        SampleValue::U64(value) => u32::try_from(*value).ok(),
        SampleValue::I64(value) => u32::try_from(*value).ok(),
        SampleValue::F64(_) => None,
    };
    percent.filter(|percent| *percent <= 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_is_the_sum_of_the_busy_parts() {
        let mut busy = Busy::default();
        assert_eq!(busy.add(&[]), None, "nothing was seen yet");
        assert_eq!(busy.add(&[(1_000_000, Some(90))]), Some(0), "what was before does not count");
        assert_eq!(busy.add(&[]), Some(0));
        // 0.2 s at 50 % and 0.5 s at 100 %; the one at 1 s was seen.
        let samples = [(1_000_000, Some(90)), (1_200_000, Some(50)), (1_700_000, Some(100))];
        assert_eq!(busy.add(&samples), Some(600_000_000));
        assert_eq!(busy.add(&[(1_800_000, Some(0))]), Some(600_000_000));
    }

    #[test]
    fn a_gap_begins_the_count_anew() {
        let mut busy = Busy::default();
        busy.add(&[(1_000_000, Some(0))]);
        assert_eq!(busy.add(&[(2_000_000, Some(100))]), Some(1_000_000_000));
        assert_eq!(busy.add(&[(5_000_001, Some(100))]), Some(0), "3 s and a little");
        assert_eq!(busy.add(&[(5_500_001, Some(100))]), Some(500_000_000));
        assert_eq!(busy.add(&[(5_600_001, None)]), Some(0), "a value that is none");
        assert_eq!(percent(&SampleValue::U32(101)), None);
        assert_eq!(percent(&SampleValue::I64(-1)), None);
        assert_eq!(percent(&SampleValue::U32(100)), Some(100));
    }
}

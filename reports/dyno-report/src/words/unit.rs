//! Multiples of base units.

use dyno_view::report::UnitView;

/// A multiple of a base unit: what to divide by, and its sign.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Multiple {
    /// Base units in one of it.
    pub factor: f64,
    /// Its sign with no space before it: `ms`.
    pub sign: &'static str,
    /// Most decimals that make sense: whole nanoseconds, bytes and tokens have none.
    pub max_decimals: i32,
}

const NS: [Multiple; 4] = [many(1.0, "ns", 0), many(1e3, "µs", 3), many(1e6, "ms", 6), many(1e9, "s", 9)];
const BYTES: [Multiple; 5] = [
    many(1.0, "B", 0),
    many(1024.0, "KiB", 3),
    many(1_048_576.0, "MiB", 6),
    many(1_073_741_824.0, "GiB", 9),
    many(1_099_511_627_776.0, "TiB", 12),
];
const BYTES_PER_SECOND: [Multiple; 4] =
    [many(1.0, "B/s", 0), many(1e3, "kB/s", 3), many(1e6, "MB/s", 6), many(1e9, "GB/s", 9)];
const JOULES: [Multiple; 5] =
    [many(1e-6, "µJ", 3), many(1e-3, "mJ", 6), many(1.0, "J", 6), many(1e3, "kJ", 6), many(1e6, "MJ", 6)];
const WATTS: [Multiple; 3] = [many(1e-3, "mW", 3), many(1.0, "W", 6), many(1e3, "kW", 6)];
const WATT_HOURS: [Multiple; 3] = [many(1e-3, "mWh", 6), many(1.0, "Wh", 6), many(1e3, "kWh", 6)];
const OPERATIONS: [Multiple; 4] =
    [many(1.0, "op/s", 0), many(1e6, "Mop/s", 6), many(1e9, "Gop/s", 9), many(1e12, "Top/s", 12)];
const KHZ: [Multiple; 3] = [many(1.0, "kHz", 0), many(1e3, "MHz", 3), many(1e6, "GHz", 6)];

const fn many(factor: f64, sign: &'static str, max_decimals: i32) -> Multiple {
    Multiple { factor, sign, max_decimals }
}

impl Multiple {
    /// The multiple of `unit` in which `value` (in base units) is 1 or more, or the smallest.
    pub fn of(unit: UnitView, value: f64) -> Self {
        match unit {
            UnitView::Ns => Self::of_ns(value),
            UnitView::Bytes => Self::of_bytes(value),
            UnitView::TokensPerSecond => many(1.0, "tok/s", 6),
            UnitView::RequestsPerSecond => many(1.0, "req/s", 6),
            UnitView::BytesPerSecond => pick(&BYTES_PER_SECOND, value),
            UnitView::Tokens => many(1.0, "tokens", 0),
            UnitView::Count => many(1.0, "", 0),
            UnitView::Ratio => many(0.01, "%", 6),
            UnitView::Joules => pick(&JOULES, value),
            UnitView::Watts => pick(&WATTS, value),
            UnitView::TokensPerJoule => many(1.0, "tok/J", 6),
            UnitView::JouleSeconds => many(1.0, "J·s", 6),
            UnitView::WattHours => pick(&WATT_HOURS, value),
            UnitView::Hours => many(1.0, "h", 6),
            UnitView::OperationsPerSecond => pick(&OPERATIONS, value),
        }
    }

    /// ns, µs, ms or s.
    pub fn of_ns(value: f64) -> Self {
        pick(&NS, value)
    }

    /// B, KiB, MiB, GiB or TiB.
    pub fn of_bytes(value: f64) -> Self {
        pick(&BYTES, value)
    }

    /// kHz, MHz or GHz.
    pub fn of_khz(value: f64) -> Self {
        pick(&KHZ, value)
    }
}

fn pick(multiples: &[Multiple], value: f64) -> Multiple {
    *multiples.iter().rev().find(|multiple| value.abs() >= multiple.factor).unwrap_or(&multiples[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_multiple_keeps_the_number_at_one_or_more() {
        let check = |unit: UnitView, value: f64, sign: &str| {
            assert_eq!(Multiple::of(unit, value).sign, sign, "{value}");
        };
        check(UnitView::Ns, 0.0, "ns");
        check(UnitView::Ns, 999.0, "ns");
        check(UnitView::Ns, 1e3, "µs");
        check(UnitView::Ns, 41_234_567.0, "ms");
        check(UnitView::Ns, 1e9, "s");
        check(UnitView::Bytes, 1023.0, "B");
        check(UnitView::Bytes, 1024.0, "KiB");
        check(UnitView::Bytes, 1_073_741_823.0, "MiB");
        check(UnitView::Bytes, 1_073_741_824.0, "GiB");
        check(UnitView::Ratio, 0.5, "%");
        assert_eq!(Multiple::of_khz(3_400_000.0).sign, "GHz");
    }
}

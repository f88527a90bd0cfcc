//! Descriptions of meters, and waiting for what they say.

use std::time::{Duration, Instant};

use dyno_model::clock::MonoNs;
use dyno_model::ids::DeviceId;
use dyno_model::meter::{MeterClock, MeterCounts, MeterField, MeterFormat, MeterSource, PlannedMeter};
use dyno_model::sample::{AccuracyClass, Quantity, Scope};
use dyno_sensors::meter::Meter;

/// Whatever is waited for comes long before this.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn planned(
    source: MeterSource,
    format: MeterFormat,
    fields: &[(&str, Quantity, i64)],
) -> PlannedMeter {
    let field = |(at, quantity, scale): &(&str, Quantity, i64)| MeterField {
        at: (*at).to_owned(),
        quantity: *quantity,
        scale: *scale,
    };
    PlannedMeter {
        title: "a meter".to_owned(),
        device: DeviceId::from("d"),
        host: None,
        source,
        format,
        fields: fields.iter().map(field).collect(),
        clock: MeterClock::Receipt,
        period_ms: 10,
        latency_ms: 0,
        scope: Scope::Device,
        class: AccuracyClass::A,
        gain_ppm: 0,
        offset_uw: 0,
        lowest_uw: None,
        wraps_at_uj: None,
        knock: None,
    }
}

pub(crate) fn lines(script: &str) -> PlannedMeter {
    let argv = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    planned(
        MeterSource::Lines { argv },
        MeterFormat::Csv { delimiter: ',' },
        &[("#1", Quantity::PowerUw, 1_000_000)],
    )
}

/// All that a meter said so far: instants and rows.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) at: Vec<MonoNs>,
    pub(crate) values: Vec<Option<i64>>,
    pub(crate) counts: MeterCounts,
}

/// Takes rows until what was said is enough.
pub(crate) fn wait(meter: &Meter, is_enough: impl Fn(&Said) -> bool) -> Said {
    let (mut said, due) = (Said::default(), Instant::now() + LIMIT);
    while !is_enough(&said) {
        assert!(Instant::now() < due, "not enough: {said:?}");
        let taken = meter.take();
        said.counts = taken.counts;
        for batch in taken.batches {
            assert_eq!(batch.sensor, meter.declared().sensor);
            said.at.extend(batch.at_ns);
            said.values.extend(batch.values);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(said.at.is_sorted(), "rows are in order: {:?}", said.at);
    said
}

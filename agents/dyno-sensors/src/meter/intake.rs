//! Readings become rows or counts, in bounded memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use dyno_model::clock::{MonoNs, WallNs, monotonic_now};
use dyno_model::meter::{MeterCounts, MeterFormat, PlannedMeter};
use dyno_model::sample::{Channel, Quantity, SampleBatch};

use crate::meter::clock::Stamps;
use crate::meter::reading::{Form, Reading};

/// Rows that wait to be taken: ten minutes at 1 kHz (house rule).
const MAX_ROWS: usize = 600_000;
/// Rows of one batch, so that a line of the record stays small.
const ROWS_PER_BATCH: usize = 1024;
/// Batches that are given at once.
const MAX_BATCHES: usize = 32;
/// Values beyond this are absurd: 10⁹ W, 10⁹ J (house rule).
const MAX_VALUE: f64 = 1e15;

/// Where a source leaves its readings.
#[derive(Debug)]
pub(crate) struct Intake(Mutex<Rows>);

/// The channels of a meter, but for a chip's; power is worked out where only its factors are read.
pub(crate) fn channels(planned: &PlannedMeter, name: &str) -> Vec<Channel> {
    let has = |quantity| planned.fields.iter().any(|field| field.quantity == quantity);
    let mut quantities: Vec<Quantity> = planned.fields.iter().map(|field| field.quantity).collect();
    if has(Quantity::CurrentUa) && has(Quantity::VoltageUv) && !has(Quantity::PowerUw) {
        quantities.push(Quantity::PowerUw);
    }
    quantities.into_iter().map(|quantity| channel(planned, name, quantity)).collect()
}

/// One channel of a meter.
pub(crate) fn channel(planned: &PlannedMeter, name: &str, quantity: Quantity) -> Channel {
    let is_energy = quantity == Quantity::EnergyUj;
    let covers = is_energy || quantity == Quantity::PowerUw;
    Channel {
        wraps_at: planned.wraps_at_uj.filter(|_| is_energy),
        scope: covers.then_some(planned.scope),
        ..Channel::new(quantity, name, planned.class, planned.period_ms)
    }
}

#[derive(Debug)]
struct Rows {
    sensor: u16,
    form: Form,
    stamps: Stamps,
    quantities: Vec<Quantity>,
    scales: Vec<i64>,
    lowest_uw: Option<i64>,
    at: Vec<i64>,
    values: Vec<Option<i64>>,
    /// Rows whose instants are final, and the first instant that the next one may have.
    n_settled: usize,
    next_at: i64,
    counts: MeterCounts,
}

impl Intake {
    pub(crate) fn new(planned: &PlannedMeter, sensor: u16, channels: &[Channel]) -> Self {
        Self(Mutex::new(Rows {
            sensor,
            form: Form::new(planned.format, &planned.fields, &planned.clock),
            stamps: Stamps::new(planned.clock.clone()),
            quantities: channels.iter().map(|channel| channel.quantity).collect(),
            scales: if planned.format == MeterFormat::Kernel {
                Vec::new()
            } else {
                planned.fields.iter().map(|field| field.scale).collect()
            },
            lowest_uw: planned.lowest_uw.and_then(|uw| i64::try_from(uw).ok()),
            at: Vec::new(),
            values: Vec::new(),
            n_settled: 0,
            next_at: 0,
            counts: MeterCounts::default(),
        }))
    }

    /// A source is begun, or begun anew.
    pub(crate) fn begin(&self) {
        let mut rows = self.lock();
        rows.settle();
        rows.form.begin();
        rows.stamps.begin();
    }

    /// One reading, and when it came. What is not text is no reading.
    pub(crate) fn say(&self, reading: &[u8], at: MonoNs) {
        let mut rows = self.lock();
        match std::str::from_utf8(reading) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => rows.say(text, at),
            Err(_not_text) => rows.counts.n_garbled += 1,
        }
    }

    /// A line that was there before it was asked for: a reading only if it says itself when it was made.
    pub(crate) fn say_old(&self, line: &[u8], at: MonoNs) {
        let mut rows = self.lock();
        if rows.stamps.is_wall() {
            drop(rows);
            self.say(line, at);
        } else if let Ok(text) = std::str::from_utf8(line) {
            // The header is among such lines.
            rows.form.read(text);
        }
    }

    /// A row of a chip.
    pub(crate) fn put(&self, values: &[Option<i64>], at: MonoNs) {
        let mut rows = self.lock();
        let mut row = values.to_vec();
        for (idx, value) in row.iter_mut().enumerate() {
            if rows.quantities[idx] == Quantity::PowerUw {
                *value = value.and_then(|uw| rows.in_range(uw));
            }
        }
        rows.keep(row, None, at);
    }

    /// A line that was too long, or came in pieces too late.
    pub(crate) fn lose(&self) {
        self.lock().counts.n_garbled += 1;
    }

    /// The source failed.
    pub(crate) fn failed(&self, words: &str) {
        let counts = &mut self.lock().counts;
        counts.n_failures += 1;
        counts.last_failure = Some(words.chars().take(300).collect());
    }

    /// Rows ever kept.
    pub(crate) fn n_rows(&self) -> u64 {
        self.lock().counts.n_rows
    }

    /// Gives the oldest rows, and forgets them; whether there are more.
    pub(crate) fn take(&self) -> (Vec<SampleBatch>, MeterCounts, bool) {
        let mut rows = self.lock();
        rows.settle();
        let n = rows.at.len().min(MAX_BATCHES * ROWS_PER_BATCH);
        let n_channels = rows.quantities.len();
        let at: Vec<i64> = rows.at.drain(..n).collect();
        let values: Vec<Option<i64>> = rows.values.drain(..n * n_channels).collect();
        rows.n_settled -= n;
        let sensor = rows.sensor;
        let batches = at.chunks(ROWS_PER_BATCH).zip(values.chunks(ROWS_PER_BATCH * n_channels.max(1)));
        let batches = batches.map(|(at, values)| SampleBatch {
            sensor,
            at_ns: at.iter().map(|ns| MonoNs(ns.cast_unsigned())).collect(),
            values: values.to_vec(),
        });
        (batches.collect(), rows.counts.clone(), !rows.at.is_empty())
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    fn say(&mut self, text: &str, at: MonoNs) {
        match self.form.read(text) {
            Reading::NotYet => {}
            Reading::Garbled => self.counts.n_garbled += 1,
            Reading::Numbers { values, stamp } => {
                self.counts.n_garbled += u64::from(values.iter().any(Option::is_none));
                let mut row: Vec<Option<i64>> = Vec::with_capacity(self.quantities.len());
                for (idx, value) in values.into_iter().enumerate() {
                    row.push(self.value(idx, value));
                }
                if row.len() < self.quantities.len() {
                    let power = self.product(&row);
                    row.push(power);
                }
                self.keep(row, stamp, at);
            }
        }
    }

    fn value(&mut self, idx: usize, value: Option<f64>) -> Option<i64> {
        let scaled = value? * self.scales[idx] as f64;
        let quantity = self.quantities[idx];
        if !scaled.is_finite()
            || scaled.abs() > MAX_VALUE
            || (scaled < 0.0 && quantity != Quantity::CurrentUa)
        {
            self.counts.n_absurd += 1;
            return None;
        }
        let whole = scaled.round() as i64;
        if quantity == Quantity::PowerUw { self.in_range(whole) } else { Some(whole) }
    }

    /// Power is current times voltage of the same reading.
    fn product(&mut self, row: &[Option<i64>]) -> Option<i64> {
        let of = |quantity| {
            let idx = self.quantities.iter().position(|of| *of == quantity)?;
            row.get(idx).copied().flatten().map(i128::from)
        };
        let product = of(Quantity::CurrentUa)? * of(Quantity::VoltageUv)? / 1_000_000;
        let power = i64::try_from(product).ok().filter(|uw| *uw >= 0);
        if power.is_none() {
            self.counts.n_absurd += 1;
        }
        self.in_range(power?)
    }

    fn in_range(&mut self, power_uw: i64) -> Option<i64> {
        if self.lowest_uw.is_some_and(|lowest| power_uw < lowest) {
            self.counts.n_too_low += 1;
            return None;
        }
        Some(power_uw)
    }

    fn keep(&mut self, row: Vec<Option<i64>>, stamp: Option<f64>, at: MonoNs) {
        // The wall clock of `at`, which may be some milliseconds ago.
        let wall = WallNs(WallNs::now().0.saturating_sub(monotonic_now().since(at)));
        let Some(own) = self.stamps.take(stamp, (at, wall)) else {
            self.counts.n_disordered += 1;
            return;
        };
        if row.iter().all(Option::is_none) {
            return;
        }
        if self.at.len() >= MAX_ROWS {
            self.counts.n_dropped += 1;
            return;
        }
        self.at.push(own);
        self.values.extend(row);
        self.counts.n_rows += 1;
    }

    /// Makes the instants of all rows final.
    fn settle(&mut self) {
        let offset_ns = self.stamps.offset_ns();
        for at in &mut self.at[self.n_settled..] {
            // A quicker reading sets a clock back: rows stay in their order.
            *at = at.saturating_add(offset_ns).max(self.next_at);
            self.next_at = at.saturating_add(1);
        }
        self.n_settled = self.at.len();
    }
}

#[cfg(test)]
mod tests {
    use dyno_model::ids::DeviceId;
    use dyno_model::meter::{ClockOrigin, MeterClock, MeterField, MeterSource};
    use dyno_model::sample::{AccuracyClass, Scope};

    use super::*;

    fn planned(fields: &[(&str, Quantity, i64)]) -> PlannedMeter {
        let field = |(at, quantity, scale): &(&str, Quantity, i64)| MeterField {
            at: (*at).to_owned(),
            quantity: *quantity,
            scale: *scale,
        };
        PlannedMeter {
            title: "a meter".to_owned(),
            device: DeviceId::from("d"),
            host: None,
            source: MeterSource::Lines { argv: vec!["true".to_owned()] },
            format: MeterFormat::Csv { delimiter: ',' },
            fields: fields.iter().map(field).collect(),
            clock: MeterClock::Receipt,
            period_ms: 100,
            latency_ms: 0,
            scope: Scope::Device,
            class: AccuracyClass::A,
            gain_ppm: 0,
            offset_uw: 0,
            lowest_uw: Some(5_000_000),
            wraps_at_uj: Some(1000),
            knock: None,
        }
    }

    fn intake(planned: &PlannedMeter) -> Intake {
        Intake::new(planned, 7, &channels(planned, "plug"))
    }

    #[test]
    fn units_are_exact_and_every_refusal_has_its_count() {
        const KWH: i64 = 3_600_000_000_000;
        let planned = planned(&[("#1", Quantity::PowerUw, 1_000_000), ("#2", Quantity::EnergyUj, KWH)]);
        let intake = intake(&planned);
        let lines = ["12.345,0.000001", "NaN,1", "-3,-1", "4.9,2", "x,y", "1e12,3", "7,x"];
        for (line, at) in lines.iter().zip(1..) {
            intake.say(line.as_bytes(), MonoNs(at));
        }
        intake.say(b"8,8", MonoNs(3));
        intake.say(b"\xff\xfe", MonoNs(99));
        intake.say(b"  \r", MonoNs(99));
        let (batches, counts, has_more) = intake.take();
        assert!(!has_more);
        let rows = [
            (1, Some(12_345_000), Some(3_600_000)),
            (2, None, Some(KWH)),
            (4, None, Some(2 * KWH)),
            (6, None, Some(3 * KWH)),
            (7, Some(7_000_000), None),
        ];
        assert_eq!(batches.len(), 1);
        assert_eq!(batches[0].at_ns, rows.map(|row| MonoNs(row.0)).to_vec());
        assert_eq!(batches[0].values, rows.iter().flat_map(|row| [row.1, row.2]).collect::<Vec<_>>());
        let expected = MeterCounts {
            n_rows: 5,
            // `x,y`, `7,x` and what is not text.
            n_garbled: 3,
            // NaN, twice below 0, and 10¹² W.
            n_absurd: 4,
            n_too_low: 1,
            n_disordered: 1,
            ..MeterCounts::default()
        };
        assert_eq!(counts, expected);
        assert_eq!(intake.take().0, []);
    }

    #[test]
    fn power_is_worked_out_of_current_and_voltage() {
        let planned = planned(&[("#1", Quantity::CurrentUa, 1000), ("#2", Quantity::VoltageUv, 1_000_000)]);
        let channels = channels(&planned, "plug");
        let quantities: Vec<_> = channels.iter().map(|channel| (channel.quantity, channel.scope)).collect();
        assert_eq!(
            quantities,
            [
                (Quantity::CurrentUa, None),
                (Quantity::VoltageUv, None),
                (Quantity::PowerUw, Some(Scope::Device))
            ]
        );
        let intake = intake(&planned);
        // 1500 mA at 5.1 V are 7.65 W; a current the other way is a current, but no power.
        intake.say(b"1500,5.1", MonoNs(1));
        intake.say(b"-1500,5.1", MonoNs(2));
        let (batches, counts, _) = intake.take();
        let amps = Some(1_500_000);
        assert_eq!(
            batches[0].values,
            [amps, Some(5_100_000), Some(7_650_000), amps.map(|ua: i64| -ua), Some(5_100_000), None]
        );
        assert_eq!((counts.n_absurd, counts.n_rows), (1, 2));
    }

    #[test]
    fn an_own_clock_places_rows_by_the_quickest_reading_and_in_their_order() {
        let origin = ClockOrigin::Start;
        let clock = MeterClock::Own { at: "#2".to_owned(), unit_ns: 1_000_000, origin };
        let planned = PlannedMeter { clock, ..planned(&[("#1", Quantity::PowerUw, 1_000_000)]) };
        let intake = intake(&planned);
        let ms = |ms: u64| MonoNs(ms * 1_000_000);
        let at = || intake.take().0.into_iter().flat_map(|batch| batch.at_ns).collect::<Vec<_>>();
        // Made at 0, 100 and 200 ms of the meter's clock, handed over at once.
        for line in ["7,0", "7,100", "7,200"] {
            intake.say(line.as_bytes(), ms(1000));
        }
        assert_eq!(at(), [ms(800), ms(900), ms(1000)]);
        // The last one comes 150 ms quicker: by it the others were made before what is final.
        intake.say(b"7,210", ms(1020));
        intake.say(b"7,220", ms(1020));
        intake.say(b"7,400", ms(1050));
        assert_eq!(at(), [ms(1000).plus(1), ms(1000).plus(2), ms(1050)]);
    }

    #[test]
    fn many_rows_are_given_in_pieces_and_none_beyond_the_room() {
        let planned = planned(&[("#1", Quantity::PowerUw, 1_000_000)]);
        let intake = intake(&planned);
        let n = MAX_ROWS as u64 + 3;
        for at in 1..=n {
            intake.put(&[Some(5_000_000)], MonoNs(at));
        }
        intake.put(&[Some(4_999_999)], MonoNs(n + 1));
        let (mut n_rows, mut next) = (0, MonoNs(1));
        loop {
            let (batches, counts, has_more) = intake.take();
            assert_eq!((counts.n_dropped, counts.n_too_low), (3, 1));
            assert!(batches.iter().all(|batch| batch.at_ns.len() <= ROWS_PER_BATCH));
            for at in batches.iter().flat_map(|batch| &batch.at_ns) {
                assert_eq!(*at, next, "in order, none twice");
                next = next.plus(1);
                n_rows += 1;
            }
            if !has_more {
                break;
            }
        }
        assert_eq!(n_rows, MAX_ROWS);
    }
}

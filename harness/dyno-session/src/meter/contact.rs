//! What a contact does with its device's meters.

use std::time::{Duration, Instant};

use dyno_model::blame::chain;
use dyno_model::clock::{ClockSample, MonoNs};
use dyno_model::meter::{ClockMap, Knock, KnockVerdict, MeterKnocked, Metered};
use dyno_model::sample::{SampleBatch, SensorDeclared};
use dyno_protocol::message::{Command, LaunchKey, Lease, Reply};

use crate::clocksync;
use crate::contact::Contact;
use crate::error::SessionError;
use crate::meter::align::{self, Found, Pattern, Point};
use crate::meter::reading::Reading;
use crate::meter::rows::{Window, power, within};
use crate::observe::Step;

/// Beyond its own time, a knock is answered within this.
const KNOCK_SLACK: Duration = Duration::from_secs(30);
/// A file that is waited for is looked for so often.
const FILE_TICK: Duration = Duration::from_millis(500);

impl Contact<'_, '_> {
    /// Begins to read all meters of the device, and knocks for them.
    ///
    /// # Errors
    /// The device's own link or the record fails; a meter that does is noted.
    pub(crate) fn begin_meters(&mut self) -> Result<(), SessionError> {
        let readers = std::mem::take(&mut self.session.meters);
        self.meters.all = readers.into_iter().map(Reading::new).collect();
        if self.meters.all.is_empty() {
            return Ok(());
        }
        let lease = Lease {
            holder: self.session.holder.clone(),
            campaign: Some(self.session.campaign.clone()),
            force: false,
            is_again: false,
        };
        let agents = self.session.agents;
        for nth in 0..self.meters.all.len() {
            let meter = &mut self.meters.all[nth];
            let sensor = u16::try_from(nth).unwrap_or(u16::MAX >> 1);
            let begun = meter.begin(sensor, self.link, agents, &lease, self.observer);
            self.settle(nth, begun)?;
        }
        self.knock_for_meters()
    }

    /// The clocks are compared before a launch; gives when that was on the device.
    pub(crate) fn before_metered_launch(&mut self) -> Result<Option<MonoNs>, SessionError> {
        if self.meters.all.is_empty() {
            return Ok(None);
        }
        self.compare()
    }

    /// Takes the rows of a launch into the record.
    pub(crate) fn after_metered_launch(
        &mut self,
        key: &LaunchKey,
        from: Option<MonoNs>,
    ) -> Result<(), SessionError> {
        let Some(from) = from else { return Ok(()) };
        let Some(to) = self.compare()? else { return Ok(()) };
        self.meters.windows.push(Window { run: key.run, launch: key.launch, from, to });
        for nth in 0..self.meters.all.len() {
            if let Some(rows) = self.take(nth)?
                && self.keep_rows(nth, &rows)? == 0
            {
                self.keep_none(nth)?;
            }
        }
        Ok(())
    }

    /// Knocks a last time if the launches went as they should, takes what is left, and lets the meters go.
    ///
    /// # Errors
    /// As [`Contact::begin_meters`].
    pub(crate) fn end_meters(&mut self, is_whole: bool) -> Result<(), SessionError> {
        let is_whole = is_whole && !self.meters.windows.is_empty();
        let mut result = if is_whole { self.knock_for_meters() } else { Ok(()) };
        for nth in 0..self.meters.all.len() {
            if result.is_ok() && is_whole {
                result = self.wait_for_file(nth).and_then(|()| self.finish(nth));
            }
        }
        let meters = std::mem::take(&mut self.meters);
        self.session.meters = meters.all.into_iter().map(Reading::end).collect();
        result
    }

    /// The last rows of a meter, and all of one whose clock only knocks can place.
    fn finish(&mut self, nth: usize) -> Result<(), SessionError> {
        let Some(rows) = self.take(nth)? else { return Ok(()) };
        if !self.meters.all[nth].is_placed_by_knocks() {
            return self.keep_rows(nth, &rows).map(drop);
        }
        let meter = &mut self.meters.all[nth];
        meter.held.extend(rows);
        let rows = std::mem::take(&mut meter.held);
        let own = meter.points(&rows, Some(ClockMap::default()));
        let period_ms = meter.reader.planned.period_ms;
        let placed = align::place(&own, &self.meters.knocks, period_ms);
        let map = placed.map(|found| ClockMap {
            offset_ns: -found.shift_ns,
            err_ns: align::tolerance_ns(period_ms).unsigned_abs(),
        });
        let (found, verdict) = verdict_of_placed(&own, placed, &self.meters.knocks, period_ms);
        self.keep_knocked(nth, own.len(), found, verdict)?;
        self.keep_mapped(nth, &rows, map).map(drop)
    }

    /// The device works and rests; then each meter is asked what it saw.
    fn knock_for_meters(&mut self) -> Result<(), SessionError> {
        let planned = self.meters.all.iter().filter(|meter| meter.declared.is_some());
        let planned: Vec<_> =
            planned.map(|meter| (meter.reader.planned.knock, meter.reader.planned.period_ms)).collect();
        let Some((knock, period_ms)) = common(&planned) else { return Ok(()) };
        self.step_note("the device knocks for its meters".to_owned());
        self.compare()?;
        let loads = self.knock(&align::turns_ms(knock, period_ms))?;
        if loads.len() < knock.n as usize {
            // A person asked to stop, or it cannot.
            return Ok(());
        }
        self.compare()?;
        self.meters.knocks.push(Pattern::new(&loads, knock));
        for nth in 0..self.meters.all.len() {
            let Some(rows) = self.take(nth)? else { continue };
            let meter = &mut self.meters.all[nth];
            if meter.is_placed_by_knocks() {
                meter.held.extend(rows);
                continue;
            }
            // The end of a launch may be among them.
            self.keep_rows(nth, &rows)?;
            if self.meters.all[nth].reader.planned.knock.is_some() {
                self.check(nth, &rows)?;
            }
        }
        Ok(())
    }

    fn check(&mut self, nth: usize, rows: &[SampleBatch]) -> Result<(), SessionError> {
        let meter = &self.meters.all[nth];
        let points = meter.points(rows, None);
        let patterns = self.meters.knocks.last().map(std::slice::from_ref).unwrap_or_default();
        let (found, verdict) = align::check(&points, patterns, meter.reader.planned.period_ms);
        self.keep_knocked(nth, points.len(), found, verdict)
    }

    fn keep_knocked(
        &mut self,
        nth: usize,
        n_rows: usize,
        found: Option<Found>,
        verdict: KnockVerdict,
    ) -> Result<(), SessionError> {
        let meter = &self.meters.all[nth];
        let name = meter.reader.name.clone();
        if let KnockVerdict::Unaligned { why } = &verdict {
            let failure = meter.counts.last_failure.as_ref();
            let failure = failure.map(|words| format!("; its last failure: {words}")).unwrap_or_default();
            self.step_note(format!("meter {name} is not aligned: {why}{failure}"));
        }
        // Of all knocks where they place a clock, else of the last ones.
        let n_looked_at =
            if self.meters.all[nth].is_placed_by_knocks() { self.meters.knocks.len() } else { 1 };
        let looked_at = self.meters.knocks.iter().rev().take(n_looked_at).rev();
        let loads = looked_at.flat_map(|pattern| &pattern.loads);
        let at = |ns: i64| MonoNs(u64::try_from(ns).unwrap_or(0));
        let knocked = MeterKnocked {
            meter: name,
            loads: loads.map(|(from, to)| (at(*from), at(*to))).collect(),
            n_rows: n_rows as u64,
            shift_ns: found.map(|found| found.shift_ns),
            correlation_milli: found.map(|found| (found.correlation * 1000.0).round() as i32),
            step_uw: found.map(|found| found.step_uw.round() as i64),
            verdict,
        };
        Ok(self.sink.meter_knocked(self.number, &knocked)?)
    }

    /// Gives rows to the launches that they fell into; gives how many entries of the last launch they came to.
    fn keep_rows(&mut self, nth: usize, rows: &[SampleBatch]) -> Result<usize, SessionError> {
        let meter = &mut self.meters.all[nth];
        if meter.is_placed_by_knocks() {
            meter.held.extend_from_slice(rows);
            return Ok(0);
        }
        self.keep_mapped(nth, rows, None)
    }

    /// As above, with one map for all, or that of each batch.
    fn keep_mapped(
        &mut self,
        nth: usize,
        rows: &[SampleBatch],
        of_all: Option<ClockMap>,
    ) -> Result<usize, SessionError> {
        let meter = &self.meters.all[nth];
        let Some(declared) = &meter.declared else { return Ok(0) };
        let map_of = |rows: &[MonoNs]| if meter.is_placed_by_knocks() { of_all } else { meter.map(rows) };
        let mut n_entries = 0;
        for window in &self.meters.windows {
            n_entries = 0;
            for batch in rows {
                let Some(clock) = map_of(&batch.at_ns) else { continue };
                let batch = within(batch, clock, window);
                if batch.at_ns.is_empty() {
                    continue;
                }
                let metered = metered(meter, declared, batch, clock);
                self.sink.metered(self.number, window.run, window.launch, &metered)?;
                n_entries += 1;
            }
        }
        Ok(n_entries)
    }

    /// A launch without rows has an entry, too: its channels are declared, and what was not kept is counted.
    fn keep_none(&mut self, nth: usize) -> Result<(), SessionError> {
        let meter = &self.meters.all[nth];
        if meter.is_placed_by_knocks() {
            return Ok(());
        }
        if let (Some(declared), Some(window)) = (&meter.declared, self.meters.windows.last()) {
            let batch = SampleBatch { sensor: declared.sensor, ..SampleBatch::default() };
            let metered = metered(meter, declared, batch, ClockMap::default());
            self.sink.metered(self.number, window.run, window.launch, &metered)?;
        }
        Ok(())
    }

    /// An export that a person makes now is waited for.
    fn wait_for_file(&mut self, nth: usize) -> Result<(), SessionError> {
        let wait_ms = self.meters.all[nth].wait_ms();
        if wait_ms == 0 || self.meters.all[nth].declared.is_none() {
            return Ok(());
        }
        let name = self.meters.all[nth].reader.name.clone();
        self.step_note(format!(
            "meter {name}: export its recording now; {} s are waited for it",
            wait_ms / 1000
        ));
        let due = Instant::now() + Duration::from_millis(wait_ms);
        while Instant::now() < due && !self.session.cancel.is_cancelled() {
            let Some(rows) = self.take(nth)? else { return Ok(()) };
            let has_begun = !rows.is_empty();
            self.keep_rows(nth, &rows)?;
            // Once more for the rest of it.
            std::thread::sleep(FILE_TICK);
            if has_begun {
                break;
            }
        }
        Ok(())
    }

    /// Compares all clocks; gives what time it is on the device.
    fn compare(&mut self) -> Result<Option<MonoNs>, SessionError> {
        let Some(sample) = clocksync::sync(self.link, clocksync::SHORT_BURST)? else { return Ok(None) };
        self.sink.clock(self.number, &sample)?;
        for nth in 0..self.meters.all.len() {
            if self.meters.all[nth].declared.is_some() {
                let compared = self.meters.all[nth].compare(&sample);
                self.settle(nth, compared)?;
            }
        }
        Ok(on_device(&sample))
    }

    /// The rows of a meter; `None` of one that has failed.
    fn take(&mut self, nth: usize) -> Result<Option<Vec<SampleBatch>>, SessionError> {
        if self.meters.all[nth].declared.is_none() {
            return Ok(None);
        }
        match self.meters.all[nth].take(self.link) {
            Ok(rows) => Ok(Some(rows)),
            Err(error) => self.settle(nth, Err(error)).map(|()| None),
        }
    }

    /// A meter that fails is noted and let be; the device's own link is another matter.
    fn settle(&mut self, nth: usize, done: Result<(), SessionError>) -> Result<(), SessionError> {
        let Err(error) = done else { return Ok(()) };
        let meter = &mut self.meters.all[nth];
        meter.declared = None;
        if meter.reader.transport.is_none() && !matches!(error, SessionError::Agent { .. }) {
            return Err(error);
        }
        let (name, words) = (meter.reader.name.clone(), chain(&error));
        self.step_note(format!("meter {name} cannot be read: {words}"));
        Ok(self.sink.meter_failed(self.number, &name, &words)?)
    }

    /// Has the device knock; gives its loads, fewer when a person asked to stop, none when it cannot.
    fn knock(&mut self, turns_ms: &[u32]) -> Result<Vec<(MonoNs, MonoNs)>, SessionError> {
        self.link.send(&Command::Knock { turns_ms: turns_ms.to_vec() })?;
        let total_ms: u64 = turns_ms.iter().map(|turn| u64::from(*turn)).sum();
        let limit = Duration::from_millis(total_ms) + KNOCK_SLACK;
        match self.long_reply(limit, "to work and rest for its meters") {
            Ok(Reply::Knocked { loads }) => Ok(loads),
            Ok(other) => Err(self.link.unexpected(&other)),
            // Its launches are worth having without it.
            Err(SessionError::Agent { source, .. }) => {
                self.step_note(format!("the device cannot knock for its meters: {}", source.message));
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    fn step_note(&mut self, text: String) {
        self.observer.step(&self.session.device, &Step::Note { text });
    }
}

fn metered(meter: &Reading, declared: &SensorDeclared, batch: SampleBatch, clock: ClockMap) -> Metered {
    let (meter, counts) = (meter.reader.name.clone(), meter.counts.clone());
    Metered { meter, declared: declared.clone(), batch, clock, counts }
}

impl Reading {
    /// Its power by the device's clock.
    fn points(&self, rows: &[SampleBatch], of_all: Option<ClockMap>) -> Vec<Point> {
        let Some(declared) = &self.declared else { return Vec::new() };
        let mapped =
            rows.iter().filter_map(|batch| Some((of_all.or_else(|| self.map(&batch.at_ns))?, batch)));
        power(declared, &mapped.collect::<Vec<_>>())
    }
}

/// The longest knock that any of the meters wants, and the longest period of those that want one.
fn common(planned: &[(Option<Knock>, u32)]) -> Option<(Knock, u32)> {
    planned.iter().filter_map(|(knock, period_ms)| Some(((*knock)?, *period_ms))).reduce(|(a, p), (b, q)| {
        let knock =
            Knock { busy_ms: a.busy_ms.max(b.busy_ms), idle_ms: a.idle_ms.max(b.idle_ms), n: a.n.max(b.n) };
        (knock, p.max(q))
    })
}

/// The device's instant of a comparison.
fn on_device(sample: &ClockSample) -> Option<MonoNs> {
    ClockMap { offset_ns: sample.offset_ns, err_ns: 0 }.map(sample.at)
}

/// Whether a clock that all knocks together placed fits each of them.
fn verdict_of_placed(
    own: &[Point],
    placed: Option<Found>,
    knocks: &[Pattern],
    period_ms: u32,
) -> (Option<Found>, KnockVerdict) {
    let Some(found) = placed else {
        let why = "its recording does not show the loads, so that nobody knows when it was made".to_owned();
        return (None, KnockVerdict::Unaligned { why });
    };
    if knocks.len() < 2 {
        return (Some(found), KnockVerdict::Placed);
    }
    let moved: Vec<Point> =
        own.iter().map(|(at, power)| (at.saturating_sub(found.shift_ns), *power)).collect();
    let each = knocks.iter().map(|knock| align::check(&moved, std::slice::from_ref(knock), period_ms));
    let worst = each.max_by_key(|(found, verdict)| {
        let is_off = *verdict != KnockVerdict::Aligned;
        (is_off, found.map_or(i64::MAX, |found| found.shift_ns.abs()))
    });
    worst.unwrap_or((Some(found), KnockVerdict::Placed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_knock_serves_all_meters() {
        let knock = |busy_ms, idle_ms, n| Knock { busy_ms, idle_ms, n };
        assert_eq!(common(&[(None, 5000)]), None);
        let planned = [(Some(knock(5, 9, 2)), 100), (None, 5000), (Some(knock(7, 3, 3)), 1000)];
        assert_eq!(common(&planned), Some((knock(7, 9, 3), 1000)));
    }
}

//! Rests around the load: nothing is asked of the device, and its sensors are read on.
//!
//! Each is a span of the record. A rest ends at once when the launch is stopped from outside.

use std::time::Duration;

use dyno_model::care::{CoolDown, Span, SpanKind};
use dyno_model::clock::{Clock, MonoNs};
use dyno_model::event::{EventKind, SinkError};
use dyno_model::outcome::Outcome;
use dyno_protocol::message::Phase;

use super::Launch;
use super::cool::{BLIND_NS, Baseline, Cooling, Half, Looked, Taking};
use super::watch::{Watch, degrees, seconds};
use dyno_model::blame::chain;

/// The sensors' newest rows are looked at so often.
const LOOK_EVERY_NS: u64 = 100_000_000;
/// After the load a device is as cool as before when no temperature is further than this above (MEASUREMENT §5.5).
const RECOVERED_MDEGC: i64 = 3000;
/// What is said where there is nothing to look at.
const BLIND: &str = "no temperature can be read";

/// How a rest ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ended {
    /// Its time is over.
    Time,
    /// There is nothing more to wait for.
    Judged,
    /// The launch is stopped.
    Stopped(Outcome),
}

/// Whether limits end a rest: where a hot device is waited for, its heat does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heed {
    Limits,
    Nothing,
}

impl Launch<'_> {
    /// What comes before the spawn: the cool-down, and the rest without a runtime. An outcome is why the launch is over
    /// already.
    pub(super) fn rest_before_spawn(&mut self) -> Result<Option<Outcome>, SinkError> {
        let Some(care) = &self.order.care else { return Ok(None) };
        let idle_ms = care.idle_ms;
        if let Some(rule) = care.cool_down
            && let Some(outcome) = self.cool_down(rule)?
        {
            return Ok(Some(outcome));
        }
        self.rest(SpanKind::Idle, idle_ms)
    }

    /// Rests for a while; an outcome is why the launch is over.
    pub(super) fn rest(&mut self, kind: SpanKind, for_ms: u64) -> Result<Option<Outcome>, SinkError> {
        if for_ms == 0 {
            return Ok(None);
        }
        let began_at = self.clock.now();
        let ended = self.wait(Phase::Resting, for_ms, Heed::Limits, &mut |_, _| false)?;
        self.rested(kind, began_at, None, ended)
    }

    fn cool_down(&mut self, rule: CoolDown) -> Result<Option<Outcome>, SinkError> {
        let began_at = self.clock.now();
        if self.watch.as_ref().is_none_or(|watch| watch.temps.is_empty()) {
            return self.rested(SpanKind::CoolDown, began_at, Some(BLIND.to_owned()), Ended::Judged);
        }
        match Baseline::load(self.spool.folder()) {
            Ok(Some(baseline)) => return self.wait_for_baseline(rule, baseline),
            Ok(None) => {}
            Err(error) => {
                self.note(format!("the baseline of temperatures is taken anew: {}", chain(&error)))?;
            }
        }
        self.take_baseline(rule)
    }

    /// The campaign's first launch: what it finds is the baseline, once the device does not cool down any more from
    /// what came before, as finding out what it can do.
    fn take_baseline(&mut self, rule: CoolDown) -> Result<Option<Outcome>, SinkError> {
        let began_at = self.clock.now();
        let until = began_at.plus(rule.limit_ms.saturating_mul(1_000_000));
        let for_ns = rule.for_ms.saturating_mul(1_000_000);
        loop {
            let taken_from = self.clock.now();
            let mut taking = Taking::default();
            let ended = self.wait(Phase::CoolingDown, rule.for_ms, Heed::Nothing, &mut |watch, now| {
                let half = if now.since(taken_from) < for_ns / 2 { Half::First } else { Half::Second };
                taking.look(watch, half);
                taking.is_blind() && now.since(taken_from) >= BLIND_NS
            })?;
            if taking.is_blind() {
                return self.rested(SpanKind::CoolDown, began_at, Some(BLIND.to_owned()), ended);
            }
            if ended != Ended::Time {
                return self.rested(SpanKind::CoolDown, began_at, None, ended);
            }
            let (now, is_settling) = (self.clock.now(), taking.is_settling());
            if is_settling && now.plus(for_ns) <= until {
                continue;
            }
            let baseline = taking.done();
            let still = if is_settling { "; the device still cooled down" } else { "" };
            let why = format!("{}{still}", baseline.words(now.since(taken_from)));
            if let Err(error) = baseline.store(self.spool.folder()) {
                self.note(format!("the baseline of temperatures is not kept: {}", chain(&error)))?;
            }
            return self.rested(SpanKind::CoolDown, began_at, Some(why), ended);
        }
    }

    fn wait_for_baseline(
        &mut self,
        rule: CoolDown,
        baseline: Baseline,
    ) -> Result<Option<Outcome>, SinkError> {
        let began_at = self.clock.now();
        let mut cooling = Cooling::new(rule, baseline, began_at);
        let mut looked = Looked::On;
        let ended = self.wait(Phase::CoolingDown, rule.limit_ms, Heed::Nothing, &mut |watch, now| {
            looked = cooling.look(watch, now);
            looked != Looked::On
        })?;
        let why = match (&ended, looked) {
            (Ended::Stopped(_), _) | (_, Looked::Cool) => None,
            (_, Looked::Blind) => Some(BLIND.to_owned()),
            (_, Looked::On) => Some(cooling.hot_start()),
        };
        self.rested(SpanKind::CoolDown, began_at, why, ended)
    }

    /// Watches until the device is as cool as before the load; the runtime is gone.
    pub(super) fn recover(&mut self, before: &[Option<i64>]) -> Result<(), SinkError> {
        let limit_ms = self.order.care.as_ref().map_or(0, |care| care.recovery_ms);
        let began_at = self.clock.now();
        if before.iter().all(Option::is_none) {
            return self
                .rested(SpanKind::Recovery, began_at, Some(BLIND.to_owned()), Ended::Judged)
                .map(drop);
        }
        let (mut hottest, mut seen_at) = (None, began_at);
        let ended = self.wait(Phase::Recovering, limit_ms, Heed::Nothing, &mut |watch, now| {
            match hottest_above(watch, before) {
                Some(found) => {
                    seen_at = now;
                    hottest.insert(found).1 <= RECOVERED_MDEGC
                }
                // What cannot be read for a moment is no reason to end.
                None if now.since(seen_at) < BLIND_NS => false,
                None => {
                    hottest = None;
                    true
                }
            }
        })?;
        let took = seconds(self.clock.now().since(began_at));
        let limit = degrees(RECOVERED_MDEGC);
        let why = match (&ended, &hottest) {
            (Ended::Stopped(_), _) => None,
            (_, None) => Some(BLIND.to_owned()),
            (Ended::Judged, Some(_)) => Some(format!("after {took} within {limit} of before the load")),
            (Ended::Time, Some((site, above))) => {
                Some(format!("after {took} {site} is still {} above before the load", degrees(*above)))
            }
        };
        // The load is over, and what came of it stands, however this ended.
        self.rested(SpanKind::Recovery, began_at, why, ended).map(drop)
    }

    /// A rest is over: records it, and says whether the launch is over, too.
    fn rested(
        &mut self,
        kind: SpanKind,
        began_at: MonoNs,
        why: Option<String>,
        ended: Ended,
    ) -> Result<Option<Outcome>, SinkError> {
        let (why, outcome) = match ended {
            Ended::Stopped(outcome) => {
                let why = outcome.detail().unwrap_or_else(|| "stopped from outside".to_owned());
                (Some(why), Some(outcome))
            }
            Ended::Time | Ended::Judged => (why, None),
        };
        self.span(kind, began_at, why)?;
        Ok(outcome)
    }

    /// Records a span that ends now.
    pub(super) fn span(
        &mut self,
        kind: SpanKind,
        began_at: MonoNs,
        why: Option<String>,
    ) -> Result<(), SinkError> {
        let ended_at = self.clock.now();
        self.event_at(ended_at, EventKind::Span(Span { kind, began_at, ended_at, why }))?;
        // A rest may be the last that is known of a device.
        self.spool.flush()
    }

    /// Waits for a while, or until `is_over` says so of the newest rows.
    fn wait(
        &mut self,
        phase: Phase,
        for_ms: u64,
        heed: Heed,
        is_over: &mut dyn FnMut(&Watch, MonoNs) -> bool,
    ) -> Result<Ended, SinkError> {
        let began_at = self.clock.now();
        let until = began_at.plus(for_ms.saturating_mul(1_000_000));
        loop {
            let now = self.clock.now();
            self.sense.catch_up(now);
            self.tell(phase, now.since(began_at), for_ms.saturating_mul(1_000_000));
            self.spill(now, true)?;
            if self.interrupt.is_raised() {
                return Ok(Ended::Stopped(Outcome::Cancelled));
            }
            let reached = self.look_around()?.filter(|_| heed == Heed::Limits);
            if let Some(detail) = reached {
                return Ok(Ended::Stopped(Outcome::AtLimit { detail }));
            }
            if self.watch.as_ref().is_some_and(|watch| is_over(watch, now)) {
                return Ok(Ended::Judged);
            }
            if now >= until {
                return Ok(Ended::Time);
            }
            let step_ns = LOOK_EVERY_NS.min(until.since(now));
            match &self.clock {
                Clock::Scripted(_) => self.clock.sleep_until(now.plus(step_ns)),
                Clock::Monotonic => drop(self.interrupt.wait(Some(Duration::from_nanos(step_ns)))),
            }
        }
    }

    /// Looks at the sensors' newest rows: what changed in the supply is noted, and the limit that is reached is told.
    pub(super) fn look_around(&mut self) -> Result<Option<String>, SinkError> {
        let Some(watch) = &self.watch else { return Ok(None) };
        let reached = if self.limits.is_any() { self.limits.reached(watch) } else { None };
        for change in self.supply.changes(watch) {
            self.note(change)?;
        }
        Ok(reached)
    }

    /// Tells how far something is that goes by time, in seconds.
    pub(super) fn tell(&mut self, phase: Phase, done_ns: u64, total_ns: u64) {
        let [done, total] =
            [done_ns, total_ns].map(|ns| u32::try_from(ns / 1_000_000_000).unwrap_or(u32::MAX));
        (self.on_progress)(phase, done.min(total), total);
    }
}

/// The channel that is furthest above what it was, and how far; `None` while none can be read.
fn hottest_above(watch: &Watch, before: &[Option<i64>]) -> Option<(String, i64)> {
    let above = watch
        .temps
        .iter()
        .zip(before)
        .filter_map(|(spot, before)| Some((spot.site.clone(), watch.value(spot)? - (*before)?)));
    above.max_by_key(|(_, above)| *above)
}

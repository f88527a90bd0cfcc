//! The words for what surrounds a load: how long it is held, rests, a cool-down, limits, and tries of the device.

use dyno_model::care::{Care, CoolDown, Duty, Hold, Limits};
use dyno_model::launch::Dialect;
use dyno_model::plan::PlannedRuntime;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::ask::{Ask, AskedLoad};
use crate::document::Document;
use crate::problem::{Problem, Problems};
use crate::suite::SuiteWords;

/// A real runtime's figures are put beside what the device can do at most, for which so long is enough (house rule).
const MACHINE_MS: u64 = 4000;
/// Below, a pass over memory is too short for a figure (house rule).
const LEAST_MACHINE_MS: u64 = 1000;
/// What a sensor near a processor shows in a warm room already (house rule).
const ROOM_C: f64 = 40.0;
/// Air in which devices work at all, in °C.
const AIR_C: (f64, f64) = (-40.0, 70.0);
/// A day; the longest hold.
pub(crate) const MAX_HOLD_MS: u64 = 86_400_000;

/// How long a load goes on.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldWords {
    /// No request is begun after that long: 1_200_000 is twenty minutes. The requests of a launch go round meanwhile.
    #[schemars(range(min = 1000, max = 86_400_000))]
    for_ms: u64,
    /// No more requests than that.
    #[schemars(range(min = 1, max = 10_000_000))]
    requests: Option<u32>,
    /// Ends sooner once rate and temperatures are steady, but not before this.
    #[schemars(range(min = 1000, max = 86_400_000))]
    steady_after_ms: Option<u64>,
    /// Work and rest in turn; without it, work without rest.
    duty: Option<DutyWords>,
}

/// A duty cycle.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DutyWords {
    /// Requests are begun for so long,
    #[schemars(range(min = 1, max = 86_400_000))]
    work_ms: u64,
    /// and then none for so long.
    #[schemars(range(min = 1, max = 86_400_000))]
    rest_ms: u64,
}

/// When a device has cooled down enough to begin.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CoolDownWords {
    /// No temperature is further above what it was before the campaign's first launch; without it, 3 °C.
    #[schemars(range(min = 0.1, max = 50.0))]
    above_c: Option<f64>,
    /// For so long without a break; without it, a minute.
    #[schemars(range(max = 3_600_000))]
    for_ms: Option<u64>,
    /// After so long the launch begins all the same, and is marked; without it, a quarter of an hour.
    #[schemars(range(min = 1, max = 86_400_000))]
    limit_ms: Option<u64>,
}

/// What stops a launch safely.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsWords {
    /// A temperature of any sensor that is reached.
    #[schemars(range(max = 150.0))]
    max_temp_c: Option<f64>,
    /// A charge of the battery that is reached from above.
    #[schemars(range(min = 0.1, max = 99.9))]
    min_battery_percent: Option<f64>,
}

impl HoldWords {
    fn plan(self) -> Hold {
        let duty = self.duty.map(|duty| Duty { work_ms: duty.work_ms, rest_ms: duty.rest_ms });
        Hold { for_ms: self.for_ms, max_requests: self.requests, steady_after_ms: self.steady_after_ms, duty }
    }
}

impl CoolDownWords {
    /// The usual numbers are those of MEASUREMENT §5.5.
    fn plan(self) -> CoolDown {
        CoolDown {
            above_mdegc: thousandths(self.above_c.unwrap_or(3.0)),
            for_ms: self.for_ms.unwrap_or(60_000),
            limit_ms: self.limit_ms.unwrap_or(900_000),
        }
    }
}

fn thousandths(number: f64) -> u32 {
    (number * 1000.0).round() as u32
}

/// Temperature of the air in thousandths of a degree.
pub(crate) fn air_mdegc(celsius: f64) -> i32 {
    (celsius * 1000.0).round() as i32
}

/// Why no device is measured in such air. `None` is nothing to say.
pub(crate) fn refuse_air(celsius: f64) -> Option<(String, String)> {
    let (low, high) = AIR_C;
    let fits = (low..=high).contains(&celsius);
    (!fits).then(|| (format!("{celsius} °C is no air to measure in"), format!("from {low} to {high}")))
}

/// What the suite wants around each load; `None` where that is nothing.
pub(crate) fn care(suite: &SuiteWords, runtimes: &[(String, PlannedRuntime)]) -> Option<Care> {
    // A script takes neither time nor power, and somebody else's server may be on another machine than the device that
    // asks it.
    let is_real = |runtime: &PlannedRuntime| runtime.dialect != Dialect::Fake;
    let is_any_real = runtimes.iter().any(|(_, runtime)| is_real(runtime));
    let is_here = runtimes.iter().any(|(_, runtime)| is_real(runtime) && runtime.endpoint.is_none());
    let limits = suite.limits.map(|words| Limits {
        max_temp_mdegc: words.max_temp_c.map(thousandths),
        min_battery_permille: words.min_battery_percent.map(|percent| (percent * 10.0).round() as u32),
    });
    let care = Care {
        cool_down: suite.cool_down.map(CoolDownWords::plan),
        idle_ms: suite.idle_ms,
        ready_idle_ms: suite.ready_idle_ms,
        recovery_ms: suite.recovery_ms,
        limits: limits.unwrap_or_default(),
        machine_ms: if is_here { suite.machine_ms.unwrap_or(MACHINE_MS) } else { 0 },
        test_sensors: is_any_real && suite.test_sensors,
    };
    (care != Care::default()).then_some(care)
}

/// How long loads go on, as the suite and the ask say; what does not fit is reported.
pub(crate) fn hold(suite: &SuiteWords, ask: &Ask, problems: &mut Problems) -> Option<Hold> {
    let Some(words) = suite.hold else {
        if ask.hold_ms.is_some() {
            let message = format!("suite `{}` holds no load", ask.suite);
            let hint =
                "say at which --rate requests come, or take a suite with `hold`, such as soak".to_owned();
            problems.push(Problem::of_flag("--duration", message, Some(hint)));
        }
        return None;
    };
    if let Some(AskedLoad::Open { .. }) = &ask.load {
        let message = format!("suite `{}` holds its load, and one at a rate ends by itself", ask.suite);
        let hint = "ask for --concurrency, or take another suite".to_owned();
        problems.push(Problem::of_flag("--rate", message, Some(hint)));
    }
    if ask.stop.as_deref().is_some_and(|stop| stop != "never") {
        let message =
            format!("suite `{}` holds its load: how many requests a launch has is not known", ask.suite);
        problems.push(Problem::of_flag("--stop", message, Some("leave it out".to_owned())));
    }
    let own = words.plan();
    let hold = Hold {
        for_ms: ask.hold_ms.unwrap_or(own.for_ms),
        max_requests: ask.requests.or(own.max_requests),
        ..own
    };
    if ask.hold_ms.is_some() {
        check_asked(&hold, problems);
    }
    // A hold that is asked to be shorter has no time to become steady before its end.
    Some(Hold { steady_after_ms: hold.steady_after_ms.filter(|after| *after < hold.for_ms), ..hold })
}

fn check_asked(hold: &Hold, problems: &mut Problems) {
    let mut refuse = |message: String, hint: String| {
        problems.push(Problem::of_flag("--duration", message, Some(hint)));
    };
    if !(1000..=MAX_HOLD_MS).contains(&hold.for_ms) {
        refuse(format!("{} s is out of range", hold.for_ms as f64 / 1000.0), "from 1 s to a day".to_owned());
    } else if let Some(cycle_ms) = cycle_ms(hold).filter(|cycle_ms| *cycle_ms > hold.for_ms) {
        let message = format!("{} ms are less than one cycle of work and rest", hold.for_ms);
        refuse(message, format!("{} s or more", cycle_ms.div_ceil(1000)));
    }
}

fn cycle_ms(hold: &Hold) -> Option<u64> {
    hold.duty.map(|duty| duty.work_ms.saturating_add(duty.rest_ms))
}

/// Reports what a schema cannot see of the suite `name`.
pub(crate) fn check(name: &str, suite: &SuiteWords, document: &Document<'_>, problems: &mut Problems) {
    let mut place = Place { name, document, problems };
    if let Some(words) = &suite.hold {
        place.check_hold(words, suite);
    }
    if let Some(cool_down) = suite.cool_down.map(CoolDownWords::plan)
        && cool_down.limit_ms < cool_down.for_ms
    {
        let message =
            format!("no device is cool for {} ms within {} ms", cool_down.for_ms, cool_down.limit_ms);
        place.report(&["cool_down"], message, "make `limit_ms` longer than `for_ms`".to_owned());
    }
    if let Some(limits) = &suite.limits {
        place.check_limits(limits);
    }
    if let Some(ms) = suite.machine_ms.filter(|ms| (1..LEAST_MACHINE_MS).contains(ms)) {
        let hint = format!("0 for none, or {LEAST_MACHINE_MS} and more");
        place.report(&["machine_ms"], format!("{ms} ms are too short for a figure"), hint);
    }
}

/// One suite, to report problems of.
struct Place<'p, 'd> {
    name: &'p str,
    document: &'p Document<'d>,
    problems: &'p mut Problems,
}

impl Place<'_, '_> {
    fn report(&mut self, keys: &[&str], message: String, hint: String) {
        let path: Vec<&str> = ["suite", self.name].iter().chain(keys).copied().collect();
        self.problems.push(self.document.problem_at(&path, message, Some(hint)));
    }

    fn check_hold(&mut self, words: &HoldWords, suite: &SuiteWords) {
        if suite.load.values().iter().any(|(_, load)| !load.waits_for_answers()) {
            let message = "`hold` beside a load whose requests come at times of their own".to_owned();
            let hint = "it ends by itself: leave `hold` out, or use a `single` or `closed` load".to_owned();
            self.report(&["hold"], message, hint);
        }
        if suite.stop.is_some() {
            let message = "`stop` beside `hold`: how many requests a launch has is not known".to_owned();
            self.report(&["stop"], message, "keep one of them".to_owned());
        }
        if let Some(after) = words.steady_after_ms.filter(|after| *after >= words.for_ms) {
            let message = format!("`steady_after_ms` is not before the end: {after}");
            let hint = format!("less than `for_ms`, which is {}", words.for_ms);
            self.report(&["hold", "steady_after_ms"], message, hint);
        }
        let Some(duty) = &words.duty else { return };
        let period_ms = u64::from(suite.sampling_period_ms);
        for (key, ms) in [("work_ms", duty.work_ms), ("rest_ms", duty.rest_ms)] {
            if ms < 2 * period_ms {
                let message = format!("`{key}` is too short to be seen: {ms}");
                let hint = format!("two of `sampling_period_ms` or more, which is {period_ms}");
                self.report(&["hold", "duty", key], message, hint);
            }
        }
        if cycle_ms(&words.plan()).is_some_and(|cycle_ms| cycle_ms > words.for_ms) {
            let message = "one cycle of work and rest is longer than `for_ms`".to_owned();
            self.report(&["hold", "duty"], message, format!("`for_ms` is {}", words.for_ms));
        }
    }

    fn check_limits(&mut self, limits: &LimitsWords) {
        if let Some(celsius) = limits.max_temp_c.filter(|celsius| *celsius <= ROOM_C) {
            let message = format!("`max_temp_c` would stop a device at rest: {celsius}");
            self.report(&["limits", "max_temp_c"], message, format!("more than {ROOM_C}"));
        }
        if limits.max_temp_c.is_none() && limits.min_battery_percent.is_none() {
            let hint = "name `max_temp_c`, `min_battery_percent` or both".to_owned();
            self.report(&["limits"], "`limits` without a limit".to_owned(), hint);
        }
    }
}

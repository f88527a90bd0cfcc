//! What a device can do, and whether its sensors can be believed: asked once for each contact, before its first launch.

use std::time::{Duration, Instant};

use dyno_model::device::DeviceFacts;
use dyno_model::machine::MachineFigures;
use dyno_model::sample::{SensorDeclared, UnreadableSensor};
use dyno_model::sensor_test::SourceTest;
use dyno_protocol::message::{Command, Reply};

use crate::contact::Contact;
use crate::error::SessionError;
use crate::link::Link;
use crate::observe::Step;
use crate::visit::Visit;

/// Time for the known steps of load: long enough for gauges that tell something new once a second.
pub(crate) const SENSOR_TEST_MS: u64 = 24_000;
/// Beyond the time that is asked for, the device may take so long: a slow one writes to all its arrays first.
const SLACK: Duration = Duration::from_mins(1);
/// How often a cancel is looked for.
const TICK: Duration = Duration::from_millis(100);

/// All sensors of a device, and what became of testing its sources of power.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SensorsFound {
    /// Sensors that can be read.
    pub declared: Vec<SensorDeclared>,
    /// Those that cannot, and why.
    pub unreadable: Vec<UnreadableSensor>,
    /// Each source of power or energy.
    pub tests: Vec<SourceTest>,
    /// What the device says of itself.
    pub facts: DeviceFacts,
}

/// Time for the known steps of load where nobody says otherwise.
pub const DEFAULT_SENSOR_TEST: Duration = Duration::from_millis(SENSOR_TEST_MS);

impl Visit {
    /// Lists all sensors, and loads the device in known steps for `limit` to see which sources of power follow.
    ///
    /// # Errors
    /// The link or the agent fails.
    pub fn test_sensors(
        &mut self,
        sys_root: Option<&str>,
        limit: Duration,
    ) -> Result<SensorsFound, SessionError> {
        let for_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        self.link.send(&Command::TestSensors { for_ms, sys_root: sys_root.map(str::to_owned) })?;
        let reply = self.link.answer_within("to test its sensors", limit.saturating_add(SLACK))?;
        found(&self.link, reply)
    }
}

fn found(link: &Link, reply: Reply) -> Result<SensorsFound, SessionError> {
    match reply {
        Reply::SensorsTested { declared, unreadable, tests, facts } => {
            Ok(SensorsFound { declared, unreadable, tests, facts: *facts })
        }
        other => Err(link.unexpected(&other)),
    }
}

impl Contact<'_, '_> {
    /// Asks what the plan wants to know of the device itself, and records it.
    ///
    /// What the agent cannot find out is a note: the runs are worth having without it. A device that was restarted for
    /// a cold start is left alone, for any work would warm it.
    ///
    /// # Errors
    /// The link is lost, or the record cannot be written.
    pub(crate) fn examine(&mut self) -> Result<(), SessionError> {
        let Some(care) = self.session.plan.care.as_ref() else { return Ok(()) };
        if self.restarted_for.is_some() {
            return Ok(());
        }
        let (machine_ms, test_sensors) = (care.machine_ms, care.test_sensors);
        let planned = self.session.plan.devices.get(&self.session.device);
        let sys_root = planned.and_then(|planned| planned.sys_root.clone());
        if machine_ms > 0 {
            let command = Command::Machine { for_ms: machine_ms, sys_root: sys_root.clone() };
            self.examine_by(&command, machine_ms, "what the machine can do")?;
        }
        if test_sensors && !self.session.cancel.is_cancelled() {
            let command = Command::TestSensors { for_ms: SENSOR_TEST_MS, sys_root };
            self.examine_by(&command, SENSOR_TEST_MS, "whether its sensors follow the load")?;
        }
        Ok(())
    }

    fn examine_by(&mut self, command: &Command, for_ms: u64, what: &str) -> Result<(), SessionError> {
        let seconds = for_ms.div_ceil(1000);
        self.step(&Step::Note { text: format!("finding out {what}, for about {seconds} s") });
        self.link.send(command)?;
        match self.long_reply(Duration::from_millis(for_ms).saturating_add(SLACK), what) {
            Ok(Reply::Machine { figures }) => self.keep_machine(&figures),
            Ok(reply) => {
                let found = found(self.link, reply)?;
                self.keep_tests(&found.tests)
            }
            Err(SessionError::Agent { source, .. }) => {
                self.step(&Step::Note { text: format!("it is not known {what}: {}", source.message) });
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for an answer that the agent works for; passes on a cancel.
    pub(crate) fn long_reply(&mut self, limit: Duration, what: &str) -> Result<Reply, SessionError> {
        let due = Instant::now() + limit;
        let mut has_asked = false;
        while Instant::now() < due {
            if self.session.cancel.is_cancelled() && !has_asked {
                self.link.send(&Command::Cancel)?;
                has_asked = true;
            }
            if let Some(reply) = self.link.reply_within(TICK)? {
                return Ok(reply);
            }
        }
        let (device, limit_s) = (self.session.device.clone(), limit.as_secs());
        Err(SessionError::Silent { device, what: what.to_owned(), limit_s })
    }

    fn keep_machine(&mut self, figures: &MachineFigures) -> Result<(), SessionError> {
        for text in &figures.notes {
            self.step(&Step::Note { text: text.clone() });
        }
        Ok(self.sink.machine(self.number, figures)?)
    }

    fn keep_tests(&mut self, tests: &[SourceTest]) -> Result<(), SessionError> {
        Ok(self.sink.sensors_tested(self.number, tests)?)
    }
}

//! Meeting devices: all at the same time, each on a thread of its own, so that one that fails stops no other.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use dyno_model::device::DeviceFacts;
use dyno_model::ids::DeviceId;
use dyno_model::plan::PlannedDevice;
use dyno_protocol::message::Lease;
use dyno_session::{Observer, SessionError, Step, Visit};
use dyno_transport::ssh::Ask;
use dyno_transport::{Platform, Transport};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::Global;
use crate::exit::Exit;
use crate::progress::Talk;
use crate::reach::{self, Agents};
use crate::render_error::Failure;

/// What came of meeting one device.
#[derive(Debug, Default)]
pub(crate) struct Met {
    /// What carries the bytes.
    pub(crate) carrier: Option<String>,
    /// Round trip of the quickest question to the agent.
    pub(crate) latency_ns: Option<u64>,
    /// What the device runs, where no agent could say more.
    pub(crate) platform: Option<Platform>,
    /// What it says of itself.
    pub(crate) facts: Option<DeviceFacts>,
    /// Why it says nothing.
    pub(crate) failure: Option<Failure>,
}

/// One device and how to talk about it.
pub(crate) struct Call<'c> {
    pub(crate) device: &'c DeviceId,
    pub(crate) planned: &'c PlannedDevice,
    pub(crate) ask: &'c Arc<dyn Ask>,
    pub(crate) observer: &'c mut dyn Observer,
}

/// Meets all of them.
pub(crate) fn meet(global: &Global, planned: &BTreeMap<DeviceId, PlannedDevice>) -> BTreeMap<DeviceId, Met> {
    let agents = Agents::default();
    let met = each(global, planned, &|call| Ok(one(call, &agents)));
    let or_failed = |met: Result<Met, Failure>| {
        met.unwrap_or_else(|failure| Met { failure: Some(failure), ..Met::default() })
    };
    met.into_iter().map(|(device, met)| (device, or_failed(met))).collect()
}

fn one(call: Call<'_>, agents: &Agents) -> Met {
    let Call { device, planned, ask, observer } = call;
    let mut transport = match reach::transport(device, planned, ask) {
        Ok(transport) => transport,
        Err(failure) => return Met { failure: Some(failure), ..Met::default() },
    };
    let lease = Lease { holder: reach::holder(), campaign: None, force: false, is_again: false };
    let mut met = Met::default();
    let talked = Visit::open(device, transport.as_mut(), agents, &lease, observer)
        .and_then(|visit| talk(visit, &mut met));
    met.carrier = Some(transport.carrier());
    if let Err(error) = talked {
        met.platform = platform(transport.as_mut(), &error);
        met.failure = Some(error.into());
    }
    met
}

fn talk(mut visit: Visit, met: &mut Met) -> Result<(), SessionError> {
    // First of all: our own questions are load, too.
    met.facts = Some(visit.facts()?);
    met.latency_ns = visit.clock()?.map(|clock| clock.err_ns.saturating_mul(2));
    visit.close();
    Ok(())
}

/// What the device runs, if it can be reached and only the agent cannot be had.
fn platform(transport: &mut dyn Transport, error: &SessionError) -> Option<Platform> {
    if matches!(error, SessionError::Transport { .. }) {
        return None;
    }
    // Best effort: the reason why there is no agent is told anyway.
    transport.platform().ok()
}

/// Does `work` for each device at the same time; gives what came of it, by device.
pub(crate) fn each<T: Send>(
    global: &Global,
    planned: &BTreeMap<DeviceId, PlannedDevice>,
    work: &(dyn Fn(Call<'_>) -> Result<T, Failure> + Sync),
) -> BTreeMap<DeviceId, Result<T, Failure>> {
    let bars = Bars::new(global, planned);
    let ask = reach::ask(&bars.all);
    thread::scope(|scope| {
        let begin = |(device, planned): (&DeviceId, &PlannedDevice)| {
            let (mut line, ask, device, planned) = (bars.line(device), &ask, device.clone(), planned.clone());
            let name = device.0.clone();
            let work = move || work(Call { device: &device, planned: &planned, ask, observer: &mut line });
            (DeviceId(name.clone()), thread::Builder::new().name(name).spawn_scoped(scope, work))
        };
        let running: Vec<_> = planned.iter().map(begin).collect();
        let ended = running.into_iter().map(|(device, thread)| {
            let result = match thread.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(result)) => result,
                Ok(Err(_panic)) => Err(Failure {
                    exit: Exit::Bug,
                    error: anyhow::anyhow!("ended by a defect of edgedyno; its words are above"),
                    hints: Vec::new(),
                }),
                Err(error) => {
                    Err(Failure::io("cannot start a thread", error, "end other programs and try again"))
                }
            };
            (device, result)
        });
        ended.collect()
    })
}

/// A line for each device on stderr, if that is a terminal.
struct Bars {
    all: MultiProgress,
    width: usize,
}

impl Bars {
    fn new(global: &Global, planned: &BTreeMap<DeviceId, PlannedDevice>) -> Self {
        let shown = std::io::stderr().is_terminal() && Talk::of(global) > Talk::Quiet;
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let width = planned.keys().map(|device| device.0.len()).max().unwrap_or(0);
        Self { all: MultiProgress::with_draw_target(target), width }
    }

    fn line(&self, device: &DeviceId) -> Line {
        let bar = self.all.add(ProgressBar::new_spinner());
        let style = ProgressStyle::with_template("{prefix}  {spinner} {wide_msg}");
        bar.set_style(style.expect("the template is fixed and valid"));
        bar.set_prefix(format!("{:<width$}", device.0, width = self.width));
        bar.enable_steady_tick(Duration::from_millis(200));
        Line(bar)
    }
}

/// The line of one device; it goes with its device's end.
struct Line(ProgressBar);

impl Observer for Line {
    fn step(&mut self, _device: &DeviceId, step: &Step) {
        let words = match step {
            Step::Reach => "reaching it".to_owned(),
            Step::DeployAgent { .. } => "bringing the agent".to_owned(),
            Step::Sending { done, of } => {
                format!("sending {} %", done.saturating_mul(100).checked_div(*of).unwrap_or(100))
            }
            Step::Waiting { holder } => {
                format!("an agent of {} works there", dyno_report::untrusted::one_line(holder))
            }
            _ => return,
        };
        self.0.set_message(words);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

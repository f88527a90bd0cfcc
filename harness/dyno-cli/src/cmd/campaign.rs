//! What `run` and `resume` share: sessions on all devices at once, then the report.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dyno_analysis::{Judge, Need};
use dyno_model::clock::{ClockSample, WallNs};
use dyno_model::event::{Event, SinkError};
use dyno_model::ids::{DeviceId, RunId};
use dyno_model::machine::MachineFigures;
use dyno_model::meter::{MeterKnocked, Metered};
use dyno_model::plan::{Plan, PlannedRun};
use dyno_model::prepare::{Prepared, Restored};
use dyno_model::sensor_test::SourceTest;
use dyno_session::{Cancel, Finished, LocalModel, Opened, RecordSink, Session, Steer, Wanted};
use dyno_store::{Campaign, Journal, JournalEntry, JournalError};

use crate::args::{Format, Global};
use crate::cmd::report;
use crate::exit::Exit;
use crate::progress::{Progress, Talk, say};
use crate::reach::{self, Agents};
use crate::render_error::{self, Failure};
use crate::{output, signals};

/// edgedyno's version, as it stands in every record.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How a campaign is carried out, as far as the plan does not say.
#[derive(Debug, Clone)]
pub(crate) struct Conduct {
    /// Model files on this side, by name.
    pub(crate) models: BTreeMap<String, LocalModel>,
    /// How long a lost link is sought again.
    pub(crate) reconnect_limit: Duration,
    /// What stdout shows at the end.
    pub(crate) shown: Shown,
}

/// What stdout shows when a campaign is measured; its report's files are always written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The report.
    Report,
    /// Nothing: the campaign is a part of something larger.
    Nothing,
}

/// Measures what the record lacks, and reports.
pub(crate) fn measure(
    global: &Global,
    campaign: &Campaign,
    journal: Journal,
    conduct: &Conduct,
) -> Result<Exit, Failure> {
    let talk = Talk::of(global);
    let cancel = signals::cancel()?;
    let missing = journal.progress().missing(campaign.plan());
    say(talk, Talk::Normal, &format!("campaign {}: {missing} to go", campaign.id()));
    let progress = Progress::new(talk, campaign.plan(), journal.progress());
    let judge = Judge::of_campaign(campaign)?;
    let sink = SharedSink(Arc::new(Mutex::new(JournalSink { journal })));
    let failed = sessions(campaign, &sink, &cancel, conduct, &progress, &judge);
    progress.finish();
    conclude(global, campaign, &sink, &cancel, failed, conduct.shown)
}

/// One session a device, each on a thread of its own; gives those that failed.
fn sessions(
    campaign: &Campaign,
    sink: &SharedSink,
    cancel: &Cancel,
    conduct: &Conduct,
    progress: &Progress,
    judge: &Judge<'_>,
) -> Vec<(DeviceId, Failure)> {
    let agents = Agents::default();
    let (ask, finished) = (reach::ask(progress.bars()), sink.lock().finished(campaign));
    let session = |device: &DeviceId| Session {
        meters: Vec::new(),
        campaign: campaign.id().clone(),
        holder: reach::holder(),
        plan: campaign.plan(),
        device: device.clone(),
        agents: &agents,
        models: conduct.models.clone(),
        finished: finished.clone(),
        steer: Box::new(OwnJudge(judge.clone())),
        reconnect_limit: conduct.reconnect_limit,
        cancel: cancel.clone(),
    };
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        for (device, planned) in &campaign.plan().devices {
            let (mut observer, mut sink) = (progress.device(device, cancel), sink.clone());
            let (mut session, ask) = (session(device), &ask);
            let measure = move || -> Result<(), Failure> {
                let mut transport = reach::transport(device, planned, ask)?;
                session.meters = reach::meters(campaign.plan(), device, ask)?;
                session.execute(transport.as_mut(), &mut sink, &mut observer)?;
                Ok(())
            };
            let thread = std::thread::Builder::new().name(format!("session {device}"));
            running.push((device, thread.spawn_scoped(scope, measure)));
        }
        let ended = running.into_iter().map(|(device, thread)| (device, ended(device, thread)));
        let failed = ended.filter_map(|(device, result)| Some((device.clone(), result.err()?)));
        failed.inspect(|(device, failure)| sink.lock().given_up(device, failure)).collect()
    })
}

/// What came of a session's thread.
fn ended(
    device: &DeviceId,
    thread: io::Result<std::thread::ScopedJoinHandle<'_, Result<(), Failure>>>,
) -> Result<(), Failure> {
    match thread.map(std::thread::ScopedJoinHandle::join) {
        Ok(Ok(result)) => result,
        Ok(Err(_panic)) => Err(Failure {
            exit: Exit::Bug,
            error: anyhow::anyhow!(
                "the session on {device} ended by a defect of edgedyno; its words are above"
            ),
            hints: Vec::new(),
        }),
        Err(error) => Err(Failure::io("cannot start a thread", error, "end other programs and try again")),
    }
}

/// What is in the record of a plan, for people: `12 of 40 requests`, `310 requests and 1 of 2 held loads`.
pub(crate) fn standing(plan: &Plan, progress: &dyno_store::Progress) -> String {
    let done = progress.finished_requests().len();
    let is_held = |run: &&PlannedRun| plan.hold_of(run).is_some();
    let held: Vec<_> = plan.runs.iter().filter(is_held).collect();
    if held.is_empty() {
        return format!("{done} of {} requests", plan.n_requests());
    }
    let n_ended = held.iter().filter(|run| progress.ended_runs().contains(&run.id)).count();
    format!("{done} requests and {n_ended} of {} held loads", held.len())
}

/// Closes the record and says what there is.
fn conclude(
    global: &Global,
    campaign: &Campaign,
    sink: &SharedSink,
    cancel: &Cancel,
    mut failed: Vec<(DeviceId, Failure)>,
    shown: Shown,
) -> Result<Exit, Failure> {
    let talk = Talk::of(global);
    let mut sink = sink.lock();
    let go_on = format!("go on with `edgedyno resume {}`", campaign.id());
    if cancel.is_cancelled() {
        sink.journal
            .append(&JournalEntry::Interrupted { reason: "asked to stop".to_owned(), wall: WallNs::now() })?;
        sink.journal.sync()?;
        let standing = standing(campaign.plan(), sink.journal.progress());
        say(talk, Talk::Quiet, &format!("stopped: {standing} are in {}", campaign.dir().display()));
        say(talk, Talk::Quiet, &format!("hint: {go_on}"));
        return Ok(Exit::Interrupted);
    }
    let has_nothing = sink.journal.progress().finished_requests().is_empty();
    drop(sink);
    let n_devices = campaign.plan().devices.len();
    let tell = |failed: &[(DeviceId, Failure)]| {
        for (_, failure) in failed {
            say(talk, Talk::Quiet, render_error::render(failure).trim_end());
        }
    };
    if failed.len() == n_devices || has_nothing {
        let last = failed.pop();
        tell(&failed);
        if let Some((_, mut failure)) = last {
            failure.hints.push(go_on);
            return Err(failure);
        }
    }
    let exit = present(global, campaign, shown)?;
    if failed.is_empty() {
        return Ok(exit);
    }
    // What the others measured stands; the report says what is missing.
    tell(&failed);
    say(talk, Talk::Quiet, &format!("hint: {} of {n_devices} devices failed; {go_on}", failed.len()));
    Ok(failed.first().map_or(exit, |(_, failure)| failure.exit))
}

/// Writes the report's files and prints the table.
fn present(global: &Global, campaign: &Campaign, shown: Shown) -> Result<Exit, Failure> {
    let report = dyno_analysis::report(campaign)?;
    let style = report::style(global);
    for (format, name) in [(Format::Json, "report.json"), (Format::Html, "report.html")] {
        let bytes = report::render(&report, format, style);
        report::write_file(&campaign.report_dir().join(name), &bytes)?;
    }
    let page = campaign.report_dir().join("report.html");
    if shown == Shown::Report {
        let format = if global.json { Format::Json } else { Format::Terminal };
        output::stdout(&report::render(&report, format, style))?;
        say(Talk::of(global), Talk::Normal, &format!("\nreport: {}", page.display()));
    } else {
        say(Talk::of(global), Talk::Verbose, &format!("report: {}", page.display()));
    }
    Ok(report::exit_of(&report))
}

/// The judge of one session.
struct OwnJudge<'p>(Judge<'p>);

impl Steer for OwnJudge<'_> {
    fn saw(&mut self, event: &Event) {
        self.0.saw(event);
    }

    fn next(&mut self, run: RunId) -> Wanted {
        match self.0.next(run) {
            Need::Needed => Wanted::Needed,
            Need::LeftOut { why } => Wanted::LeftOut { why },
        }
    }
}

/// The journal as a session sees it.
struct JournalSink {
    journal: Journal,
}

impl JournalSink {
    fn finished(&self, campaign: &Campaign) -> Finished {
        let progress = self.journal.progress();
        let last = |run: RunId| (run, progress.next_launch(run).saturating_sub(1));
        Finished {
            requests: progress.finished_requests().clone(),
            launches: campaign.plan().runs.iter().map(|run| last(run.id)).collect(),
            left_out: progress.left_out().keys().copied().collect(),
            ended: progress.ended_runs().clone(),
        }
    }

    /// Notes why a device's share is missing. Best effort: a record that cannot be written is told of already.
    fn given_up(&mut self, device: &DeviceId, failure: &Failure) {
        let (device, error) = (device.clone(), format!("{:#}", failure.error));
        self.keep(&JournalEntry::GivenUp { device, error, wall: WallNs::now() }).ok();
    }

    fn keep(&mut self, entry: &JournalEntry) -> Result<(), SinkError> {
        let kept = self.journal.append(entry).and_then(|()| self.journal.sync());
        kept.map_err(|error| self.refused(error))
    }

    fn refused(&self, error: JournalError) -> SinkError {
        SinkError { place: self.journal.path().display().to_string(), source: io::Error::other(error) }
    }
}

/// The journal as all sessions share it: one entry after the other.
#[derive(Clone)]
struct SharedSink(Arc<Mutex<JournalSink>>);

impl SharedSink {
    fn lock(&self) -> MutexGuard<'_, JournalSink> {
        // A session that panicked left whole lines: each append is whole or not at all.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecordSink for SharedSink {
    fn opened(&mut self, opened: &Opened) -> Result<u32, SinkError> {
        let mut sink = self.lock();
        let session = sink.journal.progress().next_session();
        sink.keep(&JournalEntry::Session {
            session,
            device: opened.device.clone(),
            transport: opened.transport.clone(),
            build_id: opened.build_id.clone(),
            facts: Box::new(opened.facts.clone()),
            model_digests: opened.model_digests.clone(),
            notes: opened.notes.clone(),
            wall: WallNs::now(),
        })?;
        Ok(session)
    }

    fn clock(&mut self, session: u32, sample: &ClockSample) -> Result<(), SinkError> {
        self.lock().keep(&JournalEntry::Clock { session, sample: *sample })
    }

    fn prepared(&mut self, session: u32, prepared: &Prepared) -> Result<(), SinkError> {
        self.lock().keep(&JournalEntry::Prepared { session, prepared: Box::new(prepared.clone()) })
    }

    fn restored(&mut self, session: u32, restored: &Restored) -> Result<(), SinkError> {
        self.lock().keep(&JournalEntry::Restored { session, restored: Box::new(restored.clone()) })
    }

    fn machine(&mut self, session: u32, figures: &MachineFigures) -> Result<(), SinkError> {
        self.lock().keep(&JournalEntry::Machine { session, figures: Box::new(figures.clone()) })
    }

    fn sensors_tested(&mut self, session: u32, tests: &[SourceTest]) -> Result<(), SinkError> {
        self.lock().keep(&JournalEntry::SensorsTested { session, tests: tests.to_vec() })
    }

    fn events(&mut self, session: u32, events: &[Event]) -> Result<(), SinkError> {
        let mut sink = self.lock();
        let kept = sink.journal.append_events(session, events);
        kept.map(drop).map_err(|error| sink.refused(error))
    }

    fn metered(&mut self, session: u32, run: RunId, launch: u16, metered: &Metered) -> Result<(), SinkError> {
        let metered = Box::new(metered.clone());
        self.lock().keep(&JournalEntry::Metered { session, run, launch, metered })
    }

    fn meter_knocked(&mut self, session: u32, knocked: &MeterKnocked) -> Result<(), SinkError> {
        self.lock().keep(&JournalEntry::MeterKnocked { session, knocked: Box::new(knocked.clone()) })
    }

    fn meter_failed(&mut self, session: u32, meter: &str, error: &str) -> Result<(), SinkError> {
        let (meter, error) = (meter.to_owned(), error.to_owned());
        self.lock().keep(&JournalEntry::MeterFailed { session, meter, error })
    }

    fn left_out(&mut self, session: u32, run: RunId, why: &str) -> Result<(), SinkError> {
        self.lock().keep(&JournalEntry::LeftOut { session, run, why: why.to_owned(), wall: WallNs::now() })
    }

    fn closed(&mut self, session: u32, error: Option<&str>) -> Result<(), SinkError> {
        self.lock().keep(&JournalEntry::SessionEnded {
            session,
            error: error.map(str::to_owned),
            wall: WallNs::now(),
        })
    }
}

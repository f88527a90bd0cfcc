//! What `run` and `resume` share: sessions on all devices, then the report.

use std::collections::BTreeMap;
use std::io;

use dyno_model::clock::WallNs;
use dyno_model::event::{Event, SinkError};
use dyno_model::ids::{DeviceId, RunId};
use dyno_model::plan::{PlannedDevice, TransportSpec};
use dyno_session::{Cancel, Finished, LocalModel, Observer, Opened, RecordSink, Session, SessionSummary};
use dyno_store::{Campaign, Journal, JournalEntry, JournalError};
use dyno_transport::{LocalTransport, Transport};

use crate::args::{Format, Global};
use crate::cmd::report;
use crate::exit::Exit;
use crate::progress::{Progress, Talk, say};
use crate::render_error::Failure;
use crate::{agent, output, signals};

/// edgedyno's version, as it stands in every record.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Measures what the record lacks, and reports.
pub(crate) fn measure(
    global: &Global,
    campaign: &Campaign,
    journal: Journal,
    models: &BTreeMap<String, LocalModel>,
) -> Result<Exit, Failure> {
    let talk = Talk::of(global);
    let cancel = Cancel::default();
    signals::install(&cancel)?;
    let agent = agent::local()?;
    let missing = campaign.plan().n_requests().saturating_sub(journal.progress().finished_requests().len());
    say(talk, Talk::Normal, &format!("campaign {}: {missing} requests to go", campaign.id()));
    let mut progress = Progress::new(talk, missing);
    let mut sink = JournalSink { journal };
    let mut failed = None;
    for (device, planned) in &campaign.plan().devices {
        let session = Session {
            campaign: campaign.id().clone(),
            plan: campaign.plan(),
            device: device.clone(),
            agent: agent.clone(),
            models: models.clone(),
            finished: sink.finished(campaign),
            cancel: cancel.clone(),
        };
        let result = contact(device, planned, session, &mut sink, &mut progress);
        if let Err(error) = result {
            failed = Some(error);
        }
        if cancel.is_cancelled() {
            break;
        }
    }
    progress.finish();
    conclude(global, campaign, sink, &cancel, failed)
}

fn contact(
    device: &DeviceId,
    planned: &PlannedDevice,
    session: Session<'_>,
    sink: &mut JournalSink,
    observer: &mut dyn Observer,
) -> Result<SessionSummary, Failure> {
    let mut transport = open(device, planned)?;
    Ok(session.execute(transport.as_mut(), sink, observer)?)
}

fn open(device: &DeviceId, planned: &PlannedDevice) -> Result<Box<dyn Transport>, Failure> {
    match &planned.transport {
        TransportSpec::Local => Ok(Box::new(LocalTransport::new(&device.0, planned.work_dir.as_deref())?)),
        TransportSpec::Ssh { .. } | TransportSpec::Adb { .. } => Err(Failure::usage(
            format!("device {device}: this version of edgedyno reaches local devices only"),
            "choose a device with `transport = { kind = \"local\" }`",
        )),
    }
}

/// Closes the record and says what there is.
fn conclude(
    global: &Global,
    campaign: &Campaign,
    mut sink: JournalSink,
    cancel: &Cancel,
    failed: Option<Failure>,
) -> Result<Exit, Failure> {
    let talk = Talk::of(global);
    let done = sink.journal.progress().finished_requests().len();
    let go_on = format!("go on with `edgedyno resume {}`", campaign.id());
    if cancel.is_cancelled() {
        sink.journal
            .append(&JournalEntry::Interrupted { reason: "asked to stop".to_owned(), wall: WallNs::now() })?;
        sink.journal.sync()?;
        drop(sink);
        let of = campaign.plan().n_requests();
        say(
            talk,
            Talk::Quiet,
            &format!("stopped: {done} of {of} requests are in {}", campaign.dir().display()),
        );
        say(talk, Talk::Quiet, &format!("hint: {go_on}"));
        return Ok(Exit::Interrupted);
    }
    drop(sink);
    if let Some(mut failure) = failed {
        failure.hints.push(go_on);
        return Err(failure);
    }
    present(global, campaign)
}

/// Writes the report's files and prints the table.
fn present(global: &Global, campaign: &Campaign) -> Result<Exit, Failure> {
    let report = dyno_analysis::report(campaign)?;
    let style = report::style(global);
    for (format, name) in [(Format::Json, "report.json"), (Format::Html, "report.html")] {
        let bytes = report::render(&report, format, style);
        report::write_file(&campaign.report_dir().join(name), &bytes)?;
    }
    let shown = if global.json { Format::Json } else { Format::Terminal };
    output::stdout(&report::render(&report, shown, style))?;
    let page = campaign.report_dir().join("report.html");
    say(Talk::of(global), Talk::Normal, &format!("\nreport: {}", page.display()));
    Ok(report::exit_of(&report))
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
        }
    }

    fn keep(&mut self, entry: &JournalEntry) -> Result<(), SinkError> {
        let kept = self.journal.append(entry).and_then(|()| self.journal.sync());
        kept.map_err(|error| self.refused(error))
    }

    fn refused(&self, error: JournalError) -> SinkError {
        SinkError { place: self.journal.path().display().to_string(), source: io::Error::other(error) }
    }
}

impl RecordSink for JournalSink {
    fn opened(&mut self, opened: &Opened) -> Result<u32, SinkError> {
        let session = self.journal.progress().next_session();
        self.keep(&JournalEntry::Session {
            session,
            device: opened.device.clone(),
            transport: opened.transport.clone(),
            build_id: opened.build_id.clone(),
            facts: Box::new(opened.facts.clone()),
            model_digests: opened.model_digests.clone(),
            wall: WallNs::now(),
        })?;
        Ok(session)
    }

    fn events(&mut self, session: u32, events: &[Event]) -> Result<(), SinkError> {
        let kept = self.journal.append_events(session, events);
        kept.map(drop).map_err(|error| self.refused(error))
    }

    fn closed(&mut self, session: u32, error: Option<&str>) -> Result<(), SinkError> {
        self.keep(&JournalEntry::SessionEnded {
            session,
            error: error.map(str::to_owned),
            wall: WallNs::now(),
        })
    }
}

//! Bringing a file: what lies there, what is missing, and the final name.

use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom};
use std::path::Path;

use crate::command::quote;
use crate::error::TransportError;
use crate::path::RemotePath;
use crate::shell::{QUESTION_LIMIT, Shell, ShellTransport, script};
use crate::transport::{Ended, OnBytes, Output, PushOutcome};

/// What is to be brought.
struct Push<'a> {
    remote: &'a RemotePath,
    part: RemotePath,
    bytes: u64,
    mode: Mode,
}

/// Whether a file may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Program,
    Data,
}

impl Mode {
    fn of(about: &fs::Metadata) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        if about.permissions().mode() & 0o100 == 0 { Self::Data } else { Self::Program }
    }
}

/// Says from which byte on to send, by what a device said of what lies there.
pub(crate) type Decide<'a> = &'a mut dyn FnMut(&[u8]) -> Result<Option<u64>, TransportError>;

/// The steps of a push for one conversation with a shell.
pub(crate) struct PushSteps<'a> {
    /// Prints what lies there.
    pub(crate) look: String,
    /// From which byte on the file is to be sent, by what `look` printed; `None` when it is there already.
    pub(crate) decide: Decide<'a>,
    /// Where the bytes go.
    pub(crate) part: RemotePath,
    /// Gives them their final name.
    pub(crate) place: String,
}

/// The name of an upload that is not whole yet: `.NAME.part` beside it.
fn part_of(remote: &RemotePath) -> RemotePath {
    let name = remote.as_str().rsplit('/').next().unwrap_or_default();
    remote.parent().join(&format!(".{name}.part"))
}

/// Brings `local` to `remote`, unless a file of its size is there.
pub(super) fn push<S: Shell>(
    transport: &mut ShellTransport<S>,
    local: &Path,
    remote: &RemotePath,
    on_bytes: OnBytes<'_>,
) -> Result<PushOutcome, TransportError> {
    let unreadable = |source| TransportError::Local { path: local.display().to_string(), source };
    let mut file = File::open(local).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    let push = Push { remote, part: part_of(remote), bytes: about.len(), mode: Mode::of(&about) };
    let from = push.take_steps(transport, &mut file, on_bytes).map_err(|error| match error {
        TransportError::Local { source, .. } => unreadable(source),
        other => other,
    })?;
    Ok(from.map_or(PushOutcome::AlreadyThere, |from| PushOutcome::Sent { bytes: push.bytes - from }))
}

impl Push<'_> {
    /// Gives the byte from which on the file was sent; `None` when it was there.
    fn take_steps<S: Shell>(
        &self,
        transport: &mut ShellTransport<S>,
        file: &mut File,
        on_bytes: OnBytes<'_>,
    ) -> Result<Option<u64>, TransportError> {
        let (device, can_append) = (transport.device(), transport.shell.can_append());
        let look = script::look(self.remote, &self.part);
        let place = script::place(self.remote, &self.part, self.bytes, self.mode);
        let mut decided = None;
        let mut decide = |said: &[u8]| {
            decided = self.decide(&device, can_append, said)?;
            Ok(decided)
        };
        let mut steps = PushSteps { look, decide: &mut decide, part: self.part.clone(), place };
        if let Some(answer) = transport.shell.push_in_one(file, &mut steps, on_bytes) {
            let placed = answer.and_then(|output| self.check(transport, &output));
            self.clear_full_disk(transport, &placed);
            placed?;
            return Ok(decided);
        }
        let PushSteps { look, place, .. } = steps;
        let seen = transport.script(&look, QUESTION_LIMIT)?;
        if seen.ended != Ended::Code(0) {
            return Err(transport.refusal("create", self.remote.parent().as_str(), &seen));
        }
        let Some(from) = self.decide(&device, can_append, &seen.stdout)? else { return Ok(None) };
        let unreadable = |source| TransportError::Local { path: String::new(), source };
        file.seek(SeekFrom::Start(from)).map_err(unreadable)?;
        let sent = transport.shell.upload(file, from, &self.part, on_bytes);
        self.clear_full_disk(transport, &sent);
        sent?;
        let output = transport.script(&place, QUESTION_LIMIT)?;
        self.check(transport, &output)?;
        Ok(Some(from))
    }

    /// From which byte on to send, and whether there is room, by what lies there.
    fn decide(&self, device: &str, can_append: bool, said: &[u8]) -> Result<Option<u64>, TransportError> {
        let said = script::Said::read(said);
        if said.number("bytes") == Some(self.bytes) {
            return Ok(None);
        }
        let part_bytes = said.number("part_bytes").unwrap_or(0);
        let from = if can_append && part_bytes <= self.bytes { part_bytes } else { 0 };
        let needed = self.bytes - from;
        let free_bytes = said.number("free_kib").and_then(|kib| kib.checked_mul(1024));
        // What is not gone on from is written over, and its room is free again.
        let room = free_bytes.map(|free| free.saturating_add(if from == 0 { part_bytes } else { 0 }));
        match room.filter(|free| *free < needed) {
            Some(free) => {
                let (device, path) = (device.to_owned(), self.remote.to_string());
                Err(TransportError::NoRoom { device, path, needed, free })
            }
            None => Ok(Some(from)),
        }
    }

    /// What the last step said.
    fn check<S: Shell>(&self, transport: &ShellTransport<S>, output: &Output) -> Result<(), TransportError> {
        match output.ended {
            Ended::Code(0) => Ok(()),
            Ended::Code(script::NO_FOLDER) => {
                Err(transport.refusal("create", self.remote.parent().as_str(), output))
            }
            Ended::Code(script::SHORT) => {
                let found = script::Said::read(&output.stdout).number("bytes").unwrap_or(0);
                let (device, path) = (transport.device(), self.remote.to_string());
                Err(TransportError::ShortCopy { device, path, expected: self.bytes, found })
            }
            _ => Err(transport.refusal("write", self.remote.as_str(), output)),
        }
    }

    /// A full disk is cleared of what was sent; any other break leaves it to go on from.
    fn clear_full_disk<S: Shell>(
        &self,
        transport: &mut ShellTransport<S>,
        sent: &Result<(), TransportError>,
    ) {
        if let Err(TransportError::File { source, .. }) = sent
            && matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        {
            // Best effort: the error that matters is the full disk.
            transport.script(&format!("rm -f {}", quote(self.part.as_str())), QUESTION_LIMIT).ok();
        }
    }
}

//! A program that writes one line for each reading.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use dyno_model::clock::{MonoNs, monotonic_now};

use crate::meter::error::MeterError;
use crate::meter::intake::Intake;
use crate::meter::source::{MAX_READING_BYTES, Source, Stop, TICK};
use crate::meter::sys;

/// Lines that may wait between the two threads.
const MAX_WAITING: usize = 1024;

/// One program, started anew when it fails.
#[derive(Debug)]
pub(crate) struct Program {
    argv: Vec<String>,
}

/// A line, or how much of one was too much.
enum Line {
    Whole(Vec<u8>, MonoNs),
    TooLong,
}

impl Program {
    pub(crate) fn new(argv: &[String]) -> Self {
        Self { argv: argv.to_vec() }
    }

    fn name(&self) -> String {
        self.argv.first().cloned().unwrap_or_default()
    }

    fn start(&self) -> Result<(Running, Receiver<Line>), MeterError> {
        let failed = |source| MeterError::Start { program: self.name(), source };
        let (program, args) =
            self.argv.split_first().ok_or_else(|| failed(std::io::ErrorKind::InvalidInput.into()))?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        sys::prepare_child(&mut command);
        let mut child = command.spawn().map_err(failed)?;
        let output = child.stdout.take().expect("its output is a pipe");
        let running = Running(child);
        let (tell, lines) = sync_channel(MAX_WAITING);
        // It ends with the program's output, or once nobody listens; a child of the program may hold the pipe longer.
        let read = move || read_lines(BufReader::new(output), &tell);
        thread::Builder::new()
            .name("dyno-meter-line".to_owned())
            .spawn(read)
            .map_err(|source| MeterError::Thread { source })?;
        Ok((running, lines))
    }

    /// Waits for a program that has closed its output.
    fn end(&self, child: &mut Child, stop: &Stop) -> Result<(), MeterError> {
        loop {
            match child.try_wait() {
                // One that has said all is not asked to say it again.
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => {
                    return Err(MeterError::Ended { program: self.name(), how: status.to_string() });
                }
                Ok(None) if stop.wait_until(Instant::now() + TICK) => {}
                Ok(None) => return Ok(()),
                Err(source) => return Err(MeterError::Start { program: self.name(), source }),
            }
        }
    }
}

impl Source for Program {
    fn run(&mut self, intake: &Intake, stop: &Stop) -> Result<(), MeterError> {
        let (mut running, lines) = self.start()?;
        while !stop.is_stopping() {
            match lines.recv_timeout(TICK) {
                Ok(Line::Whole(line, at)) => intake.say(&line, at),
                Ok(Line::TooLong) => intake.lose(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.end(&mut running.0, stop),
            }
        }
        Ok(())
    }
}

/// A child that ends with its owner, and all that it started.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        sys::end_group(&mut self.0);
    }
}

fn read_lines(mut output: BufReader<impl Read>, tell: &SyncSender<Line>) {
    loop {
        let mut line = Vec::new();
        let limit = MAX_READING_BYTES as u64 + 1;
        let n = output.by_ref().take(limit).read_until(b'\n', &mut line).unwrap_or(0);
        let at = monotonic_now();
        if n == 0 {
            return;
        }
        let is_too_long = line.last() != Some(&b'\n') && n as u64 == limit;
        if is_too_long && skip_line(&mut output).is_err() {
            return;
        }
        let line = if is_too_long { Line::TooLong } else { Line::Whole(line, at) };
        if tell.send(line).is_err() {
            return;
        }
    }
}

/// Passes over the rest of a line, in bounded memory.
fn skip_line(output: &mut BufReader<impl Read>) -> std::io::Result<()> {
    loop {
        let buffer = output.fill_buf()?;
        let (n, is_end) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        output.consume(n);
        if is_end {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_is_passed_over() {
        let mut text = b"1\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', 3 * MAX_READING_BYTES));
        text.extend(b"\n2\n3");
        let (tell, lines) = sync_channel(10);
        read_lines(BufReader::new(&text[..]), &tell);
        drop(tell);
        let words: Vec<String> = lines
            .iter()
            .map(|line| match line {
                Line::Whole(line, _) => String::from_utf8_lossy(&line).trim_end().to_owned(),
                Line::TooLong => "too long".to_owned(),
            })
            .collect();
        assert_eq!(words, ["1", "too long", "2", "3"]);
    }
}

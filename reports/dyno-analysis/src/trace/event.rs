//! Events of the Trace Event Format, written as they come.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 1 << 16;

/// A thread of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Track {
    pub(super) process: u64,
    pub(super) thread: u64,
}

/// One event; times are microseconds.
#[derive(Serialize)]
struct Entry<'e> {
    name: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'e str>,
    /// `X` a slice, `i` an instant, `C` a counter, `M` a name.
    ph: char,
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    pid: u64,
    tid: u64,
    /// Scope of an instant: `t`, its thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Value>,
}

/// A trace in the making.
pub(super) struct Events<'w> {
    out: &'w mut dyn Write,
    buffer: Vec<u8>,
    n_written: u64,
    n_bytes: u64,
}

impl<'w> Events<'w> {
    /// Begins the object; `about` says where the trace comes from.
    pub(super) fn begin(out: &'w mut dyn Write, about: &Value) -> io::Result<Self> {
        let mut events = Self { out, buffer: Vec::with_capacity(BUFFER_BYTES * 2), n_written: 0, n_bytes: 0 };
        writeln!(events.buffer, "{{\"displayTimeUnit\":\"ms\",\"otherData\":{about},\"traceEvents\":[")?;
        Ok(events)
    }

    pub(super) fn name_process(&mut self, process: u64, name: &str) -> io::Result<()> {
        let track = Track { process, thread: 0 };
        self.meta(track, "process_name", json!({ "name": name }))?;
        self.meta(track, "process_sort_index", json!({ "sort_index": process }))
    }

    pub(super) fn name_thread(&mut self, track: Track, name: &str) -> io::Result<()> {
        self.meta(track, "thread_name", json!({ "name": name }))?;
        self.meta(track, "thread_sort_index", json!({ "sort_index": track.thread }))
    }

    fn meta(&mut self, track: Track, name: &str, args: Value) -> io::Result<()> {
        self.push(&Entry {
            name,
            cat: None,
            ph: 'M',
            ts: 0.0,
            dur: None,
            pid: track.process,
            tid: track.thread,
            s: None,
            args: Some(args),
        })
    }

    /// From one instant to another.
    pub(super) fn slice(
        &mut self,
        track: Track,
        name: &str,
        category: &str,
        (from, to): (f64, f64),
        args: Option<Value>,
    ) -> io::Result<()> {
        self.push(&Entry {
            name,
            cat: Some(category),
            ph: 'X',
            ts: from,
            dur: Some(rounded((to - from).max(0.0))),
            pid: track.process,
            tid: track.thread,
            s: None,
            args,
        })
    }

    pub(super) fn instant(&mut self, track: Track, name: &str, at: f64) -> io::Result<()> {
        self.push(&Entry {
            name,
            cat: Some("token"),
            ph: 'i',
            ts: at,
            dur: None,
            pid: track.process,
            tid: track.thread,
            s: Some('t'),
            args: None,
        })
    }

    /// A value that holds from here on.
    pub(super) fn counter(
        &mut self,
        process: u64,
        name: &str,
        at: f64,
        (unit, value): (&str, f64),
    ) -> io::Result<()> {
        self.push(&Entry {
            name,
            cat: None,
            ph: 'C',
            ts: at,
            dur: None,
            pid: process,
            tid: 0,
            s: None,
            args: Some(json!({ unit: value })),
        })
    }

    fn push(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        if self.n_written > 0 {
            self.buffer.extend_from_slice(b",\n");
        }
        self.n_written += 1;
        serde_json::to_writer(&mut self.buffer, entry)?;
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.n_bytes += self.buffer.len() as u64;
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the object; says how many events and bytes there are.
    pub(super) fn end(mut self) -> io::Result<(u64, u64)> {
        self.buffer.extend_from_slice(b"\n]}\n");
        self.flush()?;
        self.out.flush()?;
        Ok((self.n_written, self.n_bytes))
    }
}

/// Whole nanoseconds: differences of floats have more digits than are known.
fn rounded(us: f64) -> f64 {
    (us * 1000.0).round() / 1000.0
}

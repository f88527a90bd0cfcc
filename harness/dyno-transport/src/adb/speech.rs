//! What a program on a device says and how it ended, over either of adbd's two ways to run one.
//!
//! Since Android 7 there is `shell,v2`: packets of a kind byte, a 32-bit length and bytes, with stdin, stdout, stderr
//! and exit code apart. Before, there is `exec:`, a bare stream without an exit code on which stderr is mixed into
//! stdout: a few lines of shell around the program keep its stderr back and send it with the exit code at the end,
//! after a mark that no program can guess. (`shell:` would put `\r\n` for `\n` on such devices.)

use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, Read, Write};

use crate::transport::Ended;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const EXIT: u8 = 3;
const CLOSE_STDIN: u8 = 4;
/// adbd's packets have at most `MAX_PAYLOAD` (1 MiB) bytes.
const MAX_PACKET_BYTES: usize = 1 << 20;
/// What is sent in one packet.
const MAX_INPUT_BYTES: usize = 32 << 10;
const BLOCK_BYTES: usize = 64 << 10;
/// The most that is kept of the stderr of a program on an old device.
const MAX_LATE_BYTES: usize = 1 << 20;
/// An exit code from here to this one and 64 more is that of a signal, as every shell says it.
const SIGNAL_BASE: i32 = 128;

/// Takes what a program says.
pub(super) trait Listener {
    fn stdout(&mut self, bytes: &[u8]);
    fn stderr(&mut self, bytes: &[u8]);
}

/// How the device runs a program.
#[derive(Debug, Clone)]
pub(super) enum Speech {
    /// `shell,v2`.
    Packets,
    /// `exec:`, with this mark before the exit code.
    Marked(String),
}

impl Speech {
    /// The way for a device of these features.
    pub(super) fn of(has_shell_v2: bool) -> Self {
        if has_shell_v2 {
            return Self::Packets;
        }
        // The keys of a fresh `RandomState` are random.
        let random = || std::hash::RandomState::new().build_hasher().finish();
        Self::Marked(format!("edgedyno-ended-{:016x}{:016x}", random(), random()))
    }

    /// The service that runs a line of shell this way.
    pub(super) fn service(&self, line: &str) -> String {
        match self {
            Self::Packets => format!("shell,v2,raw:{line}"),
            // The outer shell waits for a plain child: one that waits for a command substitution defers SIGHUP (mksh).
            Self::Marked(mark) => format!(
                "exec:f() (\n{line}\n)\n(exec 3>&1 2>/dev/null; e=$(f 2>&1 1>&3 3>&-); c=$?; \
                 printf '\\n%s %s\\n%s' {mark} \"$c\" \"$e\"); :"
            ),
        }
    }

    /// Says that there is no more input.
    pub(super) fn close_stdin(&self, to: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Packets => to.write_all(&header(CLOSE_STDIN, 0)),
            // A stream of adb has no half-close: ending our side would end the program's too.
            Self::Marked(_) => Ok(()),
        }
    }

    /// Sends input; gives how much of it.
    pub(super) fn send(&self, input: &[u8], to: &mut impl Write) -> io::Result<usize> {
        match self {
            Self::Packets => {
                let input = &input[..input.len().min(MAX_INPUT_BYTES)];
                let mut packet = Vec::with_capacity(input.len() + 5);
                packet.extend_from_slice(&header(STDIN, input.len() as u32));
                packet.extend_from_slice(input);
                to.write_all(&packet)?;
                Ok(input.len())
            }
            Self::Marked(_) => to.write(input),
        }
    }

    /// Listens until the program has ended.
    ///
    /// # Errors
    /// `UnexpectedEof` when the stream ends without an exit code, `InvalidData` when the device breaks the protocol.
    pub(super) fn follow(&self, from: &mut impl Read, to: &mut dyn Listener) -> io::Result<Ended> {
        match self {
            Self::Packets => follow_packets(from, to),
            Self::Marked(mark) => follow_marked(mark, from, to),
        }
    }
}

fn header(kind: u8, length: u32) -> [u8; 5] {
    let [a, b, c, d] = length.to_le_bytes();
    [kind, a, b, c, d]
}

fn ended(code: i32) -> Ended {
    match code - SIGNAL_BASE {
        signal @ 1..=64 => Ended::Signal(signal),
        _ => Ended::Code(code),
    }
}

fn follow_packets(from: &mut impl Read, to: &mut dyn Listener) -> io::Result<Ended> {
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let mut head = [0; 5];
        from.read_exact(&mut head)?;
        let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let kind = head[0];
        if length > MAX_PACKET_BYTES || !(STDOUT..=EXIT).contains(&kind) || (kind == EXIT && length == 0) {
            let words = format!("a packet of kind {kind} with {length} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        let mut left = length;
        while left > 0 {
            let n_bytes = from.read(&mut block[..left.min(BLOCK_BYTES)])?;
            if n_bytes == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match kind {
                STDOUT => to.stdout(&block[..n_bytes]),
                STDERR => to.stderr(&block[..n_bytes]),
                _ => return Ok(ended(i32::from(block[0]))),
            }
            left -= n_bytes;
        }
    }
}

fn follow_marked(mark: &str, from: &mut impl Read, to: &mut dyn Listener) -> io::Result<Ended> {
    let mark = format!("\n{mark} ").into_bytes();
    let mut block = vec![0; BLOCK_BYTES];
    // What may be the mark's beginning.
    let mut held: Vec<u8> = Vec::new();
    let mut late: Option<Vec<u8>> = None;
    loop {
        let n_bytes = match from.read(&mut block) {
            Ok(0) => break,
            Ok(n_bytes) => n_bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if let Some(late) = &mut late {
            let room = MAX_LATE_BYTES.saturating_sub(late.len());
            late.extend_from_slice(&block[..n_bytes.min(room)]);
            continue;
        }
        held.extend_from_slice(&block[..n_bytes]);
        if let Some(at) = held.windows(mark.len()).position(|window| window == mark) {
            to.stdout(&held[..at]);
            late = Some(held.split_off(at + mark.len()));
        } else {
            let keep = longest_overlap(&held, &mark);
            to.stdout(&held[..held.len() - keep]);
            held.drain(..held.len() - keep);
        }
    }
    let Some(late) = late else {
        to.stdout(&held);
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let line_end = late.iter().position(|byte| *byte == b'\n').ok_or(io::ErrorKind::UnexpectedEof)?;
    let code = std::str::from_utf8(&late[..line_end]).ok().and_then(|code| code.parse().ok());
    let code =
        code.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "an exit code that is no number"))?;
    to.stderr(&late[line_end + 1..]);
    Ok(ended(code))
}

/// The length of the longest end of `bytes` that is a beginning of `mark`.
fn longest_overlap(bytes: &[u8], mark: &[u8]) -> usize {
    let most = bytes.len().min(mark.len() - 1);
    (1..=most).rev().find(|n| bytes.ends_with(&mark[..*n])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard {
        stdout: Vec<u8>,
        stderr: Vec<u8>,
    }

    impl Listener for Heard {
        fn stdout(&mut self, bytes: &[u8]) {
            self.stdout.extend_from_slice(bytes);
        }

        fn stderr(&mut self, bytes: &[u8]) {
            self.stderr.extend_from_slice(bytes);
        }
    }

    /// Gives at most `.1` bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
            let most = block.len().min(self.1);
            self.0.read(&mut block[..most])
        }
    }

    fn heard(speech: &Speech, bytes: &[u8]) -> (Result<Ended, io::ErrorKind>, String, String) {
        let mut results = [1, 7, 100_000].map(|step| {
            let mut heard = Heard::default();
            let ended = speech.follow(&mut Slow(bytes, step), &mut heard).map_err(|error| error.kind());
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            (ended, text(heard.stdout), text(heard.stderr))
        });
        assert_eq!(results[0], results[1]);
        assert_eq!(results[0], results[2]);
        std::mem::replace(&mut results[0], (Err(io::ErrorKind::Other), String::new(), String::new()))
    }

    fn owned(
        ended: Result<Ended, io::ErrorKind>,
        stdout: &str,
        stderr: &str,
    ) -> (Result<Ended, io::ErrorKind>, String, String) {
        (ended, stdout.to_owned(), stderr.to_owned())
    }

    #[test]
    fn packets_are_told_apart() {
        let check = |bytes: &[u8], expected| assert_eq!(heard(&Speech::Packets, bytes), expected);
        // Captured from adbd 34.0.5 (`echo a; kill -9 $$`, 2026-11-21): 0x89 is 128 + 9.
        check(b"\x01\x02\0\0\0a\n\x03\x01\0\0\0\x89", owned(Ok(Ended::Signal(9)), "a\n", ""));
        check(b"\x02\x01\0\0\0e\x01\x01\0\0\0o\x03\x01\0\0\0\x07", owned(Ok(Ended::Code(7)), "o", "e"));
        check(b"\x03\x01\0\0\0\xff", owned(Ok(Ended::Code(255)), "", ""));
        check(b"\x01\x05\0\0\0cut", owned(Err(io::ErrorKind::UnexpectedEof), "cut", ""));
        check(b"", owned(Err(io::ErrorKind::UnexpectedEof), "", ""));
        check(b"\x01\xff\xff\xff\xff", owned(Err(io::ErrorKind::InvalidData), "", ""));
        check(b"\x2a\x01\0\0\0x", owned(Err(io::ErrorKind::InvalidData), "", ""));
        check(b"\x03\0\0\0\0", owned(Err(io::ErrorKind::InvalidData), "", ""));
    }

    #[test]
    fn a_mark_ends_the_output_of_an_old_device() {
        let speech = Speech::Marked("MARK".to_owned());
        let check = |bytes: &[u8], expected| assert_eq!(heard(&speech, bytes), expected);
        check(b"out\n\nMARK 7\nerr", owned(Ok(Ended::Code(7)), "out\n", "err"));
        check(b"\nMA\nMAR\n\nMARK 137\n", owned(Ok(Ended::Signal(9)), "\nMA\nMAR\n", ""));
        check(b"out\nMARK", owned(Err(io::ErrorKind::UnexpectedEof), "out\nMARK", ""));
        check(b"out\nMARK x\n", owned(Err(io::ErrorKind::InvalidData), "out", ""));
    }

    #[test]
    fn the_lines_around_a_program_keep_its_streams_apart() {
        let speech = Speech::of(false);
        let check = |line: &str, input: &[u8], expected| {
            use std::process::{Command, Stdio};
            let service = speech.service(line);
            let script = service.strip_prefix("exec:").expect("the service of old devices");
            let mut shell = Command::new("sh");
            // On a device stderr is the same stream.
            shell
                .args(["-c", &format!("exec 2>&1; {script}")])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null());
            let mut child = shell.spawn().expect("a POSIX shell is here");
            child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
            let output = child.wait_with_output().expect("it ends");
            assert_eq!(heard(&speech, &output.stdout), expected, "{line}");
        };
        check("exec sh -c 'echo out; echo err >&2; exit 7'", b"", owned(Ok(Ended::Code(7)), "out\n", "err"));
        check("cat # )", b"frames\n", owned(Ok(Ended::Code(0)), "frames\n", ""));
        check("exec sh -c 'exit 137'", b"", owned(Ok(Ended::Signal(9)), "", ""));
    }

    #[test]
    fn no_two_marks_are_the_same() {
        let mark = || match Speech::of(false) {
            Speech::Marked(mark) => mark,
            Speech::Packets => panic!("not for an old device"),
        };
        assert_ne!(mark(), mark());
    }
}

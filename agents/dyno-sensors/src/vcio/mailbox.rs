//! Messages to the firmware of a Raspberry Pi and its answers, on any way that brings them there.
//!
//! A message is a list of 32-bit words: its size in bytes, its state, then one property: a tag, the room for the
//! value in bytes, the state of the answer, the value; then a 0. A command of `vcgencmd` is such a property: its value
//! is an error code, then text.

use std::fs::File;
use std::io;

use crate::hot::HotFile;
use crate::root::SysRoot;
use crate::sys;
use crate::vcio::{READ_FLAGS, READ_RAILS};

/// The tag of a command.
const GET_GENCMD_RESULT: u32 = 0x0003_0080;
/// Words before the value.
const HEAD: usize = 5;
/// The room for a command and its answer: 26 lines of rails take about 1,000.
const TEXT_BYTES: usize = 4096;
/// The longest message: head, error code, text, end.
const MAX_WORDS: usize = HEAD + 1 + TEXT_BYTES / 4 + 1;
/// The state of an answer: the firmware knew the tag. The lower bits are the length of the value in bytes.
const ANSWERED: u32 = 1 << 31;
/// The devices, best first; the second one, of newer kernels, takes commands only.
const DEVICES: [&str; 2] = ["dev/vcio", "dev/vcio_gencmd"];

/// A way to the firmware.
pub(super) trait Mailbox: Send {
    /// Sends the message and puts the answer in its place.
    ///
    /// # Errors
    /// Why there is no answer.
    fn exchange(&mut self, message: &mut [u32]) -> io::Result<()>;
}

/// This machine's mailbox; in a tree of plain files, the recorded output of `vcgencmd`.
///
/// # Errors
/// `NotFound` without one; those of the file system.
pub(super) fn open(root: &SysRoot) -> io::Result<Box<dyn Mailbox>> {
    if !root.is_real() {
        return Recorded::open(root).map(|recorded| Box::new(recorded) as Box<dyn Mailbox>);
    }
    let mut error = io::Error::from(io::ErrorKind::NotFound);
    for device in DEVICES {
        match root.path(device).and_then(|path| sys::open_without_waiting(&path)) {
            Ok(file) => return Ok(Box::new(Device(file))),
            // That the first is closed says more than that there is no second one.
            Err(why) if why.kind() != io::ErrorKind::NotFound => error = why,
            Err(_absent) => {}
        }
    }
    Err(error)
}

/// The kernel's device.
struct Device(File);

impl Mailbox for Device {
    fn exchange(&mut self, message: &mut [u32]) -> io::Result<()> {
        sys::exchange_property(&self.0, message)
    }
}

/// Commands and what the firmware says to them, in a tree of plain files.
struct Recorded(Vec<(&'static str, HotFile)>);

impl Recorded {
    fn open(root: &SysRoot) -> io::Result<Self> {
        let file = |command| {
            let file = HotFile::open(root, &format!("commands/vcgencmd {command}"), TEXT_BYTES);
            // Best effort: what was not recorded is not answered.
            Some((command, file.ok()?))
        };
        let files: Vec<_> = [READ_RAILS, READ_FLAGS].into_iter().filter_map(file).collect();
        if files.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(Self(files)) }
    }
}

impl Mailbox for Recorded {
    fn exchange(&mut self, message: &mut [u32]) -> io::Result<()> {
        if message.get(2) != Some(&GET_GENCMD_RESULT) {
            return Ok(());
        }
        let text = &mut message[HEAD + 1..];
        let known = self.0.iter_mut().find(|(command, _)| says(text, command.as_bytes()));
        let (_, file) = known.ok_or(io::ErrorKind::NotFound)?;
        put(text, file.read()?);
        Ok(())
    }
}

/// Whether the text begins with these bytes and a NUL.
fn says(words: &[u32], bytes: &[u8]) -> bool {
    let mut text = words.iter().flat_map(|word| word.to_ne_bytes());
    bytes.iter().all(|byte| text.next() == Some(*byte)) && text.next() == Some(0)
}

/// Puts the bytes into words; those beyond the room, and a last NUL, are kept.
fn put(words: &mut [u32], bytes: &[u8]) {
    for (word, four) in words.iter_mut().zip(bytes.chunks(4).chain([&[][..]])) {
        let mut padded = [0; 4];
        padded[..four.len()].copy_from_slice(four);
        *word = u32::from_ne_bytes(padded);
    }
}

/// Asks the firmware, with room for the longest message that was set aside before.
pub(super) struct Firmware {
    mailbox: Box<dyn Mailbox>,
    message: Box<[u32]>,
    text: Box<[u8]>,
}

impl Firmware {
    pub(super) fn of(mailbox: Box<dyn Mailbox>) -> Self {
        let (message, text) = (vec![0; MAX_WORDS], vec![0; TEXT_BYTES]);
        Self { mailbox, message: message.into_boxed_slice(), text: text.into_boxed_slice() }
    }

    /// The value of a property; `None` if the firmware does not know it or says less than that.
    pub(super) fn property<const N: usize>(&mut self, tag: u32, value: [u32; N]) -> Option<[u32; N]> {
        let room = (N * 4) as u32;
        let message = &mut self.message[..=HEAD + N];
        message[..HEAD].copy_from_slice(&[room + (HEAD as u32 + 1) * 4, 0, tag, room, 0]);
        message[HEAD..HEAD + N].copy_from_slice(&value);
        message[HEAD + N] = 0;
        // Best effort: "not readable now" is what the row says.
        self.mailbox.exchange(message).ok()?;
        let is_whole = message[4] & ANSWERED != 0 && message[4] & !ANSWERED >= room;
        (is_whole && message[2] == tag).then(|| message[HEAD..HEAD + N].try_into().expect("N words"))
    }

    /// What the firmware says to a command, up to its first NUL; `None` if it refuses it or says nothing.
    pub(super) fn text(&mut self, command: &str) -> Option<&[u8]> {
        let message = &mut self.message[..];
        message.fill(0);
        message[..HEAD].copy_from_slice(&[MAX_WORDS as u32 * 4, 0, GET_GENCMD_RESULT, TEXT_BYTES as u32, 0]);
        put(&mut message[HEAD + 1..MAX_WORDS - 1], command.as_bytes());
        // Best effort: "not readable now" is what the row says.
        self.mailbox.exchange(message).ok()?;
        let (code, words) = (self.message[HEAD], &self.message[HEAD + 1..MAX_WORDS - 1]);
        for (four, word) in self.text.chunks_exact_mut(4).zip(words) {
            four.copy_from_slice(&word.to_ne_bytes());
        }
        // Without a NUL it was cut, and with it its last line: that is left to who reads it.
        let end = self.text.iter().position(|byte| *byte == 0).unwrap_or(TEXT_BYTES);
        let text = self.text[..end].trim_ascii_end();
        // A firmware that does not answer leaves the question as it is.
        (code == 0 && !text.is_empty() && text != command.as_bytes()).then_some(text)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A firmware that knows one tag, or one command.
    pub(in crate::vcio) struct Scripted {
        tag: u32,
        command: String,
        value: Vec<u32>,
        text: Vec<u8>,
        code: u32,
        /// What the value of a request has to be.
        pub(in crate::vcio) wants: Option<Vec<u32>>,
    }

    impl Scripted {
        pub(in crate::vcio) fn property(tag: u32, value: Vec<u32>) -> Self {
            Self { tag, command: String::new(), value, text: Vec::new(), code: 0, wants: None }
        }

        pub(in crate::vcio) fn text(command: &str, text: &str) -> Self {
            Self {
                command: command.to_owned(),
                text: text.as_bytes().to_vec(),
                ..Self::property(0, Vec::new())
            }
        }
    }

    impl Mailbox for Scripted {
        fn exchange(&mut self, message: &mut [u32]) -> io::Result<()> {
            assert_eq!(message[0] as usize, message.len() * 4, "the message tells its size");
            assert_eq!((message[1], message[4], message.last()), (0, 0, Some(&0)));
            assert_eq!(message[3] as usize, (message.len() - HEAD - 1) * 4 - code_room(message[2]));
            message[1] = 0x8000_0000;
            if message[2] == GET_GENCMD_RESULT && says(&message[HEAD + 1..], self.command.as_bytes()) {
                message[HEAD] = self.code;
                put(&mut message[HEAD + 1..], &self.text);
            } else if message[2] == self.tag {
                if let Some(wanted) = &self.wants {
                    assert_eq!(&message[HEAD..HEAD + wanted.len()], &wanted[..]);
                }
                message[4] = ANSWERED | (self.value.len() * 4) as u32;
                message[HEAD..HEAD + self.value.len()].copy_from_slice(&self.value);
            }
            Ok(())
        }
    }

    /// The room that a command names does not hold the error code: so does `vcgencmd`.
    fn code_room(tag: u32) -> usize {
        if tag == GET_GENCMD_RESULT { 4 } else { 0 }
    }

    /// A way that is cut.
    struct Broken;

    impl Mailbox for Broken {
        fn exchange(&mut self, _message: &mut [u32]) -> io::Result<()> {
            Err(io::ErrorKind::TimedOut.into())
        }
    }

    #[test]
    fn a_property_is_answered_whole_or_not_at_all() {
        let asked = |tag, value| Firmware::of(Box::new(Scripted::property(tag, value))).property(7, [1, 2]);
        assert_eq!(asked(7, vec![3, 4]), Some([3, 4]));
        assert_eq!(asked(7, vec![3]), None, "too short");
        assert_eq!(asked(8, vec![3, 4]), None, "another tag");
        assert_eq!(Firmware::of(Box::new(Broken)).property(7, [1]), None);
    }

    #[test]
    fn a_command_is_answered_with_text_or_not_at_all() {
        let asked = |text: &str| {
            let mut firmware = Firmware::of(Box::new(Scripted::text("measure", text)));
            firmware.text("measure").map(|text| String::from_utf8_lossy(text).into_owned())
        };
        assert_eq!(asked("abcde\n").as_deref(), Some("abcde"));
        assert_eq!(asked("abc\0def").as_deref(), Some("abc"));
        assert_eq!(asked("").as_deref(), None);
        assert_eq!(asked(&"x".repeat(5000)).map(|text| text.len()), Some(TEXT_BYTES));
        let mut other = Firmware::of(Box::new(Scripted::text("other", "abc")));
        assert_eq!(other.text("measure"), None, "the question is no answer");
        let refused = Scripted { code: 1, ..Scripted::text("measure", "abc") };
        assert_eq!(Firmware::of(Box::new(refused)).text("measure"), None);
        assert_eq!(Firmware::of(Box::new(Broken)).text("measure"), None);
    }

    #[test]
    fn a_device_that_is_no_mailbox_answers_nothing() {
        let mut device = Device(File::open("/dev/null").expect("every Linux has it"));
        let refused = device.exchange(&mut [24, 0, 7, 4, 0, 0]).expect_err("it is no mailbox");
        assert_eq!(refused.raw_os_error(), Some(libc::ENOTTY));
        // The driver writes as many bytes as the message says that it has.
        for message in [&mut [4096, 0, 7, 4, 0, 0][..], &mut [0][..], &mut [][..]] {
            let refused = device.exchange(message).expect_err("it lies about its size");
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn a_shorter_answer_does_not_end_in_a_longer_one() {
        let mut firmware = Firmware::of(Box::new(Scripted::text("measure", "a long answer")));
        assert_eq!(firmware.text("measure"), Some(&b"a long answer"[..]));
        firmware.mailbox = Box::new(Scripted::text("measure", "short"));
        assert_eq!(firmware.text("measure"), Some(&b"short"[..]));
    }
}

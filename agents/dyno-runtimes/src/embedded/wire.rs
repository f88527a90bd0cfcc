//! The language between the agent and its engine's process: `tag u8 | length u32, little-endian | payload`.
//!
//! A token is a few bytes, its stamp in binary; everything else is rare and JSON.

use std::ops::Range;

use dyno_model::clock::MonoNs;
use dyno_model::launch::ModelFacts;
use dyno_model::request::{Message, Sampling};
use serde::{Deserialize, Serialize};

/// Parent to child: an [`Ask`].
pub(super) const TAG_ASK: u8 = b'A';
/// Child to parent: a [`Ready`].
pub(super) const TAG_READY: u8 = b'R';
/// Child to parent: the [`Outcome`](dyno_model::outcome::Outcome) of a launch that failed; the last message.
pub(super) const TAG_FAILED: u8 = b'F';
/// Child to parent: a token's stamp in ns, eight bytes little-endian, and its text.
pub(super) const TAG_TOKEN: u8 = b'T';
/// Child to parent: what the engine says of some tokens of an answer, in their order, as a list of
/// [`TokenLogprob`](dyno_model::request::TokenLogprob)s; only where it was asked, and once the answer is over.
pub(super) const TAG_LOGPROBS: u8 = b'L';
/// Child to parent: the [`Finish`](dyno_model::request::Finish) of a request.
pub(super) const TAG_DONE: u8 = b'D';

/// Tokens of one such list: some ten kilobytes with ten choices each.
#[cfg(feature = "engine-embedded")]
pub(super) const LOGPROBS_AT_ONCE: usize = 16;

/// Bytes before the payload.
pub(super) const HEAD_BYTES: usize = 5;
/// No payload is longer; far above any conversation.
pub(super) const MAX_PAYLOAD_BYTES: usize = 64 << 20;

/// One request.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ask {
    /// The conversation.
    pub(super) messages: Vec<Message>,
    /// How the answer is drawn.
    pub(super) sampling: Sampling,
    /// The engine gives up at the first token after so long.
    pub(super) limit_ms: u64,
}

/// The engine can take requests.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ready {
    /// Since when.
    pub(super) at: MonoNs,
    /// Threads that it runs.
    pub(super) threads: u32,
    /// What it computes with.
    pub(super) backend: String,
    /// What the model says of itself.
    pub(super) model: ModelFacts,
}

/// Appends a message of `tag` to `out`; `fill` appends the payload.
pub(super) fn pack(out: &mut Vec<u8>, tag: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[tag, 0, 0, 0, 0]);
    fill(out);
    let n_bytes = u32::try_from(out.len() - start - HEAD_BYTES).unwrap_or(u32::MAX);
    out[start + 1..start + HEAD_BYTES].copy_from_slice(&n_bytes.to_le_bytes());
}

/// Appends a message with a JSON payload to `out`.
pub(super) fn pack_json(out: &mut Vec<u8>, tag: u8, value: &impl Serialize) {
    pack(out, tag, |out| serde_json::to_writer(out, value).expect("our messages have only string keys"));
}

/// Appends a token to `out`; allocates nothing once `out` has grown.
#[cfg(any(test, feature = "engine-embedded"))]
pub(super) fn pack_token(out: &mut Vec<u8>, at: MonoNs, text: &str) {
    pack(out, TAG_TOKEN, |out| {
        out.extend_from_slice(&at.0.to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    });
}

/// A token's stamp and text.
pub(super) fn unpack_token(payload: &[u8]) -> Option<(MonoNs, &str)> {
    let (at, text) = payload.split_first_chunk::<8>()?;
    Some((MonoNs(u64::from_le_bytes(*at)), std::str::from_utf8(text).ok()?))
}

/// Bytes that have come and are not yet taken; its memory is kept.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// `bytes[start..end]` is waiting.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// A message whose payload lies in the inbox until the next call of [`Inbox::fill`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parcel {
    /// What it is.
    pub(super) tag: u8,
    /// Where its payload lies.
    pub(super) place: Range<usize>,
}

impl Inbox {
    /// The next whole message.
    ///
    /// # Errors
    /// A length that no message has.
    pub(super) fn take(&mut self) -> Result<Option<Parcel>, String> {
        let waiting = &self.bytes[self.start..self.end];
        let Some(head) = waiting.first_chunk::<HEAD_BYTES>() else { return Ok(None) };
        let n_bytes = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if n_bytes > MAX_PAYLOAD_BYTES {
            let shown = String::from_utf8_lossy(&waiting[..waiting.len().min(80)]);
            return Err(format!("expected a message, but this came: `{}`", shown.escape_debug()));
        }
        if waiting.len() < HEAD_BYTES + n_bytes {
            return Ok(None);
        }
        let from = self.start + HEAD_BYTES;
        self.start = from + n_bytes;
        Ok(Some(Parcel { tag: head[0], place: from..self.start }))
    }

    /// A message's payload.
    pub(super) fn payload(&self, parcel: &Parcel) -> &[u8] {
        &self.bytes[parcel.place.clone()]
    }

    /// Lets `fill` write further bytes into a room of at least `min`; it says how many it wrote.
    pub(super) fn fill(
        &mut self,
        min: usize,
        fill: impl FnOnce(&mut [u8]) -> std::io::Result<usize>,
    ) -> std::io::Result<usize> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.bytes.len() < self.end + min {
            self.bytes.resize(self.end + min, 0);
        }
        let n = fill(&mut self.bytes[self.end..])?;
        self.end += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_documented_bytes() {
        let mut out = Vec::new();
        pack_token(&mut out, MonoNs(0x0102), "hé");
        assert_eq!(out, b"T\x0b\0\0\0\x02\x01\0\0\0\0\0\0h\xc3\xa9");
        assert_eq!(unpack_token(&out[HEAD_BYTES..]), Some((MonoNs(0x0102), "hé")));
        assert_eq!(unpack_token(b"short"), None);
    }

    #[test]
    fn messages_that_arrive_byte_by_byte_are_put_together() {
        let mut sent = Vec::new();
        for text in ["a", "", "long enough to matter"] {
            pack_token(&mut sent, MonoNs(7), text);
        }
        let mut inbox = Inbox::default();
        let mut got = Vec::new();
        for byte in sent {
            inbox
                .fill(16, |room| {
                    room[0] = byte;
                    Ok(1)
                })
                .expect("memory");
            while let Some(parcel) = inbox.take().expect("good lengths") {
                let (_, text) = unpack_token(inbox.payload(&parcel)).expect("a token");
                got.push(text.to_owned());
            }
        }
        assert_eq!(got, ["a", "", "long enough to matter"]);
    }

    #[test]
    fn a_print_statement_is_no_message() {
        let mut inbox = Inbox::default();
        let words = b"debug: hello\n";
        let fill = |room: &mut [u8]| {
            room[..words.len()].copy_from_slice(words);
            Ok(words.len())
        };
        inbox.fill(64, fill).expect("memory");
        let error = inbox.take().expect_err("`ebug` is a length of 1.7 GB");
        assert_eq!(error, "expected a message, but this came: `debug: hello\\n`");
    }
}

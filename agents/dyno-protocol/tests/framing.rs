//! Properties of the framing: nothing is lost, nothing broken passes.

use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use dyno_protocol::frame::{Frame, FrameError, FrameReader, FrameWriter, HEADER_BYTES, MAGIC};
use proptest::prelude::*;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic while held").write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn encode(frames: &[Frame]) -> Vec<u8> {
    let shared = Shared::default();
    let mut writer = FrameWriter::new(Box::new(shared.clone()));
    for frame in frames {
        let fill = |out: &mut Vec<u8>| {
            out.extend_from_slice(&frame.payload);
            Ok::<(), FrameError>(())
        };
        writer.write(frame.kind, fill).expect("memory takes all");
    }
    shared.0.lock().expect("no panic while held").clone()
}

fn decode(bytes: Vec<u8>) -> (Vec<Frame>, FrameError) {
    let mut reader = FrameReader::new(Box::new(Cursor::new(bytes)));
    let mut frames = Vec::new();
    loop {
        match reader.read() {
            Ok(frame) => frames.push(frame),
            Err(error) => return (frames, error),
        }
    }
}

fn some_frame() -> impl Strategy<Value = Frame> {
    (any::<u8>(), prop::collection::vec(any::<u8>(), 0..200))
        .prop_map(|(kind, payload)| Frame { kind, payload })
}

proptest! {
    #[test]
    fn frames_come_back_as_they_went(frames in prop::collection::vec(some_frame(), 0..6)) {
        let (got, end) = decode(encode(&frames));
        prop_assert_eq!(got, frames);
        prop_assert!(matches!(end, FrameError::Closed));
    }

    #[test]
    fn a_stream_cut_at_any_byte_keeps_the_whole_frames(first in some_frame(), second in some_frame()) {
        let n_first = HEADER_BYTES + first.payload.len();
        let bytes = encode(&[first.clone(), second]);
        for cut in 0..bytes.len() {
            let (got, end) = decode(bytes[..cut].to_vec());
            let whole = if cut >= n_first { std::slice::from_ref(&first) } else { &[] };
            prop_assert_eq!(&got[..], whole, "cut at {}", cut);
            if cut == 0 || cut == n_first {
                prop_assert!(matches!(end, FrameError::Closed), "cut at {}", cut);
            } else {
                prop_assert!(matches!(end, FrameError::CutOff { .. }), "cut at {}: {}", cut, end);
            }
        }
    }

    #[test]
    fn a_flipped_bit_never_passes(frame in some_frame(), place in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut bytes = encode(&[frame]);
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let (got, end) = decode(bytes);
        prop_assert!(got.is_empty());
        prop_assert!(!matches!(end, FrameError::Closed));
    }

    #[test]
    fn garbage_before_a_frame_is_reported(garbage in prop::collection::vec(any::<u8>(), 1..64), frame in some_frame()) {
        prop_assume!(garbage[0] != MAGIC[0]);
        let mut bytes = garbage;
        bytes.extend(encode(&[frame]));
        let (got, end) = decode(bytes);
        prop_assert!(got.is_empty());
        prop_assert!(matches!(end, FrameError::NotAFrame { .. }), "{}", end);
    }
}

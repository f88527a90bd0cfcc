//! Events without texts and names.

use dyno_model::event::{Event, EventKind};
use dyno_model::network::{NetworkWatch, SocketSeen, Unwatched};
use dyno_model::outcome::{Outcome, Validity};
use dyno_model::request::RequestRecord;
use dyno_model::start::StartMade;

use crate::redact::{Kind, Redactor};

impl Redactor {
    /// Takes texts and names out of an event.
    pub fn event(&mut self, event: &mut Event) {
        match &mut event.kind {
            EventKind::LaunchStarted { wall: _, n_requests: _, boot_id } => {
                self.maybe_name(Kind::Boot, boot_id.as_mut());
            }
            EventKind::StartMade(start) => self.start(start),
            EventKind::Unreadable(sensor) => self.words(&mut sensor.reason),
            EventKind::Request(request) => self.request(request),
            EventKind::Span(span) => self.maybe_words(span.why.as_mut()),
            EventKind::Note { text } => self.words(text),
            EventKind::Network(network) => self.network(network),
            EventKind::LaunchEnded { outcome, validity, exit, cpu_ns: _, peak_rss_bytes: _, own: _ } => {
                self.outcome(outcome);
                self.maybe_words(exit.as_mut());
                match validity {
                    Validity::Valid => {}
                    Validity::Invalid { reasons } => self.all_words(reasons),
                }
            }
            // Numbers, and names of programs, models and sensors as their makers call them.
            EventKind::Calibrated(_)
            | EventKind::Spawned
            | EventKind::Ready { facts: _ }
            | EventKind::Sensor(_)
            | EventKind::StartCost(_)
            | EventKind::LoadEnded(_)
            | EventKind::Samples(_) => {}
        }
    }

    fn start(&self, start: &mut StartMade) {
        let StartMade {
            state: _,
            steps,
            file_bytes: _,
            resident_before_bytes: _,
            resident_bytes: _,
            cleared,
            unverified,
        } = start;
        self.all_words(steps);
        for cache in cleared {
            self.words(&mut cache.path);
        }
        self.maybe_words(unverified.as_mut());
    }

    /// That a socket led beyond the machine stays, and so does when; where it led gets a stand-in, and so does who had it.
    fn network(&mut self, network: &mut NetworkWatch) {
        let NetworkWatch {
            from: _,
            to: _,
            n_looks: _,
            longest_gap_ns: _,
            n_processes: _,
            sockets,
            n_more: _,
            unwatched,
            counted: _,
            cpu_ns: _,
        } = network;
        for socket in sockets {
            let SocketSeen {
                protocol: _,
                reach: _,
                local,
                remote,
                pid: _,
                program,
                n: _,
                first_seen: _,
                last_seen: _,
            } = socket;
            for address in [local, remote] {
                self.maybe_name(Kind::Address, address.as_mut());
            }
            self.name(Kind::Process, program);
        }
        for Unwatched { pid: _, program, reason } in unwatched {
            self.maybe_name(Kind::Process, program.as_mut());
            self.words(reason);
        }
    }

    fn request(&self, request: &mut RequestRecord) {
        // When tokens came and how many there were is what was measured; it stays.
        let RequestRecord {
            idx: _,
            prompt_id: _,
            due_at: _,
            sent_at: _,
            ended_at: _,
            outcome,
            finish: _,
            usage: _,
            timings: _,
            chunk_ns: _,
            chunk_kind: _,
            chunk_tokens: _,
            chunk_bytes,
            text,
            queue_ns: _,
            exchange: _,
            logprobs,
        } = request;
        self.outcome(outcome);
        self.text(text);
        // Tokens are the answer once more.
        *logprobs = None;
        // A chunk is a token where it has text (MEASUREMENT §1.1): that much is kept. The lengths are not, for an answer
        // can be guessed from those of its tokens (Weiss et al., "What Was Your Prompt?", USENIX Security 2024).
        for bytes in chunk_bytes {
            *bytes = (*bytes).min(1);
        }
    }

    fn outcome(&self, outcome: &mut Outcome) {
        match outcome {
            Outcome::Ok | Outcome::Timeout { limit_ms: _ } | Outcome::Rebooted | Outcome::Cancelled => {}
            Outcome::Oom { detail } | Outcome::AtLimit { detail } => self.words(detail),
            // The runtime's own words: they may quote the prompt.
            Outcome::Refused { detail } | Outcome::Unsupported { detail } => self.text(detail),
            Outcome::Crashed { exit, stderr_tail } => {
                self.words(exit);
                self.text(stderr_tail);
            }
        }
    }
}

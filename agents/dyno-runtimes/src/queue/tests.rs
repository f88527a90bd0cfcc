//! The queue, by a script's exact clock and with a client that waits for the test.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use dyno_model::request::{ChunkKind, Message, Sampling};

fn request(idx: u32, limit_ms: u64) -> Request {
    let sampling = Sampling::greedy(2);
    let messages = vec![Message { role: "user".to_owned(), content: "hello".to_owned() }];
    Request { idx, prompt_id: "p".into(), messages, sampling, due_ns: None, limit_ms }
}

fn interrupt() -> Arc<Interrupt> {
    Arc::new(Interrupt::new().expect("a pipe"))
}

/// Serves each request for 500 ns of a scripted clock: a chunk after 200, another at the end.
struct Scripted(Clock);

impl Generate for Scripted {
    fn generate(
        &mut self,
        request: &Request,
        on_chunk: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<Finish, RuntimeError> {
        if request.idx == 99 {
            return Err(RuntimeError::NotStarted);
        }
        let began = self.0.now();
        for (after, text) in [(200, "a"), (500, "b")] {
            self.0.sleep_until(began.plus(after));
            on_chunk(Chunk { at: self.0.now(), kind: ChunkKind::Content, text, n_tokens: Some(1) });
        }
        Ok(ended(self.0.now(), Outcome::Ok))
    }
}

/// What was told, in order: `sent 0 at 5`.
fn told(ticket: Ticket, step: Step<'_>) -> String {
    match step {
        Step::Sent { at } => format!("sent {} at {}", ticket.0, at.0),
        Step::Chunk(chunk) => format!("chunk {} at {}", ticket.0, chunk.at.0),
        Step::Ended(one) => {
            let word = one.finish.outcome.word();
            let queue_ns = one.queue_ns.expect("a queue");
            format!("ended {} at {} {word} after {queue_ns}", ticket.0, one.finish.at.0)
        }
    }
}

fn poll(queue: &mut Queue, until: MonoNs) -> (Result<Polled, RuntimeError>, Vec<String>) {
    let mut lines = Vec::new();
    let polled = queue.poll(until, &mut |ticket, step| lines.push(told(ticket, step)));
    (polled, lines)
}

#[test]
fn a_script_is_served_in_order_at_the_later_of_due_and_free() {
    let clock = Clock::scripted(0);
    let mut queue = Queue::new(Box::new(Scripted(clock.clone())), clock, interrupt());
    for (idx, due) in [(0, 100), (1, 300), (2, 300), (3, 5000)] {
        queue.submit(&request(idx, 1000), Some(MonoNs(due))).expect("room");
    }
    let (polled, lines) = poll(&mut queue, MonoNs(50));
    assert!(matches!(polled, Ok(Polled::Until)) && lines.is_empty());
    let mut all = Vec::new();
    loop {
        let (polled, lines) = poll(&mut queue, NO_LIMIT);
        all.extend(lines);
        match polled.expect("the talk goes on") {
            Polled::Ended => {}
            Polled::Idle => break,
            other => panic!("not expected here: {other:?}"),
        }
    }
    // Served from 100, 600, 1100 and 5000 on; the waits are 0, 300, 800 and 0.
    let expected = "sent 0 at 100, chunk 0 at 300, chunk 0 at 600, ended 0 at 600 ok after 0, \
        sent 1 at 300, sent 2 at 300, chunk 1 at 800, chunk 1 at 1100, ended 1 at 1100 ok after 300, \
        chunk 2 at 1300, chunk 2 at 1600, ended 2 at 1600 ok after 800, \
        sent 3 at 5000, chunk 3 at 5200, chunk 3 at 5500, ended 3 at 5500 ok after 0";
    assert_eq!(all.join(", "), expected);
}

#[test]
fn a_deadline_counts_from_the_sending() {
    let clock = Clock::scripted(0);
    let mut queue = Queue::new(Box::new(Scripted(clock.clone())), clock.clone(), interrupt());
    queue.submit(&request(0, 1), Some(MonoNs(0))).expect("room");
    clock.set(MonoNs(1_500_000));
    let (_, lines) = poll(&mut queue, NO_LIMIT);
    assert_eq!(lines, ["sent 0 at 0", "ended 0 at 1000000 timeout after 1000000"]);
}

#[test]
fn a_broken_talk_ends_its_request_and_is_told_next() {
    let clock = Clock::scripted(7);
    let mut queue = Queue::new(Box::new(Scripted(clock.clone())), clock, interrupt());
    queue.submit(&request(99, 1000), None).expect("room");
    queue.submit(&request(1, 1000), None).expect("room");
    let (polled, lines) = poll(&mut queue, NO_LIMIT);
    assert!(matches!(polled, Ok(Polled::Ended)));
    assert_eq!(lines, ["sent 0 at 7", "sent 1 at 7", "ended 0 at 7 crashed after 0"]);
    let (polled, lines) = poll(&mut queue, NO_LIMIT);
    assert!(matches!(polled, Err(RuntimeError::NotStarted)) && lines.is_empty());
    let mut lines = Vec::new();
    queue.stop_all(&mut |ticket, step| lines.push(told(ticket, step)));
    assert_eq!(lines, ["ended 1 at 7 cancelled after 0"]);
}

/// Serves a request when it is told to.
struct Told {
    begun: Sender<u32>,
    go: Receiver<()>,
}

impl Generate for Told {
    fn generate(
        &mut self,
        request: &Request,
        on_chunk: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<Finish, RuntimeError> {
        self.begun.send(request.idx).expect("the test waits for it");
        self.go.recv().map_err(|_test_ended| RuntimeError::NotStarted)?;
        for text in ["ü", "", "b"] {
            on_chunk(Chunk { at: MonoNs(9), kind: ChunkKind::Content, text, n_tokens: Some(1) });
        }
        Ok(ended(MonoNs(10), Outcome::Ok))
    }
}

fn far(now: &Clock) -> MonoNs {
    now.now().plus(60_000_000_000)
}

#[test]
fn requests_are_sent_while_another_is_served() {
    let clock = Clock::Monotonic;
    let (begun, has_begun) = channel();
    let (go, wait) = channel();
    let mut queue = Queue::new(Box::new(Told { begun, go: wait }), clock.clone(), interrupt());
    queue.submit(&request(0, 60_000), Some(MonoNs(0))).expect("room");
    let mut texts = String::new();
    let mut words = Vec::new();
    let mut on = |ticket: Ticket, step: Step<'_>| match step {
        Step::Sent { .. } => words.push(format!("sent {}", ticket.0)),
        Step::Chunk(chunk) => {
            texts.push_str(chunk.text);
            texts.push('|');
        }
        Step::Ended(_) => words.push(format!("ended {}", ticket.0)),
    };
    // More may come: the calling thread must not be the one that serves.
    assert!(matches!(queue.poll(MonoNs(0), &mut on), Ok(Polled::Until)));
    assert_eq!(has_begun.recv(), Ok(0));
    for idx in [1, 2] {
        queue.submit(&request(idx, 60_000), Some(MonoNs(0))).expect("room");
    }
    assert!(matches!(queue.poll(MonoNs(0), &mut on), Ok(Polled::Until)));
    go.send(()).expect("the client waits for it");
    assert!(matches!(queue.poll(far(&clock), &mut on), Ok(Polled::Ended)));
    assert_eq!(has_begun.recv(), Ok(1));
    go.send(()).expect("the client waits for it");
    assert!(matches!(queue.poll(far(&clock), &mut on), Ok(Polled::Ended)));
    assert_eq!(has_begun.recv(), Ok(2));
    // The talk breaks: no one tells the client to go on any more.
    drop(go);
    queue.stop_all(&mut on);
    assert_eq!(words, ["sent 0", "sent 1", "sent 2", "ended 0", "ended 1", "ended 2"]);
    assert_eq!(texts, "ü||b|ü||b|");
}

#[test]
fn an_interrupt_ends_a_wait() {
    let clock = Clock::Monotonic;
    let interrupt = interrupt();
    let mut queue = Queue::new(Box::new(Scripted(clock.clone())), clock.clone(), Arc::clone(&interrupt));
    queue.submit(&request(0, 1000), Some(far(&clock))).expect("room");
    interrupt.raise(crate::interrupt::Asked::Cancel);
    let (polled, lines) = poll(&mut queue, NO_LIMIT);
    assert!(matches!(polled, Ok(Polled::Interrupted)) && lines.is_empty());
    let mut n_cancelled = 0;
    queue.stop_all(&mut |_, step| match step {
        Step::Ended(one) if one.finish.outcome == Outcome::Cancelled => n_cancelled += 1,
        other => panic!("not expected here: {other:?}"),
    });
    assert_eq!(n_cancelled, 1);
    assert!(matches!(poll(&mut queue, NO_LIMIT).0, Ok(Polled::Idle)));
}

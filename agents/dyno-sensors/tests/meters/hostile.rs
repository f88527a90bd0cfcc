//! Whatever a source sends, a reading is a row or a count, in bounded memory and time.

use std::io::Write as _;
use std::time::{Duration, Instant};

use dyno_model::meter::{MeterFormat, MeterSource};
use dyno_model::sample::Quantity;
use dyno_sensors::meter::{Meter, MeterError};

use crate::broker;
use crate::plug::{Plug, say};
use crate::support::{lines, planned, wait};

const W: i64 = 1_000_000;

fn http(plug: &Plug) -> Meter {
    let fields = [("/apower", Quantity::PowerUw, W)];
    let planned = planned(MeterSource::Http { url: plug.url() }, MeterFormat::Json, &fields);
    Meter::begin("plug", 1, &planned).expect("an address")
}

#[test]
fn an_endless_body_is_cut_off() {
    let plug = Plug::start(|n, _request, stream| match n {
        0 => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok();
            while stream.write_all(&[b'1'; 4096]).is_ok() {}
        }
        1 => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nX: ").ok();
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        }
        _ => say(stream, "200 OK", r#"{"apower":3}"#),
    });
    let said = wait(&http(&plug), |said| !said.at.is_empty());
    assert_eq!((said.values[0], said.counts.n_failures), (Some(3 * W), 2));
    assert!(said.counts.last_failure.is_some_and(|words| words.contains("more than 65536 bytes")));
}

#[test]
fn an_answer_that_drips_has_a_deadline() {
    let plug = Plug::start(|n, _request, stream| {
        if n > 0 {
            return say(stream, "200 OK", r#"{"apower":3}"#);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").ok();
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let said = wait(&http(&plug), |said| !said.at.is_empty());
    assert_eq!(said.counts.n_failures, 1);
}

#[test]
fn a_broker_that_talks_nonsense_is_left() {
    let address = broker::start(0, |_n, _topic, stream| {
        stream.write_all(&[0x30, 0xff, 0xff, 0xff, 0xff, 0xff]).ok();
    });
    let source = MeterSource::Mqtt { broker: address, topic: "t".to_owned() };
    let fields = [("", Quantity::PowerUw, W)];
    let meter = Meter::begin("plug", 1, &planned(source, MeterFormat::Plain, &fields)).expect("a source");
    let said = wait(&meter, |said| said.counts.n_failures >= 1);
    assert!(said.counts.last_failure.is_some_and(|words| words.contains("does not speak MQTT")));
}

#[test]
fn lines_that_are_no_readings_are_counted() {
    // In this order: a header, text, not a number, below 0, absurd, a line without end, one that is not UTF-8, and a good one.
    let script = "echo W; echo watts; echo NaN; echo -4; echo 1e30; head -c 200000 /dev/zero | tr '\\0' 7; echo; \
         printf '\\377\\n'; echo 6; sleep 100";
    let said = wait(&Meter::begin("p", 1, &lines(script)).expect("a program"), |said| !said.at.is_empty());
    assert_eq!(said.values, [Some(6 * W)]);
    assert_eq!((said.counts.n_garbled, said.counts.n_absurd), (3, 3));
}

#[test]
fn a_program_that_fails_is_started_again_and_one_that_is_not_there_is_named() {
    let meter = Meter::begin("p", 1, &lines("echo 5; exit 3")).expect("a program");
    let said = wait(&meter, |said| said.at.len() >= 3);
    assert!(said.counts.n_failures >= 2);
    assert!(said.counts.last_failure.is_some_and(|words| words.contains("`/bin/sh` ended: exit status: 3")));
    let argv = vec!["/nowhere/at-all".to_owned()];
    let planned = planned(MeterSource::Lines { argv }, MeterFormat::Plain, &[("", Quantity::PowerUw, W)]);
    let said =
        wait(&Meter::begin("p", 1, &planned).expect("it fails later"), |said| said.counts.n_failures > 0);
    assert!(said.counts.last_failure.is_some_and(|words| words.contains("cannot start `/nowhere/at-all`")));
}

#[test]
fn a_meter_ends_at_once_whatever_its_source_does() {
    let silent = Plug::start(|_n, _request, _stream| std::thread::sleep(Duration::from_secs(100)));
    let source = |broker: &str| MeterSource::Mqtt { broker: broker.to_owned(), topic: "t".to_owned() };
    let fields = [("", Quantity::PowerUw, W)];
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe").display().to_string();
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("every Unix has `mkfifo`").success());
    let pipe = MeterSource::File { path: pipe, wait_ms: 0 };
    for meter in [
        Meter::begin("p", 1, &lines("trap '' TERM; sleep 1000")),
        Meter::begin("p", 1, &lines("exec >&-; sleep 1000")),
        Meter::begin("f", 1, &planned(pipe, MeterFormat::Plain, &fields)),
        Meter::begin("m", 1, &planned(source(&silent.host), MeterFormat::Plain, &fields)),
    ] {
        let meter = meter.expect("it can be begun");
        std::thread::sleep(Duration::from_millis(50));
        let begun = Instant::now();
        drop(meter);
        // Far below any limit of a source: nothing is waited out.
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn what_cannot_be_used_is_said_at_once() {
    let fields = [("/p", Quantity::PowerUw, W)];
    let url = "https://10.0.0.7/".to_owned();
    let https = planned(MeterSource::Http { url }, MeterFormat::Json, &fields);
    assert!(matches!(Meter::begin("p", 1, &https), Err(MeterError::Url { .. })));
    let none = planned(MeterSource::Lines { argv: Vec::new() }, MeterFormat::Json, &[]);
    assert!(matches!(Meter::begin("p", 1, &none), Err(MeterError::NoFields)));
    let site = "no such chip".to_owned();
    let chip = planned(MeterSource::Hwmon { site }, MeterFormat::Kernel, &[]);
    assert!(matches!(Meter::begin("p", 1, &chip), Err(MeterError::NoChip { .. })));
}

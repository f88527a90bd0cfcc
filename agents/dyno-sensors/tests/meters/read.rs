//! What healthy sources say arrives whole, in order and on time.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::time::Duration;

use dyno_model::clock::monotonic_now;
use dyno_model::meter::{ClockOrigin, METER_DRIVER, MeterClock, MeterFormat, MeterSource};
use dyno_model::sample::Quantity;
use dyno_sensors::meter::Meter;

use crate::broker;
use crate::plug::{Plug, say};
use crate::support::{lines, planned, wait};

const W: i64 = 1_000_000;
const WH: i64 = 3_600_000_000;

/// Milliwatts of the `n`th reading: 10 W, then half a watt more each time.
fn curve_mw(n: usize) -> i64 {
    10_000 + 500 * n.cast_signed() as i64
}

#[test]
fn a_plug_over_http_gives_its_curve() {
    let plug = Plug::start(|n, request, stream| {
        assert!(request.starts_with("GET /rpc/Switch.GetStatus?id=0 HTTP/1.1\r\n"), "{request}");
        let watts = curve_mw(n) as f64 / 1000.0;
        let body = format!(r#"{{"id":0,"apower":{watts},"aenergy":{{"total":{}}}}}"#, n as f64 * 0.25);
        say(stream, "200 OK", &body);
    });
    let fields = [("/apower", Quantity::PowerUw, W), ("/aenergy/total", Quantity::EnergyUj, WH)];
    let planned = planned(MeterSource::Http { url: plug.url() }, MeterFormat::Json, &fields);
    let before = monotonic_now();
    let meter = Meter::begin("plug", 0x8000, &planned).expect("an address");
    assert_eq!((meter.declared().driver.as_str(), meter.declared().channels.len()), (METER_DRIVER, 2));
    let said = wait(&meter, |said| said.at.len() >= 10);
    let expected: Vec<_> = (0..said.at.len())
        .flat_map(|n| [Some(curve_mw(n) * 1000), Some(n.cast_signed() as i64 * WH / 4)])
        .collect();
    assert_eq!(said.values, expected);
    assert!(said.at.iter().all(|at| (before..monotonic_now()).contains(at)));
    assert_eq!((said.counts.n_failures, said.counts.n_garbled), (0, 0));
}

#[test]
fn a_plug_that_is_away_for_a_while_is_a_gap() {
    let plug = Plug::start(|n, _request, stream| match n {
        2 => say(stream, "503 Service Unavailable", ""),
        // It is cut off before it said anything.
        3 => {}
        _ => say(stream, "200 OK", r#"{"apower":7}"#),
    });
    let fields = [("/apower", Quantity::PowerUw, W)];
    let planned = planned(MeterSource::Http { url: plug.url() }, MeterFormat::Json, &fields);
    let meter = Meter::begin("plug", 1, &planned).expect("an address");
    let said = wait(&meter, |said| said.at.len() >= 5);
    assert_eq!(said.counts.n_failures, 2);
    assert!(said.values.iter().all(|value| *value == Some(7 * W)), "no row stands for what is missing");
    // 250 ms and then 500 ms passed between the second row and the third.
    assert!(said.at[2].since(said.at[1]) >= 750_000_000, "{:?}", said.at);
    let last = said.counts.last_failure.expect("two failures");
    assert!(last.contains("the answer is cut off"), "{last}");
}

#[test]
fn a_broker_tells_and_is_sought_again_when_it_goes() {
    let topic = "tele/plug/SENSOR";
    let address = broker::start(0, move |n, asked, stream| {
        assert_eq!(asked, "tele/plug/SENSOR");
        let power = 40 + n;
        let text = format!(r#"{{"Time":"x","ENERGY":{{"Total":1.5,"Power":{power}}}}}"#);
        let mut bytes = broker::publish("tele/other/SENSOR", r#"{"ENERGY":{"Power":1}}"#);
        bytes.extend(broker::publish(topic, &text));
        // In two pieces, and then it goes.
        let (first, second) = bytes.split_at(30);
        stream.write_all(first).ok();
        std::thread::sleep(Duration::from_millis(20));
        stream.write_all(second).ok();
    });
    let fields = [("/ENERGY/Power", Quantity::PowerUw, W), ("/ENERGY/Total", Quantity::EnergyUj, 1000 * WH)];
    let source = MeterSource::Mqtt { broker: address, topic: topic.to_owned() };
    let meter = Meter::begin("plug", 1, &planned(source, MeterFormat::Json, &fields)).expect("a source");
    let said = wait(&meter, |said| said.at.len() >= 2);
    let energy = Some(1500 * WH);
    assert_eq!(said.values[..4], [Some(40 * W), energy, Some(41 * W), energy]);
    assert!(said.counts.n_failures >= 1);
}

#[test]
fn a_broker_that_refuses_is_named() {
    let address = broker::start(5, |_n, _topic, _stream| panic!("nobody subscribes"));
    let source = MeterSource::Mqtt { broker: address.clone(), topic: "t".to_owned() };
    let fields = [("", Quantity::PowerUw, W)];
    let meter = Meter::begin("plug", 1, &planned(source, MeterFormat::Plain, &fields)).expect("a source");
    let said = wait(&meter, |said| said.counts.n_failures >= 1);
    let expected = format!("the broker {address} refused the connection (code 5)");
    assert_eq!(said.counts.last_failure, Some(expected));
}

#[test]
fn a_program_gives_its_lines_and_is_not_asked_twice() {
    let meter = Meter::begin("p", 1, &lines("echo 1.5; echo 2; echo; echo 3")).expect("a program");
    let said = wait(&meter, |said| said.at.len() >= 3);
    assert_eq!(said.values, [Some(1_500_000), Some(2 * W), Some(3 * W)]);
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(meter.take().batches, [], "it has said all");
}

#[test]
fn a_program_and_all_that_it_started_end_with_the_meter() {
    // The child of the program holds the pipe open, or lives on when the program has ended and the pipe is closed.
    let scripts = [
        "sleep 1000 & echo $! > PID; while true; do echo 4; sleep 0.02; done",
        "sleep 1000 >&- & echo $! > PID; echo 4",
    ];
    for script in scripts {
        let folder = tempfile::tempdir().expect("a folder");
        let pid_file = folder.path().join("pid");
        let script = script.replace("PID", &pid_file.display().to_string());
        let meter = Meter::begin("p", 1, &lines(&script)).expect("a program");
        wait(&meter, |said| !said.at.is_empty());
        drop(meter);
        is_over(&fs::read_to_string(&pid_file).expect("it was written first"));
    }
}

/// Waits until a process has ended.
fn is_over(pid: &str) {
    let stat = format!("/proc/{}/stat", pid.trim());
    let is_gone = || fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
    let n_waits = (0..500).take_while(|_| {
        std::thread::sleep(Duration::from_millis(10));
        !is_gone()
    });
    assert!(n_waits.count() < 500, "process {} lives on", pid.trim());
}

#[test]
fn what_was_in_a_file_before_is_no_reading_of_now() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.csv");
    fs::write(&path, "when,watts\n1,5\n2,6\n").expect("a file");
    let source = MeterSource::File { path: path.display().to_string(), wait_ms: 0 };
    let fields = [("watts", Quantity::PowerUw, W)];
    let described = planned(source, MeterFormat::Csv { delimiter: ',' }, &fields);
    let meter = Meter::begin("log", 1, &described).expect("a source");
    let mut file = OpenOptions::new().append(true).open(&path).expect("the same file");
    file.write_all(b"3,7\n").expect("room");
    assert_eq!(wait(&meter, |said| !said.at.is_empty()).values, [Some(7 * W)], "by the header of before");
    // Written anew, whether shorter or longer, or put there in place of the other, it is all new.
    fs::write(&path, "watts\n8\n").expect("the same file");
    assert_eq!(wait(&meter, |said| !said.at.is_empty()).values, [Some(8 * W)]);
    fs::write(&path, "when,watts\n1,9\n2,10\n").expect("the same file");
    assert_eq!(wait(&meter, |said| said.at.len() == 2).values, [Some(9 * W), Some(10 * W)]);
    let other = folder.path().join("other");
    fs::write(&other, "when,watts\n1,11\n2,12\n3,13\n").expect("a file");
    fs::rename(&other, &path).expect("the same folder");
    assert_eq!(wait(&meter, |said| said.at.len() == 3).values, [Some(11 * W), Some(12 * W), Some(13 * W)]);
}

#[test]
fn a_file_is_followed_from_before_it_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("capture.csv");
    let fields = [("Main(mA)", Quantity::CurrentUa, 1000), ("Main Voltage(V)", Quantity::VoltageUv, W)];
    let source = MeterSource::File { path: path.display().to_string(), wait_ms: 0 };
    let format = MeterFormat::Csv { delimiter: ',' };
    let clock = MeterClock::Own { at: "Time(ms)".to_owned(), unit_ns: 1_000_000, origin: ClockOrigin::Knock };
    let described = dyno_model::meter::PlannedMeter { clock, ..planned(source, format, &fields) };
    let meter = Meter::begin("monsoon", 1, &described).expect("a source");
    fs::write(&path, "Time(ms),Main(mA),Main Voltage(V)\n0,1000,4\n0.2,500,").expect("a file");
    let first = wait(&meter, |said| said.at.len() == 1);
    assert_eq!(first.values, [Some(W), Some(4 * W), Some(4 * W)]);
    let mut file = OpenOptions::new().append(true).open(&path).expect("the same file");
    file.write_all(b"4\n0.4,250,4\n").expect("room");
    let rest = wait(&meter, |said| said.at.len() == 2);
    assert_eq!(rest.values, [Some(W / 2), Some(4 * W), Some(2 * W), Some(W / 4), Some(4 * W), Some(W)]);
    assert_eq!(rest.at.iter().map(|at| at.0).collect::<Vec<_>>(), [200_000, 400_000], "by its own clock");
}

//! Is a push by [`AdbTransport`] as fast as `adb push`? Paired, interleaved, against the real adb server and adbd.
//!
//! `cargo run --release -p dyno-transport --example adb_push_pair [MEGABYTES] [ROUNDS]`, as root: a phone is made in a
//! network namespace, its disk is memory. Each round pushes the same bytes, which do not compress, three times, in an
//! order that rotates: by `AdbTransport::push` with all that belongs to it (looking for the file and for room before,
//! checking and naming it after), by `adb push`, which compresses if both sides can, and by `adb push -Z`, which does
//! not. Times are of whole calls; a process start of `adb` is in its time as it would be for a user.
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use dyno_testbench::{AdbDevice, AdbServer, PhoneOptions};
use dyno_transport::adb::Server;
use dyno_transport::{AdbTransport, Transport as _};

const WAYS: [&str; 3] = ["ours", "adb push", "adb push -Z"];

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<usize>().expect("a number"));
    let (n_mb, n_rounds) = (args.next().unwrap_or(200), args.next().unwrap_or(15));
    let server = AdbServer::start().expect("an adb server");
    let options =
        PhoneOptions { data_mount: Some(format!("size={}m", n_mb + 100)), ..PhoneOptions::default() };
    let phone = AdbDevice::start(&server, &options).expect("a phone");
    let mut transport =
        AdbTransport::new("phone", &phone.serial(), None, Server::at("127.0.0.1", server.port()));
    transport.prepare().expect("a phone is there");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = folder.path().join("model");
    write_noise(&model, n_mb * 1_000_000);
    // Not counted: it brings the file into the page cache.
    push(WAYS[1], &mut transport, &server, &phone, &model);

    let mut seconds: [Vec<f64>; 3] = Default::default();
    for round in 0..n_rounds {
        for step in 0..WAYS.len() {
            let way = (round + step) % WAYS.len();
            seconds[way].push(push(WAYS[way], &mut transport, &server, &phone, &model));
        }
    }
    println!(
        "{n_mb} MB that do not compress, {n_rounds} rounds, adb 34 and adbd over a veth pair, disk in memory"
    );
    for (way, seconds) in WAYS.iter().zip(&seconds) {
        let (low, median, high) = summary(seconds);
        println!(
            "{way:>12}: median {median:.3} s ({:.0} MB/s), 95 % interval {low:.3} to {high:.3} s",
            n_mb as f64 / median
        );
    }
    for other in [1, 2] {
        let ratios: Vec<f64> = seconds[0].iter().zip(&seconds[other]).map(|(ours, adb)| adb / ours).collect();
        let (low, median, high) = summary(&ratios);
        println!(
            "speed over `{}`: median of pairs {median:.2}, 95 % interval {low:.2} to {high:.2}",
            WAYS[other]
        );
    }
}

/// Pushes once to a place where nothing is; gives the seconds that it took.
fn push(way: &str, transport: &mut AdbTransport, server: &AdbServer, phone: &AdbDevice, model: &Path) -> f64 {
    let remote = transport.work_dir().join("artifacts/model");
    transport.remove(&remote).expect("it can be removed");
    let begin = Instant::now();
    if way == WAYS[0] {
        transport.push(model, &remote, &mut |_| {}).expect("there is room");
    } else {
        let mut args = vec!["-s"];
        let serial = phone.serial();
        args.extend([serial.as_str(), "push"]);
        args.extend((way == WAYS[2]).then_some("-Z"));
        args.extend([model.to_str().expect("text"), remote.as_str()]);
        let output = server.adb(&args).expect("adb runs");
        assert!(output.status.success(), "{}", output.errors());
    }
    begin.elapsed().as_secs_f64()
}

fn write_noise(path: &Path, n_bytes: usize) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).expect("a temporary file"));
    for _ in 0..n_bytes / 8 {
        // xorshift64 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes()).expect("room");
    }
}

/// The median, and between which order statistics it lies with at least 95 %.
fn summary(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    // The number of values below the true median is binomial with one half.
    let (mut tail, mut term, mut rank) = (0.0, 0.5_f64.powf(n as f64), 0);
    while rank < n / 2 && tail + term <= 0.025 {
        tail += term;
        term *= (n - rank) as f64 / (rank + 1) as f64;
        rank += 1;
    }
    let low = rank.saturating_sub(1);
    (sorted[low], f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]), sorted[n - 1 - low])
}

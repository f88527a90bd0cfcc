//! Copies a file to a device and back over edgedyno's ssh transport and over OpenSSH's `scp`, in turn.
//!
//!     cargo run --release -p dyno-transport --example push_pair -- HOST [-F CONFIG] [--dir /dev/shm] [--mb 200] [--rounds 7]
//!
//! `--dir` is where the copies go on the device; here they lie in `TMPDIR`. Each round takes both ways in both orders of the pair over the rounds, connection included. Prints the medians and
//! the median of the rounds' ratios with the order-statistic interval that covers it with at least 95 %.
#![expect(clippy::print_stdout, reason = "a measuring program: its figures are its output")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use dyno_transport::{NoAsk, SshSettings, SshTransport, Transport as _};

struct Options {
    host: String,
    config: Option<PathBuf>,
    dir: String,
    megabytes: usize,
    rounds: usize,
}

fn options() -> Options {
    let dir = "/dev/shm".to_owned();
    let mut found = Options { host: String::new(), config: None, dir, megabytes: 200, rounds: 7 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().expect("a value after the option");
        match word.as_str() {
            "-F" => found.config = Some(value().into()),
            "--dir" => found.dir = value(),
            "--mb" => found.megabytes = value().parse().expect("a number"),
            "--rounds" => found.rounds = value().parse().expect("a number"),
            _ => found.host = word,
        }
    }
    assert!(!found.host.is_empty(), "name a host, as for `ssh HOST`");
    found
}

/// Bytes that do not compress, the same in every run (xorshift64).
fn write_file(path: &Path, megabytes: usize) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).expect("a temporary file"));
    for _ in 0..megabytes * 1_000_000 / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes()).expect("room for the file");
    }
}

fn timed(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_secs_f64()
}

struct Bench {
    options: Options,
    folder: PathBuf,
    file: PathBuf,
    back: PathBuf,
    /// Where the copies go on the device.
    dir: String,
}

impl Bench {
    fn transport(&self) -> SshTransport {
        let mut settings = SshSettings::from_env(std::sync::Arc::new(NoAsk)).expect("a known carrier");
        settings.config_file = self.options.config.clone().or(settings.config_file);
        SshTransport::new("device", &self.options.host, Some(&self.dir), settings)
    }

    /// Seconds for a push and a pull, with a connection of their own each.
    fn ours(&self) -> [f64; 2] {
        let mut transport = self.transport();
        transport.prepare().expect("the device can be reached");
        let remote = transport.work_dir().join("artifacts/ours");
        transport.clean().expect("nobody works there");
        transport.disconnect();
        let push = timed(|| {
            transport.push(&self.file, &remote, &mut |_| {}).expect("it is brought");
        });
        transport.disconnect();
        let pull = timed(|| {
            transport.pull(&remote, &self.back, &mut |_| {}).expect("it is fetched");
        });
        self.check();
        transport.clean().expect("nobody works there");
        [push, pull]
    }

    fn check(&self) {
        let size = |path: &Path| std::fs::metadata(path).expect("it is there").len();
        assert_eq!(size(&self.back), size(&self.file));
        std::fs::remove_file(&self.back).expect("it is ours");
    }

    fn scp(&self, from: &str, to: &str) {
        let mut scp = Command::new("scp");
        scp.arg("-q");
        if let Some(config) = &self.options.config {
            scp.arg("-F").arg(config);
        }
        assert!(scp.args([from, to]).status().expect("scp is here").success());
    }

    fn theirs(&self) -> [f64; 2] {
        let mut transport = self.transport();
        transport.prepare().expect("the device can be reached");
        transport.disconnect();
        let remote = format!("{}:{}/theirs", self.options.host, self.dir);
        let (file, back) = (self.file.display().to_string(), self.back.display().to_string());
        let push = timed(|| self.scp(&file, &remote));
        let pull = timed(|| self.scp(&remote, &back));
        self.check();
        transport.remove(&transport.work_dir().join("theirs")).expect("it is ours");
        transport.clean().expect("nobody works there");
        [push, pull]
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { f64::midpoint(values[half - 1], values[half]) }
}

/// How many of the smallest and largest values to leave out for an interval that covers the median with 95 %.
fn trimmed(n: usize) -> Option<usize> {
    let (mut tail, mut term) = (0.0, 0.5_f64.powi(i32::try_from(n).expect("few rounds")));
    let mut left_out = None;
    for k in 0..n / 2 {
        tail += term;
        if 2.0 * tail > 0.05 {
            break;
        }
        left_out = Some(k);
        term *= (n - k) as f64 / (k + 1) as f64;
    }
    left_out
}

fn report(name: &str, bytes: f64, ours: &[f64], theirs: &[f64]) {
    let mut ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| theirs / ours).collect();
    let speed = |seconds: &[f64]| bytes / 1e6 / median(&mut seconds.to_vec());
    let ratio = median(&mut ratios);
    let interval = match trimmed(ratios.len()) {
        Some(k) => format!("[{:.2}, {:.2}]", ratios[k], ratios[ratios.len() - 1 - k]),
        None => format!("n/a (n = {} < 6)", ratios.len()),
    };
    let (ours, theirs) = (speed(ours), speed(theirs));
    println!("{name}: edgedyno {ours:.0} MB/s, scp {theirs:.0} MB/s, ratio {ratio:.2} {interval}");
}

fn main() {
    let options = options();
    let folder = std::env::temp_dir().join(format!("push-pair-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a temporary folder");
    let (file, back) = (folder.join("file"), folder.join("back"));
    write_file(&file, options.megabytes);
    let dir = format!("{}/push-pair-device-{}", options.dir, std::process::id());
    let bench = Bench { options, folder, file, back, dir };
    let (mut ours, mut theirs) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 0..bench.options.rounds {
        let mut pair = [None, None];
        for turn in 0..2 {
            let is_ours = (round + turn) % 2 == 0;
            pair[usize::from(!is_ours)] = Some(if is_ours { bench.ours() } else { bench.theirs() });
        }
        for (all, new) in [&mut ours, &mut theirs].into_iter().zip(pair) {
            let [push, pull] = new.expect("both had their turn");
            all[0].push(push);
            all[1].push(pull);
        }
    }
    let bytes = (bench.options.megabytes * 1_000_000) as f64;
    println!("{} over {}, {} rounds", bench.options.host, bench.transport().carrier(), bench.options.rounds);
    report("push", bytes, &ours[0], &theirs[0]);
    report("pull", bytes, &ours[1], &theirs[1]);
    std::fs::remove_dir_all(&bench.folder).expect("it is ours");
}

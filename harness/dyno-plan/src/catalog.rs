//! All that was read, checked and typed: for plans, and for listing.

use std::collections::BTreeMap;

use dyno_model::board::PlannedBoard;
use dyno_model::digest::Digest;
use dyno_model::ids::DeviceId;
use dyno_model::meter::PlannedMeter;
use dyno_model::plan::{PlannedDevice, PlannedModel, PlannedRuntime};
use dyno_model::slo::Slo;
use dyno_model::trust::Trust;
use serde::Serialize;

use crate::answers;
use crate::boards::{self, BoardsFile};
use crate::care;
use crate::corpus::{self, Corpus};
use crate::devices::{self, DeviceWords, DevicesFile};
use crate::document::Document;
use crate::load;
use crate::meters::{self, MetersFile};
use crate::models::{self, ModelWords, ModelsFile};
use crate::problem::{Problems, known_words};
use crate::registry::{At, Registry};
use crate::runtimes::{self, RuntimeWords, RuntimesFile};
use crate::schemas::schema_of;
use crate::select;
use crate::slo::{self, SlosFile};
use crate::source::{Inputs, Source, SourceKind};
use crate::steering;
use crate::suite::{self, SuiteWords, SuitesFile};
use crate::trace::Traces;
use crate::trust::{self, KeyWords, TrustFile};

/// What devices.toml, the catalogue and the corpora hold, without problems.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Catalog {
    /// Devices by id.
    pub devices: BTreeMap<DeviceId, PlannedDevice>,
    /// Models by name.
    pub models: BTreeMap<String, PlannedModel>,
    /// Runtimes by name.
    pub runtimes: BTreeMap<String, PlannedRuntime>,
    /// Suites by name.
    pub suites: BTreeMap<String, SuiteSummary>,
    /// Corpora by name.
    pub corpora: BTreeMap<String, CorpusSummary>,
    /// Sets of SLOs by name.
    pub slos: BTreeMap<String, Slo>,
    /// Boards by name.
    pub boards: BTreeMap<String, PlannedBoard>,
    /// Whom the project trusts; `None` when nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
}

/// A suite, for a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuiteSummary {
    /// What it answers.
    pub description: String,
    /// Its models.
    pub models: Vec<String>,
    /// Its runtimes.
    pub runtimes: Vec<String>,
    /// Its corpus.
    pub corpus: String,
    /// Fresh launches of each cell.
    pub repetitions: u32,
}

/// A corpus, for a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CorpusSummary {
    /// Name in tables.
    pub title: String,
    /// SPDX id of its licence.
    pub license: String,
    /// SHA-256 over its prompts.
    pub digest: Digest,
    /// How many prompts it has.
    pub n_prompts: usize,
    /// What each slice is for, and how many prompts it has.
    pub slices: BTreeMap<String, (String, usize)>,
}

impl Catalog {
    /// Reads and checks everything in `inputs`.
    ///
    /// # Errors
    /// All problems of all files, for the person who wrote them.
    pub fn load(inputs: &Inputs) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let documents = Documents::read(inputs, &mut problems);
        let library = Library::read(&documents, inputs, &mut problems);
        problems.or(library.summary())
    }
}

/// The parsed files, by kind.
pub(crate) struct Documents<'a> {
    devices: Vec<Document<'a>>,
    suites: Vec<Document<'a>>,
    models: Vec<Document<'a>>,
    runtimes: Vec<Document<'a>>,
    slos: Vec<Document<'a>>,
    meters: Vec<Document<'a>>,
    boards: Vec<Document<'a>>,
    trust: Vec<Document<'a>>,
    corpora: Vec<Document<'a>>,
}

impl<'a> Documents<'a> {
    /// Parses the files of `inputs` and checks each against its schema.
    pub(crate) fn read(inputs: &'a Inputs, problems: &mut Problems) -> Self {
        let mut of = |kind: SourceKind, schema: serde_json::Value| -> Vec<Document<'a>> {
            inputs.of_kind(kind).into_iter().map(|source| Document::read(source, &schema, problems)).collect()
        };
        Self {
            devices: of(SourceKind::Devices, schema_of::<DevicesFile>()),
            suites: of(SourceKind::Suites, schema_of::<SuitesFile>()),
            models: of(SourceKind::Models, schema_of::<ModelsFile>()),
            runtimes: of(SourceKind::Runtimes, schema_of::<RuntimesFile>()),
            slos: of(SourceKind::Slos, schema_of::<SlosFile>()),
            meters: of(SourceKind::Meters, schema_of::<MetersFile>()),
            boards: of(SourceKind::Boards, schema_of::<BoardsFile>()),
            trust: of(SourceKind::Trust, schema_of::<TrustFile>()),
            corpora: of(SourceKind::Corpus, schema_of::<corpus::CorpusFile>()),
        }
    }
}

/// All entries, typed; those that do not fit are known by name only.
pub(crate) struct Library<'d> {
    pub(crate) devices: Registry<'d, DeviceWords>,
    pub(crate) models: Registry<'d, ModelWords>,
    pub(crate) planned_models: BTreeMap<String, PlannedModel>,
    pub(crate) runtimes: Registry<'d, RuntimeWords>,
    pub(crate) planned_runtimes: BTreeMap<String, PlannedRuntime>,
    pub(crate) suites: Registry<'d, SuiteWords>,
    pub(crate) corpora: Registry<'d, Corpus>,
    pub(crate) traces: Traces,
    pub(crate) slos: Registry<'d, Slo>,
    pub(crate) boards: BTreeMap<String, PlannedBoard>,
    pub(crate) trust: Option<Trust>,
    pub(crate) meters: BTreeMap<DeviceId, (String, PlannedMeter)>,
}

impl<'d> Library<'d> {
    /// Reads the entries of `documents`, and the prompts of `inputs`; checks what no schema can see.
    pub(crate) fn read(documents: &'d Documents<'_>, inputs: &'d Inputs, problems: &mut Problems) -> Self {
        let devices = Registry::read("device", &documents.devices, problems);
        devices::check(&devices, problems);
        let meters =
            meters::plan_all(&Registry::read("meter", &documents.meters, problems), &devices, problems);
        let models = Registry::read("model", &documents.models, problems);
        let planned_models = models::plan_all(&models, problems);
        let runtimes = Registry::read("runtime", &documents.runtimes, problems);
        let planned_runtimes = runtimes::plan_all(&runtimes, problems);
        let suites = Registry::read("suite", &documents.suites, problems);
        suite::check(&suites, problems);
        let prompts: Vec<&Source> = inputs.of_kind(SourceKind::Prompts);
        let corpora = corpus::read(&documents.corpora, &prompts, problems);
        let slos = slo::read(&documents.slos, problems);
        let boards = boards::read(&documents.boards, problems);
        let keys: Registry<'_, KeyWords> = Registry::read("key", &documents.trust, problems);
        let trust = trust::read(&keys, &documents.trust, problems);
        let traces = Traces::read(&inputs.of_kind(SourceKind::Traces), problems);
        for (name, words, document) in suites.usable() {
            load::check(name, words, document, &traces, problems);
            steering::check(name, words, document, &slos, problems);
            care::check(name, words, document, problems);
            answers::check(name, words, document, problems);
        }
        let library = Self {
            devices,
            models,
            planned_models,
            runtimes,
            planned_runtimes,
            suites,
            corpora,
            traces,
            slos,
            boards,
            trust,
            meters,
        };
        library.check_references(problems);
        library
    }

    /// Every name that a suite mentions must be there, whether the suite is asked for or not.
    fn check_references(&self, problems: &mut Problems) {
        for (name, words, document) in self.suites.usable() {
            let at = |key: &str, idx: Option<usize>| {
                let idx = idx.map(|idx| idx.to_string());
                At::File(document, ["suite", name, key].map(str::to_owned).into_iter().chain(idx).collect())
            };
            for (idx, model) in words.model.values() {
                self.models.find(&model.name(), &at("model", idx), problems);
            }
            for (idx, runtime) in words.runtime.values() {
                self.runtimes.find(runtime, &at("runtime", idx), problems);
            }
            let corpus = self.corpora.find(&words.corpus, &at("corpus", None), problems);
            let Some(corpus) = corpus else { continue };
            if let Some(slice) = &words.slice {
                check_slice(corpus, &words.corpus, slice, &at("slice", None), problems);
            }
            select::check(name, words, corpus, document, problems);
        }
    }

    fn summary(&self) -> Catalog {
        let suite = |words: &SuiteWords| SuiteSummary {
            description: words.description.clone(),
            models: words.model.values().into_iter().map(|(_, model)| model.name()).collect(),
            runtimes: words.runtime.values().into_iter().map(|(_, runtime)| runtime.clone()).collect(),
            corpus: words.corpus.clone(),
            repetitions: words.repetitions,
        };
        let corpus = |corpus: &Corpus| CorpusSummary {
            title: corpus.file.title.clone(),
            license: corpus.file.license.clone(),
            digest: corpus.digest.clone(),
            n_prompts: corpus.prompts.len(),
            slices: corpus
                .file
                .slice
                .iter()
                .map(|(name, slice)| (name.clone(), (slice.description.clone(), slice.ids.len())))
                .collect(),
        };
        Catalog {
            devices: self
                .devices
                .usable()
                .map(|(name, words, _)| (DeviceId::from(name), words.plan()))
                .collect(),
            models: self.planned_models.clone(),
            runtimes: self.planned_runtimes.clone(),
            suites: self.suites.usable().map(|(name, words, _)| (name.to_owned(), suite(words))).collect(),
            corpora: self.corpora.usable().map(|(name, words, _)| (name.to_owned(), corpus(words))).collect(),
            slos: slo::all(&self.slos),
            boards: self.boards.clone(),
            trust: self.trust.clone(),
        }
    }
}

/// Reports a slice that the corpus does not have.
pub(crate) fn check_slice(corpus: &Corpus, name: &str, slice: &str, at: &At<'_>, problems: &mut Problems) {
    if !corpus.file.slice.contains_key(slice) {
        let known: Vec<&str> = corpus.file.slice.keys().map(String::as_str).collect();
        problems.push(
            at.problem(format!("corpus `{name}` has no slice `{slice}`"), Some(known_words(slice, &known))),
        );
    }
}

//! The plan without texts and names.

use dyno_model::launch::{EndpointSpec, ServerSpec};
use dyno_model::meter::{MeterHost, MeterSource, PlannedMeter};
use dyno_model::plan::{
    ModelOrigin, ModelSource, Plan, PlannedDevice, PlannedModel, PlannedPrompt, PlannedRuntime, TransportSpec,
};
use dyno_model::prepare::PrepareSpec;
use dyno_model::trust::{ModelProvenance, ProgramPin, SignatureSource, SignatureState};

use crate::redact::{Kind, LEFT_OUT, Redactor};

/// The setting of the scripted runtime that holds its answers.
const ANSWER_SETTING: &str = "text";

impl Redactor {
    /// Takes texts and names out of a plan, and remembers the names for the record.
    pub fn plan(&mut self, plan: &mut Plan) {
        // Cells, runs, orders and limits have numbers and names of things that were bought or written for all.
        let Plan {
            format: _,
            tool_version: _,
            suite: _,
            seed: _,
            devices,
            models,
            runtimes,
            corpus: _,
            prompts,
            cells: _,
            runs: _,
            sampling_period_ms: _,
            slo: _,
            steering: _,
            restart: _,
            care: _,
            boards: _,
            meters,
            comparison,
            // Names that the project gave, public keys and public addresses.
            trust: _,
        } = plan;
        for device in devices.values_mut() {
            self.planned_device(device);
        }
        for meter in meters.values_mut() {
            self.meter(meter);
        }
        for runtime in runtimes.values_mut() {
            self.runtime(runtime);
        }
        for model in models.values_mut() {
            self.model(model);
        }
        for arm in comparison.iter_mut().flat_map(|comparison| &mut comparison.arms) {
            self.words(&mut arm.words);
        }
        for PlannedPrompt { category: _, language: _, messages, grader } in prompts.values_mut() {
            // It has the words of a good answer, and there is none left to hold against it.
            *grader = None;
            for message in messages {
                self.text(&mut message.content);
            }
        }
    }

    fn planned_device(&mut self, device: &mut PlannedDevice) {
        let PlannedDevice {
            transport,
            board: _,
            tags: _,
            work_dir,
            price_eur_cents: _,
            prepare,
            sys_root,
            ambient_mdegc: _,
        } = device;
        self.transport(transport);
        self.maybe_words(work_dir.as_mut());
        self.maybe_words(sys_root.as_mut());
        if let Some(PrepareSpec { before, after, .. }) = prepare {
            for argv in before.iter_mut().chain(after) {
                self.command(argv);
            }
        }
    }

    fn transport(&mut self, transport: &mut TransportSpec) {
        match transport {
            TransportSpec::Local => {}
            TransportSpec::Ssh { host } => self.name(Kind::Host, host),
            TransportSpec::Adb { serial } => self.name(Kind::Serial, serial),
        }
    }

    fn model(&mut self, model: &mut PlannedModel) {
        let PlannedModel { title: _, license: _, origin, context_tokens: _, provenance } = model;
        self.origin(origin);
        let ModelProvenance { signature_from, parent_signature_from, signature, terms: _ } = provenance;
        for source in [signature_from, parent_signature_from].into_iter().flatten() {
            self.signature_source(source);
        }
        if let Some(state) = signature {
            self.signature(state);
        }
    }

    fn signature_source(&mut self, source: &mut SignatureSource) {
        match source {
            SignatureSource::Text { text } => self.words(text),
            SignatureSource::File { path } => self.words(path),
            SignatureSource::Https { url } => self.words(url),
        }
    }

    /// A signer's comment is free text.
    fn signature(&mut self, state: &mut SignatureState) {
        match state {
            SignatureState::Signed { key: _, form: _, comment } => self.maybe_words(comment.as_mut()),
            SignatureState::MadeFromSigned { from: _, key: _ }
            | SignatureState::UnknownSigner { signer: _, form: _ }
            | SignatureState::Unsigned => {}
        }
    }

    fn origin(&mut self, origin: &mut ModelOrigin) {
        match origin {
            ModelOrigin::Published { sources, digest: _, bytes: _, file: _, terms_url: _ } => {
                for source in sources {
                    match source {
                        ModelSource::File { path } => self.words(path),
                        ModelSource::Https { url } => self.words(url),
                        ModelSource::Pypi { parts: _ } => {}
                    }
                }
            }
            ModelOrigin::Derived { published, from: _, quantize: _, digest: _ } => self.origin(published),
            ModelOrigin::Synthetic { shape: _, seed: _ } | ModelOrigin::None => {}
        }
    }

    fn runtime(&mut self, runtime: &mut PlannedRuntime) {
        let PlannedRuntime { title: _, dialect: _, settings, ready_limit_ms: _, server, endpoint } = runtime;
        for (name, value) in settings {
            if name == ANSWER_SETTING { self.text(value) } else { self.words(value) }
        }
        if let Some(server) = server {
            self.server(server);
        }
        if let Some(EndpointSpec { url, model: _, key_variable: _, host }) = endpoint {
            self.url(url);
            self.maybe_name(Kind::Host, host.as_mut());
        }
    }

    fn server(&mut self, server: &mut ServerSpec) {
        let ServerSpec { program, args, env, ready_path: _, version_args: _, prefix: _, cache_dirs, pins } =
            server;
        for ProgramPin { sha256: _, signature_from, signature } in pins.values_mut() {
            if let Some(source) = signature_from {
                self.signature_source(source);
            }
            if let Some(state) = signature {
                self.signature(state);
            }
        }
        self.words(program);
        self.all_words(args);
        self.all_words(cache_dirs);
        for value in env.values_mut() {
            LEFT_OUT.clone_into(value);
        }
    }

    /// An address with the host in it, which messages name alone.
    fn url(&mut self, url: &mut String) {
        let behind = url.split_once("://").map_or(url.as_str(), |(_, behind)| behind);
        let authority = behind.split(['/', '?', '#']).next().unwrap_or_default();
        let place = authority.rsplit('@').next().unwrap_or_default();
        let host = place.rsplit_once(':').map_or(place, |(host, _)| host).to_owned();
        if !host.is_empty() && !host.starts_with("127.") {
            self.name(Kind::Host, &mut host.clone());
        }
        self.name(Kind::Address, url);
    }

    fn meter(&mut self, meter: &mut PlannedMeter) {
        let PlannedMeter {
            title: _,
            device: _,
            host,
            source,
            format: _,
            fields: _,
            clock: _,
            period_ms: _,
            latency_ms: _,
            scope: _,
            class: _,
            gain_ppm: _,
            offset_uw: _,
            lowest_uw: _,
            wraps_at_uj: _,
            knock: _,
        } = meter;
        if let Some(MeterHost { device: _, transport, work_dir }) = host {
            self.transport(transport);
            self.maybe_words(work_dir.as_mut());
        }
        match source {
            MeterSource::Http { url } => self.url(url),
            MeterSource::Mqtt { broker, topic } => {
                self.url(broker);
                self.name(Kind::Topic, topic);
            }
            MeterSource::Lines { argv } => self.command(argv),
            MeterSource::File { path, wait_ms: _ } => self.words(path),
            MeterSource::Hwmon { site: _ } => {}
        }
    }
}

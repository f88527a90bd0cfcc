//! A small record: one cell, three runs of three requests, written event by event.

use std::collections::BTreeMap;
use std::path::Path;

use dyno_model::clock::{MonoNs, WallNs};
use dyno_model::device::{CpuCluster, DeviceFacts};
use dyno_model::digest::Digest;
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::{CampaignId, CellId, DeviceId, RunId};
use dyno_model::launch::{Dialect, ModelFacts, RuntimeFacts};
use dyno_model::load::LoadModel;
use dyno_model::outcome::{Outcome, Validity};
use dyno_model::plan::{
    Cell, ModelOrigin, PLAN_FORMAT, Plan, PlannedCorpus, PlannedDevice, PlannedModel, PlannedPrompt,
    PlannedRequest, PlannedRun, PlannedRuntime, PlannedSuite, TransportSpec,
};
use dyno_model::request::{ChunkKind, FinishReason, Message, RequestRecord, Sampling, Usage, UsageSource};
use dyno_model::sample::{AccuracyClass, Channel, OwnCost, Quantity, SampleBatch, SensorDeclared};
use dyno_store::{Campaign, Journal, JournalEntry, Store};

/// 2026-11-21T04:30:00Z.
pub(super) const WALL: u64 = 1_795_235_400_000_000_000;

fn cell() -> Cell {
    Cell {
        id: CellId::from("00000000000000aa"),
        device: DeviceId::from("local"),
        runtime: "fake".to_owned(),
        model: "none".to_owned(),
        threads: Some(2),
        context_tokens: 256,
        load: LoadModel::Single { think_ms: 0 },
        start: dyno_model::start::StartState::AsItIs,
        hold: None,
        arm: None,
    }
}

/// Prompts `p-0`, `p-1`, `p-2` of the categories chat, code and chat, in `n_runs` runs.
pub(super) fn plan(n_runs: u32) -> Plan {
    let cell = cell();
    let request = |n: u32| PlannedRequest {
        prompt: format!("p-{n}").as_str().into(),
        sampling: Sampling {
            max_tokens: 8,
            ignore_eos: false,
            temperature_milli: 0,
            top_p_milli: 1000,
            seed: 1,
            top_logprobs: 0,
        },
        due_ns: None,
        limit_ms: 1000,
        trace: None,
    };
    let run = |n| PlannedRun {
        id: RunId(n),
        cell: cell.id.clone(),
        repetition: n,
        requests: vec![request(0), request(1), request(2)],
    };
    let prompt = |n: u32, category: &str| {
        let message = |role: &str, content: String| Message { role: role.to_owned(), content };
        let messages =
            vec![message("system", "Be brief.".to_owned()), message("user", format!("Question {n}?"))];
        let planned = PlannedPrompt {
            category: category.to_owned(),
            language: "en".to_owned(),
            messages,
            grader: None,
        };
        (format!("p-{n}").as_str().into(), planned)
    };
    let model = PlannedModel {
        title: "No model".to_owned(),
        license: "CC0-1.0".to_owned(),
        origin: ModelOrigin::None,
        context_tokens: 256,
        provenance: dyno_model::trust::ModelProvenance::default(),
    };
    let runtime = PlannedRuntime {
        title: "Scripted".to_owned(),
        dialect: Dialect::Fake,
        settings: BTreeMap::new(),
        ready_limit_ms: 1000,
        server: None,
        endpoint: None,
    };
    Plan {
        format: PLAN_FORMAT,
        tool_version: "0.1.0".to_owned(),
        suite: PlannedSuite {
            name: "test".to_owned(),
            description: "A test.".to_owned(),
            digest: Digest::of(b"s"),
        },
        seed: 7,
        devices: BTreeMap::from([(DeviceId::from("local"), local())]),
        models: BTreeMap::from([("none".to_owned(), model)]),
        runtimes: BTreeMap::from([("fake".to_owned(), runtime)]),
        corpus: PlannedCorpus {
            name: "tiny".to_owned(),
            digest: Digest::of(b"c"),
            slice: Some("all".to_owned()),
        },
        prompts: BTreeMap::from([prompt(0, "chat"), prompt(1, "code"), prompt(2, "chat")]),
        runs: (0..n_runs).map(run).collect(),
        cells: vec![cell],
        sampling_period_ms: 100,
        slo: None,
        steering: None,
        restart: None,
        care: None,
        meters: BTreeMap::new(),
        comparison: None,
        trust: None,
        boards: BTreeMap::new(),
    }
}

fn local() -> PlannedDevice {
    PlannedDevice {
        transport: TransportSpec::Local,
        board: None,
        tags: Vec::new(),
        work_dir: None,
        price_eur_cents: None,
        prepare: None,
        sys_root: None,
        ambient_mdegc: None,
    }
}

/// One request: when it was sent, chunks as kind, arrival after that, and bytes; ISL and OSL.
pub(super) struct Asked {
    pub(super) idx: u32,
    pub(super) sent_at: u64,
    pub(super) chunks: Vec<(ChunkKind, u64, u32)>,
    pub(super) isl: Option<u32>,
    pub(super) osl: Option<u32>,
    pub(super) outcome: Outcome,
}

/// Token chunks of 2 bytes at those instants after the request was sent.
pub(super) fn tokens(at: &[u64]) -> Vec<(ChunkKind, u64, u32)> {
    at.iter().map(|at| (ChunkKind::Content, *at, 2)).collect()
}

pub(super) fn ok(idx: u32, sent_at: u64, at: &[u64], isl: u32) -> Asked {
    let osl = Some(at.len() as u32);
    Asked { idx, sent_at, chunks: tokens(at), isl: Some(isl), osl, outcome: Outcome::Ok }
}

pub(super) fn record(asked: &Asked) -> EventKind {
    let column = asked.chunks.iter();
    EventKind::Request(Box::new(RequestRecord {
        idx: asked.idx,
        prompt_id: format!("p-{}", asked.idx).as_str().into(),
        due_at: None,
        sent_at: MonoNs(asked.sent_at),
        ended_at: MonoNs(asked.sent_at + asked.chunks.last().map_or(0, |chunk| chunk.1) + 5),
        outcome: asked.outcome.clone(),
        finish: asked.outcome.is_ok().then_some(FinishReason::Stop),
        usage: Usage {
            prompt_tokens: asked.isl,
            completion_tokens: asked.osl,
            cached_tokens: None,
            source: UsageSource::Engine,
            reasoning_tokens: None,
        },
        timings: None,
        chunk_ns: column.clone().map(|chunk| chunk.1).collect(),
        chunk_kind: column.clone().map(|chunk| chunk.0).collect(),
        chunk_tokens: column.clone().map(|chunk| (chunk.2 > 0).then_some(1)).collect(),
        chunk_bytes: column.map(|chunk| chunk.2).collect(),
        text: format!("Answer {}.", asked.idx),
        queue_ns: None,
        exchange: None,
        logprobs: None,
    }))
}

/// How a launch ends in the record.
pub(super) enum End {
    /// With its last event.
    Valid,
    /// With its last event, not to be used.
    Invalid(&'static str),
    /// Not at all: its agent was killed.
    CutOff,
}

/// A launch that began at `start`, was spawned 10 ns and ready 60 ns later.
pub(super) fn launch(run: u32, number: u16, start: u64, asked: &[Asked], end: &End) -> Vec<Event> {
    let channel = |quantity, site: &str| Channel::new(quantity, site, AccuracyClass::A, 100);
    let sensor = SensorDeclared {
        sensor: 0,
        driver: "procfs".to_owned(),
        channels: vec![
            channel(Quantity::RssBytes, "process"),
            channel(Quantity::CpuNs, "process"),
            channel(Quantity::TempMdegc, "zone0"),
        ],
    };
    let samples = SampleBatch {
        sensor: 0,
        at_ns: vec![MonoNs(start + 100), MonoNs(start + 200)],
        values: vec![Some(4096), Some(1000), Some(50_000), Some(8192), Some(1150), Some(51_000)],
    };
    let model = ModelFacts { architecture: "llama".to_owned(), synthetic: false, ..ModelFacts::default() };
    let facts = RuntimeFacts {
        name: "fake".to_owned(),
        version: "1".to_owned(),
        backend: "script".to_owned(),
        model: Some(model),
        ..RuntimeFacts::default()
    };
    let mut events = vec![
        (
            start,
            EventKind::LaunchStarted {
                wall: WallNs(WALL + start),
                n_requests: asked.len() as u32,
                boot_id: None,
            },
        ),
        (start + 10, EventKind::Spawned),
        (start + 60, EventKind::Ready { facts: Box::new(facts) }),
        (start + 61, EventKind::Sensor(sensor)),
    ];
    events.extend(asked.iter().map(|asked| (asked.sent_at, record(asked))));
    events.push((start + 900, EventKind::Samples(samples)));
    let validity = match end {
        End::Valid => Some(Validity::Valid),
        End::Invalid(reason) => Some(Validity::Invalid { reasons: vec![(*reason).to_owned()] }),
        End::CutOff => None,
    };
    let own = OwnCost {
        wall_ns: 1_000_000,
        cpu_ns: 2000,
        n_rows: 2,
        lateness_p99_ns: Some(50),
        ..OwnCost::default()
    };
    events.extend(validity.map(|validity| {
        let ended = EventKind::LaunchEnded {
            outcome: Outcome::Ok,
            validity,
            exit: Some("exit status: 0".to_owned()),
            cpu_ns: Some(77),
            peak_rss_bytes: Some(9000 + u64::from(run)),
            own,
        };
        (start + 1000, ended)
    }));
    let numbered = (0..).zip(events);
    numbered
        .map(|(seq, (at, kind))| Event { run: RunId(run), launch: number, seq, at: MonoNs(at), kind })
        .collect()
}

/// The same launch with more events, after its ready event.
pub(super) fn with(mut events: Vec<Event>, more: Vec<EventKind>) -> Vec<Event> {
    let place = events.iter().position(|event| matches!(event.kind, EventKind::Ready { .. })).unwrap_or(0);
    let first = events[place].clone();
    let more = more.into_iter().map(|kind| Event { kind, ..first.clone() });
    let rest = events.split_off(place + 1);
    events.extend(more);
    events.extend(rest);
    for (seq, event) in (0..).zip(&mut events) {
        event.seq = seq;
    }
    events
}

pub(super) fn session(number: u32) -> JournalEntry {
    let cluster = CpuCluster {
        cpus: vec![0, 1],
        governor: Some("powersave".to_owned()),
        min_freq_khz: Some(800_000),
        max_freq_khz: Some(3_000_000),
        ..CpuCluster::default()
    };
    JournalEntry::Session {
        session: number,
        device: DeviceId::from("local"),
        transport: "local".to_owned(),
        build_id: "b-1".to_owned(),
        facts: Box::new(DeviceFacts {
            arch: "x86_64".to_owned(),
            os: "linux".to_owned(),
            n_cpus: Some(2),
            clusters: vec![cluster],
            ram_bytes: Some(1 << 30),
            ..DeviceFacts::default()
        }),
        model_digests: BTreeMap::new(),
        notes: Vec::new(),
        wall: WallNs(WALL),
    }
}

/// A campaign whose journal holds those events.
pub(super) fn campaign(root: &Path, n_runs: u32, launches: &[Vec<Event>]) -> Campaign {
    campaign_named("c-1", root, n_runs, launches)
}

pub(super) fn campaign_named(name: &str, root: &Path, n_runs: u32, launches: &[Vec<Event>]) -> Campaign {
    named(name, root, &plan(n_runs), launches)
}

/// A campaign of that plan.
pub(super) fn written(root: &Path, plan: &Plan, launches: &[Vec<Event>]) -> Campaign {
    named("c-1", root, plan, launches)
}

pub(super) fn named(name: &str, root: &Path, plan: &Plan, launches: &[Vec<Event>]) -> Campaign {
    let campaign = Store::new(root).create(&CampaignId::from(name), plan).expect("an empty folder");
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(WALL)).expect("a new journal");
    journal.append(&session(0)).expect("disk has room");
    for events in launches {
        journal.append_events(0, events).expect("disk has room");
    }
    campaign
}

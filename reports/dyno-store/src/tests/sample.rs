//! A small plan and hand-written events.

use std::collections::BTreeMap;

use dyno_model::clock::{MonoNs, WallNs};
use dyno_model::device::DeviceFacts;
use dyno_model::digest::Digest;
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::{CampaignId, CellId, DeviceId, RunId};
use dyno_model::launch::{Dialect, RuntimeFacts};
use dyno_model::load::LoadModel;
use dyno_model::outcome::{Outcome, Validity};
use dyno_model::plan::{
    Cell, ModelOrigin, PLAN_FORMAT, Plan, PlannedCorpus, PlannedDevice, PlannedModel, PlannedPrompt,
    PlannedRequest, PlannedRun, PlannedRuntime, PlannedSuite, TransportSpec,
};
use dyno_model::request::{ChunkKind, FinishReason, Message, RequestRecord, Sampling, Usage, UsageSource};
use dyno_model::sample::{AccuracyClass, Channel, OwnCost, Quantity, SampleBatch, SensorDeclared};

use crate::{Campaign, Journal, JournalEntry, Store};

fn cell() -> Cell {
    Cell {
        id: CellId::from("00000000000000aa"),
        device: DeviceId::from("local"),
        runtime: "fake".to_owned(),
        model: "none".to_owned(),
        threads: None,
        context_tokens: 256,
        load: LoadModel::Single { think_ms: 0 },
        start: dyno_model::start::StartState::AsItIs,
        hold: None,
        arm: None,
    }
}

/// Two runs of one cell with two requests each.
pub(super) fn plan() -> Plan {
    let cell = cell();
    let run = |id, repetition| PlannedRun {
        id: RunId(id),
        cell: cell.id.clone(),
        repetition,
        requests: vec![asked("p-1"), asked("p-2")],
    };
    let prompt = |category: &str| PlannedPrompt {
        category: category.to_owned(),
        language: "en".to_owned(),
        messages: vec![Message { role: "user".to_owned(), content: "Say a word.".to_owned() }],
        grader: None,
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
        devices: BTreeMap::from([(
            DeviceId::from("local"),
            PlannedDevice {
                transport: TransportSpec::Local,
                board: None,
                tags: Vec::new(),
                work_dir: None,
                price_eur_cents: None,
                prepare: None,
                sys_root: None,
                ambient_mdegc: None,
            },
        )]),
        models: BTreeMap::from([(
            "none".to_owned(),
            PlannedModel {
                title: "None".to_owned(),
                license: "CC0-1.0".to_owned(),
                origin: ModelOrigin::None,
                context_tokens: 256,
                provenance: dyno_model::trust::ModelProvenance::default(),
            },
        )]),
        runtimes: BTreeMap::from([(
            "fake".to_owned(),
            PlannedRuntime {
                title: "Scripted".to_owned(),
                dialect: Dialect::Fake,
                settings: BTreeMap::new(),
                ready_limit_ms: 1000,
                server: None,
                endpoint: None,
            },
        )]),
        corpus: PlannedCorpus { name: "tiny".to_owned(), digest: Digest::of(b"c"), slice: None },
        prompts: BTreeMap::from([("p-1".into(), prompt("chat")), ("p-2".into(), prompt("code"))]),
        runs: vec![run(0, 0), run(1, 1)],
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

fn asked(prompt: &str) -> PlannedRequest {
    PlannedRequest {
        prompt: prompt.into(),
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
    }
}

pub(super) fn campaign(root: &std::path::Path) -> Campaign {
    Store::new(root).create(&CampaignId::from("c-1"), &plan()).expect("an empty folder takes a campaign")
}

pub(super) fn event(run: u32, launch: u16, seq: u64, kind: EventKind) -> Event {
    Event { run: RunId(run), launch, seq, at: MonoNs(1000 + seq), kind }
}

/// A request with a role chunk and `n_tokens` tokens, 10 ns apart.
pub(super) fn request(idx: u32, outcome: Outcome, n_tokens: u32) -> EventKind {
    let n = n_tokens as usize;
    EventKind::Request(Box::new(RequestRecord {
        idx,
        prompt_id: if idx == 0 { "p-1".into() } else { "p-2".into() },
        due_at: None,
        sent_at: MonoNs(5000),
        ended_at: MonoNs(9000),
        outcome,
        finish: Some(FinishReason::Stop),
        usage: Usage {
            prompt_tokens: Some(12),
            completion_tokens: Some(n_tokens),
            cached_tokens: None,
            source: UsageSource::Engine,
            reasoning_tokens: None,
        },
        timings: None,
        chunk_ns: (0..=n as u64).map(|i| 10 * i).collect(),
        chunk_kind: std::iter::once(ChunkKind::Role).chain((0..n).map(|_| ChunkKind::Content)).collect(),
        chunk_tokens: std::iter::once(None).chain((0..n).map(|_| Some(1))).collect(),
        chunk_bytes: std::iter::once(0).chain((0..n).map(|_| 3)).collect(),
        text: "ab ".repeat(n),
        queue_ns: None,
        exchange: None,
        logprobs: None,
    }))
}

pub(super) fn session(number: u32) -> JournalEntry {
    JournalEntry::Session {
        session: number,
        device: DeviceId::from("local"),
        transport: "local".to_owned(),
        build_id: "b".to_owned(),
        facts: Box::new(DeviceFacts {
            arch: "x86_64".to_owned(),
            os: "linux".to_owned(),
            ..DeviceFacts::default()
        }),
        model_digests: BTreeMap::new(),
        notes: Vec::new(),
        wall: WallNs(2),
    }
}

/// All events of a launch of run `run` that serves the requests `idxs` and samples one channel.
pub(super) fn launch(run: u32, launch: u16, idxs: &[u32]) -> Vec<Event> {
    let channel = |quantity, site: &str| Channel::new(quantity, site, AccuracyClass::A, 100);
    let sensor = SensorDeclared {
        sensor: 3,
        driver: "procfs".to_owned(),
        channels: vec![channel(Quantity::RssBytes, "process"), channel(Quantity::CpuNs, "process")],
    };
    let samples = SampleBatch {
        sensor: 3,
        at_ns: vec![MonoNs(1100), MonoNs(1200)],
        values: vec![Some(4096), Some(10), None, Some(20)],
    };
    let mut kinds = vec![
        EventKind::LaunchStarted { wall: WallNs(3), n_requests: 2, boot_id: None },
        EventKind::Spawned,
        EventKind::Ready {
            facts: Box::new(RuntimeFacts { name: "fake".to_owned(), ..RuntimeFacts::default() }),
        },
        EventKind::Sensor(sensor),
        EventKind::Note { text: "hello".to_owned() },
    ];
    kinds.extend(idxs.iter().map(|idx| request(*idx, Outcome::Ok, 4)));
    kinds.push(EventKind::Samples(samples));
    kinds.push(EventKind::LaunchEnded {
        outcome: Outcome::Ok,
        validity: Validity::Invalid { reasons: vec!["slept 5 ms".to_owned()] },
        exit: Some("exit status: 0".to_owned()),
        cpu_ns: Some(77),
        peak_rss_bytes: Some(8192),
        own: OwnCost { wall_ns: 100, cpu_ns: 1, n_rows: 2, lateness_p99_ns: Some(9), ..OwnCost::default() },
    });
    (0..).zip(kinds).map(|(seq, kind)| event(run, launch, seq, kind)).collect()
}

/// A whole journal: a session with two launches.
pub(super) fn write_all(campaign: &Campaign) {
    let mut journal = Journal::create(campaign, "0.1.0", WallNs(1)).expect("a new journal");
    journal.append(&session(0)).expect("disk has room");
    journal.append_events(0, &launch(0, 1, &[0, 1])).expect("disk has room");
    journal.append_events(0, &launch(1, 1, &[0, 1])).expect("disk has room");
    let end = JournalEntry::SessionEnded { session: 0, error: None, wall: WallNs(9) };
    journal.append(&end).expect("disk has room");
}

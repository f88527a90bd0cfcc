//! Devices whose figures are known: five short launches and a long one of each.

use std::collections::BTreeMap;
use std::path::Path;

use dyno_model::care::{Hold, Span, SpanKind};
use dyno_model::clock::{MonoNs, WallNs};
use dyno_model::digest::Digest;
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::{CampaignId, CellId, DeviceId, RunId};
use dyno_model::plan::{Plan, PlannedRequest, PlannedRun, TransportSpec};
use dyno_model::sample::{AccuracyClass, Channel, Quantity, SampleBatch, Scope, SensorDeclared};
use dyno_model::slo::{Condition, Demand as Share, Judged, Objective, Selection, Slo};
use dyno_store::{Campaign, Journal, JournalEntry, Store};

use super::super::sample::{Asked, End, WALL, launch, ok, plan, session, with};
use crate::BuyerAsk;

const S: u64 = 1_000_000_000;
/// A request is sent each 2.5 s; 40 tokens follow the first.
const PERIOD: u64 = 2_500_000_000;
const N_PROMPTS: u32 = 16;
/// Twenty minutes of a request each 2.5 s.
const N_LONG: u32 = 480;

/// A device that answers in `ttft_s` and then at `rate`.
#[derive(Clone)]
pub(super) struct Bench {
    pub(super) name: &'static str,
    pub(super) ttft_s: f64,
    pub(super) rate: f64,
    pub(super) price_cents: Option<u64>,
    /// How its rates differ from request to request: ± this share.
    pub(super) noise: f64,
    /// Watts under load, and the class of what measures them.
    pub(super) power: Option<(f64, AccuracyClass)>,
    pub(super) n_short_runs: u32,
    pub(super) has_long: bool,
    pub(super) end: fn() -> End,
    /// Seconds to the first token in the last tenth of a long load.
    pub(super) late_ttft_s: Option<f64>,
    /// Its board in the catalogue.
    pub(super) board: Option<&'static str>,
}

/// 41 tokens in 0.1 s and 40 / 20 s: 2.1 s.
pub(super) fn bench(name: &'static str) -> Bench {
    Bench {
        name,
        ttft_s: 0.1,
        rate: 20.0,
        price_cents: Some(10_000),
        noise: 0.0,
        power: None,
        n_short_runs: 5,
        has_long: true,
        end: || End::Valid,
        late_ttft_s: None,
        board: None,
    }
}

impl Bench {
    fn asked(&self, idx: u32, at: u64) -> Asked {
        let saw = [0.3, -0.9, 0.8, -0.4, 1.0, -0.8][idx as usize % 6] * self.noise;
        let is_late = idx >= N_LONG / 10 * 9;
        let ttft_s = self.late_ttft_s.filter(|_| is_late).unwrap_or(self.ttft_s);
        let first = (ttft_s * S as f64) as u64;
        let last = first + (40.0 / (self.rate * (1.0 + saw)) * S as f64) as u64;
        Asked { osl: Some(41), ..ok(idx, at + u64::from(idx) * PERIOD, &[first, last], 12) }
    }

    /// A launch of so many requests; the power that it takes, each second.
    fn launch(&self, run: u32, n: u32) -> Vec<Event> {
        let start = u64::from(run + 1) * 10_000 * S;
        let load = start + 60 * S;
        let asked: Vec<Asked> = (0..n).map(|idx| self.asked(idx, load)).collect();
        let end = load + u64::from(n) * PERIOD;
        let span = |kind, from, to| {
            EventKind::Span(Span { kind, began_at: MonoNs(from), ended_at: MonoNs(to), why: None })
        };
        let mut more =
            vec![span(SpanKind::ReadyIdle, start + 10 * S, load - S), span(SpanKind::Load, load, end)];
        if let Some((watts, class)) = self.power {
            let channel = Channel {
                scope: Some(Scope::Device),
                ..Channel::new(Quantity::PowerUw, "supply", class, 1000)
            };
            let driver = if class == AccuracyClass::A { "meter" } else { "hwmon" };
            more.push(EventKind::Sensor(SensorDeclared {
                sensor: 1,
                driver: driver.to_owned(),
                channels: vec![channel],
            }));
            let seconds = (end - start) / S;
            let at = |second: u64| start + second * S;
            let value = |second: u64| if at(second) < load { 2_000_000 } else { (watts * 1e6) as i64 };
            more.push(EventKind::Samples(SampleBatch {
                sensor: 1,
                at_ns: (0..seconds).map(|second| MonoNs(at(second))).collect(),
                values: (0..seconds).map(|second| Some(value(second))).collect(),
            }));
        }
        let mut events = with(launch(run, 1, start, &asked, &(self.end)()), more);
        for event in &mut events {
            match &mut event.kind {
                EventKind::Request(request) => {
                    request.prompt_id = format!("p-{}", request.idx % N_PROMPTS).as_str().into();
                }
                EventKind::LaunchEnded { .. } => event.at = MonoNs(end),
                EventKind::Ready { facts } => {
                    // 100 MB are read for each token.
                    let model = facts.model.get_or_insert_default();
                    model.bytes_per_token = 100_000_000;
                }
                _ => {}
            }
        }
        events
    }
}

/// A short cell of five runs and a long one of one for each device.
pub(super) fn shelf(benches: &[Bench]) -> Plan {
    let mut all = plan(1);
    let (cell, device) = (all.cells.remove(0), all.devices.values().next().expect("one device").clone());
    let like = all.runs.remove(0).requests[0].clone();
    let prompt = all.prompts.values().next().expect("a prompt").clone();
    all.devices.clear();
    all.prompts = (0..N_PROMPTS)
        .map(|n| {
            let category = if n % 2 == 0 { "chat" } else { "code" };
            let prompt = dyno_model::plan::PlannedPrompt { category: category.to_owned(), ..prompt.clone() };
            (format!("p-{n}").as_str().into(), prompt)
        })
        .collect();
    let request = |n: u32| PlannedRequest {
        prompt: format!("p-{n}").as_str().into(),
        limit_ms: 60_000,
        ..like.clone()
    };
    for (place, bench) in (0_u32..).zip(benches) {
        let mut device = device.clone();
        device.transport = TransportSpec::Ssh { host: bench.name.to_owned() };
        device.price_eur_cents = bench.price_cents;
        device.board = bench.board.map(str::to_owned);
        all.devices.insert(DeviceId::from(bench.name), device);
        let hold = Hold { for_ms: 1_200_000, max_requests: None, steady_after_ms: None, duty: None };
        let kinds = [("short", None), ("long", Some(hold))];
        for (kind, hold) in kinds.into_iter().filter(|(kind, _)| bench.has_long || *kind == "short") {
            let id = CellId(format!("{kind}-{place}"));
            let of =
                dyno_model::plan::Cell { id: id.clone(), device: bench.name.into(), hold, ..cell.clone() };
            all.cells.push(of);
            let short = bench.n_short_runs;
            let numbers = if hold.is_some() { short..short + 1 } else { 0..short };
            all.runs.extend(numbers.map(|n| PlannedRun {
                id: RunId(10 * place + n),
                cell: id.clone(),
                repetition: n,
                requests: (0..N_PROMPTS).map(request).collect(),
            }));
        }
    }
    all
}

fn contact(number: u32, device: &str) -> JournalEntry {
    let JournalEntry::Session { mut facts, build_id, wall, .. } = session(number) else {
        panic!("the sample makes sessions")
    };
    facts.boot_id = Some(format!("boot of {device}"));
    let model_digests = [("none".to_owned(), Digest::of(b"m"))].into();
    JournalEntry::Session {
        session: number,
        device: device.into(),
        transport: "ssh2".to_owned(),
        build_id,
        facts,
        model_digests,
        notes: Vec::new(),
        wall,
    }
}

pub(super) fn written(dir: &Path, name: &str, plan: &Plan, benches: &[Bench]) -> Campaign {
    let campaign = Store::new(dir).create(&CampaignId::from(name), plan).expect("an empty folder");
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(WALL)).expect("a new journal");
    for (place, bench) in (0_u32..).zip(benches) {
        journal.append(&contact(place, bench.name)).expect("disk has room");
        let long = (bench.n_short_runs, N_LONG);
        let runs = (0..bench.n_short_runs).map(|n| (n, N_PROMPTS)).chain(bench.has_long.then_some(long));
        for (n, n_requests) in runs {
            journal.append_events(place, &bench.launch(10 * place + n, n_requests)).expect("disk has room");
        }
    }
    campaign
}

pub(super) fn objective(id: &str, limit: f64) -> Objective {
    Objective {
        name: id.to_owned(),
        line: 1,
        judges: Judged::Requests,
        conditions: vec![Condition::Limit { metric: id.to_owned(), limit }],
        demand: Share::Share { fraction_ppm: 950_000, confidence_ppm: 950_000 },
        selection: Selection::default(),
        baseline: None,
    }
}

/// TTFT within a second, TPOT within 100 ms, each for 95 %.
pub(super) fn ask() -> BuyerAsk {
    BuyerAsk {
        slo: Slo {
            name: "interactive".to_owned(),
            description: "A chat.".to_owned(),
            file: "interactive.toml".to_owned(),
            digest: Digest::of(b"slo"),
            objectives: vec![objective("ttft_ns", 1e9), objective("tpot_ns", 1e8)],
        },
        demand: None,
        prices_eur: BTreeMap::new(),
        kwh_eur: None,
        years: None,
        utilisation: None,
        cloud: None,
        predict: Vec::new(),
        boards: BTreeMap::new(),
        model: None,
        regenerate: "edgedyno recommend".to_owned(),
        tool_version: "0.1.0".to_owned(),
    }
}

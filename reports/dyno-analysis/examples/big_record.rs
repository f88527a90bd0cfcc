//! Writes a big record and reports on it, with times and peak memory: the benchmark behind `docs/benchmarks.md`.
//!
//! `cargo run --release -p dyno-analysis --example big_record -- DIR [REQUESTS [TOKENS [graded]]]`
//!
//! With `graded`, every prompt has a grader, of five kinds in turn, and about seven answers of ten pass.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use dyno_analysis::{CompareAsk, Part, Side};
use dyno_model::clock::{MonoNs, WallNs};
use dyno_model::device::DeviceFacts;
use dyno_model::digest::Digest;
use dyno_model::event::{Event, EventKind};
use dyno_model::grader::Grader;
use dyno_model::ids::{CampaignId, CellId, DeviceId, PromptId, RunId};
use dyno_model::launch::{Dialect, RuntimeFacts};
use dyno_model::line::write_line;
use dyno_model::load::LoadModel;
use dyno_model::outcome::{Outcome, Validity};
use dyno_model::plan::{
    BlockOrder, Cell, ModelOrigin, PLAN_FORMAT, Plan, PlannedArm, PlannedComparison, PlannedCorpus,
    PlannedDevice, PlannedModel, PlannedPrompt, PlannedRequest, PlannedRun, PlannedRuntime, PlannedSuite,
    TransportSpec,
};
use dyno_model::request::{ChunkKind, FinishReason, Message, RequestRecord, Sampling, Usage, UsageSource};
use dyno_model::sample::OwnCost;
use dyno_store::{Campaign, JOURNAL_FORMAT, JournalEntry, Store};

/// Ten blocks of two arms.
const N_RUNS: u32 = 20;
const N_PROMPTS: u32 = 40;
const ARMS: [&str; 2] = ["A", "B"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let dir = PathBuf::from(args.next().ok_or("name a folder to write to")?);
    let n_requests: u32 = args.next().map_or(Ok(100_000), |text| text.parse())?;
    let n_tokens: u32 = args.next().map_or(Ok(64), |text| text.parse())?;
    let answers = if args.next().as_deref() == Some("graded") { Answers::Graded } else { Answers::Plain };
    let campaign = match Store::new(&dir).open("big") {
        Ok(campaign) => campaign,
        Err(_) => timed("write the journal", || write(&dir, n_requests, n_tokens, answers))?,
    };
    println!("journal: {} bytes", std::fs::metadata(campaign.journal_path())?.len());
    let first = timed("report, tables made or found", || dyno_analysis::report(&campaign))?;
    let sides =
        ARMS.map(|arm| Side { name: arm.to_owned(), campaign: &campaign, part: Part::Arm(arm.to_owned()) });
    let compared = timed("compare", || dyno_analysis::compare(&sides, &CompareAsk::default()))?;
    println!("verdict: {:?}", compared.verdict);
    let second = timed("report, tables there", || dyno_analysis::report(&campaign))?;
    let json = timed("report.json", || serde_json::to_vec(&first))?;
    for quality in first.cells.iter().filter_map(|cell| cell.quality.as_ref()) {
        println!("graded: {:?}", quality.overall);
    }
    println!("same report twice: {}, {} bytes of JSON", first == second, json.len());
    let status = std::fs::read_to_string("/proc/self/status")?;
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown"));
    Ok(())
}

/// What the model writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// Words that nobody judges.
    Plain,
    /// Short answers that graders judge.
    Graded,
}

/// Graders of five kinds in turn.
fn grader(n: u32) -> Grader {
    match n % 5 {
        0 => Grader::Exact { expected: "Forty-two".to_owned() },
        1 => Grader::Numeric { expected: 42.0, tolerance: 0.5 },
        2 => Grader::ContainsAll { expected: vec!["forty".to_owned(), "two".to_owned()] },
        3 => Grader::Regex { pattern: r"(?i)\b(42|forty[- ]two)\b".to_owned() },
        _ => Grader::JsonSchema {
            schema: serde_json::json!({
                "type": "object",
                "properties": { "answer": { "type": "integer", "const": 42 } },
                "required": ["answer"]
            }),
        },
    }
}

/// An answer to the prompt of that number, right or wrong.
fn answer(n: u32, is_right: bool) -> &'static str {
    match (n % 5, is_right) {
        (0, true) => "Forty-two.",
        (1 | 3, true) => "Six times seven makes forty-two, so the answer is 42",
        (2, true) => "It is forty and two more.",
        (_, true) => "Here you are: {\"answer\": 42}",
        (4, false) => "Here you are: {\"answer\": \"forty\"}",
        (_, false) => "I believe that it is 41, but I may be wrong.",
    }
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    println!("{what}: {:.3} s", start.elapsed().as_secs_f64());
    result
}

/// A journal as a session would leave it, written past the slow path of a sync per batch.
fn write(dir: &Path, n_requests: u32, n_tokens: u32, answers: Answers) -> Result<Campaign, Box<dyn Error>> {
    let plan = plan(n_requests, n_tokens, answers);
    let campaign = Store::new(dir).create(&CampaignId::from("big"), &plan)?;
    let mut out = std::io::BufWriter::new(std::fs::File::create(campaign.journal_path())?);
    let mut line = Vec::new();
    let mut put = |entry: &JournalEntry| -> Result<(), Box<dyn Error>> {
        line.clear();
        write_line(&mut line, entry)?;
        out.write_all(&line)?;
        Ok(())
    };
    put(&JournalEntry::Header {
        format: JOURNAL_FORMAT,
        campaign: campaign.id().clone(),
        plan_digest: campaign.plan_digest().clone(),
        tool_version: plan.tool_version.clone(),
        wall: WallNs(1_795_235_400_000_000_000),
    })?;
    put(&session())?;
    let mut random = 0x00ed_9ed1_u64;
    for run in &plan.runs {
        let mut clock = 1_000_000_000_000 * u64::from(run.id.0 + 1);
        let mut kinds = vec![
            EventKind::LaunchStarted {
                wall: WallNs(1_795_235_400_000_000_000 + clock),
                n_requests,
                boot_id: None,
            },
            EventKind::Spawned,
            EventKind::Ready { facts: Box::new(RuntimeFacts::default()) },
        ];
        for idx in 0..run.requests.len() as u32 {
            let mut record = request(idx, n_tokens, &mut clock, &mut random);
            if answers == Answers::Graded {
                let n = idx % N_PROMPTS;
                answer(n, record.chunk_ns[0] % 10 < 7).clone_into(&mut record.text);
            }
            kinds.push(EventKind::Request(Box::new(record)));
        }
        kinds.push(EventKind::LaunchEnded {
            outcome: Outcome::Ok,
            validity: Validity::Valid,
            exit: None,
            cpu_ns: None,
            peak_rss_bytes: Some(1 << 28),
            own: OwnCost::default(),
        });
        for (seq, kind) in (0..).zip(kinds) {
            let event = Event { run: run.id, launch: 1, seq, at: MonoNs(clock), kind };
            put(&JournalEntry::Event { session: 0, event })?;
        }
    }
    out.flush()?;
    Ok(campaign)
}

/// An answer of `n_tokens` at about 20 ms a token.
fn request(idx: u32, n_tokens: u32, clock: &mut u64, random: &mut u64) -> RequestRecord {
    let mut draw = |below: u64| {
        // xorshift64 (Marsaglia 2003).
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        *random % below
    };
    let n = n_tokens as usize;
    let mut at = 50_000_000 + draw(30_000_000);
    let chunk_ns: Vec<u64> = (0..n)
        .map(|_| {
            at += 15_000_000 + draw(10_000_000);
            at
        })
        .collect();
    let sent_at = MonoNs(*clock);
    *clock += at + 1_000_000;
    RequestRecord {
        idx,
        prompt_id: format!("p-{}", idx % N_PROMPTS).as_str().into(),
        due_at: None,
        sent_at,
        ended_at: MonoNs(*clock),
        outcome: Outcome::Ok,
        finish: Some(FinishReason::Length),
        usage: Usage {
            prompt_tokens: Some(10 + draw(1000) as u32),
            completion_tokens: Some(n_tokens),
            cached_tokens: Some(0),
            source: UsageSource::Engine,
            reasoning_tokens: None,
        },
        timings: None,
        chunk_ns,
        chunk_kind: vec![ChunkKind::Content; n],
        chunk_tokens: vec![Some(1); n],
        chunk_bytes: vec![5; n],
        text: "word ".repeat(n),
        queue_ns: None,
        exchange: None,
        logprobs: None,
    }
}

fn session() -> JournalEntry {
    JournalEntry::Session {
        session: 0,
        device: DeviceId::from("local"),
        transport: "local".to_owned(),
        build_id: "benchmark".to_owned(),
        facts: Box::new(DeviceFacts::default()),
        model_digests: BTreeMap::new(),
        notes: Vec::new(),
        wall: WallNs(1_795_235_400_000_000_000),
    }
}

fn cell(arm: &str) -> Cell {
    Cell {
        id: CellId::of(arm.as_bytes()),
        device: DeviceId::from("local"),
        runtime: "fake".to_owned(),
        model: "none".to_owned(),
        threads: None,
        context_tokens: 4096,
        load: LoadModel::Single { think_ms: 0 },
        start: dyno_model::start::StartState::AsItIs,
        hold: None,
        arm: Some(arm.to_owned()),
    }
}

fn arm(name: &str) -> PlannedArm {
    PlannedArm { name: name.to_owned(), words: "fake".to_owned() }
}

fn prompt(n: u32, answers: Answers) -> (PromptId, PlannedPrompt) {
    let messages = vec![Message { role: "user".to_owned(), content: format!("Question {n}?") }];
    let planned = PlannedPrompt {
        category: format!("c-{}", n % 5),
        language: "en".to_owned(),
        messages,
        grader: (answers == Answers::Graded).then(|| grader(n)),
    };
    (format!("p-{n}").as_str().into(), planned)
}

fn plan(n_requests: u32, n_tokens: u32, answers: Answers) -> Plan {
    let cells = ARMS.map(cell);
    let sampling = Sampling {
        max_tokens: n_tokens,
        ignore_eos: true,
        temperature_milli: 0,
        top_p_milli: 1000,
        seed: 1,
        top_logprobs: 0,
    };
    let request = |idx: u32| PlannedRequest {
        prompt: format!("p-{}", idx % N_PROMPTS).as_str().into(),
        sampling: sampling.clone(),
        due_ns: None,
        limit_ms: 60_000,
        trace: None,
    };
    let run = |n: u32| PlannedRun {
        id: RunId(n),
        cell: cells[n as usize % ARMS.len()].id.clone(),
        repetition: n / ARMS.len() as u32,
        requests: (0..n_requests / N_RUNS).map(request).collect(),
    };
    let device = PlannedDevice {
        transport: TransportSpec::Local,
        board: None,
        tags: Vec::new(),
        work_dir: None,
        price_eur_cents: None,
        prepare: None,
        sys_root: None,
        ambient_mdegc: None,
    };
    let model = PlannedModel {
        title: "None".to_owned(),
        license: "CC0-1.0".to_owned(),
        origin: ModelOrigin::None,
        context_tokens: 4096,
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
        trust: None,
        tool_version: "0.1.0".to_owned(),
        suite: PlannedSuite {
            name: "big".to_owned(),
            description: String::new(),
            digest: Digest::of(b"big"),
        },
        seed: 1,
        devices: BTreeMap::from([(DeviceId::from("local"), device)]),
        models: BTreeMap::from([("none".to_owned(), model)]),
        runtimes: BTreeMap::from([("fake".to_owned(), runtime)]),
        corpus: PlannedCorpus { name: "none".to_owned(), digest: Digest::of(b""), slice: None },
        prompts: (0..N_PROMPTS).map(|n| prompt(n, answers)).collect(),
        runs: (0..N_RUNS).map(run).collect(),
        cells: cells.to_vec(),
        sampling_period_ms: 100,
        slo: None,
        steering: None,
        restart: None,
        care: None,
        meters: BTreeMap::new(),
        comparison: Some(PlannedComparison { arms: ARMS.map(arm).to_vec(), order: BlockOrder::Shuffled }),
        boards: BTreeMap::new(),
    }
}

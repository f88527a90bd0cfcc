//! What every format says of cells side by side.

use dyno_view::comparison::{
    ColumnFigure, ColumnView, ComparedFigure, ComparisonView, GroupView, LengthsView, RowPart, RowState,
    RowView, TokensView, UnlikeView, WorkPart,
};
use dyno_view::report::{DeviceView, FactValue, Report, UnitView};

use crate::load::short_load;
use crate::quality::PASS_RATE;
use crate::words::{Column, Entry, clock, column, count, fact, plural, quantile_name, short_digest, value};

/// What stands below every comparison.
pub(crate) const NO_VERDICT: &str = "Each interval holds the figure of one row alone, with 95 % confidence. Whether rows differ by more than chance is not tested here.";

/// Cells that did equal work, in words.
pub(crate) struct Table<'a> {
    /// `single user, context 2,048 tokens, 40 prompts, at most 128 tokens each`.
    pub(crate) work: String,
    /// What the rows share: `smollm2-135m (3f2a9c01b2c3), embedded, 2 threads`.
    pub(crate) shared: String,
    /// Headings of the figures.
    pub(crate) columns: Vec<Heading>,
    /// One for each cell.
    pub(crate) rows: Vec<Row<'a>>,
    /// By what the rows are not to be ranked, and why, one sentence each.
    pub(crate) unlike: Vec<String>,
    /// What each row really did.
    pub(crate) done: Vec<Done>,
    /// Where no order is claimed, one sentence each.
    pub(crate) overlaps: Vec<String>,
    /// What to know before comparing.
    pub(crate) notes: &'a [String],
}

/// A column's heading.
pub(crate) struct Heading {
    /// `TTFT p50`.
    pub(crate) label: String,
    /// `ms`; empty when the column has no figure.
    pub(crate) sign: &'static str,
    /// Whether the rows did unlike work for it.
    pub(crate) is_unlike: bool,
}

/// What a row really did, in words.
pub(crate) struct Done {
    /// Name of the row; foreign text.
    pub(crate) name: String,
    /// `31 [20 – 120]`: the median, and p10 to p90.
    pub(crate) prompts: String,
    /// `0.0 %`.
    pub(crate) cached: String,
    /// As `prompts`.
    pub(crate) answers: String,
    /// `natural`.
    pub(crate) lengths: &'static str,
    /// `gpt2 1a2b3c4d5e6f`; foreign text.
    pub(crate) tokenizer: String,
    /// `engine`.
    pub(crate) counted: String,
}

impl Heading {
    /// `TTFT p50 (ms)`.
    pub(crate) fn title(&self) -> String {
        if self.sign.is_empty() { self.label.clone() } else { format!("{} ({})", self.label, self.sign) }
    }
}

/// One cell in words.
pub(crate) struct Row<'a> {
    pub(crate) view: &'a RowView,
    /// How it stands, in a word.
    pub(crate) word: &'static str,
    /// Why: `2 of 3 launches valid, 117 of 120 requests ok`; empty where the word or the error says it all.
    pub(crate) detail: String,
    /// One for each column.
    pub(crate) figures: Vec<Entry>,
    /// Requests behind them.
    pub(crate) n: String,
}

impl Row<'_> {
    /// Whether there is more to say than the word; the rest of the table stands for itself.
    pub(crate) fn needs_words(&self) -> bool {
        self.view.state != RowState::Valid || self.view.error.is_some()
    }

    /// The detail, and the device's own words, which are foreign.
    pub(crate) fn why(&self) -> String {
        match &self.view.error {
            None => self.detail.clone(),
            Some(error) if self.detail.is_empty() => error.clone(),
            Some(error) => format!("{}; {error}", self.detail),
        }
    }
}

/// All groups in words.
pub(crate) fn tables(view: &ComparisonView) -> Vec<Table<'_>> {
    view.groups.iter().map(|group| table(&view.columns, group)).collect()
}

fn table<'a>(columns: &[ColumnView], group: &'a GroupView) -> Table<'a> {
    let missing = ComparedFigure::Missing { reason: "not measured".to_owned() };
    let figures = |place: usize| -> Vec<&ComparedFigure> {
        group.rows.iter().map(|row| row.figures.get(place).unwrap_or(&missing)).collect()
    };
    let worded: Vec<Column> = columns
        .iter()
        .enumerate()
        .map(|(place, of)| {
            // All percentiles of a metric have the unit of the first.
            let first = columns.iter().position(|other| other.metric == of.metric).unwrap_or(place);
            column(of.unit, &figures(place), &figures(first))
        })
        .collect();
    let row = |(place, view): (usize, &'a RowView)| Row {
        view,
        word: state_word(view.state),
        detail: detail(view),
        figures: worded.iter().map(|column| entry(view, &column.figures[place])).collect(),
        n: count(view.n),
    };
    let is_unlike = |place: u32| group.unlike.iter().any(|unlike| unlike.columns.contains(&place));
    let heading = |((of, worded), place): ((&ColumnView, &Column), u32)| Heading {
        label: label(of),
        sign: worded.sign,
        is_unlike: is_unlike(place),
    };
    Table {
        work: work(group),
        shared: shared(group),
        columns: columns.iter().zip(&worded).zip(0..).map(heading).collect(),
        unlike: group.unlike.iter().map(|unlike| unlike_words(columns, unlike)).collect(),
        done: if group.rows.len() > 1 { group.rows.iter().filter_map(done).collect() } else { Vec::new() },
        rows: group.rows.iter().enumerate().map(row).collect(),
        overlaps: overlaps(columns, group),
        notes: &group.notes,
    }
}

/// `not to be ranked by E2E latency p50: the answers are not of equal length (…)`.
fn unlike_words(columns: &[ColumnView], unlike: &UnlikeView) -> String {
    let labels: Vec<String> =
        unlike.columns.iter().filter_map(|place| columns.get(*place as usize)).map(label).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    if labels.is_empty() {
        return unlike.reason.clone();
    }
    format!("not to be ranked by {}: {}", listed(&labels), unlike.reason)
}

fn done(row: &RowView) -> Option<Done> {
    let work = row.work.as_ref()?;
    let unknown = || "n/a".to_owned();
    let tokens = |of: Option<TokensView>| {
        of.map_or_else(unknown, |of| format!("{} [{} – {}]", count(of.p50), count(of.p10), count(of.p90)))
    };
    let digest = work.tokenizer_digest.as_deref().map(short_digest);
    let tokenizer: Vec<&str> = work.tokenizer.as_deref().into_iter().chain(digest).collect();
    Some(Done {
        name: row.name.clone(),
        prompts: tokens(work.prompts),
        cached: work.cached_ratio.map_or_else(unknown, |ratio| value(UnitView::Ratio, ratio)),
        answers: tokens(work.answers),
        lengths: match work.lengths {
            LengthsView::Natural => "natural",
            LengthsView::Forced => "forced",
            LengthsView::Mixed => "mixed",
        },
        tokenizer: if tokenizer.is_empty() { unknown() } else { tokenizer.join(" ") },
        counted: work.sources.join(", "),
    })
}

/// A figure; where nothing was measured at all, the row says why, once.
fn entry(row: &RowView, entry: &Entry) -> Entry {
    match row.state {
        RowState::NotMeasured => Entry { note: String::new(), ..entry.clone() },
        RowState::Valid
        | RowState::Failures
        | RowState::Incomplete
        | RowState::Partly
        | RowState::Invalid => entry.clone(),
    }
}

/// How a row stands, in a word.
pub(crate) fn state_word(state: RowState) -> &'static str {
    match state {
        RowState::Valid => "valid",
        RowState::Failures => "valid, with failures",
        RowState::Incomplete => "incomplete",
        RowState::Partly => "partly invalid",
        RowState::Invalid => "invalid",
        RowState::NotMeasured => "not measured",
    }
}

fn detail(row: &RowView) -> String {
    match (row.state, &row.error) {
        (RowState::NotMeasured, None) => return "the record does not say why".to_owned(),
        (RowState::NotMeasured, Some(_)) | (RowState::Valid, None) => return String::new(),
        _ => {}
    }
    let launches = plural(row.launches.of, "launch", "launches");
    let requests = plural(row.requests.of, "request", "requests");
    let missing = match row.n_requests_planned.saturating_sub(row.requests.of) {
        0 => String::new(),
        n => format!(", {} missing", count(n)),
    };
    format!(
        "{} of {launches} valid, {} of {requests} ok{missing}",
        count(row.launches.n),
        count(row.requests.n)
    )
}

fn label(column: &ColumnView) -> String {
    match column.figure {
        ColumnFigure::Quantile { permille } => format!("{} {}", column.label, quantile_name(permille)),
        ColumnFigure::Highest => column.label.clone(),
        ColumnFigure::Share => PASS_RATE.to_owned(),
    }
}

fn work(group: &GroupView) -> String {
    let work = &group.work;
    let mut parts = vec![
        work.load.clone(),
        format!("context {}", plural(u64::from(work.context_tokens), "token", "tokens")),
        plural(work.n_prompts, "prompt", "prompts"),
    ];
    parts.extend(
        work.max_tokens.map(|n| format!("answers of at most {}", plural(u64::from(n), "token", "tokens"))),
    );
    parts.extend(work.start.as_ref().map(|start| format!("start {start}")));
    parts.join(", ")
}

fn shared(group: &GroupView) -> String {
    let Some(row) = group.rows.first() else { return String::new() };
    let same = |part: RowPart| !group.differ_in.contains(&part);
    let digest = group.work.model_digest.as_deref().map(|digest| format!(" ({})", short_digest(digest)));
    let digest = digest.unwrap_or_default();
    let mut parts = Vec::new();
    parts.push(if same(RowPart::Model) {
        format!("{}{digest}", row.model)
    } else {
        format!("one model file{digest}")
    });
    parts.extend(same(RowPart::Runtime).then(|| row.runtime.clone()));
    if same(RowPart::Threads) {
        parts.extend(row.threads.map(|n| plural(u64::from(n), "thread", "threads")));
    }
    parts.extend((same(RowPart::Device) && group.rows.len() > 1).then(|| format!("on {}", row.device)));
    parts.join(", ")
}

/// One sentence for each set of rows, naming all columns in which it overlaps.
fn overlaps(columns: &[ColumnView], group: &GroupView) -> Vec<String> {
    let mut sets: Vec<(&[u32], Vec<String>)> = Vec::new();
    for overlap in &group.overlaps {
        let Some(column) = columns.get(overlap.column as usize) else { continue };
        // The order of names says nothing: that of the table.
        match sets.iter_mut().find(|(rows, _)| same_rows(rows, &overlap.rows)) {
            Some((_, labels)) => labels.push(label(column)),
            None => sets.push((&overlap.rows, vec![label(column)])),
        }
    }
    let sentence = |(rows, labels): (&[u32], Vec<String>)| {
        let names: Vec<&str> = group
            .rows
            .iter()
            .zip(0_u32..)
            .filter(|(_, place)| rows.contains(place))
            .map(|(row, _)| row.name.as_str())
            .collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        format!("{}: intervals of {} overlap: no order is claimed", listed(&labels), listed(&names))
    };
    sets.into_iter().map(sentence).collect()
}

fn same_rows(a: &[u32], b: &[u32]) -> bool {
    a.len() == b.len() && a.iter().all(|row| b.contains(row))
}

/// In what the work of several groups differs, in a sentence; `None` with one group.
pub(crate) fn unlike(view: &ComparisonView) -> Option<String> {
    let word = |part: &WorkPart| match part {
        WorkPart::Model => "model",
        WorkPart::Load => "load",
        WorkPart::Context => "context length",
        WorkPart::Prompts => "prompts",
        WorkPart::Answers => "bounds of answers",
        WorkPart::Start => "state to start from",
    };
    let words: Vec<&str> = view.differences.iter().map(word).collect();
    (view.groups.len() > 1 && !words.is_empty()).then(|| {
        format!(
            "The cells did unlike work: they differ in {}. Only cells of one table are comparable.",
            listed(&words)
        )
    })
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A device in one line: how it was reached, what it is, how its clock stood; foreign text.
pub(crate) fn device_line(device: &DeviceView) -> String {
    let found = |label: &str| {
        let known = device.facts.iter().find(|fact| fact.label == label)?;
        known.value.as_ref().map(|value| (value, fact(value)))
    };
    let words = |label: &str| found(label).map(|(_, words)| words);
    let what = words("Model").into_iter().chain(words("SoC")).chain(words("CPU"));
    let cpus = match found("Logical CPUs") {
        Some((FactValue::Count(n), _)) => Some(plural(*n, "CPU", "CPUs")),
        _ => None,
    };
    let mut parts = vec![device.transport.clone()];
    parts.extend(what);
    parts.extend(cpus);
    parts.extend(words("RAM").map(|ram| format!("{ram} RAM")));
    parts.extend(words("System"));
    parts.extend(device.clock.as_ref().map(|view| format!("clock {}", clock(view))));
    parts.join(" · ")
}

/// The name of a cell in lists of links: that of its row, with its model where groups differ.
pub(crate) fn cell_label(report: &Report, place: usize) -> String {
    let Some(cell) = report.cells.get(place) else { return String::new() };
    let row = report.comparison.as_ref().and_then(|view| {
        let row = view.groups.iter().flat_map(|group| &group.rows).find(|row| row.cell == cell.id)?;
        Some(if view.groups.len() > 1 && row.name != row.model {
            format!("{} · {}", cell.model, row.name)
        } else {
            row.name.clone()
        })
    });
    let name = row.unwrap_or_else(|| cell.model.clone());
    let name = match &cell.campaign {
        Some(id) if !name.contains(id.as_str()) => format!("{name} · {id}"),
        Some(_) | None => name,
    };
    match report.load.as_ref().and_then(|_| short_load(cell)) {
        Some(load)
            if report.cells.iter().all(|other| other.model == cell.model && other.device == cell.device) =>
        {
            load
        }
        Some(load) => format!("{name} · {load}"),
        None => name,
    }
}

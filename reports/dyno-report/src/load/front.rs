//! The first table: latencies from the due, with what was offered and answered.

use dyno_view::load::{CellLoadView, LatencyView, LoadKindView, LoadReportView, OriginView, VerdictView};
use dyno_view::report::{CellView, Finding, Report, UnitView};

use super::words::{good_words, limit_words, verdict_words};
use crate::words::{self, Entry, count, plural, value};

/// What stands below the first table.
const LEGEND: &str = "From due: from the instant at which a request was to be sent, whether the device kept up or not: what a user waits. Service time: without the wait before it was sent, and without the queue before a runtime that takes one request at a time. [low – high] is the 95 % interval; ≥ is a lower bound, where there are too few requests for an upper one; observed is what these requests waited, and no more is claimed.";

/// What is said of several closed loops at once.
const CLOSED: &str = "closed(N): each of N users waits for an answer before asking again, so a slow device is asked less. Its p99 is not that of a service under load.";
/// With more cells than this, the first table leaves the pace of tokens and the single objectives to what follows.
const MAX_WHOLE: usize = 2;

/// The percentiles of the first table, in thousandths.
pub(crate) const PERMILLES: [u32; 4] = [500, 900, 950, 990];

/// Findings that do not stand beside the first table already.
pub(crate) fn unsaid(report: &Report) -> impl Iterator<Item = &Finding> {
    let alarms: &[Finding] = report.load.as_ref().map_or(&[], |load| &load.alarms);
    report.findings.iter().filter(move |finding| !alarms.contains(finding))
}

/// One cell of the first table.
pub(crate) struct Front<'r> {
    /// Its place in the report.
    pub(crate) place: usize,
    pub(crate) load: &'r CellLoadView,
    /// What tells it from the others; foreign text.
    pub(crate) name: String,
    /// Rates and counts, as label and value.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// One for each latency.
    pub(crate) lines: Vec<FrontLine<'r>>,
    /// What is to be said of it.
    pub(crate) remarks: Vec<String>,
    /// Each objective, and what its verdict is.
    pub(crate) limits: Vec<(VerdictView, String)>,
}

/// One latency of the first table.
pub(crate) struct FrontLine<'r> {
    pub(crate) view: &'r LatencyView,
    /// `from due`, `service time`.
    pub(crate) origin: &'static str,
    /// Whether it is what a user waits.
    pub(crate) is_headline: bool,
    /// One for each percentile.
    pub(crate) figures: Vec<Entry>,
    /// The longest.
    pub(crate) max: String,
    /// `388 of 400`.
    pub(crate) n: String,
}

/// The first table of a report.
pub(crate) fn fronts<'r>(report: &'r Report, view: &LoadReportView) -> Vec<Front<'r>> {
    let place = |id: &String| report.cells.iter().position(|cell| &cell.id == id);
    let mut fronts: Vec<Front<'_>> = view.cells.iter().filter_map(|id| front(report, place(id)?)).collect();
    if fronts.len() > MAX_WHOLE {
        for front in &mut fronts {
            front.lines.retain(|line| line.view.origin != OriginView::Token);
            front.remarks = front.load.latencies.iter().find_map(without_interval).into_iter().collect();
            front.limits.clear();
        }
    }
    fronts
}

fn front(report: &Report, place: usize) -> Option<Front<'_>> {
    let cell = report.cells.get(place)?;
    let load = cell.offered.as_ref()?;
    let without = load.latencies.iter().find_map(without_interval);
    Some(Front {
        place,
        load,
        name: load_name(report, cell),
        facts: facts(load),
        lines: lines(load),
        remarks: without.into_iter().chain(load.caveat.clone()).collect(),
        limits: limits(load),
    })
}

fn without_interval(view: &LatencyView) -> Option<String> {
    view.no_interval.as_ref().map(|why| format!("no interval: {why}"))
}

/// What is to be said of a cell's load below its metrics.
pub(crate) fn caveats(cell: &CellView) -> Vec<String> {
    let Some(load) = &cell.offered else { return Vec::new() };
    let why = load.latencies.iter().find_map(|view| view.no_interval.as_ref());
    let without = why.map(|why| format!("Intervals of latencies from the due do not hold here: {why}."));
    without.into_iter().chain(load.caveat.clone()).collect()
}

/// What is said of the first table as a whole.
pub(crate) fn legend(fronts: &[Front<'_>]) -> Vec<&'static str> {
    let n_closed = fronts.iter().filter(|front| front.load.caveat.is_some()).count();
    let is_said = fronts.len() <= MAX_WHOLE;
    (n_closed > 0 && !is_said).then_some(CLOSED).into_iter().chain([LEGEND]).collect()
}

/// Each objective, and what its verdict is.
pub(crate) fn limits(load: &CellLoadView) -> Vec<(VerdictView, String)> {
    let of = load
        .good
        .iter()
        .flat_map(|good| good.limits.iter().map(|limit| (limit.verdict, limit_words(limit, good.n))));
    of.collect()
}

/// `closed(4)`, or with what else tells its cell from others.
pub(crate) fn load_name(report: &Report, cell: &CellView) -> String {
    let differs = |of: fn(&CellView) -> &str| report.cells.iter().any(|other| of(other) != of(cell));
    let parts: [(bool, &str); 3] = [
        (differs(|cell| &cell.device), &cell.device),
        (differs(|cell| &cell.model), &cell.model),
        (differs(|cell| &cell.runtime), &cell.runtime),
    ];
    let load = cell.offered.as_ref().map_or(cell.load.as_str(), |load| load.label.as_str());
    let mut name: Vec<String> =
        parts.into_iter().filter(|part| part.0).map(|part| part.1.to_owned()).collect();
    if report.cells.iter().any(|other| other.threads != cell.threads) {
        name.extend(cell.threads.map(|n| plural(u64::from(n), "thread", "threads")));
    }
    name.push(load.to_owned());
    name.join(" · ")
}

/// The load of a cell for lists of links: `closed(4)`, `2 req/s`; `None` of a single user.
pub(crate) fn short_load(cell: &CellView) -> Option<String> {
    let load = cell.offered.as_ref()?;
    match (load.kind, load.users, load.offered_per_s) {
        (LoadKindView::Single, ..) => None,
        (LoadKindView::Closed, Some(users), _) => Some(format!("closed({users})")),
        (LoadKindView::Open, _, Some(rate)) => Some(value(UnitView::RequestsPerSecond, rate)),
        (LoadKindView::Ramp, ..) => Some("ramp".to_owned()),
        (LoadKindView::Trace, ..) => Some("trace".to_owned()),
        (LoadKindView::Closed | LoadKindView::Open, ..) => Some(load.label.clone()),
    }
}

fn facts(load: &CellLoadView) -> Vec<(&'static str, String)> {
    let rate = |rate: Option<f64>| {
        rate.map_or_else(|| "n/a".to_owned(), |rate| value(UnitView::RequestsPerSecond, rate))
    };
    let mut facts = Vec::new();
    if load.offered_per_s.is_some() {
        facts.push(("offered", rate(load.offered_per_s)));
        facts.push(("sent", rate(load.sent_per_s)));
    }
    facts.push(("answered", rate(load.answered_per_s)));
    if let Some(n) = load.max_in_flight {
        facts.push(("under way at most", count(n)));
    }
    facts.push(("went well", format!("{} of {}", count(load.n_answered), count(load.n_wanted))));
    if let Some(good) = &load.good {
        facts.push(("good", good_words(good)));
        facts.push(("SLO", verdict_words(&good.verdict)));
    }
    facts
}

fn lines(load: &CellLoadView) -> Vec<FrontLine<'_>> {
    let is_open = load.latencies.iter().any(|view| view.origin == OriginView::Due);
    let line = |view| FrontLine {
        view,
        origin: match view.origin {
            OriginView::Due => "from due",
            OriginView::Served => "service time",
            OriginView::Sent if is_open => "service time, from the send",
            OriginView::Sent => "from the send",
            OriginView::Token => "per token",
        },
        is_headline: view.origin == OriginView::Due || !is_open && view.origin == OriginView::Sent,
        figures: words::latency(view),
        max: view.max_ns.map_or_else(|| "n/a".to_owned(), |ns| value(UnitView::Ns, ns)),
        n: format!("{} of {}", count(view.n), count(view.of)),
    };
    load.latencies.iter().map(line).collect()
}

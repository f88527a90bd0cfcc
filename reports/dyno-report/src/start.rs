//! What every format says of cold and warm starts.

use dyno_view::comparison::ComparedFigure;
use dyno_view::start::{StartGroupView, StartRowView, StartsView};

use crate::words::{Entry, column, count, grouped, plural};

/// What stands below every table of starts.
pub(crate) const DISK_NOTE: &str = "Caches within a disk and compressed memory are not covered: a cold start is one from a device whose system holds no page of the model.";

/// Cells that differ only in how they start, in words: one column for each state.
pub(crate) struct Table<'a> {
    /// `smollm2-135m · embedded on local`.
    pub(crate) name: String,
    /// `single user, 2 threads, context 2,048 tokens`.
    pub(crate) settings: String,
    pub(crate) states: Vec<State<'a>>,
    /// `C1 − C3`.
    pub(crate) differences: Vec<String>,
    /// Rounds behind each difference.
    pub(crate) rounds: Vec<String>,
    pub(crate) lines: Vec<Line<'a>>,
}

/// A state.
pub(crate) struct State<'a> {
    pub(crate) view: &'a StartRowView,
    /// `C1 storage-cold`.
    pub(crate) name: String,
    /// `verified in 6 of 6 launches`.
    pub(crate) verified: String,
    /// `good`, `warn` or `bad`; empty where nothing is claimed.
    pub(crate) tone: &'static str,
    /// `2 launches in no figure: cold=unverified: …`.
    pub(crate) reasons: Vec<String>,
    /// `0.0 – 0.4 % of the file in memory before the spawn (100 % before anything was done)`.
    pub(crate) resident: String,
}

/// One thing that is told of each state.
pub(crate) struct Line<'a> {
    pub(crate) label: &'a str,
    pub(crate) note: &'a str,
    pub(crate) sign: &'static str,
    /// One for each state.
    pub(crate) figures: Vec<Entry>,
    /// One for each difference; empty where none has one.
    pub(crate) differences: Vec<Entry>,
}

/// All groups in words.
pub(crate) fn tables(view: &StartsView) -> Vec<Table<'_>> {
    view.groups.iter().map(|group| table(view, group)).collect()
}

fn table<'a>(view: &'a StartsView, group: &'a StartGroupView) -> Table<'a> {
    let threads = match group.threads {
        Some(n) => plural(u64::from(n), "thread", "threads"),
        None => "threads left to the runtime".to_owned(),
    };
    let context = plural(u64::from(group.context_tokens), "token", "tokens");
    let short = |place: u32| group.rows.get(place as usize).map(short_name).unwrap_or_default();
    Table {
        name: format!("{} · {} on {}", group.model, group.runtime, group.device),
        settings: format!("{}, {threads}, context {context}", group.load),
        states: group.rows.iter().map(state).collect(),
        differences: group
            .differences
            .iter()
            .map(|of| format!("{} − {}", short(of.of), short(of.less)))
            .collect(),
        rounds: group.differences.iter().map(|of| plural(of.n_rounds, "round", "rounds")).collect(),
        lines: (0..view.columns.len()).map(|place| line(view, group, place)).collect(),
    }
}

fn line<'a>(view: &'a StartsView, group: &StartGroupView, place: usize) -> Line<'a> {
    let of = &view.columns[place];
    let missing = ComparedFigure::Missing { reason: "not measured".to_owned() };
    let figures: Vec<&ComparedFigure> =
        group.rows.iter().map(|row| row.figures.get(place).unwrap_or(&missing)).collect();
    let differences: Vec<&ComparedFigure> =
        group.differences.iter().map(|of| of.figures.get(place).unwrap_or(&missing)).collect();
    let worded = column(of.unit, &figures, &figures);
    // Differences have the unit of what they are differences of.
    let taken = column(of.unit, &differences, &figures);
    let has_difference = differences.iter().any(|figure| !matches!(figure, ComparedFigure::Missing { .. }));
    Line {
        label: &of.label,
        note: &of.note,
        sign: worded.sign,
        figures: worded.figures,
        differences: if has_difference { taken.figures } else { Vec::new() },
    }
}

/// `C1`, or the words where there is no code.
fn short_name(row: &StartRowView) -> String {
    row.code.clone().unwrap_or_else(|| row.label.clone())
}

fn state(row: &StartRowView) -> State<'_> {
    let name = match &row.code {
        Some(code) => format!("{code} {}", row.label),
        None => row.label.clone(),
    };
    let launches = plural(row.n_launches, "launch", "launches");
    let (verified, tone) = match (&row.code, row.n_verified) {
        (_, _) if row.n_launches == 0 => ("not measured".to_owned(), "bad"),
        (None, _) => (format!("nothing claimed, {launches}"), ""),
        (Some(_), n) if n == row.n_launches => (format!("verified in {launches}"), "good"),
        (Some(_), 0) => (format!("unverified in {launches}"), "bad"),
        (Some(_), n) => (format!("verified in {} of {launches}", count(n)), "warn"),
    };
    let reason = |of: &dyno_view::start::UnverifiedView| {
        format!("{} in no figure: {}", plural(of.n, "launch", "launches"), of.reason)
    };
    State {
        view: row,
        name,
        verified,
        tone,
        reasons: row.unverified.iter().map(reason).collect(),
        resident: resident(row),
    }
}

fn resident(row: &StartRowView) -> String {
    let share = |[low, high]: [f64; 2]| {
        let [low, high] = [low, high].map(|ratio| grouped(ratio * 100.0, 1));
        if low == high { format!("{high} %") } else { format!("{low} – {high} %") }
    };
    match (row.resident_ratio, row.resident_before_ratio) {
        (None, _) => "not known how much of the model was in memory before the spawn".to_owned(),
        (Some(now), None) => format!("{} of the model in memory before the spawn", share(now)),
        (Some(now), Some(before)) => format!(
            "{} of the model in memory before the spawn, {} before anything was done",
            share(now),
            share(before)
        ),
    }
}

#[cfg(test)]
mod tests {
    use dyno_view::report::UnitView;
    use dyno_view::start::{StartColumnView, StartDifferenceView, UnverifiedView};

    use super::*;

    fn estimate(value: f64, low: f64, high: f64) -> ComparedFigure {
        ComparedFigure::Estimate { value, low, high, n: 10 }
    }

    fn row(code: Option<&str>, n_verified: u64, figure: ComparedFigure) -> StartRowView {
        StartRowView {
            cell: "c".to_owned(),
            code: code.map(str::to_owned),
            label: "storage-cold".to_owned(),
            n_launches: 10,
            n_verified,
            unverified: vec![UnverifiedView {
                n: 10 - n_verified,
                reason: "cold=unverified: 12 % resident".to_owned(),
            }],
            resident_ratio: Some([0.0, 0.004]),
            resident_before_ratio: Some([1.0, 1.0]),
            steps: vec!["drop_caches".to_owned()],
            figures: vec![figure],
        }
    }

    fn view(rows: Vec<StartRowView>, difference: ComparedFigure) -> StartsView {
        let column = StartColumnView {
            id: "spawn_to_ready_ns".to_owned(),
            label: "Spawn to ready".to_owned(),
            unit: UnitView::Ns,
            note: "n".to_owned(),
        };
        let group = StartGroupView {
            device: "pi5".to_owned(),
            runtime: "embedded".to_owned(),
            model: "m".to_owned(),
            load: "single user".to_owned(),
            threads: Some(1),
            context_tokens: 512,
            rows,
            differences: vec![StartDifferenceView {
                of: 0,
                less: 1,
                n_rounds: 10,
                figures: vec![difference],
            }],
            charts: Vec::new(),
        };
        StartsView { columns: vec![column], groups: vec![group] }
    }

    #[test]
    fn a_difference_has_the_unit_of_its_states() {
        // 0.9 s and 0.4 s: ms, with a decimal, for half-widths are 2.5 and 6 ms; the difference has ms, too, though
        // it is negative here.
        let rows = vec![
            row(Some("C1"), 10, estimate(402.3e6, 399e6, 404e6)),
            row(Some("C3"), 10, estimate(905.1e6, 899e6, 911e6)),
        ];
        let of = view(rows, estimate(-502.8e6, -512e6, -495e6));
        let table = &tables(&of)[0];
        let line = &table.lines[0];
        assert_eq!((line.sign, line.figures[0].line().as_str()), ("ms", "402.3 [399.0 – 404.0]"));
        assert_eq!(line.differences[0].line(), "-502.8 [-512.0 – -495.0]");
        assert_eq!(table.differences, ["C1 − C3"]);
        assert_eq!(table.settings, "single user, 1 thread, context 512 tokens");
    }

    #[test]
    fn a_state_says_whether_it_was_shown() {
        let check = |code, n_verified, verified: &str, tone: &str| {
            let row = row(code, n_verified, estimate(1.0, 1.0, 1.0));
            let state = state(&row);
            assert_eq!((state.verified.as_str(), state.tone), (verified, tone));
        };
        check(Some("C1"), 10, "verified in 10 launches", "good");
        check(Some("C1"), 4, "verified in 4 of 10 launches", "warn");
        check(Some("C1"), 0, "unverified in 10 launches", "bad");
        check(None, 10, "nothing claimed, 10 launches", "");
        let shown = row(Some("C1"), 4, estimate(1.0, 1.0, 1.0));
        let shown = state(&shown);
        assert_eq!(shown.reasons, ["6 launches in no figure: cold=unverified: 12 % resident"]);
        assert_eq!(
            shown.resident,
            "0.0 – 0.4 % of the model in memory before the spawn, 100.0 % before anything was done"
        );
    }
}

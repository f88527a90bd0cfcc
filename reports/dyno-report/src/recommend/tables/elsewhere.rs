//! Against the cloud, and what a hybrid would send there.

use dyno_view::load::ShareIntervalView;
use dyno_view::recommend::{CloudWord, OptionView, Recommendation};
use dyno_view::report::UnitView;

use super::{Entry, Sheet, heads};
use crate::words::{count, range, value};

pub(super) fn cloud(of: &Recommendation) -> Option<Sheet> {
    let row = |option: &OptionView| {
        let cloud = option.money.cloud.as_ref()?;
        let word = match cloud.word {
            CloudWord::Reached => Entry::badge("good", "pays from there on", String::new()),
            CloudWord::BeyondCapacity => Entry::badge("warn", "more than one device serves", String::new()),
            CloudWord::Never => Entry::badge("bad", "never pays", String::new()),
            CloudWord::Unknown => Entry::text("not known"),
        };
        let energy = if cloud.has_energy { "its own energy is in it" } else { "without energy" };
        Some(vec![
            Entry::text(option.name.clone()),
            Entry::amount(&cloud.per_million),
            Entry::amount(&cloud.break_even).and(energy),
            Entry::amount(&cloud.most),
            word,
            Entry::amount(&cloud.years),
        ])
    };
    let rows: Vec<Vec<Entry>> = of.options.iter().filter_map(row).collect();
    (!rows.is_empty()).then(|| Sheet {
        id: "cloud",
        title: "Against the cloud".to_owned(),
        heads: heads(&[
            "Device",
            "Cloud, per million output tokens",
            "Costs less from",
            "Serves at most",
            "One device",
            "Years at the asked load",
        ]),
        rows,
        notes: vec![
            "The cloud's price of this very work: its prompts and answers, counted by this model's tokenizer.".to_owned(),
        ],
    })
}

pub(super) fn hybrid(of: &Recommendation) -> Option<Sheet> {
    let mut kinds: Vec<&str> = of
        .options
        .iter()
        .filter_map(|option| option.hybrid.as_ref())
        .flat_map(|hybrid| hybrid.categories.iter().map(|category| category.category.as_str()))
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    let row = |option: &OptionView| {
        let hybrid = option.hybrid.as_ref()?;
        let of_kind = |kind: &&str| {
            let found = hybrid.categories.iter().find(|of| of.category == *kind);
            found.map_or_else(|| Entry::text("–"), |of| share(of.share))
        };
        let first = [Entry::text(option.name.clone()), share(hybrid.all)];
        Some(first.into_iter().chain(kinds.iter().map(of_kind)).collect())
    };
    let rows: Vec<Vec<Entry>> = of.options.iter().filter_map(row).collect();
    let mut all = heads(&["Device", "All prompts"]);
    all.extend(kinds.iter().map(|kind| (*kind).to_owned()));
    (!rows.is_empty()).then(|| Sheet {
        id: "hybrid",
        title: "What a hybrid would send away".to_owned(),
        heads: all,
        rows,
        notes: vec![
            "Share of requests that were not answered or broke the loosest limit that the service level has for a \
             metric, with its 95 % Clopper-Pearson interval, in all and by kind of prompt."
                .to_owned(),
        ],
    })
}

fn share(of: ShareIntervalView) -> Entry {
    let ratio = of.n as f64 / of.of.max(1) as f64;
    let note = format!("[{}], {} of {}", range(UnitView::Ratio, of.low, of.high), count(of.n), count(of.of));
    Entry { by: Some(ratio), ..Entry::noted(value(UnitView::Ratio, ratio), note) }
}

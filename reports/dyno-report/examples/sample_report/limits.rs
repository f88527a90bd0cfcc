//! Memory and roofline of the sample.

use dyno_view::memory::{BoundedView, FitsWord, GrowthView, LadderView, MemoryView, RungView};
use dyno_view::report::UnitView;
use dyno_view::roofline::{CeilingView, RooflineView, RooflineWord};

const MIB: f64 = 1_048_576.0;

fn figure(label: &str, unit: UnitView, value: Option<f64>, note: &str) -> BoundedView {
    BoundedView { label: label.to_owned(), unit, value, low: None, high: None, note: note.to_owned() }
}

fn between(label: &str, unit: UnitView, [low, value, high]: [f64; 3], note: &str) -> BoundedView {
    BoundedView { low: Some(low), high: Some(high), ..figure(label, unit, Some(value), note) }
}

pub(crate) fn memory() -> MemoryView {
    let rung = |context_tokens: u32, failed: Option<&str>| RungView {
        context_tokens,
        used_tokens: failed.is_none().then_some(u64::from(context_tokens) - 21),
        n_launches: 3,
        anon_peak_bytes: failed.is_none().then_some(120_000_000 + 23_040 * u64::from(context_tokens)),
        failed: failed.map(str::to_owned),
    };
    MemoryView {
        fits: FitsWord::Fits,
        reasons: vec![
            "no page was read again, nothing came back from swap, hardly anything waited for memory, and nothing was \
             killed"
                .to_owned(),
        ],
        figures: vec![
            figure(
                "Anonymous, peak",
                UnitView::Bytes,
                Some(161.0 * MIB),
                "the runtime's own pages; the highest of 3 launches",
            ),
            figure(
                "File-resident, peak",
                UnitView::Bytes,
                Some(12.0 * MIB),
                "pages of files, the mapped model's above all; the highest of 3 launches",
            ),
            figure("GPU, peak", UnitView::Bytes, None, "not sampled here"),
            figure(
                "Available to the system, least",
                UnitView::Bytes,
                Some(3210.0 * MIB),
                "what the system says could be had without swapping",
            ),
        ],
        growth: Some(GrowthView {
            measured: between(
                "For each token of context",
                UnitView::Bytes,
                [22_900.0, 23_110.0, 23_390.0],
                "anonymous peak of each launch, contexts of several lengths",
            ),
            formula_bytes_per_token: Some(23_040.0),
            ratio: Some(between(
                "Measured by formula",
                UnitView::Ratio,
                [0.9939, 1.003, 1.0152],
                "1 is a runtime that keeps keys and values and nothing else",
            )),
            n: 12,
        }),
        ladder: Some(LadderView {
            rungs: vec![rung(2048, None), rung(4096, None), rung(8192, Some("run 7 ended as oom: 8192 tokens"))],
            largest_ok: Some(4096),
            first_failed: Some(8192),
        }),
    }
}

pub(crate) fn roofline() -> RooflineView {
    RooflineView {
        verdict: RooflineWord::Below,
        why: String::new(),
        ceiling: Some(CeilingView {
            ceiling_tokens_per_s: 113.0,
            rate_tokens_per_s: 92.4,
            rate_low: 91.8,
            rate_high: 93.1,
        }),
        figures: vec![
            figure(
                "Weights read for a token",
                UnitView::Bytes,
                Some(91.2 * MIB),
                "as the runtime packs them",
            ),
            between(
                "Bandwidth of memory, measured",
                UnitView::BytesPerSecond,
                [10.2e9, 11.3e9, 11.3e9],
                "all 4 CPUs, reading; the best of 10 passes, worst to best; median 11.0 GB/s",
            ),
            figure(
                "Decode ceiling",
                UnitView::TokensPerSecond,
                Some(113.0),
                "measured bandwidth by bytes of a token",
            ),
            between("MBU, of the measured bandwidth", UnitView::Ratio, [0.812, 0.818, 0.824], ""),
            between(
                "MBU, of the data sheet",
                UnitView::Ratio,
                [0.537, 0.54, 0.545],
                "Raspberry Pi 5: LPDDR4X-4267, 32 bit; of the whole chip",
            ),
            figure("MFU of prefill", UnitView::Ratio, None, "the device's arithmetic was not measured"),
        ],
    }
}

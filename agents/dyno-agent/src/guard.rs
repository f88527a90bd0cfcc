//! Whether a launch's numbers may be used.
//!
//! The rules are house rules, fixed before anything is measured (MEASUREMENT §1.6, §2.3, §5): a broken one makes the
//! launch INVALID with its figure, and nothing is measured again silently.

use dyno_model::outcome::Validity;
use dyno_model::proof::Calibration;
use dyno_model::sample::OwnCost;
use dyno_model::start::StartMade;

use crate::drive::LoadProof;
use crate::sys;

/// More suspend than this and the device slept.
const SUSPEND_LIMIT_NS: u64 = 1_000_000;
/// More of one core than this and the agent itself was in the way, in thousandths.
const OWN_CPU_LIMIT_MILLI: u128 = 800;
/// In an open loop no p99 of send lag above the larger of this and of a part of the median E2E latency.
const LAG_LIMIT_NS: u64 = 5_000_000;
/// That part, in thousandths.
const LAG_LIMIT_MILLI: u64 = 10;
/// More reads than this without a plausible stamp of a kernel that does stamp, in thousandths.
const UNSTAMPED_LIMIT_MILLI: u128 = 10;
/// More than this of all CPU time taken by a hypervisor, in thousandths, and what was measured is the neighbours.
///
/// Time is stolen from who wants to run: on two CPUs of which a runtime keeps one busy, a tenth of all CPU time is a
/// fifth of the runtime's own, and the steals come in pieces of some ms, which all go into the tail. Quiet virtual
/// machines lose below a hundredth.
const STEAL_LIMIT_MILLI: u128 = 100;
/// The counters of CPU time have steps of 10 ms: less than a few of them says nothing.
const LEAST_CPU_NS: u64 = 50_000_000;
/// More than this is worth a note, in thousandths.
const STEAL_NOTE_MILLI: u128 = 50;
/// More than this of all CPU time used by other processes is worth a note, in thousandths.
const OTHERS_NOTE_MILLI: u128 = 250;
/// A calibration whose p99 error of TTFT is above this is of a client that cannot be believed.
const TTFT_ERROR_LIMIT_NS: u64 = 5_000_000;

/// Watches over one launch.
#[derive(Debug)]
pub(crate) struct Guard {
    suspended_ns: Option<u64>,
}

/// What watching came to.
#[derive(Debug)]
pub(crate) struct Watched<'a> {
    slept_ns: Option<u64>,
    own: &'a OwnCost,
}

/// What else is known of a launch.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// How its client did against a known schedule.
    pub(crate) calibration: Option<Calibration>,
    /// Whether it got into its start state; `None` where nothing was claimed.
    pub(crate) start: Option<StartMade>,
    /// How its load went; `None` where there was none.
    pub(crate) load: Option<LoadProof>,
}

impl Guard {
    /// From now on.
    pub(crate) fn start() -> Self {
        Self { suspended_ns: sys::suspended_ns() }
    }

    /// Until now.
    pub(crate) fn watched<'a>(&self, own: &'a OwnCost) -> Watched<'a> {
        let slept_ns = match (self.suspended_ns, sys::suspended_ns()) {
            (Some(before), Some(now)) => Some(now.saturating_sub(before)),
            _ => None,
        };
        Watched { slept_ns, own }
    }
}

/// The judgement; `watched` is `None` on a scripted clock and where nothing was started.
pub(crate) fn judge(watched: Option<&Watched<'_>>, evidence: &Evidence) -> Validity {
    let mut reasons = Vec::new();
    if let Some(why) = evidence.start.as_ref().and_then(|made| made.unverified.as_ref()) {
        reasons.push(format!("cold=unverified: {why}"));
    }
    if let Some(watched) = watched {
        of_watching(watched, &mut reasons);
    }
    let ttft_error = evidence.calibration.as_ref().and_then(|calibration| calibration.ttft_error);
    if let Some(error) = ttft_error.filter(|error| error.p99_ns.unsigned_abs() > TTFT_ERROR_LIMIT_NS) {
        reasons.push(format!("in the calibration TTFT was wrong by {} ns at p99", error.p99_ns));
    }
    if let Some(load) = &evidence.load {
        of_sending(load, &mut reasons);
        of_load(load, &mut reasons);
    }
    if reasons.is_empty() { Validity::Valid } else { Validity::Invalid { reasons } }
}

fn of_watching(watched: &Watched<'_>, reasons: &mut Vec<String>) {
    let own = watched.own;
    if let Some(slept_ns) = watched.slept_ns.filter(|ns| *ns > SUSPEND_LIMIT_NS) {
        reasons.push(format!("the device was suspended for {slept_ns} ns"));
    }
    if own.n_dropped > 0 {
        reasons.push(format!("the sampler dropped {} of {} rows", own.n_dropped, own.n_rows + own.n_dropped));
    }
}

fn of_sending(load: &LoadProof, reasons: &mut Vec<String>) {
    let limit_ns = LAG_LIMIT_NS.max(load.median_e2e_ns.unwrap_or(0) / 1000 * LAG_LIMIT_MILLI);
    let lag = load.facts.send_lag.filter(|lag| i128::from(lag.p99_ns) > i128::from(limit_ns));
    if let Some(lag) = lag {
        reasons.push(format!("requests were sent {} ns late at p99, above {limit_ns} ns", lag.p99_ns));
    }
    if load.n_failed_to_send > 0 {
        let n = load.n_failed_to_send;
        reasons.push(format!("{n} requests were never sent, for the load could not be offered any longer"));
    }
}

fn of_load(load: &LoadProof, reasons: &mut Vec<String>) {
    let facts = &load.facts;
    // Where no read at all is stamped, the system does not stamp.
    let stamps = facts.n_unstamped < facts.n_reads;
    if stamps && exceeds(facts.n_unstamped, UNSTAMPED_LIMIT_MILLI, facts.n_reads) {
        let (n, all) = (facts.n_unstamped, facts.n_reads);
        reasons.push(format!("{n} of {all} reads of the network had no plausible stamp of the kernel"));
    }
    let Some(had) = load.had else { return };
    if let Some(own_ns) = facts.own_cpu_ns.filter(|ns| exceeds(*ns, OWN_CPU_LIMIT_MILLI, had.wall_ns)) {
        reasons.push(format!("the agent used {own_ns} ns of CPU in the {} ns of the load", had.wall_ns));
    }
    if let Some((stolen, all)) = much(facts.steal_ns, STEAL_LIMIT_MILLI, had.all_cpu_ns) {
        reasons.push(format!("a hypervisor took {stolen} ns of {all} ns of CPU time during the load"));
    }
}

/// What is worth saying of a launch without making it invalid.
pub(crate) fn notes(evidence: &Evidence) -> Vec<String> {
    let mut notes = Vec::new();
    let Some(load) = &evidence.load else { return notes };
    let all = load.had.and_then(|had| had.all_cpu_ns);
    if let Some((stolen, all)) = much(load.facts.steal_ns, STEAL_NOTE_MILLI, all) {
        notes.push(format!("a hypervisor took {stolen} ns of {all} ns of CPU time during the load"));
    }
    if let Some((others, all)) = much(load.facts.others_cpu_ns, OTHERS_NOTE_MILLI, all) {
        notes.push(format!("other processes used {others} ns of {all} ns of CPU time during the load"));
    }
    notes
}

/// Both, if both are known and `part` is more than `milli` thousandths of `all`, beyond what the counters can tell.
fn much(part: Option<u64>, milli: u128, all: Option<u64>) -> Option<(u64, u64)> {
    part.zip(all).filter(|(part, all)| *part >= LEAST_CPU_NS && exceeds(*part, milli, *all))
}

/// Whether `part` is more than `milli` thousandths of `whole`.
fn exceeds(part: u64, milli: u128, whole: u64) -> bool {
    u128::from(part) * 1000 > u128::from(whole) * milli
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::Had;
    use dyno_model::proof::{LoadFacts, Spread};

    fn cost(n_dropped: u64) -> OwnCost {
        OwnCost { n_rows: 10, n_dropped, ..OwnCost::default() }
    }

    fn reasons(watched: Option<&Watched<'_>>, evidence: &Evidence) -> Vec<String> {
        match judge(watched, evidence) {
            Validity::Valid => Vec::new(),
            Validity::Invalid { reasons } => reasons,
        }
    }

    fn p99(ns: i64) -> Spread {
        Spread { n: 100, p50_ns: 0, p99_ns: ns, max_ns: ns }
    }

    fn proof(facts: LoadFacts, median_e2e_ns: u64) -> Evidence {
        let had = Some(Had { wall_ns: 1_000_000_000, all_cpu_ns: Some(2_000_000_000) });
        let load = LoadProof { facts, median_e2e_ns: Some(median_e2e_ns), had, n_failed_to_send: 0 };
        Evidence { load: Some(load), ..Evidence::default() }
    }

    fn of_load(facts: LoadFacts) -> (Vec<String>, Vec<String>) {
        let evidence = proof(facts, 0);
        (reasons(None, &evidence), notes(&evidence))
    }

    #[test]
    fn limits_are_exclusive() {
        let (own, none) = (cost(0), Evidence::default());
        assert!(reasons(Some(&Watched { slept_ns: Some(1_000_000), own: &own }), &none).is_empty());
        assert!(reasons(Some(&Watched { slept_ns: None, own: &own }), &none).is_empty());
        let at_limits = LoadFacts {
            send_lag: Some(p99(5_000_000)),
            own_cpu_ns: Some(800_000_000),
            others_cpu_ns: Some(500_000_000),
            steal_ns: Some(100_000_000),
            n_reads: 100,
            n_unstamped: 1,
            ..LoadFacts::default()
        };
        assert_eq!(of_load(at_limits), (Vec::new(), Vec::new()));
    }

    #[test]
    fn each_broken_rule_is_a_reason_with_its_figure() {
        let own = cost(2);
        let mut evidence = proof(LoadFacts::default(), 0);
        evidence.load.as_mut().expect("a load").n_failed_to_send = 3;
        evidence.calibration =
            Some(Calibration { ttft_error: Some(p99(-5_000_001)), ..Calibration::default() });
        evidence.start =
            Some(StartMade { unverified: Some("40 % are resident".to_owned()), ..StartMade::default() });
        let expected = [
            "cold=unverified: 40 % are resident",
            "the device was suspended for 1000001 ns",
            "the sampler dropped 2 of 12 rows",
            "in the calibration TTFT was wrong by -5000001 ns at p99",
            "3 requests were never sent, for the load could not be offered any longer",
        ];
        assert_eq!(reasons(Some(&Watched { slept_ns: Some(1_000_001), own: &own }), &evidence), expected);
    }

    #[test]
    fn each_broken_rule_of_a_load_is_a_reason_with_its_figure() {
        let one = |facts: LoadFacts| {
            let (mut reasons, _) = of_load(facts);
            assert_eq!(reasons.len(), 1, "{reasons:?}");
            reasons.remove(0)
        };
        let none = LoadFacts::default;
        assert_eq!(
            one(LoadFacts { own_cpu_ns: Some(800_000_001), ..none() }),
            "the agent used 800000001 ns of CPU in the 1000000000 ns of the load"
        );
        assert_eq!(
            one(LoadFacts { steal_ns: Some(210_000_000), ..none() }),
            "a hypervisor took 210000000 ns of 2000000000 ns of CPU time during the load"
        );
        assert_eq!(
            one(LoadFacts { n_reads: 99, n_unstamped: 1, ..none() }),
            "1 of 99 reads of the network had no plausible stamp of the kernel"
        );
        // A system that does not stamp at all is no client that lost stamps.
        assert_eq!(of_load(LoadFacts { n_reads: 99, n_unstamped: 99, ..none() }).0, Vec::<String>::new());
    }

    #[test]
    fn lateness_is_judged_by_the_larger_of_5_ms_and_a_hundredth_of_e2e() {
        let lag = |ns| LoadFacts { send_lag: Some(p99(ns)), ..LoadFacts::default() };
        assert_eq!(
            reasons(None, &proof(lag(5_000_001), 499_000_000)),
            ["requests were sent 5000001 ns late at p99, above 5000000 ns"]
        );
        assert!(reasons(None, &proof(lag(5_000_001), 501_000_000)).is_empty());
        assert_eq!(
            reasons(None, &proof(lag(10_000_001), 1_000_000_000)),
            ["requests were sent 10000001 ns late at p99, above 10000000 ns"]
        );
    }

    #[test]
    fn stolen_time_and_other_processes_are_noted_before_they_are_too_much() {
        let (reasons, notes) = of_load(LoadFacts {
            steal_ns: Some(110_000_000),
            others_cpu_ns: Some(510_000_000),
            ..LoadFacts::default()
        });
        assert!(reasons.is_empty());
        let expected = [
            "a hypervisor took 110000000 ns of 2000000000 ns of CPU time during the load",
            "other processes used 510000000 ns of 2000000000 ns of CPU time during the load",
        ];
        assert_eq!(notes, expected);
    }

    #[test]
    fn a_few_steps_of_a_coarse_counter_are_no_evidence() {
        let mut evidence = proof(LoadFacts { steal_ns: Some(40_000_000), ..LoadFacts::default() }, 0);
        evidence.load.as_mut().expect("a load").had = Some(Had { wall_ns: 1, all_cpu_ns: Some(80_000_000) });
        assert_eq!((reasons(None, &evidence), notes(&evidence)), (Vec::new(), Vec::new()));
    }

    #[test]
    fn this_machine_is_not_asleep_while_it_tests() {
        let own = cost(0);
        assert_eq!(judge(Some(&Guard::start().watched(&own)), &Evidence::default()), Validity::Valid);
    }
}

//! Words of causes.

use dyno_model::metric::metric;
use dyno_view::compliance::ViolationView;

use super::observe::{Cause, PASSED, Test};
use super::tally::Tally;

/// `1 request`, `2 requests`, `3 launches`.
pub(super) fn plural(n: u64, noun: &str) -> String {
    match (n, noun) {
        (1, _) => format!("1 {noun}"),
        (_, "launch") => format!("{n} launches"),
        _ => format!("{n} {noun}s"),
    }
}

/// `1 more request`, `2 more requests`.
pub(super) fn more(n: u64, noun: &str) -> String {
    match plural(n, noun).split_once(' ') {
        Some((_, nouns)) if n < u64::MAX => format!("{n} more {nouns}"),
        _ => format!("no number of {noun}s"),
    }
}

/// Why observations violate, the most frequent cause first.
pub(super) fn violations(tally: &Tally, tests: &[Test]) -> Vec<ViolationView> {
    let view =
        |(cause, n): (&Cause, &u64)| ViolationView { cause: id(cause), label: label(cause, tests), n: *n };
    let mut views: Vec<ViolationView> = tally.causes.iter().map(view).collect();
    views.sort_by(|a, b| (b.n, &a.cause).cmp(&(a.n, &b.cause)));
    views
}

fn id(cause: &Cause) -> String {
    match cause {
        Cause::Beyond(metric) => (*metric).to_owned(),
        Cause::NoValue(metric) => format!("{metric}: no value"),
        Cause::Rejected => PASSED.to_owned(),
        Cause::Ended(word) => word.clone(),
        Cause::NoToken => "no-token".to_owned(),
        Cause::Unsent => "unsent".to_owned(),
        Cause::Restarted => "restarted".to_owned(),
        Cause::Egress(_) => "egress".to_owned(),
    }
}

fn label(cause: &Cause, tests: &[Test]) -> String {
    let name = |id: &str| metric(id).map_or_else(|| id.to_owned(), |metric| metric.label.to_owned());
    match cause {
        Cause::Beyond(id) if tests.len() == 1 => format!("{} beyond the limit", name(id)),
        Cause::Beyond(id) => format!("{} beyond its limit", name(id)),
        Cause::NoValue(id) => format!("no value of {}", name(id)),
        Cause::Rejected => "the grader does not accept the answer".to_owned(),
        Cause::Ended(word) => match word.as_str() {
            "ok" => "did not become ready".to_owned(),
            "oom" => "killed for memory".to_owned(),
            "timeout" => "no answer within its time".to_owned(),
            "crashed" => "the runtime died".to_owned(),
            "refused" => "the runtime said no".to_owned(),
            "unsupported" => "the runtime cannot do this".to_owned(),
            "at_limit" => "stopped at a limit of the plan".to_owned(),
            other => format!("ended as {other}"),
        },
        Cause::NoToken => "answered without a token".to_owned(),
        Cause::Unsent => "never sent: the runtime had ended".to_owned(),
        Cause::Restarted => "the device restarted".to_owned(),
        Cause::Egress(sentence) => sentence.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_have_their_plurals() {
        assert_eq!(plural(1, "launch"), "1 launch");
        assert_eq!(plural(0, "launch"), "0 launches");
        assert_eq!(plural(2, "request"), "2 requests");
        assert_eq!(more(1, "launch"), "1 more launch");
        assert_eq!(more(7, "request"), "7 more requests");
        assert_eq!(more(u64::MAX, "request"), "no number of requests");
    }
}

//! Errors by hand, and whole calibrations: counts and signs, for times are the machine's.

use super::*;
use crate::calibrate::http::errors;
use crate::calibrate::play::Got;
use dyno_model::clock::MonoNs;
use dyno_runtimes::paced::{Played, Write};

fn interrupt() -> Arc<Interrupt> {
    Arc::new(Interrupt::new().expect("a pipe"))
}

fn got(sent_at: u64, stamps: &[u64], texts: &[&str]) -> Got {
    Got {
        seed: 3,
        sent_at: MonoNs(sent_at),
        stamps: stamps.iter().copied().map(MonoNs).collect(),
        texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        ..Got::default()
    }
}

#[test]
fn an_error_is_the_report_less_the_truth() {
    let write =
        |before, after| Write { due: MonoNs(0), before: MonoNs(before), after: MonoNs(after), n_chunks: 1 };
    // Received 10 after it was sent, first written 100 after that; read 3, 5 and 1 after the writes.
    let truth = Played {
        seed: 3,
        received_at: MonoNs(1010),
        writes: vec![write(1110, 1111), write(1200, 1201), write(1300, 1301)],
    };
    let answers = [got(1000, &[1113, 1205, 1301], &[])];
    // TTFT 113, truly 100. Gaps 92 and 96, truly 90 and 100.
    assert_eq!(errors(&answers, std::slice::from_ref(&truth)), (vec![13], vec![2, -4]));
    let mut interrupted = truth;
    interrupted.writes[0].after = MonoNs(1_001_111);
    assert_eq!(errors(&answers, &[interrupted]), (vec![], vec![-4]));
    assert_eq!(errors(&answers, &[]), (vec![], vec![]));
}

#[cfg(feature = "engine-embedded")]
#[test]
fn an_error_of_the_engines_way_is_the_report_less_what_the_tokens_say() {
    let answers = [got(1000, &[1110, 1200], &["1004 1110", "1004 1198"]), got(1000, &[1110], &["garbled"])];
    // TTFT 110, truly 106; a gap of 90, truly 88.
    assert_eq!(super::engine::errors(&answers), (vec![4], vec![2]));
}

#[test]
fn the_http_client_is_tried_against_a_thread_where_there_is_no_program() {
    let calibration = run(Dialect::OpenaiChat, None, &interrupt()).expect("the loopback").expect("a client");
    // Whether the system grants a priority is its own affair.
    assert!(calibration.path.starts_with("http"), "{}", calibration.path);
    assert_eq!(calibration.n_streams, 4);
    // Eight answers of 24 tokens, and 16 of 256.
    assert_eq!((calibration.n_token_events, calibration.n_null_events), (192, 4096));
    let (ttft, gaps) = (calibration.ttft_error.expect("answers"), calibration.gap_error.expect("answers"));
    assert!(ttft.n <= 8 && gaps.n <= 184 && ttft.p50_ns >= 0, "{calibration:?}");
    let lag = calibration.send_lag.expect("answers");
    assert!(lag.n == 8 && lag.p50_ns >= 0, "{calibration:?}");
    let null = calibration.null_request.expect("answers");
    assert!(null.n == 16 && null.p50_ns > 0, "{calibration:?}");
    assert!(calibration.n_reads >= 8 && calibration.n_unstamped <= calibration.n_reads);
    assert!(calibration.took_ns > 0);
}

#[test]
fn every_http_dialect_is_tried_and_a_script_is_not() {
    let path = |dialect| run(dialect, None, &interrupt()).expect("the loopback").map(|one| one.path);
    for dialect in
        [Dialect::OpenaiCompletions, Dialect::LlamaServer, Dialect::OllamaGenerate, Dialect::OllamaChat]
    {
        assert!(path(dialect).is_some_and(|path| path.starts_with("http")), "{dialect:?}");
    }
    assert_eq!(path(Dialect::Fake), None);
}

#[test]
fn a_calibration_that_was_cut_off_says_so() {
    let interrupt = interrupt();
    interrupt.raise(dyno_runtimes::interrupt::Asked::Cancel);
    let error = run(Dialect::OpenaiChat, None, &interrupt).expect_err("cut off");
    assert_eq!(error.to_string(), "8 of 8 answers did not come as they were played");
}

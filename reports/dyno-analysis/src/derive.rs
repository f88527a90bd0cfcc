//! Metrics of one request, in integer ns.

/// What one request's record gives. `None` is undefined, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Derived {
    /// First token chunk after the request was due.
    pub ttft_sched_ns: Option<u64>,
    /// Last token chunk after the request was due.
    pub e2e_sched_ns: Option<u64>,
    /// First token chunk after the request was sent.
    pub ttft_ns: Option<u64>,
    /// Last token chunk after the request was sent.
    pub e2e_ns: Option<u64>,
    /// Time per output token: `(e2e_ns − ttft_ns) / (osl − 1)`, whole ns, rounded down as LoadGen does.
    pub tpot_ns: Option<u64>,
    /// The same without the tokens of the first chunk: `(e2e_ns − ttft_ns) / (osl − k1)`.
    pub tpot_k1_ns: Option<u64>,
    /// First token chunk that is no reasoning, after the request was sent.
    pub ttfo_ns: Option<u64>,
    /// Second token chunk after the first.
    pub ttst_ns: Option<u64>,
    /// `1e9 / tpot_ns`.
    pub decode_tokens_per_s: Option<f64>,
    /// `1e9 × (isl − cached) / ttft_ns`.
    pub prefill_tokens_per_s: Option<f64>,
    /// From due to sent.
    pub send_lag_ns: Option<u64>,
    /// First token chunk after the runtime took the request from the queue on this side of it.
    pub ttft_served_ns: Option<u64>,
    /// Last token chunk after that.
    pub e2e_served_ns: Option<u64>,
}

/// What the metrics of one request are derived from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Answer {
    /// Arrival of its first token chunk (one with generated text) after it was sent.
    pub first_ns: Option<u64>,
    /// Of the second.
    pub second_ns: Option<u64>,
    /// Of the last, not before the others.
    pub last_ns: Option<u64>,
    /// Arrival of the first of them that is no reasoning.
    pub first_output_ns: Option<u64>,
    /// Tokens of the first of them.
    pub k1: Option<u16>,
    /// Tokens of the prompt.
    pub isl: Option<u32>,
    /// Tokens of the answer.
    pub osl: Option<u32>,
    /// Tokens of the prompt that came from a cache.
    pub cached: Option<u32>,
    /// How long after it was due it was sent; `None` in closed loops.
    pub send_lag_ns: Option<u64>,
    /// How long it waited, after it was sent, in a queue on this side of the runtime; `None` without one.
    pub queue_ns: Option<u64>,
}

/// Derives the metrics of one request. Formulas and their sources: [`dyno_model::metric::METRICS`].
pub fn derive(of: &Answer) -> Derived {
    let (ttft_ns, e2e_ns) = (of.first_ns, of.last_ns);
    let decode_ns = ttft_ns.zip(e2e_ns).map(|(ttft, e2e)| e2e.saturating_sub(ttft));
    let pace = |n_first: Option<u32>| {
        let gaps = of.osl.zip(n_first).and_then(|(osl, n_first)| osl.checked_sub(n_first));
        decode_ns.zip(gaps.filter(|gaps| *gaps > 0)).map(|(decode_ns, gaps)| decode_ns / u64::from(gaps))
    };
    let tpot_ns = pace(Some(1));
    let computed = of.isl.map(|isl| isl.saturating_sub(of.cached.unwrap_or(0)));
    let served = |since_sent: Option<u64>| since_sent?.checked_sub(of.queue_ns?);
    let from_due = |since_sent: Option<u64>| Some(since_sent?.saturating_add(of.send_lag_ns?));
    Derived {
        ttft_sched_ns: from_due(ttft_ns),
        e2e_sched_ns: from_due(e2e_ns),
        ttft_ns,
        e2e_ns,
        tpot_ns,
        tpot_k1_ns: pace(of.k1.filter(|k1| *k1 > 0).map(u32::from)),
        ttfo_ns: of.first_output_ns,
        ttst_ns: of.second_ns.zip(ttft_ns).map(|(second, first)| second.saturating_sub(first)),
        decode_tokens_per_s: tpot_ns.filter(|tpot| *tpot > 0).map(|tpot| 1e9 / tpot as f64),
        prefill_tokens_per_s: computed
            .zip(ttft_ns.filter(|ttft| *ttft > 0))
            .map(|(tokens, ttft)| 1e9 * f64::from(tokens) / ttft as f64),
        send_lag_ns: of.send_lag_ns,
        ttft_served_ns: served(ttft_ns),
        e2e_served_ns: served(e2e_ns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(tokens_ns: &[u64], isl: Option<u32>, osl: Option<u32>) -> Answer {
        let (first_ns, last_ns) = (tokens_ns.first().copied(), tokens_ns.last().copied());
        Answer { first_ns, second_ns: tokens_ns.get(1).copied(), last_ns, isl, osl, ..Answer::default() }
    }

    #[test]
    fn metrics_of_an_answer_of_four_tokens() {
        // By hand: tokens at 300, 350, 420 and 450 ns; TPOT (450 − 300) / (4 − 1) = 50 ns, so 2e7 tokens a second;
        // prefill 1e9 · (12 − 2) / 300; sent 700 ns after it was due, and 200 ns in a queue after that.
        let of = Answer {
            cached: Some(2),
            k1: Some(1),
            first_output_ns: Some(350),
            send_lag_ns: Some(700),
            queue_ns: Some(200),
            ..answer(&[300, 350, 420, 450], Some(12), Some(4))
        };
        let expected = Derived {
            ttft_sched_ns: Some(1000),
            e2e_sched_ns: Some(1150),
            ttft_ns: Some(300),
            e2e_ns: Some(450),
            tpot_ns: Some(50),
            tpot_k1_ns: Some(50),
            ttfo_ns: Some(350),
            ttst_ns: Some(50),
            decode_tokens_per_s: Some(2e7),
            prefill_tokens_per_s: Some(1e10 / 300.0),
            send_lag_ns: Some(700),
            ttft_served_ns: Some(100),
            e2e_served_ns: Some(250),
        };
        assert_eq!(derive(&of), expected);
    }

    #[test]
    fn tpot_divides_by_tokens_less_one_and_not_by_chunks() {
        // Two chunks carry five tokens: 400 ns over four gaps.
        assert_eq!(derive(&answer(&[100, 500], None, Some(5))).tpot_ns, Some(100));
        // Whole ns, rounded down: 100 / 3.
        assert_eq!(derive(&answer(&[0, 100], None, Some(4))).tpot_ns, Some(33));
    }

    #[test]
    fn tokens_of_the_first_chunk_are_taken_off_where_they_are_known() {
        // Five tokens, three of them in the first chunk: 400 ns for the other two.
        let of = Answer { k1: Some(3), ..answer(&[100, 500], None, Some(5)) };
        assert_eq!((derive(&of).tpot_ns, derive(&of).tpot_k1_ns), (Some(100), Some(200)));
        assert_eq!(derive(&answer(&[100, 500], None, Some(5))).tpot_k1_ns, None);
        // All of them in the first chunk, or a count that cannot be.
        for k1 in [5, 6, 0] {
            let of = Answer { k1: Some(k1), ..answer(&[100, 500], None, Some(5)) };
            assert_eq!(derive(&of).tpot_k1_ns, None, "{k1}");
        }
    }

    #[test]
    fn nothing_counts_from_a_due_that_is_none() {
        let derived = derive(&answer(&[300, 400], None, None));
        assert_eq!((derived.ttft_sched_ns, derived.e2e_sched_ns, derived.send_lag_ns), (None, None, None));
        // Without a token only the lag is known.
        let derived = derive(&Answer { send_lag_ns: Some(5), ..Answer::default() });
        assert_eq!(derived, Derived { send_lag_ns: Some(5), ..Derived::default() });
    }

    #[test]
    fn tpot_of_one_token_is_undefined() {
        let derived = derive(&answer(&[300], Some(5), Some(1)));
        assert_eq!((derived.ttft_ns, derived.e2e_ns), (Some(300), Some(300)));
        assert_eq!((derived.tpot_ns, derived.decode_tokens_per_s, derived.ttst_ns), (None, None, None));
        assert_eq!(derive(&answer(&[300, 400], None, None)).tpot_ns, None);
        assert_eq!(derive(&answer(&[300, 400], None, Some(0))).tpot_ns, None);
    }

    #[test]
    fn nothing_is_defined_without_a_token() {
        assert_eq!(derive(&answer(&[], Some(5), Some(3))), Derived::default());
    }

    #[test]
    fn rates_of_no_time_are_undefined() {
        let derived = derive(&answer(&[0, 0], Some(5), Some(2)));
        assert_eq!((derived.ttft_ns, derived.tpot_ns), (Some(0), Some(0)));
        assert_eq!((derived.decode_tokens_per_s, derived.prefill_tokens_per_s), (None, None));
    }
}

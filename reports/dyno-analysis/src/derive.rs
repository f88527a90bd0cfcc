//! Metrics of one request, in integer ns.

/// What one request's chunks and counts give. `None` is undefined, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Derived {
    /// First token chunk after the request was sent.
    pub ttft_ns: Option<u64>,
    /// Last token chunk after the request was sent.
    pub e2e_ns: Option<u64>,
    /// Time per output token: `(e2e_ns − ttft_ns) / (osl − 1)`, whole ns, rounded down as LoadGen does.
    pub tpot_ns: Option<u64>,
    /// `1e9 / tpot_ns`.
    pub decode_tokens_per_s: Option<f64>,
    /// `1e9 × (isl − cached) / ttft_ns`.
    pub prefill_tokens_per_s: Option<f64>,
}

/// Derives the metrics of one request.
///
/// `tokens_ns`: arrivals of its token chunks (those with generated text) after it was sent, not decreasing.
/// `isl`, `osl`, `cached`: tokens of prompt, answer, and prompt from a cache.
/// Formulas and their sources: [`dyno_model::metric::METRICS`].
pub fn derive(tokens_ns: &[u64], isl: Option<u32>, osl: Option<u32>, cached: Option<u32>) -> Derived {
    let (ttft_ns, e2e_ns) = (tokens_ns.first().copied(), tokens_ns.last().copied());
    let decode_ns = ttft_ns.zip(e2e_ns).map(|(ttft, e2e)| e2e.saturating_sub(ttft));
    let gaps = osl.filter(|osl| *osl >= 2).map(|osl| u64::from(osl) - 1);
    let tpot_ns = decode_ns.zip(gaps).map(|(decode_ns, gaps)| decode_ns / gaps);
    let computed = isl.map(|isl| isl.saturating_sub(cached.unwrap_or(0)));
    Derived {
        ttft_ns,
        e2e_ns,
        tpot_ns,
        decode_tokens_per_s: tpot_ns.filter(|tpot| *tpot > 0).map(|tpot| 1e9 / tpot as f64),
        prefill_tokens_per_s: computed
            .zip(ttft_ns.filter(|ttft| *ttft > 0))
            .map(|(tokens, ttft)| 1e9 * f64::from(tokens) / ttft as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_an_answer_of_four_tokens() {
        // By hand: tokens at 300, 350, 420 and 450 ns; TPOT (450 − 300) / (4 − 1) = 50 ns, so 2e7 tokens a second;
        // prefill 1e9 · (12 − 2) / 300.
        let derived = derive(&[300, 350, 420, 450], Some(12), Some(4), Some(2));
        let expected = Derived {
            ttft_ns: Some(300),
            e2e_ns: Some(450),
            tpot_ns: Some(50),
            decode_tokens_per_s: Some(2e7),
            prefill_tokens_per_s: Some(1e10 / 300.0),
        };
        assert_eq!(derived, expected);
    }

    #[test]
    fn tpot_divides_by_tokens_less_one_and_not_by_chunks() {
        // Two chunks carry five tokens: 400 ns over four gaps.
        assert_eq!(derive(&[100, 500], None, Some(5), None).tpot_ns, Some(100));
        // Whole ns, rounded down: 100 / 3.
        assert_eq!(derive(&[0, 100], None, Some(4), None).tpot_ns, Some(33));
    }

    #[test]
    fn tpot_of_one_token_is_undefined() {
        let derived = derive(&[300], Some(5), Some(1), None);
        assert_eq!((derived.ttft_ns, derived.e2e_ns), (Some(300), Some(300)));
        assert_eq!((derived.tpot_ns, derived.decode_tokens_per_s), (None, None));
        assert_eq!(derive(&[300, 400], None, None, None).tpot_ns, None);
        assert_eq!(derive(&[300, 400], None, Some(0), None).tpot_ns, None);
    }

    #[test]
    fn nothing_is_defined_without_a_token() {
        assert_eq!(derive(&[], Some(5), Some(3), None), Derived::default());
    }

    #[test]
    fn rates_of_no_time_are_undefined() {
        let derived = derive(&[0, 0], Some(5), Some(2), None);
        assert_eq!((derived.ttft_ns, derived.tpot_ns), (Some(0), Some(0)));
        assert_eq!((derived.decode_tokens_per_s, derived.prefill_tokens_per_s), (None, None));
    }
}

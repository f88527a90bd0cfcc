//! What is played, as the request says it.

use dyno_model::blame::{Blame, Classify};

/// No script asks for more tokens.
const MAX_TOKENS: u64 = 10_000_000;

macro_rules! script {
    ($($name:ident),* $(,)?) => {
        /// What is played; the parameters of [`crate::paced`], `None` where one is not given.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Script {
            $(#[doc = concat!("`", stringify!($name), "`")] pub $name: Option<u64>,)*
        }

        impl Script {
            fn set(&mut self, name: &str, value: u64) -> bool {
                match name {
                    $(stringify!($name) => self.$name = Some(value),)*
                    _ => return false,
                }
                true
            }
        }
    };
}

script!(
    ttft_us,
    gap_us,
    n,
    per_chunk,
    batch,
    role,
    usage,
    reasoning,
    comment_every,
    stall_at,
    stall_us,
    reset_at,
    close_at,
    cut_at,
    bad_json_at,
    bad_utf8_at,
    bad_chunk_at,
    error_at,
    endless_at,
    status,
    retry_after_s,
    error_200,
    no_finish,
    until_close,
    silent,
    truth,
    slots,
);

/// A parameter makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the script's `{part}` is no parameter with a number")]
pub struct ScriptError {
    /// It.
    pub part: String,
}

impl Classify for ScriptError {
    fn blame(&self) -> Blame {
        Blame::User
    }
}

impl Script {
    /// Reads `name=number,…`; semicolons are as good, for programs that cut URLs at commas.
    ///
    /// # Errors
    /// A name that is none, or a value that is no number.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut script = Self::default();
        for part in text.split([',', ';']).filter(|part| !part.is_empty()) {
            let value = part.split_once('=').and_then(|(name, value)| Some((name, value.parse().ok()?)));
            if !value.is_some_and(|(name, value)| script.set(name, value)) {
                return Err(ScriptError { part: part.chars().take(80).collect() });
            }
        }
        Ok(script)
    }

    /// A script and the path that follows it.
    pub(super) fn of_path(path: &str) -> Result<(Self, &str), ScriptError> {
        let rest = path.strip_prefix('/').unwrap_or(path);
        let (first, after) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if first.contains('=') { Ok((Self::parse(first)?, after)) } else { Ok((Self::default(), path)) }
    }

    pub(super) fn gap_ns(&self) -> u64 {
        self.gap_us.unwrap_or(0).saturating_mul(1000)
    }

    pub(super) fn n_tokens(&self, asked: Option<u64>) -> u64 {
        self.n.or(asked).unwrap_or(64).min(MAX_TOKENS)
    }

    pub(super) fn per_chunk(&self) -> u64 {
        self.per_chunk.unwrap_or(1).clamp(1, 1000)
    }

    pub(super) fn batch(&self) -> u64 {
        let default = if self.gap_us.unwrap_or(0) == 0 { 32 } else { 1 };
        self.batch.unwrap_or(default).clamp(1, 1000)
    }

    pub(super) fn keeps_truth(&self) -> bool {
        self.truth.map_or(self.gap_us.unwrap_or(0) > 0, |wish| wish > 0)
    }

    /// When chunk `k` is due, in ns after the request.
    pub(crate) fn due_ns(&self, k: u64) -> u64 {
        let steps = k / self.batch() * self.batch();
        let stall_us = match self.stall_at {
            Some(at) if k >= at => self.stall_us.unwrap_or(0),
            _ => 0,
        };
        let start_us = self.ttft_us.unwrap_or(0).saturating_add(stall_us);
        start_us.saturating_mul(1000).saturating_add(steps.saturating_mul(self.gap_ns()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_the_first_segment_of_a_path() {
        let (script, rest) =
            Script::of_path("/ttft_us=5,gap_us=2,stall_at=2,stall_us=7/v1/x").expect("a script");
        assert_eq!((script.ttft_us, script.gap_us, rest), (Some(5), Some(2), "/v1/x"));
        // 5, 5 + 2, 5 + 4 + 7, 5 + 6 + 7 µs.
        assert_eq!([0, 1, 2, 3].map(|k| script.due_ns(k)), [5_000, 7_000, 16_000, 18_000]);
        assert_eq!(Script::of_path("/v1/x"), Ok((Script::default(), "/v1/x")));
        assert_eq!(Script::parse("ttft_us=5;gap_us=2"), Script::parse("ttft_us=5,gap_us=2"));
        assert!(Script::parse("ttft_us=x").is_err() && Script::parse("nonsense=1").is_err());
    }

    #[test]
    fn chunks_of_a_batch_are_due_together() {
        let script = Script::parse("gap_us=10,batch=2").expect("a script");
        assert_eq!([0, 1, 2, 3].map(|k| script.due_ns(k)), [0, 0, 20_000, 20_000]);
    }
}

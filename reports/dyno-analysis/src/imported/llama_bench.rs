//! What `llama-bench -o json` and `-o jsonl` of llama.cpp write: one object for each test.
//!
//! A file comes from anywhere, so nothing of it is believed that cannot be held against itself.

use dyno_model::digest::Digest;
use dyno_view::imported::{ImportedRowView, ImportedView};
use dyno_view::report::UnitView;
use serde_json::{Map, Value};

use super::{ImportError, MAX_IMPORT_BYTES, MAX_ROWS};

/// Most repetitions of one test (house rule).
const MAX_VALUES: usize = 10_000;

/// Most tokens that a test may speak of: far beyond any context, and exact in a float.
const MAX_TOKENS: u64 = 1 << 40;

/// Longest text that is kept.
const MAX_CHARS: usize = 120;

/// How far the mean may be from that of the values, which are written with six digits (house rule).
const MEAN_TOLERANCE: f64 = 1e-3;

const NOTES: [&str; 4] = [
    "Values are means over the repetitions ± the standard deviation of one repetition: no interval of the mean, and no percentile.",
    "A decode test (tg) times no first token and has no prompt before it unless it says so (@ d): its rate is not the decode rate of an answer to a prompt.",
    "A prompt test (pp) feeds random tokens and answers nothing: it has no TTFT.",
    "No record stands behind these figures: nothing of them can be derived again or checked, and they are not tested against ours.",
];

/// The figures of one file of llama-bench; `file` is its name for people.
///
/// # Errors
/// It is not what llama-bench writes; the error names the first place.
pub fn llama_bench(bytes: &[u8], file: &str) -> Result<ImportedView, ImportError> {
    if bytes.len() > MAX_IMPORT_BYTES {
        return Err(ImportError::TooLong { file: file.to_owned(), most: MAX_IMPORT_BYTES });
    }
    let tests = tests(bytes, file)?;
    if tests.is_empty() {
        return Err(ImportError::Empty { file: file.to_owned() });
    }
    if tests.len() > MAX_ROWS {
        return Err(ImportError::TooMany { file: file.to_owned(), n: tests.len(), most: MAX_ROWS });
    }
    let rows = tests.iter().map(row).collect::<Result<_, _>>()?;
    Ok(ImportedView {
        tool: "llama-bench".to_owned(),
        file: shortened(file),
        digest: Digest::of(bytes).as_str().to_owned(),
        notes: NOTES.map(str::to_owned).into(),
        rows,
    })
}

/// One test, and where it stands.
struct Test {
    place: String,
    fields: Map<String, Value>,
}

fn tests(bytes: &[u8], file: &str) -> Result<Vec<Test>, ImportError> {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => {
            let all: Vec<Value> = parsed(bytes, file.to_owned())?;
            let place = |number: usize| format!("{file}, test {number}");
            all.into_iter().zip(1..).map(|(value, number)| test(value, place(number))).collect()
        }
        Some(b'{') => lines(bytes, file),
        Some(_) => Err(ImportError::NeitherForm { file: file.to_owned() }),
        None => Ok(Vec::new()),
    }
}

fn lines(bytes: &[u8], file: &str) -> Result<Vec<Test>, ImportError> {
    let numbered = bytes.split(|byte| *byte == b'\n').zip(1..);
    let filled = numbered.filter(|(line, _)| !line.trim_ascii().is_empty());
    let of_line = |(line, number): (&[u8], usize)| {
        let place = format!("{file}, line {number}");
        test(parsed(line, place.clone())?, place)
    };
    filled.map(of_line).collect()
}

fn parsed<T: serde::de::DeserializeOwned>(bytes: &[u8], place: String) -> Result<T, ImportError> {
    serde_json::from_slice(bytes).map_err(|source| ImportError::NotJson { place, source })
}

fn test(value: Value, place: String) -> Result<Test, ImportError> {
    match value {
        Value::Object(fields) => Ok(Test { place, fields }),
        _ => Err(ImportError::Field { place, field: "{…}", wrong: "is not an object".to_owned() }),
    }
}

fn row(test: &Test) -> Result<ImportedRowView, ImportError> {
    let values = test.values()?;
    let mean = test.rate("avg_ts")?;
    let of_values = values.iter().sum::<f64>() / values.len() as f64;
    if (mean - of_values).abs() > MEAN_TOLERANCE * of_values {
        let wrong = format!("is {mean}, but the mean of `samples_ts` is {of_values}");
        return Err(test.wrong("avg_ts", wrong));
    }
    // One value has no deviation, though the tool writes 0.
    let sd = if values.len() > 1 { test.number("stddev_ts")? } else { None };
    let threads = test
        .count("n_threads")?
        .map(|n| u32::try_from(n).map_err(|_n| test.wrong("n_threads", "is too large")));
    Ok(ImportedRowView {
        test: test.name()?,
        model: test.model()?,
        device: test.device()?,
        threads: threads.transpose()?,
        build: test.build()?,
        unit: UnitView::TokensPerSecond,
        mean,
        sd,
        n: values.len() as u64,
        values,
    })
}

impl Test {
    /// As llama-bench names it in its tables: `pp512`, `tg128 @ d4096`, `pp64+tg16`.
    fn name(&self) -> Result<String, ImportError> {
        let n_prompt = self.needed_count("n_prompt")?;
        let n_gen = self.needed_count("n_gen")?;
        let depth = match self.count("n_depth")? {
            None | Some(0) => String::new(),
            Some(n) => format!(" @ d{n}"),
        };
        match (n_prompt, n_gen) {
            (0, 0) => Err(self.wrong("n_prompt", "is 0, and so is `n_gen`: nothing was measured")),
            (prompt, 0) => Ok(format!("pp{prompt}{depth}")),
            (0, answer) => Ok(format!("tg{answer}{depth}")),
            (prompt, answer) => Ok(format!("pp{prompt}+tg{answer}{depth}")),
        }
    }

    /// Its type, and the name of its file without the folder, which is nobody's business.
    fn model(&self) -> Result<String, ImportError> {
        let file = self.text("model_filename")?;
        let file =
            file.as_deref().and_then(|path| path.rsplit(['/', '\\']).next()).filter(|name| !name.is_empty());
        let parts: Vec<String> =
            self.text("model_type")?.into_iter().chain(file.map(|name| format!("({name})"))).collect();
        if parts.is_empty() {
            return Err(self.wrong("model_type", "is missing, and so is `model_filename`"));
        }
        Ok(shortened(&parts.join(" ")))
    }

    fn device(&self) -> Result<String, ImportError> {
        let parts = [self.text("backends")?, self.text("cpu_info")?, self.text("gpu_info")?];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        Ok(if parts.is_empty() { "not stated".to_owned() } else { shortened(&parts.join(" · ")) })
    }

    fn build(&self) -> Result<Option<String>, ImportError> {
        let commit = self.text("build_commit")?;
        let number = self.count("build_number")?.map(|n| format!("build {n}"));
        let parts: Vec<String> = commit.into_iter().chain(number).collect();
        Ok((!parts.is_empty()).then(|| shortened(&parts.join(", "))))
    }

    fn values(&self) -> Result<Vec<f64>, ImportError> {
        const FIELD: &str = "samples_ts";
        let values = match self.fields.get(FIELD) {
            Some(Value::Array(values)) => values,
            Some(_) => return Err(self.wrong(FIELD, "is not a list")),
            None => return Err(self.wrong(FIELD, "is missing: nobody knows how many repetitions there were")),
        };
        if values.is_empty() || values.len() > MAX_VALUES {
            return Err(self.wrong(FIELD, format!("has {} values, not 1 to {MAX_VALUES}", values.len())));
        }
        let rate = |value: &Value| value.as_f64().filter(|rate| rate.is_finite() && *rate > 0.0);
        let rates: Option<Vec<f64>> = values.iter().map(rate).collect();
        rates.ok_or_else(|| self.wrong(FIELD, "holds something that is not a number above 0"))
    }

    fn rate(&self, field: &'static str) -> Result<f64, ImportError> {
        match self.number(field)? {
            Some(0.0) => Err(self.wrong(field, "is 0")),
            Some(rate) => Ok(rate),
            None => Err(self.wrong(field, "is missing")),
        }
    }

    /// A number of 0 or more; `None` where there is none.
    fn number(&self, field: &'static str) -> Result<Option<f64>, ImportError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) if number.is_finite() && number >= 0.0 => Ok(Some(number)),
                Some(number) => Err(self.wrong(field, format!("is {number}, below 0"))),
                None => Err(self.wrong(field, "is not a number")),
            },
        }
    }

    fn count(&self, field: &'static str) -> Result<Option<u64>, ImportError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64().filter(|n| *n <= MAX_TOKENS) {
                Some(n) => Ok(Some(n)),
                None => Err(self.wrong(field, format!("is not a whole number of 0 to {MAX_TOKENS}"))),
            },
        }
    }

    fn needed_count(&self, field: &'static str) -> Result<u64, ImportError> {
        self.count(field)?.ok_or_else(|| self.wrong(field, "is missing"))
    }

    /// A text; `None` where there is none or it is empty.
    fn text(&self, field: &'static str) -> Result<Option<String>, ImportError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Some(_) => Err(self.wrong(field, "is not a text")),
        }
    }

    fn wrong(&self, field: &'static str, wrong: impl Into<String>) -> ImportError {
        ImportError::Field { place: self.place.clone(), field, wrong: wrong.into() }
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= MAX_CHARS {
        return text.to_owned();
    }
    text.chars().take(MAX_CHARS - 1).chain(['…']).collect()
}

//! From files of others to a corpus: read, checked, cleaned, made unlike.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dyno_model::plan::PlannedPrompt;
use serde::Serialize;
use serde_json::Value;

use crate::alike::near_duplicates;
use crate::columns::Columns;
use crate::corpus::{Corpus, Entry, Meta};
use crate::error::ImportError;
use crate::place::{Place, Problem};
use crate::record::{self, Record};
use crate::redact::{Personal, redact};
use crate::rows::{Form, Row, rows};
use crate::text_of;

/// The most bytes of files that are read (house rule): comparing needs some twenty times as much memory.
pub(crate) const MAX_BYTES: u64 = 128 << 20;
/// The most prompts that are read (house rule): ten times the largest corpora that are asked.
const MAX_PROMPTS: usize = 200_000;

/// What is read.
#[derive(Debug)]
pub enum Input {
    /// A file.
    File {
        /// Its name, for problems.
        name: String,
        /// How it keeps its records.
        form: Form,
        /// All of it.
        bytes: Vec<u8>,
    },
    /// The rows of a table, each a JSON object.
    Rows {
        /// Its name, for problems.
        name: String,
        /// In order.
        rows: Vec<Value>,
    },
}

/// How to read, and what the corpus is.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the corpus is.
    pub meta: Meta,
    /// Names of columns.
    pub columns: Columns,
    /// Language of prompts that name none, as a BCP 47 tag.
    pub language: String,
    /// Category of prompts that name none.
    pub category: String,
    /// Jaccard index from which on prompts are near-duplicates.
    pub near_limit: f64,
    /// What becomes of personal data.
    pub personal: Handling,
    /// What becomes of prompts that cannot be used.
    pub bad: Handling,
}

/// What becomes of something unwanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// It is left as it is; for prompts that cannot be used: nothing is imported.
    Keep,
    /// It is taken out.
    Remove,
}

/// What became of the prompts that were read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Records that were read.
    pub n_read: usize,
    /// Those that cannot be used, and were left out.
    pub n_bad: usize,
    /// Those that say the same as an earlier one, word for word.
    pub n_same: usize,
    /// Those that say nearly the same as an earlier one.
    pub n_near: usize,
    /// Prompts of the corpus.
    pub n_prompts: usize,
    /// What was replaced, by kind.
    pub redacted: BTreeMap<Personal, usize>,
    /// What was left out and why, the first hundred.
    pub left_out: Vec<String>,
}

/// Left-out prompts that are told one by one.
const MAX_TOLD: usize = 100;

impl Report {
    fn leave_out(&mut self, place: &Place, why: &str) {
        if self.left_out.len() < MAX_TOLD {
            self.left_out.push(format!("{place}: {why}"));
        }
    }
}

/// Reads `inputs` and makes a corpus of them.
///
/// # Errors
///
/// All problems of all records, unless they are to be left out; files beyond the bounds; nothing left.
pub fn import(inputs: &[Input], options: &Options) -> Result<(Corpus, Report), ImportError> {
    let mut report = Report::default();
    let records = usable(all_rows(inputs)?, options, &mut report)?;
    let records = redacted(records, options, &mut report);
    let records = unlike(records, options.near_limit, &mut report);
    if records.is_empty() {
        let (read, bad, alike) = (report.n_read, report.n_bad, report.n_same + report.n_near);
        return Err(ImportError::Nothing { read, bad, alike });
    }
    report.n_prompts = records.len();
    Ok((Corpus { meta: options.meta.clone(), entries: entries(records, options) }, report))
}

fn all_rows(inputs: &[Input]) -> Result<Vec<Row>, ImportError> {
    let (mut all, mut bytes) = (Vec::new(), 0_u64);
    for input in inputs {
        let name = match input {
            Input::File { name, form, bytes: content } => {
                bytes += content.len() as u64;
                if bytes > MAX_BYTES {
                    return Err(ImportError::Large { file: name.clone(), bytes, limit: MAX_BYTES });
                }
                all.extend(rows(name, *form, content));
                name
            }
            Input::Rows { name, rows } => {
                let placed = rows.iter().zip(1_u64..);
                all.extend(placed.map(|(row, line)| Ok((Place { file: name.clone(), line }, row.clone()))));
                name
            }
        };
        if all.len() > MAX_PROMPTS {
            return Err(ImportError::Many { file: name.clone(), limit: MAX_PROMPTS });
        }
    }
    Ok(all)
}

/// The records that can be used, with their places; the others are told, or left out.
fn usable(
    rows: Vec<Row>,
    options: &Options,
    report: &mut Report,
) -> Result<Vec<(Place, Record)>, ImportError> {
    report.n_read = rows.len();
    let mut problems = Vec::new();
    let mut records = Vec::with_capacity(rows.len());
    let mut ids: HashMap<String, Place> = HashMap::new();
    for row in rows {
        let read = row.and_then(|(place, value)| match record::read(&value, &options.columns) {
            Ok(record) => Ok((place, record)),
            Err(message) => Err(Problem { place, message }),
        });
        let read = read.and_then(|(place, record)| {
            let Some(id) = &record.id else { return Ok((place, record)) };
            if let Some(first) = ids.get(id) {
                return Err(Problem {
                    place,
                    message: format!("id `{id}` is there twice, first in {first}"),
                });
            }
            ids.insert(id.clone(), place.clone());
            Ok((place, record))
        });
        match read {
            Ok(record) => records.push(record),
            Err(problem) => problems.push(problem),
        }
    }
    if options.bad == Handling::Keep && !problems.is_empty() {
        return Err(ImportError::Problems { problems });
    }
    report.n_bad = problems.len();
    for problem in &problems {
        report.leave_out(&problem.place, &problem.message);
    }
    Ok(records)
}

fn redacted(
    mut records: Vec<(Place, Record)>,
    options: &Options,
    report: &mut Report,
) -> Vec<(Place, Record)> {
    if options.personal == Handling::Keep {
        return records;
    }
    for message in records.iter_mut().flat_map(|(_, record)| &mut record.messages) {
        let clean = redact(&message.content);
        for (kind, n) in clean.counts {
            *report.redacted.entry(kind).or_default() += n;
        }
        message.content = clean.text;
    }
    records
}

/// The records that say what no earlier one says.
fn unlike(records: Vec<(Place, Record)>, limit: f64, report: &mut Report) -> Vec<(Place, Record)> {
    let mut seen: HashMap<String, Place> = HashMap::new();
    let mut kept = Vec::with_capacity(records.len());
    for (place, record) in records {
        let words: Vec<String> = record.messages.iter().map(|message| spaced(&message.content)).collect();
        if let Some(first) = seen.get(&words.join("\n")) {
            report.n_same += 1;
            report.leave_out(&place, &format!("says the same as {first}"));
            continue;
        }
        seen.insert(words.join("\n"), place.clone());
        kept.push((place, record));
    }
    let texts: Vec<String> = kept.iter().map(|(_, record)| text_of(&record.messages)).collect();
    let alike = near_duplicates(&texts, limit);
    report.n_near = alike.len();
    for pair in &alike {
        let why = format!("like {} ({:.2})", kept[pair.first].0, pair.similarity);
        report.leave_out(&kept[pair.second].0, &why);
    }
    let left_out: BTreeSet<usize> = alike.iter().map(|pair| pair.second).collect();
    let numbered = kept.into_iter().enumerate();
    numbered.filter(|(at, _)| !left_out.contains(at)).map(|(_, record)| record).collect()
}

/// White space and letter case aside.
fn spaced(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The records as prompts, each with an id: its own, or the corpus's name and a number that no other has.
fn entries(records: Vec<(Place, Record)>, options: &Options) -> Vec<Entry> {
    let taken: BTreeSet<String> = records.iter().filter_map(|(_, record)| record.id.clone()).collect();
    let mut numbers = (1..).map(|n| format!("{}-{n:05}", options.meta.name)).filter(|id| !taken.contains(id));
    let mut entry = |record: Record| Entry {
        id: record.id.unwrap_or_else(|| numbers.next().expect("numbers do not end")),
        osl_class: record.osl_class.unwrap_or_else(|| "medium".to_owned()),
        prompt: PlannedPrompt {
            category: record.category.unwrap_or_else(|| options.category.clone()),
            language: record.language.unwrap_or_else(|| options.language.clone()),
            messages: record.messages,
            grader: record.grader,
        },
    };
    records.into_iter().map(|(_, record)| entry(record)).collect()
}

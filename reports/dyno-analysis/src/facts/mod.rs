//! Facts of devices, runtimes and models, and what measuring cost.

mod cell;
mod device;
mod parts;
mod provenance;

use dyno_view::report::{FactValue, FactView};

pub(crate) use cell::{cell_facts, model_marks, own_cost};
pub(crate) use device::device_views;
pub(crate) use parts::battery;

fn fact(label: &str, value: Option<FactValue>) -> FactView {
    FactView { label: label.to_owned(), value }
}

fn text(label: &str, value: Option<&str>) -> FactView {
    fact(label, value.map(|words| FactValue::Text(words.to_owned())))
}

fn count(label: &str, value: Option<u64>) -> FactView {
    fact(label, value.map(FactValue::Count))
}

fn bytes(label: &str, value: Option<u64>) -> FactView {
    fact(label, value.map(FactValue::Bytes))
}

fn ns(label: &str, value: Option<u64>) -> FactView {
    fact(label, value.map(FactValue::Ns))
}

fn khz(label: &str, value: Option<u64>) -> FactView {
    fact(label, value.map(FactValue::Khz))
}

/// `1 thread`, `4 threads`.
pub(crate) fn threads_words(threads: Option<u32>) -> String {
    match threads {
        None => "threads left to the runtime".to_owned(),
        Some(1) => "1 thread".to_owned(),
        Some(n) => format!("{n} threads"),
    }
}

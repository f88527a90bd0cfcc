//! The devices of devices.toml alone, for what measures nothing.

use std::collections::BTreeMap;

use dyno_model::ids::DeviceId;
use dyno_model::plan::PlannedDevice;

use crate::devices::{self, DeviceWords, DevicesFile};
use crate::document::Document;
use crate::problem::Problems;
use crate::registry::Registry;
use crate::schemas::schema_of;
use crate::source::{Inputs, SourceKind};

/// The devices that `selectors` mean, each an id, a tag, or a glob of either; all of them where there is none.
///
/// Only devices.toml is read: a broken catalogue is no reason not to look at a device.
///
/// # Errors
/// All problems of devices.toml and of the selectors, for the person who wrote them.
pub fn pick_devices(
    inputs: &Inputs,
    selectors: &[String],
) -> Result<BTreeMap<DeviceId, PlannedDevice>, Problems> {
    let mut problems = Problems::default();
    let schema = schema_of::<DevicesFile>();
    let sources = inputs.of_kind(SourceKind::Devices);
    let documents: Vec<Document<'_>> =
        sources.into_iter().map(|source| Document::read(source, &schema, &mut problems)).collect();
    let registry: Registry<'_, DeviceWords> = Registry::read("device", &documents, &mut problems);
    devices::check(&registry, &mut problems);
    let picked = if selectors.is_empty() {
        let all = registry.usable().map(|(name, words, _)| (DeviceId::from(name), words.plan()));
        all.collect()
    } else {
        devices::select(&registry, selectors, &mut problems)
    };
    for problem in &mut problems.0 {
        // Here the names stand by themselves.
        if problem.file == "--device" {
            "DEVICE".clone_into(&mut problem.file);
        }
    }
    problems.or(picked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    const LAB: &str = "schema_version = 1\n[device.pi5-a]\ntransport = { kind = \"ssh\", host = \"pi5-a\" }\n\
        tags = [\"pi\"]\n[device.pi5-b]\ntransport = { kind = \"ssh\", host = \"pi5-b\" }\n";

    fn check(selectors: &[&str], expected: &[&str]) {
        let inputs = Inputs::shipped().with(Source::user_as(SourceKind::Devices, "devices.toml", LAB));
        let selectors: Vec<String> = selectors.iter().map(|one| (*one).to_owned()).collect();
        let picked = pick_devices(&inputs, &selectors).expect("no problem");
        let names: Vec<&str> = picked.keys().map(|id| id.0.as_str()).collect();
        assert_eq!(names, expected, "{selectors:?}");
    }

    #[test]
    fn devices_are_picked_as_for_a_run() {
        check(&[], &["local", "pi5-a", "pi5-b"]);
        check(&["pi"], &["pi5-a"]);
        check(&["pi5-*", "pi"], &["pi5-a", "pi5-b"]);
    }

    #[test]
    fn an_unknown_name_and_a_broken_file_are_told_together() {
        let broken = format!("{LAB}bord = 1\n");
        let inputs = Inputs::shipped()
            .with(Source::user_as(SourceKind::Devices, "devices.toml", broken))
            .with(Source::user_as(SourceKind::Suites, "catalog/suites/x.toml", "not TOML"));
        let problems = pick_devices(&inputs, &["pi6".to_owned()]).expect_err("two problems");
        let places: Vec<&str> = problems.0.iter().map(|problem| problem.file.as_str()).collect();
        assert_eq!(places, ["DEVICE", "devices.toml"], "{problems}");
    }
}

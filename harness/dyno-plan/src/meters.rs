//! `[device.NAME.meter]` and `catalog/meters/*.toml`: what measures a device from outside.

use std::collections::BTreeMap;

use dyno_model::ids::DeviceId;
use dyno_model::meter::{
    ClockOrigin, Knock, MeterClock, MeterField, MeterFormat, MeterHost, MeterSource, PlannedMeter,
};
use dyno_model::plan::PlannedDevice;
use dyno_model::sample::{AccuracyClass, Scope};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::devices::{DeviceWords, check_name};
use crate::document::Document;
use crate::meter_words::{ClassWord, ClockWords, FieldWords, FormatWord, KnockWords, ScopeWord, SourceWords};
use crate::problem::{Problems, known_words};
use crate::registry::Registry;

/// Where nothing is said, a meter gives a reading a second.
const PERIOD_MS: u32 = 1000;

/// Meters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the file is read table by table; this type is its schema")]
pub(crate) struct MetersFile {
    /// Version of this file's form: 1.
    schema_version: u32,
    /// One table for each kind of meter, under the name that `use` takes.
    meter: BTreeMap<String, MeterWords>,
}

/// A meter, or what of it differs from the description that it uses.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MeterWords {
    /// A description of the catalogue: `shelly-gen2`.
    r#use: Option<String>,
    /// Its name in the record, if not the device's with `-meter`.
    name: Option<String>,
    /// What it is, in words.
    title: Option<String>,
    /// The device that reads it, if not this machine.
    host: Option<String>,
    /// Host name or address; fills `{address}` of the description.
    address: Option<String>,
    /// MQTT topic; fills `{topic}`.
    topic: Option<String>,
    /// Path on the reading machine; fills `{path}`.
    path: Option<String>,
    /// Where readings come from.
    source: Option<SourceWords>,
    /// How a reading is written.
    format: Option<FormatWord>,
    /// What stands between columns, if not a comma.
    delimiter: Option<String>,
    /// What is taken from a reading.
    field: Option<Vec<FieldWords>>,
    /// When a reading was made, if not when it came.
    clock: Option<ClockWords>,
    /// How often there is a reading, in ms: 1000 if nothing is said.
    #[schemars(range(min = 1, max = 3_600_000))]
    period_ms: Option<u32>,
    /// How much older a value is than its stamp, in ms.
    #[schemars(range(max = 600_000))]
    latency_ms: Option<u32>,
    /// What of the device it covers: all of it if nothing is said.
    scope: Option<ScopeWord>,
    /// How far it can be trusted: A if nothing is said.
    class: Option<ClassWord>,
    /// Its error in per cent of the value.
    #[schemars(range(min = 0.0, max = 100.0))]
    accuracy_percent: Option<f64>,
    /// Its error in W whatever the value is.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    accuracy_w: Option<f64>,
    /// Below so many W it gives nothing to rely on.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    lowest_w: Option<f64>,
    /// Its counter of energy begins at 0 again after so many J.
    #[schemars(range(min = 1.0))]
    wraps_at_j: Option<f64>,
    /// The loads by which its clock is proved; `n = 0` for none.
    knock: Option<KnockWords>,
}

/// What the check of one meter needs.
struct Place<'p> {
    document: &'p Document<'p>,
    path: Vec<&'p str>,
}

impl Place<'_> {
    fn report(&self, key: &str, message: String, hint: &str, problems: &mut Problems) {
        let path: Vec<&str> = self.path.iter().copied().chain([key]).collect();
        problems.push(self.document.problem_at(&path, message, Some(hint.to_owned())));
    }
}

/// The meters of all devices, each under its device.
pub(crate) fn plan_all(
    catalog: &Registry<'_, MeterWords>,
    devices: &Registry<'_, DeviceWords>,
    problems: &mut Problems,
) -> BTreeMap<DeviceId, (String, PlannedMeter)> {
    for (name, words, document) in catalog.usable() {
        check_name("meter", name, document, &["meter", name], problems);
        if words.r#use.is_some() {
            let place = Place { document, path: vec!["meter", name] };
            let hint = "write what differs into devices.toml";
            place.report("use", "a description of the catalogue uses no other".to_owned(), hint, problems);
        }
    }
    let mut planned: BTreeMap<DeviceId, (String, PlannedMeter)> = BTreeMap::new();
    for (device, words, document) in devices.usable() {
        let Some(own) = &words.meter else { continue };
        let place = Place { document, path: vec!["device", device, "meter"] };
        let Some(whole) = with_description(own, catalog, &place, problems) else { continue };
        let name = whole.name.clone().unwrap_or_else(|| format!("{device}-meter"));
        check_name("meter", &name, document, &["device", device, "meter", "name"], problems);
        if planned.values().any(|(other, _)| *other == name) {
            let message = format!("another meter is named `{name}`, too");
            place.report("name", message, "give each its own `name`", problems);
        }
        let host = host(&whole, devices, &place, problems);
        if let Some(meter) = plan(device, &whole, host, &place, problems) {
            planned.insert(DeviceId::from(device), (name, meter));
        }
    }
    planned
}

/// The meters of these devices, by name.
pub(crate) fn of_devices(
    devices: &BTreeMap<DeviceId, PlannedDevice>,
    all: &BTreeMap<DeviceId, (String, PlannedMeter)>,
) -> BTreeMap<String, PlannedMeter> {
    devices.keys().filter_map(|device| all.get(device).cloned()).collect()
}

/// The words with those of the description that they use; `None` when there is no such description.
fn with_description(
    own: &MeterWords,
    catalog: &Registry<'_, MeterWords>,
    place: &Place<'_>,
    problems: &mut Problems,
) -> Option<MeterWords> {
    let Some(name) = &own.r#use else { return Some(own.clone()) };
    let Some(entry) = catalog.get(name) else {
        place.report("use", format!("unknown meter `{name}`"), &catalog.hint(name), problems);
        return None;
    };
    let (own, base) = (own.clone(), entry.words.clone()?);
    Some(MeterWords {
        r#use: own.r#use,
        name: own.name,
        title: own.title.or(base.title),
        host: own.host.or(base.host),
        address: own.address.or(base.address),
        topic: own.topic.or(base.topic),
        path: own.path.or(base.path),
        source: own.source.or(base.source),
        format: own.format.or(base.format),
        delimiter: own.delimiter.or(base.delimiter),
        field: own.field.or(base.field),
        clock: own.clock.or(base.clock),
        period_ms: own.period_ms.or(base.period_ms),
        latency_ms: own.latency_ms.or(base.latency_ms),
        scope: own.scope.or(base.scope),
        class: own.class.or(base.class),
        accuracy_percent: own.accuracy_percent.or(base.accuracy_percent),
        accuracy_w: own.accuracy_w.or(base.accuracy_w),
        lowest_w: own.lowest_w.or(base.lowest_w),
        wraps_at_j: own.wraps_at_j.or(base.wraps_at_j),
        knock: own.knock.or(base.knock),
    })
}

fn host(
    words: &MeterWords,
    devices: &Registry<'_, DeviceWords>,
    place: &Place<'_>,
    problems: &mut Problems,
) -> Option<MeterHost> {
    let name = words.host.as_ref()?;
    let Some(entry) = devices.get(name) else {
        place.report(
            "host",
            format!("unknown device `{name}`"),
            &known_words(name, &devices.names()),
            problems,
        );
        return None;
    };
    let planned = entry.words.as_ref()?.plan();
    Some(MeterHost {
        device: DeviceId::from(name.as_str()),
        transport: planned.transport,
        work_dir: planned.work_dir,
    })
}

fn plan(
    device: &str,
    words: &MeterWords,
    host: Option<MeterHost>,
    place: &Place<'_>,
    problems: &mut Problems,
) -> Option<PlannedMeter> {
    let n_before = problems.0.len();
    let Some(source) = &words.source else {
        let hint = "name a ready description with `use`, or write `source`, `format` and `field`";
        place.report("source", "missing key `source` of a meter".to_owned(), hint, problems);
        return None;
    };
    let is_kernel = matches!(source, SourceWords::Hwmon { .. });
    let source = source.plan(|text| fill(text, words, place, problems));
    let format = format(words, is_kernel, place, problems);
    let fields: Vec<MeterField> = words.field.iter().flatten().map(FieldWords::plan).collect();
    check_source(&source, place, problems);
    check_fields(words, format, place, problems);
    let micro = |value: Option<f64>| value.map(|value| (value * 1e6).round() as u64);
    let planned = PlannedMeter {
        title: words.title.clone().or_else(|| words.r#use.clone()).unwrap_or_else(|| "a meter".to_owned()),
        device: DeviceId::from(device),
        host,
        source,
        format,
        fields,
        clock: words.clock.as_ref().map_or(MeterClock::Receipt, ClockWords::plan),
        period_ms: words.period_ms.unwrap_or(PERIOD_MS),
        latency_ms: words.latency_ms.unwrap_or(0),
        scope: words.scope.map_or(Scope::Device, ScopeWord::plan),
        class: words.class.map_or(AccuracyClass::A, ClassWord::plan),
        gain_ppm: words.accuracy_percent.map_or(0, |percent| (percent * 1e4).round() as u32),
        offset_uw: micro(words.accuracy_w).unwrap_or(0),
        lowest_uw: micro(words.lowest_w),
        wraps_at_uj: micro(words.wraps_at_j),
        knock: words.knock.as_ref().map_or(Some(Knock::default()), KnockWords::plan),
    };
    check_clock(&planned, place, problems);
    (problems.0.len() == n_before).then_some(planned)
}

/// Fills the gaps of a description.
fn fill(text: &str, words: &MeterWords, place: &Place<'_>, problems: &mut Problems) -> String {
    let mut filled = text.to_owned();
    for (key, value) in [("address", &words.address), ("topic", &words.topic), ("path", &words.path)] {
        let gap = format!("{{{key}}}");
        if !filled.contains(&gap) {
            continue;
        }
        match value {
            Some(value) => filled = filled.replace(&gap, value),
            None => place.report(
                key,
                format!("missing key `{key}` of a meter"),
                &format!("the description has a gap for it: {text}"),
                problems,
            ),
        }
    }
    filled
}

fn format(words: &MeterWords, is_kernel: bool, place: &Place<'_>, problems: &mut Problems) -> MeterFormat {
    let delimiter = words.delimiter.as_deref().unwrap_or(",");
    let mut chars = delimiter.chars();
    let one = if let (Some(one), None) = (chars.next(), chars.next()) {
        one
    } else {
        let message = format!("`{delimiter}` cannot stand between columns");
        place.report("delimiter", message, "one character: `,`, `;` or `\\t`", problems);
        ','
    };
    match words.format {
        _ if is_kernel => MeterFormat::Kernel,
        Some(FormatWord::Json) => MeterFormat::Json,
        Some(FormatWord::Csv) => MeterFormat::Csv { delimiter: one },
        Some(FormatWord::Plain) => MeterFormat::Plain,
        None => {
            let message = "missing key `format` of a meter".to_owned();
            place.report("format", message, "`json`, `csv` or `plain`", problems);
            MeterFormat::Plain
        }
    }
}

fn check_source(source: &MeterSource, place: &Place<'_>, problems: &mut Problems) {
    let mut refuse = |message: String, hint: &str| place.report("source", message, hint, problems);
    match source {
        MeterSource::Http { url } => {
            let host = url.strip_prefix("http://").map(|rest| rest.split('/').next().unwrap_or_default());
            let is_plain = url.chars().all(|c| c.is_ascii_graphic());
            // A gap that is not filled has been reported.
            if (host.is_none_or(str::is_empty) || !is_plain) && !url.contains('{') {
                let hint = "the form is http://host:port/path; behind TLS, read it with a program (`lines`)";
                refuse(format!("`{url}` is no address that a meter is asked at"), hint);
            }
        }
        MeterSource::Mqtt { broker, topic } => {
            if broker.is_empty() || broker.contains("://") || broker.contains(char::is_whitespace) {
                refuse(format!("`{broker}` is no broker"), "write `host` or `host:port`");
            }
            if topic.is_empty() || topic.contains(['+', '#']) || topic.len() > 1000 {
                refuse(format!("`{topic}` is not one topic"), "write it in full, without `+` and `#`");
            }
        }
        MeterSource::Lines { argv } => {
            if argv.first().is_none_or(String::is_empty) {
                refuse("no program is named".to_owned(), "`argv` is a list: [\"program\", \"argument\"]");
            }
        }
        MeterSource::File { path, .. } => {
            if path.is_empty() {
                refuse("no file is named".to_owned(), "write its path on the reading machine");
            }
        }
        MeterSource::Hwmon { site } => {
            if site.is_empty() {
                refuse("no chip is named".to_owned(), "write its name as in /sys/class/hwmon/*/name");
            }
        }
    }
}

fn check_fields(words: &MeterWords, format: MeterFormat, place: &Place<'_>, problems: &mut Problems) {
    let fields = words.field.as_deref().unwrap_or_default();
    if format == MeterFormat::Kernel {
        return;
    }
    if fields.is_empty() {
        let hint = "write what is taken from a reading: field = [{ at = \"/power\", unit = \"W\" }]";
        place.report("field", "missing key `field` of a meter".to_owned(), hint, problems);
    }
    let stamp = words.clock.iter().map(|clock| &clock.at);
    for at in fields.iter().map(|field| &field.at).chain(stamp) {
        let column = at.strip_prefix('#').map(|n| n.parse::<u32>().is_ok_and(|n| n > 0));
        let (fits, hint) = match format {
            MeterFormat::Json => (at.starts_with('/'), "write a JSON pointer: `/ENERGY/Power`"),
            MeterFormat::Csv { .. } => (
                !at.is_empty() && column != Some(false),
                "write a name of the header, or `#1` for the first column",
            ),
            MeterFormat::Plain | MeterFormat::Kernel => {
                (at.is_empty(), "one number has no places: leave out `at`")
            }
        };
        if !fits {
            place.report("field", format!("`{at}` is no place in a reading"), hint, problems);
        }
    }
}

fn check_clock(meter: &PlannedMeter, place: &Place<'_>, problems: &mut Problems) {
    let MeterClock::Own { origin, .. } = &meter.clock else { return };
    let is_file = matches!(meter.source, MeterSource::File { .. });
    if *origin == ClockOrigin::Knock && (meter.knock.is_none() || !is_file) {
        let message = "the knocks can place an export only".to_owned();
        let hint =
            "it is to be a file, with `knock` not at 0; a source that tells as it reads counts from `start`";
        place.report("clock", message, hint, problems);
    }
    if meter.format == MeterFormat::Kernel {
        let hint = "leave out `clock`";
        place.report("clock", "the kernel's values have no clock of their own".to_owned(), hint, problems);
    }
}

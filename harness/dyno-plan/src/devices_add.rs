//! One more device in devices.toml, with everything else in it left as it is.

use dyno_model::plan::TransportSpec;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use crate::devices::is_name;
use crate::devices_pick::pick_devices;
use crate::problem::{Problem, Problems};
use crate::source::{Inputs, Source, SourceKind, Tier};

/// What a new file begins with.
const HEAD: &str = "# The devices that edgedyno can measure.\n\nschema_version = 1\n";

/// A device that is to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDevice {
    /// Its name.
    pub name: String,
    /// How to reach it.
    pub transport: TransportSpec,
    /// What board it is.
    pub board: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// Folder on the device.
    pub work_dir: Option<String>,
    /// What it costs, in hundredths of a euro.
    pub price_eur_cents: Option<u64>,
}

/// The text of devices.toml with one more device at its end; `inputs` is everything that is there now.
///
/// Every byte that was there stays where it was.
///
/// # Errors
/// The name is taken or cannot be one, the address cannot be one, or what is there already has problems.
pub fn add_device(inputs: &Inputs, device: &NewDevice) -> Result<String, Problems> {
    let known = pick_devices(inputs, &[])?;
    let mut problems = Problems::default();
    if !is_name(&device.name) {
        let hint = "use letters, digits, `-`, `_` and `.`, and begin with a letter or digit";
        let message = format!("`{}` cannot be the name of a device", device.name);
        problems.push(Problem::of_flag("NAME", message, Some(hint.to_owned())));
    } else if known.keys().any(|id| id.0 == device.name) {
        let message = format!("device `{}` is there already", device.name);
        problems.push(Problem::of_flag("NAME", message, Some("choose another name".to_owned())));
    }
    problems.or(())?;
    let own = inputs.of_kind(SourceKind::Devices).into_iter().find(|source| source.tier == Tier::User);
    let (name, text) = own.map_or(("devices.toml", HEAD), |source| (&source.name, &source.text));
    let added = appended(text, device).or_else(|| inserted(text, device));
    let others = inputs.sources.iter().filter(|source| source.name != name || source.tier != Tier::User);
    let mut after = Inputs { sources: others.cloned().collect() };
    after = after.with(Source::user_as(SourceKind::Devices, name, added.clone().unwrap_or_default()));
    // What cannot be an address or a folder is told as it would be told of a file.
    match (pick_devices(&after, std::slice::from_ref(&device.name)), added) {
        (Ok(_), Some(text)) => Ok(text),
        (Ok(_), None) => {
            Err(Problems(vec![Problem::of_flag(name, "it cannot be added to".to_owned(), None)]))
        }
        (Err(problems), _) => Err(problems),
    }
}

/// The text with a table behind it; `None` where the devices are not tables of their own.
fn appended(text: &str, device: &NewDevice) -> Option<String> {
    let line = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut added = text.to_owned();
    if !added.is_empty() && !added.ends_with('\n') {
        added.push_str(line);
    }
    added.push_str(line);
    added.push_str(&block(device).replace('\n', line));
    // Where `device` is one inline table, TOML allows no more of it elsewhere.
    added.parse::<DocumentMut>().ok().map(|_| added)
}

/// `[device.NAME]` and its keys.
fn block(device: &NewDevice) -> String {
    let mut table = Table::new();
    fill(&mut table, device);
    let mut all = Table::new();
    all.set_implicit(true);
    all.insert(&device.name, Item::Table(table));
    let mut document = DocumentMut::new();
    document.insert("device", Item::Table(all));
    document.to_string()
}

/// The text with one more key in its inline table of devices.
fn inserted(text: &str, device: &NewDevice) -> Option<String> {
    // Best effort: a text that is no TOML has been refused before.
    let mut document: DocumentMut = text.parse().ok()?;
    let devices = document.get_mut("device")?.as_inline_table_mut()?;
    let mut table = InlineTable::new();
    fill(&mut table, device);
    devices.insert(&device.name, Value::InlineTable(table));
    Some(document.to_string())
}

fn fill(table: &mut dyn TableLike, device: &NewDevice) {
    let mut put = |key: &str, value: Value| {
        table.insert(key, Item::Value(value));
    };
    let mut transport = InlineTable::new();
    let (kind, address) = match &device.transport {
        TransportSpec::Local => ("local", None),
        TransportSpec::Ssh { host } => ("ssh", Some(("host", host))),
        TransportSpec::Adb { serial } => ("adb", Some(("serial", serial))),
    };
    transport.insert("kind", kind.into());
    if let Some((key, text)) = address {
        transport.insert(key, text.into());
    }
    put("transport", transport.into());
    if let Some(board) = &device.board {
        put("board", board.into());
    }
    if !device.tags.is_empty() {
        put("tags", device.tags.iter().collect::<Array>().into());
    }
    if let Some(work_dir) = &device.work_dir {
        put("work_dir", work_dir.into());
    }
    if let Some(cents) = device.price_eur_cents {
        let whole = i64::try_from(cents / 100).ok().filter(|_| cents % 100 == 0);
        put("price_eur", whole.map_or_else(|| Value::from(cents as f64 / 100.0), Value::from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, host: &str) -> NewDevice {
        NewDevice {
            name: name.to_owned(),
            transport: TransportSpec::Ssh { host: host.to_owned() },
            board: None,
            tags: Vec::new(),
            work_dir: None,
            price_eur_cents: None,
        }
    }

    fn lab(text: &str) -> Inputs {
        Inputs::shipped().with(Source::user_as(SourceKind::Devices, "devices.toml", text))
    }

    const LAB: &str = "# my lab\nschema_version = 1\n\n# the bench\n[device.bench]   # first\n\
        transport = { kind = \"local\" } # here\n[device.bench.prepare]\ngovernor = \"performance\"\n\n\
        # the end, with an example:\n# [device.x]\n";

    #[test]
    fn every_byte_that_was_there_stays() {
        let full = NewDevice {
            board: Some("raspberry-pi-5".to_owned()),
            tags: vec!["pi".to_owned(), "arm".to_owned()],
            work_dir: Some("/mnt/fast \"x\"".to_owned()),
            price_eur_cents: Some(9250),
            ..device("pi5-a", "pi5-a")
        };
        let block = "\n[device.pi5-a]\ntransport = { kind = \"ssh\", host = \"pi5-a\" }\nboard = \"raspberry-pi-5\"\n\
                     tags = [\"pi\", \"arm\"]\nwork_dir = '/mnt/fast \"x\"'\nprice_eur = 92.5\n";
        let check = |text: &str, expected: String| {
            assert_eq!(add_device(&lab(text), &full).as_deref(), Ok(expected.as_str()), "{text}");
        };
        check(LAB, format!("{LAB}{block}"));
        check(LAB.trim_end(), format!("{LAB}{block}"));
        let windows = LAB.replace('\n', "\r\n");
        check(&windows, format!("{windows}{}", block.replace('\n', "\r\n")));
        check("schema_version = 1", format!("schema_version = 1\n{block}"));
        check("\u{feff}schema_version = 1\n", format!("\u{feff}schema_version = 1\n{block}"));
    }

    #[test]
    fn a_file_that_is_not_there_is_begun() {
        let text = add_device(&Inputs::shipped(), &device("a", "a")).expect("a fresh name");
        assert_eq!(text, format!("{HEAD}\n[device.a]\ntransport = {{ kind = \"ssh\", host = \"a\" }}\n"));
    }

    #[test]
    fn an_inline_table_of_devices_is_added_to() {
        let text =
            "schema_version = 1 # one\ndevice = { bench = { transport = { kind = \"local\" } } } # all\n";
        let added = add_device(&lab(text), &device("a", "b")).expect("a fresh name");
        assert!(added.starts_with("schema_version = 1 # one\ndevice = { bench = {"), "{added}");
        assert!(added.ends_with(" # all\n") && added.contains("host = \"b\""), "{added}");
    }

    #[test]
    fn a_price_is_written_as_people_write_it() {
        let price = |cents| block(&NewDevice { price_eur_cents: Some(cents), ..device("a", "a") });
        assert!(price(9200).ends_with("price_eur = 92\n"));
        assert!(price(9205).ends_with("price_eur = 92.05\n"));
        assert!(price(u64::MAX).ends_with("price_eur = 184467440737095520.0\n"), "{}", price(u64::MAX));
    }

    #[test]
    fn what_cannot_be_a_device_is_refused() {
        let check = |device: &NewDevice, words: &str| {
            let problems = add_device(&lab(LAB), device).expect_err("it cannot be one").to_string();
            assert!(problems.contains(words), "{problems}");
        };
        check(&device("bench", "x"), "NAME: device `bench` is there already");
        check(&device("local", "x"), "NAME: device `local` is there already");
        for name in ["", "a b", "-a", ".a", "a\"b", "a\nb", "ü", "$(x)"] {
            check(&device(name, "x"), "cannot be the name of a device");
        }
        for host in ["", "-oProxyCommand=x", "a b", "a\tb"] {
            check(&device("fresh", host), "cannot be a host");
        }
    }

    #[test]
    fn a_file_with_problems_is_not_added_to() {
        let problems = add_device(&lab("schema_version = 1\n[device.a]\n"), &device("b", "b"));
        assert!(problems.expect_err("a device without transport").to_string().contains("devices.toml:2"));
    }

    #[test]
    fn names_and_tags_that_look_like_toml_are_quoted() {
        let odd = NewDevice { tags: vec!["a\"]\n[device.evil]".to_owned()], ..device("a.b", "x") };
        let text = add_device(&lab(LAB), &odd).expect("a name with a dot");
        assert!(text.starts_with(LAB) && text.contains("[device.\"a.b\"]"), "{text}");
        let after = pick_devices(&lab(&text), &[]).expect("no problem");
        let names: Vec<&str> = after.keys().map(|id| id.0.as_str()).collect();
        assert_eq!(names, ["a.b", "bench", "local"]);
    }
}

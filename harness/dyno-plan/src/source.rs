//! What people wrote, as text with a name.

use crate::document::place;
use crate::problem::Problem;

include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// Who a file belongs to. A user's entry replaces a shipped one of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Carried in the binary.
    Shipped,
    /// Beside the user's `devices.toml`.
    User,
}

/// What a file is about. Its place says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceKind {
    /// `devices.toml`: where the devices are and how to reach them.
    Devices,
    /// `catalog/suites/*.toml`: what to ask of a device.
    Suites,
    /// `catalog/models/*.toml`: model files and where to have them.
    Models,
    /// `catalog/runtimes/*.toml`: what runs a model.
    Runtimes,
    /// `catalog/slos/*.toml`: limits that figures are held against.
    Slos,
    /// `catalog/boards/*.toml`: what is known of boards.
    Boards,
    /// `catalog/meters/*.toml`: what measures devices from outside.
    Meters,
    /// `catalog/trust.toml`: whose signatures count, and what must be signed.
    Trust,
    /// `prompts/<corpus>/corpus.toml`: licence, digest and slices of a corpus.
    Corpus,
    /// `prompts/<corpus>/*.jsonl`: the prompts, one a line.
    Prompts,
    /// `catalog/traces/*.csv` and `*.jsonl`: when requests came to another service.
    Traces,
}

impl SourceKind {
    /// The kind of the file at `path`, or `None` where it is no file of ours.
    ///
    /// Only the last two parts of the path count: `suites/quick.toml`, `assistant/corpus.toml`.
    pub fn of_path(path: &str) -> Option<Self> {
        let mut parts = path.rsplit(['/', '\\']);
        let file = parts.next()?;
        let folder = parts.next().unwrap_or_default();
        match file.rsplit_once('.')?.1 {
            "csv" | "jsonl" if folder == "traces" => Some(Self::Traces),
            "jsonl" => Some(Self::Prompts),
            "toml" if file == "devices.toml" => Some(Self::Devices),
            "toml" if file == "corpus.toml" => Some(Self::Corpus),
            "toml" if file == "trust.toml" && folder == "catalog" => Some(Self::Trust),
            "toml" => match folder {
                "suites" => Some(Self::Suites),
                "models" => Some(Self::Models),
                "runtimes" => Some(Self::Runtimes),
                "slos" => Some(Self::Slos),
                "boards" => Some(Self::Boards),
                "meters" => Some(Self::Meters),
                _ => None,
            },
            _ => None,
        }
    }
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it is about.
    pub kind: SourceKind,
    /// Whose it is.
    pub tier: Tier,
    /// Its path as people know it; problems are reported under this name.
    pub name: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// A user's file, its kind taken from its path; `None` where the path is no file of ours.
    pub fn user(name: impl Into<String>, text: impl Into<String>) -> Option<Self> {
        let name = name.into();
        let kind = SourceKind::of_path(&name)?;
        Some(Self { kind, tier: Tier::User, name, text: text.into() })
    }

    /// A user's file of a kind that the caller knows.
    pub fn user_as(kind: SourceKind, name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind, tier: Tier::User, name: name.into(), text: text.into() }
    }

    /// The bytes of a file as text.
    ///
    /// # Errors
    /// The place of the first byte that is no UTF-8, with what to do.
    pub fn text_of(name: &str, bytes: Vec<u8>) -> Result<String, Problem> {
        String::from_utf8(bytes).map_err(|error| {
            let end = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..end]);
            let (line, col) = place(&before, end);
            Problem {
                file: name.to_owned(),
                line: Some(line),
                col: Some(col),
                message: format!("byte {:#04x} is not UTF-8", error.as_bytes()[end]),
                hint: Some("save the file as UTF-8".to_owned()),
            }
        })
    }

    /// The folder that it lies in: for prompts, the corpus's.
    pub(crate) fn folder(&self) -> &str {
        self.name.rfind(['/', '\\']).map_or("", |end| &self.name[..end])
    }

    /// Its name without its folder.
    pub(crate) fn file_name(&self) -> &str {
        self.name.rsplit(['/', '\\']).next().unwrap_or(&self.name)
    }
}

/// All that a plan can be made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The files, in any order: what they mean does not depend on it.
    pub sources: Vec<Source>,
}

impl Inputs {
    /// What edgedyno ships with: the device `local`, the catalogue and the corpora.
    pub fn shipped() -> Self {
        let sources = SHIPPED
            .iter()
            .filter_map(|(name, text)| {
                let kind = SourceKind::of_path(name)?;
                let (name, text) = ((*name).to_owned(), (*text).to_owned());
                Some(Source { kind, tier: Tier::Shipped, name, text })
            })
            .collect();
        Self { sources }
    }

    /// The same with one more file.
    #[must_use]
    pub fn with(mut self, source: Source) -> Self {
        self.sources.push(source);
        self
    }

    /// The files of one kind, shipped ones first, then by name.
    pub(crate) fn of_kind(&self, kind: SourceKind) -> Vec<&Source> {
        let mut found: Vec<&Source> = self.sources.iter().filter(|source| source.kind == kind).collect();
        found.sort_by(|a, b| (a.tier, &a.name).cmp(&(b.tier, &b.name)));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_follows_from_the_place() {
        let check = |path: &str, expected| assert_eq!(SourceKind::of_path(path), expected, "{path}");
        check("devices.toml", Some(SourceKind::Devices));
        check("lab/catalog/suites/quick.toml", Some(SourceKind::Suites));
        check(r"lab\catalog\models\m.toml", Some(SourceKind::Models));
        check("catalog/runtimes/r.toml", Some(SourceKind::Runtimes));
        check("catalog/slos/s.toml", Some(SourceKind::Slos));
        check("catalog/boards/b.toml", Some(SourceKind::Boards));
        check("lab/catalog/trust.toml", Some(SourceKind::Trust));
        check("catalog/models/trust.toml", Some(SourceKind::Models));
        check("prompts/mine/corpus.toml", Some(SourceKind::Corpus));
        check("prompts/mine/a.jsonl", Some(SourceKind::Prompts));
        check("catalog/traces/azure.csv", Some(SourceKind::Traces));
        check(r"lab\catalog\traces\m.jsonl", Some(SourceKind::Traces));
        check("catalog/other/x.csv", None);
        check("catalog/other/x.toml", None);
        check("README.md", None);
        check("Makefile", None);
    }

    #[test]
    fn a_byte_that_is_no_utf8_is_told_by_its_place() {
        let text = |bytes: &[u8]| Source::text_of("a.jsonl", bytes.to_vec());
        assert_eq!(text("ü\n".as_bytes()).expect("UTF-8"), "ü\n");
        // The second line: `ü` as UTF-8, then an `é` of Latin-1.
        let problem = text(b"ok\n\xc3\xbcx\xe9\n").expect_err("Latin-1");
        let words = "a.jsonl:2:3: byte 0xe9 is not UTF-8\n  hint: save the file as UTF-8";
        assert_eq!(problem.to_string(), words);
    }

    #[test]
    fn every_shipped_file_has_a_kind() {
        assert_eq!(Inputs::shipped().sources.len(), SHIPPED.len());
    }
}

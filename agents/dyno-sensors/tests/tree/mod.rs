//! A device's tree of files, written out of one text.
//!
//! Lines that begin with `#` before the first file are its head: device, origin, forms. `=== PATH` begins a file; a
//! word behind the path says what it is: `x` may be run, `!` cannot be read, `elf32` and `elf64` are a program's head.
//! In a file, `\0` stands for a NUL.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The files, in a folder that vanishes with it.
pub(crate) struct Tree(tempfile::TempDir);

impl Tree {
    /// That of `fixtures/NAME.tree`.
    pub(crate) fn of_fixture(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/{name}.tree"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(
            text.starts_with("# Device:") && text.contains("# Origin:"),
            "{name} does not say where it is from"
        );
        let tree = Self(tempfile::tempdir().expect("a temporary folder"));
        let (_head, files) = text.split_once("\n=== ").expect("a tree has a file");
        for file in files.split("\n=== ") {
            let (line, text) = file.split_once('\n').unwrap_or((file, ""));
            tree.write(line.trim_end(), text);
        }
        tree
    }

    /// Its top.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, line: &str, text: &str) {
        let (path, kind) = [" x", " !", " elf32", " elf64"]
            .into_iter()
            .find_map(|kind| Some((line.strip_suffix(kind)?, kind.trim())))
            .unwrap_or((line, ""));
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a temporary folder");
        match kind {
            // What root may not read either: a folder in its place.
            "!" => fs::create_dir(&path).expect("a temporary folder"),
            "elf32" => fs::write(&path, b"\x7fELF\x01").expect("a temporary file"),
            "elf64" => fs::write(&path, b"\x7fELF\x02").expect("a temporary file"),
            _ => fs::write(&path, text.replace("\\0", "\0") + "\n").expect("a temporary file"),
        }
        if kind == "x" {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own file");
        }
    }
}

//! The trees of `fixtures/*.tree`, written out; `dyno_sensors::played::lay_out` describes their form.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use dyno_sensors::played::lay_out;

/// The files, in a folder that vanishes with it.
pub(crate) struct Tree(tempfile::TempDir);

impl Tree {
    /// That of `fixtures/NAME.tree`.
    pub(crate) fn of_fixture(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/{name}.tree"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let tree = Self(tempfile::tempdir().expect("a temporary folder"));
        for file in lay_out(&text, tree.path()).unwrap_or_else(|error| panic!("{name}: {error}")) {
            fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("our own file");
        }
        tree
    }

    /// Its top.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

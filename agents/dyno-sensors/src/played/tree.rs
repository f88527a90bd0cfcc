//! A device's tree of files, written out of one text.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Writes the files of a tree below `top`.
///
/// Lines that begin with `#` before the first file are its head: device, origin, forms. `=== PATH` begins a file; a
/// word behind the path says what it is: `x` may be run, `!` cannot be read, `elf32` and `elf64` are a program's head.
/// In a file, `\0` stands for a NUL. Gives the files that may be run: it is for the caller to mark them so.
///
/// # Errors
/// `InvalidData` for a text without a head or files, or a path that leads outside; those of the file system.
pub fn lay_out(text: &str, top: &Path) -> io::Result<Vec<PathBuf>> {
    let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why);
    if !text.starts_with("# Device:") || !text.contains("# Origin:") {
        return Err(invalid("the tree does not say where it is from"));
    }
    let (_head, files) = text.split_once("\n=== ").ok_or_else(|| invalid("the tree has no files"))?;
    let mut may_run = Vec::new();
    for file in files.split("\n=== ") {
        let (line, text) = file.split_once('\n').unwrap_or((file, ""));
        may_run.extend(write(top, line.trim_end(), text)?);
    }
    Ok(may_run)
}

/// Writes one file; gives its path if it may be run.
fn write(top: &Path, line: &str, text: &str) -> io::Result<Option<PathBuf>> {
    let (path, kind) = [" x", " !", " elf32", " elf64"]
        .into_iter()
        .find_map(|kind| Some((line.strip_suffix(kind)?, kind.trim())))
        .unwrap_or((line, ""));
    if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let path = top.join(path);
    fs::create_dir_all(path.parent().unwrap_or(top))?;
    match kind {
        // What root may not read either: a folder in its place.
        "!" => fs::create_dir(&path)?,
        "elf32" => fs::write(&path, b"\x7fELF\x01")?,
        "elf64" => fs::write(&path, b"\x7fELF\x02")?,
        _ => fs::write(&path, text_of(text))?,
    }
    Ok(Some(path).filter(|_| kind == "x"))
}

fn text_of(text: &str) -> String {
    text.replace("\\0", "\0") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_stays_below_its_top_and_says_where_it_is_from() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let write = |text: &str| lay_out(text, dir.path());
        let may_run = write("# Device:  x\n# Origin:  y\n=== a/b\none\ntwo\n=== c !\nclosed\n=== d x\nrun");
        assert_eq!(may_run.expect("three files"), [dir.path().join("d")]);
        assert_eq!(fs::read_to_string(dir.path().join("a/b")).expect("a file"), "one\ntwo\n");
        assert!(dir.path().join("c").is_dir());
        for bad in ["=== a\n1", "# Device:  x\n# Origin:  y\n", "# Device:  x\n# Origin:  y\n=== ../a\n1"] {
            assert_eq!(write(bad).expect_err(bad).kind(), io::ErrorKind::InvalidData, "{bad}");
        }
    }
}

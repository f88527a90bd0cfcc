//! Pages as PDF, by a browser that is on this machine. It gets one file in a folder of its own, and no network.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dyno_model::blame::{Blame, Classify};

/// Names an executable to take in place of those below.
const VARIABLE: &str = "EDGEDYNO_CHROMIUM";
/// Browsers that print a page without a window, in the order in which they are tried.
const PROGRAMS: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
/// A page is printed in about a second; a big one on a slow machine may take much longer.
const LIMIT: Duration = Duration::from_mins(2);
/// How often its end is looked for.
const LOOK: Duration = Duration::from_millis(50);
/// What it says is kept to so many bytes.
const TAIL: usize = 600;
/// How every PDF begins.
const MAGIC: &[u8] = b"%PDF-";

/// A page could not be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PdfError {
    /// There is no browser.
    #[error("no Chromium or Chrome was found in PATH to make a PDF with")]
    NoBrowser,
    /// What the variable names is no program.
    #[error("{VARIABLE} names {}, which is no program", path.display())]
    NotAProgram {
        /// What it names.
        path: PathBuf,
    },
    /// A file of the temporary folder cannot be written or read.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It cannot be started, or its end cannot be seen.
    #[error("cannot run {}", program.display())]
    Start {
        /// The browser.
        program: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It took too long, and was ended.
    #[error("{} did not print the page within {} s", program.display(), limit.as_secs())]
    Late {
        /// The browser.
        program: PathBuf,
        /// How long it had.
        limit: Duration,
    },
    /// It ended without a PDF.
    #[error("{} wrote no PDF ({exit}): {said}", program.display())]
    NoPdf {
        /// The browser.
        program: PathBuf,
        /// How it ended.
        exit: ExitStatus,
        /// The last that it said.
        said: String,
    },
}

impl Classify for PdfError {
    fn blame(&self) -> Blame {
        match self {
            Self::NotAProgram { .. } => Blame::User,
            Self::NoBrowser
            | Self::File { .. }
            | Self::Start { .. }
            | Self::Late { .. }
            | Self::NoPdf { .. } => Blame::Lab,
        }
    }

    fn hints(&self) -> Vec<String> {
        let by_hand = "or write the page with `--format html`, and print it from any browser".to_owned();
        match self {
            Self::NoBrowser => vec![
                format!(
                    "install chromium (Debian: `apt install chromium`), or name one: {VARIABLE}=/path/to/chrome"
                ),
                by_hand,
            ],
            Self::NotAProgram { .. } => {
                vec![format!("set {VARIABLE} to the path of a Chromium or Chrome, or unset it")]
            }
            Self::File { .. } => vec!["check that the folder for temporary files has room".to_owned()],
            Self::Start { .. } | Self::Late { .. } | Self::NoPdf { .. } => {
                vec![format!("try another browser: {VARIABLE}=/path/to/chrome"), by_hand]
            }
        }
    }
}

/// The page as PDF.
///
/// # Errors
/// There is no browser, or it does not print the page in time.
pub(crate) fn of_page(page: &[u8]) -> Result<Vec<u8>, PdfError> {
    let named = std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
    let program = browser(named, std::env::var_os("PATH").as_deref())?;
    printed(&program, page, LIMIT)
}

/// The browser that is named, else the first one in the folders of `path`.
fn browser(named: Option<OsString>, path: Option<&OsStr>) -> Result<PathBuf, PdfError> {
    if let Some(named) = named {
        let named = PathBuf::from(named);
        return if is_program(&named) { Ok(named) } else { Err(PdfError::NotAProgram { path: named }) };
    }
    let folders: Vec<PathBuf> = path.iter().flat_map(std::env::split_paths).collect();
    PROGRAMS
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|program| is_program(program))
        .ok_or(PdfError::NoBrowser)
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|of| of.is_file() && of.mode() & 0o111 != 0)
}

fn printed(program: &Path, page: &[u8], limit: Duration) -> Result<Vec<u8>, PdfError> {
    let folder = tempfile::Builder::new().prefix("edgedyno-pdf-").tempdir();
    let folder = folder.map_err(|source| PdfError::File {
        action: "make a folder in",
        path: std::env::temp_dir(),
        source,
    })?;
    let [html, pdf, said] = ["page.html", "page.pdf", "said"].map(|name| folder.path().join(name));
    fs::write(&html, page).map_err(|source| PdfError::File {
        action: "write",
        path: html.clone(),
        source,
    })?;
    let out = fs::File::create(&said);
    let out = out.map_err(|source| PdfError::File { action: "write", path: said.clone(), source })?;
    let mut command = Command::new(program);
    command
        .args(arguments(folder.path(), &html, &pdf))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(out);
    let start = |source| PdfError::Start { program: program.to_owned(), source };
    let mut child = command.spawn().map_err(start)?;
    let exit = end_of(&mut child, program, limit)?;
    match fs::read(&pdf) {
        // One that fails may leave a part of a page.
        Ok(bytes) if exit.success() && bytes.starts_with(MAGIC) => Ok(bytes),
        _ => Err(PdfError::NoPdf { program: program.to_owned(), exit, said: tail(&said) }),
    }
}

/// Waits for the browser's end; ends it when it takes too long.
fn end_of(child: &mut Child, program: &Path, limit: Duration) -> Result<ExitStatus, PdfError> {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(exit)) => return Ok(exit),
            Ok(None) if began.elapsed() < limit => sleep(LOOK),
            Ok(None) => {
                // Best effort: it is not waited for any longer.
                child.kill().and_then(|()| child.wait()).ok();
                return Err(PdfError::Late { program: program.to_owned(), limit });
            }
            Err(source) => return Err(PdfError::Start { program: program.to_owned(), source }),
        }
    }
}

fn arguments(folder: &Path, html: &Path, pdf: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = [
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-extensions",
        "--disable-sync",
        // The page asks for nothing; should it, no name is found and no address is reached.
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--proxy-server=127.0.0.1:9",
        "--no-pdf-header-footer",
    ]
    .map(OsString::from)
    .into();
    // Its sandbox does not work for root, and the page is our own.
    if fs::metadata(folder).is_ok_and(|of| of.uid() == 0) {
        arguments.push("--no-sandbox".into());
    }
    let with = |flag: &str, path: &Path| {
        let mut argument = OsString::from(flag);
        argument.push(path);
        argument
    };
    arguments.push(with("--user-data-dir=", &folder.join("profile")));
    arguments.push(with("--print-to-pdf=", pdf));
    arguments.push(address(html).into());
    arguments
}

/// The address of a file: what has a meaning of its own in one stands as its bytes.
fn address(path: &Path) -> String {
    use std::fmt::Write as _;
    let mut address = "file://".to_owned();
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            write!(address, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    address
}

/// The last of what it said, on one line.
fn tail(said: &Path) -> String {
    let bytes = fs::read(said).unwrap_or_default();
    let end = &bytes[bytes.len().saturating_sub(TAIL)..];
    let text = String::from_utf8_lossy(end);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() { "it said nothing".to_owned() } else { lines.join("; ") }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A program that does what the shell is told; its last argument but one is where the PDF goes.
    fn program(folder: &Path, name: &str, script: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a temporary file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        path
    }

    /// Finds the file after `--print-to-pdf=`.
    const TARGET: &str =
        r#"for a in "$@"; do case "$a" in --print-to-pdf=*) to="${a#--print-to-pdf=}";; esac; done"#;

    #[test]
    fn the_browser_that_is_named_comes_first_and_then_the_path_in_order() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        fs::create_dir(&one).and_then(|()| fs::create_dir(&two)).expect("temporary folders");
        let chrome = program(&one, "google-chrome", "exit 0");
        let path = || Some(std::env::join_paths([&one, &two]).expect("plain names"));
        assert_eq!(browser(None, path().as_deref()).expect("one is there"), chrome);
        let chromium = program(&two, "chromium", "exit 0");
        assert_eq!(browser(None, path().as_deref()).expect("the better one"), chromium);
        assert_eq!(browser(Some(chrome.clone().into()), path().as_deref()).expect("named"), chrome);
        let missing = dir.path().join("none");
        assert!(matches!(
            browser(Some(missing.into()), path().as_deref()),
            Err(PdfError::NotAProgram { .. })
        ));
        assert!(matches!(browser(None, None), Err(PdfError::NoBrowser)));
        fs::set_permissions(&chromium, fs::Permissions::from_mode(0o644)).expect("it is ours");
        assert_eq!(browser(None, path().as_deref()).expect("what may not be run is none"), chrome);
    }

    #[test]
    fn a_page_is_handed_over_and_the_pdf_comes_back() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let script = format!(
            r#"{TARGET}; last=""; for a in "$@"; do last="$a"; done; printf '%%PDF-' > "$to"; cat "${{last#file://}}" >> "$to""#
        );
        let program = program(dir.path(), "chromium", &script);
        assert_eq!(printed(&program, b"<p/>", LIMIT).expect("a PDF"), b"%PDF-<p/>");
    }

    #[test]
    fn a_browser_that_fails_says_why() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let failing = program(dir.path(), "chromium", "echo 'no display' >&2; exit 3");
        let error = printed(&failing, b"", LIMIT).expect_err("it wrote none");
        assert!(error.to_string().ends_with("wrote no PDF (exit status: 3): no display"), "{error}");
        assert!(error.hints()[0].contains(VARIABLE));
        let lying = program(dir.path(), "chrome", &format!("{TARGET}; echo no > \"$to\""));
        assert!(matches!(printed(&lying, b"", LIMIT), Err(PdfError::NoPdf { .. })));
        let torn = program(dir.path(), "torn", &format!("{TARGET}; printf '%%PDF-1.7' > \"$to\"; exit 1"));
        assert!(matches!(printed(&torn, b"", LIMIT), Err(PdfError::NoPdf { .. })));
    }

    #[test]
    fn a_browser_that_hangs_is_ended() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let hanging = program(dir.path(), "chromium", "exec sleep 600");
        let error = printed(&hanging, b"", Duration::from_millis(100)).expect_err("it hangs");
        assert!(matches!(error, PdfError::Late { .. }), "{error}");
    }

    #[test]
    fn it_gets_a_profile_of_its_own_and_no_network() {
        let words = arguments(Path::new("/f"), Path::new("/f/page.html"), Path::new("/f/page.pdf"));
        let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        for word in [
            "--user-data-dir=/f/profile",
            "--print-to-pdf=/f/page.pdf",
            "--host-resolver-rules=MAP * ~NOTFOUND",
        ] {
            assert!(words.iter().any(|of| of == word), "{words:?}");
        }
        assert_eq!(words.last().map(String::as_str), Some("file:///f/page.html"));
        assert_eq!(address(Path::new("/a b/#1?/é%.html")), "file:///a%20b/%231%3F/%C3%A9%25.html");
    }
}

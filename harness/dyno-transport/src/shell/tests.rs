//! The scripts against the shell of this machine.

use std::io::Read as _;
use std::process::{Command, Stdio};

use super::*;
use crate::process::LocalProcess;

/// The shell of this machine, as a carrier.
struct Here {
    /// Printed before each answer, as a start file would.
    greeting: &'static str,
    /// Breaks the next upload after so many bytes.
    breaks_after: Option<usize>,
}

impl Here {
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("printf %s {}; {line}", quote(self.greeting)));
        command
    }
}

impl Shell for Here {
    fn device(&self) -> &'static str {
        "here"
    }

    fn kind(&self) -> &'static str {
        "shell"
    }

    fn carrier(&self) -> String {
        "sh".to_owned()
    }

    fn run(&mut self, line: &str, _limit: Duration) -> Result<Output, TransportError> {
        let output = self.command(line).stdin(Stdio::null()).output().expect("a shell is here");
        let ended = Ended::Code(output.status.code().expect("not killed"));
        Ok(Output { ended, stdout: output.stdout, stderr: output.stderr })
    }

    fn spawn(&mut self, line: &str, _program: &str) -> Result<Box<dyn RemoteProcess>, TransportError> {
        let process = LocalProcess::start("here", &mut self.command(line), None);
        Ok(Box::new(process.expect("a shell is here")))
    }

    fn can_append(&self) -> bool {
        true
    }

    fn upload(
        &mut self,
        file: &mut File,
        from: u64,
        part: &RemotePath,
        on_bytes: OnBytes<'_>,
    ) -> Result<(), TransportError> {
        let mut to =
            File::options().create(true).append(true).open(part.as_str()).expect("its folder is there");
        assert_eq!(to.metadata().expect("a file").len(), from, "it goes on where it broke off");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("a temporary file");
        if let Some(limit) = self.breaks_after.take() {
            to.write_all(&bytes[..limit]).expect("room");
            let source = io::ErrorKind::ConnectionReset.into();
            return Err(TransportError::Link {
                device: "here".to_owned(),
                doing: "sending".to_owned(),
                source,
            });
        }
        to.write_all(&bytes).expect("room");
        on_bytes(from + bytes.len() as u64);
        Ok(())
    }

    fn download(
        &mut self,
        remote: &RemotePath,
        to: &mut dyn Write,
        on_bytes: OnBytes<'_>,
    ) -> Result<u64, TransportError> {
        let bytes = fs::read(remote.as_str()).expect("it was pushed");
        to.write_all(&bytes).expect("room");
        on_bytes(bytes.len() as u64);
        Ok(bytes.len() as u64)
    }

    fn disconnect(&mut self) {}
}

fn here(dir: &str) -> ShellTransport<Here> {
    ShellTransport::new(Here { greeting: "Welcome to here!\n\n=nonsense", breaks_after: None }, dir)
}

#[test]
fn a_folder_with_any_name_is_made_and_cleaned() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let odd = dir.path().join("it's a \"$(touch oops)\" `folder`");
    let mut transport = here(odd.to_str().expect("UTF-8"));
    transport.prepare().expect("it can be made");
    assert_eq!(transport.work_dir().as_str(), odd.to_str().expect("UTF-8"));
    let platform = transport.platform().expect("a shell is here");
    assert_eq!((platform.os.as_str(), platform.machine.as_str()), ("Linux", std::env::consts::ARCH));
    assert_eq!(platform.bits, Some(usize::BITS));
    fs::create_dir(odd.join("artifacts")).expect("a folder of ours");
    fs::write(odd.join("artifacts/model"), vec![1_u8; 8192]).expect("a temporary file");
    fs::write(odd.join("thesis.txt"), b"not ours").expect("a temporary file");
    assert!(transport.clean().expect("nobody works there") >= 8192);
    let left: Vec<_> = fs::read_dir(&odd).expect("it has a foreign file").flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    fs::remove_file(odd.join("thesis.txt")).expect("it is there");
    assert_eq!(transport.clean().expect("nobody works there"), 0);
    assert!(!odd.exists());
    assert_eq!(transport.clean().expect("there is nothing"), 0);
}

#[test]
fn a_push_goes_on_where_it_broke_off() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let local = dir.path().join("model");
    let content: Vec<u8> = (0..10_000_u32).map(|n| (n % 251) as u8).collect();
    fs::write(&local, &content).expect("a temporary file");
    let mut transport = here(dir.path().join("device").to_str().expect("UTF-8"));
    transport.prepare().expect("it can be made");
    let remote = transport.work_dir().join("artifacts/digest/a model");
    transport.shell().breaks_after = Some(4000);
    let error = transport.push(&local, &remote, &mut |_| {}).expect_err("the link breaks");
    assert!(dyno_model::blame::Classify::is_transient(&error), "{error}");
    assert_eq!(transport.size(&remote).expect("a shell is here"), None, "nothing under the final name");
    let mut told = 0;
    let outcome = transport.push(&local, &remote, &mut |bytes| told = bytes).expect("the link holds");
    assert_eq!((outcome, told), (PushOutcome::Sent { bytes: 6000 }, 10_000));
    assert_eq!(fs::read(remote.as_str()).expect("it is there"), content);
    assert_eq!(transport.push(&local, &remote, &mut |_| {}).expect("it is there"), PushOutcome::AlreadyThere);
    let back = dir.path().join("back");
    assert_eq!(transport.pull(&remote, &back, &mut |_| {}).expect("it is there"), 10_000);
    assert_eq!(fs::read(&back).expect("pulled"), content);
}

#[test]
fn a_program_speaks_after_the_greeting() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut transport = here(dir.path().to_str().expect("UTF-8"));
    transport.prepare().expect("it can be made");
    let command = RemoteCommand::new(&RemotePath::new("cat"));
    let mut process = transport.spawn(&command).expect("cat is here");
    let mut streams = process.streams().expect("a fresh process has its streams");
    streams.stdin.write_all(b"\x00\x01frames\xff").expect("cat reads");
    drop(streams.stdin);
    let mut said = Vec::new();
    streams.stdout.read_to_end(&mut said).expect("cat writes");
    assert_eq!(said, b"\x00\x01frames\xff");
    let mut pwd = RemoteCommand::new(&RemotePath::new("pwd"));
    assert_eq!(
        transport.run(&pwd, QUESTION_LIMIT).expect("pwd is here").stdout,
        format!("{}\n", transport.work_dir()).as_bytes()
    );
    pwd.dir = Some(RemotePath::new("/"));
    assert_eq!(transport.run(&pwd, QUESTION_LIMIT).expect("pwd is here").stdout, b"/\n");
}

#[test]
fn what_cannot_be_is_said_with_its_place() {
    let mut transport = here("/proc/edgedyno");
    let error = transport.prepare().expect_err("nobody may write there");
    let TransportError::File { path, source, .. } = &error else { panic!("{error}") };
    assert_eq!(path, "/proc/edgedyno");
    assert_eq!(source.kind(), io::ErrorKind::NotFound, "{source}");
    let mut silent = ShellTransport::new(NoShellHere, "/tmp");
    let error = silent.prepare().expect_err("there is no shell");
    assert_eq!(
        error.to_string(),
        "the login shell on here runs no commands; it said `This account is currently not available.`"
    );
}

/// An account without a shell, as Debian's nologin words it.
struct NoShellHere;

impl Shell for NoShellHere {
    fn device(&self) -> &'static str {
        "here"
    }

    fn kind(&self) -> &'static str {
        "shell"
    }

    fn carrier(&self) -> String {
        "sh".to_owned()
    }

    fn run(&mut self, _line: &str, _limit: Duration) -> Result<Output, TransportError> {
        let stdout = b"This account is currently not available.\n".to_vec();
        Ok(Output { ended: Ended::Code(1), stdout, stderr: Vec::new() })
    }

    fn spawn(&mut self, _line: &str, program: &str) -> Result<Box<dyn RemoteProcess>, TransportError> {
        let source = io::ErrorKind::NotFound.into();
        Err(TransportError::Start { device: "here".to_owned(), program: program.to_owned(), source })
    }

    fn can_append(&self) -> bool {
        false
    }

    fn upload(
        &mut self,
        _file: &mut File,
        _from: u64,
        _part: &RemotePath,
        _on_bytes: OnBytes<'_>,
    ) -> Result<(), TransportError> {
        unreachable!("nothing is pushed")
    }

    fn download(
        &mut self,
        _remote: &RemotePath,
        _to: &mut dyn Write,
        _on_bytes: OnBytes<'_>,
    ) -> Result<u64, TransportError> {
        unreachable!("nothing is pulled")
    }

    fn disconnect(&mut self) {}
}

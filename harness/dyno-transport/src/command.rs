//! A program to run on a device.

use crate::path::RemotePath;

/// What to run: argv and environment, never a shell string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteCommand {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Variables added to the device's environment.
    pub env: Vec<(String, String)>,
    /// Folder to run in; `None` is the transport's default.
    pub dir: Option<RemotePath>,
}

impl RemoteCommand {
    /// The program at `path`, without arguments.
    pub fn new(path: &RemotePath) -> Self {
        Self { argv: vec![path.as_str().to_owned()], env: Vec::new(), dir: None }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.argv.push(arg.into());
        self
    }

    /// The command as one line for a POSIX shell: each word quoted.
    pub fn to_shell(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        if let Some(dir) = &self.dir {
            words.extend(["cd".to_owned(), quote(dir.as_str()), "&&".to_owned()]);
        }
        if !self.env.is_empty() {
            words.push("env".to_owned());
            words.extend(self.env.iter().map(|(name, value)| quote(&format!("{name}={value}"))));
        }
        words.extend(self.argv.iter().map(|word| quote(word)));
        words.join(" ")
    }

    /// As [`RemoteCommand::to_shell`], but the shell becomes the program instead of waiting for it.
    pub fn to_shell_exec(&self) -> String {
        let mut bare = self.clone();
        let folder = match bare.dir.take() {
            Some(dir) => format!("cd {} && ", quote(dir.as_str())),
            None => String::new(),
        };
        format!("{folder}exec {}", bare.to_shell())
    }
}

/// `word` so that a POSIX shell takes it for exactly one word.
///
/// Words of harmless characters stay as they are; `=` is not one of them, since `A=b` in front of a command is an
/// assignment.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_gives_back_every_word_as_it_was() {
        for word in [
            "",
            "a b",
            "it's",
            "$(touch x)",
            "`id`",
            "a\nb",
            "\"",
            "*",
            "~",
            "-n",
            "ü",
            "a;b",
            "\\",
            "!x",
            "#",
            "A=b",
            "'",
            "''",
            "a'$(b)'\n\"c\"",
        ] {
            let line = format!("printf %s {}", quote(word));
            let output = Command::new("sh").args(["-c", &line]).output().expect("a POSIX shell is here");
            assert_eq!(String::from_utf8_lossy(&output.stdout), word, "{line}");
        }
    }

    #[test]
    fn a_word_that_looks_like_an_assignment_is_a_program() {
        let command = RemoteCommand::new(&RemotePath::new("A=b"));
        let output =
            Command::new("sh").args(["-c", &command.to_shell()]).output().expect("a POSIX shell is here");
        // 127 is the shell's word for "no such program"; an assignment would have ended with 0.
        assert_eq!(output.status.code(), Some(127));
    }

    #[test]
    fn folder_and_environment_come_first() {
        let mut command = RemoteCommand::new(&RemotePath::new("/x/agent")).arg("a b");
        command.env.push(("NAME".to_owned(), "v w".to_owned()));
        command.dir = Some(RemotePath::new("/x y"));
        assert_eq!(command.to_shell(), "cd '/x y' && env 'NAME=v w' /x/agent 'a b'");
    }
}

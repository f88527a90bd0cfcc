//! How a user wants devices to be reached over ssh.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::ssh::ask::{Ask, NoAsk};
use crate::ssh::error::SshError;

/// What carries the bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SshCarrier {
    /// libssh2, and the ssh program for what that cannot do.
    #[default]
    Auto,
    /// libssh2 only.
    Library,
    /// The ssh program only.
    Program,
}

/// How a user wants devices to be reached over ssh.
#[derive(Clone)]
pub struct SshSettings {
    /// Another file than `~/.ssh/config`, as `ssh -F` takes it.
    pub config_file: Option<PathBuf>,
    /// Who is asked for passphrases, passwords and unknown host keys.
    pub ask: Arc<dyn Ask>,
    /// What carries the bytes.
    pub carrier: SshCarrier,
    /// How long looking up a name, connecting and the server's greeting may take each; `ConnectTimeout` wins.
    pub connect_limit: Duration,
    /// After how much silence the server is asked for a sign of life; `ServerAliveInterval` wins.
    pub alive_interval: Duration,
    /// How many such questions in a row may go unanswered; `ServerAliveCountMax` wins.
    pub alive_tries: u32,
}

impl Default for SshSettings {
    /// Nobody is asked; 15 s to connect; a link that is silent for a minute is broken.
    fn default() -> Self {
        Self {
            config_file: None,
            ask: Arc::new(NoAsk),
            carrier: SshCarrier::Auto,
            connect_limit: Duration::from_secs(15),
            alive_interval: Duration::from_secs(15),
            alive_tries: 3,
        }
    }
}

impl SshSettings {
    /// With what the environment says: `EDGEDYNO_SSH_CONFIG` names the configuration file, and `EDGEDYNO_SSH` the
    /// carrier (`library` or `program`).
    ///
    /// # Errors
    /// [`SshError::Setting`] for another word in `EDGEDYNO_SSH`.
    pub fn from_env(ask: Arc<dyn Ask>) -> Result<Self, SshError> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let carrier = match set("EDGEDYNO_SSH") {
            None => SshCarrier::Auto,
            Some(value) if value == "library" => SshCarrier::Library,
            Some(value) if value == "program" => SshCarrier::Program,
            Some(value) => return Err(SshError::Setting { value: value.to_string_lossy().into_owned() }),
        };
        let config_file = set("EDGEDYNO_SSH_CONFIG").map(PathBuf::from);
        Ok(Self { config_file, ask, carrier, ..Self::default() })
    }

    /// The arguments that make the ssh program read the same file.
    pub(super) fn config_arguments(&self) -> Vec<String> {
        match &self.config_file {
            Some(file) => vec!["-F".to_owned(), file.to_string_lossy().into_owned()],
            None => Vec::new(),
        }
    }
}

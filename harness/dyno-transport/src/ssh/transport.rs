//! A device over ssh.

use crate::shell::{ShellTransport, transport_through_shell};
use crate::ssh::settings::SshSettings;
use crate::ssh::shell::SshShell;

/// Where edgedyno works unless the user says otherwise.
const WORK_DIR: &str = "~/.cache/edgedyno";

/// A device that runs an SSH server.
pub struct SshTransport(ShellTransport<SshShell>);

impl SshTransport {
    /// The device `name` at `host`, which is what one would write after `ssh`: an alias of the user's configuration,
    /// a name or an address. Nothing is reached yet.
    ///
    /// Without `work_dir` it is `~/.cache/edgedyno` there; `~/` is the home folder of the user there.
    pub fn new(name: &str, host: &str, work_dir: Option<&str>, settings: SshSettings) -> Self {
        let shell = SshShell::new(name, host, settings);
        Self(ShellTransport::new(shell, work_dir.unwrap_or(WORK_DIR)))
    }
}

transport_through_shell!(SshTransport);

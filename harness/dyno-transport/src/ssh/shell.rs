//! The choice of a carrier for one host.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use crate::error::TransportError;
use crate::path::RemotePath;
use crate::shell::{PushSteps, Shell};
use crate::ssh::config::HostConfig;
use crate::ssh::connect::{Failure, Target};
use crate::ssh::error::SshError;
use crate::ssh::library::Library;
use crate::ssh::program::SshProgram;
use crate::ssh::settings::{SshCarrier, SshSettings};
use crate::transport::{OnBytes, Output, RemoteProcess};

/// One host, reached by whichever carrier can.
pub(super) struct SshShell {
    device: String,
    host: String,
    settings: SshSettings,
    /// Known after the first call.
    carrier: Option<Carrier>,
}

enum Carrier {
    Library(Library),
    Program {
        program: Box<SshProgram>,
        /// Why it is not the library.
        why: String,
    },
}

impl SshShell {
    pub(super) fn new(device: &str, host: &str, settings: SshSettings) -> Self {
        Self { device: device.to_owned(), host: host.to_owned(), settings, carrier: None }
    }

    /// Connects unless that is done; chooses the carrier the first time.
    fn carrier(&mut self) -> Result<&mut Carrier, SshError> {
        let carrier = match self.carrier.take() {
            Some(carrier) => carrier,
            None => self.choose()?,
        };
        let carrier = self.carrier.insert(carrier);
        match carrier {
            Carrier::Library(library) => {
                if let Err(failure) = library.connect() {
                    let other = other_way(&self.device, &self.host, &self.settings, failure)?;
                    *carrier = other;
                }
            }
            Carrier::Program { program, .. } => program.connect()?,
        }
        Ok(carrier)
    }

    fn choose(&self) -> Result<Carrier, SshError> {
        let config = HostConfig::resolve(&self.host, self.settings.config_file.as_deref())?;
        let why = if self.settings.carrier == SshCarrier::Program {
            Some("EDGEDYNO_SSH")
        } else if config.beyond.proxy_command {
            Some("ProxyCommand")
        } else if config.beyond.pkcs11 {
            Some("PKCS11Provider")
        } else {
            None
        };
        if let Some(why) = why {
            return self.program(config, why);
        }
        let target = Target { config, settings: self.settings.clone() };
        Ok(Carrier::Library(Library::new(&self.device, target)))
    }

    fn program(&self, config: HostConfig, why: &str) -> Result<Carrier, SshError> {
        if self.settings.carrier == SshCarrier::Library {
            let words = format!("{why} needs the ssh program, and EDGEDYNO_SSH rules it out");
            return Err(SshError::Config { host: self.host.clone(), said: words });
        }
        let program = SshProgram::new(&self.device, config, self.settings.clone());
        Ok(Carrier::Program { program: Box::new(program), why: why.to_owned() })
    }
}

/// The ssh program in place of the library, if it can reach what the library could not.
fn other_way(
    device: &str,
    host: &str,
    settings: &SshSettings,
    failure: Failure,
) -> Result<Carrier, SshError> {
    let Some(why) = failure.beyond.filter(|_| settings.carrier == SshCarrier::Auto) else {
        return Err(*failure.error);
    };
    let config = HostConfig::resolve(host, settings.config_file.as_deref())?;
    let mut program = SshProgram::new(device, config, settings.clone());
    match program.connect() {
        Ok(()) => Ok(Carrier::Program { program: Box::new(program), why: why.to_owned() }),
        // What the library found says more than that the other way is closed, too.
        Err(_) => Err(*failure.error),
    }
}

impl Shell for SshShell {
    fn device(&self) -> &str {
        &self.device
    }

    fn kind(&self) -> &'static str {
        "ssh"
    }

    fn carrier(&self) -> String {
        match &self.carrier {
            None => "ssh".to_owned(),
            Some(Carrier::Library(_)) => "libssh2".to_owned(),
            Some(Carrier::Program { why, .. }) => format!("the ssh program ({why})"),
        }
    }

    fn run(&mut self, line: &str, limit: Duration) -> Result<Output, TransportError> {
        match self.carrier()? {
            Carrier::Library(library) => library.run(line, limit),
            Carrier::Program { program, .. } => program.run(line, limit),
        }
    }

    fn spawn(&mut self, line: &str, program: &str) -> Result<Box<dyn RemoteProcess>, TransportError> {
        match self.carrier()? {
            Carrier::Library(library) => library.spawn(line, program),
            Carrier::Program { program: ssh, .. } => ssh.spawn(line, program),
        }
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
        match self.carrier()? {
            Carrier::Library(library) => library.upload(file, from, part, on_bytes),
            Carrier::Program { program, .. } => program.upload(file, from, part, on_bytes),
        }
    }

    fn push_in_one(
        &mut self,
        file: &mut File,
        steps: &mut PushSteps<'_>,
        on_bytes: OnBytes<'_>,
    ) -> Option<Result<Output, TransportError>> {
        match self.carrier() {
            Ok(Carrier::Library(library)) => Some(library.push_in_one(file, steps, on_bytes)),
            Ok(Carrier::Program { .. }) => None,
            Err(error) => Some(Err(error.into())),
        }
    }

    fn download(
        &mut self,
        remote: &RemotePath,
        to: &mut dyn Write,
        on_bytes: OnBytes<'_>,
    ) -> Result<u64, TransportError> {
        match self.carrier()? {
            Carrier::Library(library) => library.download(remote, to, on_bytes),
            Carrier::Program { program, .. } => program.download(remote, to, on_bytes),
        }
    }

    fn disconnect(&mut self) {
        match &mut self.carrier {
            None => {}
            Some(Carrier::Library(library)) => library.disconnect(),
            Some(Carrier::Program { program, .. }) => program.disconnect(),
        }
    }
}

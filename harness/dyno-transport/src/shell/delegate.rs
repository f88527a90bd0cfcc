//! Public transports around a [`ShellTransport`](super::ShellTransport), whose carrier stays private.

/// Makes a [`Transport`](crate::transport::Transport) of a tuple struct with a `ShellTransport` in it.
///
/// Every method is passed on, those with a default too.
macro_rules! transport_through_shell {
    ($name:ident) => {
        const _: () = {
            use std::path::Path;
            use std::time::Duration;

            use crate::command::RemoteCommand;
            use crate::error::TransportError;
            use crate::path::RemotePath;
            use crate::transport::{OnBytes, Output, Platform, PushOutcome, RemoteProcess, Transport};

            impl Transport for $name {
                fn kind(&self) -> &'static str {
                    self.0.kind()
                }

                fn carrier(&self) -> String {
                    self.0.carrier()
                }

                fn is_remote(&self) -> bool {
                    self.0.is_remote()
                }

                fn work_dir(&self) -> &RemotePath {
                    self.0.work_dir()
                }

                fn prepare(&mut self) -> Result<(), TransportError> {
                    self.0.prepare()
                }

                fn platform(&mut self) -> Result<Platform, TransportError> {
                    self.0.platform()
                }

                fn size(&mut self, remote: &RemotePath) -> Result<Option<u64>, TransportError> {
                    self.0.size(remote)
                }

                fn run(
                    &mut self,
                    command: &RemoteCommand,
                    limit: Duration,
                ) -> Result<Output, TransportError> {
                    self.0.run(command, limit)
                }

                fn push(
                    &mut self,
                    local: &Path,
                    remote: &RemotePath,
                    on_bytes: OnBytes<'_>,
                ) -> Result<PushOutcome, TransportError> {
                    self.0.push(local, remote, on_bytes)
                }

                fn pull(
                    &mut self,
                    remote: &RemotePath,
                    local: &Path,
                    on_bytes: OnBytes<'_>,
                ) -> Result<u64, TransportError> {
                    self.0.pull(remote, local, on_bytes)
                }

                fn spawn(
                    &mut self,
                    command: &RemoteCommand,
                ) -> Result<Box<dyn RemoteProcess>, TransportError> {
                    self.0.spawn(command)
                }

                fn remove(&mut self, remote: &RemotePath) -> Result<(), TransportError> {
                    self.0.remove(remote)
                }

                fn clean(&mut self) -> Result<u64, TransportError> {
                    self.0.clean()
                }

                fn disconnect(&mut self) {
                    self.0.disconnect();
                }
            }
        };
    };
}

pub(crate) use transport_through_shell;

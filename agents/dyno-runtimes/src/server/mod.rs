//! Servers of language models: started on this device, or running already.
//!
//! [`launch`] starts one from its spec, which is data: a new server that speaks a known dialect needs no code.
//! [`attach`] asks one that somebody else started. Both are asked through [`crate::dialect`].

mod attach;
mod launch;
mod names;
mod program;
mod settings;

use std::sync::Arc;

use dyno_model::launch::LaunchSpec;

use crate::adapter::{Carry, RuntimeAdapter};
use crate::dialect::{Api, Driver, Server};
use crate::error::RuntimeError;
use crate::http::{ApiKey, Connections, Limits};
use crate::interrupt::Interrupt;

/// The adapter of a launch over HTTP.
///
/// # Errors
/// A spec that names neither a server nor an endpoint, or one that cannot be used.
pub(crate) fn adapter(
    spec: &LaunchSpec,
    key: Option<&str>,
    interrupt: Arc<Interrupt>,
) -> Result<Box<dyn RuntimeAdapter>, RuntimeError> {
    let nothing = || RuntimeError::NoServer { runtime: spec.runtime.clone() };
    let api = Api::of(spec.dialect).ok_or_else(nothing)?;
    let key = key.map(ApiKey::new).transpose()?;
    match (&spec.endpoint, &spec.server) {
        (Some(_), _) => Ok(Box::new(attach::AttachAdapter::new(spec, api, key, interrupt)?)),
        (None, Some(server)) => Ok(Box::new(launch::ServerAdapter::new(spec, server, api, interrupt)?)),
        (None, None) => Err(nothing()),
    }
}

/// A server that is ready, and how many connections are made before the first request.
#[derive(Debug, Clone)]
struct Reached {
    server: Server,
    connect_ahead: usize,
}

impl Reached {
    fn carrier(&self, interrupt: &Arc<Interrupt>) -> Result<Box<dyn Carry>, RuntimeError> {
        let mut driver = Driver::new(self.server.clone(), Some(Arc::clone(interrupt)))?;
        driver.connect_ahead(self.connect_ahead)?;
        Ok(Box::new(driver))
    }
}

/// Connections for questions beside the measurement: none is left open, for some servers serve one at a time.
fn aside(addresses: &[std::net::SocketAddr]) -> Connections {
    Connections {
        addresses: addresses.to_vec(),
        reuse: crate::http::Reuse::Fresh,
        limits: Limits { connect_ms: 2_000, ..Limits::default() },
    }
}

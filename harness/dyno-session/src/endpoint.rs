//! Servers that run already: their keys, and the way to those that want TLS.

use std::collections::BTreeMap;

use dyno_model::ids::DeviceId;
use dyno_model::launch::EndpointSpec;
use dyno_model::plan::{Plan, TransportSpec};
use dyno_protocol::message::{RunOrder, Secret};
use dyno_transport::tls::{TlsError, TlsRelay, Trust};

use crate::error::SessionError;

/// Where HTTP over TLS is, unless the address says so (RFC 9110, 4.2.2).
const TLS_PORT: u16 = 443;

/// Gives a variable of the environment.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What a device's launches need to ask servers that run already, by runtime; relays end with it.
#[derive(Debug, Default)]
pub(crate) struct Endpoints(BTreeMap<String, Reached>);

#[derive(Debug)]
struct Reached {
    key: Option<Secret>,
    relay: Option<Relayed>,
}

/// An address that is reached through a relay.
#[derive(Debug)]
struct Relayed {
    relay: TlsRelay,
    /// What `Host` is to say.
    host: String,
    /// The path of the address.
    path: String,
}

impl Endpoints {
    /// Reads the keys that the endpoints of `device` want, and starts a relay for each that wants TLS.
    ///
    /// # Errors
    /// A variable that the plan names and that is not set, or a relay that cannot be started.
    pub(crate) fn open(plan: &Plan, device: &DeviceId, lookup: Lookup<'_>) -> Result<Self, SessionError> {
        let mut endpoints = BTreeMap::new();
        for cell in plan.cells.iter().filter(|cell| cell.device == *device) {
            let Some(spec) = plan.runtimes.get(&cell.runtime).and_then(|one| one.endpoint.as_ref()) else {
                continue;
            };
            if endpoints.contains_key(&cell.runtime) {
                continue;
            }
            let is_here =
                plan.devices.get(device).is_some_and(|device| device.transport == TransportSpec::Local);
            let relay = if is_here { relayed(spec)? } else { None };
            endpoints.insert(cell.runtime.clone(), Reached { key: key(spec, lookup)?, relay });
        }
        Ok(Self(endpoints))
    }

    /// Completes an order whose runtime is an endpoint: its key, and the relay in place of its address.
    pub(crate) fn apply(&self, order: &mut RunOrder) {
        let Some(reached) = self.0.get(&order.launch_spec.runtime) else { return };
        order.api_key.clone_from(&reached.key);
        if let (Some(to), Some(spec)) = (&reached.relay, &mut order.launch_spec.endpoint) {
            spec.url = format!("http://{}{}", to.relay.address(), to.path);
            spec.host = Some(to.host.clone());
        }
    }
}

fn key(spec: &EndpointSpec, lookup: Lookup<'_>) -> Result<Option<Secret>, SessionError> {
    let is_set = |key: &String| !key.trim().is_empty();
    let of = |variable: &str| lookup(variable).filter(is_set).map(|key| Secret::new(key.trim().to_owned()));
    match &spec.key_variable {
        None => Ok(of(EndpointSpec::KEY_VARIABLE)),
        Some(variable) => {
            of(variable).map(Some).ok_or_else(|| SessionError::NoKey { variable: variable.clone() })
        }
    }
}

fn relayed(spec: &EndpointSpec) -> Result<Option<Relayed>, SessionError> {
    let Some(rest) = spec.url.strip_prefix("https://") else { return Ok(None) };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.rsplit_once(':') {
        // The last colon of an address of IPv6 without a port is its own.
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (authority, Some(TLS_PORT)),
    };
    let failed = |source| SessionError::Tls { url: spec.url.clone(), source };
    let port = port.ok_or_else(|| failed(TlsError::Name { host: authority.to_owned() }))?;
    let relay = TlsRelay::start(host.trim_matches(['[', ']']), port, &Trust::System).map_err(failed)?;
    Ok(Some(Relayed { relay, host: authority.to_owned(), path: path.trim_end_matches('/').to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(url: &str, key_variable: Option<&str>) -> EndpointSpec {
        let key_variable = key_variable.map(str::to_owned);
        EndpointSpec { url: url.to_owned(), model: "m".to_owned(), key_variable, host: None }
    }

    #[test]
    fn a_key_comes_from_its_own_variable_and_from_no_other() {
        let lookup = |name: &str| match name {
            "EDGEDYNO_API_KEY" => Some(" sk-ours\n".to_owned()),
            "OPENAI_API_KEY" => Some("sk-theirs".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let of = |variable| key(&spec("http://h", variable), &lookup);
        let exposed = |variable| of(variable).expect("it is set").map(|key| key.expose().to_owned());
        assert_eq!(exposed(None).as_deref(), Some("sk-ours"));
        assert_eq!(exposed(Some("OPENAI_API_KEY")).as_deref(), Some("sk-theirs"));
        for missing in ["EMPTY", "OTHER"] {
            let error = of(Some(missing)).expect_err("it is not set").to_string();
            assert_eq!(
                error,
                format!("the endpoint's key is to be in the variable {missing}, which is not set")
            );
        }
        assert_eq!(key(&spec("http://h", None), &|_| None).expect("no key is no error"), None);
        assert!(!format!("{:?}", of(None)).contains("sk-"));
    }

    #[test]
    fn an_address_with_tls_leads_to_a_relay_that_asks_by_its_name() {
        let of = |url: &str| relayed(&spec(url, None)).expect("a relay");
        assert!(of("http://127.0.0.1:1/v1").is_none());
        let to = of("https://api.example.org/v1/").expect("TLS");
        assert_eq!((to.host.as_str(), to.path.as_str()), ("api.example.org", "/v1"));
        assert!(to.relay.address().ip().is_loopback());
        let to = of("https://[::1]:8443").expect("TLS");
        assert_eq!((to.host.as_str(), to.path.as_str()), ("[::1]:8443", ""));
        let to = of("https://[::1]/v1").expect("TLS");
        assert_eq!((to.host.as_str(), to.path.as_str()), ("[::1]", "/v1"));
    }
}

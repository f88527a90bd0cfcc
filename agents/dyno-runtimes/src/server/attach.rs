//! A server that runs already, started by somebody else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dyno_model::clock::{Clock, MonoNs, monotonic_now};
use dyno_model::launch::{EndpointSpec, LaunchSpec, RuntimeFacts};
use dyno_model::outcome::Outcome;
use serde_json::json;

use super::names::{self, Listed};
use super::settings::HttpSettings;
use super::{Reached, aside};
use crate::adapter::{Carry, ExitReport, LaunchStep, RuntimeAdapter};
use crate::dialect::{Api, PromptCache, Server};
use crate::error::RuntimeError;
use crate::http::{ApiKey, Connections, Endpoint, Exchanges, Limits, Outgoing, Reply};
use crate::interrupt::Interrupt;
use crate::process::left_until;

/// The system's resolver may take so long.
const RESOLVE_LIMIT: Duration = Duration::from_secs(10);
/// One question may take so long.
const ASK_LIMIT_MS: u64 = 10_000;
/// A list of models is no longer.
const MAX_LIST_BYTES: u64 = 16 << 20;
/// A server that still loads is asked again after this.
const AGAIN: Duration = Duration::from_millis(200);

/// Asks a server that runs already.
pub(super) struct AttachAdapter {
    api: Api,
    spec: EndpointSpec,
    endpoint: Endpoint,
    key: Option<ApiKey>,
    settings: HttpSettings,
    interrupt: Arc<Interrupt>,
    reached: Option<Reached>,
}

/// What a server said before it was measured.
#[derive(Debug, Default)]
struct Said {
    listed: Option<Listed>,
    version: Option<String>,
    slots: Option<u32>,
}

impl AttachAdapter {
    pub(super) fn new(
        spec: &LaunchSpec,
        api: Api,
        key: Option<ApiKey>,
        interrupt: Arc<Interrupt>,
    ) -> Result<Self, RuntimeError> {
        let nothing = || RuntimeError::NoServer { runtime: spec.runtime.clone() };
        let endpoint_spec = spec.endpoint.clone().ok_or_else(nothing)?;
        let endpoint = Endpoint::parse(&endpoint_spec.url)?.asked_as(endpoint_spec.host.as_deref())?;
        let settings = HttpSettings::read(spec, &endpoint_spec.model)?;
        Ok(Self { api, spec: endpoint_spec, endpoint, key, settings, interrupt, reached: None })
    }

    fn server(&self, addresses: Vec<SocketAddr>, is_llama_server: bool) -> Server {
        let mut ask = self.settings.ask.clone();
        if is_llama_server {
            if !self.settings.says_prompt_cache {
                ask.prompt_cache = PromptCache::Off;
            }
            // Its own defaults cut the distribution further than a request asks for.
            for (field, all) in [("top_k", json!(0)), ("min_p", json!(0.0))] {
                ask.extra.entry(field).or_insert(all);
            }
        }
        Server {
            endpoint: self.endpoint.clone(),
            api: self.api,
            ask,
            key: self.key.clone(),
            connections: Connections { addresses, reuse: self.settings.reuse, limits: Limits::default() },
        }
    }

    fn refused(&self, detail: &str) -> RuntimeError {
        let detail = match &self.key {
            Some(key) => key.hide_in(detail),
            None => detail.to_owned(),
        };
        RuntimeError::Launch { outcome: Outcome::Refused { detail } }
    }
}

impl RuntimeAdapter for AttachAdapter {
    fn facts(&mut self) -> Result<RuntimeFacts, RuntimeError> {
        Ok(RuntimeFacts { name: self.endpoint.authority(), ..RuntimeFacts::default() })
    }

    fn start(&mut self, spec: &LaunchSpec, on_step: &mut dyn FnMut(LaunchStep)) -> Result<(), RuntimeError> {
        let limit = Duration::from_millis(spec.ready_limit_ms).min(RESOLVE_LIMIT);
        let addresses = self.endpoint.resolve(limit)?;
        let asking = Exchanges::new(aside(&addresses), Some(Arc::clone(&self.interrupt)))?;
        let due = monotonic_now().plus(spec.ready_limit_ms.saturating_mul(1_000_000));
        let mut questions = Questions { adapter: self, asking, due, limit_ms: spec.ready_limit_ms };
        let said = questions.ask()?;
        let at = monotonic_now();
        // An address that answered stands first.
        let is_llama_server =
            self.api == Api::LlamaServer || said.listed.as_ref().is_some_and(|listed| listed.is_llama_server);
        let slots = said.slots.map(|n| format!(", {n} slots")).unwrap_or_default();
        let facts = RuntimeFacts {
            name: if is_llama_server { "llama-server".to_owned() } else { self.endpoint.authority() },
            version: said.version.unwrap_or_else(|| "not said".to_owned()),
            backend: format!("{}{slots}", self.api.label()),
            ..RuntimeFacts::default()
        };
        let server = self.server(addresses, is_llama_server);
        self.reached = Some(Reached { server, connect_ahead: self.settings.connect_ahead() });
        on_step(LaunchStep::Ready { at, facts: Box::new(facts) });
        Ok(())
    }

    fn carrier(&self) -> Result<Box<dyn Carry>, RuntimeError> {
        self.reached.as_ref().ok_or(RuntimeError::NotStarted)?.carrier(&self.interrupt)
    }

    fn is_running(&mut self) -> bool {
        self.reached.is_some()
    }

    fn stop(&mut self) -> Result<ExitReport, RuntimeError> {
        self.reached = None;
        Ok(ExitReport { outcome: Outcome::Ok, exit: None, cpu_ns: None, peak_rss_bytes: None })
    }

    fn clock(&self) -> Clock {
        Clock::Monotonic
    }
}

/// What is asked before the first request.
struct Questions<'a> {
    adapter: &'a AttachAdapter,
    asking: Exchanges,
    due: MonoNs,
    limit_ms: u64,
}

impl Questions<'_> {
    fn ask(&mut self) -> Result<Said, RuntimeError> {
        let endpoint = &self.adapter.endpoint;
        let root = Endpoint { prefix: String::new(), ..endpoint.clone() };
        match self.adapter.api {
            Api::OpenAiChat | Api::OpenAiCompletions => {
                let listed = self.listed(endpoint, "/models", names::openai)?;
                let is_llama_server = listed.as_ref().is_some_and(|listed| listed.is_llama_server);
                let (version, slots) = if is_llama_server { self.props(&root)? } else { (None, None) };
                Ok(Said { listed, version, slots })
            }
            Api::LlamaServer => {
                let at = Endpoint { prefix: format!("{}/v1", endpoint.prefix), ..endpoint.clone() };
                let listed = self.listed(&at, "/models", names::openai)?;
                let (version, slots) = self.props(endpoint)?;
                Ok(Said { listed, version, slots })
            }
            Api::OllamaGenerate | Api::OllamaChat => {
                let listed = self.listed(endpoint, "/api/tags", names::ollama)?;
                let reply = self.get(endpoint, "/api/version")?;
                Ok(Said { listed, version: names::ollama_version(&reply.body), slots: None })
            }
        }
    }

    fn props(&mut self, at: &Endpoint) -> Result<(Option<String>, Option<u32>), RuntimeError> {
        Ok(names::props(&self.get(at, "/props")?.body))
    }

    /// The server's models; `None` where it has no list. A model that is not in it is refused here, once, and not by
    /// each request.
    fn listed(
        &mut self,
        at: &Endpoint,
        path: &str,
        read: fn(&[u8]) -> Option<Listed>,
    ) -> Result<Option<Listed>, RuntimeError> {
        let reply = self.get(at, path)?;
        let adapter = self.adapter;
        let place = format!("{}{}{path}", at.authority(), at.prefix);
        match reply.head.status {
            200..300 => {}
            401 | 403 => {
                return Err(adapter.refused(&format!(
                    "{place} answers HTTP {}: {}",
                    reply.head.status,
                    adapter.key_words()
                )));
            }
            // Not every server of the API has a list; one at another path has none of the API.
            404 if at.prefix.is_empty() && self.get(at, "/v1/models")?.head.status == 200 => {
                return Err(adapter
                    .refused(&format!("{place} is not there, but /v1/models is: the address lacks /v1")));
            }
            404 | 405 | 501 => return Ok(None),
            status => {
                let words: String = String::from_utf8_lossy(&reply.body).chars().take(300).collect();
                return Err(adapter.refused(&format!("{place} answers HTTP {status}: {}", words.trim())));
            }
        }
        let Some(listed) = read(&reply.body) else {
            let kind = if reply.head.content_type.is_empty() { "no type" } else { &reply.head.content_type };
            return Err(
                adapter.refused(&format!("{place} is no list of models, but {kind}: is it another server?"))
            );
        };
        let model = &adapter.spec.model;
        if listed.has(model) {
            return Ok(Some(listed));
        }
        Err(adapter.refused(&format!("the server has no model `{model}`; it has {}", listed.words())))
    }

    /// One answer; a server that still loads is asked again.
    fn get(&mut self, at: &Endpoint, path: &str) -> Result<Reply, RuntimeError> {
        loop {
            let left_ms = u64::try_from(left_until(self.due).as_millis()).unwrap_or(u64::MAX);
            let outgoing = Outgoing {
                bytes: at.request(path, self.adapter.key.as_ref(), None),
                due: None,
                limit_ms: left_ms.clamp(1, ASK_LIMIT_MS),
                max_body_bytes: MAX_LIST_BYTES,
            };
            let reply = self.asking.fetch(outgoing).map_err(RuntimeError::from)?;
            // What a server says that still loads, or that is restarted behind its proxy.
            let is_loading = matches!(reply.head.status, 429 | 502 | 503 | 504);
            if !is_loading {
                return Ok(reply);
            }
            if self.adapter.interrupt.wait(Some(AGAIN)) {
                return Err(RuntimeError::Launch { outcome: Outcome::Cancelled });
            }
            if monotonic_now() >= self.due {
                return Err(RuntimeError::Launch { outcome: Outcome::Timeout { limit_ms: self.limit_ms } });
            }
        }
    }
}

impl AttachAdapter {
    /// What to do about a key, in words.
    fn key_words(&self) -> String {
        let variable = self.spec.key_variable.as_deref().unwrap_or(EndpointSpec::KEY_VARIABLE);
        match self.key {
            None => format!("it wants a key; set the variable {variable} where edgedyno runs"),
            Some(_) => format!("the key of the variable {variable} is not taken"),
        }
    }
}

//! A server that runs already, in the place of a runtime and a model of the catalogue.

use std::collections::BTreeMap;

use dyno_model::ids::DeviceId;
use dyno_model::launch::{Dialect, EndpointSpec};
use dyno_model::plan::{ModelOrigin, PlannedDevice, PlannedModel, PlannedRuntime, TransportSpec};

use crate::api::api_name;
use crate::ask::{Ask, EndpointAsk};
use crate::devices::is_name;
use crate::problem::{Problem, Problems};

/// Its name among runtimes.
pub(crate) const RUNTIME: &str = "endpoint";
/// A server that still loads is waited for so long.
const READY_LIMIT_MS: u64 = 60_000;
/// Nobody here knows the server's context length. Unless it is said, room for the answer and as much for the prompt,
/// and this at least, is what the plan goes by.
const LEAST_CONTEXT_TOKENS: u32 = 4096;
/// Longer addresses are none.
const MAX_URL_BYTES: usize = 2048;

/// The endpoint as a runtime, by its name.
pub(crate) fn runtime(asked: &EndpointAsk) -> (String, PlannedRuntime) {
    let place = asked.url.split_once("://").map_or(asked.url.as_str(), |(_, place)| place);
    let runtime = PlannedRuntime {
        title: format!("{} ({})", place.trim_end_matches('/'), api_name(asked.api)),
        dialect: asked.api,
        settings: BTreeMap::new(),
        ready_limit_ms: READY_LIMIT_MS,
        server: None,
        endpoint: Some(EndpointSpec {
            url: asked.url.trim_end_matches('/').to_owned(),
            model: asked.model.clone(),
            key_variable: asked.key_variable.clone(),
            host: None,
        }),
    };
    (RUNTIME.to_owned(), runtime)
}

/// The endpoint's model, by a name that can be a folder, too.
pub(crate) fn model(asked: &EndpointAsk, max_tokens: u32) -> (String, PlannedModel) {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let name: String = asked.model.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    let name = name.trim_start_matches(['-', '.']);
    let model = PlannedModel {
        title: asked.model.clone(),
        license: "not said".to_owned(),
        origin: ModelOrigin::None,
        context_tokens: max_tokens.saturating_mul(2).max(LEAST_CONTEXT_TOKENS),
        provenance: dyno_model::trust::ModelProvenance::default(),
    };
    (if name.is_empty() { "model".to_owned() } else { name.to_owned() }, model)
}

/// Reports what makes no sense of an ask with an endpoint.
pub(crate) fn check(ask: &Ask, ignore_eos: bool, problems: &mut Problems) {
    let Some(asked) = &ask.endpoint else { return };
    let mut report = |flag: &str, message: String, hint: &str| {
        problems.push(Problem::of_flag(flag, message, Some(hint.to_owned())));
    };
    if let Err(what) = is_tls(&asked.url) {
        let url: String = asked.url.chars().take(200).filter(|c| !c.is_control()).collect();
        report(
            "--endpoint",
            format!("`{url}` is no address of a server: {what}"),
            "write it like http://127.0.0.1:8080/v1",
        );
    }
    if asked.model.trim().is_empty() || asked.model.contains(char::is_control) {
        report("--model", "the endpoint's model has no name".to_owned(), "name it as the server does");
    }
    if let Some(variable) = asked.key_variable.as_deref().filter(|name| !is_variable(name)) {
        let message = format!("`{variable}` is no name of a variable");
        report("--key-variable", message, "give the name of the variable, never the key itself");
    }
    if !asked.api.is_http() {
        report(
            "--api",
            format!("{} is not spoken over HTTP", api_name(asked.api)),
            "name the API that the server speaks",
        );
    }
    if ignore_eos && matches!(asked.api, Dialect::OllamaGenerate | Dialect::OllamaChat) {
        let message =
            "Ollama cannot be asked to go on after the end of an answer, as this suite wants".to_owned();
        report("--api", message, "ask the same server with --api openai-chat, or take another suite");
    }
    let one = "an endpoint is a server that runs already: leave this out";
    for (flag, is_given) in [("--runtime", !ask.runtimes.is_empty()), ("--threads", !ask.threads.is_empty())]
    {
        if is_given {
            report(flag, "it has no meaning beside --endpoint".to_owned(), one);
        }
    }
    if !ask.models.is_empty() {
        report("--model", "a model of the catalogue is not what an endpoint serves".to_owned(), one);
    }
    if ask.context_tokens.len() > 1 {
        let message = "an endpoint has one context length".to_owned();
        report("--context-tokens", message, "give the one that the server was started with, or none");
    }
}

/// TLS is spoken by the controller, so only what is measured from it can need it.
pub(crate) fn check_devices(
    asked: &EndpointAsk,
    devices: &BTreeMap<DeviceId, PlannedDevice>,
    problems: &mut Problems,
) {
    if is_tls(&asked.url) != Ok(true) {
        return;
    }
    let remote = devices.iter().filter(|(_, device)| device.transport != TransportSpec::Local);
    for (id, _) in remote {
        let message = format!("device `{id}` speaks no TLS, which {} needs", asked.url);
        let hint = "measure it from this machine, or give an address with http:// that the device can reach";
        problems.push(Problem::of_flag("--endpoint", message, Some(hint.to_owned())));
    }
}

/// Whether an address wants TLS; `Err` says what is wrong with it.
fn is_tls(url: &str) -> Result<bool, &'static str> {
    if url.len() > MAX_URL_BYTES || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it is too long, or has characters that must be escaped");
    }
    let (is_tls, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return Err("it does not begin with http:// or https://"),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if rest.contains(['?', '#']) || authority.contains('@') {
        return Err("it must not have a user, a query or a fragment");
    }
    if path.ends_with("/chat/completions") || path.ends_with("/completions") {
        return Err("it is to end before the API's own path, at /v1 for most servers");
    }
    let after_v6 = authority.strip_prefix('[').map(|rest| rest.split_once(']'));
    let (host, port) = match after_v6 {
        Some(Some((host, after))) => (host, after.strip_prefix(':')),
        Some(None) => return Err("its host makes no sense"),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() {
        return Err("it has no host");
    }
    match port.map(str::parse::<u16>) {
        Some(Err(_) | Ok(0)) => Err("its port is no port"),
        Some(Ok(_)) | None => Ok(is_tls),
    }
}

fn is_variable(name: &str) -> bool {
    // A key that was given in the place of a name is longer, and is not repeated in full.
    is_name(name) && !name.contains(['-', '.']) && name.len() <= 64 && !name.starts_with("sk_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_of_http_with_or_without_tls() {
        let check = |url: &str, expected: Result<bool, ()>| {
            assert_eq!(is_tls(url).map_err(drop), expected, "{url}");
        };
        check("http://127.0.0.1:8080/v1", Ok(false));
        check("https://api.example.org/v1", Ok(true));
        check("http://[::1]:8080", Ok(false));
        check("http://host", Ok(false));
        for url in [
            "",
            "localhost:8080",
            "ftp://a",
            "http://",
            "http://:80",
            "http://a:0",
            "http://a:x",
            "http://a:99999",
            "http://[::1",
            "http://u:p@a",
            "http://a/?x",
            "http://a b",
            "http://a/\n",
            "http://a/v1/chat/completions",
        ] {
            check(url, Err(()));
        }
    }

    #[test]
    fn a_models_name_becomes_one_that_can_be_a_folder() {
        let check = |given: &str, expected: &str| {
            let (name, planned) = model(&EndpointAsk::new("http://a", given), 64);
            assert_eq!((name.as_str(), planned.title.as_str()), (expected, given));
        };
        check("meta-llama/Llama-3.1-8B", "meta-llama-Llama-3.1-8B");
        check("../x:latest", "x-latest");
        check("ü", "model");
    }
}

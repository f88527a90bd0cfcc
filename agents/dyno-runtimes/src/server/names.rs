//! What a server says of itself and of its models, where its API has words for that.

use serde::Deserialize;

/// Of an answer that lists models.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Listed {
    /// All names that a request may use.
    pub(super) names: Vec<String>,
    /// Whether llama-server answered: it takes fields that others refuse.
    pub(super) is_llama_server: bool,
}

#[derive(Debug, Deserialize)]
struct OpenAiList {
    data: Vec<OpenAiModel>,
}

#[derive(Debug, Deserialize)]
struct OpenAiModel {
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    owned_by: Option<String>,
}

#[derive(Debug, Deserialize)]
struct OllamaList {
    models: Vec<OllamaModel>,
}

#[derive(Debug, Deserialize)]
struct OllamaModel {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Props {
    build_info: Option<String>,
    total_slots: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Version {
    version: String,
}

/// Of OpenAI's `/models`; `None` when it is none.
pub(super) fn openai(body: &[u8]) -> Option<Listed> {
    let list: OpenAiList = serde_json::from_slice(body).ok()?;
    let is_llama_server = list.data.iter().any(|model| model.owned_by.as_deref() == Some("llamacpp"));
    let mut names = Vec::new();
    for name in list.data.into_iter().flat_map(|model| std::iter::once(model.id).chain(model.aliases)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Some(Listed { names, is_llama_server })
}

/// Of Ollama's `/api/tags`; `None` when it is none.
pub(super) fn ollama(body: &[u8]) -> Option<Listed> {
    let list: OllamaList = serde_json::from_slice(body).ok()?;
    Some(Listed { names: list.models.into_iter().map(|model| model.name).collect(), is_llama_server: false })
}

impl Listed {
    /// Whether it has the model; Ollama's names end with `:latest` where nothing else is said.
    pub(super) fn has(&self, model: &str) -> bool {
        self.names.iter().any(|name| name == model || name.strip_suffix(":latest") == Some(model))
    }

    /// Some of the names, for people.
    pub(super) fn words(&self) -> String {
        const MAX: usize = 20;
        let shown: Vec<String> = self.names.iter().take(MAX).map(|name| format!("`{name}`")).collect();
        match self.names.len() {
            0 => "no model at all".to_owned(),
            n if n > MAX => format!("{} and {} more", shown.join(", "), n - MAX),
            _ => shown.join(", "),
        }
    }
}

/// Version and slots of llama-server's `/props`.
pub(super) fn props(body: &[u8]) -> (Option<String>, Option<u32>) {
    let props: Option<Props> = serde_json::from_slice(body).ok();
    props.map_or((None, None), |props| (props.build_info, props.total_slots))
}

/// Of Ollama's `/api/version`.
pub(super) fn ollama_version(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<Version>(body).ok().map(|version| version.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    // As llama-server (build 1, commit 0c1e570) answered on 2026-11-21, without the fields that are not read.
    const LLAMA_SERVER: &[u8] = br#"{"models":[{"name":"m.gguf","model":"m.gguf","type":"model"}],"object":"list",
        "data":[{"id":"m.gguf","aliases":["m.gguf","tiny"],"tags":[],"object":"model","owned_by":"llamacpp"}]}"#;

    #[test]
    fn names_are_read_from_both_lists() {
        let listed = openai(LLAMA_SERVER).expect("a list");
        assert_eq!(
            (listed.names.as_slice(), listed.is_llama_server),
            (&["m.gguf".to_owned(), "tiny".to_owned()][..], true)
        );
        assert!(listed.has("tiny") && !listed.has("tin"));
        // After Ollama's documentation of `/api/tags` (docs/api.md).
        let listed = ollama(
            br#"{"models":[{"name":"deepseek-r1:latest","model":"deepseek-r1:latest","size":4683075271}]}"#,
        );
        let listed = listed.expect("a list");
        assert!(listed.has("deepseek-r1") && listed.has("deepseek-r1:latest") && !listed.has("deepseek"));
        assert_eq!(listed.words(), "`deepseek-r1:latest`");
        assert_eq!(openai(b"<html>"), None);
        assert_eq!(openai(br#"{"data":[]}"#).expect("a list").words(), "no model at all");
    }

    #[test]
    fn versions_and_slots_are_read() {
        assert_eq!(
            props(br#"{"total_slots":4,"build_info":"b1-0c1e570"}"#),
            (Some("b1-0c1e570".to_owned()), Some(4))
        );
        assert_eq!(props(b"no"), (None, None));
        assert_eq!(ollama_version(br#"{"version":"0.5.1"}"#), Some("0.5.1".to_owned()));
    }
}

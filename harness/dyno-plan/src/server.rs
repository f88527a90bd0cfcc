//! `[runtime.NAME.server]`: a program that serves, as data.

use std::collections::BTreeMap;

use dyno_model::launch::ServerSpec;
use dyno_model::template::gaps;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::document::Document;
use crate::problem::{Problems, known_words};
use crate::runtimes::RuntimeWords;
use crate::trust::{self, PerArch};

/// Settings of every server, beside those that its arguments have gaps for.
const SETTINGS: [&str; 4] = ["slots", "model", "prompt_cache", "connections"];
/// No server takes more requests at once (house rule).
const MAX_SLOTS: u32 = 4096;

/// A server to be started on the device.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerWords {
    /// The program: a path on the device (`~/` is its home folder), or a name that its PATH knows.
    program: String,
    /// Its arguments; `{model}`, `{port}`, `{threads}`, `{context_tokens}`, `{slots}`, `{all_context_tokens}` (slots
    /// times context) and settings by their names are filled in. One whose value is not known is left out, and with
    /// it the option before.
    args: Vec<String>,
    /// Variables of its environment, filled in the same way.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// The path that answers 200 when it is ready: `/health`.
    ready_path: String,
    /// Arguments that make it say its version; without them, it is not asked.
    #[serde(default)]
    version_args: Vec<String>,
    /// The path before the API's own: `/v1`.
    #[serde(default)]
    prefix: String,
    /// Folders of compiled kernels, which a compile-cold start deletes with all that is in them; `~/` is the home
    /// folder on the device.
    #[serde(default)]
    cache_dirs: Vec<String>,
    /// SHA-256 that the program's file must have, 64 hexadecimal digits; or a table of them by architecture.
    sha256: Option<PerArch>,
    /// The signature of that file: text, path or https address, made over its SHA-256; or a table by architecture.
    signature: Option<PerArch>,
}

impl ServerWords {
    pub(crate) fn plan(&self) -> ServerSpec {
        ServerSpec {
            program: self.program.clone(),
            args: self.args.clone(),
            env: self.env.clone(),
            ready_path: self.ready_path.clone(),
            version_args: self.version_args.clone(),
            prefix: self.prefix.trim_end_matches('/').to_owned(),
            cache_dirs: self.cache_dirs.clone(),
            pins: trust::pins(self.sha256.as_ref(), self.signature.as_ref()),
        }
    }
}

/// Reports what a schema cannot see of a runtime that is a server, or should be one.
pub(crate) fn check(name: &str, words: &RuntimeWords, document: &Document<'_>, problems: &mut Problems) {
    let mut check = Check { name, words, document, problems };
    let is_http = words.dialect.plan().is_http();
    match (&words.server, is_http) {
        (None, false) if words.body.is_empty() => {}
        (None, false) => {
            check.report(&["body"], "only servers are sent a body".to_owned(), "leave it out");
        }
        (None, true) => {
            let message = format!("runtime `{name}` speaks over HTTP and has no [runtime.{name}.server]");
            let hint = "say what to start; a server that runs already is measured with --endpoint";
            check.report(&[], message, hint);
        }
        (Some(_), false) => {
            let message = format!("the dialect of runtime `{name}` is none that a server speaks");
            check.report(
                &["dialect"],
                message,
                "name the API that the server speaks: openai_chat, for instance",
            );
        }
        (Some(server), true) => {
            check.server(server);
            check.settings(server);
        }
    }
}

struct Check<'c, 'd> {
    name: &'c str,
    words: &'c RuntimeWords,
    document: &'c Document<'d>,
    problems: &'c mut Problems,
}

impl Check<'_, '_> {
    fn report(&mut self, path: &[&str], message: String, hint: &str) {
        let path: Vec<&str> = ["runtime", self.name].into_iter().chain(path.iter().copied()).collect();
        self.problems.push(self.document.problem_at(&path, message, Some(hint.to_owned())));
    }

    fn server(&mut self, server: &ServerWords) {
        let is_program = !server.program.trim().is_empty() && !server.program.contains(char::is_control);
        if !is_program {
            let message = format!("`{}` is no program", server.program.escape_debug());
            self.report(&["server", "program"], message, "give its name or its path on the device");
        }
        for (key, path) in [("ready_path", &server.ready_path), ("prefix", &server.prefix)] {
            let may_be_empty = key == "prefix";
            let fits = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
            if !(fits || may_be_empty && path.is_empty()) {
                let message = format!("`{}` is no path of a server", path.escape_debug());
                self.report(&["server", key], message, "it begins with a slash, and has no spaces");
            }
        }
        for (idx, path) in server.cache_dirs.iter().enumerate() {
            if !is_cache_dir(path) {
                let message = format!("`{}` will not be deleted", path.escape_debug());
                let hint = "name a folder of caches: ~/NAME, or a path with two folders at least, without ..";
                self.report(&["server", "cache_dirs", &idx.to_string()], message, hint);
            }
        }
        for (key, arch, message, hint) in
            trust::pin_problems(server.sha256.as_ref(), server.signature.as_ref())
        {
            let path: Vec<&str> = ["server", key].into_iter().chain(arch.as_deref()).collect();
            self.report(&path, message, &hint);
        }
        let args = server.args.iter().enumerate().map(|(idx, text)| ("args", idx.to_string(), text));
        let env = server.env.iter().map(|(name, text)| ("env", name.clone(), text));
        let texts: Vec<_> = args.chain(env).map(|(key, at, text)| (key, at, text.clone())).collect();
        let known: Vec<&str> =
            ServerSpec::GAPS.into_iter().chain(self.words.settings.keys().map(String::as_str)).collect();
        for (key, at, text) in &texts {
            for gap in gaps(text).into_iter().filter(|gap| !known.contains(gap)) {
                let message = format!("nothing is known that `{{{gap}}}` could stand for");
                self.report(&["server", key, at], message, &known_words(gap, &known));
            }
        }
        if !texts.iter().any(|(_, _, text)| gaps(text).contains(&"port")) {
            let message = "no argument says at which port it is to listen".to_owned();
            self.report(&["server", "args"], message, "add its option for that, with {port} for the number");
        }
    }

    fn settings(&mut self, server: &ServerWords) {
        let spec = server.plan();
        for (key, value) in &self.words.settings {
            if let Some((message, hint)) = refuse_setting(self.name, &spec, key, &value.text()) {
                self.report(&["settings", key], message, &hint);
            }
        }
    }
}

/// Why the server of runtime `name` cannot be given this setting, and what to do.
pub(crate) fn refuse_setting(
    name: &str,
    server: &ServerSpec,
    key: &str,
    text: &str,
) -> Option<(String, String)> {
    let gaps = server.gaps();
    let expected = match key {
        "slots" => {
            let fits = text.parse::<u32>().is_ok_and(|n| (1..=MAX_SLOTS).contains(&n));
            (!fits).then_some("a whole number from 1 to 4096")
        }
        "prompt_cache" => (!["off", "server"].contains(&text)).then_some("`off` or `server`"),
        "connections" => (!["kept", "fresh"].contains(&text)).then_some("`kept` or `fresh`"),
        "model" => None,
        gap if ServerSpec::GAPS.contains(&gap) => {
            let message = format!("`{key}` is a side of the matrix, not a setting");
            return Some((message, "say it in the suite".to_owned()));
        }
        gap if gaps.contains(&gap) => None,
        _ => {
            let own = gaps.iter().copied().filter(|gap| !ServerSpec::GAPS.contains(gap));
            let known: Vec<&str> = SETTINGS.into_iter().chain(own).collect();
            let message = format!("a server has no setting `{key}`, and no argument has a gap for it");
            let hint = format!(
                "{}; fields of a request's body belong in [runtime.{name}.body]",
                known_words(key, &known)
            );
            return Some((message, hint));
        }
    };
    let expected = expected?;
    let message = format!("`{key}` is `{text}`, expected {expected}");
    Some((message, "it is a setting of every server".to_owned()))
}

/// Whether a folder may be deleted with all that is in it: never a home folder, a root, or a folder right below one.
fn is_cache_dir(path: &str) -> bool {
    let (rest, least) = match (path.strip_prefix("~/"), path.strip_prefix('/')) {
        (Some(rest), _) => (rest, 1),
        (None, Some(rest)) => (rest, 2),
        (None, None) => return false,
    };
    let folders: Vec<&str> = rest.split('/').filter(|folder| !folder.is_empty()).collect();
    let is_plain = folders.iter().all(|folder| !matches!(*folder, "." | ".."));
    is_plain && folders.len() >= least && !path.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_caches_are_ever_deleted() {
        let check = |path: &str, expected| assert_eq!(is_cache_dir(path), expected, "{path}");
        check("~/.nv/ComputeCache", true);
        check("~/.cache", true);
        check("/var/cache/kernels", true);
        for path in
            ["", "~", "~/", "/", "/home", "/tmp/", "caches", "~/..", "~/a/../..", "/a/b/..", "~root/x"]
        {
            check(path, false);
        }
    }
}

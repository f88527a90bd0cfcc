//! Logging in: agent, key files, then what a person can type; in OpenSSH's order.

use std::path::PathBuf;

use ssh2::{KeyboardInteractivePrompt, Prompt, PublicKey, Session};

use crate::ssh::ask::Ask;
use crate::ssh::config::AgentSocket;
use crate::ssh::connect::{ANSWER_LIMIT, Failure, Target, code_of};
use crate::ssh::error::{SshError, TOO_MANY};
use crate::ssh::key_file::{KeyFile, beside, bytes_of, line_of};
use crate::ssh::watch::Watch;

/// How often a person may mistype.
const SECRET_TRIES: usize = 3;
/// How long a server may wait for what a person types.
const PERSON_LIMIT_MS: u32 = 300_000;

/// `LIBSSH2_ERROR_AUTHENTICATION_FAILED`: the server says no.
const REFUSED: i32 = -18;
/// `LIBSSH2_ERROR_SOCKET_SEND`, `_SOCKET_DISCONNECT`, `_SOCKET_RECV`: the server hung up.
const HUNG_UP: [i32; 3] = [-7, -13, -43];

/// Logs in, or says what was tried.
pub(super) fn log_in(target: &Target, session: &Session, watch: &Watch) -> Result<(), Failure> {
    watch.step("the log-in", ANSWER_LIMIT);
    let user = &target.config.user;
    let accepted = match session.auth_methods(user) {
        Ok(methods) => methods.to_owned(),
        Err(_) if session.authenticated() => return Ok(()),
        Err(error) => {
            let source = std::io::Error::other(error.message().to_owned());
            return Err(SshError::Handshake { host: target.host(), source }.into());
        }
    };
    let mut login = LogIn {
        target,
        session,
        watch,
        tried: Vec::new(),
        has_security_key: false,
        locked: None,
        is_over: false,
    };
    let offers = |method: &str| accepted.split(',').any(|offered| offered == method);
    if offers("publickey") && target.config.has_pubkey {
        login.try_keys();
    }
    if !login.is_done() && (offers("password") || offers("keyboard-interactive")) {
        login.try_words(&accepted);
    }
    if session.authenticated() { Ok(()) } else { Err(login.failure(&accepted)) }
}

struct LogIn<'a> {
    target: &'a Target,
    session: &'a Session,
    watch: &'a Watch,
    /// Each key and what came of it.
    tried: Vec<String>,
    has_security_key: bool,
    /// An encrypted key that the server would take.
    locked: Option<PathBuf>,
    /// The server hung up.
    is_over: bool,
}

impl LogIn<'_> {
    fn user(&self) -> &str {
        &self.target.config.user
    }

    fn is_done(&self) -> bool {
        self.is_over || self.session.authenticated()
    }

    fn try_keys(&mut self) {
        let config = &self.target.config;
        let files: Vec<KeyFile> =
            config.identity_files.iter().filter_map(|path| KeyFile::read(path).ok()).collect();
        let public_files = config.identity_files.iter().filter_map(|path| line_of(&beside(path, ".pub")));
        let mut named: Vec<Vec<u8>> = public_files.filter_map(|line| bytes_of(&line)).collect();
        named.extend(files.iter().filter_map(KeyFile::public_bytes));
        self.try_agent(&named);
        for key in &files {
            if self.is_done() {
                return;
            }
            self.try_file(key);
        }
        if files.is_empty() && self.tried.is_empty() {
            let looked_for: Vec<String> =
                config.identity_files.iter().map(|path| path.display().to_string()).collect();
            self.tried.push(format!("no key, none of {} is there", looked_for.join(", ")));
        }
    }

    fn try_agent(&mut self, named: &[Vec<u8>]) {
        let AgentSocket::At(socket) = &self.target.config.agent else { return };
        let Ok(mut agent) = self.session.agent() else { return };
        self.watch.step("asking the ssh agent", ANSWER_LIMIT);
        let opened = agent
            .set_identity_path(socket)
            .and_then(|()| agent.connect())
            .and_then(|()| agent.list_identities())
            .and_then(|()| agent.identities());
        let Ok(mut keys) = opened else {
            self.tried.push(format!("the agent at {} (it does not answer)", socket.display()));
            return;
        };
        let is_named = |key: &PublicKey| named.iter().any(|known| known == key.blob());
        if self.target.config.is_identities_only {
            keys.retain(is_named);
        }
        keys.sort_by_key(|key| !is_named(key));
        for key in &keys {
            self.watch.step("signing by the ssh agent", ANSWER_LIMIT);
            let answer = agent.userauth(self.user(), key);
            self.note(&format!("{} from the agent", key.comment()), answer);
            if self.is_done() {
                return;
            }
        }
    }

    fn try_file(&mut self, key: &KeyFile) {
        let name = key.path.display().to_string();
        if key.is_security_key() {
            self.has_security_key = true;
            self.tried.push(format!("{name} (a security key)"));
            return;
        }
        let certificates = &self.target.config.certificate_files;
        let own = beside(&key.path, "-cert.pub");
        for path in certificates.iter().chain([&own]) {
            let Some(line) = line_of(path) else { continue };
            self.try_key(&format!("{name} with {}", path.display()), key, Some(&line));
            if self.is_done() {
                return;
            }
        }
        self.try_key(&name, key, key.public.as_deref());
    }

    /// Tries a key; a passphrase is asked for only if the server would take the key.
    fn try_key(&mut self, name: &str, key: &KeyFile, public: Option<&str>) {
        self.watch.step("the log-in", ANSWER_LIMIT);
        let offer = |passphrase: Option<&str>| {
            self.session.userauth_pubkey_memory(self.user(), public, &key.private, passphrase)
        };
        let mut answer = offer(None);
        let mut n_asked = 0;
        while key.is_encrypted && n_asked < SECRET_TRIES && is_for_want_of_passphrase(&answer) {
            let prompt = format!("passphrase for {}", key.path.display());
            let Some(secret) = self.watch.asking(ANSWER_LIMIT, || self.ask().secret(&prompt)) else { break };
            answer = offer(Some(&secret));
            n_asked += 1;
        }
        if key.is_encrypted && is_for_want_of_passphrase(&answer) {
            self.locked.get_or_insert_with(|| key.path.clone());
            let words = if n_asked > 0 { "the passphrase is wrong" } else { "encrypted, no passphrase" };
            self.tried.push(format!("{name} ({words})"));
        } else {
            self.note(name, answer);
        }
    }

    fn ask(&self) -> &dyn Ask {
        self.target.ask()
    }

    fn note(&mut self, name: &str, answer: Result<(), ssh2::Error>) {
        let Err(error) = answer else { return };
        let code = code_of(&error);
        if HUNG_UP.contains(&code) {
            self.is_over = true;
            self.tried.push(format!("{name} ({TOO_MANY})"));
        } else if code == REFUSED {
            self.tried.push(name.to_owned());
        } else {
            self.tried.push(format!("{name} ({})", error.message()));
        }
    }

    /// Password or keyboard-interactive, with what a person types.
    fn try_words(&mut self, accepted: &str) {
        let config = &self.target.config;
        let offers = |method: &str| accepted.split(',').any(|offered| offered == method);
        let is_password = offers("password") && config.has_password;
        let is_keyboard = offers("keyboard-interactive") && config.has_keyboard;
        if !is_password && !is_keyboard {
            return;
        }
        for _ in 0..SECRET_TRIES {
            let prompt = format!("password of {} on {}", self.user(), config.alias);
            let Some(secret) = self.watch.asking(ANSWER_LIMIT, || self.ask().secret(&prompt)) else {
                return;
            };
            let answer = if is_password {
                self.session.userauth_password(self.user(), &secret)
            } else {
                let mut typist = Typist { ask: self.ask(), password: Some(secret) };
                self.session.set_timeout(PERSON_LIMIT_MS);
                let typed = |typist| self.session.userauth_keyboard_interactive(self.user(), typist);
                let answer = self.watch.asking(ANSWER_LIMIT, || typed(&mut typist));
                self.session.set_timeout(ANSWER_LIMIT.as_millis() as u32);
                answer
            };
            self.note("a password", answer);
            if self.is_done() {
                return;
            }
        }
    }

    fn failure(&self, accepted: &str) -> Failure {
        let config = &self.target.config;
        let host = self.target.host();
        let offers = |method: &str| accepted.contains(method);
        let has_master = || config.beyond.control_path.as_ref().is_some_and(|path| path.exists());
        let beyond = if self.has_security_key {
            Some("a security key")
        } else if config.beyond.gssapi && offers("gssapi") {
            Some("Kerberos")
        } else if config.beyond.host_based && offers("hostbased") {
            Some("host-based log-in")
        } else if has_master() {
            Some("a master connection of yours")
        } else {
            None
        };
        let error = match &self.locked {
            Some(key) => SshError::Locked { host, key: key.clone() },
            None => SshError::Auth {
                host,
                user: self.user().to_owned(),
                accepted: if accepted.is_empty() { "nothing".to_owned() } else { accepted.to_owned() },
                tried: if self.tried.is_empty() { "nothing".to_owned() } else { self.tried.join(", ") },
            },
        };
        Failure { error: Box::new(error), beyond }
    }
}

/// Whether the server took the public half and the private one could not be opened.
fn is_for_want_of_passphrase(answer: &Result<(), ssh2::Error>) -> bool {
    match answer {
        Ok(()) => false,
        Err(error) => code_of(error) != REFUSED && !HUNG_UP.contains(&code_of(error)),
    }
}

/// Answers the server's questions: the first hidden one with the password, others by asking.
struct Typist<'a> {
    ask: &'a dyn Ask,
    password: Option<String>,
}

impl KeyboardInteractivePrompt for Typist<'_> {
    fn prompt<'a>(&mut self, _user: &str, _instructions: &str, prompts: &[Prompt<'a>]) -> Vec<String> {
        let answer = |prompt: &Prompt<'a>| {
            let known = if prompt.echo { None } else { self.password.take() };
            let words = crate::output::printable(prompt.text.as_bytes());
            known.or_else(|| self.ask.secret(&words)).unwrap_or_default()
        };
        prompts.iter().map(answer).collect()
    }
}

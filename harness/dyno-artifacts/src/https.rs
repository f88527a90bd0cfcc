//! A model from an address, going on where a broken link left off.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ureq::Agent;
use ureq::http::Response;
use ureq::tls::{RootCerts, TlsConfig};

use crate::error::SourceError;
use crate::intake::{Expected, Intake};
use crate::progress::{Phase, Progress};
use crate::settings::{Schemes, Settings};

/// House rule: addresses of big files redirect once or twice, to a store and within it.
const MAX_REDIRECTS: u32 = 5;

/// Fetches `url` into `part`, which is kept when the link breaks.
pub(crate) fn fetch(
    url: &str,
    part: &Path,
    expected: Expected<'_>,
    settings: &Settings,
    progress: &mut dyn Progress,
) -> Result<PathBuf, SourceError> {
    if settings.schemes == Schemes::Https && !url.starts_with("https://") {
        return Err(SourceError::NotHttps);
    }
    let agent = agent(settings);
    let mut intake = Intake::resume(part, expected.bytes, progress)?;
    let mut resumed = intake.written() > 0;
    loop {
        let before = intake.written();
        let result =
            if before == expected.bytes { Ok(()) } else { receive(&agent, url, &mut intake, progress) };
        match result {
            // As long as each try brings something, a broken link is only an interruption.
            Err(SourceError::Cut { .. }) if intake.written() > before => resumed = true,
            Err(error) => return Err(error),
            Ok(()) => match intake.finish(expected) {
                // The old bytes may be those of another file: once more from the start.
                Err(SourceError::WrongDigest { .. }) if resumed => {
                    intake = Intake::create(part, expected.bytes)?;
                    resumed = false;
                }
                other => return other,
            },
        }
    }
}

/// The first bytes of what lies at `url`: at most `max` and one more, so that a longer one is seen.
pub(crate) fn fetch_short(url: &str, max: usize, settings: &Settings) -> Result<Vec<u8>, SourceError> {
    if settings.schemes == Schemes::Https && !url.starts_with("https://") {
        return Err(SourceError::NotHttps);
    }
    let response = agent(settings).get(url).call().map_err(|error| SourceError::Link(Box::new(error)))?;
    if response.status() != 200 {
        return Err(SourceError::Status { status: response.status().as_u16() });
    }
    let mut text = Vec::new();
    let mut body = response.into_body().into_reader().take(max as u64 + 1);
    let read = body.read_to_end(&mut text);
    read.map_err(|error| cut(text.len() as u64, max as u64, error))?;
    Ok(text)
}

fn agent(settings: &Settings) -> Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .tls_config(tls)
        .https_only(settings.schemes == Schemes::Https)
        .http_status_as_error(false)
        .max_redirects(MAX_REDIRECTS)
        .timeout_connect(Some(settings.connect_limit))
        .timeout_recv_response(Some(settings.silence_limit))
        .timeout_per_read(Some(settings.silence_limit))
        .user_agent(concat!("edgedyno/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

/// One request, from the first byte that is missing.
fn receive(
    agent: &Agent,
    url: &str,
    intake: &mut Intake,
    progress: &mut dyn Progress,
) -> Result<(), SourceError> {
    progress.phase(&Phase::Fetch { source: url.to_owned() });
    let mut request = agent.get(url);
    if intake.written() > 0 {
        request = request.header("Range", format!("bytes={}-", intake.written()));
    }
    let response = request.call().map_err(|error| SourceError::Link(Box::new(error)))?;
    let expected = intake.expected_bytes();
    match response.status().as_u16() {
        206 if content_start(&response) == Some(intake.written()) => {}
        // The whole file again, though a part was asked for.
        200 | 206 if intake.written() > 0 => {
            intake.restart()?;
            if response.status() == 206 {
                return Err(cut(0, expected, io::ErrorKind::InvalidData.into()));
            }
        }
        200 => {}
        status => return Err(SourceError::Status { status }),
    }
    if let Some(rest) = response.body().content_length() {
        let found = intake.written() + rest;
        if found != expected {
            return Err(SourceError::WrongSize { expected, found });
        }
    }
    let mut body = response.into_body().into_reader();
    intake.absorb(&mut body, progress, &|received, error| cut(received, expected, error))?;
    if intake.written() < expected {
        return Err(cut(intake.written(), expected, io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(())
}

fn cut(received: u64, expected: u64, source: io::Error) -> SourceError {
    SourceError::Cut { received, expected, source }
}

/// The first byte of `Content-Range: bytes 100-199/200`.
fn content_start(response: &Response<ureq::Body>) -> Option<u64> {
    let range = response.headers().get("content-range")?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

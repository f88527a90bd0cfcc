//! Who is believed when a server says who it is.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::TlsError;

/// The authorities that may vouch for a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those that this machine trusts; on Linux, `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
    #[default]
    System,
    /// These and no others, as PEM.
    Authorities(Vec<u8>),
}

impl Trust {
    /// How connections are made: TLS 1.2 or 1.3, and HTTP/1.1 within.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let source = |source| TlsError::Trust { source };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(source)?;
        let builder = match self {
            Self::System => builder.with_platform_verifier().map_err(source)?,
            Self::Authorities(pem) => builder.with_root_certificates(roots(pem)?),
        };
        let mut config = builder.with_no_client_auth();
        // A server that offers HTTP/2 must know that nobody speaks it here.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn roots(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let failed = |why: String| TlsError::Authorities { why };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    if roots.is_empty() { Err(failed("there is no certificate in them".to_owned())) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_must_be_certificates() {
        let error = |pem: &[u8]| {
            Trust::Authorities(pem.to_vec()).config().map(drop).expect_err("no certificate").to_string()
        };
        assert_eq!(error(b""), "the trusted authorities make no sense: there is no certificate in them");
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(error(broken).starts_with("the trusted authorities make no sense: "));
    }
}

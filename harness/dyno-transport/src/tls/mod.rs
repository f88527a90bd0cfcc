//! TLS on the controller's side, for agents on the same machine: they have none.
//!
//! A [`TlsRelay`] listens on the loopback, takes plain bytes there, and passes them on over a verified TLS connection
//! to one server. It does not look into what it passes on.
//!
//! **Invariant:** a certificate that does not verify is never talked to, and there is no way to ask for that.

mod pump;
mod relay;
mod trust;

pub use relay::TlsRelay;
pub use trust::Trust;

use dyno_model::blame::{Blame, Classify};

/// A relay cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No server can have that name.
    #[error("`{host}` is no name that a certificate could be for")]
    Name {
        /// The host.
        host: String,
    },
    /// The authorities that vouch for servers cannot be read.
    #[error("cannot read the authorities that this machine trusts")]
    Trust {
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// A file of authorities makes no sense.
    #[error("the trusted authorities make no sense: {why}")]
    Authorities {
        /// Why.
        why: String,
    },
    /// There is no socket or no thread to be had.
    #[error("cannot listen on the loopback for what goes to {host}")]
    Listen {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Classify for TlsError {
    fn blame(&self) -> Blame {
        match self {
            Self::Name { .. } | Self::Authorities { .. } => Blame::User,
            Self::Trust { .. } | Self::Listen { .. } => Blame::Lab,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Name { .. } => vec!["write the address like https://api.example.org/v1".to_owned()],
            Self::Trust { .. } | Self::Authorities { .. } => {
                vec!["on Linux, SSL_CERT_FILE can name a file with the authorities to trust".to_owned()]
            }
            Self::Listen { .. } => vec!["raise the limit of open files (`ulimit -n`)".to_owned()],
        }
    }
}

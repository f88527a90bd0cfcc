//! A certificate authority of a test's own, and certificates of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::BenchError;
use crate::program::{find, make_folder, run, write};

const NEW_KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/// An authority that nobody trusts but who is told to; its files go when it is dropped.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    openssl: PathBuf,
}

/// A server's certificate and key, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    /// The certificate.
    pub certificate: Vec<u8>,
    /// Its private key.
    pub key: Vec<u8>,
}

impl Authority {
    /// Makes one with OpenSSL.
    ///
    /// # Errors
    /// [`BenchError::Missing`] without OpenSSL; [`BenchError::Failed`] when it fails.
    pub fn new() -> Result<Self, BenchError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let openssl = find("openssl", "openssl")?;
        let (pid, nth) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(format!("edgedyno-authority-{pid}-{nth}"));
        make_folder(&folder)?;
        let authority = Self { folder, openssl };
        let mut request = authority.openssl("req");
        // Two authorities of one name would be told apart by their signatures only.
        let name = format!("/CN=edgedyno test authority {pid}-{nth}");
        request.args(["-x509", "-days", "2", "-subj", &name]).args(NEW_KEY);
        request.args(["-addext", "basicConstraints=critical,CA:TRUE", "-keyout", "ca.key", "-out", "ca.pem"]);
        run(&mut request)?;
        Ok(authority)
    }

    /// The file with its own certificate.
    pub fn file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Its own certificate, as PEM.
    ///
    /// # Errors
    /// [`BenchError::Io`].
    pub fn pem(&self) -> Result<Vec<u8>, BenchError> {
        read(&self.file())
    }

    /// A certificate for a server of these names: `DNS:localhost,IP:127.0.0.1`.
    ///
    /// # Errors
    /// [`BenchError::Failed`], [`BenchError::Io`].
    pub fn certify(&self, names: &str) -> Result<Certified, BenchError> {
        write(
            &self.folder.join("leaf.cnf"),
            format!("subjectAltName={names}\nextendedKeyUsage=serverAuth\n"),
        )?;
        let mut request = self.openssl("req");
        run(request
            .args(["-subj", "/CN=edgedyno test", "-keyout", "leaf.key", "-out", "leaf.csr"])
            .args(NEW_KEY))?;
        let mut sign = self.openssl("x509");
        sign.args(["-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]);
        run(sign.args(["-days", "2", "-extfile", "leaf.cnf", "-out", "leaf.pem"]))?;
        let (certificate, key) = (self.folder.join("leaf.pem"), self.folder.join("leaf.key"));
        Ok(Certified { certificate: read(&certificate)?, key: read(&key)? })
    }

    fn openssl(&self, what: &str) -> Command {
        let mut command = Command::new(&self.openssl);
        command.arg(what).current_dir(&self.folder);
        command
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        // Best effort: what is left lies in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BenchError> {
    std::fs::read(path).map_err(BenchError::io("cannot read", path))
}

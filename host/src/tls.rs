//! What TLS needs on both sides: certificates and keys of PEM texts, versions,
//! and errors that name the setting.

use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, SupportedProtocolVersion, version};

use crate::config::{Identity, Source, TlsVersion};

/// Why TLS cannot be set up; each text names the setting.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("{section}.{setting}_file {}: {cause}", path.display())]
    Read {
        /// The section of the configuration.
        section: &'static str,
        /// The key, without `_file`.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A PEM text without what it should hold.
    #[error("{section}.{setting}: {cause}")]
    Pem {
        /// The section of the configuration.
        section: &'static str,
        /// The key.
        setting: &'static str,
        /// What the PEM reader says.
        cause: String,
    },
    /// A certificate and a key that do not fit together, or a bad name.
    #[error("{section}: {cause}")]
    Config {
        /// The section of the configuration.
        section: &'static str,
        /// What does not fit.
        cause: String,
    },
}

/// A chain of certificates and the key of the first.
pub type Own = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A section of the configuration that TLS is set up from.
#[derive(Clone, Copy, Debug)]
pub struct Section(pub &'static str);

impl Section {
    /// Who we are. Files are read here.
    ///
    /// # Errors
    /// When a file cannot be read, or a PEM text is empty or broken.
    pub fn own(self, identity: &Identity) -> Result<Own, Error> {
        let chain = self.certificates("cert", &identity.cert)?;
        let key = identity.key.read().map_err(|cause| self.unread("key", &identity.key, cause))?;
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes());
        Ok((chain, key.map_err(|error| self.broken("key", &error))?))
    }

    /// The authorities under a key. A file is read here.
    ///
    /// # Errors
    /// As [`Self::own`].
    pub fn roots(
        self,
        setting: &'static str,
        authorities: &Source<String>,
    ) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates(setting, authorities)? {
            roots.add(certificate).map_err(|error| self.pem(setting, error.to_string()))?;
        }
        Ok(roots)
    }

    /// Something that does not fit together.
    pub fn misfit(self, cause: &impl ToString) -> Error {
        Error::Config { section: self.0, cause: cause.to_string() }
    }

    fn certificates(
        self,
        setting: &'static str,
        source: &Source<String>,
    ) -> Result<Vec<CertificateDer<'static>>, Error> {
        let text = source.read().map_err(|cause| self.unread(setting, source, cause))?;
        let list: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        match list {
            Ok(list) if list.is_empty() => {
                Err(self.pem(setting, "no certificate found".to_owned()))
            }
            Ok(list) => Ok(list),
            Err(error) => Err(self.broken(setting, &error)),
        }
    }

    fn unread<T>(self, setting: &'static str, source: &Source<T>, cause: io::Error) -> Error {
        let path = source.file().map(ToOwned::to_owned).unwrap_or_default();
        Error::Read { section: self.0, setting, path, cause }
    }

    fn broken(self, setting: &'static str, error: &pem::Error) -> Error {
        self.pem(setting, error.to_string())
    }

    fn pem(self, setting: &'static str, cause: String) -> Error {
        Error::Pem { section: self.0, setting, cause }
    }
}

/// The process's cryptography.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// What may be spoken, the newest first.
#[must_use]
pub fn versions(range: RangeInclusive<TlsVersion>) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(TlsVersion::Tls13, &version::TLS13), (TlsVersion::Tls12, &version::TLS12)];
    all.into_iter().filter(|(one, _)| range.contains(one)).map(|(_, version)| version).collect()
}

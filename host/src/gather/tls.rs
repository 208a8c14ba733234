//! TLS towards replicas: roots, client certificates, and the option to trust
//! anybody.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls::{SupportedProtocolVersion, version};

use crate::config::{Tls, TlsVersion};

/// Why TLS cannot be set up; each text names the setting.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("tls_config.{setting}_file {}: {cause}", path.display())]
    Read {
        /// The configuration key, without `_file`.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A PEM text without what it should hold.
    #[error("tls_config.{setting}: {cause}")]
    Pem {
        /// The configuration key.
        setting: &'static str,
        /// What the PEM reader says.
        cause: String,
    },
    /// A certificate and a key that do not fit together, or a bad name.
    #[error("tls_config: {0}")]
    Config(String),
}

/// The process's cryptography.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Builds a client configuration; files are read here.
///
/// # Errors
/// When a file cannot be read, a PEM text is empty or broken, or the key does
/// not fit the certificate.
pub fn client(settings: &Tls) -> Result<ClientConfig, Error> {
    let provider = provider();
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(settings))
        .map_err(|error| Error::Config(error.to_string()))?;
    let builder = if settings.insecure_skip_verify {
        let verifier = Arc::new(TrustAnybody(algorithms));
        builder.dangerous().with_custom_certificate_verifier(verifier)
    } else {
        builder.with_root_certificates(roots(settings)?)
    };
    let Some(identity) = &settings.identity else { return Ok(builder.with_no_client_auth()) };
    let chain =
        certificates("cert", &read("cert", identity.cert.file(), || identity.cert.read())?)?;
    let key = read("key", identity.key.file(), || identity.key.read())?;
    let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
        .map_err(|error| pem("key", &error))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| Error::Config(error.to_string()))
}

/// The name to verify instead of the target's host, if one is configured.
///
/// # Errors
/// When it is neither a DNS name nor an address.
pub fn server_name(settings: &Tls) -> Result<Option<ServerName<'static>>, Error> {
    let parse = |name: &String| {
        ServerName::try_from(name.clone())
            .map_err(|error| Error::Config(format!("server_name {name:?}: {error}")))
    };
    settings.server_name.as_ref().map(parse).transpose()
}

fn versions(settings: &Tls) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(TlsVersion::Tls13, &version::TLS13), (TlsVersion::Tls12, &version::TLS12)];
    let range = settings.min_version..=settings.max_version;
    let kept = all.into_iter().filter(|(version, _)| range.contains(version));
    kept.map(|(_, version)| version).collect()
}

fn roots(settings: &Tls) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    if let Some(ca) = &settings.ca {
        for certificate in certificates("ca", &read("ca", ca.file(), || ca.read())?)? {
            let added = store.add(certificate);
            added.map_err(|error| Error::Pem { setting: "ca", cause: error.to_string() })?;
        }
        return Ok(store);
    }
    // A machine without any root can still speak plain HTTP; a handshake
    // then says that the issuer is unknown.
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "system certificates");
    }
    store.add_parsable_certificates(native.certs);
    Ok(store)
}

fn read<T>(
    setting: &'static str,
    path: Option<&Path>,
    source: impl FnOnce() -> std::io::Result<T>,
) -> Result<T, Error> {
    let path = path.unwrap_or(Path::new("")).to_owned();
    source().map_err(|cause| Error::Read { setting, path, cause })
}

fn certificates(setting: &'static str, text: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match read {
        Ok(list) if list.is_empty() => {
            Err(Error::Pem { setting, cause: "no certificate found".to_owned() })
        }
        Ok(list) => Ok(list),
        Err(error) => Err(pem(setting, &error)),
    }
}

fn pem(setting: &'static str, error: &rustls::pki_types::pem::Error) -> Error {
    Error::Pem { setting, cause: error.to_string() }
}

/// `insecure_skip_verify`: signatures are still checked, identity is not.
#[derive(Debug)]
struct TrustAnybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for TrustAnybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

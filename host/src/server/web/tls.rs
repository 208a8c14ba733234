//! TLS of our own listeners: from settings and PEM files to rustls.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
    SupportedProtocolVersion, version,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::{ClientAuth, ServerTls, Source, TlsVersion};

/// The first byte of every TLS connection: a record of the handshake.
const HANDSHAKE_RECORD: u8 = 0x16;

/// What a client without TLS is told: Go's words, which people search for.
const NOT_ENCRYPTED: &[u8] = b"HTTP/1.0 400 Bad Request\r\ncontent-type: text/plain\r\n\r\n\
    Client sent an HTTP request to an HTTPS server.\n";

/// Why TLS cannot be set up; each text names the setting.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("tls_server_config.{setting}_file {}: {cause}", path.display())]
    Read {
        /// The key, without `_file`.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A PEM text without what it should hold.
    #[error("tls_server_config.{setting}: {cause}")]
    Pem {
        /// The key.
        setting: &'static str,
        /// What the PEM reader says.
        cause: String,
    },
    /// A certificate and a key that do not fit together.
    #[error("tls_server_config: {0}")]
    Config(String),
}

/// The files that the settings name.
pub(super) fn files(settings: &ServerTls) -> Vec<PathBuf> {
    let authority = match &settings.clients {
        ClientAuth::None | ClientAuth::Requested | ClientAuth::RequiredAny => None,
        ClientAuth::VerifiedIfGiven(authority) | ClientAuth::Verified(authority) => {
            authority.file()
        }
    };
    let own = [settings.identity.cert.file(), settings.identity.key.file(), authority];
    own.into_iter().flatten().map(ToOwned::to_owned).collect()
}

/// Reads the files and builds a server's TLS.
///
/// # Errors
/// When a file cannot be read or holds something else, or the key does not
/// fit the certificate.
pub(super) fn server(settings: &ServerTls, http2: bool) -> Result<ServerConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = verifier(&settings.clients, &provider)?;
    let chain = certificates("cert", &settings.identity.cert)?;
    let key = settings.identity.key.read().map_err(read("key", settings.identity.key.file()))?;
    let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
        .map_err(|error| Error::Pem { setting: "key", cause: error.to_string() })?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(settings))
        .map_err(|error| Error::Config(error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| Error::Config(error.to_string()))?;
    let protocols: &[&[u8]] = if http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

fn versions(settings: &ServerTls) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(TlsVersion::Tls13, &version::TLS13), (TlsVersion::Tls12, &version::TLS12)];
    let range = settings.min_version..=settings.max_version;
    all.into_iter().filter(|(one, _)| range.contains(one)).map(|(_, version)| version).collect()
}

fn certificates(
    setting: &'static str,
    source: &Source<String>,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let text = source.read().map_err(read(setting, source.file()))?;
    let pem = |cause: String| Error::Pem { setting, cause };
    let list: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let list = list.map_err(|error| pem(error.to_string()))?;
    if list.is_empty() { Err(pem("no certificate found".to_owned())) } else { Ok(list) }
}

fn read(setting: &'static str, path: Option<&std::path::Path>) -> impl FnOnce(io::Error) -> Error {
    let path = path.map(ToOwned::to_owned).unwrap_or_default();
    move |cause| Error::Read { setting, path, cause }
}

fn verifier(
    clients: &ClientAuth,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let algorithms = provider.signature_verification_algorithms;
    let (authority, optional) = match clients {
        ClientAuth::None => return Ok(WebPkiClientVerifier::no_client_auth()),
        ClientAuth::Requested => {
            return Ok(Arc::new(AnyCertificate { algorithms, required: false }));
        }
        ClientAuth::RequiredAny => {
            return Ok(Arc::new(AnyCertificate { algorithms, required: true }));
        }
        ClientAuth::VerifiedIfGiven(authority) => (authority, true),
        ClientAuth::Verified(authority) => (authority, false),
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("client_ca", authority)? {
        let added = roots.add(certificate);
        added.map_err(|error| Error::Pem { setting: "client_ca", cause: error.to_string() })?;
    }
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if optional { builder.allow_unauthenticated() } else { builder };
    builder.build().map_err(|error| Error::Config(error.to_string()))
}

/// `RequestClientCert` and `RequireAnyClientCert`: a client proves that it has
/// the key of its certificate; who signed that is not looked at.
#[derive(Debug)]
struct AnyCertificate {
    algorithms: WebPkiSupportedAlgorithms,
    required: bool,
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Shakes hands with a client. One that does not speak TLS is told so.
///
/// # Errors
/// With what went wrong, for the log.
pub(in crate::server) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    config: Arc<ServerConfig>,
    socket: &TcpStream,
    io: S,
    patience: Duration,
) -> Result<TlsStream<S>, String> {
    let mut first = [0];
    let shake = async {
        if socket.peek(&mut first).await.map_err(|error| error.to_string())? == 1
            && first[0] != HANDSHAKE_RECORD
        {
            // It will be told if it listens.
            let _ = socket.try_write(NOT_ENCRYPTED);
            return Err("a request without TLS".to_owned());
        }
        TlsAcceptor::from(config).accept(io).await.map_err(|error| error.to_string())
    };
    timeout(patience, shake).await.unwrap_or_else(|_| Err("it took too long".to_owned()))
}

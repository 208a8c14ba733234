//! TLS of our own listeners: from settings and PEM files to rustls.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::{ClientAuth, ServerTls};
use crate::tls::{Error, Section, provider, versions};

const SECTION: Section = Section("tls_server_config");

/// The first byte of every TLS connection: a record of the handshake.
const HANDSHAKE_RECORD: u8 = 0x16;

/// What a client without TLS is told: Go's words, which people search for.
const NOT_ENCRYPTED: &[u8] = b"HTTP/1.0 400 Bad Request\r\ncontent-type: text/plain\r\n\r\n\
    Client sent an HTTP request to an HTTPS server.\n";

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
    let provider = provider();
    let verifier = verifier(&settings.clients, &provider)?;
    let (chain, key) = SECTION.own(&settings.identity)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(settings.min_version..=settings.max_version))
        .map_err(|error| SECTION.misfit(&error))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| SECTION.misfit(&error))?;
    let protocols: &[&[u8]] = if http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
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
    let roots = Arc::new(SECTION.roots("client_ca", authority)?);
    let builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
    let builder = if optional { builder.allow_unauthenticated() } else { builder };
    builder.build().map_err(|error| SECTION.misfit(&error))
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

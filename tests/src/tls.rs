//! HTTPS servers and clients on loopback, with certificates of an authority
//! made for the test.

use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

use crate::serve::{Received, read};

/// How long a read may take before the test fails.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Identity {
    /// The certificate as PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// The key as PEM.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

impl Authority {
    /// An authority of its own.
    ///
    /// # Panics
    /// When there is no randomness.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, key());
        Self(issuer.expect("an authority can sign itself"))
    }

    /// Its certificate as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these names and addresses.
    ///
    /// # Panics
    /// When one is neither.
    #[must_use]
    pub fn issue(&self, names: &[&str]) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).expect("names or addresses");
        let key = key();
        let certificate = params.signed_by(&key, &self.0).expect("an authority can sign");
        Identity { certificate, key }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("its own certificate is one");
        roots
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("there is randomness")
}

/// A server that answers every request with the same JSON.
pub struct TlsServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stopped: AtomicBool,
    requests: Mutex<Vec<Received>>,
}

impl TlsServer {
    /// Starts a server with this identity; if there is an authority for
    /// clients, they must show a certificate of it.
    ///
    /// # Panics
    /// When there is no free port.
    #[must_use]
    pub fn start(identity: &Identity, clients: Option<&Authority>, json: &'static str) -> Self {
        let config = Arc::new(config(identity, clients));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if own.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (config, own) = (Arc::clone(&config), Arc::clone(&own));
                // A client that does not trust us goes away: its test sees it.
                thread::spawn(move || serve(config, stream, json, &own));
            }
        });
        Self { address, shared }
    }

    /// Its address as `host:port`.
    #[must_use]
    pub fn target(&self) -> String {
        self.address.to_string()
    }

    /// The requests that arrived over an established connection.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Wakes the accepting thread; if that fails, it has ended already.
        let _ = TcpStream::connect(self.address);
    }
}

/// A client that trusts one authority.
pub struct TlsClient {
    config: Arc<ClientConfig>,
    address: SocketAddr,
}

/// What a TLS client got.
#[derive(Clone, Debug)]
pub struct TlsAnswer {
    /// The protocol that was agreed on, such as `h2`.
    pub protocol: String,
    /// All that was sent, head and body.
    pub text: String,
}

impl TlsClient {
    /// A client of the server at `address` that trusts `authority`, offers
    /// these protocols, and has a certificate if one is given.
    ///
    /// # Panics
    /// When the certificate and its key do not fit together.
    #[must_use]
    pub fn new(
        address: SocketAddr,
        authority: &Authority,
        protocols: &[&str],
        identity: Option<&Identity>,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has TLS 1.2 and 1.3")
            .with_root_certificates(authority.roots());
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivatePkcs8KeyDer::from(identity.key.serialize_der());
                let chain = vec![identity.certificate.der().clone()];
                let config = builder.with_client_auth_cert(chain, PrivateKeyDer::Pkcs8(key));
                config.expect("the key is that of the certificate")
            }
        };
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self { config: Arc::new(config), address }
    }

    /// Asks for a path over HTTP/1.1, with more header lines (each with its
    /// line end), and reads until the server closes.
    ///
    /// # Errors
    /// When there is no connection or no answer.
    pub fn get(&self, path: &str, headers: &str) -> io::Result<TlsAnswer> {
        let name = ServerName::from(self.address.ip());
        let connection = ClientConnection::new(Arc::clone(&self.config), name);
        let socket = TcpStream::connect(self.address)?;
        socket.set_read_timeout(Some(READ_TIMEOUT))?;
        let mut stream = StreamOwned::new(connection.map_err(io::Error::other)?, socket);
        let address = self.address;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n"
        )?;
        let mut text = Vec::new();
        stream.read_to_end(&mut text)?;
        let protocol = stream.conn.alpn_protocol().unwrap_or_default();
        Ok(TlsAnswer {
            protocol: String::from_utf8_lossy(protocol).into_owned(),
            text: String::from_utf8_lossy(&text).into_owned(),
        })
    }

    /// The protocol that is agreed on, without asking for anything.
    ///
    /// # Errors
    /// When there is no connection.
    pub fn protocol(&self) -> io::Result<String> {
        let name = ServerName::from(self.address.ip());
        let connection = ClientConnection::new(Arc::clone(&self.config), name);
        let mut connection = connection.map_err(io::Error::other)?;
        let mut socket = TcpStream::connect(self.address)?;
        socket.set_read_timeout(Some(READ_TIMEOUT))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        let protocol = connection.alpn_protocol().unwrap_or_default();
        Ok(String::from_utf8_lossy(protocol).into_owned())
    }
}

fn config(identity: &Identity, clients: Option<&Authority>) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider has TLS 1.2 and 1.3");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let roots = Arc::new(authority.roots());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            builder.with_client_cert_verifier(verifier.expect("there is a root"))
        }
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.serialize_der()));
    let chain = vec![identity.certificate.der().clone()];
    builder.with_single_cert(chain, key).expect("the key is that of the certificate")
}

fn serve(
    config: Arc<ServerConfig>,
    stream: TcpStream,
    json: &str,
    shared: &Shared,
) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let request = read(&mut BufReader::new(&mut stream))?;
    shared.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{json}",
        json.len()
    )?;
    stream.conn.send_close_notify();
    stream.flush()
}

//! TLS towards replicas: roots, client certificates, and the option to trust
//! anybody.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::config::Tls;
use crate::tls::{Error, Section, provider, versions};

const SECTION: Section = Section("tls_config");

/// Builds a client configuration; files are read here.
///
/// # Errors
/// When a file cannot be read, a PEM text is empty or broken, or the key does
/// not fit the certificate.
pub fn client(settings: &Tls) -> Result<ClientConfig, Error> {
    let provider = provider();
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(settings.min_version..=settings.max_version))
        .map_err(|error| SECTION.misfit(&error))?;
    let builder = if settings.insecure_skip_verify {
        let verifier = Arc::new(TrustAnybody(algorithms));
        builder.dangerous().with_custom_certificate_verifier(verifier)
    } else {
        builder.with_root_certificates(roots(settings)?)
    };
    let Some(identity) = &settings.identity else { return Ok(builder.with_no_client_auth()) };
    let (chain, key) = SECTION.own(identity)?;
    builder.with_client_auth_cert(chain, key).map_err(|error| SECTION.misfit(&error))
}

/// The name to verify instead of the target's host, if one is configured.
///
/// # Errors
/// When it is neither a DNS name nor an address.
pub fn server_name(settings: &Tls) -> Result<Option<ServerName<'static>>, Error> {
    let parse = |name: &String| {
        ServerName::try_from(name.clone())
            .map_err(|error| SECTION.misfit(&format!("server_name {name:?}: {error}")))
    };
    settings.server_name.as_ref().map(parse).transpose()
}

fn roots(settings: &Tls) -> Result<RootCertStore, Error> {
    if let Some(ca) = &settings.ca {
        return SECTION.roots("ca", ca);
    }
    let mut store = RootCertStore::empty();
    // A machine without any root can still speak plain HTTP; a handshake
    // then says that the issuer is unknown.
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "system certificates");
    }
    store.add_parsable_certificates(native.certs);
    Ok(store)
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

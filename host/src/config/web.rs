//! The web configuration file: TLS, users and headers of a listener of ours.
//!
//! Comes in: the text of a file as Prometheus's servers read it under the flag
//! `--web.config.file` (prometheus/exporter-toolkit, docs/web-configuration.md).
//! Goes out: a [`Web`], or every mistake with its place. Certificates and keys
//! are read where they are used; relative paths count from the file's folder.

use std::collections::BTreeMap;
use std::path::Path;

use hyper::header::{HeaderName, HeaderValue};

use super::model::{Identity, TlsVersion};
use super::report::Report;
use super::resolve::{source, versions};
use super::secret::{Secret, Source};
use super::yaml::{self, Cursor};
use super::{Error, keys, read, text_of};

/// What a listener does beside answering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Without it, connections are not encrypted.
    pub tls: Option<ServerTls>,
    /// Whether HTTP/2 is offered to clients that connect with TLS.
    pub http2: bool,
    /// Sent with every response.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Who may ask, by name: bcrypt hashes of their passwords. Empty: all.
    pub users: BTreeMap<String, Secret>,
    /// What to know about the file, one line each.
    pub notes: Vec<String>,
}

/// TLS of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTls {
    /// Who we are.
    pub identity: Identity,
    /// What is asked of clients.
    pub clients: ClientAuth,
    /// Not above `max_version`.
    pub min_version: TlsVersion,
    /// Not below `min_version`.
    pub max_version: TlsVersion,
}

/// Go's `ClientAuthType`, each with what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// `NoClientCert`: they are not asked for a certificate.
    None,
    /// `RequestClientCert`: they are asked, and anything will do.
    Requested,
    /// `RequireAnyClientCert`: they must show one, of any authority.
    RequiredAny,
    /// `VerifyClientCertIfGiven`: one that is shown must be of this authority.
    VerifiedIfGiven(Source<String>),
    /// `RequireAndVerifyClientCert`: they must show one of this authority.
    Verified(Source<String>),
}

impl Web {
    /// What an empty file means.
    #[must_use]
    pub const fn plain() -> Self {
        Self {
            tls: None,
            http2: true,
            headers: Vec::new(),
            users: BTreeMap::new(),
            notes: Vec::new(),
        }
    }
}

/// Reads a web configuration file.
///
/// # Errors
/// When the file cannot be read, or has mistakes: all of them, in order.
pub fn load_web(path: &Path) -> Result<Web, Error> {
    let bytes = read(path)?;
    let name = path.display().to_string();
    let text = text_of(&bytes, &name)?;
    parse_web(text, &name, path.parent().unwrap_or(Path::new("")))
}

/// Reads a web configuration from text; see [`super::parse`] for the rest.
///
/// # Errors
/// When the text has mistakes: all of them, in order.
pub fn parse_web(text: &str, file_name: &str, base_dir: &Path) -> Result<Web, Error> {
    let mut report = Report::new(file_name);
    let web = match yaml::parse_or_empty(text, &mut report) {
        None | Some(None) => Web::plain(),
        Some(Some(tree)) => {
            let root = Cursor::root(&tree);
            keys::check_web(&root, &mut report);
            resolve(&root, base_dir, &mut report)
        }
    };
    let notes = report.finish().map_err(Error::Invalid)?;
    Ok(Web { notes, ..web })
}

fn resolve(root: &Cursor<'_>, base_dir: &Path, report: &mut Report) -> Web {
    let http = root.get("http_server_config");
    let http = http.as_ref();
    Web {
        tls: root.get("tls_server_config").and_then(|at| tls(&at, base_dir, report)),
        http2: http.and_then(|at| report.read(at, "http2", Cursor::bool)).unwrap_or(true),
        headers: http
            .and_then(|at| at.get("headers"))
            .map_or_else(Vec::new, |at| headers(&at, report)),
        users: root.get("basic_auth_users").map_or_else(BTreeMap::new, |at| users(&at, report)),
        notes: Vec::new(),
    }
}

/// A section that is there but says nothing is as good as none, as in
/// Prometheus.
const ENABLING: [&str; 7] =
    ["cert", "cert_file", "key", "key_file", "client_ca", "client_ca_file", "client_auth_type"];

fn tls(at: &Cursor<'_>, base_dir: &Path, report: &mut Report) -> Option<ServerTls> {
    let is_set = |key: &&str| at.get(key).is_some_and(|value| !value.is_empty());
    if !ENABLING.iter().any(is_set) {
        return None;
    }
    let before = [("cert", "cert_file"), ("key", "key_file")];
    for (inline, file) in before.into_iter().filter(|(one, other)| !is_set(one) && !is_set(other)) {
        let text = format!("found neither `{inline}` nor `{file}`, expected one of them");
        report.mistake(at.key_mistake(text));
    }
    let cert = source(at, before[0], |text| text, base_dir, report);
    let key = source(at, before[1], Secret::new, base_dir, report);
    let clients = client_auth(at, base_dir, report);
    let (min_version, max_version) = versions(at, report);
    let identity = cert.zip(key).map(|(cert, key)| Identity { cert, key })?;
    Some(ServerTls { identity, clients, min_version, max_version })
}

/// The values of `client_auth_type`; `RequireClientCert` is an old name.
const AUTH_TYPES: &str = "NoClientCert, RequestClientCert, RequireAnyClientCert, \
                          VerifyClientCertIfGiven or RequireAndVerifyClientCert";

fn client_auth(at: &Cursor<'_>, base_dir: &Path, report: &mut Report) -> ClientAuth {
    let authority = source(at, ("client_ca", "client_ca_file"), |text| text, base_dir, report);
    let value = at.get("client_auth_type");
    let name = value.as_ref().and_then(|value| value.text().ok()).unwrap_or("");
    let verified: fn(Source<String>) -> ClientAuth = match name {
        "" | "NoClientCert" => {
            if authority.is_some() {
                report.mistake(at.key_mistake(
                    "found an authority for clients, expected a `client_auth_type` that uses it",
                ));
            }
            return ClientAuth::None;
        }
        "RequestClientCert" => return ClientAuth::Requested,
        "RequireAnyClientCert" | "RequireClientCert" => return ClientAuth::RequiredAny,
        "VerifyClientCertIfGiven" => ClientAuth::VerifiedIfGiven,
        "RequireAndVerifyClientCert" => ClientAuth::Verified,
        _ => {
            value.iter().for_each(|value| report.mistake(value.unexpected(AUTH_TYPES)));
            return ClientAuth::None;
        }
    };
    if authority.is_none() {
        report.mistake(at.key_mistake(format!(
            "found {name}, expected `client_ca` or `client_ca_file` with it: whose certificates are good?"
        )));
    }
    authority.map_or(ClientAuth::None, verified)
}

/// The headers that may be set, with their values where only some are
/// allowed.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

fn headers(at: &Cursor<'_>, report: &mut Report) -> Vec<(HeaderName, HeaderValue)> {
    let mut found = Vec::new();
    for (name, values) in HEADERS {
        let Some(value) = at.get(name).filter(|value| !value.is_empty()) else { continue };
        let Some(text) = report.take(value.text()) else { continue };
        if !values.is_empty() && !values.contains(&text) {
            report.mistake(value.unexpected(&values.join(" or ")));
        } else if let Ok(text) = HeaderValue::from_str(text) {
            found.push((HeaderName::from_bytes(name.as_bytes()).expect("a header's name"), text));
        } else {
            report.mistake(value.unexpected("a text that HTTP allows in a header"));
        }
    }
    found
}

fn users(at: &Cursor<'_>, report: &mut Report) -> BTreeMap<String, Secret> {
    let mut users = BTreeMap::new();
    for (name, value) in report.take(at.entries()).unwrap_or_default() {
        let hash = value.text().unwrap_or("");
        if name.contains(':') {
            // RFC 7617: the first colon ends the name.
            report.mistake(value.key_mistake("found a user with a colon, expected one without"));
        } else if hash.parse::<bcrypt::HashParts>().is_err() {
            // Whatever it is, it may be a password: it is not repeated.
            report.mistake(value.mistake(
                "found no hash of bcrypt, expected one such as `htpasswd -nBC 10 \"\"` prints",
            ));
        } else {
            users.insert(name.to_owned(), Secret::new(hash.to_owned()));
        }
    }
    users
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$04$6MbnyXbJTQdzPBxCU1jsteYxqkIVrs3oFHqJsOVM9I0JjDUyJ0MPC";

    fn parse(text: &str) -> Result<Web, String> {
        parse_web(text, "web.yml", Path::new("/etc/p")).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_file_means_nothing() {
        assert_eq!(parse(""), Ok(Web::plain()));
        assert_eq!(parse("# nothing\n"), Ok(Web::plain()));
        assert_eq!(parse("tls_server_config:\n  min_version: TLS13\n"), Ok(Web::plain()));
    }

    #[test]
    fn all_that_is_supported_is_read() {
        let text = format!(
            "tls_server_config:\n  cert_file: a.crt\n  key_file: /keys/a.key\n  \
             client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n  \
             min_version: TLS13\n  prefer_server_cipher_suites: true\n\
             http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: deny\n\
             basic_auth_users:\n  alice: {HASH}\n"
        );
        let web = parse(&text).expect("a good file");
        let tls = web.tls.expect("TLS");
        assert_eq!(tls.identity.cert, Source::File("/etc/p/a.crt".into()));
        assert_eq!(tls.identity.key, Source::File("/keys/a.key".into()));
        assert_eq!(tls.clients, ClientAuth::Verified(Source::File("/etc/p/ca.crt".into())));
        assert_eq!((tls.min_version, tls.max_version), (TlsVersion::Tls13, TlsVersion::Tls13));
        assert!(!web.http2);
        assert_eq!(web.headers.len(), 1);
        assert_eq!(web.users["alice"].expose(), HASH);
    }

    #[test]
    fn every_mistake_has_its_place() {
        let table = [
            (
                "tls_server_confg: {}",
                "web.yml:1:1: tls_server_confg: unknown key \"tls_server_confg\"; did you mean `tls_server_config`?",
            ),
            (
                "tls_server_config:\n  cert_file: a",
                "web.yml:1:1: tls_server_config: found neither `key` nor `key_file`, expected one of them",
            ),
            (
                "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: Maybe",
                "web.yml:4:21: tls_server_config.client_auth_type: found \"Maybe\", expected NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert",
            ),
            (
                "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_ca_file: c",
                "web.yml:1:1: tls_server_config: found an authority for clients, expected a `client_auth_type` that uses it",
            ),
            (
                "tls_server_config:\n  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]",
                "web.yml:2:3: tls_server_config.cipher_suites: not supported yet, expected no such key or an empty value (the suites of TLS 1.2 and 1.3 without known weaknesses are spoken)",
            ),
            (
                "basic_auth_users:\n  alice: hunter2",
                "web.yml:2:10: basic_auth_users.alice: found no hash of bcrypt, expected one such as `htpasswd -nBC 10 \"\"` prints",
            ),
            (
                "http_server_config:\n  headers:\n    X-Frame-Options: maybe",
                "web.yml:3:22: http_server_config.headers.X-Frame-Options: found \"maybe\", expected deny or sameorigin",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), Err(expected.to_owned()), "{text}");
        }
    }
}

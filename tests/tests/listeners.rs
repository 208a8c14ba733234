//! The proxy's own listeners: TLS, client certificates, users and headers, as
//! Prometheus's web configuration file sets them.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use e2e::http::Request;
use e2e::proxy::{Proxy, command};
use e2e::tls::{Authority, Identity, TlsClient};
use tempfile::TempDir;

/// Longest that a change may take to be seen.
const SOON: Duration = Duration::from_secs(20);

/// `secret` of the user `alice`, at bcrypt's lowest cost.
const ALICE: &str = "alice: $2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

/// A folder with certificates and a web configuration file.
struct Files {
    folder: TempDir,
    authority: Authority,
}

impl Files {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let authority = Authority::new("ours");
        let files = Self { folder, authority };
        files.write("ca.crt", &files.authority.pem());
        files.identity(&files.authority.issue(&["127.0.0.1"]));
        files
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The identity of the server.
    fn identity(&self, identity: &Identity) {
        self.write("own.crt", &identity.certificate_pem());
        self.write("own.key", &identity.key_pem());
    }

    /// A proxy with TLS and more lines in the web configuration file.
    fn proxy(&self, more: &str) -> Proxy {
        let tls = "tls_server_config:\n  cert_file: own.crt\n  key_file: own.key\n";
        self.write("web.yml", &format!("{tls}{more}"));
        let flag = format!("--web.config.file={}", self.path("web.yml").display());
        Proxy::builder().flag(&flag).start()
    }

    fn client(&self, proxy: &Proxy, identity: Option<&Identity>) -> TlsClient {
        TlsClient::new(proxy.client.address, &self.authority, &["http/1.1"], identity)
    }
}

#[test]
fn tls_is_spoken_with_both_versions_of_http() {
    let files = Files::new();
    let proxy = files.proxy("http_server_config:\n  headers:\n    X-Frame-Options: deny\n");
    let answer = files.client(&proxy, None).get("/-/healthy", "").expect("an answer");
    assert!(answer.text.starts_with("HTTP/1.1 200 OK\r\n"), "{}", answer.text);
    assert!(answer.text.contains("x-frame-options: deny\r\n"), "{}", answer.text);
    assert_eq!(answer.protocol, "http/1.1");
    let both = ["h2", "http/1.1"];
    let client = TlsClient::new(proxy.client.address, &files.authority, &both, None);
    assert_eq!(client.protocol().expect("a handshake"), "h2");
    let stranger = Authority::new("theirs");
    let client = TlsClient::new(proxy.client.address, &stranger, &both, None);
    assert!(client.get("/-/healthy", "").is_err());
}

#[test]
fn http2_can_be_switched_off() {
    let files = Files::new();
    let proxy = files.proxy("http_server_config:\n  http2: false\n");
    let both = ["h2", "http/1.1"];
    let client = TlsClient::new(proxy.client.address, &files.authority, &both, None);
    assert_eq!(client.protocol().expect("a handshake"), "http/1.1");
}

#[test]
fn a_request_without_tls_is_told_so() {
    let files = Files::new();
    let proxy = files.proxy("");
    let mut stream = TcpStream::connect(proxy.client.address).expect("a connection");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").expect("sent");
    let mut got = String::new();
    stream.read_to_string(&mut got).expect("an answer and an end");
    assert!(got.starts_with("HTTP/1.0 400 Bad Request\r\n"), "{got}");
    assert!(got.ends_with("Client sent an HTTP request to an HTTPS server.\n"), "{got}");
}

#[test]
fn a_new_certificate_is_used_at_once_and_a_bad_one_never() {
    let files = Files::new();
    let proxy = files.proxy("");
    let next = Authority::new("next");
    let asks = |authority: &Authority| {
        TlsClient::new(proxy.client.address, authority, &[], None).get("/-/healthy", "").is_ok()
    };
    assert!(asks(&files.authority) && !asks(&next));
    files.write("own.crt", "no certificate");
    assert!(asks(&files.authority));
    files.identity(&next.issue(&["127.0.0.1"]));
    assert!(asks(&next) && !asks(&files.authority));
    assert!(proxy.log().contains("stays in force"), "{}", proxy.log());
}

#[test]
fn clients_show_the_certificates_that_are_asked_of_them() {
    let files = Files::new();
    let (ours, stranger) = (files.authority.issue(&["a"]), Authority::new("b").issue(&["b"]));
    // What is asked for, and who gets an answer: nobody's, a stranger's, ours.
    let table = [
        ("NoClientCert", "", [true, true, true]),
        ("RequestClientCert", "", [true, true, true]),
        ("RequireAnyClientCert", "", [false, true, true]),
        ("VerifyClientCertIfGiven", "  client_ca_file: ca.crt\n", [true, false, true]),
        ("RequireAndVerifyClientCert", "  client_ca_file: ca.crt\n", [false, false, true]),
    ];
    for (kind, authority, expected) in table {
        let proxy = files.proxy(&format!("  client_auth_type: {kind}\n{authority}"));
        let asks = |identity| files.client(&proxy, identity).get("/-/healthy", "").is_ok();
        let got = [asks(None), asks(Some(&stranger)), asks(Some(&ours))];
        assert_eq!(got, expected, "{kind}");
    }
}

#[test]
fn users_show_their_passwords() {
    let files = Files::new();
    files.write("web.yml", &format!("basic_auth_users:\n  {ALICE}\n"));
    let flag = format!("--web.config.file={}", files.path("web.yml").display());
    let proxy = Proxy::builder().flag(&flag).start();
    let status = |value: &str| {
        let request = Request::get("/api/v1/labels", &[]).header("authorization", value);
        proxy.client.send(&request).expect("an answer").status
    };
    let none = proxy.client.get("/-/healthy", &[]);
    assert_eq!(
        (none.status, none.header("www-authenticate")),
        (401, Some("Basic realm=\"promweave\""))
    );
    assert_eq!(none.json()["errorType"], "unauthorized");
    // alice:secret, twice; alice:wrong; bob:secret.
    assert_eq!(status("Basic YWxpY2U6c2VjcmV0"), 200);
    assert_eq!(status("basic YWxpY2U6c2VjcmV0"), 200);
    assert_eq!(status("Basic YWxpY2U6d3Jvbmc="), 401);
    assert_eq!(status("Basic Ym9iOnNlY3JldA=="), 401);
    assert!(!proxy.log().contains("secret"));
    files.write("web.yml", "");
    let until = Instant::now() + SOON;
    while proxy.client.get("/-/healthy", &[]).status != 200 {
        assert!(Instant::now() < until, "{}", proxy.log());
    }
}

#[test]
fn a_bad_web_configuration_is_a_bad_start_with_a_reason() {
    let files = Files::new();
    let table = [
        ("tls_server_confg: {}", "web.yml:1:1: tls_server_confg: unknown key"),
        (
            "tls_server_config:\n  cert_file: none.crt\n  key_file: own.key",
            "tls_server_config.cert_file",
        ),
        ("tls_server_config:\n  cert_file: own.crt\n  key_file: own.crt", "tls_server_config.key"),
        ("basic_auth_users:\n  alice: secret", "basic_auth_users.alice: found no hash of bcrypt"),
    ];
    files.write("config.yaml", "promxy: {}\n");
    for (text, expected) in table {
        files.write("web.yml", text);
        let output = command()
            .arg(format!("--config={}", files.path("config.yaml").display()))
            .arg("--bind-addr=127.0.0.1:0")
            .arg(format!("--web.config.file={}", files.path("web.yml").display()))
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(expected), "{text}: {said}");
    }
}

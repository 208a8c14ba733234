//! How the proxy says who it is, and whom it believes: HTTP authentication
//! and TLS towards replicas.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use e2e::http::Response;
use e2e::proxy::{Group, Proxy};
use e2e::serve::{Received, Server};
use e2e::tls::{Authority, TlsServer};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a replica with one series answers.
const ANSWER: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up"},"values":[[1699999195,"1"]]}]}}"#;

/// A replica that remembers what it is asked.
struct Replica {
    server: Server,
    requests: Arc<Mutex<Vec<Received>>>,
}

impl Replica {
    fn start() -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let server = Server::start(move |request, mut stream, _| {
            seen.lock().expect("no handler panics").push(request.clone());
            let length = ANSWER.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
                 connection: close\r\n\r\n{ANSWER}"
            )
        });
        Self { server, requests }
    }

    /// The header of this (lower-case) name in the last request.
    fn last(&self, name: &str) -> Option<String> {
        let requests = self.requests.lock().expect("no handler panics");
        let headers = &requests.last()?.headers;
        headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
    }
}

/// A proxy in front of one server, with these settings of the HTTP client.
fn proxy(target: String, scheme: &str, http_client: Value) -> Proxy {
    let group = Group::new(&[target]).set("scheme", scheme).set("remote_read", false);
    Proxy::builder().group(group.set("http_client", http_client)).start()
}

/// Asks for the one series.
fn ask(proxy: &Proxy) -> Response {
    proxy.client.get("/api/v1/query", &[("query", "up[1m]"), ("time", "1699999200")])
}

fn assert_answered(response: &Response) {
    let answer = response.json();
    assert_eq!(answer["data"]["result"][0]["values"][0][1], "1", "{answer}");
}

/// Fails with an error that says all of `parts`.
fn assert_failed(response: &Response, parts: &[&str]) {
    let answer = response.json();
    assert_eq!(response.status, 503, "{answer}");
    let error = answer["error"].as_str().unwrap_or_default();
    assert!(parts.iter().all(|part| error.contains(part)), "{error:?} lacks one of {parts:?}");
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).expect("a temporary file");
    path.display().to_string()
}

#[test]
fn every_way_of_authentication_reaches_the_replica() {
    let folder = TempDir::new().expect("a temporary folder");
    let token = write(folder.path(), "token", "from-a-file\n");
    let password = write(folder.path(), "password", "sesam\n");
    let user = write(folder.path(), "user", "aladdin\n");
    let basic = "Basic YWxhZGRpbjpzZXNhbQ==";
    let cases = [
        (json!({"basic_auth": {"username": "aladdin", "password": "sesam"}}), basic),
        (json!({"basic_auth": {"username": "aladdin", "password_file": password}}), basic),
        (json!({"basic_auth": {"username_file": user, "password": "sesam"}}), basic),
        (json!({"bearer_token": "t0ken"}), "Bearer t0ken"),
        (json!({"bearer_token_file": token}), "Bearer from-a-file"),
        (json!({"authorization": {"credentials": "t0ken"}}), "Bearer t0ken"),
        (json!({"authorization": {"type": "Token", "credentials": "x"}}), "Token x"),
        (json!({"authorization": {"credentials_file": token}}), "Bearer from-a-file"),
    ];
    for (settings, expected) in cases {
        let replica = Replica::start();
        let proxy = proxy(replica.server.address.to_string(), "http", settings.clone());
        assert_answered(&ask(&proxy));
        assert_eq!(replica.last("authorization").as_deref(), Some(expected), "{settings}");
    }
    let replica = Replica::start();
    let plain = proxy(replica.server.address.to_string(), "http", json!({}));
    assert_answered(&ask(&plain));
    assert_eq!(replica.last("authorization"), None);
}

#[test]
fn headers_of_the_configuration_are_sent() {
    let replica = Replica::start();
    let group = Group::new(&[replica.server.address.to_string()])
        .set("remote_read", false)
        .set("http_headers", json!({"X-Scope-OrgID": "tenant-1"}));
    let proxy = Proxy::builder().group(group).start();
    assert_answered(&ask(&proxy));
    assert_eq!(replica.last("x-scope-orgid").as_deref(), Some("tenant-1"));
}

#[test]
fn a_token_in_a_file_is_read_anew_and_named_when_it_is_gone() {
    let cases = [
        ("bearer_token_file", "bearer_token_file"),
        ("authorization", "authorization.credentials_file"),
        ("basic_auth", "basic_auth.password_file"),
    ];
    for (key, named) in cases {
        let folder = TempDir::new().expect("a temporary folder");
        let file = write(folder.path(), "secret", "one");
        let settings = match key {
            "authorization" => json!({key: {"credentials_file": file}}),
            "basic_auth" => json!({key: {"username": "u", "password_file": file}}),
            _ => json!({key: file}),
        };
        let replica = Replica::start();
        let proxy = proxy(replica.server.address.to_string(), "http", settings);
        assert_answered(&ask(&proxy));
        let before = replica.last("authorization");
        write(folder.path(), "secret", "two");
        assert_answered(&ask(&proxy));
        assert_ne!(replica.last("authorization"), before, "{key}");
        fs::remove_file(&file).expect("the file is there");
        assert_failed(&ask(&proxy), &["credentials", named, &file]);
    }
}

#[test]
fn an_authority_is_believed_only_if_it_is_configured() {
    let folder = TempDir::new().expect("a temporary folder");
    let (own, foreign) = (Authority::new("own"), Authority::new("foreign"));
    let server = TlsServer::start(&own.issue(&["127.0.0.1"]), None, ANSWER);
    let own_file = write(folder.path(), "own.pem", &own.pem());
    let foreign_file = write(folder.path(), "foreign.pem", &foreign.pem());
    let trusting = [
        json!({"tls_config": {"ca_file": own_file}}),
        json!({"tls_config": {"ca": own.pem()}}),
        json!({"tls_config": {"insecure_skip_verify": true}}),
        json!({"tls_config": {"ca_file": own_file, "min_version": "TLS13"}}),
        json!({"tls_config": {"ca_file": own_file, "max_version": "TLS12"}}),
    ];
    for settings in trusting {
        assert_answered(&ask(&proxy(server.target(), "https", settings)));
    }
    let seen = server.requests().len();
    for settings in [json!({"tls_config": {"ca_file": foreign_file}}), json!({})] {
        let proxy = proxy(server.target(), "https", settings);
        assert_failed(&ask(&proxy), &[&server.target(), "certificate"]);
    }
    assert_eq!(server.requests().len(), seen, "nothing is sent to whom is not believed");
}

#[test]
fn the_certificate_must_have_the_configured_name() {
    let authority = Authority::new("own");
    let server = TlsServer::start(&authority.issue(&["replica.test"]), None, ANSWER);
    let settings = |name: Option<&str>| {
        let mut tls = json!({"ca": authority.pem()});
        if let Some(name) = name {
            tls["server_name"] = name.into();
        }
        json!({ "tls_config": tls })
    };
    assert_answered(&ask(&proxy(server.target(), "https", settings(Some("replica.test")))));
    // Without a name it must have the target's address.
    for name in [Some("other.test"), None] {
        let proxy = proxy(server.target(), "https", settings(name));
        assert_failed(&ask(&proxy), &[&server.target(), "certificate"]);
    }
    let mut careless = settings(Some("other.test"));
    careless["tls_config"]["insecure_skip_verify"] = true.into();
    assert_answered(&ask(&proxy(server.target(), "https", careless)));
}

#[test]
fn a_server_that_wants_a_certificate_gets_the_configured_one() {
    let folder = TempDir::new().expect("a temporary folder");
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let server = TlsServer::start(&servers.issue(&["127.0.0.1"]), Some(&clients), ANSWER);
    let settings = |identity: &e2e::tls::Identity| {
        let cert = write(folder.path(), "client.pem", &identity.certificate_pem());
        let key = write(folder.path(), "client.key", &identity.key_pem());
        json!({"tls_config": {"ca": servers.pem(), "cert_file": cert, "key_file": key}})
    };
    let known = settings(&clients.issue(&["promweave.test"]));
    assert_answered(&ask(&proxy(server.target(), "https", known)));
    let inline = clients.issue(&["promweave.test"]);
    let inline = json!({"tls_config": {
        "ca": servers.pem(), "cert": inline.certificate_pem(), "key": inline.key_pem(),
    }});
    assert_answered(&ask(&proxy(server.target(), "https", inline)));
    let seen = server.requests().len();
    let unknown = settings(&servers.issue(&["promweave.test"]));
    let none = json!({"tls_config": {"ca": servers.pem()}});
    for refused in [unknown, none] {
        assert_failed(&ask(&proxy(server.target(), "https", refused)), &[&server.target()]);
    }
    assert_eq!(server.requests().len(), seen, "the server has let nobody in");
}

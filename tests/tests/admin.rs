//! The admin address of the real proxy: who may ask, uploads that go wrong,
//! and what is kept of them in the log.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use e2e::http::{Client, Request, Response};
use e2e::proxy::{Group, Proxy, command};
use e2e::tls::{Authority, TlsClient};
use serde_json::Value;
use tempfile::TempDir;

/// Longest that something may take to be seen.
const SOON: Duration = Duration::from_secs(20);

const ALICE: &str = "a-token-of-alice-0123456789";
const CI: &str = "a-token-of-ci-9876543210";

/// Where uploads of this name go.
const MEDIAN: &str = "/api/v1/policies/median";

fn groups() -> e2e::proxy::Builder {
    Proxy::builder().group(Group::new(&["127.0.0.1:1".to_owned()]).set("name", "east"))
}

/// The component that the proxy itself has: one that is sound.
fn component(proxy: &Proxy) -> Vec<u8> {
    let got = proxy.admin.get("/api/v1/policies/fill/latest", &[]);
    assert_eq!(got.status, 200, "{}", got.text());
    got.body
}

/// The same with something at its end that makes other bytes of it: a custom
/// section.
fn variant(component: &[u8], number: u32) -> Vec<u8> {
    let mut bytes = component.to_vec();
    bytes.extend_from_slice(&[0, 6, 1, b'v']);
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes
}

fn send(client: Client, request: &Request) -> Response {
    client.send(request).expect("an answer")
}

fn put(client: Client, target: &str, body: &[u8]) -> Response {
    send(client, &Request::with_body("PUT", target, body))
}

/// Sends text and reads all that comes until the server closes.
fn raw(client: Client, text: &str) -> String {
    let mut stream = TcpStream::connect(client.address).expect("a connection");
    stream.set_read_timeout(Some(SOON)).expect("a socket has timeouts");
    stream.write_all(text.as_bytes()).expect("sent");
    let mut got = String::new();
    stream.read_to_string(&mut got).expect("an answer and an end");
    got
}

/// Waits until the log has a line with all of these.
fn until_logged(proxy: &Proxy, parts: &[&str]) -> String {
    let until = Instant::now() + SOON;
    loop {
        let log = proxy.log();
        let found = log.lines().find(|line| parts.iter().all(|part| line.contains(part)));
        if let Some(line) = found {
            return line.to_owned();
        }
        assert!(Instant::now() < until, "no {parts:?} in\n{log}");
        thread::yield_now();
    }
}

struct Tokens {
    _folder: TempDir,
    path: PathBuf,
}

impl Tokens {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let tokens = Self { path: folder.path().join("tokens"), _folder: folder };
        tokens.write(&format!("# who may\nalice:{ALICE}\n"));
        fs::set_permissions(&tokens.path, fs::Permissions::from_mode(0o600)).expect("ours");
        tokens
    }

    fn write(&self, text: &str) {
        fs::write(&self.path, text).expect("written");
    }

    fn flag(&self) -> String {
        format!("--admin.token-file={}", self.path.display())
    }
}

#[test]
fn without_tokens_this_machine_may_ask_and_no_web_page() {
    let proxy = groups().start();
    until_logged(&proxy, &["admin listening", "whoever is on this machine"]);
    assert_eq!(proxy.admin.get("/api/v1/server_groups", &[]).status, 200);
    for headers in [
        "host: evil.example",
        "host: evil.example:8083",
        "host: localhost\r\norigin: http://evil.example",
        "host: localhost\r\norigin: null",
        "host: localhost\r\nsec-fetch-site: cross-site",
        "host: localhost\r\nx-forwarded-for: 10.0.0.3",
    ] {
        let path = "POST /api/v1/server_groups/east/policy/promote";
        let got = raw(
            proxy.admin,
            &format!(
                "{path} HTTP/1.1\r\n{headers}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            ),
        );
        assert!(got.starts_with("HTTP/1.1 403 "), "{headers}: {got}");
        assert!(got.contains("\"errorType\":\"forbidden\""), "{got}");
    }
    until_logged(&proxy, &["WARN", "audit", "refused", "may ask"]);
    let page = proxy.client.get("/metrics", &[]).text();
    assert!(page.contains("promweave_admin_refused_total{reason=\"forbidden\"} 6"), "{page}");
}

#[test]
fn the_main_address_says_where_policies_are_managed() {
    let proxy = groups().start();
    for path in [MEDIAN, "/api/v1/policies", "/api/v1/server_groups/east/policy"] {
        let got = proxy.client.get(path, &[]);
        assert_eq!((got.status, &got.json()["errorType"]), (404, &Value::from("not_found")));
        assert!(got.text().contains(&proxy.admin.address.to_string()), "{}", got.text());
    }
    let off = groups().flag("--admin.bind-addr=none").start();
    let got = off.client.get("/api/v1/policies", &[]);
    assert!(got.text().contains("switched off (--admin.bind-addr)"), "{}", got.text());
}

#[test]
fn with_tokens_who_shows_one_may_ask_and_is_remembered_by_name() {
    let tokens = Tokens::new();
    let proxy = groups().flag(&tokens.flag()).start();
    let ask = |token: &str| {
        let request = Request::get("/api/v1/policies/fill/latest", &[]);
        send(proxy.admin, &request.header("authorization", &format!("Bearer {token}")))
    };
    let none = proxy.admin.get("/api/v1/policies", &[]);
    assert_eq!(none.status, 401);
    assert_eq!(none.header("www-authenticate"), Some("Bearer realm=\"promweave admin\""));
    assert_eq!(ask("a-token-of-nobody-000000000").status, 401);
    let component = ask(ALICE).body;
    let upload = Request::with_body("PUT", MEDIAN, component.as_slice());
    let stored = send(proxy.admin, &upload.header("authorization", &format!("Bearer {ALICE}")));
    assert_eq!(stored.status, 201, "{}", stored.text());
    let version = &stored.json()["data"]["version"];
    assert_eq!(version["uploaded_by"], "alice");
    let digest = version["digest"].as_str().expect("a digest");
    let line = until_logged(&proxy, &["audit", "upload", digest]);
    for part in ["by=\"alice\"", "policy=\"median\"", "outcome=\"success\"", "peer=\"127.0.0.1\""] {
        assert!(line.contains(part), "no {part} in {line}");
    }
    // Changed while it runs: a bad file changes nothing.
    tokens.write("alice\n");
    assert_eq!(ask(ALICE).status, 200);
    until_logged(&proxy, &["ERROR", "stays in force", "expected name:token"]);
    tokens.write(&format!("ci:{CI}\n"));
    assert_eq!((ask(ALICE).status, ask(CI).status), (401, 200));
    for token in [ALICE, CI, "a-token-of-nobody"] {
        assert!(!proxy.log().contains(token), "{}", proxy.log());
    }
}

#[test]
fn an_address_that_others_reach_needs_tokens() {
    let folder = TempDir::new().expect("a folder");
    let config = folder.path().join("config.yaml");
    fs::write(&config, "promxy: {}\n").expect("written");
    let start = |flags: &[&str]| {
        let output = command()
            .current_dir(folder.path())
            .arg(format!("--config={}", config.display()))
            .arg("--bind-addr=127.0.0.1:0")
            .args(flags)
            .output()
            .expect("it runs");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = start(&["--admin.bind-addr=0.0.0.0:0"]);
    assert!(said.contains("--admin.token-file"), "{said}");
    let said = start(&["--admin.bind-addr=127.0.0.1:0", "--admin.token-file=none"]);
    assert!(said.contains("none: No such file"), "{said}");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("an address");
    let said = start(&[&format!("--admin.bind-addr={taken}")]);
    assert!(said.contains("in use") || said.contains("cannot listen"), "{said}");
    let tokens = Tokens::new();
    let open = groups().flag("--admin.bind-addr=0.0.0.0:0").flag(&tokens.flag()).start();
    let client = Client::new(([127, 0, 0, 1], open.admin.address.port()).into());
    assert_eq!(client.get("/api/v1/policies", &[]).status, 401);
    assert_eq!(client.get("/-/ready", &[]).status, 200);
}

#[test]
fn the_admin_address_speaks_tls_by_a_file_of_its_own() {
    let folder = TempDir::new().expect("a folder");
    let authority = Authority::new("ours");
    let identity = authority.issue(&["127.0.0.1"]);
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        path
    };
    write("own.crt", &identity.certificate_pem());
    write("own.key", &identity.key_pem());
    let tls = "tls_server_config:\n  cert_file: own.crt\n  key_file: own.key\n";
    // The password of alice is `secret`.
    let users = "basic_auth_users:\n  alice: $2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n";
    let web = write("web.yml", &format!("{tls}{users}"));
    let flag = format!("--admin.web.config.file={}", web.display());
    let tokens = Tokens::new();
    let proxy = groups().flag(&flag).flag(&tokens.flag()).start();
    let client = TlsClient::new(proxy.admin.address, &authority, &["http/1.1"], None);
    let status = |headers: &str| {
        let answer = client.get("/api/v1/policies", headers).expect("an answer");
        answer.text.split(' ').nth(1).expect("a status").to_owned()
    };
    assert_eq!(status(""), "401");
    assert_eq!(status(&format!("authorization: Bearer {ALICE}\r\n")), "200");
    assert_eq!(status("authorization: Basic YWxpY2U6c2VjcmV0\r\n"), "200");
    assert_eq!(status("authorization: Basic YWxpY2U6d3Jvbmc=\r\n"), "401");
    // A browser sends the password for any page's sake.
    let page = "authorization: Basic YWxpY2U6c2VjcmV0\r\norigin: https://evil.example\r\n";
    assert_eq!(status(page), "403");
    assert_eq!(proxy.client.get("/-/healthy", &[]).status, 200);
}

#[test]
fn who_waits_to_be_told_to_send_is_told_no_first() {
    let proxy = groups().start();
    let component = component(&proxy);
    assert_eq!(put(proxy.admin, MEDIAN, &component).status, 201);
    let waiting = |name: &str, headers: &str| {
        let head = "HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n";
        raw(proxy.admin, &format!("PUT /api/v1/policies/{name} {head}{headers}\r\n"))
    };
    let table = [
        ("median", "content-length: 67108865\r\n", "413"),
        ("median", "content-length: 9\r\ncontent-encoding: gzip\r\n", "415"),
        ("median", "content-length: 9\r\nif-none-match: *\r\n", "412"),
        ("median", "content-length: 9\r\nif-match: \"other\"\r\n", "412"),
        ("median", "content-length: 9\r\norigin: http://evil.example\r\n", "403"),
        ("median.wasm", "content-length: 9\r\n", "400"),
        ("fill", "content-length: 9\r\n", "409"),
    ];
    for (name, headers, status) in table {
        let got = waiting(name, headers);
        assert!(got.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {got}");
    }
    let mut stream = TcpStream::connect(proxy.admin.address).expect("a connection");
    let length = component.len();
    let head = format!(
        "PUT {MEDIAN} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
         connection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).expect("an answer");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&component).expect("sent");
    let mut got = String::new();
    stream.read_to_string(&mut got).expect("an answer and an end");
    assert!(got.starts_with("HTTP/1.1 200 OK\r\n"), "{got}");
}

#[test]
fn an_upload_that_is_cut_changes_nothing_and_is_told_of() {
    let proxy = groups().start();
    for end in [Shutdown::Write, Shutdown::Both] {
        let mut stream = TcpStream::connect(proxy.admin.address).expect("a connection");
        let head =
            format!("PUT {MEDIAN} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        stream.write_all(b"\0asm and then no more").expect("sent");
        stream.shutdown(end).expect("a connection can be shut down");
        let parts = ["audit", "action=\"upload\"", "policy=\"median\""];
        let line = until_logged(&proxy, &parts);
        assert!(!line.contains("success"), "{line}");
    }
    assert_eq!(proxy.admin.get(MEDIAN, &[]).status, 404);
}

#[test]
fn two_uploads_of_one_name_at_once_are_two_versions_in_some_order() {
    let proxy = groups().start();
    let component = component(&proxy);
    let bodies: Vec<Vec<u8>> = (0..2).map(|number| variant(&component, number)).collect();
    let admin = proxy.admin;
    let got: Vec<Response> = thread::scope(|scope| {
        let uploads: Vec<_> =
            bodies.iter().map(|body| scope.spawn(move || put(admin, MEDIAN, body))).collect();
        uploads.into_iter().map(|upload| upload.join().expect("no panic")).collect()
    });
    assert!(got.iter().all(|got| got.status == 201), "{} {}", got[0].text(), got[1].text());
    let info = admin.get(MEDIAN, &[]).json();
    let listed = info["data"]["versions"].as_array().expect("versions");
    let mut listed: Vec<&str> = listed.iter().filter_map(|one| one["digest"].as_str()).collect();
    listed.sort_unstable();
    let answers: Vec<Value> = got.iter().map(Response::json).collect();
    let mut uploaded: Vec<&str> =
        answers.iter().filter_map(|one| one["data"]["version"]["digest"].as_str()).collect();
    uploaded.sort_unstable();
    assert_eq!(listed, uploaded);
    // With a condition, one of two is refused: here, to make the older one the
    // newest again.
    let tag = admin.get(MEDIAN, &[]).header("etag").expect("a tag").to_owned();
    let is_newest = |got: &&Value| {
        tag.trim_matches('"') == got["data"]["version"]["digest"].as_str().unwrap_or_default()
    };
    let older = answers.iter().position(|got| !is_newest(&got)).expect("one of two is older");
    let older = &bodies[older];
    let mut late: Vec<u16> = thread::scope(|scope| {
        let uploads: Vec<_> = (0..2)
            .map(|_| {
                let request = Request::with_body("PUT", MEDIAN, older.clone());
                let request = request.header("if-match", &tag);
                scope.spawn(move || send(admin, &request).status)
            })
            .collect();
        uploads.into_iter().map(|upload| upload.join().expect("no panic")).collect()
    });
    late.sort_unstable();
    assert_eq!(late, [201, 412]);
}

/// Bytes that memory may grow by for reasons of the allocator's.
const SLACK: u64 = 48 << 20;

#[test]
fn a_thousand_uploads_do_not_make_it_larger() {
    let proxy = groups().start();
    let component = component(&proxy);
    let mut before = 0;
    let mut connection = proxy.admin.connect().expect("a connection");
    for number in 0..1000 {
        // One sound component again and again; junk of a megabyte between.
        let body = if number % 2 == 0 { component.clone() } else { vec![b'x'; 1 << 20] };
        let expected: &[u16] = if number % 2 == 0 { &[200, 201] } else { &[422] };
        let request = Request::with_body("PUT", MEDIAN, body);
        let got = connection.send(&request).expect("an answer");
        assert!(expected.contains(&got.status), "{number}: {}", got.text());
        if number == 500 {
            before = proxy.resident_bytes();
        }
    }
    let after = proxy.resident_bytes();
    assert!(after < before + SLACK, "{before} bytes after 500 uploads, {after} after 1000");
    let info = proxy.admin.get(MEDIAN, &[]).json();
    assert_eq!(info["data"]["versions"].as_array().map(Vec::len), Some(1));
}

#[test]
fn curl_uploads_a_file() {
    let tool = std::process::Command::new("curl").arg("--version").output();
    if tool.is_err() {
        eprintln!("\n=== SKIPPED curl_uploads_a_file: there is no curl ===\n");
        return;
    }
    let proxy = groups().start();
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("median.wasm");
    fs::write(&file, component(&proxy)).expect("written");
    let curl = |url: &str| {
        let address = proxy.admin.address;
        let output = std::process::Command::new("curl")
            .args(["-sS", "--noproxy", "*", "-w", " %{http_code}", "-T"])
            .arg(&file)
            .arg(format!("http://{address}{url}"))
            .output()
            .expect("curl runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let got = curl(MEDIAN);
    assert!(got.ends_with(" 201"), "{got}");
    for mistake in ["/api/v1/policies/", "/api/v1/policies/median/"] {
        let got = curl(mistake);
        assert!(got.contains("curl adds"), "{mistake}: {got}");
    }
    let got = curl("/api/v1/policies");
    assert!(got.ends_with(" 405") && got.contains("/api/v1/policies/NAME"), "{got}");
}

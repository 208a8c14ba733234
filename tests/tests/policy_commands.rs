//! The commands that ask a proxy about policies: what they send, and what they
//! make of its answers. The proxy is a stand-in that writes down what arrives.

use std::io::Write as _;
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};

use e2e::proxy::command;
use e2e::serve::{Received, Server};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A proxy that answers everything alike.
struct StandIn {
    server: Server,
    received: Arc<Mutex<Vec<Received>>>,
}

impl StandIn {
    fn answering(status: u16, body: &[u8]) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let (log, body) = (Arc::clone(&received), body.to_vec());
        let server = Server::start(move |request, mut stream, _| {
            log.lock().expect("no handler panics").push(request.clone());
            let length = body.len();
            write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n")?;
            stream.write_all(&body)
        });
        Self { server, received }
    }

    fn good(data: &Value) -> Self {
        let body = json!({ "status": "success", "data": data }).to_string();
        Self::answering(200, body.as_bytes())
    }

    fn policy(&self, arguments: &[&str]) -> Output {
        let url = format!("--url=http://{}", self.server.address);
        command().arg("policy").args(arguments).arg(url).output().expect("the program starts")
    }

    /// The one request that has arrived.
    fn asked(&self) -> Received {
        let received = self.received.lock().expect("no handler panics");
        let [request] = &received[..] else { panic!("{received:?}") };
        request.clone()
    }
}

fn header<'a>(request: &'a Received, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

fn group() -> Value {
    let binding = |policy: &str, digest: &str| {
        json!({
            "policy": policy, "digest": digest, "settings": {}, "limits": {}, "fail": "open",
            "state": "running", "reason": null, "source": "api", "bound": null,
            "bound_by": null, "report": null,
            "usage": {"calls": 1, "samples": 2, "nanoseconds_per_sample": 3.5, "faults": 0},
        })
    };
    json!({
        "server_group": "east", "ordinal": 0, "replicas": [], "source": "api",
        "active": binding("median", "0123456789abcdef"),
        "shadow": binding("quorum", "fedcba9876543210"),
        "previous": {"policy": "fill", "digest": "00112233445566778899"},
        "revision": "r7",
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_change_of_a_binding_is_one_request() {
    let cases: [(&[&str], &str, &str, &str); 5] = [
        (&["bind", "east", "median"], "PUT", "/policy", ""),
        (&["unbind", "east"], "DELETE", "/policy", ""),
        (&["unbind", "east", "--shadow"], "DELETE", "/policy", "shadow=true"),
        (&["promote", "east"], "POST", "/policy/promote", ""),
        (&["rollback", "east"], "POST", "/policy/rollback", ""),
    ];
    for (arguments, method, path, query) in cases {
        let proxy = StandIn::good(&group());
        let done = proxy.policy(&[arguments, &["--if-match=r6"]].concat());
        assert!(done.status.success(), "{done:?}");
        let asked = proxy.asked();
        let target = (asked.method.as_str(), asked.path.as_str(), asked.query.as_str());
        let expected = format!("/api/v1/server_groups/east{path}");
        assert_eq!(target, (method, expected.as_str(), query));
        assert_eq!(header(&asked, "if-match"), Some("\"r6\""));
        let told = text(&done.stdout);
        assert!(told.contains("active       median@0123456789ab, by api, running"), "{told}");
        assert!(told.contains("previous     fill@001122334455"), "{told}");
    }
}

#[test]
fn a_binding_is_sent_with_everything_that_was_said_of_it() {
    let proxy = StandIn::good(&group());
    let done = proxy.policy(&[
        "bind",
        "east",
        "median@01234567",
        "--settings={\"interval_ms\": 5000}",
        "--deadline=80ms",
        "--memory=32MiB",
        "--fail=closed",
        "--park-after=3",
        "--shadow",
    ]);
    assert!(done.status.success(), "{done:?}");
    let body: Value = serde_json::from_slice(&proxy.asked().body).expect("JSON");
    assert_eq!(
        body,
        json!({
            "name": "median", "digest": "01234567", "settings": {"interval_ms": 5000},
            "limits": {"deadline": "80ms", "memory": "32MiB"},
            "fail": "closed", "park_after": 3, "shadow": true,
        })
    );
}

#[test]
fn a_component_goes_there_and_comes_back_as_it_is() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("my_own.wasm");
    let component: Vec<u8> = (0..3_000_000_u32).map(|own| own as u8).collect();
    std::fs::write(&file, &component).expect("a file");
    let stored = json!({
        "created": true, "removed": [],
        "version": {"digest": "0123456789", "size": component.len(), "notes": []},
    });
    let proxy = StandIn::good(&stored);
    let done = proxy.policy(&["push", &file.display().to_string()]);
    assert_eq!(text(&done.stdout), "stored my-own@0123456789 (2.9 MiB)\n", "{done:?}");
    let asked = proxy.asked();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("PUT", "/api/v1/policies/my-own"));
    assert_eq!(header(&asked, "content-type"), Some("application/wasm"));
    assert!(asked.body == component, "{} bytes arrived", asked.body.len());

    let proxy = StandIn::answering(200, &component);
    let back = folder.path().join("back.wasm");
    let done = proxy.policy(&["get", "my-own", "-o", &back.display().to_string()]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(proxy.asked().path, "/api/v1/policies/my-own/latest");
    assert!(std::fs::read(&back).expect("written") == component);
}

#[test]
fn what_is_stored_and_bound_is_listed() {
    let version = json!({
        "digest": "0123456789abcdef", "size": 7625, "uploaded": "2026-01-02T03:04:05Z",
        "uploaded_by": "alice", "imports": [], "exports": [], "described_name": "median",
        "described_version": "1", "settings_schema": {}, "bound": [], "notes": [],
        "usage": {"calls": 0, "samples": 0, "nanoseconds_per_sample": null, "faults": 0},
    });
    let policies = json!({ "policies": [{"name": "median", "versions": [version]}] });
    let cases: [(&[&str], Value, &str, &str); 4] = [
        (&["list"], policies.clone(), "/api/v1/policies", "median  0123456789ab  7.4 KiB"),
        (
            &["show", "median"],
            policies["policies"][0].clone(),
            "/api/v1/policies/median",
            "policy       median@0123456789abcdef\n",
        ),
        (&["delete", "median@0123"], json!({}), "/api/v1/policies/median/0123", "deleted"),
        (
            &["groups"],
            json!({ "server_groups": [group()] }),
            "/api/v1/server_groups",
            "east   median@0123456789ab  api",
        ),
    ];
    for (arguments, data, path, shown) in cases {
        let proxy = StandIn::good(&data);
        let done = proxy.policy(arguments);
        assert!(text(&done.stdout).contains(shown), "{}\n{done:?}", text(&done.stdout));
        assert_eq!(proxy.asked().path, path);
        let done = proxy.policy(&[arguments, &["--json"]].concat());
        assert_eq!(serde_json::from_slice::<Value>(&done.stdout).ok(), Some(data));
    }
}

#[test]
fn a_refusal_is_the_proxys_own_words() {
    let refusal = json!({
        "status": "error", "errorType": "bad_data", "error": "the component exports no plan",
    });
    let proxy = StandIn::answering(422, refusal.to_string().as_bytes());
    let refused = proxy.policy(&["promote", "east"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let told = text(&refused.stderr);
    assert!(told.ends_with(": bad_data: the component exports no plan\n"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(refused.stdout.is_empty(), "{refused:?}");
}

#[test]
fn a_command_that_cannot_be_carried_out_says_why() {
    let mut quiet = group();
    quiet["shadow"] = Value::Null;
    let proxy = StandIn::good(&quiet);
    let cases: [(&[&str], i32, &str); 6] = [
        (&["diff", "east"], 1, "server group east has no shadow"),
        (&["push", "/does/not/exist.wasm"], 2, "/does/not/exist.wasm"),
        (&["list", "--token-file=/does/not/exist"], 2, "--token-file: /does/not/exist"),
        (&["list", "--ca-file=/does/not/exist"], 2, "certificates: "),
        (&["bind", "east", "median", "--settings=[]"], 2, "expected a JSON object"),
        (&["bind", "east", "median@"], 2, "expected NAME or NAME@DIGEST"),
    ];
    for (arguments, code, said) in cases {
        let refused = proxy.policy(arguments);
        assert_eq!(refused.status.code(), Some(code), "{refused:?}");
        assert!(text(&refused.stderr).contains(said), "{}", text(&refused.stderr));
    }
}

#[test]
fn a_token_and_an_address_may_come_from_the_environment() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("tokens");
    std::fs::write(&file, "# operators\nalice:s3cret\n").expect("a file");
    let proxy = StandIn::good(&json!({ "server_groups": [] }));
    let done = command()
        .args(["policy", "groups"])
        .env("PROMWEAVE_ADMIN_URL", format!("http://{}/", proxy.server.address))
        .env("PROMWEAVE_TOKEN_FILE", Path::new(&file))
        .output()
        .expect("the program starts");
    assert!(done.status.success(), "{done:?}");
    assert_eq!(header(&proxy.asked(), "authorization"), Some("Bearer s3cret"));
}

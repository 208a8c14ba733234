//! The admin app behind a real server on loopback, over policies and groups
//! that are kept in a map.

mod fake;
mod uploads;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{CONTENT_TYPE, ETAG, HeaderMap, IF_MATCH, IF_NONE_MATCH};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::fake::Fake;
use super::*;
use crate::server::{self, Limits, Observer};
use crate::telemetry::AccessLog;
use crate::telemetry::access_log::Destination;
use crate::telemetry::logging::Format;

/// Longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that runs.
struct Running {
    address: SocketAddr,
    fake: Arc<Fake>,
    metrics: Arc<Metrics>,
    client: Client<HttpConnector, Full<Bytes>>,
    serving: JoinHandle<usize>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What came back.
struct Got {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error}: {:?}", self.status, self.body))
    }

    fn error(&self) -> (u16, String, String) {
        let json = self.json();
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        (self.status, text("errorType"), text("error"))
    }

    fn tag(&self) -> &str {
        self.headers[ETAG].to_str().expect("ASCII")
    }
}

impl Running {
    async fn start() -> Self {
        Self::with(Access::Loopback).await
    }

    async fn with(access: Access) -> Self {
        let settings = Settings {
            access,
            max_upload_bytes: 1 << 20,
            upload_stall: Duration::from_millis(200),
        };
        let (fake, metrics) = (Arc::new(Fake::new()), Arc::<Metrics>::default());
        let manage: Arc<dyn Manage> = Arc::<Fake>::clone(&fake);
        let app = Arc::new(Admin::new(manage, Arc::clone(&metrics), settings));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let access_log = AccessLog::new(Destination::None, Format::Text).expect("no thread");
        let observer = Observer { metrics: Arc::clone(&metrics), access_log: Arc::new(access_log) };
        let serve =
            server::serve(listener, app, observer, Limits::default(), std::future::pending());
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { address, fake, metrics, client, serving: tokio::spawn(serve) }
    }

    async fn ask(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Got {
        self.ask_with(method, path, &[], body).await
    }

    async fn ask_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: impl Into<Bytes>,
    ) -> Got {
        let mut request =
            Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        let response = tokio::time::timeout(PATIENCE, self.client.request(request)).await;
        let response = response.expect("in time").expect("a response");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Got { status: head.status.as_u16(), headers: head.headers, body }
    }
}

fn error(status: u16, kind: &str, text: &str) -> (u16, String, String) {
    (status, kind.to_owned(), text.to_owned())
}

#[tokio::test]
async fn an_upload_is_listed_fetched_and_deleted() {
    let admin = Running::start().await;
    let first = admin.ask("PUT", "/api/v1/policies/median", "one").await;
    assert_eq!(first.status, 201);
    let digest = first.json()["data"]["version"]["digest"].as_str().expect("a digest").to_owned();
    assert_eq!(first.tag(), format!("\"{digest}\""));
    assert_eq!(first.headers[LOCATION], format!("/api/v1/policies/median/{digest}"));
    let again = admin.ask("PUT", "/api/v1/policies/median", "one").await;
    assert_eq!((again.status, again.json()["data"]["created"].clone()), (200, json!(false)));
    let list = admin.ask("GET", "/api/v1/policies", "").await.json();
    assert_eq!(list["status"], "success");
    assert_eq!(list["data"]["policies"][0]["versions"][0]["digest"], json!(digest));
    assert_eq!(list["data"]["policies"][0]["versions"][0]["uploaded_by"], "127.0.0.1");
    let info = admin.ask("GET", "/api/v1/policies/median", "").await;
    assert_eq!(info.tag(), format!("\"{digest}\""));
    for version in [digest.as_str(), &digest[..8].to_uppercase(), "latest"] {
        let bytes = admin.ask("GET", &format!("/api/v1/policies/median/{version}"), "").await;
        assert_eq!((bytes.status, &bytes.body[..]), (200, &b"one"[..]), "{version}");
        assert_eq!(bytes.headers[CONTENT_TYPE], "application/wasm");
        assert_eq!(bytes.tag(), format!("\"{digest}\""));
    }
    assert_eq!(admin.ask("DELETE", "/api/v1/policies/median/latest", "").await.status, 200);
    let gone = admin.ask("GET", "/api/v1/policies/median", "").await;
    assert_eq!(gone.error(), error(404, "not_found", "there is no policy median"));
}

#[tokio::test]
async fn a_binding_goes_round() {
    let admin = Running::start().await;
    let put = |body: &'static str| admin.ask("PUT", "/api/v1/server_groups/a%2Fb/policy", body);
    let bound = put(r#"{"name":"median"}"#).await;
    assert_eq!(bound.status, 200, "{:?}", bound.body);
    assert_eq!(bound.json()["data"]["active"]["policy"], "median");
    assert_eq!(
        put(r#"{"name":"quorum","shadow":true}"#).await.json()["data"]["shadow"]["policy"],
        "quorum"
    );
    let post = |what: &'static str| {
        let path = format!("/api/v1/server_groups/a%2Fb/policy/{what}");
        let admin = &admin;
        async move { admin.ask("POST", &path, "").await.json()["data"]["active"]["policy"].clone() }
    };
    assert_eq!(post("promote").await, "quorum");
    assert_eq!(post("rollback").await, "median");
    let short = admin.ask("POST", "/api/v1/server_groups/a%2Fb/rollback", "{}").await;
    assert_eq!(short.json()["data"]["active"]["policy"], "quorum");
    let unbound = admin.ask("DELETE", "/api/v1/server_groups/a%2Fb/policy", "").await;
    assert_eq!(unbound.json()["data"]["source"], "default");
    let none = admin.ask("DELETE", "/api/v1/server_groups/a%2Fb/policy?shadow=true", "").await;
    assert_eq!(none.error(), error(409, "conflict", "server group a/b has no shadow"));
    let groups = admin.ask("GET", "/api/v1/server_groups", "").await.json();
    assert_eq!(groups["data"]["server_groups"][0]["server_group"], "a/b");
    assert_eq!(admin.ask("GET", "/api/v1/server_groups/0/policy", "").await.status, 200);
    assert_eq!(admin.ask("GET", "/api/v1/server_groups/9", "").await.status, 404);
}

#[tokio::test]
async fn two_operators_do_not_overwrite_each_other_unseen() {
    let admin = Running::start().await;
    let path = "/api/v1/policies/median";
    let when = |name: HeaderName, value: String, body: &'static str| {
        let admin = &admin;
        async move { admin.ask_with("PUT", path, &[(name, &value)], body).await }
    };
    let first = when(IF_NONE_MATCH, "*".to_owned(), "one").await;
    assert_eq!(first.status, 201);
    assert_eq!(when(IF_NONE_MATCH, "*".to_owned(), "two").await.status, 412);
    let tag = first.tag().to_owned();
    assert_eq!(when(IF_MATCH, format!("\"other\", {tag}"), "two").await.status, 201);
    let late = when(IF_MATCH, tag.clone(), "three").await;
    assert_eq!(late.error().1, "precondition_failed");
    assert_eq!(late.json()["data"]["expected"], json!(tag.trim_matches('"')));
    assert_eq!(when(IF_MATCH, format!("W/{tag}"), "three").await.status, 412);
    assert_eq!(when(IF_MATCH, "unquoted".to_owned(), "three").await.status, 400);
    let group = "/api/v1/server_groups/0/policy";
    let seen = admin.ask("GET", group, "").await.tag().to_owned();
    let bind = |tag: String| {
        let admin = &admin;
        async move { admin.ask_with("PUT", group, &[(IF_MATCH, &tag)], r#"{"name":"median"}"#).await }
    };
    assert_eq!(bind(seen.clone()).await.status, 200);
    assert_eq!(bind(seen.clone()).await.status, 412);
    let unchanged = admin.ask_with("GET", group, &[(IF_NONE_MATCH, &seen)], "").await;
    assert_eq!(unchanged.status, 200);
    let tag = unchanged.tag().to_owned();
    let unchanged = admin.ask_with("GET", group, &[(IF_NONE_MATCH, &format!("W/{tag}"))], "").await;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert_eq!(unchanged.tag(), tag);
}

#[tokio::test]
async fn methods_are_answered_as_http_wants_it() {
    let admin = Running::start().await;
    admin.ask("PUT", "/api/v1/policies/median", "one").await;
    for path in
        ["/", "/-/healthy", "/-/ready", "/api/v1/policies", "/api/v1/policies/median/latest"]
    {
        let (get, head) = (admin.ask("GET", path, "").await, admin.ask("HEAD", path, "").await);
        assert_eq!((get.status, head.status, head.body.len()), (200, 200, 0), "{path}");
        let length = get.body.len().to_string();
        assert_eq!(head.headers[CONTENT_LENGTH], length, "{path}");
    }
    let options = admin.ask("OPTIONS", "/api/v1/policies/median", "").await;
    assert_eq!(options.status, 200);
    assert_eq!(options.headers[ALLOW], "DELETE, GET, HEAD, OPTIONS, PUT");
    let post = admin.ask("POST", "/api/v1/policies/median", "one").await;
    assert_eq!(post.status, 405);
    assert_eq!(post.headers[ALLOW], "DELETE, GET, HEAD, OPTIONS, PUT");
    assert!(post.error().2.contains("uploaded with PUT"), "{:?}", post.error());
    assert_eq!(admin.ask("GET", "/api/v1/query", "").await.error().1, "not_found");
    assert_eq!(admin.ask("GET", "/api/v1/policies/%zz", "").await.status, 400);
}

#[tokio::test]
async fn mistakes_are_named() {
    let admin = Running::start().await;
    let table = [
        (
            "PUT",
            "/api/v1/policies/Median",
            "one",
            "a policy's name is 1 to 64 of a-z, 0-9 and -, not \"Median\"",
        ),
        (
            "PUT",
            "/api/v1/policies/median.wasm",
            "one",
            "a policy's name is 1 to 64 of a-z, 0-9 and -, not \"median.wasm\": that is a file's name, which curl adds to an address that ends in /; put the policy's name there",
        ),
        (
            "PUT",
            "/api/v1/policies/median",
            "",
            "the request's body is empty: send the component's bytes, such as with curl -T FILE URL",
        ),
        (
            "PUT",
            "/api/v1/policies/median?force=1",
            "one",
            "unknown parameter \"force\"; there is none here",
        ),
        (
            "PUT",
            "/api/v1/server_groups/0/policy",
            "{\"shadw\":true}",
            "the request's body: unknown key \"shadw\"; did you mean shadow?",
        ),
        ("DELETE", "/api/v1/server_groups/0/policy?shadow=1", "", "shadow: expected true or false"),
        (
            "DELETE",
            "/api/v1/server_groups/0/policy?shade=true",
            "",
            "unknown parameter \"shade\"; known here: shadow",
        ),
        (
            "POST",
            "/api/v1/server_groups/0/policy/promote",
            "{\"a\":1}",
            "the request's body: expected none",
        ),
    ];
    for (method, path, body, expected) in table {
        let got = admin.ask(method, path, body).await.error();
        assert_eq!(got, error(400, "bad_data", expected), "{method} {path}");
    }
    let reserved = admin.ask("PUT", "/api/v1/policies/fill", "one").await;
    assert_eq!((reserved.status, reserved.error().1.as_str()), (409, "conflict"));
    let version = admin.ask("PUT", "/api/v1/policies/median/median.wasm", "one").await;
    assert!(version.error().2.contains("curl adds the file's name"), "{:?}", version.error());
    let large = format!("{{\"name\":\"{}\"}}", "a".repeat(MAX_JSON_BYTES));
    assert_eq!(admin.ask("PUT", "/api/v1/server_groups/0/policy", large).await.status, 413);
    assert!(admin.fake.is_untouched());
}

#[tokio::test]
async fn a_refusal_tells_programs_what_it_tells_people() {
    let admin = Running::start().await;
    let got = admin.ask("PUT", "/api/v1/policies/median", "breaks a law").await;
    assert_eq!((got.status, got.error().1.as_str()), (422, "bad_data"));
    assert_eq!(got.json()["data"]["violation"]["law"], "idempotent");
    assert!(got.error().2.contains("idempotent"), "{:?}", got.error());
    let panics = admin.ask("PUT", "/api/v1/policies/median", "panic").await;
    assert_eq!((panics.status, panics.error().1.as_str()), (500, "internal"));
    let page = admin.metrics.render();
    assert!(
        page.contains("promweave_admin_actions_total{action=\"upload\",outcome=\"error\"} 1"),
        "{page}"
    );
    assert!(
        page.contains("promweave_admin_actions_total{action=\"upload\",outcome=\"aborted\"} 1"),
        "{page}"
    );
}

#[tokio::test]
async fn with_tokens_only_who_shows_one_may_ask() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let write = |text: &str| std::fs::write(file.path(), text).expect("written");
    write("alice:0123456789abcdef\n");
    let tokens = Some(Arc::new(Tokens::watch(file.path()).expect("a token")));
    let admin = Running::with(Access::Credentials { tokens, users: None }).await;
    let put = |value: &'static str| {
        let admin = &admin;
        let header = [(hyper::header::AUTHORIZATION, value)];
        async move { admin.ask_with("PUT", "/api/v1/policies/median", &header, value).await }
    };
    let none = admin.ask("GET", "/api/v1/policies", "").await;
    assert_eq!(none.status, 401);
    assert_eq!(none.headers[WWW_AUTHENTICATE], "Bearer realm=\"promweave admin\"");
    assert_eq!(none.error().1, "unauthorized");
    assert_eq!(admin.ask("GET", "/nothing", "").await.status, 401);
    assert_eq!(admin.ask("GET", "/-/healthy", "").await.status, 200);
    for wrong in ["Bearer 0123456789abcdeg", "Bearer", "Basic 0123456789abcdef", "0123456789abcdef"]
    {
        assert_eq!(put(wrong).await.status, 401, "{wrong}");
    }
    assert!(admin.fake.is_untouched());
    let right = put("bearer 0123456789abcdef").await;
    assert_eq!(right.status, 201);
    assert_eq!(right.json()["data"]["version"]["uploaded_by"], "alice");
    // A bad file changes nothing, a good one counts at once.
    write("alice\n");
    assert_eq!(put("bearer 0123456789abcdef").await.status, 200);
    write("bob:fedcba9876543210\n");
    assert_eq!(put("bearer 0123456789abcdef").await.status, 401);
    assert_eq!(put("Bearer fedcba9876543210").await.status, 201);
    let page = admin.metrics.render();
    assert!(page.contains("promweave_admin_refused_total{reason=\"unauthorized\"} 7"), "{page}");
}

#[tokio::test]
async fn without_tokens_a_web_page_may_not_ask() {
    let admin = Running::start().await;
    let origin = [(hyper::header::ORIGIN, "http://evil.example")];
    let got = admin.ask_with("POST", "/api/v1/server_groups/0/policy/promote", &origin, "").await;
    assert_eq!((got.status, got.error().1.as_str()), (403, "forbidden"));
    let host = [(hyper::header::HOST, "evil.example")];
    assert_eq!(admin.ask_with("GET", "/api/v1/policies", &host, "").await.status, 403);
}

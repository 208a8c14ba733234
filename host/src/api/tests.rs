//! Requests in process, against an engine and a storage made of values.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Mutex;

use http_body_util::BodyExt as _;
use hyper::StatusCode;
use hyper::header::HeaderValue;
use promql::{Labels, SeriesBatch};
use serde_json::{Value as Json, json};

use super::*;
use crate::query::{Explaining, Outcome, Request as QueryRequest, Running, Statistics, Value};
use crate::storage::{
    ExemplarRequest, Metadata, MetadataRequest, Scope, Select, SeriesExemplars, TRUNCATED,
};

/// An engine that answers by the query's text and keeps what it was asked.
#[derive(Default)]
struct FakeEngine {
    asked: Mutex<Vec<QueryRequest>>,
}

impl query::Run for FakeEngine {
    fn run(&self, request: QueryRequest) -> Running<'_> {
        self.asked.lock().expect("no panic").push(request.clone());
        Box::pin(async move { answer(&request) })
    }

    fn explain(&self, request: QueryRequest) -> Explaining<'_> {
        self.asked.lock().expect("no panic").push(request.clone());
        Box::pin(async move { answer(&request).map(|_| explain::plan_of(&request)) })
    }
}

fn answer(request: &QueryRequest) -> Result<Outcome, query::Error> {
    let outcome = |value| {
        let stats = (request.stats != query::Stats::None).then(Statistics::default);
        let explanation = request.explain.then(|| Box::new(explain::explanation(request)));
        Ok(Outcome { value, warnings: vec![], infos: vec![], stats, explanation })
    };
    let text = || request.text.clone();
    match request.text.as_str() {
        "scalar" => outcome(Value::Scalar { time_ms: request.start_ms, value: 2.5 }),
        "vector" => outcome(Value::Vector(three_series())),
        "large" => outcome(Value::Matrix(large_matrix())),
        "parse" => Err(query::Error::Parse("1:1: parse error: oh".to_owned())),
        "bad" => Err(query::Error::BadData(text())),
        "execution" => Err(query::Error::Execution(text())),
        "timeout" => Err(query::Error::Timeout(text())),
        "canceled" => Err(query::Error::Canceled(text())),
        "internal" => Err(query::Error::Internal(text())),
        "unavailable" => Err(query::Error::Unavailable(text())),
        "busy" => Err(query::Error::TooManyRequests(text())),
        "missing" => Err(query::Error::NotFound(text())),
        other => panic!("no answer to {other}"),
    }
}

fn three_series() -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for name in ["a", "b", "c"] {
        batch.push_float(1000, 1.0);
        batch.finish_series(Labels::from_pairs([("__name__", name)]));
    }
    batch
}

fn large_matrix() -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for series in 0..200 {
        (0..500).for_each(|step| batch.push_float(step * 15_000, (step * series) as f64 / 3.0));
        batch.finish_series(Labels::from_pairs([("series", format!("{series}"))]));
    }
    batch
}

/// A storage that answers with what it was asked.
struct FakeStorage;

fn told<T>(data: T) -> storage::Boxed<'static, T>
where
    T: Send + 'static,
{
    let answer =
        storage::Answer { data, warnings: vec!["a replica failed".to_owned()], infos: vec![] };
    Box::pin(async move { Ok(answer) })
}

fn shown(scope: &Scope) -> String {
    let selectors: Vec<String> =
        scope.selectors.iter().map(|matchers| format!("{matchers:?}")).collect();
    format!("{} {:?} {:?} {}", selectors.join(" "), scope.start_ms, scope.end_ms, scope.limit)
}

impl Storage for FakeStorage {
    fn select<'a>(
        &'a self,
        _: &'a storage::Context,
        _: &'a [Select],
    ) -> storage::Boxed<'a, Vec<SeriesBatch>> {
        told(vec![])
    }

    fn series<'a>(
        &'a self,
        _: &'a storage::Context,
        scope: &'a Scope,
    ) -> storage::Boxed<'a, Vec<Labels>> {
        told(vec![
            Labels::from_pairs([("scope", shown(scope))]),
            Labels::from_pairs([("path", "a<b>")]),
        ])
    }

    fn label_names<'a>(
        &'a self,
        _: &'a storage::Context,
        scope: &'a Scope,
    ) -> storage::Boxed<'a, Vec<String>> {
        told(vec!["a".to_owned(), "b".to_owned(), shown(scope)])
    }

    fn label_values<'a>(
        &'a self,
        _: &'a storage::Context,
        name: &'a str,
        _: &'a Scope,
    ) -> storage::Boxed<'a, Vec<String>> {
        if name == "down" {
            return Box::pin(async { Err(storage::Error::Unavailable("no replica".to_owned())) });
        }
        told(vec![name.to_owned()])
    }

    fn metadata<'a>(
        &'a self,
        _: &'a storage::Context,
        request: &'a MetadataRequest,
    ) -> storage::Boxed<'a, BTreeMap<String, Vec<Metadata>>> {
        let entry = Metadata {
            kind: "gauge".to_owned(),
            help: format!("{request:?}"),
            unit: String::new(),
        };
        told(BTreeMap::from([("up".to_owned(), vec![entry])]))
    }

    fn exemplars<'a>(
        &'a self,
        _: &'a storage::Context,
        request: &'a ExemplarRequest,
    ) -> storage::Boxed<'a, Vec<SeriesExemplars>> {
        let labels = Labels::from_pairs([("selectors", format!("{:?}", request.selectors))]);
        told(vec![SeriesExemplars { labels, exemplars: vec![] }])
    }
}

/// The API with the fakes, and what the engine was asked.
struct Tested {
    api: Api,
    engine: Arc<FakeEngine>,
}

fn settings() -> Settings {
    Settings {
        route_prefix: String::new(),
        metrics_path: "/metrics".to_owned(),
        language: Options::default(),
        cors: Cors::new(".*").expect("a pattern"),
        timeout: Duration::from_secs(10),
        max_samples: 1000,
        max_bytes: 1 << 20,
        max_form_bytes: 1 << 20,
        max_logged_form_bytes: 256,
        reload: None,
    }
}

fn tested_with(settings: Settings) -> Tested {
    let engine = Arc::new(FakeEngine::default());
    let run: Arc<dyn query::Run> = Arc::clone(&engine) as _;
    let api = Api::new(run, Arc::new(FakeStorage), Arc::new(Metrics::default()), settings);
    api.set_phase(Phase::Ready);
    Tested { api, engine }
}

fn tested() -> Tested {
    tested_with(settings())
}

/// A response whose body has been read.
struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    fn json(&self) -> Json {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("ASCII"))
    }
}

impl Tested {
    async fn send(&self, request: Request<Bytes>) -> Got {
        let response = App::answer(&self.api, request.map(Unread::from)).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes().to_vec();
        Got { status: head.status, headers: head.headers, body }
    }

    async fn get(&self, uri: &str) -> Got {
        self.send(request(Method::GET, uri, "")).await
    }

    async fn post(&self, uri: &str, form: &str) -> Got {
        self.send(request(Method::POST, uri, form)).await
    }

    fn asked(&self) -> Vec<QueryRequest> {
        self.engine.asked.lock().expect("no panic").clone()
    }
}

fn request(method: Method, uri: &str, form: &str) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri(uri)
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .body(Bytes::copy_from_slice(form.as_bytes()))
        .expect("a request")
}

#[tokio::test]
async fn a_query_is_answered_by_get_and_post_alike() {
    let tested = tested();
    let got = tested.get("/api/v1/query?query=scalar&time=5").await;
    let posted = tested.post("/api/v1/query?time=7", "query=scalar&time=5").await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(got.header("content-type"), Some("application/json"));
    assert_eq!(
        got.text(),
        r#"{"status":"success","data":{"resultType":"scalar","result":[5,"2.5"]}}"#
    );
    assert_eq!(posted.text(), got.text());
    let asked = tested.asked();
    assert_eq!(asked[0], asked[1]);
    assert_eq!((asked[0].start_ms, asked[0].end_ms, asked[0].step_ms), (5000, 5000, 0));
}

#[tokio::test]
async fn a_body_that_is_no_form_is_ignored() {
    let tested = tested();
    let mut json = request(Method::POST, "/api/v1/query?query=scalar&time=1", "query=bad");
    json.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    assert_eq!(tested.send(json).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_range_query_reaches_the_engine_as_it_was_asked() {
    let tested = tested();
    let got =
        tested.get("/api/v1/query_range?query=vector&start=1&end=61&step=30s&stats=all").await;
    assert_eq!(got.status, StatusCode::OK);
    assert!(got.json()["data"]["stats"]["samples"].is_object(), "{}", got.text());
    let asked = tested.asked();
    assert_eq!((asked[0].start_ms, asked[0].end_ms, asked[0].step_ms), (1000, 61_000, 30_000));
}

#[tokio::test]
async fn every_failure_has_its_type_and_status() {
    let tested = tested();
    let cases = [
        ("parse", "bad_data", 400, "invalid parameter \"query\": 1:1: parse error: oh"),
        ("bad", "bad_data", 400, "bad"),
        ("execution", "execution", 422, "execution"),
        ("timeout", "timeout", 503, "timeout"),
        ("canceled", "canceled", 499, "canceled"),
        ("internal", "internal", 500, "internal"),
        ("unavailable", "unavailable", 503, "unavailable"),
        ("busy", "unavailable", 503, "busy"),
        ("missing", "not_found", 404, "missing"),
    ];
    for (query, kind, status, message) in cases {
        let got = tested.get(&format!("/api/v1/query?query={query}")).await;
        assert_eq!(got.status.as_u16(), status, "{query}");
        let expected = json!({"status": "error", "errorType": kind, "error": message});
        assert_eq!(got.json(), expected);
    }
    let down = tested.get("/api/v1/label/down/values").await;
    assert_eq!(down.text(), r#"{"status":"error","errorType":"unavailable","error":"no replica"}"#);
}

#[tokio::test]
async fn a_fault_in_a_parameter_is_bad_data_with_escapes_for_html() {
    let got = tested().get("/api/v1/query?query=up&time=%3Cx%3E").await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        got.text(),
        concat!(
            r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"time\": "#,
            r#"invalid time value for 'time': cannot parse \"\u003cx\u003e\" to a valid timestamp"}"#
        )
    );
}

#[tokio::test]
async fn a_limit_cuts_and_warns_and_a_large_enough_one_does_not() {
    let tested = tested();
    let cut = tested.get("/api/v1/query?query=vector&limit=2").await.json();
    assert_eq!(cut["data"]["result"].as_array().map(Vec::len), Some(2));
    assert_eq!(cut["warnings"], json!([TRUNCATED]));
    let whole = tested.get("/api/v1/query?query=vector&limit=3").await.json();
    assert_eq!(whole["data"]["result"].as_array().map(Vec::len), Some(3));
    assert_eq!(whole.get("warnings"), None);
    let labels = tested.get("/api/v1/labels?limit=2").await.json();
    assert_eq!(labels["data"], json!(["a", "b"]));
    assert_eq!(labels["warnings"], json!(["a replica failed", TRUNCATED]));
}

#[tokio::test]
async fn metadata_calls_pass_their_scope_on() {
    let tested = tested();
    let series = tested.post("/api/v1/series?match[]=b", "match[]=a&start=1&end=2&limit=9").await;
    assert_eq!(
        series.text(),
        concat!(
            r#"{"status":"success","data":[{"scope":"[__name__=\"a\"] [__name__=\"b\"] Some(1000) Some(2000) 9"},"#,
            r#"{"path":"a<b>"}],"warnings":["a replica failed"]}"#
        )
    );
    let values = tested.get("/api/v1/label/U__a_2e_b/values").await.json();
    assert_eq!(values["data"], json!(["a.b"]));
    let metadata = tested.get("/api/v1/metadata?metric=up&limit=1").await.json();
    let help = metadata["data"]["up"][0]["help"].as_str().expect("a text");
    assert!(help.contains("Some(\"up\")") && help.contains("limit: 1"), "{help}");
}

#[tokio::test]
async fn series_without_a_selector_or_with_a_broken_form_is_refused() {
    let tested = tested();
    let none = tested.get("/api/v1/series").await.json();
    assert_eq!(none["error"], json!("no match[] parameter provided"));
    let broken = tested.get("/api/v1/series?match[]=up&x=%zz").await.json();
    assert_eq!(broken["error"], json!("error parsing form values: invalid URL escape \"%zz\""));
}

#[tokio::test]
async fn exemplars_are_asked_by_the_selectors_of_a_query() {
    let tested = tested();
    let got = tested.get("/api/v1/query_exemplars?query=rate(a[5m])%2Bb&start=1&end=2").await;
    let expected = r#"[[__name__="a"], [__name__="b"]]"#;
    assert_eq!(got.json()["data"][0]["seriesLabels"]["selectors"], json!(expected));
    let none = tested.get("/api/v1/query_exemplars?query=1").await;
    assert_eq!((none.status, none.body.len()), (StatusCode::NO_CONTENT, 0));
    let backwards = tested.get("/api/v1/query_exemplars?query=a&start=2&end=1").await.json();
    assert_eq!(backwards["error"], json!("end timestamp must not be before start timestamp"));
    let broken = tested.get("/api/v1/query_exemplars?query=a%20b").await.json();
    assert_eq!(broken["error"], json!("1:3: parse error: unexpected identifier \"b\""));
}

#[tokio::test]
async fn queries_are_formatted_and_taken_apart() {
    let tested = tested();
    let formatted = tested.post("/api/v1/format_query", "query=foo/bar").await.json();
    assert_eq!(formatted["data"], json!("foo / bar"));
    let tree = tested.get("/api/v1/parse_query?query=foo/bar").await.json();
    assert_eq!(tree["data"]["type"], json!("binaryExpr"));
    let broken = tested.get("/api/v1/format_query?query=").await.json();
    assert_eq!(
        broken["error"],
        json!(
            "invalid parameter \"query\": unknown position: parse error: no expression found in input"
        )
    );
}

#[tokio::test]
async fn a_long_query_is_worked_on_elsewhere_with_the_same_result() {
    let query = vec!["a"; 20_000].join("%2B");
    let got = tested().post("/api/v1/parse_query", &format!("query={query}")).await;
    assert_eq!(got.text().matches(r#""type":"binaryExpr""#).count(), 19_999);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused_as_by_prometheus() {
    let tested = tested();
    let missing = tested.get("/api/v1/nothing").await;
    assert_eq!((missing.status, missing.text()), (StatusCode::NOT_FOUND, "404 page not found\n"));
    let wrong = tested.send(request(Method::DELETE, "/api/v1/query", "")).await;
    assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(wrong.text(), "Method Not Allowed\n");
    assert_eq!(wrong.header("allow"), Some("GET, OPTIONS, POST"));
    let head = tested.send(request(Method::HEAD, "/-/healthy", "")).await;
    assert_eq!(head.status, StatusCode::OK);
}

#[tokio::test]
async fn browsers_of_other_origins_may_ask_about_any_call() {
    let tested = tested();
    for path in ["/api/v1/query", "/api/v1/nothing"] {
        let mut ask = request(Method::OPTIONS, path, "");
        ask.headers_mut().insert("origin", HeaderValue::from_static("http://a.example"));
        let got = tested.send(ask).await;
        assert_eq!(got.status, StatusCode::NO_CONTENT, "{path}");
        assert_eq!(got.header("access-control-allow-origin"), Some("http://a.example"));
        assert_eq!(got.header("access-control-allow-methods"), Some("GET, POST, OPTIONS"));
        assert_eq!(got.header("vary"), Some("Origin"));
    }
    let elsewhere = tested.send(request(Method::OPTIONS, "/-/healthy", "")).await;
    assert_eq!(elsewhere.header("allow"), Some("GET, HEAD, OPTIONS"));
}

#[tokio::test]
async fn only_origins_that_match_as_a_whole_may_read() {
    let cors = Cors::new("https?://(a|b)\\.example").expect("a pattern");
    let tested = tested_with(Settings { cors, ..settings() });
    for (origin, allowed) in
        [("http://a.example", Some("http://a.example")), ("http://a.example.org", None)]
    {
        let mut ask = request(Method::GET, "/api/v1/labels", "");
        ask.headers_mut().insert("origin", HeaderValue::from_static(origin));
        let got = tested.send(ask).await;
        assert_eq!(got.header("access-control-allow-origin"), allowed, "{origin}");
    }
    assert_eq!(tested.get("/api/v1/labels").await.header("access-control-allow-methods"), None);
}

#[tokio::test]
async fn a_large_answer_is_the_same_plain_and_in_every_coding() {
    let tested = tested();
    let uri = "/api/v1/query_range?query=large&start=0&end=7485&step=15";
    let plain = tested.get(uri).await;
    assert!(plain.body.len() > 10 * encode::CHUNK, "{} bytes", plain.body.len());
    assert_eq!(plain.json()["data"]["result"].as_array().map(Vec::len), Some(200));
    for coding in ["gzip", "deflate", "zstd"] {
        let mut ask = request(Method::GET, uri, "");
        ask.headers_mut().insert("accept-encoding", HeaderValue::from_static(coding));
        let got = tested.send(ask).await;
        assert_eq!(got.header("content-encoding"), Some(coding));
        assert!(got.body.len() < plain.body.len() / 2, "{coding}: {} bytes", got.body.len());
        assert!(decompressed(coding, &got.body) == plain.body, "{coding}");
    }
}

fn decompressed(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match coding {
        "gzip" => flate2::read::GzDecoder::new(body).read_to_end(&mut out).map(|_| ()),
        "deflate" => flate2::read::ZlibDecoder::new(body).read_to_end(&mut out).map(|_| ()),
        _ => zstd::stream::copy_decode(body, &mut out),
    }
    .expect("a compressed body");
    out
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_encoding() {
    let tested = tested();
    let uri = "/api/v1/query_range?query=large&start=0&end=7485&step=15";
    let response = App::answer(&tested.api, request(Method::GET, uri, "").map(Unread::from)).await;
    let mut body = response.into_body();
    assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
    drop(body);
    let metrics = tokio::runtime::Handle::current().metrics();
    tokio::time::timeout(Duration::from_secs(10), async {
        while metrics.num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("nothing goes on encoding");
}

#[tokio::test]
async fn before_it_is_ready_the_api_is_unavailable_and_while_stopping_it_answers() {
    let tested = tested();
    tested.api.set_phase(Phase::Starting);
    let early = tested.get("/api/v1/query?query=scalar").await;
    assert_eq!((early.status.as_u16(), early.text()), (503, "Service Unavailable"));
    assert_eq!(tested.get("/-/healthy").await.status, StatusCode::OK);
    assert_eq!(tested.get("/-/ready").await.header("x-prometheus-stopping"), Some("false"));
    tested.api.set_phase(Phase::Stopping);
    assert_eq!(tested.get("/api/v1/query?query=scalar").await.status, StatusCode::OK);
    let stopping = tested.get("/-/ready").await;
    assert_eq!((stopping.status.as_u16(), stopping.text()), (503, "promweave is Stopping.\n"));
    tested.api.set_phase(Phase::Ready);
    assert_eq!(tested.get("/-/ready").await.text(), "promweave is Ready.\n");
}

#[tokio::test]
async fn a_reload_needs_the_flag_and_a_post() {
    let refused = tested().post("/-/reload", "").await;
    assert_eq!(
        (refused.status, refused.text()),
        (StatusCode::FORBIDDEN, "Lifecycle API is not enabled.")
    );
    let reload: Reload = Arc::new(|| Box::pin(async { Err("config.yaml: no".to_owned()) }));
    let tested = tested_with(Settings { reload: Some(reload), ..settings() });
    assert_eq!(tested.get("/-/reload").await.status, StatusCode::METHOD_NOT_ALLOWED);
    let failed = tested.post("/-/reload", "").await;
    assert_eq!(
        (failed.status.as_u16(), failed.text()),
        (500, "failed to reload config: config.yaml: no\n")
    );
}

#[tokio::test]
async fn the_status_is_what_was_set_last() {
    let tested = tested();
    let started = UNIX_EPOCH + Duration::from_millis(1_433_337_718_555);
    tested.api.set_status(Status {
        build: BuildInfo { version: "0.1.0".to_owned(), ..BuildInfo::default() },
        config_yaml: "promxy:\n  a: <b>\n".to_owned(),
        flags: BTreeMap::from([("bind-addr".to_owned(), ":8082".to_owned())]),
        started: Some(started),
        reload_succeeded: true,
        config_loaded: None,
    });
    assert_eq!(
        tested.get("/api/v1/status/config").await.text(),
        r#"{"status":"success","data":{"yaml":"promxy:\n  a: \u003cb\u003e\n"}}"#
    );
    let flags = tested.get("/api/v1/status/flags").await.json();
    assert_eq!(flags["data"], json!({"bind-addr": ":8082"}));
    let build = tested.get("/api/v1/status/buildinfo").await.json();
    assert_eq!(build["data"]["version"], json!("0.1.0"));
    let runtime = tested.get("/api/v1/status/runtimeinfo").await.json();
    assert_eq!(runtime["data"]["startTime"], json!("2015-06-03T13:21:58.555Z"));
    assert_eq!(runtime["data"]["lastConfigTime"], json!("0001-01-01T00:00:00Z"));
}

#[tokio::test]
async fn a_route_prefix_stands_before_everything_but_the_metrics() {
    let tested = tested_with(Settings { route_prefix: "/prom".to_owned(), ..settings() });
    assert_eq!(tested.get("/prom/api/v1/query?query=scalar").await.status, StatusCode::OK);
    for path in ["/api/v1/query?query=scalar", "/promapi/v1/query", "/prom/metrics"] {
        assert_eq!(tested.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let metrics = tested.get("/metrics").await;
    assert_eq!(metrics.status, StatusCode::OK);
    assert!(tested.get("/prom/").await.text().contains("href=\"/prom/api/v1/labels\""));
}

#[tokio::test]
async fn admin_paths_name_the_address_where_they_are_answered() {
    let tested = tested();
    tested.api.set_admin("127.0.0.1:8083".parse().expect("an address"));
    for path in ["/api/v1/policies", "/api/v1/policies/median", "/api/v1/server_groups/0/policy"] {
        let got = tested.get(path).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{path}");
        let error = got.json()["error"].as_str().map(ToOwned::to_owned).expect("a text");
        assert!(error.contains("127.0.0.1:8083"), "{error}");
    }
    assert_eq!(tested.get("/api/v1/policiesx").await.text(), "404 page not found\n");
    let off = self::tested().get("/api/v1/policies").await.json();
    let error = off["error"].as_str().expect("a text");
    assert!(error.contains("--admin.bind-addr"), "{error}");
}

#[tokio::test]
async fn the_note_tells_endpoint_and_parameters() {
    let tested = tested();
    let note = Note::default();
    let mut ask = request(Method::GET, "/api/v1/label/a/values?start=1", "");
    ask.extensions_mut().insert(note.clone());
    tested.send(ask).await;
    assert_eq!(format!("{note:?}").matches("/api/v1/label/:name/values").count(), 1, "{note:?}");
    assert!(format!("{note:?}").contains("start=1"), "{note:?}");
}

mod contract;
mod explain;

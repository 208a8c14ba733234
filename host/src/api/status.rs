//! What the process tells about itself.

use std::collections::BTreeMap;
use std::time::SystemTime;

use hyper::{Method, StatusCode};
use serde::Serialize;

use super::encode::{Data, Document};
use super::error::{FAILED, NOT_ALLOWED, NOT_READY};
use super::router::Endpoint;
use super::{Answer, Error, Form, Phase, Settings, params, reply};
use crate::telemetry::Metrics;

/// What `/api/v1/status/…` tells; replaced as a whole on reload.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// The version.
    pub build: BuildInfo,
    /// The configuration as YAML, secrets hidden.
    pub config_yaml: String,
    /// Command line flags by name.
    pub flags: BTreeMap<String, String>,
    /// When the process started.
    pub started: Option<SystemTime>,
    /// Whether the configuration was loaded when last tried.
    pub reload_succeeded: bool,
    /// When the configuration in use was loaded.
    pub config_loaded: Option<SystemTime>,
}

/// The version, with the keys of Prometheus's answer.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildInfo {
    /// `0.1.0`
    pub version: String,
    /// The commit.
    pub revision: String,
    /// The branch.
    pub branch: String,
    /// Who built it.
    pub build_user: String,
    /// When.
    pub build_date: String,
    /// What clients of Prometheus look for; the Rust compiler here.
    pub go_version: String,
}

/// `/status/runtimeinfo`. Keys about the Go runtime have the value that means
/// "not set".
#[derive(Serialize)]
struct RuntimeInfo {
    #[serde(rename = "startTime")]
    start_time: String,
    #[serde(rename = "CWD")]
    cwd: String,
    hostname: String,
    #[serde(rename = "serverTime")]
    server_time: String,
    #[serde(rename = "reloadConfigSuccess")]
    reload_succeeded: bool,
    #[serde(rename = "lastConfigTime")]
    config_loaded: String,
    #[serde(rename = "corruptionCount")]
    corruptions: i64,
    /// Tasks, which are to Tokio what goroutines are to Go.
    #[serde(rename = "goroutineCount")]
    tasks: usize,
    /// Threads that run tasks.
    #[serde(rename = "GOMAXPROCS")]
    workers: usize,
    #[serde(rename = "GOMEMLIMIT")]
    memory_limit: i64,
    #[serde(rename = "GOGC")]
    gogc: &'static str,
    #[serde(rename = "GODEBUG")]
    godebug: &'static str,
    #[serde(rename = "storageRetention")]
    retention: &'static str,
}

/// The endpoints that print a part of the status.
pub(super) fn answer(endpoint: Endpoint, status: &Status) -> Answer {
    let data = match endpoint {
        Endpoint::BuildInfo => Data::json(&status.build),
        Endpoint::RuntimeInfo => Data::json(&runtime_info(status)),
        Endpoint::Flags => Data::json(&status.flags),
        _ => Data::json(&BTreeMap::from([("yaml", &status.config_yaml)])),
    };
    Answer::Document(Document::of(data))
}

fn runtime_info(status: &Status) -> RuntimeInfo {
    let runtime = tokio::runtime::Handle::current();
    RuntimeInfo {
        start_time: rfc3339(status.started),
        cwd: std::env::current_dir().map(|path| path.display().to_string()).unwrap_or_default(),
        hostname: hostname(),
        server_time: rfc3339(Some(SystemTime::now())),
        reload_succeeded: status.reload_succeeded,
        config_loaded: rfc3339(status.config_loaded),
        corruptions: 0,
        tasks: runtime.metrics().num_alive_tasks(),
        workers: runtime.metrics().num_workers(),
        memory_limit: i64::MAX,
        gogc: "",
        godebug: "",
        retention: "",
    }
}

/// Go prints a time that is not set as the first moment of year 1.
fn rfc3339(time: Option<SystemTime>) -> String {
    let stamp = time.and_then(|time| jiff::Timestamp::try_from(time).ok());
    stamp.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |stamp| stamp.to_string())
}

fn hostname() -> String {
    let read = |path| std::fs::read_to_string(path).ok();
    read("/proc/sys/kernel/hostname")
        .or_else(|| read("/etc/hostname"))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// Statistics of a storage without series; the parameter is checked all the
/// same.
pub(super) fn tsdb(form: &Form) -> Result<Answer, Error> {
    params::check_tsdb_limit(form)?;
    Ok(Answer::json(concat!(
        r#"{"headStats":{"numSeries":0,"numLabelPairs":0,"chunkCount":0,"minTime":0,"maxTime":0},"#,
        r#""seriesCountByMetricName":[],"labelValueCountByLabelName":[],"#,
        r#""memoryInBytesByLabelName":[],"seriesCountByLabelValuePair":[]}"#
    )))
}

pub(super) fn healthy() -> Answer {
    Answer::Plain(reply::plain(StatusCode::OK, "promweave is Healthy.\n"))
}

pub(super) fn ready(phase: Phase) -> Answer {
    Answer::Plain(match phase {
        Phase::Ready => reply::plain(StatusCode::OK, "promweave is Ready.\n"),
        Phase::Starting | Phase::Stopping => unavailable(phase),
    })
}

/// Not ready yet, or not any more; the header tells which, as Prometheus's
/// does.
pub(super) fn unavailable(phase: Phase) -> hyper::Response<super::Body> {
    let stopping = phase == Phase::Stopping;
    let text = if stopping { "promweave is Stopping.\n" } else { "Service Unavailable" };
    let mut response = reply::plain(NOT_READY, text);
    let value = if stopping { "true" } else { "false" };
    response
        .headers_mut()
        .insert("x-prometheus-stopping", hyper::header::HeaderValue::from_static(value));
    response
}

pub(super) fn reload_refused(method: &Method) -> Answer {
    Answer::Plain(if method == Method::GET {
        reply::plain(StatusCode::METHOD_NOT_ALLOWED, "Only POST or PUT requests allowed")
    } else {
        reply::plain(NOT_ALLOWED, "Lifecycle API is not enabled.")
    })
}

pub(super) fn reloaded(result: Result<(), String>) -> Answer {
    Answer::Plain(match result {
        Ok(()) => reply::plain(StatusCode::OK, ""),
        Err(reason) => reply::plain(FAILED, format!("failed to reload config: {reason}\n")),
    })
}

pub(super) fn metrics(metrics: &Metrics) -> Answer {
    Answer::Plain(reply::typed(StatusCode::OK, Metrics::CONTENT_TYPE, metrics.render()))
}

/// A page with links, for people who open the address in a browser.
pub(super) fn index(settings: &Settings) -> Answer {
    const PAGES: [&str; 9] = [
        "/api/v1/query?query=up",
        "/api/v1/labels",
        "/api/v1/metadata",
        "/api/v1/status/config",
        "/api/v1/status/flags",
        "/api/v1/status/buildinfo",
        "/api/v1/status/runtimeinfo",
        "/-/healthy",
        "/-/ready",
    ];
    let prefix = &settings.route_prefix;
    let pages = PAGES.iter().map(|page| format!("{prefix}{page}"));
    let links: String = pages
        .chain([settings.metrics_path.clone()])
        .map(|page| format!("<li><a href=\"{page}\">{page}</a></li>\n"))
        .collect();
    let html = format!(
        "<!doctype html>\n<title>promweave</title>\n<h1>promweave</h1>\n\
         <p>Many Prometheus servers, one endpoint: point Grafana at this address.</p>\n<ul>\n{links}</ul>\n"
    );
    Answer::Plain(reply::typed(StatusCode::OK, "text/html; charset=utf-8", html))
}

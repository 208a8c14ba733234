//! Prometheus's HTTP API on top of queries and storage.
//!
//! In comes a request with its body, out goes a response: route, read the
//! parameters, ask the engine or the storage, encode. What a query means, and
//! where data comes from, is decided below; connections are the server's.

mod cors;
pub mod encode;
mod error;
mod explain;
pub(crate) mod form;
mod language;
mod metadata;
mod params;
mod queries;
pub(crate) mod reply;
mod router;
mod status;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::http::request;
use hyper::{Method, Request, Response};
use promql::budget::Budget;
use promql::parser::Options;

pub use self::cors::Cors;
use self::encode::Document;
pub use self::error::{Error, Kind};
pub use self::form::Form;
use self::router::{Endpoint, Route};
pub use self::status::{BuildInfo, Status};
use crate::query;
use crate::server::body::Body;
use crate::server::compress::Coding;
use crate::server::{App, Boxed, Fault, Note, Unread};
use crate::storage::{self, Storage};
use crate::telemetry::Metrics;

/// What does not change while the process runs.
#[derive(Clone)]
pub struct Settings {
    /// Before every path but [`Self::metrics_path`]: empty, or `/` and a name.
    pub route_prefix: String,
    /// Where the process's own metrics are.
    pub metrics_path: String,
    /// The optional parts of the language.
    pub language: Options,
    /// Which web pages of other origins may ask.
    pub cors: Cors,
    /// How long a metadata call may take.
    pub timeout: Duration,
    /// What a metadata call may load.
    pub max_samples: u64,
    /// What a metadata call may hold, in bytes.
    pub max_bytes: u64,
    /// Largest form body, in bytes.
    pub max_form_bytes: usize,
    /// How much of a request's parameters the access log shows, in bytes.
    pub max_logged_form_bytes: usize,
    /// Set if `POST /-/reload` is allowed.
    pub reload: Option<Reload>,
}

/// Reads the configuration again; the error is for the operator.
pub type Reload = Arc<dyn Fn() -> Boxed<'static, Result<(), String>> + Send + Sync>;

/// How far the process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Not all is loaded: nothing is answered.
    Starting = 0,
    /// Everything is answered.
    Ready = 1,
    /// Everything is answered, but load balancers are told to go elsewhere.
    Stopping = 2,
}

/// What answers queries, and the data below it: they belong together.
struct Backend {
    engine: Arc<dyn query::Run>,
    storage: Arc<dyn Storage>,
}

/// The API.
pub struct Api {
    /// Swapped whole; a request uses one from start to end.
    backend: ArcSwap<Backend>,
    metrics: Arc<Metrics>,
    settings: Settings,
    status: ArcSwap<Status>,
    phase: AtomicU8,
    /// Where policies are managed, if anywhere.
    admin: OnceLock<SocketAddr>,
}

/// A request that an endpoint answers.
struct Call {
    method: Method,
    form: Form,
    /// The path's parameter, or empty.
    parameter: Vec<u8>,
}

/// What an endpoint answers.
enum Answer {
    Document(Document),
    Nothing,
    Plain(Response<Body>),
}

impl Api {
    /// An API that is [`Phase::Starting`].
    #[must_use]
    pub fn new(
        engine: Arc<dyn query::Run>,
        storage: Arc<dyn Storage>,
        metrics: Arc<Metrics>,
        settings: Settings,
    ) -> Self {
        Self {
            backend: ArcSwap::from_pointee(Backend { engine, storage }),
            metrics,
            settings,
            status: ArcSwap::default(),
            phase: AtomicU8::new(Phase::Starting as u8),
            admin: OnceLock::new(),
        }
    }

    /// Answers with these from the next request on; those that run go on with
    /// what they began with.
    pub fn swap(&self, engine: Arc<dyn query::Run>, storage: Arc<dyn Storage>) {
        self.backend.store(Arc::new(Backend { engine, storage }));
    }

    fn backend(&self) -> Arc<Backend> {
        self.backend.load_full()
    }

    /// Says where policies are managed, for whoever looks for them here.
    pub fn set_admin(&self, address: SocketAddr) {
        // Set once, when the admin address is bound.
        let _ = self.admin.set(address);
    }

    /// Replaces what `/api/v1/status/…` tells.
    pub fn set_status(&self, status: Status) {
        self.status.store(Arc::new(status));
    }

    /// Says how far the process is.
    pub fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Starting,
            1 => Phase::Ready,
            _ => Phase::Stopping,
        }
    }

    /// The path below the route prefix.
    fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(self.settings.route_prefix.as_str()).filter(|rest| rest.starts_with('/'))
    }

    fn route(&self, full: &str, below: Option<&str>) -> Option<(&'static Route, Option<Vec<u8>>)> {
        if full == self.settings.metrics_path {
            return Some((&router::METRICS, None));
        }
        router::find(below?)
    }

    async fn respond(&self, request: Request<Bytes>) -> Response<Body> {
        let note = request.extensions().get::<Note>().cloned().unwrap_or_default();
        let full = request.uri().path().to_owned();
        let below = self.below(&full);
        let (head, body) = request.into_parts();
        let form = read_form(&head, &body);
        let route = self.route(&full, below);
        let handler = route.as_ref().map_or("not_found", |(route, _)| route.pattern);
        note.set(handler, form.encoded(self.settings.max_logged_form_bytes));
        let is_api = below.is_some_and(|path| path.starts_with(router::API));
        if is_api && head.method == Method::OPTIONS {
            return self.with_cors(&head.headers, reply::no_content());
        }
        let Some((route, parameter)) = route else {
            return self.not_here(below);
        };
        let call =
            Call { method: head.method.clone(), form, parameter: parameter.unwrap_or_default() };
        self.respond_at(route, call, &head.headers).await
    }

    /// The answer to a path that means nothing, or something elsewhere.
    fn not_here(&self, below: Option<&str>) -> Response<Body> {
        match below.filter(|path| router::is_admin(path)) {
            Some(_) => reply::error(&Error::Elsewhere(self.admin.get().copied()), Coding::Identity),
            None => reply::not_found(),
        }
    }

    async fn respond_at(
        &self,
        route: &'static Route,
        call: Call,
        headers: &HeaderMap,
    ) -> Response<Body> {
        let is_api = route.pattern.starts_with(router::API);
        if call.method == Method::OPTIONS {
            reply::options(&route.allowed())
        } else if !route.takes(&call.method) {
            reply::method_not_allowed(&route.allowed())
        } else if !is_api {
            self.run(route.endpoint, call, headers).await
        } else if self.phase() == Phase::Starting {
            status::unavailable(Phase::Starting)
        } else {
            let response = self.run(route.endpoint, call, headers).await;
            self.with_cors(headers, response)
        }
    }

    fn with_cors(&self, request: &HeaderMap, mut response: Response<Body>) -> Response<Body> {
        self.settings.cors.apply(request, response.headers_mut());
        response
    }

    async fn run(&self, endpoint: Endpoint, call: Call, headers: &HeaderMap) -> Response<Body> {
        let coding = Coding::negotiate(headers);
        match self.dispatch(endpoint, call).await {
            Ok(Answer::Document(document)) => reply::document(document, coding, &self.metrics),
            Ok(Answer::Nothing) => reply::no_content(),
            Ok(Answer::Plain(response)) => response,
            Err(error) => reply::error(&error, coding),
        }
    }

    async fn dispatch(&self, endpoint: Endpoint, call: Call) -> Result<Answer, Error> {
        match endpoint {
            Endpoint::Query => self.query(&call).await,
            Endpoint::QueryRange => self.query_range(&call).await,
            Endpoint::Explain => self.explain(&call).await,
            Endpoint::QueryExemplars => self.query_exemplars(&call).await,
            Endpoint::FormatQuery => self.format_query(&call).await,
            Endpoint::ParseQuery => self.parse_query(&call).await,
            Endpoint::Series => self.series(&call).await,
            Endpoint::Labels => self.labels(&call).await,
            Endpoint::LabelValues => self.label_values(&call).await,
            Endpoint::Metadata => self.metadata(&call).await,
            Endpoint::BuildInfo | Endpoint::RuntimeInfo | Endpoint::Config | Endpoint::Flags => {
                Ok(status::answer(endpoint, &self.status.load()))
            }
            Endpoint::Tsdb => status::tsdb(&call.form),
            Endpoint::Nothing(json) => Ok(Answer::json(json)),
            Endpoint::Index => Ok(status::index(&self.settings)),
            Endpoint::Healthy => Ok(status::healthy()),
            Endpoint::Ready => Ok(status::ready(self.phase())),
            Endpoint::Reload => self.reload(&call.method).await,
            Endpoint::Metrics => Ok(status::metrics(&self.metrics)),
        }
    }

    async fn reload(&self, method: &Method) -> Result<Answer, Error> {
        let Some(reload) = self.settings.reload.as_ref().filter(|_| method != Method::GET) else {
            return Ok(status::reload_refused(method));
        };
        Ok(status::reloaded(reload().await))
    }

    /// What accompanies a metadata call.
    fn context(&self) -> storage::Context {
        let Settings { timeout, max_samples, max_bytes, .. } = self.settings;
        storage::Context::new(Instant::now() + timeout, Budget::new(max_samples, max_bytes))
    }
}

impl Answer {
    fn json(text: impl Into<Vec<u8>>) -> Self {
        Self::Document(Document::of(encode::Data::Json(text.into())))
    }
}

impl App for Api {
    fn answer(&self, request: Request<Unread>) -> Boxed<'_, Response<Body>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let limit = if has_form(&head) { self.settings.max_form_bytes } else { 0 };
            match body.whole(limit).await {
                Ok(body) => self.respond(Request::from_parts(head, body)).await,
                Err(fault) => self.refuse(fault),
            }
        })
    }

    fn refuse(&self, fault: Fault) -> Response<Body> {
        reply::error(&Error::Fault(fault), Coding::Identity)
    }
}

/// Go reads a body as parameters for these methods and this type only.
fn has_form(head: &request::Parts) -> bool {
    let posts = matches!(head.method, Method::POST | Method::PUT | Method::PATCH);
    let content_type =
        head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let content_type = content_type.split(';').next().unwrap_or("").trim();
    posts && content_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn read_form(head: &request::Parts, body: &Bytes) -> Form {
    let query = head.uri.query().unwrap_or("").as_bytes();
    Form::parse(query, if has_form(head) { body } else { &[] })
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;

//! Connections: accept, limit, read requests, hand them to the [`App`], write
//! its responses, and stop without cutting anyone off.
//!
//! In comes a listener, out go requests with their bodies read. HTTP/1 and
//! HTTP/2 (prior knowledge) are told apart by their first bytes. What a
//! request means is the app's business.

pub mod body;
pub mod compress;
mod connection;
mod exchange;

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::http::request;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::body::Body;
use self::exchange::{Exchange, Observed};
use crate::telemetry::{AccessLog, Metrics};

/// A boxed future.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What answers requests.
pub trait App: Send + Sync + 'static {
    /// The largest body that this request may have, in bytes; 0: a body is not
    /// read at all.
    fn body_limit(&self, head: &request::Parts) -> usize;

    /// Answers a request. Its extensions hold a [`Note`] to be filled in.
    /// Dropped when the client leaves.
    fn answer(&self, request: Request<Bytes>) -> Boxed<'_, Response<Body>>;

    /// The response where there is no request to answer, or no answer.
    fn refuse(&self, fault: Fault) -> Response<Body>;
}

/// Why the app does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The body is larger than this limit.
    TooLarge(usize),
    /// The body did not arrive whole and in time.
    Body(String),
    /// The app panicked.
    Panic,
}

/// What the app tells about a request while it answers: for the access log
/// and metrics, also of a request whose client leaves.
#[derive(Clone, Debug, Default)]
pub struct Note(Arc<Noted>);

#[derive(Debug, Default)]
struct Noted {
    handler: OnceLock<&'static str>,
    form: OnceLock<String>,
}

impl Note {
    /// Says which endpoint it is, and what its parameters are.
    pub fn set(&self, handler: &'static str, form: String) {
        // Set once, by the one app that answers; a second call changes nothing.
        let _ = self.0.handler.set(handler);
        let _ = self.0.form.set(form);
    }

    fn handler(&self) -> &'static str {
        self.0.handler.get().copied().unwrap_or("unknown")
    }

    fn form(&self) -> &str {
        self.0.form.get().map_or("", String::as_str)
    }
}

/// What a client may take up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; more wait to be accepted.
    pub max_connections: usize,
    /// How long a client may take for a request's head and for its body, and
    /// how long a connection may be idle.
    pub read_timeout: Duration,
    /// How long a client may take nothing of a response.
    pub write_timeout: Duration,
    /// How long running requests may take once the server stops.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    /// Prometheus's defaults (`--web.max-connections`, `--web.read-timeout`)
    /// and promxy's (`--http.shutdown-timeout`).
    fn default() -> Self {
        Self {
            max_connections: 512,
            read_timeout: Duration::from_secs(300),
            write_timeout: Duration::from_secs(300),
            drain_timeout: Duration::from_secs(60),
        }
    }
}

/// Where the server tells what happens.
#[derive(Clone)]
pub struct Observer {
    /// Counts and durations.
    pub metrics: Arc<Metrics>,
    /// One line for every request.
    pub access_log: Arc<AccessLog>,
}

/// Streams that one HTTP/2 connection may have open: a dashboard's queries,
/// not a way round the limit on connections.
const MAX_STREAMS: u32 = 128;

/// Bytes of an HTTP/2 request's head: as much as HTTP/1 allows here, so that
/// long queries in URLs work in both.
const MAX_HEADERS: u32 = 400 << 10;

/// How often an HTTP/2 client is asked whether it is still there, and how
/// long it may take to answer.
const PING_EVERY: Duration = Duration::from_secs(60);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long to wait after a failed accept: out of file descriptors, mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What all connections share.
struct Shared<A> {
    app: Arc<A>,
    observer: Observer,
    limits: Limits,
}

/// Serves until `shutdown` is ready, then lets running requests end, at most
/// for [`Limits::drain_timeout`], and returns the number of connections that
/// were cut.
pub async fn serve<A: App>(
    listener: TcpListener,
    app: Arc<A>,
    observer: Observer,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> usize {
    let shared = Arc::new(Shared { app, observer, limits });
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            (stream, peer, place) = accept(&listener, &places) => {
                connections.spawn(connect(Arc::clone(&shared), stream, peer, place, graceful.watcher()));
            }
        }
    }
    drop(listener);
    drain(graceful, connections, limits.drain_timeout).await
}

/// Waits for a place, then for a client: as with Go's `LimitListener`, clients
/// without a place wait in the kernel's queue.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn drain(graceful: GracefulShutdown, mut connections: JoinSet<()>, limit: Duration) -> usize {
    let ended = timeout(limit, async {
        graceful.shutdown().await;
        while connections.join_next().await.is_some() {}
    });
    if ended.await.is_ok() {
        return 0;
    }
    let cut = connections.len();
    tracing::warn!(connections = cut, "connections were cut: their requests took too long to end");
    connections.shutdown().await;
    cut
}

/// One connection, from its first byte to its last.
async fn connect<A: App>(
    shared: Arc<Shared<A>>,
    stream: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let _open = shared.observer.metrics.connection();
    let stream = Arc::new(stream);
    // Answers are written in large pieces; waiting for more only delays them.
    let _ = stream.set_nodelay(true);
    let io = connection::Io::new(
        Arc::clone(&stream),
        shared.limits.read_timeout,
        shared.limits.write_timeout,
    );
    let builder = http_builder(&shared.limits);
    let service = service_fn(|request| exchange(Arc::clone(&shared), peer, request));
    let connection = builder.serve_connection(TokioIo::new(io), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
    connection::linger(&stream).await;
    drop(place);
}

fn http_builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.read_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADERS);
    builder
}

/// One request and its response.
async fn exchange<A: App>(
    shared: Arc<Shared<A>>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Observed>, Infallible> {
    let (mut head, body) = request.into_parts();
    let note = Note::default();
    head.extensions.insert(note.clone());
    let exchange = Exchange::begin(&shared.observer, peer, &head, note);
    let response =
        match read_body(body, shared.app.body_limit(&head), shared.limits.read_timeout).await {
            Ok(body) => answer(&shared, Request::from_parts(head, body)).await,
            Err(fault) => closing(shared.app.refuse(fault), head.version),
        };
    Ok(exchange.respond(response))
}

/// The response to a request whose body was not read: the connection cannot
/// be used on, and HTTP/1 can say so.
fn closing(mut response: Response<Body>, version: Version) -> Response<Body> {
    if version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Answers, and turns a panic into a response: it hurts nobody else.
async fn answer<A: App>(shared: &Shared<A>, request: Request<Bytes>) -> Response<Body> {
    // The app's shared state is behind locks and atomics, which a panic leaves
    // usable; what the request owned is dropped.
    match AssertUnwindSafe(shared.app.answer(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            shared.observer.metrics.panic("request");
            tracing::error!(panic = panic_text(&*panic), "a request panicked");
            shared.app.refuse(Fault::Panic)
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

async fn read_body(body: Incoming, limit: usize, patience: Duration) -> Result<Bytes, Fault> {
    if limit == 0 || body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > limit as u64 {
        return Err(Fault::TooLarge(limit));
    }
    match timeout(patience, Limited::new(body, limit).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Fault::TooLarge(limit)),
        Ok(Err(error)) => Err(Fault::Body(error.to_string())),
        Err(_) => Err(Fault::Body(format!("not complete after {} s", patience.as_secs()))),
    }
}

#[cfg(test)]
mod tests;

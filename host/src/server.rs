//! Connections: accept, limit, read requests, hand them to the [`App`], write
//! its responses, and stop without cutting anyone off.
//!
//! In comes a listener, out go requests. Their bodies are read by whoever
//! answers, within limits that are set here. HTTP/1 and HTTP/2 (prior
//! knowledge, or agreed on by TLS) are told apart by their first bytes. What a
//! request means is the app's business.

mod connection;
pub mod web;

mod unread;

mod exchange;

pub mod body;
pub mod compress;

mod guarded;
pub mod queue;
pub mod watched;

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::body::Body;
use self::exchange::{Exchange, Observed};
pub use self::guarded::Guarded;
pub use self::unread::Unread;
use self::web::Web;
use crate::telemetry::{AccessLog, Metrics};

/// A boxed future.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What answers requests.
pub trait App: Send + Sync + 'static {
    /// Answers a request; its body is read here or not at all. Its extensions
    /// hold the client's [`Peer`] address and a [`Note`] to be filled in.
    /// Dropped when the client leaves.
    fn answer(&self, request: Request<Unread>) -> Boxed<'_, Response<Body>>;

    /// The response where there is no other answer.
    fn refuse(&self, fault: Fault) -> Response<Body>;
}

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The body is larger than this limit.
    #[error("request body exceeds {0} bytes")]
    TooLarge(usize),
    /// The body breaks off; the text says how.
    #[error("reading the request body: {0}")]
    Body(String),
    /// The body does not come in time.
    #[error("the request body does not arrive in time")]
    Slow,
    /// The client has not said who it is, or nobody knows it.
    #[error("who asks is not known here: send the name and the password of a user")]
    Stranger,
    /// Too many clients wait to be known.
    #[error("too many requests wait for their passwords to be checked")]
    Busy,
    /// The app panicked.
    #[error("a fault inside promweave; its log says more")]
    Panic,
}

/// The address of a request's client, in the request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

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

/// How long a client may take for TLS's handshake.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// Where clients come in.
#[derive(Debug)]
pub struct Listener {
    /// The socket.
    pub socket: TcpListener,
    /// What the web configuration file says of it.
    pub web: Option<Arc<Web>>,
}

impl From<TcpListener> for Listener {
    fn from(socket: TcpListener) -> Self {
        Self { socket, web: None }
    }
}

/// What all connections share.
struct Shared<A> {
    app: Arc<A>,
    web: Option<Arc<Web>>,
    observer: Observer,
    limits: Limits,
}

/// Serves until `shutdown` is ready, then lets running requests end, at most
/// for [`Limits::drain_timeout`], and returns the number of connections that
/// were cut.
pub async fn serve<A: App>(
    listener: impl Into<Listener>,
    app: Arc<A>,
    observer: Observer,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> usize {
    let Listener { socket: listener, web } = listener.into();
    let shared = Arc::new(Shared { app, web, observer, limits });
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
    let encryption = match &shared.web {
        Some(web) => web.tls().await,
        None => None,
    };
    match encryption {
        None => speak(&shared, io, peer, watcher).await,
        Some(config) => {
            let patience = shared.limits.read_timeout.min(HANDSHAKE);
            match web::tls::accept(config, &stream, io, patience).await {
                Ok(io) => speak(&shared, io, peer, watcher).await,
                Err(error) => tracing::debug!(%peer, error, "no TLS with a client"),
            }
        }
    }
    connection::linger(&stream).await;
    drop(place);
}

/// HTTP over a connection, until it ends.
async fn speak<A: App>(
    shared: &Arc<Shared<A>>,
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let builder = http_builder(&shared.limits);
    let service = service_fn(|request| exchange(Arc::clone(shared), peer, request));
    let connection = builder.serve_connection(TokioIo::new(io), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
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
    let (note, version) = (Note::default(), head.version);
    head.extensions.insert(note.clone());
    head.extensions.insert(Peer(peer));
    let exchange = Exchange::begin(&shared.observer, peer, &head, note);
    let body = Unread::new(body, shared.limits.read_timeout);
    let left = body.left();
    let mut response = answer(&shared, Request::from_parts(head, body)).await;
    if left.is_some() && version < Version::HTTP_2 {
        // The connection cannot be used on, and HTTP/1 can say so.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(web) = &shared.web {
        response.headers_mut().extend(web.headers().await);
    }
    Ok(exchange.respond(response))
}

/// Answers, and turns a panic into a response: it hurts nobody else.
async fn answer<A: App>(shared: &Shared<A>, request: Request<Unread>) -> Response<Body> {
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

#[cfg(test)]
mod tests;

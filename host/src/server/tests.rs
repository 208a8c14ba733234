//! The server on a loopback port, with clients that behave and clients that
//! do not.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::*;
use crate::telemetry::logging::Format;

const MAX_BODY: usize = 1 << 20;

/// Longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers by path.
#[derive(Default)]
struct Tiny {
    hanging: Arc<AtomicUsize>,
    hangs: Notify,
    go_on: Notify,
    chunks: Mutex<Option<mpsc::Sender<Result<Bytes, body::Broken>>>>,
}

struct Hanging(Arc<AtomicUsize>);

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl App for Tiny {
    fn answer(&self, request: Request<Unread>) -> Boxed<'_, Response<Body>> {
        if let Some(note) = request.extensions().get::<Note>() {
            note.set("/tiny", "a=b".to_owned());
        }
        Box::pin(async move {
            let (head, body) = request.into_parts();
            match head.uri.path() {
                "/panic" => panic!("on purpose"),
                "/hang" => {
                    self.hanging.fetch_add(1, Ordering::SeqCst);
                    let _guard = Hanging(Arc::clone(&self.hanging));
                    self.hangs.notify_one();
                    self.go_on.notified().await;
                    Response::new(Body::whole("went on"))
                }
                "/stream" => {
                    let (sender, receiver) = mpsc::channel(1);
                    *self.chunks.lock().expect("no panic") = Some(sender);
                    Response::new(Body::chunks(receiver))
                }
                "/unread" => Response::new(Body::whole("not wanted")),
                _ => {
                    let limit = if head.method == hyper::Method::POST { MAX_BODY } else { 0 };
                    match body.whole(limit).await {
                        Ok(body) => Response::new(Body::whole(format!("{} bytes", body.len()))),
                        Err(fault) => self.refuse(fault),
                    }
                }
            }
        })
    }

    fn refuse(&self, fault: Fault) -> Response<Body> {
        let mut response = Response::new(Body::whole(format!("{fault:?}")));
        *response.status_mut() = match fault {
            Fault::TooLarge(_) => hyper::StatusCode::PAYLOAD_TOO_LARGE,
            Fault::Body(_) | Fault::Slow => hyper::StatusCode::REQUEST_TIMEOUT,
            Fault::Stranger | Fault::Busy => hyper::StatusCode::FORBIDDEN,
            Fault::Panic => hyper::StatusCode::BAD_GATEWAY,
        };
        response
    }
}

/// The access log's lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A server that runs.
struct Running {
    address: SocketAddr,
    app: Arc<Tiny>,
    metrics: Arc<Metrics>,
    log: Lines,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<usize>,
}

impl Running {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (app, metrics, log) = (Arc::new(Tiny::default()), Arc::default(), Lines::default());
        let access_log = AccessLog::to_writer(Format::Text, log.clone()).expect("a thread");
        let observer = Observer { metrics: Arc::clone(&metrics), access_log: Arc::new(access_log) };
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let serving = tokio::spawn(serve(listener, Arc::clone(&app), observer, limits, shutdown));
        Self { address, app, metrics, log, stop, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// Sends bytes and reads until the server closes.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        let (mut reader, mut writer) = stream.split();
        let mut got = Vec::new();
        // The server may close before it has taken all: that is its right.
        let write = async { drop(writer.write_all(bytes).await) };
        let read = async { reader.read_to_end(&mut got).await };
        let (_, read) = soon(async { tokio::join!(write, read) }).await;
        read.expect("a response instead of a reset");
        String::from_utf8_lossy(&got).into_owned()
    }

    async fn get(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        self.exchange(request.as_bytes()).await
    }

    /// Where the chunks of a response to `/stream` go.
    async fn streaming(&self) -> mpsc::Sender<Result<Bytes, body::Broken>> {
        soon(async {
            loop {
                if let Some(sender) = self.app.chunks.lock().expect("no panic").take() {
                    return sender;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    async fn until_logged(&self, part: &str) -> String {
        soon(async {
            loop {
                let log =
                    String::from_utf8_lossy(&self.log.0.lock().expect("no panic")).into_owned();
                if log.contains(part) {
                    return log;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it does not take that long")
}

#[tokio::test]
async fn both_protocols_are_answered_on_one_port() {
    let server = Running::start(Limits::default()).await;
    assert!(server.get("/").await.ends_with("\r\n\r\n0 bytes"));
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let request = Request::post(format!("http://{}/", server.address))
        .body(Full::new(Bytes::from_static(b"12345")))
        .expect("a request");
    let response = soon(client.request(request)).await.expect("a response");
    assert_eq!(response.version(), Version::HTTP_2);
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(body, "5 bytes");
}

#[tokio::test]
async fn a_panic_is_one_response_and_hurts_nobody_else() {
    let server = Running::start(Limits::default()).await;
    let two = "GET /panic HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let got = server.exchange(two.as_bytes()).await;
    assert!(got.starts_with("HTTP/1.1 502 "), "{got}");
    assert!(got.ends_with("0 bytes"), "{got}");
    assert!(server.metrics.render().contains("promweave_panics_total{stage=\"request\"} 1"));
}

#[tokio::test]
async fn ten_megabytes_in_a_url_are_refused_in_words() {
    let server = Running::start(Limits::default()).await;
    let url = format!("GET /?query={} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(10 << 20));
    let got = server.exchange(url.as_bytes()).await;
    assert!(got.starts_with("HTTP/1.1 431 ") || got.starts_with("HTTP/1.1 414 "), "{got}");
    assert!(server.get("/").await.ends_with("0 bytes"));
}

#[tokio::test]
async fn ten_megabytes_in_a_body_are_refused_in_words() {
    let server = Running::start(Limits::default()).await;
    let body = "a".repeat(10 << 20);
    let length =
        format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let chunked = format!(
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    for request in [length, chunked] {
        let got = server.exchange(request.as_bytes()).await;
        assert!(got.starts_with("HTTP/1.1 413 "), "{got}");
        assert!(got.ends_with("TooLarge(1048576)"), "{got}");
    }
    assert!(server.get("/").await.ends_with("0 bytes"));
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_request_and_is_logged() {
    let server = Running::start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /hang HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    soon(server.app.hangs.notified()).await;
    assert_eq!(server.app.hanging.load(Ordering::SeqCst), 1);
    drop(stream);
    let log = server.until_logged("\n").await;
    assert_eq!(server.app.hanging.load(Ordering::SeqCst), 0);
    assert!(log.contains("\"GET /hang HTTP/1.1 499 0\""), "{log}");
    assert!(log.ends_with(" a=b\n"), "{log}");
    let page = server.metrics.render();
    assert!(
        page.contains("promweave_http_requests_total{handler=\"/tiny\",code=\"499\"} 1"),
        "{page}"
    );
}

#[tokio::test]
async fn stopping_lets_a_running_request_end() {
    let server = Running::start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /hang HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    soon(server.app.hangs.notified()).await;
    server.stop.send(()).expect("the server runs");
    soon(async {
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.app.go_on.notify_one();
    let mut got = String::new();
    soon(stream.read_to_string(&mut got)).await.expect("a response");
    assert!(got.ends_with("went on"), "{got}");
    drop(stream);
    assert_eq!(soon(server.serving).await.expect("no panic"), 0);
}

#[tokio::test]
async fn stopping_cuts_what_does_not_end_in_time() {
    let limits = Limits { drain_timeout: Duration::from_millis(20), ..Limits::default() };
    let server = Running::start(limits).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /hang HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    soon(server.app.hangs.notified()).await;
    server.stop.send(()).expect("the server runs");
    assert_eq!(soon(server.serving).await.expect("no panic"), 1);
    assert_eq!(server.app.hanging.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_connection_too_many_waits_for_its_turn() {
    let server = Running::start(Limits { max_connections: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    first.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    let mut answer = [0; 8];
    soon(first.read_exact(&mut answer)).await.expect("an answer");
    let mut second = std::pin::pin!(server.get("/"));
    let early = timeout(Duration::from_millis(50), second.as_mut()).await;
    assert!(early.is_err(), "answered beside the first: {early:?}");
    drop(first);
    assert!(soon(second).await.ends_with("0 bytes"));
}

#[tokio::test]
async fn a_silent_client_is_let_go() {
    let limits = Limits { read_timeout: Duration::from_millis(20), ..Limits::default() };
    let server = Running::start(limits).await;
    for start in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"] {
        let mut stream = server.connect().await;
        stream.write_all(start.as_bytes()).await.expect("sent");
        let mut got = String::new();
        soon(stream.read_to_string(&mut got)).await.expect("an end, not a reset");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let limits = Limits { read_timeout: Duration::from_millis(20), ..Limits::default() };
    let server = Running::start(limits).await;
    let got = server.exchange(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n123").await;
    assert!(got.starts_with("HTTP/1.1 408 "), "{got}");
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_to_send_gets_its_answer_instead() {
    let server = Running::start(Limits::default()).await;
    let head = "host: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";
    let unwanted = format!("POST /unread HTTP/1.1\r\n{head}");
    let got = server.exchange(unwanted.as_bytes()).await;
    assert!(got.starts_with("HTTP/1.1 200 ") && got.ends_with("not wanted"), "{got}");
    assert!(got.contains("connection: close\r\n"), "{got}");
    let wanted = format!("POST / HTTP/1.1\r\nconnection: close\r\n{head}12345");
    let got = server.exchange(wanted.as_bytes()).await;
    assert!(got.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 "), "{got}");
    assert!(got.ends_with("5 bytes"), "{got}");
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_let_go() {
    let limits = Limits { write_timeout: Duration::from_millis(20), ..Limits::default() };
    let server = Running::start(limits).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /stream HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    let mut head = [0; 16];
    let sender = server.streaming().await;
    let chunk = Bytes::from(vec![b'a'; 1 << 20]);
    soon(async { while sender.send(Ok(chunk.clone())).await.is_ok() {} }).await;
    soon(stream.read_exact(&mut head)).await.expect("what was sent before");
    assert_eq!(&head, b"HTTP/1.1 200 OK\r");
}

#[tokio::test]
async fn a_body_that_breaks_does_not_look_complete() {
    let server = Running::start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /stream HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    let sender = server.streaming().await;
    sender.send(Ok(Bytes::from_static(b"some"))).await.expect("a reader");
    sender.send(Err(body::Broken)).await.expect("a reader");
    drop(sender);
    let mut got = String::new();
    // Whether the end is clean or a reset, the last chunk must be missing.
    let _ = soon(stream.read_to_string(&mut got)).await;
    assert!(!got.contains("\r\n0\r\n\r\n"), "{got}");
}

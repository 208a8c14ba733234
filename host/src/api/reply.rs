//! From an answer to an HTTP response: envelope, headers, compression, and
//! the decision between one piece and a stream.
//!
//! In comes a [`Document`] or an [`Error`], out goes a response. Up to one
//! chunk is made right here; the rest of a larger answer is encoded and
//! compressed on the blocking pool, a few chunks at a time and only while the
//! client takes them, so that a slow client holds neither a thread nor the
//! text of its answer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use hyper::{Response, StatusCode};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::encode::{CHUNK, Document, Encoder, text};
use super::error::{Error, FAILED};
use crate::server::body::{Body, Broken};
use crate::server::compress::{Coding, Compressor};
use crate::telemetry::Metrics;

/// Chunks that wait for the client at most.
const WAITING_CHUNKS: usize = 4;

/// How long a client may take none of a waiting chunk before its answer is
/// given up: Prometheus's default for reading a request, turned round.
const STALL: Duration = Duration::from_secs(300);

/// Bodies below this are sent as they are: compressing them costs more than
/// the packet they fit into.
const WORTH_COMPRESSING: usize = 1024;

/// The response of a successful call.
pub(super) fn document(
    document: Document,
    coding: Coding,
    metrics: &Arc<Metrics>,
) -> Response<Body> {
    let mut encoder = Encoder::new(document);
    let mut first = Vec::with_capacity(1024);
    if encoder.fill(&mut first) {
        let job = match Compressor::new(coding) {
            Ok(compressor) => {
                Job { encoder: Some(encoder), first: Some(first), compressor: Some(compressor) }
            }
            Err(error) => return compression_failed(&error),
        };
        let (sender, receiver) = mpsc::channel(WAITING_CHUNKS);
        tokio::spawn(pump(job, sender, Arc::clone(metrics)));
        return json(StatusCode::OK, Body::chunks(receiver), coding);
    }
    whole(StatusCode::OK, first, coding)
}

/// The response of a call that failed.
pub(crate) fn error(error: &Error, coding: Coding) -> Response<Body> {
    let envelope = Envelope {
        status: "error",
        error_type: error.kind().name(),
        error: error.message(),
        data: error.detail(),
    };
    whole(error.status(), text::to_json(&envelope), coding)
}

#[derive(Serialize)]
struct Envelope {
    status: &'static str,
    #[serde(rename = "errorType")]
    error_type: &'static str,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<serde_json::Value>,
}

/// The envelope of a success around data that is small enough to be made at
/// once.
pub(crate) fn envelope(data: &impl Serialize) -> Vec<u8> {
    #[derive(Serialize)]
    struct Success<'a, T> {
        status: &'static str,
        data: &'a T,
    }
    text::to_json(&Success { status: "success", data })
}

/// JSON in one piece.
pub(crate) fn in_one_piece(status: StatusCode, json: Vec<u8>, coding: Coding) -> Response<Body> {
    whole(status, json, coding)
}

/// A response without content.
pub(crate) fn no_content() -> Response<Body> {
    with_status(StatusCode::NO_CONTENT, Body::empty())
}

/// A short text for people and probes, as Go's `http.Error` sends it.
pub(crate) fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    typed(status, "text/plain; charset=utf-8", text)
}

/// A body of another type.
pub(crate) fn typed(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = with_status(status, Body::whole(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The path means nothing.
pub(super) fn not_found() -> Response<Body> {
    plain(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// The path means something, but not with this method.
pub(super) fn method_not_allowed(allowed: &str) -> Response<Body> {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
    response.headers_mut().insert(ALLOW, header(allowed));
    response
}

/// What the path can do.
pub(crate) fn options(allowed: &str) -> Response<Body> {
    let mut response = with_status(StatusCode::OK, Body::empty());
    response.headers_mut().insert(ALLOW, header(allowed));
    response
}

fn header(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("method names are visible ASCII")
}

fn with_status(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

fn json(status: StatusCode, body: Body, coding: Coding) -> Response<Body> {
    let mut response = with_status(status, body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(name) = coding.name() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}

fn whole(status: StatusCode, body: Vec<u8>, coding: Coding) -> Response<Body> {
    if coding == Coding::Identity || body.len() < WORTH_COMPRESSING {
        return json(status, Body::whole(body), Coding::Identity);
    }
    match compress(body, coding) {
        Ok(body) => json(status, Body::whole(body), coding),
        Err(error) => compression_failed(&error),
    }
}

fn compress(body: Vec<u8>, coding: Coding) -> io::Result<Vec<u8>> {
    let mut compressor = Compressor::new(coding)?;
    let mut compressed = compressor.push(body)?.to_vec();
    compressed.extend_from_slice(&compressor.finish()?);
    Ok(compressed)
}

fn compression_failed(error: &io::Error) -> Response<Body> {
    tracing::error!(%error, "a response could not be compressed");
    plain(FAILED, format!("{error}\n"))
}

/// An answer that is still being encoded.
struct Job {
    /// Gone once all is encoded.
    encoder: Option<Encoder>,
    /// The chunk that was encoded before the response began.
    first: Option<Vec<u8>>,
    /// Gone once the body has ended.
    compressor: Option<Compressor>,
}

impl Job {
    /// The next bytes of the body; `None` after the last.
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(encoder) = &mut self.encoder {
            let (chunk, more) = match self.first.take() {
                Some(first) => (first, true),
                None => {
                    let mut chunk = Vec::with_capacity(CHUNK + CHUNK / 8);
                    let more = encoder.fill(&mut chunk);
                    (chunk, more)
                }
            };
            if !more {
                self.encoder = None;
            }
            let Some(compressor) = &mut self.compressor else {
                break;
            };
            let ready = compressor.push(chunk)?;
            if !ready.is_empty() {
                return Ok(Some(ready));
            }
        }
        let rest = self.compressor.take().map(Compressor::finish).transpose()?;
        Ok(rest.filter(|rest| !rest.is_empty()))
    }

    /// Makes chunks while there is room for them. True if more are to come.
    fn run(&mut self, sender: &mpsc::Sender<Result<Bytes, Broken>>) -> io::Result<bool> {
        while let Ok(room) = sender.try_reserve() {
            match self.next()? {
                Some(chunk) => room.send(Ok(chunk)),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// Moves a body to the client until it ends, or the client left or stalled.
async fn pump(mut job: Job, sender: mpsc::Sender<Result<Bytes, Broken>>, metrics: Arc<Metrics>) {
    while let Ok(Ok(room)) = timeout(STALL, sender.reserve()).await {
        drop(room);
        let worker = sender.clone();
        let ran = tokio::task::spawn_blocking(move || {
            let more = job.run(&worker);
            (job, more)
        });
        match ran.await {
            Ok((rest, Ok(true))) => job = rest,
            Ok((_, Ok(false))) => return,
            Ok((_, Err(error))) => {
                tracing::error!(%error, "a response could not be compressed");
                break;
            }
            Err(_) => {
                metrics.panic("encode");
                tracing::error!("a response could not be encoded: panic");
                break;
            }
        }
    }
    // A body that ends here would look complete; the error breaks the
    // connection, if anyone still listens.
    let _ = timeout(STALL, sender.send(Err(Broken))).await;
}

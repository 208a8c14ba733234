//! HTTP to one replica: requests out, bounded bodies in.
//!
//! Connections are kept and reused per server group. Every request has a
//! deadline, every body a bound. Nothing here knows what the bytes mean.

mod outgoing;

use std::future::Future;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use promql::budget::Budget;

use self::outgoing::Outgoing;
use super::Error;
use crate::config::{self, Auth, Source};
use crate::storage::Context;
use crate::telemetry::logging::with_causes;
use crate::tls;

/// The part of an unexpected body that an error message quotes, in bytes.
const QUOTED: usize = 200;
/// An error page longer than this is not read to its end.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// The `Authorization` header of this moment: files are read for every
/// request, so that rotated secrets are used at once.
async fn authorization(auth: Option<&Auth>) -> Result<Option<HeaderValue>, Error> {
    let Some(auth) = auth.cloned() else { return Ok(None) };
    let reads_files = match &auth {
        Auth::Basic { username, password } => {
            username.file().is_some() || password.file().is_some()
        }
        Auth::Token { credentials, .. } => credentials.file().is_some(),
    };
    let text = if reads_files {
        let read = tokio::task::spawn_blocking(move || authorization_text(&auth));
        read.await.map_err(|error| Error::Credentials(error.to_string()))?
    } else {
        authorization_text(&auth)
    };
    let mut value = HeaderValue::from_str(&text?)
        .map_err(|_| Error::Credentials("not usable in a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn authorization_text(auth: &Auth) -> Result<String, Error> {
    use base64::Engine as _;
    Ok(match auth {
        Auth::Basic { username, password } => {
            let name = username.read().map_err(unread("basic_auth.username_file", username))?;
            let password = password.read().map_err(unread("basic_auth.password_file", password))?;
            let pair = format!("{name}:{}", password.expose());
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
        }
        Auth::Token { scheme, credentials, file_key } => {
            let token = credentials.read().map_err(unread(file_key, credentials))?;
            format!("{scheme} {}", token.expose())
        }
    })
}

/// Names the file that cannot be read, and the key it stands under.
fn unread<T>(key: &str, source: &Source<T>) -> impl FnOnce(std::io::Error) -> Error {
    let file = source.file().map(|path| path.display().to_string()).unwrap_or_default();
    move |cause| Error::Credentials(format!("{key} {file}: {cause}"))
}

/// The connections to the replicas of one group.
#[derive(Debug)]
pub struct Client {
    pool: Pool<HttpsConnector<HttpConnector>, Outgoing>,
    options: config::Client,
}

/// One request, before authentication and common headers.
#[derive(Debug)]
pub struct Call<'a> {
    /// `GET` or `POST`.
    pub method: Method,
    /// Scheme, host and path, without a query string.
    pub url: &'a str,
    /// Form fields: the body of a `POST`, the query string of a `GET`.
    pub form: &'a [(&'a str, String)],
    /// A body that is no form, with its content headers.
    pub body: Option<(Bytes, HeaderMap)>,
    /// What encodings the answer may have.
    pub accept_encoding: &'static str,
}

impl Client {
    /// A client for one group; connects to nothing yet.
    ///
    /// # Errors
    /// When the group's certificates cannot be read or used.
    pub fn new(options: config::Client) -> Result<Self, tls::Error> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(options.dial_timeout);
        let builder = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(super::tls::client(&options.tls)?)
            .https_or_http();
        let builder = match super::tls::server_name(&options.tls)? {
            Some(name) => {
                builder.with_server_name_resolver(hyper_rustls::FixedServerNameResolver::new(name))
            }
            None => builder,
        };
        let connector = builder.enable_all_versions().wrap_connector(tcp);
        let idle = options.max_idle_conns.unwrap_or(usize::MAX);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(options.idle_conn_timeout)
            .pool_max_idle_per_host(options.max_idle_conns_per_host.min(idle))
            .build(connector);
        Ok(Self { pool, options })
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// When there is no connection, no head in time, or no credentials.
    pub async fn send(
        &self,
        call: Call<'_>,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Error> {
        self.send_request(self.request(call).await?, deadline).await
    }

    /// As [`Client::send`], counting in `sent` how much of the body is gone.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn send_watched(
        &self,
        call: Call<'_>,
        sent: Arc<AtomicU64>,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Error> {
        let request = self.request(call).await?.map(|body| body.watched(sent));
        self.send_request(request, deadline).await
    }

    async fn send_request(
        &self,
        request: Request<Outgoing>,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Error> {
        let sent = async {
            self.pool.request(request).await.map_err(|error| Error::Connect(with_causes(&error)))
        };
        match self.options.timeout {
            Some(limit) if Instant::now() + limit < deadline => {
                match tokio::time::timeout(limit, sent).await {
                    Ok(result) => result,
                    Err(_) => Err(Error::Slow(limit)),
                }
            }
            _ => before(deadline, sent).await,
        }
    }

    async fn request(&self, call: Call<'_>) -> Result<Request<Outgoing>, Error> {
        let form = encode_form(call.form.iter().map(|(name, value)| (*name, value.as_str())));
        let params = &self.options.query_params;
        let mut query = encode_form(params.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let get = call.method == Method::GET;
        if get && !form.is_empty() {
            query = if query.is_empty() { form.clone() } else { format!("{form}&{query}") };
        }
        let mark = if query.is_empty() { "" } else { "?" };
        let mut request = Request::builder()
            .method(call.method)
            .uri(format!("{}{mark}{query}", call.url))
            .body(Outgoing::default())
            .map_err(|error| Error::Connect(format!("{}: {error}", call.url)))?;
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(call.accept_encoding));
        if let Some(value) = authorization(self.options.auth.as_ref()).await? {
            headers.insert(header::AUTHORIZATION, value);
        }
        if !get && call.body.is_none() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
        }
        for (name, value) in call.body.iter().flat_map(|(_, headers)| headers) {
            headers.insert(name, value.clone());
        }
        for (name, value) in &self.options.http_headers {
            headers.insert(name, value.clone());
        }
        *request.body_mut() = match call.body {
            Some((body, _)) => Outgoing::new(body),
            None if get => Outgoing::default(),
            None => Outgoing::new(Bytes::from(form)),
        };
        Ok(request)
    }
}

const USER_AGENT: &str = concat!("promweave/", env!("CARGO_PKG_VERSION"));
const FORM: &str = "application/x-www-form-urlencoded";
/// Carries the version of the remote read protocol.
pub const READ_VERSION: HeaderName = HeaderName::from_static("x-prometheus-remote-read-version");

/// Reads a whole body, decompressed, charging its bytes to the budget. The
/// caller releases them when the body is dropped.
///
/// # Errors
/// When the body is cut, late, badly compressed, or over the budget.
pub async fn collect(response: Response<Incoming>, context: &Context) -> Result<Bytes, Error> {
    let sink = Sink::new(Encoding::of(response.headers())?);
    collect_into(sink, response, context).await
}

/// Reads a whole body as it is, whatever its encoding; otherwise as
/// [`collect`].
///
/// # Errors
/// When the body is cut, late, or over the budget.
pub async fn collect_raw(response: Response<Incoming>, context: &Context) -> Result<Bytes, Error> {
    collect_into(Sink::new(Encoding::Identity), response, context).await
}

async fn collect_into(
    mut sink: Sink,
    response: Response<Incoming>,
    context: &Context,
) -> Result<Bytes, Error> {
    let mut body = response.into_body();
    while let Some(data) = next_data(&mut body, context).await? {
        let before = sink.len();
        sink.write(&data)?;
        context.budget.charge_bytes(sink.len() - before)?;
    }
    sink.finish()
}

/// The next piece of a body.
///
/// # Errors
/// When the body is cut or late.
pub async fn next_data(body: &mut Incoming, context: &Context) -> Result<Option<Bytes>, Error> {
    loop {
        let frame = before(context.deadline, async { Ok(body.frame().await) }).await?;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Err(Error::Body(with_causes(&error))),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    context.received.fetch_add(data.len() as u64, Ordering::Relaxed);
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Turns an answer with an error status into an error: the API's own, where
/// the body is its envelope.
pub async fn failure(response: Response<Incoming>, context: &Context) -> Error {
    let status = response.status();
    let budget = Budget::new(u64::MAX, MAX_ERROR_BODY as u64);
    let context = Context { budget, ..context.clone() };
    let body = collect(response, &context).await.unwrap_or_default();
    match super::reply::envelope(&body).map(|reply| reply.error) {
        Ok(Some(error)) => Error::Api { kind: error.kind, message: error.message },
        _ => Error::Status(status, quote(&body)),
    }
}

/// True for the statuses that say "this method is not served here".
#[must_use]
pub fn wants_get(status: StatusCode) -> bool {
    matches!(status, StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED)
}

async fn before<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout_at(deadline.into(), work).await {
        Ok(result) => result,
        Err(_) => Err(Error::Deadline),
    }
}

/// The compression of a body.
#[derive(Clone, Copy)]
enum Encoding {
    Identity,
    Gzip,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Result<Self, Error> {
        match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"" | b"identity") => Ok(Self::Identity),
            Some(b"gzip" | b"x-gzip") => Ok(Self::Gzip),
            Some(other) => Err(Error::Body(format!(
                "content encoding {} was not asked for",
                String::from_utf8_lossy(other)
            ))),
        }
    }
}

/// Collects a body, decompressing on the way.
enum Sink {
    Plain(BytesMut),
    Gzip(Box<flate2::write::MultiGzDecoder<Vec<u8>>>),
}

impl Sink {
    fn new(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Identity => Self::Plain(BytesMut::new()),
            Encoding::Gzip => Self::Gzip(Box::new(flate2::write::MultiGzDecoder::new(Vec::new()))),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Plain(bytes) => bytes.len(),
            Self::Gzip(decoder) => decoder.get_ref().len(),
        }
    }

    fn write(&mut self, data: &[u8]) -> Result<(), Error> {
        match self {
            Self::Plain(bytes) => bytes.extend_from_slice(data),
            Self::Gzip(decoder) => decoder.write_all(data).map_err(|error| gzip(&error))?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Bytes, Error> {
        match self {
            Self::Plain(bytes) => Ok(bytes.freeze()),
            Self::Gzip(decoder) => decoder.finish().map(Bytes::from).map_err(|error| gzip(&error)),
        }
    }
}

fn gzip(error: &std::io::Error) -> Error {
    Error::Body(format!("gzip: {error}"))
}

/// The start of a body, safe to print on one line.
#[must_use]
pub fn quote(body: &[u8]) -> String {
    let start = &body[..body.len().min(QUOTED)];
    let text = String::from_utf8_lossy(start);
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.trim();
    if body.len() > QUOTED { format!("{line}…") } else { line.to_owned() }
}

fn encode_form<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    let mut text = String::new();
    for (name, value) in fields {
        if !text.is_empty() {
            text.push('&');
        }
        text.extend(utf8_percent_encode(name, KEPT));
        text.push('=');
        text.extend(utf8_percent_encode(value, KEPT));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_fields_are_percent_encoded() {
        let fields = [("query", "a{b=\"c d\"} + é"), ("time", "1.5")];
        let expected = "query=a%7Bb%3D%22c%20d%22%7D%20%2B%20%C3%A9&time=1.5";
        assert_eq!(encode_form(fields.into_iter()), expected);
    }

    #[test]
    fn a_quoted_body_is_short_and_on_one_line() {
        assert_eq!(quote(b"<html>\n<b>no</b>"), "<html> <b>no</b>");
        assert_eq!(quote(&[b'x'; 300]).chars().count(), QUOTED + 1);
    }
}

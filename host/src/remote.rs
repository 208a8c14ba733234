//! A running proxy, asked over HTTP by the command line.
//!
//! In: where it is, who we are, and what is wanted. Out: the answer, or the
//! proxy's own words about what is wrong. Nothing here prints.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use promql::budget::Budget;
use serde_json::Value;

use crate::config::{self, Auth, Secret, Source, Tls, TlsVersion};
use crate::gather;
use crate::gather::client::{Call, Client, collect, failure};
use crate::storage::Context;

/// For a whole answer: the proxy may have to ask its servers, or to compile.
const TIMEOUT: Duration = Duration::from_secs(300);
/// For a new connection: nobody waits longer at a prompt.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// A component is some megabytes, everything else less.
const MAX_BYTES: u64 = 512 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is none of a proxy.
    #[error("--url: {0:?} is no URL such as http://127.0.0.1:8083")]
    Url(String),
    /// The token cannot be had.
    #[error("--token-file: {path}: {reason}")]
    Token {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificates cannot be used.
    #[error("certificates")]
    Tls(#[from] crate::tls::Error),
    /// There is no proxy, or it gave no answer, or it refused.
    #[error("{url}")]
    Asked {
        /// What was asked.
        url: String,
        /// What it said, or what is wrong.
        source: gather::Error,
    },
    /// The answer is not what was asked for.
    #[error("{url}: the answer is not the expected one; is it promweave?")]
    Answer {
        /// What was asked.
        url: String,
    },
}

/// Where a proxy is, and who asks.
#[derive(Clone, Debug, Default)]
pub struct Address {
    /// Scheme, host, port, and a path prefix if it has one.
    pub url: String,
    /// A file with a token, alone or as `name:token`.
    pub token_file: Option<PathBuf>,
    /// PEM of the authorities to trust; none: the system's.
    pub ca_file: Option<PathBuf>,
}

/// A proxy.
#[derive(Debug)]
pub struct Proxy {
    client: Client,
    base: String,
}

/// What is asked of it.
#[derive(Debug, Default)]
pub struct Request {
    /// `GET` by default.
    pub method: Method,
    /// Path and query, percent-encoded.
    pub path: String,
    /// Further headers.
    pub headers: HeaderMap,
    /// The body of anything but a `GET`.
    pub body: Bytes,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), ..Self::default() }
    }

    /// With a body of a media type.
    #[must_use]
    pub fn with_body(mut self, media_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.body = body.into();
        self
    }
}

impl Proxy {
    /// A proxy by its address; connects to nothing yet.
    ///
    /// # Errors
    /// When the URL, the token or the certificates cannot be used.
    pub fn new(address: &Address) -> Result<Self, Error> {
        let auth = address.token_file.as_deref().map(token).transpose()?;
        let base = base(&address.url)?;
        Ok(Self { client: Client::new(options(auth, address.ca_file.clone()))?, base })
    }

    /// Asks, and returns the bytes of a good answer.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub async fn bytes(&self, request: Request) -> Result<Bytes, Error> {
        self.watched(request, None).await
    }

    /// Asks, and returns the `data` of a good answer.
    ///
    /// # Errors
    /// When there is no answer, it is a refusal, or not the API's.
    pub async fn data(&self, request: Request) -> Result<Value, Error> {
        self.watched_data(request, None).await
    }

    /// As [`Proxy::data`], counting in `sent` how much of the body is gone.
    ///
    /// # Errors
    /// As [`Proxy::data`].
    pub async fn watched_data(
        &self,
        request: Request,
        sent: Option<Arc<AtomicU64>>,
    ) -> Result<Value, Error> {
        let url = self.url(&request);
        let body = self.watched(request, sent).await?;
        let answer: Option<Value> = serde_json::from_slice(&body).ok();
        let data = answer.and_then(|mut answer| answer.get_mut("data").map(Value::take));
        data.ok_or(Error::Answer { url })
    }

    fn url(&self, request: &Request) -> String {
        format!("{}{}", self.base, request.path)
    }

    async fn watched(
        &self,
        request: Request,
        sent: Option<Arc<AtomicU64>>,
    ) -> Result<Bytes, Error> {
        let url = self.url(&request);
        let answer = self.send(&url, request, sent).await;
        answer.map_err(|source| Error::Asked { url, source })
    }

    async fn send(
        &self,
        url: &str,
        request: Request,
        sent: Option<Arc<AtomicU64>>,
    ) -> Result<Bytes, gather::Error> {
        let Request { method, headers, body, .. } = request;
        let body = Some((body, headers));
        let call = Call { method, url, form: &[], body, accept_encoding: "identity" };
        let deadline = Instant::now() + TIMEOUT;
        let response = match sent {
            None => self.client.send(call, deadline).await?,
            Some(sent) => self.client.send_watched(call, sent, deadline).await?,
        };
        let context = Context::new(deadline, Budget::new(u64::MAX, MAX_BYTES));
        if !response.status().is_success() {
            return Err(failure(response, &context).await);
        }
        collect(response, &context).await
    }
}

/// A part of a path, percent-encoded.
#[must_use]
pub fn segment(text: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(text, KEPT).to_string()
}

/// The URL without a slash at its end.
fn base(url: &str) -> Result<String, Error> {
    let refused = || Error::Url(url.to_owned());
    let parsed: Uri = url.parse().map_err(|_| refused())?;
    let is_http = matches!(parsed.scheme_str(), Some("http" | "https"));
    if !is_http || parsed.host().is_none_or(str::is_empty) || parsed.query().is_some() {
        return Err(refused());
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// The first token in a file: lines `token` or `name:token`, `#` comments.
fn token(path: &Path) -> Result<Auth, Error> {
    let refused = |reason: String| Error::Token { path: path.display().to_string(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    let mut lines = text.lines().map(str::trim);
    let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    let line = line.ok_or_else(|| refused("there is no token in it".to_owned()))?;
    // A token of HTTP's has no colon.
    let token = line.rsplit_once(':').map_or(line, |(_, token)| token).trim();
    Ok(Auth::Token {
        scheme: "Bearer".to_owned(),
        credentials: Source::Inline(Secret::new(token.to_owned())),
        file_key: "--token-file",
    })
}

fn options(auth: Option<Auth>, ca_file: Option<PathBuf>) -> config::Client {
    config::Client {
        timeout: None,
        dial_timeout: Some(DIAL_TIMEOUT),
        max_idle_conns: None,
        max_idle_conns_per_host: 1,
        idle_conn_timeout: None,
        query_params: Vec::new(),
        http_headers: Vec::new(),
        tls: Tls {
            ca: ca_file.map(Source::File),
            identity: None,
            server_name: None,
            insecure_skip_verify: false,
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
        },
        auth,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_url_of_a_server_is_taken() {
        let taken = base("http://127.0.0.1:8082/prom/").expect("a URL");
        assert_eq!(taken, "http://127.0.0.1:8082/prom");
        assert!(base("https://proxy.example").is_ok());
        for bad in ["", "proxy:8082", "ftp://proxy", "http://", "/api", "http://a/?b=c"] {
            assert!(base(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_stands_alone_or_behind_its_name() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let read = |text: &str| {
            let path = folder.path().join("token");
            std::fs::write(&path, text).expect("a file");
            match token(&path) {
                Ok(Auth::Token { credentials, .. }) => {
                    Ok(credentials.read().expect("inline").expose().to_owned())
                }
                Ok(other) => panic!("{other:?}"),
                Err(error) => Err(error.to_string()),
            }
        };
        assert_eq!(read("secret\n").as_deref(), Ok("secret"));
        assert_eq!(read("# ours\n\nalice: s3cret=\nbob:other\n").as_deref(), Ok("s3cret="));
        let refused = read("# none\n").expect_err("no token");
        assert!(refused.ends_with("there is no token in it"), "{refused}");
    }

    #[test]
    fn names_are_escaped_in_paths() {
        assert_eq!(segment("eu/west 1"), "eu%2Fwest%201");
        assert_eq!(segment("median-3.x_~"), "median-3.x_~");
    }
}

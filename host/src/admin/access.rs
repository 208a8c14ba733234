//! Who may ask.
//!
//! With a token file, or users in the web configuration file: whoever shows
//! one of them. Without: whoever is on this machine. Never a web page of
//! somebody else's: a browser asks for any page it shows; it tells with
//! `Origin` which page that is, and with `Host` which name the page gave this
//! address.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::header::{AUTHORIZATION, FORWARDED, HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::http::request;
use tokio::task::spawn_blocking;

use super::{Error, Tokens};
use crate::server::watched::Watched;
use crate::server::web::{Verdict, Web};
use crate::server::{Fault, Peer};
use crate::telemetry::Metrics;

/// How often refusals are logged at most.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// The rule.
#[derive(Debug)]
pub enum Access {
    /// Nobody says who they are; all are on this machine.
    Loopback,
    /// A token or a user's password is needed.
    Credentials {
        /// `--admin.token-file`
        tokens: Option<Arc<Watched<Tokens>>>,
        /// `--admin.web.config.file`, if it has users.
        users: Option<Arc<Web>>,
    },
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// The name of a token or a user; none where nobody needs one.
    pub name: Option<String>,
    /// Where from.
    pub peer: String,
}

impl Caller {
    /// What is kept with what they do: their name, or their address.
    pub(super) fn by(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.peer)
    }
}

impl Access {
    /// Who asks, if they may.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] and [`Error::Forbidden`].
    pub(super) async fn check(&self, head: &request::Parts) -> Result<Caller, Error> {
        let peer = head.extensions.get::<Peer>().map(|peer| peer.0.ip().to_canonical());
        let shown = peer.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
        no_page_of_others(head).map_err(Error::Forbidden)?;
        let name = match self {
            Self::Loopback => {
                from_here(head, peer).map_err(Error::Forbidden)?;
                None
            }
            Self::Credentials { tokens, users } => {
                Some(named(tokens.as_ref(), users.as_deref(), &head.headers).await?)
            }
        };
        Ok(Caller { name, peer: shown })
    }

    /// What a client is told to send.
    pub(super) fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::Loopback => None,
            Self::Credentials { tokens: None, .. } => Some("Basic realm=\"promweave admin\""),
            Self::Credentials { users: None, .. } => Some("Bearer realm=\"promweave admin\""),
            Self::Credentials { .. } => {
                Some("Bearer realm=\"promweave admin\", Basic realm=\"promweave admin\"")
            }
        }
    }
}

async fn named(
    tokens: Option<&Arc<Watched<Tokens>>>,
    users: Option<&Web>,
    headers: &HeaderMap,
) -> Result<String, Error> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Err(Error::Unauthorized(match tokens {
            Some(_) => "this address needs a token: send the header `Authorization: Bearer TOKEN`",
            None => "this address needs the name and the password of a user",
        }));
    };
    if let (Some(tokens), Some(token)) = (tokens, value.to_str().ok().and_then(bearer)) {
        let (tokens, token) = (Arc::clone(tokens), token.to_owned());
        let name = spawn_blocking(move || tokens.current().name_of(&token).map(ToOwned::to_owned));
        let name = name.await.map_err(|_| Fault::Panic)?;
        return name.ok_or(Error::Unauthorized("the token is not known here"));
    }
    let verdict = match users {
        Some(web) => web.verify(headers).await,
        None => Verdict::Stranger,
    };
    match verdict {
        Verdict::User(name) => Ok(name),
        Verdict::Busy => Err(Fault::Busy.into()),
        // Users that the file no longer has let nobody in.
        Verdict::Stranger | Verdict::Anybody => {
            Err(Error::Unauthorized("the credentials are not known here"))
        }
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Headers of whatever passes on requests of others.
const PASSED_ON: [HeaderName; 3] =
    [FORWARDED, HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("x-real-ip")];

/// What a browser says about where a request comes from.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Fails, with the reason, for what does not come from this machine itself.
fn from_here(head: &request::Parts, peer: Option<IpAddr>) -> Result<(), String> {
    const HOW: &str = "without a token file (--admin.token-file) only this machine may ask";
    if !peer.is_some_and(|ip| ip.is_loopback()) {
        return Err(HOW.to_owned());
    }
    if PASSED_ON.iter().any(|name| head.headers.contains_key(name)) {
        return Err(format!("{HOW}, and this request was passed on by a proxy"));
    }
    let host = host_of(head);
    if is_loopback_host(host) {
        return Ok(());
    }
    Err(format!("{HOW}, by the name localhost or an address, not {host:?}"))
}

/// The name by which this address was called, or nothing.
fn host_of(head: &request::Parts) -> &str {
    let target = head.uri.authority().map(hyper::http::uri::Authority::as_str);
    target.or_else(|| head.headers.get(HOST)?.to_str().ok()).unwrap_or("")
}

/// Fails for what a browser asks on behalf of a page from elsewhere. It sends
/// passwords that it knows along, so this counts with credentials, too.
fn no_page_of_others(head: &request::Parts) -> Result<(), String> {
    let text = |name| head.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(origin) = text(ORIGIN) {
        let host = host_of(head);
        let is_own = |(_, rest): (&str, &str)| rest.eq_ignore_ascii_case(host);
        if !origin.split_once("://").is_some_and(is_own) {
            return Err(format!("a web page of {origin:?} may not ask"));
        }
    }
    match text(FETCH_SITE) {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => Err("a web page of another site may not ask".to_owned()),
    }
}

/// `localhost`, `127.0.0.1`, `[::1]`, with a port or without.
fn is_loopback_host(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        let Some((ip, port)) = rest.split_once(']') else { return false };
        return is_port(port) && is_loopback_ip(ip);
    }
    let (name, port) = match host.find(':') {
        Some(colon) => host.split_at(colon),
        None => (host, ""),
    };
    is_port(port) && (name.eq_ignore_ascii_case("localhost") || is_loopback_ip(name))
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
}

fn is_loopback_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Refusals, counted and logged, but not one line for each of a flood.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Refused>);

#[derive(Debug, Default)]
struct Refused {
    logged: Option<Instant>,
    unlogged: u64,
}

impl Refusals {
    /// Tells of a request that was refused.
    pub(super) fn tell(&self, error: &Error, head: &request::Parts, metrics: &Metrics) {
        let reason = match error {
            Error::Unauthorized(_) => "unauthorized",
            Error::Forbidden(_) => "forbidden",
            _ => return,
        };
        metrics.admin_refused(reason);
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.logged.is_some_and(|at| at.elapsed() < LOG_EVERY) {
            refused.unlogged += 1;
            return;
        }
        let unlogged = std::mem::take(&mut refused.unlogged);
        refused.logged = Some(Instant::now());
        drop(refused);
        let peer = head.extensions.get::<Peer>().map(|peer| peer.0);
        tracing::warn!(
            target: "audit",
            ?peer,
            method = %head.method,
            path = head.uri.path(),
            unlogged,
            "refused: {error}"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use hyper::Request;

    use super::*;

    fn head(peer: &str, uri: &str, headers: &[(&str, &str)]) -> request::Parts {
        let mut builder = Request::get(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let (mut head, ()) = builder.body(()).expect("a request").into_parts();
        let peer: SocketAddr = peer.parse().expect("an address");
        head.extensions.insert(Peer(peer));
        head
    }

    fn allowed(head: &request::Parts) -> bool {
        let peer = head.extensions.get::<Peer>().map(|peer| peer.0.ip().to_canonical());
        from_here(head, peer).and_then(|()| no_page_of_others(head)).is_ok()
    }

    #[test]
    fn only_this_machine_may_ask_by_a_name_of_its_own() {
        let from = |peer: &str, host: &str| allowed(&head(peer, "/", &[("host", host)]));
        assert!(from("127.0.0.1:5", "127.0.0.1:8083"));
        assert!(from("[::1]:5", "[::1]:8083"));
        assert!(from("[::ffff:127.0.0.1]:5", "localhost"));
        assert!(from("127.8.8.8:5", "LocalHost:80"));
        assert!(!from("10.0.0.3:5", "127.0.0.1:8083"));
        for host in [
            "",
            "evil.example",
            "evil.example:8083",
            "127.0.0.1.evil.example",
            "localhost.",
            "localhost:x",
            "127.0.0.1@evil.example",
            "[::1",
            "[::1]x",
            "10.0.0.1",
        ] {
            assert!(!from("127.0.0.1:5", host), "{host}");
        }
        // HTTP/2 has the host in the request's target.
        assert!(allowed(&head("127.0.0.1:5", "http://localhost:8083/", &[])));
        assert!(!allowed(&head("127.0.0.1:5", "http://evil.example/", &[("host", "localhost")])));
    }

    #[test]
    fn web_pages_of_others_may_not_ask() {
        let with = |name: &str, value: &str| {
            allowed(&head("127.0.0.1:5", "/", &[("host", "localhost:8083"), (name, value)]))
        };
        assert!(with("origin", "http://localhost:8083"));
        assert!(with("origin", "https://localhost:8083"));
        for origin in [
            "null",
            "http://localhost:3000",
            "http://localhost",
            "http://evil.example",
            "localhost:8083",
        ] {
            assert!(!with("origin", origin), "{origin}");
        }
        assert!(with("sec-fetch-site", "same-origin") && with("sec-fetch-site", "none"));
        assert!(!with("sec-fetch-site", "cross-site") && !with("sec-fetch-site", "same-site"));
        assert!(!with("x-forwarded-for", "10.0.0.3") && !with("forwarded", "for=10.0.0.3"));
    }
}

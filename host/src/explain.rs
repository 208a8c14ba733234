//! `promweave explain`: asks a running proxy for a plan and prints it.
//!
//! In: the command line. Out: the proxy's own text, or its JSON, on standard
//! output. What is wrong with a query, or with a time, the proxy says.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use hyper::{Method, StatusCode, Uri};
use promql::budget::Budget;
use serde_json::Value;

use crate::cli::Explain;
use crate::config::{self, Tls, TlsVersion};
use crate::gather::client::{Call, Client, collect, failure};
use crate::gather::{self, tls};
use crate::storage::Context;

/// The proxy may have to ask its servers.
const TIMEOUT: Duration = Duration::from_secs(150);
/// For a new connection: nobody waits longer at a prompt.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// A plan is some kilobytes.
const MAX_BYTES: u64 = 64 << 20;

/// Why nothing is explained.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is none of a proxy.
    #[error("--url: {0:?} is no URL such as http://127.0.0.1:8082")]
    Url(String),
    /// The system's certificates cannot be used.
    #[error("certificates")]
    Tls(#[from] tls::Error),
    /// There is no proxy, or it gave no answer, or it refused.
    #[error("{url}")]
    Asked {
        /// What was asked.
        url: String,
        /// What it said, or what is wrong.
        source: gather::Error,
    },
    /// The answer is no plan.
    #[error("{url}: the answer is no plan; is it promweave?")]
    Answer {
        /// What was asked.
        url: String,
    },
    /// Nobody reads what is printed.
    #[error("cannot print")]
    Print(#[from] io::Error),
}

/// Asks, and prints the answer.
///
/// # Errors
/// When there is no plan, or nobody to read it.
pub async fn run(explain: &Explain) -> Result<(), Error> {
    let url = endpoint(&explain.url)?;
    let client = Client::new(options())?;
    let body = ask(&client, &url, explain).await;
    let body = body.map_err(|source| Error::Asked { url: url.clone(), source })?;
    let shown = shown(&body, explain.json).ok_or(Error::Answer { url })?;
    writeln!(io::stdout(), "{}", shown.trim_end())?;
    Ok(())
}

/// Where a proxy explains.
fn endpoint(url: &str) -> Result<String, Error> {
    let refused = || Error::Url(url.to_owned());
    let parsed: Uri = url.parse().map_err(|_| refused())?;
    let is_http = matches!(parsed.scheme_str(), Some("http" | "https"));
    if !is_http || parsed.host().is_none_or(str::is_empty) || parsed.query().is_some() {
        return Err(refused());
    }
    Ok(format!("{}/api/v1/explain", url.trim_end_matches('/')))
}

async fn ask(client: &Client, url: &str, explain: &Explain) -> Result<Vec<u8>, gather::Error> {
    let Explain { time, start, end, step, .. } = explain;
    let mut form = vec![("query", explain.query.clone())];
    for (name, value) in [("time", time), ("start", start), ("end", end), ("step", step)] {
        form.extend(value.clone().map(|value| (name, value)));
    }
    let call =
        Call { method: Method::POST, url, form: &form, body: None, accept_encoding: "identity" };
    let deadline = Instant::now() + TIMEOUT;
    let context = Context::new(deadline, Budget::new(u64::MAX, MAX_BYTES));
    let response = client.send(call, deadline).await?;
    if response.status() != StatusCode::OK {
        return Err(failure(response, &context).await);
    }
    Ok(collect(response, &context).await?.to_vec())
}

/// What is printed of an answer; nothing if it has no plan.
fn shown(body: &[u8], as_json: bool) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let data = answer.get("data")?;
    let text = data.get("text")?.as_str()?;
    if as_json { serde_json::to_string_pretty(data).ok() } else { Some(text.to_owned()) }
}

fn options() -> config::Client {
    config::Client {
        timeout: None,
        dial_timeout: Some(DIAL_TIMEOUT),
        max_idle_conns: None,
        max_idle_conns_per_host: 1,
        idle_conn_timeout: None,
        query_params: Vec::new(),
        http_headers: Vec::new(),
        tls: Tls {
            ca: None,
            identity: None,
            server_name: None,
            insecure_skip_verify: false,
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
        },
        auth: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_url_of_a_server_is_taken() {
        let taken = endpoint("http://127.0.0.1:8082/prom/").expect("a URL");
        assert_eq!(taken, "http://127.0.0.1:8082/prom/api/v1/explain");
        assert!(endpoint("https://proxy.example").is_ok());
        for bad in ["", "proxy:8082", "ftp://proxy", "http://", "/api", "http://a/?b=c"] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_answer_is_shown_as_text_or_as_json() {
        let body = br#"{"status":"success","data":{"text":"query: up\n"}}"#;
        assert_eq!(shown(body, false).as_deref(), Some("query: up\n"));
        assert_eq!(shown(body, true).as_deref(), Some("{\n  \"text\": \"query: up\\n\"\n}"));
        assert_eq!(shown(br#"{"status":"success","data":[]}"#, false), None);
        assert_eq!(shown(b"<html>", false), None);
    }
}

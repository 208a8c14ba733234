//! Servers in this process, and groups of them, for tests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use promql::budget::Budget;
use promql::{Labels, SeriesBatch};

use super::bound::Bound;
use super::client::{self, Call, Client};
use super::coverage::Coverage;
use super::group::Group;
use super::parts::{Haste, Study};
use super::replica::Replica;
use crate::cli::QueryLimits;
use crate::config::{self, OnFailure, Pushdown, RemoteRead};
use crate::demo::Memory;
use crate::policy::{Binding, Settings};
use crate::serve::{self, Listening};
use crate::storage::Context;
use crate::telemetry::Metrics;

/// A server with these series, as Prometheus would answer.
pub(super) async fn prometheus(series: &SeriesBatch) -> Listening {
    let limits = QueryLimits {
        timeout: Duration::from_secs(60),
        max_samples: 50_000_000,
        max_bytes: 1 << 30,
        lookback_delta: Duration::from_secs(300),
    };
    let storage = Arc::new(Memory::new(series, Default::default()));
    serve::storage(storage, &limits, SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("starts")
}

pub(super) fn context() -> Context {
    Context::new(Instant::now() + Duration::from_secs(60), Budget::unlimited())
}

pub(super) fn client() -> Client {
    let text = "promxy: {server_groups: [{static_configs: [{targets: [a]}]}]}";
    let config = config::parse(text, "test", std::path::Path::new("")).expect("valid");
    Client::new(config.server_groups[0].client.clone()).expect("no certificates")
}

pub(super) fn replica(address: SocketAddr) -> Replica {
    Replica::new(format!("http://{address}"), "/api/v1/read", RemoteRead::Never)
}

pub(super) fn group(addresses: &[SocketAddr], labels: Labels) -> Group {
    Group {
        title: "test".to_owned(),
        place: 0,
        labels,
        replicas: addresses.iter().map(|address| replica(*address)).collect(),
        policy: Bound::new(0, "test".to_owned(), Arc::new(Binding::native(Settings::default()))),
        recorder: None,
        on_failure: OnFailure::Fail,
        client: client(),
        pushdown: Pushdown::Auto,
        pushdown_min_samples: 0,
        coverage: Coverage::default(),
        metrics: Arc::new(Metrics::default()),
        haste: Haste::default(),
        study: Study::default(),
    }
}

/// Form fields of a request.
pub(super) type Form = Vec<(String, String)>;
/// What a server in between does: change the form, or answer itself.
pub(super) type Turn = dyn Fn(&str, &mut Form) -> Option<(u16, String)> + Send + Sync;
/// What it makes of the answer that it passes on.
pub(super) type Edit = dyn Fn(&str, String) -> String + Send + Sync;

/// A server in front of another one.
pub(super) struct Between {
    pub(super) address: SocketAddr,
    /// Path and query of every request so far.
    pub(super) asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Between {
    pub(super) async fn start(upstream: SocketAddr, turn: Box<Turn>, edit: Box<Edit>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, turn, edit) = (Arc::clone(&asked), Arc::new(turn), Arc::new(edit));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, turn, edit) = (Arc::clone(&seen), Arc::clone(&turn), Arc::clone(&edit));
                let service = hyper::service::service_fn(move |request| {
                    answer(
                        request,
                        upstream,
                        Arc::clone(&seen),
                        Arc::clone(&turn),
                        Arc::clone(&edit),
                    )
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { address, asked }
    }

    /// The same, changing nothing.
    pub(super) async fn transparent(upstream: SocketAddr) -> Self {
        Self::start(upstream, Box::new(|_, _| None), Box::new(|_, body| body)).await
    }

    pub(super) fn queries(&self) -> Vec<String> {
        let asked = self.asked.lock().expect("no panic while held");
        asked.iter().map(|(_, query)| query.clone()).collect()
    }
}

async fn answer(
    request: Request<Incoming>,
    upstream: SocketAddr,
    seen: Arc<Mutex<Vec<(String, String)>>>,
    turn: Arc<Box<Turn>>,
    edit: Arc<Box<Edit>>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    let mut form: Form = std::str::from_utf8(&body)
        .unwrap_or_default()
        .split('&')
        .filter_map(|field| field.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    let query = form.iter().find(|(name, _)| name == "query" || name == "match[]");
    let query = query.map(|(_, value)| value.clone()).unwrap_or_default();
    seen.lock().expect("no panic while held").push((path.clone(), query));
    let (status, text) = match turn(&path, &mut form) {
        Some(own) => own,
        None => {
            let (status, text) = forward(upstream, &path, &form).await;
            (status, edit(&path, text))
        }
    };
    let response = Response::builder().status(status).body(Full::new(Bytes::from(text)));
    Ok(response.expect("a response"))
}

async fn forward(upstream: SocketAddr, path: &str, form: &Form) -> (u16, String) {
    let form: Vec<(&str, String)> =
        form.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let url = format!("http://{upstream}{path}");
    let call = Call {
        method: Method::POST,
        url: &url,
        form: &form,
        body: None,
        accept_encoding: "identity",
    };
    let context = context();
    let response = client().send(call, context.deadline).await.expect("an answer");
    let status = response.status().as_u16();
    let body = client::collect(response, &context).await.expect("a body");
    (status, String::from_utf8_lossy(&body).into_owned())
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

//! One Prometheus-compatible server: the questions we ask it, over whichever
//! transport it has.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::mem;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Response, StatusCode};
use promql::budget::Budget;
use promql::matcher::{MatchOp, Matcher};
use promql::{Labels, SeriesBatch};

use super::client::{self, Call, Client};
use super::columns::Window;
use super::concat::concat;
use super::dialect::Dialect;
use super::matrix::{self, QueryData};
use super::patience::Promptness;
use super::pieces::windows;
use super::push::{PARALLEL_PIECES, Steps};
use super::remote_read::{self, Format, ResponseType};
use super::reply::{self, Reply};
use super::{Error, external, staleness};
use crate::config::RemoteRead;
use crate::storage::{Answer, Context, Lookups, Metadata, Scope, Select, SeriesExemplars};

/// Bytes of a body that go to the decoder together. Prometheus sends a few
/// kilobytes at a time, and waking a thread for each would cost more than to
/// decode it.
const STREAM_BATCH: usize = 128 * 1024;
/// What a piece of a body takes beside its data, its framing among it.
const PIECE_BYTES: usize = 64;
/// Batches that may wait for the decoder.
const STREAM_BACKLOG: usize = 4;
/// Selectors of one query that the query API is asked for at once: a query may
/// have thousands, and each takes a connection.
const SELECTORS_AT_ONCE: usize = 16;
/// How long a server without remote read is believed to be without it.
const REMOTE_READ_RETRY: Duration = Duration::from_secs(600);
/// How long a server's external labels are believed to be unchanged.
const EXTERNAL_LABELS_TTL: Duration = Duration::from_secs(60);

/// Where label sets are listed.
const SERIES: &str = "/api/v1/series";

/// One server of a group.
#[derive(Debug)]
pub struct Replica {
    /// `scheme://host:port/prefix`, without a slash at the end: its name in
    /// warnings, errors and metrics.
    pub name: String,
    /// Where remote read is served.
    pub read_url: String,
    remote_read: RemoteRead,
    accept_encoding: &'static str,
    /// Until when (milliseconds of `epoch`) remote read is not tried again.
    no_remote_read_until: AtomicU64,
    external_labels: Mutex<Option<(Instant, Labels)>>,
    epoch: Instant,
    /// It moves the times of a range query to multiples of its step.
    pub(super) aligns_ranges: bool,
    /// What its exams came to.
    pub(super) dialect: Dialect,
    /// Whether it has hung of late.
    pub(super) promptness: Promptness,
}

impl Replica {
    /// A server that nothing is known of yet.
    #[must_use]
    pub fn new(name: String, read_path: &str, remote_read: RemoteRead) -> Self {
        let read_url = format!("{name}/{}", read_path.trim_start_matches('/'));
        Self {
            accept_encoding: if is_local(&name) { "identity" } else { "gzip" },
            name,
            read_url,
            remote_read,
            no_remote_read_until: AtomicU64::new(0),
            external_labels: Mutex::new(None),
            epoch: Instant::now(),
            aligns_ranges: false,
            dialect: Dialect::default(),
            promptness: Promptness::default(),
        }
    }

    /// The same, for a server that moves the times of a range query to
    /// multiples of its step, if that is said.
    #[must_use]
    pub fn aligning_ranges(mut self, aligns_ranges: bool) -> Self {
        self.aligns_ranges = aligns_ranges;
        self
    }

    /// Raw samples of each selector, one batch per selector, in any series
    /// order, timestamps within the asked window.
    ///
    /// # Errors
    /// When the server gives no usable answer to any one of them.
    pub async fn select(
        &self,
        client: &Client,
        context: &Context,
        selects: &[Select],
    ) -> Result<Answer<Vec<SeriesBatch>>, Error> {
        self.select_in_pieces(client, context, selects, &vec![1; selects.len()]).await
    }

    /// The same, each selector in so many pieces of its window (above zero).
    ///
    /// # Errors
    /// When the server gives no usable answer to any one of them.
    pub async fn select_in_pieces(
        &self,
        client: &Client,
        context: &Context,
        selects: &[Select],
        pieces: &[usize],
    ) -> Result<Answer<Vec<SeriesBatch>>, Error> {
        if self.tries_remote_read() {
            match self.remote_read(client, context, selects, pieces).await {
                Err(error) if self.remote_read == RemoteRead::Auto && error.says_unsupported() => {
                    self.forget_remote_read(&error);
                }
                result => return result.map(|data| Answer { data, ..Answer::default() }),
            }
        }
        let asked = selects.iter().zip(pieces);
        let asked: Vec<_> = asked
            .map(|(select, pieces)| self.query_raw(client, context, select, *pieces))
            .collect();
        let mut parts = stream::iter(asked).buffered(SELECTORS_AT_ONCE);
        let mut answer: Answer<Vec<SeriesBatch>> = Answer::default();
        while let Some(part) = parts.try_next().await? {
            answer.data.push(answer_into(part, &mut answer.warnings, &mut answer.infos));
        }
        Ok(answer)
    }

    fn tries_remote_read(&self) -> bool {
        match self.remote_read {
            RemoteRead::Always => true,
            RemoteRead::Never => false,
            RemoteRead::Auto => {
                let until = self.no_remote_read_until.load(Ordering::Relaxed);
                self.epoch.elapsed().as_millis() as u64 >= until
            }
        }
    }

    fn forget_remote_read(&self, error: &Error) {
        tracing::info!(replica = %self.name, %error, "no remote read here, using the query API");
        let until = self.epoch.elapsed() + REMOTE_READ_RETRY;
        self.no_remote_read_until.store(until.as_millis() as u64, Ordering::Relaxed);
    }

    /// Streamed chunks; plain samples where the server has chunks that we
    /// cannot read.
    async fn remote_read(
        &self,
        client: &Client,
        context: &Context,
        selects: &[Select],
        pieces: &[usize],
    ) -> Result<Vec<SeriesBatch>, Error> {
        const CHUNKS_FIRST: &[ResponseType] =
            &[ResponseType::StreamedXorChunks, ResponseType::Samples];
        let external = self.external_labels(client, context).await?;
        let asked = (selects, pieces);
        let read = match self.read_in_pieces(client, context, asked, CHUNKS_FIRST).await {
            Err(Error::UnknownEncoding(cause)) => {
                tracing::debug!(replica = %self.name, %cause, "asking again for plain samples");
                self.read_in_pieces(client, context, asked, &[ResponseType::Samples]).await
            }
            other => other,
        };
        let mut batches = read?;
        if !external.is_empty() {
            for (batch, select) in batches.iter_mut().zip(selects) {
                *batch = without_external_labels(batch, &external, &select.matchers);
            }
        }
        Ok(batches)
    }

    pub(super) async fn read(
        &self,
        client: &Client,
        context: &Context,
        selects: &[Select],
        accepted: &[ResponseType],
    ) -> Result<Vec<SeriesBatch>, Error> {
        let windows: Vec<Window> = selects.iter().map(window).collect();
        let body = remote_read::encode_request(&queries(selects), accepted);
        let call = Call {
            method: Method::POST,
            url: &self.read_url,
            form: &[],
            body: Some((Bytes::from(body), read_headers())),
            accept_encoding: remote_read::CONTENT_ENCODING,
        };
        let response = client.send(call, context.deadline).await?;
        if !response.status().is_success() {
            return Err(client::failure(response, context).await);
        }
        match content_format(&response)? {
            Format::Streamed => stream_chunks(response, context, windows).await,
            Format::Samples => {
                let body = client::collect_raw(response, context).await?;
                let budget = context.budget.clone();
                off_reactor(move || {
                    let limits = remote_read::Limits::default();
                    let decoded = remote_read::decode_samples(&body, &windows, limits, &budget);
                    budget.release_bytes(body.len());
                    Ok(decoded?)
                })
                .await
            }
        }
    }

    /// The labels that this server adds to what it gives by remote read.
    async fn external_labels(&self, client: &Client, context: &Context) -> Result<Labels, Error> {
        if let Some((read, labels)) = &*lock(&self.external_labels)
            && read.elapsed() < EXTERNAL_LABELS_TTL
        {
            return Ok(labels.clone());
        }
        let asked = self.get(client, context, "/api/v1/status/config", &[]).await;
        let labels = match asked.and_then(|body| external::labels(&body)) {
            Ok(labels) => labels,
            // Servers other than Prometheus have no such page, and add nothing.
            Err(error) if error.is_answer() => Labels::empty(),
            Err(error) => return Err(error),
        };
        *lock(&self.external_labels) = Some((Instant::now(), labels.clone()));
        Ok(labels)
    }

    /// Raw samples by a range selector. An instant-vector selector is asked
    /// as itself too, because only the server knows its stale markers.
    async fn query_raw(
        &self,
        client: &Client,
        context: &Context,
        select: &Select,
        pieces: usize,
    ) -> Result<Answer<SeriesBatch>, Error> {
        let selector = selector_text(&select.matchers);
        let windows = windows(select, pieces);
        let raw =
            windows.iter().map(|window| self.query_window(client, context, &selector, *window));
        let raw = all_of(raw.collect());
        let Some(grid) = select.lookups else { return raw.await };
        let longest = grid_steps(grid).count().div_ceil(windows.len() as u64);
        let grids = grid_steps(grid).pieces(longest);
        let seen = grids
            .iter()
            .map(|steps| self.query_grid(client, context, &selector, (*steps, grid.lookback_ms)));
        let (mut answer, seen) =
            futures_util::future::try_join(raw, all_of(seen.collect())).await?;
        let seen = answer_into(seen, &mut answer.warnings, &mut answer.infos);
        answer.data = staleness::restore(&answer.data, &seen, grid);
        Ok(answer)
    }

    /// The samples of a selector within a window, both ends included.
    async fn query_window(
        &self,
        client: &Client,
        context: &Context,
        selector: &str,
        (start_ms, end_ms): (i64, i64),
    ) -> Result<Answer<SeriesBatch>, Error> {
        let width = end_ms.saturating_sub(start_ms).saturating_add(1);
        let form = [
            ("query", format!("{selector}[{width}ms]")),
            ("time", seconds(end_ms)),
            ("timeout", timeout(context.deadline)),
        ];
        let mut answer = self.query(client, context, "/api/v1/query", &form).await?;
        answer.data.retain_window(start_ms, end_ms);
        Ok(answer)
    }

    /// An instant-vector selector, evaluated by the server. One that moves
    /// range queries is asked at later times that it leaves alone, and to look
    /// as much further back.
    async fn query_grid(
        &self,
        client: &Client,
        context: &Context,
        selector: &str,
        (steps, lookback_ms): (Steps, i64),
    ) -> Result<Answer<SeriesBatch>, Error> {
        let shift = if self.evaluates_at(&steps) {
            0
        } else {
            steps.step_ms - steps.start_ms.rem_euclid(steps.step_ms)
        };
        let offset = if shift == 0 { String::new() } else { format!(" offset {shift}ms") };
        let form = vec![
            ("query", format!("{selector}{offset}")),
            ("timeout", timeout(context.deadline)),
            ("lookback_delta", seconds(lookback_ms)),
        ];
        let asked = Steps {
            start_ms: steps.start_ms.saturating_add(shift),
            end_ms: steps.end_ms.saturating_add(shift),
            ..steps
        };
        let mut answer = self.query_at(client, context, form, asked).await?;
        if shift != 0 {
            answer.data = earlier(&answer.data, shift);
        }
        Ok(answer)
    }

    /// A query at steps; `form` has all but the times.
    pub(super) async fn query_at(
        &self,
        client: &Client,
        context: &Context,
        mut form: Vec<(&str, String)>,
        steps: Steps,
    ) -> Result<Answer<SeriesBatch>, Error> {
        if steps.step_ms <= 0 {
            form.push(("time", seconds(steps.start_ms)));
            return self.query(client, context, "/api/v1/query", &form).await;
        }
        form.push(("start", seconds(steps.start_ms)));
        form.push(("end", seconds(steps.end_ms)));
        form.push(("step", seconds(steps.step_ms)));
        self.query(client, context, "/api/v1/query_range", &form).await
    }

    pub(super) async fn query(
        &self,
        client: &Client,
        context: &Context,
        path: &str,
        form: &[(&str, String)],
    ) -> Result<Answer<SeriesBatch>, Error> {
        let body = self.post(client, context, path, form).await?;
        decoded(body, context, |body, budget| {
            let reply = matrix::decode(body, budget)?;
            let found = match reply.data {
                Some(QueryData::Scalar { .. } | QueryData::String { .. }) => {
                    return Err(Error::Decode("no series where series were asked for".to_owned()));
                }
                _ => reply,
            };
            Ok(found.map(|data| match data {
                QueryData::Matrix(batch) | QueryData::Vector(batch) => batch,
                QueryData::Scalar { .. } | QueryData::String { .. } => SeriesBatch::new(),
            }))
        })
        .await
    }

    /// Label sets that match.
    ///
    /// # Errors
    /// When the server gives no usable answer.
    pub async fn series(
        &self,
        client: &Client,
        context: &Context,
        scope: &Scope,
    ) -> Result<Answer<Vec<Labels>>, Error> {
        let body = self.post(client, context, SERIES, &scope_form(scope)).await?;
        decoded(body, context, |body, budget| Ok(reply::series(body, budget)?)).await
    }

    /// Label sets that match, as many as the scope's limit; a server that does
    /// not know the parameter gives all.
    ///
    /// # Errors
    /// When the server gives no usable answer.
    pub async fn series_up_to(
        &self,
        client: &Client,
        context: &Context,
        scope: &Scope,
    ) -> Result<Answer<Vec<Labels>>, Error> {
        let mut form = scope_form(scope);
        form.push(("limit", scope.limit.to_string()));
        let body = self.post(client, context, SERIES, &form).await?;
        decoded(body, context, |body, budget| Ok(reply::series(body, budget)?)).await
    }

    /// Makes ready for raw samples, as far as that takes a question of its
    /// own. What fails will fail again, and say so, when it matters.
    pub(super) async fn prepare(&self, client: &Client, context: &Context) {
        if self.tries_remote_read() {
            let _for_later = self.external_labels(client, context).await;
        }
    }

    /// Label names of what matches.
    ///
    /// # Errors
    /// When the server gives no usable answer.
    pub async fn label_names(
        &self,
        client: &Client,
        context: &Context,
        scope: &Scope,
    ) -> Result<Answer<Vec<String>>, Error> {
        let body = self.post(client, context, "/api/v1/labels", &scope_form(scope)).await?;
        decoded(body, context, |body, budget| Ok(reply::names(body, budget)?)).await
    }

    /// Values of a label in what matches.
    ///
    /// # Errors
    /// When the server gives no usable answer.
    pub async fn label_values(
        &self,
        client: &Client,
        context: &Context,
        name: &str,
        scope: &Scope,
    ) -> Result<Answer<Vec<String>>, Error> {
        let path = format!("/api/v1/label/{}/values", promql::quote::escape_name(name));
        let body = self.get(client, context, &path, &scope_form(scope)).await?;
        decoded(body, context, |body, budget| Ok(reply::names(body, budget)?)).await
    }

    /// Metadata of one metric or of all.
    ///
    /// # Errors
    /// When the server gives no usable answer.
    pub async fn metadata(
        &self,
        client: &Client,
        context: &Context,
        metric: Option<&str>,
    ) -> Result<Answer<BTreeMap<String, Vec<Metadata>>>, Error> {
        let form: Vec<_> = metric.map(|name| ("metric", name.to_owned())).into_iter().collect();
        let body = self.get(client, context, "/api/v1/metadata", &form).await?;
        decoded(body, context, |body, budget| Ok(reply::metadata(body, budget)?)).await
    }

    /// Exemplars of the series that match any of the selectors.
    ///
    /// # Errors
    /// When the server gives no usable answer.
    pub async fn exemplars(
        &self,
        client: &Client,
        context: &Context,
        selectors: &[Vec<Matcher>],
        window_ms: (i64, i64),
    ) -> Result<Answer<Vec<SeriesExemplars>>, Error> {
        let texts: Vec<_> = selectors.iter().map(|matchers| selector_text(matchers)).collect();
        let form = [
            ("query", texts.join(" or ")),
            ("start", seconds(window_ms.0)),
            ("end", seconds(window_ms.1)),
        ];
        let body = self.post(client, context, "/api/v1/query_exemplars", &form).await?;
        decoded(body, context, |body, budget| Ok(reply::exemplars(body, budget)?)).await
    }

    /// Asks by `POST`, or by `GET` where the server wants that.
    pub(super) async fn post(
        &self,
        client: &Client,
        context: &Context,
        path: &str,
        form: &[(&str, String)],
    ) -> Result<Bytes, Error> {
        let response = self.call(client, context, Method::POST, path, form).await?;
        if client::wants_get(response.status()) {
            return self.get(client, context, path, form).await;
        }
        body_of(response, context).await
    }

    async fn get(
        &self,
        client: &Client,
        context: &Context,
        path: &str,
        form: &[(&str, String)],
    ) -> Result<Bytes, Error> {
        body_of(self.call(client, context, Method::GET, path, form).await?, context).await
    }

    async fn call(
        &self,
        client: &Client,
        context: &Context,
        method: Method,
        path: &str,
        form: &[(&str, String)],
    ) -> Result<Response<Incoming>, Error> {
        let url = format!("{}{path}", self.name);
        // Label sets repeat so much that they shrink twentyfold.
        let accept_encoding = if path == SERIES { "gzip" } else { self.accept_encoding };
        let call = Call { method, url: &url, form, body: None, accept_encoding };
        client.send(call, context.deadline).await
    }
}

async fn body_of(response: Response<Incoming>, context: &Context) -> Result<Bytes, Error> {
    if response.status() == StatusCode::NO_CONTENT || response.status().is_success() {
        return client::collect(response, context).await;
    }
    Err(client::failure(response, context).await)
}

/// Decodes streamed chunks on a blocking thread while they arrive.
async fn stream_chunks(
    response: Response<Incoming>,
    context: &Context,
    windows: Vec<Window>,
) -> Result<Vec<SeriesBatch>, Error> {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Vec<Bytes>>(STREAM_BACKLOG);
    let limits = remote_read::Limits::default();
    let mut decoder = remote_read::StreamDecoder::new(&windows, limits, context.budget.clone());
    let decoding = tokio::task::spawn_blocking(move || {
        while let Some(batch) = receiver.blocking_recv() {
            batch.iter().try_for_each(|data| decoder.push(data))?;
        }
        Ok::<_, remote_read::Error>(decoder)
    });
    let mut body = response.into_body();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while let Some(data) = client::next_data(&mut body, context).await? {
        // With what it takes to keep a piece: a server may send single bytes.
        bytes += data.len() + PIECE_BYTES;
        batch.push(data);
        if bytes >= STREAM_BATCH {
            bytes = 0;
            if sender.send(mem::take(&mut batch)).await.is_err() {
                break; // the decoder has failed and says why below
            }
        }
    }
    // If nobody takes it, that is said below, too.
    let _taken = sender.send(batch).await;
    drop(sender);
    let decoder = joined(decoding.await)??;
    Ok(decoder.finish()?)
}

const fn window(select: &Select) -> Window {
    Window { start_ms: select.start_ms, end_ms: select.end_ms }
}

fn queries(selects: &[Select]) -> Vec<remote_read::Query<'_>> {
    let query = |select| remote_read::Query {
        window: window(select),
        matchers: select.matchers.iter().map(read_matcher).collect(),
        hints: None,
    };
    selects.iter().map(query).collect()
}

/// Protobuf strings are UTF-8, as are all labels: a value that is not equals
/// none, and its replacement characters do not either, but for freak labels.
fn read_matcher(matcher: &Matcher) -> (MatchOp, &str, Cow<'_, str>) {
    (matcher.op(), matcher.name(), matcher.value().to_str_lossy())
}

fn read_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let encoding = HeaderValue::from_static(remote_read::CONTENT_ENCODING);
    headers.insert(header::CONTENT_ENCODING, encoding);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(remote_read::CONTENT_TYPE));
    headers.insert(client::READ_VERSION, HeaderValue::from_static(remote_read::VERSION));
    headers
}

fn content_format(response: &Response<Incoming>) -> Result<Format, Error> {
    let value = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let text = String::from_utf8_lossy(value.unwrap_or_default());
    Format::of_content_type(&text)
        .ok_or_else(|| Error::Decode(format!("remote read answered with content type {text:?}")))
}

/// Decodes a body off the reactor. Its bytes are given back to the budget.
async fn decoded<T: Default + Send + 'static>(
    body: Bytes,
    context: &Context,
    decode: impl FnOnce(&[u8], &Budget) -> Result<Reply<T>, Error> + Send + 'static,
) -> Result<Answer<T>, Error> {
    let budget = context.budget.clone();
    let work = move || {
        let reply = decode(&body, &budget);
        budget.release_bytes(body.len());
        answer_of(reply?)
    };
    off_reactor(work).await
}

async fn off_reactor<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    joined(tokio::task::spawn_blocking(work).await)?
}

/// What a server said: its data, or its own error.
fn answer_of<T: Default>(reply: Reply<T>) -> Result<Answer<T>, Error> {
    if let Some(error) = reply.error {
        return Err(Error::Api { kind: error.kind, message: error.message });
    }
    let data = reply.data.unwrap_or_default();
    Ok(Answer { data, warnings: reply.warnings, infos: reply.infos })
}

/// An answer's data; what else it says goes to the others of its kind.
fn answer_into<T>(answer: Answer<T>, warnings: &mut Vec<String>, infos: &mut Vec<String>) -> T {
    warnings.extend(answer.warnings);
    infos.extend(answer.infos);
    answer.data
}

/// Answers for consecutive pieces of time as one, a few asked for at once.
async fn all_of<F>(asked: Vec<F>) -> Result<Answer<SeriesBatch>, Error>
where
    F: Future<Output = Result<Answer<SeriesBatch>, Error>>,
{
    let answers: Vec<_> = stream::iter(asked).buffered(PARALLEL_PIECES).try_collect().await?;
    let mut whole: Answer<SeriesBatch> = Answer::default();
    let parts = answers
        .into_iter()
        .map(|answer| answer_into(answer, &mut whole.warnings, &mut whole.infos))
        .collect();
    whole.data = concat(parts);
    Ok(whole)
}

/// The times of lookups; a single one is an instant query.
const fn grid_steps(grid: Lookups) -> Steps {
    let step_ms = if grid.start_ms == grid.end_ms { 0 } else { grid.step_ms };
    Steps { start_ms: grid.start_ms, end_ms: grid.end_ms, step_ms }
}

/// The same samples, so many milliseconds earlier.
fn earlier(batch: &SeriesBatch, shift: i64) -> SeriesBatch {
    let mut moved = SeriesBatch::with_capacity(batch.len(), batch.samples());
    for series in batch.iter() {
        for (time, value) in series.float_times.iter().zip(series.float_values) {
            moved.push_float(time - shift, *value);
        }
        for (time, value) in series.histogram_times.iter().zip(series.histogram_values) {
            moved.push_histogram(time - shift, value.clone());
        }
        moved.finish_series(series.labels.clone());
    }
    moved
}

fn joined<T>(result: Result<T, tokio::task::JoinError>) -> Result<T, Error> {
    result.map_err(|error| Error::Decode(format!("decoder: {error}")))
}

/// Takes off what remote read put on: a label that equals an external label
/// of the server. Matchers on such a label were ignored by the server
/// (prometheus/storage/remote/read_handler.go) and so hold here or not at all.
fn without_external_labels(
    batch: &SeriesBatch,
    external: &Labels,
    matchers: &[Matcher],
) -> SeriesBatch {
    let mut stripped = SeriesBatch::new();
    for series in batch.iter() {
        let mut labels = series.labels.to_builder();
        for (name, value) in external.iter() {
            if series.labels.get(name) == Some(value) {
                labels.remove(name);
            }
        }
        let labels = labels.build();
        if matchers.iter().all(|matcher| matcher.matches_labels(&labels)) {
            stripped.push_series(labels, series);
        }
    }
    stripped
}

/// The matchers as PromQL; without any that refuses the empty string, one is
/// added that every series passes, because servers demand it.
#[must_use]
pub fn selector_text(matchers: &[Matcher]) -> String {
    let mut parts: Vec<_> = matchers.iter().map(ToString::to_string).collect();
    if matchers.iter().all(|matcher| matcher.matches("")) {
        parts.push(r#"__name__!="""#.to_owned());
    }
    format!("{{{}}}", parts.join(","))
}

fn scope_form(scope: &Scope) -> Vec<(&'static str, String)> {
    let selectors = scope.selectors.iter().map(|matchers| ("match[]", selector_text(matchers)));
    let times = [("start", scope.start_ms), ("end", scope.end_ms)];
    let times = times.into_iter().filter_map(|(name, time)| Some((name, seconds(time?))));
    selectors.chain(times).collect()
}

/// Milliseconds as decimal seconds, exactly.
pub(super) fn seconds(time_ms: i64) -> String {
    let (sign, magnitude) = (if time_ms < 0 { "-" } else { "" }, time_ms.unsigned_abs());
    match magnitude % 1000 {
        0 => format!("{sign}{}", magnitude / 1000),
        fraction => format!("{sign}{}.{fraction:03}", magnitude / 1000),
    }
}

pub(super) fn timeout(deadline: Instant) -> String {
    let left = deadline.saturating_duration_since(Instant::now()).as_millis().max(1);
    format!("{left}ms")
}

/// True for a server on this machine, where compression only costs.
fn is_local(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::matcher::MatchOp;

    #[test]
    fn milliseconds_print_as_exact_seconds() {
        assert_eq!(seconds(1_760_000_000_000), "1760000000");
        assert_eq!(seconds(-1_005), "-1.005");
        assert_eq!(seconds(50), "0.050");
    }

    #[test]
    fn a_selector_without_condition_matches_everything_that_has_a_name() {
        assert_eq!(selector_text(&[]), r#"{__name__!=""}"#);
        let matcher = Matcher::new("a", MatchOp::NotEqual, "b").expect("valid");
        assert_eq!(selector_text(&[matcher]), r#"{a!="b",__name__!=""}"#);
    }

    #[test]
    fn external_labels_are_taken_off_and_matchers_on_them_checked() {
        let mut batch = SeriesBatch::new();
        batch.push_float(1, 1.0);
        batch.finish_series(Labels::from_pairs([("__name__", "x"), ("replica", "a")]));
        let external = Labels::from_pairs([("replica", "a")]);
        let stripped = without_external_labels(&batch, &external, &[]);
        assert_eq!(stripped.labels(), [Labels::from_pairs([("__name__", "x")])]);
        let matcher = Matcher::new("replica", MatchOp::Equal, "a").expect("valid");
        assert!(without_external_labels(&batch, &external, &[matcher]).is_empty());
    }
}

//! Parameters of the API's calls: presence, defaults, checks, in Prometheus's
//! order (prometheus/web/api/v1/api.go).
//!
//! In comes a [`Form`], out go typed requests. Nothing is executed here.

mod error;

use std::num::IntErrorKind::{NegOverflow, PosOverflow};
use std::num::ParseIntError;
use std::time::Duration;

use promql::duration::parse_parameter;
use promql::number::{MAX_TIME_MS, MIN_TIME_MS, parse_time};
use promql::quote::{quote, unescape_name};

pub(super) use self::error::{Error, Reason};
use super::form::Form;
use super::language;
use crate::{query, storage};

/// Most steps of a range query; one more evaluation than steps is allowed.
const MAX_STEPS: i128 = 11_000;

/// Longest query, in bytes. Prometheus has no limit of its own; a syntax tree
/// is some hundred times as large as its text, and nobody writes a megabyte.
const MAX_QUERY: usize = 1 << 20;

/// The `query` parameter, perhaps empty.
///
/// # Errors
/// When it is too long.
pub(super) fn query(form: &Form) -> Result<&str, Error> {
    let text = form.first("query");
    if text.len() > MAX_QUERY { Err(Reason::Length(MAX_QUERY).of("query")) } else { Ok(text) }
}

/// Reads `/query`. `now_ms` stands for a missing `time`.
///
/// # Errors
/// The first fault in Prometheus's order of checks.
pub(super) fn instant(form: &Form, now_ms: i64) -> Result<query::Request, Error> {
    let limit = limit(form)?;
    let time_ms = optional_time(form, "time", now_ms)?;
    evaluation(form, limit, Steps { start_ms: time_ms, end_ms: time_ms, step_ms: 0 })
}

/// Reads `/query_range`. A step below a millisecond is refused as zero, for
/// evaluation times are whole milliseconds.
///
/// # Errors
/// The first fault in Prometheus's order of checks.
pub(super) fn range(form: &Form) -> Result<query::Request, Error> {
    let limit = limit(form)?;
    let start_ms = time(form.first("start")).map_err(|reason| reason.of("start"))?;
    let end_ms = time(form.first("end")).map_err(|reason| reason.of("end"))?;
    if end_ms < start_ms {
        return Err(Reason::Backwards.of("end"));
    }
    let step_ns =
        parse_parameter(form.first("step")).map_err(|error| Reason::from(error).of("step"))?;
    if step_ns <= 0 {
        return Err(Reason::Step.of("step"));
    }
    let span_ns = (i128::from(end_ms) - i128::from(start_ms)) * 1_000_000;
    if span_ns / i128::from(step_ns) > MAX_STEPS {
        return Err(Error::Resolution);
    }
    let step_ms = step_ns / 1_000_000;
    if step_ms == 0 {
        return Err(Reason::Step.of("step"));
    }
    evaluation(form, limit, Steps { start_ms, end_ms, step_ms })
}

#[derive(Clone, Copy)]
struct Steps {
    start_ms: i64,
    end_ms: i64,
    step_ms: i64,
}

/// What instant and range queries have in common.
fn evaluation(form: &Form, limit: usize, steps: Steps) -> Result<query::Request, Error> {
    let timeout_ns = timeout_ns(form)?;
    let lookback_ms = lookback_ms(form)?;
    let Steps { start_ms, end_ms, step_ms } = steps;
    Ok(query::Request {
        timeout: timeout_ns.map(waits),
        text: query(form)?.to_owned(),
        start_ms,
        end_ms,
        step_ms,
        limit,
        lookback_ms,
        stats: stats(form),
    })
}

/// Where Prometheus says which parameter a faulty selector came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// `invalid parameter "match[]": …`
    Named,
    /// Only the fault itself.
    Bare,
}

/// Reads which series a metadata call is about. Times that are not given, or
/// are the ends of Prometheus's time, stay `None`.
///
/// # Errors
/// The first fault in Prometheus's order of checks.
pub(super) fn scope(form: &Form, fault: Fault) -> Result<storage::Scope, Error> {
    let limit = limit(form)?;
    let start_ms = optional_time(form, "start", MIN_TIME_MS)?;
    let end_ms = optional_time(form, "end", MAX_TIME_MS)?;
    let selectors = language::selectors(form.all("match[]")).map_err(|error| match fault {
        Fault::Named => Reason::Selector(error.to_string()).of("match[]"),
        Fault::Bare => Error::Selector(error.to_string()),
    })?;
    Ok(storage::Scope {
        selectors,
        start_ms: (start_ms > MIN_TIME_MS).then_some(start_ms),
        end_ms: (end_ms < MAX_TIME_MS).then_some(end_ms),
        limit,
    })
}

/// Start and end of an exemplar call, the ends of Prometheus's time by
/// default.
///
/// # Errors
/// When one is no moment, or the end comes first.
pub(super) fn exemplar_window(form: &Form) -> Result<(i64, i64), Error> {
    let start = optional_time(form, "start", MIN_TIME_MS)?;
    let end = optional_time(form, "end", MAX_TIME_MS)?;
    if end < start { Err(Error::Backwards) } else { Ok((start, end)) }
}

/// Reads `/metadata`.
///
/// # Errors
/// When a limit is no number; zero and below stand for none.
pub(super) fn metadata(form: &Form) -> Result<storage::MetadataRequest, Error> {
    let limit = |name| match form.first(name) {
        "" => Ok(0),
        text => match integer(text) {
            Ok(value) => Ok(usize::try_from(value).unwrap_or(0)),
            Err(_) => Err(Error::NotANumber(name)),
        },
    };
    Ok(storage::MetadataRequest {
        metric: Some(form.first("metric")).filter(|name| !name.is_empty()).map(str::to_owned),
        limit: limit("limit")?,
        limit_per_metric: limit("limit_per_metric")?,
    })
}

/// Reads the label name of a path; `U__…` is unescaped.
///
/// # Errors
/// When it is empty or not UTF-8.
pub(super) fn label_name(segment: &[u8]) -> Result<String, Error> {
    match std::str::from_utf8(segment).map(unescape_name) {
        Ok(name) if !name.is_empty() => Ok(name.into_owned()),
        Ok(_) => Err(Error::LabelName(quote(b""))),
        Err(_) => Err(Error::LabelName(quote(segment))),
    }
}

/// The limit of `/status/tsdb`, which is checked though all lists are empty.
///
/// # Errors
/// When it is no integer within bounds.
pub(super) fn check_tsdb_limit(form: &Form) -> Result<(), Error> {
    const MAX: i64 = 10_000;
    match form.first("limit") {
        "" => Ok(()),
        text => match integer(text) {
            Ok(1..=MAX) => Ok(()),
            Ok(value) if value > MAX => Err(Error::TooLarge("limit", MAX)),
            Ok(_) | Err(_) => Err(Error::NotPositive("limit")),
        },
    }
}

/// A warning about a value of `stats` that Prometheus deprecates.
#[must_use]
pub(super) fn stats_warning(form: &Form) -> Option<String> {
    let text = form.first("stats");
    (!matches!(text, "" | "true" | "all")).then(|| {
        let value = quote(text.as_bytes());
        format!(
            "value {value} for parameter \"stats\" is deprecated and will be rejected in the \
             next major release, use \"true\" or \"all\""
        )
    })
}

fn stats(form: &Form) -> query::Stats {
    match form.first("stats") {
        "" => query::Stats::None,
        "all" => query::Stats::All,
        _ => query::Stats::Basic,
    }
}

/// `limit`; 0 stands for none.
fn limit(form: &Form) -> Result<usize, Error> {
    let text = form.first("limit");
    if text.is_empty() {
        return Ok(0);
    }
    let value = integer(text).map_err(|reason| reason.of("limit"))?;
    usize::try_from(value).map_err(|_| Reason::Negative.of("limit"))
}

/// A moment. Beyond the ends of its time Prometheus wraps round; here such a
/// moment is refused, so that no stage has to mind overflows.
fn time(text: &str) -> Result<i64, Reason> {
    let ms = parse_time(text)?;
    let inside = (MIN_TIME_MS..=MAX_TIME_MS).contains(&ms);
    if inside { Ok(ms) } else { Err(Reason::TimeRange(quote(text.as_bytes()))) }
}

fn optional_time(form: &Form, name: &'static str, default_ms: i64) -> Result<i64, Error> {
    match form.first(name) {
        "" => Ok(default_ms),
        text => time(text).map_err(|reason| Reason::Optional(name, Box::new(reason)).of(name)),
    }
}

fn timeout_ns(form: &Form) -> Result<Option<i64>, Error> {
    match form.first("timeout") {
        "" => Ok(None),
        text => parse_parameter(text).map(Some).map_err(|error| Reason::from(error).of("timeout")),
    }
}

/// Below zero is a deadline that has passed, as zero is. Prometheus finds it
/// at any of three places, by chance, and calls it a different error at each;
/// here it is always a timeout.
fn waits(timeout_ns: i64) -> Duration {
    Duration::from_nanos(u64::try_from(timeout_ns).unwrap_or(0))
}

/// Zero and below stand for the configured lookback, as in Prometheus.
fn lookback_ms(form: &Form) -> Result<Option<i64>, Error> {
    let text = form.first("lookback_delta");
    if text.is_empty() {
        return Ok(None);
    }
    let ns = parse_parameter(text).map_err(Error::Lookback)?;
    Ok((ns > 0).then_some(ns / 1_000_000))
}

/// Go's `strconv.Atoi`.
fn integer(text: &str) -> Result<i64, Reason> {
    text.parse().map_err(|error: ParseIntError| match error.kind() {
        PosOverflow | NegOverflow => Reason::IntegerRange(quote(text.as_bytes())),
        _ => Reason::Integer(quote(text.as_bytes())),
    })
}

#[cfg(test)]
mod tests;

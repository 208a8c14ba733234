//! Parameters of the API's calls: presence, defaults, checks, and the error
//! texts of Prometheus for each.
//!
//! In comes a [`Form`], out go typed requests. Nothing is executed here.

use std::time::Duration;

use promql::quote::quote;

use super::form::{self, Form};
use super::moment::{self, MAX_TIME_MS, MIN_TIME_MS, duration_ns, timestamp_ms};
use crate::query;

/// Most steps of a range query; one more evaluation than steps is allowed.
const MAX_STEPS: i128 = 11_000;

/// A parameter that Prometheus would refuse, in its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The value of one parameter is at fault.
    #[error("invalid parameter \"{name}\": {reason}")]
    Invalid {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        reason: Reason,
    },
    /// `lookback_delta` is no duration.
    #[error("error parsing lookback delta duration: {0}")]
    Lookback(#[source] moment::Error),
    /// A range query of more steps than allowed.
    #[error(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
    )]
    Resolution,
    /// `end` before `start`, for exemplars.
    #[error("end timestamp must not be before start timestamp")]
    Backwards,
    /// A number is needed.
    #[error("{0} must be a number")]
    NotANumber(&'static str),
    /// A number above zero is needed.
    #[error("{0} must be a positive number")]
    NotPositive(&'static str),
    /// A number is above its bound.
    #[error("{0} must not exceed {1}")]
    TooLarge(&'static str, usize),
    /// `/series` without a selector.
    #[error("no match[] parameter provided")]
    NoMatch,
    /// A selector that all series match.
    #[error("match[] must contain at least one non-empty matcher")]
    EmptyMatch,
    /// A selector that does not parse.
    #[error("{0}")]
    Selector(String),
    /// The path's label name is none; the name is quoted as Go does.
    #[error("invalid label name: {0}")]
    LabelName(String),
    /// A pair of the form cannot be decoded.
    #[error("error parsing form values: {0}")]
    Form(#[source] form::Error),
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It is no moment or duration.
    #[error(transparent)]
    Moment(#[from] moment::Error),
    /// An optional moment is none; Prometheus repeats the parameter's name.
    #[error("invalid time value for '{0}': {1}")]
    OptionalMoment(&'static str, #[source] moment::Error),
    /// It is no integer; the value is quoted as Go does.
    #[error("strconv.Atoi: parsing {0}: invalid syntax")]
    Integer(String),
    /// It is an integer beyond 64 bits.
    #[error("strconv.Atoi: parsing {0}: value out of range")]
    Range(String),
    /// A limit below zero.
    #[error("limit must be non-negative")]
    Negative,
    /// `end` before `start`.
    #[error("end timestamp must not be before start time")]
    Backwards,
    /// A step that leads nowhere.
    #[error(
        "zero or negative query resolution step widths are not accepted. Try a positive integer"
    )]
    Step,
    /// A timeout that has passed already.
    #[error("context deadline exceeded")]
    Deadline,
    /// A selector at fault.
    #[error("{0}")]
    Selector(String),
    /// An expression that does not parse.
    #[error("{0}")]
    Expression(String),
}

impl Reason {
    /// The reason with the parameter it belongs to.
    #[must_use]
    pub(super) const fn of(self, name: &'static str) -> Error {
        Error::Invalid { name, reason: self }
    }
}

/// Reads `/query`. `now_ms` stands for a missing `time`.
///
/// # Errors
/// The first fault in Prometheus's order of checks.
pub(super) fn instant(form: &Form, now_ms: i64) -> Result<query::Request, Error> {
    let limit = limit(form)?;
    let time_ms = optional_time(form, "time", now_ms)?;
    let timeout = timeout_ns(form)?;
    let lookback_ms = lookback_ms(form)?;
    Ok(query::Request {
        text: form.first("query").to_owned(),
        start_ms: time_ms,
        end_ms: time_ms,
        step_ms: 0,
        timeout: positive(timeout)?,
        limit,
        lookback_ms,
        stats: stats(form),
    })
}

/// Reads `/query_range`. A step below a millisecond is refused as zero, for
/// evaluation times are whole milliseconds.
///
/// # Errors
/// The first fault in Prometheus's order of checks.
pub(super) fn range(form: &Form) -> Result<query::Request, Error> {
    let limit = limit(form)?;
    let start_ms = time(form, "start")?;
    let end_ms = time(form, "end")?;
    if end_ms < start_ms {
        return Err(Reason::Backwards.of("end"));
    }
    let step_ns =
        duration_ns(form.first("step")).map_err(|error| Reason::from(error).of("step"))?;
    let step_ms = step_ns / 1_000_000;
    if step_ms <= 0 {
        return Err(Reason::Step.of("step"));
    }
    let span_ns = (i128::from(end_ms) - i128::from(start_ms)) * 1_000_000;
    if span_ns / i128::from(step_ns) > MAX_STEPS {
        return Err(Error::Resolution);
    }
    let timeout = timeout_ns(form)?;
    let lookback_ms = lookback_ms(form)?;
    Ok(query::Request {
        text: form.first("query").to_owned(),
        start_ms,
        end_ms,
        step_ms,
        timeout: positive(timeout)?,
        limit,
        lookback_ms,
        stats: stats(form),
    })
}

/// Start and end of a metadata call; what is not given is `None`, and so are
/// Prometheus's own limits, which mean the same.
///
/// # Errors
/// When one is no moment.
pub(super) fn window(form: &Form) -> Result<(Option<i64>, Option<i64>), Error> {
    let start = optional_time(form, "start", MIN_TIME_MS)?;
    let end = optional_time(form, "end", MAX_TIME_MS)?;
    Ok((
        Some(start).filter(|ms| *ms > MIN_TIME_MS),
        Some(end).filter(|ms| *ms < MAX_TIME_MS),
    ))
}

/// Start and end of an exemplar call, with Prometheus's limits as defaults.
///
/// # Errors
/// When one is no moment, or the end comes first.
pub(super) fn exemplar_window(form: &Form) -> Result<(i64, i64), Error> {
    let start = optional_time(form, "start", MIN_TIME_MS)?;
    let end = optional_time(form, "end", MAX_TIME_MS)?;
    if end < start {
        Err(Error::Backwards)
    } else {
        Ok((start, end))
    }
}

/// `limit`; 0 stands for none.
///
/// # Errors
/// When it is no integer, or below zero.
pub(super) fn limit(form: &Form) -> Result<usize, Error> {
    let text = form.first("limit");
    if text.is_empty() {
        return Ok(0);
    }
    let value = integer(text).map_err(|reason| reason.of("limit"))?;
    usize::try_from(value).map_err(|_| Reason::Negative.of("limit"))
}

/// A limit of `/metadata`: any integer, where zero and below stand for none.
///
/// # Errors
/// When it is no integer.
pub(super) fn loose_limit(form: &Form, name: &'static str) -> Result<usize, Error> {
    let text = form.first(name);
    if text.is_empty() {
        return Ok(0);
    }
    let value = integer(text).map_err(|_| Error::NotANumber(name))?;
    Ok(usize::try_from(value).unwrap_or(0))
}

/// The limit of `/status/tsdb`, which is checked though all lists are empty.
///
/// # Errors
/// When it is no integer within bounds.
pub(super) fn check_tsdb_limit(form: &Form) -> Result<(), Error> {
    const MAX: i64 = 10_000;
    let text = form.first("limit");
    match integer(text) {
        _ if text.is_empty() => Ok(()),
        Ok(1..=MAX) => Ok(()),
        Ok(value) if value > MAX => Err(Error::TooLarge("limit", MAX as usize)),
        _ => Err(Error::NotPositive("limit")),
    }
}

/// A warning about a value of `stats` that Prometheus deprecates.
#[must_use]
pub(super) fn stats_warning(form: &Form) -> Option<String> {
    let text = form.first("stats");
    (!matches!(text, "" | "true" | "all")).then(|| {
        format!(
            "value {} for parameter \"stats\" is deprecated and will be rejected in the next major release, \
             use \"true\" or \"all\"",
            quote(text.as_bytes())
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

fn time(form: &Form, name: &'static str) -> Result<i64, Error> {
    timestamp_ms(form.first(name)).map_err(|error| Reason::from(error).of(name))
}

fn optional_time(form: &Form, name: &'static str, default_ms: i64) -> Result<i64, Error> {
    match form.first(name) {
        "" => Ok(default_ms),
        text => timestamp_ms(text).map_err(|error| Reason::OptionalMoment(name, error).of(name)),
    }
}

fn timeout_ns(form: &Form) -> Result<Option<i64>, Error> {
    match form.first("timeout") {
        "" => Ok(None),
        text => duration_ns(text)
            .map(Some)
            .map_err(|error| Reason::from(error).of("timeout")),
    }
}

/// Prometheus finds a deadline that has passed when it takes the query in,
/// before it parses it, and says so of the query.
fn positive(timeout_ns: Option<i64>) -> Result<Option<Duration>, Error> {
    match timeout_ns {
        None => Ok(None),
        Some(ns) => match u64::try_from(ns) {
            Ok(ns) if ns > 0 => Ok(Some(Duration::from_nanos(ns))),
            _ => Err(Reason::Deadline.of("query")),
        },
    }
}

/// Zero and below stand for the configured lookback, as in Prometheus.
fn lookback_ms(form: &Form) -> Result<Option<i64>, Error> {
    let text = form.first("lookback_delta");
    if text.is_empty() {
        return Ok(None);
    }
    let ns = duration_ns(text).map_err(Error::Lookback)?;
    Ok((ns > 0).then_some(ns / 1_000_000))
}

/// Go's `strconv.Atoi`.
fn integer(text: &str) -> Result<i64, Reason> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse()
        .map_err(|error: std::num::ParseIntError| match error.kind() {
            PosOverflow | NegOverflow => Reason::Range(quote(text.as_bytes())),
            _ => Reason::Integer(quote(text.as_bytes())),
        })
}

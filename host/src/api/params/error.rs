//! What is wrong with parameters, in Prometheus's words.

use promql::duration::ParameterError;
use promql::number::TimeError;

use crate::api::form;

/// A parameter that is refused.
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
    Lookback(#[source] ParameterError),
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
    TooLarge(&'static str, i64),
    /// `/series` without a selector.
    #[error("no match[] parameter provided")]
    NoMatch,
    /// A selector is at fault, where Prometheus leaves out the parameter's
    /// name.
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
    /// It is no moment.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// It is a moment beyond the ends of Prometheus's time; the value is
    /// quoted as Go does.
    #[error("cannot parse {0} to a valid timestamp")]
    TimeRange(String),
    /// An optional moment is none; Prometheus repeats the parameter's name.
    #[error("invalid time value for '{0}': {1}")]
    Optional(&'static str, #[source] Box<Self>),
    /// It is no duration.
    #[error(transparent)]
    Duration(#[from] ParameterError),
    /// It is no integer; the value is quoted as Go does.
    #[error("strconv.Atoi: parsing {0}: invalid syntax")]
    Integer(String),
    /// It is an integer beyond 64 bits.
    #[error("strconv.Atoi: parsing {0}: value out of range")]
    IntegerRange(String),
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
    /// A query longer than this many bytes.
    #[error("the query is longer than {0} bytes")]
    Length(usize),
    /// A selector is at fault.
    #[error("{0}")]
    Selector(String),
    /// An expression that does not parse.
    #[error("{0}")]
    Expression(String),
}

impl Reason {
    /// The reason with the parameter it belongs to.
    #[must_use]
    pub(in crate::api) const fn of(self, name: &'static str) -> Error {
        Error::Invalid { name, reason: self }
    }
}

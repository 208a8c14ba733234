//! Which errors a client sees: the one place that chooses `errorType` and
//! status code.
//!
//! In come the errors of the stages below, out go the envelope's error fields.

use hyper::StatusCode;
use promql::budget::Exceeded;

use super::params;
use crate::{query, storage};

/// The process is not ready, or not any more.
pub(super) const NOT_READY: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// Something failed outside the envelope: a reload, a compressor.
pub(super) const FAILED: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;

/// Why a request has no data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A parameter is missing or wrong.
    #[error(transparent)]
    Parameter(#[from] params::Error),
    /// The query failed.
    #[error(transparent)]
    Query(#[from] query::Error),
    /// A metadata call failed.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The request's body is larger than the limit, in bytes.
    #[error("request body exceeds {0} bytes")]
    BodyTooLarge(usize),
    /// The request's body did not arrive whole, or not in time.
    #[error("reading the request body: {0}")]
    Body(String),
    /// A handler panicked.
    #[error("a fault inside promweave; its log says more")]
    Panicked,
}

/// `errorType` of Prometheus's envelope
/// (prometheus/web/api/v1/api.go, `errorType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `timeout`
    Timeout,
    /// `canceled`
    Canceled,
    /// `execution`
    Execution,
    /// `bad_data`
    BadData,
    /// `internal`
    Internal,
    /// `unavailable`
    Unavailable,
    /// `not_found`
    NotFound,
    /// `not_acceptable`
    NotAcceptable,
}

impl Kind {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
            Self::Execution => "execution",
            Self::BadData => "bad_data",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::NotFound => "not_found",
            Self::NotAcceptable => "not_acceptable",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Timeout | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            // nginx's code for a client that closed its request.
            Self::Canceled => StatusCode::from_u16(499).expect("499 is a status code"),
            Self::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            Self::BadData => StatusCode::BAD_REQUEST,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        }
    }
}

impl Error {
    /// What the client is told about the kind of failure.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Parameter(_) | Self::BodyTooLarge(_) | Self::Body(_) => Kind::BadData,
            Self::Panicked => Kind::Internal,
            Self::Query(error) => match error {
                query::Error::Parse(_) | query::Error::BadData(_) => Kind::BadData,
                query::Error::Execution(_) => Kind::Execution,
                query::Error::Timeout(_) => Kind::Timeout,
                query::Error::Canceled(_) => Kind::Canceled,
                query::Error::Internal(_) => Kind::Internal,
                query::Error::Unavailable(_) | query::Error::TooManyRequests(_) => {
                    Kind::Unavailable
                }
                query::Error::NotFound(_) => Kind::NotFound,
            },
            Self::Storage(error) => match error {
                storage::Error::Unavailable(_) => Kind::Unavailable,
                storage::Error::BadData(_) => Kind::BadData,
                storage::Error::Execution(_) => Kind::Execution,
                storage::Error::Timeout(_) => Kind::Timeout,
                storage::Error::Internal(_) => Kind::Internal,
                storage::Error::Exceeded(Exceeded::Cancelled) => Kind::Canceled,
                storage::Error::Exceeded(Exceeded::Samples | Exceeded::Bytes(_)) => Kind::Execution,
            },
        }
    }

    /// The response's status code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            // The kind has no name for it, HTTP does.
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            _ => self.kind().status(),
        }
    }

    /// The text of `error`.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Query(query::Error::Parse(_)) => format!("invalid parameter \"query\": {self}"),
            _ => self.to_string(),
        }
    }
}

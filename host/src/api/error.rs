//! Which errors a client sees: the one place that chooses `errorType` and
//! status code.
//!
//! In come the errors of the stages below, out go the envelope's error fields.

use std::net::SocketAddr;

use hyper::StatusCode;
use promql::budget::Exceeded;
use serde_json::{Value, json};

use super::params;
use crate::server::Fault;
use crate::{admin, policy, query, registry, storage};

/// The process is not ready, or not any more.
pub(super) const NOT_READY: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// What a flag does not allow.
pub(super) const NOT_ALLOWED: StatusCode = StatusCode::FORBIDDEN;

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
    /// The request itself.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// An admin request failed.
    #[error(transparent)]
    Admin(#[from] admin::Error),
    /// The path belongs to the admin address, which is this one.
    #[error("policies and server groups are managed on an address of their own, {}", place(.0))]
    Elsewhere(Option<SocketAddr>),
}

/// Where the admin address is, and how it is set.
fn place(admin: &Option<SocketAddr>) -> String {
    match admin {
        Some(address) => format!("which is {address} (--admin.bind-addr)"),
        None => "which is switched off (--admin.bind-addr)".to_owned(),
    }
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
    /// `unauthorized`: promweave's own, as are those below.
    Unauthorized,
    /// `forbidden`
    Forbidden,
    /// `conflict`: what is there does not allow it.
    Conflict,
    /// `precondition_failed`: what is there is not what was expected.
    PreconditionFailed,
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
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::PreconditionFailed => "precondition_failed",
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
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Conflict => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        }
    }
}

impl Error {
    /// What the client is told about the kind of failure.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Parameter(_) => Kind::BadData,
            Self::Elsewhere(_) => Kind::NotFound,
            Self::Fault(fault) => fault_kind(fault).0,
            Self::Admin(error) => admin_kind(error).0,
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

    /// The response's status code: the kind's, but where HTTP has a better
    /// one.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        let better = match self {
            Self::Fault(fault) => fault_kind(fault).1,
            Self::Admin(error) => admin_kind(error).1,
            _ => None,
        };
        better.unwrap_or_else(|| self.kind().status())
    }

    /// What a program can read from the failure, beside its text.
    #[must_use]
    pub fn detail(&self) -> Option<Value> {
        let Self::Admin(admin::Error::Registry(error)) = self else { return None };
        match error {
            registry::Error::Law(violation) => Some(json!({ "violation": violation })),
            registry::Error::InUse { name, places } => {
                Some(json!({ "policy": name, "bound": places }))
            }
            registry::Error::Precondition { current, expected, .. } => {
                Some(json!({ "current": current, "expected": expected }))
            }
            registry::Error::Key { key, .. } => Some(json!({ "key": key })),
            registry::Error::Configured { group, place } => {
                Some(json!({ "server_group": group, "place": place }))
            }
            registry::Error::Full { needed, limit } => {
                Some(json!({ "needed_bytes": needed, "max_bytes": limit }))
            }
            _ => None,
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

/// The kind, and HTTP's own status where it has one.
type Choice = (Kind, Option<StatusCode>);

fn fault_kind(fault: &Fault) -> Choice {
    match fault {
        Fault::TooLarge(_) => (Kind::BadData, Some(StatusCode::PAYLOAD_TOO_LARGE)),
        Fault::Body(_) => (Kind::BadData, None),
        Fault::Slow => (Kind::Timeout, Some(StatusCode::REQUEST_TIMEOUT)),
        Fault::Stranger => (Kind::Unauthorized, None),
        Fault::Busy => (Kind::Unavailable, Some(StatusCode::TOO_MANY_REQUESTS)),
        Fault::Panic => (Kind::Internal, None),
    }
}

fn admin_kind(error: &admin::Error) -> Choice {
    match error {
        admin::Error::Registry(error) => registry_kind(error),
        admin::Error::Fault(fault) => fault_kind(fault),
        admin::Error::FileName(_)
        | admin::Error::Path(_)
        | admin::Error::Parameter(_)
        | admin::Error::Json(_)
        | admin::Error::Precondition(_)
        | admin::Error::EmptyUpload => (Kind::BadData, None),
        admin::Error::Unauthorized(_) => (Kind::Unauthorized, None),
        admin::Error::Forbidden(_) => (Kind::Forbidden, None),
        admin::Error::NotFound(_) => (Kind::NotFound, None),
        admin::Error::Method { .. } => (Kind::BadData, Some(StatusCode::METHOD_NOT_ALLOWED)),
        admin::Error::Media(_) => (Kind::BadData, Some(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
        admin::Error::Busy => (Kind::Unavailable, None),
    }
}

fn registry_kind(error: &registry::Error) -> Choice {
    match error {
        registry::Error::Name(_) | registry::Error::Ambiguous(_) | registry::Error::Key { .. } => {
            (Kind::BadData, None)
        }
        registry::Error::UnknownPolicy(_)
        | registry::Error::UnknownVersion { .. }
        | registry::Error::UnknownGroup(_) => (Kind::NotFound, None),
        registry::Error::Refused(policy::Error::Engine(_)) => (Kind::Internal, None),
        // It was understood, and it will not do.
        registry::Error::Refused(_) | registry::Error::Law(_) => {
            (Kind::BadData, Some(StatusCode::UNPROCESSABLE_ENTITY))
        }
        registry::Error::Reserved(_)
        | registry::Error::InUse { .. }
        | registry::Error::Configured { .. }
        | registry::Error::NotBound { .. } => (Kind::Conflict, None),
        registry::Error::Precondition { .. } => (Kind::PreconditionFailed, None),
        registry::Error::Full { .. } => (Kind::Unavailable, Some(StatusCode::INSUFFICIENT_STORAGE)),
        registry::Error::Taken { .. } => (Kind::Unavailable, None),
        registry::Error::Store { .. } => (Kind::Internal, None),
    }
}

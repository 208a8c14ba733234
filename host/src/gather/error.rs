//! Why a replica, and why a whole group, gave no answer.

use std::time::Duration;

use hyper::StatusCode;
use promql::budget::Exceeded;

use super::{chunks, remote_read, reply};
use crate::storage;

/// Why one replica gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection, or it broke before an answer began.
    #[error("{0}")]
    Connect(String),
    /// No answer within the group's `timeout`.
    #[error("no answer within {0:?}")]
    Slow(Duration),
    /// The query's deadline passed first.
    #[error("no answer before the query's deadline")]
    Deadline,
    /// Another replica had long answered.
    #[error("no answer yet, long after another replica had answered")]
    Straggler,
    /// The secret for its authentication could not be had.
    #[error("credentials: {0}")]
    Credentials(String),
    /// An error status without the API's envelope; the start of the body.
    #[error("HTTP status {0}: {1}")]
    Status(StatusCode, String),
    /// The API's own error.
    #[error("{kind}: {message}")]
    Api {
        /// Its `errorType`.
        kind: String,
        /// Its `error`.
        message: String,
    },
    /// The body broke off, or its compression is broken.
    #[error("body: {0}")]
    Body(String),
    /// The body is not what was asked for.
    #[error("unusable answer: {0}")]
    Decode(String),
    /// Chunks in an encoding that we cannot read.
    #[error("unusable answer: {0}")]
    UnknownEncoding(remote_read::Error),
    /// The answer is larger than a query may be.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
}

impl Error {
    /// The kind of failure in one word, for metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Slow(_) | Self::Deadline | Self::Straggler => "timeout",
            Self::Credentials(_) => "credentials",
            Self::Status(..) => "status",
            Self::Api { .. } => "api",
            Self::Body(_) => "body",
            Self::Decode(_) | Self::UnknownEncoding(_) => "decode",
            Self::Exceeded(_) => "limit",
        }
    }

    /// True where a server did answer, only not with what was asked for.
    #[must_use]
    pub const fn is_answer(&self) -> bool {
        matches!(self, Self::Status(..) | Self::Api { .. } | Self::Decode(_))
    }

    /// True for the answers of servers that have no remote read.
    #[must_use]
    pub fn says_unsupported(&self) -> bool {
        match self {
            Self::Status(status, _) => {
                status.is_client_error() || *status == StatusCode::NOT_IMPLEMENTED
            }
            Self::Api { kind, .. } => kind == "not_found" || kind == "bad_data",
            Self::Decode(_) => true,
            _ => false,
        }
    }
}

impl From<reply::Error> for Error {
    fn from(error: reply::Error) -> Self {
        match error {
            reply::Error::Exceeded(exceeded) => Self::Exceeded(exceeded),
            other => Self::Decode(other.to_string()),
        }
    }
}

impl From<remote_read::Error> for Error {
    fn from(error: remote_read::Error) -> Self {
        match error {
            remote_read::Error::Exceeded(exceeded)
            | remote_read::Error::Chunk(chunks::Error::Exceeded(exceeded)) => {
                Self::Exceeded(exceeded)
            }
            other if other.wants_samples() => Self::UnknownEncoding(other),
            other => Self::Decode(other.to_string()),
        }
    }
}

/// A group without an answer: what each of its replicas said.
#[derive(Debug)]
pub struct GroupError {
    text: String,
    class: Class,
}

/// What all replicas' errors have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Unavailable,
    BadData,
    Execution,
    Timeout,
    Exceeded(Exceeded),
    Internal,
    Policy,
}

impl GroupError {
    /// The error of a group whose replicas all failed.
    #[must_use]
    pub fn new(group: &str, errors: &[(&str, Error)]) -> Self {
        let mut classes = errors.iter().map(|(_, error)| Class::of(error));
        let first = classes.next().unwrap_or(Class::Unavailable);
        let class = if classes.all(|class| class == first) { first } else { Class::Unavailable };
        let texts: Vec<_> =
            errors.iter().map(|(name, error)| format!("replica {name}: {error}")).collect();
        Self { text: format!("server group {group}: {}", texts.join("; ")), class }
    }

    /// A fault of our own while answering for a group.
    #[must_use]
    pub fn internal(group: &str, cause: &dyn std::fmt::Display) -> Self {
        Self { text: format!("server group {group}: {cause}"), class: Class::Internal }
    }

    /// A policy's fault that is to fail the query; the text says so.
    #[must_use]
    pub fn policy(group: &str, text: &str) -> Self {
        Self { text: format!("server group {group}: {text}"), class: Class::Policy }
    }

    /// True where no other group's answer can help: the query itself is bad,
    /// or is to fail.
    #[must_use]
    pub const fn is_about_the_query(&self) -> bool {
        matches!(self.class, Class::Exceeded(_) | Class::Internal | Class::Policy)
    }
}

impl Class {
    fn of(error: &Error) -> Self {
        match error {
            Error::Exceeded(exceeded) => Self::Exceeded(*exceeded),
            Error::Deadline | Error::Slow(_) => Self::Timeout,
            Error::Api { kind, .. } => match kind.as_str() {
                "bad_data" => Self::BadData,
                "execution" => Self::Execution,
                "timeout" => Self::Timeout,
                _ => Self::Unavailable,
            },
            _ => Self::Unavailable,
        }
    }
}

impl std::fmt::Display for GroupError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Exceeded> for GroupError {
    fn from(exceeded: Exceeded) -> Self {
        Self { text: exceeded.to_string(), class: Class::Exceeded(exceeded) }
    }
}

impl From<GroupError> for storage::Error {
    fn from(error: GroupError) -> Self {
        match error.class {
            Class::Unavailable => Self::Unavailable(error.text),
            Class::BadData => Self::BadData(error.text),
            Class::Execution | Class::Policy => Self::Execution(error.text),
            Class::Timeout => Self::Timeout(error.text),
            Class::Exceeded(exceeded) => Self::Exceeded(exceeded),
            Class::Internal => Self::Internal(error.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(kind: &str) -> Error {
        Error::Api { kind: kind.to_owned(), message: "no".to_owned() }
    }

    #[test]
    fn replicas_that_agree_on_the_fault_decide_its_kind() {
        let error = GroupError::new("0", &[("a", api("bad_data")), ("b", api("bad_data"))]);
        assert!(matches!(storage::Error::from(error), storage::Error::BadData(_)));
    }

    #[test]
    fn an_answer_over_the_budget_does_not_say_that_there_is_no_remote_read() {
        let wrapped = remote_read::Error::Chunk(chunks::Error::Exceeded(Exceeded::Samples));
        for error in [remote_read::Error::Exceeded(Exceeded::Cancelled), wrapped] {
            let error = Error::from(error);
            assert!(!error.says_unsupported() && matches!(error, Error::Exceeded(_)), "{error}");
        }
    }

    #[test]
    fn replicas_that_disagree_leave_the_group_unavailable() {
        let refused = Error::Connect("refused".to_owned());
        let error = GroupError::new("eu", &[("a", api("bad_data")), ("b", refused)]);
        assert_eq!(
            error.to_string(),
            "server group eu: replica a: bad_data: no; replica b: refused"
        );
        assert!(matches!(storage::Error::from(error), storage::Error::Unavailable(_)));
    }
}

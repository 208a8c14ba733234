//! Why an admin request has no answer.

use crate::registry;
use crate::server::Fault;

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for cannot be done.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// The body, or a panic.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A name that is that of a file.
    #[error(
        "a policy's name is 1 to 64 of a-z, 0-9 and -, not {0:?}: that is a file's name, which \
         curl adds to an address that ends in /; put the policy's name there"
    )]
    FileName(String),
    /// A path that cannot be decoded.
    #[error("the path: {0}")]
    Path(String),
    /// A parameter of the query string.
    #[error("{0}")]
    Parameter(String),
    /// A body that is not the JSON that is wanted.
    #[error("the request's body: {0}")]
    Json(String),
    /// `If-Match` or `If-None-Match` that say nothing.
    #[error("{0}")]
    Precondition(String),
    /// An upload without a byte.
    #[error(
        "the request's body is empty: send the component's bytes, such as with curl -T FILE URL"
    )]
    EmptyUpload,
    /// Who asks has not said who it is, or nobody knows it.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// Who asks may not.
    #[error("{0}")]
    Forbidden(String),
    /// The path means nothing.
    #[error("there is nothing at {0}: see / for what there is")]
    NotFound(String),
    /// The path means something, but not with this method.
    #[error("{method} is not for this path, which takes {allowed}{hint}")]
    Method {
        /// What was asked.
        method: String,
        /// What the path takes, as in an `Allow` header.
        allowed: String,
        /// What was meant, perhaps.
        hint: &'static str,
    },
    /// A body in a form that is not taken.
    #[error("{0}")]
    Media(String),
    /// Too many uploads.
    #[error("too many uploads at once: try again in a moment")]
    Busy,
}

//! Why something cannot be done with a policy.

use crate::policy;

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that is none.
    #[error("a policy's name is 1 to 64 of a-z, 0-9 and -, not {0:?}")]
    Name(String),
    /// The name of the policy that is part of the executable.
    #[error("{0} is the built-in policy: choose another name")]
    Reserved(String),
    /// Nothing is stored under the name.
    #[error("there is no policy {0}")]
    UnknownPolicy(String),
    /// The name has no such version.
    #[error("policy {name} has no version {digest}")]
    UnknownVersion {
        /// The policy.
        name: String,
        /// What was asked for.
        digest: String,
    },
    /// A shortened digest that several versions begin with, or too short.
    #[error("{0} is not enough of a digest to tell one version: give eight digits or more")]
    Ambiguous(String),
    /// No such server group.
    #[error("there is no server group {0}")]
    UnknownGroup(String),
    /// The component or its settings were refused.
    #[error("{0}")]
    Refused(#[from] policy::Error),
    /// A law of the contract is broken.
    #[error("{0}")]
    Law(Box<policy::laws::Violation>),
    /// A key of a binding that is wrong.
    #[error("{key}: {reason}")]
    Key {
        /// Its name.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Still bound.
    #[error("policy {name} is bound: {places}")]
    InUse {
        /// The policy.
        name: String,
        /// Where, for people.
        places: String,
    },
    /// The configuration file decides.
    #[error(
        "server group {group} takes its policy from the configuration ({place}): change it there"
    )]
    Configured {
        /// The server group.
        group: String,
        /// File and key.
        place: String,
    },
    /// Nothing to take back, promote or roll back to.
    #[error("server group {group} has no {what}")]
    NotBound {
        /// The server group.
        group: String,
        /// What it has none of.
        what: &'static str,
    },
    /// Somebody else was faster.
    #[error("{what} has changed meanwhile: it is at {current}, not {expected}")]
    Precondition {
        /// Policy or server group.
        what: String,
        /// The revision that there is; `nothing` if there is none.
        current: String,
        /// What the request expected.
        expected: String,
    },
    /// No room, even without the versions that may go.
    #[error(
        "the store is full: {needed} bytes are needed, {limit} are allowed, and what is there is bound"
    )]
    Full {
        /// Bytes.
        needed: u64,
        /// Bytes.
        limit: u64,
    },
    /// Another process has the store.
    #[error(
        "the policy store {folder}: in use by another process; give each a folder of its own with --policy.dir"
    )]
    Taken {
        /// The folder.
        folder: String,
    },
    /// The store cannot be used.
    #[error("the policy store {path}: {reason}")]
    Store {
        /// File or folder.
        path: String,
        /// What the system says.
        reason: String,
    },
}

//! Why a command about policies has no answer.

use std::io;

use crate::policy;
use crate::remote::Error as Remote;

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that is needed.
    #[error("{path}")]
    File {
        /// Its path, as it was given.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// Settings that are no settings of any policy.
    #[error("{from}: the settings must be a JSON object: {reason}")]
    Settings {
        /// Where they were given.
        from: String,
        /// What is wrong with them.
        reason: String,
    },
    /// The policy cannot be used.
    #[error("{path}: {reason}")]
    Policy {
        /// The file.
        path: String,
        /// Why; its text says everything.
        reason: policy::Error,
    },
    /// A proxy was asked in vain.
    #[error(transparent)]
    Remote(#[from] Remote),
    /// A revision that cannot be sent.
    #[error("--if-match: {0:?} is no revision")]
    Revision(String),
    /// A file whose name is no policy's.
    #[error("{file}: the file has no name to take for the policy's: give one with --name")]
    NoName {
        /// The file.
        file: String,
    },
    /// Nothing to compare.
    #[error("server group {0} has no shadow: bind one with --shadow")]
    NoShadow(String),
    /// What would be overwritten.
    #[error("{path} exists already; nothing was written")]
    Exists {
        /// A file or a folder.
        path: String,
    },
    /// A program that is needed.
    #[error("{what}: {remedy}")]
    Tool {
        /// What is missing.
        what: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A policy that does not build.
    #[error("{path}: {reason}")]
    Build {
        /// Its folder.
        path: String,
        /// Why.
        reason: String,
    },
    /// A recording that cannot be read at all.
    #[error(transparent)]
    Recording(#[from] policy::recording::Error),
    /// Nobody reads what is printed.
    #[error("cannot print")]
    Print(#[from] io::Error),
}

impl Error {
    /// 1: the policy is at fault; 2: the command is.
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::Policy { .. } | Self::Build { .. } | Self::NoShadow(_) | Self::Print(_) => 1,
            Self::Remote(Remote::Asked { .. } | Remote::Answer { .. }) => 1,
            Self::File { .. }
            | Self::Settings { .. }
            | Self::Recording(_)
            | Self::Remote(Remote::Url(_) | Remote::Token { .. } | Remote::Tls(_))
            | Self::Revision(_)
            | Self::NoName { .. }
            | Self::Exists { .. }
            | Self::Tool { .. } => 2,
        }
    }
}

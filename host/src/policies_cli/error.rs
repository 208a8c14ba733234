//! Why a command about policies has no answer.

use std::io;

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
    #[error("{path}")]
    Policy {
        /// The file.
        path: String,
        /// Why.
        source: crate::policy::Error,
    },
    /// A recording that cannot be read at all.
    #[error(transparent)]
    Recording(#[from] crate::policy::recording::Error),
    /// Nobody reads what is printed.
    #[error("cannot print")]
    Print(#[from] io::Error),
}

impl Error {
    /// 1: the policy is at fault; 2: the command is.
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::Policy { .. } | Self::Print(_) => 1,
            Self::File { .. } | Self::Settings { .. } | Self::Recording(_) => 2,
        }
    }
}

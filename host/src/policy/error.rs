//! Why a policy cannot be loaded or bound.

use super::Fault;

/// What is wrong with a component or its settings.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are something else; the text says what.
    #[error("{0}")]
    NotAComponent(String),
    /// Larger than a component may be.
    #[error("it has {size} bytes; a policy may have {most}")]
    TooLarge {
        /// Bytes.
        size: usize,
        /// Bytes.
        most: usize,
    },
    /// It does not compile.
    #[error("the component does not compile: {0}")]
    Compile(String),
    /// Compiling it took more than it may; the text says of what.
    #[error("the component is too costly to compile: {0}")]
    Costly(String),
    /// So many wait for the compiler that no more may; try again.
    #[error("{0} uploads wait for the compiler already: try again")]
    Busy(usize),
    /// It imports interfaces that the sandbox does not have.
    #[error("imports what a merge policy may not have: {0}")]
    Imports(String),
    /// It does not export the contract, or with other types.
    #[error("does not fit the contract promweave:merge: {0}")]
    Interface(String),
    /// It failed when tried; the text says in what.
    #[error("failed in a trial {0}: {1}")]
    Failed(&'static str, #[source] Fault),
    /// It refused its settings; the text is its own.
    #[error("{0}")]
    Settings(String),
    /// The engine does not work on this machine.
    #[error("cannot run policies: {0}")]
    Engine(String),
    /// The compiler cannot be run on this machine.
    #[error("cannot compile policies: {0}")]
    Compiler(String),
}

impl Error {
    /// What a fault means of a policy that was given its settings.
    pub(super) fn of_configure(fault: Fault) -> Self {
        match fault {
            Fault::Refused(text) => Self::Settings(text),
            fault => Self::Failed("configure", fault),
        }
    }
}

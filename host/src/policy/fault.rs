//! How a policy can fail a merge.

/// Why a policy did not answer. Whatever it is, the sandbox is thrown away;
/// the built-in rule answers, or the query fails, as the binding says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It said no; the text is its own, cut to a bounded length.
    #[error("refused: {0}")]
    Refused(String),
    /// It did something that ends a program: unreachable code, an access out
    /// of bounds, too deep a recursion.
    #[error("trapped: {0}")]
    Trap(String),
    /// It did not answer in time.
    #[error("exceeded its deadline of {0} ms")]
    Deadline(u64),
    /// It was not done when the query's time was over.
    #[error("was not done before the query's deadline")]
    Late,
    /// It wanted more memory than it may have.
    #[error("exceeded its memory limit of {0} bytes")]
    Memory(usize),
    /// It answered, but not with a valid plan.
    #[error("answered with an invalid plan: {0}")]
    Plan(String),
    /// No sandbox could be made for it.
    #[error("could not be started: {0}")]
    Start(String),
    /// All sandboxes that it may have were in use for too long.
    #[error("found no free sandbox in time")]
    Busy,
    /// It cannot be loaded; the text says why.
    #[error("cannot be used: {0}")]
    Unavailable(String),
    /// It is not asked any more, after so many faults in a row.
    #[error("is parked after {0} faults in a row: bind it again to try it again")]
    Parked(u32),
}

impl Fault {
    /// A fixed word for metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Trap(_) => "trap",
            Self::Deadline(_) => "deadline",
            Self::Late => "late",
            Self::Memory(_) => "memory",
            Self::Plan(_) => "plan",
            Self::Start(_) => "start",
            Self::Busy => "busy",
            Self::Unavailable(_) => "unavailable",
            Self::Parked(_) => "parked",
        }
    }
}

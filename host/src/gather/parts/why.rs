//! Why a group's share of a site is read raw.

/// The reasons, as plans tell them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Because {
    #[error("its time range cannot be told")]
    NoRange,
    #[error("no replicas")]
    NoReplicas,
    #[error("a replica does not know all of its language")]
    Language,
    #[error("pushdown: never")]
    Never,
    #[error("a label of the group hides one of its series'")]
    HiddenLabel,
    #[error("its values are native histograms")]
    Histograms,
    #[error("a replica moves range queries to multiples of the step")]
    MovesRanges,
    #[error("a replica has lately not answered in time")]
    Late,
    #[error("a short time range")]
    Short,
    #[error("its size cannot be told")]
    NoSize,
    #[error("few raw samples")]
    Few,
    #[error("few raw samples to find out first which replica is whole")]
    Unfamiliar,
    #[error("few raw samples in each stretch between the holes")]
    Pieces,
    #[error("raw samples cost less than the values")]
    Dear,
    #[error("no replica is known to be whole")]
    NotWhole,
    #[error("a replica evaluates in a way of its own")]
    Dialect,
    #[error("groups that may hold the same series")]
    SameSeries,
}

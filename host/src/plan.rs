//! What is asked of each server group and what is evaluated here: the static
//! half, without any knowledge of who holds which samples.
//!
//! In: a type-checked tree whose durations are resolved, and the groups'
//! labels. Out: [`Site`]s, the largest sub-expressions whose values can be put
//! together exactly from what each group alone gives for them, with the text
//! that a group's replicas are asked with. Whether a group is then asked for
//! the value, or for the raw samples, is decided where the samples are known
//! (`gather`). Nothing is fetched and nothing awaited here.

mod carry;
mod explained;
mod find;
mod rewrite;
mod site;
mod steps;
#[cfg(test)]
mod tests;
mod text;
mod ways;

pub use explained::{Explained, GroupName, Read, ReadOf};
pub use find::sites;
pub use rewrite::Rewrite;
pub use site::{Asked, Combine, Part, Site};
pub use steps::{Reach, Steps, Whole, stretches};
pub use ways::{Begun, Plan, PlannedSite, Share, Stretch, Way};

/// Why an expression cannot be put together from the groups' own values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// A function or operator that needs all series, or their order.
    #[error("needs the series of all groups")]
    NeedsAll,
    /// A label that the group adds takes part in a way that the replicas,
    /// which do not have it, cannot carry out.
    #[error("depends on a label of the group")]
    GroupLabel,
    /// Series of different groups would meet in an operator.
    #[error("combines series of several groups")]
    Crosses,
    /// Some of its selectors can match in a group, and some not.
    #[error("its selectors belong to different groups")]
    Uneven,
    /// Not in the language that servers commonly speak.
    #[error("not part of every server's language")]
    Language,
    /// Too large to be worth looking at.
    #[error("too large")]
    Large,
}

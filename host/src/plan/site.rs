//! A sub-expression that groups can answer, and what each of them is asked.

use promql::Labels;
use promql::ast::{Expr, Span};

/// A sub-expression whose values are put together from those of the groups.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where its values stand in the query.
    pub span: Span,
    /// What is evaluated, with the spans of the query's text; nothing in it
    /// depends on the query's range.
    pub expr: Expr,
    /// How the groups' values become its values.
    pub combine: Combine,
    /// What the groups evaluate: one expression, or sum and count of an
    /// average.
    pub parts: Vec<Part>,
    /// Pairs of groups whose series may be the same for all that their labels
    /// tell: only if they are known not to be, the values can be put together.
    pub undecided: Vec<(usize, usize)>,
    /// An aggregation: far fewer values than series.
    pub aggregates: bool,
}

/// One expression, as every group is asked for it.
#[derive(Clone, Debug)]
pub struct Part {
    /// With the spans of the query's text, and with the groups' labels.
    pub expr: Expr,
    /// The groups that can have something to it, in configured order.
    pub asked: Vec<Asked>,
}

/// What the replicas of one group are asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which group.
    pub group: usize,
    /// The expression without the group's labels.
    pub text: String,
    /// The group's labels that the answer's series get.
    pub attach: Labels,
    /// Where nodes start: in `text`, and in the query.
    pub places: Vec<(usize, usize)>,
}

/// How the values of several groups become one. In comments: why it is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// Every output series comes from one group's series alone, and no two
    /// groups give the same one: the values are those of all groups together.
    Union,
    /// A sum is the sum of the groups' sums, a count the sum of their counts;
    /// as is the number of series that have a value (`count_values`).
    Sum,
    /// The least of all is the least of the groups' least.
    Min,
    /// The greatest of all is the greatest of the groups' greatest; `group`,
    /// 1 wherever there is a series, is also the greatest of the groups'.
    Max,
    /// An average is the sum over the count: of two parts, sum and count.
    Average,
}

impl Combine {
    /// A word for plans.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Union => "union",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::Average => "sum / count",
        }
    }
}

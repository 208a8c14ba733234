//! What a query needs, and in which order it is computed.
//!
//! In: a type-checked tree whose durations are resolved, and the query's time
//! range. Out: [`Node`]s in which `@`, `start()` and the like are constants
//! and parts that are the same at every step are wrapped so that they are
//! computed once, and a [`Select`] for each selector: which samples it reads.
//! Nothing is fetched or computed here
//! (prometheus/promql/engine.go, `PreprocessExpr`, `getTimeRangesForSelector`).

mod lower;
mod select;
#[cfg(test)]
mod tests;

use crate::ast::{AggregateOp, BinaryOp, Extended, ValueType, VectorMatching};
use crate::functions::Function;
use crate::matcher::Matcher;

pub(crate) use lower::lower;
pub(crate) use select::{Defaults, assign, statistics_only, subquery_grid};

/// Samples that a query reads; `offset` and `@` are already applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// First timestamp wanted, inclusive, in milliseconds.
    pub start_ms: i64,
    /// Last timestamp wanted, inclusive, in milliseconds.
    pub end_ms: i64,
    /// Set for an instant-vector selector of which only the values at these
    /// moments count: stale markers and lookback may be applied before the
    /// samples arrive here, samples then standing at the moments themselves.
    pub lookups: Option<Lookups>,
}

/// The moments at which an instant-vector selector looks for samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookups {
    /// First moment, in milliseconds.
    pub start_ms: i64,
    /// Last moment, in milliseconds: `start + n·step`.
    pub end_ms: i64,
    /// Distance of moments, in milliseconds, above zero.
    pub step_ms: i64,
    /// A sample counts while it is younger than this, in milliseconds.
    pub lookback_ms: i64,
}

/// Evaluation times: `start`, `start + step`, … up to `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    /// Above zero.
    pub(crate) step_ms: i64,
}

impl Grid {
    /// A single evaluation.
    pub(crate) const fn once(time_ms: i64) -> Self {
        Self { start_ms: time_ms, end_ms: time_ms, step_ms: 1 }
    }

    /// Number of evaluation times.
    pub(crate) fn steps(&self) -> usize {
        if self.end_ms < self.start_ms {
            return 0;
        }
        // `end - start` may exceed an i64 where a query reaches to the borders.
        let span = i128::from(self.end_ms) - i128::from(self.start_ms);
        usize::try_from(span / i128::from(self.step_ms) + 1).unwrap_or(usize::MAX)
    }

    /// Evaluation time `step`.
    pub(crate) const fn time(&self, step: usize) -> i64 {
        self.start_ms.saturating_add((step as i64).saturating_mul(self.step_ms))
    }

    /// The step whose evaluation time this is.
    pub(crate) fn step_at(&self, time_ms: i64) -> Option<usize> {
        if time_ms < self.start_ms || time_ms > self.end_ms {
            return None;
        }
        let since = i128::from(time_ms) - i128::from(self.start_ms);
        let step_ms = i128::from(self.step_ms);
        (since % step_ms == 0).then(|| usize::try_from(since / step_ms).ok()).flatten()
    }

    /// All evaluation times.
    pub(crate) fn times(&self) -> impl Iterator<Item = i64> + use<> {
        let grid = *self;
        (0..grid.steps()).map(move |step| grid.time(step))
    }

    /// True for what an instant query is: the order of series is then kept.
    pub(crate) const fn is_instant(&self) -> bool {
        self.start_ms == self.end_ms
    }
}

/// Which moment a selector looks at, seen from an evaluation time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) at_ms: Option<i64>,
    pub(crate) offset_ms: i64,
}

impl Reference {
    /// The moment looked at from evaluation time `time_ms`.
    pub(crate) fn from(self, time_ms: i64) -> i64 {
        self.at_ms.unwrap_or(time_ms).saturating_sub(self.offset_ms)
    }
}

/// A step of the evaluation.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Number(f64),
    /// Bytes: a literal need not be UTF-8.
    String(Vec<u8>),
    Instant(Box<Instant>),
    Range(Box<Range>),
    Call(Box<Call>),
    Aggregate(Box<Aggregate>),
    /// Binary operators applied from left to right.
    Chain(Box<Chain>),
    Negate(Box<Node>),
    /// The same at every step: computed once.
    Invariant(Box<Node>),
    /// Values that come with the data, computed elsewhere: which of them.
    Given(usize),
}

/// An instant-vector selector.
#[derive(Clone, Debug)]
pub(crate) struct Instant {
    /// Which [`Select`].
    pub(crate) select: usize,
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) reference: Reference,
    pub(crate) smoothed: bool,
    /// Only count and sum of histograms are looked at.
    pub(crate) statistics_only: bool,
    /// The sample's own times are looked at, not only its value.
    pub(crate) needs_times: bool,
    pub(crate) position: usize,
}

/// A range-vector selector or a subquery.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    pub(crate) source: Source,
    pub(crate) range_ms: i64,
    pub(crate) reference: Reference,
}

/// Where the samples of a range vector come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Samples {
        select: usize,
        matchers: Vec<Matcher>,
        extended: Option<Extended>,
        statistics_only: bool,
    },
    Subquery {
        node: Node,
        step_ms: i64,
    },
}

impl Source {
    /// Which [`Select`], unless it is a subquery.
    pub(crate) const fn select(&self) -> Option<usize> {
        match self {
            Self::Samples { select, .. } => Some(*select),
            Self::Subquery { .. } => None,
        }
    }
}

/// A function call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) function: &'static Function,
    pub(crate) args: Vec<Node>,
    /// Where each argument starts in the query.
    pub(crate) positions: Vec<usize>,
    pub(crate) position: usize,
    /// What `info()` reads beside its first argument.
    pub(crate) info: Option<Info>,
}

/// What `info()` reads.
#[derive(Clone, Debug)]
pub(crate) struct Info {
    pub(crate) select: usize,
    /// Conditions on the name of an info metric.
    pub(crate) names: Vec<Matcher>,
    /// Conditions on data labels, in the order written.
    pub(crate) data: Vec<Matcher>,
    pub(crate) reference: Reference,
}

/// An aggregation.
#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    pub(crate) op: AggregateOp,
    pub(crate) input: Node,
    pub(crate) input_position: usize,
    pub(crate) param: Option<Node>,
    pub(crate) param_position: usize,
    /// Sorted.
    pub(crate) grouping: Vec<String>,
    pub(crate) without: bool,
    pub(crate) position: usize,
}

/// Binary operators, applied from left to right.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) first: Node,
    pub(crate) links: Vec<Link>,
}

/// One binary operator and its right operand.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) op: BinaryOp,
    pub(crate) right: Node,
    pub(crate) left_type: ValueType,
    pub(crate) right_type: ValueType,
    pub(crate) matching: VectorMatching,
    pub(crate) return_bool: bool,
    pub(crate) position: usize,
    /// What is left of the operator is the same at every step, and the whole
    /// is not.
    pub(crate) left_invariant: bool,
}

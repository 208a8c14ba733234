//! A query: parsed, planned, and evaluated once its samples are there.
//!
//! In: text or a tree, a time range, options; later the samples of each
//! [`Select`]. Out: an [`Outcome`]. Synchronous, without I/O.

use crate::ast::{Expr, Span, ValueType};
use crate::budget::{Budget, Exceeded};
use crate::durations::{self, Evaluation};
use crate::eval::{Data, Evaluator, Settings, Tally};
use crate::plan::{self, Grid, Node};
use crate::value::Outcome;
use crate::{SeriesBatch, parser};

pub use crate::plan::{Lookups, Select};

/// How queries are read and evaluated; the default is that of a Prometheus
/// server without feature flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How far back an instant-vector selector looks, in milliseconds.
    pub lookback_ms: i64,
    /// The step of subqueries that name none, in milliseconds: Prometheus
    /// takes the global evaluation interval.
    pub subquery_step_ms: i64,
    /// `promql-delayed-name-removal`
    pub delayed_name_removal: bool,
    /// `type-and-unit-labels`
    pub type_and_unit: bool,
    /// `use-start-timestamps`
    pub start_timestamps: bool,
    /// The outcome tells how many samples were looked at.
    pub count_samples: bool,
    /// Optional parts of the language.
    pub language: parser::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lookback_ms: 5 * 60 * 1000,
            subquery_step_ms: 60 * 1000,
            delayed_name_removal: false,
            type_and_unit: false,
            start_timestamps: false,
            count_samples: false,
            language: parser::Options::default(),
        }
    }
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The query does not parse (`bad_data`).
    #[error(transparent)]
    Parse(#[from] parser::ParseError),
    /// A computed duration is not one (`bad_data`).
    #[error(transparent)]
    Duration(#[from] durations::Error),
    /// A range query of something that is not evaluated at steps
    /// (`bad_data`).
    #[error("invalid expression type \"{0}\" for range query, must be Scalar or instant Vector")]
    NotForRange(&'static str),
    /// The time range is none: the caller has let through what it must check.
    #[error("invalid time range: {0}")]
    Range(&'static str),
    /// Evaluation failed (`execution`); the text is Prometheus's.
    #[error("{0}")]
    Execution(String),
    /// Over the budget, or cancelled.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
    /// Something this engine cannot do.
    #[error("{0} not supported yet")]
    Unsupported(&'static str),
}

/// A query over a time range, ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Query {
    plan: Node,
    selects: Vec<Select>,
    grid: Grid,
    instant: bool,
    value_type: ValueType,
    settings: Settings,
    given: usize,
    count_samples: bool,
}

impl Query {
    /// Parses and plans a query, evaluated at `start`, `start + step`, … up
    /// to `end`, in milliseconds. A step of 0 is an instant query at `start`.
    ///
    /// # Errors
    /// When the text is no query, or the time range no range.
    pub fn new(
        text: &str,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
        options: &Options,
    ) -> Result<Self, Error> {
        let expr = parser::parse(text, &options.language)?;
        Self::from_expr(expr, start_ms, end_ms, step_ms, options)
    }

    /// As [`Self::new`], of a type-checked tree.
    ///
    /// # Errors
    /// When a computed duration is none, or the time range no range.
    pub fn from_expr(
        expr: Expr,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
        options: &Options,
    ) -> Result<Self, Error> {
        Self::with_given(expr, (start_ms, end_ms, step_ms), options, &[])
    }

    /// As [`Self::from_expr`], where the values of the expressions at the
    /// spans `given` come with the data: instant vectors at the steps of the
    /// query ([`Self::evaluate_with`]). They must not be inside a subquery,
    /// nor what a function reads as a selector and not as its value
    /// (`absent`, `timestamp`, `info`).
    ///
    /// # Errors
    /// As [`Self::from_expr`].
    pub fn with_given(
        mut expr: Expr,
        (start_ms, end_ms, step_ms): (i64, i64, i64),
        options: &Options,
        given: &[Span],
    ) -> Result<Self, Error> {
        let instant = step_ms == 0;
        if step_ms < 0 {
            return Err(Error::Range("the step is negative"));
        }
        if end_ms < start_ms || (instant && end_ms != start_ms) {
            return Err(Error::Range("the end is not where it should be"));
        }
        let grid = Grid { start_ms, end_ms, step_ms: step_ms.max(1) };
        let value_type = expr.value_type();
        if !instant && !matches!(value_type, ValueType::Scalar | ValueType::Vector) {
            return Err(Error::NotForRange(value_type.documented()));
        }
        let range_ms = end_ms.saturating_sub(start_ms);
        durations::resolve(&mut expr, Evaluation { step_ms, range_ms })?;
        let mut plan = plan::lower(&expr, grid, instant, given);
        let defaults = plan::Defaults {
            lookback_ms: options.lookback_ms,
            subquery_step_ms: options.subquery_step_ms,
        };
        let selects = plan::assign(&mut plan, grid, defaults);
        let settings = Settings {
            lookback_ms: options.lookback_ms,
            subquery_step_ms: options.subquery_step_ms,
            delayed_name_removal: options.delayed_name_removal,
            type_and_unit: options.type_and_unit,
            start_timestamps: options.start_timestamps,
        };
        let count_samples = options.count_samples;
        let given = given.len();
        Ok(Self { plan, selects, grid, instant, value_type, settings, given, count_samples })
    }

    /// What must be fetched, in the order in which [`Self::evaluate`] wants
    /// it.
    #[must_use]
    pub fn selects(&self) -> &[Select] {
        &self.selects
    }

    /// The type of the result.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        if self.instant { self.value_type } else { ValueType::Matrix }
    }

    /// Evaluates over the samples of each select: series in label order, each
    /// label set once, no samples outside the select's range.
    ///
    /// # Errors
    /// Prometheus's, and when the budget is exceeded.
    ///
    /// # Panics
    /// When there is not one batch for each select.
    pub fn evaluate(&self, data: Vec<SeriesBatch>, budget: &Budget) -> Result<Outcome, Error> {
        self.evaluate_with(data, &[], budget)
    }

    /// As [`Self::evaluate`], with a batch for each span given to
    /// [`Self::with_given`]: samples stand at evaluation times of the query,
    /// each label set occurs once.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    ///
    /// # Panics
    /// When there is not one batch for each select and each span.
    pub fn evaluate_with(
        &self,
        data: Vec<SeriesBatch>,
        given: &[SeriesBatch],
        budget: &Budget,
    ) -> Result<Outcome, Error> {
        assert_eq!(data.len(), self.selects.len(), "there is a batch for each select");
        assert_eq!(given.len(), self.given, "there is a batch for each span");
        let mut data: Vec<Data> = data.into_iter().map(Data::new).collect();
        plan::statistics_only(&self.plan, &mut |select| data[select].keep_statistics());
        let mut evaluator = Evaluator {
            settings: self.settings,
            data: &data,
            given,
            budget,
            annotations: crate::annotations::Annotations::default(),
            tally: if self.count_samples { Tally::of(self.grid) } else { Tally::off() },
        };
        let value = evaluator.result(&self.plan, self.grid, self.instant, self.value_type)?;
        let Evaluator { annotations, tally, .. } = evaluator;
        Ok(Outcome { value, annotations, samples: tally.into_counts() })
    }
}

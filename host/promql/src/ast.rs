//! The syntax tree of a query: plain enums and structs, every node with the
//! bytes of the query text it came from.
//!
//! What comes in: nodes that [`crate::parser`] has parsed and type-checked, or
//! that a planner puts together. What goes out: the tree, its types, and the
//! walks over it ([`walk`], [`Expr::children`], [`Expr::walk_mut`],
//! [`Expr::map`]). It does not evaluate and does not print (see
//! [`crate::printer`]).
//!
//! **Depth.** A parsed tree is nested at most [`MAX_DEPTH`] levels deep, so
//! recursion over it is safe, with one exception: the left operands of binary
//! operators. `a + a + … + a` with 20,000 terms is a legal query and is 20,000
//! [`Binary`] nodes deep on the left. Code that recurses must follow the chain
//! of left operands in a loop ([`Binary::spine`] gives it as a slice); all the
//! functions here do.

mod node;
mod operator;
mod spine;
#[cfg(test)]
mod tests;
mod visit;

use crate::functions::Function;
use crate::matcher::Matcher;
use crate::quote::ByteString;

pub use node::type_of;
pub use operator::{AggregateOp, BinaryOp, DurationOp, UnaryOp};
pub use visit::{Descend, walk};

/// How deep a parsed tree nests at most, not counting left operands of binary
/// operators. A bound of our own, Prometheus has none: it leaves code that
/// recurses 4 KiB a level on the 2 MiB stack of a worker thread.
pub const MAX_DEPTH: usize = 500;

/// Bytes `start..end` of the query text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What an expression evaluates to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// One number per step.
    Scalar,
    /// One sample per series and step.
    Vector,
    /// A window of samples per series and step.
    Matrix,
    /// A string.
    String,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// `sum by (job) (x)`
    Aggregate(Aggregate),
    /// `a + on (job) b`
    Binary(Binary),
    /// `rate(x[5m])`
    Call(Call),
    /// `x[5m]`
    Matrix(MatrixSelector),
    /// `1.5`, `5m`
    Number(NumberLiteral),
    /// `(x)`
    Paren(Paren),
    /// `"text"`
    String(StringLiteral),
    /// `x[1h:1m]`
    Subquery(Subquery),
    /// `-x`
    Unary(Unary),
    /// `x{job="a"}`
    Vector(VectorSelector),
}

/// An aggregation over an instant vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// Which aggregation.
    pub op: AggregateOp,
    /// The instant vector.
    pub expr: Box<Expr>,
    /// The parameter; present exactly when [`AggregateOp::takes_param`]: a
    /// string for `count_values`, else a scalar.
    pub param: Option<Box<Expr>>,
    /// The labels of `by` or `without`, as written.
    pub grouping: Vec<String>,
    /// True for `without`; false for `by` and for neither.
    pub without: bool,
    /// Where it stands.
    pub span: Span,
}

/// A binary operator between scalars and instant vectors.
///
/// Dropping, cloning, and comparing need no deep stack, however long the chain
/// of left operands. As the type drops in a loop of its own, take the operands
/// out with [`Binary::into_operands`].
pub struct Binary {
    /// Which operator.
    pub op: BinaryOp,
    /// Left operand.
    pub lhs: Box<Expr>,
    /// Right operand.
    pub rhs: Box<Expr>,
    /// How series find each other; present exactly when both operands are
    /// instant vectors.
    pub matching: Option<VectorMatching>,
    /// `bool`: a comparison gives 0 or 1 instead of filtering.
    pub return_bool: bool,
    /// Where it stands.
    pub span: Span,
}

/// How many series of one side may match one series of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Cardinality {
    /// No group modifier.
    #[default]
    OneToOne,
    /// `group_left`
    ManyToOne,
    /// `group_right`
    OneToMany,
    /// Set operators.
    ManyToMany,
}

/// How the series of two instant vectors find each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VectorMatching {
    /// Which side may have many.
    pub cardinality: Cardinality,
    /// The labels of `on` or `ignoring`, as written.
    pub labels: Vec<String>,
    /// True for `on`; false for `ignoring` and for neither.
    pub on: bool,
    /// The labels of `group_left` or `group_right`.
    pub include: Vec<String>,
    /// Values for series that find no partner.
    pub fill: FillValues,
}

/// Stand-in values for missing series; `None` means none is filled in.
#[derive(Clone, Copy, Debug, Default)]
pub struct FillValues {
    /// For a missing series of the left operand.
    pub lhs: Option<f64>,
    /// For a missing series of the right operand.
    pub rhs: Option<f64>,
}

/// A function call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function; match on `function.id`.
    pub function: &'static Function,
    /// The arguments, of the number and types the function wants.
    pub args: Vec<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// A selector of a window of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSelector {
    /// The series. Offset, `@` and `anchored`/`smoothed` written after the
    /// range are stored here too. Its span ends before the bracket.
    pub selector: VectorSelector,
    /// The window's width in milliseconds, above 0 unless `range_expr` is
    /// still to be resolved (see [`crate::durations::resolve`]).
    pub range_ms: i64,
    /// The width, where it is more than a literal.
    pub range_expr: Option<Box<DurationExpr>>,
    /// Where it stands, modifiers included.
    pub span: Span,
}

/// A number.
#[derive(Clone, Copy, Debug)]
pub struct NumberLiteral {
    /// Its value; of a duration, in seconds.
    pub value: f64,
    /// Written as a duration (`5m`), and printed as one.
    pub duration: bool,
    /// Where it stands, sign included.
    pub span: Span,
}

/// An expression in parentheses.
#[derive(Clone, Debug, PartialEq)]
pub struct Paren {
    /// What is inside.
    pub expr: Box<Expr>,
    /// Where it stands, parentheses included.
    pub span: Span,
}

/// A string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringLiteral {
    /// Unquoted; not text, since `"\xff"` is a legal string.
    pub value: ByteString,
    /// Where it stands, quotes included.
    pub span: Span,
}

/// An instant vector evaluated at many moments.
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    /// The instant vector.
    pub expr: Box<Expr>,
    /// The window's width in milliseconds; like [`MatrixSelector::range_ms`].
    pub range_ms: i64,
    /// The width, where it is more than a literal.
    pub range_expr: Option<Box<DurationExpr>>,
    /// Milliseconds between two moments; 0 means the default step.
    pub step_ms: i64,
    /// The step, where it is more than a literal.
    pub step_expr: Option<Box<DurationExpr>>,
    /// As in [`VectorSelector::offset_ms`].
    pub offset_ms: i64,
    /// As in [`VectorSelector::offset_expr`].
    pub offset_expr: Option<Box<DurationExpr>>,
    /// As in [`VectorSelector::at`].
    pub at: Option<At>,
    /// Where it stands, modifiers included.
    pub span: Span,
}

/// A sign before an expression that is not a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Unary {
    /// Which sign.
    pub op: UnaryOp,
    /// A scalar or an instant vector.
    pub expr: Box<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// A selector of one sample per series and step.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorSelector {
    /// The metric name written before the braces; empty if there is none.
    pub name: String,
    /// All matchers in the order written; the one for `name` comes last.
    pub matchers: Vec<Matcher>,
    /// How far back to look, as written, in milliseconds; negative looks
    /// ahead. 0 while `offset_expr` is not resolved.
    pub offset_ms: i64,
    /// The offset, where it is more than a literal.
    pub offset_expr: Option<Box<DurationExpr>>,
    /// The `@` modifier.
    pub at: Option<At>,
    /// `anchored` or `smoothed`.
    pub extended: Option<Extended>,
    /// Where it stands, modifiers included.
    pub span: Span,
}

/// The moment an `@` modifier pins a selector to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// Milliseconds since the epoch.
    Time(i64),
    /// `@ start()`: the first step of the query.
    Start,
    /// `@ end()`: the last step of the query.
    End,
}

/// How a range selector treats its borders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extended {
    /// The values at the borders are the last ones before them.
    Anchored,
    /// The values at the borders are interpolated.
    Smoothed,
}

/// A computed length of time, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct DurationExpr {
    /// What it is.
    pub kind: DurationKind,
    /// Written in parentheses.
    pub wrapped: bool,
    /// Where it stands.
    pub span: Span,
}

/// The forms of a [`DurationExpr`].
#[derive(Clone, Debug, PartialEq)]
pub enum DurationKind {
    /// A literal; only as an operand.
    Number(NumberLiteral),
    /// `step()`: the step of the query.
    Step,
    /// `range()`: from the first step of the query to the last.
    Range,
    /// `min_of(a, b)`
    MinOf(Box<DurationExpr>, Box<DurationExpr>),
    /// `max_of(a, b)`
    MaxOf(Box<DurationExpr>, Box<DurationExpr>),
    /// `-a`; a plus sign only stands for parentheses around a literal and
    /// before `step()`, `range()`, `min_of` and `max_of`.
    Unary(UnaryOp, Box<DurationExpr>),
    /// `a * b`
    Binary(DurationOp, Box<DurationExpr>, Box<DurationExpr>),
}

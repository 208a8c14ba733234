//! Computes the duration expressions of a query (prometheus/promql/durations.go).
//!
//! What comes in: a tree, and the step and range of the evaluation. What goes
//! out: the same tree, with every length that is an expression also stored as
//! milliseconds. The expressions stay, so that the query prints as written.

use crate::ast::{DurationExpr, DurationKind, DurationOp, Expr, Span, Subquery, UnaryOp};
use crate::ast::{MatrixSelector, VectorSelector};

/// Why a duration cannot be computed; Prometheus's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}: {reason}", span.start, span.end)]
pub struct Error {
    /// The expression's bytes in the query.
    pub span: Span,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a computed duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// `0/0` and the like.
    #[error("duration is NaN or infinite")]
    NotFinite,
    /// A range or step that is not above 0.
    #[error("duration must be greater than 0")]
    NotPositive,
    /// Beyond 292 years.
    #[error("duration is out of range")]
    OutOfRange,
    /// `/ 0`
    #[error("division by zero")]
    DivisionByZero,
    /// `% 0`
    #[error("modulo by zero")]
    ModuloByZero,
}

/// The evaluation that `step()` and `range()` speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Milliseconds between steps; 0 for an instant query.
    pub step_ms: i64,
    /// Milliseconds from the first step to the last.
    pub range_ms: i64,
}

/// Stores every computed range, step and offset of a query in milliseconds.
///
/// # Errors
/// The first duration, in Prometheus's order, that cannot be computed or that
/// is not allowed where it stands.
pub fn resolve(expr: &mut Expr, evaluation: Evaluation) -> Result<(), Error> {
    let mut result = Ok(());
    expr.walk_mut(|node| {
        if result.is_ok() {
            result = evaluation.resolve_node(node);
        }
    });
    result
}

/// 2^63 nanoseconds.
const MAX_SECONDS: f64 = 9_223_372_036_854_775_808.0 / 1e9;

impl Evaluation {
    fn resolve_node(self, expr: &mut Expr) -> Result<(), Error> {
        match expr {
            Expr::Vector(selector) => self.resolve_offset(selector),
            Expr::Matrix(MatrixSelector { selector, range_ms, range_expr, .. }) => {
                self.store(range_ms, range_expr.as_deref(), false)?;
                self.resolve_offset(selector)
            }
            Expr::Subquery(Subquery {
                range_ms,
                range_expr,
                step_ms,
                step_expr,
                offset_ms,
                offset_expr,
                ..
            }) => {
                self.store(offset_ms, offset_expr.as_deref(), true)?;
                self.store(step_ms, step_expr.as_deref(), false)?;
                self.store(range_ms, range_expr.as_deref(), false)
            }
            _ => Ok(()),
        }
    }

    fn resolve_offset(self, selector: &mut VectorSelector) -> Result<(), Error> {
        self.store(&mut selector.offset_ms, selector.offset_expr.as_deref(), true)
    }

    fn store(
        self,
        place: &mut i64,
        expr: Option<&DurationExpr>,
        may_be_negative: bool,
    ) -> Result<(), Error> {
        let Some(expr) = expr else { return Ok(()) };
        let seconds = self.seconds(expr)?;
        let error = |reason| Err(Error { span: expr.span, reason });
        if !seconds.is_finite() {
            return error(Reason::NotFinite);
        }
        if seconds <= 0.0 && !may_be_negative {
            return error(Reason::NotPositive);
        }
        if seconds.abs() > MAX_SECONDS {
            return error(Reason::OutOfRange);
        }
        *place = (seconds * 1000.0) as i64;
        Ok(())
    }

    fn seconds(self, expr: &DurationExpr) -> Result<f64, Error> {
        Ok(match &expr.kind {
            DurationKind::Number(number) => number.value,
            DurationKind::Step => self.step_ms as f64 / 1000.0,
            DurationKind::Range => self.range_ms as f64 / 1000.0,
            DurationKind::MinOf(lhs, rhs) => min(self.seconds(lhs)?, self.seconds(rhs)?),
            DurationKind::MaxOf(lhs, rhs) => -min(-self.seconds(lhs)?, -self.seconds(rhs)?),
            DurationKind::Unary(UnaryOp::Plus, operand) => self.seconds(operand)?,
            DurationKind::Unary(UnaryOp::Minus, operand) => -self.seconds(operand)?,
            DurationKind::Binary(op, lhs, rhs) => {
                let (lhs, rhs) = (self.seconds(lhs)?, self.seconds(rhs)?);
                let error = |reason| Error { span: expr.span, reason };
                match op {
                    DurationOp::Add => lhs + rhs,
                    DurationOp::Sub => lhs - rhs,
                    DurationOp::Mul => lhs * rhs,
                    DurationOp::Div if rhs == 0.0 => return Err(error(Reason::DivisionByZero)),
                    DurationOp::Div => lhs / rhs,
                    DurationOp::Mod if rhs == 0.0 => return Err(error(Reason::ModuloByZero)),
                    DurationOp::Mod => lhs % rhs,
                    DurationOp::Pow => lhs.powf(rhs),
                }
            }
        })
    }
}

/// The smaller number; unlike `f64::min`, NaN if one is NaN, as in Go, unless
/// the other is -Inf.
fn min(one: f64, two: f64) -> f64 {
    if one == f64::NEG_INFINITY || two == f64::NEG_INFINITY {
        f64::NEG_INFINITY
    } else if one.is_nan() || two.is_nan() {
        f64::NAN
    } else {
        one.min(two)
    }
}

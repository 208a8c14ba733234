//! Computes the duration expressions of a query (prometheus/promql/durations.go).
//!
//! What comes in: a tree, and the step and range of the evaluation. What goes
//! out: the same tree, with every length that is an expression also stored as
//! milliseconds. The expressions stay, so that the query prints as written.

use crate::ast::{DurationExpr, DurationKind, DurationOp, Expr, Span, Subquery, UnaryOp};
use crate::ast::{MatrixSelector, VectorSelector};
use crate::gomath;

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
                    DurationOp::Mod => gomath::modulo(lhs, rhs),
                    DurationOp::Pow => gomath::pow(lhs, rhs),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parser::{Options, parse};

    const EVALUATION: Evaluation = Evaluation { step_ms: 15_000, range_ms: 3_600_000 };

    fn resolved(query: &str) -> Result<Expr, Error> {
        let mut expr = parse(query, &Options::all()).expect("it parses");
        resolve(&mut expr, EVALUATION).map(|()| expr)
    }

    fn range_ms(range: &str) -> Result<i64, String> {
        match resolved(&format!("a[{range}]")).map_err(|error| error.to_string())? {
            Expr::Matrix(matrix) => Ok(matrix.range_ms),
            other => panic!("{range:?} is read as {other:?}"),
        }
    }

    #[test]
    fn expressions_become_milliseconds() {
        for (range, wanted) in [
            ("1m", 60_000),
            ("1m + 30", 90_000),
            ("2 * step()", 30_000),
            ("range() / 7", 514_285),
            ("min_of(step(), range())", 15_000),
            ("max_of(step(), -range())", 15_000),
            ("2 ^ 3 ^ 2 - 5m", 212_000),
            ("-(-90s)", 90_000),
            ("100 % 30s", 10_000),
        ] {
            assert_eq!(range_ms(range), Ok(wanted), "for {range:?}");
        }
    }

    #[test]
    fn durations_that_make_no_sense_are_refused_with_their_place() {
        for (range, wanted) in [
            ("1m - 1m", "2:9: duration must be greater than 0"),
            ("1 / (1m - 1m)", "2:14: division by zero"),
            ("1 % (1m - 1m)", "2:14: modulo by zero"),
            ("(-1) ^ 0.5", "2:12: duration is NaN or infinite"),
            ("10 ^ 10", "2:9: duration is out of range"),
        ] {
            assert_eq!(range_ms(range), Err(wanted.to_owned()), "for {range:?}");
        }
    }

    #[test]
    fn offsets_may_be_negative_and_steps_not() {
        let expr = resolved("a[1h:1m * 2] offset -(step() * 2)").expect("it is allowed");
        let Expr::Subquery(subquery) = expr else {
            panic!("it is a subquery");
        };
        assert_eq!((subquery.step_ms, subquery.offset_ms), (120_000, -30_000));
        assert!(resolved("a[1h:1m - 2m]").is_err());
    }

    #[test]
    fn what_is_resolved_still_prints_as_written() {
        let query = "rate(a[step() * 2] offset (1m / 2))";
        let expr = resolved(query).expect("it is allowed");
        assert_eq!(expr.to_string(), query);
    }
}

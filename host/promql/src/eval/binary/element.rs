//! Operators between two samples.

use std::sync::Arc;

use crate::CounterResetHint;
use crate::annotations::{Note, Operation};
use crate::ast::BinaryOp;
use crate::eval::block::Sample;
use crate::histogram::{IncompatibleSchemas, Keep};
use crate::math;

/// What an operator made of two samples.
pub(super) struct Element {
    /// The result; none where the samples do not fit the operator.
    pub(super) value: Option<Sample>,
    /// A comparison holds; always true for other operators.
    pub(super) keep: bool,
    pub(super) notice: Option<Notice>,
}

/// Something to tell the user.
#[derive(Clone, Debug)]
pub(super) enum Notice {
    /// A note as it is.
    Note(Note),
    /// Buckets that cannot be combined.
    Incompatible,
}

impl Notice {
    pub(super) fn note(note: Note) -> Self {
        Self::Note(note)
    }

    pub(super) fn is_warning(&self) -> bool {
        matches!(self, Self::Note(Note::ResetCollision(_)))
    }

    pub(super) fn into_note(self, op: BinaryOp) -> Note {
        match self {
            Self::Note(note) => note,
            Self::Incompatible => Note::IncompatibleBuckets(op.as_str()),
        }
    }
}

impl Element {
    fn of(value: Sample) -> Self {
        Self { value: Some(value), keep: true, notice: None }
    }

    fn compared(value: &Sample, keep: bool) -> Self {
        Self { value: Some(value.clone()), keep, notice: None }
    }

    fn nothing(notice: Notice) -> Self {
        Self { value: None, keep: false, notice: Some(notice) }
    }

    fn mismatch(op: BinaryOp, left: &'static str, right: &'static str) -> Self {
        let op = op.as_str();
        Self::nothing(Notice::Note(Note::IncompatibleTypes { left, op, right }))
    }
}

/// True if a comparison holds.
pub(super) fn compare(op: BinaryOp, left: f64, right: f64) -> bool {
    match op {
        BinaryOp::Eq => left == right,
        BinaryOp::NotEq => left != right,
        BinaryOp::Greater => left > right,
        BinaryOp::Less => left < right,
        BinaryOp::GreaterEq => left >= right,
        BinaryOp::LessEq => left <= right,
        _ => false,
    }
}

/// An operator between two numbers; comparisons give 0 or 1.
#[inline]
pub(super) fn scalars(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left / right,
        BinaryOp::Pow => math::pow(left, right),
        BinaryOp::Mod => math::modulo(left, right),
        BinaryOp::Atan2 => math::atan2(left, right),
        _ => f64::from(u8::from(compare(op, left, right))),
    }
}

/// An operator between two samples (prometheus/promql/engine.go,
/// `vectorElemBinop`).
pub(super) fn apply(op: BinaryOp, left: &Sample, right: &Sample) -> Element {
    match (left, right) {
        (Sample::Float(l), Sample::Float(r)) => match op {
            BinaryOp::TrimLower | BinaryOp::TrimUpper => Element::mismatch(op, "float", "float"),
            _ if op.is_comparison() => Element::compared(left, compare(op, *l, *r)),
            _ => Element::of(Sample::Float(scalars(op, *l, *r))),
        },
        (Sample::Float(factor), Sample::Histogram(histogram)) => match op {
            BinaryOp::Mul => scaled(histogram, |h| h.multiply(*factor)),
            _ => Element::mismatch(op, "float", "histogram"),
        },
        (Sample::Histogram(histogram), Sample::Float(number)) => match op {
            BinaryOp::Mul => scaled(histogram, |h| h.multiply(*number)),
            BinaryOp::Div => scaled(histogram, |h| h.divide(*number)),
            BinaryOp::TrimUpper => trimmed(histogram, *number, Keep::Below),
            BinaryOp::TrimLower => trimmed(histogram, *number, Keep::Above),
            _ => Element::mismatch(op, "histogram", "float"),
        },
        (Sample::Histogram(l), Sample::Histogram(r)) => match op {
            BinaryOp::Add | BinaryOp::Sub => {
                combined(op, l, r).unwrap_or_else(|_| Element::nothing(Notice::Incompatible))
            }
            BinaryOp::Eq => Element::compared(left, l.same_data(r)),
            BinaryOp::NotEq => Element::compared(left, !l.same_data(r)),
            _ => Element::mismatch(op, "histogram", "histogram"),
        },
    }
}

fn scaled(histogram: &crate::Histogram, change: impl FnOnce(&mut crate::Histogram)) -> Element {
    let mut changed = histogram.clone();
    change(&mut changed);
    changed.compact();
    Element::of(Sample::Histogram(Arc::new(changed)))
}

fn trimmed(histogram: &crate::Histogram, value: f64, keep: Keep) -> Element {
    let mut rest = histogram.clone();
    rest.trim(value, keep);
    Element::of(Sample::Histogram(Arc::new(rest)))
}

fn combined(
    op: BinaryOp,
    left: &crate::Histogram,
    right: &crate::Histogram,
) -> Result<Element, IncompatibleSchemas> {
    let mut result = left.clone();
    let (combined, operation) = if op == BinaryOp::Add {
        (result.add(right)?, Operation::Addition)
    } else {
        let combined = result.subtract(right)?;
        result.counter_reset_hint = CounterResetHint::Gauge;
        (combined, Operation::Subtraction)
    };
    result.compact();
    // A result with a collision is not given: the note stands for it.
    if combined.reset_collision {
        return Ok(Element {
            value: None,
            keep: true,
            notice: Some(Notice::Note(Note::ResetCollision(operation))),
        });
    }
    let notice =
        combined.bounds_reconciled.then_some(Notice::Note(Note::BoundsReconciled(operation)));
    Ok(Element { value: Some(Sample::Histogram(Arc::new(result))), keep: true, notice })
}

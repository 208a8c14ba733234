//! Binary operators, applied along a chain from left to right.

mod element;
mod matching;
mod output;
mod sets;

use self::element::{Element, Notice};
use super::Evaluator;
use super::block::{ABSENT, Block, Sample, Series, is_present};
use crate::annotations::Note;
use crate::ast::{BinaryOp, ValueType};
use crate::plan::{Chain, Grid, Link};
use crate::query::Error;

impl Evaluator<'_> {
    pub(super) fn chain(&mut self, chain: &Chain, grid: Grid) -> Result<Block, Error> {
        let once = Grid::once(grid.start_ms);
        let varying = chain.links.iter().position(|link| link.left_invariant);
        let mut outside = varying.is_some().then(|| self.tally.enter(once));
        let mut left = self.eval(&chain.first, if varying.is_some() { once } else { grid })?;
        if chain.links.is_empty() {
            self.release(&left);
        }
        for (place, link) in chain.links.iter().enumerate() {
            if varying == Some(place)
                && let Some(outside) = outside.take()
            {
                let inside = self.tally.leave(outside);
                self.tally.every_step(inside);
                self.release(&left);
                left = left.repeated(grid);
                self.charge(&left)?;
            }
            let now = if varying.is_some_and(|varying| place < varying) { once } else { grid };
            let right = self.eval(&link.right, now)?;
            self.release(&left);
            self.release(&right);
            left = self.link(link, left, right)?;
            if place + 1 < chain.links.len() {
                self.charge(&left)?;
            }
        }
        Ok(left)
    }

    fn link(&mut self, link: &Link, left: Block, right: Block) -> Result<Block, Error> {
        use ValueType::Scalar;
        match (link.left_type, link.right_type) {
            (Scalar, Scalar) => {
                let grid = left.grid;
                let (left, right) = (left.into_scalar(), right.into_scalar());
                let values = left.iter().zip(&right);
                let values = values.map(|(l, r)| element::scalars(link.op, *l, *r));
                Ok(Block::scalar(grid, values.collect()))
            }
            (Scalar, _) => self.with_scalar(link, right, &left.into_scalar(), Side::Left),
            (_, Scalar) => self.with_scalar(link, left, &right.into_scalar(), Side::Right),
            _ if link.op.is_set() => self.unify(sets::apply(link, left, right)),
            _ => self.match_vectors(link, &left, &right),
        }
    }

    /// A vector and a scalar, which stands on the given side.
    fn with_scalar(
        &mut self,
        link: &Link,
        mut block: Block,
        scalar: &[f64],
        side: Side,
    ) -> Result<Block, Error> {
        let renames = link.return_bool || changes_schema(link.op);
        let mut operator = WithScalar { link, scalar, side, notices: Notices::default() };
        for (place, series) in block.series.iter_mut().enumerate() {
            self.budget.check()?;
            if series.histograms.is_empty() {
                operator.floats(place, &mut series.floats);
            } else {
                *series = operator.samples(place, series);
            }
            if renames {
                self.drop_name(series);
            }
        }
        operator.notices.note_all(self, link);
        self.unify(Block::of(block.grid, block.series))
    }
}

/// Where a scalar stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// Operators whose result is another metric.
fn changes_schema(op: BinaryOp) -> bool {
    use BinaryOp::{Add, Atan2, Div, Mod, Mul, Pow, Sub};
    matches!(op, Add | Sub | Div | Mul | Pow | Mod | Atan2)
}

/// An operator with a scalar on one side, at work on one series after the
/// other.
struct WithScalar<'l> {
    link: &'l Link,
    scalar: &'l [f64],
    side: Side,
    notices: Notices,
}

impl WithScalar<'_> {
    /// A series of floats; `place` is that of the series.
    fn floats(&mut self, place: usize, floats: &mut [f64]) {
        let op = self.link.op;
        if matches!(op, BinaryOp::TrimLower | BinaryOp::TrimUpper) {
            for (step, value) in floats.iter_mut().enumerate().filter(|(_, v)| is_present(**v)) {
                let (left, right) = ("float", "float");
                let note = Note::IncompatibleTypes { left, op: op.as_str(), right };
                self.notices.add(step, place, Notice::note(note));
                *value = ABSENT;
            }
            return;
        }
        let comparison = op.is_comparison();
        for (value, scalar) in floats.iter_mut().zip(self.scalar) {
            if !is_present(*value) {
                continue;
            }
            let (left, right) = match self.side {
                Side::Left => (*scalar, *value),
                Side::Right => (*value, *scalar),
            };
            if !comparison {
                *value = element::scalars(op, left, right);
                continue;
            }
            let holds = element::compare(op, left, right);
            if self.link.return_bool {
                *value = f64::from(u8::from(holds));
            } else if !holds {
                *value = ABSENT;
            }
        }
    }

    /// As [`Self::floats`], where some samples are histograms.
    fn samples(&mut self, place: usize, series: &Series) -> Series {
        let op = self.link.op;
        let mut out = Series::new(series.labels.clone(), series.floats.len());
        out.drop_name = series.drop_name;
        for (step, scalar) in self.scalar.iter().enumerate() {
            let Some(sample) = series.sample(step) else { continue };
            let number = Sample::Float(*scalar);
            let Element { value, keep, notice } = match self.side {
                Side::Left => element::apply(op, &number, &sample),
                Side::Right => element::apply(op, &sample, &number),
            };
            let Some(value) = value else {
                // Warnings are not told here.
                if let Some(notice) = notice.filter(|notice| !notice.is_warning()) {
                    self.notices.add(step, place, notice);
                }
                continue;
            };
            if self.link.return_bool {
                out.set(step, Sample::Float(f64::from(u8::from(keep))));
            } else if keep {
                out.set(step, if op.is_comparison() { sample } else { value });
            }
        }
        out
    }
}

/// What operators noticed. Of each step only the last is told.
#[derive(Default)]
struct Notices(std::collections::BTreeMap<usize, (usize, Notice)>);

impl Notices {
    /// `place` orders the notices of a step.
    fn add(&mut self, step: usize, place: usize, notice: Notice) {
        let last = self.0.get(&step).map_or(0, |(last, _)| *last);
        if place >= last {
            self.0.insert(step, (place, notice));
        }
    }

    fn note_all(self, evaluator: &mut Evaluator<'_>, link: &Link) {
        for (_, notice) in self.0.into_values() {
            evaluator.note(notice.into_note(link.op), link.position);
        }
    }
}

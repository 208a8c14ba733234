//! Binary operators, applied along a chain from left to right.

mod element;
mod matching;
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
        let mut left = self.eval(&chain.first, if varying.is_some() { once } else { grid })?;
        for (place, link) in chain.links.iter().enumerate() {
            if varying == Some(place) {
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
            _ => self.match_vectors(link, left, right),
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
        let mut notices = Notices::default();
        for (place, series) in block.series.iter_mut().enumerate() {
            if series.histograms.is_empty() {
                scalar_floats(link, &mut series.floats, scalar, side, &mut notices, place);
            } else {
                *series = scalar_samples(link, series, scalar, side, &mut notices, place);
            }
            if renames {
                self.drop_name(series);
            }
        }
        notices.note_all(self, link);
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

fn scalar_floats(
    link: &Link,
    floats: &mut [f64],
    scalar: &[f64],
    side: Side,
    notices: &mut Notices,
    place: usize,
) {
    if matches!(link.op, BinaryOp::TrimLower | BinaryOp::TrimUpper) {
        for (step, value) in floats.iter_mut().enumerate().filter(|(_, v)| is_present(**v)) {
            let op = link.op.as_str();
            let (left, right) = ("float", "float");
            notices.add(step, place, Notice::note(Note::IncompatibleTypes { left, op, right }));
            *value = ABSENT;
        }
        return;
    }
    let comparison = link.op.is_comparison();
    for (value, scalar) in floats.iter_mut().zip(scalar) {
        if !is_present(*value) {
            continue;
        }
        let (left, right) = match side {
            Side::Left => (*scalar, *value),
            Side::Right => (*value, *scalar),
        };
        if !comparison {
            *value = element::scalars(link.op, left, right);
            continue;
        }
        let holds = element::compare(link.op, left, right);
        if link.return_bool {
            *value = f64::from(u8::from(holds));
        } else if !holds {
            *value = ABSENT;
        }
    }
}

/// As [`scalar_floats`], where some samples are histograms.
fn scalar_samples(
    link: &Link,
    series: &Series,
    scalar: &[f64],
    side: Side,
    notices: &mut Notices,
    place: usize,
) -> Series {
    let steps = series.floats.len();
    let mut out = Series::new(series.labels.clone(), steps);
    out.drop_name = series.drop_name;
    for (step, scalar) in scalar.iter().enumerate().take(steps) {
        let Some(sample) = series.sample(step) else { continue };
        let number = Sample::Float(*scalar);
        let element = match side {
            Side::Left => element::apply(link.op, &number, &sample),
            Side::Right => element::apply(link.op, &sample, &number),
        };
        let Element { value, keep, notice } = element;
        let Some(value) = value else {
            // Warnings are not told here.
            if let Some(notice) = notice.filter(|notice| !notice.is_warning()) {
                notices.add(step, place, notice);
            }
            continue;
        };
        if link.return_bool {
            out.set(step, Sample::Float(f64::from(u8::from(keep))));
        } else if keep {
            let kept = if link.op.is_comparison() { sample } else { value };
            out.set(step, kept);
        }
    }
    out
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

//! `sort` and its relatives: only an instant query has an order.

use std::cmp::Ordering;

use super::block::{Block, Series};
use super::{Evaluator, heap};
use crate::annotations::Note;
use crate::functions::FunctionId;
use crate::plan::{Call, Grid, Node};
use crate::query::Error;

impl Evaluator<'_> {
    pub(super) fn sort(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let id = call.function.id;
        let mut block = self.vector_arg(call, grid)?;
        let by_value = matches!(id, FunctionId::Sort | FunctionId::SortDesc);
        if by_value {
            block.series.iter_mut().for_each(|series| series.histograms.clear());
            block = Block::of(grid, block.series);
        }
        if !grid.is_instant() {
            self.note(Note::SortInRangeQuery, call.position);
            return Ok(block);
        }
        let labels: Vec<String> = call.args.iter().filter_map(string_arg).collect();
        let value = |series: &Series| series.floats[0];
        match id {
            // NaN goes last in both directions.
            FunctionId::Sort => heap::sort(&mut block.series, |a, b| {
                value(b).is_nan() || value(b) > value(a)
            }),
            FunctionId::SortDesc => heap::sort(&mut block.series, |a, b| {
                value(b).is_nan() || value(b) < value(a)
            }),
            FunctionId::SortByLabel => {
                block.series.sort_by(|a, b| by_labels(&labels, a, b));
            }
            _ => block.series.sort_by(|a, b| by_labels(&labels, b, a)),
        }
        Ok(block)
    }
}

/// The text of a string argument.
pub(super) fn string_arg(node: &Node) -> Option<String> {
    match node {
        Node::String(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

fn by_labels(names: &[String], a: &Series, b: &Series) -> Ordering {
    for name in names {
        let (one, two) = (a.labels.value(name), b.labels.value(name));
        if one != two {
            return if natural_less(one, two) { Ordering::Less } else { Ordering::Greater };
        }
    }
    a.labels.cmp(&b.labels)
}

/// Compares runs of digits as numbers and all else as text
/// (github.com/facette/natsort).
fn natural_less(a: &str, b: &str) -> bool {
    let (a, b) = (chunks(a), chunks(b));
    for (place, one) in a.iter().enumerate() {
        let Some(two) = b.get(place) else { return false };
        let numbers = (one.parse::<i64>(), two.parse::<i64>());
        let order = match numbers {
            (Ok(one), Ok(two)) => one.cmp(&two),
            _ => one.cmp(two),
        };
        match order {
            Ordering::Equal if place == a.len() - 1 => return true,
            Ordering::Equal if place == b.len() - 1 => return false,
            Ordering::Equal => {}
            order => return order == Ordering::Less,
        }
    }
    false
}

/// Runs of digits and of everything else; the empty text is one run.
fn chunks(text: &str) -> Vec<&str> {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let mut chunks = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let end = rest
            .bytes()
            .position(|byte| is_digit(byte) != is_digit(first))
            .unwrap_or(rest.len());
        let (chunk, tail) = rest.split_at(end);
        chunks.push(chunk);
        rest = tail;
    }
    if chunks.is_empty() {
        chunks.push("");
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_compare_as_numbers() {
        assert!(natural_less("4m5", "4m600"));
        assert!(!natural_less("4m1000", "4m600"));
        assert!(natural_less("a", "b1"));
        assert!(natural_less("", "a"));
    }
}

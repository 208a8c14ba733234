//! Prints a syntax tree as a query (prometheus/promql/parser/printer.go).
//!
//! What comes in: a tree. What goes out: on one line what Prometheus's
//! `String()` prints, by `Display`; on several, what `/api/v1/format_query`
//! prints, by [`prettify`]. The printed query parses to the same tree, but for
//! spans, the order of matchers, times below a millisecond, and the last
//! millisecond of durations beyond some weeks (they pass through floats).
//!
//! Parentheses are nodes of the tree: who builds operators inside operators
//! must put them in; also around `a offset (1m)` before an operator, which
//! would go on with the offset.
//!
//! Prometheus prints a few queries so that they do not parse back, and so do
//! we: `Inf ^ a` as `+Inf ^ a`; `-0s` as `0s`; the selector `{}`, legal in
//! `info`, as nothing; `offset +(1m)` and `offset +step()` without the plus;
//! the labels `without`, `inf` and `nan` in lists without quotes. A label name
//! in braces that is not UTF-8 gets a U+FFFD, where Prometheus keeps the bytes.

mod pretty;
#[cfg(test)]
mod tests;

use std::fmt::{Display, Formatter, Result, Write};

use crate::ast::{
    Aggregate, At, Binary, Call, Cardinality, DurationExpr, DurationKind, Expr, Extended,
    FillValues, MatrixSelector, NumberLiteral, StringLiteral, Subquery, UnaryOp, VectorMatching,
    VectorSelector,
};
use crate::labels::METRIC_NAME;
use crate::matcher::{MatchOp, Matcher};
use crate::quote::{is_legacy_label_name, quote};
use crate::{duration, number};

pub use pretty::prettify;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Aggregate(node) => write_aggregate(f, node),
            Self::Binary(node) => node.fmt(f),
            Self::Call(node) => write_call(f, node),
            Self::Matrix(node) => node.fmt(f),
            Self::Number(node) => node.fmt(f),
            Self::Paren(node) => write!(f, "({})", node.expr),
            Self::String(node) => node.fmt(f),
            Self::Subquery(node) => {
                write!(f, "{}{}", node.expr, SubquerySuffix(node))
            }
            Self::Unary(node) => write!(f, "{}{}", node.op, node.expr),
            Self::Vector(node) => node.fmt(f),
        }
    }
}

/// The chain of left operands in a loop.
impl Display for Binary {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let spine = self.spine();
        let innermost = spine.last().expect("a spine holds at least its start");
        innermost.lhs.fmt(f)?;
        for link in spine.iter().rev() {
            write!(f, " {} {}", Operator(link), link.rhs)?;
        }
        Ok(())
    }
}

impl Display for MatrixSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let selector = &self.selector;
        write_bare_selector(f, selector)?;
        let range = Length(self.range_ms, self.range_expr.as_deref());
        write!(f, "[{range}]")?;
        write_extended(f, selector.extended)?;
        write_at(f, selector.at)?;
        write_offset(f, selector.offset_ms, selector.offset_expr.as_deref())
    }
}

impl Display for VectorSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write_bare_selector(f, self)?;
        write_at(f, self.at)?;
        write_extended(f, self.extended)?;
        write_offset(f, self.offset_ms, self.offset_expr.as_deref())
    }
}

impl Display for NumberLiteral {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if !self.duration {
            let mut text = Vec::new();
            number::write_float(&mut text, self.value);
            return write_ascii(f, &text);
        }
        if self.value < 0.0 {
            f.write_char('-')?;
        }
        f.write_str(&duration::format((self.value.abs() * 1e9) as i64))
    }
}

impl Display for StringLiteral {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.value.fmt(f)
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (open, close) = if self.wrapped { ("(", ")") } else { ("", "") };
        f.write_str(open)?;
        match &self.kind {
            DurationKind::Number(number) => number.fmt(f)?,
            DurationKind::Step => f.write_str("step()")?,
            DurationKind::Range => f.write_str("range()")?,
            DurationKind::MinOf(lhs, rhs) => write!(f, "min_of({lhs}, {rhs})")?,
            DurationKind::MaxOf(lhs, rhs) => write!(f, "max_of({lhs}, {rhs})")?,
            DurationKind::Unary(UnaryOp::Plus, operand) => operand.fmt(f)?,
            DurationKind::Unary(UnaryOp::Minus, operand) => write!(f, "-{operand}")?,
            DurationKind::Binary(op, lhs, rhs) => write!(f, "{lhs} {op} {rhs}")?,
        }
        f.write_str(close)
    }
}

/// A fixed or computed length of time.
struct Length<'a>(i64, Option<&'a DurationExpr>);

impl Display for Length<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.1 {
            Some(computed) => computed.fmt(f),
            None => f.write_str(&duration::format_ms(self.0)),
        }
    }
}

/// A binary operator with its modifiers.
struct Operator<'a>(&'a Binary);

impl Display for Operator<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let node = self.0;
        write!(f, "{}", node.op)?;
        if node.return_bool {
            f.write_str(" bool")?;
        }
        node.matching.as_ref().map_or(Ok(()), |matching| write_matching(f, matching))
    }
}

/// An aggregation's operator with its labels.
struct Aggregator<'a>(&'a Aggregate);

impl Display for Aggregator<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let node = self.0;
        write!(f, "{}", node.op)?;
        let word = match node.without {
            true => " without (",
            false if node.grouping.is_empty() => return Ok(()),
            false => " by (",
        };
        f.write_str(word)?;
        write_labels(f, &node.grouping)?;
        f.write_str(") ")
    }
}

/// What follows the expression of a subquery.
struct SubquerySuffix<'a>(&'a Subquery);

impl Display for SubquerySuffix<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let node = self.0;
        let range = Length(node.range_ms, node.range_expr.as_deref());
        write!(f, "[{range}:")?;
        match &node.step_expr {
            _ if node.step_ms != 0 => f.write_str(&duration::format_ms(node.step_ms))?,
            Some(step) => step.fmt(f)?,
            None => {}
        }
        f.write_char(']')?;
        write_at(f, node.at)?;
        write_offset(f, node.offset_ms, node.offset_expr.as_deref())
    }
}

fn write_aggregate(f: &mut Formatter<'_>, node: &Aggregate) -> Result {
    write!(f, "{}(", Aggregator(node))?;
    if let Some(param) = &node.param {
        write!(f, "{param}, ")?;
    }
    write!(f, "{})", node.expr)
}

fn write_call(f: &mut Formatter<'_>, node: &Call) -> Result {
    write!(f, "{}(", node.function.name)?;
    for (index, arg) in node.args.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        arg.fmt(f)?;
    }
    f.write_char(')')
}

/// Name and matchers, without modifiers. Matchers are sorted by their text.
fn write_bare_selector(f: &mut Formatter<'_>, selector: &VectorSelector) -> Result {
    f.write_str(&selector.name)?;
    let written = |matcher: &&Matcher| !is_own_name(selector, matcher);
    let matchers = selector.matchers.iter().filter(written);
    let mut matchers: Vec<String> = matchers.map(ToString::to_string).collect();
    if matchers.is_empty() {
        return Ok(());
    }
    matchers.sort_unstable();
    write!(f, "{{{}}}", matchers.join(","))
}

/// True for the matcher that the name before the braces stands for.
fn is_own_name(selector: &VectorSelector, matcher: &Matcher) -> bool {
    matcher.op() == MatchOp::Equal
        && matcher.name() == METRIC_NAME
        && !matcher.value().is_empty()
        && *matcher.value() == *selector.name
}

fn write_at(f: &mut Formatter<'_>, at: Option<At>) -> Result {
    match at {
        None => Ok(()),
        Some(At::Time(ms)) => write!(f, " @ {:.3}", ms as f64 / 1000.0),
        Some(At::Start) => f.write_str(" @ start()"),
        Some(At::End) => f.write_str(" @ end()"),
    }
}

fn write_extended(f: &mut Formatter<'_>, extended: Option<Extended>) -> Result {
    match extended {
        None => Ok(()),
        Some(extended) => write!(f, " {}", extended.as_str()),
    }
}

fn write_offset(f: &mut Formatter<'_>, ms: i64, computed: Option<&DurationExpr>) -> Result {
    if ms != 0 || computed.is_some() {
        write!(f, " offset {}", Length(ms, computed))?;
    }
    Ok(())
}

fn write_matching(f: &mut Formatter<'_>, matching: &VectorMatching) -> Result {
    let group = match matching.cardinality {
        Cardinality::ManyToOne => Some("left"),
        Cardinality::OneToMany => Some("right"),
        Cardinality::OneToOne | Cardinality::ManyToMany => None,
    };
    if !matching.labels.is_empty() || matching.on || group.is_some() {
        f.write_str(if matching.on { " on (" } else { " ignoring (" })?;
        write_labels(f, &matching.labels)?;
        f.write_char(')')?;
    }
    if let Some(side) = group {
        write!(f, " group_{side} (")?;
        write_labels(f, &matching.include)?;
        f.write_char(')')?;
    }
    write_fill(f, matching.fill)
}

fn write_fill(f: &mut Formatter<'_>, fill: FillValues) -> Result {
    if let (Some(lhs), Some(rhs)) = (fill.lhs, fill.rhs)
        && lhs == rhs
    {
        return write_fill_value(f, "fill", Some(lhs));
    }
    write_fill_value(f, "fill_left", fill.lhs)?;
    write_fill_value(f, "fill_right", fill.rhs)
}

fn write_fill_value(f: &mut Formatter<'_>, word: &str, value: Option<f64>) -> Result {
    let Some(value) = value else { return Ok(()) };
    let mut text = Vec::new();
    number::write_general(&mut text, value);
    write!(f, " {word} (")?;
    write_ascii(f, &text)?;
    f.write_char(')')
}

fn write_labels(f: &mut Formatter<'_>, labels: &[String]) -> Result {
    for (index, label) in labels.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        if is_legacy_label_name(label) {
            f.write_str(label)?;
        } else {
            f.write_str(&quote(label.as_bytes()))?;
        }
    }
    Ok(())
}

fn write_ascii(f: &mut Formatter<'_>, text: &[u8]) -> Result {
    text.iter().try_for_each(|byte| f.write_char(char::from(*byte)))
}

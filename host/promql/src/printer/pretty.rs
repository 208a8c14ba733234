//! Prints a query on several lines (prometheus/promql/parser/prettier.go).
//!
//! A node that fits into a line is printed on one; else its parts go on lines
//! of their own, one level deeper.

use std::fmt::{self, Write};

use super::{Aggregator, Operator, SubquerySuffix};
use crate::ast::{Binary, Expr};

/// Nodes longer than this are split.
const MAX_BYTES_PER_LINE: usize = 100;
/// A chain of so many binary operators is longer than a line: each has at
/// least an operator, two blanks and an operand.
const MAX_LINKS_PER_LINE: usize = MAX_BYTES_PER_LINE / 4;
/// A limit of our own: a chain of n operators is indented up to n levels, so
/// its lines are quadratic in size.
const MAX_BYTES: usize = 16 << 20;

/// Prints a query as `/api/v1/format_query` does, or on one line if that is
/// more than 16 MiB.
#[must_use]
pub fn prettify(expr: &Expr) -> String {
    let mut out = Bounded::new(MAX_BYTES);
    match write_expr(&mut out, expr, 0) {
        Ok(()) => out.text,
        Err(fmt::Error) => expr.to_string(),
    }
}

/// A text that refuses to grow past a limit.
struct Bounded {
    text: String,
    limit: usize,
}

impl Bounded {
    fn new(limit: usize) -> Self {
        let text = String::new();
        Self { text, limit }
    }

    fn indent(&mut self, level: usize) -> fmt::Result {
        (0..level).try_for_each(|_| self.write_str("  "))
    }
}

impl Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.text.len() + part.len() > self.limit {
            return Err(fmt::Error);
        }
        self.text.push_str(part);
        Ok(())
    }
}

fn needs_split(expr: &Expr) -> bool {
    match expr {
        Expr::Binary(binary) => chain_needs_split(binary),
        _ => write!(Bounded::new(MAX_BYTES_PER_LINE), "{expr}").is_err(),
    }
}

/// Looks at the whole chain of left operands only if it is short.
fn chain_needs_split(binary: &Binary) -> bool {
    let mut links = 1;
    let mut left = &binary.lhs;
    while let Expr::Binary(inner) = &**left {
        links += 1;
        if links > MAX_LINKS_PER_LINE {
            return true;
        }
        left = &inner.lhs;
    }
    write!(Bounded::new(MAX_BYTES_PER_LINE), "{binary}").is_err()
}

/// Writes a node whose parent has begun a new line for it if `level` is above
/// 0.
fn write_expr(out: &mut Bounded, expr: &Expr, level: usize) -> fmt::Result {
    match expr {
        Expr::Subquery(node) if needs_split(expr) => {
            write_expr(out, &node.expr, level)?;
            write!(out, "{}", SubquerySuffix(node))
        }
        // Not indented in Prometheus either.
        Expr::Subquery(_) => write!(out, "{expr}"),
        Expr::Unary(node) => {
            out.indent(level)?;
            let mut operand = Bounded::new(out.limit);
            write_expr(&mut operand, &node.expr, level)?;
            write!(out, "{}{}", node.op, operand.text.trim())
        }
        Expr::Binary(node) if needs_split(expr) => write_chain(out, node, level),
        Expr::Aggregate(_) | Expr::Call(_) | Expr::Paren(_) if needs_split(expr) => {
            out.indent(level)?;
            write_split(out, expr, level)
        }
        _ => {
            out.indent(level)?;
            write!(out, "{expr}")
        }
    }
}

/// Writes something in parentheses on several lines.
fn write_split(out: &mut Bounded, expr: &Expr, level: usize) -> fmt::Result {
    match expr {
        Expr::Aggregate(node) => write!(out, "{}", Aggregator(node))?,
        Expr::Call(node) => out.write_str(node.function.name)?,
        _ => {}
    }
    out.write_str("(\n")?;
    let parts: Vec<&Expr> = match expr {
        // The parameter is printed first.
        Expr::Aggregate(node) => node.param.as_deref().into_iter().chain([&*node.expr]).collect(),
        _ => expr.children().collect(),
    };
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            out.write_str(",\n")?;
        }
        write_expr(out, part, level + 1)?;
    }
    out.write_char('\n')?;
    out.indent(level)?;
    out.write_char(')')
}

/// Writes a chain of left operands in a loop: the further inside, the deeper.
fn write_chain(out: &mut Bounded, binary: &Binary, level: usize) -> fmt::Result {
    let spine = binary.spine();
    let split = spine.iter().position(|link| !chain_needs_split(link));
    let split = &spine[..split.unwrap_or(spine.len())];
    let innermost = split.last().expect("the outermost operator is split");
    write_expr(out, &innermost.lhs, level + split.len())?;
    for (depth, link) in split.iter().enumerate().rev() {
        out.write_char('\n')?;
        out.indent(level + depth)?;
        write!(out, "{}", Operator(link))?;
        out.write_char('\n')?;
        write_expr(out, &link.rhs, level + depth + 1)?;
    }
    Ok(())
}

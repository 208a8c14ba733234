//! What may stand behind an operand: a range or subquery in brackets,
//! `offset`, `@`, `anchored` and `smoothed`.

use super::literal::millis;
use super::{Context, Parser, Result};
use crate::ast::{At, DurationExpr, DurationKind, Expr, Extended, MatrixSelector, Span, Subquery};
use crate::gomath::to_i64;
use crate::lexer::{Keyword, TokenKind};

/// The parts of a selector or subquery that modifiers set.
struct Modified<'a> {
    offset_ms: &'a mut i64,
    offset_expr: &'a mut Option<Box<DurationExpr>>,
    at: &'a mut Option<At>,
    end: &'a mut usize,
}

fn modified(expr: &mut Expr) -> Option<Modified<'_>> {
    match expr {
        Expr::Vector(node) => Some(Modified {
            offset_ms: &mut node.offset_ms,
            offset_expr: &mut node.offset_expr,
            at: &mut node.at,
            end: &mut node.span.end,
        }),
        Expr::Matrix(MatrixSelector { selector, span, .. }) => Some(Modified {
            offset_ms: &mut selector.offset_ms,
            offset_expr: &mut selector.offset_expr,
            at: &mut selector.at,
            end: &mut span.end,
        }),
        Expr::Subquery(node) => Some(Modified {
            offset_ms: &mut node.offset_ms,
            offset_expr: &mut node.offset_expr,
            at: &mut node.at,
            end: &mut node.span.end,
        }),
        _ => None,
    }
}

impl Parser<'_> {
    /// An operand and everything behind it that belongs to it.
    pub(super) fn postfix(&mut self, mut expr: Box<Expr>) -> Result<Box<Expr>> {
        loop {
            match self.peek()?.kind {
                TokenKind::LeftBracket => expr = self.brackets(expr)?,
                TokenKind::At => self.at(&mut expr)?,
                TokenKind::Keyword(Keyword::Offset) => self.offset(&mut expr)?,
                TokenKind::Keyword(Keyword::Anchored) => {
                    self.extended(&mut expr, Extended::Anchored)?;
                }
                TokenKind::Keyword(Keyword::Smoothed) => {
                    self.extended(&mut expr, Extended::Smoothed)?;
                }
                _ => return Ok(expr),
            }
        }
    }

    fn brackets(&mut self, expr: Box<Expr>) -> Result<Box<Expr>> {
        let height = self.height;
        let open = self.take()?;
        let range = self.within(Context::RangeOrSubquery, Self::positive_duration)?;
        match self.peek()?.kind {
            TokenKind::RightBracket => {
                let close = self.take()?;
                self.height = height;
                let matrix = self.range_selector(*expr, range, open.span.to(close.span))?;
                Ok(Box::new(matrix))
            }
            TokenKind::Colon => {
                let (step_ms, step_expr) = self.subquery_step()?;
                self.grow(height)?;
                Ok(Box::new(self.subquery(expr, range, step_ms, step_expr)))
            }
            _ => Err(self.unexpected_in("subquery or range", "\":\" or \"]\"")),
        }
    }

    fn range_selector(&self, expr: Expr, range: DurationExpr, brackets: Span) -> Result<Expr> {
        let Expr::Vector(selector) = expr else {
            return Err(self.error(brackets, "ranges only allowed for vector selectors"));
        };
        if selector.offset_ms != 0 || selector.offset_expr.is_some() {
            return Err(self.error(brackets, "no offset modifiers allowed before range"));
        }
        if selector.at.is_some() {
            return Err(self.error(brackets, "no @ modifiers allowed before range"));
        }
        let span = selector.span.to(brackets);
        let (range_ms, range_expr) = fixed_or_computed(range);
        Ok(Expr::Matrix(MatrixSelector { selector, range_ms, range_expr, span }))
    }

    /// The step of a subquery, from its colon to the closing bracket.
    fn subquery_step(&mut self) -> Result<(i64, Option<Box<DurationExpr>>)> {
        self.take()?;
        if self.accept(TokenKind::RightBracket)?.is_some() {
            return Ok((0, None));
        }
        let step = self.within(Context::SubqueryStep, Self::positive_duration)?;
        if self.accept(TokenKind::RightBracket)?.is_none() {
            return Err(self.unexpected_in("subquery selector", "\"]\""));
        }
        Ok(fixed_or_computed(step))
    }

    fn subquery(
        &self,
        expr: Box<Expr>,
        range: DurationExpr,
        step_ms: i64,
        step_expr: Option<Box<DurationExpr>>,
    ) -> Expr {
        let span = Span { start: expr.span().start, end: self.end };
        let (range_ms, range_expr) = fixed_or_computed(range);
        Expr::Subquery(Subquery {
            expr,
            range_ms,
            range_expr,
            step_ms,
            step_expr,
            offset_ms: 0,
            offset_expr: None,
            at: None,
            span,
        })
    }

    fn offset(&mut self, expr: &mut Expr) -> Result<()> {
        let height = self.height;
        self.take()?;
        let offset = self.within(Context::Offset, Self::offset_duration)?;
        self.height = height;
        let (end, span) = (self.end, expr.span());
        let Some(node) = modified(expr) else {
            return Err(self.error(span, must_follow("offset modifier")));
        };
        if *node.offset_ms != 0 || node.offset_expr.is_some() {
            return Err(self.error(span, "offset may not be set multiple times"));
        }
        (*node.offset_ms, *node.offset_expr) = fixed_or_computed(offset);
        *node.end = end;
        Ok(())
    }

    fn at(&mut self, expr: &mut Expr) -> Result<()> {
        self.take()?;
        let at = self.within(Context::At, |parser| parser.timestamp(expr.span()))?;
        let (end, span) = (self.end, expr.span());
        let Some(node) = modified(expr) else {
            return Err(self.error(span, must_follow("@ modifier")));
        };
        if node.at.is_some() {
            return Err(self.error(span, "@ <timestamp> may not be set multiple times"));
        }
        (*node.at, *node.end) = (Some(at), end);
        Ok(())
    }

    /// What follows an `@` behind an expression at `modified`.
    fn timestamp(&mut self, modified: Span) -> Result<At> {
        let at = match self.peek()?.kind {
            TokenKind::Keyword(Keyword::Start) => At::Start,
            TokenKind::Keyword(Keyword::End) => At::End,
            _ => {
                let seconds = self.signed_number()?;
                return self.at_time(modified, seconds);
            }
        };
        self.take()?;
        self.expect(TokenKind::LeftParen)?;
        self.expect(TokenKind::RightParen)?;
        Ok(at)
    }

    fn at_time(&self, modified: Span, seconds: f64) -> Result<At> {
        // Strictly between the smallest and the largest integer, as floats.
        if seconds.abs() < i64::MAX as f64 {
            return Ok(At::Time(to_i64((seconds * 1000.0).round())));
        }
        let seconds = if seconds.is_finite() {
            format!("{seconds:.6}")
        } else if seconds.is_nan() {
            "NaN".to_owned()
        } else {
            let sign = if seconds > 0.0 { '+' } else { '-' };
            format!("{sign}Inf")
        };
        let message = format!("timestamp out of bounds for @ modifier: {seconds}");
        Err(self.error(modified, message))
    }

    fn extended(&mut self, expr: &mut Expr, extended: Extended) -> Result<()> {
        let keyword = self.take()?;
        let word = self.text(keyword).to_ascii_lowercase();
        let span = expr.span();
        if !self.options.extended_range_selectors {
            let message = format!("{word} modifier is experimental and not enabled");
            return Err(self.error(span, message));
        }
        let selector = match expr {
            Expr::Vector(selector) => selector,
            Expr::Matrix(matrix) => &mut matrix.selector,
            Expr::Subquery(_) => {
                let message = format!("{word} modifier is not supported for subqueries");
                return Err(self.error(span, message));
            }
            _ => {
                let message = format!("{word} modifier not implemented");
                return Err(self.error(span, message));
            }
        };
        if selector.extended.is_some_and(|other| other != extended) {
            let message = "anchored and smoothed modifiers cannot be used together";
            return Err(self.error(span, message));
        }
        selector.extended = Some(extended);
        Ok(())
    }
}

fn must_follow(modifier: &str) -> String {
    format!(
        "{modifier} must be preceded by an instant vector selector or range vector selector \
         or a subquery"
    )
}

/// A literal as milliseconds, anything else as it is.
fn fixed_or_computed(duration: DurationExpr) -> (i64, Option<Box<DurationExpr>>) {
    match duration.kind {
        DurationKind::Number(number) => (millis(number.value), None),
        _ => (0, Some(Box::new(duration))),
    }
}

//! Aggregations, and the label lists of `by`, `without` and their like.

use super::{Context, Parser, Result};
use crate::ast::{Aggregate, AggregateOp, BinaryOp, Expr, Span};
use crate::lexer::{Keyword, Token, TokenKind};
use crate::quote::quote;

/// `by` or `without`, with its labels.
#[derive(Default)]
struct Grouping {
    labels: Vec<String>,
    without: bool,
}

impl Parser<'_> {
    /// An aggregation, from behind its operator on.
    pub(super) fn aggregate(&mut self, name: Token, op: AggregateOp) -> Result<Box<Expr>> {
        let outer = std::mem::replace(&mut self.context, Context::Aggregation);
        let before = self.grouping()?;
        let args = self.arguments()?;
        self.context = outer;
        let grouping = match before {
            Some(grouping) => grouping,
            None => self.grouping()?.unwrap_or_default(),
        };
        self.aggregated(name, op, grouping, args)
    }

    /// The aggregation of what has been read.
    fn aggregated(
        &self,
        name: Token,
        op: AggregateOp,
        grouping: Grouping,
        args: Vec<Expr>,
    ) -> Result<Box<Expr>> {
        let span = Span { start: name.span.start, end: self.end };
        let (param, expr) = self.split_arguments(op, args, span)?;
        Ok(Box::new(Expr::Aggregate(Aggregate {
            op,
            expr: Box::new(expr),
            param: param.map(Box::new),
            grouping: grouping.labels,
            without: grouping.without,
            span,
        })))
    }

    /// The parameter, if the operator takes one, and the vector.
    fn split_arguments(
        &self,
        op: AggregateOp,
        args: Vec<Expr>,
        span: Span,
    ) -> Result<(Option<Expr>, Expr)> {
        if args.is_empty() {
            let message = "no arguments for aggregate expression provided";
            return Err(self.error(span, message));
        }
        if op.experimental() && !self.options.experimental_functions {
            let message = format!(
                "{op}() is experimental and must be enabled with \
                 --enable-feature=promql-experimental-functions"
            );
            return Err(self.error(span, message));
        }
        let (expected, got) = (1 + usize::from(op.takes_param()), args.len());
        let mut args = args.into_iter();
        match (args.next(), args.next()) {
            (Some(expr), None) if expected == 1 => Ok((None, expr)),
            (Some(param), Some(expr)) if expected == 2 && got == 2 => Ok((Some(param), expr)),
            _ => {
                let message = format!(
                    "wrong number of arguments for aggregate expression provided, \
                     expected {expected}, got {got}"
                );
                Err(self.error(span, message))
            }
        }
    }

    /// `by (…)` or `without (…)`, if it comes next.
    fn grouping(&mut self) -> Result<Option<Grouping>> {
        let without = match self.peek()?.kind {
            TokenKind::Keyword(Keyword::By) => false,
            TokenKind::Keyword(Keyword::Without) => true,
            _ => return Ok(None),
        };
        self.take()?;
        let labels = self.label_list()?;
        Ok(Some(Grouping { labels, without }))
    }

    /// Label names in parentheses, maybe with a comma after the last.
    pub(super) fn label_list(&mut self) -> Result<Vec<String>> {
        const PLACE: &str = "grouping opts";
        if self.accept(TokenKind::LeftParen)?.is_none() {
            return Err(self.unexpected_in(PLACE, "\"(\""));
        }
        let mut labels = Vec::new();
        while self.accept(TokenKind::RightParen)?.is_none() {
            let token = self.peek()?;
            if !is_label_name(token.kind) {
                return Err(self.unexpected_in(PLACE, "label"));
            }
            labels.push(self.label()?);
            match self.peek()?.kind {
                TokenKind::Comma => drop(self.take()?),
                TokenKind::RightParen => {}
                _ => return Err(self.unexpected_in(PLACE, "\",\" or \")\"")),
            }
        }
        Ok(labels)
    }

    /// A label name in a list, which comes next.
    fn label(&mut self) -> Result<String> {
        let token = self.take()?;
        if token.kind != TokenKind::String {
            return Ok(self.text(token).to_owned());
        }
        let name = self.unquote(token)?;
        match name.as_str() {
            Some(name) if !name.is_empty() => Ok(name.to_owned()),
            _ => {
                let message =
                    format!("invalid label name for grouping: {}", quote(name.as_bytes()));
                Err(self.error(token.span, message))
            }
        }
    }
}

/// True for the tokens that may stand in a list of labels.
fn is_label_name(kind: TokenKind) -> bool {
    match kind {
        TokenKind::Identifier
        | TokenKind::MetricIdentifier
        | TokenKind::String
        | TokenKind::Aggregate(_) => true,
        TokenKind::Binary(op) => op.is_set() || op == BinaryOp::Atan2,
        TokenKind::Keyword(keyword) => keyword != Keyword::Without,
        _ => false,
    }
}

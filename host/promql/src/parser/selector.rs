//! Vector selectors: a name, and matchers in braces.

use super::expr::is_metric_name;
use super::{Parser, Result};
use crate::ast::{BinaryOp, Span, VectorSelector};
use crate::labels::METRIC_NAME;
use crate::lexer::{Token, TokenKind};
use crate::matcher::{MatchOp, Matcher};
use crate::quote::ByteString;

const PLACE: &str = "label matching";

impl Parser<'_> {
    /// A selector and nothing else.
    pub(super) fn bare_selector(&mut self) -> Result<VectorSelector> {
        match self.peek()?.kind {
            TokenKind::LeftBrace => self.selector(None),
            kind if is_metric_name(kind) => {
                let name = self.take()?;
                self.selector(Some(name))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// A selector, from behind its name on, if it has one; else its brace
    /// comes next.
    pub(super) fn selector(&mut self, name: Option<Token>) -> Result<VectorSelector> {
        self.height = 1;
        let start = match name {
            Some(name) => name.span.start,
            None => self.peek()?.span.start,
        };
        let mut matchers = Vec::new();
        if self.accept(TokenKind::LeftBrace)?.is_some() {
            self.matchers(&mut matchers)?;
        }
        let span = Span { start, end: self.end };
        let name = name.map_or("", |name| self.text(name));
        if !name.is_empty() {
            matchers.push(self.equal_matcher(name, span)?);
        }
        Ok(VectorSelector {
            name: name.to_owned(),
            matchers,
            offset_ms: 0,
            offset_expr: None,
            at: None,
            extended: None,
            span,
        })
    }

    /// Matchers up to the closing brace.
    fn matchers(&mut self, matchers: &mut Vec<Matcher>) -> Result<()> {
        while self.accept(TokenKind::RightBrace)?.is_none() {
            let matcher = match self.peek()?.kind {
                TokenKind::Identifier => {
                    let label = self.take()?;
                    let name = self.text(label).to_owned();
                    self.matcher(label, name)?
                }
                TokenKind::String => self.quoted_matcher()?,
                _ => return Err(self.unexpected_in(PLACE, "identifier or \"}\"")),
            };
            matchers.push(matcher);
            match self.peek()?.kind {
                TokenKind::Comma => drop(self.take()?),
                TokenKind::RightBrace => {}
                _ => return Err(self.unexpected_in(PLACE, "\",\" or \"}\"")),
            }
        }
        Ok(())
    }

    /// A matcher whose label is quoted, or a quoted metric name.
    fn quoted_matcher(&mut self) -> Result<Matcher> {
        let label = self.take()?;
        let name = self.unquote(label)?;
        match match_op(self.peek()?.kind) {
            // Names that are not UTF-8 name nothing that exists.
            Some(_) => self.matcher(label, name.to_str_lossy().into_owned()),
            None => self.equal_matcher(name, label.span),
        }
    }

    fn equal_matcher(&self, name: impl Into<ByteString>, span: Span) -> Result<Matcher> {
        Matcher::new(METRIC_NAME, MatchOp::Equal, name)
            .map_err(|error| self.error(span, error.to_string()))
    }

    /// Operator and value after the label of a matcher.
    fn matcher(&mut self, label: Token, name: String) -> Result<Matcher> {
        let Some(op) = match_op(self.peek()?.kind) else {
            return Err(self.unexpected_in(PLACE, "label matching operator"));
        };
        self.take()?;
        let Some(value) = self.accept(TokenKind::String)? else {
            return Err(self.unexpected_in(PLACE, "string"));
        };
        let text = self.unquote(value)?;
        Matcher::new(name, op, text)
            .map_err(|error| self.error(label.span.to(value.span), error.to_string()))
    }
}

fn match_op(kind: TokenKind) -> Option<MatchOp> {
    match kind {
        TokenKind::Equal => Some(MatchOp::Equal),
        TokenKind::Binary(BinaryOp::NotEq) => Some(MatchOp::NotEqual),
        TokenKind::EqualRegex => Some(MatchOp::Regex),
        TokenKind::NotRegex => Some(MatchOp::NotRegex),
        _ => None,
    }
}

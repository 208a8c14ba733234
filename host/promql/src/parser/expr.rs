//! Expressions: operators, signs, parentheses, calls.

use super::{Parser, Result};
use crate::ast::{Binary, BinaryOp, Call, Expr, Paren, Span, StringLiteral, Unary, UnaryOp};
use crate::functions;
use crate::lexer::{Keyword, Token, TokenKind};
use crate::quote::quote;

impl Parser<'_> {
    /// An expression whose operators bind at least as strongly as
    /// `precedence` (see [`BinaryOp::precedence`]).
    pub(super) fn expr(&mut self, precedence: u8) -> Result<Box<Expr>> {
        let mut lhs = self.operand()?;
        while let TokenKind::Binary(op) = self.peek()?.kind
            && op.precedence() >= precedence
        {
            self.take()?;
            lhs = self.binary(lhs, op)?;
        }
        Ok(lhs)
    }

    /// A binary operator, from behind the operator on.
    fn binary(&mut self, lhs: Box<Expr>, op: BinaryOp) -> Result<Box<Expr>> {
        let left_height = self.height;
        let modifiers = self.modifiers()?;
        // `^` associates to the right, all others to the left.
        let precedence = op.precedence() + u8::from(op != BinaryOp::Pow);
        let rhs = self.nested(|parser| parser.expr(precedence))?;
        self.grow(self.height)?;
        self.height = self.height.max(left_height);
        let span = lhs.span().to(rhs.span());
        if modifiers.matching.fill.any() && !self.options.fill_modifiers {
            let message = "binop fill modifiers are experimental and not enabled";
            return Err(self.error(span, message));
        }
        Ok(Box::new(Expr::Binary(Binary {
            op,
            lhs,
            rhs,
            matching: Some(modifiers.matching),
            return_bool: modifiers.return_bool,
            span,
        })))
    }

    /// What stands between binary operators: signs bind more strongly than
    /// `*`, less than `^`, and less than everything behind an operand.
    fn operand(&mut self) -> Result<Box<Expr>> {
        let op = match self.peek()?.kind {
            TokenKind::Binary(BinaryOp::Add) => UnaryOp::Plus,
            TokenKind::Binary(BinaryOp::Sub) => UnaryOp::Minus,
            _ => {
                let primary = self.primary()?;
                return self.postfix(primary);
            }
        };
        let sign = self.take()?;
        let operand = self.nested(|parser| parser.expr(BinaryOp::Pow.precedence()))?;
        self.signed(sign, op, operand)
    }

    fn signed(&mut self, sign: Token, op: UnaryOp, mut operand: Box<Expr>) -> Result<Box<Expr>> {
        let span = sign.span.to(operand.span());
        if let Expr::Number(number) = &mut *operand {
            number.value = op.apply(number.value);
            number.span = span;
            return Ok(operand);
        }
        self.grow(self.height)?;
        let expr = operand;
        Ok(Box::new(Expr::Unary(Unary { op, expr, span })))
    }

    fn primary(&mut self) -> Result<Box<Expr>> {
        self.height = 1;
        let token = self.peek()?;
        match token.kind {
            TokenKind::Number | TokenKind::Duration | TokenKind::String => self.literal(),
            TokenKind::LeftParen => self.paren(),
            TokenKind::LeftBrace => self.selected(None),
            _ if is_metric_name(token.kind) => self.named(),
            _ => Err(self.unexpected()),
        }
    }

    fn literal(&mut self) -> Result<Box<Expr>> {
        let literal = if self.peek()?.kind == TokenKind::String {
            let token = self.take()?;
            let value = self.unquote(token)?;
            let span = token.span;
            Expr::String(StringLiteral { value, span })
        } else {
            Expr::Number(self.number_literal()?)
        };
        Ok(Box::new(literal))
    }

    fn selected(&mut self, name: Option<Token>) -> Result<Box<Expr>> {
        let selector = self.selector(name)?;
        Ok(Box::new(Expr::Vector(selector)))
    }

    fn paren(&mut self) -> Result<Box<Expr>> {
        let open = self.take()?;
        let expr = self.nested(|parser| parser.expr(0))?;
        let close = self.expect(TokenKind::RightParen)?;
        self.grow(self.height)?;
        let span = open.span.to(close.span);
        Ok(Box::new(Expr::Paren(Paren { expr, span })))
    }

    /// What starts with a word: an aggregation, a call or a selector.
    fn named(&mut self) -> Result<Box<Expr>> {
        let name = self.take()?;
        let next = self.peek()?.kind;
        match (name.kind, next) {
            (
                TokenKind::Aggregate(op),
                TokenKind::LeftParen | TokenKind::Keyword(Keyword::By | Keyword::Without),
            ) => self.aggregate(name, op),
            (TokenKind::Identifier, TokenKind::LeftParen) => self.call(name),
            (TokenKind::Keyword(keyword), TokenKind::LeftParen) if keyword.is_function() => {
                self.call(name)
            }
            _ => self.selected(Some(name)),
        }
    }

    fn call(&mut self, name: Token) -> Result<Box<Expr>> {
        let args = self.arguments()?;
        let text = self.text(name);
        let Some(function) = functions::find(text) else {
            let message = format!("unknown function with name {}", quote(text.as_bytes()));
            return Err(self.error(name.span, message));
        };
        if function.experimental && !self.options.experimental_functions {
            let message = format!("function {} is not enabled", quote(text.as_bytes()));
            return Err(self.error(name.span, message));
        }
        let span = Span { start: name.span.start, end: self.end };
        Ok(Box::new(Expr::Call(Call { function, args, span })))
    }

    /// Arguments in parentheses.
    pub(super) fn arguments(&mut self) -> Result<Vec<Expr>> {
        self.expect(TokenKind::LeftParen)?;
        let mut args = Vec::new();
        let mut height = 0;
        if self.accept(TokenKind::RightParen)?.is_none() {
            loop {
                args.push(*self.nested(|parser| parser.expr(0))?);
                height = height.max(self.height);
                let Some(comma) = self.accept(TokenKind::Comma)? else {
                    break;
                };
                if !starts_expr(self.peek()?.kind) {
                    let message = "trailing commas not allowed in function call args";
                    return Err(self.error(comma.span, message));
                }
            }
            self.expect(TokenKind::RightParen)?;
        }
        self.grow(height)?;
        Ok(args)
    }
}

impl UnaryOp {
    /// The number with this sign before it.
    pub(super) fn apply(self, value: f64) -> f64 {
        match self {
            Self::Minus if !value.is_nan() => -value,
            _ => value,
        }
    }
}

/// True for the words that may name a metric without quotes.
pub(super) fn is_metric_name(kind: TokenKind) -> bool {
    match kind {
        TokenKind::Identifier | TokenKind::MetricIdentifier | TokenKind::Aggregate(_) => true,
        TokenKind::Binary(op) => op.is_set(),
        TokenKind::Keyword(keyword) => !matches!(
            keyword,
            Keyword::Bool
                | Keyword::GroupLeft
                | Keyword::GroupRight
                | Keyword::Ignoring
                | Keyword::On
        ),
        _ => false,
    }
}

/// True for the tokens an expression can start with.
pub(super) fn starts_expr(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Number
            | TokenKind::Duration
            | TokenKind::String
            | TokenKind::LeftParen
            | TokenKind::LeftBrace
            | TokenKind::Binary(BinaryOp::Add | BinaryOp::Sub)
    ) || is_metric_name(kind)
}

//! Durations as they stand in brackets and after `offset`: literals and
//! expressions over them.

use super::{Parser, Result};
use crate::ast::{BinaryOp, DurationExpr, DurationKind, DurationOp, NumberLiteral, Span, UnaryOp};
use crate::lexer::{Keyword, Token, TokenKind};

/// The largest duration in seconds: 2^63 nanoseconds.
const MAX_SECONDS: f64 = 9_223_372_036_854_775_808.0 / 1e9;

impl Parser<'_> {
    /// A duration in brackets; as far as it is a literal, above 0.
    pub(super) fn positive_duration(&mut self) -> Result<DurationExpr> {
        let duration = self.duration(0)?;
        match &duration.kind {
            DurationKind::Number(number) if number.value <= 0.0 => {
                Err(self.error(number.span, "duration must be greater than 0"))
            }
            _ => Ok(duration),
        }
    }

    /// A duration after `offset`. Unlike in brackets, an operator ends it, so
    /// that `a offset 1m + b` is a sum of vectors; only after parentheses and
    /// double signs it goes on.
    pub(super) fn offset_duration(&mut self) -> Result<DurationExpr> {
        self.height = 1;
        let next = self.peek()?.kind;
        match sign_of(next) {
            Some(op) => self.signed_offset(op),
            None if next == TokenKind::LeftParen => self.duration(0),
            None => self.duration_primary(),
        }
    }

    fn signed_offset(&mut self, op: UnaryOp) -> Result<DurationExpr> {
        let sign = self.take()?;
        match self.peek()?.kind {
            TokenKind::Number | TokenKind::Duration => {
                let number = self.number_literal()?;
                self.signed_literal(sign, op, number)
            }
            TokenKind::Keyword(_) => {
                // Unlike in brackets, a plus sign is kept.
                let operand = self.nested(Self::duration_function)?;
                self.grow(self.height)?;
                let duration = signed(sign, op, operand);
                self.require_duration_expressions(duration.span)?;
                Ok(duration)
            }
            TokenKind::LeftParen => {
                self.take()?;
                let inner = self.nested(|parser| parser.duration(0))?;
                self.expect(TokenKind::RightParen)?;
                let start = inner.span.start;
                let inner = wrapped(inner, start);
                self.sign(sign, op, inner)
            }
            _ => {
                let operand = self.nested(|parser| parser.duration(BinaryOp::Pow.precedence()))?;
                let lhs = self.sign(sign, op, operand)?;
                self.duration_operators(lhs, 0)
            }
        }
    }

    /// A duration whose operators bind at least as strongly as `precedence`.
    fn duration(&mut self, precedence: u8) -> Result<DurationExpr> {
        let lhs = self.duration_operand()?;
        self.duration_operators(lhs, precedence)
    }

    fn duration_operators(
        &mut self,
        mut lhs: DurationExpr,
        precedence: u8,
    ) -> Result<DurationExpr> {
        while let TokenKind::Binary(binary) = self.peek()?.kind
            && let Some(op) = duration_op(binary)
            && binary.precedence() >= precedence
        {
            let token = self.take()?;
            let left_height = self.height;
            let next = binary.precedence() + u8::from(op != DurationOp::Pow);
            let rhs = self.nested(|parser| parser.duration(next))?;
            self.grow(self.height.max(left_height))?;
            lhs = self.duration_binary(lhs, op, token, rhs)?;
        }
        Ok(lhs)
    }

    fn duration_binary(
        &self,
        lhs: DurationExpr,
        op: DurationOp,
        token: Token,
        rhs: DurationExpr,
    ) -> Result<DurationExpr> {
        self.require_duration_expressions(lhs.span)?;
        let by_zero = matches!(&rhs.kind, DurationKind::Number(number) if number.value == 0.0);
        match op {
            DurationOp::Div if by_zero => return Err(self.error(token.span, "division by zero")),
            DurationOp::Mod if by_zero => return Err(self.error(token.span, "modulo by zero")),
            _ => {}
        }
        let span = lhs.span.to(rhs.span);
        let kind = DurationKind::Binary(op, Box::new(lhs), Box::new(rhs));
        Ok(unwrapped(kind, span))
    }

    fn duration_operand(&mut self) -> Result<DurationExpr> {
        self.height = 1;
        let next = self.peek()?.kind;
        if let Some(op) = sign_of(next) {
            let sign = self.take()?;
            let operand = self.nested(|parser| parser.duration(BinaryOp::Pow.precedence()))?;
            return self.sign(sign, op, operand);
        }
        if next != TokenKind::LeftParen {
            return self.duration_primary();
        }
        let open = self.take()?;
        let inner = self.nested(|parser| parser.duration(0))?;
        self.expect(TokenKind::RightParen)?;
        self.require_duration_expressions(inner.span)?;
        self.grow(self.height)?;
        Ok(wrapped(inner, open.span.start))
    }

    /// A literal or a function.
    fn duration_primary(&mut self) -> Result<DurationExpr> {
        self.height = 1;
        if matches!(self.peek()?.kind, TokenKind::Number | TokenKind::Duration) {
            let number = self.number_literal()?;
            let span = number.span;
            return self.duration_literal(number, span);
        }
        let function = self.duration_function()?;
        self.require_duration_expressions(function.span)?;
        Ok(function)
    }

    fn duration_function(&mut self) -> Result<DurationExpr> {
        self.height = 1;
        match self.peek()?.kind {
            TokenKind::Keyword(Keyword::Step) => self.duration_constant(DurationKind::Step),
            TokenKind::Keyword(Keyword::Range) => self.duration_constant(DurationKind::Range),
            TokenKind::Keyword(Keyword::MinOf | Keyword::MaxOf) => self.duration_extreme(),
            _ => Err(self.unexpected()),
        }
    }

    /// `step()` or `range()`.
    fn duration_constant(&mut self, kind: DurationKind) -> Result<DurationExpr> {
        let name = self.take()?;
        self.expect(TokenKind::LeftParen)?;
        let close = self.expect(TokenKind::RightParen)?;
        Ok(unwrapped(kind, name.span.to(close.span)))
    }

    /// `min_of(a, b)` or `max_of(a, b)`.
    fn duration_extreme(&mut self) -> Result<DurationExpr> {
        let name = self.take()?;
        self.expect(TokenKind::LeftParen)?;
        let lhs = Box::new(self.nested(|parser| parser.duration(0))?);
        let left_height = self.height;
        self.expect(TokenKind::Comma)?;
        let rhs = Box::new(self.nested(|parser| parser.duration(0))?);
        self.expect(TokenKind::RightParen)?;
        self.grow(self.height.max(left_height))?;
        // As in Prometheus, the function's name does not count.
        let span = lhs.span.to(rhs.span);
        let kind = match name.kind {
            TokenKind::Keyword(Keyword::MinOf) => DurationKind::MinOf(lhs, rhs),
            _ => DurationKind::MaxOf(lhs, rhs),
        };
        Ok(unwrapped(kind, span))
    }

    /// An operand with a sign: literals take it in, a plus vanishes.
    fn sign(&mut self, sign: Token, op: UnaryOp, operand: DurationExpr) -> Result<DurationExpr> {
        match (op, operand.kind) {
            (_, DurationKind::Number(number)) => self.signed_literal(sign, op, number),
            (UnaryOp::Plus, kind) => Ok(DurationExpr { kind, ..operand }),
            (UnaryOp::Minus, kind) => {
                self.grow(self.height)?;
                Ok(signed(sign, op, DurationExpr { kind, ..operand }))
            }
        }
    }

    fn signed_literal(
        &self,
        sign: Token,
        op: UnaryOp,
        number: NumberLiteral,
    ) -> Result<DurationExpr> {
        let number = NumberLiteral {
            value: op.apply(number.value),
            span: sign.span.to(number.span),
            ..number
        };
        self.duration_literal(number, sign.span)
    }

    /// A literal within range; an error speaks of `place`.
    fn duration_literal(&self, number: NumberLiteral, place: Span) -> Result<DurationExpr> {
        if number.value.abs() > MAX_SECONDS {
            return Err(self.error(place, "duration out of range"));
        }
        let span = number.span;
        Ok(unwrapped(DurationKind::Number(number), span))
    }

    fn require_duration_expressions(&self, span: Span) -> Result<()> {
        if self.options.duration_expressions {
            return Ok(());
        }
        let message = "experimental duration expression is not enabled";
        Err(self.error(span, message))
    }
}

fn unwrapped(kind: DurationKind, span: Span) -> DurationExpr {
    DurationExpr { kind, wrapped: false, span }
}

fn signed(sign: Token, op: UnaryOp, operand: DurationExpr) -> DurationExpr {
    let span = sign.span.to(operand.span);
    unwrapped(DurationKind::Unary(op, Box::new(operand)), span)
}

/// A duration in parentheses. Only a literal gets a node of its own for them;
/// its span starts at `start`, that of others is unchanged.
fn wrapped(inner: DurationExpr, start: usize) -> DurationExpr {
    let inner = match inner.kind {
        DurationKind::Number(_) => {
            let end = inner.span.end;
            let kind = DurationKind::Unary(UnaryOp::Plus, Box::new(inner));
            unwrapped(kind, Span { start, end })
        }
        _ => inner,
    };
    DurationExpr { wrapped: true, ..inner }
}

fn sign_of(kind: TokenKind) -> Option<UnaryOp> {
    match kind {
        TokenKind::Binary(BinaryOp::Add) => Some(UnaryOp::Plus),
        TokenKind::Binary(BinaryOp::Sub) => Some(UnaryOp::Minus),
        _ => None,
    }
}

fn duration_op(op: BinaryOp) -> Option<DurationOp> {
    match op {
        BinaryOp::Add => Some(DurationOp::Add),
        BinaryOp::Sub => Some(DurationOp::Sub),
        BinaryOp::Mul => Some(DurationOp::Mul),
        BinaryOp::Div => Some(DurationOp::Div),
        BinaryOp::Mod => Some(DurationOp::Mod),
        BinaryOp::Pow => Some(DurationOp::Pow),
        _ => None,
    }
}

//! What may stand between a binary operator and its right operand: `bool`,
//! `on`, `ignoring`, `group_left`, `group_right`, and the fill modifiers.

use super::expr::starts_expr;
use super::{Parser, Result};
use crate::ast::{BinaryOp, Cardinality, FillValues, UnaryOp, VectorMatching};
use crate::lexer::{Keyword, TokenKind};

/// The modifiers of one binary operator.
#[derive(Default)]
pub(super) struct Modifiers {
    pub(super) return_bool: bool,
    pub(super) matching: VectorMatching,
}

impl Parser<'_> {
    pub(super) fn modifiers(&mut self) -> Result<Modifiers> {
        let mut modifiers = Modifiers {
            return_bool: self.accept(TokenKind::Keyword(Keyword::Bool))?.is_some(),
            ..Modifiers::default()
        };
        let matching = &mut modifiers.matching;
        let on = match self.peek()?.kind {
            TokenKind::Keyword(Keyword::On) => Some(true),
            TokenKind::Keyword(Keyword::Ignoring) => Some(false),
            _ => None,
        };
        if let Some(on) = on {
            self.take()?;
            matching.on = on;
            matching.labels = self.label_list()?;
            self.group_modifier(matching)?;
        }
        matching.fill = self.fill_modifiers()?;
        Ok(modifiers)
    }

    /// `group_left` or `group_right`, with or without labels.
    fn group_modifier(&mut self, matching: &mut VectorMatching) -> Result<()> {
        matching.cardinality = match self.peek()?.kind {
            TokenKind::Keyword(Keyword::GroupLeft) => Cardinality::ManyToOne,
            TokenKind::Keyword(Keyword::GroupRight) => Cardinality::OneToMany,
            _ => return Ok(()),
        };
        self.take()?;
        let next = self.peek()?.kind;
        let is_fill = matches!(
            next,
            TokenKind::Keyword(Keyword::Fill | Keyword::FillLeft | Keyword::FillRight)
        );
        // An opening parenthesis is the list, not the right operand.
        if next == TokenKind::LeftParen || !(is_fill || starts_expr(next)) {
            matching.include = self.label_list()?;
        }
        Ok(())
    }

    fn fill_modifiers(&mut self) -> Result<FillValues> {
        let mut fill = FillValues::default();
        match self.peek()?.kind {
            TokenKind::Keyword(Keyword::Fill) => {
                fill.lhs = Some(self.fill_value()?);
                fill.rhs = fill.lhs;
            }
            TokenKind::Keyword(Keyword::FillLeft) => {
                fill.lhs = Some(self.fill_value()?);
                if self.peek()?.kind == TokenKind::Keyword(Keyword::FillRight) {
                    fill.rhs = Some(self.fill_value()?);
                }
            }
            TokenKind::Keyword(Keyword::FillRight) => {
                fill.rhs = Some(self.fill_value()?);
                if self.peek()?.kind == TokenKind::Keyword(Keyword::FillLeft) {
                    fill.lhs = Some(self.fill_value()?);
                }
            }
            _ => {}
        }
        Ok(fill)
    }

    /// The number in parentheses after a fill modifier, which comes next.
    fn fill_value(&mut self) -> Result<f64> {
        self.take()?;
        self.expect(TokenKind::LeftParen)?;
        let value = self.signed_number()?;
        self.expect(TokenKind::RightParen)?;
        Ok(value)
    }

    /// A number or duration with at most one sign.
    pub(super) fn signed_number(&mut self) -> Result<f64> {
        let sign = match self.peek()?.kind {
            TokenKind::Binary(BinaryOp::Add) => Some(UnaryOp::Plus),
            TokenKind::Binary(BinaryOp::Sub) => Some(UnaryOp::Minus),
            _ => None,
        };
        if sign.is_some() {
            self.take()?;
        }
        if !matches!(self.peek()?.kind, TokenKind::Number | TokenKind::Duration) {
            return Err(self.unexpected());
        }
        let value = self.number_literal()?.value;
        Ok(sign.map_or(value, |sign| sign.apply(value)))
    }
}

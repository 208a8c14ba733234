//! Questions that every node answers: its span, its type, its text.

use super::{
    At, Cardinality, DurationExpr, DurationKind, Expr, Extended, FillValues, NumberLiteral, Span,
    ValueType,
};

impl Span {
    /// From the start of one to the end of another.
    #[must_use]
    pub const fn to(self, last: Self) -> Self {
        Self { start: self.start, end: last.end }
    }
}

impl ValueType {
    /// The name in error messages and in the documentation.
    #[must_use]
    pub const fn documented(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            Self::String => "string",
        }
    }

    /// The name in answers of the HTTP API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Vector => "vector",
            Self::Matrix => "matrix",
            Self::String => "string",
        }
    }
}

impl Extended {
    /// The word it is written as.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anchored => "anchored",
            Self::Smoothed => "smoothed",
        }
    }
}

impl At {
    /// `start` or `end`, as answers of the HTTP API name it.
    #[must_use]
    pub const fn start_or_end(self) -> Option<&'static str> {
        match self {
            Self::Time(_) => None,
            Self::Start => Some("start"),
            Self::End => Some("end"),
        }
    }
}

impl Cardinality {
    /// The name in answers of the HTTP API and in errors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneToOne => "one-to-one",
            Self::ManyToOne => "many-to-one",
            Self::OneToMany => "one-to-many",
            Self::ManyToMany => "many-to-many",
        }
    }
}

impl Expr {
    /// Where it stands in the query text.
    #[must_use]
    pub const fn span(&self) -> Span {
        match self {
            Self::Aggregate(node) => node.span,
            Self::Binary(node) => node.span,
            Self::Call(node) => node.span,
            Self::Matrix(node) => node.span,
            Self::Number(node) => node.span,
            Self::Paren(node) => node.span,
            Self::String(node) => node.span,
            Self::Subquery(node) => node.span,
            Self::Unary(node) => node.span,
            Self::Vector(node) => node.span,
        }
    }

    /// What it evaluates to. Follows parentheses and signs inwards and, along
    /// binary operators, the operands while they are scalars.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        type_of(self)
    }

    /// The expression without the parentheses around it.
    #[must_use]
    pub fn unparen(&self) -> &Self {
        let mut expr = self;
        while let Self::Paren(paren) = expr {
            expr = &paren.expr;
        }
        expr
    }
}

/// What an expression evaluates to.
#[must_use]
pub fn type_of(expr: &Expr) -> ValueType {
    let mut expr = expr;
    loop {
        match expr {
            Expr::Aggregate(_) | Expr::Vector(_) => return ValueType::Vector,
            Expr::Call(call) => return call.function.return_type,
            Expr::Matrix(_) | Expr::Subquery(_) => return ValueType::Matrix,
            Expr::Number(_) => return ValueType::Scalar,
            Expr::String(_) => return ValueType::String,
            Expr::Paren(paren) => expr = &paren.expr,
            Expr::Unary(unary) => expr = &unary.expr,
            Expr::Binary(binary) => match type_of(&binary.rhs) {
                ValueType::Scalar if type_is_scalar_chain(&binary.lhs) => {
                    return ValueType::Scalar;
                }
                _ => return ValueType::Vector,
            },
        }
    }
}

/// True if `expr` and, where it is a chain of binary operators, all of the
/// chain is scalar.
fn type_is_scalar_chain(expr: &Expr) -> bool {
    let mut expr = expr;
    while let Expr::Binary(binary) = expr {
        if type_of(&binary.rhs) != ValueType::Scalar {
            return false;
        }
        expr = &binary.lhs;
    }
    type_of(expr) == ValueType::Scalar
}

/// Equality of the written number: all NaN are one, and -0 is not 0.
fn same_number(one: f64, two: f64) -> bool {
    one.to_bits() == two.to_bits() || (one.is_nan() && two.is_nan())
}

impl PartialEq for NumberLiteral {
    fn eq(&self, other: &Self) -> bool {
        self.duration == other.duration
            && self.span == other.span
            && same_number(self.value, other.value)
    }
}

impl PartialEq for FillValues {
    fn eq(&self, other: &Self) -> bool {
        let same = |one: Option<f64>, two: Option<f64>| match (one, two) {
            (Some(one), Some(two)) => same_number(one, two),
            (one, two) => one.is_none() && two.is_none(),
        };
        same(self.lhs, other.lhs) && same(self.rhs, other.rhs)
    }
}

impl FillValues {
    /// True if a side has a value.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.lhs.is_some() || self.rhs.is_some()
    }
}

impl DurationExpr {
    /// The operands: none, one or two.
    #[must_use]
    pub fn operands(&self) -> Vec<&Self> {
        match &self.kind {
            DurationKind::Number(_) | DurationKind::Step | DurationKind::Range => vec![],
            DurationKind::Unary(_, operand) => vec![operand],
            DurationKind::MinOf(lhs, rhs)
            | DurationKind::MaxOf(lhs, rhs)
            | DurationKind::Binary(_, lhs, rhs) => vec![lhs, rhs],
        }
    }
}

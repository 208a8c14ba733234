//! The rules that grammar alone does not enforce, in the order in which
//! Prometheus's `checkAST` finds them broken.

use super::{ParseError, Result};
use crate::ast::{
    Aggregate, AggregateOp, Binary, Call, Cardinality, Expr, Span, Subquery, Unary, ValueType,
    VectorMatching, VectorSelector,
};
use crate::functions::FunctionId;
use crate::quote::quote;

/// Checks a tree and gives its type. Changes what depends on types: only
/// operators between two instant vectors keep their matching, and that of set
/// operators becomes many-to-many.
pub(super) fn check(query: &str, expr: &mut Expr) -> Result<ValueType> {
    Checker { query }.check(expr)
}

struct Checker<'a> {
    query: &'a str,
}

impl Checker<'_> {
    fn error(&self, span: Span, message: impl Into<String>) -> Box<ParseError> {
        Box::new(ParseError::new(self.query, span, message))
    }

    fn check(&self, expr: &mut Expr) -> Result<ValueType> {
        match expr {
            Expr::Aggregate(node) => self.aggregate(node),
            Expr::Binary(_) => self.chain(expr),
            Expr::Call(node) => self.call(node),
            Expr::Matrix(node) => {
                self.selector(&node.selector, false)?;
                Ok(ValueType::Matrix)
            }
            Expr::Number(_) => Ok(ValueType::Scalar),
            Expr::Paren(node) => self.check(&mut node.expr),
            Expr::String(_) => Ok(ValueType::String),
            Expr::Subquery(node) => self.subquery(node),
            Expr::Unary(node) => self.unary(node),
            Expr::Vector(node) => {
                self.selector(node, false)?;
                Ok(ValueType::Vector)
            }
        }
    }

    /// Checks an expression that must be of type `want`.
    fn expect(&self, expr: &mut Expr, want: ValueType, place: &str) -> Result<()> {
        let got = self.check(expr)?;
        if got == want {
            return Ok(());
        }
        Err(self.wrong_type(expr.span(), want, place, got))
    }

    fn wrong_type(
        &self,
        span: Span,
        want: ValueType,
        place: &str,
        got: ValueType,
    ) -> Box<ParseError> {
        let (want, got) = (want.documented(), got.documented());
        self.error(span, format!("expected type {want} in {place}, got {got}"))
    }

    fn aggregate(&self, node: &mut Aggregate) -> Result<ValueType> {
        self.expect(&mut node.expr, ValueType::Vector, "aggregation expression")?;
        if let Some(param) = &mut node.param {
            let want = match node.op {
                AggregateOp::CountValues => ValueType::String,
                _ => ValueType::Scalar,
            };
            self.expect(param, want, "aggregation parameter")?;
        }
        Ok(ValueType::Vector)
    }

    /// Checks a chain of binary operators from its innermost one outwards, in
    /// a loop.
    fn chain(&self, expr: &mut Expr) -> Result<ValueType> {
        let mut links = Vec::new();
        let mut left = expr.take();
        while let Expr::Binary(binary) = &mut left {
            let inner = binary.lhs.take();
            links.push(std::mem::replace(&mut left, inner));
        }
        let mut left_type = self.check(&mut left)?;
        while let Some(mut link) = links.pop() {
            if let Expr::Binary(binary) = &mut link {
                *binary.lhs = left;
                left_type = self.binary(binary, left_type)?;
            }
            left = link;
        }
        *expr = left;
        Ok(left_type)
    }

    /// Checks one operator, whose left operand has been checked.
    fn binary(&self, node: &mut Binary, lhs: ValueType) -> Result<ValueType> {
        let rhs = self.check(&mut node.rhs)?;
        let scalars = lhs == ValueType::Scalar && rhs == ValueType::Scalar;
        if node.return_bool && !node.op.is_comparison() {
            let message = "bool modifier can only be used on comparison operators";
            return Err(self.error(self.operator_span(node), message));
        }
        if scalars && node.op.is_comparison() && !node.return_bool {
            let message = "comparisons between scalars must use BOOL modifier";
            return Err(self.error(self.operator_span(node), message));
        }
        if let Some(matching) = &mut node.matching
            && node.op.is_set()
            && matching.cardinality == Cardinality::OneToOne
        {
            matching.cardinality = Cardinality::ManyToMany;
        }
        self.grouped_label(node)?;
        for (operand, got) in [(&node.lhs, lhs), (&node.rhs, rhs)] {
            if !matches!(got, ValueType::Scalar | ValueType::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                return Err(self.error(operand.span(), message));
            }
        }
        let vectors = lhs == ValueType::Vector && rhs == ValueType::Vector;
        if let Some(matching) = &node.matching {
            if vectors {
                self.set_operator(node, matching)?;
            } else {
                self.no_matching(node, matching)?;
                node.matching = None;
            }
        }
        if !vectors && node.op.is_set() {
            let message =
                format!("set operator \"{}\" not allowed in binary scalar expression", node.op);
            return Err(self.error(node.span, message));
        }
        Ok(if scalars { ValueType::Scalar } else { ValueType::Vector })
    }

    /// A label must not be in both `on` and the group modifier.
    fn grouped_label(&self, node: &Binary) -> Result<()> {
        let Some(VectorMatching { on: true, labels, include, .. }) = &node.matching else {
            return Ok(());
        };
        let Some(label) = labels.iter().find(|label| include.contains(label)) else {
            return Ok(());
        };
        let label = quote(label.as_bytes());
        let message = format!("label {label} must not occur in ON and GROUP clause at once");
        Err(self.error(self.operator_span(node), message))
    }

    /// What stands between two instant vectors.
    fn set_operator(&self, node: &Binary, matching: &VectorMatching) -> Result<()> {
        if !node.op.is_set() {
            return Ok(());
        }
        if matching.cardinality != Cardinality::ManyToMany {
            let message = format!("no grouping allowed for \"{}\" operation", node.op);
            return Err(self.error(node.span, message));
        }
        if matching.fill.any() {
            let message = "filling in missing series not allowed for set operators";
            return Err(self.error(node.span, message));
        }
        Ok(())
    }

    /// What stands where an operand is no instant vector.
    fn no_matching(&self, node: &Binary, matching: &VectorMatching) -> Result<()> {
        if !matching.labels.is_empty() {
            let message = "vector matching only allowed between instant vectors";
            return Err(self.error(node.span, message));
        }
        if matching.fill.any() {
            let message = "filling in missing series only allowed between instant vectors";
            return Err(self.error(node.span, message));
        }
        Ok(())
    }

    /// The operator with its modifiers, without blanks around it.
    fn operator_span(&self, node: &Binary) -> Span {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let (start, end) = (node.lhs.span().end, node.rhs.span().start);
        let between = &self.query.as_bytes()[start..end];
        let before = between.iter().take_while(|byte| blank(byte)).count();
        let behind = between.iter().rev().take_while(|byte| blank(byte)).count();
        Span { start: start + before, end: end - behind }
    }

    fn call(&self, node: &mut Call) -> Result<ValueType> {
        self.argument_count(node)?;
        let function = node.function;
        let is_info = function.id == FunctionId::Info;
        if is_info {
            self.info_selector(node)?;
        }
        for (index, arg) in node.args.iter_mut().enumerate() {
            let last = function.arg_types.len().checked_sub(1);
            let Some(want) = last.map(|last| function.arg_types[index.min(last)]) else {
                break;
            };
            let got = match arg {
                Expr::Vector(selector) => {
                    // Matchers of info() may all match the empty value.
                    self.selector(selector, is_info && index == 1)?;
                    ValueType::Vector
                }
                _ => self.check(arg)?,
            };
            if got != want {
                let place = format!("call to function \"{}\"", function.name);
                return Err(self.wrong_type(arg.span(), want, &place, got));
            }
        }
        Ok(function.return_type)
    }

    fn argument_count(&self, node: &Call) -> Result<()> {
        let (types, got) = (node.function.arg_types.len(), node.args.len());
        let (least, most) = match node.function.variadic {
            0 => (types, Some(types)),
            more => (types - 1, usize::try_from(more).ok().map(|more| types - 1 + more)),
        };
        let (bound, expected) = match most {
            Some(most) if least == most && got != most => ("", most),
            _ if got < least => ("at least ", least),
            Some(most) if got > most => ("at most ", most),
            _ => return Ok(()),
        };
        let name = node.function.name;
        let message =
            format!("expected {bound}{expected} argument(s) in call to \"{name}\", got {got}");
        Err(self.error(node.span, message))
    }

    /// The second argument of `info` is a selector without a name.
    fn info_selector(&self, node: &Call) -> Result<()> {
        let Some(arg) = node.args.get(1) else {
            return Ok(());
        };
        let got = arg.value_type();
        if got != ValueType::Vector {
            let place = "call to function \"info\"";
            return Err(self.wrong_type(node.span, ValueType::Vector, place, got));
        }
        let message = match arg {
            Expr::Vector(selector) if selector.name.is_empty() => return Ok(()),
            Expr::Vector(_) => "expected label selectors only, got vector selector instead",
            _ => "expected label selectors only",
        };
        Err(self.error(arg.span(), message))
    }

    fn subquery(&self, node: &mut Subquery) -> Result<ValueType> {
        let got = self.check(&mut node.expr)?;
        if got != ValueType::Vector {
            let message =
                format!("subquery is only allowed on instant vector, got {} instead", got.as_str());
            return Err(self.error(node.span, message));
        }
        Ok(ValueType::Matrix)
    }

    fn unary(&self, node: &mut Unary) -> Result<ValueType> {
        let got = self.check(&mut node.expr)?;
        if matches!(got, ValueType::Scalar | ValueType::Vector) {
            return Ok(got);
        }
        let message = format!(
            "unary expression only allowed on expressions of type scalar or instant vector, \
             got \"{}\"",
            got.documented()
        );
        Err(self.error(node.span, message))
    }

    fn selector(&self, node: &VectorSelector, may_match_all: bool) -> Result<()> {
        if let Some((_, written)) = node.matchers.split_last()
            && !node.name.is_empty()
        {
            let Some(second) = written.iter().find(|matcher| matcher.is_name()) else {
                return Ok(());
            };
            let first = quote(node.name.as_bytes());
            let message =
                format!("metric name must not be set twice: {first} or {}", second.value());
            return Err(self.error(node.span, message));
        }
        if !may_match_all && node.matchers.iter().all(|matcher| matcher.matches("")) {
            let message = "vector selector must contain at least one non-empty matcher";
            return Err(self.error(node.span, message));
        }
        Ok(())
    }
}

//! A syntax tree as JSON: the shape that Prometheus's user interface draws
//! (prometheus/web/api/v1/translate_ast.go), keys in Go's sorted order.
//!
//! A chain of binary operators nests as deep in the JSON as it is long, so it
//! is written in a loop. Queries are limited in length, and so is the text: about
//! a hundred times as long.

use promql::ast::{
    Aggregate, At, Binary, Call, Cardinality, DurationExpr, DurationKind, Expr, Extended,
    MatrixSelector, NumberLiteral, Subquery, ValueType, VectorMatching, VectorSelector,
};
use promql::matcher::Matcher;
use promql::number;

use super::text::write_escaped;

/// The JSON of a syntax tree.
pub(in crate::api) struct Tree(Vec<u8>);

impl Tree {
    /// Writes a tree.
    pub(in crate::api) fn of(expr: &Expr) -> Self {
        let mut tree = Self(Vec::with_capacity(512));
        tree.expr(expr);
        tree
    }

    /// The text.
    pub(in crate::api) fn into_json(self) -> Vec<u8> {
        self.0
    }

    fn raw(&mut self, json: &str) {
        self.0.extend_from_slice(json.as_bytes());
    }

    fn text(&mut self, text: &str) {
        write_escaped(text, &mut self.0);
    }

    fn boolean(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    fn integer(&mut self, value: i64) {
        self.raw(itoa::Buffer::new().format(value));
    }

    fn texts<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        self.list(texts, Self::text);
    }

    fn list<T>(&mut self, items: impl Iterator<Item = T>, write: impl Fn(&mut Self, T)) {
        self.raw("[");
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.raw(",");
            }
            write(self, item);
        }
        self.raw("]");
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Call(call) => self.call(call),
            Expr::Matrix(matrix) => self.matrix(matrix),
            Expr::Number(literal) => {
                self.raw(r#"{"type":"numberLiteral","val":"#);
                self.number(literal);
            }
            Expr::Paren(paren) => {
                self.raw(r#"{"expr":"#);
                self.expr(&paren.expr);
                self.raw(r#","type":"parenExpr""#);
            }
            Expr::String(literal) => {
                self.raw(r#"{"type":"stringLiteral","val":"#);
                self.text(&literal.value.to_str_lossy());
            }
            Expr::Subquery(subquery) => self.subquery(subquery),
            Expr::Unary(unary) => {
                self.raw(r#"{"expr":"#);
                self.expr(&unary.expr);
                self.raw(r#","op":"#);
                self.text(unary.op.as_str());
                self.raw(r#","type":"unaryExpr""#);
            }
            Expr::Vector(selector) => {
                self.selector(selector, None);
                self.raw(r#","type":"vectorSelector""#);
            }
        }
        self.raw("}");
    }

    fn aggregate(&mut self, aggregate: &Aggregate) {
        self.raw(r#"{"expr":"#);
        self.expr(&aggregate.expr);
        self.raw(r#","grouping":"#);
        self.texts(aggregate.grouping.iter().map(String::as_str));
        self.raw(r#","op":"#);
        self.text(aggregate.op.as_str());
        self.raw(r#","param":"#);
        match &aggregate.param {
            Some(param) => self.expr(param),
            None => self.raw("null"),
        }
        self.raw(r#","type":"aggregation","without":"#);
        self.boolean(aggregate.without);
    }

    /// Opens every operator of the chain down its left operands, then closes
    /// them from the innermost out. The last brace is the caller's.
    fn binary(&mut self, binary: &Binary) {
        let chain = binary.spine();
        for link in &chain {
            self.raw(r#"{"bool":"#);
            self.boolean(link.return_bool);
            self.raw(r#","lhs":"#);
        }
        for (index, link) in chain.iter().rev().enumerate() {
            match index {
                0 => self.expr(&link.lhs),
                _ => self.raw("}"),
            }
            self.raw(r#","matching":"#);
            match &link.matching {
                Some(matching) => self.matching(matching),
                None => self.raw("null"),
            }
            self.raw(r#","op":"#);
            self.text(link.op.as_str());
            self.raw(r#","rhs":"#);
            self.expr(&link.rhs);
            self.raw(r#","type":"binaryExpr""#);
        }
    }

    fn matching(&mut self, matching: &VectorMatching) {
        self.raw(r#"{"card":"#);
        self.text(match matching.cardinality {
            Cardinality::OneToOne => "one-to-one",
            Cardinality::ManyToOne => "many-to-one",
            Cardinality::OneToMany => "one-to-many",
            Cardinality::ManyToMany => "many-to-many",
        });
        self.raw(r#","fillValues":{"lhs":"#);
        self.optional_number(matching.fill.lhs);
        self.raw(r#","rhs":"#);
        self.optional_number(matching.fill.rhs);
        self.raw(r#"},"include":"#);
        self.texts(matching.include.iter().map(String::as_str));
        self.raw(r#","labels":"#);
        self.texts(matching.labels.iter().map(String::as_str));
        self.raw(r#","on":"#);
        self.boolean(matching.on);
        self.raw("}");
    }

    /// JSON has no infinities and no NaN: those are `null` here, where
    /// Prometheus fails.
    fn optional_number(&mut self, value: Option<f64>) {
        match value.filter(|value| value.is_finite()) {
            Some(value) => number::write_sample_value(&mut self.0, value),
            None => self.raw("null"),
        }
    }

    fn call(&mut self, call: &Call) {
        self.raw(r#"{"args":"#);
        self.list(call.args.iter(), Self::expr);
        self.raw(r#","func":{"argTypes":"#);
        self.texts(call.function.arg_types.iter().map(|kind| type_name(*kind)));
        self.raw(r#","name":"#);
        self.text(call.function.name);
        self.raw(r#","returnType":"#);
        self.text(type_name(call.function.return_type));
        self.raw(r#","variadic":"#);
        self.integer(call.function.variadic.into());
        self.raw(r#"},"type":"call""#);
    }

    fn matrix(&mut self, matrix: &MatrixSelector) {
        self.selector(&matrix.selector, Some(matrix));
        self.raw(r#","type":"matrixSelector""#);
    }

    /// All keys of a selector but its type. The keys of a window stand
    /// between them.
    fn selector(&mut self, selector: &VectorSelector, matrix: Option<&MatrixSelector>) {
        self.raw(r#"{"anchored":"#);
        self.boolean(selector.extended == Some(Extended::Anchored));
        self.raw(r#","matchers":"#);
        self.list(selector.matchers.iter(), Self::matcher);
        self.raw(r#","name":"#);
        self.text(&selector.name);
        self.offset(selector.offset_ms, selector.offset_expr.as_deref());
        if let Some(matrix) = matrix {
            self.range(matrix.range_ms, matrix.range_expr.as_deref());
        }
        self.raw(r#","smoothed":"#);
        self.boolean(selector.extended == Some(Extended::Smoothed));
        self.start_or_end(selector.at);
        self.timestamp(selector.at);
    }

    fn matcher(&mut self, matcher: &Matcher) {
        self.raw(r#"{"name":"#);
        self.text(matcher.name());
        self.raw(r#","type":"#);
        self.text(&matcher.op().to_string());
        self.raw(r#","value":"#);
        self.text(&matcher.value().to_str_lossy());
        self.raw("}");
    }

    fn subquery(&mut self, subquery: &Subquery) {
        self.raw(r#"{"expr":"#);
        self.expr(&subquery.expr);
        self.offset(subquery.offset_ms, subquery.offset_expr.as_deref());
        self.range(subquery.range_ms, subquery.range_expr.as_deref());
        self.start_or_end(subquery.at);
        self.raw(r#","step":"#);
        self.integer(subquery.step_ms);
        self.raw(r#","stepExpr":"#);
        self.duration(subquery.step_expr.as_deref());
        self.timestamp(subquery.at);
        self.raw(r#","type":"subquery""#);
    }

    fn offset(&mut self, offset_ms: i64, expr: Option<&DurationExpr>) {
        self.raw(r#","offset":"#);
        self.integer(offset_ms);
        self.raw(r#","offsetExpr":"#);
        self.duration(expr);
    }

    fn range(&mut self, range_ms: i64, expr: Option<&DurationExpr>) {
        self.raw(r#","range":"#);
        self.integer(range_ms);
        self.raw(r#","rangeExpr":"#);
        self.duration(expr);
    }

    fn start_or_end(&mut self, at: Option<At>) {
        self.raw(match at {
            Some(At::Start) => r#","startOrEnd":"start""#,
            Some(At::End) => r#","startOrEnd":"end""#,
            Some(At::Time(_)) | None => r#","startOrEnd":null"#,
        });
    }

    fn timestamp(&mut self, at: Option<At>) {
        self.raw(r#","timestamp":"#);
        match at {
            Some(At::Time(ms)) => self.integer(ms),
            Some(At::Start | At::End) | None => self.raw("null"),
        }
    }

    fn duration(&mut self, expr: Option<&DurationExpr>) {
        let Some(expr) = expr else { return self.raw("null") };
        let (op, lhs, rhs) = match &expr.kind {
            DurationKind::Number(literal) => return self.duration_literal(literal),
            DurationKind::Step => ("step", None, None),
            DurationKind::Range => ("range", None, None),
            DurationKind::MinOf(lhs, rhs) => ("min_of", Some(&**lhs), Some(&**rhs)),
            DurationKind::MaxOf(lhs, rhs) => ("max_of", Some(&**lhs), Some(&**rhs)),
            DurationKind::Unary(op, rhs) => (op.as_str(), None, Some(&**rhs)),
            DurationKind::Binary(op, lhs, rhs) => (op.as_str(), Some(&**lhs), Some(&**rhs)),
        };
        self.raw(r#"{"lhs":"#);
        self.duration(lhs);
        self.raw(r#","op":"#);
        self.text(op);
        self.raw(r#","rhs":"#);
        self.duration(rhs);
        self.raw(r#","type":"durationExpr","wrapped":"#);
        self.boolean(expr.wrapped);
        self.raw("}");
    }

    fn duration_literal(&mut self, literal: &NumberLiteral) {
        self.raw(r#"{"duration":"#);
        self.boolean(literal.duration);
        self.raw(r#","type":"numberLiteral","val":"#);
        self.number(literal);
        self.raw("}");
    }

    fn number(&mut self, literal: &NumberLiteral) {
        self.raw("\"");
        number::write_float(&mut self.0, literal.value);
        self.raw("\"");
    }
}

/// The names of types in Prometheus (prometheus/promql/parser/value.go).
const fn type_name(kind: ValueType) -> &'static str {
    match kind {
        ValueType::Scalar => "scalar",
        ValueType::Vector => "vector",
        ValueType::Matrix => "matrix",
        ValueType::String => "string",
    }
}

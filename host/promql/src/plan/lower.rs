//! From the syntax tree to nodes.

use super::{Aggregate, Call, Chain, Grid, Info, Instant, Link, Node, Range, Reference, Source};
use crate::ast::{self, At, BinaryOp, Expr, Extended, Span, UnaryOp, ValueType, VectorSelector};
use crate::functions::FunctionId;
use crate::labels::METRIC_NAME;
use crate::matcher::{MatchOp, Matcher};

/// Lowers a tree whose durations are resolved. What stands at one of the spans
/// `given` becomes [`Node::Given`].
pub(crate) fn lower(expr: &Expr, grid: Grid, instant: bool, given: &[Span]) -> Node {
    let lowering = Lowering { grid, instant, given };
    lowering.expr(expr, Above::default()).wrapped()
}

/// What is above a node, as far as its selectors care.
#[derive(Clone, Copy, Default)]
struct Above {
    /// A function that only looks at count and sum, and nothing that needs
    /// buckets between.
    statistics_only: bool,
    /// Something further up needs buckets, whatever is below.
    needs_buckets: bool,
}

impl Above {
    fn call(self, function: FunctionId) -> Self {
        match function {
            FunctionId::HistogramCount | FunctionId::HistogramSum | FunctionId::HistogramAvg => {
                Self { statistics_only: true, ..self }
            }
            FunctionId::HistogramQuantile
            | FunctionId::HistogramQuantiles
            | FunctionId::HistogramFraction => Self { needs_buckets: true, ..self },
            _ => self,
        }
    }

    fn skips_buckets(self) -> bool {
        self.statistics_only && !self.needs_buckets
    }
}

struct Lowering<'a> {
    grid: Grid,
    instant: bool,
    given: &'a [Span],
}

/// A node, and whether it is the same at every step.
struct Lowered {
    node: Node,
    invariant: bool,
    /// Worth computing once (literals and range vectors are not).
    wrap: bool,
}

impl Lowered {
    fn constant(node: Node) -> Self {
        Self { node, invariant: true, wrap: false }
    }

    fn wrapped(self) -> Node {
        if self.wrap { Node::Invariant(Box::new(self.node)) } else { self.node }
    }
}

impl Lowering<'_> {
    fn expr(&self, expr: &Expr, above: Above) -> Lowered {
        if let Some(index) = self.given(expr) {
            return Lowered { node: Node::Given(index), invariant: false, wrap: false };
        }
        match expr {
            Expr::Number(number) => Lowered::constant(Node::Number(number.value)),
            Expr::String(string) => {
                Lowered::constant(Node::String(string.value.as_bytes().to_vec()))
            }
            Expr::Paren(paren) => self.expr(&paren.expr, above),
            Expr::Unary(unary) => {
                let inner = self.expr(&unary.expr, above);
                let node = match (unary.op, inner.node) {
                    (UnaryOp::Plus, selector @ Node::Instant(_)) => operand(selector),
                    (UnaryOp::Plus, node) => node,
                    (UnaryOp::Minus, node) => Node::Negate(Box::new(node)),
                };
                Lowered { node, ..inner }
            }
            Expr::Vector(selector) => self.instant_selector(selector, above),
            Expr::Matrix(matrix) => self.range_selector(matrix, above),
            Expr::Subquery(subquery) => self.subquery(subquery, above),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate, above),
            Expr::Binary(binary) => self.chain(binary, above),
            Expr::Call(call) => self.call(call, above),
        }
    }

    /// Which of the given values stand for an expression. Those of one in
    /// parentheses stand for what is inside.
    fn given(&self, expr: &Expr) -> Option<usize> {
        if self.given.is_empty() || matches!(expr, Expr::Paren(_)) {
            return None;
        }
        let span = expr.span();
        self.given.iter().position(|own| *own == span)
    }

    fn reference(&self, at: Option<At>, offset_ms: i64) -> Reference {
        let at_ms = at.map(|at| match at {
            At::Time(time) => time,
            At::Start => self.grid.start_ms,
            At::End => self.grid.end_ms,
        });
        Reference { at_ms, offset_ms }
    }

    fn instant_selector(&self, selector: &VectorSelector, above: Above) -> Lowered {
        let reference = self.reference(selector.at, selector.offset_ms);
        let pinned = reference.at_ms.is_some();
        let node = Node::Instant(Box::new(Instant {
            select: usize::MAX,
            matchers: selector.matchers.clone(),
            reference,
            smoothed: selector.extended == Some(Extended::Smoothed),
            statistics_only: above.skips_buckets(),
            needs_times: false,
            position: selector.span.start,
        }));
        Lowered { node, invariant: pinned, wrap: pinned }
    }

    fn range_selector(&self, matrix: &ast::MatrixSelector, above: Above) -> Lowered {
        let selector = &matrix.selector;
        let reference = self.reference(selector.at, selector.offset_ms);
        let source = Source::Samples {
            select: usize::MAX,
            matchers: selector.matchers.clone(),
            extended: selector.extended,
            statistics_only: above.skips_buckets(),
        };
        let range_ms = matrix.range_ms;
        let invariant = reference.at_ms.is_some();
        let node = Node::Range(Box::new(Range { source, range_ms, reference }));
        Lowered { node, invariant, wrap: false }
    }

    fn subquery(&self, subquery: &ast::Subquery, above: Above) -> Lowered {
        // Resets must be detected between the samples a subquery yields.
        let inner = self.expr(&subquery.expr, Above { needs_buckets: true, ..above });
        let node = if inner.invariant { Node::Invariant(Box::new(inner.node)) } else { inner.node };
        let reference = self.reference(subquery.at, subquery.offset_ms);
        let source = Source::Subquery { node, step_ms: subquery.step_ms };
        let range_ms = subquery.range_ms;
        let invariant = reference.at_ms.is_some();
        let node = Node::Range(Box::new(Range { source, range_ms, reference }));
        Lowered { node, invariant, wrap: false }
    }

    fn aggregate(&self, aggregate: &ast::Aggregate, above: Above) -> Lowered {
        let input = aggregate.expr.unparen();
        let param = aggregate.param.as_deref().map(Expr::unparen);
        let lowered = self.expr(input, above);
        let mut grouping = aggregate.grouping.clone();
        grouping.sort();
        let node = Node::Aggregate(Box::new(Aggregate {
            op: aggregate.op,
            input: lowered.node,
            input_position: input.span().start,
            param: param.map(|param| self.expr(param, above).node),
            param_position: param.map_or(0, |param| param.span().start),
            grouping,
            without: aggregate.without,
            position: aggregate.span.start,
        }));
        Lowered { node, invariant: lowered.invariant, wrap: lowered.wrap }
    }

    fn chain(&self, binary: &ast::Binary, above: Above) -> Lowered {
        let spine = binary.spine();
        let innermost = spine[spine.len() - 1];
        // A trim anywhere in the chain needs the buckets of what is left of
        // it; what is right of it is a scalar or an error.
        let trims = spine.iter().any(|b| matches!(b.op, BinaryOp::TrimLower | BinaryOp::TrimUpper));
        let above = Above { needs_buckets: above.needs_buckets || trims, ..above };
        let first = self.expr(&innermost.lhs, above);
        let mut left_type = innermost.lhs.value_type();
        let (mut invariant, mut wrap) = (first.invariant, first.wrap);
        let mut links = Vec::with_capacity(spine.len());
        for link in spine.iter().rev() {
            let right = self.expr(&link.rhs, above);
            let right_type = link.rhs.value_type();
            let both = invariant && right.invariant;
            links.push(Link {
                op: link.op,
                left_invariant: !both && wrap,
                right: if both { right.node } else { right.wrapped() },
                left_type,
                right_type,
                matching: link.matching.clone().unwrap_or_default(),
                return_bool: link.return_bool,
                position: link.span.start,
            });
            (invariant, wrap) = (both, both);
            if right_type != ValueType::Scalar {
                left_type = ValueType::Vector;
            }
        }
        let node = Node::Chain(Box::new(Chain { first: first.node, links }));
        Lowered { node, invariant, wrap }
    }

    fn call(&self, call: &ast::Call, above: Above) -> Lowered {
        let id = call.function.id;
        if let Some(value) = self.query_context(id) {
            return Lowered::constant(Node::Number(value));
        }
        let above = above.call(id);
        let args: Vec<&Expr> = call.args.iter().map(Expr::unparen).collect();
        let positions = args.iter().map(|arg| argument_position(arg)).collect();
        let info = (id == FunctionId::Info).then(|| self.info(&args));
        let mut lowered: Vec<Lowered> = args.iter().map(|arg| self.expr(arg, above)).collect();
        if id == FunctionId::Info {
            // The second argument is conditions, not samples.
            lowered.truncate(1);
        }
        let all_invariant = lowered.iter().all(|arg| arg.invariant);
        let selector_times = matches!(id, FunctionId::Timestamp | FunctionId::StartTimestamp);
        let pinned_timestamp = id == FunctionId::Timestamp
            && all_invariant
            && matches!(lowered[0].node, Node::Instant(_));
        if selector_times
            && let Some(Lowered { node: Node::Instant(selector), .. }) = lowered.first_mut()
        {
            selector.needs_times = true;
        }
        let invariant = all_invariant && !depends_on_time(id) || pinned_timestamp;
        let args = lowered
            .into_iter()
            .map(|arg| if invariant { arg.node } else { arg.wrapped() })
            .collect();
        let (function, position) = (call.function, call.span.start);
        let node = Node::Call(Box::new(Call { function, args, positions, position, info }));
        Lowered { node, invariant, wrap: invariant }
    }

    /// The value of `start()`, `end()`, `range()` and `step()`, in seconds.
    fn query_context(&self, id: FunctionId) -> Option<f64> {
        let Grid { start_ms, end_ms, step_ms } = self.grid;
        match id {
            FunctionId::Start => Some(start_ms as f64 / 1000.0),
            FunctionId::End => Some(end_ms as f64 / 1000.0),
            FunctionId::Range => Some(end_ms.saturating_sub(start_ms) as f64 / 1000.0),
            FunctionId::Step if self.instant || start_ms == end_ms => Some(0.0),
            FunctionId::Step => Some(step_ms as f64 / 1000.0),
            _ => None,
        }
    }

    fn info(&self, args: &[&Expr]) -> Info {
        let conditions: &[Matcher] = match args.get(1) {
            Some(Expr::Vector(selector)) => &selector.matchers,
            _ => &[],
        };
        let (names, data) = conditions.iter().cloned().partition(Matcher::is_name);
        Info {
            select: usize::MAX,
            names: info_names(names),
            data,
            reference: self.info_reference(args[0]),
        }
    }

    /// The first selector's moment also governs the info series: the
    /// innermost `@` of it and the subqueries around it, and the offsets up
    /// to there.
    fn info_reference(&self, expr: &Expr) -> Reference {
        let mut found = None;
        ast::walk(expr, |node, path| {
            if found.is_some() {
                return ast::Descend::Over;
            }
            let selector = match node {
                Expr::Vector(selector) => selector,
                Expr::Matrix(matrix) => &matrix.selector,
                _ => return ast::Descend::Into,
            };
            let mut reference = self.reference(selector.at, selector.offset_ms);
            for outer in path.iter().rev() {
                if let (Expr::Subquery(subquery), None) = (outer, reference.at_ms) {
                    reference.offset_ms += subquery.offset_ms;
                    reference.at_ms = self.reference(subquery.at, 0).at_ms;
                }
            }
            found = Some(reference);
            ast::Descend::Over
        });
        found.unwrap_or(Reference { at_ms: None, offset_ms: 0 })
    }
}

/// A selector that functions that look at selectors do not see: beside a
/// sign it is an expression like others.
fn operand(selector: Node) -> Node {
    Node::Chain(Box::new(Chain { first: selector, links: Vec::new() }))
}

/// Where notes about an argument point to. Prometheus replaces a subquery by
/// what it yields, which has no place in the query.
fn argument_position(arg: &Expr) -> usize {
    if let Expr::Subquery(_) = arg { 0 } else { arg.span().start }
}

/// The conditions on info metrics' names: where none demands anything, names
/// end in `_info`; where there are none, it is `target_info`.
fn info_names(written: Vec<Matcher>) -> Vec<Matcher> {
    let positive = |m: &Matcher| matches!(m.op(), MatchOp::Equal | MatchOp::Regex);
    if written.iter().any(positive) {
        return written;
    }
    let (op, value) = if written.is_empty() {
        (MatchOp::Equal, "target_info")
    } else {
        (MatchOp::Regex, ".+_info")
    };
    let default = Matcher::new(METRIC_NAME, op, value).expect("a constant pattern is valid");
    std::iter::once(default).chain(written).collect()
}

/// True for functions whose result depends on the evaluation time even if
/// their arguments do not.
fn depends_on_time(id: FunctionId) -> bool {
    matches!(
        id,
        FunctionId::DaysInMonth
            | FunctionId::DayOfMonth
            | FunctionId::DayOfWeek
            | FunctionId::DayOfYear
            | FunctionId::End
            | FunctionId::Hour
            | FunctionId::Minute
            | FunctionId::Month
            | FunctionId::Year
            | FunctionId::PredictLinear
            | FunctionId::Range
            | FunctionId::Start
            | FunctionId::Step
            | FunctionId::Time
            | FunctionId::Timestamp
    )
}

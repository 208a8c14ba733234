//! Random trees: printing and parsing are inverse to each other.
//!
//! The trees are those a parser could have made: typed, and with parentheses
//! where an operand needs them.

use promql::ast::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Call, Cardinality, DurationExpr, DurationKind,
    DurationOp, Expr, Extended, FillValues, MatrixSelector, NumberLiteral, Paren, Span,
    StringLiteral, Subquery, Unary, UnaryOp, ValueType, VectorMatching, VectorSelector, type_of,
};
use promql::functions::FunctionId;
use promql::matcher::{MatchOp, Matcher};
use promql::printer::prettify;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{assert_survives_printing, normalised};
use promql::parser::{Options, parse};

const SPAN: Span = Span { start: 0, end: 0 };

/// Names, some of which are keywords elsewhere.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "m_[a-z0-9_:]{0,6}",
        select(&["sum", "by", "fill", "start", "offset", "unless", "min_of"][..])
            .prop_map(str::to_owned),
    ]
}

fn label() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_][a-z0-9_]{0,4}", "[^\u{fffd}\\p{Cn}]{1,4}"]
        .prop_filter("needs quotes in a list that Prometheus does not print", |name| {
            !["inf", "nan", "without"].contains(&name.to_ascii_lowercase().as_str())
        })
}

fn labels() -> impl Strategy<Value = Vec<String>> {
    vec(label(), 0..3)
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let plain = (select(&[MatchOp::Equal, MatchOp::NotEqual][..]), vec(any::<u8>(), 1..5));
    let regex = (select(&[MatchOp::Regex, MatchOp::NotRegex][..]), "[a-z.|]{1,4}");
    let regex = regex.prop_map(|(op, pattern)| (op, pattern.into_bytes()));
    (label(), prop_oneof![plain, regex]).prop_map(|(name, (op, value))| {
        Matcher::new(name, op, value).expect("the pattern is valid")
    })
}

fn at() -> impl Strategy<Value = Option<At>> {
    let time = (-10_000_000_000_000i64..10_000_000_000_000).prop_map(At::Time);
    option::of(prop_oneof![time, Just(At::Start), Just(At::End)])
}

/// A selector without modifiers that excludes the empty value.
fn bare_selector() -> impl Strategy<Value = VectorSelector> {
    let named = (name(), vec(matcher(), 0..3));
    let nameless = vec(matcher(), 0..3).prop_map(|matchers| (String::new(), matchers));
    prop_oneof![named, nameless].prop_map(|(name, mut matchers)| {
        matchers.retain(|matcher| !matcher.is_name());
        let value = if name.is_empty() { "some" } else { &name };
        let own = Matcher::new("__name__", MatchOp::Equal, value);
        matchers.push(own.expect("no pattern"));
        VectorSelector {
            name,
            matchers,
            offset_ms: 0,
            offset_expr: None,
            at: None,
            extended: None,
            span: SPAN,
        }
    })
}

fn selector() -> impl Strategy<Value = VectorSelector> {
    let extended = option::of(select(&[Extended::Anchored, Extended::Smoothed][..]));
    let parts = (bare_selector(), offset(), at(), extended);
    parts.prop_map(|(selector, (offset_ms, offset_expr), at, extended)| VectorSelector {
        offset_ms,
        offset_expr,
        at,
        extended,
        ..selector
    })
}

fn seconds(value: f64, duration: bool) -> NumberLiteral {
    NumberLiteral { value, duration, span: SPAN }
}

fn duration_node(kind: DurationKind, wrapped: bool) -> DurationExpr {
    DurationExpr { kind, wrapped, span: SPAN }
}

/// A computed duration that can be an operand.
fn duration_operand() -> impl Strategy<Value = DurationExpr> {
    let number = (1u32..100_000, any::<bool>())
        .prop_map(|(n, duration)| DurationKind::Number(seconds(f64::from(n), duration)));
    let leaf = prop_oneof![number, Just(DurationKind::Step), Just(DurationKind::Range)];
    let leaf = leaf.prop_map(|kind| duration_node(kind, false));
    leaf.prop_recursive(3, 12, 2, |inner| {
        let op = select(DurationOp::ALL);
        let pair = || (inner.clone(), inner.clone()).prop_map(|(a, b)| (Box::new(a), Box::new(b)));
        prop_oneof![
            pair().prop_map(|(a, b)| duration_node(DurationKind::MinOf(a, b), false)),
            pair().prop_map(|(a, b)| duration_node(DurationKind::MaxOf(a, b), false)),
            (op, pair())
                .prop_map(|(op, (a, b))| duration_node(DurationKind::Binary(op, a, b), true)),
            inner.prop_filter_map("signs of literals are part of them", |operand| {
                let literal = matches!(operand.kind, DurationKind::Number(_));
                let minus = DurationKind::Unary(UnaryOp::Minus, Box::new(operand));
                (!literal).then(|| duration_node(minus, true))
            }),
        ]
    })
}

/// A computed duration that is more than a literal.
fn computed() -> impl Strategy<Value = Box<DurationExpr>> {
    duration_operand().prop_map(|operand| match operand.kind {
        DurationKind::Number(_) => plus_one(operand),
        _ => Box::new(operand),
    })
}

fn plus_one(operand: DurationExpr) -> Box<DurationExpr> {
    let one = Box::new(duration_node(DurationKind::Number(seconds(1.0, false)), false));
    let sum = DurationKind::Binary(DurationOp::Add, Box::new(operand), one);
    Box::new(duration_node(sum, true))
}

/// Beyond some weeks Prometheus may read one millisecond less than was printed,
/// since durations pass through floats.
const MAX_MS: i64 = 1_000_000_000;

type Length = (i64, Option<Box<DurationExpr>>);

fn offset() -> impl Strategy<Value = Length> {
    prop_oneof![
        Just((0, None)),
        (-MAX_MS..MAX_MS).prop_map(|ms| (ms, None)),
        computed().prop_map(|expr| (0, Some(expr))),
    ]
}

fn range() -> impl Strategy<Value = Length> {
    prop_oneof![(1..MAX_MS).prop_map(|ms| (ms, None)), computed().prop_map(|expr| (0, Some(expr))),]
}

/// Before the colon of a subquery, Prometheus wants a number somewhere.
fn range_with_number() -> impl Strategy<Value = Length> {
    range().prop_map(|(ms, expr)| (ms, expr.map(|expr| plus_one(*expr))))
}

fn paren(expr: Expr) -> Expr {
    Expr::Paren(Paren { expr: Box::new(expr), span: SPAN })
}

fn number() -> impl Strategy<Value = Expr> {
    let value = prop_oneof![any::<f64>(), Just(f64::NAN), (0u32..100_000).prop_map(f64::from)];
    let plain = value.prop_map(|value| seconds(value, false));
    let duration = (0u32..100_000).prop_map(|value| seconds(f64::from(value), true));
    prop_oneof![plain, duration].prop_map(Expr::Number)
}

fn string() -> impl Strategy<Value = Expr> {
    vec(any::<u8>(), 0..6)
        .prop_map(|value| Expr::String(StringLiteral { value: value.into(), span: SPAN }))
}

/// The operand in parentheses, unless it binds more strongly than `op`.
fn operand(expr: Expr, op: BinaryOp, is_left: bool) -> Expr {
    let stands_alone = match &expr {
        Expr::Number(number) => number.value.is_finite() && number.value.is_sign_positive(),
        Expr::Unary(_) => false,
        // An operator would go on with the offset.
        Expr::Vector(selector) => !selector.offset_expr.as_ref().is_some_and(|expr| expr.wrapped),
        Expr::Binary(inner) if is_left => {
            inner.op.precedence() > op.precedence()
                || (inner.op.precedence() == op.precedence() && op != BinaryOp::Pow)
        }
        Expr::Binary(inner) => inner.op.precedence() > op.precedence(),
        _ => true,
    };
    if stands_alone { expr } else { paren(expr) }
}

fn matching() -> impl Strategy<Value = VectorMatching> {
    let group =
        select(&[Cardinality::OneToOne, Cardinality::ManyToOne, Cardinality::OneToMany][..]);
    // Prometheus prints a fill with 0 and -0 as one with 0.
    let value =
        || option::of(any::<f64>().prop_map(|value| if value == 0.0 { 0.0 } else { value }));
    let fill = (value(), value());
    let fill = fill.prop_map(|(lhs, rhs)| FillValues { lhs, rhs });
    let parts = (group, labels(), any::<bool>(), labels(), fill);
    parts.prop_map(|(cardinality, labels, on, include, fill)| {
        let grouped = cardinality != Cardinality::OneToOne;
        let allowed = |label: &String| grouped && !(on && labels.contains(label));
        let include = include.into_iter().filter(allowed).collect();
        VectorMatching { cardinality, labels, on, include, fill }
    })
}

fn binary(lhs: Expr, rhs: Expr, op: BinaryOp, bool: bool, mut matching: VectorMatching) -> Expr {
    let vectors = [&lhs, &rhs].map(|side| type_of(side) == ValueType::Vector);
    let op = if op.is_set() && vectors != [true, true] { BinaryOp::Add } else { op };
    if op.is_set() {
        matching.cardinality = Cardinality::ManyToMany;
        (matching.include, matching.fill) = (Vec::new(), FillValues::default());
    }
    Expr::Binary(Binary {
        op,
        return_bool: op.is_comparison() && (bool || vectors == [false, false]),
        matching: (vectors == [true, true]).then_some(matching),
        lhs: Box::new(operand(lhs, op, true)),
        rhs: Box::new(operand(rhs, op, false)),
        span: SPAN,
    })
}

fn unary(op: UnaryOp, expr: Expr) -> Expr {
    let binds_more = match &expr {
        Expr::Number(_) => false,
        Expr::Binary(binary) => binary.op == BinaryOp::Pow,
        _ => true,
    };
    let expr = Box::new(if binds_more { expr } else { paren(expr) });
    Expr::Unary(Unary { op, expr, span: SPAN })
}

fn call(id: FunctionId, args: Vec<Expr>) -> Expr {
    Expr::Call(Call { function: id.function(), args, span: SPAN })
}

fn matrix() -> impl Strategy<Value = Expr> {
    (selector(), range()).prop_map(|(selector, (range_ms, range_expr))| {
        Expr::Matrix(MatrixSelector { selector, range_ms, range_expr, span: SPAN })
    })
}

fn subquery(
    expr: Expr,
    range: Length,
    step: Option<Length>,
    offset: Length,
    at: Option<At>,
) -> Expr {
    // Operators must not take the brackets for theirs.
    let expr = match expr {
        Expr::Binary(_) | Expr::Unary(_) => paren(expr),
        expr => expr,
    };
    let (step_ms, step_expr) = step.unwrap_or((0, None));
    Expr::Subquery(Subquery {
        expr: Box::new(expr),
        range_ms: range.0,
        range_expr: range.1,
        step_ms,
        step_expr,
        offset_ms: offset.0,
        offset_expr: offset.1,
        at,
        span: SPAN,
    })
}

fn aggregate(
    op: AggregateOp,
    expr: Expr,
    param: Expr,
    text: Expr,
    by: (Vec<String>, bool),
) -> Expr {
    let param = match op {
        AggregateOp::CountValues => Some(text),
        _ => op.takes_param().then_some(param),
    };
    Expr::Aggregate(Aggregate {
        op,
        expr: Box::new(expr),
        param: param.map(Box::new),
        grouping: by.0,
        without: by.1,
        span: SPAN,
    })
}

/// An expression that is a vector.
fn vector(inner: impl Strategy<Value = Expr> + Clone + 'static) -> BoxedStrategy<Expr> {
    let as_vector = |expr: Expr| match type_of(&expr) {
        ValueType::Vector => expr,
        _ => call(FunctionId::Vector, vec![expr]),
    };
    inner.prop_map(as_vector).boxed()
}

/// An expression that is a scalar or an instant vector.
fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![selector().prop_map(Expr::Vector), number()];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let inner = inner.boxed();
        let step = option::of(range());
        let windows = (vector(inner.clone()), range_with_number(), step, offset(), at());
        let windows = windows
            .prop_map(|(expr, range, step, offset, at)| subquery(expr, range, step, offset, at));
        let by = (labels(), any::<bool>());
        prop_oneof![
            inner.clone().prop_map(paren),
            (select(UnaryOp::ALL), inner.clone()).prop_map(|(op, expr)| unary(op, expr)),
            (inner.clone(), inner.clone(), select(BinaryOp::ALL), any::<bool>(), matching())
                .prop_map(|(lhs, rhs, op, bool, matching)| binary(lhs, rhs, op, bool, matching)),
            (select(AggregateOp::ALL), vector(inner.clone()), number(), string(), by)
                .prop_map(|(op, expr, param, text, by)| aggregate(op, expr, param, text, by)),
            prop_oneof![matrix(), windows].prop_map(|window| call(FunctionId::Rate, vec![window])),
            (vector(inner.clone()), number())
                .prop_map(|(expr, number)| call(FunctionId::Round, vec![expr, number])),
            (vector(inner), vec(string(), 3..6)).prop_map(|(expr, strings)| {
                let args = std::iter::once(expr).chain(strings).collect();
                call(FunctionId::LabelJoin, args)
            }),
            Just(call(FunctionId::Time, Vec::new())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn printed_trees_parse_back_to_themselves(expr in expr()) {
        assert_survives_printing(&expr);
    }

    #[test]
    fn prettified_trees_parse_back_to_themselves(expr in expr()) {
        let pretty = prettify(&expr);
        let again = parse(&pretty, &Options::all()).expect("it parses");
        prop_assert_eq!(normalised(&again), normalised(&expr), "in {}", pretty);
    }

    #[test]
    fn rebuilding_with_nothing_changed_changes_nothing(expr in expr()) {
        prop_assert_eq!(expr.clone().map(|node| node), expr);
    }
}

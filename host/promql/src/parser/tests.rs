use super::*;
use crate::ast::{
    At, BinaryOp, Cardinality, DurationKind, Extended, UnaryOp, ValueType, VectorSelector,
};

fn read(query: &str) -> Expr {
    parse(query, &Options::all()).unwrap_or_else(|error| panic!("{query:?}: {error}"))
}

fn error(query: &str, options: &Options) -> String {
    match parse(query, options) {
        Ok(expr) => panic!("{query:?} is read as {expr:?}"),
        Err(error) => error.to_string(),
    }
}

fn selector(query: &str) -> VectorSelector {
    match read(query) {
        Expr::Vector(selector) => selector,
        Expr::Matrix(matrix) => matrix.selector,
        other => panic!("{query:?} is read as {other:?}"),
    }
}

/// The query with parentheses around every operator.
fn grouped(query: &str) -> String {
    let grouped = read(query).map(|node| match node {
        Expr::Binary(_) | Expr::Unary(_) => {
            Expr::Paren(crate::ast::Paren { span: node.span(), expr: Box::new(node) })
        }
        other => other,
    });
    grouped.to_string()
}

#[test]
fn errors_have_the_text_and_place_prometheus_gives_them() {
    for (query, wanted) in [
        ("", "unknown position: parse error: no expression found in input"),
        ("# only", "1:1: parse error: no expression found in input"),
        ("1 +", "1:4: parse error: unexpected end of input"),
        ("a\n+\n)", "3:2: parse error: unexpected right parenthesis ')'"),
        ("sum(x", "1:6: parse error: unclosed left parenthesis"),
        ("x[1", "1:4: parse error: unclosed left bracket"),
        ("x[", "1:3: parse error: unexpected end of input in duration expression"),
        ("é", "1:1: parse error: unexpected character: 'é'"),
        (r#"x{a="b"#, "1:5: parse error: unterminated quoted string"),
        (r"x{a='b\q'}", "1:5: parse error: unknown escape sequence U+0071 'q'"),
        ("a b", r#"1:3: parse error: unexpected identifier "b""#),
        ("sum by (a) + 1", "1:12: parse error: unexpected <op:+> in aggregation"),
        ("a + on", r#"1:7: parse error: unexpected end of input in grouping opts, expected "(""#),
        ("foo @ start", "1:12: parse error: unexpected end of input in @, expected timestamp"),
        ("abs(a,)", "1:6: parse error: trailing commas not allowed in function call args"),
        (
            "1_ + 1",
            r#"1:1: parse error: error parsing number: strconv.ParseFloat: parsing "1_": invalid syntax"#,
        ),
        (
            "foo @ 1e30",
            "1:1: parse error: timestamp out of bounds for @ modifier: 1000000000000000019884624838656.000000",
        ),
        (r#"x{a=~"b("}"#, "1:3: parse error: error parsing regexp: missing closing ): `b(`"),
        (
            r#"sum(a) by ("\xff",b)"#,
            r#"1:12: parse error: invalid label name for grouping: "\xff""#,
        ),
    ] {
        assert_eq!(error(query, &Options::all()), wanted, "for {query:?}");
    }
}

#[test]
fn types_are_checked_as_prometheus_does() {
    for (query, wanted) in [
        ("1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
        ("a  + bool b", "1:4: parse error: bool modifier can only be used on comparison operators"),
        (
            r#"1 + "a""#,
            "1:5: parse error: binary expression must contain only scalar and instant vector types",
        ),
        (
            "rate(a)",
            r#"1:6: parse error: expected type range vector in call to function "rate", got instant vector"#,
        ),
        (
            "topk(a, b)",
            "1:6: parse error: expected type scalar in aggregation parameter, got instant vector",
        ),
        (
            "a and 1",
            r#"1:1: parse error: set operator "and" not allowed in binary scalar expression"#,
        ),
        (
            "a unless on(b) group_left c",
            r#"1:1: parse error: no grouping allowed for "unless" operation"#,
        ),
        (
            "a[5m][5m:]",
            "1:1: parse error: subquery is only allowed on instant vector, got matrix instead",
        ),
        (
            "-a[5m]",
            r#"1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "range vector""#,
        ),
        (
            r#"a{__name__="b"}"#,
            r#"1:1: parse error: metric name must not be set twice: "a" or "b""#,
        ),
        (
            r#"a + {b=~".*"}"#,
            "1:5: parse error: vector selector must contain at least one non-empty matcher",
        ),
        (
            "round(a, 1, 2)",
            r#"1:1: parse error: expected at most 2 argument(s) in call to "round", got 3"#,
        ),
        (
            "label_join(a)",
            r#"1:1: parse error: expected at least 3 argument(s) in call to "label_join", got 1"#,
        ),
        (
            "info(a, b)",
            "1:9: parse error: expected label selectors only, got vector selector instead",
        ),
    ] {
        assert_eq!(error(query, &Options::all()), wanted, "for {query:?}");
    }
}

#[test]
fn the_first_error_in_reading_order_wins() {
    // A lexical error behind comes before the operator's, one of syntax not.
    let wanted = "1:10: parse error: unexpected character: '}'";
    assert_eq!(error("x[5m:1m] }", &Options::all()), wanted);
    let wanted = "1:1: parse error: unknown function with name \"nix\"";
    assert_eq!(error("nix() nix()", &Options::all()), wanted);
}

#[test]
fn optional_parts_are_refused_unless_switched_on() {
    let none = Options { duration_expressions: false, ..Options::default() };
    for (query, wanted) in [
        (
            "limitk(1, a)",
            "1:1: parse error: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
        ),
        ("step()", r#"1:1: parse error: function "step" is not enabled"#),
        (
            "a + fill(1) b",
            "1:1: parse error: binop fill modifiers are experimental and not enabled",
        ),
        ("a[5m] smoothed", "1:1: parse error: smoothed modifier is experimental and not enabled"),
        ("a offset -step()", "1:10: parse error: experimental duration expression is not enabled"),
        ("a[1m+1m]", "1:3: parse error: experimental duration expression is not enabled"),
    ] {
        assert_eq!(error(query, &none), wanted, "for {query:?}");
        read(query);
    }
    assert!(parse("a[1m+1m]", &Options::default()).is_ok(), "on by default");
}

#[test]
fn operators_bind_and_associate_as_in_prometheus() {
    for (query, wanted) in [
        ("a or b and c == d + e * f ^ g", "(a or (b and (c == (d + (e * (f ^ g))))))"),
        ("a - b - c", "((a - b) - c)"),
        ("a ^ b ^ c", "(a ^ (b ^ c))"),
        ("a * b atan2 c % d", "(((a * b) atan2 c) % d)"),
        ("-a ^ b * c", "((-(a ^ b)) * c)"),
        ("a unless b or c and d", "((a unless b) or (c and d))"),
        ("a </ b + c", "(a </ (b + c))"),
        ("-1 ^ 2", "(-(1 ^ 2))"),
        ("- - 1", "1"),
        ("-a offset 5m", "(-a offset 5m)"),
        ("a offset 1m + b", "(a offset 1m + b)"),
        ("a offset -2 ^ 2", "(a offset -2s ^ 2)"),
    ] {
        assert_eq!(grouped(query), wanted, "for {query:?}");
    }
}

#[test]
fn every_node_knows_its_place() {
    let query = "sum by (b) (rate(a{c=\"d\"}[5m] offset 1m)) + -x";
    let mut places = Vec::new();
    crate::ast::walk(&read(query), |node, path| {
        places.push((path.len(), &query[node.span().start..node.span().end]));
        crate::ast::Descend::Into
    });
    let wanted = [
        (0, query),
        (1, "sum by (b) (rate(a{c=\"d\"}[5m] offset 1m))"),
        (2, "rate(a{c=\"d\"}[5m] offset 1m)"),
        (3, "a{c=\"d\"}[5m] offset 1m"),
        (1, "-x"),
        (2, "x"),
    ];
    assert_eq!(places, wanted);
}

#[test]
fn keywords_name_metrics_and_labels_where_nothing_else_can_stand() {
    for name in ["sum", "by", "fill", "offset", "and", "start", "anchored", "min_of", "LIMITK"] {
        assert_eq!(selector(name).name, name);
        assert_eq!(read(&format!("{name} + {name}")).to_string(), format!("{name} + {name}"));
    }
    let labels = "sum by (sum, on, bool, atan2, by, group_left, start, and) (a)";
    assert_eq!(read(labels).to_string(), labels);
    for name in ["on", "bool", "ignoring", "group_left", "atan2"] {
        assert!(parse(name, &Options::all()).is_err(), "{name}");
    }
    assert!(parse("sum by (without) (a)", &Options::all()).is_err());
}

#[test]
fn selectors_keep_their_matchers_in_order_and_the_name_last() {
    let found = selector(r#"a{z="1", "x.y"!~'b', c!="", }"#);
    let matchers: Vec<String> = found.matchers.iter().map(ToString::to_string).collect();
    assert_eq!(matchers, [r#"z="1""#, r#""x.y"!~"b""#, r#"c!="""#, r#"__name__="a""#]);
    let quoted = selector(r#"{"a.b", c="d"}"#);
    assert_eq!(quoted.name, "");
    assert_eq!(quoted.to_string(), r#"{__name__="a.b",c="d"}"#);
}

#[test]
fn modifiers_are_stored_with_the_selector() {
    let found = selector("a[5m] smoothed @ 1.5 offset -1m");
    assert_eq!(found.at, Some(At::Time(1500)));
    assert_eq!(found.offset_ms, -60_000);
    assert_eq!(found.extended, Some(Extended::Smoothed));
    assert_eq!(selector("a @ end()").at, Some(At::End));
    let computed = selector("a offset (1m * 2)").offset_expr.expect("it is computed");
    assert!(computed.wrapped && matches!(computed.kind, DurationKind::Binary(..)));
    let signed = selector("a offset +step()").offset_expr.expect("it is computed");
    assert!(matches!(signed.kind, DurationKind::Unary(UnaryOp::Plus, _)));
}

#[test]
fn matching_exists_between_vectors_only() {
    let matching = |query| match read(query) {
        Expr::Binary(mut binary) => binary.matching.take(),
        other => panic!("{query:?} is read as {other:?}"),
    };
    assert_eq!(matching("a + 1"), None);
    assert_eq!(matching("1 + 1"), None);
    let set = matching("a and b").expect("both are vectors");
    assert_eq!(set.cardinality, Cardinality::ManyToMany);
    let full = matching("a + on (b, c) group_left (d) fill_right (-1) fill_left (5m) e");
    let full = full.expect("both are vectors");
    assert_eq!((full.cardinality, full.on), (Cardinality::ManyToOne, true));
    assert_eq!((full.labels, full.include), (vec!["b".into(), "c".into()], vec!["d".into()]));
    assert_eq!((full.fill.lhs, full.fill.rhs), (Some(300.0), Some(-1.0)));
}

#[test]
fn numbers_are_read_in_all_their_forms() {
    for (query, wanted) in [
        ("0x1F", "31"),
        ("0755", "493"),
        ("08", "8"),
        ("1_000", "1000"),
        ("1e-3", "0.001"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+inf", "+Inf"),
        ("-Inf", "-Inf"),
        ("NaN", "NaN"),
        ("1h30m", "1h30m"),
        ("-5m", "-5m"),
    ] {
        assert_eq!(read(query).to_string(), wanted, "for {query:?}");
    }
}

#[test]
fn strings_are_bytes_in_three_kinds_of_quotes() {
    for (query, wanted) in [
        (r#""a\"b\x41\101\u00e9""#, "a\"bAA\u{e9}".as_bytes()),
        (r#"'a"b\''"#, b"a\"b'"),
        (r"`a\n`", br"a\n"),
        (r#""\xff""#, b"\xff"),
    ] {
        let Expr::String(literal) = read(query) else {
            panic!("{query:?} is no string");
        };
        assert_eq!(literal.value.as_bytes(), wanted, "for {query:?}");
    }
}

#[test]
fn types_follow_operands() {
    for (query, wanted) in [
        ("1 + 2 * time()", ValueType::Scalar),
        ("(1) + a", ValueType::Vector),
        ("-(a)", ValueType::Vector),
        ("a[5m]", ValueType::Matrix),
        ("a[5m:]", ValueType::Matrix),
        ("('x')", ValueType::String),
        ("scalar(a)", ValueType::Scalar),
        ("sum(a)", ValueType::Vector),
    ] {
        assert_eq!(read(query).value_type(), wanted, "for {query:?}");
    }
}

#[test]
fn a_bare_selector_is_read_without_modifiers() {
    let matchers = parse_selector(r#"a{b="c"}"#).expect("it is a selector");
    assert_eq!(matchers.len(), 2);
    assert!(parse_selector("{}").expect("not checked here").is_empty());
    for text in ["", "a offset 5m", "a + b", "1", "rate(a[5m])", "a{"] {
        assert!(parse_selector(text).is_err(), "{text:?}");
    }
}

#[test]
fn the_names_of_operators_are_those_of_the_language() {
    for op in BinaryOp::ALL {
        let Expr::Binary(binary) = read(&format!("a {op} b")) else {
            panic!("{op} is no operator");
        };
        assert_eq!(binary.op, *op);
    }
}

use super::*;
use crate::parser::{Options, parse};

fn read(query: &str) -> Expr {
    parse(query, &Options::all()).unwrap_or_else(|error| panic!("{query:?}: {error}"))
}

#[test]
fn a_walk_meets_parents_first_and_knows_the_path() {
    let expr = read("topk(2, a) + rate(b[5m])");
    let mut met = Vec::new();
    walk(&expr, |node, path| {
        met.push((path.len(), node.to_string()));
        Descend::Into
    });
    let met: Vec<(usize, &str)> = met.iter().map(|(depth, text)| (*depth, &**text)).collect();
    let wanted = [
        (0, "topk(2, a) + rate(b[5m])"),
        (1, "topk(2, a)"),
        (2, "a"),
        (2, "2"),
        (1, "rate(b[5m])"),
        (2, "b[5m]"),
    ];
    assert_eq!(met, wanted);
}

#[test]
fn a_walk_leaves_out_what_it_is_told_to() {
    let expr = read("abs(a) + b");
    let mut met = Vec::new();
    walk(&expr, |node, _| {
        met.push(node.to_string());
        match node {
            Expr::Call(_) => Descend::Over,
            _ => Descend::Into,
        }
    });
    assert_eq!(met, ["abs(a) + b", "abs(a)", "b"]);
}

#[test]
fn map_rebuilds_from_the_leaves_up() {
    let expr = read("a + b - (c)");
    let mapped = expr.map(|node| match node {
        Expr::Paren(paren) => *paren.expr,
        Expr::Vector(selector) => {
            Expr::Paren(Paren { span: selector.span, expr: Box::new(Expr::Vector(selector)) })
        }
        other => other,
    });
    assert_eq!(mapped.to_string(), "(a) + (b) - (c)");
}

#[test]
fn selectors_are_found_left_to_right_also_in_ranges() {
    let expr = read("rate(a[5m]) + sum(b offset 1m) / max_over_time(c[1h:])");
    let names: Vec<&str> = expr.selectors().iter().map(|node| &*node.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn the_spine_of_a_chain_starts_outside() {
    let Expr::Binary(chain) = read("a + b - c * d") else {
        panic!("it is binary");
    };
    let ops: Vec<BinaryOp> = chain.spine().iter().map(|link| link.op).collect();
    assert_eq!(ops, [BinaryOp::Sub, BinaryOp::Add]);
    let (lhs, rhs) = chain.into_operands();
    assert_eq!((lhs.to_string(), rhs.to_string()), ("a + b".to_owned(), "c * d".to_owned()));
}

#[test]
fn trees_of_different_texts_are_equal_without_spans() {
    let (mut one, mut two) = (read("a+rate(b[5m:])  "), read(" a  +  rate(b[5m:])"));
    assert_ne!(one, two);
    one.clear_spans();
    two.clear_spans();
    assert_eq!(one, two);
    assert_ne!(read("a + b"), read("a - b"));
    assert_eq!(read("NaN"), read("NaN"));
    assert_ne!(read("-0"), read("+0"));
}

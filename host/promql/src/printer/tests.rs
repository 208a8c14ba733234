use super::*;
use crate::parser::{Options, parse};

fn read(query: &str) -> Expr {
    parse(query, &Options::all()).unwrap_or_else(|error| panic!("{query:?}: {error}"))
}

#[test]
fn queries_print_as_prometheus_prints_them() {
    for (query, wanted) in [
        ("sum by() (a)", "sum(a)"),
        ("sum(a) without()", "sum without () (a)"),
        ("TOPK by('x.y', z)(5,a)", r#"topk by ("x.y", z) (5, a)"#),
        ("a+ignoring()b", "a + b"),
        ("a+ON()b", "a + on () b"),
        ("a==bool on(b)group_right(c)d", "a == bool on (b) group_right (c) d"),
        ("a+fill(1e6)b", "a + fill (1e+06) b"),
        ("a+fill_left(1)fill_right(2)b", "a + fill_left (1) fill_right (2) b"),
        (r#"a{z="1",b=~'x'}"#, r#"a{b=~"x",z="1"}"#),
        (r#"{__name__="a"}"#, r#"{__name__="a"}"#),
        ("a[90s]smoothed @5 offset-1w", "a[1m30s] smoothed @ 5.000 offset -1w"),
        ("a @-1.0004 anchored", "a @ -1.000 anchored"),
        ("a[1h:]", "a[1h:]"),
        ("a[1h:5m]offset 1m@end()", "a[1h:5m] @ end() offset 1m"),
        ("a[step()+1m:(2)]", "a[step() + 1m:(2)]"),
        ("a offset-(3)", "a offset -(3)"),
        ("a[MIN_OF(1,range())]", "a[min_of(1, range())]"),
        (r#"label_join(a,"b",'\xff"')"#, r#"label_join(a, "b", "\xff\"")"#),
        ("-(-a)", "-(-a)"),
        ("1e21", "1000000000000000000000"),
        ("-5m", "-5m"),
    ] {
        assert_eq!(read(query).to_string(), wanted, "for {query:?}");
    }
}

#[test]
fn short_queries_stay_on_one_line() {
    let query = "sum by (job) (rate(http_requests_total{code=~\"5..\"}[5m])) / on (job) x";
    assert_eq!(prettify(&read(query)), query);
}

#[test]
fn long_operators_are_split_and_indented() {
    let query = "sum by (job) (rate(http_requests_total{job=\"api\",code=~\"5..\"}[5m])) / \
                 on (job) group_left (team) \
                 sum by (job) (rate(http_requests_total{job=\"api\"}[5m])) > bool 0.5";
    let wanted = [
        "    sum by (job) (rate(http_requests_total{code=~\"5..\",job=\"api\"}[5m]))",
        "  / on (job) group_left (team)",
        "    sum by (job) (rate(http_requests_total{job=\"api\"}[5m]))",
        "> bool",
        "  0.5",
    ];
    assert_eq!(prettify(&read(query)), wanted.join("\n"));
}

#[test]
fn long_calls_and_aggregations_are_split_at_their_arguments() {
    let query = "topk(5, histogram_quantile(0.99, sum by (le, instance) \
                 (rate(http_request_duration_seconds_bucket{job=\"api\"}[5m]))))";
    let wanted = [
        "topk(",
        "  5,",
        "  histogram_quantile(",
        "    0.99,",
        "    sum by (le, instance) (rate(http_request_duration_seconds_bucket{job=\"api\"}[5m]))",
        "  )",
        ")",
    ];
    assert_eq!(prettify(&read(query)), wanted.join("\n"));
}

#[test]
fn long_subqueries_keep_their_brackets_on_the_last_line() {
    let (a, b) = ("a".repeat(50), "b".repeat(50));
    let query = format!("max_over_time(-({a} + {b})[1h:1m] offset 5m)");
    let refused = parse(&query, &Options::all());
    assert!(refused.is_err(), "the sign is outside: {refused:?}");
    let query = format!("max_over_time(({a} + {b})[1h:1m] offset 5m)");
    let lines = [
        "max_over_time(".to_owned(),
        "  (".to_owned(),
        format!("      {a}"),
        "    +".to_owned(),
        format!("      {b}"),
        "  )[1h:1m] offset 5m".to_owned(),
        ")".to_owned(),
    ];
    assert_eq!(prettify(&read(&query)), lines.join("\n"));
}

#[test]
fn a_chain_whose_lines_would_be_huge_stays_on_one_line() {
    let chain = vec!["a"; 20_000].join(" + ");
    assert_eq!(prettify(&read(&chain)), chain);
    let chain = vec!["a"; 200].join(" + ");
    assert!(prettify(&read(&chain)).lines().count() > 300);
}

//! Plans as text.

use expect_test::{Expect, expect};
use promql::Labels;
use promql::parser;

use super::{Rewrite, Site, sites};

const EAST: [(&str, &str); 2] = [("site", "east"), ("zone", "1")];
const WEST: [(&str, &str); 2] = [("site", "west"), ("zone", "1")];

fn plan(query: &str, groups: &[Labels]) -> String {
    let language = parser::Options { experimental_functions: true, ..Default::default() };
    let expr = parser::parse(query, &language).expect("a query");
    let rewrite = Rewrite { start_ms: 60_000, end_ms: 120_000, subquery_step_ms: 60_000, language };
    let groups: Vec<&Labels> = groups.iter().collect();
    let found: Vec<String> =
        sites(&expr, &groups, &rewrite).iter().map(|site| show(query, site)).collect();
    if found.is_empty() { "raw\n".to_owned() } else { found.concat() }
}

fn show(query: &str, site: &Site) -> String {
    let mut lines =
        vec![format!("{}: {}", site.combine.as_str(), &query[site.span.start..site.span.end])];
    for asked in site.parts.iter().flat_map(|part| &part.asked) {
        lines.push(format!("  {}: {}  + {}", asked.group, asked.text, asked.attach));
    }
    if !site.undecided.is_empty() {
        lines.push(format!("  if disjoint: {:?}", site.undecided));
    }
    lines.push(String::new());
    lines.join("\n")
}

#[track_caller]
fn two(query: &str, expected: &Expect) {
    expected.assert_eq(&plan(query, &[Labels::from_pairs(EAST), Labels::from_pairs(WEST)]));
}

#[track_caller]
fn alike(query: &str, expected: &Expect) {
    expected.assert_eq(&plan(query, &[Labels::empty(), Labels::empty()]));
}

#[track_caller]
fn one(query: &str, expected: &Expect) {
    expected.assert_eq(&plan(query, &[Labels::from_pairs(EAST)]));
}

#[test]
fn sums_are_sums_of_sums() {
    two(
        "sum by (job) (rate(x[5m]))",
        &expect![[r#"
        sum: sum by (job) (rate(x[5m]))
          0: sum by (job) (rate(x[5m]))  + {}
          1: sum by (job) (rate(x[5m]))  + {}
    "#]],
    );
    two(
        "sum by (job, site) (rate(x{site!=\"\"}[5m]))",
        &expect![[r#"
        union: sum by (job, site) (rate(x{site!=""}[5m]))
          0: sum by (job) (rate(x[5m]))  + {site="east"}
          1: sum by (job) (rate(x[5m]))  + {site="west"}
    "#]],
    );
    two(
        "sum without (pod) (x)",
        &expect![[r#"
        union: sum without (pod) (x)
          0: sum without (pod, site, zone) (x)  + {site="east", zone="1"}
          1: sum without (pod, site, zone) (x)  + {site="west", zone="1"}
    "#]],
    );
    two(
        "count(x > 3) * 2",
        &expect![[r#"
        sum: count(x > 3)
          0: count(x > 3)  + {}
          1: count(x > 3)  + {}
    "#]],
    );
    two(
        "avg by (site) (x) + avg(y)",
        &expect![[r#"
        union: avg by (site) (x)
          0: avg(x)  + {site="east"}
          1: avg(x)  + {site="west"}
        sum / count: avg(y)
          0: sum(y)  + {}
          1: sum(y)  + {}
          0: count(y)  + {}
          1: count(y)  + {}
    "#]],
    );
    alike(
        "sum by (job) (rate(x[5m]))",
        &expect![[r#"
        sum: sum by (job) (rate(x[5m]))
          0: sum by (job) (rate(x[5m]))  + {}
          1: sum by (job) (rate(x[5m]))  + {}
          if disjoint: [(0, 1)]
    "#]],
    );
    one(
        "avg(x)",
        &expect![[r#"
        union: avg(x)
          0: avg(x)  + {}
    "#]],
    );
}

#[test]
fn what_needs_all_series_gets_the_series() {
    two(
        "quantile(0.9, rate(x[5m]))",
        &expect![[r#"
        union: rate(x[5m])
          0: rate(x[5m])  + {site="east", zone="1"}
          1: rate(x[5m])  + {site="west", zone="1"}
    "#]],
    );
    two(
        "stddev by (zone) (x)",
        &expect![[r#"
        union: x
          0: x  + {site="east", zone="1"}
          1: x  + {site="west", zone="1"}
    "#]],
    );
    two(
        "absent(x)",
        &expect![[r#"
        raw
    "#]],
    );
    two(
        "absent(sum(x))",
        &expect![[r#"
        sum: sum(x)
          0: sum(x)  + {}
          1: sum(x)  + {}
    "#]],
    );
    two(
        "scalar(x) + y",
        &expect![[r#"
        union: x
          0: x  + {site="east", zone="1"}
          1: x  + {site="west", zone="1"}
        union: y
          0: y  + {site="east", zone="1"}
          1: y  + {site="west", zone="1"}
    "#]],
    );
    two(
        "sort(sum by (job) (x))",
        &expect![[r#"
        sum: sum by (job) (x)
          0: sum by (job) (x)  + {}
          1: sum by (job) (x)  + {}
    "#]],
    );
    two(
        "limitk(2, x)",
        &expect![[r#"
        union: x
          0: x  + {site="east", zone="1"}
          1: x  + {site="west", zone="1"}
    "#]],
    );
    two(
        "topk by (job) (2, x)",
        &expect![[r#"
        union: x
          0: topk by (job) (2, x)  + {site="east", zone="1"}
          1: topk by (job) (2, x)  + {site="west", zone="1"}
    "#]],
    );
    two(
        "max_over_time(sum(x)[5m:1m])",
        &expect![[r#"
        raw
    "#]],
    );
    two(
        "timestamp(x)",
        &expect![[r#"
        union: timestamp(x)
          0: timestamp(x)  + {site="east", zone="1"}
          1: timestamp(x)  + {site="west", zone="1"}
    "#]],
    );
}

#[test]
fn one_group_evaluates_everything_but_what_its_labels_forbid() {
    one(
        "quantile by (site) (0.9, x)",
        &expect![[r#"
        union: quantile by (site) (0.9, x)
          0: quantile(0.9, x)  + {site="east"}
    "#]],
    );
    one(
        "a / on (site, job) group_left (pod) b",
        &expect![[r#"
        union: a / on (site, job) group_left (pod) b
          0: a / on (job) group_left (pod) b  + {site="east", zone="1"}
    "#]],
    );
    one(
        "a * on (site) group_left (zone) b",
        &expect![[r#"
        union: a
          0: a  + {site="east", zone="1"}
        union: b
          0: b  + {site="east", zone="1"}
    "#]],
    );
    one(
        "a or vector(0)",
        &expect![[r#"
        union: a
          0: a  + {site="east", zone="1"}
    "#]],
    );
    one(
        "sum(a) or vector(0)",
        &expect![[r#"
        union: sum(a) or vector(0)
          0: sum(a) or vector(0)  + {}
    "#]],
    );
    one(
        "scalar(a) * b",
        &expect![[r#"
        union: scalar(a) * b
          0: scalar(a) * b  + {site="east", zone="1"}
    "#]],
    );
    one(
        "count_values(\"site\", a)",
        &expect![[r#"
        union: a
          0: a  + {site="east", zone="1"}
    "#]],
    );
    one(
        "label_replace(a, \"site\", \"x\", \"\", \"\")",
        &expect![[r#"
        union: a
          0: a  + {site="east", zone="1"}
    "#]],
    );
    one(
        "label_replace(a, \"pod\", \"$1\", \"instance\", \"(.*):.*\")",
        &expect![[r#"
        union: label_replace(a, "pod", "$1", "instance", "(.*):.*")
          0: label_replace(a, "pod", "$1", "instance", "(.*):.*")  + {site="east", zone="1"}
    "#]],
    );
    one(
        "max_over_time(sum(rate(x[5m]))[1h:])",
        &expect![[r#"
        union: max_over_time(sum(rate(x[5m]))[1h:])
          0: max_over_time(sum(rate(x[5m]))[1h:1m])  + {}
    "#]],
    );
    one(
        "x{site=\"west\"}",
        &expect![[r#"
        raw
    "#]],
    );
    one(
        "{site=\"east\"}",
        &expect![[r#"
        union: {site="east"}
          0: {__name__!=""}  + {site="east", zone="1"}
    "#]],
    );
}

#[test]
fn moments_are_written_out() {
    one(
        "sum(x @ end() offset 5m)",
        &expect![[r#"
        union: sum(x @ end() offset 5m)
          0: sum(x @ 120.000 offset 5m)  + {}
    "#]],
    );
    one(
        "sum(x @ start() - y offset -1m)",
        &expect![[r#"
        union: sum(x @ start() - y offset -1m)
          0: sum(x @ 60.000 - y offset -1m)  + {}
    "#]],
    );
}

#[test]
fn operators_between_groups_are_evaluated_here() {
    two(
        "a + b",
        &expect![[r#"
        union: a + b
          0: a + b  + {site="east", zone="1"}
          1: a + b  + {site="west", zone="1"}
    "#]],
    );
    two(
        "a + on (job) b",
        &expect![[r#"
        union: a
          0: a  + {site="east", zone="1"}
          1: a  + {site="west", zone="1"}
        union: b
          0: b  + {site="east", zone="1"}
          1: b  + {site="west", zone="1"}
    "#]],
    );
    two(
        "a + ignoring (site) b",
        &expect![[r#"
        union: a
          0: a  + {site="east", zone="1"}
          1: a  + {site="west", zone="1"}
        union: b
          0: b  + {site="east", zone="1"}
          1: b  + {site="west", zone="1"}
    "#]],
    );
    two(
        "a{site=\"east\"} / on (job) b{site=\"west\"}",
        &expect![[r#"
        union: a{site="east"}
          0: a  + {site="east", zone="1"}
        union: b{site="west"}
          1: b  + {site="west", zone="1"}
    "#]],
    );
    two(
        "max(x) < 5",
        &expect![[r#"
        max: max(x)
          0: max(x)  + {}
          1: max(x)  + {}
    "#]],
    );
    two(
        "sum(topk by (site) (2, x))",
        &expect![[r#"
        sum: sum(topk by (site) (2, x))
          0: sum(topk(2, x))  + {}
          1: sum(topk(2, x))  + {}
    "#]],
    );
    alike(
        "a + b",
        &expect![[r#"
        union: a
          0: a  + {}
          1: a  + {}
          if disjoint: [(0, 1)]
        union: b
          0: b  + {}
          1: b  + {}
          if disjoint: [(0, 1)]
    "#]],
    );
}

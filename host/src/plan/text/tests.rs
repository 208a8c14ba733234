//! Plans as people read them.

use expect_test::expect;
use promql::Labels;
use promql::parser;

use crate::plan::{
    Explained, GroupName, Plan, PlannedSite, Read, ReadOf, Rewrite, Share, Steps, Stretch, Way,
    sites,
};

const STEPS: Steps = Steps { start_ms: 60_000, end_ms: 660_000, step_ms: 60_000 };

fn group(title: &str, labels: &[(&str, &str)]) -> GroupName {
    let replicas = ["a", "b"].map(|name| format!("http://{title}-{name}:9090"));
    GroupName {
        title: title.to_owned(),
        labels: Labels::from_pairs(labels.iter().copied()),
        replicas: replicas.into(),
    }
}

/// The sites of a query over two groups, all of them raw.
fn explained(query: &str) -> Explained {
    let language = parser::Options::default();
    let expr = parser::parse(query, &language).expect("a query");
    let rewrite = Rewrite { start_ms: 60_000, end_ms: 660_000, subquery_step_ms: 60_000, language };
    let groups = vec![group("east", &[("site", "east")]), group("west", &[("site", "west")])];
    let labels: Vec<&Labels> = groups.iter().map(|group| &group.labels).collect();
    let planned = sites(&expr, &labels, &rewrite).into_iter().map(|site| PlannedSite {
        shares: (0..2).map(|group| Share::raw(vec![group], STEPS, "few raw samples")).collect(),
        site,
    });
    let plan = Plan { raw: planned.collect(), ..Plan::default() };
    Explained { query: query.to_owned(), steps: STEPS, plan, groups, reads: Vec::new() }
}

fn read_of(group: usize, selector: &str, window_ms: (i64, i64)) -> ReadOf {
    ReadOf { group, selector: selector.to_owned(), window_ms, pieces: 1, estimate: None }
}

#[test]
fn what_is_pushed_down_is_told_with_where_and_why() {
    let mut own = explained("sum by (job) (rate(x[5m])) / scalar(y)");
    let mut site = own.plan.raw.remove(0);
    let part = |from: i64, to: i64, way| Stretch {
        steps: Steps { start_ms: from, end_ms: to, ..STEPS },
        way,
    };
    site.shares[0] = Share {
        stretches: vec![part(60_000, 660_000, Way::Push(0))],
        samples: Some(250_000),
        ..Share::raw(vec![0], STEPS, "a whole replica")
    };
    site.shares[1] = Share {
        stretches: vec![
            part(60_000, 300_000, Way::Push(1)),
            part(360_000, 360_000, Way::Raw),
            part(420_000, 660_000, Way::Push(0)),
        ],
        samples: Some(500_000),
        series: 40,
        ..Share::raw(vec![1], STEPS, "whole replicas, and raw where none is")
    };
    own.plan.sites.push(site);
    own.plan.probes = 6;
    own.reads = vec![
        Read {
            selector: r#"{__name__="y"}"#.to_owned(),
            window_ms: (-239_999, 660_000),
            site: None,
            asked: vec![
                ReadOf {
                    pieces: 3,
                    estimate: Some((4, 164)),
                    ..read_of(0, r#"{__name__="y"}"#, (-389_999, 660_000))
                },
                read_of(1, r#"{__name__="y"}"#, (-389_999, 660_000)),
            ],
        },
        Read {
            selector: r#"{__name__="x"}"#.to_owned(),
            window_ms: (60_001, 360_000),
            site: Some(0),
            asked: vec![read_of(1, r#"{__name__="x"}"#, (60_001, 360_000))],
        },
    ];
    expect![[r#"
        query: sum by (job) (rate(x[5m])) / scalar(y)
        steps: 1970-01-01T00:01:00Z to 1970-01-01T00:11:00Z every 1m, 11 of them
        evaluated here: <1> / scalar(y)
        requests made to decide: 6

        <1> sum by (job) (rate(x[5m]))
          put together: sum: a sum, or a count, is the sum of the groups'
          group east {site="east"}: push-down: a whole replica
            asked: sum by (job) (rate(x[5m]))
            1970-01-01T00:01:00Z to 1970-01-01T00:11:00Z: by http://east-a:9090
            raw samples of all replicas, estimated: 250000
          group west {site="west"}: push-down and raw: whole replicas, and raw where none is
            asked: sum by (job) (rate(x[5m]))
            1970-01-01T00:01:00Z to 1970-01-01T00:05:00Z: by http://west-b:9090
            1970-01-01T00:06:00Z: raw
            1970-01-01T00:07:00Z to 1970-01-01T00:11:00Z: by http://west-a:9090
            raw samples of all replicas, estimated: 500000
            series in an answer, estimated: 40

        not pushed down: y
          group east {site="east"}: few raw samples
          group west {site="west"}: few raw samples

        raw: {__name__="y"} from 1969-12-31T23:56:00.001Z to 1970-01-01T00:11:00Z
          group east {site="east"}
            asked: {__name__="y"} from 1969-12-31T23:53:30.001Z to 1970-01-01T00:11:00Z
            replicas: 2, in 3 pieces
            estimated: 4 series, 164 samples of all replicas
          group west {site="west"}
            asked: {__name__="y"} from 1969-12-31T23:53:30.001Z to 1970-01-01T00:11:00Z
            replicas: 2
            estimated: nothing is known

        raw for <1>: {__name__="x"} from 1970-01-01T00:01:00.001Z to 1970-01-01T00:06:00Z
          group west {site="west"}
            asked: {__name__="x"} from 1970-01-01T00:01:00.001Z to 1970-01-01T00:06:00Z
            replicas: 2
            estimated: nothing is known
    "#]]
    .assert_eq(&own.to_string());
}

#[test]
fn what_is_not_pushed_down_is_told_with_the_reason() {
    let mut own = explained("avg by (site) (x) or quantile(0.9, y)");
    own.plan.raw[1].shares =
        vec![Share::raw(vec![0, 1], STEPS, "groups that may hold the same series")];
    expect![[r#"
        query: avg by (site) (x) or quantile(0.9, y)
        steps: 1970-01-01T00:01:00Z to 1970-01-01T00:11:00Z every 1m, 11 of them
        evaluated here: avg by (site) (x) or quantile(0.9, y)
        requests made to decide: 0

        not pushed down: avg by (site) (x)
          group east {site="east"}: few raw samples
          group west {site="west"}: few raw samples

        not pushed down: y
          groups east {site="east"}, west {site="west"}: groups that may hold the same series
    "#]]
    .assert_eq(&own.to_string());
}

#[test]
fn an_average_asks_for_sum_and_count_and_an_instant_has_no_step() {
    let mut own = explained("avg(x)");
    own.steps = Steps { start_ms: 1_500, end_ms: 1_500, step_ms: 0 };
    let mut site = own.plan.raw.remove(0);
    for share in &mut site.shares {
        share.stretches = vec![Stretch { steps: own.steps, way: Way::Push(0) }];
        share.reason = "pushdown: always".to_owned();
    }
    own.plan.sites.push(site);
    expect![[r#"
        query: avg(x)
        steps: 1970-01-01T00:00:01.5Z
        evaluated here: <1>
        requests made to decide: 0

        <1> avg(x)
          put together: sum / count: the sum of the groups' sums over the sum of their counts
          group east {site="east"}: push-down: pushdown: always
            asked: sum(x)
            asked: count(x)
            1970-01-01T00:00:01.5Z: by http://east-a:9090
          group west {site="west"}: push-down: pushdown: always
            asked: sum(x)
            asked: count(x)
            1970-01-01T00:00:01.5Z: by http://west-a:9090
    "#]]
    .assert_eq(&own.to_string());
}

#[test]
fn moments_beyond_the_calendar_are_still_told() {
    let mut own = explained("vector(1)");
    own.reads.push(Read {
        selector: "{}".to_owned(),
        window_ms: (i64::MIN, 0),
        site: None,
        asked: Vec::new(),
    });
    expect![[r#"
        query: vector(1)
        steps: 1970-01-01T00:01:00Z to 1970-01-01T00:11:00Z every 1m, 11 of them
        evaluated here: vector(1)
        requests made to decide: 0

        raw: {} from -9223372036854775808 ms to 1970-01-01T00:00:00Z
    "#]]
    .assert_eq(&own.to_string());
}

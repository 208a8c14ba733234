use super::*;

fn form(query: &str) -> Form {
    Form::parse(query.as_bytes(), b"")
}

fn fault<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.expect_err("a fault").to_string()
}

#[test]
fn an_instant_query_has_defaults() {
    let request = instant(&form("query=up"), 1234).expect("a request");
    let expected = query::Request {
        text: "up".to_owned(),
        start_ms: 1234,
        end_ms: 1234,
        step_ms: 0,
        timeout: None,
        limit: 0,
        lookback_ms: None,
        stats: query::Stats::None,
    };
    assert_eq!(request, expected);
}

#[test]
fn every_parameter_of_a_range_query_is_read() {
    let text = "query=up&start=2015-06-03T13:21:58Z&end=1433338018.5&step=1m&timeout=1.5\
                &limit=7&lookback_delta=30s&stats=all";
    let expected = query::Request {
        text: "up".to_owned(),
        start_ms: 1_433_337_718_000,
        end_ms: 1_433_338_018_500,
        step_ms: 60_000,
        timeout: Some(Duration::from_millis(1500)),
        limit: 7,
        lookback_ms: Some(30_000),
        stats: query::Stats::All,
    };
    assert_eq!(range(&form(text)), Ok(expected));
}

#[test]
fn faults_have_prometheus_texts() {
    let cases = [
        (
            "start=x&end=1&step=1",
            r#"invalid parameter "start": cannot parse "x" to a valid timestamp"#,
        ),
        ("start=1&step=1", r#"invalid parameter "end": cannot parse "" to a valid timestamp"#),
        (
            "start=2&end=1&step=1",
            r#"invalid parameter "end": end timestamp must not be before start time"#,
        ),
        ("start=1&end=1&step=", r#"invalid parameter "step": cannot parse "" to a valid duration"#),
        (
            "start=1&end=1&step=0",
            r#"invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer"#,
        ),
        (
            "start=1&end=1&step=-1",
            r#"invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer"#,
        ),
        (
            "start=1&end=1&step=1e20",
            r#"invalid parameter "step": cannot parse "1e20" to a valid duration. It overflows int64"#,
        ),
        (
            "start=0&end=11001&step=1",
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ),
        (
            "start=1&end=1&step=1&timeout=x",
            r#"invalid parameter "timeout": cannot parse "x" to a valid duration"#,
        ),
        (
            "start=1&end=8&step=0.0005",
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ),
        (
            "start=1&end=1&step=0.0005",
            r#"invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer"#,
        ),
        (
            "start=1&end=1&step=1&lookback_delta=x",
            r#"error parsing lookback delta duration: cannot parse "x" to a valid duration"#,
        ),
        ("limit=x", r#"invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax"#),
        (
            "limit=99999999999999999999",
            r#"invalid parameter "limit": strconv.Atoi: parsing "99999999999999999999": value out of range"#,
        ),
        ("limit=-1", r#"invalid parameter "limit": limit must be non-negative"#),
        (
            "start=9.22337e15&end=9.22337e15&step=1",
            r#"invalid parameter "start": cannot parse "9.22337e15" to a valid timestamp"#,
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(range(&form(text))), expected, "{text}");
    }
    assert_eq!(
        fault(instant(&form("time=x"), 0)),
        r#"invalid parameter "time": invalid time value for 'time': cannot parse "x" to a valid timestamp"#
    );
}

#[test]
fn a_timeout_of_zero_and_below_has_passed() {
    for timeout in ["0", "-1", "-1e9", "NaN"] {
        let request = instant(&form(&format!("query=up&timeout={timeout}")), 0);
        assert_eq!(request.map(|request| request.timeout), Ok(Some(Duration::ZERO)), "{timeout}");
    }
}

#[test]
fn a_range_of_exactly_the_most_steps_is_accepted_and_the_ends_of_time_do_not_overflow() {
    assert!(range(&form("start=0&end=11000&step=1")).is_ok());
    let ends = "start=-292273086-05-16T16:47:06Z&end=292277025-08-18T07:12:54.999999999Z&step=1y";
    assert_eq!(range(&form(ends)), Err(Error::Resolution));
}

#[test]
fn a_step_below_a_millisecond_is_refused() {
    assert_eq!(range(&form("start=1&end=1&step=0.0005")), Err(Reason::Step.of("step")));
    assert!(range(&form("start=1&end=1&step=0.001")).is_ok());
}

#[test]
fn a_query_of_more_than_a_megabyte_is_refused_with_a_short_text() {
    let long = format!("query={}", "a".repeat(MAX_QUERY + 1));
    let text = fault(instant(&form(&long), 0));
    assert_eq!(text, "invalid parameter \"query\": the query is longer than 1048576 bytes");
}

#[test]
fn a_scope_without_times_has_none_nor_has_one_with_the_ends_of_time() {
    let ends = "start=-292273086-05-16T16:47:06Z&end=292277025-08-18T07:12:54.999999999Z";
    for text in ["", ends] {
        let scope = scope(&form(text), Fault::Bare).expect("a scope");
        assert_eq!((scope.start_ms, scope.end_ms), (None, None), "{text}");
    }
    let scope = scope(&form("start=1&end=2&limit=3&match[]=up&match[]={a=%22b%22}"), Fault::Bare)
        .expect("a scope");
    assert_eq!((scope.start_ms, scope.end_ms, scope.limit), (Some(1000), Some(2000), 3));
    let shown: Vec<String> = scope.selectors.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(shown, ["__name__=\"up\"", "a=\"b\""]);
}

#[test]
fn a_selector_that_everything_fulfils_is_refused() {
    for text in ["match[]={}", "match[]={a=~%22.*%22}", "match[]={a=%22%22}"] {
        let expected = "match[] must contain at least one non-empty matcher";
        assert_eq!(fault(scope(&form(text), Fault::Bare)), expected, "{text}");
        let named = fault(scope(&form(text), Fault::Named));
        assert_eq!(named, format!("invalid parameter \"match[]\": {expected}"), "{text}");
    }
}

#[test]
fn a_selector_that_does_not_parse_is_refused_with_the_parsers_text() {
    assert_eq!(
        fault(scope(&form("match[]=up%20down"), Fault::Bare)),
        "1:4: parse error: unexpected identifier \"down\""
    );
}

#[test]
fn label_names_are_any_text_and_may_be_escaped() {
    assert_eq!(label_name(b"job"), Ok("job".to_owned()));
    assert_eq!(label_name("größe".as_bytes()), Ok("größe".to_owned()));
    assert_eq!(label_name(b"U__http_2e_status__code"), Ok("http.status_code".to_owned()));
    assert_eq!(fault(label_name(b"\xff")), r#"invalid label name: "\xff""#);
    assert_eq!(fault(label_name(b"U__")), r#"invalid label name: """#);
}

#[test]
fn metadata_limits_are_any_number() {
    let request = metadata(&form("metric=up&limit=-1&limit_per_metric=2")).expect("a request");
    assert_eq!((request.limit, request.limit_per_metric), (0, 2));
    assert_eq!(request.metric.as_deref(), Some("up"));
    assert_eq!(fault(metadata(&form("limit=x"))), "limit must be a number");
    assert_eq!(fault(metadata(&form("limit_per_metric=x"))), "limit_per_metric must be a number");
}

#[test]
fn the_limit_of_tsdb_statistics_has_bounds() {
    assert_eq!(check_tsdb_limit(&form("limit=10000")), Ok(()));
    assert_eq!(fault(check_tsdb_limit(&form("limit=0"))), "limit must be a positive number");
    assert_eq!(fault(check_tsdb_limit(&form("limit=x"))), "limit must be a positive number");
    assert_eq!(fault(check_tsdb_limit(&form("limit=10001"))), "limit must not exceed 10000");
}

#[test]
fn other_values_of_stats_are_deprecated() {
    assert_eq!(stats_warning(&form("stats=all")), None);
    assert_eq!(
        stats_warning(&form("stats=1")).as_deref(),
        Some(
            "value \"1\" for parameter \"stats\" is deprecated and will be rejected in the next \
             major release, use \"true\" or \"all\""
        )
    );
}

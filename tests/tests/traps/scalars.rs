//! Scalars and absence: one answer, not one for each group.

use crate::{ALL, LABELLED, ask};

#[test]
fn a_scalar_of_a_series_in_one_group_is_its_value() {
    ask(
        &LABELLED,
        &[
            r#"scalar(only_second{job="rare"})"#,
            r#"vector(scalar(only_second{job="rare"}))"#,
            r#"up * scalar(only_second{job="rare"})"#,
            "scalar(up)",
            "scalar(sum(up))",
            r#"scalar(build_info{site="west"}) + time()"#,
            "temperature_celsius > scalar(max(only_second))",
        ],
    );
}

#[test]
fn nothing_is_absent_that_one_group_has() {
    ask(
        &ALL,
        &[
            "absent(only_second)",
            "sum(absent(only_second))",
            "count(absent_over_time(only_second[5m]))",
            "abs(absent(only_second))",
            r#"absent(only_second{site="east", job="rare"})"#,
            r#"absent(up{site="nowhere", instance="x"})"#,
            r#"absent_over_time(nothing{region="east coast", a="b"}[5m])"#,
            r#"absent(sum(only_second))"#,
            "count(absent(nothing))",
        ],
    );
}

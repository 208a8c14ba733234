//! What Prometheus has changed after 3.5, where that shows.
//!
//! Texts that later versions word in another way, or no longer or not yet
//! say, are taken out of both answers; what is then the same is explained by
//! them. The few changes of data and errors are named one by one, each with
//! the shape of query in which it can show.

mod texts;

use std::collections::BTreeSet;

use e2e::queries::language::When;

use crate::answer::{Answer, Shown};
use crate::compare::{difference, values};

/// A later change of data or errors.
struct Change {
    name: &'static str,
    makes: fn(&Case<'_>) -> bool,
}

struct Case<'a> {
    query: &'a str,
    when: When,
    /// Names are removed late.
    late: bool,
    expected: &'a Answer,
    actual: &'a Answer,
}

/// Later changes by what they are called here; numbers are pull requests of
/// prometheus/prometheus.
const CHANGES: &[Change] = &[
    // #16725: k and ratio are checked before the data, and NaN is none.
    Change {
        name: "k is checked first",
        makes: |case| {
            ["Parameter value is NaN", "Ratio value is NaN", "Scalar value "]
                .iter()
                .any(|text| case.actual_error().starts_with(text))
        },
    },
    // #18020: a subquery without steps has no parameters to be checked.
    Change {
        name: "nothing is checked without steps",
        makes: |case| {
            case.expected_error() == "Scalar value NaN overflows int64"
                && matches!(case.actual, Answer::Data { .. })
                && case.query.contains(':')
        },
    },
    // #18639: durations that are no numbers are errors.
    Change {
        name: "durations that are no numbers",
        makes: |case| {
            let texts = ["duration is NaN or infinite", "duration out of range"];
            texts.iter().any(|text| case.actual_error().ends_with(text))
        },
    },
    // #17668: matching is checked also where a comparison filters.
    Change {
        name: "filtered matches are checked",
        makes: |case| case.actual_error().starts_with("multiple matches for labels: "),
    },
    // #17159: duplicates are named in the order of their texts.
    Change { name: "duplicates are named in order", makes: same_duplicates },
    // #17278: different custom bounds are reconciled.
    Change {
        name: "custom bounds are reconciled",
        makes: |case| {
            case.expected_text(&["incompatible custom buckets", "incompatible bucket layout"])
                || case.query.contains("(layout_seconds)")
        },
    },
    // #17424: fractions where the lower bound is in the first bucket.
    Change {
        name: "fractions of classic histograms",
        makes: |case| {
            // The last digits of any fraction show in labels.
            case.query.contains("histogram_fraction(")
                && ["latency_bucket", "count_values"].iter().any(|p| case.query.contains(p))
        },
    },
    // #16925 and others: buckets are left out where only count and sum are
    // looked at, also by the outermost function, and schemas are told apart.
    Change {
        name: "buckets are left out",
        makes: |case| {
            let has = |names: &[&str]| names.iter().any(|name| case.query.contains(name));
            has(&["histogram_count(", "histogram_sum(", "histogram_avg("])
                && has(&["rate(", "increase(", "delta(", "resets(", "changes(", "changed_kind"])
        },
    },
    // #15578: buckets are also told to be fixed where nothing was observed.
    Change {
        name: "fixed empty buckets",
        makes: |case| {
            let quantile = case.query.contains("histogram_quantile(");
            quantile && only_more_texts(case, "fixed for monotonicity")
        },
    },
    // #19040: a range with NaN has no median.
    Change { name: "mad_over_time of NaN", makes: |case| case.query.contains("mad_over_time(") },
    // #17817: info series themselves are kept whatever is asked of labels.
    Change {
        name: "info of info series",
        makes: |case| {
            let of_info = ["_info", "info(info("].iter().any(|part| case.query.contains(part));
            case.query.contains("info(") && of_info && lost_only(case)
        },
    },
    // #17135, #17199: samples of info series were mixed up over time.
    Change {
        name: "info over time",
        makes: |case| case.is_range() && case.query.contains("info("),
    },
    // #19413: names are removed behind info as well.
    Change { name: "names behind info", makes: |case| case.late && case.query.contains("info(") },
    // #18409: names are removed behind a subquery as well.
    Change {
        name: "names behind a subquery",
        makes: |case| {
            case.late && case.query.contains("last_over_time(") && case.query.contains(':')
        },
    },
    // #17703, #17708: series that are never there together do not collide.
    Change {
        name: "series that do not meet",
        makes: |case| {
            case.expected_error() == "vector cannot contain metrics with the same labelset"
                && ["-(", "label_replace(", "label_join("].iter().any(|p| case.query.contains(p))
        },
    },
    // #16828: rates of histograms are not extrapolated below zero.
    Change {
        name: "extrapolation of histograms",
        makes: |case| {
            ["rate(", "increase("].iter().any(|rate| case.query.contains(rate))
                && case.query.contains(':')
                && has_histograms(case.expected)
        },
    },
    // #14105: sums and means of histograms are compensated.
    Change {
        name: "sums of histograms",
        makes: |case| {
            ["avg", "sum"].iter().any(|part| case.query.contains(part))
                && (has_histograms(case.expected) || case.query.contains("count_values"))
        },
    },
    // #19266: the time of the first argument is that of the info series.
    Change {
        name: "info looks at the time of its argument",
        makes: |case| {
            case.query.contains("info(")
                && (case.query.contains('@') || case.query.contains("offset"))
        },
    },
    // #18081: a subquery ends with the last step of the query around it.
    Change {
        name: "subqueries end with the last step",
        makes: |case| {
            let When::Range(start, end, step) = case.when else { return false };
            (end - start) % step != 0 && case.query.contains(':') && fewer_texts(case)
        },
    },
    // #17898: series without identifying labels are not dropped by info.
    Change {
        name: "info without identifying labels",
        makes: |case| {
            case.query.contains("info(") && lacks_identity(case.actual) && lost_only(case)
        },
    },
    // #16777 and others: the grammar of durations is another one.
    Change { name: "durations", makes: durations_are_read_otherwise },
    // #17004: histograms with a negative factor are gauges.
    Change {
        name: "negative histograms",
        makes: |case| {
            case.query.contains('-') && only_more_texts(case, "histogram metric is not a counter")
        },
    },
    // #17379 and others: what made the parser itself fail.
    Change {
        name: "failures of the parser",
        makes: |case| case.expected_error().ends_with(": unexpected error"),
    },
    // #16996: the place is that of the operator's own expression.
    Change {
        name: "place of a label that is on both sides",
        makes: |case| {
            let text = " must not occur in ON and GROUP clause at once";
            case.expected_error().ends_with(text) && case.actual_error().ends_with(text)
        },
    },
];

impl Case<'_> {
    fn is_range(&self) -> bool {
        matches!(self.when, When::Range(..))
    }

    /// One of these was said by the older version.
    fn expected_text(&self, parts: &[&str]) -> bool {
        let Answer::Data { warnings, infos, .. } = self.expected else { return false };
        let mut texts = warnings.iter().chain(infos);
        texts.any(|text| parts.iter().any(|part| text.contains(part)))
    }

    fn expected_error(&self) -> &str {
        error(self.expected)
    }

    fn actual_error(&self) -> &str {
        error(self.actual)
    }
}

fn error(answer: &Answer) -> &str {
    match answer {
        Answer::Failed { text, .. } => text,
        Answer::Data { .. } => "",
    }
}

fn has_histograms(answer: &Answer) -> bool {
    match answer {
        Answer::Data { value: Shown::Vector(all) | Shown::Matrix(all), .. } => {
            all.iter().any(|element| !element.histograms.is_empty())
        }
        _ => false,
    }
}

/// The same data, and only this text is said in addition.
fn only_more_texts(case: &Case<'_>, part: &str) -> bool {
    let without = |answer: &Answer| {
        let mut answer = texts::without_changed(case.query, answer);
        if let Answer::Data { infos, warnings, .. } = &mut answer {
            infos.retain(|text| !text.contains(part));
            warnings.retain(|text| !text.contains(part));
        }
        answer
    };
    difference(case.query, &without(case.expected), &without(case.actual)).is_none()
}

/// The same data with fewer texts.
fn fewer_texts(case: &Case<'_>) -> bool {
    match (case.expected, case.actual) {
        (
            Answer::Data { value, warnings, infos },
            Answer::Data { value: other, warnings: other_warnings, infos: other_infos },
        ) => {
            other_warnings.is_subset(warnings)
                && other_infos.is_subset(infos)
                && values(case.query, value, other).is_none()
        }
        _ => false,
    }
}

/// Errors about durations, or that `offset -(…)` is not at the end; `@` has a
/// name since.
fn durations_are_read_otherwise(case: &Case<'_>) -> bool {
    if case.expected_error().is_empty() {
        return false;
    }
    let expected = case.expected_error().replace(r#""<Item 57400>" <op:@>"#, "<op:@>");
    let newer = "expected number, duration, step(), or range()";
    let selector = " in subquery or range selector, ";
    let actual = case
        .actual_error()
        .replace(newer, "expected number or duration")
        .replace(selector, " in subquery selector, ");
    expected == actual
        || case.query.contains("offset -(")
        || ((expected.contains("unexpected character in duration expression")
            || expected.contains("unexpected colon")
            || expected.contains("in subquery selector"))
            && actual.contains(": parse error: unexpected "))
}

/// Holds an element without job and instance.
fn lacks_identity(answer: &Answer) -> bool {
    let elements = match answer {
        Answer::Data { value: Shown::Vector(all) | Shown::Matrix(all), .. } => all.as_slice(),
        _ => &[],
    };
    let identity = ["job", "instance"];
    elements.iter().any(|element| identity.iter().all(|name| !element.labels.contains_key(*name)))
}

/// Less was expected, but no error.
fn lost_only(case: &Case<'_>) -> bool {
    let count = |answer: &Answer| match answer {
        Answer::Data { value: Shown::Vector(all) | Shown::Matrix(all), .. } => Some(all.len()),
        _ => None,
    };
    count(case.expected).zip(count(case.actual)).is_some_and(|(less, more)| less < more)
}

/// The name of the later change that makes the difference between the answers
/// of Prometheus 3.5 and the engine's, if one does.
pub(crate) fn change(
    query: &str,
    when: When,
    late: bool,
    expected: &Answer,
    actual: &Answer,
) -> Option<&'static str> {
    let plain = |answer: &Answer| texts::without_changed(query, answer);
    if difference(query, &plain(expected), &plain(actual)).is_none() {
        return Some("texts");
    }
    let case = Case { query, when, late, expected, actual };
    CHANGES.iter().find(|change| (change.makes)(&case)).map(|change| change.name)
}

/// The same two series, in the other order.
fn same_duplicates(case: &Case<'_>) -> bool {
    let split = |text: &str| -> Option<(String, BTreeSet<String>, String)> {
        let (before, rest) = text.split_once("of the operation: [")?;
        let (pair, after) = rest.split_once("];many-to-many")?;
        let (one, other) = pair.split_once("}, ").or_else(|| pair.split_once(", "))?;
        let both = [one, other].map(|text| text.trim_end_matches('}').to_owned());
        Some((before.to_owned(), both.into_iter().collect(), after.to_owned()))
    };
    let expected = split(case.expected_error());
    expected.is_some() && expected == split(case.actual_error())
}

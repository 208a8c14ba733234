//! Queries from bytes: every function, operator and modifier, well-typed, and
//! without what depends on the range of the query as a whole.

use libfuzzer_sys::arbitrary::{Result, Unstructured};

type Input<'a> = Unstructured<'a>;

const OVER_TIME: [&str; 24] = [
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "deriv",
    "changes",
    "resets",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "count_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "last_over_time",
    "first_over_time",
    "present_over_time",
    "absent_over_time",
    "mad_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
    "ts_of_last_over_time",
    "ts_of_first_over_time",
];
const OF_VECTOR: [&str; 20] = [
    "abs",
    "ceil",
    "exp",
    "sqrt",
    "ln",
    "sgn",
    "absent",
    "timestamp",
    "round",
    "month",
    "days_in_month",
    "histogram_count",
    "histogram_sum",
    "histogram_avg",
    "histogram_stddev",
    "histogram_stdvar",
    "info",
    "-",
    "+",
    "",
];
const AGGREGATIONS: [&str; 8] = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"];
const OPERATORS: [&str; 18] = [
    "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<=", "> bool", "== bool", "and", "or",
    "unless", "</", ">/",
];

/// An instant vector.
pub(super) fn vector(input: &mut Input<'_>, depth: u32) -> Result<String> {
    if depth == 0 {
        return selector(input);
    }
    let depth = depth - 1;
    Ok(match input.int_in_range(0..=9)? {
        0 => selector(input)?,
        1 | 2 => {
            let function = *input.choose(&OVER_TIME)?;
            format!("{function}({})", range(input, depth)?)
        }
        3 => format!("{}({})", input.choose(&OF_VECTOR)?, vector(input, depth)?),
        4 => aggregation(input, depth)?,
        5 | 6 => binary(input, depth)?,
        7 => with_scalars(input, depth)?,
        8 => relabelled(input, depth)?,
        _ => format!("vector({})", scalar(input, depth)?),
    })
}

fn scalar(input: &mut Input<'_>, depth: u32) -> Result<String> {
    const NUMBERS: [&str; 9] = ["0", "1", "-1", "0.5", "3", "NaN", "Inf", "-Inf", "1e300"];
    Ok(match input.int_in_range(0..=4)? {
        0 if depth > 0 => format!("scalar({})", vector(input, depth - 1)?),
        1 => "time()".to_owned(),
        _ => (*input.choose(&NUMBERS)?).to_owned(),
    })
}

fn bare(input: &mut Input<'_>) -> Result<String> {
    const SELECTORS: [&str; 9] = [
        "a",
        "b",
        "a_bucket",
        r#"a{job="x"}"#,
        r#"{__name__=~"a|b"}"#,
        r#"{job!="y"}"#,
        r#"b{instance=~"1|"}"#,
        "target_info",
        "none",
    ];
    Ok((*input.choose(&SELECTORS)?).to_owned())
}

fn modifiers(input: &mut Input<'_>) -> Result<String> {
    Ok(match input.int_in_range(0..=5)? {
        0 => format!(" offset {}s", input.int_in_range(-300..=300)?),
        1 => format!(" @ {}", input.int_in_range(0..=2000)?),
        2 => format!(" @ {} offset 61s", input.int_in_range(0..=2000)?),
        _ => String::new(),
    })
}

fn selector(input: &mut Input<'_>) -> Result<String> {
    let smoothed = if input.ratio(1, 12)? { " smoothed" } else { "" };
    Ok(format!("{}{smoothed}{}", bare(input)?, modifiers(input)?))
}

fn range(input: &mut Input<'_>, depth: u32) -> Result<String> {
    let seconds = input.int_in_range(1..=700)?;
    if depth > 0 && input.ratio(1, 3)? {
        let step = input.int_in_range(7..=200)?;
        let inner = vector(input, depth - 1)?;
        return Ok(format!("({inner})[{seconds}s:{step}s]{}", modifiers(input)?));
    }
    let extended = *input.choose(&["", "", "", "", " anchored", " smoothed"])?;
    Ok(format!("{}[{seconds}s]{extended}{}", bare(input)?, modifiers(input)?))
}

fn grouping(input: &mut Input<'_>) -> Result<&'static str> {
    const GROUPINGS: [&str; 7] = [
        "",
        " by (job)",
        " by (job, instance)",
        " without (instance)",
        " by (__name__)",
        " by (le)",
        " without ()",
    ];
    Ok(input.choose(&GROUPINGS)?)
}

fn aggregation(input: &mut Input<'_>, depth: u32) -> Result<String> {
    let (grouping, inner) = (grouping(input)?, vector(input, depth)?);
    Ok(match input.int_in_range(0..=5)? {
        // A constant: Prometheus takes a parameter once where the rest of the
        // aggregation does not change.
        0 => format!("quantile{grouping} (0.{}, {inner})", input.int_in_range(0..=9)?),
        1 => format!("count_values{grouping} (\"job\", {inner})"),
        2 => {
            let operation = input.choose(&["topk", "bottomk", "limitk"])?;
            format!("{operation}{grouping} ({}, {inner})", input.int_in_range(0..=4)?)
        }
        3 => format!("limit_ratio{grouping} (0.{}, {inner})", input.int_in_range(0..=9)?),
        _ => format!("{}{grouping} ({inner})", input.choose(&AGGREGATIONS)?),
    })
}

fn binary(input: &mut Input<'_>, depth: u32) -> Result<String> {
    const MATCHINGS: [&str; 8] = [
        "",
        "on (job)",
        "on ()",
        "ignoring (le)",
        "on (job) group_left",
        "on (job, instance) group_right (le)",
        "on (job) fill (0)",
        "ignoring (instance) fill_left (1)",
    ];
    let operator = *input.choose(&OPERATORS)?;
    let left = vector(input, depth)?;
    if input.ratio(1, 4)? && !["and", "or", "unless"].contains(&operator) {
        return Ok(format!("({left}) {operator} {}", scalar(input, depth)?));
    }
    let mut matching = *input.choose(&MATCHINGS)?;
    if ["and", "or", "unless"].contains(&operator) {
        matching = if matching.contains("job)") { "on (job)" } else { "" };
    }
    Ok(format!("({left}) {operator} {matching} ({})", vector(input, depth)?))
}

fn with_scalars(input: &mut Input<'_>, depth: u32) -> Result<String> {
    let (one, two) = (scalar(input, depth)?, scalar(input, depth)?);
    Ok(match input.int_in_range(0..=8)? {
        0 => format!("histogram_quantile({one}, {})", vector(input, depth)?),
        1 => format!("histogram_fraction({one}, {two}, {})", vector(input, depth)?),
        2 => format!("histogram_quantiles({}, \"q\", {one}, {two})", vector(input, depth)?),
        3 => format!("clamp({}, {one}, {two})", vector(input, depth)?),
        4 => format!("round({}, {one})", vector(input, depth)?),
        5 => format!("quantile_over_time({one}, {})", range(input, depth)?),
        6 => format!("predict_linear({}, {one})", range(input, depth)?),
        7 => format!("double_exponential_smoothing({}, 0.4, 0.6)", range(input, depth)?),
        _ => format!("vector(max_of({one}, {two}))"),
    })
}

fn relabelled(input: &mut Input<'_>, depth: u32) -> Result<String> {
    let inner = vector(input, depth)?;
    let to = *input.choose(&["job", "instance", "new", "__name__"])?;
    Ok(match input.int_in_range(0..=3)? {
        0 => format!("label_join({inner}, \"{to}\", \"-\", \"job\", \"instance\")"),
        1 => format!("sort_by_label({inner}, \"{to}\")"),
        2 => format!("label_replace({inner}, \"{to}\", \"\", \"job\", \"(x).*\")"),
        _ => format!("label_replace({inner}, \"{to}\", \"$1y\", \"job\", \"(.).*\")"),
    })
}

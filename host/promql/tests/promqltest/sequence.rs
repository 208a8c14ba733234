//! Series descriptions: `name{labels} 1 2+3x4 _ stale {{schema:0 …}}x2`.

use promql::ast::Expr;
use promql::series::STALE_NAN_BITS;
use promql::{CounterResetHint, Histogram, Labels, Span, number, parser};

/// One value of a sequence.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Omitted,
    Float(f64),
    /// A histogram, and whether its counter reset hint was written.
    Histogram(Histogram, bool),
}

type Result<T> = std::result::Result<T, String>;

/// Reads a series description.
pub(crate) fn parse_series(line: &str) -> Result<(Labels, Vec<Value>)> {
    let end = metric_end(line);
    let labels = parse_labels(&line[..end])?;
    Ok((labels, parse_values(line[end..].trim())?))
}

/// Reads `name{label="value"}`.
pub(crate) fn parse_labels(text: &str) -> Result<Labels> {
    // A selector with a condition that every series fulfils reads the same,
    // and may not be empty.
    let text = text.trim();
    if text == "{}" {
        return Ok(Labels::empty());
    }
    let matchers = parser::parse_selector(text).map_err(|error| format!("{text}: {error}"))?;
    let pairs = matchers
        .iter()
        .map(|matcher| (matcher.name().to_owned(), matcher.value().to_str_lossy().into_owned()));
    Ok(Labels::from_pairs(pairs))
}

/// Where the metric ends: at a blank outside of braces and quotes.
fn metric_end(line: &str) -> usize {
    let (mut quote, mut braces, mut escaped) = (None, 0, false);
    for (place, c) in line.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"' | '\''), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '{') => braces += 1,
            (None, '}') => {
                braces -= 1;
                if braces == 0 {
                    return place + 1;
                }
            }
            (None, ' ' | '\t') if braces == 0 && !line[place..].trim_start().starts_with('{') => {
                return place;
            }
            (None, ' ' | '\t') if braces == 0 && line[place..].trim_start().starts_with("{{") => {
                return place;
            }
            _ => {}
        }
    }
    line.len()
}

/// Reads a sequence of values.
pub(crate) fn parse_values(text: &str) -> Result<Vec<Value>> {
    let mut values = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = item_end(rest)?;
        let (item, tail) = rest.split_at(end);
        if item.starts_with("{{") {
            parse_histograms(item, &mut values)?;
        } else {
            parse_floats(item, &mut values)?;
        }
        rest = tail.trim_start();
    }
    Ok(values)
}

fn item_end(text: &str) -> Result<usize> {
    let mut place = 0;
    while place < text.len() {
        let rest = &text[place..];
        if rest.starts_with("{{") {
            place += rest.find("}}").ok_or("a histogram does not end")? + 2;
        } else if rest.starts_with([' ', '\t']) {
            return Ok(place);
        } else {
            place += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    Ok(text.len())
}

/// The repeat count of `…xN`, and what is before it.
fn times(item: &str) -> Result<(&str, Option<usize>)> {
    match item.rsplit_once('x') {
        Some((head, count)) if count.bytes().all(|b| b.is_ascii_digit()) && !count.is_empty() => {
            let count = count.parse().map_err(|_| format!("invalid repeat count in {item}"))?;
            Ok((head, Some(count)))
        }
        _ => Ok((item, None)),
    }
}

fn parse_floats(item: &str, values: &mut Vec<Value>) -> Result<()> {
    let (head, repeat) = times(item)?;
    if head == "_" {
        values.extend(std::iter::repeat_n(Value::Omitted, repeat.unwrap_or(1)));
        return Ok(());
    }
    let (start, step) = match step_place(head) {
        Some(place) if repeat.is_some() => (&head[..place], parse_number(&head[place..])?),
        _ => (head, 0.0),
    };
    let mut value = parse_number(start)?;
    for _ in 0..=repeat.unwrap_or(0) {
        values.push(Value::Float(value));
        if step != 0.0 {
            value += step;
        }
    }
    Ok(())
}

/// Where the sign of the step is in `1+2`: not the first character, and not
/// that of an exponent.
fn step_place(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (1..bytes.len()).find(|place| {
        matches!(bytes[*place], b'+' | b'-')
            && !(matches!(bytes[place - 1], b'e' | b'E') && bytes[0].is_ascii_digit())
    })
}

/// Reads a number as the scripts write them.
pub(crate) fn parse_number(text: &str) -> Result<f64> {
    if text == "stale" {
        return Ok(f64::from_bits(STALE_NAN_BITS));
    }
    if let Some(hex) = text.strip_prefix("0x") {
        let value = i64::from_str_radix(hex, 16).map_err(|error| format!("{text}: {error}"))?;
        return Ok(value as f64);
    }
    let digits_only = text.bytes().all(|b| b.is_ascii_digit());
    if text.len() > 1
        && text.starts_with('0')
        && digits_only
        && let Ok(value) = i64::from_str_radix(text, 8)
    {
        return Ok(value as f64);
    }
    number::parse_float(text).map_err(|error| error.to_string())
}

fn parse_histograms(item: &str, values: &mut Vec<Value>) -> Result<()> {
    let (head, repeat) = times(item)?;
    let first_end = head.find("}}").ok_or("a histogram does not end")? + 2;
    let (base, base_hint) = parse_histogram(&head[..first_end])?;
    let rest = &head[first_end..];
    let repeat = repeat.unwrap_or(0);
    if rest.is_empty() {
        values.extend(std::iter::repeat_n(Value::Histogram(base, base_hint), repeat + 1));
        return Ok(());
    }
    let (step, hint) = parse_histogram(&rest[1..])?;
    let mut current = base;
    values.push(Value::Histogram(current.clone(), hint));
    for _ in 0..repeat {
        if current.schema > step.schema {
            return Err(format!(
                "error combining histograms: cannot merge from schema {} to {}",
                step.schema, current.schema
            ));
        }
        let combined =
            if rest.starts_with('-') { current.subtract(&step) } else { current.add(&step) };
        combined.map_err(|error| error.to_string())?;
        values.push(Value::Histogram(current.clone(), hint));
    }
    Ok(())
}

fn parse_histogram(text: &str) -> Result<(Histogram, bool)> {
    let inner = text
        .strip_prefix("{{")
        .and_then(|text| text.strip_suffix("}}"))
        .ok_or_else(|| format!("not a histogram: {text}"))?;
    let mut histogram = Histogram::default();
    let mut hint_written = false;
    let (mut offset, mut negative_offset) = (0, 0);
    let mut rest = inner.trim_start();
    while !rest.is_empty() {
        let (key, tail) = rest.split_once(':').ok_or_else(|| format!("no key in {rest}"))?;
        let end = if tail.starts_with('[') {
            tail.find(']').ok_or("a list does not end")? + 1
        } else {
            tail.find([' ', '\t']).unwrap_or(tail.len())
        };
        let (value, after) = tail.split_at(end);
        let integer = || value.parse::<i32>().map_err(|error| format!("{value}: {error}"));
        match key {
            "schema" => histogram.schema = integer()?,
            "sum" => histogram.sum = parse_number(value)?,
            "count" => histogram.count = parse_number(value)?,
            "z_bucket" => histogram.zero_count = parse_number(value)?,
            "z_bucket_w" => histogram.zero_threshold = parse_number(value)?,
            "custom_values" => histogram.custom_values = parse_list(value)?,
            "buckets" => histogram.positive_buckets = parse_list(value)?,
            "n_buckets" => histogram.negative_buckets = parse_list(value)?,
            "offset" => offset = integer()?,
            "n_offset" => negative_offset = integer()?,
            "counter_reset_hint" => {
                hint_written = true;
                histogram.counter_reset_hint = match value {
                    "unknown" => CounterResetHint::Unknown,
                    "reset" => CounterResetHint::Reset,
                    "not_reset" => CounterResetHint::NotReset,
                    "gauge" => CounterResetHint::Gauge,
                    _ => return Err(format!("unknown hint {value}")),
                };
            }
            _ => return Err(format!("unknown key {key}")),
        }
        rest = after.trim_start();
    }
    histogram.positive_spans = spans(offset, &histogram.positive_buckets);
    histogram.negative_spans = spans(negative_offset, &histogram.negative_buckets);
    Ok((histogram, hint_written))
}

fn spans(offset: i32, buckets: &[f64]) -> Vec<Span> {
    let length = u32::try_from(buckets.len()).expect("a script has few buckets");
    if length == 0 { Vec::new() } else { vec![Span { offset, length }] }
}

fn parse_list(text: &str) -> Result<Vec<f64>> {
    let inner = text.trim_start_matches('[').trim_end_matches(']');
    inner.split_whitespace().map(parse_number).collect()
}

/// Pins every selector and subquery that has no `@ time` to `time`, but not
/// those inside a subquery. `None` if a function depends on the evaluation
/// time anyhow.
pub(crate) fn pin(expr: &mut Expr, time_ms: i64) -> Option<()> {
    use promql::ast::At;
    let pin_at = |at: &mut Option<At>| {
        if !matches!(at, Some(At::Time(_))) {
            *at = Some(At::Time(time_ms));
        }
    };
    match expr {
        Expr::Vector(selector) => pin_at(&mut selector.at),
        Expr::Matrix(matrix) => pin_at(&mut matrix.selector.at),
        Expr::Subquery(subquery) => {
            pin_at(&mut subquery.at);
            return Some(());
        }
        Expr::Call(call) => {
            const TIME_DEPENDENT: [&str; 15] = [
                "days_in_month",
                "day_of_month",
                "day_of_week",
                "day_of_year",
                "end",
                "hour",
                "minute",
                "month",
                "year",
                "predict_linear",
                "range",
                "start",
                "step",
                "time",
                "timestamp",
            ];
            if TIME_DEPENDENT.contains(&call.function.name) {
                return None;
            }
        }
        _ => {}
    }
    expr.children_mut().try_for_each(|child| pin(child, time_ms))
}

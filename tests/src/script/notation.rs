//! The notation of series and samples in acceptance scripts.

use crate::data::{Histogram, Labels, ResetHint, Series, Value};

/// A length of time or a moment: `1h30m`, `-10s`, `10s53ms`, bare seconds.
pub(super) fn duration_ms(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    if let Ok(seconds) = rest.parse::<f64>() {
        return Some(sign * (seconds * 1000.0).round() as i64);
    }
    let mut total = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += number * unit_ms(&rest[..unit])?;
        rest = &rest[unit..];
    }
    Some(sign * total)
}

fn unit_ms(unit: &str) -> Option<i64> {
    Some(match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        "y" => 31_536_000_000,
        _ => return None,
    })
}

/// `metric{label="value"} VALUES`; nothing for what remote write cannot carry.
pub(super) fn series(text: &str, start_ms: i64, interval_ms: i64) -> Option<Series> {
    let (labels, rest) = labels(text)?;
    // `@st` begins a list of start timestamps.
    if rest.starts_with('@') {
        return None;
    }
    let mut samples = Vec::new();
    let mut slot = 0;
    for item in items(rest) {
        for value in values(item)? {
            samples.extend(value.map(|value| (start_ms + slot * interval_ms, value)));
            slot += 1;
        }
    }
    Some(Series { labels, samples, exemplars: Vec::new() })
}

/// The label set at the beginning, and what follows it.
fn labels(text: &str) -> Option<(Labels, &str)> {
    let mut labels = Labels::new();
    let name_end = text.find(|c: char| c == '{' || c.is_whitespace())?;
    if name_end > 0 {
        labels.insert("__name__".to_owned(), text[..name_end].to_owned());
    }
    let mut rest = text[name_end..].trim_start();
    let Some(inside) = rest.strip_prefix('{') else { return Some((labels, rest)) };
    rest = inside.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after.trim_start()));
        }
        let (name, after) = if rest.starts_with(['"', '\'']) {
            quoted(rest)?
        } else {
            let end = rest.find(|c: char| c == '=' || c.is_whitespace())?;
            (rest[..end].to_owned(), &rest[end..])
        };
        rest = after.trim_start();
        if let Some(value) = rest.strip_prefix('=') {
            let (value, after) = quoted(value.trim_start())?;
            labels.insert(name, value);
            rest = after;
        } else {
            // A quoted name without a value is the metric's.
            labels.insert("__name__".to_owned(), name);
        }
        rest = rest.trim_start().trim_start_matches(',').trim_start();
    }
}

/// A quoted string at the beginning, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                't' => '\t',
                other @ ('\\' | '"' | '\'') => other,
                _ => return None,
            }),
            _ if character == quote => return Some((value, &text[index + 1..])),
            _ => value.push(character),
        }
    }
    None
}

/// Splits at white space outside `{{…}}`.
fn items(text: &str) -> Vec<&str> {
    let (mut items, mut start, mut depth) = (Vec::new(), 0, 0);
    for (index, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ if character.is_whitespace() && depth == 0 => {
                items.push(&text[start..index]);
                start = index + character.len_utf8();
            }
            _ => {}
        }
    }
    items.push(&text[start..]);
    items.retain(|item| !item.is_empty());
    items
}

/// The samples of one item; a missing one is `None`.
fn values(item: &str) -> Option<Vec<Option<Value>>> {
    if let Some(count) = item.strip_prefix("_x") {
        return Some(vec![None; count.parse().ok()?]);
    }
    match item {
        "_" => return Some(vec![None]),
        "stale" => return Some(vec![Some(Value::stale())]),
        _ if item.starts_with("{{") => return histograms(item),
        _ => {}
    }
    let Some((progression, count)) = item.rsplit_once('x') else {
        return Some(vec![Some(Value::Float(number(item)?))]);
    };
    let count: i32 = count.parse().ok()?;
    // A sign after the first character, unless it belongs to an exponent.
    let sign = progression
        .char_indices()
        .skip(1)
        .find(|(at, c)| matches!(c, '+' | '-') && !progression[..*at].ends_with(['e', 'E']));
    let (first, delta) = match sign {
        Some((at, _)) => (number(&progression[..at])?, number(&progression[at..])?),
        None => (number(progression)?, 0.0),
    };
    // Added up one by one, as the reference does.
    let mut value = first;
    let mut values = vec![Some(Value::Float(value))];
    for _ in 0..count {
        value += delta;
        values.push(Some(Value::Float(value)));
    }
    Some(values)
}

fn number(text: &str) -> Option<f64> {
    match text {
        "Inf" | "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        _ => text.parse().ok(),
    }
}

/// `{{…}}`, `{{…}}xN`, `{{…}}+{{…}}xN`.
fn histograms(item: &str) -> Option<Vec<Option<Value>>> {
    let wrap = |histogram: &Histogram| Some(Value::Histogram(Box::new(histogram.clone())));
    let (first, rest) = item.strip_prefix("{{")?.split_once("}}")?;
    let first = histogram(first)?;
    if rest.is_empty() {
        return Some(vec![wrap(&first)]);
    }
    if let Some(count) = rest.strip_prefix('x') {
        return Some(vec![wrap(&first); 1 + count.parse::<usize>().ok()?]);
    }
    let (delta, count) = rest.strip_prefix("+{{")?.split_once("}}x")?;
    let (mut current, delta) = (first, histogram(delta)?);
    let mut values = vec![wrap(&current)];
    for _ in 0..count.parse::<u32>().ok()? {
        current = sum(&current, &delta)?;
        values.push(wrap(&current));
    }
    Some(values)
}

/// The sum of histograms that have the same buckets.
fn sum(left: &Histogram, right: &Histogram) -> Option<Histogram> {
    let same = left.schema == right.schema
        && left.zero_threshold == right.zero_threshold
        && left.custom_values == right.custom_values;
    let buckets = |left: &[(i32, f64)], right: &[(i32, f64)]| {
        let mut all: std::collections::BTreeMap<i32, f64> = left.iter().copied().collect();
        right.iter().for_each(|(index, count)| *all.entry(*index).or_default() += count);
        all.into_iter().collect()
    };
    same.then(|| Histogram {
        zero_count: left.zero_count + right.zero_count,
        count: left.count + right.count,
        sum: left.sum + right.sum,
        positive: buckets(&left.positive, &right.positive),
        negative: buckets(&left.negative, &right.negative),
        ..left.clone()
    })
}

/// The inside of `{{…}}`: `key:value` and `key:[values]`.
fn histogram(text: &str) -> Option<Histogram> {
    let mut histogram = Histogram { float: true, ..Histogram::default() };
    let (mut offset, mut negative_offset) = (0, 0);
    let (mut positive, mut negative) = (Vec::new(), Vec::new());
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once(':')?;
        let (value, after) = if let Some(list) = after.strip_prefix('[') {
            list.split_once(']')?
        } else {
            after.split_once(' ').unwrap_or((after, ""))
        };
        let list = || value.split_whitespace().map(number).collect::<Option<Vec<f64>>>();
        match key {
            "schema" => histogram.schema = value.parse().ok()?,
            "sum" => histogram.sum = number(value)?,
            "count" => histogram.count = number(value)?,
            "z_bucket" => histogram.zero_count = number(value)?,
            "z_bucket_w" => histogram.zero_threshold = number(value)?,
            "offset" => offset = value.parse().ok()?,
            "n_offset" => negative_offset = value.parse().ok()?,
            "buckets" => positive = list()?,
            "n_buckets" => negative = list()?,
            "custom_values" => histogram.custom_values = list()?,
            "counter_reset_hint" => histogram.hint = hint(value)?,
            _ => return None,
        }
        rest = after.trim_start();
    }
    histogram.positive = (offset..).zip(positive).collect();
    histogram.negative = (negative_offset..).zip(negative).collect();
    Some(histogram)
}

fn hint(text: &str) -> Option<ResetHint> {
    Some(match text {
        "unknown" => ResetHint::Unknown,
        "reset" => ResetHint::Reset,
        "not_reset" => ResetHint::NotReset,
        "gauge" => ResetHint::Gauge,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(text: &str) -> Vec<Option<f64>> {
        let float = |value: Option<Value>| match value {
            Some(Value::Float(value)) => Some(value),
            _ => None,
        };
        values(text).expect("a value").into_iter().map(float).collect()
    }

    #[test]
    fn progressions_and_repetitions_are_expanded() {
        assert_eq!(floats("1+2x3"), [1.0, 3.0, 5.0, 7.0].map(Some));
        assert_eq!(floats("1e-1-1e-1x1"), [0.1, 0.0].map(Some));
        assert_eq!(floats("-Inf"), [Some(f64::NEG_INFINITY)]);
        assert_eq!(floats("7x2"), [7.0, 7.0, 7.0].map(Some));
        assert_eq!(floats("_x2"), [None, None]);
    }

    #[test]
    fn durations_have_units_and_signs() {
        assert_eq!(duration_ms("10s53ms"), Some(10_053));
        assert_eq!(duration_ms("-1h30m"), Some(-5_400_000));
        assert_eq!(duration_ms("1.5"), Some(1500));
        assert_eq!(duration_ms("soon"), None);
    }

    #[test]
    fn labels_may_hold_braces_and_names_may_be_quoted() {
        let (set, rest) = labels(r#"{"a.b", c="}", 'd e'='\\'} 1 2"#).expect("labels");
        let expected = [("__name__", "a.b"), ("c", "}"), ("d e", "\\")];
        assert_eq!(set, crate::data::label_set(&expected));
        assert_eq!(rest, "1 2");
    }

    #[test]
    fn histograms_are_added_bucket_by_bucket() {
        let read = values(
            "{{schema:1 count:3 buckets:[1 2] offset:-1}}+{{schema:1 count:1 buckets:[1]}}x1",
        );
        let Some(Value::Histogram(last)) = &read.expect("histograms")[1] else { panic!("none") };
        assert_eq!((last.count, &last.positive), (4.0, &vec![(-1, 1.0), (0, 3.0)]));
    }
}

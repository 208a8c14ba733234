//! Two answers side by side, for people: which series differ, and from when.

use std::collections::BTreeMap;

use serde_json::Value;

/// So many series are shown.
const SHOWN: usize = 3;

/// A series' samples by time, as texts.
type Samples = BTreeMap<String, String>;

/// The first series that differ, each with its first different sample and
/// how many there are; empty for answers that are no vectors.
pub(super) fn of(expected: &Value, actual: &Value) -> String {
    let (expected, actual) = (series(expected), series(actual));
    let mut names: Vec<&String> = expected.keys().chain(actual.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let none = Samples::new();
    let differing = names.into_iter().filter_map(|name| {
        let one = expected.get(name).unwrap_or(&none);
        let two = actual.get(name).unwrap_or(&none);
        line(one, two).map(|line| format!("\n    {name}: {line}"))
    });
    let lines: Vec<String> = differing.collect();
    let more = lines.len().saturating_sub(SHOWN);
    let mut text: String = lines.into_iter().take(SHOWN).collect();
    if more > 0 {
        text.push_str(&format!("\n    … {more} more series"));
    }
    text
}

fn series(data: &Value) -> BTreeMap<String, Samples> {
    let list = data["result"].as_array().into_iter().flatten();
    let list = list.filter(|series| series.is_object());
    list.map(|series| (series["metric"].to_string(), samples(series))).collect()
}

fn samples(series: &Value) -> Samples {
    let all = ["values", "histograms"].iter().filter_map(|key| series[key].as_array());
    let single = ["value", "histogram"].iter().filter_map(|key| series.get(key));
    let pair = |sample: &Value| (sample[0].to_string(), sample[1].to_string());
    all.flatten().chain(single).map(pair).collect()
}

fn line(expected: &Samples, actual: &Samples) -> Option<String> {
    let times = expected.keys().chain(actual.keys());
    let mut times: Vec<&String> =
        times.filter(|time| expected.get(*time) != actual.get(*time)).collect();
    times.sort_unstable();
    times.dedup();
    let (first, last) = (times.first()?, times.last()?);
    let shown = |samples: &Samples| {
        let text = samples.get(*first).map_or("nothing", String::as_str);
        text.chars().take(120).collect::<String>()
    };
    Some(format!(
        "{} of {} samples, {first} to {last}; at the first: {} became {}",
        times.len(),
        expected.len().max(actual.len()),
        shown(expected),
        shown(actual)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_different_sample_of_a_series_is_shown() {
        let answer = |second: &str| {
            serde_json::json!({ "result": [
                { "metric": { "a": "b" }, "values": [[1, "1"], [2, second]] },
                { "metric": { "a": "c" }, "values": [[1, "1"]] },
            ]})
        };
        let text = of(&answer("5"), &answer("6"));
        assert_eq!(
            text,
            "\n    {\"a\":\"b\"}: 1 of 2 samples, 2 to 2; at the first: \"5\" became \"6\""
        );
        assert_eq!(of(&answer("5"), &answer("5")), "");
    }
}

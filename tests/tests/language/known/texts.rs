//! Warnings and infos: what later versions word in another way, or no longer
//! or not yet say.

use std::collections::BTreeSet;

use crate::answer::Answer;

/// What comes between these words is said by one side only.
const CHANGED_TEXTS: &[&str] = &[
    // #18498
    "sort is ineffective for range queries",
    // #17051, #17094
    "conflicting counter resets during histogram",
    // #17278
    "mismatched custom buckets were reconciled",
];

/// The answer without texts, or parts of them, that later versions changed.
pub(super) fn without_changed(query: &str, answer: &Answer) -> Answer {
    let mut answer = answer.clone();
    if let Answer::Data { warnings, infos, .. } = &mut answer {
        for texts in [warnings, infos] {
            let kept = texts.iter().filter(|text| !CHANGED_TEXTS.iter().any(|c| text.contains(c)));
            *texts = kept.map(|text| common(query, text)).collect::<BTreeSet<String>>();
        }
    }
    answer
}

/// What a text says in all versions.
fn common(query: &str, text: &str) -> String {
    let mut text = text.to_owned();
    // #15578: more about what was fixed.
    if let (Some(start), Some(end)) = (text.find(", from buckets "), text.rfind(" (")) {
        text.replace_range(start..end, "");
    }
    // #16794: no name is no longer said; nor is the one of a bad bucket.
    let of_buckets = ["bucket label \"le\"", "fixed for monotonicity"];
    if of_buckets.iter().any(|part| text.contains(part)) {
        text = without_name(&text);
    }
    text = text.replace(" for metric name \"\"", "");
    // #16801: the place is that of the histograms; nor is a place told twice
    // where two names were.
    let moved = ["has NaN observations", of_buckets[0], of_buckets[1]];
    if moved.iter().any(|part| text.contains(part)) {
        let end = text.rfind(" (").unwrap_or(text.len());
        text.truncate(end);
    }
    behind_parentheses(query, &text)
}

fn without_name(text: &str) -> String {
    let Some(start) = text.find(" for metric name \"") else { return text.to_owned() };
    let rest = &text[start + 18..];
    let end = rest.find('"').map_or(text.len(), |end| start + 19 + end);
    format!("{}{}", &text[..start], &text[end..])
}

/// #16996, #17031: places of arguments in parentheses are those of what is
/// inside.
fn behind_parentheses(query: &str, text: &str) -> String {
    let place = text.rfind("(1:").and_then(|start| {
        let column = text[start + 3..].strip_suffix(')')?.parse::<usize>().ok()?;
        Some((start, column))
    });
    let Some((start, column)) = place else { return text.to_owned() };
    let behind = query.as_bytes().get(column - 1..).unwrap_or_default();
    let open = behind.iter().take_while(|byte| b"( ".contains(byte)).count();
    format!("{}(1:{})", &text[..start], column + open)
}

//! Do two answers say the same?

use std::collections::BTreeSet;

use crate::answer::{Answer, Element, Shape, Shown};

/// How far values may be apart, relative to the larger.
const TOLERANCE: f64 = 1e-12;
/// What may be left where larger numbers cancel.
const CANCELLED: f64 = 1e-14;

/// What differs, if anything.
pub(crate) fn difference(query: &str, expected: &Answer, actual: &Answer) -> Option<String> {
    match (expected, actual) {
        (
            Answer::Failed { kind, text },
            Answer::Failed { kind: actual_kind, text: actual_text },
        ) => {
            let same = kind == actual_kind && text == actual_text;
            (!same).then(|| format!("{kind} {text:?}\n    became {actual_kind} {actual_text:?}"))
        }
        (
            Answer::Data { value, warnings, infos },
            Answer::Data { value: actual_value, warnings: actual_warnings, infos: actual_infos },
        ) => values(query, value, actual_value)
            .or_else(|| texts("warnings", warnings, actual_warnings))
            .or_else(|| texts("infos", infos, actual_infos)),
        (Answer::Failed { .. }, Answer::Data { .. }) => {
            Some(format!("{expected:?}\n    became data"))
        }
        (Answer::Data { .. }, Answer::Failed { .. }) => {
            Some(format!("data became\n    {actual:?}"))
        }
    }
}

fn texts(kind: &str, expected: &BTreeSet<String>, actual: &BTreeSet<String>) -> Option<String> {
    // Of many texts a server shows any ten.
    let omits =
        |texts: &BTreeSet<String>| texts.iter().any(|text| text.ends_with("annotations omitted"));
    let same = expected == actual || (omits(expected) && omits(actual));
    (!same).then(|| {
        let lost: Vec<_> = expected.difference(actual).collect();
        let gained: Vec<_> = actual.difference(expected).collect();
        format!("{kind}: only expected {lost:?}\n    only actual {gained:?}")
    })
}

/// What differs between data, if anything.
pub(crate) fn values(query: &str, expected: &Shown, actual: &Shown) -> Option<String> {
    match (expected, actual) {
        (Shown::Scalar(time, value), Shown::Scalar(actual_time, actual_value)) => {
            let same = time == actual_time && same(*value, *actual_value);
            (!same).then(|| format!("scalar {value} became {actual_value}"))
        }
        (Shown::Text(time, text), Shown::Text(actual_time, actual_text)) => {
            let same = time == actual_time && text == actual_text;
            (!same).then(|| format!("{text:?} became {actual_text:?}"))
        }
        (Shown::Vector(expected), Shown::Vector(actual)) => {
            in_order(Order::of(query), expected, actual)
        }
        (Shown::Matrix(expected), Shown::Matrix(actual)) if query.ends_with(']') => {
            elements(&sorted(expected), &sorted(actual))
        }
        (Shown::Matrix(expected), Shown::Matrix(actual)) => {
            elements(&expected.iter().collect::<Vec<_>>(), &actual.iter().collect::<Vec<_>>())
        }
        _ => Some(format!("{expected:?} became {actual:?}")),
    }
}

/// Does the order of an instant vector's elements count?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    All,
    /// Equal values have no order.
    Values,
    /// A server gives elements in an order of its own each time.
    None,
}

impl Order {
    fn of(query: &str) -> Self {
        const SHUFFLED: [&str; 6] =
            ["histogram_quantile(", "histogram_fraction(", "count_values", "info(", ":", "sort"];
        if query.starts_with("sort(") || query.starts_with("sort_desc(") {
            Self::Values
        } else if SHUFFLED.iter().any(|part| query.contains(part)) {
            Self::None
        } else {
            Self::All
        }
    }
}

/// The same elements in the same order.
fn in_order(order: Order, expected: &[Element], actual: &[Element]) -> Option<String> {
    let labels = |all: &[Element]| all.iter().map(|e| e.labels.clone()).collect::<Vec<_>>();
    let (before, after) = (labels(expected), labels(actual));
    let same_order = match order {
        Order::All => before == after,
        // Of few elements or in the order of a server's sort.
        Order::Values => expected.iter().zip(actual).all(|(a, b)| same_values(a, b)),
        Order::None => true,
    };
    elements(&sorted(expected), &sorted(actual))
        .or_else(|| (!same_order).then(|| format!("order {before:?}\n    became {after:?}")))
}

fn same_values(expected: &Element, actual: &Element) -> bool {
    let pairs = expected.floats.iter().zip(&actual.floats);
    expected.floats.len() == actual.floats.len() && pairs.into_iter().all(|(a, b)| same(a.1, b.1))
}

fn sorted(elements: &[Element]) -> Vec<&Element> {
    let mut all: Vec<&Element> = elements.iter().collect();
    all.sort_by(|a, b| a.labels.cmp(&b.labels));
    all
}

fn elements(expected: &[&Element], actual: &[&Element]) -> Option<String> {
    for (index, element) in expected.iter().enumerate() {
        let Some(other) = actual.get(index).filter(|other| other.labels == element.labels) else {
            return Some(format!("lost {element:?}\n    for {:?}", actual.get(index)));
        };
        if let Some(found) = samples(element, other) {
            return Some(format!("{:?}: {found}", element.labels));
        }
    }
    actual.get(expected.len()).map(|gained| format!("gained {gained:?}"))
}

fn samples(expected: &Element, actual: &Element) -> Option<String> {
    let floats = expected.floats.len() == actual.floats.len()
        && expected
            .floats
            .iter()
            .zip(&actual.floats)
            .all(|((time, a), (other, b))| time == other && same(*a, *b));
    if !floats {
        let first = expected
            .floats
            .iter()
            .zip(&actual.floats)
            .find(|((time, a), (other, b))| time != other || !same(*a, *b));
        return Some(format!(
            "{} floats became {}; first {first:?}",
            expected.floats.len(),
            actual.floats.len(),
        ));
    }
    if expected.histograms.len() != actual.histograms.len() {
        let times =
            |all: &Element| all.histograms.iter().map(|(time, _)| *time).collect::<Vec<_>>();
        return Some(format!("histograms at {:?} became {:?}", times(expected), times(actual)));
    }
    let mut pairs = expected.histograms.iter().zip(&actual.histograms);
    let found = pairs.find(|((time, a), (other, b))| time != other || !same_shape(a, b));
    found.map(|(a, b)| format!("{a:?}\n    became {b:?}"))
}

fn same_shape(expected: &Shape, actual: &Shape) -> bool {
    let bucket = |(rule, numbers): &(u64, [f64; 3]), (other, others): &(u64, [f64; 3])| {
        rule == other && numbers.iter().zip(others).all(|(a, b)| same(*a, *b))
    };
    same(expected.count, actual.count)
        && same(expected.sum, actual.sum)
        && expected.buckets.len() == actual.buckets.len()
        && expected.buckets.iter().zip(&actual.buckets).all(|(a, b)| bucket(a, b))
}

/// The same bits, or as close as sums in another order are; no number is any
/// other.
fn same(expected: f64, actual: f64) -> bool {
    if expected == actual {
        return expected.is_sign_negative() == actual.is_sign_negative();
    }
    if expected.is_nan() || actual.is_nan() {
        return expected.is_nan() && actual.is_nan();
    }
    let difference = (expected - actual).abs();
    difference <= TOLERANCE * expected.abs().max(actual.abs()) || difference <= CANCELLED
}
